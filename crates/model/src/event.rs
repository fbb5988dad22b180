//! The interface between doing and showing.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::evidence::Evidence;
use crate::finding::Finding;
use crate::plan::Plan;

/// A step of the procedure, in the order of the article's five and ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The vault's private endpoint, its DNS zones and records.
    Endpoint,
    /// SYSTEM's bypass list.
    SystemBypass,
    /// Register the virtual machine with the vault; the plugin's account appears.
    Register,
    /// The plugin account's bypass list.
    PluginBypass,
    /// Put the databases under a policy.
    Protect,
    /// Account by endpoint: does every way work?
    Check,
    /// Back one database up and follow the job to its end.
    Backup,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 7] = [
        Self::Endpoint,
        Self::SystemBypass,
        Self::Register,
        Self::PluginBypass,
        Self::Protect,
        Self::Check,
        Self::Backup,
    ];

    /// The name that the command line and JSON use.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Endpoint => "endpoint",
            Self::SystemBypass => "system-bypass",
            Self::Register => "register",
            Self::PluginBypass => "plugin-bypass",
            Self::Protect => "protect",
            Self::Check => "check",
            Self::Backup => "backup",
        }
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// How a step, or a whole run, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as the site wants it.
    Done,
    /// There was nothing to do.
    NotNeeded,
    /// This step does not exist in this version.
    NotYet,
    /// What it needs does not exist yet.
    Pending,
    /// It did not work; the findings say why.
    Failed,
    /// It was not started, to protect what is there; the findings say why.
    Refused,
    /// An earlier step ended the run.
    NotReached,
}

impl Outcome {
    /// The name that scenario files and JSON use.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotNeeded => "not-needed",
            Self::NotYet => "not-yet",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::NotReached => "not-reached",
        }
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

/// A database that was backed up, and how that was verified.
#[derive(Clone, Debug, PartialEq)]
pub struct BackedUp {
    /// `INSTANCE/database`.
    pub database: String,
    /// Size of the stored backup in bytes.
    pub bytes: u64,
    /// Blocks that it was sent in.
    pub blocks: u32,
    /// SHA-256 of what was sent and of what was read back, in hex.
    pub sha256: String,
    /// How long the transfer took.
    pub elapsed: Duration,
}

/// Something that happened during a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A step began.
    Started(Step),
    /// What is going to be changed; shown before it is.
    Planned(Box<Plan>),
    /// A database was backed up.
    BackedUp(BackedUp),
    /// Where the connections of a backup, whole or broken off, went.
    Witnessed(Evidence),
    /// Something was found.
    Found(Finding),
    /// A step ended.
    Ended(StepEnd),
}

/// How a step ended, and after how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepEnd {
    /// Which step.
    pub step: Step,
    /// How.
    pub outcome: Outcome,
    /// How long it took.
    pub elapsed: Duration,
}
