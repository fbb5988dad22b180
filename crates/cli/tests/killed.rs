//! `run` is killed at every request that it sends to Azure, before the request is
//! handled and after it; the next run ends in the same state and does nothing twice.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use sidestep_lab::{
    Census, Cloud, Content, InitialProxy, Lab, ProxyAddress, Scenario, Setup, When,
};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::task::JoinSet;

/// Runs at the same time; each has a lab and processes of its own.
const AT_ONCE: usize = 4;

/// A run takes less than a second; on a busy machine it may take its time.
const LONGEST: Duration = Duration::from_secs(60);

const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-backup";

const MACHINES_NETWORK: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/\
     resourceGroups/rg-sql/providers/Microsoft.Network/virtualNetworks/vnet-sql";

/// What is there when a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// A vault, and a hub's zones.
    Vault,
    /// What the scenario `from-nothing` has: networks and machines.
    Nothing,
}

impl Start {
    fn setup(self) -> Setup {
        let setup = setup();
        match self {
            Self::Vault => setup,
            Self::Nothing => Setup {
                vault_exists: false,
                link_vnets: vec![MACHINES_NETWORK.to_owned()],
                faults: Scenario::named("from-nothing").unwrap().faults.clone(),
                ..setup
            },
        }
    }

    /// The site that fits it.
    fn write_site(self, folder: &Path) {
        let init = std::process::Command::new(env!("CARGO_BIN_EXE_sidestep"))
            .args(["init", "--entra", "direct", "--quiet"])
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(init.status.success());
        if self == Self::Nothing {
            let file = folder.join("site.toml");
            let mut text = fs::read_to_string(&file).unwrap();
            let links = format!("link_vnets = [\"{MACHINES_NETWORK}\"]");
            for (from, to) in [
                ("create = false", "create = true"),
                ("# redundancy", "redundancy"),
                ("link_vnets = []", links.as_str()),
            ] {
                assert!(text.contains(from), "{from}");
                text = text.replacen(from, to, 1);
            }
            fs::write(&file, text).unwrap();
        }
    }
}

/// The world of the sample that `init` writes.
fn setup() -> Setup {
    Setup {
        cloud: Cloud::AzureCloud,
        region: "japaneast".to_owned(),
        geo_code: "jpe".to_owned(),
        tenant: String::new(),
        subscription: "00000000-0000-0000-0000-000000000000".to_owned(),
        resource_group: "rg-backup".to_owned(),
        vault: "rsv-sql".to_owned(),
        vault_exists: true,
        vault_public_access: true,
        endpoint_id: format!("{GROUP}/providers/Microsoft.Network/privateEndpoints/pe-rsv-sql"),
        subnet_id: format!(
            "{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-hub/subnets/snet-pe"
        ),
        zones: Vec::new(),
        link_vnets: Vec::new(),
        dns_by_hand: false,
        vms: vec![("rg-sql".to_owned(), "sqlvm1".to_owned())],
        vm: "sqlvm1".to_owned(),
        proxy: ProxyAddress {
            host: "10.2.0.16".to_owned(),
            port: 8080,
        },
        initial: InitialProxy::On,
        databases: vec!["MSSQLSERVER/orders".to_owned()],
        content: Content::Generated {
            bytes: 64 * 1024,
            seed: 1,
        },
        faults: Vec::new(),
    }
}

struct Desk {
    folder: TempDir,
    lab: Lab,
}

impl Desk {
    async fn new(start: Start) -> Self {
        let folder = tempfile::tempdir().unwrap();
        start.write_site(folder.path());
        let lab = Lab::start(start.setup()).await.unwrap();
        let connection = serde_json::to_string(&lab.connection()).unwrap();
        fs::write(folder.path().join("lab.json"), connection).unwrap();
        Self { folder, lab }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestep"));
        command
            .args(["run", "--lab", "lab.json", "--yes", "--json"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs to the end, whatever it is.
    async fn run(&self) -> (Option<i32>, Value) {
        let output = tokio::time::timeout(LONGEST, self.command().output());
        let output = output.await.unwrap().unwrap();
        let document = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), document)
    }

    /// Kills a run at its `number`-th request; false where it had ended before.
    async fn kill_at(&self, number: u64, when: When) -> bool {
        let mut hold = self.lab.hold(number, when);
        let mut child = self.command().spawn().unwrap();
        tokio::select! {
            () = hold.reached() => {
                child.start_kill().unwrap();
                child.wait().await.unwrap();
                true
            }
            ended = tokio::time::timeout(LONGEST, child.wait()) => {
                ended.unwrap().unwrap();
                false
            }
        }
    }
}

/// What was made, without the count of requests.
fn made(census: &Census) -> Census {
    Census {
        requests: BTreeMap::new(),
        ..census.clone()
    }
}

/// Requests that make or start something.
fn writes(census: &Census) -> usize {
    let reads = census.requests.get("GET").copied().unwrap_or_default();
    census.requests.values().sum::<usize>() - reads
}

/// The text of the accounts' values, without the blobs, whose counters move.
fn plain_values(registry: &Path) -> Vec<String> {
    let units: Vec<u16> = fs::read(registry)
        .unwrap()
        .chunks_exact(2)
        .map(|two| u16::from_le_bytes([two[0], two[1]]))
        .collect();
    let text = String::from_utf16(&units).unwrap();
    let is_plain = |line: &&str| line.starts_with("\"Proxy") || line.starts_with('[');
    text.lines().filter(is_plain).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_finds_everything_and_does_nothing_twice() {
    let desk = Desk::new(Start::Vault).await;
    let (code, first) = desk.run().await;
    assert_eq!(
        (code, &first["outcome"]),
        (Some(0), &"done".into()),
        "{first:#}"
    );
    let after_first = desk.lab.census();
    let (code, second) = desk.run().await;
    assert_eq!(
        (code, &second["outcome"]),
        (Some(0), &"done".into()),
        "{second:#}"
    );
    let after_second = desk.lab.census();
    assert_eq!(writes(&after_first), writes(&after_second));
    assert_eq!(made(&after_first), made(&after_second));
    for step in second["steps"].as_array().unwrap() {
        assert_eq!(step["outcome"], "done", "{second:#}");
    }
    let states = second["resources"].as_array().unwrap();
    assert!(
        states.iter().all(|one| one["state"] == "found"),
        "{second:#}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_killed_at_any_request_goes_on_and_does_nothing_twice() {
    killed_at_every(1, Start::Vault).await;
}

/// Every third request; [`a_run_from_nothing_killed_at_any_request_goes_on`] takes all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_from_nothing_killed_at_some_requests_goes_on() {
    killed_at_every(3, Start::Nothing).await;
}

/// `cargo test -p sidestep-cli --test killed -- --ignored` takes a minute or two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "its sample above is enough for every change"]
async fn a_run_from_nothing_killed_at_any_request_goes_on() {
    killed_at_every(1, Start::Nothing).await;
}

/// Kills a run at each `step`-th request, and has another one finish its work.
async fn killed_at_every(step: usize, start: Start) {
    let whole = Desk::new(start).await;
    let (code, document) = whole.run().await;
    assert_eq!(code, Some(0), "{document:#}");
    let census = whole.lab.census();
    let requests: usize = census.requests.values().sum();
    let wanted = made(&census);
    let values = plain_values(&whole.lab.registry_file());
    assert_eq!(wanted.backup_jobs, 1);
    assert_eq!(wanted.registrations, 1);

    let killed = Arc::new(AtomicUsize::new(0));
    let mut positions = (1..=requests as u64).step_by(step).flat_map(|number| {
        [
            (number, When::BeforeHandling),
            (number, When::BeforeAnswering),
        ]
    });
    let mut trials = JoinSet::new();
    loop {
        while trials.len() < AT_ONCE
            && let Some((number, when)) = positions.next()
        {
            let (wanted, values, killed) = (wanted.clone(), values.clone(), killed.clone());
            trials.spawn(async move {
                let desk = Desk::new(start).await;
                if desk.kill_at(number, when).await {
                    killed.fetch_add(1, Ordering::Relaxed);
                }
                let (code, document) = desk.run().await;
                assert_eq!(code, Some(0), "killed at {number} {when:?}: {document:#}");
                let seen = made(&desk.lab.census());
                assert_eq!(seen, wanted, "killed at {number} {when:?}");
                let registry = desk.lab.registry_file();
                assert_eq!(
                    plain_values(&registry),
                    values,
                    "killed at {number} {when:?}"
                );
            });
        }
        match trials.join_next().await {
            Some(trial) => trial.unwrap(),
            None => break,
        }
    }
    // Polls come as often as they come; all but a few positions exist each time.
    let killed = killed.load(Ordering::Relaxed);
    assert!(
        killed > requests / step,
        "{killed} of {}",
        2 * requests / step
    );
}
