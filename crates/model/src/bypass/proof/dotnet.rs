//! Two lists as .NET Framework reads them.

use super::alike::{SCHEMES, Sides, alphabet, is_telling, meets, unshared};
use super::globs::{Globs, Positions};
use super::host::{Host, Kind};
use super::port::Port;
use super::search::{Frame, Parting, Walk};
use crate::bypass::{BypassList, Consumer, EntryForm};

/// The hosts that .NET never proxies (`Uri.IsLoopback`; _DomainName.cs,
/// _IPv6Address.cs), and 127/8, which counts for addresses alone.
const LOOPBACK: [&str; 4] = ["localhost", "[::1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]"];
const LOOPBACK_NET: &str = "127.*";
/// `System.Uri` writes `localhost` for it.
const REWRITTEN: &str = "loopback";

/// An entry's glob, and what the compared text may go without.
#[derive(Debug)]
struct Rule {
    glob: usize,
    may_drop_scheme: bool,
    may_drop_port: bool,
    entry: usize,
}

#[derive(Debug)]
pub(super) struct Dotnet {
    globs: Globs,
    sides: [Vec<Rule>; 2],
    locals: [Option<usize>; 2],
    loopback: Vec<usize>,
    loopback_net: usize,
    rewritten: usize,
    /// Where the globs of one list alone stand, if nothing else parts the lists.
    unshared: Option<Positions>,
    alphabet: Vec<char>,
    /// Whether what no list can change counts, too.
    covered: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    positions: Positions,
    part: Part,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Host(Host, u16),
    /// What sends it direct already, whatever the port.
    Port(Port, Sides),
}

impl Dotnet {
    pub(super) fn new(lists: [&BypassList; 2], covered: bool) -> Self {
        let mut globs = Globs::default();
        let sides = lists.map(|list| {
            let rules: Vec<Rule> = list
                .entries()
                .iter()
                .filter_map(|entry| match &entry.form {
                    EntryForm::Pattern(pattern) => Some(Rule {
                        glob: globs.add(&format!(
                            "{}{}",
                            marker(pattern.scheme.is_none()),
                            pattern.glob
                        )),
                        may_drop_scheme: pattern.scheme.is_none(),
                        may_drop_port: pattern.port.is_none(),
                        entry: entry.index,
                    }),
                    _ => None,
                })
                .collect();
            rules
        });
        let locals = lists.map(|list| {
            let mut entries = list.entries().iter();
            entries.position(|entry| entry.form == EntryForm::Local)
        });
        let mut hidden = |text: &str| globs.add(&format!("{HOST_ONLY}{text}"));
        let loopback = LOOPBACK.map(&mut hidden).to_vec();
        let (loopback_net, rewritten) = (hidden(LOOPBACK_NET), hidden(REWRITTEN));
        globs.finish();
        let alphabet = alphabet(globs.characters());
        let numbers =
            [&sides[0], &sides[1]].map(|rules| rules.iter().map(|rule| rule.glob).collect());
        let local_is_shared = locals[0].is_some() == locals[1].is_some();
        let unshared = local_is_shared.then(|| unshared(&globs, &numbers));
        Self {
            globs,
            sides,
            locals,
            loopback,
            loopback_net,
            rewritten,
            unshared,
            alphabet,
            covered,
        }
    }

    /// The entry by which each side sends the host direct.
    fn sides(&self, positions: &Positions, kind: Option<Kind>, with_port: bool) -> Sides {
        let mut sides = Sides::default();
        for side in 0..2 {
            let local = self.locals[side].filter(|_| kind == Some(Kind::Dotless));
            let mut rules = self.sides[side].iter();
            let rule = rules.find(|rule| {
                (!with_port || rule.may_drop_port) && self.globs.is_match(positions, rule.glob)
            });
            let by = [local, rule.map(|rule| rule.entry)];
            sides.0[side] = by.into_iter().flatten().min();
        }
        sides
    }

    fn is_settled(&self, positions: &Positions) -> bool {
        self.sides.iter().all(|rules| {
            let mut rules = rules.iter();
            rules.any(|rule| self.globs.is_match_for_good(positions, rule.glob))
        })
    }

    fn is_left_out(&self, positions: &Positions, kind: Kind) -> bool {
        let is = |glob: usize| self.globs.is_match(positions, glob);
        let never_compared = is(self.rewritten) || matches!(kind, Kind::Respelt);
        let is_loopback = self.loopback.iter().any(|glob| is(*glob))
            || (kind == Kind::Quad && is(self.loopback_net));
        never_compared || (is_loopback && !self.covered)
    }

    /// Only one list has `<local>`, which for .NET also covers this computer's
    /// addresses and the names of its domain, whichever those are.
    fn parting_by_context(&self, sides: Sides, kind: Kind) -> Option<Parting> {
        let left = match (self.locals, sides.0) {
            ([Some(_), None], [_, None]) => true,
            ([None, Some(_)], [None, _]) => false,
            _ => return None,
        };
        (kind != Kind::Dotless && !self.covered).then_some(Parting {
            left,
            entry: self.locals[usize::from(!left)],
            by_context: true,
        })
    }
}

/// Globs that may begin at the host are told from those that may not, though
/// their text be the same: none holds these characters.
const HOST_ONLY: &str = "\u{1}";
fn marker(may_drop_scheme: bool) -> &'static str {
    if may_drop_scheme { "" } else { "\u{2}" }
}

impl Walk for Dotnet {
    type State = State;

    fn starts(&self) -> Vec<(State, Frame)> {
        let mut starts = Vec::new();
        for (scheme, default_port) in SCHEMES {
            let before = format!("{scheme}://");
            let mut positions = self.globs.nowhere();
            let rules = || self.sides.iter().flatten();
            // Those with a scheme stand behind their marker.
            let mut with_scheme = self.globs.nowhere();
            for rule in rules() {
                if rule.may_drop_scheme {
                    self.globs.begin(&mut positions, rule.glob);
                } else {
                    self.globs.begin(&mut with_scheme, rule.glob);
                }
            }
            let with_scheme = self.globs.step(&with_scheme, '\u{2}');
            for (word, more) in positions.iter_mut().zip(&with_scheme) {
                *word |= more;
            }
            positions = before.chars().fold(positions, |positions, character| {
                self.globs.step(&positions, character)
            });
            for rule in rules().filter(|rule| rule.may_drop_scheme) {
                self.globs.begin(&mut positions, rule.glob);
            }
            let mut hidden = self.globs.nowhere();
            let all = self
                .loopback
                .iter()
                .chain([&self.loopback_net, &self.rewritten]);
            for glob in all {
                self.globs.begin(&mut hidden, *glob);
            }
            let hidden = self.globs.step(&hidden, '\u{1}');
            for (word, more) in positions.iter_mut().zip(&hidden) {
                *word |= more;
            }
            let behind = String::new();
            let part = Part::Host(Host::Start, default_port);
            starts.push((State { positions, part }, Frame { before, behind }));
        }
        starts
    }

    fn alphabet(&self) -> &[char] {
        &self.alphabet
    }

    fn step(&self, state: &State, character: char) -> Option<State> {
        let positions = || self.globs.step(&state.positions, character);
        let next = match &state.part {
            Part::Host(host, default_port) if character == ':' && host.kind().is_some() => {
                let kind = host.kind()?;
                let sides = self.sides(&state.positions, Some(kind), true);
                let both = sides.0.iter().all(Option::is_some);
                if both || self.is_left_out(&state.positions, kind) {
                    return None;
                }
                State {
                    positions: positions(),
                    part: Part::Port(Port::before(*default_port), sides),
                }
            }
            Part::Host(host, default_port) => {
                // Letters and digits that no glob names are all alike, except in numbers.
                if !host.is_numeric() && !is_telling(&self.globs, character) {
                    return None;
                }
                let host = host.step(character, Consumer::DotnetFramework)?;
                State {
                    positions: positions(),
                    part: Part::Host(host, *default_port),
                }
            }
            Part::Port(port, sides) => State {
                positions: positions(),
                part: Part::Port(port.step(character)?, *sides),
            },
        };
        let may_part = match (&next.part, &self.unshared) {
            (Part::Port(_, before), _) if before.parting().is_some() => true,
            (_, Some(unshared)) => meets(&next.positions, unshared),
            _ => true,
        };
        (may_part && !self.is_settled(&next.positions)).then_some(next)
    }

    fn parting(&self, state: &State) -> Option<Parting> {
        let (sides, kind) = match &state.part {
            Part::Host(host, _) => {
                let kind = host.kind()?;
                if self.is_left_out(&state.positions, kind) {
                    return None;
                }
                (self.sides(&state.positions, Some(kind), false), Some(kind))
            }
            Part::Port(port, before) => {
                if !port.is_complete() {
                    return None;
                }
                let mut sides = self.sides(&state.positions, None, false);
                for (side, before) in sides.0.iter_mut().zip(before.0) {
                    *side = before.or(*side);
                }
                (sides, None)
            }
        };
        sides
            .parting()
            .or_else(|| self.parting_by_context(sides, kind?))
    }
}
