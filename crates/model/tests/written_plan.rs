//! A plan that was written down is carried out on the machine that it saw, and
//! only if it is one that Sidestep makes.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use sidestep_model::account::Account;
use sidestep_model::blob::ConnectionSettings;
use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::desired::{Clear, Desired};
use sidestep_model::finding::Finding;
use sidestep_model::journal::{Intent, Recorded};
use sidestep_model::observed::{Observed, ObservedAccount, SettingsKey, ValueName};
use sidestep_model::plan::{Idle, Plan, WrittenPlanError};
use sidestep_model::redacted::Redacted;
use sidestep_model::registry::RegistryData;
use sidestep_model::settings::{Flags, ProxySettings};
use sidestep_model::site::{self, Site};

const ACCOUNT: Account = Account::System;

fn text(text: &str) -> RegistryData {
    RegistryData::Text(text.to_owned())
}

fn blob(settings: &ProxySettings, counter: u32) -> RegistryData {
    let blob = ConnectionSettings::new(settings);
    RegistryData::Binary(ConnectionSettings { counter, ..blob }.encode())
}

/// An account that needs a longer list; a script's address is left behind.
fn machine() -> Observed {
    let settings = ProxySettings::manual("10.2.0.16:8080", "wsus");
    let values = [
        (ValueName::ProxyEnable, RegistryData::Dword(1)),
        (ValueName::ProxyServer, text("10.2.0.16:8080")),
        (ValueName::ProxyOverride, text("wsus")),
        (ValueName::AutoConfigUrl, text(" ")),
        (ValueName::SavedLegacySettings, blob(&settings, 7)),
        (ValueName::DefaultConnectionSettings, blob(&settings, 9)),
    ];
    Observed {
        system: ObservedAccount {
            exists: true,
            keys: SettingsKey::ALL.into(),
            values: values.into(),
            ..ObservedAccount::default()
        },
        ..Observed::default()
    }
}

fn plan(observed: &Observed) -> Plan {
    let site = Site::parse(site::SAMPLE).unwrap();
    let catalogue = Catalogue::of(Cloud::AzureCloud);
    let desired = Desired::of(ACCOUNT, catalogue, &site, observed, Clear::default());
    Plan::diff(observed, desired)
}

fn carried_out(plan: &Plan, observed: &Observed) -> Result<Plan, WrittenPlanError> {
    Plan::written_down(&Intent::from(plan), &plan.saw, observed)
}

/// The plan, all of its values edited to say something else.
fn edited(plan: &Plan, edit: impl Fn(&mut ProxySettings)) -> Intent {
    let mut intent = Intent::from(plan);
    let mut settings = plan.after.clone().unwrap();
    edit(&mut settings);
    let here = machine().system;
    let enable = u32::from(settings.flags.has(Flags::MANUAL_PROXY));
    let values = [
        (ValueName::ProxyEnable, RegistryData::Dword(enable)),
        (ValueName::ProxyServer, text(&settings.proxy_server)),
        (ValueName::ProxyOverride, text(&settings.proxy_override)),
    ];
    let blobs = [
        ValueName::SavedLegacySettings,
        ValueName::DefaultConnectionSettings,
    ]
    .map(|name| {
        let blob = here.blob(name).unwrap().unwrap().with_settings(&settings);
        (name, RegistryData::Binary(blob.encode()))
    });
    intent.changes = values
        .into_iter()
        .chain(blobs)
        .filter(|(name, after)| here.values[name] != *after)
        .map(|(value, after)| Recorded {
            value,
            before: Some(Redacted::of(value, &here.values[&value])),
            after: Some(Redacted::of(value, &after)),
        })
        .collect();
    intent
}

#[test]
fn a_move_in_any_value_is_noticed_but_for_what_windows_moves() {
    let before = machine();
    let plan = plan(&before);
    let changed: Vec<ValueName> = plan.changes.iter().map(|change| change.value).collect();
    assert!(!changed.contains(&ValueName::AutoConfigUrl));
    assert_eq!(carried_out(&plan, &before).unwrap().changes, plan.changes);
    for value in ValueName::ALL {
        for data in [None, Some(text("http://other.example/x"))] {
            let mut now = before.clone();
            match data {
                Some(data) => now.system.values.insert(value, data),
                None => now.system.values.remove(&value),
            };
            let error = carried_out(&plan, &now).unwrap_err();
            assert_eq!(
                error,
                WrittenPlanError::Moved {
                    account: ACCOUNT,
                    value
                }
            );
        }
    }

    // The same of an account that the plan leaves as it is.
    let after = Observed {
        system: before.system.after(&plan.changes),
        ..before.clone()
    };
    let idle = self::plan(&after);
    assert_eq!(idle.idle, Some(Idle::AlreadySo));
    assert!(carried_out(&idle, &after).unwrap().is_empty());
    let value = ValueName::SavedLegacySettings;
    let error = carried_out(&idle, &before).unwrap_err();
    assert_eq!(
        error,
        WrittenPlanError::Moved {
            account: ACCOUNT,
            value: ValueName::ProxyOverride
        }
    );
    let mut counted = after.clone();
    let settings = after.system.blob(value).unwrap().unwrap().settings();
    let windows = blob(&settings, 4711);
    counted.system.values.insert(value, windows);
    assert!(carried_out(&idle, &counted).unwrap().is_empty());

    // An account that came or went.
    let nobody = Observed::default();
    let error = carried_out(&idle, &nobody).unwrap_err();
    assert_eq!(error, WrittenPlanError::AccountGone(ACCOUNT));
    let error = carried_out(&self::plan(&nobody), &before).unwrap_err();
    assert_eq!(error, WrittenPlanError::AccountCame(ACCOUNT));
}

#[test]
fn what_breaks_a_reader_is_not_written_by_a_plan_file_either() {
    let observed = machine();
    let plan = plan(&observed);
    let refused = |edit: &dyn Fn(&mut ProxySettings)| {
        let plan = Plan::written_down(&edited(&plan, edit), &plan.saw, &observed).unwrap();
        assert_eq!((plan.idle, plan.changes.len()), (Some(Idle::Blocked), 0));
        plan.findings
    };
    for entry in ["a.example/", "b\r\nc", "d\0e", "\u{e9}.example", "f\ng"] {
        let findings = refused(&|settings| {
            settings.proxy_override = format!("{entry};{}", settings.proxy_override);
        });
        let entry = entry.to_owned();
        let breaks = Finding::EntryBreaksList {
            account: ACCOUNT,
            entry,
        };
        assert_eq!(findings, [breaks]);
    }
    for proxy in [
        "10.2.0.16:8080;",
        "h:1\r\n",
        "https://h:1",
        "h\0:1",
        "\u{e9}:1",
    ] {
        let findings = refused(&|settings| proxy.clone_into(&mut settings.proxy_server));
        let proxy = proxy.to_owned();
        let unusable = Finding::ProxyUnusable {
            account: ACCOUNT,
            proxy,
        };
        assert_eq!(findings, [unusable]);
    }
    // Edited to something sound, it is carried out.
    let sound = edited(&plan, |settings| {
        settings.proxy_override += ";more.example";
    });
    let plan = Plan::written_down(&sound, &plan.saw, &observed).unwrap();
    assert!(plan.changes.len() > 2 && plan.findings.is_empty());
}

#[test]
fn what_no_plan_of_sidestep_does_is_refused() {
    let observed = machine();
    let plan = plan(&observed);
    let refused =
        |intent: &Intent| match Plan::written_down(intent, &plan.saw, &observed).unwrap_err() {
            WrittenPlanError::NotOurs { value, .. } => value,
            error => panic!("{error}"),
        };
    let with = |value: ValueName, data: RegistryData| {
        let mut intent = Intent::from(&plan);
        let mut changes = intent.changes.iter_mut();
        let after = Some(Redacted::of(value, &data));
        match changes.find(|change| change.value == value) {
            Some(change) => change.after = after,
            None => intent.changes.push(Recorded {
                value,
                before: observed
                    .system
                    .values
                    .get(&value)
                    .map(|data| Redacted::of(value, data)),
                after,
            }),
        }
        intent
    };
    let counts = ValueName::DefaultConnectionSettings;
    let whole = plan.changes.last().unwrap().after.clone().unwrap();
    let RegistryData::Binary(bytes) = whole else {
        panic!("a blob is binary")
    };
    let mut blob = ConnectionSettings::decode(&bytes).unwrap();
    blob.counter += 5;
    for (value, data) in [
        (ValueName::ProxyEnable, text("1")),
        (ValueName::ProxyServer, text("10.2.0.17:8080")),
        (ValueName::ProxyOverride, text("only.here")),
        (ValueName::AutoConfigUrl, text("http://other.example/x")),
        (counts, RegistryData::Binary(blob.encode())),
    ] {
        assert_eq!(refused(&with(value, data)), value);
    }
    // Values that agree, but switch a script or detection on.
    let script = |settings: &mut ProxySettings| {
        settings.auto_config_url = "http://other.example/x".to_owned();
    };
    assert_eq!(refused(&edited(&plan, script)), counts);
    let detection = |settings: &mut ProxySettings| {
        settings.flags = settings.flags.with(Flags::AUTO_DETECT);
    };
    assert_eq!(refused(&edited(&plan, detection)), counts);

    let mut intent = Intent::from(&plan);
    intent.removed_keys = vec![SettingsKey::Connections];
    assert_eq!(
        Plan::written_down(&intent, &plan.saw, &observed).unwrap_err(),
        WrittenPlanError::KeysRemoved(ACCOUNT)
    );
}
