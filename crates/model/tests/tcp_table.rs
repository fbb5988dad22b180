//! What looks at a table of TCP connections say of a backup's path.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use sidestep_model::account::Account;
use sidestep_model::catalogue::Service;
use sidestep_model::check::Target;
use sidestep_model::evidence::{Connections, Evidence, Path, Source};
use sidestep_model::finding::Finding;
use sidestep_model::site::{SAMPLE, Site};
use sidestep_model::tcp_table::{
    Counted, Places, Program, ProxyClient, Row, Sampled, ServiceProcess, owners, proxy_clients,
};

const COORDINATOR: u32 = 2204;
const PLUGIN: u32 = 5120;
const SOMEBODY: u32 = 900;

fn row(process: u32, port: u16, remote: &str) -> Row {
    Row {
        local: SocketAddr::new("10.1.0.4".parse().unwrap(), port),
        remote: remote.parse().unwrap(),
        process,
    }
}

fn both() -> BTreeMap<u32, Account> {
    [(COORDINATOR, Account::System), (PLUGIN, Account::Plugin)].into()
}

fn target(host: &str, service: Service, expected: &[&str]) -> Target {
    Target {
        host: host.to_owned(),
        service,
        expected: expected.iter().map(|one| one.parse().unwrap()).collect(),
    }
}

fn places() -> Places {
    let mut places = Places::default();
    for account in Account::ALL {
        let address = "10.2.0.16".parse().unwrap();
        places.learn_proxy(account, ("proxy.corp.example", 8080), [address]);
    }
    let blob = target("a.blob.core.windows.net", Service::Blob, &["10.1.2.7"]);
    places.learn_target(&blob, ["20.60.1.1".parse().unwrap()]);
    places.learn_target(
        &target("prot", Service::Backup, &["10.1.2.4", "10.1.2.9"]),
        [],
    );
    places.learn_target(&target("ecs", Service::Queue, &["10.1.2.9"]), []);
    let entra = target("login.microsoftonline.com", Service::Entra, &[]);
    places.learn_target(&entra, ["20.190.128.5".parse().unwrap()]);
    places
}

fn seen(looks: &[&[Row]]) -> Evidence {
    let mut sampled = Sampled::default();
    for look in looks {
        sampled.add(look, &both());
    }
    sampled.evidence(&places())
}

fn is(account: Account, service: Option<Service>, path: Path, connections: u64) -> Connections {
    Connections {
        account,
        service,
        path,
        connections,
        bytes: None,
    }
}

fn site(changes: &[(&str, &str)]) -> Site {
    let text = changes.iter().fold(SAMPLE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    Site::parse(&text).unwrap()
}

#[test]
fn every_address_is_told_by_what_is_known_of_it() {
    let look = [
        row(PLUGIN, 1, "10.1.2.7:443"),
        row(PLUGIN, 2, "20.60.1.1:443"),
        row(PLUGIN, 3, "10.2.0.16:8080"),
        row(PLUGIN, 4, "10.2.0.16:443"),
        row(PLUGIN, 5, "20.190.128.5:443"),
        row(PLUGIN, 6, "198.51.100.1:443"),
        row(PLUGIN, 7, "127.0.0.1:1433"),
        row(COORDINATOR, 8, "168.63.129.16:80"),
        // Two names of the endpoint share this address.
        row(COORDINATOR, 9, "10.1.2.9:443"),
        row(SOMEBODY, 10, "10.2.0.16:8080"),
    ];
    let (system, plugin) = (Account::System, Account::Plugin);
    assert_eq!(
        seen(&[&look]),
        Evidence {
            source: Source::TcpTable,
            connections: vec![
                is(system, Some(Service::Platform), Path::Direct, 1),
                is(system, None, Path::PrivateEndpoint, 1),
                is(plugin, Some(Service::Blob), Path::PrivateEndpoint, 1),
                is(plugin, Some(Service::Blob), Path::Direct, 1),
                is(plugin, Some(Service::Entra), Path::Direct, 1),
                is(plugin, None, Path::Direct, 2),
                is(plugin, None, Path::Proxy, 1),
            ],
            unresolved_proxies: Vec::new(),
        }
    );
}

#[test]
fn a_connection_counts_once_however_often_it_is_seen() {
    let one = row(PLUGIN, 1, "10.1.2.7:443");
    let other = row(PLUGIN, 2, "10.1.2.7:443");
    let counted = |looks: &[&[Row]]| {
        let evidence = seen(looks);
        evidence.connections.iter().map(|row| row.connections).sum()
    };
    let cases: [(&[&[Row]], u64); 4] = [
        (&[&[one], &[one], &[one]], 1),
        (&[&[one], &[one, other], &[other]], 2),
        // The same ports again after a look without it: another connection.
        (&[&[one], &[], &[one]], 2),
        (&[&[], &[]], 0),
    ];
    for (looks, expected) in cases {
        let seen: u64 = counted(looks);
        assert_eq!(seen, expected, "{looks:?}");
    }
}

#[test]
fn bytes_are_counted_from_the_first_number_to_the_last() {
    let row = |port, remote| row(PLUGIN, port, remote);
    let (first, second) = (row(1, "10.1.2.7:443"), row(2, "10.1.2.7:443"));
    let (refused, proxied) = (row(3, "10.1.2.7:443"), row(4, "10.2.0.16:8080"));
    let mut sampled = Sampled::default();
    let bytes = |sampled: &Sampled| -> Vec<Option<u64>> {
        let rows = sampled.evidence(&places()).connections;
        rows.iter().map(|row| row.bytes).collect()
    };
    let look = [first, second, refused, proxied];
    assert_eq!(sampled.add(&look, &both()), look);
    assert!(sampled.counted().is_empty());
    // What was carried before is nobody's business.
    sampled.count(&first, 1_000);
    sampled.count(&second, 0);
    assert_eq!(bytes(&sampled), [None, None]);
    assert_eq!(sampled.add(&look, &both()), []);
    let mut counted = sampled.counted();
    counted.sort_unstable();
    assert_eq!(counted, [first, second]);
    sampled.count(&first, 5_000);
    sampled.count(&second, 70);
    // One that is not counted takes nothing from the others: they are at least.
    assert_eq!(bytes(&sampled), [Some(4_070), None]);
    // What is gone keeps what it had, and cannot be counted any more.
    assert_eq!(sampled.add(&[second], &both()), []);
    sampled.count(&first, 9_000);
    sampled.count(&second, 100);
    assert_eq!(bytes(&sampled), [Some(4_100), None]);
    // The same ports again are another connection, counted anew.
    assert_eq!(sampled.add(&[first, second], &both()), [first]);
    sampled.count(&first, 10);
    sampled.count(&first, 30);
    // A number that goes back counts for nothing.
    sampled.count(&second, 5);
    assert_eq!(bytes(&sampled), [Some(4_120), None]);
}

#[test]
fn documents_say_other_and_null_where_nobody_knows() {
    let evidence = seen(&[&[row(PLUGIN, 3, "10.2.0.16:8080")]]);
    assert_eq!(
        serde_json::to_value(&evidence).unwrap(),
        serde_json::json!({
            "source": "tcp-table",
            "connections": [{
                "account": "plugin",
                "service": "other",
                "path": "proxy",
                "connections": 1,
                "bytes": null,
            }],
        })
    );
}

#[test]
fn zero_on_the_proxy_is_claimed_only_of_what_was_seen() {
    let direct = site(&[]);
    let entra_by_proxy = site(&[("entra = \"direct\"", "entra = \"proxy\"")]);
    let by_proxy = site(&[
        ("backup = \"direct\"", "backup = \"proxy\""),
        ("entra = \"direct\"", "entra = \"proxy\""),
    ]);
    let private = row(PLUGIN, 1, "10.1.2.7:443");
    let proxied = row(PLUGIN, 2, "10.2.0.16:8080");
    let public = row(PLUGIN, 3, "20.60.1.1:443");
    let asked = |connections, is_expected| Finding::AskedOfProxyUnseen {
        connections,
        is_expected,
    };
    let cases: [(&Site, &[Row], Vec<Finding>); 8] = [
        (&direct, &[private], vec![]),
        (&direct, &[], vec![Finding::BackupUnseen]),
        (
            &direct,
            &[proxied],
            vec![asked(1, false), Finding::BackupUnseen],
        ),
        (&direct, &[private, proxied], vec![asked(1, false)]),
        (&entra_by_proxy, &[private, proxied], vec![asked(1, true)]),
        (
            &direct,
            &[private, public],
            vec![Finding::ProtectedPublic { connections: 1 }],
        ),
        (&by_proxy, &[proxied], vec![]),
        (
            &by_proxy,
            &[private, proxied],
            vec![Finding::ProtectedOffProxy { connections: 1 }],
        ),
    ];
    for (site, look, expected) in cases {
        assert_eq!(seen(&[look]).against(site), expected, "{look:?}");
    }
}

#[test]
fn a_proxy_without_an_address_is_named() {
    let mut sampled = Sampled::default();
    let look = [
        row(PLUGIN, 1, "10.1.2.7:443"),
        row(PLUGIN, 2, "10.9.9.9:80"),
    ];
    sampled.add(&look, &both());
    let mut places = places();
    places.learn_proxy(Account::Plugin, ("gone.corp.example", 80), []);
    let evidence = sampled.evidence(&places);
    let document = serde_json::to_value(&evidence).unwrap();
    assert_eq!(
        document["unresolved_proxies"],
        serde_json::json!(["gone.corp.example"])
    );
    let hosts = vec!["gone.corp.example".to_owned()];
    assert_eq!(
        evidence.against(&site(&[])),
        [Finding::ProxyUnresolved { hosts }]
    );
    // An address that was found once stays known.
    let address = "10.9.9.9".parse().unwrap();
    places.learn_proxy(Account::Plugin, ("gone.corp.example", 80), [address]);
    places.learn_proxy(Account::Plugin, ("gone.corp.example", 80), []);
    let evidence = sampled.evidence(&places);
    assert_eq!(evidence.unresolved_proxies, [""; 0]);
    assert_eq!(evidence.unknown_on_proxy(), 1);
}

#[test]
fn only_the_two_accounts_services_count() {
    let service = |service: &str, logon: &str, process| ServiceProcess {
        service: service.to_owned(),
        logon: logon.to_owned(),
        process,
    };
    let services = [
        service("AzureWLBackupCoordinatorSvc", "LocalSystem", COORDINATOR),
        service(
            "AzureWLBackupPluginSvc",
            r"nt service\azurewlbackuppluginsvc",
            PLUGIN,
        ),
        service("AzureWLBackupInquirySvc", r"CORP\somebody", SOMEBODY),
    ];
    assert_eq!(owners(&services), both());
}

/// Words as `iphlpapi.h` lays them out: the first two rows of a real-looking
/// table, of which one only listens.
#[test]
fn windows_own_table_is_read() {
    let address = |octets: [u8; 4]| u32::from_ne_bytes(octets);
    let port = |port: u16| {
        let [high, low] = port.to_be_bytes();
        u32::from_ne_bytes([high, low, 0xAA, 0xBB])
    };
    let local = address([10, 1, 0, 4]);
    let remote = address([10, 2, 0, 16]);
    let table = [
        vec![3],
        vec![2, local, port(1433), 0, 0, SOMEBODY],
        vec![5, local, port(50000), remote, port(8080), PLUGIN],
        vec![3, local, port(50002), remote, port(8080), PLUGIN],
        // Beyond the rows that are counted.
        vec![5, local, port(50001), remote, port(8080), PLUGIN],
    ]
    .concat();
    assert_eq!(
        Row::of_v4(&table, Counted::Made),
        [row(PLUGIN, 50000, "10.2.0.16:8080")]
    );

    let mapped = |octets| [0, 0, address([0, 0, 0xFF, 0xFF]), address(octets)];
    let scope = 7;
    let six = [
        address([0x20, 0x01, 0x0D, 0xB8]),
        0,
        0,
        address([0, 0, 0, 1]),
    ];
    let table = [
        vec![2],
        mapped([10, 1, 0, 4]).to_vec(),
        vec![0, port(50000)],
        mapped([10, 2, 0, 16]).to_vec(),
        vec![0, port(8080), 5, PLUGIN],
        six.to_vec(),
        vec![scope, port(50001)],
        six.to_vec(),
        vec![0, port(443), 8, COORDINATOR],
    ]
    .concat();
    assert_eq!(
        Row::of_v6(&table, Counted::Made),
        [
            row(PLUGIN, 50000, "10.2.0.16:8080"),
            Row {
                local: "[2001:db8::1%7]:50001".parse().unwrap(),
                remote: "[2001:db8::1]:443".parse().unwrap(),
                process: COORDINATOR,
            },
        ]
    );
    assert!(
        Row::of_v4(&[], Counted::Tried).is_empty()
            && Row::of_v6(&[7, 0], Counted::Tried).is_empty()
    );
}

#[test]
fn others_that_follow_systems_list_are_named() {
    let program = |process, image: &str, sid: Option<&str>| Program {
        process,
        image: image.to_owned(),
        sid: sid.map(str::to_owned),
    };
    let service = |service: &str, process| ServiceProcess {
        service: service.to_owned(),
        logon: "LocalSystem".to_owned(),
        process,
    };
    let proxied = |process, port| row(process, port, "10.2.0.16:8080");
    let rows = [
        proxied(40, 1),
        proxied(40, 2),
        proxied(41, 3),
        proxied(42, 4),
        proxied(43, 5),
        proxied(COORDINATOR, 6),
        row(44, 7, "10.2.0.16:443"),
        proxied(45, 8),
    ];
    let system = Some("S-1-5-18");
    let programs = [
        program(40, "svchost.exe", system),
        program(41, "agent.exe", system),
        program(42, "browser.exe", Some("S-1-5-21-1-2-3-1001")),
        program(43, "protected.exe", None),
        program(44, "elsewhere.exe", system),
        program(45, "guard.exe", None),
        program(COORDINATOR, "IaaSWorkloadCoordinatorService.exe", system),
    ];
    let services = [
        service("BITS", 40),
        service("wuauserv", 40),
        service("Guard", 45),
        service("AzureWLBackupCoordinatorSvc", COORDINATOR),
    ];
    let client = |image: &str, services: &[&str], connections| ProxyClient {
        image: image.to_owned(),
        services: services.iter().map(|one| (*one).to_owned()).collect(),
        connections,
    };
    assert_eq!(
        proxy_clients(&rows, &programs, &services, &places()),
        [
            client("svchost.exe", &["BITS", "wuauserv"], 2),
            client("agent.exe", &[], 1),
            client("guard.exe", &["Guard"], 1),
        ]
    );
}
