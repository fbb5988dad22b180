//! Policies, items and jobs beyond the plain sequence.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use hyper::Method;
use serde_json::json;
use sidestep_lab::{Content, Fault, InitialProxy, Lab};
use support::{
    SUBSCRIPTION, arm, container, endpoint, item, order, protection, setup, vault, versioned,
};

/// A machine that is registered by its endpoint.
async fn lab() -> Lab {
    let faults = [Fault::PluginNotRegistered];
    Lab::start(setup(InitialProxy::None, &faults))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_policy_is_made_once_changed_and_listed_by_what_it_is_for() {
    let lab = lab().await;
    let arm = arm(&lab).await;
    let hourly = format!("{}/backupPolicies/HourlyLogBackup", vault());
    let like = arm.get(&hourly).await.body["properties"].clone();
    let mine = format!("{}/backupPolicies/mine", vault());
    assert_eq!(arm.get(&mine).await.status, 404);
    let body = json!({ "properties": like });
    for _ in 0..2 {
        let made = arm.put(&mine, body.clone()).await;
        assert_eq!((made.status, made.text("/name")), (200, "mine"));
    }
    assert_eq!(lab.census().policies, 1);
    let listed = |filter: &'static str| {
        let path = format!("{}/backupPolicies?$filter={filter}", vault());
        let arm = &arm;
        async move { arm.get(&path).await.list().len() }
    };
    assert_eq!(
        listed("backupManagementType%20eq%20'AzureWorkload'").await,
        2
    );
    assert_eq!(listed("backupManagementType%20eq%20'AzureIaasVM'").await, 0);
    let nonsense = arm.put(&mine, json!({ "properties": {} })).await;
    assert_eq!(
        (nonsense.status, nonsense.code()),
        (400, "BMSUserErrorInvalidInput")
    );

    // What is in use stays.
    arm.done(&arm.protect().await).await;
    let counted = arm.get(&hourly).await;
    assert_eq!(counted.body["properties"]["protectedItemsCount"], 1);
    let kept = arm
        .send(Method::DELETE, &versioned(&hourly), None)
        .await
        .unwrap();
    assert_eq!(kept.code(), "BMSUserErrorPolicyInUse");
    let gone = arm
        .send(Method::DELETE, &versioned(&mine), None)
        .await
        .unwrap();
    assert_eq!(gone.status, 200);
}

#[tokio::test]
async fn an_instance_is_protected_by_an_intent() {
    let lab = lab().await;
    let arm = arm(&lab).await;
    let name = "00000000-1111-2222-3333-444444444444";
    let path = format!(
        "{}/backupFabrics/Azure/backupProtectionIntent/{name}",
        vault()
    );
    let body = json!({ "properties": {
        "protectionIntentItemType": "RecoveryServiceVaultItem",
        "backupManagementType": "AzureWorkload",
        "itemId": format!("{}/protectableItems/sqlinstance;mssqlserver", container()),
        "policyId": format!("{}/backupPolicies/HourlyLogBackup", vault()),
    } });
    let listed = || async {
        let filter = "$filter=itemName%20eq%20'MSSQLSERVER'";
        arm.get(&format!("{}/backupProtectionIntents?{filter}", vault()))
            .await
            .list()
            .len()
    };
    assert_eq!(listed().await, 0);
    assert_eq!(arm.put(&path, body).await.status, 200);
    assert_eq!(listed().await, 1);
    let gone = arm
        .send(Method::DELETE, &versioned(&path), None)
        .await
        .unwrap();
    assert_eq!((gone.status, listed().await), (204, 0));
}

#[tokio::test]
async fn what_cannot_be_protected_is_refused() {
    let lab = lab().await;
    let arm = arm(&lab).await;
    let mut body = protection();
    body["properties"]["policyId"] = json!("nothing");
    assert_eq!(
        arm.put(&item(), body).await.code(),
        "BMSUserErrorInvalidInput"
    );
    let nothing = item().replace("orders", "nothing");
    assert_eq!(
        arm.put(&nothing, protection()).await.code(),
        "BMSUserErrorInvalidInput"
    );
    assert_eq!(lab.census().protections, 0);
    let path = format!(
        "{}/items?$filter=workloadItemType%20eq%20'SQLInstance'",
        container()
    );
    let items = arm.get(&path).await;
    let names: Vec<&str> = items
        .list()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["SQLInstance;MSSQLSERVER"]);
}

#[tokio::test]
async fn a_database_is_stopped_deleted_and_kept_for_a_while() {
    let lab = lab().await;
    let arm = arm(&lab).await;
    arm.located(&arm.register().await).await;
    arm.done(&arm.protect().await).await;
    arm.backed_up().await;
    let stop = json!({ "properties": {
        "protectedItemType": "AzureVmWorkloadSQLDatabase",
        "policyId": "",
        "protectionState": "ProtectionStopped",
    } });
    arm.done(&arm.put(&item(), stop).await).await;
    let state = || async {
        arm.get(&item())
            .await
            .text("/properties/protectionState")
            .to_owned()
    };
    assert_eq!(state().await, "ProtectionStopped");
    let refused = arm
        .post(&format!("{}/backup", item()), Some(order("Full")))
        .await;
    assert_eq!(refused.status, 400);
    let busy = arm
        .send(Method::DELETE, &versioned(&container()), None)
        .await
        .unwrap();
    assert_eq!(busy.code(), "BMSUserErrorContainerHasDatasources");

    let deleted = arm
        .send(Method::DELETE, &versioned(&item()), None)
        .await
        .unwrap();
    assert!(
        deleted
            .header("Azure-AsyncOperation")
            .unwrap()
            .contains("/rsv/backupOperations/")
    );
    arm.done(&deleted).await;
    let listed = arm.get(&format!("{}/backupProtectedItems", vault())).await;
    assert_eq!(
        listed.list()[0]["properties"]["isScheduledForDeferredDelete"],
        true
    );
    // Protected again, it is what it was.
    arm.done(&arm.protect().await).await;
    assert_eq!(state().await, "Protected");
}

#[tokio::test]
async fn a_job_that_is_cancelled_stores_nothing() {
    let mut wanted = setup(InitialProxy::None, &[Fault::PluginNotRegistered]);
    wanted.content = Content::Generated {
        bytes: 64 * 1024 * 1024,
        seed: 3,
    };
    let lab = Lab::start(wanted).await.unwrap();
    let arm = arm(&lab).await;
    arm.located(&arm.register().await).await;
    arm.done(&arm.protect().await).await;
    let early = arm
        .post(&format!("{}/backup", item()), Some(order("Log")))
        .await;
    assert_eq!(early.code(), "UserErrorParentFullBackupMissing");
    let seen = arm
        .post(&format!("{}/backup", item()), Some(order("Full")))
        .await;
    let job = arm.done(&seen).await.text("/properties/jobId").to_owned();
    let cancel = arm
        .post(&format!("{}/backupJobs/{job}/cancel", vault()), None)
        .await;
    assert_eq!(cancel.status, 202, "{:#}", cancel.body);
    assert_eq!(arm.located(&cancel).await.status, 204);
    assert_eq!(arm.job(&job).await.text("/properties/status"), "Cancelled");
    assert_eq!(lab.stored(), None);
}

#[tokio::test]
async fn an_endpoint_that_is_deleted_takes_its_records_along() {
    let lab = lab().await;
    let arm = arm(&lab).await;
    let all = "providers/Microsoft.Network/privateDnsZones";
    let zones = arm
        .get(&format!("/subscriptions/{SUBSCRIPTION}/{all}"))
        .await;
    let zone = zones.list()[0]["id"].as_str().unwrap().to_owned();
    let records = || async { arm.get(&format!("{zone}/ALL")).await.list().len() };
    assert_eq!(records().await, 8);
    let gone = arm
        .send(Method::DELETE, &versioned(&endpoint()), None)
        .await
        .unwrap();
    assert_eq!(gone.status, 202);
    assert_eq!(arm.located(&gone).await.status, 200);
    assert_eq!(
        (records().await, arm.get(&endpoint()).await.status),
        (0, 404)
    );
}

#[tokio::test]
async fn a_vault_is_made_and_opened() {
    let mut wanted = setup(InitialProxy::None, &[]);
    wanted.vault_exists = false;
    let lab = Lab::start(wanted).await.unwrap();
    let arm = arm(&lab).await;
    let body = json!({
        "location": "japaneast",
        "sku": { "name": "RS0", "tier": "Standard" },
        "properties": {
            "publicNetworkAccess": "Disabled",
            "redundancySettings": { "standardTierStorageRedundancy": "ZoneRedundant" },
        },
    });
    let made = arm.put(&vault(), body).await;
    assert_eq!(
        (made.status, made.text("/properties/provisioningState")),
        (201, "Provisioning")
    );
    assert!(
        made.header("Azure-AsyncOperation")
            .unwrap()
            .contains("/operationStatus/MjA0Nzs")
    );
    assert_eq!(arm.done(&made).await.text("/status"), "Succeeded");
    let open = json!({ "properties": { "publicNetworkAccess": "Enabled" } });
    let path = versioned(&vault());
    let changed = arm.send(Method::PATCH, &path, Some(open)).await.unwrap();
    assert_eq!(changed.status, 202);
    let changed = arm.located(&changed).await;
    assert_eq!(changed.text("/properties/publicNetworkAccess"), "Enabled");
    assert_eq!(
        changed.text("/properties/redundancySettings/standardTierStorageRedundancy"),
        "ZoneRedundant"
    );
    assert_eq!(lab.census().vaults, 1);
}
