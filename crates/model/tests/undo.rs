//! What is applied can be undone, whatever was there, and nobody else's edit is lost.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;
use sidestep_model::account::Account;
use sidestep_model::blob::ConnectionSettings;
use sidestep_model::bypass::{BypassList, Consumer, Decision, HostContext};
use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::desired::{Clear, Desired, Wanted};
use sidestep_model::destination::Destination;
use sidestep_model::finding::Finding;
use sidestep_model::journal::{Intent, Recovery, Transaction, recover};
use sidestep_model::observed::{
    Absence, Observed, ObservedAccount, ServiceState, SettingsKey, ValueName,
};
use sidestep_model::plan::{Idle, Plan, Sighting};
use sidestep_model::registry::RegistryData;
use sidestep_model::settings::{Flags, ProxySettings};
use sidestep_model::site::{self, Site};

const SECRET: &str = "joe:ge;heim@10.2.0.16:8080";

fn text(text: &str) -> RegistryData {
    RegistryData::Text(text.to_owned())
}

fn proxy_server() -> impl Strategy<Value = String> {
    select(vec![
        "",
        "10.2.0.16:8080",
        "http://10.2.0.16:8080",
        "http=10.2.0.16:8080;https=10.2.0.16:8080",
        "http=10.2.0.16:8080",
        "10.2.0.16:8080;",
        SECRET,
        "https=joe:geheim@10.2.0.16:8080",
    ])
    .prop_map(str::to_owned)
}

fn entry() -> impl Strategy<Value = String> {
    let known = select(vec![
        "*.corp.example",
        "wsus",
        "edr.corp.example:8443",
        "localhost",
        "<local>",
        "<-loopback>",
        "*.Blob.core.windows.net",
        "nterpriseregistration.windows.net",
        "10.*",
        "h*",
        "https://a.example",
    ]);
    prop_oneof![
        1 => Just("a.example/".to_owned()),
        20 => known.prop_map(str::to_owned),
        7 => "[a-z*]{1,4}(\\.[a-z]{1,3}){0,2}",
    ]
}

fn list() -> impl Strategy<Value = String> {
    let separator = select(vec![";", "; ", " ", ";;"]);
    (prop::collection::vec(entry(), 0..5), separator)
        .prop_map(|(entries, separator)| entries.join(separator))
}

fn settings() -> impl Strategy<Value = ProxySettings> {
    let script = select(vec!["", "", "", " ", "http://wpad.corp.example/proxy.pac"]);
    let flags = select(vec![0, 1, 1, 2, 3, 3, 3, 3, 3, 5, 9, 15_u32]);
    (flags, proxy_server(), list(), script).prop_map(|(flags, server, list, script)| {
        ProxySettings {
            flags: Flags(flags),
            proxy_server: server,
            proxy_override: list,
            auto_config_url: script.to_owned(),
        }
    })
}

/// A blob of some age, with whatever its writer put behind the strings.
fn blob() -> impl Strategy<Value = RegistryData> {
    let tails = select(vec![&[][..], &[1, 2, 3], &[0; 8], SECRET.as_bytes()]);
    let versions = select(vec![0x3C, 0x46, 0x46, 0x50]);
    (settings(), any::<u32>(), versions, tails).prop_map(|(settings, counter, version, tail)| {
        let mut blob = ConnectionSettings::new(&settings);
        blob.flags = settings.flags;
        blob.counter = counter;
        blob.version = version;
        let mut bytes = blob.encode();
        bytes.extend(tail);
        RegistryData::Binary(bytes)
    })
}

fn account() -> impl Strategy<Value = ObservedAccount> {
    let enable = select(vec![
        None,
        Some(RegistryData::Dword(0)),
        Some(RegistryData::Dword(1)),
        Some(text("1")),
    ]);
    let script = select(vec![None, Some(text(" ")), Some(text("http://u:p@wpad/x"))]);
    let values = (
        enable,
        prop::option::of(proxy_server().prop_map(|server| text(&server))),
        prop::option::of(list().prop_map(|list| text(&list))),
        script,
        prop::option::of(blob()),
        prop::option::of(blob()),
    );
    (values, 0..4_u8).prop_map(|((enable, server, list, script, saved, default), made)| {
        let values: BTreeMap<ValueName, RegistryData> = ValueName::ALL
            .into_iter()
            .zip([enable, server, list, script, saved, default])
            .filter_map(|(name, data)| Some((name, data?)))
            .collect();
        let mut keys: Vec<SettingsKey> = values.keys().map(|value| value.key()).collect();
        if made & 1 != 0 {
            keys.push(SettingsKey::InternetSettings);
        }
        if made & 2 != 0 || keys.contains(&SettingsKey::Connections) {
            keys.extend(SettingsKey::ALL);
        }
        ObservedAccount {
            exists: true,
            keys: keys.into_iter().collect(),
            values,
            ..ObservedAccount::default()
        }
    })
}

fn machine(system: ObservedAccount) -> Observed {
    Observed {
        system,
        ..Observed::default()
    }
}

fn site() -> impl Strategy<Value = Site> {
    let choice = select(vec!["\"direct\"", "\"proxy\""]);
    let mode = select(vec!["\"keep\"", "\"set\""]);
    let edits = (
        prop::collection::vec(entry(), 0..3),
        prop::collection::vec(entry(), 0..2),
    );
    (choice.clone(), choice, mode, any::<bool>(), edits).prop_filter_map(
        "the site refuses some entries",
        |(backup, entra, mode, local, (add, remove))| {
            let mut table: toml::Table = site::SAMPLE.parse().unwrap();
            let value = |text: &str| toml::Value::String(text.trim_matches('"').to_owned());
            let names =
                |entries: Vec<String>| entries.into_iter().map(toml::Value::String).collect();
            let bypass = table["bypass"].as_table_mut().unwrap();
            bypass.insert("backup".to_owned(), value(backup));
            bypass.insert("entra".to_owned(), value(entra));
            bypass.insert("local".to_owned(), toml::Value::Boolean(local));
            bypass.insert("add".to_owned(), toml::Value::Array(names(add)));
            bypass.insert("remove".to_owned(), toml::Value::Array(names(remove)));
            let proxy = table["proxy"].as_table_mut().unwrap();
            proxy.insert("mode".to_owned(), value(mode));
            Site::parse(&table.to_string()).ok()
        },
    )
}

fn clear() -> impl Strategy<Value = Clear> {
    (any::<bool>(), any::<bool>()).prop_map(|(auto_detect, script)| Clear {
        auto_detect,
        script,
    })
}

fn plan(site: &Site, here: &ObservedAccount, clear: Clear) -> Plan {
    let observed = machine(here.clone());
    let catalogue = Catalogue::of(Cloud::AzureCloud);
    let desired = Desired::of(Account::System, catalogue, site, &observed, clear);
    Plan::diff(&observed, desired)
}

/// The same settings as the machine's, under the policy that makes them count.
fn per_machine(here: &ObservedAccount) -> Observed {
    Observed {
        proxy_settings_per_user: Some(RegistryData::Dword(0)),
        machine: here.clone(),
        ..Observed::default()
    }
}

/// A plan as it would be for another account.
fn of(account: Account, plan: Plan) -> Plan {
    Plan {
        account,
        findings: Vec::new(),
        ..plan
    }
}

fn undo(intent: &Intent, here: &ObservedAccount) -> Plan {
    Plan::inverse(intent, &machine(here.clone()))
}

/// The account after a plan, its emptied keys taken away.
fn carried_out(here: &ObservedAccount, plan: &Plan) -> ObservedAccount {
    let mut after = here.after(&plan.changes);
    for key in &plan.new_keys {
        assert!(after.keys.contains(key) || *key == SettingsKey::InternetSettings);
        after.keys.insert(*key);
    }
    for key in &plan.removed_keys {
        after.keys.remove(key);
    }
    after
}

fn decoded(data: &RegistryData) -> Option<ConnectionSettings> {
    match data {
        RegistryData::Binary(bytes) => ConnectionSettings::decode(bytes).ok(),
        _ => None,
    }
}

/// As before, but for the blobs' counters, which only move forward.
fn assert_put_back(before: &ObservedAccount, between: &ObservedAccount, after: &ObservedAccount) {
    assert_eq!(before.keys, after.keys);
    let names = |account: &ObservedAccount| account.values.keys().copied().collect::<Vec<_>>();
    assert_eq!(names(before), names(after));
    for (name, old) in &before.values {
        let new = &after.values[name];
        match (decoded(old), decoded(new)) {
            (Some(was), Some(is)) if old != new => {
                let counter = decoded(&between.values[name]).unwrap().counter;
                assert_eq!(is.counter, counter.wrapping_add(1), "{}", name.name());
                assert_eq!(
                    is,
                    ConnectionSettings {
                        counter: is.counter,
                        ..was
                    }
                );
            }
            _ => assert_eq!(old, new, "{}", name.name()),
        }
    }
}

fn entries(list: &str) -> Vec<String> {
    let list = BypassList::parse(list, Consumer::Wininet);
    let entries = list.entries().iter();
    entries.map(|entry| entry.text.to_lowercase()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn apply_then_undo_is_the_identity(here in account(), site in site(), clear in clear()) {
        let plan = plan(&site, &here, clear);
        let after = carried_out(&here, &plan);
        let undo = undo(&Intent::from(&plan), &after);
        prop_assert!(undo.findings.is_empty());
        assert_put_back(&here, &after, &carried_out(&after, &undo));
    }

    /// So that what holds for accounts holds for the machine, under the policy.
    #[test]
    fn the_machines_settings_are_planned_and_put_back_as_an_accounts(
        here in account(), site in site(), clear in clear(),
    ) {
        let ours = plan(&site, &here, clear);
        let desired = |account, observed: &Observed| {
            Desired::of(account, Catalogue::of(Cloud::AzureCloud), &site, observed, clear)
        };
        let machines = per_machine(&here);
        let machine = Plan::diff(&machines, desired(Account::Machine, &machines));
        prop_assert_eq!(ours.findings.len(), machine.findings.len());
        prop_assert_eq!(of(Account::Machine, ours.clone()), of(Account::Machine, machine.clone()));
        // Nobody's own settings count then.
        let refused = Plan::diff(&machines, desired(Account::System, &machines));
        prop_assert!(refused.is_empty() && refused.findings == [Finding::PerMachinePolicy]);

        let after = carried_out(&here, &machine);
        let back = Plan::inverse(&Intent::from(&machine), &per_machine(&after));
        prop_assert_eq!(of(Account::System, back.clone()), of(Account::System, undo(&Intent::from(&ours), &after)));
        assert_put_back(&here, &after, &carried_out(&after, &back));

        let transaction = Transaction {
            intents: vec![Intent::from(&machine)],
            kept: Vec::new(),
            end: None,
        };
        let Recovery::Finish(rest) = recover(&transaction, &per_machine(&after)) else {
            return Err(TestCaseError::fail("what is as intended is finished"));
        };
        prop_assert!(rest.iter().all(Plan::is_empty));
    }

    #[test]
    fn undo_of_undo_is_the_identity(here in account(), site in site(), clear in clear()) {
        let plan = plan(&site, &here, clear);
        let after = carried_out(&here, &plan);
        let undone = undo(&Intent::from(&plan), &after);
        let before = carried_out(&after, &undone);
        let redone = undo(&Intent::from(&undone), &before);
        prop_assert!(redone.findings.is_empty());
        let again = carried_out(&before, &redone);
        let meaning = |account: &ObservedAccount| account.settings().ok();
        prop_assert_eq!(meaning(&again), meaning(&after));
        prop_assert_eq!(again.intended(), after.intended());
    }

    #[test]
    fn a_second_apply_changes_nothing(here in account(), site in site(), clear in clear()) {
        let first = plan(&site, &here, clear);
        if first.idle == Some(Idle::Blocked) { return Ok(()) }
        let second = plan(&site, &carried_out(&here, &first), clear);
        prop_assert_eq!(second.changes, vec![]);
    }

    #[test]
    fn a_foreign_entry_never_disappears(here in account(), site in site(), clear in clear()) {
        let plan = plan(&site, &here, clear);
        let Some(after) = &plan.after else { return Ok(()) };
        let new = entries(&after.proxy_override);
        for entry in entries(&here.intended().proxy_override) {
            let removed = site.bypass.remove.iter().any(|one| one.eq_ignore_ascii_case(&entry));
            prop_assert!(removed || new.contains(&entry), "{entry} in {}", after.proxy_override);
        }
    }

    /// Nor one that only a value has which the services do not read, unless the
    /// site removes it or the plan says so.
    #[test]
    fn no_value_loses_an_entry_in_silence(here in account(), site in site(), clear in clear()) {
        let plan = plan(&site, &here, clear);
        for change in &plan.changes {
            let listed = |data: &Option<RegistryData>| match (change.value, data) {
                (ValueName::ProxyOverride, Some(RegistryData::Text(list))) => entries(list),
                (_, Some(data)) => decoded(data)
                    .map_or_else(Vec::new, |blob| entries(&blob.settings().proxy_override)),
                _ => Vec::new(),
            };
            let after = listed(&change.after);
            for entry in listed(&change.before) {
                let removed = site.bypass.remove.iter().any(|one| one.eq_ignore_ascii_case(&entry));
                let said = plan.findings.iter().any(|finding| matches!(
                    finding, Finding::EntriesDropped { value, entries, .. }
                        if *value == change.value
                            && entries.iter().any(|one| one.eq_ignore_ascii_case(&entry))
                ));
                prop_assert!(removed || said || after.contains(&entry), "{entry} of {:?}", change.value);
            }
        }
    }

    /// What is as wanted needs no plan, whatever is wanted.
    #[test]
    fn the_difference_of_a_state_and_itself_is_empty(
        here in account(), site in site(), clear in clear(), wanted in settings(),
    ) {
        let after = carried_out(&here, &plan(&site, &here, clear));
        for mut settings in [Some(wanted), after.settings().ok()].into_iter().flatten() {
            settings.flags = settings.flags.with(Flags::DIRECT);
            let toward = || Desired {
                account: Account::System,
                wanted: Wanted::Settings { settings: settings.clone(), reasons: Vec::new() },
                clear: Clear::default(),
                removed: Vec::new(),
                findings: Vec::new(),
            };
            let first = Plan::diff(&machine(here.clone()), toward());
            if first.idle == Some(Idle::Blocked) { continue }
            let there = carried_out(&here, &first);
            let second = Plan::diff(&machine(there.clone()), toward());
            prop_assert!(second.is_empty() && second.findings.is_empty(), "{:?}", second);
            prop_assert_eq!(undo(&Intent::from(&second), &there).changes, vec![]);
        }
    }

    /// Unless the findings say so, entry by entry.
    #[test]
    fn no_list_means_different_things_to_its_readers(
        here in account(), site in site(), clear in clear(), host in "[a-z]{1,6}(\\.[a-z]{1,4}){0,2}",
    ) {
        let plan = plan(&site, &here, clear);
        let listed = plan.after.as_ref().filter(|after| plan.idle.is_none() && after.has_manual_proxy());
        let Some(after) = listed else { return Ok(()) };
        let named = |entry: &String| plan.findings.iter().any(|finding| matches!(
            finding, Finding::ReadersDisagree { text, .. } if text.eq_ignore_ascii_case(entry)
        ));
        let agreed: Vec<String> =
            entries(&after.proxy_override).into_iter().filter(|entry| !named(entry)).collect();
        let list = agreed.join(";");
        let hosts = agreed.iter().map(|entry| entry.replace('*', &host)).chain([host.clone()]);
        for host in hosts {
            let Ok(destination) = Destination::parse(&format!("https://{host}/")) else { continue };
            let [first, second] = Consumer::ALL.map(|consumer| {
                BypassList::parse(&list, consumer).decide(&destination, &HostContext::default())
                    != Decision::NotListed
            });
            prop_assert_eq!(first, second, "{} in {}", host, list);
        }
    }

    /// Somebody else writes an account by Windows' own dialog, which rewrites
    /// every value: what they changed stays, the rest goes back.
    #[test]
    fn a_foreign_edit_is_never_overwritten(
        here in account(), site in site(), added in "[a-z]{3}\\.other", server in any::<bool>(),
    ) {
        let plan = plan(&site, &here, Clear::default());
        let Some(ours) = plan.after.clone().filter(|_| plan.idle.is_none()) else { return Ok(()) };
        let after = carried_out(&here, &plan);
        let mut theirs = ours.clone();
        if server {
            theirs.proxy_server = "10.9.9.9:3128".to_owned();
        } else {
            theirs.proxy_override = format!("{added};{}", ours.proxy_override);
        }
        let mut edited = after.clone();
        edited.values.insert(ValueName::ProxyServer, text(&theirs.proxy_server));
        edited.values.insert(ValueName::ProxyOverride, text(&theirs.proxy_override));
        for name in [ValueName::SavedLegacySettings, ValueName::DefaultConnectionSettings] {
            let blob = decoded(&edited.values[&name]).unwrap().with_settings(&theirs);
            edited.values.insert(name, RegistryData::Binary(blob.encode()));
        }
        let undone = undo(&Intent::from(&plan), &edited);
        let last = carried_out(&edited, &undone);
        let touched = |name| plan.changes.iter().any(|change| change.value == name);
        for name in [ValueName::SavedLegacySettings, ValueName::DefaultConnectionSettings] {
            let kept = decoded(&last.values[&name]).unwrap().settings();
            if server {
                prop_assert_eq!(kept.proxy_server, "10.9.9.9:3128");
            } else {
                prop_assert_eq!(kept.proxy_override, theirs.proxy_override.clone());
            }
            let said = Finding::EditedSince { account: Account::System, value: name };
            prop_assert!(!touched(name) || undone.findings.contains(&said));
        }
        let plain = if server { ValueName::ProxyServer } else { ValueName::ProxyOverride };
        prop_assert_eq!(&last.values[&plain], &edited.values[&plain]);
        // Also where the old blob lacked DIRECT, a second undo has nothing to do.
        prop_assert!(undo(&Intent::from(&plan), &last).changes.is_empty());
    }

    /// Running services notice the last value, so the others stand by then.
    #[test]
    fn the_blob_that_counts_is_written_last(here in account(), site in site(), clear in clear()) {
        let plan = plan(&site, &here, clear);
        let undo = undo(&Intent::from(&plan), &carried_out(&here, &plan));
        for plan in [plan, undo] {
            let counts = ValueName::DefaultConnectionSettings;
            let at = plan.changes.iter().position(|change| change.value == counts);
            prop_assert!(at.is_none_or(|at| at + 1 == plan.changes.len()));
        }
    }

    /// Flag by flag: what somebody else switched since stays as they left it,
    /// the others are as before.
    #[test]
    fn a_foreign_switch_stays(
        here in account(), site in site(), clear in clear(), bit in prop::sample::select(vec![2, 4, 8_u32]),
    ) {
        let plan = plan(&site, &here, clear);
        let after = carried_out(&here, &plan);
        for name in [ValueName::SavedLegacySettings, ValueName::DefaultConnectionSettings] {
            let Some(change) = plan.changes.iter().find(|change| change.value == name) else {
                continue;
            };
            let flags = |data: &RegistryData| decoded(data).unwrap().flags.0;
            let (Some(old), Some(ours)) = (&change.before, &change.after) else {
                continue;
            };
            let mut blob = decoded(ours).unwrap();
            blob.flags.0 ^= bit;
            let theirs = RegistryData::Binary(blob.encode());
            let mut edited = after.clone();
            edited.values.insert(name, theirs.clone());
            let undo = undo(&Intent::from(&plan), &edited);
            let last = carried_out(&edited, &undo);
            let last = flags(&last.values[&name]);
            prop_assert_eq!(last & bit, flags(&theirs) & bit);
            prop_assert_eq!((last ^ flags(old)) & !bit & !1, 0);
        }
    }

    /// Windows moves counters and caches by itself; that is nobody's edit.
    #[test]
    fn what_windows_moves_is_no_foreign_edit(here in account(), site in site(), by in 1..9_u32) {
        let plan = plan(&site, &here, Clear::default());
        let mut moved = carried_out(&here, &plan);
        for data in moved.values.values_mut() {
            if let Some(mut blob) = decoded(data) {
                blob.counter = blob.counter.wrapping_add(by);
                *data = RegistryData::Binary(blob.encode());
            }
        }
        let undo = undo(&Intent::from(&plan), &moved);
        prop_assert!(undo.findings.is_empty());
        let last = carried_out(&moved, &undo);
        prop_assert_eq!(last.settings().ok(), here.settings().ok());
        prop_assert_eq!(last.intended(), here.intended());
    }

    /// Interrupted behind any value, also while it is put back: before or after.
    #[test]
    fn an_interrupted_apply_is_before_or_after(
        here in account(), site in site(), clear in clear(), first in 0..7_usize, second in 0..7_usize,
    ) {
        let plan = plan(&site, &here, clear);
        let intents = vec![Intent::from(&plan)];
        let transaction = Transaction { intents, kept: Vec::new(), end: None };
        let mut between = here.after(&plan.changes[..first.min(plan.changes.len())]);
        if let Recovery::PutBack(plans) = recover(&transaction, &machine(between.clone())) {
            let changes = &plans[0].changes;
            between = between.after(&changes[..second.min(changes.len())]);
        }
        match recover(&transaction, &machine(between.clone())) {
            Recovery::Finish(plans) => {
                prop_assert!(plans.iter().all(Plan::is_empty));
                prop_assert_eq!(between.values, here.after(&plan.changes).values);
            }
            Recovery::PutBack(plans) => {
                let last = carried_out(&between, &plans[0]);
                prop_assert!(plans[0].findings.is_empty());
                prop_assert_eq!(last.settings().ok(), here.settings().ok());
                prop_assert_eq!(last.intended(), here.intended());
                prop_assert_eq!(last.keys, here.keys);
            }
            Recovery::OutOfReach { account, .. } => prop_assert!(false, "{account} is there"),
        }
    }

    /// What is in a profile that nobody loaded is nobody's edit either: it waits.
    #[test]
    fn what_is_out_of_reach_waits(here in account(), site in site()) {
        let plan = plan(&site, &here, Clear::default());
        prop_assume!(!plan.changes.is_empty());
        let intents = vec![Intent::from(&of(Account::Plugin, plan))];
        let transaction = Transaction { intents, kept: Vec::new(), end: None };
        let gone = |absence| Observed {
            plugin: ObservedAccount { absence, ..ObservedAccount::default() },
            ..Observed::default()
        };
        let state = ServiceState::Stopped;
        let folder = String::new();
        for absence in [Absence::ServiceIsThere { state, has_profile: true }, Absence::ProfileAlone { folder }] {
            let waits = Recovery::OutOfReach { account: Account::Plugin, others: vec![] };
            prop_assert_eq!(recover(&transaction, &gone(absence)), waits);
        }
        // What was not to be changed is waited for by nobody.
        let idle = Intent { changes: vec![], ..transaction.intents[0].clone() };
        let folder = String::new();
        prop_assert_eq!(gone(Absence::ProfileAlone { folder }).out_of_reach(&[idle]), None);
        // What is nowhere any more holds nothing.
        for absence in [Absence::NotSaid, Absence::NotRegistered, Absence::ServiceIsThere { state, has_profile: false }] {
            prop_assert!(matches!(recover(&transaction, &gone(absence)), Recovery::PutBack(_)));
        }
    }

    /// Written down and read again, a plan is the same, and holds no password.
    #[test]
    fn a_written_plan_is_the_plan(here in account(), site in site(), clear in clear()) {
        let plan = plan(&site, &here, clear);
        let written = (Intent::from(&plan), &plan.saw);
        let written = serde_json::to_string(&written).unwrap();
        let hex = b"heim".map(|byte| format!("{byte:02x}")).concat();
        prop_assert!(!written.contains("heim") && !written.contains(&hex), "{}", written);
        let (intent, saw): (Intent, Sighting) = serde_json::from_str(&written).unwrap();
        let read = Plan::written_down(&intent, &saw, &machine(here)).unwrap();
        prop_assert_eq!(read.changes, plan.changes);
        prop_assert_eq!(read.new_keys, plan.new_keys);
    }
}
