//! Apply and undo on a whole export: nothing else changes, and all comes back.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::fs;

use sidestep_machine::Store as _;
use sidestep_model::account::Account;
use sidestep_model::observed::INTERNET_SETTINGS;
use sidestep_model::plan::Plan;
use sidestep_model::registry::{RegistryData, RegistryFile};
use support::{Server, act, meaning, plans};

fn do_it(verb: &str, server: &Server) {
    act(verb, &mut server.store(), &mut |_| {}).unwrap();
}

#[test]
fn apply_changes_the_two_accounts_alone_and_undo_gives_every_byte_back() {
    let server = Server::new();
    let before = server.bytes();
    do_it("apply", &server);
    let applied = server.bytes();

    // What differs are values that the plan names.
    let (old, new) = (meaning(&before), meaning(&applied));
    let changed: Vec<_> = new.iter().filter(|value| !old.contains(value)).collect();
    let settings = |account: Account| format!(r"HKEY_USERS\{}\{INTERNET_SETTINGS}", account.sid());
    let (system, plugin) = (settings(Account::System), settings(Account::Plugin));
    assert!(
        changed
            .iter()
            .all(|(key, ..)| key.starts_with(&system) || key.starts_with(&plugin))
    );
    // SYSTEM: the list and two blobs; the plugin: two keys and five values.
    assert_eq!(changed.len(), 3 + 7);

    do_it("undo", &server);
    let undone = server.bytes();
    assert_eq!(undone.len(), before.len());
    let different: Vec<(u8, u8)> = before
        .iter()
        .zip(&undone)
        .filter(|(old, new)| old != new)
        .map(|(old, new)| (*old, *new))
        .collect();
    // Two counters of 41 (0x29): one written by apply, one more by undo, 0x2b.
    assert_eq!(different, [(b'9', b'b'), (b'9', b'b')]);
}

#[test]
fn a_second_apply_and_a_second_undo_do_nothing() {
    let server = Server::new();
    do_it("apply", &server);
    let applied = server.bytes();
    do_it("apply", &server);
    assert!(server.bytes() == applied);
    assert!(plans(&server.store()).iter().all(Plan::is_empty));
    do_it("undo", &server);
    let undone = server.bytes();
    do_it("undo", &server);
    assert!(server.bytes() == undone);
    assert_eq!(server.runs().len(), 2);
}

#[test]
fn what_somebody_else_wrote_meanwhile_stays() {
    let server = Server::new();
    do_it("apply", &server);
    let mut file = RegistryFile::parse(&server.bytes()).unwrap();
    let system = format!(r"HKEY_USERS\{}\{INTERNET_SETTINGS}", Account::System.sid());
    let plugin = format!(r"HKEY_USERS\{}\{INTERNET_SETTINGS}", Account::Plugin.sid());
    let edited = RegistryData::Text("edr.corp.example".to_owned());
    file.set(&system, "ProxyOverride", &edited);
    file.set(&plugin, "MigrateProxy", &RegistryData::Dword(1));
    fs::write(server.path(), file.to_bytes()).unwrap();

    do_it("undo", &server);
    let file = RegistryFile::parse(&server.bytes()).unwrap();
    assert_eq!(file.value(&system, "ProxyOverride"), Some(edited));
    // The plugin's values are gone, but not the key that somebody else uses now.
    let values: Vec<_> = file.values(&plugin).collect();
    assert_eq!(values, [("MigrateProxy", RegistryData::Dword(1))]);
    assert!(!file.has_key(&format!(r"{plugin}\Connections")));
}

#[test]
fn no_password_is_in_the_journals_and_each_is_back_where_it_was() {
    let server = Server::new();
    do_it("apply", &server);
    do_it("undo", &server);
    let folder = server.store().journal_folder();
    let hex = b"geheim".map(|byte| format!("{byte:02x}")).concat();
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("geheim") && !text.contains(&hex));
        count += text.matches("***@10.2.0.16").count();
    }
    // It was recognised; the blobs hold it in hexadecimal.
    assert_eq!(count, 0);
    let text = String::from_utf16_lossy(
        &server
            .bytes()
            .chunks_exact(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
            .collect::<Vec<_>>(),
    );
    assert_eq!(text.matches("joe:geheim@10.2.0.16:8080").count(), 1);
    let blob: Vec<String> = b"joe:geheim@"
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let joined = text.replace(['\\', '\r', '\n', ' '], "");
    assert_eq!(joined.matches(&blob.join(",")).count(), 3);
}
