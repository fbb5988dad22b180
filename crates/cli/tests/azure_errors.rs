//! What stands between Sidestep and Azure: one clear error each, what to do, and
//! never a secret.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::net::{SocketAddr, TcpListener};
use std::process::Output;

use serde_json::Value;
use sidestep_lab::Fault;
use support::{Desk, Start, ended, errors, written};
use tokio::process::Command;

/// The only error of a document, with its message and what to do next.
fn only(document: &Value) -> (&str, &str, &str) {
    assert_eq!(errors(document).len(), 1, "{document:#}");
    let findings = document["findings"].as_array().unwrap().iter();
    let mut found = findings.filter(|finding| finding["severity"] == "error");
    let finding = found.next().unwrap();
    let text = |key: &str| finding[key].as_str().unwrap();
    (text("code"), text("message"), text("remedy"))
}

/// What a run that fails at once says in text and as JSON, and what it leaves
/// behind, hold no secret.
async fn without_secret(desk: &Desk, arguments: &[&str], secret: &str, change: fn(&mut Command)) {
    for more in [&[][..], &["--json"], &["--quiet"]] {
        let mut command = desk.sidestep(arguments);
        command.args(more);
        change(&mut command);
        let Output { stdout, stderr, .. } = command.output().await.unwrap();
        for text in [stdout, stderr] {
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(secret), "{text}");
        }
    }
    for text in written(&desk.lab.registry_file()) {
        assert!(!text.contains(secret), "{text}");
    }
}

const RUN: [&str; 4] = ["run", "--yes", "--lab", "lab.json"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_to_sign_in_with() {
    let desk = Desk::new(Start::Vault, &[]).await;
    std::fs::copy(desk.lab.registry_file(), desk.file("server.reg")).unwrap();
    let mut command = desk.sidestep(&[
        "run",
        "--at",
        "server.reg",
        "--credential",
        "azure-cli",
        "--json",
    ]);
    command.env("PATH", "");
    let (code, document) = ended(command).await;
    let (finding, message, remedy) = only(&document);
    assert_eq!((code, finding), (Some(3), "SS510"));
    assert!(message.starts_with("there is nothing to sign in to Azure with (the Azure CLI): "));
    assert!(remedy.starts_with("sign in with `az login`"), "{remedy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_entra_id_does_not_take() {
    const WRONG: &str = "wrong~Zm9vYmFy";
    let desk = Desk::new(Start::Vault, &[]).await;
    desk.connect("lab.json", |access| {
        WRONG.clone_into(&mut access.credentials.secret);
    });
    let (code, document) = desk.run(&[]).await;
    let (finding, message, remedy) = only(&document);
    assert_eq!((code, finding), (Some(3), "SS511"));
    assert!(
        message.contains("AADSTS7000215: Invalid client secret"),
        "{message}"
    );
    assert!(remedy.contains("renew the client secret"), "{remedy}");
    without_secret(&desk, &RUN, WRONG, |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_past_its_end() {
    let desk = Desk::new(Start::Vault, &[Fault::SecretExpired]).await;
    let (code, document) = desk.run(&[]).await;
    let (finding, message, remedy) = only(&document);
    assert_eq!((code, finding), (Some(3), "SS511"));
    assert!(
        message.starts_with("Entra ID rejects the sign-in by client secret: AADSTS7000222: "),
        "{message}"
    );
    assert!(remedy.contains("renew the client secret"), "{remedy}");
    let secret = desk.lab.credentials().secret;
    without_secret(&desk, &RUN, &secret, |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_is_not_the_applications() {
    let desk = Desk::new(Start::Vault, &[]).await;
    let other = "99999999-8888-7777-6666-555555555555";
    desk.connect("lab.json", |access| {
        other.clone_into(&mut access.credentials.tenant);
    });
    let (code, document) = desk.run(&[]).await;
    let (finding, message, remedy) = only(&document);
    assert_eq!((code, finding), (Some(3), "SS511"));
    assert!(message.contains("AADSTS90002"), "{message}");
    assert!(remedy.contains("[azure] tenant"), "{remedy}");
}

/// Takes the ways to one of the lab's hosts away.
fn cut(addresses: &mut Vec<(SocketAddr, SocketAddr)>, on_loopback: &str) {
    let socket: SocketAddr = on_loopback.trim_start_matches("https://").parse().unwrap();
    let before = addresses.len();
    addresses.retain(|(_, to)| *to != socket);
    assert!(addresses.len() < before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_way_to_where_one_signs_in() {
    let desk = Desk::new(Start::Vault, &[]).await;
    desk.connect("lab.json", |access| {
        cut(
            &mut access.administrator_addresses,
            &access.entra_on_loopback,
        );
    });
    let (code, document) = desk.run(&[]).await;
    let (finding, message, remedy) = only(&document);
    assert_eq!((code, finding), (Some(3), "SS512"));
    assert!(
        message.starts_with(
            "login.microsoftonline.com, where Sidestep signs in, cannot be reached directly: "
        ),
        "{message}"
    );
    assert!(remedy.contains("HTTPS_PROXY and NO_PROXY"), "{remedy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_way_to_resource_manager() {
    let desk = Desk::new(Start::Vault, &[]).await;
    desk.connect("lab.json", |access| {
        cut(
            &mut access.administrator_addresses,
            &access.management_on_loopback,
        );
    });
    let (code, document) = desk.run(&[]).await;
    let (finding, message, remedy) = only(&document);
    assert_eq!((code, finding), (Some(3), "SS513"));
    assert!(
        message.starts_with(
            "management.azure.com, Azure Resource Manager, cannot be reached directly: "
        ),
        "{message}"
    );
    assert!(remedy.contains("HTTPS_PROXY and NO_PROXY"), "{remedy}");
    assert_eq!(document["steps"][0]["outcome"], "refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_not_there() {
    let desk = Desk::new(Start::Vault, &[]).await;
    desk.edit_site(
        "00000000-0000-0000-0000-000000000000",
        "00000000-0000-0000-0000-00000000000f",
    );
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(5), "{document:#}");
    assert_eq!(
        only(&document),
        (
            "SS514",
            "Azure refuses to read the vault (HTTP 404, SubscriptionNotFound): The subscription \
             '00000000-0000-0000-0000-00000000000f' could not be found.",
            "correct [azure] subscription and tenant; `az account list` shows what the sign-in may \
             see",
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resource_group_that_is_not_there() {
    let desk = Desk::new(Start::Vault, &[]).await;
    desk.edit_site("\"rg-backup\"", "\"rg-bakcup\"");
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(3), "{document:#}");
    let (finding, message, remedy) = only(&document);
    assert_eq!(
        (finding, message),
        (
            "SS505",
            "there is no vault rsv-sql in the resource group rg-bakcup"
        )
    );
    assert!(remedy.contains("[azure] resource_group"), "{remedy}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_team_may_is_asked_for_and_counts_as_done() {
    let desk = Desk::new(Start::Vault, &[Fault::EndpointsForbidden]).await;
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(5), "{document:#}");
    let scope = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-backup/\
                 providers/Microsoft.Network/privateEndpoints/pe-rsv-sql";
    let (finding, message, remedy) = only(&document);
    assert_eq!(finding, "SS515");
    assert_eq!(
        message,
        format!(
            "whoever is signed in may not create the private endpoint: the permission \
             Microsoft.Network/privateEndpoints/write on {scope} is missing"
        )
    );
    assert_eq!(
        remedy,
        format!(
            "ask whoever may: \"Please create the private endpoint, or grant \
             Microsoft.Network/privateEndpoints/write on {scope}\"; then start again: their \
             finished work counts as done"
        )
    );
    assert_eq!(desk.lab.census().endpoints, 0);

    desk.lab.make_endpoint();
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(0), "{document:#}");
    let resources = document["resources"].as_array().unwrap().iter();
    let mut endpoints = resources.filter(|one| one["kind"] == "private-endpoint");
    assert_eq!(endpoints.next().unwrap()["state"], "found");
    assert_eq!(document["outcome"], "done");
    let secret = desk.lab.credentials().secret;
    without_secret(&desk, &RUN, &secret, |_| {}).await;
}

const PASSWORD: &str = "geheim";
const CLIENT_SECRET: &str = "streng~vertraulich";

/// The real Azure by a proxy at which nothing listens.
fn by_a_proxy(command: &mut Command, port: u16) {
    command
        .env(
            "HTTPS_PROXY",
            format!("http://joe:{PASSWORD}@127.0.0.1:{port}"),
        )
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env("AZURE_TENANT_ID", "11111111-2222-3333-4444-555555555555")
        .env("AZURE_CLIENT_ID", "22222222-3333-4444-5555-666666666666")
        .env("AZURE_CLIENT_SECRET", CLIENT_SECRET);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxys_password_and_a_clients_secret_are_never_shown() {
    let desk = Desk::new(Start::Vault, &[]).await;
    std::fs::copy(desk.lab.registry_file(), desk.file("server.reg")).unwrap();
    // Taken and let go of: nobody listens there any more.
    let port = {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        taken.local_addr().unwrap().port()
    };
    let mut command = desk.sidestep(&["run", "--yes", "--json", "--at", "server.reg"]);
    by_a_proxy(&mut command, port);
    let output = command.output().await.unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (finding, message, _) = only(&document);
    assert_eq!((output.status.code(), finding), (Some(3), "SS512"));
    assert!(
        message.contains(&format!(
            "cannot be reached by the proxy http://***@127.0.0.1:{port}"
        )),
        "{message}"
    );
    let mut texts = written(&desk.file("server.reg"));
    texts.extend([output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()));
    for text in texts {
        assert!(
            !text.contains(PASSWORD) && !text.contains(CLIENT_SECRET),
            "{text}"
        );
    }
}
