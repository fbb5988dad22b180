//! From what is there and what the site says to a plan.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;
use sidestep_model::account::Account;
use sidestep_model::blob::ConnectionSettings;
use sidestep_model::bypass::{Consumer, HostContext};
use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::desired::{Because, Clear, Desired};
use sidestep_model::destination::Destination;
use sidestep_model::finding::{Effect, Finding};
use sidestep_model::observed::{Observed, ObservedAccount, SettingsKey, ValueName};
use sidestep_model::plan::{Idle, Plan};
use sidestep_model::registry::RegistryData;
use sidestep_model::route::{Route, route};
use sidestep_model::settings::{Flags, ProxySettings};
use sidestep_model::site::{self, Site};

/// The sample with some of its lines replaced.
fn site(replacements: &[(&str, &str)]) -> Site {
    let mut text = site::SAMPLE.to_owned();
    for (from, to) in replacements {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    Site::parse(&text).unwrap()
}

fn machine(settings: &ProxySettings) -> Observed {
    let blob = ConnectionSettings::new(settings).encode();
    let values = [
        (ValueName::SavedLegacySettings, blob.clone()),
        (ValueName::DefaultConnectionSettings, blob),
    ];
    let account = ObservedAccount {
        exists: true,
        keys: SettingsKey::ALL.into(),
        values: values
            .map(|(name, blob)| (name, RegistryData::Binary(blob)))
            .into(),
        ..ObservedAccount::default()
    };
    Observed {
        system: account.clone(),
        plugin: account,
        ..Observed::default()
    }
}

fn plan(site: &Site, observed: &Observed) -> Plan {
    let catalogue = Catalogue::of(Cloud::AzureCloud);
    Plan::diff(
        observed,
        Desired::of(Account::System, catalogue, site, observed, Clear::default()),
    )
}

fn codes(plan: &Plan) -> Vec<String> {
    plan.findings
        .iter()
        .map(|finding| finding.code().to_string())
        .collect()
}

fn list(plan: &Plan) -> &str {
    &plan.after.as_ref().unwrap().proxy_override
}

/// The machine after the plan was carried out.
fn carried_out(observed: &Observed, plan: &Plan) -> Observed {
    let mut after = observed.clone();
    after.system = observed.system.after(&plan.changes);
    after
}

#[test]
fn foreign_entries_stay_in_front_and_local_ends_the_list() {
    let observed = machine(&ProxySettings::manual(
        "p:8080",
        "wsus.corp.example;<local>;LOCALHOST",
    ));
    let plan = plan(&site(&[]), &observed);
    let entries: Vec<&str> = list(&plan).split(';').collect();
    assert_eq!(
        entries[..4],
        [
            "wsus.corp.example",
            "LOCALHOST",
            "168.63.129.16",
            "169.254.169.254"
        ]
    );
    assert_eq!(entries.last(), Some(&"<local>"));
    let local = plan.reasons.last().unwrap();
    assert_eq!(local.because, Because::Present);
    assert_eq!(
        plan.changes.last().unwrap().value,
        ValueName::DefaultConnectionSettings
    );
}

#[test]
fn an_entry_that_the_site_removes_is_not_missed_where_it_stands_alone() {
    let mut observed = machine(&ProxySettings::manual("p:8080", "old.example"));
    let alone = RegistryData::Text("old.example;Gone.example;lost.example".to_owned());
    let values = &mut observed.system.values;
    values.insert(ValueName::ProxyOverride, alone);
    let dropped = |remove: &str| {
        let plan = plan(&site(&[("remove = []", remove)]), &observed);
        let dropped = plan.findings.into_iter().find_map(|finding| match finding {
            Finding::EntriesDropped { entries, .. } => Some(entries),
            _ => None,
        });
        dropped.unwrap_or_default()
    };
    assert_eq!(dropped("remove = []"), ["Gone.example", "lost.example"]);
    assert_eq!(dropped("remove = [\"gone.example\"]"), ["lost.example"]);
    let both = "remove = [\"gone.example\", \"lost.example\"]";
    assert!(dropped(both).is_empty());
}

#[test]
fn the_site_adds_and_removes() {
    let observed = machine(&ProxySettings::manual("p:8080", "old.example;Gone.example"));
    let site = site(&[
        ("add = []", "add = [\"edr.example\"]"),
        (
            "remove = []",
            "remove = [\"gone.example\", \"*.msecnd.net\"]",
        ),
        ("local = true", "local = false"),
    ]);
    let plan = plan(&site, &observed);
    assert!(list(&plan).starts_with("old.example;localhost;"));
    assert!(list(&plan).ends_with(";edr.example"));
    assert!(!list(&plan).contains("msecnd") && !list(&plan).contains("one.example"));
    assert_eq!(
        plan.removed()
            .map(|reason| &reason.entry)
            .collect::<Vec<_>>(),
        ["Gone.example"]
    );
}

#[test]
fn a_list_written_with_spaces_is_written_with_semicolons() {
    let plan = plan(
        &site(&[]),
        &machine(&ProxySettings::manual("p:8080", "a.example b.example")),
    );
    assert!(list(&plan).starts_with("a.example;b.example;localhost;"));
}

#[test]
fn without_a_proxy_there_is_nothing_to_bypass() {
    for settings in [
        ProxySettings::default(),
        ProxySettings {
            flags: Flags(1),
            ..ProxySettings::default()
        },
        // The flag without a name is no proxy either.
        ProxySettings::manual("", ""),
    ] {
        let plan = plan(&site(&[]), &machine(&settings));
        assert_eq!((plan.idle, plan.changes.len()), (Some(Idle::NoProxy), 0));
        assert!(plan.findings.is_empty());
    }
}

#[test]
fn a_proxy_is_turned_on_only_where_the_site_says_set() {
    let set = site(&[("mode = \"keep\"", "mode = \"set\"")]);
    let observed = Observed {
        system: ObservedAccount {
            exists: true,
            ..ObservedAccount::default()
        },
        ..Observed::default()
    };
    let plan = plan(&set, &observed);
    let values: Vec<&str> = plan
        .changes
        .iter()
        .map(|change| change.value.name())
        .collect();
    assert_eq!(
        values,
        [
            "ProxyEnable",
            "ProxyServer",
            "ProxyOverride",
            "SavedLegacySettings",
            "DefaultConnectionSettings"
        ]
    );
    let after = plan.after.as_ref().unwrap();
    assert_eq!(
        (after.flags, after.proxy_server.as_str()),
        (Flags(3), "10.2.0.16:8080")
    );
}

#[test]
fn what_stands_in_the_way_is_named_and_nothing_is_planned() {
    let manual = || ProxySettings::manual("p:8080", "");
    let with_flags = |flags| ProxySettings {
        flags: Flags(flags),
        auto_config_url: "http://wpad/x.pac".to_owned(),
        ..manual()
    };
    let blocked = |observed: &Observed, code: &str, effect: Effect| {
        let plan = plan(&site(&[]), observed);
        assert_eq!(codes(&plan), [code]);
        assert_eq!(plan.findings[0].effect(), effect);
        assert!(plan.is_empty(), "{plan:#?}");
    };
    blocked(&machine(&with_flags(11)), "SS101", Effect::RefuseData);
    blocked(&machine(&with_flags(7)), "SS102", Effect::RefuseData);
    blocked(
        &machine(&ProxySettings::manual("p:8080;", "")),
        "SS106",
        Effect::RefuseData,
    );

    let mut per_machine = machine(&manual());
    per_machine.proxy_settings_per_user = Some(RegistryData::Dword(0));
    blocked(&per_machine, "SS103", Effect::RefuseEnvironment);
    per_machine.proxy_settings_per_user = Some(RegistryData::Dword(1));
    assert!(!plan(&site(&[]), &per_machine).is_empty());

    let mut unreadable = machine(&manual());
    let garbage = RegistryData::Binary(vec![0x46, 0, 0]);
    unreadable
        .system
        .values
        .insert(ValueName::DefaultConnectionSettings, garbage);
    blocked(&unreadable, "SS112", Effect::RefuseData);
}

#[test]
fn an_account_that_is_not_there_is_no_account_without_a_proxy() {
    let nobody = Observed::default();
    let system = plan(&site(&[]), &nobody);
    assert_eq!(
        (codes(&system), system.findings[0].effect()),
        (vec!["SS111".to_owned()], Effect::RefuseEnvironment)
    );
    let catalogue = Catalogue::of(Cloud::AzureCloud);
    let desired = Desired::of(
        Account::Plugin,
        catalogue,
        &site(&[]),
        &nobody,
        Clear::default(),
    );
    assert_eq!(desired.findings[0].effect(), Effect::GoOn);
}

#[test]
fn an_account_that_nobody_set_detects_automatically() {
    let fresh = Observed {
        system: ObservedAccount {
            exists: true,
            ..ObservedAccount::default()
        },
        ..Observed::default()
    };
    assert!(fresh.system.settings().unwrap().has_auto_detect());
    let plan = plan(&site(&[]), &fresh);
    assert_eq!(
        (codes(&plan), plan.idle),
        (vec!["SS114".to_owned()], Some(Idle::Unset))
    );
}

#[test]
fn what_readers_take_differently_is_named() {
    let disagree = |server: &str, list: &str| {
        codes(&plan(
            &site(&[]),
            &machine(&ProxySettings::manual(server, list)),
        ))
        .contains(&"SS117".to_owned())
    };
    assert!(disagree("socks=p:1080", ""));
    for entry in ["wsus.corp.example:443", "h*", "<-loopback>;localhost"] {
        assert!(disagree("p:8080", entry), "{entry}");
    }
    assert!(!disagree(
        "p:8080",
        "wsus.corp.example;*.corp.example;<local>;x.example:8443"
    ));
    // No proxy for https is no proxy for a backup.
    let plan = plan(
        &site(&[]),
        &machine(&ProxySettings::manual("http=p:80", "")),
    );
    assert_eq!(plan.idle, Some(Idle::NoProxy));
}

#[test]
fn a_blob_that_cannot_be_read_is_refused_whichever_it_is() {
    let mut observed = machine(&ProxySettings::manual("p:8080", ""));
    let garbage = RegistryData::Binary(vec![0x46, 0, 0]);
    let text = RegistryData::Text("46".to_owned());
    for (name, value) in [
        (ValueName::SavedLegacySettings, garbage),
        (ValueName::DefaultConnectionSettings, text),
    ] {
        observed.system.values.insert(name, value);
        let plan = plan(&site(&[]), &observed);
        assert_eq!(
            (codes(&plan), plan.changes.len()),
            (vec!["SS112".to_owned()], 0)
        );
    }
}

#[test]
fn local_among_the_added_is_listed_once() {
    for local in ["true", "false"] {
        let site = site(&[
            ("local = true", &format!("local = {local}")),
            ("add = []", "add = [\"<local>\"]"),
        ]);
        let first = plan(&site, &machine(&ProxySettings::manual("p:8080", "")));
        assert_eq!(list(&first).matches("<local>").count(), 1);
        let again = plan(&site, &machine(first.after.as_ref().unwrap()));
        assert_eq!(list(&again), list(&first));
    }
}

#[test]
fn removing_local_wins_over_wanting_it() {
    let observed = machine(&ProxySettings::manual("p:8080", "<local>"));
    let site = site(&[("remove = []", "remove = [\"<local>\"]")]);
    assert!(!list(&plan(&site, &observed)).contains("local>"));
}

#[test]
fn an_entry_that_breaks_the_list_is_refused_until_the_site_removes_it() {
    let observed = machine(&ProxySettings::manual("p:8080", "10.0.0.0/8;a.example"));
    let refused = plan(&site(&[]), &observed);
    assert!(codes(&refused).contains(&"SS108".to_owned()));
    let removed = plan(
        &site(&[("remove = []", "remove = [\"10.0.0.0/8\"]")]),
        &observed,
    );
    assert!(!codes(&removed).contains(&"SS108".to_owned()));
}

#[test]
fn entra_by_the_proxy_needs_a_proxy_and_an_unlisted_entra() {
    let by_proxy = site(&[("entra = \"direct\"", "entra = \"proxy\"")]);
    let off = ProxySettings {
        flags: Flags(1),
        ..ProxySettings::manual("p:8080", "")
    };
    assert_eq!(codes(&plan(&by_proxy, &machine(&off))), ["SS104"]);
    assert_eq!(
        codes(&plan(&by_proxy, &machine(&ProxySettings::default()))),
        ["SS105"]
    );
    let mut unset = machine(&ProxySettings::default());
    unset.system.values.clear();
    assert_eq!(codes(&plan(&by_proxy, &unset)), ["SS114", "SS105"]);
    let not_for_https = machine(&ProxySettings::manual("http=p:80", ""));
    assert_eq!(codes(&plan(&by_proxy, &not_for_https)), ["SS105"]);
    let listed = machine(&ProxySettings::manual("p:8080", "*.microsoftonline.com"));
    let plan = plan(&by_proxy, &listed);
    assert_eq!(codes(&plan), ["SS109"]);
    assert!(list(&plan).starts_with("*.microsoftonline.com;localhost;"));
}

#[test]
fn only_the_blobs_counter_and_meaning_change() {
    let before = ProxySettings::manual("p:8080", "a.example");
    let observed = machine(&before);
    let plan = plan(&site(&[]), &observed);
    let Some(RegistryData::Binary(bytes)) = &plan.changes.last().unwrap().after else {
        panic!("a blob is binary");
    };
    let old = ConnectionSettings::new(&before);
    let new = ConnectionSettings::decode(bytes).unwrap();
    assert_eq!((new.version, new.counter), (old.version, old.counter + 1));
    assert_eq!(new.tail, old.tail);
}

proptest! {
    /// A plan carried out leaves nothing to plan, loses no entry, and means the
    /// same to both consumers for everything that it is about.
    #[test]
    fn carried_out_once_is_enough(
        entries in prop::collection::vec("[a-z*]{1,6}(\\.[a-z]{1,5}){0,2}|10\\.[0-9]\\.\\*", 0..6),
        separator in prop::sample::select(vec![";", " ", "; "]),
    ) {
        let present = entries.join(separator);
        let observed = machine(&ProxySettings::manual("10.2.0.16:8080", &present));
        let site = site(&[]);
        let first = plan(&site, &observed);
        prop_assert_eq!(Effect::of(&first.findings), Effect::GoOn);
        let kept: Vec<&str> = list(&first).split(';').collect();
        for entry in &entries {
            prop_assert!(kept.contains(&entry.as_str()), "{} in {}", entry, list(&first));
        }
        let after = carried_out(&observed, &first);
        let second = plan(&site, &after);
        prop_assert_eq!(second.idle, Some(Idle::AlreadySo));

        let settings = after.system.settings().unwrap();
        for endpoint in Catalogue::of(Cloud::AzureCloud).endpoints() {
            let host = endpoint.pattern.replace('*', "x");
            let destination = Destination::parse(&format!("https://{host}/")).unwrap();
            let by = |consumer| route(&destination, &settings, consumer, &HostContext::default()).route;
            if endpoint.service.is_protected() {
                prop_assert_eq!(by(Consumer::DotnetFramework), Route::Direct);
                prop_assert_eq!(by(Consumer::Wininet), Route::Direct);
            }
        }
    }
}
