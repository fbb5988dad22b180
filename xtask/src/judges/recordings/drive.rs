//! The call of ours that does what was recorded.

use jiff::Timestamp;
use serde_json::Value;
use sidestep_azure::{
    ArmId, Azure, BackupKind, BackupOrder, Container, ItemKind, Job, JobFilter, JobOperation,
    NewVault, Policy, ProtectableItem, ProtectedItem, Registration, StartBackupError, Vault,
};

use super::command::Kind;
use super::outcome::{Entity, Outcome, entity, outcome};
use super::recording::Interaction;

/// Does with our client what was recorded.
pub(super) async fn drive(kind: Kind, azure: &Azure, interaction: &Interaction) -> Outcome {
    let path = format!("/{}", interaction.segments().join("/"));
    let Some(id) = resource(&path) else {
        return Outcome::NoId(path);
    };
    let vault = id.up_to("vaults").unwrap_or_else(|| id.clone());
    let name = id.name().to_owned();
    match kind {
        Kind::Vault => outcome(azure.vault(&id).await, of_vault),
        Kind::LinkResources => outcome(azure.private_link_resources(&vault).await, |link| Entity {
            id: String::new(),
            facts: vec![("/properties/groupId", link.group_id)],
        }),
        Kind::ProtectableContainers => {
            outcome(azure.protectable_containers(&vault).await, |container| {
                let vm = container.vm.to_string();
                entity(&container.id, [("/properties/containerId", vm)])
            })
        }
        Kind::Containers => outcome(azure.containers(&vault).await, of_container),
        Kind::ProtectableItems => outcome(azure.protectable_items(&vault).await, of_protectable),
        Kind::ProtectedItems => outcome(azure.protected_items(&vault).await, of_protected),
        Kind::ProtectedItem => outcome(azure.protected_item(&id).await, of_protected),
        Kind::Policies => outcome(azure.policies(&vault).await, of_policy),
        Kind::Policy => outcome(azure.policy(&vault, &name).await, of_policy),
        Kind::Jobs => {
            let filter = JobFilter {
                operation: Some(JobOperation::Backup),
                since: Timestamp::UNIX_EPOCH,
            };
            outcome(azure.jobs(&vault, &filter).await, of_job)
        }
        Kind::Job => outcome(azure.job(&vault, &name).await.map(Some), of_job),
        Kind::VirtualNetwork => outcome(azure.virtual_network(&id).await, |network| {
            entity(&network.id, [("/location", network.location)])
        }),
        Kind::Subnet => outcome(azure.subnet(&id).await, |subnet| entity(&subnet.id, [])),
        Kind::Machine => outcome(azure.virtual_machine(&id).await, |machine| {
            entity(&machine.id, [("/location", machine.location)])
        }),
        Kind::PrivateEndpoint => outcome(azure.private_endpoint(&id).await, |endpoint| {
            let state = endpoint.provisioning_state;
            entity(&endpoint.id, [("/properties/provisioningState", state)])
        }),
        Kind::PrivateDnsZone => outcome(azure.private_dns_zone(&id).await, |zone| {
            entity(&zone.id, [("/name", zone.name)])
        }),
        _ => write(kind, azure, id, interaction).await,
    }
}

/// Does what changes something.
async fn write(kind: Kind, azure: &Azure, id: ArmId, interaction: &Interaction) -> Outcome {
    let vault = id.up_to("vaults").unwrap_or_else(|| id.clone());
    let name = id.name().to_owned();
    let text = |pointer: &str| {
        let value = interaction.body.pointer(pointer);
        value.and_then(Value::as_str).unwrap_or_default()
    };
    match kind {
        Kind::CreateVault => {
            let new = NewVault {
                location: text("/location").to_owned(),
                redundancy: "GeoRedundant".to_owned(),
                public_network_access: text("/properties/publicNetworkAccess") == "Enabled",
            };
            outcome(azure.create_vault(&id, &new).await.map(Some), |vault| {
                entity(&vault.id, [])
            })
        }
        Kind::PatchVault => {
            let allowed = text("/properties/publicNetworkAccess") == "Enabled";
            let patched = azure.set_public_network_access(&id, allowed).await;
            outcome(patched.map(Some), |vault| entity(&vault.id, []))
        }
        Kind::Refresh => {
            let done = azure.refresh_containers(&vault).await;
            outcome(done.map(|()| None), of_container)
        }
        Kind::Register => {
            let vm = ArmId::parse(text("/properties/sourceResourceId"));
            let registration = match text("/properties/operationType") {
                "Reregister" => Registration::Again,
                _ => Registration::New,
            };
            let vm = vm.unwrap_or_else(|| id.clone());
            let registered = azure.register(&vault, &name, &vm, registration).await;
            outcome(registered.map(Some), of_container)
        }
        Kind::Inquire | Kind::ForeignLocation => {
            let container = id.name_of("protectionContainers").unwrap_or("none");
            let done = azure.inquire(&vault, container).await;
            outcome(done.map(|()| None), of_container)
        }
        Kind::Protect | Kind::ForeignStatus => {
            let policy = ArmId::parse(text("/properties/policyId"));
            let policy = policy.unwrap_or_else(|| vault.child("backupPolicies", "none"));
            let done = azure
                .protect(&vault, &protectable(&id), &as_policy(policy))
                .await;
            outcome(done.map(|()| None), of_container)
        }
        Kind::Backup => {
            let order = BackupOrder {
                kind: match text("/properties/backupType") {
                    "CopyOnlyFull" => BackupKind::CopyOnlyFull,
                    _ => BackupKind::Full,
                },
                keep_until: None,
                request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            };
            match azure.start_backup(&protected(id), &order).await {
                Ok(job) => Outcome::Job(job.to_string()),
                Err(StartBackupError::Refused(error) | StartBackupError::Doubtful(error)) => {
                    Outcome::Error(error)
                }
            }
        }
        Kind::CreatePolicy => {
            let made = azure.create_policy(&vault, &name).await;
            outcome(made.map(Some), of_policy)
        }
        _ => Outcome::NoId(id.to_string()),
    }
}

/// The resource that a path is of, or is a list or an action of.
fn resource(path: &str) -> Option<ArmId> {
    ArmId::parse(path).or_else(|| ArmId::parse(path.rsplit_once('/')?.0))
}

fn of_vault(vault: Vault) -> Entity {
    let access = if vault.public_network_access {
        "Enabled"
    } else {
        "Disabled"
    };
    let facts = [
        ("/location", vault.location),
        ("/properties/publicNetworkAccess", access.to_owned()),
        ("/properties/provisioningState", vault.provisioning_state),
    ];
    entity(&vault.id, facts)
}

fn of_container(container: Container) -> Entity {
    let facts = [
        ("/name", container.name),
        ("/properties/sourceResourceId", container.vm.to_string()),
        (
            "/properties/registrationStatus",
            container.registration_status,
        ),
        ("/properties/healthStatus", container.health_status),
        (
            "/properties/extendedInfo/hostServerName",
            container.server_name.unwrap_or_default(),
        ),
    ];
    entity(&container.id, facts)
}

fn of_protectable(item: ProtectableItem) -> Entity {
    let kind = match item.kind {
        ItemKind::Database => "SQLDataBase".to_owned(),
        ItemKind::Instance => "SQLInstance".to_owned(),
        ItemKind::AvailabilityGroup => "SQLAvailabilityGroupContainer".to_owned(),
        ItemKind::Other(kind) => kind,
    };
    let facts = [
        ("/name", item.name),
        ("/properties/protectableItemType", kind),
        ("/properties/friendlyName", item.friendly_name),
        ("/properties/parentName", item.instance),
        ("/properties/serverName", item.server_name),
        ("/properties/protectionState", item.protection_state),
        ("/properties/IsProtectable", item.is_protectable.to_string()),
    ];
    entity(&item.id, facts)
}

fn of_protected(item: ProtectedItem) -> Entity {
    let text = |id: Option<ArmId>| id.map(|id| id.to_string()).unwrap_or_default();
    let facts = [
        ("/name", item.name),
        ("/properties/friendlyName", item.friendly_name),
        ("/properties/parentName", item.instance),
        ("/properties/serverName", item.server_name),
        ("/properties/sourceResourceId", text(item.vm)),
        ("/properties/containerName", item.container_name),
        ("/properties/protectionState", item.protection_state),
        ("/properties/protectionStatus", item.protection_status),
        ("/properties/lastBackupStatus", item.last_backup_status),
        ("/properties/policyId", text(item.policy)),
    ];
    entity(&item.id, facts)
}

fn of_policy(policy: Policy) -> Entity {
    let facts = [
        ("/name", policy.name),
        ("/properties/workLoadType", policy.workload),
    ];
    entity(&policy.id, facts)
}

fn of_job(job: Job) -> Entity {
    let facts = vec![
        ("/name", job.id),
        ("/properties/operation", job.operation),
        ("/properties/status", job.status),
        ("/properties/entityFriendlyName", job.entity),
        ("/properties/duration", job.duration.unwrap_or_default()),
        (
            "/properties/activityId",
            job.activity_id.unwrap_or_default(),
        ),
    ];
    Entity {
        id: String::new(),
        facts,
    }
}

/// A database to protect, of which only the id is sent.
fn protectable(id: &ArmId) -> ProtectableItem {
    ProtectableItem {
        id: id.clone(),
        name: id.name().to_owned(),
        container: String::new(),
        kind: ItemKind::Database,
        friendly_name: String::new(),
        instance: String::new(),
        server_name: String::new(),
        protection_state: String::new(),
        is_protectable: true,
    }
}

/// A database to back up, of which only the id is sent.
fn protected(id: ArmId) -> ProtectedItem {
    ProtectedItem {
        name: id.name().to_owned(),
        id,
        friendly_name: String::new(),
        instance: String::new(),
        server_name: String::new(),
        vm: None,
        container_name: String::new(),
        protection_state: String::new(),
        protection_status: String::new(),
        last_backup_status: String::new(),
        last_backup_time: None,
        last_recovery_point: None,
        policy: None,
        is_soft_deleted: false,
    }
}

fn as_policy(id: ArmId) -> Policy {
    Policy {
        name: id.name().to_owned(),
        id,
        workload: String::new(),
    }
}
