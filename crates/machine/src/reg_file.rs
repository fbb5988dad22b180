//! A registry as `regedit` exports it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sidestep_model::account::Account;
use sidestep_model::observed::{
    MACHINE_KEY, Observed, ObservedAccount, POLICY_KEY, SettingsKey, ValueName,
};
use sidestep_model::plan::Change;
use sidestep_model::registry::RegistryFile;

use crate::durable;
use crate::store::{Store, StoreError};

/// Where the person's own settings are who made an export.
const CURRENT_USER: &str = "HKEY_CURRENT_USER";

/// The settings of the accounts in a `.reg` file.
///
/// Every use looks at the file again, and a write replaces it whole or not at
/// all: a half-written export never exists.
#[derive(Debug)]
pub struct RegFileStore {
    path: PathBuf,
    /// The file as it was read last. Reading 50 MB again takes a moment,
    /// understanding them twenty.
    last: RefCell<Option<Parsed>>,
}

#[derive(Debug)]
struct Parsed {
    bytes: Vec<u8>,
    file: RegistryFile,
}

impl RegFileStore {
    /// The store in the file at `path`, which is opened at each use.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            last: RefCell::new(None),
        }
    }

    /// Calls `ask` with the file as it is now.
    fn with_file<T>(
        &self,
        ask: impl FnOnce(&RegistryFile) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let parsed = self.parsed()?;
        let answer = ask(&parsed.file);
        self.last.replace(Some(parsed));
        answer
    }

    /// Changes the file by `edit`, which says whether it changed anything.
    fn edit(
        &self,
        edit: impl FnOnce(&mut RegistryFile) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut parsed = self.parsed()?;
        if edit(&mut parsed.file)? {
            parsed.bytes = parsed.file.to_bytes();
            let folder = self.journal_folder();
            durable::make_folder(&folder)
                .and_then(|()| durable::replace(&self.path, &folder.join("new.reg"), &parsed.bytes))
                .map_err(|source| StoreError::Write {
                    path: self.path.clone(),
                    source,
                })?;
        }
        self.last.replace(Some(parsed));
        Ok(())
    }

    /// The file as it is now. What was known of it is taken, so that an edit
    /// that fails half-way is forgotten.
    fn parsed(&self) -> Result<Parsed, StoreError> {
        let bytes = fs::read(&self.path).map_err(|source| StoreError::Read {
            path: self.path.clone(),
            source,
        })?;
        if let Some(known) = self.last.take().filter(|known| known.bytes == bytes) {
            return Ok(known);
        }
        let file = RegistryFile::parse(&bytes).map_err(|source| StoreError::NotAnExport {
            path: self.path.clone(),
            source,
        })?;
        Ok(Parsed { bytes, file })
    }

    fn account(
        &self,
        file: &RegistryFile,
        account: Account,
    ) -> Result<ObservedAccount, StoreError> {
        let mut found = roots(file, account)
            .into_iter()
            .map(|root| observed(file, &root));
        let first = found.next().unwrap_or_default();
        if found.any(|other| other.values != first.values) {
            return Err(StoreError::AliasesDisagree {
                path: self.path.clone(),
            });
        }
        Ok(first)
    }
}

impl Store for RegFileStore {
    fn read(&self) -> Result<Observed, StoreError> {
        self.with_file(|file| {
            Ok(Observed {
                proxy_settings_per_user: file.value(POLICY_KEY, "ProxySettingsPerUser"),
                system: self.account(file, Account::System)?,
                plugin: self.account(file, Account::Plugin)?,
                users: users(file),
                winhttp: file.value(MACHINE_KEY, "WinHttpSettings"),
                machine: file.value(MACHINE_KEY, ValueName::DefaultConnectionSettings.name()),
            })
        })
    }

    fn write(&mut self, account: Account, change: &Change) -> Result<(), StoreError> {
        let (value, key) = (change.value.name(), change.value.key().path());
        self.edit(|file| {
            if self.account(file, account)?.values.get(&change.value) != change.before.as_ref() {
                return Err(StoreError::Moved { account, value });
            }
            for root in roots(file, account) {
                let key = format!(r"{root}\{key}");
                match &change.after {
                    Some(data) => file.set(&key, value, data),
                    None => {
                        file.remove_value(&key, value);
                    }
                }
            }
            Ok(true)
        })
    }

    fn remove_empty_key(&mut self, account: Account, key: SettingsKey) -> Result<(), StoreError> {
        self.edit(|file| {
            let mut removed = false;
            for root in roots(file, account) {
                removed |= file.remove_key(&format!(r"{root}\{}", key.path()));
            }
            Ok(removed)
        })
    }

    /// Beside the file, so that whoever writes it meets them, and they move with it.
    fn journal_folder(&self) -> PathBuf {
        // By whatever name the file is called, its journals are the same.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let mut name = path.into_os_string();
        name.push(".sidestep");
        name.into()
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

/// The keys that hold an account's settings. `.DEFAULT` and `S-1-5-18` are one
/// key on a running Windows; an export can hold either or both. One without
/// settings says nothing beside one that has them.
fn roots(file: &RegistryFile, account: Account) -> Vec<String> {
    let mut roots = vec![format!(r"HKEY_USERS\{}", account.sid())];
    if account == Account::System {
        roots.push(r"HKEY_USERS\.DEFAULT".to_owned());
    }
    roots.retain(|root| file.has_key_below(root));
    let has_settings = |root: &String| !observed(file, root).is_unset();
    if roots.iter().any(has_settings) {
        roots.retain(has_settings);
    } else {
        roots.truncate(1);
    }
    roots
}

/// People's accounts with proxy settings. `S-1-5-21-…` is a person of this
/// machine or domain, `S-1-12-1-…` one of Entra ID.
fn users(file: &RegistryFile) -> BTreeMap<String, ObservedAccount> {
    let below_users = file.keys().filter_map(|key| {
        let mut parts = key.split('\\');
        parts
            .next()
            .filter(|hive| hive.eq_ignore_ascii_case("HKEY_USERS"))?;
        let root = parts.next()?.to_uppercase();
        let is_person = root.starts_with("S-1-5-21-") || root.starts_with("S-1-12-1-");
        (is_person && !root.ends_with("_CLASSES")).then_some(root)
    });
    let roots: BTreeSet<String> = below_users.collect();
    roots
        .into_iter()
        .map(|sid| (format!(r"HKEY_USERS\{sid}"), sid))
        .chain([(CURRENT_USER.to_owned(), CURRENT_USER.to_owned())])
        .map(|(root, name)| (name, observed(file, &root)))
        .filter(|(_, account)| !account.is_unset())
        .collect()
}

fn observed(file: &RegistryFile, root: &str) -> ObservedAccount {
    let path = |key: SettingsKey| format!(r"{root}\{}", key.path());
    let value = |name: ValueName| Some((name, file.value(&path(name.key()), name.name())?));
    let is_there = |key: &SettingsKey| file.has_key(&path(*key)) || file.has_key_below(&path(*key));
    ObservedAccount {
        exists: file.has_key_below(root),
        keys: SettingsKey::ALL.into_iter().filter(is_there).collect(),
        values: ValueName::ALL.into_iter().filter_map(value).collect(),
        ..ObservedAccount::default()
    }
}
