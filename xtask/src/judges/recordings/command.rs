//! What a recorded request is.

use serde_json::Value;

use super::comparison;
use super::recording::Interaction;

/// A call of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Vault,
    CreateVault,
    PatchVault,
    LinkResources,
    ProtectableContainers,
    Refresh,
    Containers,
    Register,
    Inquire,
    ProtectableItems,
    ProtectedItems,
    ProtectedItem,
    Protect,
    Backup,
    Policies,
    Policy,
    CreatePolicy,
    Jobs,
    Job,
    VirtualNetwork,
    Subnet,
    Machine,
    PrivateEndpoint,
    PrivateDnsZone,
    /// An operation that only others begin, followed by its status.
    ForeignStatus,
    /// Likewise, followed by its location.
    ForeignLocation,
}

/// A recorded request that a call of ours stands for.
pub(super) struct Command {
    pub(super) kind: Kind,
    /// Why the requests are not compared, only the answers fed.
    pub(super) exclusion: Option<&'static str>,
}

const OTHER_FILTER: &str = "az lists by other clauses or for another workload";
const OTHER_PATCH: &str = "az patches what Sidestep never changes";
const OTHER_BACKUP: &str = "az starts a kind of backup that Sidestep never does";
const OTHER_PROTECTION: &str = "az stops or changes protection, which Sidestep never does";
const OTHER_POLICY: &str = "az writes another schedule than HourlyLogBackup's";
const TIMELESS_JOBS: &str = "az lists jobs without the times that Sidestep names";
const EXPANDED: &str = "az also asks for the machine's running state";
const FURTHER_PAGE: &str = "a further page, to which the list's first one led";
const FOREIGN: &str = "az begins an operation that Sidestep never does";

impl Command {
    /// The command, or why the interaction is none of ours.
    pub(super) fn recognised(interaction: &Interaction) -> Result<Self, String> {
        let segments: Vec<String> = lower(interaction);
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = interaction.method.as_str();
        let filtered = |kind, clauses: &[(&str, &str)]| (kind, filter(interaction, clauses));
        let workload = ("backupmanagementtype", "azureworkload");
        let databases = ("workloadtype", "sqldatabase");
        let only = |kind| (kind, None);
        let (kind, exclusion) = match (method, below_vault(&path), below_provider(&path)) {
            ("GET", Some([]), _) => only(Kind::Vault),
            ("PUT", Some([]), _) => only(Kind::CreateVault),
            ("PATCH", Some([]), _) => (Kind::PatchVault, patch(interaction)),
            ("GET", Some(["privatelinkresources"]), _) => only(Kind::LinkResources),
            ("GET", Some([_, _, "protectablecontainers"]), _) => {
                filtered(Kind::ProtectableContainers, &[workload])
            }
            ("POST", Some([_, _, "refreshcontainers"]), _) => filtered(Kind::Refresh, &[workload]),
            ("GET", Some(["backupprotectioncontainers"]), _) => {
                filtered(Kind::Containers, &[workload, ("status", "registered")])
            }
            ("PUT", Some([_, _, "protectioncontainers", _]), _) => only(Kind::Register),
            ("POST", Some([_, _, "protectioncontainers", _, "inquire"]), _) => {
                filtered(Kind::Inquire, &[workload, databases])
            }
            ("GET", Some(["backupprotectableitems"]), _) => {
                filtered(Kind::ProtectableItems, &[workload, databases])
            }
            ("GET", Some(["backupprotecteditems"]), _) => filtered(
                Kind::ProtectedItems,
                &[workload, ("itemtype", "sqldatabase")],
            ),
            ("GET", Some([_, _, "protectioncontainers", _, "protecteditems", _]), _) => {
                only(Kind::ProtectedItem)
            }
            ("PUT", Some([_, _, "protectioncontainers", _, "protecteditems", _]), _) => {
                (Kind::Protect, protection(interaction))
            }
            (
                "POST",
                Some(
                    [
                        _,
                        _,
                        "protectioncontainers",
                        _,
                        "protecteditems",
                        _,
                        "backup",
                    ],
                ),
                _,
            ) => (Kind::Backup, backup(interaction)),
            ("GET", Some(["backuppolicies"]), _) => filtered(Kind::Policies, &[]),
            ("GET", Some(["backuppolicies", _]), _) => only(Kind::Policy),
            ("PUT", Some(["backuppolicies", _]), _) => (Kind::CreatePolicy, policy(interaction)),
            ("GET", Some(["backupjobs"]), _) => (Kind::Jobs, Some(TIMELESS_JOBS)),
            ("GET", Some(["backupjobs", _]), _) => only(Kind::Job),
            ("GET", None, Some(["virtualnetworks", _])) => only(Kind::VirtualNetwork),
            ("GET", None, Some(["virtualnetworks", _, "subnets", _])) => only(Kind::Subnet),
            ("GET", None, Some(["privateendpoints", _])) => only(Kind::PrivateEndpoint),
            ("GET", None, Some(["privatednszones", _])) => only(Kind::PrivateDnsZone),
            ("GET", None, Some(["virtualmachines", _])) => {
                let is_expanded = interaction.target.to_ascii_lowercase().contains("expand=");
                (Kind::Machine, is_expanded.then_some(EXPANDED))
            }
            // That a vault is gone is told by 404, which nobody else may take for done.
            (_, Some([]), _) => return Err("Sidestep deletes no vault".to_owned()),
            ("GET", ..) => return Err(unsent(interaction)),
            (_, Some(_), _) => match interaction.status {
                202 if interaction.header("location").is_some() => {
                    (foreign(&path, interaction), Some(FOREIGN))
                }
                _ => return Err(unsent(interaction)),
            },
            _ => return Err(unsent(interaction)),
        };
        let is_further_page = interaction
            .query()
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("$skiptoken"));
        let exclusion = exclusion.or_else(|| is_further_page.then_some(FURTHER_PAGE));
        Ok(Self { kind, exclusion })
    }

    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Vault => "vault",
            Kind::CreateVault => "create vault",
            Kind::PatchVault => "patch vault",
            Kind::LinkResources => "private link resources",
            Kind::ProtectableContainers => "protectable containers",
            Kind::Refresh => "refresh containers",
            Kind::Containers => "registered containers",
            Kind::Register => "register",
            Kind::Inquire => "inquire",
            Kind::ProtectableItems => "protectable items",
            Kind::ProtectedItems => "protected items",
            Kind::ProtectedItem => "protected item",
            Kind::Protect => "protect",
            Kind::Backup => "backup",
            Kind::Policies => "policies",
            Kind::Policy => "policy",
            Kind::CreatePolicy => "create policy",
            Kind::Jobs => "jobs",
            Kind::Job => "job",
            Kind::VirtualNetwork => "virtual network",
            Kind::Subnet => "subnet",
            Kind::Machine => "virtual machine",
            Kind::PrivateEndpoint => "private endpoint",
            Kind::PrivateDnsZone => "private DNS zone",
            Kind::ForeignStatus | Kind::ForeignLocation => "operations of others",
        }
    }
}

/// What follows the vault in a path.
fn below_vault<'a>(path: &'a [&'a str]) -> Option<&'a [&'a str]> {
    let at = path.iter().position(|part| *part == "vaults")?;
    (path.get(at.checked_sub(1)?) == Some(&"microsoft.recoveryservices"))
        .then(|| path.get(at + 2..))
        .flatten()
}

/// What follows any other provider's name.
fn below_provider<'a>(path: &'a [&'a str]) -> Option<&'a [&'a str]> {
    let at = path.iter().position(|part| *part == "providers")?;
    path.get(at + 2..)
}

fn lower(interaction: &Interaction) -> Vec<String> {
    let segments = interaction.segments();
    segments.iter().map(|part| part.to_lowercase()).collect()
}

/// The reason, if the recorded filter asks for something else than ours does.
fn filter(interaction: &Interaction, ours: &[(&str, &str)]) -> Option<&'static str> {
    let query = interaction.query();
    let filter = query.iter().find(|(name, _)| name == "$filter");
    let mut clauses = comparison::clauses(filter.map_or("", |(_, text)| text));
    let mut ours: Vec<String> = ours
        .iter()
        .map(|(name, value)| format!("{name} eq '{value}'"))
        .collect();
    clauses.sort();
    ours.sort();
    (clauses != ours).then_some(OTHER_FILTER)
}

fn patch(interaction: &Interaction) -> Option<&'static str> {
    let keys = comparison::keys(&interaction.body);
    let ours = ["properties", "properties.publicNetworkAccess"];
    (!keys.iter().eq(ours)).then_some(OTHER_PATCH)
}

fn protection(interaction: &Interaction) -> Option<&'static str> {
    let properties = &interaction.body["properties"];
    let is_ours = properties["protectedItemType"] == "AzureVmWorkloadSQLDatabase"
        && properties["policyId"] != ""
        // What stops, brings back or changes protection sends more.
        && ["protectionState", "isRehydrate", "friendlyName"]
            .into_iter()
            .all(|key| properties[key].is_null());
    (!is_ours).then_some(OTHER_PROTECTION)
}

fn backup(interaction: &Interaction) -> Option<&'static str> {
    let properties = &interaction.body["properties"];
    let is_ours = properties["objectType"] == "AzureWorkloadBackupRequest"
        && (properties["backupType"] == "Full" || properties["backupType"] == "CopyOnlyFull");
    (!is_ours).then_some(OTHER_BACKUP)
}

fn policy(interaction: &Interaction) -> Option<&'static str> {
    let properties = &interaction.body["properties"];
    let parts = properties["subProtectionPolicy"].as_array();
    let kinds: Vec<&Value> = parts
        .into_iter()
        .flatten()
        .map(|part| &part["policyType"])
        .collect();
    let first = parts.and_then(|parts| parts.first());
    let is_daily = first.is_some_and(|full| {
        let retention = &full["retentionPolicy"];
        full["schedulePolicy"]["scheduleRunFrequency"] == "Daily"
            && full["tieringPolicy"].is_null()
            && ["weeklySchedule", "monthlySchedule", "yearlySchedule"]
                .into_iter()
                .all(|schedule| retention[schedule].is_null())
    });
    let is_ours = properties["workLoadType"] == "SQLDataBase"
        && kinds.iter().copied().eq(["Full", "Log"])
        && is_daily;
    (!is_ours).then_some(OTHER_POLICY)
}

/// How an operation is followed that others begin.
fn foreign(path: &[&str], interaction: &Interaction) -> Kind {
    let is_container = matches!(path, [.., "protectioncontainers", _]);
    if is_container || interaction.header("azure-asyncoperation").is_none() {
        Kind::ForeignLocation
    } else {
        Kind::ForeignStatus
    }
}

/// The reason for a request that no call of ours stands for, by its shape.
fn unsent(interaction: &Interaction) -> String {
    let path = lower(interaction);
    let provider = path.iter().rposition(|part| part == "providers");
    let (name, rest) = match provider.and_then(|at| path.get(at + 1..)) {
        Some([name, rest @ ..]) => (name.as_str(), rest),
        _ => ("microsoft.resources", path.get(2..).unwrap_or_default()),
    };
    let kinds: Vec<&str> = rest.iter().step_by(2).map(String::as_str).collect();
    format!(
        "never sent by Sidestep: {} {name}/{}",
        interaction.method,
        kinds.join("/")
    )
}
