//! What both consumers' walks share.

use std::collections::BTreeSet;

use super::globs::{Globs, Positions};
use super::search::Parting;

/// The schemes that requests use, each with its own port; https first, because
/// that is what a backup speaks.
pub(super) const SCHEMES: [(&str, u16); 6] = [
    ("https", 443),
    ("http", 80),
    ("ftp", 21),
    ("gopher", 70),
    ("wss", 443),
    ("ws", 80),
];

/// The entry by which the left and the right list send a destination direct.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Sides(pub(super) [Option<usize>; 2]);

impl Sides {
    pub(super) fn parting(self) -> Option<Parting> {
        match self.0 {
            [Some(entry), None] => Some(Self::part(true, Some(entry))),
            [None, Some(entry)] => Some(Self::part(false, Some(entry))),
            _ => None,
        }
    }

    pub(super) fn part(left: bool, entry: Option<usize>) -> Parting {
        Parting {
            left,
            entry,
            by_context: false,
        }
    }
}

/// The places of the globs that only one of two lists has. Where none of these
/// can match any more, the lists cannot part.
pub(super) fn unshared(globs: &Globs, sides: &[BTreeSet<usize>; 2]) -> Positions {
    globs.places(sides[0].symmetric_difference(&sides[1]).copied())
}

/// Whether some glob stands at one of the places.
pub(super) fn meets(positions: &Positions, places: &Positions) -> bool {
    let mut words = positions.iter().zip(places);
    words.any(|(one, other)| one & other != 0)
}

/// The characters that have a meaning in addresses and ports.
const STRUCTURE: &str = "0123456789abcdefx.:[]";
/// Letters that stand for all that neither list names.
const OTHERS: &str = "qwzjkvyuphgmnrstilo\u{e9}";

/// Every character that can matter: those that a glob names, those that
/// addresses are made of, and one that stands for all others.
pub(super) fn alphabet(named: impl Iterator<Item = char>) -> Vec<char> {
    let named: BTreeSet<char> = named.filter(|character| *character > ' ').collect();
    let other = OTHERS.chars().find(|other| !named.contains(other));
    let (letters, rest): (Vec<char>, Vec<char>) = named
        .iter()
        .copied()
        .chain(STRUCTURE.chars())
        .partition(char::is_ascii_lowercase);
    let mut seen = BTreeSet::new();
    other
        .into_iter()
        .chain(letters)
        .chain(rest)
        .filter(|character| seen.insert(*character))
        .collect()
}

/// Whether a character means more in a name than any that no glob names.
pub(super) fn is_telling(globs: &Globs, character: char) -> bool {
    let is_named = globs.names(character);
    let is_structure = matches!(character, '.' | ':' | '[' | ']');
    is_named || is_structure || (OTHERS.contains(character) && !STRUCTURE.contains(character))
}
