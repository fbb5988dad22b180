//! Whose settings are meant: this computer's, or those in a file.

use std::ffi::OsString;
use std::fmt;
use std::path::{self, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use sidestep_machine::{Journal, LiveStore, RegFileStore, Store};

use crate::error::CommandError;

const LIVE: &str = "live";

/// Where settings are. A file of the name `live` is `./live`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum At {
    /// The registry of the computer that this runs on.
    Live,
    /// A registry export.
    File(PathBuf),
}

impl At {
    /// What was said or, on Windows, the computer itself.
    pub(crate) fn said_or_here(at: Option<&Self>) -> Result<Self, CommandError> {
        match at {
            Some(at) => Ok(at.clone()),
            None if LiveStore::IS_HERE => Ok(Self::Live),
            None => Err(
                CommandError::usage("it is not said whose settings are meant").hint(
                    "`--at FILE.reg` names a registry export; `reg export HKEY_USERS FILE.reg` \
                     writes one",
                ),
            ),
        }
    }

    /// The same, whatever the current folder is.
    pub(crate) fn rooted(&self) -> Self {
        match self {
            Self::Live => Self::Live,
            Self::File(file) => {
                Self::File(path::absolute(file).unwrap_or_else(|_| file.to_owned()))
            }
        }
    }

    /// The settings there.
    pub(crate) fn open(&self) -> Result<Box<dyn Store>, CommandError> {
        Ok(match self {
            Self::Live => Box::new(LiveStore::open()?),
            Self::File(path) => Box::new(RegFileStore::new(path)),
        })
    }
}

/// Takes the journals of the settings in `store`.
pub(crate) fn journal(store: &dyn Store) -> Result<Journal, CommandError> {
    store.make_journal_folder()?;
    Ok(Journal::open(&store.journal_folder(), Timestamp::now)?)
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Live => f.write_str(LIVE),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl From<OsString> for At {
    fn from(typed: OsString) -> Self {
        if typed == LIVE {
            Self::Live
        } else {
            Self::File(typed.into())
        }
    }
}

impl From<String> for At {
    fn from(written: String) -> Self {
        OsString::from(written).into()
    }
}
