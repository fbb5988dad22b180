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

/// A part of a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It does not stop: it runs on, or is on its way.
    Stop,
    /// It was stopped and does not start.
    Start,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "does not stop",
            Self::Start => "was stopped and does not start again",
        })
    }
}
