//! Protected databases, and the orders that go to them.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use jiff::Timestamp;

use super::azure::Azure;
use super::call::{Call, Reply};
use super::container::registered;
use super::error::Problem;
use super::filter::{Filter, page};
use super::item_document::document;
use super::job;
use super::operation::{End, accepted, versioned};
use super::router::only;
use super::state::{Item, JobEnd, State, Vault, same};
use super::vault;
use super::work::Order;
use crate::address::Allocated;
use crate::setup::Fault;

const WORKLOAD: &str = "AzureWorkload";

/// `GET …/backupProtectedItems`.
pub(super) fn list(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let filter = Filter::parse(call.parameter("$filter").unwrap_or_default());
    let state = &mut *azure.world().state();
    let id = vault::of(call);
    let vault = state
        .vault(&id)
        .cloned()
        .ok_or_else(|| vault::missing(&id))?;
    let is_asked =
        filter.allows("backupManagementType", WORKLOAD) && filter.allows("itemType", "SQLDataBase");
    let mut value = Vec::new();
    for item in vault.items.iter().filter(|_| is_asked) {
        state.look(&item.made_by);
        if state.is_made(Some(&item.made_by)) {
            value.push(document(call, &vault, item));
        }
    }
    Ok(Reply::ok(page(call, value)))
}

pub(super) fn one(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET", "PUT", "DELETE"])?;
    match call.method {
        Method::PUT => protect(azure, call),
        Method::DELETE => Ok(delete(azure, call)),
        _ => {
            let state = &mut *azure.world().state();
            let (vault, item) = named(state, call)?;
            state.look(&item.made_by);
            if state.is_made(Some(&item.made_by)) {
                Ok(Reply::ok(document(call, &vault, &item)))
            } else {
                Err(Problem::no_child("protected item", &item.name))
            }
        }
    }
}

/// The vault and the item that a path names.
fn named(state: &State, call: &Call) -> Result<(Vault, Item), Problem> {
    let id = vault::of(call);
    let vault = state.vault(&id).ok_or_else(|| vault::missing(&id))?;
    let part = |at: usize| call.path.get(at).map(String::as_str).unwrap_or_default();
    let item = vault.item(part(11), part(13)).cloned();
    let item = item.ok_or_else(|| Problem::no_child("protected item", part(13)))?;
    Ok((vault.clone(), item))
}

/// Begins protection, or stops it and keeps what is stored.
fn protect(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    let state = &mut *azure.world().state();
    let id = vault::of(call);
    if call.property("/protectedItemType") != Some("AzureVmWorkloadSQLDatabase") {
        return Err(Problem::input("protectedItemType"));
    }
    if call.property("/protectionState") == Some("ProtectionStopped") {
        let (_, item) = named(state, call)?;
        let job = job::begin(state, call, &id, &item, "DisableBackup", JobEnd::Completed);
        if let Some(item) = mutable(state, &id, &item) {
            item.is_stopped = true;
        }
        return Ok(begun(state, call, 1, &job));
    }
    let (vault, container) = registered(state, call)?;
    let name = call.path.get(13).cloned().unwrap_or_default();
    let setup = azure.setup();
    let pairs = setup.instances().into_iter().flat_map(|instance| {
        let databases = setup.databases_of(instance).into_iter();
        databases.map(move |database| (instance.to_owned(), database))
    });
    let mut pairs = pairs.map(|(instance, database)| {
        let name = format!("sqldatabase;{instance};{database}");
        (instance, database, name)
    });
    let Some((instance, database, _)) = pairs.find(|(_, _, known)| same(known, &name)) else {
        return Err(Problem::input("there is no such database on the machine"));
    };
    let policy = call.property("/policyId").unwrap_or_default().to_owned();
    let mut policies = vault.policies.iter();
    if !policies.any(|(name, _)| same(&format!("{id}/backupPolicies/{name}"), &policy)) {
        return Err(Problem::input("policyId"));
    }
    let known = vault.item(&container.name, &name).cloned();
    let joined = known
        .as_ref()
        .filter(|item| !state.is_made(Some(&item.made_by)) && same(&item.policy, &policy));
    if let Some(item) = joined {
        let operation = item.made_by.clone();
        return Ok(configuring(call, &operation));
    }
    let item = match known {
        Some(known) => Item {
            policy,
            is_stopped: false,
            deleted: None,
            ..known
        },
        None => Item {
            name: format!(
                "SQLDataBase;{};{}",
                instance.to_lowercase(),
                database.to_lowercase()
            ),
            container: container.name.clone(),
            machine: container.machine.clone(),
            instance,
            database,
            policy,
            made_by: String::new(),
            is_stopped: false,
            deleted: None,
            last: None,
            points: Vec::new(),
        },
    };
    let job = job::begin(
        state,
        call,
        &id,
        &item,
        "ConfigureBackup",
        JobEnd::Completed,
    );
    let operation = state.begin(1, End::Succeeded);
    state.set_job(&operation, &job);
    state.census.protections += 1;
    let item = Item {
        made_by: operation.clone(),
        ..item
    };
    if let Some(vault) = state.vault_mut(&id) {
        let others = |known: &Item| {
            !(same(&known.name, &item.name) && same(&known.container, &item.container))
        };
        vault.items.retain(others);
        vault.items.push(item);
    }
    Ok(configuring(call, &operation))
}

fn delete(azure: &Azure, call: &Call) -> Reply {
    let state = &mut *azure.world().state();
    let id = vault::of(call);
    let Ok((_, item)) = named(state, call) else {
        return Reply::empty(StatusCode::NO_CONTENT);
    };
    let job = job::begin(
        state,
        call,
        &id,
        &item,
        "DeleteBackupData",
        JobEnd::Completed,
    );
    if let Some(item) = mutable(state, &id, &item) {
        item.is_stopped = true;
        item.deleted = Some(Timestamp::now());
    }
    let operation = state.begin(1, End::Succeeded);
    state.set_job(&operation, &job);
    // Unlike every other request of an item, its status is the vault's own.
    let address = |kind: &str| versioned(&format!("{id}/{kind}/{operation}"), call.api_version());
    let (status, result) = (
        address("backupOperations"),
        address("backupOperationResults"),
    );
    accepted(call, StatusCode::ACCEPTED, Some(&status), Some(&result))
}

/// `POST {item}/backup`: starts the job in which the plugin streams.
pub(super) fn back_up(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["POST"])?;
    let state = &mut *azure.world().state();
    let (vault, item) = named(state, call)?;
    let kind = call.property("/backupType").unwrap_or_default();
    if call.property("/objectType") != Some("AzureWorkloadBackupRequest")
        || !["Full", "Differential", "Log", "CopyOnlyFull"].contains(&kind)
    {
        return Err(Problem::input("objectType and backupType"));
    }
    if item.is_stopped || !state.is_made(Some(&item.made_by)) {
        return Err(Problem::input("the database is not protected"));
    }
    let operation = format!("Backup ({kind})");
    let mut running = vault.jobs.iter().filter(|job| job.shows_running());
    if running.any(|job| job.item == item.name && job.operation.starts_with("Backup")) {
        return Err(Problem::conflict(
            "OperationCancelledBecauseConflictingOperationRunningUserError",
            "Another operation of the same type is running on this database.",
        ));
    }
    if matches!(kind, "Differential" | "Log") && item.points.is_empty() {
        return Err(Problem::bad(
            "UserErrorParentFullBackupMissing",
            "First full backup is missing for this data source.",
        ));
    }
    let job = job::begin(state, call, &vault.id, &item, &operation, JobEnd::Running);
    state.census.backup_jobs += 1;
    if azure.setup().has(Fault::JobsUnmarked)
        && let Some(vault) = state.vault_mut(&vault.id)
        && let Some(job) = vault.job_mut(&job)
    {
        job.activity.clone_from(&job.id);
    }
    let bytes = state.vault_mut(&vault.id).and_then(|vault| {
        vault.grown = vault.grown.max(Allocated::BackedUp);
        vault.job_mut(&job)?.bytes.clone()
    });
    let database = format!("{}/{}", item.instance, item.database);
    let abort = azure.work().back_up(
        Order {
            vault: vault.id.clone(),
            container: item.container.clone(),
            item: item.name.clone(),
            job: job.clone(),
        },
        database,
        bytes.unwrap_or_else(|| Arc::new(0.into())),
    );
    if let Some(job) = state
        .vault_mut(&vault.id)
        .and_then(|vault| vault.job_mut(&job))
    {
        job.abort = abort;
    }
    Ok(begun(state, call, 0, &job))
}

/// `GET {item}/operationResults/{id}`.
pub(super) fn result(azure: &Azure, call: &Call, operation: &str) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let state = &mut *azure.world().state();
    let seen = state.look(operation);
    let seen = seen.ok_or_else(|| Problem::no_child("operation", operation))?;
    let (vault, item) = named(state, call)?;
    seen.result(
        configuring(call, operation),
        Reply::ok(document(call, &vault, &item)),
    )
}

fn mutable<'a>(state: &'a mut State, vault: &str, item: &Item) -> Option<&'a mut Item> {
    state
        .vault_mut(vault)?
        .item_mut(&item.container, &item.name)
}

/// An operation with a job, whose own part is over after `looks` looks.
fn begun(state: &mut State, call: &Call, looks: u32, job: &str) -> Reply {
    let operation = state.begin(looks, End::Succeeded);
    state.set_job(&operation, job);
    configuring(call, &operation)
}

/// 202 without a body, and both headers at the item.
fn configuring(call: &Call, operation: &str) -> Reply {
    let id = call.id_of(14);
    let address = |kind: &str| versioned(&format!("{id}/{kind}/{operation}"), call.api_version());
    let (status, result) = (address("operationsStatus"), address("operationResults"));
    accepted(call, StatusCode::ACCEPTED, Some(&status), Some(&result))
}
