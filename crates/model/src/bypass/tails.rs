//! Entries found by the end of a host.

/// How much of an end is looked up at once.
const TAIL: usize = 8;

/// Twice as many slots as the longest lists have entries.
const SLOT_BITS: u32 = 8;

/// Names and `*.suffix`es by their last eight bytes. They lie side by side: what
/// takes time here is waiting for memory.
#[derive(Clone, Debug)]
pub(super) struct Tails {
    /// Where the tails of each slot begin, and at last where all end.
    slots: Vec<u32>,
    entries: Vec<Tail>,
    text: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Tail {
    /// The last bytes.
    end: u64,
    /// Where the bytes before those are in the text, and how many there are.
    start: usize,
    length: usize,
    /// Whether nothing may stand before it.
    is_whole: bool,
    /// The entry's place in the list.
    index: usize,
}

impl Tails {
    /// Of texts that are long enough ([`is_long_enough`]), each with whether it is
    /// a whole name and its place in the list.
    pub(super) fn new<'a>(texts: impl IntoIterator<Item = (&'a [u8], bool, usize)>) -> Self {
        let mut entries = Vec::new();
        let mut text = Vec::new();
        for (bytes, is_whole, index) in texts {
            let Some((before, end)) = split(bytes) else {
                continue;
            };
            entries.push(Tail {
                end,
                start: text.len(),
                length: before.len(),
                is_whole,
                index,
            });
            text.extend_from_slice(before);
        }
        entries.sort_by_key(|tail| slot(tail.end));
        let slots = (0..=1 << SLOT_BITS).map(|begin| {
            let place = entries.partition_point(|tail| slot(tail.end) < begin);
            u32::try_from(place).unwrap_or(u32::MAX)
        });
        let slots = slots.collect();
        Self {
            slots,
            entries,
            text,
        }
    }

    /// The places of the first and the last entry that the host ends in, or is.
    pub(super) fn covering(&self, host: &[u8]) -> Option<(usize, usize)> {
        let (before, end) = split(host)?;
        let slot = slot(end);
        let tails = self.slots[slot] as usize..self.slots[slot + 1] as usize;
        let mut range = None;
        for tail in &self.entries[tails] {
            let fits = tail.end == end
                && before.len() >= tail.length
                && (before.len() == tail.length || !tail.is_whole);
            if fits && before.ends_with(&self.text[tail.start..][..tail.length]) {
                let (first, last) = range.unwrap_or((tail.index, tail.index));
                range = Some((tail.index.min(first), tail.index.max(last)));
            }
        }
        range
    }
}

/// Whether a text can be looked up by its end.
pub(super) fn is_long_enough(text: &str) -> bool {
    text.len() >= TAIL
}

/// What stands before the last bytes, and those as one number.
#[inline]
fn split(text: &[u8]) -> Option<(&[u8], u64)> {
    let (before, end) = text.split_last_chunk::<TAIL>()?;
    Some((before, u64::from_le_bytes(*end)))
}

/// Spreads what differs in few bits over the upper ones (2^64 / φ).
#[inline]
fn slot(end: u64) -> usize {
    let spread = end.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(spread >> (u64::BITS - SLOT_BITS)).unwrap_or(0)
}
