//! A journal's lines: each sealed by a sum over itself and the one before, so
//! that a line that is missing, torn or changed is noticed.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::record::{FORMAT, Record};

/// Why a journal cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct JournalError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: JournalErrorKind,
}

/// What is wrong with a journal's line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalErrorKind {
    /// It is no record, or not the one that was written there.
    #[error("it is not what Sidestep wrote there")]
    Damaged,
    /// A record where it cannot be.
    #[error("a record of this kind cannot stand here")]
    OutOfPlace,
    /// A format of a later Sidestep.
    #[error("format {0} is of a later Sidestep")]
    LaterFormat(u32),
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    sum: String,
    #[serde(borrow)]
    entry: &'a RawValue,
}

/// Turns records into lines, and knows the last one's sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealer {
    last: String,
}

impl Sealer {
    /// The record as the next line, with its line end.
    #[must_use]
    pub fn seal(&mut self, record: &Record) -> String {
        // A record has string keys only, which is all that can fail.
        let entry = serde_json::value::to_raw_value(record).unwrap_or_default();
        self.last = self.sum(entry.get());
        let line = Line {
            sum: self.last.clone(),
            entry: &entry,
        };
        serde_json::to_string(&line).unwrap_or_default() + "\n"
    }

    /// The record in the next line, if it is one that was sealed here.
    fn open(&mut self, line: &[u8]) -> Option<Result<Record, JournalErrorKind>> {
        let text = str::from_utf8(line).ok()?;
        let line: Line<'_> = serde_json::from_str(text).ok()?;
        if line.sum != self.sum(line.entry.get()) {
            return None;
        }
        self.last = line.sum;
        Some(serde_json::from_str(line.entry.get()).map_err(|_| later_or_damaged(line.entry.get())))
    }

    fn sum(&self, entry: &str) -> String {
        let hash = Sha256::new()
            .chain_update(&self.last)
            .chain_update(entry)
            .finalize();
        crate::blob::to_hex(&hash[..8])
    }
}

/// A sealed line that cannot be read is of a later Sidestep, if it says so.
fn later_or_damaged(entry: &str) -> JournalErrorKind {
    #[derive(Deserialize)]
    struct AnyBegin {
        format: u32,
    }
    match serde_json::from_str(entry) {
        Ok(AnyBegin { format }) if format > FORMAT => JournalErrorKind::LaterFormat(format),
        _ => JournalErrorKind::Damaged,
    }
}

/// A journal's records, and how much of the file holds them.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) records: Vec<Record>,
    /// The bytes up to the end of the last whole line.
    pub(super) sound_bytes: usize,
    /// What continues the journal.
    pub(super) sealer: Sealer,
}

/// Reads a journal. What follows the last sealed line was torn off by the end
/// of power or space, before whatever it announced was begun, and counts for
/// nothing; the same in the middle is damage.
pub(super) fn open(bytes: &[u8]) -> Result<Opened, JournalError> {
    let mut sealer = Sealer::default();
    let mut records: Vec<Record> = Vec::new();
    let mut sound_bytes = 0;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    for (index, line) in lines.by_ref() {
        let error = |kind| JournalError {
            line: index + 1,
            kind,
        };
        let opened = line.strip_suffix(b"\n").and_then(|line| sealer.open(line));
        let Some(record) = opened else {
            // Whole lines of ours behind it: this one was not torn off. Nor was
            // the first, which is short, where its end is there.
            let is_whole = index == 0 && line.ends_with(b"\n");
            if is_whole || lines.any(|(_, line)| has_seal(line)) {
                return Err(error(JournalErrorKind::Damaged));
            }
            break;
        };
        let record = record.map_err(error)?;
        match &record {
            Record::Begin(begin) if begin.format > FORMAT => {
                return Err(error(JournalErrorKind::LaterFormat(begin.format)));
            }
            Record::Begin(_) if index == 0 => {}
            Record::Begin(_) => return Err(error(JournalErrorKind::OutOfPlace)),
            _ if index == 0 => return Err(error(JournalErrorKind::OutOfPlace)),
            _ => {}
        }
        records.push(record);
        sound_bytes += line.len();
    }
    Ok(Opened {
        records,
        sound_bytes,
        sealer,
    })
}

fn has_seal(line: &[u8]) -> bool {
    serde_json::from_slice::<Line<'_>>(line).is_ok()
}
