//! Long operations.

use sidestep_azure::{ArmId, AzureError, NewPrivateEndpoint, Registration};

use crate::loopback::{ARM, Loopback, answer, vault};

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
