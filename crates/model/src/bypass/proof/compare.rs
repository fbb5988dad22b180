//! Two lists, compared for one consumer.

use std::collections::BTreeSet;

use super::alike::SCHEMES;
use super::dotnet::Dotnet;
use super::search::{Found, Parting, Walk, search};
use super::wininet::{Asked, Wininet};
use crate::bypass::{BypassList, Consumer, Decision, DirectBecause, EntryForm, HostContext};
use crate::destination::Destination;

/// What is compared, and how far.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Which destinations some entry covers, instead of which go direct: what
    /// consumers never proxy without being told counts as not covered.
    pub coverage: bool,
    /// Whether one difference is enough.
    pub first_only: bool,
    /// How many states are looked at, at most.
    pub states: usize,
}

impl Default for Scope {
    /// Every difference between the decisions, within what a second or two allow.
    fn default() -> Self {
        Self {
            coverage: false,
            first_only: false,
            states: 200_000,
        }
    }
}

/// What a comparison came to.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// For whom.
    pub consumer: Consumer,
    /// A shortest destination for each entry by which the lists part, the
    /// shortest first.
    pub differences: Vec<Difference>,
    /// Why there may be more; `None` where these are all.
    pub undecided: Option<Undecided>,
    /// How many states the search went through.
    pub states: usize,
}

impl Comparison {
    /// Whether the lists decide alike for every destination; `None` where that
    /// could not be settled.
    #[must_use]
    pub fn is_equal(&self) -> Option<bool> {
        match (self.differences.is_empty(), &self.undecided) {
            (false, _) => Some(false),
            (true, None) => Some(true),
            (true, Some(_)) => None,
        }
    }
}

/// A destination on which two lists part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its URL.
    pub url: String,
    /// The computer that it holds for; only .NET's `<local>` asks.
    pub host: HostContext,
    /// The entry by which the one list sends it direct, if by one.
    pub entry: Option<String>,
    /// What the left list says.
    pub left: Decision,
    /// What the right list says.
    pub right: Decision,
}

/// Why a comparison is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// The lists have more states than are looked at.
    TooComplex {
        /// How many were.
        states: usize,
    },
    /// They part on a text that no URL gives, and perhaps on others that one does.
    Unwritable {
        /// The text.
        text: String,
    },
}

/// Compares what two lists mean to a consumer, for every destination.
#[must_use]
pub fn compare(left: &str, right: &str, consumer: Consumer, scope: Scope) -> Comparison {
    let lists = [left, right].map(|text| BypassList::parse(text, consumer));
    let lists = [&lists[0], &lists[1]];
    let mut comparison = Comparison {
        consumer,
        differences: Vec::new(),
        undecided: None,
        states: 0,
    };
    match consumer {
        Consumer::DotnetFramework => {
            let walk = Dotnet::new(lists, scope.coverage);
            comparison.look(&walk, lists, scope);
        }
        Consumer::Wininet => {
            for asked in asked(lists) {
                let walk = Wininet::new(lists, asked, scope.coverage);
                comparison.look(&walk, lists, scope);
                if scope.first_only && !comparison.differences.is_empty() {
                    break;
                }
            }
            comparison.differences.sort_by_key(|one| one.url.len());
        }
    }
    comparison
}

impl Comparison {
    fn look(&mut self, walk: &impl Walk, lists: [&BypassList; 2], scope: Scope) {
        let left = scope.states.saturating_sub(self.states);
        let Found {
            confirmed,
            doubtful,
            states,
            exhausted,
        } = search(walk, left, scope.first_only, |url, parting| {
            confirm(url, parting, lists, scope.coverage)
        });
        self.states += states;
        for difference in confirmed {
            let known = |other: &&mut Difference| {
                (other.left, other.right) == (difference.left, difference.right)
            };
            match self.differences.iter_mut().find(known) {
                Some(known) if known.url.len() <= difference.url.len() => {}
                Some(known) => *known = difference,
                None => self.differences.push(difference),
            }
        }
        let stopped = scope.first_only && !self.differences.is_empty();
        if !exhausted && !stopped {
            self.undecided = Some(Undecided::TooComplex {
                states: scope.states,
            });
        } else if let Some(text) = doubtful
            && self.undecided.is_none()
            && self.differences.is_empty()
        {
            self.undecided = Some(Undecided::Unwritable { text });
        }
    }
}

/// One request for each set of entries that can apply at all, that of a backup
/// first.
fn asked(lists: [&BypassList; 2]) -> Vec<Asked> {
    let patterns = || {
        let entries = lists.into_iter().flat_map(BypassList::entries);
        entries.filter_map(|entry| match &entry.form {
            EntryForm::Pattern(pattern) => Some(pattern),
            _ => None,
        })
    };
    let named: BTreeSet<u16> = patterns().filter_map(|pattern| pattern.port).collect();
    let is_unnamed =
        |port: &u16| !named.contains(port) && SCHEMES.iter().all(|(_, default)| default != port);
    let unnamed = (8080..u16::MAX).find(is_unnamed);
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for (scheme, default_port) in SCHEMES {
        let others = named.iter().copied().chain(unnamed);
        let others = others.filter(|port| *port != default_port);
        for port in std::iter::once(default_port).chain(others) {
            let shown = if port == default_port {
                String::new()
            } else {
                format!(":{port}")
            };
            let asked = Asked {
                scheme,
                port,
                shown,
            };
            let suits: Vec<bool> = patterns().map(|pattern| asked.suits(pattern)).collect();
            if seen.insert(suits) {
                all.push(asked);
            }
        }
    }
    all
}

/// A difference, if the destination can be asked for and the lists do part on it.
fn confirm(
    url: &str,
    parting: Parting,
    lists: [&BypassList; 2],
    coverage: bool,
) -> Option<Difference> {
    let destination = Destination::parse(url).ok()?;
    // A domain that nobody's names are in, unless the difference asks for one.
    let mut host = HostContext {
        dns_suffix: "domain.invalid".to_owned(),
        own_addresses: Vec::new(),
    };
    if parting.by_context {
        let name = destination.canonical_host();
        let address = name.trim_matches(['[', ']']).parse();
        match (address, name.split_once('.')) {
            (Ok(address), _) => host.own_addresses.push(address),
            (Err(_), Some((_, domain))) => domain.clone_into(&mut host.dns_suffix),
            (Err(_), None) => return None,
        }
    }
    let [left, right] = lists.map(|list| {
        if coverage {
            list.coverage(&destination, &host)
        } else {
            list.decide(&destination, &host)
        }
    });
    let text = |list: usize, decision| match decision {
        Decision::Direct(DirectBecause::Entry { index } | DirectBecause::ListInvalid { index }) => {
            lists[list]
                .entries()
                .get(index)
                .map(|entry| entry.text.clone())
        }
        _ => None,
    };
    let is_direct = |decision| matches!(decision, Decision::Direct(_));
    (is_direct(left) != is_direct(right)).then(|| Difference {
        url: url.to_owned(),
        host,
        entry: text(0, left).or_else(|| text(1, right)),
        left,
        right,
    })
}

impl Difference {
    /// Whether it is the left list that sends the destination direct.
    #[must_use]
    pub fn is_left_direct(&self) -> bool {
        self.left != Decision::NotListed
    }

    /// Why the one list that sends it direct does so.
    #[must_use]
    pub fn because(&self) -> Option<DirectBecause> {
        [self.left, self.right]
            .into_iter()
            .find_map(|decision| match decision {
                Decision::Direct(because) => Some(because),
                Decision::NotListed => None,
            })
    }
}
