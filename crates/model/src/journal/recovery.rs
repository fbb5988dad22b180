//! What to do about an interrupted transaction.

use super::record::Intent;
use super::run::Transaction;
use crate::account::Account;
use crate::observed::Observed;
use crate::plan::{Change, Plan};
use crate::redacted::Redacted;

/// How an interrupted transaction is ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Every value is as intended, or there is no way back: what is left is
    /// done, keys are taken away, and it is said so.
    Finish(Vec<Plan>),
    /// Some are not: those that are go back to what they were. Nothing to put
    /// back means that the transaction was interrupted before its first write.
    PutBack(Vec<Plan>),
    /// The transaction stays open, because nothing can be said of an account whose
    /// settings are in a profile that is not loaded.
    OutOfReach {
        /// Whose.
        account: Account,
        /// What goes back meanwhile in the others, so that none of them stays
        /// half written.
        others: Vec<Plan>,
    },
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
    let inverse = |intent: &Intent| Plan::inverse(intent, observed);
    let intents = &transaction.intents;
    if let Some(account) = observed.out_of_reach(intents) {
        let in_reach = intents.iter().rev();
        let in_reach = in_reach.filter(|intent| !observed.is_out_of_reach(intent.account));
        let others = if in_reach.clone().all(is_complete) {
            Vec::new()
        } else {
            in_reach.map(inverse).collect()
        };
        return Recovery::OutOfReach { account, others };
    }
    if intents.iter().all(is_complete) {
        let rest = |intent: &Intent| Plan {
            removed_keys: intent.removed_keys.clone(),
            ..Plan::nothing(intent.account, observed)
        };
        return Recovery::Finish(intents.iter().map(rest).collect());
    }
    if let Some(plans) = onward(intents, observed) {
        return Recovery::Finish(plans);
    }
    // What was written last goes back first.
    Recovery::PutBack(intents.iter().rev().map(inverse).collect())
}

/// What is left to do, where something that was done cannot be put back: a
/// value that was taken away held credentials, no journal holds those, and
/// nothing of the account does any more. `None` where there is a way back, or
/// where somebody else's edit stands in the way.
fn onward(intents: &[Intent], observed: &Observed) -> Option<Vec<Plan>> {
    let mut has_way_back = true;
    let mut plans = Vec::new();
    for intent in intents {
        let here = observed.account(intent.account);
        let mut changes = Vec::new();
        for change in &intent.changes {
            let value = change.value;
            let now = here.values.get(&value);
            let filled = |data: &Option<Redacted>| match data {
                None => Some(None),
                Some(data) => data.filled(value, here).map(Some),
            };
            let seen = now.map(|data| Redacted::of(value, data));
            if seen == change.after {
                has_way_back &= filled(&change.before).is_some();
            } else if seen == change.before {
                changes.push(Change {
                    value,
                    before: now.cloned(),
                    after: filled(&change.after)?,
                });
            } else {
                return None;
            }
        }
        plans.push(Plan {
            changes,
            removed_keys: intent.removed_keys.clone(),
            ..Plan::nothing(intent.account, observed)
        });
    }
    (!has_way_back).then_some(plans)
}
