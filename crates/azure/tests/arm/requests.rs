//! What is sent, how often, and what is understood.

use sidestep_azure::{ArmId, Azure, AzureError, OwnProxy};

use crate::loopback::{ARM, Answer, Loopback, TOKEN, answer, error, options, vault};

const VAULT: &str = r#"{"id":"/subscriptions/S/resourceGroups/RG/providers/Microsoft.RecoveryServices/vaults/v",
    "location":"japaneast","properties":{"provisioningState":"Succeeded","publicNetworkAccess":"Disabled",
    "privateEndpointConnections":[{"id":"/subscriptions/S/resourceGroups/RG/providers/Microsoft.RecoveryServices/vaults/v/privateEndpointConnections/pe.1.backup.2",
    "properties":{"privateEndpoint":{"id":"/subscriptions/S/resourceGroups/RG/providers/Microsoft.Network/privateEndpoints/pe"},
    "privateLinkServiceConnectionState":{"status":"Approved"}}}]}}"#;

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
