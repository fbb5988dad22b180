//! A list compiled for many decisions.

use super::tails::{Tail, Tails};
use super::{
    BypassList, Consumer, Decision, DirectBecause, Entry, EntryForm, HostContext, Pattern,
};
use crate::destination::Destination;

/// A list compiled once, for deciding about very many destinations.
///
/// Most entries are names or `*.suffix`; those are looked up by the ends of a
/// host, whatever the list's length. The few others are asked one by one, where
/// any can begin as the host does. A decision allocates nothing and is the one
/// that [`BypassList::decide`] makes, which stays as the plain reading of the rules.
#[derive(Clone, Debug)]
pub struct Matcher {
    list: BypassList,
    tails: Tails,
    /// The entries that are asked one by one, those first that take precedence.
    others: Vec<Place>,
    /// What a text begins with that one of those can cover.
    begins: [bool; 256],
    poison: Option<usize>,
}

impl Matcher {
    /// Compiles a list.
    #[must_use]
    pub fn new(list: BypassList) -> Self {
        let (mut names, mut suffixes, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let mut begins = [false; 256];
        for (rank, entry) in by_precedence(&list).enumerate() {
            let place = Place {
                rank,
                index: entry.index,
            };
            let pattern = match &entry.form {
                EntryForm::Pattern(pattern) => Some(pattern),
                EntryForm::Local | EntryForm::MinusLoopback => None,
                EntryForm::Poison | EntryForm::Dead(_) => continue,
            };
            let glob = pattern.map_or("*", |pattern| &pattern.glob);
            let first = glob.bytes().next();
            let text = pattern.and_then(tail);
            match text.and_then(|text| Tail::new(text, place)) {
                Some(tail) if first == Some(b'*') => suffixes.push(tail),
                Some(tail) => names.push(tail),
                None => {
                    others.push(place);
                    match first {
                        Some(b'*') => begins = [true; 256],
                        Some(first) => begins[usize::from(first)] = true,
                        None => {}
                    }
                }
            }
        }
        let poison = |entry: &Entry| entry.form == EntryForm::Poison;
        Self {
            poison: list.entries().iter().position(poison),
            tails: Tails::new(names, suffixes),
            list,
            others,
            begins,
        }
    }

    /// The list that was compiled.
    #[must_use]
    pub fn list(&self) -> &BypassList {
        &self.list
    }

    /// As [`BypassList::decide`].
    #[must_use]
    pub fn decide(&self, destination: &Destination, here: &HostContext) -> Decision {
        if let Some(index) = self.poison {
            return Decision::Direct(DirectBecause::ListInvalid { index });
        }
        let consumer = self.list.consumer();
        let is_implicit = destination.is_implicit(consumer);
        if is_implicit && consumer == Consumer::DotnetFramework {
            return Decision::Direct(DirectBecause::Implicit);
        }
        let entry = |index| Decision::Direct(DirectBecause::Entry { index });
        let host = destination.compared_host(consumer);
        let tail = self.tails.covering(host.as_bytes());
        if self.can_begin(host) | self.can_begin(destination.scheme()) {
            for other in self.others_before(tail) {
                if self.list.covers_at(other.index, destination, here) {
                    return entry(other.index);
                }
                if is_implicit && self.list.is_minus_loopback(other.index) {
                    return Decision::NotListed;
                }
            }
        }
        match tail {
            Some(tail) => entry(tail.index),
            None if is_implicit => Decision::Direct(DirectBecause::Implicit),
            None => Decision::NotListed,
        }
    }

    /// Whether an https destination with its default port and this host, in
    /// lower case and, for addresses, in their canonical form, is covered by an
    /// entry; its place in the list. For names read from a log: nothing is
    /// parsed, and what consumers never proxy without being told does not count.
    #[must_use]
    pub fn entry_for_host(&self, host: &str) -> Option<usize> {
        let tail = self.tails.covering(host.as_bytes());
        let mut place = tail;
        if self.can_begin(host) | self.can_begin("https") {
            let mut others = self.others_before(tail);
            let other = others.find(|other| self.list.covers_host_at(other.index, host));
            place = other.or(tail);
        }
        place.map(|place| place.index)
    }

    /// Whether any of the others can cover a text that begins as this one.
    #[inline]
    fn can_begin(&self, text: &str) -> bool {
        let first = text.as_bytes().first();
        first.is_none_or(|byte| self.begins[usize::from(*byte)])
    }

    /// The others that take precedence over an entry, or all of them.
    fn others_before(&self, tail: Option<Place>) -> impl Iterator<Item = Place> {
        let others = self.others.iter().copied();
        others.take_while(move |other| tail.is_none_or(|tail| *other < tail))
    }
}

/// An entry: the one of the lowest rank that covers a destination decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    rank: usize,
    /// Its place in the list.
    index: usize,
}

/// The first entry first for .NET, for `WinINet` the last.
fn by_precedence(list: &BypassList) -> impl Iterator<Item = &Entry> {
    let count = list.entries().len();
    (0..count).map(move |rank| match list.consumer() {
        Consumer::DotnetFramework => &list.entries()[rank],
        Consumer::Wininet => &list.entries()[count - 1 - rank],
    })
}

/// What a host must be, or end in behind `*`, for an entry that asks for nothing
/// else: neither scheme nor port, and no way for its text to be found in those.
fn tail(pattern: &Pattern) -> Option<&[u8]> {
    let text = pattern.glob.strip_prefix('*').unwrap_or(&pattern.glob);
    let asks_for_more = pattern.scheme.is_some() || pattern.port.is_some();
    let is_odd = text.contains(['*', '/', ':', '[']);
    // .NET also compares `host:port`, whose end digits alone can match.
    let has_name = text.bytes().any(|byte| !byte.is_ascii_digit());
    (!asks_for_more && !is_odd && has_name).then_some(text.as_bytes())
}
