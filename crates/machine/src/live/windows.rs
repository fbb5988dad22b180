//! The registry of the Windows that this runs on.
//!
//! Below this module alone is code that the compiler cannot vouch for; each
//! such block is one call, with what makes it sound.

mod access;
mod folder;
mod registry;
mod services;

use std::collections::BTreeMap;
use std::path::PathBuf;

use sidestep_model::account::Account;
use sidestep_model::observed::{
    Absence, MACHINE_KEY, Observed, ObservedAccount, POLICY_KEY, SettingsKey, ValueName,
};
use sidestep_model::plan::Change;
use sidestep_model::registry::RegistryData;

use crate::store::{MissingRight, Store, StoreError};
use registry::{CURRENT_USER, LOCAL_MACHINE, Place, USERS};

/// The settings of this computer's accounts, in its registry.
///
/// LocalSystem's are below `HKEY_USERS\S-1-5-18`, of which `.DEFAULT` is another
/// name on Windows. The registry offers no comparison while writing: between
/// looking at a value and writing it lies a moment in which another program's
/// change would be lost.
#[derive(Debug)]
pub struct LiveStore {
    journals: PathBuf,
}

impl LiveStore {
    /// Whether this computer has such settings.
    pub const IS_HERE: bool = true;

    /// Opens this computer's settings; nothing is read yet.
    pub fn open() -> Result<Self, StoreError> {
        let data = folder::program_data().map_err(|source| StoreError::JournalFolder {
            path: PathBuf::from("%ProgramData%"),
            source,
        })?;
        Ok(Self {
            journals: data.join("Sidestep").join("runs"),
        })
    }
}

impl Store for LiveStore {
    fn read(&self) -> Result<Observed, StoreError> {
        Ok(Observed {
            proxy_settings_per_user: of_machine(POLICY_KEY, "ProxySettingsPerUser")?,
            system: account(Account::System)?,
            plugin: account(Account::Plugin)?,
            users: users()?,
            winhttp: of_machine(MACHINE_KEY, "WinHttpSettings")?,
            machine: of_machine(MACHINE_KEY, ValueName::DefaultConnectionSettings.name())?,
        })
    }

    fn write(&mut self, account: Account, change: &Change) -> Result<(), StoreError> {
        let moved = StoreError::Moved {
            account,
            value: change.value.name(),
        };
        let root = root(account);
        if !root.is_there()? {
            // What Windows did not load is no account's.
            return Err(moved);
        }
        let place = root.below(&change.value.key().path());
        let is_as_seen = |now: Option<RegistryData>| now == change.before;
        let Some(after) = &change.after else {
            if !is_as_seen(place.value(change.value.name())?) {
                return Err(moved);
            }
            return place.remove_value(change.value.name());
        };
        if is_as_seen(place.value(change.value.name())?) {
            place.set(change.value.name(), after)
        } else {
            Err(moved)
        }
    }

    fn remove_empty_key(&mut self, account: Account, key: SettingsKey) -> Result<(), StoreError> {
        root(account).below(&key.path()).remove_if_empty()
    }

    /// `%ProgramData%\Sidestep\runs`: the same for whoever administers the computer.
    fn journal_folder(&self) -> PathBuf {
        self.journals.clone()
    }

    fn make_journal_folder(&self) -> Result<(), StoreError> {
        let above = self.journals.parent().unwrap_or(&self.journals);
        folder::make_for_administrators(above)?;
        folder::make_for_administrators(&self.journals)
    }

    fn may_change(&self) -> Result<(), StoreError> {
        let lacks = |right| Err(StoreError::NotChangeable(right));
        if !access::is_elevated() {
            return lacks(MissingRight::Elevation);
        }
        for account in Account::ALL {
            if root(account).is_there()? {
                let place = root(account).below(&SettingsKey::Connections.path());
                if !place.is_writable()? {
                    return lacks(MissingRight::Key(place.name()));
                }
            }
        }
        Ok(())
    }

    fn place(&self) -> String {
        "this computer".to_owned()
    }
}

fn root(account: Account) -> Place {
    Place::new(USERS, account.sid().as_str())
}

/// A value below `HKEY_LOCAL_MACHINE`, whose key the model names with its hive.
fn of_machine(key: &str, value: &str) -> Result<Option<RegistryData>, StoreError> {
    let path = key.split_once('\\').map_or(key, |(_, path)| path);
    Place::new(LOCAL_MACHINE, path).value(value)
}

fn account(account: Account) -> Result<ObservedAccount, StoreError> {
    let root = root(account);
    if root.is_there()? {
        return observed(&root);
    }
    Ok(ObservedAccount {
        absence: match account {
            Account::System => Absence::NotSaid,
            Account::Plugin => services::absence(&account.sid())?,
        },
        ..ObservedAccount::default()
    })
}

fn observed(root: &Place) -> Result<ObservedAccount, StoreError> {
    let mut account = ObservedAccount {
        exists: true,
        ..ObservedAccount::default()
    };
    for key in SettingsKey::ALL {
        if root.below(&key.path()).is_there()? {
            account.keys.insert(key);
        }
    }
    for name in ValueName::ALL {
        if let Some(data) = root.below(&name.key().path()).value(name.name())? {
            account.values.insert(name, data);
        }
    }
    Ok(account)
}

/// People's accounts with proxy settings, as far as they may be read. Only the
/// profiles of people who are signed in are loaded.
fn users() -> Result<BTreeMap<String, ObservedAccount>, StoreError> {
    let roots = Place::new(USERS, "").keys()?.into_iter().filter(|sid| {
        let sid = sid.to_uppercase();
        let is_person = sid.starts_with("S-1-5-21-") || sid.starts_with("S-1-12-1-");
        is_person && !sid.ends_with("_CLASSES")
    });
    let mut users = BTreeMap::new();
    let places = roots.map(|sid| (Place::new(USERS, &sid), sid));
    let current = (Place::new(CURRENT_USER, ""), CURRENT_USER.name().to_owned());
    for (place, name) in places.chain([current]) {
        match observed(&place) {
            Ok(account) if account.is_unset() => {}
            Ok(account) => {
                users.insert(name, account);
            }
            Err(StoreError::Denied { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(users)
}
