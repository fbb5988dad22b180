//! Databases: what can be protected and what is.

use jiff::Timestamp;
use serde::Deserialize;

use crate::arm_id::{self, ArmId};
use crate::client::Azure;
use crate::error::AzureError;
use crate::request::BACKUP;
use crate::timestamp;

/// A database, or what databases are in, that Azure found on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectableItem {
    /// Its id.
    pub id: ArmId,
    /// Its name, as `sqldatabase;mssqlserver;orders`.
    pub name: String,
    /// The name of the container that it is in, out of its id.
    pub container: String,
    /// What it is.
    pub kind: ItemKind,
    /// Its name in SQL Server.
    pub friendly_name: String,
    /// The instance that it is in.
    pub instance: String,
    /// The guest's own name.
    pub server_name: String,
    /// As `NotProtected`.
    pub protection_state: String,
    /// Whether Azure would protect it.
    pub is_protectable: bool,
}

/// What a protectable item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A database.
    Database,
    /// An instance of SQL Server.
    Instance,
    /// An availability group.
    AvailabilityGroup,
    /// Something else, in Azure's word.
    Other(String),
}

/// A protected database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtectedItem {
    /// Its id.
    pub id: ArmId,
    /// Its name, as `SQLDataBase;mssqlserver;orders`.
    pub name: String,
    /// Its name in SQL Server.
    pub friendly_name: String,
    /// The instance that it is in.
    pub instance: String,
    /// The guest's own name.
    pub server_name: String,
    /// The virtual machine.
    pub vm: Option<ArmId>,
    /// The name of the container that it is in.
    pub container_name: String,
    /// As `IRPending` before the first backup, `Protected`, `ProtectionStopped`.
    pub protection_state: String,
    /// As `Healthy`.
    pub protection_status: String,
    /// As `IRPending` or `Healthy`.
    pub last_backup_status: String,
    /// When it was last backed up.
    pub last_backup_time: Option<Timestamp>,
    /// The latest time that it can be restored to.
    pub last_recovery_point: Option<Timestamp>,
    /// Its policy; none after protection was stopped.
    pub policy: Option<ArmId>,
    /// Whether it was deleted and waits to be forgotten.
    pub is_soft_deleted: bool,
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
    #[serde(default)]
    protectable_item_type: Option<String>,
    #[serde(default)]
    friendly_name: Option<String>,
    #[serde(default)]
    parent_name: Option<String>,
    #[serde(default)]
    server_name: Option<String>,
    #[serde(default)]
    protection_state: Option<String>,
    // Azure writes it with a capital; its documents say otherwise.
    #[serde(default, rename = "IsProtectable", alias = "isProtectable")]
    is_protectable: Option<bool>,
}

impl From<ProtectableDocument> for ProtectableItem {
    fn from(document: ProtectableDocument) -> Self {
        let properties = document.properties;
        let kind = properties.protectable_item_type.unwrap_or_default();
        let container = document.id.name_of("protectionContainers");
        Self {
            container: container.unwrap_or_default().to_owned(),
            kind: match kind.to_ascii_lowercase().as_str() {
                "sqldatabase" => ItemKind::Database,
                "sqlinstance" => ItemKind::Instance,
                "sqlavailabilitygroupcontainer" => ItemKind::AvailabilityGroup,
                _ => ItemKind::Other(kind),
            },
            id: document.id,
            name: document.name,
            friendly_name: properties.friendly_name.unwrap_or_default(),
            instance: properties.parent_name.unwrap_or_default(),
            server_name: properties.server_name.unwrap_or_default(),
            protection_state: properties.protection_state.unwrap_or_default(),
            is_protectable: properties.is_protectable.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
struct ProtectedDocument {
    id: ArmId,
    name: String,
    properties: ProtectedProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProtectedProperties {
    #[serde(default)]
    friendly_name: Option<String>,
    #[serde(default)]
    parent_name: Option<String>,
    #[serde(default)]
    server_name: Option<String>,
    #[serde(default, deserialize_with = "arm_id::optional")]
    source_resource_id: Option<ArmId>,
    #[serde(default)]
    container_name: Option<String>,
    #[serde(default)]
    protection_state: Option<String>,
    #[serde(default)]
    protection_status: Option<String>,
    #[serde(default)]
    last_backup_status: Option<String>,
    #[serde(default, deserialize_with = "timestamp::optional")]
    last_backup_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "timestamp::optional")]
    last_recovery_point: Option<Timestamp>,
    #[serde(default, deserialize_with = "arm_id::optional")]
    policy_id: Option<ArmId>,
    #[serde(default)]
    is_scheduled_for_deferred_delete: Option<bool>,
}

impl From<ProtectedDocument> for ProtectedItem {
    fn from(document: ProtectedDocument) -> Self {
        let properties = document.properties;
        let container = properties.container_name.unwrap_or_else(|| {
            let name = document.id.name_of("protectionContainers");
            name.unwrap_or_default().to_owned()
        });
        Self {
            id: document.id,
            name: document.name,
            friendly_name: properties.friendly_name.unwrap_or_default(),
            instance: properties.parent_name.unwrap_or_default(),
            server_name: properties.server_name.unwrap_or_default(),
            vm: properties.source_resource_id,
            container_name: container,
            protection_state: properties.protection_state.unwrap_or_default(),
            protection_status: properties.protection_status.unwrap_or_default(),
            last_backup_status: properties.last_backup_status.unwrap_or_default(),
            last_backup_time: properties.last_backup_time,
            last_recovery_point: properties.last_recovery_point,
            policy: properties.policy_id,
            is_soft_deleted: properties
                .is_scheduled_for_deferred_delete
                .unwrap_or_default(),
        }
    }
}

impl Azure {
    /// What Azure found on the registered machines.
    pub async fn protectable_items(
        &self,
        vault: &ArmId,
    ) -> Result<Vec<ProtectableItem>, AzureError> {
        let filter = "backupManagementType eq 'AzureWorkload' and workloadType eq 'SQLDataBase'";
        let url = self.url_below(vault, "backupProtectableItems", BACKUP, Some(filter));
        let listed: Vec<ProtectableDocument> = self
            .list("list the databases that can be protected", url)
            .await?;
        Ok(listed.into_iter().map(ProtectableItem::from).collect())
    }

    /// The protected databases, deleted ones that are not forgotten yet included.
    pub async fn protected_items(&self, vault: &ArmId) -> Result<Vec<ProtectedItem>, AzureError> {
        let filter = "backupManagementType eq 'AzureWorkload' and itemType eq 'SQLDataBase'";
        let url = self.url_below(vault, "backupProtectedItems", BACKUP, Some(filter));
        let listed: Vec<ProtectedDocument> = self.list("list the protected databases", url).await?;
        Ok(listed.into_iter().map(ProtectedItem::from).collect())
    }

    /// One protected database; `None` where there is none.
    pub async fn protected_item(&self, item: &ArmId) -> Result<Option<ProtectedItem>, AzureError> {
        let found: Option<ProtectedDocument> = self
            .get("read the protected database", self.url_of(item, BACKUP))
            .await?;
        Ok(found.map(ProtectedItem::from))
    }
}
