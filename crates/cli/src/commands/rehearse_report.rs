//! A rehearsal as text and as a document.

use serde_json::{Value, json};
use sidestep_audit::Audit;
use sidestep_flow::Run;
use sidestep_lab::{Backup, Scenario};
use sidestep_model::catalogue::Service;
use sidestep_model::event::Outcome;
use sidestep_model::evidence::Evidence;
use sidestep_model::finding::Finding;
use sidestep_model::site::{ProxyMode, Route, Site};

use crate::prose;
use crate::rehearsal::{Rehearsal, Trial};
use crate::render::{bytes, findings_document, findings_text, plural, table};
use crate::{dns_view, run_view};

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
pub(crate) fn document(scenario: &Scenario, rehearsal: &Rehearsal) -> Value {
    let Rehearsal { run, told, .. } = rehearsal;
    let before = &rehearsal.before;
    let failure = before.result.as_ref().err();
    let mut document = run_view::document(run, told);
    let stored = rehearsal.stored.as_ref();
    document["rehearsal"] = true.into();
    document["stamp"] = prose::REHEARSAL.into();
    document["scenario"] = scenario.name.clone().into();
    document["before"] = json!({
        "outcome": if failure.is_some() { Outcome::Failed } else { Outcome::Done },
        "azure_code": failure.map(|failure| &failure.code),
        "evidence": before.evidence,
        "proxy_log": log_document(&before.proxy_log),
    });
    document["waited"] = rehearsal
        .waited
        .iter()
        .map(|run| findings_document(&run.findings))
        .collect();
    // What the lab's vault read back, beside what Azure says of the job.
    if let (Some(stored), Value::Object(backup)) = (stored, &mut document["backup"]) {
        backup.insert("bytes".to_owned(), stored.bytes.into());
        backup.insert("blocks".to_owned(), stored.blocks.into());
        backup.insert("sha256".to_owned(), stored.sha256.clone().into());
    }
    document["proxy_log"] = log_document(&rehearsal.proxy_log);
    document
}

fn log_document(audit: &Audit) -> Value {
    let crossings: Vec<Value> = audit
        .by_host()
        .iter()
        .map(|(host, (service, totals))| {
            json!({
                "host": host,
                "service": service,
                "connections": totals.connections,
                "bytes": totals.bytes,
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
    ];
    parts.extend(rehearsal.waited.iter().map(asked));
    parts.push(run_view::steps(&rehearsal.run, &rehearsal.told));
    parts.extend(rehearsal.stored.as_ref().map(stored));
    if let Some(evidence) = &rehearsal.told.evidence {
        parts.push(format!(
            "By which path the bytes went, from the listeners' own records\n{}",
            run_view::evidence_table(evidence).trim_fmt()
        ));
        parts.push(verdict(site, rehearsal, evidence));
    } else if !rehearsal.before.evidence.connections.is_empty() {
        parts.push(format!(
            "As found, by which path the bytes go\n{}",
            run_view::evidence_table(&rehearsal.before.evidence).trim_fmt()
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

/// A run that ended with a request to the team that owns DNS, which then did it.
fn asked(run: &Run) -> String {
    let step = run.steps.iter().find(|end| end.outcome == Outcome::Failed);
    let step = step.map_or("", |end| end.step.key());
    let request = run.findings.iter().find_map(|finding| match finding {
        Finding::RecordsMissing { records, .. } => Some(records),
        _ => None,
    });
    let records = request.map_or(&[][..], Vec::as_slice);
    format!(
        "Stopped at {step} to ask the team that owns DNS for {}; the rehearsal's team entered them, \
         and the run was started again\n{}",
        plural(records.len() as u64, "record", "records"),
        dns_view::rows(records)
    )
}

/// What the lab's vault stored: it believes nobody and reads it back.
fn stored(stored: &Backup) -> String {
    format!(
        "Stored    {}: {} in {}, read back with the same SHA-256 {}…",
        stored.database,
        bytes(stored.bytes),
        plural(stored.blocks.into(), "block", "blocks"),
        stored.sha256.get(..12).unwrap_or(&stored.sha256),
    )
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
            failure.code, failure.host
        ),
    };
    let leaks = before.evidence.protected_on_proxy();
    let against: Vec<String> = before
        .proxy_log
        .by_host()
        .into_iter()
        .filter(|(_, (service, _))| site.route_of(*service) == Route::Direct)
        .map(|(host, (service, totals))| {
            let service = prose::service(service);
            let times = plural(totals.connections, "time", "times");
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
