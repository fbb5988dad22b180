//! Breadth first through two lists at once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

/// What two lists make of every destination, as a machine that reads one
/// character after another.
pub(super) trait Walk {
    /// Everything that what follows depends on.
    type State: Clone + Eq + Hash;

    /// Where to begin, with the text that stands before the host and behind it.
    fn starts(&self) -> Vec<(Self::State, Frame)>;

    /// The characters to try, the most telling first.
    fn alphabet(&self) -> &[char];

    /// After one more character; `None` where nothing that matters can follow.
    fn step(&self, state: &Self::State, character: char) -> Option<Self::State>;

    /// How the lists part if the destination ends here.
    fn parting(&self, state: &Self::State) -> Option<Parting>;
}

/// What stands around a host in a URL.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) before: String,
    pub(super) behind: String,
}

/// Which list sends a destination direct that the other does not, and by which entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Parting {
    /// Whether it is the left list.
    pub(super) left: bool,
    /// The entry's place in that list; `None` where none is needed.
    pub(super) entry: Option<usize>,
    /// Whether it depends on the computer's own domain and addresses.
    pub(super) by_context: bool,
}

/// What a search came to.
#[derive(Debug)]
pub(super) struct Found<T> {
    /// A witness of each parting, the shortest first.
    pub(super) confirmed: Vec<T>,
    /// A text on which the lists would part, if it could be asked for.
    pub(super) doubtful: Option<String>,
    /// How many states were seen.
    pub(super) states: usize,
    /// Whether they were all.
    pub(super) exhausted: bool,
}

/// How many texts are tried for a parting that none could be asked for.
const TRIES: usize = 1000;

/// Looks for every parting, within `limit` states. `confirm` makes a witness of
/// a text where it can be asked for.
pub(super) fn search<W: Walk, T>(
    walk: &W,
    limit: usize,
    first_only: bool,
    mut confirm: impl FnMut(&str, Parting) -> Option<T>,
) -> Found<T> {
    let mut seen: HashSet<W::State> = HashSet::new();
    let mut queue: VecDeque<(W::State, usize)> = VecDeque::new();
    // How each state was reached: from where, by which character.
    let mut trail: Vec<(usize, char)> = Vec::new();
    let mut frames = Vec::new();
    for (state, frame) in walk.starts() {
        if seen.insert(state.clone()) {
            queue.push_back((state, trail.len()));
            trail.push((frames.len(), '\0'));
            frames.push(frame);
        }
    }
    let mut found = Found {
        confirmed: Vec::new(),
        doubtful: None,
        states: 0,
        exhausted: false,
    };
    let mut doubts = Doubts::default();
    while let Some((state, at)) = queue.pop_front() {
        if let Some(parting) = walk.parting(&state) {
            let is_confirmed = doubts.try_again(parting, &mut found, &mut confirm, || {
                text(&trail, &frames, at)
            });
            if is_confirmed && first_only {
                found.states = seen.len();
                return found;
            }
            if !is_confirmed {
                doubts.states.insert(state.clone());
            }
        }
        for &character in walk.alphabet() {
            let Some(next) = walk.step(&state, character) else {
                continue;
            };
            if seen.contains(&next) {
                // Another text for a state whose first text cannot be asked for.
                if doubts.states.contains(&next)
                    && let Some(parting) = walk.parting(&next)
                {
                    trail.push((at, character));
                    let is_confirmed = doubts.try_again(parting, &mut found, &mut confirm, || {
                        text(&trail, &frames, trail.len() - 1)
                    });
                    if is_confirmed && first_only {
                        found.states = seen.len();
                        return found;
                    }
                }
                continue;
            }
            if seen.len() == limit {
                found.states = limit;
                return found;
            }
            seen.insert(next.clone());
            queue.push_back((next, trail.len()));
            trail.push((at, character));
        }
    }
    found.states = seen.len();
    found.exhausted = true;
    found
}

/// Partings for which texts were tried, and states whose text was none.
struct Doubts<S> {
    tries: HashMap<Parting, usize>,
    states: HashSet<S>,
}

impl<S> Default for Doubts<S> {
    fn default() -> Self {
        Self {
            tries: HashMap::new(),
            states: HashSet::new(),
        }
    }
}

impl<S> Doubts<S> {
    /// Tries a text for a parting, unless one was found or many were not.
    fn try_again<T>(
        &mut self,
        parting: Parting,
        found: &mut Found<T>,
        confirm: &mut impl FnMut(&str, Parting) -> Option<T>,
        text: impl FnOnce() -> String,
    ) -> bool {
        let tried = self.tries.entry(parting).or_default();
        if *tried >= TRIES {
            return true;
        }
        let text = text();
        if let Some(witness) = confirm(&text, parting) {
            *tried = TRIES;
            found.confirmed.push(witness);
            true
        } else {
            *tried += 1;
            found.doubtful.get_or_insert(text);
            false
        }
    }
}

/// The URL that led to a state.
fn text(trail: &[(usize, char)], frames: &[Frame], mut at: usize) -> String {
    let mut read = Vec::new();
    loop {
        match trail[at] {
            (frame, '\0') => {
                let Frame { before, behind } = &frames[frame];
                let host: String = read.iter().rev().collect();
                return format!("{before}{host}{behind}/");
            }
            (from, character) => {
                read.push(character);
                at = from;
            }
        }
    }
}
