//! What is on a registered machine: instances and databases.

use serde_json::{Value, json};

use super::azure::Azure;
use super::call::{Call, Reply};
use super::container::registered;
use super::error::Problem;
use super::filter::{Filter, page};
use super::network::server_name;
use super::router::only;
use super::state::{Container, State, Vault, last_part};
use super::vault;

const WORKLOAD: &str = "AzureWorkload";

/// `GET …/backupProtectableItems`.
pub(super) fn list(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let filter = Filter::parse(call.parameter("$filter").unwrap_or_default());
    let state = azure.world().state();
    let vaults = state.vault(&vault::of(call)).into_iter();
    let is_asked = state.databases_are_seen
        && filter.allows("backupManagementType", WORKLOAD)
        && (filter.allows("workloadType", "SQLDataBase") || filter.allows("workloadType", "SQL"));
    let value: Vec<Value> = vaults
        .filter(|_| is_asked)
        .flat_map(|vault| {
            let containers = vault.containers.iter().filter(|known| known.is_registered);
            containers.flat_map(|container| on_machine(azure, &state, vault, container))
        })
        .collect();
    Ok(Reply::ok(page(call, value)))
}

/// An instance, then its databases, for each instance of a machine.
fn on_machine(azure: &Azure, state: &State, vault: &Vault, container: &Container) -> Vec<Value> {
    let setup = azure.setup();
    let mut found = Vec::new();
    for instance in setup.instances() {
        let databases = setup.databases_of(instance);
        let about = |name: String, kind: &str, friendly: &str, protection: &str| {
            let is_instance = kind == "SQLInstance";
            let mut properties = json!({
                "parentName": instance,
                "serverName": server_name(last_part(&container.machine)),
                "isAutoProtectable": is_instance,
                "isAutoProtected": false,
                "subinquireditemcount": if is_instance { databases.len() } else { 0 },
                "subprotectableitemcount": 0,
            });
            if is_instance {
                properties["prebackupvalidation"] =
                    json!({ "status": "Success", "code": "Success" });
            }
            // As recorded: this one begins with a capital.
            properties["IsProtectable"] = Value::from(!is_instance);
            properties["backupManagementType"] = Value::from(WORKLOAD);
            properties["workloadType"] = Value::from("SQL");
            properties["protectableItemType"] = Value::from(kind);
            properties["friendlyName"] = Value::from(friendly);
            properties["protectionState"] = Value::from(protection);
            json!({
                "id": format!(
                    "{}/backupFabrics/Azure/protectionContainers/{}/protectableItems/{name}",
                    vault.id,
                    container.name.to_lowercase()
                ),
                "name": name,
                "type": "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectableItems",
                "properties": properties,
            })
        };
        let lower = instance.to_lowercase();
        let name = format!("sqlinstance;{lower}");
        found.push(about(name, "SQLInstance", instance, "NotProtected"));
        for database in &databases {
            let name = format!("sqldatabase;{lower};{}", database.to_lowercase());
            let item = vault.item(&container.name, &name);
            let item = item.filter(|item| item.deleted.is_none());
            let protection = match item {
                Some(item) if state.is_made(Some(&item.made_by)) => "Protected",
                Some(_) => "Protecting",
                None => "NotProtected",
            };
            found.push(about(name, "SQLDataBase", database, protection));
        }
    }
    found
}

/// `GET {container}/items`: instances and databases with their folders.
pub(super) fn workload_items(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let filter = Filter::parse(call.parameter("$filter").unwrap_or_default());
    let state = azure.world().state();
    let (vault, container) = registered(&state, call)?;
    let setup = azure.setup();
    let mut value = Vec::new();
    for instance in setup.instances() {
        let about = |name: String, kind: &str, friendly: &str| {
            json!({
                "id": format!(
                    "{}/backupFabrics/Azure/protectionContainers/{}/items/{name}",
                    vault.id, container.name
                ),
                "name": name,
                "type": "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/items",
                "properties": {
                    "parentName": instance,
                    "serverName": server_name(last_part(&container.machine)),
                    "isAutoProtectable": kind == "SQLInstance",
                    "backupManagementType": WORKLOAD,
                    "workloadType": "SQL",
                    "workloadItemType": kind,
                    "friendlyName": friendly,
                    "protectionState": "NotProtected",
                },
            })
        };
        if filter.allows("workloadItemType", "SQLInstance") {
            value.push(about(
                format!("SQLInstance;{instance}"),
                "SQLInstance",
                instance,
            ));
        }
        if filter.allows("workloadItemType", "SQLDataBase") {
            for database in setup.databases_of(instance) {
                let name = format!("SQLDataBase;{instance};{database}");
                value.push(about(name, "SQLDataBase", &database));
            }
        }
    }
    Ok(Reply::ok(page(call, value)))
}
