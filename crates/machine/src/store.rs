//! The port to a machine's settings.

use std::path::PathBuf;
use std::{fmt, io};

use sidestep_model::account::Account;
use sidestep_model::hive::HiveError;
use sidestep_model::observed::{Observed, SettingsKey};
use sidestep_model::plan::Change;
use sidestep_model::registry::RegistryFileError;

use crate::durable;

/// A machine's proxy settings. Synchronous: a registry is local.
pub trait Store {
    /// Everything that decides the accounts' routes, as it is now.
    fn read(&self) -> Result<Observed, StoreError>;

    /// Writes one value or takes it away, whole or not at all, and only if it
    /// still is what `change` says it was. Makes its key where that is missing.
    fn write(&mut self, account: Account, change: &Change) -> Result<(), StoreError>;

    /// Takes a key away if it is there and holds nothing.
    fn remove_empty_key(&mut self, account: Account, key: SettingsKey) -> Result<(), StoreError>;

    /// Where journals of changes to these settings are kept.
    fn journal_folder(&self) -> PathBuf;

    /// Makes that folder where it is missing, and sees that nobody else may
    /// write in it where somebody else could have made it.
    fn make_journal_folder(&self) -> Result<(), StoreError> {
        let path = self.journal_folder();
        durable::make_folder(&path).map_err(|source| StoreError::JournalFolder { path, source })
    }

    /// Says before anything of `accounts` is changed what would stand in the way:
    /// rights that whoever runs this does not have.
    fn may_change(&self, _accounts: &[Account]) -> Result<(), StoreError> {
        Ok(())
    }

    /// Where the settings are, for people.
    fn place(&self) -> String;
}

impl<S: Store + ?Sized> Store for Box<S> {
    fn read(&self) -> Result<Observed, StoreError> {
        (**self).read()
    }

    fn write(&mut self, account: Account, change: &Change) -> Result<(), StoreError> {
        (**self).write(account, change)
    }

    fn remove_empty_key(&mut self, account: Account, key: SettingsKey) -> Result<(), StoreError> {
        (**self).remove_empty_key(account, key)
    }

    fn journal_folder(&self) -> PathBuf {
        (**self).journal_folder()
    }

    fn make_journal_folder(&self) -> Result<(), StoreError> {
        (**self).make_journal_folder()
    }

    fn may_change(&self, accounts: &[Account]) -> Result<(), StoreError> {
        (**self).may_change(accounts)
    }

    fn place(&self) -> String {
        (**self).place()
    }
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
    /// This computer has no such settings.
    #[error("this computer's own settings are meant, and it is not a Windows computer")]
    NotWindows,
    /// Windows refuses a key to whoever runs this.
    #[error("Windows refuses {key} to whoever runs this")]
    Denied {
        /// Which key.
        key: String,
    },
    /// Whoever runs this may not change the settings.
    #[error("nothing was changed: {0}")]
    NotChangeable(MissingRight),
    /// The registry cannot be read or written.
    #[error("the registry cannot be used at {key}")]
    Registry {
        /// Which key.
        key: String,
        /// What Windows said.
        source: io::Error,
    },
    /// These settings are only looked at.
    #[error("{place} is only looked at: nothing is changed there")]
    OnlyLookedAt {
        /// Where they are, for people.
        place: String,
    },
    /// The folder is not the root of a disk with Windows on it.
    #[error("{} is no disk with a Windows on it: {} is not there", root.display(), missing.display())]
    NoHives {
        /// Which folder.
        root: PathBuf,
        /// What is missing.
        missing: PathBuf,
    },
    /// A file of a disk may not be read, or the disk fails.
    #[error("cannot read {} on the disk", path.display())]
    DiskUnreadable {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A hive cannot be read.
    #[error("{} is no registry that Sidestep can read", path.display())]
    NotAHive {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: HiveError,
    },
    /// The folder for journals cannot be made, or looked at.
    #[error("cannot make the folder for journals {}", path.display())]
    JournalFolder {
        /// Which folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The folder for journals may have been put there by somebody else.
    #[error("{} {fault}, so that what is in it cannot be trusted", path.display())]
    JournalFolderUnsafe {
        /// Which folder.
        path: PathBuf,
        /// What is wrong with it.
        fault: FolderFault,
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

/// What somebody lacks who wants to change settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingRight {
    /// The process does not run with an administrator's rights.
    Elevation,
    /// The access list of a key does not let it be written.
    Key(String),
}

impl fmt::Display for MissingRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elevation => f.write_str("this is not running with an administrator's rights"),
            Self::Key(key) => write!(f, "{key} may not be written by whoever runs this"),
        }
    }
}

/// Why a folder cannot be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderFault {
    /// It leads elsewhere.
    Link,
    /// It belongs to an account that is no administrator's, by its SID.
    Owner(String),
}

impl fmt::Display for FolderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link => f.write_str("leads to another folder"),
            Self::Owner(sid) => write!(f, "belongs to {sid}"),
        }
    }
}
