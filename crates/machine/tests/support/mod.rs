//! A server's export and the plans for it.

use std::path::PathBuf;

use jiff::Timestamp;
use sidestep_machine::{
    ApplyError, Checkpoint, Journal, RegFileStore, Store, TransactionError, apply, recover_last,
    runs,
};
use sidestep_model::account::Account;
use sidestep_model::blob::ConnectionSettings;
use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::desired::{Clear, Desired};
use sidestep_model::journal::{Command, Run, last_undoable};
use sidestep_model::observed::{INTERNET_SETTINGS, ValueName};
use sidestep_model::plan::Plan;
use sidestep_model::registry::{RegistryData, RegistryFile};
use sidestep_model::settings::ProxySettings;
use sidestep_model::site::{self, Site};

/// A folder with an export of `HKEY_USERS` as `regedit` writes it: UTF-16, with
/// hundreds of keys that are nobody's business.
pub(crate) struct Server {
    folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("server.reg"), export().to_bytes()).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.beside("server.reg")
    }

    /// A file in the export's folder.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    pub(crate) fn store(&self) -> RegFileStore {
        RegFileStore::new(&self.path())
    }

    pub(crate) fn runs(&self) -> Vec<Run> {
        let runs = runs(&self.store().journal_folder()).unwrap();
        runs.into_iter().map(|file| file.run.unwrap()).collect()
    }
}

/// Both accounts' settings among other people's keys.
fn export() -> RegistryFile {
    let mut file = accounts();
    let text = |text: &str| RegistryData::Text(text.to_owned());
    let clutter = |file: &mut RegistryFile, sid: &str| {
        for number in 0..150 {
            let key = format!(r"HKEY_USERS\{sid}\Software\日本語 {number}\[x] = y;");
            file.set(&key, "", &text(r#"C:\Program Files\"引用" @ %PATH%"#));
            file.set(&key, r#"a "quoted" \ name"#, &RegistryData::Dword(number));
            let bytes = (0..number).map(|byte| byte.to_le_bytes()[0]).collect();
            file.set(&key, "ProxyOverride", &RegistryData::Binary(bytes));
        }
    };
    clutter(&mut file, "S-1-5-21-1-2-3-1001");
    if let Some(plugin) = Account::Plugin.sid() {
        clutter(&mut file, plugin.as_str());
    }
    clutter(&mut file, "S-1-5-20");
    file
}

/// SYSTEM has every value, a blob of Internet Explorer 6 among them; the
/// plugin's account has nothing yet.
pub(crate) fn accounts() -> RegistryFile {
    let mut file = RegistryFile::new();
    let text = |text: &str| RegistryData::Text(text.to_owned());
    let system = format!(r"{}\{INTERNET_SETTINGS}", Account::System.software());
    let mut blob = ConnectionSettings::new(&ProxySettings::manual(
        "joe:geheim@10.2.0.16:8080",
        "*.corp.example;<local>",
    ));
    (blob.version, blob.counter) = (0x3C, 41);
    let mut bytes = blob.encode();
    bytes.truncate(bytes.len() - 4);
    let blob = RegistryData::Binary(bytes);
    file.set(&system, "User Agent", &text("Mozilla/4.0"));
    file.set(&system, "ProxyEnable", &RegistryData::Dword(1));
    file.set(&system, "ProxyServer", &text("joe:geheim@10.2.0.16:8080"));
    file.set(&system, "ProxyOverride", &text("*.corp.example;<local>"));
    let connections = format!(r"{system}\Connections");
    file.set(&connections, "DefaultConnectionSettings", &blob);
    file.set(&connections, "SavedLegacySettings", &blob);
    file.set(&connections, "VPN 東京", &blob);
    let plugin = Account::Plugin.sid().unwrap();
    let environment = format!(r"HKEY_USERS\{plugin}\Environment");
    file.set(&environment, "TEMP", &text("x"));
    file
}

/// SYSTEM keeps its proxy, credentials and all; the plugin's account gets one.
/// Under the policy the same for the machine's two copies.
pub(crate) fn plans(store: &dyn Store) -> Vec<Plan> {
    let observed = store.read().unwrap();
    let catalogue = Catalogue::of(Cloud::AzureCloud);
    let set = site::SAMPLE.replace("mode = \"keep\"", "mode = \"set\"");
    let [first, second] = if observed.is_per_machine() {
        Account::MACHINE
    } else {
        Account::SERVICES
    };
    let sites = [(first, site::SAMPLE), (second, &set)];
    let plan = |(account, text): (Account, &str)| {
        let site = Site::parse(text).unwrap();
        let desired = Desired::of(account, catalogue, &site, &observed, Clear::default());
        Plan::diff(&observed, desired)
    };
    sites.map(plan).into()
}

/// What a test does to a server; the names are what a child process is told.
pub(crate) fn act(
    verb: &str,
    store: &mut dyn Store,
    reached: &mut dyn FnMut(Checkpoint),
) -> Result<(), ActError> {
    store
        .make_journal_folder()
        .map_err(TransactionError::from)?;
    let journal =
        Journal::open(&store.journal_folder(), Timestamp::now).map_err(TransactionError::from)?;
    recover_last(store, &journal, reached)?;
    let (command, plans) = match verb {
        "recover" => return Ok(()),
        "apply" => (Command::Apply, plans(store)),
        "undo" => {
            let runs = runs(&store.journal_folder()).map_err(TransactionError::from)?;
            let runs: Vec<Run> = runs.into_iter().filter_map(|file| file.run.ok()).collect();
            let Some(last) = last_undoable(&runs) else {
                return Ok(());
            };
            let observed = store.read().map_err(TransactionError::from)?;
            let intents = last.committed();
            let inverse = |intent| Plan::inverse(intent, &observed);
            let plans = intents.iter().rev().map(inverse).collect();
            (Command::Undo(last.begin.run), plans)
        }
        other => panic!("no verb {other}"),
    };
    if plans.iter().all(Plan::is_empty) {
        return Ok(());
    }
    let place = store.place();
    let mut run = journal
        .begin(command, &place)
        .map_err(TransactionError::from)?;
    Ok(apply(&plans, store, &mut run, reached)?)
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Transaction(#[from] TransactionError),
}

/// A file by meaning: every value of every key, the counters of the two
/// accounts' blobs set to nought.
pub(crate) fn meaning(bytes: &[u8]) -> Vec<(String, String, RegistryData)> {
    let file = RegistryFile::parse(bytes).unwrap();
    let mut values = Vec::new();
    for key in file.keys() {
        values.push((key.to_owned(), "the key".to_owned(), RegistryData::Dword(0)));
        for (name, data) in file.values(key) {
            let is_ours = [
                ValueName::DefaultConnectionSettings,
                ValueName::SavedLegacySettings,
            ]
            .iter()
            .any(|value| value.name() == name);
            let data = match data {
                RegistryData::Binary(mut bytes) if is_ours => {
                    bytes[4..8].fill(0);
                    RegistryData::Binary(bytes)
                }
                data => data,
            };
            values.push((key.to_owned(), name.to_owned(), data));
        }
    }
    values.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
    values
}
