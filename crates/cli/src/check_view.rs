//! A check as text and as a document.

use std::time::Duration;

use serde_json::{Value, json};
use sidestep_model::check::{Check, StoredValue, Tried};
use sidestep_model::dns::AddressClass;
use sidestep_model::observation::{Observation, Stage};
use sidestep_model::redacted::Redacted;
use sidestep_model::registry::RegistryData;
use sidestep_model::route::Route;

use crate::prose;
use crate::render::{findings_document, table};
use crate::run_view::millis;

/// The four values, and every way.
pub(crate) fn text(check: &Check) -> String {
    format!("{}\n\n{}", values(&check.values), ways(&check.tried))
}

fn values(values: &[StoredValue]) -> String {
    let mut rows = table(&["Account", "Value", "Holds", "As the site wants"]);
    for value in values {
        rows.add_row(vec![
            prose::account(value.account).to_owned(),
            value.value.name().to_owned(),
            held(value),
            if value.is_wanted { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    rows.trim_fmt()
}

fn held(value: &StoredValue) -> String {
    match value.data.as_ref().map(Redacted::data) {
        None => "not there".to_owned(),
        Some(RegistryData::Dword(number)) => number.to_string(),
        Some(data) => match data.text() {
            Some(list) => {
                let entries = list.split(';').filter(|entry| !entry.trim().is_empty());
                let count = entries.count() as u64;
                crate::render::plural(count, "entry", "entries")
            }
            None => "of another type".to_owned(),
        },
    }
}

fn ways(tried: &[Tried]) -> String {
    let mut rows = table(&[
        "Account", "Endpoint", "Route", "DNS", "TCP", "CONNECT", "TLS", "HTTP", "ms",
    ]);
    for tried in tried {
        let seen = tried.seen.first();
        let stage = |of: fn(&Observation) -> &Stage| seen.map_or("", |seen| stage(of(seen)));
        rows.add_row(vec![
            prose::account(tried.probe.account).to_owned(),
            tried.probe.target.host.clone(),
            route(tried),
            seen.map_or_else(String::new, |seen| dns(tried, seen)),
            stage(|seen| &seen.tcp).to_owned(),
            stage(|seen| &seen.connect).to_owned(),
            stage(|seen| &seen.tls).to_owned(),
            seen.and_then(|seen| seen.http_status)
                .map_or_else(String::new, |status| status.to_string()),
            seen.map_or_else(String::new, |seen| millis(whole(seen)).to_string()),
        ]);
    }
    rows.trim_fmt()
}

/// The route, and the entry that decided it.
fn route(tried: &Tried) -> String {
    let decision = &tried.probe.decision;
    let route = prose::route(&decision.route);
    match &decision.entry {
        Some(entry) => format!("{route} by {}", entry.text),
        None => route,
    }
}

fn stage(stage: &Stage) -> &'static str {
    match stage {
        Stage::NotNeeded | Stage::NotReached => "",
        Stage::Passed(_) => "ok",
        Stage::Failed(..) => "FAILED",
    }
}

fn dns(tried: &Tried, seen: &Observation) -> String {
    match (&seen.dns, class(tried, seen)) {
        (Stage::Failed(..), _) => "none".to_owned(),
        (_, Some(AddressClass::Endpoint)) => "the endpoint".to_owned(),
        (_, Some(AddressClass::Private)) => "private".to_owned(),
        (_, Some(AddressClass::Public)) => "public".to_owned(),
        (_, None) => String::new(),
    }
}

/// What the address is that the way went to; a proxy's own address says nothing
/// about the endpoint.
fn class(tried: &Tried, seen: &Observation) -> Option<AddressClass> {
    let is_direct = matches!(tried.probe.decision.route, Route::Direct);
    let address = seen.addresses.first().filter(|_| is_direct)?;
    Some(AddressClass::of(*address, &tried.probe.target.expected))
}

fn whole(seen: &Observation) -> Duration {
    [&seen.dns, &seen.tcp, &seen.connect, &seen.tls, &seen.http]
        .into_iter()
        .map(|stage| match stage {
            Stage::Passed(elapsed) | Stage::Failed(elapsed, _) => *elapsed,
            Stage::NotNeeded | Stage::NotReached => Duration::ZERO,
        })
        .sum()
}

/// The check for a script.
pub(crate) fn document(check: &Check) -> Value {
    let values: Vec<Value> = check
        .values
        .iter()
        .map(|value| {
            json!({
                "account": value.account,
                "value": value.value,
                "holds": held(value),
                "as_wanted": value.is_wanted,
            })
        })
        .collect();
    let probes: Vec<Value> = check.tried.iter().map(probe).collect();
    json!({
        "verdict": if check.is_passed() { "passed" } else { "failed" },
        "values": values,
        "probes": probes,
        "findings": findings_document(&check.findings),
    })
}

fn probe(tried: &Tried) -> Value {
    let decision = &tried.probe.decision;
    let (route, proxy) = match &decision.route {
        Route::Direct => ("direct", None),
        Route::Proxy(proxy) => ("proxy", Some(proxy.to_string())),
        Route::Auto { .. } => ("auto", None),
        Route::Error(_) => ("error", None),
        Route::Unknown => ("unknown", None),
    };
    let seen = tried.seen.first();
    let stage = |of: fn(&Observation) -> &Stage| seen.map(|seen| stage_document(of(seen)));
    json!({
        "account": tried.probe.account,
        "endpoint": tried.probe.target.host,
        "service": tried.probe.target.service,
        "route": route,
        "proxy": proxy,
        "entry": decision.entry,
        "addresses": seen.map(|seen| &seen.addresses),
        "class": seen.and_then(|seen| class(tried, seen)),
        "dns": stage(|seen| &seen.dns),
        "tcp": stage(|seen| &seen.tcp),
        "connect": stage(|seen| &seen.connect),
        "tls": stage(|seen| &seen.tls),
        "schannel": stage(|seen| &seen.schannel),
        "http": stage(|seen| &seen.http),
        "http_status": seen.and_then(|seen| seen.http_status),
        "ms": seen.map(|seen| millis(whole(seen))),
    })
}

fn stage_document(stage: &Stage) -> Value {
    match stage {
        Stage::NotNeeded => json!({ "state": "not-needed" }),
        Stage::NotReached => json!({ "state": "not-reached" }),
        Stage::Passed(elapsed) => json!({ "state": "passed", "ms": millis(*elapsed) }),
        Stage::Failed(elapsed, _) => json!({ "state": "failed", "ms": millis(*elapsed) }),
    }
}
