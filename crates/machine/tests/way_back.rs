//! Where there is no way back, or the way on was already gone: what is said is
//! what is there.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::cell::Cell;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use sidestep_machine::{
    ApplyError, Checkpoint, Journal, RegFileStore, Store, StoreError, TransactionError, apply,
    recover_last, runs,
};
use sidestep_model::account::Account;
use sidestep_model::blob::ConnectionSettings;
use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::desired::{Clear, Desired, Source};
use sidestep_model::journal::{Command, Run, TransactionEnd};
use sidestep_model::observed::{
    INTERNET_SETTINGS, Observed, ObservedAccount, SettingsKey, ValueName,
};
use sidestep_model::plan::{Change, Plan};
use sidestep_model::registry::{RegistryData, RegistryFile};
use sidestep_model::settings::ProxySettings;

/// Two accounts without settings beside a user whose proxy has a password.
fn server() -> (tempfile::TempDir, RegFileStore) {
    let mut file = RegistryFile::new();
    for account in Account::ALL {
        let key = format!(r"HKEY_USERS\{}\Environment", account.sid());
        file.set(&key, "TEMP", &RegistryData::Text("x".to_owned()));
    }
    let blob = ConnectionSettings::new(&ProxySettings::manual("joe:geheim@10.2.0.16:8080", "a"));
    let key = format!(r"HKEY_USERS\S-1-5-21-1-2-3-1001\{INTERNET_SETTINGS}\Connections");
    let blob = RegistryData::Binary(blob.encode());
    file.set(&key, "DefaultConnectionSettings", &blob);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.reg");
    std::fs::write(&path, file.to_bytes()).unwrap();
    (folder, RegFileStore::new(&path))
}

fn copied(observed: &Observed) -> Vec<Plan> {
    let source = Source {
        name: "a user",
        account: &observed.users["S-1-5-21-1-2-3-1001"],
    };
    let catalogue = Catalogue::of(Cloud::AzureCloud);
    let plan = |account| {
        let desired = Desired::copied(account, source, catalogue, observed, Clear::default());
        Plan::diff(observed, desired)
    };
    Account::ALL.map(plan).into()
}

fn inverse(run: &Run, observed: &Observed) -> Vec<Plan> {
    let intents = run.committed();
    let inverse = |intent| Plan::inverse(intent, observed);
    intents.iter().rev().map(inverse).collect()
}

fn last_run(store: &RegFileStore) -> Run {
    runs(&store.journal_folder())
        .unwrap()
        .pop()
        .unwrap()
        .run
        .unwrap()
}

fn accounts(store: &RegFileStore) -> [ObservedAccount; 2] {
    let observed = store.read().unwrap();
    [observed.system, observed.plugin]
}

/// Carries `plans` out; `Err` where the run was left at its `last` checkpoint.
fn carry_out(
    plans: &[Plan],
    command: Command,
    store: &mut RegFileStore,
    last: usize,
) -> Result<(), usize> {
    let journal = Journal::open(&store.journal_folder(), Timestamp::now).unwrap();
    let mut count = 0;
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut run = journal.begin(command, &store.place()).unwrap();
        let reached = &mut |_: Checkpoint| {
            assert!(count < last, "the power goes");
            count += 1;
        };
        apply(plans, store, &mut run, reached).unwrap();
    }));
    ran.map_err(|_| count)
}

#[test]
fn passwords_that_were_taken_away_leave_no_way_back_but_one_on() {
    for checkpoint in 0.. {
        let (_folder, mut store) = server();
        let before = accounts(&store);
        let plans = copied(&store.read().unwrap());
        carry_out(&plans, Command::Apply, &mut store, usize::MAX).unwrap();
        let run = last_run(&store);
        let written = accounts(&store);
        assert!(written[0].values.len() == 5 && written[1].values.len() == 5);

        let plans = inverse(&run, &store.read().unwrap());
        let undo = Command::Undo(run.begin.run);
        let ended = carry_out(&plans, undo, &mut store, checkpoint);
        let journal = Journal::open(&store.journal_folder(), Timestamp::now).unwrap();
        recover_last(&mut store, &journal, &mut |_| {}).unwrap();
        let now = accounts(&store).map(|account| account.intended());
        let states = [&before, &written].map(|state| state.clone().map(|one| one.intended()));
        assert!(states.contains(&now), "checkpoint {checkpoint}: {now:?}");
        if ended.is_ok() {
            assert!(accounts(&store) == before);
            return;
        }
    }
}

/// A store on which something goes wrong.
struct Held {
    store: RegFileStore,
    /// After so many readings the file cannot be read for a moment, as when a
    /// scanner holds it.
    reads_until: Cell<u32>,
    /// A value that stays as it is, whatever is written.
    deaf: Option<ValueName>,
}

impl Store for Held {
    fn read(&self) -> Result<Observed, StoreError> {
        let left = self.reads_until.get();
        self.reads_until.set(left.wrapping_sub(1));
        if left == 0 {
            return Err(StoreError::Read {
                path: "server.reg".into(),
                source: io::ErrorKind::PermissionDenied.into(),
            });
        }
        self.store.read()
    }

    fn write(&mut self, account: Account, change: &Change) -> Result<(), StoreError> {
        if self.deaf == Some(change.value) {
            return Ok(());
        }
        self.store.write(account, change)
    }

    fn remove_empty_key(&mut self, account: Account, key: SettingsKey) -> Result<(), StoreError> {
        self.store.remove_empty_key(account, key)
    }

    fn journal_folder(&self) -> PathBuf {
        self.store.journal_folder()
    }

    fn place(&self) -> String {
        self.store.place()
    }
}

#[test]
fn what_is_finished_after_all_is_not_said_to_be_put_back() {
    let (_folder, store) = server();
    let plans = copied(&store.read().unwrap());
    let journal = Journal::open(&store.journal_folder(), Timestamp::now).unwrap();
    let mut run = journal.begin(Command::Apply, &store.place()).unwrap();
    // The first reading compares, the second reads back.
    let mut held = Held {
        store,
        reads_until: Cell::new(1),
        deaf: None,
    };
    apply(&plans, &mut held, &mut run, &mut |_| {}).unwrap();
    let ends: Vec<_> = last_run(&held.store).transactions;
    assert!(matches!(ends[0].end, Some(TransactionEnd::Committed(_))));
    assert_eq!(accounts(&held.store)[1].values.len(), 5);
}

#[test]
fn what_does_not_read_back_as_written_is_put_back_whole() {
    for deaf in ValueName::ALL
        .into_iter()
        .filter(|name| *name != ValueName::AutoConfigUrl)
    {
        let (_folder, store) = server();
        let before = accounts(&store);
        let plans = copied(&store.read().unwrap());
        let journal = Journal::open(&store.journal_folder(), Timestamp::now).unwrap();
        let mut run = journal.begin(Command::Apply, &store.place()).unwrap();
        let mut held = Held {
            store,
            reads_until: Cell::new(u32::MAX),
            deaf: Some(deaf),
        };
        let error = apply(&plans, &mut held, &mut run, &mut |_| {}).unwrap_err();
        let is_said = matches!(
            error,
            ApplyError::PutBack(TransactionError::NotKept { value, .. }) if value == deaf
        );
        assert!(is_said, "{deaf:?}: {error}");
        assert!(accounts(&held.store) == before, "{deaf:?}");
    }
}
