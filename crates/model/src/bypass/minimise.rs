//! The fewest entries of a list that mean the same.

use super::proof::{Comparison, Scope, compare};
use super::{BypassList, Consumer, Decision, EntryForm, HostContext, join};
use crate::destination::Destination;

/// A list without the entries that it can do without.
#[derive(Clone, Debug)]
pub struct Minimised {
    /// The entries that stay, in their order, joined by `;`.
    pub list: String,
    /// How many those are.
    pub entries: usize,
    /// Those that go, in their order.
    pub dropped: Vec<Dropped>,
    /// Whether no fewer entries of the list would do. Where it is false, each
    /// entry that stays is needed beside the others, but another choice of
    /// entries might be smaller.
    pub is_fewest: bool,
    /// Both lists compared, for each consumer.
    pub proofs: Vec<Comparison>,
}

/// An entry that a list can do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The entry as written.
    pub entry: String,
    /// Its place among the entries, from 0.
    pub index: usize,
    /// Why.
    pub because: DroppedBecause,
}

/// Why a list can do without an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DroppedBecause {
    /// Another entry, but for letter case, is the same.
    Repeats(String),
    /// Another entry covers all that it covers.
    CoveredBy(String),
    /// Others together do.
    CoveredByOthers,
    /// It covers no destination.
    CoversNothing,
}

/// The fewest entries with the same decision for every destination and both
/// consumers.
///
/// Entries are told apart as .NET Framework does, by `;` alone. What consumers
/// never proxy without being told counts as not covered, so that `localhost`
/// stays where it is written: other readers of the same list have no such rule
/// (`docs/conformance.md`). An entry goes only where both consumers are proven to
/// decide alike without it; where that cannot be settled it stays.
#[must_use]
pub fn minimise(text: &str) -> Minimised {
    let list = BypassList::parse(text, Consumer::DotnetFramework);
    let all: Vec<&str> = list
        .entries()
        .iter()
        .map(|entry| entry.text.as_str())
        .collect();
    let mut kept: Vec<usize> = (0..all.len()).collect();
    let mut dropped = Vec::new();
    // Whatever a single other entry covers goes first: those that stay then are
    // the widest of their kind, and a list of these that needs each of them is
    // as short as any.
    for at in (0..all.len()).rev() {
        let because = if !could_be_dropped(all[at]) {
            None
        } else if covers("", all[at]) {
            Some(DroppedBecause::CoversNothing)
        } else {
            single_cover(&all, &kept, at)
        };
        if let Some(because) = because {
            let without: Vec<usize> = kept.iter().copied().filter(|other| *other != at).collect();
            if are_equal(&joined(&all, &without), &joined(&all, &kept)) {
                kept = without;
                dropped.push((at, because));
            }
        }
    }
    let widest = kept.clone();
    let mut each_is_needed = true;
    for at in widest.iter().rev().copied() {
        if is_witnessed(&all, &widest, at) || !could_be_dropped(all[at]) {
            continue;
        }
        let without: Vec<usize> = kept.iter().copied().filter(|other| *other != at).collect();
        if are_equal(&joined(&all, &without), &joined(&all, &kept)) {
            kept = without;
            dropped.push((at, DroppedBecause::CoveredByOthers));
            each_is_needed = false;
        } else {
            // Needed beside all the widest, if that can be settled.
            each_is_needed &= are_settled_different(&joined(&all, &without), &joined(&all, &kept));
        }
    }
    dropped.sort_by_key(|(at, _)| *at);
    let shorter = joined(&all, &kept);
    Minimised {
        entries: kept.len(),
        dropped: dropped
            .into_iter()
            .map(|(index, because)| Dropped {
                entry: all[index].to_owned(),
                index,
                because,
            })
            .collect(),
        is_fewest: each_is_needed,
        proofs: Consumer::ALL
            .map(|consumer| compare(text, &shorter, consumer, Scope::default()))
            .to_vec(),
        list: shorter,
    }
}

/// Entries that change what others mean have no place among those weighed here.
fn could_be_dropped(entry: &str) -> bool {
    let parsed = BypassList::parse(entry, Consumer::Wininet);
    let mut forms = parsed.entries().iter().map(|entry| &entry.form);
    !forms.any(|form| matches!(form, EntryForm::MinusLoopback | EntryForm::Poison))
}

/// The one entry that covers all that another does; of two that are equal the
/// earlier one.
fn single_cover(all: &[&str], kept: &[usize], at: usize) -> Option<DroppedBecause> {
    let entry = all[at];
    let mut others = kept.iter().copied().filter(|other| *other != at);
    let same = |other: &usize| all[*other].eq_ignore_ascii_case(entry);
    if let Some(other) = kept
        .iter()
        .copied()
        .find(|other| *other < at && same(other))
    {
        return Some(DroppedBecause::Repeats(all[other].to_owned()));
    }
    let other = others
        .find(|other| covers(all[*other], entry) && (*other < at || !covers(entry, all[*other])))?;
    Some(DroppedBecause::CoveredBy(all[other].to_owned()))
}

/// Whether one entry covers all that another does, for both consumers.
fn covers(wide: &str, narrow: &str) -> bool {
    let both = join([wide, narrow]);
    // Most pairs have nothing to do with each other, which a sample shows sooner.
    Consumer::ALL.into_iter().all(|consumer| {
        let [wide, narrow] = [wide, narrow].map(|entry| BypassList::parse(entry, consumer));
        samples(narrow.entries().first().map_or("", |entry| &entry.text)).all(|destination| {
            !is_covered(&narrow, &destination) || is_covered(&wide, &destination)
        })
    }) && are_equal(wide, &both)
}

/// Whether some destination is covered by this entry alone among those given.
fn is_witnessed(all: &[&str], among: &[usize], at: usize) -> bool {
    let rest: Vec<usize> = among.iter().copied().filter(|other| *other != at).collect();
    Consumer::ALL.into_iter().any(|consumer| {
        let entry = BypassList::parse(all[at], consumer);
        let rest = BypassList::parse(&joined(all, &rest), consumer);
        samples(all[at])
            .any(|destination| is_covered(&entry, &destination) && !is_covered(&rest, &destination))
    })
}

fn is_covered(list: &BypassList, destination: &Destination) -> bool {
    let host = HostContext {
        dns_suffix: "domain.invalid".to_owned(),
        own_addresses: Vec::new(),
    };
    list.coverage(destination, &host) != Decision::NotListed
}

/// Destinations that an entry's text suggests.
fn samples(entry: &str) -> impl Iterator<Item = Destination> {
    let (scheme, host) = entry.split_once("://").unwrap_or(("https", entry));
    let fills = ["", "zq9", "zq9.xk7", "7"];
    let mut urls: Vec<String> = fills
        .iter()
        .map(|fill| format!("{scheme}://{}/", host.replace('*', fill)))
        .collect();
    if entry.eq_ignore_ascii_case("<local>") {
        urls = vec!["https://zq9/".to_owned()];
    }
    urls.into_iter()
        .filter_map(|url| Destination::parse(&url).ok())
}

fn joined(all: &[&str], kept: &[usize]) -> String {
    join(kept.iter().map(|at| all[*at]))
}

fn are_equal(left: &str, right: &str) -> bool {
    settled(left, right).is_some_and(|equal| equal)
}

fn are_settled_different(left: &str, right: &str) -> bool {
    settled(left, right).is_some_and(|equal| !equal)
}

/// Whether both consumers make the same of two lists, implicit set or not.
fn settled(left: &str, right: &str) -> Option<bool> {
    let mut equal = Some(true);
    for coverage in [true, false] {
        for consumer in Consumer::ALL {
            let scope = Scope {
                coverage,
                first_only: true,
                ..Scope::default()
            };
            match compare(left, right, consumer, scope).is_equal() {
                Some(true) => {}
                Some(false) => return Some(false),
                None => equal = None,
            }
        }
    }
    equal
}
