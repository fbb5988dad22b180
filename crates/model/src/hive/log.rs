//! A hive's transaction log, `….LOG1` or `….LOG2`, as Windows 8.1 and Windows
//! Server 2012 R2 brought it: changes that the hive itself does not hold yet.

use super::bins::number;
use super::file::Header;
use super::marvin::marvin32;

/// How far a log's own header reaches.
const HEADER: usize = 512;
/// How far an entry's header reaches.
const ENTRY_HEADER: usize = 40;

/// One change, whole or not at all.
#[derive(Clone, Debug)]
pub(super) struct Entry<'l> {
    /// Its place among all changes of the hive.
    pub(super) sequence: u32,
    /// How long the bins are after it.
    pub(super) bins: usize,
    /// Pieces of the bins, each with its offset.
    pub(super) pages: Vec<(usize, &'l [u8])>,
}

/// The whole entries of a log, up to the first that is torn or older than its
/// predecessor: logs are written in a circle.
pub(super) fn entries(log: &[u8]) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut rest = match Header::parse(log) {
        Some(header) if header.is_whole => log.get(HEADER..).unwrap_or_default(),
        _ => return entries,
    };
    while let Some((entry, behind)) = entry(rest) {
        let last = entries.last().map(|last| last.sequence);
        if last.is_some_and(|last| entry.sequence != last.wrapping_add(1)) {
            break;
        }
        entries.push(entry);
        rest = behind;
    }
    entries
}

fn entry(bytes: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    if !bytes.starts_with(b"HvLE") {
        return None;
    }
    let field = |at| number(bytes, at).and_then(|field| usize::try_from(field).ok());
    let (bytes, behind) = bytes.split_at_checked(field(4)?)?;
    let sum = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let is_whole =
        sum(24)? == marvin32(bytes.get(ENTRY_HEADER..)?) && sum(32)? == marvin32(bytes.get(..32)?);
    if !is_whole {
        return None;
    }
    let (references, mut content) =
        bytes[ENTRY_HEADER..].split_at_checked(field(20)?.checked_mul(8)?)?;
    let mut pages = Vec::new();
    for reference in references.chunks_exact(8) {
        let [at, size] = [0, 4].map(|part| number(reference, part));
        let page;
        (page, content) = content.split_at_checked(usize::try_from(size?).ok()?)?;
        pages.push((usize::try_from(at?).ok()?, page));
    }
    let entry = Entry {
        sequence: number(bytes, 12)?,
        bins: field(16)?,
        pages,
    };
    Some((entry, behind))
}
