//! What goes wrong around a write: a clear error, and nothing lost.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, error::Error};

use jiff::Timestamp;
use sidestep_machine::{
    ApplyError, Checkpoint, Journal, JournalError, RecoveryOutcome, RegFileStore, Store,
    StoreError, TransactionError, recover_last,
};
use sidestep_model::account::Account;
use sidestep_model::observed::{Absence, Observed, ObservedAccount, ServiceState, SettingsKey};
use sidestep_model::plan::Change;
use support::{ActError, Server, act, meaning};

const ORDER: &str = "SIDESTEP_TEST_FAULT";

fn do_it(verb: &str, server: &Server) -> Result<(), ActError> {
    act(verb, &mut server.store(), &mut |_| {})
}

fn journal_of(server: &Server, number: u32) -> PathBuf {
    server
        .store()
        .journal_folder()
        .join(format!("{number:04}.jsonl"))
}

fn words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[test]
fn a_read_only_file_is_left_alone() {
    let server = Server::new();
    let before = server.bytes();
    let mut permissions = fs::metadata(server.path()).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(server.path(), permissions).unwrap();
    let error = do_it("apply", &server).unwrap_err();
    assert!(
        words(&error).contains("marked read-only"),
        "{}",
        words(&error)
    );
    assert!(
        matches!(error, ActError::Apply(ApplyError::NotWritten(_))),
        "{}",
        words(&error)
    );
    assert!(server.bytes() == before);
    assert!(server.runs().iter().all(|run| run.interrupted().is_none()));
}

#[test]
fn the_second_of_two_is_refused_while_the_first_is_at_it() {
    let server = Server::new();
    let mut tried = 0;
    act("apply", &mut server.store(), &mut |_| {
        let error = do_it("apply", &server).unwrap_err();
        let ActError::Transaction(TransactionError::Journal(JournalError::Busy { .. })) = error
        else {
            panic!("{}", words(&error));
        };
        tried += 1;
    })
    .unwrap();
    assert!(tried > 10);
    do_it("apply", &server).unwrap();
    assert_eq!(server.runs().len(), 1);
}

#[test]
#[cfg_attr(
    windows,
    ignore = "Wine keeps the name of a removed file until nobody has it open, so that nobody can take the lock"
)]
fn a_lock_that_was_taken_away_stops_the_run_and_nothing_is_lost() {
    let server = Server::new();
    let before = meaning(&server.bytes());
    let lock = server.store().journal_folder().join("lock");
    let mut count = 0;
    let error = act("apply", &mut server.store(), &mut |_| {
        count += 1;
        if count == 5 {
            fs::remove_file(&lock).unwrap();
        }
    })
    .unwrap_err();
    let ActError::Apply(ApplyError::Interrupted { cause, .. }) = &error else {
        panic!("{}", words(&error));
    };
    let lost = TransactionError::Journal(JournalError::LockLost { lock });
    assert_eq!(cause.to_string(), lost.to_string());
    assert!(meaning(&server.bytes()) != before);
    do_it("recover", &server).unwrap();
    assert!(meaning(&server.bytes()) == before);
}

#[test]
fn an_edit_between_two_values_is_seen_and_kept() {
    let server = Server::new();
    let before = meaning(&server.bytes());
    let mut edited = Vec::new();
    let path = server.path();
    let error = act("apply", &mut server.store(), &mut |at| {
        if matches!(at, Checkpoint::Written(..)) && edited.is_empty() {
            let mut file =
                sidestep_model::registry::RegistryFile::parse(&fs::read(&path).unwrap()).unwrap();
            let key = format!(
                r"HKEY_USERS\S-1-5-18\Software\{}\Connections",
                sidestep_model::observed::INTERNET_SETTINGS
            );
            let theirs = sidestep_model::registry::RegistryData::Dword(7);
            file.set(&key, "SavedLegacySettings", &theirs);
            edited = file.to_bytes();
            fs::write(&path, &edited).unwrap();
        }
    })
    .unwrap_err();
    assert!(
        matches!(
            error,
            ActError::Apply(ApplyError::PutBack(TransactionError::Store(
                StoreError::Moved { .. }
            )))
        ),
        "{}",
        words(&error)
    );
    let now = meaning(&server.bytes());
    let different: Vec<_> = now.iter().filter(|value| !before.contains(value)).collect();
    assert_eq!(different.len(), 1);
    assert_eq!(different[0].1, "SavedLegacySettings");
}

/// A server whose plugin service stopped meanwhile, so that Windows let go of its
/// account's profile.
struct Stopped(RegFileStore);

impl Store for Stopped {
    fn read(&self) -> Result<Observed, StoreError> {
        let absence = Absence::ServiceIsThere {
            state: ServiceState::Stopped,
            has_profile: true,
        };
        Ok(Observed {
            plugin: ObservedAccount {
                absence,
                ..ObservedAccount::default()
            },
            ..self.0.read()?
        })
    }

    fn write(&mut self, account: Account, change: &Change) -> Result<(), StoreError> {
        self.0.write(account, change)
    }

    fn remove_empty_key(&mut self, account: Account, key: SettingsKey) -> Result<(), StoreError> {
        self.0.remove_empty_key(account, key)
    }

    fn journal_folder(&self) -> PathBuf {
        self.0.journal_folder()
    }

    fn place(&self) -> String {
        self.0.place()
    }
}

/// What cannot be seen is not taken for somebody's edit: the run stays to be put
/// right, and is, once its account can be read again. The other account does not
/// stay half written meanwhile.
#[test]
#[cfg_attr(windows, ignore = "takes a lock away, as the test above")]
fn an_account_out_of_reach_is_waited_for() {
    for half_written in [Account::System, Account::Plugin] {
        let server = Server::new();
        let before = meaning(&server.bytes());
        let lock = server.store().journal_folder().join("lock");
        act("apply", &mut server.store(), &mut |at| {
            if matches!(at, Checkpoint::Written(account, _) if account == half_written) {
                fs::remove_file(&lock).ok();
            }
        })
        .unwrap_err();
        let between = meaning(&server.bytes());
        assert!(between != before);
        let mut stopped = Stopped(server.store());
        let journal = Journal::open(&stopped.journal_folder(), Timestamp::now).unwrap();
        let error = recover_last(&mut stopped, &journal, &mut |_| {}).unwrap_err();
        assert!(
            matches!(
                error,
                TransactionError::OutOfReach {
                    account: Account::Plugin,
                    ..
                }
            ),
            "{}",
            words(&error)
        );
        let meanwhile = if half_written == Account::System {
            &before
        } else {
            &between
        };
        assert!(meaning(&server.bytes()) == *meanwhile);
        assert!(server.runs()[0].interrupted().is_some());
        drop(journal);
        do_it("recover", &server).unwrap();
        assert!(meaning(&server.bytes()) == before);
    }
}

#[test]
fn what_was_torn_off_a_journal_is_recovered_and_written_over() {
    let server = Server::new();
    let before = meaning(&server.bytes());
    let mut store = server.store();
    // Interrupted behind its third value, its last line half on the disk.
    let journal = journal_of(&server, 1);
    let mut half = Vec::new();
    let mut count = 0;
    act("apply", &mut store, &mut |_| {
        count += 1;
        if count == 7 {
            half = fs::read(&journal).unwrap();
            half.truncate(half.len() - 9);
            fs::copy(server.path(), server.beside("between.reg")).unwrap();
        }
    })
    .unwrap();
    fs::write(&journal, &half).unwrap();
    fs::copy(server.beside("between.reg"), server.path()).unwrap();
    assert!(meaning(&server.bytes()) != before);
    do_it("recover", &server).unwrap();
    assert!(meaning(&server.bytes()) == before);
    assert_eq!(server.runs().len(), 1);
    assert!(server.runs()[0].interrupted().is_none());
    // Another start finds it in order.
    do_it("apply", &server).unwrap();
    assert_eq!(server.runs().len(), 2);
}

#[test]
fn a_run_that_ended_before_its_first_value_put_nothing_back() {
    let server = Server::new();
    let before = server.bytes();
    let mut store = server.store();
    let mut begun = Vec::new();
    act("apply", &mut store, &mut |at| {
        if at == Checkpoint::Intended {
            begun = fs::read(journal_of(&server, 1)).unwrap();
        }
    })
    .unwrap();
    fs::write(journal_of(&server, 1), begun).unwrap();
    fs::write(server.path(), &before).unwrap();
    let journal = Journal::open(&store.journal_folder(), Timestamp::now).unwrap();
    let recovered = recover_last(&mut store, &journal, &mut |_| {});
    let outcome = recovered.unwrap().unwrap().outcome;
    assert_eq!(outcome, RecoveryOutcome::NothingWritten);
    assert!(server.bytes() == before);
}

#[test]
fn a_damaged_journal_stops_the_next_run_before_it_changes_anything() {
    let server = Server::new();
    do_it("apply", &server).unwrap();
    let before = server.bytes();
    let path = journal_of(&server, 1);
    let journal = fs::read_to_string(&path).unwrap();
    fs::write(&path, journal.replacen("corp", "c0rp", 1)).unwrap();
    let error = do_it("undo", &server).unwrap_err();
    assert!(
        words(&error).contains("0001.jsonl is damaged: line 2"),
        "{}",
        words(&error)
    );
    assert!(server.bytes() == before);

    // Moved away, as the message says, it is in nobody's way.
    fs::rename(&path, server.beside("damaged.jsonl")).unwrap();
    do_it("undo", &server).unwrap();
    assert!(server.bytes() == before);
}

#[test]
fn a_journal_of_a_later_sidestep_is_not_touched() {
    let server = Server::new();
    do_it("apply", &server).unwrap();
    let path = journal_of(&server, 1);
    let mut sealer = sidestep_model::journal::Sealer::default();
    let run = &server.runs()[0];
    let mut begin = run.begin.clone();
    begin.format += 1;
    let line = sealer.seal(&sidestep_model::journal::Record::Begin(begin));
    fs::write(&path, line).unwrap();
    let error = do_it("undo", &server).unwrap_err();
    assert!(
        words(&error).contains("later Sidestep (format 2)"),
        "{}",
        words(&error)
    );
}

#[test]
fn a_run_that_wrote_nothing_but_a_torn_line_is_passed_over() {
    let server = Server::new();
    let journal = Journal::open(&server.store().journal_folder(), Timestamp::now).unwrap();
    drop(journal);
    let mut options = OpenOptions::new();
    let options = options.create_new(true).write(true);
    let mut file = options.open(journal_of(&server, 1)).unwrap();
    file.write_all(b"{\"sum\":\"0").unwrap();
    do_it("apply", &server).unwrap();
    assert_eq!(server.runs().len(), 1);
    assert_eq!(server.runs()[0].begin.run.0, 2);
}

#[test]
#[ignore = "the child of the tests of a full disk"]
fn child() {
    let path = env::var(ORDER).unwrap();
    let mut store = RegFileStore::new(path.as_ref());
    let error = act("apply", &mut store, &mut |_| {}).unwrap_err();
    fs::write(format!("{path}.error"), words(&error)).unwrap();
    store.read().unwrap();
}

/// Runs the child with a limit on the size of a file, in blocks of 512 bytes:
/// what a full disk does to a write, without filling one. `None` where there is
/// no shell to set it.
fn with_room_for(blocks: usize, server: &Server) -> Option<String> {
    let script = format!(
        "trap '' XFSZ; ulimit -f {blocks} || exit 9; exec \"$0\" --exact child --ignored --quiet"
    );
    let status = Command::new("/bin/dash")
        .args(["-c", &script])
        .arg(env::current_exe().unwrap())
        .env(ORDER, server.path())
        // The limit would hold for a file that the tests' output goes to, too.
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    assert!(status.success());
    let error = server.beside("server.reg.error");
    Some(fs::read_to_string(error).unwrap())
}

#[test]
fn on_a_full_disk_nothing_changes_and_it_is_said() {
    // No room for a copy of the export.
    let server = Server::new();
    let before = server.bytes();
    let Some(error) = with_room_for(before.len() / 512 - 4, &server) else {
        return;
    };
    assert!(error.contains("cannot write"), "{error}");
    assert!(error.starts_with("nothing was written"), "{error}");
    assert!(server.bytes() == before);
    assert!(server.runs().iter().all(|run| run.interrupted().is_none()));

    // Room for the first line of the journal, not for its second.
    let server = Server::new();
    let error = with_room_for(2, &server).unwrap();
    assert!(error.contains("cannot write the journal"), "{error}");
    assert!(error.starts_with("nothing was written"), "{error}");
    assert!(server.bytes() == before);
    do_it("apply", &server).unwrap();
    assert_eq!(server.runs().last().unwrap().begin.run.0, 2);
}
