//! How Resource Manager and Entra ID are asked, and what they say to a wrong question.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};
use sidestep_lab::{Fault, InitialProxy, Lab, When};
use support::{
    Arm, SUBSCRIPTION, arm, container, endpoint, endpoint_body, form, item, order, setup, sign_in,
    socket_of, vault, versioned,
};

async fn lab(faults: &[Fault]) -> Lab {
    Lab::start(setup(InitialProxy::None, faults)).await.unwrap()
}

#[tokio::test]
async fn without_a_token_of_this_tenant_there_is_no_answer() {
    let lab = lab(&[]).await;
    for (token, code) in [
        ("", "AuthenticationFailed"),
        ("eyJ0.eyJ1.x", "InvalidAuthenticationToken"),
        // What the extension uses is none for Resource Manager.
        ("rehearsal-token", "InvalidAuthenticationToken"),
    ] {
        let arm = Arm {
            lab: &lab,
            token: token.to_owned(),
        };
        let seen = arm.get(&vault()).await;
        assert_eq!((seen.status, seen.code()), (401, code));
        let challenge = seen.header("WWW-Authenticate").unwrap();
        assert!(challenge.starts_with("Bearer authorization_uri=\"https://login."));
    }
}

#[tokio::test]
async fn wrong_questions_get_azures_own_answers() {
    let lab = lab(&[]).await;
    let arm = arm(&lab).await;
    let bare = arm.send(Method::GET, &vault(), None).await.unwrap();
    assert_eq!(
        (bare.status, bare.code()),
        (400, "MissingApiVersionParameter")
    );
    for (path, status, code) in [
        (
            vault().replace(SUBSCRIPTION, "99999999-0000-0000-0000-000000000000"),
            404,
            "SubscriptionNotFound",
        ),
        (
            vault().replace("/rg/", "/nothing/"),
            404,
            "ResourceGroupNotFound",
        ),
        (vault().replace("/rsv", "/nothing"), 404, "ResourceNotFound"),
        (
            vault().replace("/rsv", "/nothing/backupJobs"),
            404,
            "ResourceNotFound",
        ),
        (endpoint(), 404, "ResourceNotFound"),
        (format!("{}/backupJobs/nothing", vault()), 404, "NotFound"),
        (format!("{}/nothing", vault()), 404, "InvalidResourceType"),
    ] {
        let seen = arm.get(&path).await;
        assert_eq!((seen.status, seen.code()), (status, code), "{path}");
    }
    let seen = arm
        .send(Method::DELETE, &versioned(&vault()), None)
        .await
        .unwrap();
    assert_eq!((seen.status, seen.code()), (405, "MethodNotAllowed"));
    let mut body = endpoint_body();
    body["properties"]["subnet"]["id"] = json!("/subscriptions/x");
    assert_eq!(
        arm.put(&endpoint(), body).await.code(),
        "InvalidResourceReference"
    );
}

#[tokio::test]
async fn entra_gives_tokens_for_the_right_secret_only() {
    let lab = lab(&[]).await;
    let known = lab.credentials();
    let given = sign_in(&lab, &known.tenant, &form(&known.client_id, &known.secret)).await;
    assert_eq!(given.status, 200, "{:#}", given.body);
    let arm = Arm {
        lab: &lab,
        token: given.text("/access_token").to_owned(),
    };
    assert_eq!(
        arm.get("/subscriptions").await.list()[0]["subscriptionId"],
        SUBSCRIPTION
    );

    let wrong = sign_in(&lab, &known.tenant, &form(&known.client_id, "wrong")).await;
    assert_eq!(
        (wrong.status, wrong.text("/error")),
        (401, "invalid_client")
    );
    assert_eq!(wrong.body["error_codes"], json!([7_000_215]));
    assert!(
        wrong
            .text("/error_description")
            .starts_with("AADSTS7000215: ")
    );
    let unknown = sign_in(&lab, &known.tenant, &form("nobody", &known.secret)).await;
    assert_eq!(
        (unknown.status, unknown.text("/error")),
        (400, "unauthorized_client")
    );
    let elsewhere = sign_in(&lab, "nowhere", &form(&known.client_id, &known.secret)).await;
    assert_eq!(elsewhere.body["error_codes"], json!([90002]));
}

#[tokio::test]
async fn an_expired_secret_says_so() {
    let lab = lab(&[Fault::SecretExpired]).await;
    let known = lab.credentials();
    let seen = sign_in(&lab, &known.tenant, &form(&known.client_id, &known.secret)).await;
    assert_eq!(seen.status, 401);
    assert!(
        seen.text("/error_description")
            .starts_with("AADSTS7000222: ")
    );
}

#[tokio::test]
async fn a_busy_resource_manager_throttles_fails_once_and_loses_an_answer() {
    let lab = lab(&[Fault::Throttled, Fault::PluginNotRegistered]).await;
    let arm = arm(&lab).await;
    let start = Instant::now();
    let first = arm.get(&vault()).await;
    assert_eq!(
        (first.status, first.code()),
        (429, "SubscriptionRequestsThrottled")
    );
    assert_eq!(first.header("Retry-After"), Some("1"));
    // Whoever does not wait is throttled again.
    assert_eq!(arm.get(&vault()).await.status, 429);
    tokio::time::sleep(Duration::from_millis(1050).saturating_sub(start.elapsed())).await;
    assert_eq!(arm.get(&vault()).await.status, 200);

    let registered = arm.register().await;
    assert_eq!(
        (registered.status, registered.header("Retry-After")),
        (429, Some("0"))
    );
    arm.located(&arm.register().await).await;
    let items = format!("{}/backupProtectableItems", vault());
    assert_eq!(arm.get(&items).await.status, 503);
    assert_eq!(arm.get(&items).await.status, 200);
    assert_eq!(arm.protect().await.status, 429);
    arm.done(&arm.protect().await).await;
    let backup = format!("{}/backup", item());
    assert_eq!(arm.post(&backup, Some(order("Full"))).await.status, 429);
    assert_eq!(lab.census().backup_jobs, 0);
    let lost = arm
        .send(Method::POST, &versioned(&backup), Some(order("Full")))
        .await;
    assert!(lost.is_err(), "{lost:?}");
    // It was accepted all the same, and its job carries the client's own name.
    assert_eq!(lab.census().backup_jobs, 1);
    let jobs = arm.get(&format!("{}/backupJobs", vault())).await;
    assert_eq!(
        jobs.list()[0]["properties"]["activityId"],
        "the-clients-own-name"
    );
}

#[tokio::test]
async fn a_request_can_be_held_before_and_after_it_is_handled() {
    let lab = lab(&[]).await;
    let client = arm(&lab).await;
    client.get(&vault()).await;
    let zone = |name: &str| {
        let kind = "providers/Microsoft.Network/privateDnsZones";
        format!("{}/{kind}/{name}.test", support::GROUP)
    };
    let body = || json!({ "location": "global" });
    for (when, name, is_made) in [
        (When::BeforeHandling, "before", false),
        (When::BeforeAnswering, "after", true),
    ] {
        let mut hold = lab.hold(2, when);
        client.get(&vault()).await;
        let path = zone(name);
        let made = lab.census().zones;
        // The client dies while its request is held.
        tokio::select! {
            _ = client.put(&path, body()) => panic!("it was not held"),
            () = hold.reached() => {}
        }
        assert_eq!(lab.census().zones - made, usize::from(is_made));
        let gone = tokio::time::timeout(Duration::from_secs(5), hold.gone()).await;
        assert!(gone.is_ok());
        drop(hold);
        let status = client.get(&path).await.status;
        assert_eq!(status, if is_made { 200 } else { 404 });
    }
    // Released, a request goes on as if nothing had been.
    let mut hold = lab.hold(1, When::BeforeHandling);
    let path = zone("released");
    let (seen, ()) = tokio::join!(client.put(&path, body()), async {
        hold.reached().await;
        drop(hold);
    });
    assert_eq!(seen.status, 202);
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let mut wanted = setup(InitialProxy::None, &[Fault::PluginNotRegistered]);
    wanted.databases = (0..120)
        .map(|number| format!("MSSQLSERVER/db{number}"))
        .collect();
    let lab = Lab::start(wanted).await.unwrap();
    let arm = arm(&lab).await;
    let mut path = versioned(&format!("{}/backupProtectableItems", vault()));
    let mut names = Vec::new();
    loop {
        let seen = arm.send(Method::GET, &path, None).await.unwrap();
        assert!(seen.list().len() <= 50);
        names.extend(seen.list().iter().map(|item| item["name"].to_string()));
        match seen.body["nextLink"].as_str() {
            Some(next) => {
                path = next
                    .strip_prefix("https://management.azure.com")
                    .unwrap()
                    .to_owned();
            }
            None => break,
        }
    }
    assert_eq!(names.len(), 124);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 124);
}

#[tokio::test]
async fn another_process_learns_how_to_reach_it() {
    let lab = lab(&[]).await;
    let access = lab.connection();
    let told: Value = serde_json::from_str(&serde_json::to_string(&access).unwrap()).unwrap();
    assert_eq!(told["management"], "https://management.azure.com");
    let socket = socket_of(&lab, "198.51.100.50:443");
    assert_eq!(told["management_on_loopback"], format!("https://{socket}"));
    assert!(
        told["authority_pem"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    // By the loopback's own address, addresses in answers stay there.
    let request = hyper::Request::get("/metadata/endpoints?api-version=2015-01-01");
    let request = request.body(http_body_util::Full::default()).unwrap();
    let host = socket.to_string();
    let seen = support::https(&lab, (socket, "127.0.0.1"), request)
        .await
        .unwrap();
    assert_eq!(seen.body[0]["name"], "AzureCloud", "{host}");
}

#[tokio::test]
async fn zones_and_links_are_what_the_setup_says() {
    let zones = |by_hand: bool, links: bool| async move {
        let mut wanted = setup(InitialProxy::None, &[]);
        wanted.dns_by_hand = by_hand;
        if links {
            let network = "providers/Microsoft.Network/virtualNetworks/vnet-sql";
            wanted.link_vnets = vec![format!("{}/{network}", support::GROUP)];
        }
        let lab = Lab::start(wanted).await.unwrap();
        let arm = arm(&lab).await;
        let all = "providers/Microsoft.Network/privateDnsZones";
        let seen = arm
            .get(&format!("/subscriptions/{SUBSCRIPTION}/{all}"))
            .await;
        let names: Vec<String> = seen
            .list()
            .iter()
            .map(|zone| zone["name"].to_string())
            .collect();
        let mut linked = 0;
        for zone in seen.list() {
            let id = zone["id"].as_str().unwrap();
            linked += arm
                .get(&format!("{id}/virtualNetworkLinks"))
                .await
                .list()
                .len();
        }
        (names.len(), linked)
    };
    assert_eq!(zones(false, false).await, (3, 3));
    assert_eq!(zones(false, true).await, (0, 0));
    assert_eq!(zones(true, false).await, (0, 0));
}

#[tokio::test]
async fn zones_that_are_made_and_linked_resolve() {
    let network = "providers/Microsoft.Network";
    let linked = format!("{}/{network}/virtualNetworks/vnet-sql", support::GROUP);
    let mut wanted = setup(InitialProxy::None, &[]);
    wanted.link_vnets = vec![linked.clone()];
    let lab = Lab::start(wanted).await.unwrap();
    let arm = arm(&lab).await;
    let seen = arm.put(&endpoint(), endpoint_body()).await;
    arm.done(&seen).await;
    let required = arm.get(&format!("{}/privateLinkResources", vault())).await;
    let required = required.list()[0]["properties"]["requiredZoneNames"].clone();
    let mut configs = Vec::new();
    for name in required.as_array().unwrap() {
        let name = name.as_str().unwrap();
        let zone = format!("{}/{network}/privateDnsZones/{name}", support::GROUP);
        let made = arm.put(&zone, json!({ "location": "global" })).await;
        assert_eq!(made.status, 202);
        arm.done(&made).await;
        let link = json!({
            "location": "global",
            "properties": { "registrationEnabled": false, "virtualNetwork": { "id": linked } },
        });
        let made = arm
            .put(&format!("{zone}/virtualNetworkLinks/sql"), link)
            .await;
        arm.done(&made).await;
        configs.push(json!({ "name": name, "properties": { "privateDnsZoneId": zone } }));
    }
    let body = json!({ "properties": { "privateDnsZoneConfigs": configs } });
    let group = format!("{}/privateDnsZoneGroups/default", endpoint());
    arm.done(&arm.put(&group, body).await).await;
    let group = arm.get(&group).await;
    let entered = &group.body["properties"]["privateDnsZoneConfigs"][0]["properties"]["recordSets"];
    assert_eq!(entered.as_array().unwrap().len(), 8);
    assert_eq!(
        entered[0]["fqdn"],
        "4611686018427387904-ab-pod01-fc1.privatelink.jpe.backup.windowsazure.com"
    );
    let registered = arm
        .located(&arm.put(&container(), support::registration()).await)
        .await;
    assert_eq!(registered.status, 200, "{:#}", registered.body);
    let made = lab.census();
    assert_eq!((made.zones, made.links, made.zone_groups), (3, 3, 1));
}
