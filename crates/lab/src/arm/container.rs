//! Machines that can be registered, and those that are.

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::azure::Azure;
use super::call::{Call, Reply};
use super::error::Problem;
use super::filter::{Filter, page};
use super::identity::timestamp;
use super::network::server_name;
use super::operation::{End, accepted, braces, versioned};
use super::router::only;
use super::state::{Container, State, Vault, last_part, part_after, same};
use super::vault;
use crate::address::Allocated;

/// The api-version in the status addresses of registrations, whatever was asked.
const STATUS_VERSION: &str = "2019-05-13-preview";
const WORKLOAD: &str = "AzureWorkload";

/// `GET …/protectableContainers`: every machine that is not registered.
pub(super) fn protectable(azure: &Azure, call: &Call) -> Reply {
    let filter = Filter::parse(call.parameter("$filter").unwrap_or_default());
    let state = azure.world().state();
    let id = vault::of(call);
    let vaults = state.vault(&id).into_iter();
    let value: Vec<Value> = vaults
        .flat_map(|vault| {
            let machines = state.machines.iter();
            machines
                .filter(|_| state.machines_are_seen)
                .filter(|machine| {
                    let known = vault.container(&name_of(machine));
                    known.is_none_or(|container| !container.is_registered)
                })
        })
        .filter(|_| filter.allows("backupManagementType", WORKLOAD))
        .map(|machine| protectable_document(&id, machine))
        .collect();
    Reply::ok(page(call, value))
}

/// `POST …/refreshContainers`.
pub(super) fn refresh(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["POST"])?;
    let operation = {
        let mut state = azure.world().state();
        state.machines_are_seen = true;
        state.begin(1, End::Succeeded)
    };
    let path = format!(
        "{}/backupFabrics/Azure/operationResults/{operation}",
        vault::of(call)
    );
    let path = versioned(&path, call.api_version());
    Ok(accepted(call, StatusCode::ACCEPTED, None, Some(&path)))
}

/// `GET …/backupProtectionContainers`.
pub(super) fn list(azure: &Azure, call: &Call) -> Reply {
    let filter = Filter::parse(call.parameter("$filter").unwrap_or_default());
    let state = azure.world().state();
    let vaults = state.vault(&vault::of(call)).into_iter();
    let value: Vec<Value> = vaults
        .flat_map(|vault| {
            let containers = vault.containers.iter().filter(|known| known.is_registered);
            containers.map(|container| document(azure, vault, container))
        })
        .filter(|_| filter.allows("backupManagementType", WORKLOAD))
        .filter(|_| filter.allows("status", "Registered"))
        .collect();
    Reply::ok(page(call, value))
}

pub(super) fn one(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET", "PUT", "DELETE"])?;
    match call.method {
        Method::PUT => register(azure, call),
        Method::DELETE => unregister(azure, call),
        _ => {
            let state = azure.world().state();
            let (vault, container) = registered(&state, call)?;
            Ok(Reply::ok(document(azure, vault, container)))
        }
    }
}

fn register(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    let name = call.path.last().cloned().unwrap_or_default();
    let source = call.property("/sourceResourceId").unwrap_or_default();
    let id = vault::of(call);
    let state = &mut *azure.world().state();
    let machine = state
        .machines
        .iter()
        .find(|known| same(known, source))
        .cloned();
    let Some(machine) = machine.filter(|machine| same(&name_of(machine), &name)) else {
        return Err(Problem::input("sourceResourceId and the container's name"));
    };
    if call.property("/containerType") != Some("VMAppContainer") {
        return Err(Problem::input("containerType"));
    }
    let known = state
        .vault(&id)
        .and_then(|vault| vault.container(&name))
        .cloned();
    // Whoever asks again joins the registration that is under way.
    let joined = known
        .as_ref()
        .filter(|known| state.is_running(&known.made_by));
    if let Some(joined) = joined {
        let operation = joined.made_by.clone();
        return Ok(registering(call, &operation));
    }
    let operation = state.begin(1, End::Running);
    state.census.registrations += 1;
    let vault = state.vault_mut(&id).ok_or_else(|| vault::missing(&id))?;
    // The attempt alone uses the vault up, and allocates the channel.
    vault.was_used = true;
    vault.grown = vault.grown.max(Allocated::Registered);
    let container = Container {
        name: known.as_ref().map_or(name, |known| known.name.clone()),
        machine,
        is_registered: known.is_some_and(|known| known.is_registered),
        made_by: operation.clone(),
        updated: Timestamp::now(),
    };
    vault
        .containers
        .retain(|known| !same(&known.name, &container.name));
    vault.containers.push(container.clone());
    azure.work().register(id, container.name, operation.clone());
    Ok(registering(call, &operation))
}

/// 202 with an empty object, as recorded.
fn registering(call: &Call, operation: &str) -> Reply {
    let id = call.id_of(12);
    let status = versioned(
        &format!("{id}/operationsStatus/{operation}"),
        STATUS_VERSION,
    );
    let result = format!("{id}/operationResults/{operation}");
    let result = versioned(&result, call.api_version());
    braces(accepted(
        call,
        StatusCode::ACCEPTED,
        Some(&status),
        Some(&result),
    ))
}

/// `GET {container}/operationResults/{id}`: 202, then the container, or 204
/// where it is gone or was only asked something.
pub(super) fn result(azure: &Azure, call: &Call, operation: &str) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let state = &mut *azure.world().state();
    let seen = state.look(operation);
    let seen = seen.ok_or_else(|| Problem::no_child("operation", operation))?;
    let name = call.path.get(11).map(String::as_str).unwrap_or_default();
    let vault = state.vault(&vault::of(call));
    let made = vault.and_then(|vault| {
        let container = vault.container(name)?;
        (container.made_by == operation).then(|| document(azure, vault, container))
    });
    let done = made.map_or_else(|| Reply::empty(StatusCode::NO_CONTENT), Reply::ok);
    seen.result(registering(call, operation), done)
}

/// `POST {container}/inquire`: the coordinator lists the databases anew.
pub(super) fn inquire(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["POST"])?;
    let state = &mut *azure.world().state();
    registered(state, call)?;
    let operation = state.begin(1, End::Running);
    azure.work().inquire(operation.clone());
    let path = format!("{}/operationResults/{operation}", call.id_of(12));
    let path = versioned(&path, call.api_version());
    Ok(accepted(call, StatusCode::ACCEPTED, None, Some(&path)))
}

fn unregister(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    let state = &mut *azure.world().state();
    let id = vault::of(call);
    let Ok((vault, container)) = registered(state, call) else {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    };
    let name = container.name.clone();
    let mut items = vault.items.iter();
    if items.any(|item| same(&item.container, &name) && item.deleted.is_none()) {
        let message = "Please delete the protected items of this container first.";
        return Err(Problem::bad("BMSUserErrorContainerHasDatasources", message));
    }
    if let Some(vault) = state.vault_mut(&id) {
        vault.containers.retain(|known| !same(&known.name, &name));
    }
    let operation = state.begin(1, End::Succeeded);
    let status = format!("{id}/backupFabrics/Azure/operationsStatus/{operation}");
    let status = versioned(&status, STATUS_VERSION);
    // Azure's own slip: the api-version is lost in another parameter's value.
    let result = format!(
        "{id}/backupOperationResults/{operation}?fabricName=Azure%3fapi-version%3d{}",
        call.api_version()
    );
    Ok(accepted(
        call,
        StatusCode::ACCEPTED,
        Some(&status),
        Some(&result),
    ))
}

/// The container that a path names, which has to be registered.
pub(super) fn registered<'a>(
    state: &'a State,
    call: &Call,
) -> Result<(&'a Vault, &'a Container), Problem> {
    let id = vault::of(call);
    let vault = state.vault(&id).ok_or_else(|| vault::missing(&id))?;
    let name = call.path.get(11).map(String::as_str).unwrap_or_default();
    let container = vault.container(name).filter(|known| known.is_registered);
    let container = container.ok_or_else(|| Problem::no_child("container", name))?;
    Ok((vault, container))
}

/// A machine's container, as Azure composes it.
pub(super) fn name_of(machine: &str) -> String {
    format!(
        "VMAppContainer;Compute;{};{}",
        part_after(machine, "resourcegroups"),
        last_part(machine)
    )
}

fn protectable_document(vault: &str, machine: &str) -> Value {
    let name = name_of(machine);
    json!({
        "id": format!("{vault}/backupFabrics/Azure/protectableContainers/{name}"),
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/backupFabrics/protectableContainers",
        "properties": {
            "friendlyName": last_part(machine),
            "backupManagementType": WORKLOAD,
            "protectableContainerType": "VMAppContainer",
            "healthStatus": "Healthy",
            "containerId": machine,
        },
    })
}

fn document(azure: &Azure, vault: &Vault, container: &Container) -> Value {
    let setup = azure.setup();
    let instances = setup.instances();
    let databases = instances
        .iter()
        .map(|instance| setup.databases_of(instance).len());
    let databases: usize = databases.sum();
    let success = json!({ "code": "Success", "message": "", "recommendations": [""] });
    json!({
        "id": format!("{}/backupFabrics/Azure/protectionContainers/{}", vault.id, container.name),
        "name": container.name,
        "type": "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers",
        "properties": {
            "sourceResourceId": container.machine,
            "lastUpdatedTime": timestamp(container.updated),
            "extendedInfo": {
                "hostServerName": server_name(last_part(&container.machine)),
                "inquiryInfo": {
                    "status": "Success",
                    "errorDetail": success,
                    "inquiryDetails": [{
                        "type": "SQL",
                        "itemCount": databases,
                        "inquiryValidation": {
                            "status": "Success",
                            "errorDetail": success,
                            "additionalDetail": "",
                        },
                    }],
                },
            },
            "friendlyName": last_part(&container.machine),
            "backupManagementType": WORKLOAD,
            "registrationStatus": "Registered",
            "healthStatus": "Healthy",
            "containerType": "VMAppContainer",
            "protectableObjectType": "VMAppContainer",
        },
    })
}
