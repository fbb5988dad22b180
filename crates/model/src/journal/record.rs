//! The records of a journal.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::observed::{SettingsKey, ValueName};
use crate::plan::Plan;
use crate::redacted::Redacted;

/// The version that this Sidestep writes. A change that older ones would
/// misread gets a new number; a fixture of each stays readable.
pub const FORMAT: u32 = 1;

/// One line of a journal. Times are UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// A run begins. Always the first line, and nowhere else.
    Begin(Begin),
    /// What is going to be changed, all of it.
    Intent {
        /// Account by account.
        accounts: Vec<Intent>,
        /// What is left alone, because somebody else changed it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kept: Vec<Kept>,
    },
    /// One value is about to be written or taken away.
    Write {
        /// Whose.
        account: Account,
        /// Which.
        value: ValueName,
    },
    /// A key is about to be taken away, if it is empty.
    RemoveKey {
        /// Whose.
        account: Account,
        /// Which.
        key: SettingsKey,
    },
    /// Everything was read back as intended.
    Commit {
        /// When.
        time: Timestamp,
    },
    /// A backup is about to be ordered.
    BackupOrder(BackupOrder),
    /// The order became this job.
    BackupJob {
        /// Azure's id of the job.
        job: String,
    },
    /// The order became no job: Azure refused it, or never got it.
    BackupDropped {
        /// When.
        time: Timestamp,
    },
    /// The job came to its end.
    BackupEnd {
        /// Azure's id of the job.
        job: String,
        /// Whether the backup is there.
        is_complete: bool,
    },
    /// What had been written was put back.
    Rollback {
        /// When.
        time: Timestamp,
        /// What stayed, because somebody else had changed it.
        kept: Vec<Kept>,
    },
}

/// The first record of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begin {
    /// The journal's format; see [`FORMAT`].
    pub format: u32,
    /// Which run.
    pub run: RunNumber,
    /// When it began.
    pub time: Timestamp,
    /// Which Sidestep wrote it.
    pub sidestep: String,
    /// What was asked for.
    pub command: Command,
    /// Where the settings are, for people.
    pub at: String,
}

/// A backup that is ordered once and only once, whatever happens to the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupOrder {
    /// The protected item's id in Azure.
    pub item: String,
    /// `INSTANCE/database`.
    pub database: String,
    /// `Full` or `CopyOnlyFull`.
    pub kind: String,
    /// When, by Azure's clock.
    pub time: Timestamp,
    /// The request's own id, which Azure gives a job as its activity.
    pub request: String,
}

/// What a run was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// `sidestep apply`.
    Apply,
    /// `sidestep run`, or a rehearsal of it.
    Run,
    /// `sidestep undo`.
    Undo(RunNumber),
}

/// A run's number: one more than the last one's of the same machine.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct RunNumber(pub u32);

impl fmt::Display for RunNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What is going to be changed in one account, or was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Whose settings.
    pub account: Account,
    /// The keys that the changes make.
    pub new_keys: Vec<SettingsKey>,
    /// The keys to take away after the changes.
    pub removed_keys: Vec<SettingsKey>,
    /// The changes, in their order.
    pub changes: Vec<Recorded>,
}

/// One change as it is written down: without credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Which value.
    pub value: ValueName,
    /// What it held; `None` where it did not exist.
    pub before: Option<Redacted>,
    /// What it shall hold; `None` where it shall not exist.
    pub after: Option<Redacted>,
}

/// A value that was not put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Whose.
    pub account: Account,
    /// Which.
    pub value: ValueName,
}

impl From<&Plan> for Intent {
    fn from(plan: &Plan) -> Self {
        let changes = plan.changes.iter().map(|change| {
            let redacted =
                |data: &Option<_>| data.as_ref().map(|data| Redacted::of(change.value, data));
            Recorded {
                value: change.value,
                before: redacted(&change.before),
                after: redacted(&change.after),
            }
        });
        Self {
            account: plan.account,
            new_keys: plan.new_keys.clone(),
            removed_keys: plan.removed_keys.clone(),
            changes: changes.collect(),
        }
    }
}
