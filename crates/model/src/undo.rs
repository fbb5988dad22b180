//! Putting back what was written, and nothing that anybody else wrote since.
//!
//! A three-way merge: where a value still means what was written, it becomes
//! what it was before; where somebody else changed it since, it stays. Blobs
//! are merged field by field, because Windows itself moves their counters and
//! caches, and because an edit by Windows' own dialog rewrites a blob whole.

use crate::blob::ConnectionSettings;
use crate::desired::{Because, compared};
use crate::finding::Finding;
use crate::journal::{Intent, Recorded};
use crate::observed::{Observed, ObservedAccount, ValueName};
use crate::plan::{Change, Idle, Plan};
use crate::redacted::Redacted;
use crate::registry::RegistryData;
use crate::settings::{Flags, ProxySettings};

impl Plan {
    /// What puts back what `intent` wrote, on the machine that `observed` shows.
    #[must_use]
    pub fn inverse(intent: &Intent, observed: &Observed) -> Self {
        let account = intent.account;
        let here = observed.account(account);
        let mut findings = Vec::new();
        let mut changes = Vec::new();
        for written in &intent.changes {
            let name = written.value;
            let goal = Merge::of(written, here);
            if goal.lacks_credentials {
                findings.push(Finding::CredentialsGone {
                    account,
                    value: name,
                });
            }
            if goal.is_foreign {
                findings.push(Finding::EditedSince {
                    account,
                    value: name,
                });
            }
            let now = here.values.get(&name);
            if goal.data.as_ref() != now {
                changes.push(Change {
                    value: name,
                    before: now.cloned(),
                    after: goal.data,
                });
            }
        }
        changes.sort_by_key(|change| change.value);
        let goal = here.after(&changes);
        let is_spent = |key| !goal.values.keys().any(|value| value.key() == key);
        let removed_keys: Vec<_> = intent
            .new_keys
            .iter()
            .copied()
            .filter(|key| here.keys.contains(key) && is_spent(*key))
            .collect();
        let (before, after) = (here.intended(), goal.intended());
        let is_idle = changes.is_empty() && removed_keys.is_empty();
        Self {
            changes,
            removed_keys,
            reasons: compared(&before, &after, &Because::PutBack, &Because::TakenBack),
            before,
            after: Some(after),
            idle: is_idle.then_some(Idle::AlreadySo),
            findings,
            ..Self::nothing(account, observed)
        }
    }
}

/// One value as it was read, fit to be compared with what was recorded.
struct Seen<'a> {
    data: Option<&'a RegistryData>,
    redacted: Option<Redacted>,
    meaning: Meaning,
}

/// What a value shall hold.
struct Merge {
    data: Option<RegistryData>,
    /// Whether something in it is somebody else's edit.
    is_foreign: bool,
    /// Whether it would have gone back, had it not held credentials.
    lacks_credentials: bool,
}

impl Merge {
    fn of(written: &Recorded, here: &ObservedAccount) -> Self {
        let name = written.value;
        let data = here.values.get(&name);
        let redacted = data.map(|data| Redacted::of(name, data));
        let meaning = Meaning::of(name, redacted.as_ref());
        let now = Seen {
            data,
            redacted,
            meaning,
        };
        let (before, after) = (written.before.as_ref(), written.after.as_ref());
        // Credentials that are gone cannot be put back.
        let Some(restored) =
            before.map_or(Some(None), |before| before.filled(name, here).map(Some))
        else {
            let is_ours = now.meaning == Meaning::of(name, after);
            return Self {
                lacks_credentials: is_ours,
                ..now.kept(!is_ours && now.redacted.as_ref() != before)
            };
        };
        let old = Meaning::of(name, before);
        let ours = Meaning::of(name, after);
        if now.redacted.as_ref() != after && now.redacted.as_ref() == before {
            return now.kept(false);
        }
        match (blob(restored.as_ref()), &old, &ours, &now.meaning) {
            (
                Some(before),
                Meaning::Settings(old),
                Meaning::Settings(ours),
                Meaning::Settings(_),
            ) => now.merged(before, old, ours),
            _ if now.meaning == ours => Self {
                data: restored.map(|data| forward(data, now.data)),
                is_foreign: false,
                lacks_credentials: false,
            },
            _ => now.kept(now.meaning != old),
        }
    }
}

impl Seen<'_> {
    fn kept(&self, is_foreign: bool) -> Merge {
        Merge {
            data: self.data.cloned(),
            is_foreign,
            lacks_credentials: false,
        }
    }

    /// This blob with those fields as before that still are as written.
    fn merged(
        &self,
        before: ConnectionSettings,
        old: &ProxySettings,
        ours: &ProxySettings,
    ) -> Merge {
        let (Some(now), Meaning::Settings(masked)) = (blob(self.data), &self.meaning) else {
            return self.kept(true);
        };
        let counted = ConnectionSettings {
            counter: now.counter.wrapping_add(1),
            ..before
        };
        let is_restored = counted
            == ConnectionSettings {
                counter: counted.counter,
                ..now.clone()
            };
        if is_restored {
            return self.kept(false);
        }
        // A bit that was changed and still is as written goes back.
        let flags = (old.flags.0 ^ ours.flags.0) & !(ours.flags.0 ^ masked.flags.0);
        let (was, is) = (counted.settings(), now.settings());
        let field = |of: fn(&ProxySettings) -> &String| {
            let is_ours = of(ours) == of(masked);
            of(if is_ours { &was } else { &is }).clone()
        };
        let goal = ProxySettings {
            flags: Flags(is.flags.0 ^ flags),
            proxy_server: field(|settings| &settings.proxy_server),
            proxy_override: field(|settings| &settings.proxy_override),
            auto_config_url: field(|settings| &settings.auto_config_url),
        };
        // A mixed blob has `Flags::DIRECT`, which the old one may have lacked.
        let mixed = now.with_settings(&goal);
        let (data, is_foreign) = if goal == was {
            (counted, false)
        } else if goal == is || mixed.settings() == is {
            (now, true)
        } else {
            (mixed, true)
        };
        Merge {
            data: Some(RegistryData::Binary(data.encode())),
            is_foreign,
            lacks_credentials: false,
        }
    }
}

/// What a value says, whatever its form, its counter or its caches.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    Absent,
    Switch(bool),
    Text(String),
    Settings(ProxySettings),
    Other(RegistryData),
}

impl Meaning {
    fn of(name: ValueName, redacted: Option<&Redacted>) -> Self {
        let Some(data) = redacted.map(Redacted::data) else {
            return Self::Absent;
        };
        match name {
            ValueName::ProxyEnable => data.switch().map(Self::Switch),
            ValueName::SavedLegacySettings | ValueName::DefaultConnectionSettings => {
                blob(Some(data)).map(|blob| Self::Settings(blob.settings()))
            }
            _ => data.text().map(Self::Text),
        }
        .unwrap_or_else(|| Self::Other(data.clone()))
    }
}

fn blob(data: Option<&RegistryData>) -> Option<ConnectionSettings> {
    match data? {
        RegistryData::Binary(bytes) => ConnectionSettings::decode(bytes).ok(),
        _ => None,
    }
}

/// A blob's counter only moves forward, also when its data goes back.
fn forward(data: RegistryData, now: Option<&RegistryData>) -> RegistryData {
    match (blob(Some(&data)), blob(now)) {
        (Some(blob), Some(now)) => {
            let counter = now.counter.wrapping_add(1);
            RegistryData::Binary(ConnectionSettings { counter, ..blob }.encode())
        }
        _ => data,
    }
}
