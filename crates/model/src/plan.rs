//! What to change: every value before → after, with the reason.

use crate::account::Account;
use crate::blob::ConnectionSettings;
use crate::desired::{Because, Desired, EntryReason, Wanted};
use crate::finding::{Effect, Finding};
use crate::observed::{Observed, ObservedAccount, ValueName};
use crate::registry::RegistryData;
use crate::settings::{Flags, ProxySettings};

/// What to change in one account. Nothing is decided while applying it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whose settings.
    pub account: Account,
    /// The changes, in the order in which they are made.
    pub changes: Vec<Change>,
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
}

/// One registry value to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which value.
    pub value: ValueName,
    /// What it holds; `None` where it does not exist.
    pub before: Option<RegistryData>,
    /// What it shall hold.
    pub after: RegistryData,
}

/// Why nothing is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        let is_blocked = Effect::of(&desired.findings) != Effect::GoOn;
        let (changes, after, reasons, idle) = match desired.wanted {
            _ if is_blocked => (Vec::new(), None, Vec::new(), Some(Idle::Blocked)),
            Wanted::Settings { settings, reasons } => {
                let changes = changes(here, &settings);
                let idle = changes.is_empty().then_some(Idle::AlreadySo);
                (changes, Some(settings), reasons, idle)
            }
            Wanted::NoProxy => (Vec::new(), None, Vec::new(), Some(Idle::NoProxy)),
            Wanted::Unset => (Vec::new(), None, Vec::new(), Some(Idle::Unset)),
            Wanted::Unknown => (Vec::new(), None, Vec::new(), Some(Idle::Blocked)),
        };
        Self {
            account,
            changes,
            before: here.intended(),
            after,
            reasons,
            idle,
            findings: desired.findings,
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The entries that the new list has and the old one lacks.
    pub fn added(&self) -> impl Iterator<Item = &EntryReason> {
        self.reasons
            .iter()
            .filter(|reason| !matches!(reason.because, Because::Present | Because::Removed))
    }

    /// The entries that the site drops.
    pub fn removed(&self) -> impl Iterator<Item = &EntryReason> {
        self.reasons
            .iter()
            .filter(|reason| reason.because == Because::Removed)
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
            after,
        })
        .collect()
}
