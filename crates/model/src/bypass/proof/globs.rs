//! Many globs read at once, a character at a time.

use std::collections::BTreeMap;

/// Where each glob may stand after what was read: a bit a place.
pub(super) type Positions = Box<[u64]>;

/// Globs side by side in one row of bits. Before each literal, and at the end,
/// a glob has a place; a wildcard lets it stay there.
#[derive(Debug, Default)]
pub(super) struct Globs {
    length: usize,
    literals: BTreeMap<char, Vec<usize>>,
    masks: BTreeMap<char, Positions>,
    stays: Positions,
    stay_at: Vec<usize>,
    /// First and last place of each glob.
    ends: Vec<(usize, usize)>,
    texts: Vec<String>,
}

impl Globs {
    /// Adds a glob, or finds it again; its number.
    pub(super) fn add(&mut self, glob: &str) -> usize {
        if let Some(known) = self.texts.iter().position(|text| text == glob) {
            return known;
        }
        let first = self.length;
        for character in glob.chars() {
            if character == '*' {
                self.stay_at.push(self.length);
            } else {
                self.literals
                    .entry(character)
                    .or_default()
                    .push(self.length);
                self.length += 1;
            }
        }
        self.ends.push((first, self.length));
        self.length += 1;
        self.texts.push(glob.to_owned());
        self.texts.len() - 1
    }

    /// After the last glob was added.
    pub(super) fn finish(&mut self) {
        let bits = |places: &[usize]| {
            let mut bits = self.nowhere();
            for place in places {
                bits[place / 64] |= 1 << (place % 64);
            }
            bits
        };
        let masks = self.literals.iter();
        let masks = masks.map(|(literal, at)| (*literal, bits(at))).collect();
        self.stays = bits(&self.stay_at);
        self.masks = masks;
    }

    /// The characters that some glob names.
    pub(super) fn characters(&self) -> impl Iterator<Item = char> {
        self.literals.keys().copied()
    }

    /// Whether some glob names it.
    pub(super) fn names(&self, character: char) -> bool {
        self.literals.contains_key(&character)
    }

    /// No glob stands anywhere.
    pub(super) fn nowhere(&self) -> Positions {
        vec![0; self.length.div_ceil(64)].into_boxed_slice()
    }

    /// The places of some globs.
    pub(super) fn places(&self, globs: impl Iterator<Item = usize>) -> Positions {
        let mut places = self.nowhere();
        for (first, last) in globs.map(|glob| self.ends[glob]) {
            for place in first..=last {
                places[place / 64] |= 1 << (place % 64);
            }
        }
        places
    }

    /// Lets a glob begin here.
    pub(super) fn begin(&self, positions: &mut Positions, glob: usize) {
        let (first, _) = self.ends[glob];
        positions[first / 64] |= 1 << (first % 64);
    }

    /// After one more character.
    pub(super) fn step(&self, from: &Positions, character: char) -> Positions {
        let mask = self.masks.get(&character);
        let mut carry = 0;
        let words = from.iter().enumerate().map(|(at, word)| {
            let read = mask.map_or(0, |mask| word & mask[at]);
            let moved = read << 1 | carry;
            carry = read >> 63;
            moved | (word & self.stays[at])
        });
        words.collect()
    }

    /// Whether a glob has read the whole text.
    pub(super) fn is_match(&self, positions: &Positions, glob: usize) -> bool {
        let (_, last) = self.ends[glob];
        positions[last / 64] >> (last % 64) & 1 == 1
    }

    /// Whether it has, and will have whatever follows.
    pub(super) fn is_match_for_good(&self, positions: &Positions, glob: usize) -> bool {
        let (_, last) = self.ends[glob];
        self.is_match(positions, glob) && self.stays[last / 64] >> (last % 64) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_read_side_by_side() {
        let long = "x".repeat(130);
        let texts = ["*.b", "a*", "a", "*", "", &long, "*a*a*"];
        let mut globs = Globs::default();
        let numbers = texts.map(|glob| globs.add(glob));
        globs.finish();
        for text in ["", "a", "a.b", "aa", "b", ".b", &long, &long[1..]] {
            let mut positions = globs.nowhere();
            for glob in numbers {
                globs.begin(&mut positions, glob);
            }
            let read = text.chars().fold(positions, |positions, character| {
                globs.step(&positions, character)
            });
            let found = numbers.map(|glob| globs.is_match(&read, glob));
            let expected = texts.map(|glob| crate::bypass::matching::is_match(glob, text));
            assert_eq!(found, expected, "{text}");
        }
    }
}
