//! What stands around the settings: files that decide, services, SIDs.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::slice;

use sidestep_model::account::{Account, PLUGIN_SERVICE};
use sidestep_model::check;
use sidestep_model::finding::{Finding, Surrounding};
use sidestep_model::journal::{
    Begin, Command, FORMAT, Intent, Run, RunNumber, Sealer, Transaction, TransactionEnd,
};
use sidestep_model::net_config::{NetConfig, ProxyOverride};
use sidestep_model::observed::{LookedUp, Observed, Service, ServiceState, SettingsKey};
use sidestep_model::plan::Plan;
use sidestep_model::restart::{
    Hindrance, Restart, RestartBecause, Work, coordinator_last, hindrances, overdue, restarts,
};
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

#[test]
fn a_profile_that_was_left_loaded_is_named() {
    let key = r"HKEY_USERS\Sidestep-AzureWLBackupPluginSvc".to_owned();
    let observed = Observed {
        left_loaded: Some(key.clone()),
        ..Observed::default()
    };
    let left = Surrounding::LeftLoaded { key };
    assert_eq!(surroundings(&observed), [left.into()]);
}

/// Which connections stand in the way of a restart, and what the vault is at.
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
    let processes = [process(COORDINATOR, 1), process(PLUGIN_SERVICE, 2)];
    // SQL Server on the machine itself, and somebody else's connection.
    let idle = [row("127.0.0.1:1433", 2), row("10.0.0.4:443", 7)];
    let of = |rows: &[Row], vault: &[Work]| hindrances(&restarting, &processes, rows, vault);
    assert_eq!(of(&idle, &[]), []);
    let both = [row("10.0.0.4:443", 1), row("10.0.0.5:443", 2)];
    let of_both = [
        connected(COORDINATOR, "10.0.0.4:443"),
        connected(PLUGIN_SERVICE, "10.0.0.5:443"),
    ];
    assert_eq!(of(&both, &[]), of_both);
    // One that is not to be restarted is at work for the one that is.
    let alone = hindrances(&restarting[..1], &processes, &both[1..], &[]);
    assert_eq!(alone, of_both[1..]);
    let work = Work {
        operation: "Backup (Full)".to_owned(),
        of: "orders [sqlvm1]".to_owned(),
    };
    let at_work = Hindrance::AtWork(work.clone());
    assert_eq!(of(&idle, &[work]), [at_work]);
    let mut ordered = restarting.clone();
    coordinator_last(&mut ordered);
    let names: Vec<&str> = ordered.iter().map(|one| one.service.as_str()).collect();
    assert_eq!(names, [PLUGIN_SERVICE, COORDINATOR]);
    // One that is on its way waits; one that does not run has nothing to lose.
    let unsettled = |state| hindrances(&[restart(PLUGIN_SERVICE, state)], &processes, &idle, &[]);
    let not_settled = |state| {
        [Hindrance::NotSettled {
            service: PLUGIN_SERVICE.to_owned(),
            state,
        }]
    };
    let (changing, unknown) = (ServiceState::Changing, ServiceState::Unknown);
    assert_eq!(unsettled(changing), not_settled(changing));
    assert_eq!(unsettled(unknown), not_settled(unknown));
    assert_eq!(unsettled(ServiceState::Stopped), []);
}

/// What an earlier run left to do is known by when a service's process began.
#[test]
fn a_restart_that_was_left_out_stays_to_be_done() {
    let run = |time: &str, new_keys: &[SettingsKey], removed_keys: &[SettingsKey]| {
        let intent = Intent {
            account: Account::Plugin,
            changes: Vec::new(),
            new_keys: new_keys.to_vec(),
            removed_keys: removed_keys.to_vec(),
        };
        let transaction = Transaction {
            intents: vec![intent],
            kept: Vec::new(),
            end: Some(TransactionEnd::Committed(time.parse().unwrap())),
        };
        Run {
            begin: Begin {
                format: FORMAT,
                run: RunNumber(1),
                command: Command::Apply,
                time: time.parse().unwrap(),
                sidestep: String::new(),
                at: String::new(),
            },
            transactions: vec![transaction],
            backups: Vec::new(),
            sound_bytes: 0,
            sealer: Sealer::default(),
        }
    };
    let made = run("2026-01-02T00:00:00Z", &[SettingsKey::Connections], &[]);
    let taken = run("2026-01-04T00:00:00Z", &[], &[SettingsKey::Connections]);
    let written = run("2026-01-06T00:00:00Z", &[], &[]);
    let service = |state| service(PLUGIN_SERVICE, r"NT SERVICE\AzureWLBackupPluginSvc", state);
    let late = |runs: &[Run], state, began: &str| {
        let began = [(PLUGIN_SERVICE.to_owned(), began.parse().unwrap())].into();
        let restarts = overdue(runs, &[service(state)], &began).into_iter();
        restarts.map(|one| one.because).collect::<Vec<_>>()
    };
    let running = ServiceState::Running;
    let runs = [made.clone(), taken, written];
    let (key_made, taken_away) = (RestartBecause::KeyMade, RestartBecause::KeyTakenAway);
    assert_eq!(
        late(slice::from_ref(&made), running, "2026-01-01T00:00:00Z"),
        [key_made]
    );
    assert_eq!(
        late(slice::from_ref(&made), running, "2026-01-03T00:00:00Z"),
        []
    );
    assert_eq!(
        late(&[made], ServiceState::Stopped, "2026-01-01T00:00:00Z"),
        []
    );
    // The last one counts.
    assert_eq!(late(&runs, running, "2026-01-01T00:00:00Z"), [taken_away]);
    assert_eq!(late(&runs, running, "2026-01-03T00:00:00Z"), [taken_away]);
    assert_eq!(late(&runs, running, "2026-01-05T00:00:00Z"), []);
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
