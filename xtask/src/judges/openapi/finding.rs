//! What is found in an exchange.

use std::fmt;

use jsonschema::ValidationError;

use super::exclusion::Exclusion;

/// Longer reasons show whole documents.
const LONGEST_REASON: usize = 240;

/// What was found in one exchange.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Document, its api-version and `operationId`.
    pub(super) operation: Option<(String, String, String)>,
    pub(super) disagreements: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
    pub(super) exclusions: Vec<Exclusion>,
    /// False where the gateway answered before the operation did.
    pub(super) answered: bool,
}

/// Something about a place in an exchange.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    pub(super) side: Side,
    /// A JSON pointer into the body; empty for the whole.
    pub(super) at: String,
    pub(super) reason: String,
}

impl Finding {
    /// What a validator found in a body.
    pub(super) fn of(error: &ValidationError<'_>, side: Side) -> Self {
        Self {
            side,
            at: error.instance_path().to_string(),
            reason: shortened(&error.to_string()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Request,
    Answer(u16),
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => f.write_str("request"),
            Self::Answer(status) => write!(f, "answer {status}"),
        }
    }
}

impl Judged {
    pub(super) fn against(&mut self, side: Side, at: &str, reason: impl Into<String>) {
        self.disagreements.push(Finding {
            side,
            at: at.to_owned(),
            reason: reason.into(),
        });
    }
}

/// A reason as it is shown.
pub(super) fn shortened(reason: &str) -> String {
    match reason.char_indices().nth(LONGEST_REASON) {
        Some((at, _)) => format!("{}…", &reason[..at]),
        None => reason.to_owned(),
    }
}
