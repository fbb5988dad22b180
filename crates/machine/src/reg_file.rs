//! A registry as `regedit` exports it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sidestep_model::account::Account;
use sidestep_model::observed::{Observed, ObservedAccount, POLICY_KEY, ValueName};
use sidestep_model::plan::Change;
use sidestep_model::registry::{RegistryData, RegistryFile};

use crate::store::{Store, StoreError};

/// The settings of the accounts in a `.reg` file.
///
/// Every read looks at the file again, and a write replaces it whole or not at
/// all: a half-written export never exists.
#[derive(Debug)]
pub struct RegFileStore {
    path: PathBuf,
}

impl RegFileStore {
    /// The store in the file at `path`, which is opened at each use.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    fn load(&self) -> Result<RegistryFile, StoreError> {
        let bytes = fs::read(&self.path).map_err(|source| StoreError::Read {
            path: self.path.clone(),
            source,
        })?;
        RegistryFile::parse(&bytes).map_err(|source| StoreError::NotAnExport {
            path: self.path.clone(),
            source,
        })
    }

    fn save(&self, file: &RegistryFile) -> Result<(), StoreError> {
        let failed = |source| StoreError::Write {
            path: self.path.clone(),
            source,
        };
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut copy = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        copy.write_all(&file.to_bytes()).map_err(failed)?;
        copy.as_file().sync_all().map_err(failed)?;
        let permissions = fs::metadata(&self.path).map_err(failed)?.permissions();
        copy.as_file()
            .set_permissions(permissions)
            .map_err(failed)?;
        copy.persist(&self.path)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }
}

impl Store for RegFileStore {
    fn read(&self) -> Result<Observed, StoreError> {
        let file = self.load()?;
        Ok(Observed {
            proxy_settings_per_user: file.value(POLICY_KEY, "ProxySettingsPerUser"),
            system: self.account(&file, Account::System)?,
            plugin: self.account(&file, Account::Plugin)?,
        })
    }

    fn write_batch(&mut self, account: Account, changes: &[Change]) -> Result<(), StoreError> {
        let mut file = self.load()?;
        let mut roots = roots(&file, account);
        if roots.is_empty() {
            roots.push(format!(r"HKEY_USERS\{}", account.sid()));
        }
        for root in &roots {
            for change in changes {
                let key = format!(r"{root}\{}", change.value.key());
                file.set(&key, change.value.name(), &change.after);
            }
        }
        self.save(&file)
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

impl RegFileStore {
    fn account(
        &self,
        file: &RegistryFile,
        account: Account,
    ) -> Result<ObservedAccount, StoreError> {
        let mut found: Vec<ObservedAccount> = roots(file, account)
            .iter()
            .map(|root| ObservedAccount {
                exists: true,
                values: values(file, root),
            })
            .collect();
        // A key without settings says nothing against one that has them.
        if found.iter().any(|one| !one.is_unset()) {
            found.retain(|one| !one.is_unset());
        }
        let mut found = found.into_iter();
        let first = found.next().unwrap_or_default();
        if found.any(|other| other != first) {
            return Err(StoreError::AliasesDisagree {
                path: self.path.clone(),
            });
        }
        Ok(first)
    }
}

/// The keys that hold an account's settings. `.DEFAULT` and `S-1-5-18` are one
/// key on a running Windows; an export can hold either or both.
fn roots(file: &RegistryFile, account: Account) -> Vec<String> {
    let mut roots = vec![format!(r"HKEY_USERS\{}", account.sid())];
    if account == Account::System {
        roots.push(r"HKEY_USERS\.DEFAULT".to_owned());
    }
    roots.retain(|root| file.has_key_below(root));
    roots
}

fn values(file: &RegistryFile, root: &str) -> BTreeMap<ValueName, RegistryData> {
    let value = |name: ValueName| {
        let data = file.value(&format!(r"{root}\{}", name.key()), name.name())?;
        Some((name, data))
    };
    ValueName::ALL.into_iter().filter_map(value).collect()
}
