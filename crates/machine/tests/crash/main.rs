//! Killed anywhere: before or after, never between.
//!
//! This program starts itself as a child that ends without warning at its
//! n-th checkpoint, then looks at what the next start makes of it: on a registry
//! export, and on the registry of a running Windows.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

#[cfg(windows)]
mod live;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, ExitStatus};
use std::{env, fs, process};

use sidestep_machine::{RegFileStore, Store};
use sidestep_model::account::Account;
use sidestep_model::blob::ConnectionSettings;
use sidestep_model::journal::Run;
use sidestep_model::observed::{INTERNET_SETTINGS, POLICY_KEY};
use sidestep_model::registry::{RegistryData, RegistryFile};
use sidestep_model::settings::ProxySettings;
use support::{Server, act, meaning};

/// Tells the child what to do: verb, place and the checkpoint to end at.
const ORDER: &str = "SIDESTEP_TEST_CRASH";

/// Whose settings are changed.
trait Subject {
    /// What the settings and all around them are, however often they changed.
    type Meaning: PartialEq;

    /// As a child finds it.
    fn place(&self) -> String;

    fn store(&self) -> Box<dyn Store>;

    fn runs(&self) -> Vec<Run>;

    /// By somebody else's reading than the store's.
    fn meaning(&self) -> Self::Meaning;
}

impl Subject for Server {
    type Meaning = Vec<(String, String, RegistryData)>;

    fn place(&self) -> String {
        self.path().display().to_string()
    }

    fn store(&self) -> Box<dyn Store> {
        Box::new(Self::store(self))
    }

    fn runs(&self) -> Vec<Run> {
        Self::runs(self)
    }

    fn meaning(&self) -> Self::Meaning {
        meaning(&self.bytes())
    }
}

#[test]
#[ignore = "the child of the other tests"]
fn child() {
    let order = env::var(ORDER).unwrap();
    let [verb, place, last] = order.split('|').collect::<Vec<_>>()[..] else {
        panic!("verb, place, checkpoint")
    };
    let last: usize = last.parse().unwrap();
    let mut store = store_at(place);
    let mut count = 0;
    act(verb, &mut *store, &mut |_| {
        if count == last {
            process::abort();
        }
        count += 1;
    })
    .unwrap();
}

fn store_at(place: &str) -> Box<dyn Store> {
    #[cfg(windows)]
    if place == live::PLACE {
        return live::Live.store();
    }
    Box::new(RegFileStore::new(place.as_ref()))
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
fn ran_through(subject: &impl Subject, verb: &str, checkpoint: usize) -> bool {
    let order = format!("{verb}|{}|{checkpoint}", subject.place());
    let status: ExitStatus = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--quiet"])
        .env(ORDER, order)
        .stdout(process::Stdio::null())
        .stderr(process::Stdio::null())
        .status()
        .unwrap();
    status.success()
}

fn recover(subject: &impl Subject) {
    act("recover", &mut *subject.store(), &mut |_| {}).unwrap();
    assert!(subject.runs().iter().all(|run| run.interrupted().is_none()));
}

/// A subject on which `verb` has something to do.
fn ready_for<S: Subject>(verb: &str, new: fn() -> S) -> S {
    let subject = new();
    if verb == "undo" {
        act("apply", &mut *subject.store(), &mut |_| {}).unwrap();
    }
    subject
}

/// How many processes were ended, of which each left before or after.
fn killed_everywhere<S: Subject>(verb: &str, new: fn() -> S) -> usize {
    let done = {
        let subject = ready_for(verb, new);
        act(verb, &mut *subject.store(), &mut |_| {}).unwrap();
        subject.meaning()
    };
    let (mut befores, mut afters, mut ended) = (0, 0, 0);
    for first in 0.. {
        let subject = ready_for(verb, new);
        let begun = subject.meaning();
        let came_through = ran_through(&subject, verb, first);
        let left = subject.meaning();
        // Recovery is killed, too, at every place of its own.
        for second in 0.. {
            if ran_through(&subject, "recover", second) {
                break;
            }
            ended += 1;
        }
        recover(&subject);
        let now = subject.meaning();
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
        ended += 1;
        // The next start does what was asked for.
        act(verb, &mut *subject.store(), &mut |_| {}).unwrap();
        assert!(subject.meaning() == done, "{verb} after a kill at {first}");
    }
    assert!(
        befores > 8 && afters > 1,
        "{verb}: {befores} before, {afters} after"
    );
    ended
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
