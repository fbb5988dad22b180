//! What crossed the proxy, as text and as a document.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};
use sidestep_audit::{Audit, Leak, Leaks, MOST_PAIRS, Totals};
use sidestep_model::catalogue::Service;
use sidestep_model::site::Route;

use crate::prose;
use crate::render::{bytes, local_time, plural, table};

/// Rows that a person reads; a document has them all.
const MOST_ROWS: usize = 50;

/// What was found, and what it was held against.
pub(crate) struct Found<'a> {
    pub(crate) audit: &'a Audit,
    pub(crate) logs: usize,
    pub(crate) samples: &'a [Sample],
    pub(crate) leaks: &'a Leaks<'a>,
    /// Whether the clients' list was given.
    pub(crate) has_list: bool,
    /// The way of Entra ID, where it is known.
    pub(crate) entra: Option<Route>,
}

/// A line that could not be read, and its log.
pub(crate) struct Sample {
    pub(crate) log: String,
    pub(crate) sample: sidestep_audit::Sample,
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { log, sample } = self;
        write!(f, "{log}, byte {}: {}", sample.offset, sample.shape)
    }
}

pub(crate) fn document(found: &Found<'_>) -> Value {
    let leaks = found.leaks.leaks.iter().map(|leak| {
        let client = Some(&leak.crossing.client).filter(|client| !client.is_empty());
        let mut row = json!({
            "host": leak.crossing.host,
            "service": leak.crossing.service,
            "client": client,
        });
        add_totals(&mut row, &leak.crossing.totals);
        row["missing_entry"] = json!(leak.missing_entry);
        row
    });
    let others = found.leaks.others.iter().map(|(service, totals)| {
        let mut row = json!({ "service": service });
        add_totals(&mut row, totals);
        row
    });
    let samples = found.samples.iter().map(|Sample { log, sample }| {
        json!({ "log": log, "offset": sample.offset, "shape": sample.shape })
    });
    json!({
        "lines": found.audit.lines,
        "malformed": found.audit.malformed,
        "bytes_read": found.audit.bytes_read,
        "leaks": leaks.collect::<Vec<_>>(),
        "fixed_list": found.leaks.fixed_list,
        "others": others.collect::<Vec<_>>(),
        "samples": samples.collect::<Vec<_>>(),
        "entra": found.entra.map(Route::key),
        "challenged": found.leaks.challenged,
    })
}

fn add_totals(row: &mut Value, totals: &Totals) {
    row["connections"] = totals.connections.into();
    row["bytes"] = totals.bytes.into();
    row["first_seen"] = json!(totals.seen.map(|(first, _)| first));
    row["last_seen"] = json!(totals.seen.map(|(_, last)| last));
}

/// The leaks, the list against them, and how well the logs could be read.
pub(crate) fn text(found: &Found<'_>) -> String {
    let mut parts = vec![summary(found)];
    if !found.leaks.leaks.is_empty() {
        parts.push(rows(found));
    }
    if !found.leaks.others.is_empty() {
        parts.push(others(&found.leaks.others));
    }
    if let Some(list) = &found.leaks.fixed_list {
        parts.push(format!("The list that keeps them off the proxy:\n{list}"));
    }
    parts.extend(challenged(found.leaks.challenged));
    parts.extend(entra_unknown(found));
    parts.push(how_read(found));
    parts.join("\n\n") + "\n"
}

fn summary(found: &Found<'_>) -> String {
    let leaks = &found.leaks.leaks;
    let others = &found.leaks.others;
    let apart = leaks.iter().map(|leak| leak.crossing.totals.connections);
    let connections: u64 = apart
        .chain(others.iter().map(|(_, totals)| totals.connections))
        .sum();
    if connections == 0 {
        return "Nothing crossed the proxy that should go direct".to_owned();
    }
    let hosts: BTreeSet<&str> = leaks.iter().map(|leak| &*leak.crossing.host).collect();
    let clients: BTreeSet<&str> = leaks.iter().map(|leak| &*leak.crossing.client).collect();
    let more = if others.is_empty() { "" } else { "more than " };
    format!(
        "{} crossed the proxy and should go direct: {more}{}, {more}{}",
        plural(connections, "connection", "connections"),
        plural(hosts.len() as u64, "name", "names"),
        plural(clients.len() as u64, "client", "clients"),
    )
}

fn rows(found: &Found<'_>) -> String {
    let entry = if found.has_list {
        "Missing entry"
    } else {
        "Entry against it"
    };
    let mut rows = table(&[
        "Host",
        "Service",
        "Client",
        "Connections",
        "Bytes",
        "First",
        "Last",
        entry,
    ]);
    let leaks = &found.leaks.leaks;
    for leak in leaks.iter().take(MOST_ROWS) {
        let totals = &leak.crossing.totals;
        let seen = totals
            .seen
            .map(|(first, last)| [first, last].map(local_time));
        let [first, last] = seen.unwrap_or_default();
        rows.add_row([
            leak.crossing.host.clone(),
            prose::service(leak.crossing.service).to_owned(),
            leak.crossing.client.clone(),
            totals.connections.to_string(),
            bytes(totals.bytes),
            first,
            last,
            entry_shown(leak).to_owned(),
        ]);
    }
    let more = leaks.len().saturating_sub(MOST_ROWS) as u64;
    let more = match more {
        0 => String::new(),
        _ => format!("\n{} more; --json has all", plural(more, "row", "rows")),
    };
    let has = |shown: &str| leaks.iter().any(|leak| entry_shown(leak) == shown);
    let listed = if has(LISTED) {
        "\n(is listed): the list that was given sends it direct, so that the client has another"
    } else {
        ""
    };
    let no_entry = if has(NO_ENTRY) {
        "\n(none): no entry that the site wants sends it direct"
    } else {
        ""
    };
    format!("{}{more}{listed}{no_entry}", rows.trim_fmt())
}

const LISTED: &str = "(is listed)";
const NO_ENTRY: &str = "(none)";

fn entry_shown(leak: &Leak<'_>) -> &'static str {
    match leak.missing_entry {
        Some(entry) => entry,
        None if leak.is_listed => LISTED,
        None => NO_ENTRY,
    }
}

fn others(others: &[(Service, Totals)]) -> String {
    let sums: Vec<String> = others
        .iter()
        .map(|(service, totals)| {
            format!(
                "\n {}: {}, {}",
                prose::service(*service),
                plural(totals.connections, "connection", "connections"),
                bytes(totals.bytes)
            )
        })
        .collect();
    format!(
        "Up to {MOST_PAIRS} pairs of host and client are counted apart; beyond them:{}",
        sums.concat()
    )
}

fn challenged(requests: u64) -> Option<String> {
    (requests > 0).then(|| {
        format!(
            "Not counted: {} for what should go direct that the proxy answered with 407, \
             to ask who is there",
            plural(requests, "request", "requests")
        )
    })
}

/// What cannot be judged without the owner's word.
fn entra_unknown(found: &Found<'_>) -> Option<String> {
    if found.entra.is_some() {
        return None;
    }
    let apart = found.audit.crossings.iter();
    let apart = apart.filter(|crossing| crossing.service == Service::Entra);
    let others = found.audit.others.get(&Service::Entra);
    let totals = apart.map(|crossing| &crossing.totals).chain(others);
    let connections: u64 = totals.map(|totals| totals.connections).sum();
    (connections > 0).then(|| {
        format!(
            "Entra ID: {} as well; whether they should is the site's to say (--site, or --entra direct)",
            plural(connections, "connection", "connections")
        )
    })
}

fn how_read(found: &Found<'_>) -> String {
    let audit = found.audit;
    let read = format!(
        "Read {} ({}) of {}",
        plural(audit.lines, "line", "lines"),
        bytes(audit.bytes_read),
        plural(found.logs as u64, "log", "logs")
    );
    if audit.malformed == 0 {
        return read;
    }
    let samples = found.samples.iter().map(|sample| format!("\n {sample}"));
    format!(
        "{read}; {} could not be read, such as these (a stands for letters, 9 for digits):{}",
        plural(audit.malformed, "line", "lines"),
        samples.collect::<String>()
    )
}
