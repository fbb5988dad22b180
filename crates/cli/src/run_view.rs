//! A run as text and as a document.

use std::time::Duration;

use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};
use sidestep_flow::Run;
use sidestep_model::account::Account;
use sidestep_model::event::{BackedUp, Outcome, ResourceKind, ResourceState, Step, StepEnd};
use sidestep_model::evidence::Evidence;

use crate::prose;
use crate::render::{findings_document, plural, table};
use crate::told::Told;

/// The steps, how each ended, and what it did.
pub(crate) fn steps(run: &Run, told: &Told) -> String {
    let mut rows = table(&["Step", "Outcome", "ms", ""]);
    for end in &run.steps {
        let ms = match end.outcome {
            Outcome::NotReached => String::new(),
            _ => millis(end.elapsed).to_string(),
        };
        rows.add_row(vec![
            end.step.key().to_owned(),
            prose::outcome(end.outcome),
            ms,
            detail(*end, told),
        ]);
    }
    if let Some(column) = rows.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    rows.trim_fmt()
}

fn detail(end: StepEnd, told: &Told) -> String {
    let of_step = |account| {
        let plans = told.plans.iter().filter(|plan| !plan.is_empty());
        plans.clone().find(|plan| plan.account == account)
    };
    let plan = match end.step {
        Step::SystemBypass => of_step(Account::System),
        Step::PluginBypass => of_step(Account::Plugin),
        _ => None,
    };
    if let Some(plan) = plan {
        let done = match end.outcome {
            Outcome::Planned => "to be added",
            _ => "added",
        };
        let written = match end.outcome {
            Outcome::Planned => "to be written",
            _ => "written and read back",
        };
        return format!(
            "{} {done}, {} {written}",
            plural(plan.added().count() as u64, "entry", "entries"),
            plural(plan.changes.len() as u64, "value", "values"),
        );
    }
    match (end.step, &told.check, &told.backed_up) {
        (Step::Backup, ..) if end.outcome == Outcome::NotNeeded => {
            "the site names no database to back up".to_owned()
        }
        _ if end.outcome == Outcome::NotNeeded => "the account uses no proxy".to_owned(),
        (Step::SystemBypass | Step::PluginBypass, ..) if end.outcome == Outcome::Done => {
            "as the site wants".to_owned()
        }
        (Step::Check, Some(check), _) if end.outcome == Outcome::Done => {
            let tried = check.tried.len() as u64;
            format!(
                "{} as the site says",
                plural(tried, "way works", "ways work")
            )
        }
        (Step::Backup, _, Some(done)) if end.outcome == Outcome::Done => backup(done),
        _ => resources(end, told).unwrap_or_else(|| prose::step(end.step).to_owned()),
    }
}

fn backup(done: &BackedUp) -> String {
    let moved = done
        .transferred_mb
        .map_or_else(String::new, |moved| format!(", {moved:.1} MB"));
    let adopted = if done.is_adopted {
        ", taken up again"
    } else {
        ""
    };
    format!(
        "{}: {}{moved}, job {}{adopted}",
        done.database, done.kind, done.job
    )
}

/// What a step found and made in Azure, in a line.
fn resources(end: StepEnd, told: &Told) -> Option<String> {
    let is_of_step = |kind: ResourceKind| match end.step {
        Step::Endpoint => matches!(
            kind,
            ResourceKind::Vault
                | ResourceKind::PublicNetworkAccess
                | ResourceKind::PrivateEndpoint
                | ResourceKind::Approval
                | ResourceKind::PrivateDnsZone
                | ResourceKind::ZoneLink
                | ResourceKind::ZoneGroup
        ),
        Step::Register => kind == ResourceKind::Registration,
        Step::Protect => matches!(kind, ResourceKind::Policy | ResourceKind::Protection),
        Step::Backup => kind == ResourceKind::BackupJob,
        Step::SystemBypass | Step::PluginBypass | Step::Check => false,
    };
    let mut parts: Vec<String> = Vec::new();
    for state in [
        ResourceState::Made,
        ResourceState::Planned,
        ResourceState::Found,
    ] {
        let of_state = told
            .resources
            .iter()
            .filter(|one| one.state == state && is_of_step(one.kind));
        let mut kinds: Vec<(ResourceKind, Vec<&str>)> = Vec::new();
        for one in of_state {
            match kinds.iter_mut().find(|(kind, _)| *kind == one.kind) {
                Some((_, names)) => names.push(&one.name),
                None => kinds.push((one.kind, vec![&one.name])),
            }
        }
        if kinds.is_empty() {
            continue;
        }
        let shown: Vec<String> = kinds
            .iter()
            .map(|(kind, names)| match names.as_slice() {
                [name] => format!("{} {name}", prose::resource_kind(*kind)),
                several => format!("{} {}s", several.len(), prose::resource_kind(*kind)),
            })
            .collect();
        parts.push(format!(
            "{}: {}",
            prose::resource_state(state),
            shown.join(", ")
        ));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// What a run made in Azure and leaves there, for the end of its report; `None`
/// where it made nothing.
pub(crate) fn made(told: &Told, state: ResourceState) -> Option<String> {
    let mut rows = table(&["What", "Name"]);
    for one in told.resources.iter().filter(|one| one.state == state) {
        rows.add_row(vec![
            prose::resource_kind(one.kind).to_owned(),
            one.name.clone(),
        ]);
    }
    (!rows.is_empty()).then(|| rows.trim_fmt())
}

/// Where a backup's connections went, and what that is worth.
pub(crate) fn evidence(evidence: &Evidence) -> String {
    let mut parts = vec!["By which path the bytes went".to_owned()];
    if !evidence.connections.is_empty() {
        parts.push(evidence_table(evidence).trim_fmt());
    }
    parts.extend(prose::evidence_claim(evidence));
    parts.join("\n")
}

/// Account by service by path.
pub(crate) fn evidence_table(evidence: &Evidence) -> Table {
    let mut rows = table(&["Account", "Service", "Path", "Connections", "Bytes"]);
    for row in &evidence.connections {
        rows.add_row(vec![
            prose::account(row.account).to_owned(),
            row.service.map_or("other", prose::service).to_owned(),
            prose::path(row.path).to_owned(),
            row.connections.to_string(),
            prose::counted(evidence.source, row.bytes),
        ]);
    }
    for column in [3, 4] {
        if let Some(column) = rows.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    rows
}

/// The keys that every report of a run has.
pub(crate) fn document(run: &Run, told: &Told) -> Value {
    let steps: Vec<Value> = run
        .steps
        .iter()
        .map(|end| json!({ "step": end.step, "outcome": end.outcome, "ms": millis(end.elapsed) }))
        .collect();
    let backup = told.backed_up.as_ref().map(|done| {
        json!({
            "database": done.database,
            "job": done.job,
            "kind": done.kind,
            "adopted": done.is_adopted,
            "transferred_mb": done.transferred_mb,
            "start": done.span.map(|(start, _)| start.to_string()),
            "end": done.span.map(|(_, end)| end.to_string()),
        })
    });
    json!({
        "outcome": run.outcome,
        "steps": steps,
        "findings": findings_document(&run.findings),
        "resources": told.resources,
        "records": told.records,
        "check": told.check.as_ref().map(crate::check_view::document),
        "backup": backup,
        "evidence": told.evidence,
    })
}

pub(crate) fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
