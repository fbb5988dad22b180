//! The engine over a real registry export, with a vault and a witness that say what they are told.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use sidestep_flow::{Run, Vault, Witness, World, run};
use sidestep_machine::{Journal, RegFileStore};
use sidestep_model::account::Account;
use sidestep_model::blob::ConnectionSettings;
use sidestep_model::catalogue::Service;
use sidestep_model::diagnosis::BackupFailure;
use sidestep_model::event::{BackedUp, Event, Outcome, Step};
use sidestep_model::evidence::{self, Evidence};
use sidestep_model::network::{AddressMap, Network};
use sidestep_model::registry::{RegistryData, RegistryFile};
use sidestep_model::settings::{Flags, ProxySettings};
use sidestep_model::site::{self, Database, Site};
use tempfile::TempDir;

const KEY: &str = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";

/// Both accounts, with these settings.
fn machine(settings: &ProxySettings) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.reg");
    let mut file = RegistryFile::new();
    let blob = RegistryData::Binary(ConnectionSettings::new(settings).encode());
    for account in Account::ALL {
        let key = format!(r"HKEY_USERS\{}\{KEY}", account.sid());
        file.set(&key, "DefaultConnectionSettings", &blob);
    }
    fs::write(&path, file.to_bytes()).unwrap();
    (folder, path)
}

fn with_proxy() -> ProxySettings {
    ProxySettings::manual("10.2.0.16:8080", "")
}

fn without_proxy() -> ProxySettings {
    ProxySettings {
        flags: Flags(Flags::DIRECT),
        ..ProxySettings::default()
    }
}

struct Says {
    works: bool,
    path: evidence::Path,
}

impl Vault for Says {
    async fn back_up(&mut self, database: &Database) -> Result<BackedUp, BackupFailure> {
        if self.works {
            Ok(BackedUp {
                database: database.to_string(),
                bytes: 1,
                blocks: 1,
                sha256: String::new(),
                elapsed: Duration::ZERO,
            })
        } else {
            Err(BackupFailure {
                azure_code: "UserErrorVMInternetConnectivityIssue".to_owned(),
                account: Account::Plugin,
                service: Service::Blob,
                // An address, so that nobody is asked for a name.
                host: "10.1.0.45".to_owned(),
                detail: "nothing came back".to_owned(),
            })
        }
    }
}

impl Witness for Says {
    fn evidence(&mut self) -> Evidence {
        let blob = (Account::Plugin, Service::Blob, self.path, 1);
        Evidence::count(evidence::Source::Lab, [blob])
    }
}

async fn carried(file: &Path, works: bool, path: evidence::Path) -> (Run, Vec<Event>) {
    let mut events = Vec::new();
    let nowhere = Network {
        addresses: AddressMap::closed([]),
        ..Network::default()
    };
    let mut store = RegFileStore::new(file);
    let journal = Journal::open(&store.journal_folder(), Timestamp::now).unwrap();
    let world = World {
        store: &mut store,
        journal: &journal,
        network: &nowhere,
        vault: &mut Says { works, path },
        witness: &mut Says { works, path },
    };
    let site = Site::parse(site::SAMPLE).unwrap();
    let run = run(world, &site, |event| events.push(event.clone()))
        .await
        .unwrap();
    (run, events)
}

fn outcome(run: &Run, step: Step) -> Outcome {
    run.steps
        .iter()
        .find(|end| end.step == step)
        .unwrap()
        .outcome
}

fn codes(run: &Run) -> Vec<String> {
    let errors = run.findings.iter();
    let errors = errors.filter(|finding| finding.effect() > sidestep_model::finding::Effect::GoOn);
    errors.map(|finding| finding.code().to_string()).collect()
}

#[tokio::test]
async fn every_step_is_said_once_and_a_second_run_changes_nothing() {
    let (_folder, file) = machine(&with_proxy());
    let (first, events) = carried(&file, true, evidence::Path::PrivateEndpoint).await;
    assert_eq!(first.outcome, Outcome::Done);
    let ended: Vec<Step> = events
        .iter()
        .filter_map(|event| match event {
            Event::Ended(end) => Some(end.step),
            _ => None,
        })
        .collect();
    assert_eq!(ended, Step::ALL);
    for step in [Step::Endpoint, Step::Register, Step::Protect, Step::Check] {
        assert_eq!(outcome(&first, step), Outcome::NotYet);
    }

    let written = fs::read(&file).unwrap();
    let (second, events) = carried(&file, true, evidence::Path::PrivateEndpoint).await;
    assert_eq!(second.outcome, Outcome::Done);
    assert_eq!(fs::read(&file).unwrap(), written);
    for event in events {
        if let Event::Planned(plan) = event {
            assert!(plan.is_empty());
        }
    }
}

#[tokio::test]
async fn without_a_proxy_it_is_not_needed() {
    let (_folder, file) = machine(&without_proxy());
    let before = fs::read(&file).unwrap();
    let (run, _) = carried(&file, true, evidence::Path::PrivateEndpoint).await;
    assert_eq!(run.outcome, Outcome::NotNeeded);
    assert_eq!(outcome(&run, Step::Backup), Outcome::Done);
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_refusal_ends_the_run_and_writes_nothing() {
    let (_folder, file) = machine(&ProxySettings {
        flags: with_proxy().flags.with(Flags::AUTO_CONFIG_URL),
        auto_config_url: "http://wpad.corp.example/x.pac".to_owned(),
        ..with_proxy()
    });
    let before = fs::read(&file).unwrap();
    let (run, events) = carried(&file, true, evidence::Path::PrivateEndpoint).await;
    assert_eq!(
        (run.outcome, codes(&run)),
        (Outcome::Refused, vec!["SS102".to_owned()])
    );
    for step in [Step::PluginBypass, Step::Check, Step::Backup] {
        assert_eq!(outcome(&run, step), Outcome::NotReached);
    }
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, Event::Planned(_)))
    );
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[tokio::test]
async fn a_backup_by_the_wrong_path_is_no_success() {
    let (_folder, file) = machine(&with_proxy());
    for works in [true, false] {
        let (run, _) = carried(&file, works, evidence::Path::Proxy).await;
        assert_eq!(
            (run.outcome, codes(&run)),
            (Outcome::Failed, vec!["SS305".to_owned()])
        );
    }
}

#[tokio::test]
async fn a_failure_is_explained_by_the_way_that_fails() {
    let path = evidence::Path::PrivateEndpoint;
    let (_folder, direct) = machine(&without_proxy());
    let (run, _) = carried(&direct, false, path).await;
    assert_eq!(
        (run.outcome, codes(&run)),
        (Outcome::Failed, vec!["SS304".to_owned()])
    );

    let (_folder, proxied) = machine(&with_proxy());
    let (run, _) = carried(&proxied, false, path).await;
    assert_eq!(
        (run.outcome, codes(&run)),
        (Outcome::Failed, vec!["SS301".to_owned()])
    );
}
