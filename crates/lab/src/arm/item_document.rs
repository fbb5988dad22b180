//! How a protected database shows itself.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::call::Call;
use super::identity::{guid, timestamp};
use super::network::server_name;
use super::state::{Item, Vault, last_part};

/// Days for which a deleted item is kept.
const KEPT_DAYS: i64 = 14;

/// As recorded, before the first backup and after it.
pub(super) fn document(call: &Call, vault: &Vault, item: &Item) -> Value {
    let failed = matches!(&item.last, Some((_, Some(_))));
    let (state, health) = match (item.is_stopped, item.points.is_empty(), failed) {
        (true, _, _) => ("ProtectionStopped", "Healthy"),
        (_, true, true) => ("IRPending", "Unhealthy"),
        (_, true, false) => ("IRPending", "IRPending"),
        (_, false, true) => ("Protected", "Unhealthy"),
        (_, false, false) => ("Protected", "Healthy"),
    };
    // As recorded: `compute` in lower case here, and nowhere else.
    let container = item.container.replacen(";Compute;", ";compute;", 1);
    let mut extended = json!({
        "recoveryPointCount": item.points.len(),
        "policyState": "Consistent",
        "recoveryModel": "SIMPLE",
    });
    if let Some(first) = item.points.first() {
        extended["oldestRecoveryPoint"] = Value::from(timestamp(*first));
    }
    let number = guid(&item.name).bytes().fold(70_000_000_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(byte)) % 100_000_000_000_000
    });
    let mut properties = json!({
        "friendlyName": item.database,
        "serverName": server_name(last_part(&item.machine)),
        "parentName": item.instance,
        "parentType": "AzureVmWorkloadSQLInstance",
        "protectionStatus": "Healthy",
        "protectionState": state,
        "lastBackupStatus": health,
        "protectedItemDataSourceId": number.to_string(),
        "protectedItemHealthStatus": health,
        "extendedInfo": extended,
        "protectedItemType": "AzureVmWorkloadSQLDatabase",
        "backupManagementType": "AzureWorkload",
        "workloadType": "SQLDataBase",
        "containerName": container,
        "sourceResourceId": item.machine,
        "policyId": item.policy,
        "vaultId": format!("{}{}", call.origin, vault.id),
        "isArchiveEnabled": false,
    });
    match &item.last {
        Some((at, None)) => properties["lastBackupTime"] = Value::from(timestamp(*at)),
        Some((at, Some(problem))) => {
            properties["lastBackupTime"] = Value::from(timestamp(*at));
            properties["lastBackupErrorDetail"] = problem.inner();
        }
        None => properties["lastBackupErrorDetail"] = json!({ "code": "Success", "message": "" }),
    }
    if let Some(last) = item.points.last() {
        properties["lastRecoveryPoint"] = Value::from(timestamp(*last));
    }
    if let Some(deleted) = item.deleted {
        let end = deleted + SignedDuration::from_hours(24 * KEPT_DAYS);
        properties["isScheduledForDeferredDelete"] = Value::from(true);
        properties["deferredDeleteTimeInUTC"] = Value::from(timestamp(end));
        properties["deferredDeleteTimeRemaining"] = Value::from(format!("{KEPT_DAYS} days"));
    }
    json!({
        "id": format!(
            "{}/backupFabrics/Azure/protectionContainers/{container}/protectedItems/{}",
            vault.id, item.name
        ),
        "name": item.name,
        "type": "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems",
        "properties": properties,
    })
}
