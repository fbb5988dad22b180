//! A rehearsal as text and as a document.

use std::time::Duration;

use comfy_table::{CellAlignment, Table};
use serde::Serialize;
use serde_json::{Value, json};
use sidestep_audit::Audit;
use sidestep_lab::Scenario;
use sidestep_model::account::Account;
use sidestep_model::catalogue::Service;
use sidestep_model::event::{Outcome, Step, StepEnd};
use sidestep_model::evidence::Evidence;
use sidestep_model::site::{ProxyMode, Route, Site};

use crate::prose;
use crate::rehearsal::{Rehearsal, Trial};
use crate::render::{bytes, findings_document, findings_text, plural, table};

/// The scenarios for a person.
pub(crate) fn list_text(scenarios: &[Scenario]) -> String {
    let mut rows = table(&["Scenario", "What it rehearses", "Ends"]);
    for scenario in scenarios {
        let ends = format!("{} ({})", scenario.expect.outcome, scenario.expect.exit);
        rows.add_row(vec![scenario.name.clone(), scenario.summary.clone(), ends]);
    }
    format!("{}\n", rows.trim_fmt())
}

/// The scenarios for a script.
pub(crate) fn list_document(scenarios: &[Scenario]) -> Value {
    let scenarios: Vec<Value> = scenarios
        .iter()
        .map(|scenario| {
            json!({
                "name": scenario.name,
                "summary": scenario.summary,
                "outcome": scenario.expect.outcome,
                "exit": scenario.expect.exit,
                "findings": scenario.expect.findings,
            })
        })
        .collect();
    json!({ "scenarios": scenarios })
}

/// The whole rehearsal for a script.
pub(crate) fn document(scenario: &Scenario, rehearsal: &Rehearsal) -> impl Serialize + use<> {
    let steps: Vec<Value> = rehearsal
        .run
        .steps
        .iter()
        .map(|end| json!({ "step": end.step, "outcome": end.outcome, "ms": millis(end.elapsed) }))
        .collect();
    let backup = rehearsal.backed_up.as_ref().map(|done| {
        json!({
            "database": done.database,
            "bytes": done.bytes,
            "blocks": done.blocks,
            "sha256": done.sha256,
            "ms": millis(done.elapsed),
        })
    });
    let before = &rehearsal.before;
    let failure = before.result.as_ref().err();
    json!({
        "rehearsal": true,
        "stamp": prose::REHEARSAL,
        "scenario": scenario.name,
        "outcome": rehearsal.run.outcome,
        "steps": steps,
        "findings": findings_document(&rehearsal.run.findings),
        "before": {
            "outcome": if failure.is_some() { Outcome::Failed } else { Outcome::Done },
            "azure_code": failure.map(|failure| &failure.azure_code),
            "evidence": before.evidence,
            "proxy_log": log_document(&before.proxy_log),
        },
        "backup": backup,
        "evidence": rehearsal.evidence,
        "proxy_log": log_document(&rehearsal.proxy_log),
    })
}

fn log_document(audit: &Audit) -> Value {
    let crossings: Vec<Value> = audit
        .crossings
        .iter()
        .map(|(host, crossing)| {
            json!({
                "host": host,
                "service": crossing.service,
                "connections": crossing.connections,
                "bytes": crossing.bytes,
            })
        })
        .collect();
    json!({ "lines": audit.lines, "malformed": audit.malformed, "crossings": crossings })
}

/// The whole rehearsal for a person.
pub(crate) fn text(scenario: &Scenario, site: &Site, rehearsal: &Rehearsal) -> String {
    let stamp = prose::REHEARSAL;
    let mut parts = vec![
        format!("{stamp}  scenario {}\n{}", scenario.name, scenario.summary),
        heading(site, &rehearsal.before),
        steps(rehearsal),
    ];
    if let Some(evidence) = &rehearsal.evidence {
        parts.push(format!(
            "By which path the bytes went, from the listeners' own records\n{}",
            evidence_table(evidence).trim_fmt()
        ));
        parts.push(verdict(site, rehearsal, evidence));
    } else {
        parts.push(format!(
            "As found, by which path the bytes go\n{}",
            evidence_table(&rehearsal.before.evidence).trim_fmt()
        ));
    }
    if !rehearsal.run.findings.is_empty() {
        parts.push(findings_text(&rehearsal.run.findings));
    }
    let declared = &scenario.expect.outcome;
    if declared != rehearsal.run.outcome.key() {
        parts.push(format!(
            "On the built-in sample this scenario ends: {declared}. This site makes the difference."
        ));
    }
    parts.push(format!(
        "{stamp}  outcome: {}",
        prose::outcome(rehearsal.run.outcome)
    ));
    format!("{}\n", parts.join("\n\n"))
}

fn heading(site: &Site, before: &Trial) -> String {
    let machine = site.vms.first().map_or("", |vm| &vm.name);
    let proxy = match (&site.proxy.server, site.proxy.mode) {
        (Some(server), ProxyMode::Set) => format!("proxy {server} (set)"),
        (Some(server), ProxyMode::Keep) => format!("proxy {server} (kept)"),
        (None, _) => "the proxy that is found (kept)".to_owned(),
    };
    let found = match &before.result {
        Ok(done) => format!("{} is backed up", done.database),
        Err(failure) => format!(
            "the backup fails with {}\n          at {}",
            failure.azure_code, failure.host
        ),
    };
    let leaks = before.evidence.protected_on_proxy();
    let against: Vec<String> = before
        .proxy_log
        .crossings
        .iter()
        .filter(|(_, crossing)| site.route_of(crossing.service) == Route::Direct)
        .map(|(host, crossing)| {
            let service = prose::service(crossing.service);
            let times = plural(crossing.connections, "time", "times");
            format!("\n            {host} ({service}, {times})")
        })
        .collect();
    let leaked = if against.is_empty() {
        String::new()
    } else {
        format!(
            "\n          what the site sends direct went through the proxy:{}",
            against.concat()
        )
    };
    format!(
        "Site      vault {} in {}, VM {machine}, {proxy}\n          \
         Backup and Storage {}, Entra ID {}\n\
         As found  {found}\n          \
         Backup and Storage connections on the proxy: {leaks}{leaked}",
        site.vault.name,
        site.azure.location.name,
        route(site.bypass.backup),
        route(site.bypass.entra),
    )
}

fn route(route: Route) -> &'static str {
    match route {
        Route::Direct => "direct",
        Route::Proxy => "by the proxy",
    }
}

fn steps(rehearsal: &Rehearsal) -> String {
    let mut rows = table(&["Step", "Outcome", "ms", ""]);
    for end in &rehearsal.run.steps {
        let ms = match end.outcome {
            Outcome::NotYet | Outcome::NotReached => String::new(),
            _ => millis(end.elapsed).to_string(),
        };
        rows.add_row(vec![
            end.step.key().to_owned(),
            prose::outcome(end.outcome),
            ms,
            detail(*end, rehearsal),
        ]);
    }
    if let Some(column) = rows.column_mut(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    rows.trim_fmt()
}

fn detail(end: StepEnd, rehearsal: &Rehearsal) -> String {
    let plan = rehearsal
        .plans
        .iter()
        .find(|plan| match end.step {
            Step::SystemBypass => plan.account == Account::System,
            Step::PluginBypass => plan.account == Account::Plugin,
            _ => false,
        })
        .filter(|plan| !plan.is_empty());
    match (plan, &rehearsal.backed_up) {
        (Some(plan), _) => format!(
            "{} added, {} written and read back",
            plural(plan.added().count() as u64, "entry", "entries"),
            plural(plan.changes.len() as u64, "value", "values"),
        ),
        (None, Some(done)) if end.step == Step::Backup => format!(
            "{}: {} in {}, read back with the same SHA-256 {}…",
            done.database,
            bytes(done.bytes),
            plural(done.blocks.into(), "block", "blocks"),
            done.sha256.get(..12).unwrap_or(&done.sha256),
        ),
        _ if end.outcome == Outcome::NotNeeded => "the account uses no proxy".to_owned(),
        _ => prose::step(end.step).to_owned(),
    }
}

fn evidence_table(evidence: &Evidence) -> Table {
    let mut rows = table(&["Account", "Service", "Path", "Connections", "Bytes"]);
    for row in &evidence.connections {
        rows.add_row(vec![
            prose::account(row.account).to_owned(),
            prose::service(row.service).to_owned(),
            prose::path(row.path).to_owned(),
            row.connections.to_string(),
            bytes(row.bytes),
        ]);
    }
    for column in [3, 4] {
        if let Some(column) = rows.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    rows
}

fn verdict(site: &Site, rehearsal: &Rehearsal, evidence: &Evidence) -> String {
    let leaks = evidence.protected_on_proxy();
    let meant = match site.bypass.backup {
        Route::Direct => "",
        Route::Proxy => "; the site says by the proxy",
    };
    let log = &rehearsal.proxy_log;
    let named = log.protected();
    let found = rehearsal.before.evidence.protected_on_proxy();
    let agrees = match evidence.against_log(named) {
        None => "agrees",
        Some(_) => "DISAGREES",
    };
    let entra: Vec<&str> = evidence
        .paths_of(Service::Entra)
        .into_iter()
        .map(prose::path)
        .collect();
    let entra = if entra.is_empty() {
        "not reached".to_owned()
    } else {
        entra.join(" and ")
    };
    format!(
        "Backup and Storage connections on the proxy: {leaks}{meant} (as found: {found})\n\
         The proxy's own access log {agrees}: of its {}, {named} name Backup or Storage\n\
         Entra ID: {entra}; the site says {}",
        plural(log.lines, "line", "lines"),
        route(site.bypass.entra),
    )
}

fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
