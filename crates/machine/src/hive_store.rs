//! The registry of a disk from which nothing runs: only looked at.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sidestep_model::account::{Account, PLUGIN_SERVICE};
use sidestep_model::hive::{Condition, Hive, HiveError};
use sidestep_model::observed::{
    Absence, Observed, ObservedAccount, Service, ServiceState, SettingsKey,
};
use sidestep_model::plan::Change;
use sidestep_model::registry::RegistryData;

use crate::disk::Disk;
use crate::net_files;
use crate::reading::{self, PROFILES, Registry};
use crate::store::{Store, StoreError};

const SYSTEM: &str = r"HKEY_LOCAL_MACHINE\SYSTEM";
const CONTROL_SET: &str = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet";

/// The settings of the accounts on a disk, read from the hives that Windows
/// keeps in `Windows\System32\config`, and from the profile of the plugin's
/// account. A running Windows keeps them to itself: this is for one that does
/// not run, or for a copy.
#[derive(Debug)]
pub struct HiveStore {
    disk: Disk,
}

impl HiveStore {
    /// The store on the disk that is mounted at `root`; it is opened at each use.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            disk: Disk::new(root),
        }
    }

    fn only_looked_at<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::OnlyLookedAt {
            place: self.place(),
        })
    }

    /// The plugin's account, whose profile lies where the list of profiles says.
    fn plugin(
        &self,
        hives: &mut Hives,
        services: &[Service],
    ) -> Result<ObservedAccount, StoreError> {
        let Some(sid) = Account::Plugin.sid() else {
            return Ok(ObservedAccount::default());
        };
        let folder = hives.value(&format!(r"{PROFILES}\{sid}"), "ProfileImagePath")?;
        let folder = folder.and_then(|folder| folder.text());
        let root = format!(r"HKEY_USERS\{sid}");
        if let Some(folder) = &folder {
            let file = self.disk.windows_path(&format!(r"{folder}\NTUSER.DAT"));
            if hives.mount(&root, &file)? {
                return reading::account(hives, &root);
            }
        }
        Ok(ObservedAccount {
            absence: absence(services, folder),
            ..ObservedAccount::default()
        })
    }
}

impl Store for HiveStore {
    fn read(&self) -> Result<Observed, StoreError> {
        let mut hives = Hives::default();
        for (mount, file) in [
            (r"HKEY_LOCAL_MACHINE\SOFTWARE", "SOFTWARE"),
            (SYSTEM, "SYSTEM"),
            (r"HKEY_USERS\S-1-5-18", "DEFAULT"),
        ] {
            let path = self.disk.place(&format!(r"Windows\System32\config\{file}"));
            if !hives.mount(mount, &path)? {
                return Err(StoreError::NoHives {
                    root: self.disk.root().to_owned(),
                    missing: path,
                });
            }
        }
        let services = services(&hives)?;
        let plugin = self.plugin(&mut hives, &services)?;
        Ok(Observed {
            system: reading::account(&hives, r"HKEY_USERS\S-1-5-18")?,
            plugin,
            net_configs: net_files::read(&services, &|path| self.disk.windows_path(path)),
            services: Some(services),
            hives: hives.conditions(),
            ..reading::machine(&hives)?
        })
    }

    fn write(&mut self, _account: Account, _change: &Change) -> Result<(), StoreError> {
        self.only_looked_at()
    }

    fn remove_empty_key(&mut self, _account: Account, _key: SettingsKey) -> Result<(), StoreError> {
        self.only_looked_at()
    }

    /// Where a Sidestep that ran on that Windows kept them.
    fn journal_folder(&self) -> PathBuf {
        self.disk.place(r"ProgramData\Sidestep\runs")
    }

    fn make_journal_folder(&self) -> Result<(), StoreError> {
        self.only_looked_at()
    }

    fn may_change(&self, _accounts: &[Account]) -> Result<(), StoreError> {
        self.only_looked_at()
    }

    fn place(&self) -> String {
        format!("the disk at {}", self.disk.root().display())
    }
}

/// The services of the control set that Windows starts with.
fn services(hives: &Hives) -> Result<Vec<Service>, StoreError> {
    let mut services = reading::services(hives, &format!(r"{CONTROL_SET}\Services"))?;
    for service in &mut services {
        service.state = ServiceState::Stopped;
    }
    Ok(services)
}

fn absence(services: &[Service], folder: Option<String>) -> Absence {
    let is_plugin = |service: &Service| service.name.eq_ignore_ascii_case(PLUGIN_SERVICE);
    match (services.iter().any(is_plugin), folder) {
        (true, folder) => Absence::ServiceIsThere {
            state: ServiceState::Stopped,
            has_profile: folder.is_some(),
        },
        (false, Some(folder)) => Absence::ProfileAlone { folder },
        (false, None) => Absence::NotRegistered,
    }
}

/// Hives, each where a running Windows has it.
#[derive(Debug, Default)]
struct Hives {
    mounted: BTreeMap<String, Mounted>,
    /// Which of the disk's control sets Windows starts with; the first, where it
    /// does not say.
    control_set: Option<u32>,
}

#[derive(Debug)]
struct Mounted {
    path: PathBuf,
    hive: Hive,
}

impl Hives {
    /// Reads the hive at `path` with its logs; whether it is there.
    fn mount(&mut self, at: &str, path: &Path) -> Result<bool, StoreError> {
        let read = |path: &Path| {
            Disk::read(path).map_err(|source| StoreError::DiskUnreadable {
                path: path.to_owned(),
                source,
            })
        };
        let Some(file) = read(path)? else {
            return Ok(false);
        };
        let beside = Disk::new(path.parent().unwrap_or(path));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut logs = Vec::new();
        for number in 1..=2 {
            logs.extend(read(&beside.place(&format!("{name}.LOG{number}")))?);
        }
        let hive = Hive::parse(&file, &logs).map_err(|source| unusable(path, source))?;
        let path = path.to_owned();
        self.mounted.insert(at.to_owned(), Mounted { path, hive });
        if at == SYSTEM {
            self.control_set = match self.value(&format!(r"{SYSTEM}\Select"), "Current")? {
                Some(RegistryData::Dword(number)) => Some(number),
                _ => None,
            };
        }
        Ok(true)
    }

    fn conditions(&self) -> Vec<(String, Condition)> {
        let condition = |mounted: &Mounted| {
            let name = mounted.path.file_name().unwrap_or_default();
            (
                name.to_string_lossy().into_owned(),
                mounted.hive.condition(),
            )
        };
        self.mounted.values().map(condition).collect()
    }

    /// A running Windows has one control set, a disk several.
    fn on_disk(&self, key: &str) -> String {
        match key.strip_prefix(CONTROL_SET) {
            Some(below) => format!(
                r"{SYSTEM}\ControlSet{:03}{below}",
                self.control_set.unwrap_or(1)
            ),
            None => key.to_owned(),
        }
    }

    /// Asks the hive that holds `key`, and says what is asked of it there.
    fn ask<T: Default>(
        &self,
        key: &str,
        ask: impl FnOnce(&Hive, &str) -> Result<T, HiveError>,
    ) -> Result<T, StoreError> {
        let key = &self.on_disk(key);
        for (at, mounted) in &self.mounted {
            let Some(path) = key.get(at.len()..).filter(|_| {
                let start = &key.as_bytes()[..at.len()];
                start.eq_ignore_ascii_case(at.as_bytes())
            }) else {
                continue;
            };
            if path.is_empty() || path.starts_with('\\') {
                return ask(&mounted.hive, path).map_err(|error| unusable(&mounted.path, error));
            }
        }
        Ok(T::default())
    }
}

fn unusable(path: &Path, source: HiveError) -> StoreError {
    StoreError::NotAHive {
        path: path.to_owned(),
        source,
    }
}

impl Registry for Hives {
    fn has_key(&self, key: &str) -> Result<bool, StoreError> {
        self.ask(key, Hive::has_key)
    }

    fn keys(&self, key: &str) -> Result<Vec<String>, StoreError> {
        self.ask(key, Hive::keys)
    }

    fn value(&self, key: &str, name: &str) -> Result<Option<RegistryData>, StoreError> {
        self.ask(key, |hive, path| hive.value(path, name))
    }
}
