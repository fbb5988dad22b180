//! The registry of the Windows that this runs on.
//!
//! Below this module alone is code that the compiler cannot vouch for; each
//! such block is one call, with what makes it sound.

mod access;
mod folder;
mod library;
mod lookup;
mod payload;
mod processes;
mod profile;
mod readers;
mod registry;
mod restart;
mod schannel;
mod self_test;
mod services;
mod tcp_table;

use std::path::{Path, PathBuf};

use sidestep_model::account::Account;
use sidestep_model::observed::{Absence, Observed, ObservedAccount, SettingsKey};
use sidestep_model::plan::Change;

use crate::net_files;
use crate::reading;
use crate::store::{MissingRight, Store, StoreError};

pub use payload::{count_payload, payload};
pub use processes::{process_start, program, running_services};
pub use profile::LoadedProfile;
pub use readers::{dotnet_routes, own_sid, windows_version, winhttp_settings, wininet_settings};
use registry::{LiveRegistry, Place};
pub use restart::restart_service;
pub use schannel::system_handshake;
pub use self_test::{SelfTest, serve_self_test};
pub use tcp_table::{attempts, connections};

/// The settings of this computer's accounts, in its registry.
///
/// `LocalSystem`'s are below `HKEY_USERS\S-1-5-18`, of which `.DEFAULT` is another
/// name on Windows. The registry offers no comparison while writing: between
/// looking at a value and writing it lies a moment in which another program's
/// change would be lost.
#[derive(Debug)]
pub struct LiveStore {
    journals: PathBuf,
}

impl LiveStore {
    /// Whether this computer has such settings.
    pub const IS_HERE: bool = true;

    /// Opens this computer's settings; nothing is read yet.
    pub fn open() -> Result<Self, StoreError> {
        let data = folder::program_data().map_err(|source| StoreError::JournalFolder {
            path: PathBuf::from("%ProgramData%"),
            source,
        })?;
        Ok(Self {
            journals: data.join("Sidestep").join("runs"),
        })
    }
}

impl Store for LiveStore {
    fn read(&self) -> Result<Observed, StoreError> {
        let services = services::backup_services()?;
        let windows = folder::windows().ok();
        Ok(Observed {
            system: account(Account::System)?,
            plugin: account(Account::Plugin)?,
            users: reading::users(&LiveRegistry)?,
            net_configs: windows.map_or_else(Vec::new, |windows| {
                net_files::read(&services, &|path| place(&windows, path))
            }),
            services: Some(services),
            left_loaded: profile::left_loaded()?,
            plugin_sid: lookup::sid_of(Account::Plugin.name()),
            ..reading::machine(&LiveRegistry)?
        })
    }

    fn write(&mut self, account: Account, change: &Change) -> Result<(), StoreError> {
        let software = software(account)?;
        write_below(&root(account)?, &software, account, change)
    }

    fn remove_empty_key(&mut self, account: Account, key: SettingsKey) -> Result<(), StoreError> {
        Place::named(&key.below(&software(account)?)).remove_if_empty()
    }

    /// `%ProgramData%\Sidestep\runs`: the same for whoever administers the computer.
    fn journal_folder(&self) -> PathBuf {
        self.journals.clone()
    }

    fn make_journal_folder(&self) -> Result<(), StoreError> {
        let above = self.journals.parent().unwrap_or(&self.journals);
        folder::make_for_administrators(above)?;
        folder::make_for_administrators(&self.journals)
    }

    fn may_change(&self, accounts: &[Account]) -> Result<(), StoreError> {
        let lacks = |right| Err(StoreError::NotChangeable(right));
        if !access::is_elevated() {
            return lacks(MissingRight::Elevation);
        }
        for account in accounts.iter().copied() {
            if root(account)?.is_there()? {
                let place = Place::named(&SettingsKey::Connections.below(&software(account)?));
                if !place.is_writable()? {
                    return lacks(MissingRight::Key(place.name()));
                }
            }
        }
        Ok(())
    }

    fn place(&self) -> String {
        "this computer".to_owned()
    }
}

/// Writes one value below the key of an account's software, if it still is as it
/// was seen.
fn write_below(
    root: &Place,
    software: &str,
    account: Account,
    change: &Change,
) -> Result<(), StoreError> {
    let moved = StoreError::Moved {
        account,
        value: change.value.name(),
    };
    if !root.is_there()? {
        // What Windows did not load is no account's.
        return Err(moved);
    }
    let place = Place::named(&change.value.key().below(software));
    if place.value(change.value.name())? != change.before {
        return Err(moved);
    }
    match &change.after {
        Some(after) => place.set(change.value.name(), after),
        None => place.remove_value(change.value.name()),
    }
}

/// The key that is there if the account's settings can be. The plugin's is in
/// another place while [`LoadedProfile`] is loaded.
fn root(account: Account) -> Result<Place, StoreError> {
    let Some(sid) = account.sid() else {
        let software = account.software();
        return Ok(Place::named(
            &SettingsKey::InternetSettings.below(&software),
        ));
    };
    let loaded = Place::named(&profile::key());
    if account == Account::Plugin && loaded.is_there()? {
        // Were there another, it would be one that Windows made for want of this.
        return Ok(loaded);
    }
    Ok(Place::named(&format!(r"HKEY_USERS\{sid}")))
}

/// The key in which the account's software keeps settings.
fn software(account: Account) -> Result<String, StoreError> {
    Ok(match account.sid() {
        Some(_) => root(account)?.below("Software").name(),
        None => account.software(),
    })
}

fn account(account: Account) -> Result<ObservedAccount, StoreError> {
    let Some(sid) = account.sid() else {
        return reading::machine_settings(&LiveRegistry, account);
    };
    let root = root(account)?;
    if root.is_there()? {
        return reading::account(&LiveRegistry, &root.name());
    }
    Ok(ObservedAccount {
        absence: match account {
            Account::Plugin => services::absence(&sid)?,
            _ => Absence::NotSaid,
        },
        ..ObservedAccount::default()
    })
}

/// Where a path is that Windows writes so.
fn place(windows: &Path, path: &str) -> PathBuf {
    let begin = r"\SystemRoot\";
    match path.get(..begin.len()) {
        Some(start) if start.eq_ignore_ascii_case(begin) => windows.join(&path[begin.len()..]),
        // One that cannot be read stays as it is written, and leads nowhere.
        _ => folder::expanded(path)
            .unwrap_or_else(|_| path.to_owned())
            .into(),
    }
}
