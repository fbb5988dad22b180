//! A list compiled for many decisions.

use super::tails::{Tails, is_long_enough};
use super::{BypassList, Consumer, Decision, DirectBecause, Entry, EntryForm, HostContext};
use crate::destination::Destination;

/// A list compiled once, for deciding about very many destinations.
///
/// Most entries are names or `*.suffix`; those are found by the last eight bytes
/// of a host, in one look-up whatever the list's length. The few others are asked
/// one by one, where they can begin as the host does. A decision allocates nothing and is the one that [`BypassList::decide`]
/// makes, which stays as the plain reading of the rules.
#[derive(Clone, Debug)]
pub struct Matcher {
    list: BypassList,
    tails: Tails,
    /// The entries that are asked one by one, in their order.
    others: Vec<Other>,
    poison: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Other {
    index: usize,
    /// What it begins with; `None` where that can be anything.
    first: Option<u8>,
}

impl Other {
    fn new(entry: &Entry) -> Self {
        let first = match &entry.form {
            EntryForm::Pattern(pattern) => pattern.glob.bytes().next(),
            _ => None,
        };
        Self {
            index: entry.index,
            first: first.filter(|byte| *byte != b'*'),
        }
    }

    /// Whether it can cover a text that begins with this host or this scheme.
    fn can_begin(&self, scheme: &str, host: &str) -> bool {
        let begins = |text: &str| text.as_bytes().first() == self.first.as_ref();
        self.first.is_none() || begins(host) || begins(scheme)
    }
}

impl Matcher {
    /// Compiles a list.
    #[must_use]
    pub fn new(list: BypassList) -> Self {
        let mut tails = Vec::new();
        let mut others = Vec::new();
        let mut poison = None;
        for entry in list.entries() {
            match &entry.form {
                EntryForm::Pattern(pattern) => match tail(pattern) {
                    Some((text, is_whole)) => tails.push((text, is_whole, entry.index)),
                    None => others.push(Other::new(entry)),
                },
                EntryForm::Local | EntryForm::MinusLoopback => others.push(Other::new(entry)),
                EntryForm::Poison => poison = poison.or(Some(entry.index)),
                EntryForm::Dead(_) => {}
            }
        }
        let tails = Tails::new(tails);
        Self {
            list,
            tails,
            others,
            poison,
        }
    }

    /// The list that was compiled.
    #[must_use]
    pub fn list(&self) -> &BypassList {
        &self.list
    }

    /// As [`BypassList::decide`].
    #[must_use]
    pub fn decide(&self, destination: &Destination, host: &HostContext) -> Decision {
        if let Some(index) = self.poison {
            return Decision::Direct(DirectBecause::ListInvalid { index });
        }
        let is_implicit = self.list.is_implicit(destination);
        let entry = |index| Decision::Direct(DirectBecause::Entry { index });
        let scheme = destination.scheme();
        match self.list.consumer() {
            Consumer::DotnetFramework => {
                if is_implicit {
                    return Decision::Direct(DirectBecause::Implicit);
                }
                let compared = destination.compared_host();
                let tail = self
                    .tails
                    .covering(compared.as_bytes())
                    .map(|range| range.0);
                let covers = |other: &&Other| {
                    other.can_begin(scheme, compared)
                        && self.list.covers_at(other.index, destination, host)
                };
                let mut others = self.before(tail);
                let other = others.find(covers).map(|other| other.index);
                other.or(tail).map_or(Decision::NotListed, entry)
            }
            Consumer::Wininet => {
                let tail = self
                    .tails
                    .covering(destination.wininet_host.as_bytes())
                    .map(|range| range.1);
                for other in self.behind(tail) {
                    if self.list.covers_at(other.index, destination, host) {
                        return entry(other.index);
                    }
                    if is_implicit && self.list.is_minus_loopback(other.index) {
                        return Decision::NotListed;
                    }
                }
                match tail {
                    Some(index) => entry(index),
                    None if is_implicit => Decision::Direct(DirectBecause::Implicit),
                    None => Decision::NotListed,
                }
            }
        }
    }

    /// Whether an https destination with its default port and this host, in
    /// lower case and, for addresses, in their canonical form, is covered by an
    /// entry; its place in the list. For names read from a log: nothing is
    /// parsed, and what consumers never proxy without being told does not count.
    #[must_use]
    pub fn entry_for_host(&self, host: &str) -> Option<usize> {
        let tail = self.tails.covering(host.as_bytes());
        let covers = |other: &&Other| {
            other.can_begin("https", host) && self.list.covers_host_at(other.index, host)
        };
        let (tail, other) = match self.list.consumer() {
            Consumer::DotnetFramework => {
                let tail = tail.map(|range| range.0);
                (tail, self.before(tail).find(covers))
            }
            Consumer::Wininet => {
                let tail = tail.map(|range| range.1);
                (tail, self.behind(tail).find(covers))
            }
        };
        other.map(|other| other.index).or(tail)
    }

    /// The others that stand before an entry, or all of them.
    fn before(&self, tail: Option<usize>) -> impl Iterator<Item = &Other> {
        let others = self.others.iter();
        others.take_while(move |other| tail.is_none_or(|tail| other.index < tail))
    }

    /// The others that stand behind an entry, or all of them, the last first.
    fn behind(&self, tail: Option<usize>) -> impl Iterator<Item = &Other> {
        let others = self.others.iter().rev();
        others.take_while(move |other| tail.is_none_or(|tail| other.index > tail))
    }
}

/// What a host must end in, or be, for an entry that asks for nothing else:
/// neither scheme nor port, and no way for its text to be found in those.
fn tail(pattern: &super::Pattern) -> Option<(&[u8], bool)> {
    let glob = pattern.glob.as_str();
    let (text, is_whole) = match glob.strip_prefix('*') {
        Some(text) => (text, false),
        None => (glob, true),
    };
    let asks_for_more = pattern.scheme.is_some() || pattern.port.is_some();
    let is_odd = text.contains(['*', '/', ':', '[']);
    // .NET also compares `host:port`, whose end digits alone can match.
    let has_name = text.bytes().any(|byte| !byte.is_ascii_digit());
    let is_simple = !asks_for_more && !is_odd && has_name && is_long_enough(text);
    is_simple.then_some((text.as_bytes(), is_whole))
}
