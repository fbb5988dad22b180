//! Entries found by the ends of a host.

use std::hint::select_unpredictable;

use super::matcher::Place;

/// Names and suffixes, found without asking one after the other.
///
/// What takes time here is a branch that the processor does not foresee. So a
/// host is looked up once among the names and once among the suffixes, by keys
/// that next to nothing else has, and one branch tells almost every host that is
/// in neither.
#[derive(Clone, Debug)]
pub(super) struct Tails {
    names: Table,
    suffixes: Table,
}

/// A text of eight bytes or more, and its entry.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    ends: Ends,
    text: Box<[u8]>,
    place: Place,
}

impl Tail {
    /// `None` for a text that is too short.
    pub(super) fn new(text: &[u8], place: Place) -> Option<Self> {
        let ends = Ends::of(text)?;
        let text = text.into();
        Some(Self { ends, text, place })
    }

    #[inline]
    fn is_suffix_of(&self, host: &[u8], ends: Ends) -> bool {
        let at = host.len().checked_sub(self.text.len());
        // Many suffixes end alike, and few begin so.
        ends.last == self.ends.last
            && at.is_some_and(|at| {
                Ends::of(&host[at..]).is_some_and(|ends| ends.first == self.ends.first)
                    && host[at..] == *self.text
            })
    }
}

impl Tails {
    pub(super) fn new(mut names: Vec<Tail>, suffixes: Vec<Tail>) -> Self {
        let suffixes = Table::new(suffixes, |suffix| suffix.ends.last);
        // A name answers for the suffixes that it ends in, too.
        for name in &mut names {
            let mut covering = suffixes.slot(name.ends.last, name.text.len()).iter();
            let suffix = covering.find(|suffix| suffix.is_suffix_of(&name.text, name.ends));
            name.place = suffix.map_or(name.place, |suffix| suffix.place.min(name.place));
        }
        let names = Table::new(names, |name| name.ends.of_whole(name.text.len()));
        Self { names, suffixes }
    }

    /// The entry of the lowest rank among those that the host is, or ends in.
    #[inline]
    pub(super) fn covering(&self, host: &[u8]) -> Option<Place> {
        let ends = Ends::of(host)?;
        let names = self.names.slot(ends.of_whole(host.len()), host.len());
        let suffixes = self.suffixes.slot(ends.last, host.len());
        if names.len() + suffixes.len() == 0 {
            return None;
        }
        let name = names.iter().find(|name| *name.text == *host);
        let found = name.or_else(|| {
            let mut suffixes = suffixes.iter();
            suffixes.find(|suffix| suffix.is_suffix_of(host, ends))
        });
        found.map(|tail| tail.place)
    }
}

/// The first and the last eight bytes of a text; they overlap where it is short.
#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u64,
    last: u64,
}

impl Ends {
    #[inline]
    fn of(text: &[u8]) -> Option<Self> {
        Some(Self {
            first: u64::from_le_bytes(*text.first_chunk()?),
            last: u64::from_le_bytes(*text.last_chunk()?),
        })
    }

    /// What tells a text of this length from others as a whole.
    #[inline]
    fn of_whole(self, length: usize) -> u64 {
        (self.first ^ length as u64).wrapping_mul(SPREAD) ^ self.last
    }
}

/// Tails by a key, in many more slots than the longest lists have entries.
#[derive(Clone, Debug)]
struct Table {
    slots: Box<[Slot; 1 << SLOT_BITS]>,
    /// By slot, the lowest rank first.
    tails: Vec<Tail>,
}

const SLOT_BITS: u32 = 10;

/// Which tails have keys of one slot.
#[derive(Clone, Copy, Debug)]
struct Slot {
    begin: u32,
    end: u32,
    /// The length of the shortest.
    shortest: u32,
}

impl Slot {
    const EMPTY: Self = Self {
        begin: 0,
        end: 0,
        shortest: u32::MAX,
    };
}

impl Table {
    fn new(mut tails: Vec<Tail>, key: impl Fn(&Tail) -> u64) -> Self {
        tails.sort_by_key(|tail| (slot(key(tail)), tail.place));
        let mut slots = Box::new([Slot::EMPTY; 1 << SLOT_BITS]);
        for (at, tail) in (0..).zip(&tails) {
            let slot = &mut slots[slot(key(tail))];
            if slot.end == 0 {
                slot.begin = at;
            }
            slot.end = at + 1;
            let length = u32::try_from(tail.text.len()).unwrap_or(u32::MAX);
            slot.shortest = slot.shortest.min(length);
        }
        Self { slots, tails }
    }

    /// The tails that a host of this length and with this key may have.
    #[inline]
    fn slot(&self, key: u64, length: usize) -> &[Tail] {
        let slot = &self.slots[slot(key)];
        let end = select_unpredictable(length >= slot.shortest as usize, slot.end, slot.begin);
        &self.tails[slot.begin as usize..end as usize]
    }
}

/// 2^64 / φ spreads what differs in few bits over the upper ones.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn slot(key: u64) -> usize {
    usize::try_from(key.wrapping_mul(SPREAD) >> (u64::BITS - SLOT_BITS)).unwrap_or(0)
}
