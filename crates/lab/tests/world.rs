//! The world by itself: without the program that it judges.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::net::TcpStream;
use std::time::Duration;

use sidestep_lab::{
    Cloud, Content, Fault, InitialProxy, Lab, Path, ProxyAddress, Service, Setup, Who,
};

const GOOD_LIST: &str = "169.254.169.254;*.backup.windowsazure.com;*.core.windows.net;\
                         *.microsoftonline.com;enterpriseregistration.windows.net";

fn setup(initial: InitialProxy, faults: &[Fault]) -> Setup {
    Setup {
        cloud: Cloud::AzureCloud,
        region: "japaneast".to_owned(),
        geo_code: "jpe".to_owned(),
        vault: "rsv".to_owned(),
        resource_group: "rg".to_owned(),
        subscription: "00000000-0000-0000-0000-000000000000".to_owned(),
        vm: "sqlvm1".to_owned(),
        proxy: ProxyAddress {
            host: "10.2.0.16".to_owned(),
            port: 8080,
        },
        initial,
        databases: vec!["MSSQLSERVER/orders".to_owned()],
        content: Content::Generated {
            bytes: 2_500_000,
            seed: 7,
        },
        faults: faults.to_vec(),
    }
}

async fn lab(initial: InitialProxy, faults: &[Fault]) -> Lab {
    Lab::start(setup(initial, faults)).await.unwrap()
}

/// Writes the list into both accounts' blobs by hand, as an administrator's script would.
fn rewrite(lab: &Lab, list: &str) {
    let mut blob: Vec<u8> = Vec::new();
    for number in [0x46_u32, 99, 3] {
        blob.extend(number.to_le_bytes());
    }
    for text in ["10.2.0.16:8080", list, ""] {
        blob.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        blob.extend(text.bytes());
    }
    blob.extend([0; 32]);
    let hex: Vec<String> = blob.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut text = "\u{feff}Windows Registry Editor Version 5.00\r\n\r\n".to_owned();
    for sid in [
        "S-1-5-18",
        "S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151",
    ] {
        text += "[HKEY_USERS\\";
        text += sid;
        text +=
            "\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\Connections]\r\n";
        text += "\"DefaultConnectionSettings\"=hex:";
        text += &hex.join(",");
        text += "\r\n\r\n";
    }
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(lab.registry_file(), bytes).unwrap();
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

    rewrite(&lab, GOOD_LIST);
    let backup = lab.back_up("MSSQLSERVER/orders").await.unwrap();
    assert_eq!((backup.bytes, backup.blocks), (2_500_000, 3));
    let kept = lab.take_connections();
    assert!(kept.iter().all(|c| c.path != Path::Proxy), "{kept:#?}");
    let blob: Vec<_> = kept.iter().filter(|c| c.service == Service::Blob).collect();
    assert!(
        blob.iter()
            .all(|c| c.account == Who::Plugin && c.path == Path::PrivateEndpoint)
    );
    assert!(blob.iter().map(|c| c.bytes).sum::<u64>() > 2_500_000);
}

#[tokio::test]
async fn the_same_content_has_the_same_hash_every_time() {
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let lab = lab(InitialProxy::None, &[]).await;
        hashes.push(lab.back_up("MSSQLSERVER/orders").await.unwrap().sha256);
    }
    assert_eq!(hashes[0], hashes[1]);
}

#[tokio::test]
async fn an_unknown_database_is_azures_error() {
    let lab = lab(InitialProxy::None, &[]).await;
    let failure = lab.back_up("MSSQLSERVER/nothing").await.unwrap_err();
    assert_eq!(failure.code, "UserErrorSQLPODoesNotExist");
}

#[tokio::test]
async fn every_fault_shows() {
    let fails = |faults: &'static [Fault], list: &'static str| async move {
        let lab = lab(InitialProxy::On, faults).await;
        if !list.is_empty() {
            rewrite(&lab, list);
        }
        let result = lab.back_up("MSSQLSERVER/orders").await;
        let proxied = lab
            .take_connections()
            .iter()
            .filter(|c| c.path == Path::Proxy)
            .count();
        (result.err().map(|failure| failure.service), proxied > 0)
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
