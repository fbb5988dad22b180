//! Jobs, and the operations of Azure Backup.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::StatusCode;
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::azure::Azure;
use super::call::{Call, Reply};
use super::error::Problem;
use super::filter::{Filter, page};
use super::identity::{duration, guid, timestamp};
use super::network::server_name;
use super::operation::{End, accepted, versioned};
use super::router::only;
use super::state::{Item, Job, JobEnd, State, Vault, last_part};
use super::vault;

const MEBIBYTE: f64 = 1_048_576.0;

/// Begins a job on an item; a running one shows so once at least.
pub(super) fn begin(
    state: &mut State,
    call: &Call,
    vault: &str,
    item: &Item,
    operation: &str,
    end: JobEnd,
) -> String {
    let id = guid(&format!("job {}", state.next()));
    let is_backup = operation.starts_with("Backup");
    let started = Timestamp::now();
    let entity = if is_backup {
        let server = server_name(last_part(&item.machine));
        format!("{} [{server}]", item.database)
    } else {
        item.database.clone()
    };
    let job = Job {
        id: id.clone(),
        operation: operation.to_owned(),
        item: item.name.clone(),
        entity,
        policy: last_part(&item.policy).to_owned(),
        container: item
            .container
            .replacen("VMAppContainer;Compute", "compute", 1),
        started,
        ended: (end != JobEnd::Running).then_some(started),
        looks: u32::from(end == JobEnd::Running),
        end,
        bytes: is_backup.then(|| Arc::new(0.into())),
        activity: call.client_request_id.clone().unwrap_or_else(|| id.clone()),
        abort: None,
    };
    if let Some(vault) = state.vault_mut(vault) {
        vault.jobs.push(job);
    }
    id
}

/// `GET …/backupJobs`, the newest first; without times, those of the last day.
pub(super) fn list(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let filter = Filter::parse(call.parameter("$filter").unwrap_or_default());
    let time = |name: &str| filter.wanted(name).and_then(parsed);
    let day = Timestamp::now() - SignedDuration::from_hours(24);
    let (from, to) = (time("startTime").unwrap_or(day), time("endTime"));
    let state = &mut *azure.world().state();
    let id = vault::of(call);
    let vault = state.vault_mut(&id).ok_or_else(|| vault::missing(&id))?;
    let owner = vault.id.clone();
    let mut value = Vec::new();
    for job in vault.jobs.iter_mut().rev() {
        let seen = seen(job);
        let kind = seen.operation.split(' ').next().unwrap_or_default();
        let is_wanted = seen.started >= from
            && to.is_none_or(|to| seen.started <= to)
            && filter.allows("backupManagementType", "AzureWorkload")
            && (filter.allows("operation", kind) || filter.allows("operation", &seen.operation))
            && filter.allows("status", status_of(&seen))
            && filter.allows("jobId", &seen.id);
        if is_wanted {
            value.push(document(&owner, &seen, false));
        }
    }
    Ok(Reply::ok(page(call, value)))
}

pub(super) fn one(azure: &Azure, call: &Call, id: &str) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let state = &mut *azure.world().state();
    let vault = named(state, call)?;
    let owner = vault.id.clone();
    let job = vault
        .job_mut(id)
        .ok_or_else(|| Problem::no_child("job", id))?;
    Ok(Reply::ok(document(&owner, &seen(job), true)))
}

/// `POST …/cancel`: ends what the machine does for the job.
pub(super) fn cancel(azure: &Azure, call: &Call, id: &str) -> Result<Reply, Problem> {
    only(call, &["POST"])?;
    let state = &mut *azure.world().state();
    let job = named(state, call)?.job_mut(id);
    let job = job.ok_or_else(|| Problem::no_child("job", id))?;
    if job.end != JobEnd::Running {
        return Err(Problem::bad(
            "BMSUserErrorJobNotCancellable",
            "The job cannot be cancelled because it is over.",
        ));
    }
    if let Some(abort) = job.abort.take() {
        abort.abort();
    }
    job.end = JobEnd::Cancelled;
    job.ended = Some(Timestamp::now());
    let operation = state.begin(1, End::Succeeded);
    let path = format!(
        "{}/backupJobs/{id}/operationResults/{operation}",
        vault::of(call)
    );
    let path = versioned(&path, call.api_version());
    Ok(accepted(call, StatusCode::ACCEPTED, None, Some(&path)))
}

/// The status of any operation of Azure Backup, as each of its addresses shows it.
pub(super) fn status(azure: &Azure, id: &str) -> Result<Reply, Problem> {
    let seen = azure.world().state().look(id);
    let seen = seen.ok_or_else(|| Problem::no_child("operation", id))?;
    Ok(seen.backup_status().with("Retry-After", "0"))
}

/// The result of an operation that has none but its end.
pub(super) fn result(azure: &Azure, call: &Call, id: &str) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let seen = azure.world().state().look(id);
    let seen = seen.ok_or_else(|| Problem::no_child("operation", id))?;
    let path = versioned(&call.id(), call.api_version());
    let running = accepted(call, StatusCode::ACCEPTED, None, Some(&path));
    seen.result(running, Reply::empty(StatusCode::NO_CONTENT))
}

fn named<'a>(state: &'a mut State, call: &Call) -> Result<&'a mut Vault, Problem> {
    let id = vault::of(call);
    state.vault_mut(&id).ok_or_else(|| vault::missing(&id))
}

/// A job as this look shows it.
fn seen(job: &mut Job) -> Job {
    let mut seen = job.clone();
    if job.shows_running() {
        job.looks = job.looks.saturating_sub(1);
        seen.end = JobEnd::Running;
        seen.ended = None;
    }
    seen
}

fn status_of(job: &Job) -> &'static str {
    match job.end {
        JobEnd::Running => "InProgress",
        JobEnd::Completed => "Completed",
        JobEnd::Failed(_) => "Failed",
        JobEnd::Cancelled => "Cancelled",
    }
}

/// Lists leave the details out.
fn document(vault: &str, job: &Job, is_detailed: bool) -> Value {
    let ended = job.ended.unwrap_or_else(Timestamp::now);
    let mut properties = json!({
        "jobType": "AzureWorkloadJob",
        "workloadType": "SQLDataBase",
        "duration": duration(job.started, ended),
        "isUserTriggered": true,
        "entityFriendlyName": job.entity,
        "backupManagementType": "AzureWorkload",
        "operation": job.operation,
        "status": status_of(job),
        "startTime": timestamp(job.started),
        "activityId": job.activity,
    });
    if job.bytes.is_some() {
        // As recorded, even when it is over.
        properties["actionsInfo"] = json!(["Cancellable"]);
    }
    if job.end != JobEnd::Running {
        properties["endTime"] = Value::from(timestamp(ended));
    }
    if is_detailed {
        properties["extendedInfo"] = details(job);
    }
    if let JobEnd::Failed(problem) = &job.end {
        properties["errorDetails"] = json!([error(problem)]);
    }
    json!({
        "id": format!("{vault}/backupJobs/{}", job.id),
        "name": job.id,
        "type": "Microsoft.RecoveryServices/vaults/backupJobs",
        "properties": properties,
    })
}

fn details(job: &Job) -> Value {
    let Some(bytes) = &job.bytes else {
        return json!({
            "tasksList": [],
            "propertyBag": { "Policy Name": job.policy, "ContainerUniqueName": job.container },
        });
    };
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let sent = bytes.load(Ordering::Relaxed) as f64 / MEBIBYTE;
    let bag = if sent > 0.0 {
        json!({ "Data Transferred (in MB)": format!("{sent:.4}") })
    } else {
        json!({})
    };
    json!({
        "tasksList": [{
            "taskId": "Transfer data to vault",
            "taskType": "Normal",
            "status": status_of(job),
        }],
        "propertyBag": bag,
    })
}

/// The numbers behind the codes are not public.
fn error(problem: &Problem) -> Value {
    json!({
        "errorCode": 0,
        "errorTitle": problem.code,
        "errorString": problem.message,
        "recommendations": [
            "Ensure that the machine reaches Azure Backup, Azure Storage and Microsoft Entra ID.",
        ],
        "additionalDetails": "",
    })
}

/// `2024-04-22 05:30:28 AM`, as the filter has it, or an ISO time.
fn parsed(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    let civil = DateTime::strptime("%Y-%m-%d %I:%M:%S %p", text).ok()?;
    TimeZone::UTC.to_timestamp(civil).ok()
}
