//! A run as its journal tells it.

use jiff::Timestamp;

use super::line::{self, JournalError, JournalErrorKind, Sealer};
use super::record::{BackupOrder, Begin, Command, Intent, Kept, Record, RunNumber};
use crate::account::Account;
use crate::observed::ValueName;

/// A run as its journal tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How it began.
    pub begin: Begin,
    /// What it changed, in order.
    pub transactions: Vec<Transaction>,
    /// The backups that it ordered, in order.
    pub backups: Vec<Backup>,
    /// How many bytes of the journal hold whole records; the rest was torn off.
    pub sound_bytes: usize,
    /// What continues the journal.
    pub sealer: Sealer,
}

/// Changes that are made together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// What was to be changed.
    pub intents: Vec<Intent>,
    /// What was to be left alone, because somebody else had changed it.
    pub kept: Vec<Kept>,
    /// How it ended; `None` where it was interrupted.
    pub end: Option<TransactionEnd>,
}

/// A backup that a run ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// What was ordered.
    pub order: BackupOrder,
    /// What became of the order.
    pub fate: OrderFate,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderFate {
    /// Nobody knows: the answer is not in the journal.
    Open,
    /// It became no job.
    Dropped,
    /// It became a job, whose end is not in the journal.
    Job(String),
    /// It became a job that ended.
    Ended {
        /// The job.
        job: String,
        /// Whether the backup is there.
        is_complete: bool,
    },
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionEnd {
    /// Everything is as intended.
    Committed(Timestamp),
    /// Everything is as before, but for what somebody else had changed.
    RolledBack {
        /// When.
        time: Timestamp,
        /// What stayed.
        kept: Vec<Kept>,
    },
}

impl Run {
    /// Reads a journal's bytes; `None` where not even its first record was finished.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, JournalError> {
        let opened = line::open(bytes)?;
        let mut records = opened.records.into_iter().zip(1..);
        let Some((Record::Begin(begin), _)) = records.next() else {
            return Ok(None);
        };
        let mut transactions: Vec<Transaction> = Vec::new();
        let mut backups: Vec<Backup> = Vec::new();
        for (record, line) in records {
            let open = transactions.last_mut().filter(|last| last.end.is_none());
            match (record, open) {
                (Record::BackupOrder(order), None) => backups.push(Backup {
                    order,
                    fate: OrderFate::Open,
                }),
                (
                    record @ (Record::BackupJob { .. }
                    | Record::BackupDropped { .. }
                    | Record::BackupEnd { .. }),
                    None,
                ) => {
                    let Some(last) = backups.last_mut() else {
                        let kind = JournalErrorKind::OutOfPlace;
                        return Err(JournalError { line, kind });
                    };
                    last.fate = match record {
                        Record::BackupJob { job } => OrderFate::Job(job),
                        Record::BackupEnd { job, is_complete } => {
                            OrderFate::Ended { job, is_complete }
                        }
                        _ => OrderFate::Dropped,
                    };
                }
                (Record::Intent { accounts, kept }, None) => transactions.push(Transaction {
                    intents: accounts,
                    kept,
                    end: None,
                }),
                (Record::Commit { time }, Some(open)) => {
                    open.end = Some(TransactionEnd::Committed(time));
                }
                (Record::Rollback { time, kept }, Some(open)) => {
                    open.end = Some(TransactionEnd::RolledBack { time, kept });
                }
                (Record::Write { .. } | Record::RemoveKey { .. }, Some(_)) => {}
                _ => {
                    let kind = JournalErrorKind::OutOfPlace;
                    return Err(JournalError { line, kind });
                }
            }
        }
        Ok(Some(Self {
            begin,
            transactions,
            backups,
            sound_bytes: opened.sound_bytes,
            sealer: opened.sealer,
        }))
    }

    /// The transaction that was interrupted, if one was.
    #[must_use]
    pub fn interrupted(&self) -> Option<&Transaction> {
        self.transactions.last().filter(|last| last.end.is_none())
    }

    /// What the run changed in the end, account by account.
    #[must_use]
    pub fn committed(&self) -> Vec<Intent> {
        let mut merged: Vec<Intent> = Vec::new();
        let committed = self
            .transactions
            .iter()
            .filter(|one| matches!(one.end, Some(TransactionEnd::Committed(_))));
        for intent in committed.flat_map(|transaction| &transaction.intents) {
            match merged.iter_mut().find(|one| one.account == intent.account) {
                Some(earlier) => earlier.extend(intent),
                None => merged.push(intent.clone()),
            }
        }
        merged
    }
}

impl Run {
    /// What the run did not put back, because somebody else had changed it.
    #[must_use]
    pub fn kept(&self) -> Vec<Kept> {
        let kept = |transaction: &Transaction| match &transaction.end {
            Some(TransactionEnd::Committed(_)) => transaction.kept.clone(),
            Some(TransactionEnd::RolledBack { kept, .. }) => kept.clone(),
            None => Vec::new(),
        };
        self.transactions.iter().flat_map(kept).collect()
    }
}

impl Intent {
    /// This, and then `later`.
    fn extend(&mut self, later: &Self) {
        for change in &later.changes {
            match self
                .changes
                .iter_mut()
                .find(|one| one.value == change.value)
            {
                Some(earlier) => earlier.after.clone_from(&change.after),
                None => self.changes.push(change.clone()),
            }
        }
        let added = later
            .new_keys
            .iter()
            .filter(|key| !self.new_keys.contains(key));
        self.new_keys.extend(added.copied().collect::<Vec<_>>());
    }
}

/// The last order of a backup of `item` that any of `runs` wrote down. Another
/// machine's database, or another vault's, may have the same name.
#[must_use]
pub fn last_backup<'a>(runs: &'a [Run], item: &str) -> Option<&'a Backup> {
    let mut ordered: Vec<&Run> = runs.iter().collect();
    ordered.sort_by_key(|run| run.begin.run);
    let mut backups = ordered.into_iter().flat_map(|run| &run.backups).rev();
    backups.find(|backup| backup.order.item.eq_ignore_ascii_case(item))
}

/// The run that undid `run` and was not itself undone.
#[must_use]
pub fn undone_by(run: RunNumber, runs: &[Run]) -> Option<RunNumber> {
    let undid = |other: &&Run| {
        other.begin.run > run
            && other.begin.command == Command::Undo(run)
            && !other.committed().is_empty()
            && undone_by(other.begin.run, runs).is_none()
    };
    runs.iter().find(undid).map(|other| other.begin.run)
}

/// The last run that changed something, undid nothing and was not undone.
#[must_use]
pub fn last_undoable(runs: &[Run]) -> Option<&Run> {
    runs.iter()
        .filter(|run| !matches!(run.begin.command, Command::Undo(_)))
        .filter(|run| !run.committed().is_empty())
        .filter(|run| undone_by(run.begin.run, runs).is_none())
        .max_by_key(|run| run.begin.run)
}

/// A later run that changed the same values and still counts: it has to be
/// undone first.
#[must_use]
pub fn overlaid_by(run: &Run, runs: &[Run]) -> Option<RunNumber> {
    let number = run.begin.run;
    let touched: Vec<_> = values(run).collect();
    let overlays = |other: &&Run| {
        // Together with the run that it undoes it changes nothing.
        let is_balanced = matches!(other.begin.command, Command::Undo(of) if of > number);
        other.begin.run > number
            && !is_balanced
            && undone_by(other.begin.run, runs).is_none()
            && values(other).any(|value| touched.contains(&value))
    };
    let last = runs
        .iter()
        .filter(overlays)
        .max_by_key(|other| other.begin.run);
    last.map(|other| other.begin.run)
}

fn values(run: &Run) -> impl Iterator<Item = (Account, ValueName)> {
    run.committed().into_iter().flat_map(|intent| {
        let account = intent.account;
        intent
            .changes
            .into_iter()
            .map(move |change| (account, change.value))
    })
}
