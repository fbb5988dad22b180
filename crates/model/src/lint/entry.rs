//! One entry after another.

use std::ops::Range;

use super::check::{Finding, Wants};
use super::{Rule, address};
use crate::bypass::proof::{Scope, compare};
use crate::bypass::{BypassList, Consumer, Decision, EntryForm, HostContext, join, readers_agree};
use crate::catalogue::{Catalogue, Endpoint, Service, article_2022_10};
use crate::destination::Destination;
use crate::site::Route;

/// Characters that stand where somebody meant a blank, a quote or nothing.
const STRAY: &str = "\u{a0}\u{2018}\u{2019}\u{201c}\u{201d}\u{200b}\u{feff}\u{3000}\"'`";

/// What is the matter with the entries, as .NET Framework tells them apart, and
/// with their pieces as `WinINet` does.
pub(super) fn findings(text: &str, wants: &Wants<'_>) -> Vec<Finding> {
    let mut context = Context {
        text,
        wants,
        catalogue: Catalogue::of(wants.cloud),
        findings: Vec::new(),
        seen: Vec::new(),
    };
    let whole = BypassList::parse(text, Consumer::DotnetFramework);
    for (start, end) in breaks_beside_separators(text, &whole) {
        context.push(Rule::LineBreak, start..end);
    }
    for entry in whole.entries() {
        context.whole(&entry.text, &entry.span);
    }
    context.covered();
    context.findings
}

/// White space with a line break in it, outside the entries.
fn breaks_beside_separators(text: &str, list: &BypassList) -> Vec<(usize, usize)> {
    let mut breaks = Vec::new();
    let mut end = 0;
    for entry in list.entries() {
        if let Some(at) = text[end..entry.span.start].find(['\n', '\r']) {
            breaks.push((end + at, end + at + 1));
        }
        end = entry.span.end;
    }
    // One for the whole list says enough.
    breaks.truncate(1);
    breaks
}

struct Context<'a> {
    text: &'a str,
    wants: &'a Wants<'a>,
    catalogue: &'static Catalogue,
    findings: Vec<Finding>,
    /// The pieces so far: text, place, span.
    seen: Vec<(String, usize, Range<usize>)>,
}

impl Context<'_> {
    fn push(&mut self, rule: Rule, span: Range<usize>) {
        self.findings.push(Finding {
            rule,
            entry: Some(self.text[span.clone()].to_owned()),
            span,
        });
    }

    /// What .NET Framework takes for one entry.
    fn whole(&mut self, entry: &str, span: &Range<usize>) {
        let pieces = BypassList::parse(entry, Consumer::Wininet);
        if pieces.entries().len() > 1 {
            self.push(Rule::RunTogether, span.clone());
        }
        for piece in pieces.entries() {
            let start = span.start + piece.span.start;
            self.piece(&piece.text, start..span.start + piece.span.end);
        }
    }

    /// One entry, as everybody writes them.
    fn piece(&mut self, entry: &str, span: Range<usize>) {
        let place = self.seen.len();
        let same = |known: &&(String, usize, Range<usize>)| known.0.eq_ignore_ascii_case(entry);
        if let Some((_, first, _)) = self.seen.iter().find(same) {
            let first = *first;
            self.push(Rule::Duplicate { first }, span.clone());
        }
        self.seen.push((entry.to_owned(), place, span.clone()));
        if let Some(rule) = form(entry) {
            self.push(rule, span);
            return;
        }
        for rule in self.meaning(entry) {
            self.push(rule, span.clone());
        }
    }

    /// What a sound entry means for the site.
    fn meaning(&self, entry: &str) -> Vec<Rule> {
        let mut rules = Vec::new();
        let host = host_of(entry);
        let catalogue = self.catalogue;
        if let Some(meant) = catalogue.misspelling_of(host) {
            let known = catalogue
                .endpoints()
                .iter()
                .find(|endpoint| endpoint.pattern == meant);
            rules.extend(known.map(|endpoint| Rule::Misspelt {
                meant: endpoint.pattern,
            }));
        }
        if address::is_pattern(host) {
            rules.extend(address::against_ranges(host, catalogue));
            rules.push(Rule::AddressPattern);
        }
        let service = self.service_of(host);
        if let Some(service) = service
            && self.wants.route_of(service) == Some(Route::Proxy)
        {
            rules.push(Rule::AgainstRoute { service });
        }
        let is_in_article = article_2022_10()
            .iter()
            .any(|known| known.eq_ignore_ascii_case(host));
        let is_asked_for = service.is_some_and(|service| service != Service::Management);
        let has_better_name = rules
            .iter()
            .any(|rule| matches!(rule, Rule::Misspelt { .. } | Rule::AddressPattern));
        if is_in_article && !is_asked_for && !has_better_name {
            rules.push(Rule::NoLongerPublished);
        }
        rules.extend(self.too_wide(entry).map(|endpoint| Rule::WiderThanNeeded {
            enough: endpoint.pattern,
        }));
        rules.extend(self.apex(host));
        if self.wants.winhttp && entry[1.min(entry.len())..].contains('*') {
            rules.push(Rule::WildcardNotInFront);
        }
        rules
    }

    /// What the host or pattern belongs to.
    fn service_of(&self, host: &str) -> Option<Service> {
        let host = host.to_ascii_lowercase();
        let mut endpoints = self.catalogue.endpoints().iter();
        let exact = endpoints.find(|endpoint| endpoint.pattern == host);
        exact.map(|endpoint| endpoint.service).or_else(|| {
            let filled = host.replace('*', "any");
            self.catalogue.service_of(&filled)
        })
    }

    /// A documented name that the entry covers, and hosts beyond all of those.
    fn too_wide(&self, entry: &str) -> Option<&'static Endpoint> {
        let list = BypassList::parse(entry, Consumer::DotnetFramework);
        let covers = |host: &str| is_covered(&list, host);
        if !entry.contains('*') {
            return None;
        }
        let endpoints = || self.catalogue.endpoints().iter();
        let host = host_of(entry).to_ascii_lowercase();
        if endpoints().any(|endpoint| endpoint.pattern == host) {
            return None;
        }
        let suffix = host.trim_start_matches('*');
        let is_below = |endpoint: &&Endpoint| {
            let known = endpoint.pattern.trim_start_matches('*');
            suffix.len() > known.len() && suffix.ends_with(known)
        };
        // A part of what is documented is not too wide.
        if endpoints().any(|endpoint| endpoint.pattern.starts_with('*') && is_below(&endpoint)) {
            return None;
        }
        endpoints().find(|endpoint| {
            endpoint.service != Service::Platform
                && covers(&endpoint.pattern.replace('*', "any.any"))
        })
    }

    /// `*.x` where `x` itself is covered by nothing. Documented patterns are what
    /// they are; only where a document asks for `x`, too, that is worth saying.
    fn apex(&self, host: &str) -> Option<Rule> {
        let apex = host.strip_prefix("*.")?;
        let lower = host.to_ascii_lowercase();
        let mut names = self.catalogue.known_names();
        let documented = names.any(|name| name.eq_ignore_ascii_case(apex));
        let mut names = self.catalogue.known_names();
        if apex.contains('*') || (!documented && names.any(|name| name == lower)) {
            return None;
        }
        let list = BypassList::parse(self.text, Consumer::DotnetFramework);
        (!is_covered(&list, apex)).then(|| Rule::ApexNotCovered {
            apex: apex.to_owned(),
            documented,
        })
    }

    /// Entries that another covers. Which one does is proven, not guessed.
    fn covered(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        for (entry, place, span) in &seen {
            let is_new = !self.findings.iter().any(|finding| {
                finding.span == *span
                    && matches!(finding.rule, Rule::Duplicate { .. } | Rule::Dead { .. })
            });
            let mut others = seen
                .iter()
                .filter(|(other, at, _)| at != place && !other.eq_ignore_ascii_case(entry));
            if is_new && is_sound(entry) {
                let by = others.find(|(other, at, _)| {
                    is_sound(other)
                        && other.contains('*')
                        && covers(other, entry)
                        && (at < place || !covers(entry, other))
                });
                if let Some((by, ..)) = by {
                    self.push(Rule::Covered { by: by.clone() }, span.clone());
                }
            }
        }
    }
}

/// What keeps an entry from meaning one thing to both consumers.
fn form(entry: &str) -> Option<Rule> {
    let wininet = BypassList::parse(entry, Consumer::Wininet);
    let form = &wininet.entries().first()?.form;
    let stray = entry.chars().find(|character| STRAY.contains(*character));
    if *form == EntryForm::MinusLoopback {
        return Some(Rule::MinusLoopback);
    }
    if let Some(character) = stray {
        return Some(Rule::StrayCharacter { character });
    }
    if *form == EntryForm::Poison {
        let cidr = entry.rsplit_once('/').is_some_and(|(address, length)| {
            let is_address = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '[' | ']');
            address.chars().all(is_address) && length.parse::<u8>().is_ok()
        });
        return Some(Rule::Slash { cidr });
    }
    if entry.contains(',') {
        return Some(Rule::Comma);
    }
    if !entry.is_ascii() {
        return Some(Rule::NotAscii);
    }
    if entry.starts_with('.') || host_of(entry).starts_with('.') {
        return Some(Rule::LeadingDot);
    }
    if *form == EntryForm::Local {
        return None;
    }
    for consumer in Consumer::ALL {
        let list = BypassList::parse(entry, consumer);
        if matches!(list.entries().first()?.form, EntryForm::Dead(_)) {
            return Some(Rule::Dead { consumer });
        }
    }
    if let Some((_, digits)) = entry.rsplit_once(':')
        && let Ok(port @ (80 | 443)) = digits.parse()
    {
        return Some(Rule::DefaultPort { port });
    }
    if readers_agree(entry) {
        return None;
    }
    Some(if reaches_scheme(entry) {
        Rule::ReachesScheme
    } else {
        Rule::ReadersPart
    })
}

/// Whether the entry covers an unrelated host for .NET by way of `https://`.
fn reaches_scheme(entry: &str) -> bool {
    let [dotnet, wininet] = Consumer::ALL.map(|consumer| BypassList::parse(entry, consumer));
    let after = entry
        .split_once('*')
        .map_or("", |(_, after)| after)
        .replace('*', "any");
    ["zq9.invalid".to_owned(), format!("zq9{after}")]
        .iter()
        .any(|host| is_covered(&dotnet, host) && !is_covered(&wininet, host))
}

fn is_covered(list: &BypassList, host: &str) -> bool {
    Destination::parse(&format!("https://{host}/")).is_ok_and(|destination| {
        list.coverage(&destination, &HostContext::default()) != Decision::NotListed
    })
}

/// The entry without scheme and port.
pub(super) fn host_of(entry: &str) -> &str {
    let host = entry.split_once("://").map_or(entry, |(_, host)| host);
    if host.starts_with('[') {
        return host;
    }
    host.split_once(':').map_or(host, |(host, _)| host)
}

fn is_sound(entry: &str) -> bool {
    form(entry).is_none()
}

/// Whether one entry covers all that another does, proven for both consumers.
fn covers(wide: &str, narrow: &str) -> bool {
    let sample = host_of(narrow).replace('*', "zq9.any");
    let list = BypassList::parse(wide, Consumer::Wininet);
    if !is_covered(&list, &sample) && narrow.is_ascii() && !narrow.contains("://") {
        return false;
    }
    let both = join([wide, narrow]);
    Consumer::ALL.into_iter().all(|consumer| {
        let scope = Scope {
            coverage: true,
            first_only: true,
            ..Scope::default()
        };
        compare(wide, &both, consumer, scope).is_equal() == Some(true)
    })
}
