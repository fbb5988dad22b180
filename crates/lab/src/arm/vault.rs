//! Recovery Services vaults, their link resources and their endpoint connections.

use std::collections::BTreeMap;

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::azure::Azure;
use super::call::{Call, Reply};
use super::error::Problem;
use super::identity::{guid, timestamp};
use super::network::is_listed;
use super::operation::{End, accepted, versioned};
use super::policy;
use super::router::only;
use super::state::{Endpoint, State, Vault, last_part, part_after, same};
use crate::address::{Allocated, LABELS};
use crate::setup::{Fault, Setup};

const KIND: &str = "Microsoft.RecoveryServices/vaults";

pub(super) fn list(azure: &Azure, call: &Call) -> Reply {
    let state = azure.world().state();
    let vaults = state
        .vaults
        .iter()
        .filter(|vault| is_listed(call, &vault.id));
    let value: Vec<Value> = vaults.map(|vault| document(&state, vault)).collect();
    Reply::ok(json!({ "value": value }))
}

pub(super) fn one(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET", "PUT", "PATCH"])?;
    let state = &mut *azure.world().state();
    let id = call.id();
    let Some(known) = state.vault(&id).cloned() else {
        return if call.method == Method::PUT {
            Ok(create(azure.setup(), state, call, &id))
        } else {
            Err(missing(&id))
        };
    };
    if call.method == Method::GET {
        state.look_at(known.made_by.as_ref());
        return Ok(Reply::ok(document(state, &known)));
    }
    let is_made = state.is_made(known.made_by.as_ref());
    if let Some(vault) = state.vault_mut(&id) {
        change(vault, call);
    }
    let changed = state.vault(&id).cloned().unwrap_or(known);
    if call.method == Method::PATCH {
        let operation = state.begin_vault(1);
        return Ok(of_vault(call, &id, &operation, StatusCode::ACCEPTED));
    }
    let mut reply = Reply::ok(document(state, &changed));
    if let Some(operation) = changed.made_by.filter(|_| !is_made) {
        reply.headers = of_vault(call, &id, &operation, StatusCode::OK).headers;
    }
    Ok(reply)
}

/// Whether the vault that a path speaks of is there.
pub(super) fn check(azure: &Azure, call: &Call) -> Result<(), Problem> {
    let id = of(call);
    match azure.world().state().vault(&id) {
        Some(_) => Ok(()),
        None => Err(missing(&id)),
    }
}

/// The vault's id in a path at or below it.
pub(super) fn of(call: &Call) -> String {
    call.id_of(8)
}

pub(super) fn missing(id: &str) -> Problem {
    Problem::no_resource(KIND, last_part(id), part_after(id, "resourcegroups"))
}

/// A vault with what the services fill in by themselves.
pub(super) fn new(setup: &Setup, id: &str, location: &str, public_access: bool) -> Vault {
    Vault {
        id: id.to_owned(),
        location: location.to_owned(),
        sku: json!({ "name": "Standard" }),
        identity: None,
        tags: None,
        given: Map::new(),
        public_access,
        changed: Timestamp::now(),
        made_by: None,
        was_used: false,
        grown: Allocated::Created,
        connection_states: BTreeMap::new(),
        containers: Vec::new(),
        policies: if setup.has(Fault::PolicyMissing) {
            Vec::new()
        } else {
            policy::defaults()
        },
        items: Vec::new(),
        intents: Vec::new(),
        jobs: Vec::new(),
    }
}

fn create(setup: &Setup, state: &mut State, call: &Call, id: &str) -> Reply {
    let location = call.pointer("/location").and_then(Value::as_str);
    let location = location.unwrap_or(&state.location).to_owned();
    let operation = state.begin_vault(2);
    let mut vault = Vault {
        made_by: Some(operation.clone()),
        ..new(setup, id, &location, true)
    };
    change(&mut vault, call);
    state.census.vaults += 1;
    let reply = Reply::json(StatusCode::CREATED, document(state, &vault));
    state.vaults.push(vault);
    let headers = of_vault(call, id, &operation, StatusCode::CREATED).headers;
    // A vault that is made has no `Location` on its way.
    let headers = headers.into_iter().filter(|(name, _)| *name != "Location");
    Reply {
        headers: headers.collect(),
        ..reply
    }
}

fn change(vault: &mut Vault, call: &Call) {
    let given = call.pointer("/properties").and_then(Value::as_object);
    for (key, value) in given.into_iter().flatten() {
        vault.given.insert(key.clone(), value.clone());
    }
    if let Some(access) = call.property("/publicNetworkAccess") {
        vault.public_access = same(access, "Enabled");
    }
    if let Some(sku) = call.pointer("/sku") {
        vault.sku = sku.clone();
    }
    if let Some(tags) = call.pointer("/tags") {
        vault.tags = Some(tags.clone());
    }
    let identity = call.pointer("/identity/type").and_then(Value::as_str);
    if identity.is_some_and(|kind| same(kind, "SystemAssigned")) {
        vault.identity = Some(json!({
            "type": "SystemAssigned",
            "principalId": guid(&format!("principal of {}", vault.id)),
            "tenantId": guid("the vaults' tenant"),
        }));
    } else if identity.is_some_and(|kind| same(kind, "None")) {
        vault.identity = None;
    }
    vault.changed = Timestamp::now();
}

fn document(state: &State, vault: &Vault) -> Value {
    let is_made = state.is_made(vault.made_by.as_ref());
    let connections: Vec<Value> = connections_of(state, vault)
        .map(|endpoint| connection_document(state, vault, endpoint))
        .collect();
    let has_connection = !connections.is_empty();
    let alerts = json!({
        "azureMonitorAlertSettings": {
            "alertsForAllJobFailures": "Enabled",
            "alertsForAllReplicationIssues": "Enabled",
            "alertsForAllFailoverIssues": "Enabled",
        },
        "classicAlertSettings": {
            "alertsForCriticalOperations": "Enabled",
            "emailNotificationsForSiteRecovery": "Enabled",
        },
    });
    let restore = json!({
        "crossSubscriptionRestoreSettings": { "crossSubscriptionRestoreState": "Enabled" },
    });
    let redundancy = json!({
        "standardTierStorageRedundancy": "GeoRedundant",
        "crossRegionRestore": "Disabled",
    });
    let given = |key: &str, other: Value| vault.given.get(key).cloned().unwrap_or(other);
    let security = json!({
        "softDeleteSettings": {
            "softDeleteRetentionPeriodInDays": 14,
            "softDeleteState": "Enabled",
            "enhancedSecurityState": "Enabled",
        },
        "multiUserAuthorization": "Disabled",
    });
    let mut properties = json!({
        "provisioningState": if is_made { "Succeeded" } else { "Provisioning" },
        "privateEndpointStateForBackup": if has_connection { "Enabled" } else { "None" },
        "privateEndpointStateForSiteRecovery": "None",
        "monitoringSettings": given("monitoringSettings", alerts),
        "redundancySettings": given("redundancySettings", redundancy),
        "securitySettings": given("securitySettings", security),
        "secureScore": "Minimum",
        "bcdrSecurityLevel": "Fair",
        "publicNetworkAccess": if vault.public_access { "Enabled" } else { "Disabled" },
        "restoreSettings": given("restoreSettings", restore),
    });
    if has_connection {
        properties["privateEndpointConnections"] = Value::from(connections);
    }
    if is_made {
        properties["backupStorageVersion"] = Value::from("Unassigned");
    }
    let changed = timestamp(vault.changed).replace(':', "%3A");
    let mut body = json!({
        "location": vault.location,
        "name": last_part(&vault.id),
        "etag": format!("W/\"datetime'{changed}'\""),
        "properties": properties,
        "id": vault.id,
        "type": KIND,
        "sku": vault.sku,
    });
    if let Some(identity) = &vault.identity {
        body["identity"] = identity.clone();
    }
    if let Some(tags) = &vault.tags {
        body["tags"] = tags.clone();
    }
    body
}

/// `GET …/operationStatus/{id}`; its id is no GUID, so its case counts.
pub(super) fn status(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let id = call.path.last().map(String::as_str).unwrap_or_default();
    let seen = azure.world().state().look(id);
    let seen = seen.ok_or_else(|| Problem::no_child("operation", id))?;
    Ok(seen.vault_status(&call.id()))
}

/// `GET …/operationResults/{id}`.
pub(super) fn result(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let id = call.path.last().map(String::as_str).unwrap_or_default();
    let state = &mut *azure.world().state();
    let seen = state.look(id);
    let seen = seen.ok_or_else(|| Problem::no_child("operation", id))?;
    let running = of_vault(call, &of(call), id, StatusCode::ACCEPTED);
    match state.vault(&of(call)) {
        Some(vault) => seen.result(running, Reply::ok(document(state, vault))),
        None => Err(missing(&of(call))),
    }
}

pub(super) fn link_resources(azure: &Azure, call: &Call) -> Reply {
    let members: Vec<String> = LABELS
        .iter()
        .map(|label| format!("backup-{label}"))
        .collect();
    Reply::ok(json!({ "value": [{
        "id": format!("{}/privateLinkResources/backupResource", of(call)),
        "name": "backupResource",
        "type": "Microsoft.RecoveryServices/vaults/privateLinkResources",
        "properties": {
            "groupId": "AzureBackup",
            "requiredMembers": members,
            "requiredZoneNames": azure.world().plan().zones,
        },
    }] }))
}

pub(super) fn config(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let state = azure.world().state();
    let id = of(call);
    let is_locked = state
        .vault(&id)
        .is_some_and(|vault| !vault.items.is_empty());
    Ok(Reply::ok(json!({
        "id": format!("{id}/backupconfig/vaultconfig"),
        "name": "vaultconfig",
        "type": "Microsoft.RecoveryServices/vaults/backupconfig",
        "properties": {
            "storageModelType": "GeoRedundant",
            "storageType": "GeoRedundant",
            "storageTypeState": if is_locked { "Locked" } else { "Unlocked" },
            "enhancedSecurityState": "Enabled",
            "softDeleteFeatureState": "Enabled",
            "softDeleteRetentionPeriodInDays": 14,
            "isSoftDeleteFeatureStateEditable": true,
        },
    })))
}

pub(super) fn connections(azure: &Azure, call: &Call) -> Reply {
    let state = azure.world().state();
    let vault = state.vault(&of(call));
    let value: Vec<Value> = vault
        .into_iter()
        .flat_map(|vault| {
            let endpoints = connections_of(&state, vault);
            endpoints.map(|endpoint| connection_document(&state, vault, endpoint))
        })
        .collect();
    Reply::ok(json!({ "value": value }))
}

/// `GET` and `PUT …/privateEndpointConnections/{name}`; a PUT approves or rejects.
pub(super) fn connection(azure: &Azure, call: &Call, name: &str) -> Result<Reply, Problem> {
    only(call, &["GET", "PUT"])?;
    let state = &mut *azure.world().state();
    let id = of(call);
    let vault = state.vault(&id).cloned().ok_or_else(|| missing(&id))?;
    let endpoint = connections_of(state, &vault)
        .find(|endpoint| same(&endpoint.connection_name, name))
        .cloned()
        .ok_or_else(|| Problem::no_child("private endpoint connection", name))?;
    if call.method == Method::GET {
        return Ok(Reply::ok(connection_document(state, &vault, &endpoint)));
    }
    let status = call.property("/privateLinkServiceConnectionState/status");
    let Some(status @ ("Approved" | "Rejected")) = status else {
        return Err(Problem::input("privateLinkServiceConnectionState.status"));
    };
    let description = call.property("/privateLinkServiceConnectionState/description");
    let new = (
        status.to_owned(),
        description.unwrap_or_default().to_owned(),
    );
    if let Some(vault) = state.vault_mut(&id) {
        vault
            .connection_states
            .insert(endpoint.connection_name.clone(), new);
    }
    let operation = state.begin(1, End::Succeeded);
    let path = format!(
        "{id}/privateEndpointConnections/{}/operationsStatus/{operation}",
        endpoint.connection_name
    );
    let vault = state.vault(&id).cloned().unwrap_or(vault);
    let mut body = connection_document(state, &vault, &endpoint);
    body["properties"]["provisioningState"] = Value::from("Pending");
    let path = versioned(&path, call.api_version());
    let headers = accepted(call, StatusCode::CREATED, Some(&path), None).headers;
    Ok(Reply {
        headers,
        ..Reply::json(StatusCode::CREATED, body)
    })
}

/// What the vault says of an endpoint: status and description.
pub(super) fn connection_state(state: &State, endpoint: &Endpoint) -> (String, String) {
    let vault = state.vault(&endpoint.vault);
    let decided = vault.and_then(|vault| vault.connection_states.get(&endpoint.connection_name));
    match decided {
        Some(decided) => decided.clone(),
        None if endpoint.needs_approval => ("Pending".to_owned(), String::new()),
        None => ("Approved".to_owned(), "None".to_owned()),
    }
}

fn connections_of<'a>(
    state: &'a State,
    vault: &Vault,
) -> impl Iterator<Item = &'a Endpoint> + use<'a> {
    let id = vault.id.clone();
    let endpoints = state.endpoints.iter();
    endpoints.filter(move |endpoint| {
        same(&endpoint.vault, &id) && state.is_made(endpoint.made_by.as_ref())
    })
}

fn connection_document(state: &State, vault: &Vault, endpoint: &Endpoint) -> Value {
    let (status, description) = connection_state(state, endpoint);
    json!({
        "id": format!("{}/privateEndpointConnections/{}", vault.id, endpoint.connection_name),
        "name": endpoint.connection_name,
        "type": "Microsoft.RecoveryServices/vaults/privateEndpointConnections",
        "location": vault.location,
        "properties": {
            "provisioningState": "Succeeded",
            "privateEndpoint": { "id": endpoint.id },
            "groupIds": ["AzureBackup"],
            "privateLinkServiceConnectionState": {
                "status": status,
                "description": description,
                "actionsRequired": "None",
            },
        },
    })
}

/// An empty answer with both headers of the vaults' operations.
fn of_vault(call: &Call, id: &str, operation: &str, status: StatusCode) -> Reply {
    let address = |kind: &str| versioned(&format!("{id}/{kind}/{operation}"), call.api_version());
    let (followed, result) = (address("operationStatus"), address("operationResults"));
    accepted(call, status, Some(&followed), Some(&result))
}
