//! The world by itself: without the program that it judges.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::net::TcpStream;
use std::time::Duration;

use sidestep_lab::{Fault, InitialProxy, Lab, Path, Service, Who};
use support::{GOOD_LIST, PLUGIN, SYSTEM, arm, rewrite, setup};

async fn lab(initial: InitialProxy, faults: &[Fault]) -> Lab {
    Lab::start(setup(initial, faults)).await.unwrap()
}

/// Everything from the endpoint to the backup, as far as it gets.
async fn ordered(lab: &Lab) {
    let arm = arm(lab).await;
    arm.make_endpoint().await;
    if arm.located(&arm.register().await).await.status == 200 {
        arm.done(&arm.protect().await).await;
        arm.backed_up().await;
    }
}

#[tokio::test]
async fn as_found_it_leaks_and_with_a_good_list_it_does_not() {
    let lab = lab(InitialProxy::On, &[]).await;
    let failure = lab.back_up("MSSQLSERVER/orders").await.unwrap_err();
    assert_eq!(failure.code, "UserErrorVMInternetConnectivityIssue");
    assert_eq!(
        (failure.account, failure.service),
        (Who::System, Service::Backup)
    );
    let found = lab.take_connections();
    let leaked = |service| {
        move |c: &&sidestep_lab::Connection| c.path == Path::Proxy && c.service == service
    };
    assert_eq!(
        found.iter().filter(leaked(Service::Backup)).count(),
        2,
        "{found:#?}"
    );
    let logged = std::fs::read_to_string(lab.proxy_log()).unwrap();
    let proxied = found.iter().filter(|c| c.path == Path::Proxy).count();
    assert_eq!(logged.lines().count(), proxied, "{logged}");
    assert!(logged.contains("CONNECT login.microsoftonline.com:443 - HIER_DIRECT/198.51.100.10"));

    rewrite(&lab, GOOD_LIST, &[SYSTEM, PLUGIN]);
    ordered(&lab).await;
    let backup = lab.stored().unwrap();
    assert_eq!((backup.bytes, backup.blocks), (2_500_000, 3));
    let kept = lab.take_connections();
    assert!(kept.iter().all(|c| c.path != Path::Proxy), "{kept:#?}");
    let blob: Vec<_> = kept.iter().filter(|c| c.service == Service::Blob).collect();
    assert!(
        blob.iter()
            .all(|c| c.account == Who::Plugin && c.path == Path::PrivateEndpoint)
    );
    assert!(blob.iter().map(|c| c.bytes).sum::<u64>() > 2_500_000);
    // With the endpoint, the machine's own try works as well.
    lab.back_up("MSSQLSERVER/orders").await.unwrap();
}

#[tokio::test]
async fn the_same_content_has_the_same_hash_every_time() {
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let lab = lab(InitialProxy::None, &[]).await;
        ordered(&lab).await;
        hashes.push(lab.stored().unwrap().sha256);
    }
    assert_eq!(hashes[0], hashes[1]);
}

#[tokio::test]
async fn an_unknown_database_is_azures_error() {
    let lab = lab(InitialProxy::None, &[]).await;
    ordered(&lab).await;
    let failure = lab.back_up("MSSQLSERVER/nothing").await.unwrap_err();
    assert_eq!(failure.code, "UserErrorSQLPODoesNotExist");
}

#[tokio::test]
async fn every_fault_shows() {
    let fails = |faults: &'static [Fault], list: &'static str| async move {
        let lab = lab(InitialProxy::On, faults).await;
        if !list.is_empty() {
            rewrite(&lab, list, &[SYSTEM, PLUGIN]);
        }
        ordered(&lab).await;
        let met = lab.failures();
        assert_eq!(lab.stored().is_some(), met.is_empty());
        let proxied = lab
            .take_connections()
            .iter()
            .filter(|c| c.path == Path::Proxy)
            .count();
        (met.first().map(|failure| failure.service), proxied > 0)
    };
    let none = None;
    assert_eq!(
        fails(&[Fault::AccountsWithoutProxy], "").await,
        (none, false)
    );
    assert_eq!(
        fails(&[Fault::ProxyReachesEndpoint], "").await,
        (none, true)
    );
    assert_eq!(fails(&[Fault::ArticleList], "").await, (none, true));
    let entra = Some(Service::Entra);
    assert_eq!(fails(&[Fault::ProxyDown], "").await, (entra, false));
    assert_eq!(
        fails(&[Fault::EntraDirectBlocked], GOOD_LIST).await,
        (entra, false)
    );
    assert_eq!(
        fails(&[Fault::TlsInspection], GOOD_LIST).await,
        (entra, false)
    );
    let backup = Some(Service::Backup);
    assert_eq!(fails(&[Fault::AutoDetectOn], "").await, (backup, true));
    // The policy makes even a good list count for nothing.
    assert_eq!(fails(&[Fault::PerMachinePolicy], "").await, (backup, true));
}

#[tokio::test]
async fn nothing_is_left_when_it_is_dropped() {
    let lab = lab(InitialProxy::On, &[]).await;
    let (file, sockets) = (lab.registry_file(), lab.routes());
    assert!(file.exists());
    drop(lab);
    assert!(!file.exists());
    // Aborted tasks let go of their sockets at their next turn.
    for (_, socket) in sockets {
        let closed = async {
            while TcpStream::connect(socket).is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let closed = tokio::time::timeout(Duration::from_secs(5), closed).await;
        assert!(closed.is_ok(), "{socket}");
    }
}
