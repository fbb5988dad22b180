//! Counts of a judgement, and how they are shown.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::exchange::Exchange;
use super::exclusion::Exclusion;
use super::finding::{Finding, Judged, Side};

/// Disagreements beyond these add nothing to what the first ones show.
const SHOWN: usize = 40;

/// Everything that was found.
#[derive(Default)]
pub(super) struct Report {
    pub(super) exchanges: usize,
    pub(super) disagreements: usize,
    rows: BTreeMap<(String, String, String), Row>,
    /// Exchanges that mean no documented operation, for a named reason.
    elsewhere: usize,
    exclusions: BTreeMap<Exclusion, usize>,
    /// Operation, side, place with `*` for indices, and reason: how often.
    warnings: BTreeMap<(String, Side, String, String), usize>,
    shown: Vec<String>,
}

#[derive(Default)]
struct Row {
    requests: usize,
    answers: usize,
    agreeing: usize,
    warnings: usize,
    /// The api-versions that were asked for.
    versions: BTreeSet<String>,
}

impl Report {
    pub(super) fn add(&mut self, source: &str, exchange: &Exchange, judged: Judged) {
        self.exchanges += 1;
        for exclusion in judged.exclusions {
            *self.exclusions.entry(exclusion).or_default() += 1;
        }
        for finding in &judged.disagreements {
            self.disagreements += 1;
            if self.shown.len() < SHOWN {
                self.shown.push(shown(source, exchange, finding));
            }
        }
        let Some(operation) = judged.operation else {
            self.elsewhere += usize::from(judged.disagreements.is_empty());
            return;
        };
        for finding in &judged.warnings {
            let key = (
                operation.2.clone(),
                finding.side,
                without_indices(&finding.at),
                finding.reason.clone(),
            );
            *self.warnings.entry(key).or_default() += 1;
        }
        let row = self.rows.entry(operation).or_default();
        row.requests += 1;
        let mut query = exchange.query.iter();
        let version = query.find(|(name, _)| name == "api-version");
        row.versions
            .extend(version.map(|(_, version)| version.clone()));
        row.answers += usize::from(judged.answered);
        row.agreeing += usize::from(judged.disagreements.is_empty());
        row.warnings += judged.warnings.len();
    }

    /// Every count, then what was found.
    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let width = self.rows.keys().map(|(.., id)| id.len()).max().unwrap_or(0);
        writeln!(
            out,
            "  {:width$}  requests  answers  agreeing  warnings  document",
            "operation"
        )?;
        for ((document, version, id), row) in &self.rows {
            let Row {
                requests,
                answers,
                agreeing,
                warnings,
                versions,
            } = row;
            let others: Vec<&str> = versions
                .iter()
                .map(String::as_str)
                .filter(|asked| asked != version)
                .collect();
            let asked = match others.len() {
                0 => String::new(),
                _ => format!(", asked for {}", others.join(", ")),
            };
            writeln!(
                out,
                "  {id:width$}  {requests:>8}  {answers:>7}  {agreeing:>8}  {warnings:>8}  {document} {version}{asked}"
            )?;
        }
        let judged: usize = self.rows.values().map(|row| row.requests).sum();
        writeln!(
            out,
            "  exchanges: {}, of documented operations {judged}, of others {}",
            self.exchanges, self.elsewhere
        )?;
        for (exclusion, count) in &self.exclusions {
            writeln!(out, "  excluded {count}: {}", exclusion.reason())?;
        }
        for ((operation, side, at, reason), count) in &self.warnings {
            writeln!(out, "  warning {count}: {operation} {side} {at}: {reason}")?;
        }
        for line in &self.shown {
            writeln!(out, "  {line}")?;
        }
        if self.disagreements > self.shown.len() {
            let more = self.disagreements - self.shown.len();
            writeln!(out, "  and {more} disagreements more")?;
        }
        Ok(())
    }

    /// What was tried, in a line.
    pub(super) fn tried(&self) -> String {
        let warnings: usize = self.warnings.values().sum();
        format!(
            "{} exchanges, {} operations, {} warnings of {} kinds",
            self.exchanges,
            self.rows.len(),
            warnings,
            self.warnings.len()
        )
    }
}

fn shown(source: &str, exchange: &Exchange, finding: &Finding) -> String {
    let Finding { side, at, reason } = finding;
    let at = if at.is_empty() { "/" } else { at };
    format!(
        "{source}: {} {}: {side} {at}: {reason}",
        exchange.method,
        exchange.shown_path()
    )
}

fn without_indices(pointer: &str) -> String {
    let parts = pointer.split('/').map(|part| {
        let is_index = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_index { "*" } else { part }
    });
    parts.collect::<Vec<_>>().join("/")
}
