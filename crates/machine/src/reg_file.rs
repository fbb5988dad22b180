//! A registry as `regedit` exports it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sidestep_model::account::Account;
use sidestep_model::observed::{Observed, ObservedAccount, SettingsKey};
use sidestep_model::plan::Change;
use sidestep_model::registry::{RegistryData, RegistryFile};

use crate::durable;
use crate::reading::{self, Registry};
use crate::store::{Store, StoreError};

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
        if account.is_machine() {
            return reading::machine_settings(file, account);
        }
        let mut found = Vec::new();
        for root in roots(file, account)? {
            found.push(reading::account(file, &root)?);
        }
        let mut found = found.into_iter();
        let first = found.next().unwrap_or_default();
        if found.any(|other| other.values != first.values) {
            return Err(StoreError::AliasesDisagree {
                path: self.path.clone(),
            });
        }
        Ok(first)
    }

    fn observed(&self, file: &RegistryFile) -> Result<Observed, StoreError> {
        Ok(Observed {
            system: self.account(file, Account::System)?,
            plugin: self.account(file, Account::Plugin)?,
            users: reading::users(file)?,
            ..reading::machine(file)?
        })
    }
}

impl Store for RegFileStore {
    fn read(&self) -> Result<Observed, StoreError> {
        self.with_file(|file| self.observed(file))
    }

    fn write(&mut self, account: Account, change: &Change) -> Result<(), StoreError> {
        let (value, key) = (change.value.name(), change.value.key());
        self.edit(|file| {
            let now = self.account(file, account)?;
            if now.values.get(&change.value) != change.before.as_ref() {
                return Err(StoreError::Moved { account, value });
            }
            for software in software(file, account)? {
                let key = key.below(&software);
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
            for software in software(file, account)? {
                removed |= file.remove_key(&key.below(&software));
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

impl Registry for RegistryFile {
    /// A key is there, too, where only keys in it are written out.
    fn has_key(&self, key: &str) -> Result<bool, StoreError> {
        Ok(Self::has_key(self, key) || self.has_key_below(key))
    }

    fn keys(&self, key: &str) -> Result<Vec<String>, StoreError> {
        let inside = |known: &str| {
            let start = known.get(..key.len())?;
            let below = known.get(key.len()..)?.strip_prefix('\\')?;
            let name = below.split('\\').next().unwrap_or(below);
            let is_inside = start.eq_ignore_ascii_case(key);
            is_inside.then(|| (name.to_uppercase(), name.to_owned()))
        };
        let names: BTreeMap<String, String> = Self::keys(self).filter_map(inside).collect();
        Ok(names.into_values().collect())
    }

    fn value(&self, key: &str, name: &str) -> Result<Option<RegistryData>, StoreError> {
        Ok(Self::value(self, key, name))
    }
}

/// The keys in which an account's software keeps settings.
fn software(file: &RegistryFile, account: Account) -> Result<Vec<String>, StoreError> {
    if account.is_machine() {
        return Ok(vec![account.software()]);
    }
    let roots = roots(file, account)?.into_iter();
    Ok(roots.map(|root| format!(r"{root}\Software")).collect())
}

/// The roots of an account. `.DEFAULT` and `S-1-5-18` are one key on a running
/// Windows; an export can hold either or both. One without settings says
/// nothing beside one that has them.
fn roots(file: &RegistryFile, account: Account) -> Result<Vec<String>, StoreError> {
    let own = account.sid().map(|sid| format!(r"HKEY_USERS\{sid}"));
    let mut roots: Vec<String> = own.into_iter().collect();
    if account == Account::System {
        roots.push(r"HKEY_USERS\.DEFAULT".to_owned());
    }
    roots.retain(|root| file.has_key_below(root));
    let mut with_settings = Vec::new();
    for root in &roots {
        if !reading::account(file, root)?.is_unset() {
            with_settings.push(root.clone());
        }
    }
    if with_settings.is_empty() {
        roots.truncate(1);
        Ok(roots)
    } else {
        Ok(with_settings)
    }
}
