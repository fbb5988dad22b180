//! The Recovery Services vault and what connects to it.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::answer::accepted;
use crate::arm_id::{self, ArmId};
use crate::client::{Azure, Call};
use crate::error::AzureError;
use crate::request::{BACKUP, VAULTS};

/// A vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vault {
    /// Its id.
    pub id: ArmId,
    /// Its region.
    pub location: String,
    /// Whether it takes data from public networks.
    pub public_network_access: bool,
    /// The private endpoints that are connected, or ask to be.
    pub connections: Vec<EndpointConnection>,
    /// As `Succeeded`.
    pub provisioning_state: String,
}

/// A private endpoint's connection to the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointConnection {
    /// Its id; the name is Azure's.
    pub id: ArmId,
    /// The private endpoint.
    pub private_endpoint: Option<ArmId>,
    /// As `Approved`, `Pending`, `Rejected` or `Disconnected`.
    pub status: String,
}

/// A vault to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVault {
    /// Its region.
    pub location: String,
    /// As `GeoRedundant`; it cannot change after the first protection.
    pub redundancy: String,
    /// Whether it takes data from public networks.
    pub public_network_access: bool,
}

/// What a private endpoint can be made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateLinkResource {
    /// As `AzureBackup`.
    pub group_id: String,
    /// The services behind it, an address each.
    pub required_members: Vec<String>,
    /// The private DNS zones that its names are in. Their region codes cannot be
    /// derived from anything else.
    pub required_zones: Vec<String>,
}

#[derive(Deserialize)]
struct VaultDocument {
    id: ArmId,
    location: String,
    #[serde(default)]
    properties: VaultProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VaultProperties {
    #[serde(default)]
    public_network_access: Option<String>,
    #[serde(default)]
    private_endpoint_connections: Option<Vec<ConnectionDocument>>,
    #[serde(default)]
    provisioning_state: Option<String>,
}

#[derive(Deserialize)]
struct ConnectionDocument {
    id: ArmId,
    #[serde(default)]
    properties: ConnectionProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionProperties {
    #[serde(default)]
    private_endpoint: Option<Reference>,
    #[serde(default)]
    private_link_service_connection_state: Option<ConnectionState>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default, deserialize_with = "arm_id::optional")]
    id: Option<ArmId>,
}

#[derive(Deserialize)]
struct ConnectionState {
    #[serde(default)]
    status: Option<String>,
}

impl Vault {
    /// Whether nobody is making or changing it; a state that is not known is an end.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let in_work = ["Provisioning", "Creating", "Updating", "Accepted"];
        let state = &self.provisioning_state;
        !in_work.iter().any(|word| word.eq_ignore_ascii_case(state))
    }
}

impl From<VaultDocument> for Vault {
    fn from(document: VaultDocument) -> Self {
        let VaultDocument {
            id,
            location,
            properties,
        } = document;
        let access = properties.public_network_access.unwrap_or_default();
        Self {
            id,
            location,
            // Vaults that are older than the setting are open.
            public_network_access: !access.eq_ignore_ascii_case("Disabled"),
            connections: properties
                .private_endpoint_connections
                .into_iter()
                .flatten()
                .map(EndpointConnection::from)
                .collect(),
            provisioning_state: properties.provisioning_state.unwrap_or_default(),
        }
    }
}

impl From<ConnectionDocument> for EndpointConnection {
    fn from(document: ConnectionDocument) -> Self {
        let properties = document.properties;
        Self {
            id: document.id,
            private_endpoint: properties.private_endpoint.and_then(|to| to.id),
            status: properties
                .private_link_service_connection_state
                .and_then(|state| state.status)
                .unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct LinkDocument {
    properties: LinkProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkProperties {
    group_id: String,
    #[serde(default)]
    required_members: Vec<String>,
    #[serde(default)]
    required_zone_names: Vec<String>,
}

impl Azure {
    /// The vault; `None` where there is none.
    pub async fn vault(&self, vault: &ArmId) -> Result<Option<Vault>, AzureError> {
        let found: Option<VaultDocument> = self
            .get("read the vault", self.url_of(vault, VAULTS))
            .await?;
        Ok(found.map(Vault::from))
    }

    /// Waits until a vault that somebody is making or changing is ready.
    pub async fn settled_vault(&self, vault: &ArmId) -> Result<Vault, AzureError> {
        let doing = "wait for the vault";
        let pace = *self.pace();
        let deadline = Instant::now() + pace.operation;
        loop {
            let document: VaultDocument = self.get_there(doing, self.url_of(vault, VAULTS)).await?;
            let vault = Vault::from(document);
            if vault.is_settled() {
                return Ok(vault);
            }
            let pause = pace.poll.max(pace.floor);
            self.pause(doing, pause, deadline, pace.operation).await?;
        }
    }

    /// Makes the vault and waits until it is there.
    pub async fn create_vault(&self, vault: &ArmId, new: &NewVault) -> Result<Vault, AzureError> {
        let body = json!({
            "location": new.location,
            "sku": { "name": "RS0", "tier": "Standard" },
            "properties": {
                "publicNetworkAccess": access(new.public_network_access),
                "redundancySettings": { "standardTierStorageRedundancy": new.redundancy },
            },
        });
        let made: VaultDocument = self
            .put("create the vault", self.url_of(vault, VAULTS), body)
            .await?;
        Ok(made.into())
    }

    /// Opens the vault to public networks or closes it.
    pub async fn set_public_network_access(
        &self,
        vault: &ArmId,
        allowed: bool,
    ) -> Result<Vault, AzureError> {
        let doing = "set the vault's public network access";
        let url = self.url_of(vault, VAULTS);
        let body = json!({ "properties": { "publicNetworkAccess": access(allowed) } });
        let call = Call::new(doing, Method::PATCH, url.clone()).with(body);
        let reply = accepted(doing, self.send(&call).await?)?;
        self.follow_status(doing, reply).await?;
        let changed: VaultDocument = self.get_there(doing, url).await?;
        Ok(changed.into())
    }

    /// What private endpoints can be made for, with the DNS zones that they need.
    pub async fn private_link_resources(
        &self,
        vault: &ArmId,
    ) -> Result<Vec<PrivateLinkResource>, AzureError> {
        let url = self.url_below(vault, "privateLinkResources", VAULTS, None);
        let listed: Vec<LinkDocument> = self
            .list("list what the vault's private endpoint needs", url)
            .await?;
        let resources = listed.into_iter().map(|document| PrivateLinkResource {
            group_id: document.properties.group_id,
            required_members: document.properties.required_members,
            required_zones: document.properties.required_zone_names,
        });
        Ok(resources.collect())
    }

    /// Approves a private endpoint's connection. The whole object goes back, as
    /// `az` sends it, with nothing changed but its state.
    pub async fn approve_connection(
        &self,
        vault: &ArmId,
        connection: &EndpointConnection,
    ) -> Result<(), AzureError> {
        let doing = "approve the private endpoint's connection";
        let id = vault.child("privateEndpointConnections", connection.id.name());
        let url = self.url_of(&id, BACKUP);
        let mut document: Value = self.get_there(doing, url.clone()).await?;
        let Some(properties) = document.get_mut("properties") else {
            return Err(AzureError::Unreadable {
                doing,
                detail: "the connection has no properties".to_owned(),
            });
        };
        properties["privateLinkServiceConnectionState"] =
            json!({ "status": "Approved", "description": "Approved by Sidestep" });
        let body = json!({ "properties": properties });
        let call = Call::new(doing, Method::PUT, url).with(body);
        let reply = accepted(doing, self.send(&call).await?)?;
        self.follow_status(doing, reply).await?;
        Ok(())
    }
}

fn access(allowed: bool) -> &'static str {
    if allowed { "Enabled" } else { "Disabled" }
}
