//! Why a service is not restarted.

use std::{fmt, io};

/// A service could not be stopped, or not be started again.
#[derive(Debug, thiserror::Error)]
#[error("{service} {stage}")]
pub struct RestartError {
    /// Which.
    pub service: String,
    /// What failed.
    pub stage: Stage,
    /// What Windows said.
    pub source: io::Error,
}

/// How far a restart came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It was not told to stop, and is as it was.
    Told,
    /// It was told to stop, and is still stopping.
    Stopping,
    /// It was stopped, and does not run.
    Stopped,
    /// It was started, and does not run yet.
    Starting,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Told => "cannot be stopped",
            Self::Stopping => "was told to stop and is still stopping",
            Self::Stopped => "was stopped and does not start again",
            Self::Starting => "was stopped, started again and does not run yet",
        })
    }
}
