//! A list compiled for many decisions.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::{BypassList, Consumer, Decision, DirectBecause, Entry, EntryForm, HostContext};
use crate::destination::Destination;

/// How much of an entry's end is looked up at once.
const TAIL: usize = 8;

/// A list compiled once, for deciding about very many destinations.
///
/// Most entries are names or `*.suffix`; those are found by the last eight bytes
/// of a host (and the length, for a name), in two look-ups whatever the list's
/// length. The few others are asked one by one, where they can begin as the host
/// does. A decision allocates nothing and is the one that [`BypassList::decide`]
/// makes, which stays as the plain reading of the rules.
#[derive(Clone, Debug)]
pub struct Matcher {
    list: BypassList,
    tails: HashMap<u64, Vec<Tail>, BuildHasherDefault<Mixed>>,
    /// The entries that are asked one by one, in their order.
    others: Vec<Other>,
    poison: Option<usize>,
}

#[derive(Clone, Debug)]
struct Tail {
    /// What the host ends in, or is.
    text: Box<[u8]>,
    is_whole: bool,
    index: usize,
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

/// The key is its own hash, stirred once.
#[derive(Clone, Copy, Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte) ^ self.0);
        }
    }

    fn write_u64(&mut self, key: u64) {
        let stirred = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = stirred ^ (stirred >> 29);
    }
}

impl Matcher {
    /// Compiles a list.
    #[must_use]
    pub fn new(list: BypassList) -> Self {
        let mut tails: HashMap<u64, Vec<Tail>, _> = HashMap::default();
        let mut others = Vec::new();
        let mut poison = None;
        for entry in list.entries() {
            match &entry.form {
                EntryForm::Pattern(pattern) => match tail(pattern) {
                    Some((text, is_whole)) => {
                        let length = if is_whole { text.len() } else { ANY };
                        let known = tails.entry(key(text, length)).or_default();
                        known.push(Tail {
                            text: text.into(),
                            is_whole,
                            index: entry.index,
                        });
                    }
                    None => others.push(Other::new(entry)),
                },
                EntryForm::Local | EntryForm::MinusLoopback => others.push(Other::new(entry)),
                EntryForm::Poison => poison = poison.or(Some(entry.index)),
                EntryForm::Dead(_) => {}
            }
        }
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
                let tail = self.tail_of(compared).map(|range| range.0);
                let covers = |other: &&Other| {
                    other.can_begin(scheme, compared)
                        && self.list.covers_at(other.index, destination, host)
                };
                let mut others = self.before(tail);
                let other = others.find(covers).map(|other| other.index);
                other.or(tail).map_or(Decision::NotListed, entry)
            }
            Consumer::Wininet => {
                let tail = self.tail_of(&destination.wininet_host).map(|range| range.1);
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
        let tail = self.tail_of(host);
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

    /// The first and the last entry that the host ends in, or is.
    fn tail_of(&self, host: &str) -> Option<(usize, usize)> {
        let host = host.as_bytes();
        if host.len() < TAIL {
            return None;
        }
        let mut range = None;
        for length in [host.len(), ANY] {
            for tail in self.tails.get(&key(host, length)).into_iter().flatten() {
                let is_covered =
                    host.ends_with(&tail.text) && (!tail.is_whole || tail.text.len() == host.len());
                if is_covered {
                    let (first, last) = range.unwrap_or((tail.index, tail.index));
                    range = Some((tail.index.min(first), tail.index.max(last)));
                }
            }
        }
        range
    }
}

/// Stands for the length of whatever ends in a suffix.
const ANY: usize = 0;

/// The last bytes, and the length that is asked for, as one number. That two
/// texts share one costs a comparison.
fn key(text: &[u8], length: usize) -> u64 {
    let tail = text
        .last_chunk()
        .map_or(0, |tail: &[u8; TAIL]| u64::from_ne_bytes(*tail));
    tail ^ (length as u64).rotate_right(8)
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
    let is_simple = !asks_for_more && !is_odd && has_name && text.len() >= TAIL;
    is_simple.then_some((text.as_bytes(), is_whole))
}
