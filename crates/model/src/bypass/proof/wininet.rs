//! Two lists as `WinINet` reads them, for one scheme and one port.

use super::alike::{Sides, alphabet, is_telling, meets, unshared};
use super::globs::{Globs, Positions};
use super::host::{Host, Kind};
use super::search::{Frame, Parting, Walk};
use crate::bypass::{BypassList, Consumer, EntryForm, Pattern};

/// Hosts that `WinINet` never proxies, unless told to (measured; see
/// `is_wininet_implicit`), and those that count for addresses alone.
const IMPLICIT: [&str; 3] = ["localhost", "loopback", "127.0.0.1"];
const IMPLICIT_NET: &str = "169.254.*";

/// Where a request goes, but for its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) scheme: &'static str,
    pub(super) port: u16,
    /// How the URL shows the port.
    pub(super) shown: String,
}

impl Asked {
    /// Whether an entry can apply at all.
    pub(super) fn suits(&self, pattern: &Pattern) -> bool {
        pattern
            .scheme
            .as_deref()
            .is_none_or(|scheme| scheme == self.scheme)
            && pattern.port.is_none_or(|port| port == self.port)
    }
}

#[derive(Debug)]
pub(super) struct Wininet {
    globs: Globs,
    sides: [Side; 2],
    implicit: Vec<usize>,
    implicit_net: usize,
    /// Where the globs of one list alone stand, if nothing else parts the lists.
    unshared: Option<Positions>,
    alphabet: Vec<char>,
    asked: Asked,
    covered: bool,
}

/// What one list holds for this scheme and port.
#[derive(Debug, Default)]
struct Side {
    /// An entry that sends everything direct.
    poison: Option<usize>,
    /// Glob and entry.
    rules: Vec<(usize, usize)>,
    locals: Vec<usize>,
    /// The last `<-loopback>`.
    minus_loopback: Option<usize>,
}

/// Around the proxy, by an entry or without one.
#[derive(Clone, Copy, Debug)]
struct Direct(Option<usize>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    positions: Positions,
    host: Host,
}

impl Wininet {
    pub(super) fn new(lists: [&BypassList; 2], asked: Asked, covered: bool) -> Self {
        let mut globs = Globs::default();
        let sides = lists.map(|list| {
            let mut side = Side::default();
            for entry in list.entries() {
                match &entry.form {
                    EntryForm::Pattern(pattern) if asked.suits(pattern) => {
                        side.rules.push((globs.add(&pattern.glob), entry.index));
                    }
                    EntryForm::Local => side.locals.push(entry.index),
                    EntryForm::MinusLoopback => side.minus_loopback = Some(entry.index),
                    EntryForm::Poison => side.poison = side.poison.or(Some(entry.index)),
                    EntryForm::Pattern(_) | EntryForm::Dead(_) => {}
                }
            }
            side
        });
        let implicit = IMPLICIT.map(|text| globs.add(text)).to_vec();
        let implicit_net = globs.add(IMPLICIT_NET);
        globs.finish();
        let alphabet = alphabet(globs.characters());
        let numbers =
            [&sides[0], &sides[1]].map(|side| side.rules.iter().map(|(glob, _)| *glob).collect());
        let is_plain = |side: &Side| side.minus_loopback.is_none() && side.poison.is_none();
        let nothing_else =
            sides.iter().all(is_plain) && sides[0].locals.is_empty() == sides[1].locals.is_empty();
        let unshared = nothing_else.then(|| unshared(&globs, &numbers));
        Self {
            globs,
            sides,
            implicit,
            implicit_net,
            unshared,
            alphabet,
            asked,
            covered,
        }
    }

    fn is_implicit(&self, positions: &Positions, kind: Kind) -> bool {
        let is = |glob: usize| self.globs.is_match(positions, glob);
        match kind {
            Kind::Ipv6 { implicit } => implicit,
            Kind::Quad if is(self.implicit_net) => true,
            _ => self.implicit.iter().any(|glob| is(*glob)),
        }
    }

    /// Whether and why one side sends the host direct.
    fn direct(&self, side: &Side, positions: &Positions, kind: Kind) -> Option<Direct> {
        if side.poison.is_some() {
            return Some(Direct(side.poison));
        }
        let is_dotless = kind == Kind::Dotless;
        let locals = side.locals.iter().copied().filter(|_| is_dotless);
        let rules = side.rules.iter();
        let rules = rules.filter(|(glob, _)| self.globs.is_match(positions, *glob));
        let last = rules.map(|(_, entry)| *entry).chain(locals).max();
        if self.covered {
            return last.map(|last| Direct(Some(last)));
        }
        let is_implicit = self.is_implicit(positions, kind);
        match (last, side.minus_loopback) {
            (Some(last), Some(minus)) if is_implicit && last < minus => None,
            (Some(last), _) => Some(Direct(Some(last))),
            (None, None) if is_implicit => Some(Direct(None)),
            (None, _) => None,
        }
    }
}

impl Walk for Wininet {
    type State = State;

    fn starts(&self) -> Vec<(State, Frame)> {
        let mut positions = self.globs.nowhere();
        let rules = self.sides.iter().flat_map(|side| &side.rules);
        let hidden = self.implicit.iter().chain([&self.implicit_net]);
        for glob in rules.map(|(glob, _)| glob).chain(hidden) {
            self.globs.begin(&mut positions, *glob);
        }
        let frame = Frame {
            before: format!("{}://", self.asked.scheme),
            behind: self.asked.shown.clone(),
        };
        let host = Host::Start;
        vec![(State { positions, host }, frame)]
    }

    fn alphabet(&self) -> &[char] {
        &self.alphabet
    }

    fn step(&self, state: &State, character: char) -> Option<State> {
        if !state.host.is_numeric() && !is_telling(&self.globs, character) {
            return None;
        }
        // A name outside ASCII goes on the wire in its punycode form.
        if !character.is_ascii() {
            return None;
        }
        let host = state.host.step(character, Consumer::Wininet)?;
        let positions = self.globs.step(&state.positions, character);
        let is_settled = |side: &Side| {
            let mut rules = side.rules.iter();
            let for_good = rules.any(|(glob, _)| self.globs.is_match_for_good(&positions, *glob));
            side.poison.is_some() || (for_good && side.minus_loopback.is_none())
        };
        let is_settled = self.sides.iter().all(is_settled);
        let mut unshared = self.unshared.iter();
        let may_part = unshared.all(|unshared| meets(&positions, unshared));
        (may_part && !is_settled).then_some(State { positions, host })
    }

    fn parting(&self, state: &State) -> Option<Parting> {
        let kind = state.host.kind()?;
        let [left, right] = [0, 1].map(|at| self.direct(&self.sides[at], &state.positions, kind));
        match (left, right) {
            (Some(Direct(entry)), None) => Some(Sides::part(true, entry)),
            (None, Some(Direct(entry))) => Some(Sides::part(false, entry)),
            _ => None,
        }
    }
}
