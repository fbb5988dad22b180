//! The store behind a registry export: only the accounts' values change.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs;

use jiff::Timestamp;
use sidestep_machine::{ApplyError, Journal, RegFileStore, Store, StoreError};
use sidestep_model::account::Account;
use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::desired::{Clear, Desired};
use sidestep_model::journal::Command;
use sidestep_model::observed::{Observed, ValueName};
use sidestep_model::plan::{Idle, Plan};
use sidestep_model::registry::RegistryData;
use sidestep_model::site::{self, Site};

const EXPORT: &str = "Windows Registry Editor Version 5.00\r\n\
\r\n\
[HKEY_USERS\\.DEFAULT\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings]\r\n\
\"ProxyEnable\"=dword:00000001\r\n\
\"ProxyServer\"=\"10.2.0.16:8080\"\r\n\
\"ProxyOverride\"=\"wsus.corp.example\"\r\n\
\r\n\
[HKEY_USERS\\S-1-5-19\\地域]\r\n\
\"表示\"=\"C:\\\\Program Files\\\\\\\"引用\\\"\"\r\n\
\r\n\
[HKEY_USERS\\S-1-5-18\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings]\r\n\
\"ProxyEnable\"=dword:00000001\r\n\
\"ProxyServer\"=\"10.2.0.16:8080\"\r\n\
\"ProxyOverride\"=\"wsus.corp.example\"\r\n\
\r\n";

fn plan(account: Account, observed: &Observed) -> Plan {
    let site = Site::parse(site::SAMPLE).unwrap();
    let catalogue = Catalogue::of(Cloud::AzureCloud);
    let desired = Desired::of(account, catalogue, &site, observed, Clear::default());
    Plan::diff(observed, desired)
}

fn apply(plan: &Plan, store: &mut RegFileStore) -> Result<(), ApplyError> {
    let journal = Journal::open(&store.journal_folder(), Timestamp::now).unwrap();
    let mut run = journal.begin(Command::Apply, &store.place()).unwrap();
    sidestep_machine::apply(std::slice::from_ref(plan), store, &mut run, &mut |_| {})
}

#[test]
fn only_the_accounts_values_change_and_a_second_plan_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.reg");
    fs::write(&file, EXPORT).unwrap();
    let mut store = RegFileStore::new(&file);

    let observed = store.read().unwrap();
    assert!(observed.system.exists && !observed.plugin.exists);
    let first = plan(Account::System, &observed);
    apply(&first, &mut store).unwrap();

    let after = fs::read_to_string(&file).unwrap();
    let foreign = |text: &str| {
        let start = text.find("[HKEY_USERS\\S-1-5-19").unwrap();
        let end = text.find("[HKEY_USERS\\S-1-5-18").unwrap();
        text[start..end].to_owned()
    };
    assert_eq!(foreign(&after), foreign(EXPORT));

    // `.DEFAULT` and `S-1-5-18` are one key on Windows, so both say the same.
    let list = "wsus.corp.example;localhost;";
    assert_eq!(after.matches(list).count(), 2, "{after}");

    let observed = store.read().unwrap();
    assert_eq!(observed.system.settings().unwrap(), first.after.unwrap());
    let second = plan(Account::System, &observed);
    assert_eq!(
        (second.changes.len(), second.idle),
        (0, Some(Idle::AlreadySo))
    );
}

#[test]
fn a_plan_is_refused_when_the_machine_moved() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.reg");
    fs::write(&file, EXPORT).unwrap();
    let mut store = RegFileStore::new(&file);
    let plan = plan(Account::System, &store.read().unwrap());

    let moved = EXPORT.replace("wsus.corp.example", "edr.corp.example");
    fs::write(&file, &moved).unwrap();
    let refused = apply(&plan, &mut store);
    assert!(matches!(
        refused,
        Err(ApplyError::Moved {
            value: ValueName::ProxyOverride,
            ..
        })
    ));
    assert_eq!(fs::read_to_string(&file).unwrap(), moved);
}

#[test]
fn two_names_of_one_key_must_agree() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.reg");
    let (first, rest) = EXPORT.split_once("wsus.corp.example").unwrap();
    fs::write(&file, format!("{first}edr.corp.example{rest}")).unwrap();
    let error = RegFileStore::new(&file).read().unwrap_err();
    assert!(
        matches!(error, StoreError::AliasesDisagree { .. }),
        "{error}"
    );

    // A key without settings says nothing against one that has them.
    let (default, _) = EXPORT.split_once("[HKEY_USERS\\S-1-5-19").unwrap();
    let other = "[HKEY_USERS\\S-1-5-18\\Control Panel]\r\n\"x\"=\"y\"\r\n\r\n";
    fs::write(&file, format!("{default}{other}")).unwrap();
    let observed = RegFileStore::new(&file).read().unwrap();
    assert!(observed.system.intended().has_manual_proxy());
}

#[test]
fn what_is_no_export_is_said_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "hello").unwrap();
    let error = RegFileStore::new(&file).read().unwrap_err();
    assert!(matches!(error, StoreError::NotAnExport { .. }), "{error}");
    let missing = RegFileStore::new(&folder.path().join("none.reg")).read();
    assert!(matches!(missing, Err(StoreError::Read { .. })));
}

#[test]
fn a_text_proxy_enable_counts_as_the_number_that_it_spells() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.reg");
    fs::write(&file, EXPORT.replace("dword:00000001", "\"1\"")).unwrap();
    let store = RegFileStore::new(&file);
    let observed = store.read().unwrap();
    assert!(observed.system.intended().has_manual_proxy());
    // It is put right when the account is written.
    let enable = plan(Account::System, &observed)
        .changes
        .into_iter()
        .find(|change| change.value == ValueName::ProxyEnable);
    assert_eq!(enable.unwrap().after, Some(RegistryData::Dword(1)));
}
