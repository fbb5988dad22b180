//! The accounts' settings in the registry of the Windows that this runs on, whose
//! own `reg` puts them there and says what they are.

use std::process::Command;
use std::{env, fs};

use sidestep_machine::{LiveStore, Store, runs};
use sidestep_model::account::Account;
use sidestep_model::journal::Run;
use sidestep_model::observed::{INTERNET_SETTINGS, ValueName};

use super::{Subject, killed_everywhere};
use crate::support::accounts;

/// How a child is told that it is these.
pub(crate) const PLACE: &str = "live";

/// Has to be set by whoever says that nobody needs this computer's settings.
const CONSENT: &str = "SIDESTEP_TEST_LIVE_REGISTRY";

pub(crate) struct Live;

impl Live {
    /// What `accounts` holds and nothing else, and no journals.
    fn new() -> Self {
        let journals = LiveStore::open().unwrap().journal_folder();
        if journals.exists() {
            fs::remove_dir_all(&journals).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.reg");
        fs::write(&file, accounts().to_bytes()).unwrap();
        for account in Account::SERVICES {
            // Fails where it is not there.
            reg(&["delete", &key(account), "/f"]);
            // As in every profile that Windows made.
            let settings = format!(r"{}\{INTERNET_SETTINGS}", account.software());
            let (above, _) = settings.rsplit_once('\\').unwrap();
            let (is_done, said) = reg(&["add", above, "/f"]);
            assert!(is_done, "{said}");
        }
        let (is_done, said) = reg(&["import", &file.display().to_string()]);
        assert!(is_done, "{said}");
        Self
    }
}

impl Subject for Live {
    /// The lines that `reg query` prints, without the blobs' counters.
    type Meaning = Vec<String>;

    fn place(&self) -> String {
        PLACE.to_owned()
    }

    fn store(&self) -> Box<dyn Store> {
        Box::new(LiveStore::open().unwrap())
    }

    fn runs(&self) -> Vec<Run> {
        let runs = runs(&self.store().journal_folder()).unwrap();
        runs.into_iter().map(|file| file.run.unwrap()).collect()
    }

    fn meaning(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for account in Account::SERVICES {
            let (is_done, said) = reg(&["query", &key(account), "/s"]);
            assert!(is_done, "{said}");
            lines.extend(said.lines().map(without_counter));
        }
        lines
    }
}

/// The key of an account, with all that is in it.
fn key(account: Account) -> String {
    format!(r"HKU\{}", account.sid().unwrap())
}

fn reg(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("reg").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), said)
}

/// The second four bytes of a blob only move forward.
fn without_counter(line: &str) -> String {
    const COUNTER: std::ops::Range<usize> = 8..16;
    let blobs = [
        ValueName::DefaultConnectionSettings,
        ValueName::SavedLegacySettings,
    ];
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let is_blob = |name: &String| blobs.iter().any(|blob| blob.name() == name);
    if words.first().is_some_and(is_blob) {
        let hex = words.last_mut().unwrap();
        hex.replace_range(COUNTER, "????????");
    }
    words.join(" ")
}

#[test]
#[expect(clippy::print_stdout, reason = "the judge wants to know how many")]
#[ignore = "changes this computer's settings; the Wine judge runs it"]
fn the_live_registry_killed_at_every_checkpoint() {
    assert!(
        env::var_os(CONSENT).is_some(),
        "this overwrites the settings of this computer's accounts; set {CONSENT} if nobody needs them"
    );
    let ended = ["apply", "undo"].map(|verb| killed_everywhere(verb, Live::new));
    println!("ended: {}", ended.iter().sum::<usize>());
}
