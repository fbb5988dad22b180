//! A hive as it is on the disk, and what its logs add.

use super::bins::{Bins, HiveError, number};
use super::key::Key;
use super::log::{self, Entry};
use crate::registry::RegistryData;

/// How far the header reaches.
const HEADER: usize = 4096;
/// How far the header's checksum reaches, which stands behind.
const SUMMED: usize = 508;
/// One entry of a log makes a hive no more longer than this (64 MiB): Windows
/// writes what it adds, and its logs are shorter.
const MOST_ADDED: usize = 1 << 26;

/// A registry hive.
#[derive(Clone, Debug)]
pub struct Hive {
    bins: Bins,
    root: u32,
    condition: Condition,
}

/// Whether a hive holds everything that Windows had changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It does.
    Complete,
    /// So many changes stood in its logs only, and were taken from there.
    Recovered(usize),
    /// Changes were under way that neither it nor its logs hold: what is read
    /// may be older than what Windows had.
    Behind,
}

impl Hive {
    /// Reads a hive, with the logs beside it (`….LOG1`, `….LOG2`) as far as
    /// there are any.
    pub fn parse(file: &[u8], logs: &[Vec<u8>]) -> Result<Self, HiveError> {
        let own = Header::parse(file).ok_or(HiveError::NotAHive)?;
        let of_logs = logs.iter().filter_map(|log| Header::parse(log));
        // A torn header is made anew from the last log's, which is a copy.
        let header = if own.is_whole {
            own
        } else {
            let whole = of_logs.filter(|header| header.is_whole);
            let last = whole.max_by_key(|header| header.primary);
            last.ok_or(HiveError::Damaged(0))?
        };
        let mut bins: Vec<u8> = file.get(HEADER..).unwrap_or_default().to_vec();
        let condition = if own.is_whole && own.primary == own.secondary {
            bins.truncate(header.bins);
            Condition::Complete
        } else {
            let changes = changes(logs, header.secondary);
            for change in &changes {
                apply(change, &mut bins)?;
            }
            match changes.len() {
                0 => Condition::Behind,
                some => Condition::Recovered(some),
            }
        };
        Ok(Self {
            bins: Bins(bins),
            root: header.root,
            condition,
        })
    }

    /// Whether it holds everything that Windows had changed.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.condition
    }

    /// Whether the key at `path`, below the hive's root, is there.
    pub fn has_key(&self, path: &str) -> Result<bool, HiveError> {
        Ok(self.key(path)?.is_some())
    }

    /// The names of the keys in the key at `path`; none where it is not there.
    pub fn keys(&self, path: &str) -> Result<Vec<String>, HiveError> {
        let Some(key) = self.key(path)? else {
            return Ok(Vec::new());
        };
        let inside = key.inside()?;
        Ok(inside.iter().map(Key::name).collect())
    }

    /// A value of the key at `path`; the key's default value has no name.
    pub fn value(&self, path: &str, name: &str) -> Result<Option<RegistryData>, HiveError> {
        match self.key(path)? {
            Some(key) => key.value(name),
            None => Ok(None),
        }
    }

    fn key(&self, path: &str) -> Result<Option<Key<'_>>, HiveError> {
        let mut key = Key::at(&self.bins, self.root)?;
        for name in path.split('\\').filter(|name| !name.is_empty()) {
            let inside = key.inside()?.into_iter();
            let mut found = inside.filter(|one| is_same(&one.name(), name));
            match found.next() {
                Some(found) => key = found,
                None => return Ok(None),
            }
        }
        Ok(Some(key))
    }
}

/// Names are the same whatever their case.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one.to_uppercase() == other.to_uppercase()
}

/// The changes that a hive lacks which counts `secondary` of them as written,
/// oldest first and without a gap.
fn changes(logs: &[Vec<u8>], secondary: u32) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = logs.iter().flat_map(|log| log::entries(log)).collect();
    entries.retain(|entry| entry.sequence >= secondary);
    entries.sort_by_key(|entry| entry.sequence);
    entries.dedup_by_key(|entry| entry.sequence);
    let mut expected = entries.first().map_or(0, |first| first.sequence);
    let is_next = |entry: &Entry<'_>| {
        let is_next = entry.sequence == expected;
        expected = expected.wrapping_add(1);
        is_next
    };
    let count = entries.iter().map(is_next).take_while(|next| *next).count();
    entries.truncate(count);
    entries
}

fn apply(change: &Entry<'_>, bins: &mut Vec<u8>) -> Result<(), HiveError> {
    if change.bins > bins.len().saturating_add(MOST_ADDED) {
        return Err(HiveError::Damaged(0));
    }
    bins.resize(change.bins, 0);
    for (at, page) in &change.pages {
        let place = at
            .checked_add(page.len())
            .and_then(|end| bins.get_mut(*at..end));
        let near = u32::try_from(*at).unwrap_or(u32::MAX);
        place.ok_or(HiveError::Damaged(near))?.copy_from_slice(page);
    }
    Ok(())
}

/// What the header of a hive or of a log says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Counted up before Windows writes to the hive.
    primary: u32,
    /// Counted up after; so they differ while it writes.
    secondary: u32,
    root: u32,
    /// How long the bins are.
    bins: usize,
    /// Whether its checksum is right.
    pub(super) is_whole: bool,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(b"regf") {
            return None;
        }
        let words = bytes.get(..SUMMED)?.as_chunks::<4>().0;
        let sum = words
            .iter()
            .fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
        // Neither value stands for itself.
        let sum = match sum {
            u32::MAX => u32::MAX - 1,
            0 => 1,
            sum => sum,
        };
        Some(Self {
            primary: number(bytes, 4)?,
            secondary: number(bytes, 8)?,
            root: number(bytes, 36)?,
            bins: usize::try_from(number(bytes, 40)?).ok()?,
            is_whole: number(bytes, SUMMED)? == sum,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::marvin::marvin32;
    use super::*;

    const HIVE: &[u8] = include_bytes!("../../tests/data/hives/SYSTEM");
    const SEQUENCE: u32 = 7;

    /// The hive while Windows was writing to it.
    fn unfinished() -> Vec<u8> {
        let mut file = HIVE.to_vec();
        file[4..8].copy_from_slice(&(SEQUENCE + 1).to_le_bytes());
        file[8..12].copy_from_slice(&SEQUENCE.to_le_bytes());
        summed(file)
    }

    fn summed(mut file: Vec<u8>) -> Vec<u8> {
        let words = file[..SUMMED].as_chunks::<4>().0.iter();
        let sum = words.fold(0, |sum, word| sum ^ u32::from_le_bytes(*word));
        file[SUMMED..SUMMED + 4].copy_from_slice(&sum.to_le_bytes());
        file
    }

    /// A log whose entries each write one page at `at`.
    fn log(changes: &[(u32, usize, &[u8])]) -> Vec<u8> {
        let mut log = unfinished()[..512].to_vec();
        for (sequence, at, page) in changes {
            let mut entry = b"HvLE".to_vec();
            let (bins, at) = (HIVE.len() - HEADER, u32::try_from(*at).unwrap());
            let length = u32::try_from(page.len()).unwrap();
            for number in [512, 0, *sequence, u32::try_from(bins).unwrap(), 1] {
                entry.extend(number.to_le_bytes());
            }
            entry.extend([0; 16]);
            entry.extend(at.to_le_bytes());
            entry.extend(length.to_le_bytes());
            entry.extend(*page);
            entry.resize(512, 0);
            let sum = marvin32(&entry[40..]).to_le_bytes();
            entry[24..32].copy_from_slice(&sum);
            let sum = marvin32(&entry[..32]).to_le_bytes();
            entry[32..40].copy_from_slice(&sum);
            log.extend(entry);
        }
        log
    }

    /// Where the data of `Select\\Current` stands in the bins.
    fn place() -> usize {
        let name = HIVE
            .windows(7)
            .position(|bytes| bytes == b"Current")
            .unwrap();
        name - HEADER - 12
    }

    /// How the hive is, and which control set it says is current.
    fn current(file: &[u8], logs: &[Vec<u8>]) -> (Condition, u32) {
        let hive = Hive::parse(file, logs).unwrap();
        let current = hive.value("Select", "Current").unwrap();
        let Some(RegistryData::Dword(current)) = current else {
            panic!("{current:?}")
        };
        (hive.condition(), current)
    }

    #[test]
    fn what_stands_in_the_logs_only_is_read() {
        let (two, three) = (2_u32.to_le_bytes(), 3_u32.to_le_bytes());
        let first = log(&[(SEQUENCE, place(), &two)]);
        let second = log(&[(SEQUENCE + 1, place(), &three)]);
        let file = unfinished();
        assert_eq!(current(&file, &[]), (Condition::Behind, 1));
        let one = current(&file, std::slice::from_ref(&first));
        assert_eq!(one, (Condition::Recovered(1), 2));
        let both = current(&file, &[second.clone(), first.clone()]);
        assert_eq!(both, (Condition::Recovered(2), 3));
        // A hive that is whole needs none.
        assert_eq!(current(HIVE, &[first]), (Condition::Complete, 1));
    }

    #[test]
    fn torn_and_older_entries_count_for_nothing() {
        let (two, three) = (2_u32.to_le_bytes(), 3_u32.to_le_bytes());
        let old = log(&[(SEQUENCE - 1, place(), &three)]);
        assert_eq!(current(&unfinished(), &[old]), (Condition::Behind, 1));
        let mut torn = log(&[(SEQUENCE, place(), &two), (SEQUENCE + 1, place(), &three)]);
        let end = torn.len() - 1;
        torn[end] ^= 1;
        let read = current(&unfinished(), &[torn]);
        assert_eq!(read, (Condition::Recovered(1), 2));
        let gap = log(&[(SEQUENCE, place(), &two), (SEQUENCE + 2, place(), &three)]);
        let read = current(&unfinished(), &[gap]);
        assert_eq!(read, (Condition::Recovered(1), 2));
    }

    #[test]
    fn a_torn_header_is_made_anew_from_a_log() {
        let mut file = unfinished();
        file[36] ^= 1;
        assert_eq!(Hive::parse(&file, &[]).err(), Some(HiveError::Damaged(0)));
        let two = 2_u32.to_le_bytes();
        let read = current(&file, &[log(&[(SEQUENCE, place(), &two)])]);
        assert_eq!(read, (Condition::Recovered(1), 2));
    }
}
