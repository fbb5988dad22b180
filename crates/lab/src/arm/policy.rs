//! Backup policies and protection intents.

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::azure::Azure;
use super::call::{Call, Reply};
use super::error::Problem;
use super::filter::{Filter, page};
use super::router::only;
use super::state::{Vault, last_part, same};
use super::vault;

/// What every new vault has for databases, as recorded.
pub(super) fn defaults() -> Vec<(String, Map<String, Value>)> {
    let hourly = json!({
        "backupManagementType": "AzureWorkload",
        "workLoadType": "SQLDataBase",
        "settings": { "timeZone": "UTC", "issqlcompression": false, "isCompression": false },
        "subProtectionPolicy": [
            {
                "policyType": "Full",
                "schedulePolicy": {
                    "schedulePolicyType": "SimpleSchedulePolicy",
                    "scheduleRunFrequency": "Daily",
                    "scheduleRunTimes": ["2022-05-13T16:00:00Z"],
                    "scheduleWeeklyFrequency": 0,
                },
                "retentionPolicy": {
                    "retentionPolicyType": "LongTermRetentionPolicy",
                    "dailySchedule": {
                        "retentionTimes": ["2022-05-13T16:00:00Z"],
                        "retentionDuration": { "count": 30, "durationType": "Days" },
                    },
                },
            },
            {
                "policyType": "Log",
                "schedulePolicy": {
                    "schedulePolicyType": "LogSchedulePolicy",
                    "scheduleFrequencyInMins": 60,
                },
                "retentionPolicy": {
                    "retentionPolicyType": "SimpleRetentionPolicy",
                    "retentionDuration": { "count": 30, "durationType": "Days" },
                },
            },
        ],
    });
    match hourly {
        Value::Object(properties) => vec![("HourlyLogBackup".to_owned(), properties)],
        _ => Vec::new(),
    }
}

pub(super) fn list(azure: &Azure, call: &Call) -> Reply {
    let filter = Filter::parse(call.parameter("$filter").unwrap_or_default());
    let state = azure.world().state();
    let vaults = state.vault(&vault::of(call)).into_iter();
    let value: Vec<Value> = vaults
        .flat_map(|vault| {
            let policies = vault.policies.iter();
            policies.map(|(name, properties)| document(vault, name, properties))
        })
        .filter(|policy| {
            let of = |key: &str| policy["properties"][key].as_str().unwrap_or_default();
            filter.allows("backupManagementType", of("backupManagementType"))
                && filter.allows("workloadType", of("workLoadType"))
        })
        .collect();
    Reply::ok(json!({ "value": value }))
}

pub(super) fn one(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET", "PUT", "DELETE"])?;
    let name = call.path.last().cloned().unwrap_or_default();
    let state = &mut *azure.world().state();
    let id = vault::of(call);
    let vault = state.vault_mut(&id).ok_or_else(|| vault::missing(&id))?;
    let known = vault
        .policies
        .iter()
        .position(|(known, _)| same(known, &name));
    match (&call.method, known) {
        (&Method::PUT, known) => {
            let given = call.pointer("/properties").and_then(Value::as_object);
            let Some(given) = given.filter(|given| is_whole(given)) else {
                return Err(Problem::input("the policy's properties"));
            };
            match known {
                Some(at) => vault.policies[at].1.clone_from(given),
                None => vault.policies.push((name.clone(), given.clone())),
            }
            let reply = Reply::ok(document(vault, &name, given));
            state.census.policies += usize::from(known.is_none());
            Ok(reply)
        }
        (&Method::DELETE, Some(at)) => {
            let (name, _) = &vault.policies[at];
            if vault
                .items
                .iter()
                .any(|item| same(last_part(&item.policy), name))
            {
                let message = "The policy has protected items.";
                return Err(Problem::bad("BMSUserErrorPolicyInUse", message));
            }
            vault.policies.remove(at);
            Ok(Reply::empty(StatusCode::OK))
        }
        (&Method::DELETE, None) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        (_, Some(at)) => {
            let (name, properties) = &vault.policies[at];
            Ok(Reply::ok(document(vault, name, properties)))
        }
        (_, None) => Err(Problem::no_child("policy", &name)),
    }
}

/// A policy for databases has a sub-policy for full backups.
fn is_whole(properties: &Map<String, Value>) -> bool {
    let is = |key: &str, wanted: &str| {
        let value = properties.get(key).and_then(Value::as_str);
        value.is_some_and(|value| same(value, wanted))
    };
    let parts = properties
        .get("subProtectionPolicy")
        .and_then(Value::as_array);
    let mut parts = parts.into_iter().flatten();
    is("backupManagementType", "AzureWorkload")
        && is("workLoadType", "SQLDataBase")
        && parts.any(|part| part["policyType"] == "Full")
}

fn document(vault: &Vault, name: &str, properties: &Map<String, Value>) -> Value {
    let id = format!("{}/backupPolicies/{name}", vault.id);
    let using = vault.items.iter().filter(|item| same(&item.policy, &id));
    let mut properties = properties.clone();
    properties.insert("protectedItemsCount".to_owned(), Value::from(using.count()));
    json!({
        "id": id,
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/backupPolicies",
        "properties": properties,
    })
}

pub(super) fn intents(azure: &Azure, call: &Call) -> Reply {
    let filter = Filter::parse(call.parameter("$filter").unwrap_or_default());
    let state = azure.world().state();
    let vaults = state.vault(&vault::of(call)).into_iter();
    let value: Vec<Value> = vaults
        .flat_map(|vault| vault.intents.iter())
        .filter(|(_, properties)| {
            let item = properties.get("itemId").and_then(Value::as_str);
            let item = last_part(item.unwrap_or_default());
            let name = item.rsplit(';').next().unwrap_or_default();
            filter.allows("itemName", name)
        })
        .map(|(id, properties)| intent_document(id, properties))
        .collect();
    Reply::ok(page(call, value))
}

/// Automatic protection of an instance: `backupProtectionIntent/{name}`.
pub(super) fn intent(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET", "PUT", "DELETE"])?;
    let id = call.id();
    let state = &mut *azure.world().state();
    let owner = vault::of(call);
    let vault = state
        .vault_mut(&owner)
        .ok_or_else(|| vault::missing(&owner))?;
    let known = vault.intents.iter().position(|(known, _)| same(known, &id));
    match (&call.method, known) {
        (&Method::DELETE, known) => {
            known.map(|at| vault.intents.remove(at));
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        }
        (&Method::PUT, known) => {
            let given = call.pointer("/properties").and_then(Value::as_object);
            let given = given.ok_or_else(|| Problem::input("the intent's properties"))?;
            known.map(|at| vault.intents.remove(at));
            vault.intents.push((id.clone(), given.clone()));
            Ok(Reply::ok(intent_document(&id, given)))
        }
        (_, Some(at)) => {
            let (id, properties) = &vault.intents[at];
            Ok(Reply::ok(intent_document(id, properties)))
        }
        (_, None) => Err(Problem::no_child("protection intent", last_part(&id))),
    }
}

fn intent_document(id: &str, properties: &Map<String, Value>) -> Value {
    let mut properties = properties.clone();
    properties.insert("protectionState".to_owned(), Value::from("Protected"));
    json!({
        "id": id,
        "name": last_part(id),
        "type": "Microsoft.RecoveryServices/vaults/backupFabrics/backupProtectionIntent",
        "properties": properties,
    })
}
