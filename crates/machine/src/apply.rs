//! Carrying plans out: journalled before, read back after, put back if not whole.

use sidestep_model::account::Account;
use sidestep_model::finding::Finding;
use sidestep_model::journal::{Intent, Kept, Record, Recovery, RunNumber, Transaction, recover};
use sidestep_model::observed::{Absence, SettingsKey, ValueName};
use sidestep_model::plan::Plan;

use crate::journal::{Journal, JournalError, OpenRun};
use crate::store::{Store, StoreError};

/// A place where the power can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoint {
    /// The intent is on the disk; nothing was changed.
    Intended,
    /// It is on the disk that a value is about to be written.
    Announced(Account, ValueName),
    /// A value was written.
    Written(Account, ValueName),
    /// An emptied key was taken away.
    KeyRemoved(Account, SettingsKey),
    /// Everything was read back; that is not on the disk yet.
    ReadBack,
    /// It is on the disk that everything is done.
    Ended,
}

/// Why plans were not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The settings changed after the plan was made; nothing was written.
    #[error("{} of {account} changed after the plan was made; nothing was written", value.name())]
    Moved {
        /// Whose.
        account: Account,
        /// Which value.
        value: ValueName,
    },
    /// Something failed before the first value was written.
    #[error("nothing was written")]
    NotWritten(#[source] TransactionError),
    /// Something failed on the way, and what had been written was put back.
    #[error("what had been written was put back")]
    PutBack(#[source] TransactionError),
    /// Something failed on the way, and putting back failed too; the next
    /// start of Sidestep puts back.
    #[error("what had been written could not be put back yet ({error})")]
    Interrupted {
        /// What failed first.
        #[source]
        cause: Box<TransactionError>,
        /// What failed then.
        error: TransactionError,
    },
}

/// What can fail between the first record and the last.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// The settings cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What an account holds cannot be looked at, so that the run stays open.
    #[error("the settings of {account} are not loaded")]
    OutOfReach {
        /// Whose.
        account: Account,
        /// Why not.
        absence: Absence,
    },
    /// A value reads back other than it was written.
    #[error("{} of {account} does not read back as it was written", value.name())]
    NotKept {
        /// Whose.
        account: Account,
        /// Which value.
        value: ValueName,
    },
}

/// An interrupted run that was put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Which run.
    pub run: RunNumber,
    /// How.
    pub outcome: RecoveryOutcome,
    /// What stayed, because somebody else had changed it.
    pub kept: Vec<Kept>,
}

/// How an interrupted run was put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryOutcome {
    /// Everything is as intended.
    Finished,
    /// It had written nothing, so that there was nothing to put back.
    NothingWritten,
    /// What it had written was put back.
    PutBack,
}

/// Makes the changes of `plans` together or not at all, in their order, and
/// reads them back. `reached` is told of each place where the power can go.
///
/// Refuses before anything is written where a value is not what the plan saw.
pub fn apply(
    plans: &[Plan],
    store: &mut dyn Store,
    run: &mut OpenRun<'_>,
    reached: &mut dyn FnMut(Checkpoint),
) -> Result<(), ApplyError> {
    let not_written = |error: TransactionError| ApplyError::NotWritten(error);
    let before = store.read().map_err(|error| not_written(error.into()))?;
    for plan in plans {
        let values = &before.account(plan.account).values;
        let moved = |change: &&_| {
            let change: &sidestep_model::plan::Change = change;
            values.get(&change.value) != change.before.as_ref()
        };
        if let Some(change) = plan.changes.iter().find(moved) {
            return Err(ApplyError::Moved {
                account: plan.account,
                value: change.value,
            });
        }
    }
    let intents: Vec<Intent> = plans.iter().map(Intent::from).collect();
    let kept: Vec<Kept> = plans.iter().flat_map(kept).collect();
    let intent = Record::Intent {
        accounts: intents.clone(),
        kept: kept.clone(),
    };
    run.record(&intent)
        .map_err(|error| not_written(error.into()))?;
    reached(Checkpoint::Intended);
    let Err(cause) = carry_out(plans, store, run, reached) else {
        return Ok(());
    };
    let transaction = Transaction {
        intents,
        kept,
        end: None,
    };
    match put_right(&transaction, store, run, reached).map(|recovered| recovered.outcome) {
        // What failed was only to see or to say that everything is as intended.
        Ok(RecoveryOutcome::Finished) => Ok(()),
        Ok(RecoveryOutcome::NothingWritten) => Err(ApplyError::NotWritten(cause)),
        Ok(RecoveryOutcome::PutBack) => Err(ApplyError::PutBack(cause)),
        Err(error) => Err(ApplyError::Interrupted {
            cause: Box::new(cause),
            error,
        }),
    }
}

/// Puts right the last run, if it was interrupted. To be called before
/// anything is read in order to change it.
pub fn recover_last(
    store: &mut dyn Store,
    journal: &Journal,
    reached: &mut dyn FnMut(Checkpoint),
) -> Result<Option<Recovered>, TransactionError> {
    let Some(last) = journal.last()? else {
        return Ok(None);
    };
    let Some(transaction) = last.interrupted() else {
        return Ok(None);
    };
    let mut run = journal.resume(&last)?;
    put_right(transaction, store, &mut run, reached).map(Some)
}

fn carry_out(
    plans: &[Plan],
    store: &mut dyn Store,
    run: &mut OpenRun<'_>,
    reached: &mut dyn FnMut(Checkpoint),
) -> Result<(), TransactionError> {
    write(plans, store, run, reached)?;
    let after = store.read()?;
    for plan in plans {
        let values = &after.account(plan.account).values;
        for change in &plan.changes {
            if values.get(&change.value) != change.after.as_ref() {
                return Err(TransactionError::NotKept {
                    account: plan.account,
                    value: change.value,
                });
            }
        }
    }
    reached(Checkpoint::ReadBack);
    run.record(&Record::Commit { time: run.now() })?;
    reached(Checkpoint::Ended);
    Ok(())
}

fn put_right(
    transaction: &Transaction,
    store: &mut dyn Store,
    run: &mut OpenRun<'_>,
    reached: &mut dyn FnMut(Checkpoint),
) -> Result<Recovered, TransactionError> {
    let number = run.number();
    let observed = store.read()?;
    match recover(transaction, &observed) {
        Recovery::OutOfReach { account, others } => {
            write(&others, store, run, reached)?;
            Err(TransactionError::OutOfReach {
                account,
                absence: observed.account(account).absence.clone(),
            })
        }
        Recovery::Finish(plans) => {
            carry_out(&plans, store, run, reached)?;
            Ok(Recovered {
                run: number,
                outcome: RecoveryOutcome::Finished,
                kept: transaction.kept.clone(),
            })
        }
        Recovery::PutBack(plans) => {
            write(&plans, store, run, reached)?;
            let kept: Vec<Kept> = plans.iter().flat_map(kept).collect();
            let is_untouched = kept.is_empty() && plans.iter().all(Plan::is_empty);
            let time = run.now();
            run.record(&Record::Rollback {
                time,
                kept: kept.clone(),
            })?;
            reached(Checkpoint::Ended);
            Ok(Recovered {
                run: number,
                outcome: if is_untouched {
                    RecoveryOutcome::NothingWritten
                } else {
                    RecoveryOutcome::PutBack
                },
                kept,
            })
        }
    }
}

fn write(
    plans: &[Plan],
    store: &mut dyn Store,
    run: &mut OpenRun<'_>,
    reached: &mut dyn FnMut(Checkpoint),
) -> Result<(), TransactionError> {
    for plan in plans {
        let account = plan.account;
        for change in &plan.changes {
            let value = change.value;
            run.record(&Record::Write { account, value })?;
            reached(Checkpoint::Announced(account, value));
            store.write(account, change)?;
            reached(Checkpoint::Written(account, value));
        }
        for key in &plan.removed_keys {
            let key = *key;
            run.record(&Record::RemoveKey { account, key })?;
            store.remove_empty_key(account, key)?;
            reached(Checkpoint::KeyRemoved(account, key));
        }
    }
    Ok(())
}

fn kept(plan: &Plan) -> Vec<Kept> {
    let edited = |finding: &Finding| match finding {
        Finding::EditedSince { account, value } | Finding::CredentialsGone { account, value } => {
            Some(Kept {
                account: *account,
                value: *value,
            })
        }
        _ => None,
    };
    plan.findings.iter().filter_map(edited).collect()
}
