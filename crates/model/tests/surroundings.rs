//! What stands around the settings: files that decide, services, SIDs.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use sidestep_model::account::{Account, PLUGIN_SERVICE};
use sidestep_model::check;
use sidestep_model::finding::{Finding, Surrounding};
use sidestep_model::net_config::{NetConfig, ProxyOverride};
use sidestep_model::observed::{LookedUp, Observed, Service, ServiceState, SettingsKey};
use sidestep_model::plan::Plan;
use sidestep_model::restart::{Hindrance, Restart, RestartBecause, Work, hindrances, restarts};
use sidestep_model::site::{SAMPLE, Site};
use sidestep_model::surroundings::surroundings;
use sidestep_model::tcp_table::{Row, ServiceProcess};

fn says(section: &str) -> Option<ProxyOverride> {
    let text = format!(
        "<?xml version=\"1.0\"?>\n<configuration><runtime/><system.net>{section}</system.net>\
         </configuration>"
    );
    let plain = NetConfig::parse("a.exe.config", None, text.as_bytes());
    let wide: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(plain, NetConfig::parse("a.exe.config", None, &wide));
    plain.says.unwrap()
}

/// The rows of .NET Framework's own rules (`DefaultProxySection.cs`).
#[test]
fn default_proxy_is_read_as_dotnet_reads_it() {
    let own = |proxy: &str| Some(ProxyOverride::OwnProxy(proxy.to_owned()));
    for (section, expected) in [
        ("", None),
        ("<defaultProxy/>", None),
        ("<defaultProxy useDefaultCredentials=\"true\"/>", None),
        (
            "<defaultProxy enabled=\"true\"><proxy usesystemdefault=\"unspecified\"/></defaultProxy>",
            None,
        ),
        (
            "<defaultProxy enabled=\"false\"/>",
            Some(ProxyOverride::NoProxy),
        ),
        (
            "<defaultProxy><proxy usesystemdefault=\"False\"/></defaultProxy>",
            Some(ProxyOverride::NoProxy),
        ),
        (
            "<defaultProxy><proxy usesystemdefault=\"True\"/></defaultProxy>",
            Some(ProxyOverride::ManualOnly),
        ),
        (
            "<defaultProxy><proxy usesystemdefault=\"true\" bypassonlocal=\"true\"/></defaultProxy>",
            Some(ProxyOverride::PartsReplaced),
        ),
        (
            "<defaultProxy><proxy bypassonlocal=\"true\"/></defaultProxy>",
            Some(ProxyOverride::AllDirect),
        ),
        (
            "<defaultProxy><bypasslist><add address=\"a\"/></bypasslist></defaultProxy>",
            Some(ProxyOverride::AllDirect),
        ),
        (
            "<defaultProxy><proxy proxyaddress=\"http://joe:geheim@p:8080\"/></defaultProxy>",
            own("http://***@p:8080"),
        ),
        (
            "<defaultProxy><proxy usesystemdefault=\"false\" proxyaddress=\"http://p:1\"/></defaultProxy>",
            own("http://p:1"),
        ),
        (
            "<defaultProxy><proxy scriptLocation=\"http://p/x.pac\"/></defaultProxy>",
            Some(ProxyOverride::OwnScript),
        ),
        (
            "<defaultProxy><module type=\"A, B\"/></defaultProxy>",
            Some(ProxyOverride::Module),
        ),
    ] {
        assert_eq!(says(section), expected, "{section}");
    }
    // Elsewhere it means nothing.
    let elsewhere = b"<configuration><defaultProxy enabled=\"false\"/></configuration>";
    assert_eq!(NetConfig::parse("x", None, elsewhere).says, Ok(None));
}

#[test]
fn what_is_no_xml_is_said_and_nothing_more() {
    for text in [
        &b"<configuration>"[..],
        b"",
        b"\xFF\xFF",
        b"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
    ] {
        let config = NetConfig::parse("x", Some("Svc"), text);
        assert!(config.says.is_err(), "{text:?}");
    }
}

fn service(name: &str, account: &str, state: ServiceState) -> Service {
    Service {
        name: name.to_owned(),
        state,
        account: Some(account.to_owned()),
        command: None,
    }
}

#[test]
fn services_are_held_against_whom_they_should_be() {
    let observed = |plugin: &str| Observed {
        services: Some(vec![
            service(
                "AzureWLBackupCoordinatorSvc",
                "LocalSystem",
                ServiceState::Running,
            ),
            service("AzureWLBackupPluginSvc", plugin, ServiceState::Stopped),
            service(
                "AzureWLBackupInquirySvc",
                r".\somebody",
                ServiceState::Stopped,
            ),
        ]),
        ..Observed::default()
    };
    let sound = observed(r"nt service\azurewlbackuppluginsvc");
    assert_eq!(surroundings(&sound), []);
    let moved = surroundings(&observed(r"CORP\svc-backup"));
    assert!(
        matches!(&moved[..], [Finding::Surrounding(Surrounding::ServiceAccount { runs_as, expected: Account::Plugin, .. })]
            if runs_as == r"CORP\svc-backup"),
        "{moved:?}"
    );
}

#[test]
fn another_sid_is_a_finding_and_silence_none() {
    let look = |plugin_sid| {
        surroundings(&Observed {
            plugin_sid,
            ..Observed::default()
        })
    };
    let derived = Account::Plugin.sid().unwrap().to_string();
    assert_eq!(look(None), []);
    assert_eq!(look(Some(LookedUp::Sid(derived))), []);
    assert_eq!(look(Some(LookedUp::Unknown)), []);
    let name = Account::Plugin.name();
    let registered = Observed {
        plugin_sid: Some(LookedUp::Unknown),
        services: Some(vec![service(
            "AzureWLBackupPluginSvc",
            name,
            ServiceState::Running,
        )]),
        ..Observed::default()
    };
    assert_eq!(surroundings(&registered), [Surrounding::SidUnknown.into()]);
    let other = || "S-1-5-80-1".to_owned();
    assert_eq!(
        look(Some(LookedUp::Sid(other()))),
        [Surrounding::SidDiffers { windows: other() }.into()]
    );
}

#[test]
fn a_program_is_found_in_what_windows_starts() {
    let program = |command: &str| {
        let mut service = service("s", "LocalSystem", ServiceState::Running);
        service.command = Some(command.to_owned());
        service.program().map(str::to_owned)
    };
    for (command, expected) in [
        (r#""C:\A B\x.exe" -k y"#, r"C:\A B\x.exe"),
        (r"C:\A B\x.EXE -k y", r"C:\A B\x.EXE"),
        (r"%SystemRoot%\x", r"%SystemRoot%\x"),
    ] {
        assert_eq!(program(command).as_deref(), Some(expected));
    }
}

#[test]
fn only_a_key_that_was_not_there_needs_a_restart() {
    let observed = Observed::default();
    let plan = |account| {
        let written = Plan::diff(
            &observed,
            sidestep_model::desired::Desired {
                account,
                wanted: sidestep_model::desired::Wanted::Unset,
                clear: sidestep_model::desired::Clear::default(),
                removed: Vec::new(),
                findings: Vec::new(),
            },
        );
        Plan {
            new_keys: vec![SettingsKey::Connections],
            ..written
        }
    };
    let services = [
        service(
            "AzureWLBackupCoordinatorSvc",
            "LocalSystem",
            ServiceState::Running,
        ),
        service(
            "AzureWLBackupInquirySvc",
            "LocalSystem",
            ServiceState::Stopped,
        ),
        service(
            "AzureWLBackupPluginSvc",
            r"NT SERVICE\AzureWLBackupPluginSvc",
            ServiceState::Running,
        ),
    ];
    let names = |account, services: Option<&[Service]>| {
        let restarts = restarts(&[plan(account)], services);
        assert!(
            restarts
                .iter()
                .all(|one| one.because == RestartBecause::KeyMade)
        );
        let names = restarts.into_iter().map(|restart| restart.service);
        names.collect::<Vec<_>>().join(" ")
    };
    let of_system = "AzureWLBackupCoordinatorSvc AzureWLBackupInquirySvc";
    assert_eq!(names(Account::System, Some(&services)), of_system);
    assert_eq!(names(Account::Plugin, None), "AzureWLBackupPluginSvc");
    let all = format!("{of_system} AzureWLBackupPluginSvc");
    assert_eq!(names(Account::Machine, Some(&services)), all);
    assert_eq!(names(Account::Machine32, Some(&services)), "");
    let unchanged = Plan {
        new_keys: Vec::new(),
        ..plan(Account::System)
    };
    assert_eq!(restarts(&[unchanged], Some(&services)), []);
}

/// Which connections stand in the way of a restart, and when the vault's word
/// does away with the coordinator's.
#[test]
fn a_service_at_work_is_not_restarted() {
    const COORDINATOR: &str = "AzureWLBackupCoordinatorSvc";
    let restart = |service: &str, state| Restart {
        service: service.to_owned(),
        state,
        because: RestartBecause::KeyMade,
    };
    let process = |service: &str, process| ServiceProcess {
        service: service.to_owned(),
        logon: String::new(),
        process,
    };
    let row = |remote: &str, process| Row {
        local: "10.0.0.9:50000".parse().unwrap(),
        remote: remote.parse().unwrap(),
        process,
    };
    let connected = |service: &str, remote: &str| Hindrance::Connected {
        service: service.to_owned(),
        remotes: [remote.parse().unwrap()].into(),
    };
    let restarting = [
        restart(COORDINATOR, ServiceState::Running),
        restart(PLUGIN_SERVICE, ServiceState::Running),
    ];
    let processes = [
        process("azurewlbackupcoordinatorsvc", 1),
        process(PLUGIN_SERVICE, 2),
    ];
    // SQL Server on the machine itself, and somebody else's connection.
    let idle = [row("127.0.0.1:1433", 2), row("10.0.0.4:443", 7)];
    let coordinator = row("10.0.0.4:443", 1);
    let plugin = row("10.0.0.5:443", 2);
    let of =
        |rows: &[Row], vault: Option<&[Work]>| hindrances(&restarting, &processes, rows, vault);
    assert_eq!(of(&idle, None), []);
    assert_eq!(
        of(&[coordinator], None),
        [connected(COORDINATOR, "10.0.0.4:443")]
    );
    assert_eq!(of(&[coordinator], Some(&[])), []);
    assert_eq!(
        of(&[coordinator, plugin], Some(&[])),
        [connected(PLUGIN_SERVICE, "10.0.0.5:443")]
    );
    let work = Work {
        operation: "Backup (Full)".to_owned(),
        of: "orders [sqlvm1]".to_owned(),
    };
    let at_work = Hindrance::AtWork(work.clone());
    assert_eq!(
        of(&idle, Some(&[work.clone()])),
        std::slice::from_ref(&at_work)
    );
    assert_eq!(
        of(&[coordinator], Some(&[work])),
        [connected(COORDINATOR, "10.0.0.4:443"), at_work]
    );
    // One that is on its way, and one whose process nobody knows, wait; one that
    // does not run has nothing to lose.
    let unsettled = |state, processes: &[ServiceProcess]| {
        hindrances(&[restart(PLUGIN_SERVICE, state)], processes, &idle, None)
    };
    let not_settled = [Hindrance::NotSettled {
        service: PLUGIN_SERVICE.to_owned(),
    }];
    assert_eq!(unsettled(ServiceState::Changing, &processes), not_settled);
    assert_eq!(unsettled(ServiceState::Unknown, &processes), not_settled);
    assert_eq!(unsettled(ServiceState::Running, &[]), not_settled);
    assert_eq!(unsettled(ServiceState::Stopped, &[]), []);
}

#[test]
fn a_check_names_what_stands_around_the_settings() {
    let observed = Observed {
        services: Some(vec![service(
            "AzureWLBackupPluginSvc",
            r"CORP\backup",
            ServiceState::Running,
        )]),
        ..Observed::default()
    };
    let site = Site::parse(SAMPLE).unwrap();
    let check = check::verdict(&site, &observed, &[], Vec::new());
    let named = surroundings(&observed);
    assert!(!named.is_empty());
    assert_eq!(check.findings, named);
}
