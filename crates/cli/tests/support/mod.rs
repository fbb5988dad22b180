//! A desk: a site file, a lab of the test's own, and `sidestep` in between.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file uses its part"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use sidestep_lab::{
    Access, Cloud, Content, Fault, InitialProxy, Lab, ProxyAddress, Scenario, Setup, When,
};
use tempfile::TempDir;
use tokio::process::Command;

/// A run takes less than a second; on a busy machine it may take its time.
const LONGEST: Duration = Duration::from_secs(60);

pub(crate) const GROUP: &str =
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-backup";

const MACHINES_NETWORK: &str = "/subscriptions/00000000-0000-0000-0000-000000000000/\
     resourceGroups/rg-sql/providers/Microsoft.Network/virtualNetworks/vnet-sql";

/// What is there when a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
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
            let links = format!("link_vnets = [\"{MACHINES_NETWORK}\"]");
            for (from, to) in [
                ("create = false", "create = true"),
                ("# redundancy", "redundancy"),
                ("link_vnets = []", links.as_str()),
            ] {
                edit(&folder.join("site.toml"), from, to);
            }
        }
    }
}

/// The world of the sample that `init` writes.
pub(crate) fn setup() -> Setup {
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

pub(crate) struct Desk {
    pub(crate) folder: TempDir,
    pub(crate) lab: Lab,
}

impl Desk {
    pub(crate) async fn new(start: Start, faults: &[Fault]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        start.write_site(folder.path());
        let mut setup = start.setup();
        setup.faults.extend(faults);
        let lab = Lab::start(setup).await.unwrap();
        let desk = Self { folder, lab };
        desk.connect("lab.json", |_| {});
        desk
    }

    /// A desk in a world of one's own, with the site edited to fit.
    pub(crate) async fn of(setup: Setup, edits: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Start::Vault.write_site(folder.path());
        for (from, to) in edits {
            edit(&folder.path().join("site.toml"), from, to);
        }
        let lab = Lab::start(setup).await.unwrap();
        let desk = Self { folder, lab };
        desk.connect("lab.json", |_| {});
        desk
    }

    /// Writes how the lab is reached, with something changed about it.
    pub(crate) fn connect(&self, file: &str, change: impl FnOnce(&mut Access)) {
        let mut access = self.lab.connection();
        change(&mut access);
        let text = serde_json::to_string(&access).unwrap();
        fs::write(self.folder.path().join(file), text).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces what the site file says.
    pub(crate) fn edit_site(&self, from: &str, to: &str) {
        edit(&self.file("site.toml"), from, to);
    }

    /// `sidestep`, which nobody can answer.
    pub(crate) fn sidestep(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sidestep"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    fn run_command(&self, more: &[&str]) -> Command {
        let mut command = self.sidestep(&["run", "--yes", "--json"]);
        if !more.contains(&"--lab") {
            command.args(["--lab", "lab.json"]);
        }
        command.args(more);
        command
    }

    /// Runs to the end, whatever it is.
    pub(crate) async fn run(&self, more: &[&str]) -> (Option<i32>, Value) {
        ended(self.run_command(more)).await
    }

    /// Kills a run at its `number`-th request; false where it had ended before.
    pub(crate) async fn kill_at(&self, number: u64, when: When, more: &[&str]) -> bool {
        let mut hold = self.lab.hold(number, when);
        let mut child = self.run_command(more).spawn().unwrap();
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

/// How a command ended, and the document that it printed.
pub(crate) async fn ended(mut command: Command) -> (Option<i32>, Value) {
    let output = tokio::time::timeout(LONGEST, command.output());
    let output = output.await.unwrap().unwrap();
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), document)
}

/// The codes of a document's errors.
pub(crate) fn errors(document: &Value) -> Vec<&str> {
    let findings = document["findings"].as_array().unwrap().iter();
    let errors = findings.filter(|finding| finding["severity"] == "error");
    errors
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

/// What runs on the settings of that file wrote down.
pub(crate) fn written(registry: &Path) -> Vec<String> {
    let mut folder = registry.as_os_str().to_owned();
    folder.push(".sidestep");
    files(Path::new(&folder))
}

/// The text of every file below a folder, which need not be there.
fn files(folder: &Path) -> Vec<String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(fs::read_to_string(path).unwrap_or_default());
        }
    }
    found
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}
