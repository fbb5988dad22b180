//! A plan that was written down: carried out exactly, or not at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Change, Idle, Plan, changes, dropped, lost_credentials, new_keys, removal};
use crate::account::Account;
use crate::blob::ConnectionSettings;
use crate::desired::{Because, compared};
use crate::finding::Finding;
use crate::journal::Intent;
use crate::observed::{Observed, ObservedAccount, ValueName};
use crate::redacted::Redacted;
use crate::registry::RegistryData;
use crate::settings::{Flags, ProxySettings};
use crate::writable::refusals;

/// An account as a plan saw it, fit to be written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Whether the account has a key in `HKEY_USERS`.
    pub exists: bool,
    /// Its values, without credentials.
    pub values: BTreeMap<ValueName, Redacted>,
}

impl From<&ObservedAccount> for Sighting {
    fn from(here: &ObservedAccount) -> Self {
        let redacted =
            |(name, data): (&ValueName, &RegistryData)| (*name, Redacted::of(*name, data));
        Self {
            exists: here.exists,
            values: here.values.iter().map(redacted).collect(),
        }
    }
}

impl Sighting {
    /// The first value that is another now.
    fn moved(&self, now: &Self) -> Option<ValueName> {
        let is_same = |name: &ValueName| {
            let (was, is) = (self.values.get(name), now.values.get(name));
            // A blob's counter and cache Windows moves by itself.
            was == is || blob_settings(was).is_some_and(|was| blob_settings(is) == Some(was))
        };
        ValueName::ALL.into_iter().find(|name| !is_same(name))
    }
}

fn blob_settings(data: Option<&Redacted>) -> Option<ProxySettings> {
    match data?.data() {
        RegistryData::Binary(bytes) => {
            let blob = ConnectionSettings::decode(bytes).ok()?;
            Some(blob.settings())
        }
        _ => None,
    }
}

/// Why a plan that was written down cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrittenPlanError {
    /// The machine is no longer as the plan saw it.
    #[error("{} of {account} is no longer what the plan was made for", value.name())]
    Moved {
        /// Whose.
        account: Account,
        /// Which value.
        value: ValueName,
    },
    /// The plan names a value twice, so that it cannot be carried out in order.
    #[error("the plan names {} of {account} twice", value.name())]
    Twice {
        /// Whose.
        account: Account,
        /// Which value.
        value: ValueName,
    },
    /// The account that the plan saw or changes is not there.
    #[error("the plan was made for a machine with {0}, which is not there")]
    AccountGone(Account),
    /// The account was not there when the plan was made.
    #[error("the plan was made when {0} was not there yet")]
    AccountCame(Account),
    /// The plan writes what no plan of Sidestep's does: another type, values
    /// that contradict each other, a script's address.
    #[error("the plan writes {} of {account} as Sidestep never does", value.name())]
    NotOurs {
        /// Whose.
        account: Account,
        /// Which value.
        value: ValueName,
    },
    /// The plan takes keys away, which only undoing does.
    #[error("the plan takes keys of {0} away, which only undoing does")]
    KeysRemoved(Account),
    /// A plan holds no credentials, and those that it leaves out are not on the machine.
    #[error(
        "the plan writes {} of {account} with credentials that it does not hold itself and that \
         are not on this machine",
        value.name()
    )]
    CredentialsMissing {
        /// Whose.
        account: Account,
        /// Which value.
        value: ValueName,
    },
    /// The plan would write a blob that nobody can read.
    #[error("the plan writes {} of {account} with data that cannot be read: {error}", value.name())]
    Unreadable {
        /// Whose.
        account: Account,
        /// Which value.
        value: ValueName,
        /// Why, as the codec says it.
        error: String,
    },
}

impl Plan {
    /// The plan that was written down as `intent`, exactly, on a machine that
    /// is as it was then. It may have been edited since: what Sidestep would
    /// not plan, it does not carry out.
    pub fn written_down(
        intent: &Intent,
        saw: &Sighting,
        observed: &Observed,
    ) -> Result<Self, WrittenPlanError> {
        let account = intent.account;
        let here = observed.account(account);
        let idle = Self::nothing(account, observed);
        if !here.exists && (saw.exists || !intent.changes.is_empty()) {
            return Err(WrittenPlanError::AccountGone(account));
        }
        if here.exists && !saw.exists {
            return Err(WrittenPlanError::AccountCame(account));
        }
        if let Some(value) = saw.moved(&idle.saw) {
            return Err(WrittenPlanError::Moved { account, value });
        }
        let written = written_changes(intent, here)?;
        if written.is_empty() && intent.removed_keys.is_empty() {
            return Ok(Self {
                idle: Some(Idle::AlreadySo),
                after: Some(idle.before.clone()),
                ..idle
            });
        }
        if !intent.removed_keys.is_empty() {
            return Err(WrittenPlanError::KeysRemoved(account));
        }
        let goal = here.after(&written);
        if let Some((value, error)) = goal.unreadable_blob() {
            return Err(WrittenPlanError::Unreadable {
                account,
                value,
                error,
            });
        }
        let after = goal.intended();
        let changes = planned(here, &idle.before, &after, &written)
            .map_err(|value| WrittenPlanError::NotOurs { account, value })?;
        let reasons = compared(
            &idle.before,
            &after,
            &Because::Planned,
            &Because::PlannedRemoval,
        );
        let mut findings = refusals(account, &idle.before, &after);
        findings.extend(dropped(account, &changes, &reasons, &[]));
        findings.extend(lost_credentials(account, &changes));
        if observed.is_per_machine() && !account.is_machine() {
            findings.push(Finding::PerMachinePolicy);
        }
        if let Some((value, error)) = here.unreadable_blob() {
            findings.push(Finding::BlobUnreadable {
                account,
                value: value.name(),
                error,
            });
        }
        let plan = Self {
            reasons,
            new_keys: new_keys(here, &changes),
            after: Some(after),
            findings,
            changes,
            ..idle
        };
        Ok(plan.or_blocked())
    }
}

/// The changes that are written down, with the credentials that are here.
fn written_changes(
    intent: &Intent,
    here: &ObservedAccount,
) -> Result<Vec<Change>, WrittenPlanError> {
    let account = intent.account;
    let mut changes: Vec<Change> = Vec::new();
    for planned in &intent.changes {
        let value = planned.value;
        if changes.iter().any(|change| change.value == value) {
            return Err(WrittenPlanError::Twice { account, value });
        }
        let now = here.values.get(&value);
        if now.map(|data| Redacted::of(value, data)) != planned.before {
            return Err(WrittenPlanError::Moved { account, value });
        }
        let after = match &planned.after {
            None => None,
            Some(data) => match data.filled(value, here) {
                Some(data) => Some(data),
                None => return Err(WrittenPlanError::CredentialsMissing { account, value }),
            },
        };
        changes.push(Change {
            value,
            before: now.cloned(),
            after,
        });
    }
    Ok(changes)
}

/// The changes that lead from `before` to `after`, in their order, if they are
/// the ones `written`; else the value for which they are not.
fn planned(
    here: &ObservedAccount,
    before: &ProxySettings,
    after: &ProxySettings,
    written: &[Change],
) -> Result<Vec<Change>, ValueName> {
    let of = |changes: &[Change], value: ValueName| {
        let mut changes = changes.iter();
        changes.find(|change| change.value == value).cloned()
    };
    let mut changes = changes(here, after);
    if of(written, ValueName::AutoConfigUrl).is_some() {
        changes.extend(removal(here, ValueName::AutoConfigUrl));
        changes.sort_by_key(|change| change.value);
    }
    let differs = |value: &ValueName| of(&changes, *value) != of(written, *value);
    if let Some(value) = ValueName::ALL.into_iter().find(differs) {
        return Err(value);
    }
    // Sidestep switches a manual proxy on, and takes a script away.
    let known = before.flags.with(Flags::DIRECT | Flags::MANUAL_PROXY);
    let is_ours = after.flags.without(known.0) == Flags::default()
        && (after.auto_config_url.is_empty() || after.auto_config_url == before.auto_config_url);
    if is_ours {
        Ok(changes)
    } else {
        Err(ValueName::DefaultConnectionSettings)
    }
}
