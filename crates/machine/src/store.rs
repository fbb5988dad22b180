//! The port to a machine's settings.

use std::io;
use std::path::PathBuf;

use sidestep_model::account::Account;
use sidestep_model::observed::{Observed, SettingsKey};
use sidestep_model::plan::Change;
use sidestep_model::registry::RegistryFileError;

/// A machine's proxy settings. Synchronous: a registry is local.
pub trait Store {
    /// Everything that decides the accounts' routes, as it is now.
    fn read(&self) -> Result<Observed, StoreError>;

    /// Writes one value or takes it away, whole or not at all, and only if it
    /// still is what `change` says it was. Makes its key where that is missing.
    fn write(&mut self, account: Account, change: &Change) -> Result<(), StoreError>;

    /// Takes a key away if it is there and holds nothing.
    fn remove_empty_key(&mut self, account: Account, key: SettingsKey) -> Result<(), StoreError>;

    /// Where the settings are, for people.
    fn place(&self) -> String;
}

/// Why a machine's settings could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file cannot be written; it is as it was.
    #[error("cannot write {}; it is as it was", path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Somebody else changed a value meanwhile; it was not written.
    #[error("{value} of {account} changed meanwhile and was not written")]
    Moved {
        /// Whose.
        account: Account,
        /// Which value.
        value: &'static str,
    },
    /// Two keys that are one on a running Windows hold different settings.
    #[error(
        "in {}, HKEY_USERS\\.DEFAULT and HKEY_USERS\\S-1-5-18 hold different proxy settings, though \
         Windows has one key for both",
        path.display()
    )]
    AliasesDisagree {
        /// Which file.
        path: PathBuf,
    },
    /// The file is no registry export.
    #[error("{} is not a registry export that Sidestep can read", path.display())]
    NotAnExport {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        source: RegistryFileError,
    },
}
