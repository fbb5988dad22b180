//! What Azure finds on the site's machines.

use jiff::Timestamp;
use sidestep_azure::{Azure, AzureError, ItemKind, ProtectedItem};
use sidestep_model::site::Site;

use crate::ids::Ids;

/// One of the site's machines, and what is on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Whether it is registered with the vault. What is not is not looked into.
    pub is_registered: bool,
    /// Its instances, availability groups and databases, as Azure lists them.
    pub found: Vec<Found>,
}

/// An instance, an availability group or a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: ItemKind,
    /// The instance or group that it is in; its own name where it is one.
    pub instance: String,
    /// Its name.
    pub name: String,
    /// Whether and how it is protected.
    pub protection: Option<Protection>,
}

/// A database's protection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// As `IRPending` before the first backup, `Protected`, `ProtectionStopped`.
    pub state: String,
    /// The policy's name, where it has one.
    pub policy: Option<String>,
    /// The latest time that it can be restored to.
    pub last_recovery_point: Option<Timestamp>,
}

/// Has Azure look for machines, and for databases on the registered ones, and
/// lists what it found.
pub async fn discover(site: &Site, azure: &Azure) -> Result<Vec<Machine>, AzureError> {
    let ids = Ids::of(site);
    azure.refresh_containers(&ids.vault).await?;
    let containers = azure.containers(&ids.vault).await?;
    for container in &containers {
        if ids.vms.iter().any(|(_, vm)| *vm == container.vm) {
            azure.inquire(&ids.vault, &container.name).await?;
        }
    }
    let items = azure.protectable_items(&ids.vault).await?;
    let protected = azure.protected_items(&ids.vault).await?;
    let machines = ids.vms.iter().map(|(vm, id)| {
        let container = containers.iter().find(|container| container.vm == *id);
        let is_here = |name: &str| {
            container.is_some_and(|container| container.name.eq_ignore_ascii_case(name))
        };
        let found = items
            .iter()
            .filter(|item| is_here(&item.container))
            .map(|item| {
                let known = protected.iter().find(|one| {
                    item.kind == ItemKind::Database
                        && is_here(&one.container_name)
                        && one.friendly_name.eq_ignore_ascii_case(&item.friendly_name)
                        && one.instance.eq_ignore_ascii_case(&item.instance)
                });
                Found {
                    kind: item.kind.clone(),
                    instance: item.instance.clone(),
                    name: item.friendly_name.clone(),
                    protection: known.map(protection),
                }
            });
        Machine {
            name: vm.name.clone(),
            is_registered: container.is_some(),
            found: found.collect(),
        }
    });
    Ok(machines.collect())
}

fn protection(item: &ProtectedItem) -> Protection {
    Protection {
        state: item.protection_state.clone(),
        policy: item.policy.as_ref().map(|policy| policy.name().to_owned()),
        last_recovery_point: item.last_recovery_point,
    }
}
