//! Killed anywhere: before or after, never between.
//!
//! This program starts itself as a child that ends without warning at its
//! n-th checkpoint, then looks at what the next start makes of it.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::process::{Command, ExitStatus};
use std::{env, fs, process};

use sidestep_model::account::Account;
use sidestep_model::blob::ConnectionSettings;
use sidestep_model::observed::{INTERNET_SETTINGS, POLICY_KEY};
use sidestep_model::registry::{RegistryData, RegistryFile};
use sidestep_model::settings::ProxySettings;
use support::{Server, act, meaning};

/// Tells the child what to do: verb, file and the checkpoint to end at.
const ORDER: &str = "SIDESTEP_TEST_CRASH";

#[test]
#[ignore = "the child of the other tests"]
fn child() {
    let order = env::var(ORDER).unwrap();
    let [verb, file, last] = order.split('|').collect::<Vec<_>>()[..] else {
        panic!("verb, file, checkpoint")
    };
    let last: usize = last.parse().unwrap();
    let mut store = sidestep_machine::RegFileStore::new(file.as_ref());
    let mut count = 0;
    act(verb, &mut store, &mut |_| {
        if count == last {
            process::abort();
        }
        count += 1;
    })
    .unwrap();
}

/// A server under the policy that makes the machine's settings count. They are
/// in both copies, of which the 32-bit one holds nothing yet.
fn per_machine() -> Server {
    let server = Server::new();
    let mut file = RegistryFile::parse(&server.bytes()).unwrap();
    file.set(POLICY_KEY, "ProxySettingsPerUser", &RegistryData::Dword(0));
    let [machine, machine_32] =
        Account::MACHINE.map(|account| format!(r"{}\{INTERNET_SETTINGS}", account.software()));
    let blob = ConnectionSettings::new(&ProxySettings::manual(
        "joe:geheim@10.2.0.16:8080",
        "*.corp.example;<local>",
    ));
    let blob = RegistryData::Binary(blob.encode());
    let connections = format!(r"{machine}\Connections");
    file.set(&connections, "DefaultConnectionSettings", &blob);
    file.set(&connections, "WinHttpSettings", &RegistryData::Dword(0));
    for key in [&machine, &machine_32] {
        file.set(key, "User Agent", &RegistryData::Dword(0));
    }
    fs::write(server.path(), file.to_bytes()).unwrap();
    server
}

/// Whether the child came to its end rather than to the checkpoint.
fn ran_through(server: &Server, verb: &str, checkpoint: usize) -> bool {
    let order = format!("{verb}|{}|{checkpoint}", server.path().display());
    let status: ExitStatus = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--quiet"])
        .env(ORDER, order)
        .stdout(process::Stdio::null())
        .stderr(process::Stdio::null())
        .status()
        .unwrap();
    status.success()
}

fn recover(server: &Server) {
    act("recover", &mut server.store(), &mut |_| {}).unwrap();
    assert!(server.runs().iter().all(|run| run.interrupted().is_none()));
}

/// A server on which `verb` has something to do.
fn ready_for(verb: &str, new: fn() -> Server) -> Server {
    let server = new();
    if verb == "undo" {
        act("apply", &mut server.store(), &mut |_| {}).unwrap();
    }
    server
}

fn killed_everywhere(verb: &str, new: fn() -> Server) {
    let done = {
        let server = ready_for(verb, new);
        act(verb, &mut server.store(), &mut |_| {}).unwrap();
        meaning(&server.bytes())
    };
    let (mut befores, mut afters) = (0, 0);
    for first in 0.. {
        let server = ready_for(verb, new);
        let begun = meaning(&server.bytes());
        let came_through = ran_through(&server, verb, first);
        let left = meaning(&server.bytes());
        // Recovery is killed, too, at every place of its own.
        for second in 0.. {
            if ran_through(&server, "recover", second) {
                break;
            }
        }
        recover(&server);
        let now = meaning(&server.bytes());
        if now == begun {
            befores += 1;
        } else {
            assert!(
                now == done,
                "{verb} killed at {first}: neither before nor after"
            );
            afters += 1;
        }
        if came_through {
            assert!(now == done && left == done);
            break;
        }
        // The next start does what was asked for.
        act(verb, &mut server.store(), &mut |_| {}).unwrap();
        assert!(
            meaning(&server.bytes()) == done,
            "{verb} after a kill at {first}"
        );
    }
    assert!(
        befores > 8 && afters > 1,
        "{verb}: {befores} before, {afters} after"
    );
}

#[test]
fn apply_killed_at_every_checkpoint() {
    killed_everywhere("apply", Server::new);
}

#[test]
fn undo_killed_at_every_checkpoint() {
    killed_everywhere("undo", Server::new);
}

#[test]
fn the_machines_settings_killed_at_every_checkpoint() {
    killed_everywhere("apply", per_machine);
    killed_everywhere("undo", per_machine);
}
