//! Resource Manager, driven by an outsider: the order of things, and what breaks it.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use hyper::Method;
use serde_json::{Value, json};
use sidestep_lab::{Fault, InitialProxy, Lab, Path, Service, Who};
use support::{
    Arm, GOOD_LIST, PLUGIN, SYSTEM, arm, container, endpoint, endpoint_body, item, machine, order,
    registration, registry, rewrite, setup, vault, versioned,
};

async fn lab(faults: &[Fault]) -> Lab {
    Lab::start(setup(InitialProxy::On, faults)).await.unwrap()
}

#[tokio::test]
async fn the_whole_sequence() {
    let lab = lab(&[]).await;
    let arm = arm(&lab).await;
    rewrite(&lab, GOOD_LIST, &[SYSTEM]);
    assert!(!registry(&lab).contains(PLUGIN));

    let seen = arm.get(&format!("{}/privateLinkResources", vault())).await;
    let zones = seen.list()[0]["properties"]["requiredZoneNames"].clone();
    assert_eq!(zones[0], "privatelink.jpe.backup.windowsazure.com");
    arm.make_endpoint().await;
    let seen = arm.get(&vault()).await;
    assert_eq!(
        seen.text("/properties/privateEndpointStateForBackup"),
        "Enabled"
    );
    assert_eq!(
        seen.text("/properties/privateEndpointConnections/0/properties/privateLinkServiceConnectionState/status"),
        "Approved"
    );
    let at_first = records(&arm).await;
    assert_eq!(at_first.as_array().unwrap().len(), 8, "{at_first:#}");
    assert!(!at_first.to_string().contains("privatelink"));

    discover(&lab, &arm).await;
    let seen = arm.protect().await;
    assert_eq!((seen.status, &seen.body), (202, &Value::Null));
    let seen = arm.done(&seen).await;
    let job = arm.job(seen.text("/properties/jobId")).await;
    assert_eq!(job.text("/properties/operation"), "ConfigureBackup");
    let state = |seen: &support::Seen| seen.text("/properties/protectionState").to_owned();
    assert_eq!(state(&arm.get(&item()).await), "IRPending");

    drop(lab.take_connections());
    let job = arm.backed_up().await;
    assert_eq!(
        job.text("/properties/status"),
        "Completed",
        "{:#}",
        job.body
    );
    assert_eq!(job.text("/properties/operation"), "Backup (Full)");
    assert_eq!(job.text("/properties/activityId"), "the-clients-own-name");
    assert_eq!(
        job.text("/properties/extendedInfo/propertyBag/Data Transferred (in MB)"),
        "2.3842"
    );
    let seen = arm.get(&item()).await;
    assert_eq!(state(&seen), "Protected");
    assert_eq!(seen.text("/properties/lastBackupStatus"), "Healthy");
    assert_eq!(records(&arm).await.as_array().unwrap().len(), 11);
    let stored = lab.stored().unwrap();
    assert_eq!(
        (stored.bytes, stored.database.as_str()),
        (2_500_000, "MSSQLSERVER/orders")
    );
    let streamed = lab.take_connections();
    assert!(
        streamed.iter().all(|seen| seen.path != Path::Proxy),
        "{streamed:#?}"
    );
    assert!(streamed.iter().any(|seen| {
        (seen.account, seen.service, seen.path)
            == (Who::Plugin, Service::Blob, Path::PrivateEndpoint)
    }));

    check_census_and_log(&lab, &arm);
}

/// Refreshes, registers and lists, each answer looked at.
async fn discover(lab: &Lab, arm: &Arm<'_>) {
    let filter = "?$filter=backupManagementType%20eq%20'AzureWorkload'";
    let fabric = format!("{}/backupFabrics/Azure", vault());
    let seen = arm
        .get(&format!("{fabric}/protectableContainers{filter}"))
        .await;
    assert_eq!(
        seen.list()[0]["name"],
        "VMAppContainer;Compute;rg-sql;sqlvm1-with-a-long-name"
    );
    let seen = arm
        .post(&format!("{fabric}/refreshContainers{filter}"), None)
        .await;
    assert_eq!(seen.status, 202);
    assert_eq!(arm.located(&seen).await.status, 204);

    let seen = arm.register().await;
    assert_eq!((seen.status, &seen.body), (202, &json!({})));
    let status = seen.header("Azure-AsyncOperation").unwrap();
    assert!(status.contains("api-version=2019-05-13-preview&t="));
    assert!(status.len() > 2048, "{}", status.len());
    let registered = arm.located(&seen).await;
    assert_eq!(
        registered.text("/properties/registrationStatus"),
        "Registered"
    );
    assert_eq!(
        registered.text("/properties/extendedInfo/hostServerName"),
        "sqlvm1-with-a-l"
    );
    assert!(registry(lab).contains(&format!("[HKEY_USERS\\{PLUGIN}\\")));
    assert_eq!(records(arm).await.as_array().unwrap().len(), 10);
    rewrite(lab, GOOD_LIST, &[SYSTEM, PLUGIN]);

    let seen = arm
        .post(&format!("{}/inquire{filter}", container()), None)
        .await;
    assert_eq!(arm.located(&seen).await.status, 204);
    let seen = arm
        .get(&format!("{}/backupProtectableItems{filter}", vault()))
        .await;
    let names: Vec<&str> = seen
        .list()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "sqlinstance;mssqlserver",
            "sqldatabase;mssqlserver;master",
            "sqldatabase;mssqlserver;model",
            "sqldatabase;mssqlserver;msdb",
            "sqldatabase;mssqlserver;orders"
        ]
    );
}

/// What the endpoint has addresses for.
async fn records(arm: &Arm<'_>) -> Value {
    arm.get(&endpoint()).await.body["properties"]["customDnsConfigs"].clone()
}

fn check_census_and_log(lab: &Lab, arm: &Arm<'_>) {
    let census = lab.census();
    let made = [
        census.endpoints,
        census.zone_groups,
        census.registrations,
        census.protections,
        census.backup_jobs,
    ];
    assert_eq!(made, [1; 5]);
    assert_eq!((census.vaults, census.zones, census.links), (0, 0, 0));
    assert_eq!(census.requests["PUT"], 4);
    let log = std::fs::read_to_string(lab.azure_log()).unwrap();
    assert_eq!(log.lines().count(), census.requests.values().sum::<usize>());
    assert!(!log.contains(&arm.token));
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(first["method"], "GET");
}

#[tokio::test]
async fn nothing_goes_before_what_it_needs() {
    let lab = lab(&[]).await;
    let arm = arm(&lab).await;
    let seen = arm.protect().await;
    assert_eq!(seen.status, 404, "{:#}", seen.body);
    let seen = arm
        .post(&format!("{}/backup", item()), Some(order("Full")))
        .await;
    assert_eq!(seen.status, 404);
    let group = format!("{}/privateDnsZoneGroups/default", endpoint());
    let body = json!({ "properties": { "privateDnsZoneConfigs": [] } });
    assert_eq!(
        arm.put(&group, body.clone()).await.code(),
        "ResourceNotFound"
    );
    // The endpoint is not ready yet, so nothing can be made on it.
    arm.put(&endpoint(), endpoint_body()).await;
    let seen = arm.put(&group, body).await;
    assert_eq!(
        (seen.status, seen.code()),
        (429, "RetryableErrorDueToAnotherOperation")
    );
    assert!(seen.header("Retry-After").is_some());
    assert_eq!(lab.census().zone_groups, 0);
}

#[tokio::test]
async fn a_registration_that_cannot_call_out_is_azures_error_and_uses_the_vault_up() {
    // The proxy does not see the endpoint, and SYSTEM's list does not go around it.
    let lab = lab(&[]).await;
    let arm = arm(&lab).await;
    let seen = arm.register().await;
    let failed = arm.located(&seen).await;
    assert_eq!(failed.status, 400);
    assert_eq!(failed.code(), "UserErrorVMInternetConnectivityIssue");
    assert_eq!(arm.done(&seen).await.text("/error/code"), failed.code());
    let met = lab.failures();
    assert_eq!(
        (met[0].account, met[0].service),
        (Who::System, Service::Backup)
    );
    assert!(!registry(&lab).contains(PLUGIN));
    let listed = arm
        .get(&format!("{}/backupProtectionContainers", vault()))
        .await;
    assert!(listed.list().is_empty());
    // Even a failed attempt counts.
    let refused = arm.put(&endpoint(), endpoint_body()).await;
    assert_eq!(refused.status, 400, "{:#}", refused.body);
    assert_eq!(lab.census().endpoints, 0);
}

#[tokio::test]
async fn records_by_hand_fail_first_at_discovery_and_then_at_the_first_backup() {
    let mut wanted = setup(InitialProxy::On, &[]);
    wanted.dns_by_hand = true;
    let lab = Lab::start(wanted).await.unwrap();
    let arm = arm(&lab).await;
    rewrite(&lab, GOOD_LIST, &[SYSTEM, PLUGIN]);
    let seen = arm.put(&endpoint(), endpoint_body()).await;
    arm.done(&seen).await;
    lab.enter_records();

    let code = "UserErrorVMInternetConnectivityIssue";
    let failed = arm.located(&arm.register().await).await;
    assert_eq!(failed.code(), code);
    assert_eq!(lab.failures()[0].service, Service::Queue);
    lab.enter_records();
    let registered = arm.located(&arm.register().await).await;
    assert_eq!(registered.status, 200, "{:#}", registered.body);

    arm.done(&arm.protect().await).await;
    let job = arm.backed_up().await;
    assert_eq!(job.text("/properties/status"), "Failed");
    assert_eq!(job.text("/properties/errorDetails/0/errorTitle"), code);
    assert_eq!(lab.failures()[1].service, Service::Blob);
    assert_eq!(
        arm.get(&item()).await.text("/properties/lastBackupStatus"),
        "Unhealthy"
    );
    assert_eq!(lab.stored(), None);
    lab.enter_records();
    assert_eq!(
        arm.backed_up().await.text("/properties/status"),
        "Completed"
    );
    assert!(lab.stored().is_some());
}

#[tokio::test]
async fn what_is_asked_twice_is_made_once() {
    let lab = lab(&[Fault::AccountsWithoutProxy]).await;
    let arm = arm(&lab).await;
    let zone = "/providers/Microsoft.Network/privateDnsZones/example.test";
    let zone = format!("{}{zone}", support::GROUP);
    for path in [endpoint(), zone] {
        let body = if path == endpoint() {
            endpoint_body()
        } else {
            json!({ "location": "global" })
        };
        let one = arm.put(&path, body.clone()).await;
        let other = arm.put(&path, body).await;
        let operation = |seen: &support::Seen| {
            let address = seen.header("Azure-AsyncOperation").unwrap();
            address.split('?').next().unwrap().to_owned()
        };
        assert_eq!(operation(&one), operation(&other));
        arm.done(&other).await;
    }
    let one = arm.register().await;
    let other = arm.register().await;
    let path = |seen: &support::Seen| {
        let address = seen.header("Location").unwrap();
        address.split('?').next().unwrap().to_owned()
    };
    assert_eq!(path(&one), path(&other));
    let census = lab.census();
    assert_eq!(
        (census.endpoints, census.zones, census.registrations),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn a_zone_group_keeps_its_records_while_it_is_put_again() {
    let lab = lab(&[]).await;
    let arm = arm(&lab).await;
    arm.make_endpoint().await;
    let path = format!("{}/privateDnsZoneGroups/default", endpoint());
    let group = arm.get(&path).await.body;
    let again = arm.put(&path, group.clone()).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.body["properties"], group["properties"]);
    assert!(
        again
            .body
            .to_string()
            .contains("-ab-pod01-wbcm1.privatelink.jpe.")
    );
    assert_eq!(lab.census().zone_groups, 1);
}

#[tokio::test]
async fn a_second_backup_while_one_runs_is_refused() {
    let lab = lab(&[Fault::PluginNotRegistered, Fault::AccountsWithoutProxy]).await;
    let arm = arm(&lab).await;
    arm.located(&arm.register().await).await;
    arm.done(&arm.protect().await).await;
    let path = format!("{}/backup", item());
    let first = arm.post(&path, Some(order("Full"))).await;
    let second = arm.post(&path, Some(order("CopyOnlyFull"))).await;
    assert_eq!(first.status, 202);
    assert_eq!(second.status, 409, "{:#}", second.body);
    assert_eq!(
        second.code(),
        "OperationCancelledBecauseConflictingOperationRunningUserError"
    );
    assert_eq!(lab.census().backup_jobs, 1);
    // The job shows as running at its first look, however quick it was.
    let status = arm.done(&first).await;
    let job = format!(
        "{}/backupJobs/{}",
        vault(),
        status.text("/properties/jobId")
    );
    assert_eq!(arm.get(&job).await.text("/properties/status"), "InProgress");
    assert_eq!(
        arm.job(status.text("/properties/jobId"))
            .await
            .text("/properties/status"),
        "Completed"
    );
    let listed = arm
        .get(&format!(
            "{}/backupJobs?$filter=operation%20eq%20'Backup'",
            vault()
        ))
        .await;
    assert_eq!(listed.list().len(), 1, "{:#}", listed.body);
}

#[tokio::test]
async fn without_the_plugins_account_nothing_streams_until_it_is_registered_again() {
    let lab = lab(&[Fault::PluginNotRegistered, Fault::AccountsWithoutProxy]).await;
    let arm = arm(&lab).await;
    let listed = arm
        .get(&format!("{}/backupProtectionContainers", vault()))
        .await;
    assert_eq!(listed.list().len(), 1);
    arm.done(&arm.protect().await).await;
    let job = arm.backed_up().await;
    assert_eq!(
        job.text("/properties/errorDetails/0/errorTitle"),
        "UserErrorWorkloadExtensionNotInstalled"
    );
    let mut again = registration();
    again["properties"]["operationType"] = json!("Reregister");
    arm.located(&arm.put(&container(), again).await).await;
    assert_eq!(
        arm.backed_up().await.text("/properties/status"),
        "Completed"
    );
}

#[tokio::test]
async fn unlinked_zones_let_a_backup_go_past_the_endpoint_where_the_vault_is_open() {
    let ends = |is_open: bool| async move {
        let mut wanted = setup(InitialProxy::None, &[Fault::ZonesNotLinked]);
        wanted.vault_public_access = is_open;
        let lab = Lab::start(wanted).await.unwrap();
        let arm = arm(&lab).await;
        arm.make_endpoint().await;
        let status = arm.located(&arm.register().await).await.status;
        let taken = lab.take_connections();
        assert!(
            taken.iter().all(|seen| seen.path != Path::PrivateEndpoint),
            "{taken:#?}"
        );
        status
    };
    assert_eq!(ends(true).await, 200);
    assert_eq!(ends(false).await, 400);
}

#[tokio::test]
async fn a_vault_that_was_used_gets_no_first_endpoint() {
    let lab = lab(&[Fault::VaultNotEmpty]).await;
    let arm = arm(&lab).await;
    let listed = arm
        .get(&format!("{}/backupProtectionContainers", vault()))
        .await;
    assert_eq!(listed.list()[0]["properties"]["friendlyName"], "sqlold");
    let seen = arm.put(&endpoint(), endpoint_body()).await;
    assert_eq!(seen.status, 400);
    assert!(seen.text("/error/message").contains("registered"));
}

#[tokio::test]
async fn an_endpoint_by_hand_waits_for_approval() {
    let lab = lab(&[]).await;
    let arm = arm(&lab).await;
    let mut body = endpoint_body();
    let connections = body["properties"]["privateLinkServiceConnections"].take();
    body["properties"]["manualPrivateLinkServiceConnections"] = connections;
    let seen = arm.put(&endpoint(), body).await;
    arm.done(&seen).await;
    assert_eq!(records(&arm).await, json!([]));
    let seen = arm.get(&vault()).await;
    let mut connection = seen.body["properties"]["privateEndpointConnections"][0].clone();
    let state = &mut connection["properties"]["privateLinkServiceConnectionState"];
    assert_eq!(state["status"], "Pending");
    state["status"] = json!("Approved");
    let path = connection["id"].as_str().unwrap().to_owned();
    let seen = arm.put(&path, connection).await;
    assert_eq!(seen.status, 201);
    arm.done(&seen).await;
    assert_eq!(records(&arm).await.as_array().unwrap().len(), 8);
}

#[tokio::test]
async fn unregistering_answers_with_azures_own_slip() {
    let lab = lab(&[Fault::PluginNotRegistered, Fault::AccountsWithoutProxy]).await;
    let arm = arm(&lab).await;
    let seen = arm
        .send(Method::DELETE, &versioned(&container()), None)
        .await
        .unwrap();
    assert_eq!(seen.status, 202);
    let location = seen.header("Location").unwrap();
    assert!(
        location.contains("fabricName=Azure%3fapi-version%3d2024-04-01&t="),
        "{location}"
    );
    let location = location
        .strip_prefix("https://management.azure.com")
        .unwrap();
    let lost = arm.send(Method::GET, location, None).await.unwrap();
    assert_eq!(lost.code(), "MissingApiVersionParameter");
    let operation = location
        .split(['/', '?'])
        .find(|part| part.len() == 36 && part.contains("-4"));
    let operation = location
        .split("backupOperationResults/")
        .nth(1)
        .and_then(|rest| rest.split('?').next())
        .or(operation)
        .unwrap();
    let result = versioned(&format!("{}/operationResults/{operation}", container()));
    let result = format!("https://management.azure.com{result}");
    assert_eq!(
        arm.follow(&result, |seen| seen.status != 202).await.status,
        204
    );
}

#[tokio::test]
async fn paths_know_no_case_and_machines_are_there() {
    let lab = lab(&[]).await;
    let arm = arm(&lab).await;
    let seen = arm.get(&vault().to_uppercase()).await;
    assert_eq!(seen.text("/name"), "rsv");
    let seen = arm.get(&machine()).await;
    assert_eq!(seen.text("/location"), "japaneast");
    let subnet = arm.get(&setup(InitialProxy::None, &[]).subnet_id).await;
    let used = |subnet: &support::Seen| {
        subnet.body["properties"]["ipConfigurations"]
            .as_array()
            .unwrap()
            .len()
    };
    let before = used(&subnet);
    arm.make_endpoint().await;
    let subnet = arm.get(&setup(InitialProxy::None, &[]).subnet_id).await;
    assert_eq!(used(&subnet), before + 8);
    // There is room for one endpoint, and not for two.
    let seen = arm
        .put(&endpoint().replace("/pe", "/pe2"), endpoint_body())
        .await;
    assert_eq!(seen.code(), "SubnetIsFull");
}
