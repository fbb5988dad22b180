//! The interface between doing and showing.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::check::Check;
use crate::dns::EndpointRecord;
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
    /// It would be done; the run only looks.
    Planned,
    /// What it needs does not exist yet.
    Pending,
    /// It did not work; the findings say why.
    Failed,
    /// It was not started, to protect what is there; the findings say why.
    Refused,
    /// An earlier step ended the run, or nobody asked for this one.
    NotReached,
}

impl Outcome {
    /// The name that scenario files and JSON use.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotNeeded => "not-needed",
            Self::Planned => "planned",
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

/// Something in Azure, and what a run has to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// Its name, as people know it.
    pub name: String,
    /// Its id in Azure, where it has one.
    pub id: Option<String>,
    /// What became of it.
    pub state: ResourceState,
}

/// The kinds of things in Azure that steps make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceKind {
    /// A Recovery Services vault.
    Vault,
    /// The vault's switch for public networks.
    PublicNetworkAccess,
    /// A private endpoint.
    PrivateEndpoint,
    /// The approval of an endpoint's connection.
    Approval,
    /// A private DNS zone.
    PrivateDnsZone,
    /// A zone's link to a virtual network.
    ZoneLink,
    /// The group of zones that an endpoint keeps its records in.
    ZoneGroup,
    /// A virtual machine's registration with the vault.
    Registration,
    /// A backup policy.
    Policy,
    /// A database's protection.
    Protection,
    /// A backup.
    BackupJob,
}

/// What became of something in Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceState {
    /// It was there, as it is wanted.
    Found,
    /// It would be made or changed; the run only looks.
    Planned,
    /// It was made or changed.
    Made,
}

/// How far a job in Azure is.
#[derive(Clone, Debug, PartialEq)]
pub struct JobProgress {
    /// The job's id.
    pub job: String,
    /// Azure's word for its state.
    pub status: String,
    /// How long it has been running.
    pub elapsed: Duration,
    /// What has been moved, in megabytes, where Azure says so.
    pub transferred_mb: Option<f64>,
    /// Its tasks and their states, in Azure's words.
    pub tasks: Vec<(String, String)>,
}

/// A database that was backed up.
#[derive(Clone, Debug, PartialEq)]
pub struct BackedUp {
    /// `INSTANCE/database`.
    pub database: String,
    /// The job's id.
    pub job: String,
    /// `Full` or `CopyOnlyFull`.
    pub kind: &'static str,
    /// Whether the job had been started by an earlier run.
    pub is_adopted: bool,
    /// What was moved, in megabytes, where Azure says so.
    pub transferred_mb: Option<f64>,
    /// When the job began and ended, by Azure's clock.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// Something that happened during a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A step began.
    Started(Step),
    /// What is going to be changed; shown before it is.
    Planned(Box<Plan>),
    /// Something in Azure was found, made or changed.
    Resource(Resource),
    /// The private endpoint's records, as Azure lists them now, and the zones they belong to.
    Records {
        /// The records.
        records: Vec<EndpointRecord>,
        /// The zones that the endpoint needs.
        zones: Vec<String>,
    },
    /// A job goes on.
    Job(JobProgress),
    /// Every way was tried.
    Checked(Box<Check>),
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
