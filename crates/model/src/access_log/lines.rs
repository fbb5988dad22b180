//! A log's lines, and what of each is seen at a glance.

use std::hint::select_unpredictable;

use memchr::memchr;

use super::places::{BLOCK, places};
use super::{Layout, squid};

/// A line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance<'l> {
    /// Where it begins in what was asked about.
    pub offset: usize,
    /// The line, without its line feed.
    pub line: &'l [u8],
    /// The host of its request, where the line is written as almost all are: then
    /// [`Layout::read`] finds it a request for this very host. Of others, of the
    /// last lines and in formats but Squid's only reading tells.
    pub host: Option<&'l [u8]>,
}

/// The lines of a log, or of a part of it, in their order.
#[derive(Clone, Debug)]
pub struct Lines<'l> {
    bytes: &'l [u8],
    /// Where the next line begins.
    start: usize,
    is_squids: bool,
}

impl Layout {
    /// The lines of a log, or of whole lines of it. The last one may have no line
    /// feed; behind the last line feed there is none.
    #[must_use]
    pub fn lines<'l>(&self, bytes: &'l [u8]) -> Lines<'l> {
        Lines {
            bytes,
            start: 0,
            is_squids: *self == Self::Squid,
        }
    }
}

impl<'l> Iterator for Lines<'l> {
    type Item = Glance<'l>;

    #[inline]
    fn next(&mut self) -> Option<Glance<'l>> {
        let start = self.start;
        let bytes = &self.bytes[start..];
        if bytes.is_empty() {
            return None;
        }
        let (length, host) = match bytes.first_chunk() {
            Some(begin) if self.is_squids => squids(begin, bytes),
            _ => (line_length(bytes), None),
        };
        self.start = self.bytes.len().min(start + length + 1);
        Some(Glance {
            offset: start,
            line: &bytes[..length],
            host,
        })
    }
}

/// How long the line is that bytes begin with.
fn line_length(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).unwrap_or(bytes.len())
}

/// As long as almost every line.
const LONG: usize = 3 * BLOCK;

/// The length and the host of a line in squid's format. Its beginning is looked at
/// as a whole, whatever is in it: what takes time here is a branch that the
/// processor does not foresee.
#[inline]
fn squids<'l>(begin: &[u8; LONG], bytes: &'l [u8]) -> (usize, Option<&'l [u8]>) {
    let ([first, second, third], _) = begin.as_chunks() else {
        return (line_length(bytes), None);
    };
    let feeds = [first, second, third].map(|block| places(block, b'\n'));
    let is_in_second = feeds[1] != 0;
    let in_block = select_unpredictable(is_in_second, feeds[1], feeds[2]);
    let block = select_unpredictable(is_in_second, BLOCK, 2 * BLOCK);
    let length = match (feeds[0], in_block) {
        (0, 0) => LONG + line_length(&bytes[LONG..]),
        (0, feeds) => block + feeds.trailing_zeros() as usize,
        (feeds, _) => feeds.trailing_zeros() as usize,
    };
    let blanks = [first, second].map(|block| places(block, b' '));
    (length, squid::glance(&bytes[..length], blanks))
}
