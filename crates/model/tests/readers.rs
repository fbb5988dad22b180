//! Every disagreement about an account's settings, by name.

use proptest::prelude::*;
use std::collections::BTreeMap;

use sidestep_model::account::Account;
use sidestep_model::blob::{BlobText, ConnectionSettings, WinHttpSettings};
use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::finding::{Effect, Finding};
use sidestep_model::observed::{
    Absence, Observed, ObservedAccount, ServiceState, SettingsKey, ValueName,
};
use sidestep_model::readers::{AccountSeen, Difference, Reader, View, machine_findings, seen};
use sidestep_model::registry::RegistryData;
use sidestep_model::settings::{Flags, ProxySettings};

fn text(text: &str) -> RegistryData {
    RegistryData::Text(text.to_owned())
}

fn blob(settings: &ProxySettings) -> RegistryData {
    RegistryData::Binary(ConnectionSettings::new(settings).encode())
}

/// An account whose six values all say `settings`.
fn coherent(settings: &ProxySettings) -> ObservedAccount {
    let on = u32::from(settings.flags.has(Flags::MANUAL_PROXY));
    let mut values = vec![
        (ValueName::ProxyEnable, RegistryData::Dword(on)),
        (ValueName::ProxyServer, text(&settings.proxy_server)),
        (ValueName::ProxyOverride, text(&settings.proxy_override)),
        (ValueName::SavedLegacySettings, blob(settings)),
        (ValueName::DefaultConnectionSettings, blob(settings)),
    ];
    if settings.has_auto_config_url() {
        let url = text(&settings.auto_config_url);
        values.push((ValueName::AutoConfigUrl, url));
    }
    ObservedAccount {
        exists: true,
        keys: SettingsKey::ALL.into(),
        values: values.into_iter().collect(),
        ..ObservedAccount::default()
    }
}

fn sound() -> ObservedAccount {
    coherent(&ProxySettings::manual("p:8080", "*.corp.example;<local>"))
}

fn look(system: ObservedAccount) -> AccountSeen {
    let observed = Observed {
        system,
        ..Observed::default()
    };
    seen(Account::System, &observed, Catalogue::of(Cloud::AzureCloud))
}

fn codes(findings: &[Finding]) -> Vec<String> {
    let codes = findings.iter().map(|finding| finding.code().to_string());
    codes.collect()
}

/// What is found once `value` holds `data`.
fn with(value: ValueName, data: RegistryData) -> Vec<String> {
    let mut account = sound();
    account.values.insert(value, data);
    codes(&look(account).findings)
}

fn without(value: ValueName) -> Vec<String> {
    let mut account = sound();
    account.values.remove(&value);
    codes(&look(account).findings)
}

#[test]
fn where_all_agree_nothing_is_found() {
    let seen = look(sound());
    assert_eq!(seen.findings, []);
    assert!(seen.is_usable());
    let readers: Vec<Reader> = seen.views.iter().map(|(reader, _)| *reader).collect();
    assert_eq!(readers, Reader::ALL);
}

#[test]
fn each_plain_value_is_held_against_the_blob() {
    assert_eq!(
        with(ValueName::ProxyEnable, RegistryData::Dword(0)),
        ["SS124"]
    );
    assert_eq!(with(ValueName::ProxyServer, text("q:8080")), ["SS124"]);
    assert_eq!(with(ValueName::ProxyOverride, text("wsus")), ["SS124"]);
    assert_eq!(
        with(ValueName::AutoConfigUrl, text("http://wpad/x")),
        ["SS124"]
    );
    for value in [
        ValueName::ProxyEnable,
        ValueName::ProxyServer,
        ValueName::ProxyOverride,
    ] {
        assert_eq!(without(value), ["SS124"]);
    }
    let mut account = sound();
    let list = text("*.CORP.example;wsus");
    account.values.insert(ValueName::ProxyOverride, list);
    let difference = Difference::List(vec!["wsus".to_owned()], vec!["<local>".to_owned()]);
    assert_eq!(
        look(account).findings,
        [Finding::PlainValueDiffers {
            account: Account::System,
            value: ValueName::ProxyOverride,
            difference
        }]
    );
}

#[test]
fn the_two_blobs_are_held_against_each_other() {
    let saved = |settings: &ProxySettings| with(ValueName::SavedLegacySettings, blob(settings));
    let list = "*.corp.example;<local>";
    assert_eq!(saved(&ProxySettings::manual("q:1", list)), ["SS125"]);
    assert_eq!(saved(&ProxySettings::manual("p:8080", "")), ["SS125"]);
    assert_eq!(saved(&ProxySettings::default()), ["SS125"]);
    let detecting = ProxySettings {
        flags: Flags(11),
        ..ProxySettings::manual("p:8080", list)
    };
    assert_eq!(saved(&detecting), ["SS125"]);
    assert_eq!(without(ValueName::SavedLegacySettings), ["SS126"]);
}

#[test]
fn passwords_are_in_no_difference() {
    let mut account = coherent(&ProxySettings::manual("joe:geheim@p:8080", ""));
    let other = blob(&ProxySettings::manual("joe:anders@p:8080", ""));
    account.values.insert(ValueName::SavedLegacySettings, other);
    let findings = look(account).findings;
    assert_eq!(codes(&findings), ["SS125"]);
    let shown = format!("{findings:?}");
    assert!(!shown.contains("geheim") && !shown.contains("anders"));
}

#[test]
fn odd_blobs_are_shown_as_far_as_they_can_be_read() {
    let default = ValueName::DefaultConnectionSettings;
    let settings = ProxySettings::manual("p:8080", "*.corp.example;<local>");
    let with_blob = |edit: fn(&mut ConnectionSettings)| {
        let mut blob = ConnectionSettings::new(&settings);
        edit(&mut blob);
        let mut account = sound();
        let data = RegistryData::Binary(blob.encode());
        account.values.insert(default, data);
        look(account)
    };
    let foreign = with_blob(|blob| blob.version = 0x50);
    assert_eq!(codes(&foreign.findings), ["SS130"]);
    let (_, View::Settings(read)) = &foreign.views[0] else {
        panic!("it can be read");
    };
    assert_eq!(read.entries, ["*.corp.example", "<local>"]);
    assert!(!read.blob.unwrap().complete && foreign.is_usable());
    let old = with_blob(|blob| blob.version = 0x3C);
    assert_eq!(old.findings, []);

    let blank = with_blob(|blob| blob.auto_config_url = BlobText::from(" "));
    assert_eq!(codes(&blank.findings), ["SS131"]);
    let unnamed = with_blob(|blob| blob.flags = Flags(7));
    assert_eq!(codes(&unnamed.findings), ["SS125", "SS131"]);
    let indirect = with_blob(|blob| blob.flags = Flags(2));
    assert_eq!(codes(&indirect.findings), ["SS133"]);
    assert_eq!(with(ValueName::AutoConfigUrl, text(" ")), ["SS131"]);
}

#[test]
fn what_dotnet_cannot_use_makes_an_account_unusable() {
    let garbage = RegistryData::Binary(vec![0x46, 0, 0]);
    for (value, usable) in [
        (ValueName::DefaultConnectionSettings, false),
        (ValueName::SavedLegacySettings, true),
    ] {
        let mut account = sound();
        account.values.insert(value, garbage.clone());
        let seen = look(account);
        assert_eq!(codes(&seen.findings), ["SS112"]);
        assert_eq!(seen.is_usable(), usable);
    }
    let unusable = look(coherent(&ProxySettings::manual("p:8080;", "")));
    assert_eq!(codes(&unusable.findings), ["SS106"]);
    assert!(!unusable.is_usable());
}

#[test]
fn the_readers_of_one_blob_part() {
    let list = |list: &str| look(coherent(&ProxySettings::manual("p:8080", list)));
    assert_eq!(codes(&list("h*").findings), ["SS117"]);
    assert_eq!(codes(&list("a.example/").findings), ["SS108"]);
    let blanks = list("a.example b.example");
    assert_eq!(codes(&blanks.findings), ["SS134"]);
    let entries: Vec<usize> = blanks
        .views
        .iter()
        .filter_map(|(_, view)| match view {
            View::Settings(seen) => Some(seen.entries.len()),
            _ => None,
        })
        .collect();
    assert_eq!(entries, [1, 2, 2, 2]);
    let socks = look(coherent(&ProxySettings::manual("socks=p:1080", "")));
    assert_eq!(codes(&socks.findings), ["SS117"]);
}

#[test]
fn what_decides_before_the_list_is_named() {
    let automatic = |flags, url: &str| {
        let settings = ProxySettings {
            flags: Flags(flags),
            auto_config_url: url.to_owned(),
            ..ProxySettings::default()
        };
        codes(&look(coherent(&settings)).findings)
    };
    assert_eq!(automatic(9, ""), ["SS101"]);
    assert_eq!(automatic(5, "http://wpad/x.pac"), ["SS102"]);
    assert_eq!(automatic(5, "x.pac"), ["SS102", "SS117"]);
    assert_eq!(automatic(1, ""), Vec::<String>::new());
}

#[test]
fn values_of_another_type_are_named() {
    assert_eq!(with(ValueName::ProxyEnable, text("1")), ["SS132"]);
    let server = RegistryData::ExpandText("p:8080".to_owned());
    assert_eq!(with(ValueName::ProxyServer, server), ["SS132"]);
    let blob = text("46000000");
    assert_eq!(with(ValueName::DefaultConnectionSettings, blob), ["SS112"]);
}

#[test]
fn an_account_that_is_only_not_loaded_is_told_from_one_that_is_not_there() {
    let service = |state, has_profile| Absence::ServiceIsThere { state, has_profile };
    let profile = Absence::ProfileAlone {
        folder: r"C:\Users\AzureWLBackupPluginSvc".to_owned(),
    };
    let codes_of = [
        (Absence::NotSaid, "SS111", false),
        (Absence::NotRegistered, "SS111", false),
        (service(ServiceState::Stopped, false), "SS142", true),
        (service(ServiceState::Running, true), "SS142", true),
        (profile, "SS143", false),
    ];
    for (absence, code, is_passing) in codes_of {
        assert_eq!(absence.is_passing(), is_passing);
        let plugin = ObservedAccount {
            absence,
            ..ObservedAccount::default()
        };
        let observed = Observed {
            plugin,
            ..Observed::default()
        };
        let catalogue = Catalogue::of(Cloud::AzureCloud);
        let seen = seen(Account::Plugin, &observed, catalogue);
        assert_eq!(codes(&seen.findings), [code]);
        assert!(
            seen.findings
                .iter()
                .all(|finding| finding.effect() == Effect::GoOn)
        );
    }
}

#[test]
fn accounts_without_settings_say_so() {
    let missing = look(ObservedAccount::default());
    assert_eq!(codes(&missing.findings), ["SS111"]);
    let mut unset = sound();
    unset.values.clear();
    assert_eq!(codes(&look(unset).findings), ["SS114"]);
    let mut plain = sound();
    plain.values.remove(&ValueName::DefaultConnectionSettings);
    plain.values.remove(&ValueName::SavedLegacySettings);
    assert_eq!(codes(&look(plain).findings), ["SS115"]);
    let off = ProxySettings {
        flags: Flags(1),
        ..ProxySettings::manual("p:8080", "")
    };
    assert_eq!(codes(&look(coherent(&off)).findings), ["SS104"]);
}

#[test]
fn under_the_policy_the_machines_settings_count() {
    let observed = Observed {
        proxy_settings_per_user: Some(RegistryData::Dword(0)),
        system: sound(),
        machine: ObservedAccount {
            exists: true,
            values: BTreeMap::from([(
                ValueName::DefaultConnectionSettings,
                blob(&ProxySettings::manual("m:8080;", "")),
            )]),
            ..ObservedAccount::default()
        },
        ..Observed::default()
    };
    let seen = seen(Account::System, &observed, Catalogue::of(Cloud::AzureCloud));
    assert_eq!(codes(&seen.findings), ["SS106"]);
    assert!(!seen.is_usable());
    let machine = machine_findings(&Account::SERVICES, &observed);
    assert_eq!(codes(&machine), ["SS103"]);
    assert_eq!(machine_findings(&Account::MACHINE, &observed), []);
    // Without it nobody reads them.
    let observed = Observed {
        proxy_settings_per_user: Some(RegistryData::Dword(1)),
        ..observed
    };
    let unread = machine_findings(&Account::MACHINE, &observed);
    assert_eq!(codes(&unread), ["SS147"]);
}

#[test]
fn winhttp_is_another_matter() {
    let winhttp = |flags, proxy: &str, list: &str| WinHttpSettings {
        version: 0x28,
        counter: 0,
        flags: Flags(flags),
        proxy_server: BlobText::from(proxy),
        proxy_bypass: BlobText::from(list),
        trailing: Vec::new(),
    };
    let machine = |winhttp: Option<RegistryData>| {
        let observed = Observed {
            system: sound(),
            winhttp,
            ..Observed::default()
        };
        codes(&machine_findings(&Account::SERVICES, &observed))
    };
    let stored = |blob: WinHttpSettings| machine(Some(RegistryData::Binary(blob.encode())));
    let same = stored(winhttp(3, "P:8080", "<local>;*.corp.example"));
    assert_eq!(same, Vec::<String>::new());
    assert_eq!(machine(None), Vec::<String>::new());
    assert_eq!(stored(winhttp(1, "", "")), ["SS127"]);
    let wildcard = stored(winhttp(3, "p:8080", "<local>;*.corp.example;10.*"));
    assert_eq!(wildcard, ["SS127", "SS129"]);
    assert_eq!(machine(Some(text("28"))), ["SS128"]);
}

proptest! {
    /// Whatever they say: values that say the same disagree in nothing.
    #[test]
    fn no_disagreement_is_made_up(
        flags in prop::sample::select(vec![1, 3, 5, 7, 9, 15_u32]),
        proxy in "|[a-z]{1,4}:80|u:p@h:1|http=a:1;https=b:2",
        list in "([a-z*.<>/: ]{1,6};?){0,4}",
        url in "| |http://[a-z]{1,4}/x",
    ) {
        let settings = ProxySettings {
            flags: Flags(flags),
            proxy_server: proxy,
            proxy_override: list,
            auto_config_url: url,
        };
        let between = ["SS124", "SS125", "SS126", "SS132", "SS133"];
        for code in codes(&look(coherent(&settings)).findings) {
            prop_assert!(!between.contains(&code.as_str()), "{code} for {settings:?}");
        }
    }
}
