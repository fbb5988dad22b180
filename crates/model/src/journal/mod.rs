//! What is written down before anything is changed, and what it is good for
//! when the power goes in between.
//!
//! One journal a run: a text file of lines that are only ever added.
//!
//! ```text
//! begin      which run, when, by which command, of which machine
//! intent     every value of every account, before → after   ┐
//! write      …before each value                             │ a transaction;
//! …                                                         │ a run can hold several
//! commit     read back: everything is as intended           ┘
//! ```
//!
//! A `run` also writes down each backup before it orders it:
//!
//! ```text
//! backup-order     the item, the request's id, Azure's time
//! backup-job       what the order became       │ or backup-dropped
//! backup-end       whether the job completed
//! ```
//!
//! A transaction that does not end with `commit` or `rollback` was interrupted;
//! [`recover`] says what to do about it from the records and the machine alone.

mod line;
mod record;
mod recovery;
mod run;

pub use line::{JournalError, JournalErrorKind, Sealer};
pub use record::{BackupOrder, Begin, Command, FORMAT, Intent, Kept, Record, Recorded, RunNumber};
pub use recovery::{Recovery, recover};
pub use run::{
    Backup, OrderFate, Run, Transaction, TransactionEnd, last_backup, last_undoable, overlaid_by,
    undone_by,
};
