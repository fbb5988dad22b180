//! Virtual machines as Azure Backup sees them: containers of databases.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::answer::{accepted, read};
use crate::arm_id::{self, ArmId};
use crate::client::{Azure, Call};
use crate::error::AzureError;
use crate::request::BACKUP;

const FABRIC: &str = "backupFabrics/Azure";
const WORKLOAD: &str = "backupManagementType eq 'AzureWorkload'";

/// A virtual machine that can be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectableContainer {
    /// Its id.
    pub id: ArmId,
    /// The name to register it by; it is never put together.
    pub name: String,
    /// The virtual machine.
    pub vm: ArmId,
}

/// A registered virtual machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its id.
    pub id: ArmId,
    /// Its name.
    pub name: String,
    /// The virtual machine.
    pub vm: ArmId,
    /// As `Registered`.
    pub registration_status: String,
    /// As `Healthy`.
    pub health_status: String,
    /// The guest's own name: of at most 15 characters in a workgroup, with its
    /// domain in one. It says nothing about the machine's name in Azure.
    pub server_name: Option<String>,
}

/// Whether a machine is registered for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// It is.
    New,
    /// The extension on it is to be set up once more.
    Again,
}

#[derive(Deserialize)]
struct ProtectableDocument {
    id: ArmId,
    name: String,
    properties: ProtectableProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProtectableProperties {
    #[serde(default, deserialize_with = "arm_id::optional")]
    container_id: Option<ArmId>,
}

#[derive(Deserialize)]
struct ContainerDocument {
    id: ArmId,
    name: String,
    properties: ContainerProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerProperties {
    #[serde(default, deserialize_with = "arm_id::optional")]
    source_resource_id: Option<ArmId>,
    #[serde(default)]
    registration_status: Option<String>,
    #[serde(default)]
    health_status: Option<String>,
    #[serde(default)]
    extended_info: Option<ExtendedInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExtendedInfo {
    #[serde(default)]
    host_server_name: Option<String>,
}

impl ContainerDocument {
    /// `None` for what is no virtual machine, as an availability group.
    fn into_container(self) -> Option<Container> {
        let properties = self.properties;
        Some(Container {
            id: self.id,
            name: self.name,
            vm: properties.source_resource_id?,
            registration_status: properties.registration_status.unwrap_or_default(),
            health_status: properties.health_status.unwrap_or_default(),
            server_name: properties
                .extended_info
                .and_then(|info| info.host_server_name),
        })
    }
}

impl Azure {
    /// The virtual machines that can be registered, as Azure last saw them.
    /// Registered ones are not among them.
    pub async fn protectable_containers(
        &self,
        vault: &ArmId,
    ) -> Result<Vec<ProtectableContainer>, AzureError> {
        let path = format!("{FABRIC}/protectableContainers");
        let url = self.url_below(vault, &path, BACKUP, Some(WORKLOAD));
        let listed: Vec<ProtectableDocument> = self
            .list("list the machines that can be registered", url)
            .await?;
        let containers = listed.into_iter().filter_map(|document| {
            Some(ProtectableContainer {
                vm: document.properties.container_id?,
                id: document.id,
                name: document.name,
            })
        });
        Ok(containers.collect())
    }

    /// Lets Azure look for virtual machines anew, and waits.
    pub async fn refresh_containers(&self, vault: &ArmId) -> Result<(), AzureError> {
        let doing = "look for machines that can be registered";
        let path = format!("{FABRIC}/refreshContainers");
        let url = self.url_below(vault, &path, BACKUP, Some(WORKLOAD));
        let call = Call::new(doing, Method::POST, url);
        let reply = accepted(doing, self.send(&call).await?)?;
        self.follow_location(doing, reply, None).await?;
        Ok(())
    }

    /// The registered virtual machines.
    pub async fn containers(&self, vault: &ArmId) -> Result<Vec<Container>, AzureError> {
        let filter = format!("{WORKLOAD} and status eq 'Registered'");
        let url = self.url_below(vault, "backupProtectionContainers", BACKUP, Some(&filter));
        let listed: Vec<ContainerDocument> = self.list("list the registered machines", url).await?;
        Ok(listed
            .into_iter()
            .filter_map(ContainerDocument::into_container)
            .collect())
    }

    /// Registers a virtual machine under the name that
    /// [`Azure::protectable_containers`] gave, and waits: a minute to some.
    pub async fn register(
        &self,
        vault: &ArmId,
        container_name: &str,
        vm: &ArmId,
        registration: Registration,
    ) -> Result<Container, AzureError> {
        let doing = "register the machine";
        let mut body = json!({
            "properties": {
                "containerType": "VMAppContainer",
                "backupManagementType": "AzureWorkload",
                "sourceResourceId": vm.as_str(),
                "workloadType": "SQLDataBase",
            },
        });
        if registration == Registration::Again {
            body["properties"]["operationType"] = json!("Reregister");
        }
        let id = container(vault, container_name);
        let url = self.url_of(&id, BACKUP);
        let call = Call::new(doing, Method::PUT, url.clone()).with(body);
        let reply = accepted(doing, self.send(&call).await?)?;
        let last = self.follow_location(doing, reply, Some(&id)).await?;
        // The last answer is the container, or says no more than that it is done.
        let document: ContainerDocument = match read(doing, &last) {
            Ok(document) => document,
            Err(_) => self.get_there(doing, url).await?,
        };
        document
            .into_container()
            .ok_or_else(|| AzureError::Unreadable {
                doing,
                detail: "the container has no virtual machine".to_owned(),
            })
    }

    /// Lets Azure look for databases on a registered machine, and waits.
    pub async fn inquire(&self, vault: &ArmId, container_name: &str) -> Result<(), AzureError> {
        let doing = "look for databases";
        let filter = format!("{WORKLOAD} and workloadType eq 'SQLDataBase'");
        let id = container(vault, container_name);
        let url = self.url_below(&id, "inquire", BACKUP, Some(&filter));
        let call = Call::new(doing, Method::POST, url);
        let reply = accepted(doing, self.send(&call).await?)?;
        self.follow_location(doing, reply, Some(&id)).await?;
        Ok(())
    }
}

fn container(vault: &ArmId, name: &str) -> ArmId {
    vault
        .child("backupFabrics", "Azure")
        .child("protectionContainers", name)
}
