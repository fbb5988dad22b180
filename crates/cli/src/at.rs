//! Whose settings are meant: this computer's, or those in a file.

use std::ffi::OsString;
use std::fmt;
use std::path::{self, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use sidestep_flow::recover;
use sidestep_machine::{
    HiveStore, Journal, LiveStore, LoadedProfile, OpenRun, RegFileStore, Store, apply,
};
use sidestep_model::account::Account;
use sidestep_model::finding::Finding;
use sidestep_model::journal::{Intent, Run};
use sidestep_model::observed::Observed;
use sidestep_model::plan::Plan;

use crate::args::Consent;
use crate::error::CommandError;

const LIVE: &str = "live";
const HIVE: &str = "hive:";

/// Where settings are. A file of the name `live` is `./live`, one whose name
/// begins with `hive:` is `./hive:…`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(crate) enum At {
    /// The registry of the computer that this runs on.
    Live,
    /// A registry export.
    File(PathBuf),
    /// The registry of a disk that is mounted at this folder, only looked at.
    Hive(PathBuf),
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
        let rooted = |path: &PathBuf| path::absolute(path).unwrap_or_else(|_| path.to_owned());
        match self {
            Self::Live => Self::Live,
            Self::File(file) => Self::File(rooted(file)),
            Self::Hive(root) => Self::Hive(rooted(root)),
        }
    }

    /// The settings there.
    pub(crate) fn open(&self) -> Result<Box<dyn Store>, CommandError> {
        Ok(match self {
            Self::Live => Box::new(LiveStore::open()?),
            Self::File(path) => Box::new(RegFileStore::new(path)),
            Self::Hive(root) => Box::new(HiveStore::new(root)),
        })
    }
}

impl At {
    /// Whether it is agreed to that the profile is loaded, where these accounts are
    /// in question.
    pub(crate) fn agrees(
        &self,
        consent: &Consent,
        accounts: &[Account],
    ) -> Result<bool, CommandError> {
        if consent.load_profile && *self != Self::Live {
            return Err(CommandError::usage(
                "--load-profile is for the settings of this computer itself",
            )
            .hint("`--at live` names them; a file or a disk has nothing to load"));
        }
        Ok(consent.load_profile && accounts.contains(&Account::Plugin))
    }

    /// What `store`, which is here, holds; with the profile, where that is agreed to.
    pub(crate) fn read(
        &self,
        store: &dyn Store,
        is_agreed: bool,
    ) -> Result<Observed, CommandError> {
        self.loaded(is_agreed, || Ok(store.read()?))
    }

    /// Does something with `store`'s settings, which are here, while the profile is
    /// loaded, where that is agreed to. However that ends, the profile is let go of;
    /// if it is not, that is said, too.
    pub(crate) fn loaded<T>(
        &self,
        is_agreed: bool,
        work: impl FnOnce() -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let profile = match self {
            Self::Live if is_agreed => LoadedProfile::load()?,
            _ => None,
        };
        let worked = work();
        let gone = profile.map_or(Ok(()), LoadedProfile::unload);
        match (worked, gone.map_err(CommandError::from)) {
            (Err(error), Err(stays)) => {
                let error = error.after(&stays.message);
                Err(stays.hints.iter().fold(error, CommandError::hint))
            }
            (Err(error), Ok(())) | (Ok(_), Err(error)) => Err(error),
            (Ok(worked), Ok(())) => Ok(worked),
        }
    }

    /// Carries `plans` out in `store`, which is here, and says what it holds then;
    /// `done` is said where only what comes after fails.
    pub(crate) fn write(
        &self,
        store: &mut dyn Store,
        plans: &[Plan],
        run: &mut OpenRun<'_>,
        is_agreed: bool,
        done: &str,
    ) -> Result<Observed, CommandError> {
        let mut is_written = false;
        let written = self.loaded(is_agreed, || {
            apply(plans, store, run, &mut |_| {})?;
            is_written = true;
            Ok(store.read()?)
        });
        written.map_err(|error| if is_written { error.after(done) } else { error })
    }

    /// Lets go of a profile that an interrupted run left loaded; whether there was one.
    pub(crate) fn release_left(&self) -> Result<bool, CommandError> {
        Ok(*self == Self::Live && LoadedProfile::release_left()?)
    }

    /// Puts right what an interrupted run left half done in `store`, which is here.
    /// The profile that such a run left loaded is let go of first: what is half done
    /// in it is put right as it was agreed to then.
    pub(crate) fn put_right(
        &self,
        store: &mut dyn Store,
        journal: Option<&Journal>,
        is_agreed: bool,
    ) -> Result<Vec<Finding>, CommandError> {
        let was_left = self.release_left()?;
        let Some(journal) = journal else {
            return Ok(Vec::new());
        };
        let last = journal.last()?;
        let open = last.as_ref().and_then(Run::interrupted);
        let is_plugins = |intent: &Intent| intent.account == Account::Plugin;
        let is_needed = open.is_some_and(|open| open.intents.iter().any(is_plugins));
        self.loaded(is_needed && (is_agreed || was_left), || {
            recover(store, journal, &mut |_| {}).map_err(CommandError::interrupted)
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
            Self::Hive(root) => write!(f, "{HIVE}{}", root.display()),
        }
    }
}

impl From<OsString> for At {
    fn from(typed: OsString) -> Self {
        let root = typed.to_str().and_then(|typed| typed.strip_prefix(HIVE));
        match root {
            _ if typed == LIVE => Self::Live,
            Some(root) => Self::Hive(root.into()),
            None => Self::File(typed.into()),
        }
    }
}

impl From<String> for At {
    fn from(written: String) -> Self {
        OsString::from(written).into()
    }
}
