//! What is looked at in a registry, whatever it is kept in.

use std::collections::BTreeMap;

use sidestep_model::account::Account;
use sidestep_model::observed::{
    MACHINE_KEY, Observed, ObservedAccount, POLICY_KEY, Service, ServiceState, SettingsKey,
    ValueName,
};
use sidestep_model::registry::RegistryData;
use sidestep_model::tcp_table::BACKUP_SERVICES;
use sidestep_model::tls::{TlsSettings, TlsValue};

use crate::store::StoreError;

/// Where the person's own settings are.
pub(crate) const CURRENT_USER: &str = "HKEY_CURRENT_USER";

/// Where Windows lists the profiles on its disk, by SID.
pub(crate) const PROFILES: &str =
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";

/// A registry that can be looked at, by whole names (`HKEY_USERS\…`).
pub(crate) trait Registry {
    /// Whether a key is there.
    fn has_key(&self, key: &str) -> Result<bool, StoreError>;

    /// The names of the keys in a key; none where it is not there.
    fn keys(&self, key: &str) -> Result<Vec<String>, StoreError>;

    /// One value of a key; `None` where either is not there.
    fn value(&self, key: &str, name: &str) -> Result<Option<RegistryData>, StoreError>;
}

/// The machine's part of what is observed; the accounts' is left as not there.
pub(crate) fn machine(registry: &dyn Registry) -> Result<Observed, StoreError> {
    Ok(Observed {
        proxy_settings_per_user: registry.value(POLICY_KEY, "ProxySettingsPerUser")?,
        winhttp: registry.value(MACHINE_KEY, "WinHttpSettings")?,
        machine: machine_settings(registry, Account::Machine)?,
        machine_32: machine_settings(registry, Account::Machine32)?,
        tls: tls(registry)?,
        ..Observed::default()
    })
}

fn tls(registry: &dyn Registry) -> Result<TlsSettings, StoreError> {
    let mut settings = TlsSettings::default();
    for value in TlsValue::ALL {
        if let Some(data) = registry.value(value.key(), value.name())? {
            settings.0.insert(value, data);
        }
    }
    Ok(settings)
}

/// One copy of the machine's settings.
pub(crate) fn machine_settings(
    registry: &dyn Registry,
    account: Account,
) -> Result<ObservedAccount, StoreError> {
    let settings = settings(registry, &account.software())?;
    Ok(ObservedAccount {
        exists: settings.keys.contains(&SettingsKey::InternetSettings),
        ..settings
    })
}

/// The account whose root is `root`, such as `HKEY_USERS\S-1-5-18`.
pub(crate) fn account(registry: &dyn Registry, root: &str) -> Result<ObservedAccount, StoreError> {
    Ok(ObservedAccount {
        exists: registry.has_key(root)?,
        ..settings(registry, &format!(r"{root}\Software"))?
    })
}

fn settings(registry: &dyn Registry, software: &str) -> Result<ObservedAccount, StoreError> {
    let mut account = ObservedAccount::default();
    for key in SettingsKey::ALL {
        if registry.has_key(&key.below(software))? {
            account.keys.insert(key);
        }
    }
    for name in ValueName::ALL {
        if let Some(data) = registry.value(&name.key().below(software), name.name())? {
            account.values.insert(name, data);
        }
    }
    Ok(account)
}

/// People's accounts with proxy settings, as far as they may be read. `S-1-5-21-…`
/// is a person of this machine or domain, `S-1-12-1-…` one of Entra ID.
pub(crate) fn users(
    registry: &dyn Registry,
) -> Result<BTreeMap<String, ObservedAccount>, StoreError> {
    let roots = registry.keys("HKEY_USERS")?.into_iter().filter_map(|sid| {
        let sid = sid.to_uppercase();
        let is_person = sid.starts_with("S-1-5-21-") || sid.starts_with("S-1-12-1-");
        (is_person && !sid.ends_with("_CLASSES")).then(|| (format!(r"HKEY_USERS\{sid}"), sid))
    });
    let mut users = BTreeMap::new();
    for (root, name) in roots.chain([(CURRENT_USER.to_owned(), CURRENT_USER.to_owned())]) {
        match account(registry, &root) {
            Ok(account) if account.is_unset() => {}
            Ok(account) => {
                users.insert(name, account);
            }
            Err(StoreError::Denied { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(users)
}

/// The backup extension's services, as the registry knows them below
/// `services`; what they do is not written there.
pub(crate) fn services(
    registry: &dyn Registry,
    services: &str,
) -> Result<Vec<Service>, StoreError> {
    let names = registry.keys(services)?.into_iter();
    let is_ours = |name: &String| {
        let start = name.get(..BACKUP_SERVICES.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(BACKUP_SERVICES))
    };
    let mut found = Vec::new();
    for name in names.filter(is_ours) {
        let key = format!(r"{services}\{name}");
        let text = |value| Ok(registry.value(&key, value)?.and_then(|data| data.text()));
        found.push(Service {
            account: text("ObjectName")?,
            command: text("ImagePath")?,
            state: ServiceState::Unknown,
            name,
        });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}
