//! The one place where an error becomes text and an exit code.

use std::process::ExitCode;
use std::{fmt, panic};

use serde::Serialize;
use sidestep_flow::RunError;
use sidestep_machine::{ApplyError, StoreError};
use sidestep_model::finding::{Code, Effect, Finding};

use crate::output::Printer;
use crate::prose;

/// The exit codes: a documented contract, never renumbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// A check, lint or rehearsal failed.
    Failed = 1,
    /// The command line or a file that the user wrote is not usable.
    Usage = 2,
    /// The environment is not what the command needs.
    Environment = 3,
    /// Refused to protect data.
    Refused = 4,
    /// Changes are pending (only with `--detailed-exitcode`).
    Pending = 6,
    /// A bug in Sidestep.
    Bug = 70,
    /// Interrupted by the user.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Effect> for Exit {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::GoOn => Self::Done,
            Effect::Fail => Self::Failed,
            Effect::RefuseData => Self::Refused,
            Effect::RefuseEnvironment => Self::Environment,
        }
    }
}

/// Why a command ended without its result.
#[derive(Debug)]
pub(crate) struct CommandError {
    pub(crate) exit: Exit,
    pub(crate) code: Option<Code>,
    /// What is wrong and where: a lower-case fragment.
    pub(crate) message: String,
    /// The places in a file, where there are any.
    pub(crate) places: Vec<Place>,
    /// What to do next.
    pub(crate) hints: Vec<String>,
}

impl CommandError {
    pub(crate) fn new(exit: Exit, code: Code, message: impl fmt::Display) -> Self {
        Self {
            exit,
            code: Some(code),
            message: message.to_string(),
            places: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A finding that ends the command, with its own code, exit and next step.
    pub(crate) fn finding(finding: &Finding) -> Self {
        Self::new(
            finding.effect().into(),
            finding.code(),
            prose::message(finding),
        )
        .hint(prose::remedy(finding))
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Usage,
            code: None,
            message: message.to_string(),
            places: Vec::new(),
            hints: Vec::new(),
        }
    }

    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Read { .. } => Code::FILE_UNREADABLE,
            StoreError::Write { .. } => Code::FILE_NOT_WRITTEN,
            StoreError::AliasesDisagree { .. } | StoreError::NotAnExport { .. } => {
                Code::FILE_UNUSABLE
            }
        };
        Self::new(Exit::Environment, code, chain(&error))
            .hint("`reg export HKEY_USERS FILE.reg` on the server, as administrator, writes one")
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) | RunError::Apply(ApplyError::Store(error)) => error.into(),
            RunError::Apply(error @ ApplyError::Moved { .. }) => {
                Self::new(Exit::Refused, Code::FILE_NOT_WRITTEN, error)
                    .hint("plan again: somebody else writes these settings too")
            }
            RunError::Apply(error @ ApplyError::NotKept { .. }) => {
                Self::new(Exit::Environment, Code::FILE_NOT_WRITTEN, error)
                    .hint("look what else writes these settings, a policy or an agent")
            }
        }
    }
}

/// A place in a file where something is wrong.
#[derive(Debug, Serialize)]
pub(crate) struct Place {
    /// Counted from 1; absent where the whole file is meant.
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// The line, underlined.
    #[serde(skip)]
    pub(crate) excerpt: String,
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Runs a command; turns whatever comes out, a panic included, into an exit code.
pub(crate) fn guard(
    command: impl FnOnce() -> Result<Exit, (Printer, CommandError)> + panic::UnwindSafe,
) -> ExitCode {
    panic::set_hook(Box::new(|bug| {
        let place = bug
            .location()
            .map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
        Printer::default().error(&CommandError {
            exit: Exit::Bug,
            code: None,
            message: format!("a bug in sidestep ended this command{place}"),
            places: Vec::new(),
            hints: vec!["please report this line and the command".to_owned()],
        });
    }));
    match panic::catch_unwind(command) {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err((printer, error))) => {
            printer.error(&error);
            error.exit.into()
        }
        Err(_) => Exit::Bug.into(),
    }
}
