//! What to change: every value before → after, with the reason.

mod written;

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::blob::ConnectionSettings;
use crate::bypass::{BypassList, Consumer};
use crate::desired::{Because, Desired, EntryReason, Wanted};
use crate::finding::{Effect, Finding};
use crate::observed::{Observed, ObservedAccount, SettingsKey, ValueName};
use crate::redacted::credentials;
use crate::registry::RegistryData;
use crate::settings::{Flags, ProxySettings};
use crate::writable::refusals;

pub use written::{Sighting, WrittenPlanError};

/// What to change in one account. Nothing is decided while applying it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whose settings.
    pub account: Account,
    /// The changes, in the order in which they are made.
    pub changes: Vec<Change>,
    /// The keys that the changes make.
    pub new_keys: Vec<SettingsKey>,
    /// The keys to take away after the changes, if they are empty then.
    pub removed_keys: Vec<SettingsKey>,
    /// The meaning before, as somebody intended it.
    pub before: ProxySettings,
    /// The meaning after; `None` where nothing is wanted.
    pub after: Option<ProxySettings>,
    /// Why the new list is what it is, entry by entry.
    pub reasons: Vec<EntryReason>,
    /// Why there is nothing to change, where there is not.
    pub idle: Option<Idle>,
    /// What was noticed on the way.
    pub findings: Vec<Finding>,
    /// The account as it was seen.
    pub saw: Sighting,
}

/// One registry value to write or to take away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which value.
    pub value: ValueName,
    /// What it holds; `None` where it does not exist.
    pub before: Option<RegistryData>,
    /// What it shall hold; `None` where it shall not exist.
    pub after: Option<RegistryData>,
}

/// Why nothing is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Idle {
    /// The account uses no proxy, so its backups never do.
    NoProxy,
    /// Nobody set a proxy, and the site sets none: Windows detects.
    Unset,
    /// Everything is as wanted.
    AlreadySo,
    /// The findings stand in the way.
    Blocked,
}

impl Plan {
    /// The difference between what is there and what is wanted.
    #[must_use]
    pub fn diff(observed: &Observed, desired: Desired) -> Self {
        let account = desired.account;
        let here = observed.account(account);
        let mut plan = Self {
            findings: desired.findings,
            ..Self::nothing(account, observed)
        };
        match desired.wanted {
            Wanted::Settings { settings, reasons } => {
                let mut changes = changes(here, &settings);
                if desired.clear.script {
                    changes.extend(removal(here, ValueName::AutoConfigUrl));
                    changes.sort_by_key(|change| change.value);
                }
                plan.new_keys = new_keys(here, &changes);
                for finding in refusals(account, &plan.before, &settings) {
                    if !plan.findings.contains(&finding) {
                        plan.findings.push(finding);
                    }
                }
                plan.findings.extend(lost_credentials(account, &changes));
                let removed = &desired.removed;
                let dropped = dropped(account, &changes, &reasons, removed);
                plan.findings.extend(dropped);
                plan.idle = changes.is_empty().then_some(Idle::AlreadySo);
                plan.changes = changes;
                plan.after = Some(settings);
                plan.reasons = reasons;
            }
            Wanted::NoProxy => plan.idle = Some(Idle::NoProxy),
            Wanted::Unset => plan.idle = Some(Idle::Unset),
            Wanted::Unknown => plan.idle = Some(Idle::Blocked),
        }
        plan.or_blocked()
    }

    /// A plan that changes nothing.
    #[must_use]
    pub(crate) fn nothing(account: Account, observed: &Observed) -> Self {
        Self {
            account,
            changes: Vec::new(),
            new_keys: Vec::new(),
            removed_keys: Vec::new(),
            before: observed.account(account).intended(),
            after: None,
            reasons: Vec::new(),
            idle: None,
            findings: Vec::new(),
            saw: observed.account(account).into(),
        }
    }

    /// This, without its changes where the findings stand in the way of them.
    fn or_blocked(self) -> Self {
        if Effect::of(&self.findings) == Effect::GoOn {
            return self;
        }
        Self {
            changes: Vec::new(),
            new_keys: Vec::new(),
            after: None,
            reasons: Vec::new(),
            idle: Some(Idle::Blocked),
            ..self
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.removed_keys.is_empty()
    }

    /// The entries that the new list has and the old one lacks.
    pub fn added(&self) -> impl Iterator<Item = &EntryReason> {
        self.reasons
            .iter()
            .filter(|reason| reason.because != Because::Present && !reason.because.is_removal())
    }

    /// The entries that the old list has and the new one lacks.
    pub fn removed(&self) -> impl Iterator<Item = &EntryReason> {
        self.reasons
            .iter()
            .filter(|reason| reason.because.is_removal())
    }
}

impl ObservedAccount {
    /// The account after `changes`.
    #[must_use]
    pub fn after(&self, changes: &[Change]) -> Self {
        let mut after = self.clone();
        for change in changes {
            match &change.after {
                Some(data) => {
                    after.keys.insert(change.value.key());
                    after.values.insert(change.value, data.clone());
                }
                None => {
                    after.values.remove(&change.value);
                }
            }
        }
        after
    }
}

fn changes(here: &ObservedAccount, wanted: &ProxySettings) -> Vec<Change> {
    let enable = RegistryData::Dword(u32::from(wanted.flags.has(Flags::MANUAL_PROXY)));
    let plain = [
        (ValueName::ProxyEnable, enable),
        (
            ValueName::ProxyServer,
            RegistryData::Text(wanted.proxy_server.clone()),
        ),
        (
            ValueName::ProxyOverride,
            RegistryData::Text(wanted.proxy_override.clone()),
        ),
    ]
    .into_iter()
    .filter(|(name, after)| here.values.get(name) != Some(after));
    let blobs = [
        ValueName::SavedLegacySettings,
        ValueName::DefaultConnectionSettings,
    ]
    .into_iter()
    .filter_map(|name| {
        let after = match here.blob(name) {
            Some(Ok(blob)) if blob.settings() == *wanted => return None,
            Some(Ok(blob)) => blob.with_settings(wanted),
            _ => ConnectionSettings::new(wanted),
        };
        Some((name, RegistryData::Binary(after.encode())))
    });
    plain
        .chain(blobs)
        .map(|(value, after)| Change {
            value,
            before: here.values.get(&value).cloned(),
            after: Some(after),
        })
        .collect()
}

fn removal(here: &ObservedAccount, value: ValueName) -> Option<Change> {
    Some(Change {
        value,
        before: Some(here.values.get(&value)?.clone()),
        after: None,
    })
}

fn new_keys(here: &ObservedAccount, changes: &[Change]) -> Vec<SettingsKey> {
    let is_made = |key: &SettingsKey| {
        let writes = changes.iter().filter(|change| change.after.is_some());
        // A key below makes those above it.
        let highest = writes.map(|change| change.value.key()).min();
        !here.keys.contains(key) && highest.is_some_and(|made| made <= *key)
    };
    SettingsKey::ALL.into_iter().filter(is_made).collect()
}

/// Entries that a value has for itself and loses, where nobody said so: neither
/// `reasons`, which are the main list's, nor `removed`, which holds for all.
fn dropped(
    account: Account,
    changes: &[Change],
    reasons: &[EntryReason],
    removed: &[String],
) -> Vec<Finding> {
    let listed = |value: ValueName, data: &Option<RegistryData>| {
        let list = match (value, data) {
            (ValueName::ProxyOverride, Some(data)) => data.text().unwrap_or_default(),
            (_, Some(RegistryData::Binary(bytes))) => ConnectionSettings::decode(bytes)
                .map(|blob| blob.settings().proxy_override)
                .unwrap_or_default(),
            _ => String::new(),
        };
        let list = BypassList::parse(&list, Consumer::Wininet);
        let entries = list.entries().iter();
        entries
            .map(|entry| entry.text.clone())
            .collect::<Vec<String>>()
    };
    let of_value = |change: &Change| {
        let after = listed(change.value, &change.after);
        let mut lost = listed(change.value, &change.before);
        lost.retain(|entry| {
            let mut known = reasons.iter().map(|reason| &reason.entry).chain(removed);
            !after.iter().any(|one| one.eq_ignore_ascii_case(entry))
                && !known.any(|one| one.eq_ignore_ascii_case(entry))
        });
        (!lost.is_empty()).then_some(Finding::EntriesDropped {
            account,
            value: change.value,
            entries: lost,
        })
    };
    changes.iter().filter_map(of_value).collect()
}

/// A journal holds no password, so one that would be overwritten could never be put back.
fn lost_credentials(account: Account, changes: &[Change]) -> Option<Finding> {
    let held = |name, data: &Option<RegistryData>| {
        data.as_ref()
            .map_or_else(Vec::new, |data| credentials(name, data))
    };
    let lost = |change: &Change| {
        let after = held(change.value, &change.after);
        let mut before = held(change.value, &change.before).into_iter();
        let (address, _) = before.find(|one| !after.contains(one))?;
        Some(Finding::CredentialsWouldBeLost {
            account,
            value: change.value,
            address,
        })
    };
    changes.iter().find_map(lost)
}
