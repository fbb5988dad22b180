//! Carrying a plan out.

use sidestep_model::plan::Plan;

use crate::store::{Store, StoreError};

/// Why a plan was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The settings changed after the plan was made; nothing was written.
    #[error("{name} of {account} changed after the plan was made; nothing was written", account = account.name())]
    Moved {
        /// Which value.
        name: &'static str,
        /// Whose.
        account: sidestep_model::account::Account,
    },
    /// A value reads back other than it was written.
    #[error("{name} of {account} does not read back as it was written", account = account.name())]
    NotKept {
        /// Which value.
        name: &'static str,
        /// Whose.
        account: sidestep_model::account::Account,
    },
}

/// Writes what `plan` says, in its order, and reads it back.
///
/// Refuses when a value is no longer what the plan saw.
pub fn apply(plan: &Plan, store: &mut dyn Store) -> Result<(), ApplyError> {
    if plan.is_empty() {
        return Ok(());
    }
    let account = plan.account;
    let before = store.read()?;
    let values = &before.account(account).values;
    if let Some(change) = plan
        .changes
        .iter()
        .find(|change| values.get(&change.value) != change.before.as_ref())
    {
        let name = change.value.name();
        return Err(ApplyError::Moved { name, account });
    }
    store.write_batch(account, &plan.changes)?;
    let after = store.read()?;
    let values = &after.account(account).values;
    match plan
        .changes
        .iter()
        .find(|change| values.get(&change.value) != Some(&change.after))
    {
        Some(change) => Err(ApplyError::NotKept {
            name: change.value.name(),
            account,
        }),
        None => Ok(()),
    }
}
