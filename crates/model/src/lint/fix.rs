//! The list that was probably meant.

use super::check::{Finding, Wants, lint};
use super::{Rule, entry};
use crate::bypass::{BypassList, Consumer, join, minimise};

/// The list with every finding that has one answer answered: names respelt,
/// entries split and separated by `;`, default ports cut off, what is missing
/// added, and what covers nothing, goes against the route, is published no longer
/// or imitates a published range left out; then as short as it can be
/// ([`minimise`](crate::bypass::minimise)). Entries of somebody else's stay, and so
/// do those of which nobody can tell what was meant.
///
/// `None` where nothing changes.
#[must_use]
pub fn fixed(text: &str, wants: &Wants<'_>) -> Option<String> {
    let findings = lint(text, wants);
    let mut entries: Vec<String> = Vec::new();
    let whole = BypassList::parse(text, Consumer::DotnetFramework);
    for one in whole.entries() {
        for piece in BypassList::parse(&one.text, Consumer::Wininet).entries() {
            let span = one.span.start + piece.span.start..one.span.start + piece.span.end;
            let about = findings.iter().filter(|finding| finding.span == span);
            entries.extend(mended(&piece.text, about));
        }
    }
    let (local, mut entries): (Vec<String>, Vec<String>) = entries
        .into_iter()
        .partition(|entry| entry.eq_ignore_ascii_case("<local>"));
    let mut wants_local = !local.is_empty();
    for finding in &findings {
        match &finding.rule {
            Rule::Missing { name, .. } | Rule::PlatformMissing { name } => {
                entries.push((*name).to_owned());
            }
            Rule::LocalMissing => wants_local = true,
            _ => {}
        }
    }
    // Windows' own dialog puts it at the end.
    entries.extend(wants_local.then(|| "<local>".to_owned()));
    let list = minimise(&join(entries.iter().map(String::as_str))).list;
    (list != text).then_some(list)
}

/// What becomes of one entry.
fn mended<'a>(text: &str, findings: impl Iterator<Item = &'a Finding>) -> Vec<String> {
    let mut mended = vec![text.to_owned()];
    for finding in findings {
        match &finding.rule {
            Rule::Misspelt { meant } => mended = vec![text.replace(entry::host_of(text), meant)],
            Rule::DefaultPort { port } => {
                let port = format!(":{port}");
                mended = text
                    .strip_suffix(&port)
                    .map(str::to_owned)
                    .into_iter()
                    .collect();
            }
            Rule::Comma => {
                let parts = text.split(',').map(str::trim);
                let parts = parts.filter(|part| !part.is_empty());
                mended = parts.map(str::to_owned).collect();
            }
            Rule::StrayCharacter { .. } => {
                let sound: String = text
                    .chars()
                    .filter(|c| c.is_ascii_graphic() && !"\"'`".contains(*c))
                    .collect();
                mended = vec![sound]
                    .into_iter()
                    .filter(|entry| !entry.is_empty())
                    .collect();
            }
            Rule::LeadingDot => mended = vec![text.replacen('.', "*.", 1)],
            Rule::Slash { cidr: false } => {
                let end = text.trim_end_matches('/');
                let host = end.split_once("://").map_or(end, |(_, host)| host);
                mended = if host.contains('/') || host.is_empty() {
                    Vec::new()
                } else {
                    vec![end.to_owned()]
                };
            }
            Rule::Slash { cidr: true }
            | Rule::Duplicate { .. }
            | Rule::NarrowerThanRange { .. }
            | Rule::WiderThanRange { .. }
            | Rule::NoLongerPublished
            | Rule::AgainstRoute { .. }
            | Rule::Dead { .. } => return Vec::new(),
            _ => {}
        }
    }
    mended
}
