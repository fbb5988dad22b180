//! What is sent, how often, and what is understood.

use crate::loopback::{ARM, Answer, Loopback, Seen, TOKEN, answer, options, vault};
use sidestep_azure::{
    ArmId, Azure, AzureError, BackupKind, BackupOrder, JobFilter, JobOperation, JobState,
    NewPrivateEndpoint, OwnProxy, ProtectedItem, Registration, StartBackupError,
};

const VAULT: &str = r#"{"id":"/subscriptions/S/resourceGroups/RG/providers/Microsoft.RecoveryServices/vaults/v",
    "location":"japaneast","properties":{"provisioningState":"Succeeded","publicNetworkAccess":"Disabled",
    "privateEndpointConnections":[{"id":"/subscriptions/S/resourceGroups/RG/providers/Microsoft.RecoveryServices/vaults/v/privateEndpointConnections/pe.1.backup.2",
    "properties":{"privateEndpoint":{"id":"/subscriptions/S/resourceGroups/RG/providers/Microsoft.Network/privateEndpoints/pe"},
    "privateLinkServiceConnectionState":{"status":"Approved"}}}]}}"#;

fn error(code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#)
}

#[tokio::test]
async fn a_request_says_who_asks_and_its_answer_is_read() {
    let azure =
        Loopback::start(|_, _| answer(200, VAULT).header("date", "Thu, 26 Nov 2026 10:00:00 GMT"))
            .await;
    let client = azure.azure();
    let found = client.vault(&vault()).await.unwrap().unwrap();
    assert!(!found.public_network_access);
    assert_eq!(found.connections[0].status, "Approved");
    assert_eq!(
        found.id,
        ArmId::parse(&found.id.as_str().to_lowercase()).unwrap()
    );
    assert_eq!(
        client.server_time().unwrap().to_string(),
        "2026-11-26T10:00:00Z"
    );
    client.vault(&vault()).await.unwrap();

    let seen = azure.seen();
    assert_eq!(
        seen[0].target,
        "/subscriptions/s/resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults/v?api-version=2024-04-01"
    );
    assert_eq!(
        seen[0].header("authorization"),
        Some(&*format!("Bearer {TOKEN}"))
    );
    assert!(
        seen[0]
            .header("user-agent")
            .unwrap()
            .starts_with("sidestep/")
    );
    let id = seen[0].header("x-ms-client-request-id").unwrap();
    assert_eq!(id.len(), 36);
    assert_ne!(Some(id), seen[1].header("x-ms-client-request-id"));
    assert_eq!(azure.tokens(), 1, "a token is good for many requests");
}

#[tokio::test]
async fn reads_are_repeated_until_azure_has_time() {
    let azure = Loopback::start(|_, before| match before {
        0 => answer(429, error("TooManyRequests", "")).header("retry-after", "0"),
        1 => answer(503, "<html>gateway</html>"),
        2 => Answer::Lost,
        3 => answer(408, ""),
        _ => answer(200, VAULT),
    })
    .await;
    assert!(azure.azure().vault(&vault()).await.unwrap().is_some());
    assert_eq!(azure.seen().len(), 5);
}

#[tokio::test]
async fn patience_ends() {
    let azure = Loopback::start(|_, _| answer(503, "").header("retry-after", "3600")).await;
    let refused = azure.azure().vault(&vault()).await.unwrap_err();
    assert!(matches!(refused, AzureError::Refused(refusal) if refusal.status == 503));
    assert_eq!(azure.seen().len(), 1, "an hour is beyond the deadline");
}

#[tokio::test]
async fn a_token_that_ran_out_is_replaced_once() {
    let azure = Loopback::start(|_, before| match before {
        0 => answer(401, error("ExpiredAuthenticationToken", "")),
        _ => answer(200, VAULT),
    })
    .await;
    assert!(azure.azure().vault(&vault()).await.unwrap().is_some());
    assert_eq!((azure.seen().len(), azure.tokens()), (2, 2));

    let azure = Loopback::start(|_, _| {
        answer(
            401,
            error("InvalidAuthenticationTokenTenant", "wrong issuer"),
        )
    })
    .await;
    let refused = azure.azure().vault(&vault()).await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidAuthenticationTokenTenant"));
    assert_eq!(azure.seen().len(), 2);
}

#[tokio::test]
async fn what_is_not_there_is_no_error_but_a_missing_subscription_is() {
    for (code, is_error) in [
        ("ResourceNotFound", false),
        ("ResourceGroupNotFound", false),
        ("SubscriptionNotFound", true),
        ("InvalidSubscriptionId", true),
    ] {
        let azure = Loopback::start(move |_, _| answer(404, error(code, "no"))).await;
        match azure.azure().vault(&vault()).await {
            Ok(None) => assert!(!is_error, "{code}"),
            Err(error) => assert!(is_error && error.code() == Some(code), "{code}"),
            Ok(Some(_)) => panic!("{code}"),
        }
    }
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let azure = Loopback::start(|_, _| {
        let message = "The client 'a' with object id 'b' does not have authorization to perform action 'Microsoft.Network/privateDnsZones/read' over scope '/subscriptions/s' or the scope is invalid.";
        answer(403, error("AuthorizationFailed", message)).header("x-ms-request-id", "r1")
    })
    .await;
    let refused = azure.azure().private_dns_zones("s").await.unwrap_err();
    let AzureError::Refused(refusal) = refused else {
        panic!("{refused}");
    };
    let missing = refusal.missing_permission.unwrap();
    assert_eq!(missing.action, "Microsoft.Network/privateDnsZones/read");
    assert_eq!(missing.scope, "/subscriptions/s");
    assert_eq!(refusal.request_id.as_deref(), Some("r1"));
}

#[tokio::test]
async fn a_list_is_read_to_its_end_and_never_elsewhere() {
    let zone = |n: usize| {
        format!(
            r#"{{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/privateDnsZones/z{n}"}}"#
        )
    };
    let azure = Loopback::start(move |_, before| {
        let next = match before {
            0 => format!(r#","nextLink":"https://{ARM}/next?api-version=1&$skipToken=%3c%2fa%3e""#),
            1 => r#","nextLink":"""#.to_owned(),
            _ => String::new(),
        };
        answer(200, format!(r#"{{"value":[{}]{next}}}"#, zone(before)))
    })
    .await;
    let zones = azure.azure().private_dns_zones("s").await.unwrap();
    let names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
    assert_eq!(names, ["z0", "z1"]);
    assert_eq!(
        azure.seen()[1].target,
        "/next?api-version=1&$skipToken=%3c%2fa%3e"
    );

    for link in [
        "https://evil.example/next",
        "http://management.azure.com/next",
        "https://management.azure.com:8443/",
    ] {
        let azure = Loopback::start(move |_, _| {
            answer(200, format!(r#"{{"value":[],"nextLink":"{link}"}}"#))
        })
        .await;
        let foreign = azure.azure().private_dns_zones("s").await.unwrap_err();
        assert!(
            matches!(foreign, AzureError::ForeignAddress { .. }),
            "{link}"
        );
        assert_eq!(azure.seen().len(), 1);
    }
    let azure = Loopback::start(|_, _| answer(200, r#"{"value":[],"nextLink":"/again"}"#)).await;
    let endless = azure.azure().private_dns_zones("s").await.unwrap_err();
    assert!(matches!(endless, AzureError::Unreadable { .. }));
}

const CONTAINER: &str = r#"{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults/v/backupFabrics/Azure/protectionContainers/VMAppContainer;Compute;g;vm",
    "name":"VMAppContainer;Compute;g;vm","properties":{"sourceResourceId":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm",
    "registrationStatus":"Registered","healthStatus":"Healthy","extendedInfo":{"hostServerName":"vm-netbios"}}}"#;

fn vm() -> ArmId {
    ArmId::in_group("s", "g", "Microsoft.Compute/virtualMachines", "vm")
}

/// A location as Azure signs it: a whole certificate is in it.
fn signed() -> String {
    format!(
        "/subscriptions/s/x;y/operationResults/42?api-version=2024-04-01&t=638&c={}&s=a_b-c&h=%3d%3D;,'x",
        "MIIHhzCCBm-gAwIBAgITHgTLf2Bo2ctQx42TXQAABMt_".repeat(80)
    )
    .replace('\'', "%27")
}

#[tokio::test]
async fn registering_follows_the_location_to_the_letter() {
    let azure = Loopback::start(|_, before| match before {
        0 => answer(202, "{}")
            .header("location", format!("https://{ARM}{}", signed()))
            .header(
                "azure-asyncoperation",
                format!("https://{ARM}/wrong?api-version=2019-05-13-preview"),
            )
            .header("retry-after", "0"),
        1 => answer(202, "{}").header("location", format!("https://{ARM}{}", signed())),
        _ => answer(200, CONTAINER),
    })
    .await;
    let name = "VMAppContainer;Compute;g;vm";
    let container = azure
        .azure()
        .register(&vault(), name, &vm(), Registration::Again)
        .await
        .unwrap();
    assert_eq!(container.vm, vm());
    assert_eq!(container.server_name.as_deref(), Some("vm-netbios"));
    let seen = azure.seen();
    assert!(
        seen[0]
            .target
            .contains("/protectionContainers/VMAppContainer%3BCompute%3Bg%3Bvm?")
    );
    assert!(seen[0].body.contains(r#""operationType":"Reregister""#));
    assert_eq!([&seen[1].target, &seen[2].target], [&signed(), &signed()]);
}

#[tokio::test]
async fn a_location_without_a_version_is_put_together() {
    let azure = Loopback::start(|_, before| match before {
        0 => answer(202, "{}").header(
            "location",
            "/subscriptions/s/backupOperationResults/77?fabricName=Azure%3fapi-version%3d2024-04-01&t=1",
        ),
        1 => answer(204, ""),
        _ => answer(200, CONTAINER),
    })
    .await;
    let client = azure.azure();
    client
        .register(&vault(), "c", &vm(), Registration::New)
        .await
        .unwrap();
    let seen = azure.seen();
    assert!(
        seen[1]
            .target
            .ends_with("/protectionContainers/c/operationResults/77?api-version=2024-04-01"),
        "{}",
        seen[1].target
    );
}

#[tokio::test]
async fn a_location_elsewhere_never_sees_the_token() {
    for header in ["location", "azure-asyncoperation"] {
        let azure = Loopback::start(move |_, _| {
            answer(202, "{}").header(header, "https://evil.example/steal?api-version=1")
        })
        .await;
        let foreign = azure
            .azure()
            .register(&vault(), "c", &vm(), Registration::New)
            .await
            .unwrap_err();
        assert!(
            matches!(&foreign, AzureError::ForeignAddress { host, .. } if host == "evil.example"),
            "{foreign}"
        );
        assert_eq!(azure.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_failed_operation_tells_azures_code() {
    let azure = Loopback::start(|_, before| match before {
        0 => answer(202, "").header("azure-asyncoperation", "/op?api-version=1"),
        1 => answer(
            200,
            r#"{"status":"InProgress","endTime":"0001-01-01T00:00:00"}"#,
        ),
        _ => answer(
            200,
            r#"{"status":"FAILED","error":{"code":"UserErrorX","message":"m"}}"#,
        ),
    })
    .await;
    let failed = azure
        .azure()
        .set_public_network_access(&vault(), false)
        .await
        .unwrap_err();
    assert!(matches!(&failed, AzureError::OperationFailed { code, .. } if code == "UserErrorX"));
    assert_eq!(
        azure.seen()[0].body,
        r#"{"properties":{"publicNetworkAccess":"Disabled"}}"#
    );
}

#[tokio::test]
async fn an_operation_is_not_done_because_nobody_can_read_it() {
    for (body, is_failed) in [
        (
            r#"{"status":"Failed","error":{"code":400010,"message":"m"}}"#,
            true,
        ),
        ("<html>Please log in</html>", false),
    ] {
        let azure = Loopback::start(move |_, before| match before {
            0 => answer(202, "").header("azure-asyncoperation", "/op?api-version=1"),
            _ => answer(200, body),
        })
        .await;
        let changed = azure
            .azure()
            .set_public_network_access(&vault(), true)
            .await;
        match changed.unwrap_err() {
            AzureError::OperationFailed { code, .. } => assert!(is_failed && code == "400010"),
            error => assert!(!is_failed && matches!(error, AzureError::Unreadable { .. })),
        }
    }
}

#[tokio::test]
async fn an_endpoint_in_work_is_waited_for_and_not_written_again() {
    let endpoint = |state: &str| {
        format!(
            r#"{{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/pe","location":"japaneast",
            "properties":{{"provisioningState":"{state}","subnet":{{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/n/subnets/u"}},
            "privateLinkServiceConnections":[{{"properties":{{"privateLinkServiceId":"{}","privateLinkServiceConnectionState":{{"status":"Approved"}}}}}}],
            "customDnsConfigs":[{{"fqdn":"a.privatelink.jpe.backup.windowsazure.com","ipAddresses":["10.1.0.5"]}}]}}}}"#,
            vault()
        )
    };
    let azure = Loopback::start(move |_, before| {
        answer(
            200,
            endpoint(if before < 2 { "Updating" } else { "Succeeded" }),
        )
    })
    .await;
    let id = ArmId::in_group("s", "rg", "Microsoft.Network/privateEndpoints", "pe");
    let new = NewPrivateEndpoint {
        location: "japaneast".to_owned(),
        subnet: ArmId::in_group("s", "rg", "Microsoft.Network/virtualNetworks", "n")
            .child("subnets", "u"),
        target: vault(),
        group_id: "AzureBackup".to_owned(),
    };
    let made = azure
        .azure()
        .create_private_endpoint(&id, &new)
        .await
        .unwrap();
    assert_eq!(made.targets, [vault()]);
    assert_eq!(made.records[0].addresses.len(), 1);
    assert!(azure.seen().iter().all(|seen| seen.method == "GET"));
}

const ITEM: &str = r#"{"value":[{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults/v/backupFabrics/Azure/protectionContainers/c/protectedItems/SQLDataBase;mssqlserver;orders",
    "name":"SQLDataBase;mssqlserver;orders","properties":{"friendlyName":"orders","policyId":"","lastRecoveryPoint":null}}]}"#;

async fn item(client: &Azure) -> ProtectedItem {
    client.protected_items(&vault()).await.unwrap().remove(0)
}

fn order() -> BackupOrder {
    BackupOrder {
        kind: BackupKind::CopyOnlyFull,
        keep_until: None,
        request_id: "6f1c1d0e-0000-4000-8000-000000000001".to_owned(),
    }
}

fn is_start(seen: &Seen) -> bool {
    seen.method == "POST"
}

#[tokio::test]
async fn a_backup_is_asked_for_once_whatever_happens() {
    for lost in [
        Answer::Lost,
        answer(503, "<html>"),
        answer(500, ""),
        answer(408, ""),
    ] {
        let shown = format!("{lost:?}");
        let azure = Loopback::start(move |seen, _| {
            if is_start(seen) {
                lost.clone()
            } else {
                answer(200, ITEM)
            }
        })
        .await;
        let client = azure.azure();
        let item = item(&client).await;
        assert_eq!(item.policy, None);
        let doubtful = client.start_backup(&item, &order()).await.unwrap_err();
        assert!(matches!(doubtful, StartBackupError::Doubtful(_)), "{shown}");
        assert_eq!(
            azure.seen().iter().filter(|seen| is_start(seen)).count(),
            1,
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_backup_that_was_surely_not_accepted_is_asked_for_again() {
    let azure = Loopback::start(|seen, before| match (is_start(seen), before) {
        (false, 0) => answer(200, ITEM),
        (true, 1) => answer(429, "").header("retry-after", "0"),
        (true, _) => answer(202, "").header("azure-asyncoperation", "/op?api-version=1"),
        (false, 3) => answer(200, r#"{"status":"InProgress"}"#),
        _ => answer(
            200,
            r#"{"status":"Succeeded","properties":{"objectType":"OperationStatusJobExtendedInfo","jobId":"j1"}}"#,
        ),
    })
    .await;
    let client = azure.azure();
    let item = item(&client).await;
    let job = client.start_backup(&item, &order()).await.unwrap();
    assert_eq!(job.as_str(), "j1");
    let seen = azure.seen();
    let starts: Vec<&Seen> = seen.iter().filter(|seen| is_start(seen)).collect();
    assert_eq!(starts.len(), 2);
    assert!(
        starts[0]
            .target
            .contains("/protectedItems/SQLDataBase%3Bmssqlserver%3Borders/backup?")
    );
    assert_eq!(
        starts[0].header("x-ms-client-request-id"),
        Some(&*order().request_id)
    );
    assert!(starts[0].body.contains(r#""backupType":"CopyOnlyFull""#));
    assert!(starts[0].body.contains("recoveryPointExpiryTimeInUTC"));
}

#[tokio::test]
async fn a_refused_backup_is_surely_none() {
    let azure = Loopback::start(|seen, _| {
        if is_start(seen) {
            answer(400, error("BMSUserErrorX", "no"))
        } else {
            answer(200, ITEM)
        }
    })
    .await;
    let client = azure.azure();
    let item = item(&client).await;
    let refused = client.start_backup(&item, &order()).await.unwrap_err();
    assert!(
        matches!(&refused, StartBackupError::Refused(error) if error.code() == Some("BMSUserErrorX"))
    );
}

#[tokio::test]
async fn jobs_are_read_with_their_errors() {
    let azure = Loopback::start(|_, _| {
        answer(200, r#"{"value":[{"name":"j1","properties":{"operation":"Backup (Full)","status":"FAILED",
            "startTime":"2024-04-22T05:31:48.7200765Z","endTime":"0001-01-01T00:00:00","entityFriendlyName":"msdb [x]",
            "errorDetails":[{"errorCode":-2147024809,"errorTitle":"t","errorString":"s","recommendations":["r"]}],
            "extendedInfo":{"tasksList":[{"taskId":"Transfer data to vault","status":"Failed"}],
            "propertyBag":{"Data Transferred (in MB)":"20.1147"}}}}]}"#)
    })
    .await;
    let filter = JobFilter {
        operation: JobOperation::Backup,
        since: "2024-04-22T05:00:00Z".parse().unwrap(),
    };
    let jobs = azure.azure().jobs(&vault(), &filter).await.unwrap();
    let job = &jobs[0];
    assert_eq!((job.state(), job.end), (JobState::Failed, None));
    assert_eq!(job.errors[0].code, -2_147_024_809);
    assert_eq!(job.transferred_mb, Some(20.1147));
    assert!(
        azure.seen()[0]
            .target
            .contains("%20and%20startTime%20eq%20%272024-04-22%2005%3A00%3A00%20AM%27")
    );
}

#[tokio::test]
async fn the_proxy_is_used_and_named() {
    let azure = Loopback::start(|_, _| answer(200, VAULT)).await;
    let mut options = options(azure.network.clone());
    // Nobody but the proxy resolves names then.
    options.network.resolver = sidestep_model::network::Resolver::Servers(Vec::new());
    options.proxy = OwnProxy::from_variables(|name| {
        (name == "HTTPS_PROXY").then(|| "http://jo:geheim@10.2.0.16:8080".to_owned())
    });
    let client = Azure::connect(options).unwrap();
    assert_eq!(client.own_route(), "by the proxy http://***@10.2.0.16:8080");
    assert!(client.vault(&vault()).await.unwrap().is_some());
}
