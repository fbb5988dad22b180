//! Why a self-test's service cannot be used.

use std::io;

use crate::store::StoreError;

/// Why the service of a self-test cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// Its files, its key or its journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service manager does not do what it is asked for.
    #[error("the temporary service cannot be {doing}")]
    Service {
        /// What was tried.
        doing: &'static str,
        /// What Windows said.
        source: io::Error,
    },
    /// Something takes longer than it may.
    #[error("the temporary service does not {0} in time")]
    Late(&'static str),
}
