//! What Azure's findings, codes and resources say to a person.

use sidestep_model::event::{ResourceKind, ResourceState};
use sidestep_model::finding::AzureFinding;

use crate::render::plural;

/// What is the matter.
#[expect(clippy::too_many_lines, reason = "one arm a finding")]
pub(crate) fn message(finding: &AzureFinding) -> String {
    match finding {
        AzureFinding::BackupFailed { azure_code, detail } => match known(azure_code) {
            Some(known) => format!("Azure reports {azure_code}: {}; {detail}", known.meaning),
            None => format!("Azure reports {azure_code}: {detail}"),
        },
        AzureFinding::VaultNotEmpty { vault, registered } => format!(
            "the vault {vault} has no private endpoint, and these were registered with it already: \
             {}; such a vault can never get its first endpoint",
            registered.join(", ")
        ),
        AzureFinding::NotConfirmed { vm } => format!(
            "registering {vm} cannot be taken back (afterwards the vault can never get its first \
             private endpoint), and nobody agreed to it"
        ),
        AzureFinding::VaultMissing {
            vault,
            resource_group,
        } => format!("there is no vault {vault} in the resource group {resource_group}"),
        AzureFinding::RegionDiffers {
            what,
            region,
            wanted,
        } => format!("{what} is in {region}, but the site says {wanted}: all have to be in one"),
        AzureFinding::EndpointOfAnother { endpoint, target } => format!(
            "the private endpoint {endpoint} exists and leads to {target}, not to the site's vault"
        ),
        AzureFinding::TooManyEndpoints { count } => {
            format!("the vault has {count} private endpoints, and takes no more than 12")
        }
        AzureFinding::SubnetUnfit { subnet, free: None } => {
            format!("there is no subnet {subnet}")
        }
        AzureFinding::SubnetUnfit {
            subnet,
            free: Some(free),
        } => format!(
            "the subnet {subnet} has {} left, and a vault's endpoint needs 10 and later more",
            plural(*free, "address", "addresses")
        ),
        AzureFinding::CredentialMissing { credential, detail } => {
            format!("there is nothing to sign in to Azure with ({credential}): {detail}")
        }
        AzureFinding::SignInRejected {
            credential,
            code,
            detail,
        } => {
            // Entra ID begins its sentence with the code.
            let code = code
                .as_ref()
                .filter(|code| !detail.starts_with(code.as_str()));
            let code = code.map_or_else(String::new, |code| format!(" with {code}"));
            format!("Entra ID rejects the sign-in by {credential}{code}: {detail}")
        }
        AzureFinding::SignInUnreachable {
            host,
            route,
            detail,
        } => format!("{host}, where Sidestep signs in, cannot be reached {route}: {detail}"),
        AzureFinding::Unreachable {
            host,
            route,
            detail,
        } => format!("{host}, Azure Resource Manager, cannot be reached {route}: {detail}"),
        AzureFinding::Refused {
            doing,
            status,
            code,
            message,
        } => format!("Azure refuses to {doing} (HTTP {status}, {code}): {message}"),
        AzureFinding::PermissionMissing {
            doing,
            action,
            scope,
        } => format!(
            "whoever is signed in may not {doing}: the permission {action} on {scope} is missing"
        ),
        AzureFinding::VmNotOffered { vm } => {
            format!("Azure Backup does not offer {vm} for registration with this vault")
        }
        AzureFinding::PolicyMissing { policy, known } => format!(
            "the vault has no backup policy {policy}; it has {}",
            listed(known)
        ),
        AzureFinding::SoftDeleted { database } => format!(
            "the backups of {database} were deleted and are kept for a while; until that is \
             undone it cannot be protected"
        ),
        AzureFinding::OperationFailed {
            doing,
            code,
            message,
        } => format!("Azure began to {doing} and failed with {code}: {message}"),
        AzureFinding::TimedOut { doing, after } => format!(
            "Azure does not come to the end of what was asked ({doing}) within {} min",
            after.as_secs().div_ceil(60)
        ),
        AzureFinding::Unreadable { doing, detail } => {
            format!("Azure's answer to the request to {doing} cannot be read: {detail}")
        }
        AzureFinding::BackupAmbiguous { database, jobs } => format!(
            "a backup of {database} was ordered and the answer was lost; it could be any of the \
             jobs {}, so nothing more is ordered",
            jobs.join(", ")
        ),
        AzureFinding::ApprovalPending { endpoint, status } => {
            format!("the connection of the private endpoint {endpoint} is {status}, not Approved")
        }
        AzureFinding::EndpointFailed { endpoint, state } => {
            format!("the private endpoint {endpoint} is in the state {state}")
        }
        AzureFinding::OtherMachine { vm } => format!(
            "{vm} is registered too; the settings of its accounts are its own and were not looked at"
        ),
        AzureFinding::EndpointMissing { endpoint } => {
            format!(
                "the vault has no private endpoint {endpoint}: there is no private path, and once a \
                 machine was registered the vault can never get its first one"
            )
        }
        AzureFinding::AccountUnseen => "the machine is registered; whether the plugin's account \
             came with it was not looked at, because its settings are not at hand"
            .to_owned(),
        AzureFinding::WaysUntried => "which way fails was not tried, because the machine's \
             settings are not at hand"
            .to_owned(),
        AzureFinding::DatabaseNameUnfit {
            database,
            characters,
        } => format!(
            "Azure configures no protection for {database} alone, because its name holds one of \
             these: {characters}"
        ),
        AzureFinding::NothingChosen { offered } => format!(
            "no database is chosen for protection; Azure found {}",
            listed(offered)
        ),
        AzureFinding::PatternMatchesNothing { pattern, offered } => format!(
            "\"{pattern}\" means none of the databases that Azure found: {}",
            listed(offered)
        ),
        AzureFinding::NotProtected { database } => {
            format!("{database} is not protected, so it cannot be backed up")
        }
    }
}

/// What to do next.
#[expect(clippy::too_many_lines, reason = "one arm a finding")]
pub(crate) fn remedy(finding: &AzureFinding) -> String {
    match finding {
        AzureFinding::BackupFailed { azure_code, .. } => match known(azure_code) {
            Some(known) => known.remedy.to_owned(),
            None => "look the code up in \"Troubleshoot SQL Server database backup by using Azure \
                     Backup\" on learn.microsoft.com"
                .to_owned(),
        },
        AzureFinding::VaultNotEmpty { .. } => "use a new vault: set [vault] name to one that does \
             not exist and create = true; what is registered with the old one stays there"
            .to_owned(),
        AzureFinding::NotConfirmed { .. } => {
            "answer the question, or give `--yes` where nobody can be asked".to_owned()
        }
        AzureFinding::VaultMissing { .. } => "correct [vault] name or [azure] resource_group; or \
             have Sidestep make the vault: [vault] create = true with a redundancy"
            .to_owned(),
        AzureFinding::RegionDiffers { .. } => {
            "correct [azure] location, or use a vault and network in the machine's region"
                .to_owned()
        }
        AzureFinding::EndpointOfAnother { .. } => {
            "give the endpoint another name in [private_endpoint]".to_owned()
        }
        AzureFinding::TooManyEndpoints { .. } => {
            "delete one that nobody uses, or use another vault".to_owned()
        }
        AzureFinding::SubnetUnfit { .. } => {
            "name a subnet of at least /27 with room in [private_endpoint] subnet".to_owned()
        }
        AzureFinding::CredentialMissing { .. } => {
            "sign in with `az login`; or on the machine give \
             it a managed identity; or set AZURE_TENANT_ID, AZURE_CLIENT_ID and \
             AZURE_CLIENT_SECRET of a service principal"
                .to_owned()
        }
        AzureFinding::SignInRejected { .. } => "sign in again (`az login`), or renew the client \
             secret; see that [azure] tenant is the subscription's"
            .to_owned(),
        AzureFinding::SignInUnreachable { .. } | AzureFinding::Unreachable { .. } => {
            "see that this computer may reach the host; HTTPS_PROXY and NO_PROXY decide Sidestep's \
             own way"
                .to_owned()
        }
        AzureFinding::Refused { code, .. } => match code.as_str() {
            "SubscriptionNotFound"
            | "InvalidSubscriptionId"
            | "InvalidAuthenticationTokenTenant" => {
                "correct [azure] subscription and tenant; `az account list` shows what the sign-in \
                 may see"
                    .to_owned()
            }
            "ResourceGroupNotFound" => {
                "correct the resource group in the site file, or have it made".to_owned()
            }
            _ => known(code).map_or_else(
                || {
                    "put right what Azure says, then start again: what is done already is found \
                     and not done twice"
                        .to_owned()
                },
                |known| known.remedy.to_owned(),
            ),
        },
        AzureFinding::PermissionMissing {
            doing,
            action,
            scope,
        } => format!(
            "ask whoever may: \"Please {doing}, or grant {action} on {scope}\"; then start again: \
             their finished work counts as done"
        ),
        AzureFinding::VmNotOffered { .. } => {
            "see that the machine runs, that it is in the vault's \
             region and subscription, and that it is not registered with another vault"
                .to_owned()
        }
        AzureFinding::PolicyMissing { .. } => {
            "name one of these in [sql] policy, or have that one made".to_owned()
        }
        AzureFinding::SoftDeleted { .. } => "undelete the item (`az backup protection undelete`), \
             then start again"
            .to_owned(),
        AzureFinding::OperationFailed { code, .. } => known(code).map_or_else(
            || "put right what Azure says, then start again".to_owned(),
            |known| known.remedy.to_owned(),
        ),
        AzureFinding::TimedOut { .. } => {
            "start again later: it is looked for and not begun twice".to_owned()
        }
        AzureFinding::Unreadable { .. } => {
            "start again; if it stays so, please report it with the output of `--json`".to_owned()
        }
        AzureFinding::BackupAmbiguous { .. } => {
            "look at these jobs in the portal; `sidestep run --from backup` orders a new one"
                .to_owned()
        }
        AzureFinding::ApprovalPending { .. } => {
            "ask the vault's owner to approve the connection, then start again".to_owned()
        }
        AzureFinding::EndpointFailed { .. } => {
            "look at the endpoint in the portal; delete it there and start again".to_owned()
        }
        AzureFinding::OtherMachine { .. } => {
            "run Sidestep for it as well, with that machine first below [[vm]]".to_owned()
        }
        AzureFinding::EndpointMissing { .. } => {
            "`sidestep run` from its first step makes it; correct [private_endpoint] name where it \
             has another"
                .to_owned()
        }
        AzureFinding::AccountUnseen => "give `--at FILE.reg` with an export of the machine's \
             HKEY_USERS, or see there that NT SERVICE\\AzureWLBackupPluginSvc has a key"
            .to_owned(),
        AzureFinding::WaysUntried => {
            "`sidestep check --at FILE.reg` tries them, with an export of \
             the machine's HKEY_USERS"
                .to_owned()
        }
        AzureFinding::DatabaseNameUnfit { .. } => {
            "protect its instance automatically in the portal, or rename it".to_owned()
        }
        AzureFinding::NothingChosen { .. } | AzureFinding::PatternMatchesNothing { .. } => {
            "name them in [sql] databases, as \"INSTANCE/database\"; * and ? are allowed".to_owned()
        }
        AzureFinding::NotProtected { .. } => {
            "add it to [sql] databases, or name another one in [sql] backup".to_owned()
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

/// What a code of Azure's means, and what helps.
struct Known {
    code: &'static str,
    meaning: &'static str,
    remedy: &'static str,
}

/// Source: "Troubleshoot SQL Server database backup by using Azure Backup",
/// MicrosoftDocs/azure-docs, 2023-05.
const KNOWN: &[Known] = &[
    Known {
        code: "UserErrorSQLNoSysadminMembership",
        meaning: "the plugin's account is no sysadmin of the instance",
        remedy: "give NT SERVICE\\AzureWLBackupPluginSvc a login with sysadmin on every instance of \
                 the machine, then discover the databases again",
    },
    Known {
        code: "UserErrorVMInternetConnectivityIssue",
        meaning: "the machine cannot reach Azure Backup, Storage or Entra ID",
        remedy: "where `sidestep check` passes, look at the network security group, the machine's \
                 firewall and antivirus",
    },
    Known {
        code: "WorkloadExtensionNotReachable",
        meaning: "the extension does not answer: the machine is off or cut off",
        remedy: "start the machine, see that its services AzureWLBackup… run, then register it again",
    },
    Known {
        code: "UserErrorWorkloadExtensionNotInstalled",
        meaning: "the extension is not on the machine",
        remedy: "register the machine again (`sidestep run --from register`)",
    },
    Known {
        code: "WorkloadExtensionNotPresent",
        meaning: "the extension is not on the machine",
        remedy: "register the machine again (`sidestep run --from register`)",
    },
    Known {
        code: "WorkloadExtensionDidntDequeueMsg",
        meaning: "the extension did not fetch its task from the queue",
        remedy: "see that the queue's name resolves to the private endpoint for SYSTEM, then \
                 register the machine again",
    },
    Known {
        code: "UserErrorWindowsWLExtFailedToStartPluginService",
        meaning: "the plugin's service cannot start",
        remedy: "let NT SERVICE\\AzureWLBackupPluginSvc read the .NET Framework's folders and \
                 machine.config, and bypass traverse checking",
    },
    Known {
        code: "VMNotInRunningStateUserError",
        meaning: "the machine is off",
        remedy: "start it",
    },
    Known {
        code: "GuestAgentStatusUnavailableUserError",
        meaning: "the machine's guest agent does not answer",
        remedy: "install or start the Azure VM agent",
    },
    Known {
        code: "UserErrorOpeningSQLConnection",
        meaning: "the instance takes no connection",
        remedy: "see that the SQL Server service runs and takes the plugin's login (SQL errors \
                 18456, 18452)",
    },
    Known {
        code: "UserErrorSQLPODoesNotSupportBackupType",
        meaning: "the database does not support this kind of backup",
        remedy: "change the policy or the database's recovery model",
    },
    Known {
        code: "UserErrorSQLPODoesNotExist",
        meaning: "the database is not there any more, or has another name",
        remedy: "correct [sql] backup, or stop the old one's protection",
    },
    Known {
        code: "UserErrorSQLLSNValidationFailure",
        meaning: "another tool's backup broke the chain of logs",
        remedy: "stop the other tool's backups of this database, then back it up in full",
    },
    Known {
        code: "UserErrorParentFullBackupMissing",
        meaning: "there is no full backup yet",
        remedy: "back the database up in full first",
    },
    Known {
        code: "UserErrorBackupFailedAsTransactionLogIsFull",
        meaning: "the transaction log is full (SQL error 9002)",
        remedy: "free space in the log",
    },
    Known {
        code: "OperationCancelledBecauseConflictingOperationRunningUserError",
        meaning: "a backup of this kind is running already",
        remedy: "wait for it to end",
    },
    Known {
        code: "UserErrorFileManipulationIsNotAllowedDuringBackup",
        meaning: "files of the database changed during the backup",
        remedy: "wait for the change to end, or remove the other backup product",
    },
    Known {
        code: "UserErrorOperationNotAllowedDatabaseMirroringEnabled",
        meaning: "the database is mirrored",
        remedy: "remove the mirroring",
    },
    Known {
        code: "CloudDosAbsoluteLimitReached",
        meaning: "the limit of operations in 24 hours is reached",
        remedy: "wait 24 hours",
    },
    Known {
        code: "CloudDosAbsoluteLimitReachedWithRetry",
        meaning: "the limit of operations in 24 hours is reached",
        remedy: "Azure tries again by itself",
    },
    Known {
        code: "FabricSvcBackupPreferenceCheckFailedUserError",
        meaning: "not every node of the availability group is registered",
        remedy: "name every node below [[vm]] and register them",
    },
    Known {
        code: "AutoProtectionCancelledOrNotValid",
        meaning: "automatic protection was switched off meanwhile",
        remedy: "switch it on again",
    },
    Known {
        code: "WlExtGenericIOFaultUserError",
        meaning: "a file could not be read or written as SYSTEM",
        remedy: "look at permissions and space",
    },
];

fn known(code: &str) -> Option<&'static Known> {
    KNOWN
        .iter()
        .find(|known| known.code.eq_ignore_ascii_case(code))
}

/// A kind of resource, for a person.
pub(crate) fn resource_kind(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Vault => "vault",
        ResourceKind::PublicNetworkAccess => "public network access",
        ResourceKind::PrivateEndpoint => "private endpoint",
        ResourceKind::Approval => "approval of the endpoint's connection",
        ResourceKind::PrivateDnsZone => "private DNS zone",
        ResourceKind::ZoneLink => "zone link",
        ResourceKind::ZoneGroup => "zone group",
        ResourceKind::Registration => "registration",
        ResourceKind::Policy => "policy",
        ResourceKind::Protection => "protection",
        ResourceKind::BackupJob => "backup",
    }
}

/// What became of a resource.
pub(crate) fn resource_state(state: ResourceState) -> &'static str {
    match state {
        ResourceState::Found => "there",
        ResourceState::Planned => "to be made",
        ResourceState::Made => "made",
    }
}
