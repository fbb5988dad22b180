//! The one place where an error becomes text and an exit code.

use std::process::ExitCode;
use std::{fmt, panic};

use serde::Serialize;
use sidestep_flow::RunError;
use sidestep_machine::{
    ApplyError, JournalError, MissingRight, ProfileError, RestartError, SelfTestError, Stage,
    StoreError, TransactionError,
};
use sidestep_model::account::{Account, PLUGIN_SERVICE};
use sidestep_model::finding::{Code, Effect, Finding};
use sidestep_model::observed::Absence;
use sidestep_model::plan::WrittenPlanError;

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
    /// Azure says no.
    AzureRefuses = 5,
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
            Effect::AzureRefuses => Self::AzureRefuses,
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

    /// An earlier run was interrupted, and putting it right failed.
    pub(crate) fn interrupted(error: TransactionError) -> Self {
        // Of a journal that cannot be read nobody knows whether it was.
        let is_known = !matches!(
            error,
            TransactionError::Journal(
                JournalError::Read { .. }
                    | JournalError::Damaged { .. }
                    | JournalError::Later { .. }
            )
        );
        let mut error = Self::from(error);
        if !is_known {
            return error;
        }
        error.message = format!(
            "an earlier run was interrupted and cannot be put right: {}",
            error.message
        );
        error
    }

    /// What an account holds cannot be looked at.
    pub(crate) fn out_of_reach(account: Account, absence: &Absence) -> Self {
        Self {
            exit: Exit::Environment,
            ..Self::finding(&Finding::AccountMissing {
                account,
                absence: absence.clone(),
            })
        }
    }

    /// The same error, after something that is done all the same.
    pub(crate) fn after(mut self, done: &str) -> Self {
        self.message = format!("{}; {done}", self.message);
        self
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
        const EXPORT: &str =
            "`reg export HKEY_USERS FILE.reg` on the server, as administrator, writes one";
        const ELSEWHERE: &str = "run Sidestep on the server itself, or name a registry export: \
             `--at FILE.reg`";
        const ELEVATE: &str = "start it again from a prompt that runs as administrator";
        let (exit, code, hint) = match &error {
            StoreError::Read { .. } => (Exit::Environment, Code::FILE_UNREADABLE, EXPORT),
            StoreError::Write { .. } => (
                Exit::Environment,
                Code::FILE_NOT_WRITTEN,
                "see that there is space and that the file and its folder may be written",
            ),
            StoreError::Moved { .. } => (
                Exit::Refused,
                Code::MACHINE_MOVED,
                "plan again: somebody else writes these settings too",
            ),
            StoreError::NotWindows => (Exit::Environment, Code::NOT_WINDOWS, ELSEWHERE),
            StoreError::Denied { .. } | StoreError::NotChangeable(MissingRight::Elevation) => {
                (Exit::Environment, Code::RIGHTS_MISSING, ELEVATE)
            }
            StoreError::NotChangeable(MissingRight::Key(_)) => (
                Exit::Environment,
                Code::RIGHTS_MISSING,
                "look at the key's permissions in regedit; an agent may guard it",
            ),
            StoreError::OnlyLookedAt { .. } => (
                Exit::Environment,
                Code::ONLY_LOOKED_AT,
                "start that Windows and run Sidestep on it; a plan that was made from the disk \
                 (`plan --json`) can be carried out there: `sidestep apply PLAN.json --at live`",
            ),
            StoreError::NoHives { .. } => (
                Exit::Environment,
                Code::HIVE_UNUSABLE,
                "name the folder in which the disk's own folder Windows is",
            ),
            StoreError::DiskUnreadable { .. } => (
                Exit::Environment,
                Code::HIVE_UNUSABLE,
                "see that whoever runs this may read the disk's files, as root or administrator",
            ),
            StoreError::NotAHive { .. } => (
                Exit::Environment,
                Code::HIVE_UNUSABLE,
                "check the disk's file system, or take another copy; a running Windows keeps its \
                 registry to itself",
            ),
            StoreError::Registry { .. } => (
                Exit::Environment,
                Code::REGISTRY_UNUSABLE,
                "try again; if it stays so, look at the key in regedit",
            ),
            StoreError::JournalFolder { .. } => (
                Exit::Environment,
                Code::JOURNAL_NOT_WRITTEN,
                "see that there is space and that the folder may be written; nothing is changed \
                 that was not written down first",
            ),
            StoreError::JournalFolderUnsafe { .. } => (
                Exit::Environment,
                Code::JOURNAL_FOLDER_UNSAFE,
                "look at who made it and why, and take it away; Sidestep makes its own",
            ),
            StoreError::AliasesDisagree { .. } | StoreError::NotAnExport { .. } => {
                (Exit::Environment, Code::FILE_UNUSABLE, EXPORT)
            }
        };
        Self::new(exit, code, chain(&error)).hint(hint)
    }
}

impl From<ProfileError> for CommandError {
    fn from(error: ProfileError) -> Self {
        let (code, hint) = match error {
            ProfileError::Store(error) => return error.into(),
            ProfileError::Doubled => (
                Code::PROFILE_NOT_LOADED,
                "stop the service, have Windows load its own profile again (event log, User \
                 Profile Service), then try again: what is written to a temporary one is lost"
                    .to_owned(),
            ),
            ProfileError::Missed { .. } => (
                Code::PROFILE_MISSED,
                format!(
                    "restart it, so that it gets its own: `sc.exe stop {PLUGIN_SERVICE}`, `sc.exe \
                     start {PLUGIN_SERVICE}`"
                ),
            ),
            ProfileError::InUse { .. } => (
                Code::PROFILE_NOT_LOADED,
                format!(
                    "where it runs, its settings are loaded, and --load-profile is not needed; \
                     `sc.exe query {PLUGIN_SERVICE}` says what it does"
                ),
            ),
            ProfileError::NotLoaded { .. } => (
                Code::PROFILE_NOT_LOADED,
                "see that the file is there and that no other program has it open; starting the \
                 service loads it, too"
                    .to_owned(),
            ),
            ProfileError::NotUnloaded { ref key, .. } => (
                Code::PROFILE_NOT_UNLOADED,
                format!(
                    "before the service starts, close whatever has a key in it open, such as \
                     regedit; then `reg unload \"{key}\"`, or the next `sidestep apply`, lets go \
                     of it"
                ),
            ),
        };
        Self::new(Exit::Environment, code, chain(&error)).hint(hint)
    }
}

impl From<RestartError> for CommandError {
    fn from(error: RestartError) -> Self {
        let service = &error.service;
        let hint = match error.stage {
            Stage::Told => format!("`sc.exe query {service}` says what it does"),
            Stage::Stopping => {
                format!("once `sc.exe query {service}` says STOPPED: `sc.exe start {service}`")
            }
            Stage::Stopped => {
                format!("start it now: `sc.exe start {service}`; the event log says why it ended")
            }
            Stage::Starting => format!("`sc.exe query {service}` says whether it came up"),
        };
        Self::new(Exit::Environment, Code::RESTART_FAILED, chain(&error)).hint(hint)
    }
}

impl From<SelfTestError> for CommandError {
    fn from(error: SelfTestError) -> Self {
        match error {
            SelfTestError::Store(error) => error.into(),
            SelfTestError::Service { .. } | SelfTestError::Late(_) => {
                Self::new(Exit::Environment, Code::SELF_TEST_UNUSABLE, chain(&error)).hint(
                    "what stays behind is removed by the next self-test; a policy may forbid new \
                     services, or programs in %ProgramData%",
                )
            }
        }
    }
}

impl From<JournalError> for CommandError {
    fn from(error: JournalError) -> Self {
        let (code, hint) = match &error {
            JournalError::Busy { .. } => (
                Code::JOURNAL_BUSY,
                "wait until it ended, then try again; a lock is let go of when its process ends"
                    .to_owned(),
            ),
            JournalError::LockLost { .. } => (
                Code::JOURNAL_BUSY,
                "leave the lock's file alone and try again: what was begun is put right first"
                    .to_owned(),
            ),
            JournalError::Read { .. } => {
                (Code::FILE_UNREADABLE, "see that you may read it".to_owned())
            }
            JournalError::Write { .. } => (
                Code::JOURNAL_NOT_WRITTEN,
                "see that there is space and that the folder may be written; nothing is changed \
                 that was not written down first"
                    .to_owned(),
            ),
            JournalError::Damaged { path, .. } => (
                Code::JOURNAL_DAMAGED,
                format!(
                    "look at the settings (`sidestep show`); if they are as they should be, move \
                     {} away, and Sidestep goes on without it",
                    path.display()
                ),
            ),
            JournalError::Later { .. } => (
                Code::JOURNAL_LATER,
                "use the Sidestep that wrote it, or a later one".to_owned(),
            ),
        };
        Self::new(Exit::Environment, code, chain(&error)).hint(hint)
    }
}

impl From<TransactionError> for CommandError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Store(error) => error.into(),
            TransactionError::Journal(error) => error.into(),
            TransactionError::OutOfReach { account, absence } => {
                Self::out_of_reach(account, &absence)
            }
            TransactionError::NotKept { .. } => {
                Self::new(Exit::Environment, Code::VALUE_NOT_KEPT, error)
                    .hint("look what else writes these settings, a policy or an agent")
            }
        }
    }
}

impl From<ApplyError> for CommandError {
    fn from(error: ApplyError) -> Self {
        let what_became = error.to_string();
        let with = |cause: TransactionError| {
            let mut cause = Self::from(cause);
            cause.message = format!("{}; {what_became}", cause.message);
            cause
        };
        match error {
            ApplyError::Moved { .. } => Self::new(Exit::Refused, Code::MACHINE_MOVED, error)
                .hint("plan again: somebody else writes these settings too"),
            ApplyError::NotWritten(cause) | ApplyError::PutBack(cause) => with(cause),
            ApplyError::Interrupted { cause, .. } => with(*cause).hint(
                "when the cause is gone, `sidestep apply` or `sidestep undo` puts it back first",
            ),
        }
    }
}

impl From<WrittenPlanError> for CommandError {
    fn from(error: WrittenPlanError) -> Self {
        let (code, hint) = match &error {
            WrittenPlanError::Moved { .. }
            | WrittenPlanError::AccountGone(_)
            | WrittenPlanError::AccountCame(_) => (
                Code::MACHINE_MOVED,
                "nothing was written; plan again, and have the new plan agreed",
            ),
            WrittenPlanError::CredentialsMissing { .. }
            | WrittenPlanError::Unreadable { .. }
            | WrittenPlanError::NotOurs { .. }
            | WrittenPlanError::KeysRemoved(_)
            | WrittenPlanError::Twice { .. } => (
                Code::PLAN_UNUSABLE,
                "nothing was written; apply the site, or --copy-from, without a plan file",
            ),
        };
        Self::new(Exit::Refused, code, error).hint(hint)
    }
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Store(error) => error.into(),
            RunError::Apply(error) => error.into(),
            RunError::Journal(error) => error.into(),
            RunError::NoSettings => Self::usage(error)
                .hint("`--at FILE.reg` names an export of the machine's HKEY_USERS"),
            RunError::Recovery(error) => Self::interrupted(error),
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
