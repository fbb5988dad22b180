//! Which entry almost covered a destination.

use super::matching::{covers, is_match};
use super::{BypassList, Consumer, EntryForm, Pattern};
use crate::destination::Destination;

/// The entry that comes nearest to covering a destination, and why it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// Its place in the list, from 0.
    pub index: usize,
    /// Why it does not cover the destination.
    pub because: NearBecause,
}

/// Why an entry does not cover a destination that it nearly does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NearBecause {
    /// `*.x` does not cover `x` itself.
    Apex,
    /// It applies to another port. .NET leaves a scheme's default port out of
    /// the compared text, so that an entry with it never matches.
    Port(u16),
    /// It applies to another scheme.
    Scheme(String),
    /// A leading dot matches no host; with `*` before it, it would.
    LeadingDot,
    /// It is run together with others by blanks, which only `WinINet` splits.
    RunTogether,
    /// `x` is this host alone, not the names below it.
    NamesBelow,
    /// One character is lost, added, changed, or swapped with its neighbour.
    OneEdit,
    /// The host ends in a dot, which is compared, too.
    TrailingDot,
}

impl BypassList {
    /// The nearest of the entries that do not cover the destination, if any is near.
    #[must_use]
    pub fn nearest(&self, destination: &Destination) -> Option<Near> {
        let consumer = self.consumer();
        let near = self.entries().iter().filter_map(|entry| {
            let because = match &entry.form {
                EntryForm::Pattern(pattern) => almost(pattern, destination, consumer),
                EntryForm::Dead(_) => dead(&entry.text, destination),
                _ => None,
            }?;
            Some((because, entry.index))
        });
        near.min().map(|(because, index)| Near { index, because })
    }
}

fn almost(pattern: &Pattern, destination: &Destination, consumer: Consumer) -> Option<NearBecause> {
    let host = destination.compared_host(consumer);
    let glob = pattern.host.to_ascii_lowercase();
    let without = |scheme: bool, port: bool| Pattern {
        scheme: pattern.scheme.clone().filter(|_| !scheme),
        port: pattern.port.filter(|_| !port),
        host: pattern.host.clone(),
        glob: glob.clone(),
    };
    if let Some(port) = pattern.port
        && covers(&without(true, true), destination, consumer)
    {
        return Some(NearBecause::Port(port));
    }
    if let Some(scheme) = &pattern.scheme
        && covers(&without(true, false), destination, consumer)
    {
        return Some(NearBecause::Scheme(scheme.clone()));
    }
    if glob.strip_prefix("*.") == Some(host) {
        return Some(NearBecause::Apex);
    }
    if let Some(host) = host.strip_suffix('.')
        && is_match(&glob, host)
    {
        return Some(NearBecause::TrailingDot);
    }
    if !glob.contains('*')
        && host
            .strip_suffix(glob.as_str())
            .is_some_and(|rest| rest.ends_with('.'))
    {
        return Some(NearBecause::NamesBelow);
    }
    is_one_edit(&glob, host).then_some(NearBecause::OneEdit)
}

/// Entries that match nothing as they are.
fn dead(text: &str, destination: &Destination) -> Option<NearBecause> {
    let consumer = Consumer::Wininet;
    let covered = |text: &str| {
        let list = BypassList::parse(text, consumer);
        let mut entries = list.entries().iter();
        entries.any(|entry| match &entry.form {
            EntryForm::Pattern(pattern) => covers(pattern, destination, consumer),
            _ => false,
        })
    };
    if text.starts_with('.') && covered(&format!("*{text}")) {
        return Some(NearBecause::LeadingDot);
    }
    covered(text).then_some(NearBecause::RunTogether)
}

/// The wildcard part of a pattern is taken for what it covers.
fn is_one_edit(glob: &str, host: &str) -> bool {
    match glob.strip_prefix('*') {
        None => {
            host.contains('.')
                && glob.len().abs_diff(host.len()) <= 1
                && strsim::osa_distance(glob, host) == 1
        }
        Some(suffix) if suffix.contains('*') || suffix.len() < 6 => false,
        Some(suffix) => (suffix.len() - 1..=suffix.len() + 1).any(|length| {
            let start = host.len().checked_sub(length);
            let end = start.and_then(|start| host.get(start..));
            end.is_some_and(|end| end.starts_with('.') && strsim::osa_distance(suffix, end) == 1)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_entry_says_why_not() {
        for (list, url, index, because) in [
            ("a.example;*.x.example", "x.example", 1, NearBecause::Apex),
            (
                "x.example:443",
                "https://x.example/",
                0,
                NearBecause::Port(443),
            ),
            (
                "x.example:8443",
                "https://x.example/",
                0,
                NearBecause::Port(8443),
            ),
            (
                "http://x.example",
                "https://x.example/",
                0,
                NearBecause::Scheme("http".into()),
            ),
            (".x.example", "a.x.example", 0, NearBecause::LeadingDot),
            (
                "b.example x.example",
                "x.example",
                0,
                NearBecause::RunTogether,
            ),
            ("x.example", "a.x.example", 0, NearBecause::NamesBelow),
            (
                "nterpriseregistration.windows.net",
                "enterpriseregistration.windows.net",
                0,
                NearBecause::OneEdit,
            ),
            (
                "*.blob.core.window.net",
                "a.blob.core.windows.net",
                0,
                NearBecause::OneEdit,
            ),
            ("*.x.example", "a.x.example.", 0, NearBecause::TrailingDot),
        ] {
            let list = BypassList::parse(list, Consumer::DotnetFramework);
            let destination = Destination::parse(url).unwrap();
            assert_eq!(
                list.nearest(&destination),
                Some(Near { index, because }),
                "{url}"
            );
        }
        let list = BypassList::parse("a.example;*.b.example", Consumer::Wininet);
        let destination = Destination::parse("unrelated.invalid").unwrap();
        assert_eq!(list.nearest(&destination), None);
    }
}
