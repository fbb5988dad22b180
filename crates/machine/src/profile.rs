//! Why an account's profile cannot be loaded.

use std::io;
use std::path::PathBuf;

use sidestep_model::account::Account;
use sidestep_model::observed::ServiceState;

use crate::store::StoreError;

/// Why the plugin account's profile cannot be loaded, or not be let go of.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The registry, or rights that are missing.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Windows uses a temporary profile for the account, or did.
    #[error(
        "Windows keeps two profiles of {}, one of them temporary",
        Account::Plugin
    )]
    Doubled,
    /// Its service could take the profile at any moment.
    #[error("the service of {} is not stopped", Account::Plugin)]
    InUse {
        /// What the service does.
        state: ServiceState,
    },
    /// Windows does not load the hive.
    #[error("cannot load {}", path.display())]
    NotLoaded {
        /// The hive's file.
        path: PathBuf,
        /// What Windows said.
        source: io::Error,
    },
    /// Its service was started while the profile was loaded here.
    #[error(
        "the service of {} was started while its profile was loaded, and may have got an empty one",
        Account::Plugin
    )]
    Missed {
        /// What the service does.
        state: ServiceState,
    },
    /// Windows does not let go of the hive.
    #[error("{key} is still loaded")]
    NotUnloaded {
        /// Under which key.
        key: String,
        /// What Windows said.
        source: io::Error,
    },
}
