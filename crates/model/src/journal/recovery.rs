//! What to do about an interrupted transaction.

use super::record::Intent;
use super::run::Transaction;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::redacted::Redacted;

/// How an interrupted transaction is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Every value is as intended: what is left is to take keys away, and to say so.
    Finish(Vec<Plan>),
    /// Some are not: those that are go back to what they were. Nothing to put
    /// back means that the transaction was interrupted before its first write.
    PutBack(Vec<Plan>),
}

/// Decides from the records and the machine alone. Which values had been
/// written when the power went is not asked of the journal but of the machine,
/// so that the answer is the same when recovery itself was interrupted.
#[must_use]
pub fn recover(transaction: &Transaction, observed: &Observed) -> Recovery {
    let is_complete = |intent: &Intent| {
        let here = observed.account(intent.account);
        intent.changes.iter().all(|change| {
            let now = here.values.get(&change.value);
            now.map(|data| Redacted::of(change.value, data)) == change.after
        })
    };
    let intents = &transaction.intents;
    if intents.iter().all(is_complete) {
        let rest = |intent: &Intent| Plan {
            removed_keys: intent.removed_keys.clone(),
            ..Plan::nothing(intent.account, observed)
        };
        return Recovery::Finish(intents.iter().map(rest).collect());
    }
    // What was written last goes back first.
    let inverse = |intent: &Intent| Plan::inverse(intent, observed);
    Recovery::PutBack(intents.iter().rev().map(inverse).collect())
}
