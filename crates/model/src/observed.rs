//! What a machine holds: the registry values that decide its accounts' routes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::blob::{BlobError, ConnectionSettings, WinHttpSettings};
use crate::hive::Condition;
use crate::journal::Intent;
use crate::net_config::NetConfig;
use crate::registry::RegistryData;
use crate::settings::{Flags, ProxySettings};
use crate::tls::TlsSettings;

/// Below the key in which an account's software keeps settings.
pub const INTERNET_SETTINGS: &str = r"Microsoft\Windows\CurrentVersion\Internet Settings";

/// Where the machine's own settings are.
pub const MACHINE_KEY: &str =
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";

/// Where a policy can make proxy settings per machine.
pub const POLICY_KEY: &str =
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";

/// One registry value that holds a part of an account's proxy settings.
///
/// Ordered as they are written: `DefaultConnectionSettings` last, because it is
/// the value whose change running services notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ValueName {
    /// Mirror of the manual-proxy flag.
    ProxyEnable,
    /// Mirror of the proxy string.
    ProxyServer,
    /// Mirror of the bypass list.
    ProxyOverride,
    /// Mirror of the configuration script's address; it is only ever taken away.
    #[serde(rename = "AutoConfigURL")]
    AutoConfigUrl,
    /// The blob of connections other than the default.
    SavedLegacySettings,
    /// The blob that counts.
    DefaultConnectionSettings,
}

impl ValueName {
    /// Every value, in the order in which they are written.
    pub const ALL: [Self; 6] = [
        Self::ProxyEnable,
        Self::ProxyServer,
        Self::ProxyOverride,
        Self::AutoConfigUrl,
        Self::SavedLegacySettings,
        Self::DefaultConnectionSettings,
    ];

    /// The value's name in the registry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ProxyEnable => "ProxyEnable",
            Self::ProxyServer => "ProxyServer",
            Self::ProxyOverride => "ProxyOverride",
            Self::AutoConfigUrl => "AutoConfigURL",
            Self::SavedLegacySettings => "SavedLegacySettings",
            Self::DefaultConnectionSettings => "DefaultConnectionSettings",
        }
    }

    /// The key that holds it.
    #[must_use]
    pub fn key(self) -> SettingsKey {
        match self {
            Self::SavedLegacySettings | Self::DefaultConnectionSettings => SettingsKey::Connections,
            _ => SettingsKey::InternetSettings,
        }
    }
}

/// A key that holds proxy settings.
///
/// Ordered from the inside out, as keys can be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingsKey {
    /// The blobs' key.
    Connections,
    /// The plain values' key.
    InternetSettings,
}

impl SettingsKey {
    /// Both keys.
    pub const ALL: [Self; 2] = [Self::Connections, Self::InternetSettings];

    /// Where it is for somebody whose software keeps settings in the key
    /// `software` (see [`Account::software`]).
    #[must_use]
    pub fn below(self, software: &str) -> String {
        match self {
            Self::Connections => format!(r"{software}\{INTERNET_SETTINGS}\Connections"),
            Self::InternetSettings => format!(r"{software}\{INTERNET_SETTINGS}"),
        }
    }
}

/// A machine as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// `ProxySettingsPerUser` below [`POLICY_KEY`].
    pub proxy_settings_per_user: Option<RegistryData>,
    /// `NT AUTHORITY\SYSTEM`.
    pub system: ObservedAccount,
    /// `NT SERVICE\AzureWLBackupPluginSvc`.
    pub plugin: ObservedAccount,
    /// People's accounts that hold proxy settings, by SID; the current user's
    /// as `HKEY_CURRENT_USER`, where that is named.
    pub users: BTreeMap<String, ObservedAccount>,
    /// `WinHttpSettings` of the machine, which `netsh winhttp` writes.
    pub winhttp: Option<RegistryData>,
    /// The machine's settings, which count for every account where the policy
    /// says so.
    pub machine: ObservedAccount,
    /// Their copy for 32-bit programs.
    pub machine_32: ObservedAccount,
    /// The key under which an interrupted run left the plugin's profile loaded.
    pub left_loaded: Option<String>,
    /// The backup extension's services; `None` where nobody says.
    pub services: Option<Vec<Service>>,
    /// The plugin's account as Windows itself looks it up by name; `None` where
    /// it was not asked.
    pub plugin_sid: Option<LookedUp>,
    /// What .NET Framework's own files say of proxies, file by file.
    pub net_configs: Vec<NetConfig>,
    /// The hives that were read, by name, where a disk was.
    pub hives: Vec<(String, Condition)>,
    /// What decides over TLS.
    pub tls: TlsSettings,
}

impl Observed {
    /// One account of the machine.
    #[must_use]
    pub fn account(&self, account: Account) -> &ObservedAccount {
        match account {
            Account::System => &self.system,
            Account::Plugin => &self.plugin,
            Account::Machine => &self.machine,
            Account::Machine32 => &self.machine_32,
        }
    }

    /// Whose settings count for `account`: its own or, where the policy says
    /// so, the machine's.
    #[must_use]
    pub fn deciding(&self, account: Account) -> &ObservedAccount {
        if self.is_per_machine() && !account.is_machine() {
            &self.machine
        } else {
            self.account(account)
        }
    }

    /// The first account that `intents` change and whose settings are out of reach:
    /// on the disk, in a profile that is not loaded. What they hold is not known.
    #[must_use]
    pub fn out_of_reach(&self, intents: &[Intent]) -> Option<Account> {
        let mut changed = intents.iter().filter(|intent| !intent.changes.is_empty());
        let hidden = changed.find(|intent| self.is_out_of_reach(intent.account));
        hidden.map(|intent| intent.account)
    }

    /// Whether an account's settings are on the disk alone.
    #[must_use]
    pub fn is_out_of_reach(&self, account: Account) -> bool {
        let here = self.account(account);
        !here.exists && here.absence.has_profile()
    }

    /// The blob that decides for `account`.
    #[must_use]
    pub fn deciding_blob(&self, account: Account) -> Option<Result<ConnectionSettings, BlobFault>> {
        self.deciding(account)
            .blob(ValueName::DefaultConnectionSettings)
    }

    /// The machine's `WinHTTP` settings; where there are none, it goes direct.
    #[must_use]
    pub fn winhttp(&self) -> Option<Result<WinHttpSettings, BlobFault>> {
        Some(match self.winhttp.as_ref()? {
            RegistryData::Binary(bytes) => WinHttpSettings::decode(bytes).map_err(BlobFault::Codec),
            _ => Err(BlobFault::NotBinary),
        })
    }

    /// Whether a policy makes every account use the machine's settings: only a
    /// `REG_DWORD` of 0 does (`_RegBlobWebProxyDataBuilder.cs` in
    /// microsoft/referencesource).
    #[must_use]
    pub fn is_per_machine(&self) -> bool {
        self.proxy_settings_per_user == Some(RegistryData::Dword(0))
    }
}

/// An account as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedAccount {
    /// Whether the account has a key in `HKEY_USERS`; the machine, its key for
    /// settings.
    pub exists: bool,
    /// Where it has none, why.
    pub absence: Absence,
    /// Which of the keys for settings it has.
    pub keys: BTreeSet<SettingsKey>,
    /// The values found.
    pub values: BTreeMap<ValueName, RegistryData>,
}

/// Why an account has no key in `HKEY_USERS`: Windows loads a service's profile
/// when the service starts, and may let go of it after it stopped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Absence {
    /// Nobody says: an export knows neither services nor profiles.
    #[default]
    NotSaid,
    /// Its service is there.
    ServiceIsThere {
        /// What the service does.
        state: ServiceState,
        /// Whether the account has a profile on the disk, so that the service
        /// ran before.
        has_profile: bool,
    },
    /// Its profile is on the disk, and no service that would load it is there.
    ProfileAlone {
        /// The profile's folder.
        folder: String,
    },
    /// Neither a service nor a profile: the machine is not registered.
    NotRegistered,
}

impl Absence {
    /// Whether the account is only not loaded now: its service, which would load
    /// it, is there.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::ServiceIsThere { .. })
    }

    /// Whether the account's settings are on the disk, where nobody reads them.
    #[must_use]
    pub fn has_profile(&self) -> bool {
        match self {
            Self::ServiceIsThere { has_profile, .. } => *has_profile,
            Self::ProfileAlone { .. } => true,
            Self::NotSaid | Self::NotRegistered => false,
        }
    }
}

/// A service of the backup extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name, such as `AzureWLBackupPluginSvc`.
    pub name: String,
    /// What it does.
    pub state: ServiceState,
    /// The account that it runs as, as Windows names it.
    pub account: Option<String>,
    /// What Windows starts for it: a path, perhaps quoted, perhaps with arguments.
    pub command: Option<String>,
}

impl Service {
    /// The path of its program.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        let command = self.command.as_deref()?.trim();
        if let Some(quoted) = command.strip_prefix('"') {
            return quoted.split('"').next();
        }
        // Windows itself tries each blank; programs end so.
        let end = command.to_ascii_lowercase().find(".exe");
        end.and_then(|end| command.get(..end + 4)).or(Some(command))
    }

    /// Whose settings it follows, where Sidestep knows the account.
    #[must_use]
    pub fn follows(&self) -> Option<Account> {
        Account::of_logon(self.account.as_deref()?)
    }
}

/// What Windows says of an account's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookedUp {
    /// This is its SID.
    Sid(String),
    /// It knows no such account.
    Unknown,
}

/// What a service does, as the service manager says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    /// It does not run.
    Stopped,
    /// It runs, paused or not.
    Running,
    /// It is on its way from one to the other.
    Changing,
    /// The service manager does not say.
    Unknown,
}

impl ObservedAccount {
    /// The settings that the services read: `DefaultConnectionSettings` alone.
    /// Where it is missing, Windows detects automatically
    /// (`_WinHttpWebProxyDataBuilder.cs` in microsoft/referencesource).
    pub fn settings(&self) -> Result<ProxySettings, BlobFault> {
        match self.blob(ValueName::DefaultConnectionSettings) {
            Some(blob) => Ok(blob?.settings()),
            None => Ok(ProxySettings {
                flags: Flags(Flags::DIRECT | Flags::AUTO_DETECT),
                ..ProxySettings::default()
            }),
        }
    }

    /// The settings that somebody meant: those that the services read or, where
    /// there is no blob, the plain values, which WinINet takes over when it next
    /// runs for the account.
    #[must_use]
    pub fn intended(&self) -> ProxySettings {
        if self.has_only_plain_values() {
            self.plain_settings()
        } else {
            self.settings().unwrap_or_default()
        }
    }

    /// The first blob that cannot be read, and why.
    #[must_use]
    pub fn unreadable_blob(&self) -> Option<(ValueName, String)> {
        [
            ValueName::DefaultConnectionSettings,
            ValueName::SavedLegacySettings,
        ]
        .into_iter()
        .find_map(|name| Some((name, self.blob(name)?.err()?.to_string())))
    }

    /// Whether nobody ever set anything.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether the blob that the services read is missing beside plain values.
    #[must_use]
    pub fn has_only_plain_values(&self) -> bool {
        !self.is_unset()
            && !self
                .values
                .contains_key(&ValueName::DefaultConnectionSettings)
    }

    /// Whether any of the plain values is there.
    #[must_use]
    pub fn has_plain_values(&self) -> bool {
        let mut names = self.values.keys();
        names.any(|name| name.key() == SettingsKey::InternetSettings)
    }

    /// A connection blob among the values, decoded.
    #[must_use]
    pub fn blob(&self, name: ValueName) -> Option<Result<ConnectionSettings, BlobFault>> {
        self.values.get(&name).map(connection)
    }

    /// What the plain values say; what is missing says nothing.
    #[must_use]
    pub fn plain_settings(&self) -> ProxySettings {
        let on = self
            .values
            .get(&ValueName::ProxyEnable)
            .and_then(RegistryData::switch)
            .unwrap_or_default();
        let text = |name| match self.values.get(&name) {
            Some(RegistryData::Text(text) | RegistryData::ExpandText(text)) => text.clone(),
            _ => String::new(),
        };
        let mut flags = Flags(Flags::DIRECT);
        let auto_config_url = text(ValueName::AutoConfigUrl);
        if on {
            flags = flags.with(Flags::MANUAL_PROXY);
        }
        if !auto_config_url.trim().is_empty() {
            flags = flags.with(Flags::AUTO_CONFIG_URL);
        }
        ProxySettings {
            flags,
            proxy_server: text(ValueName::ProxyServer),
            proxy_override: text(ValueName::ProxyOverride),
            auto_config_url,
        }
    }
}

fn connection(data: &RegistryData) -> Result<ConnectionSettings, BlobFault> {
    match data {
        RegistryData::Binary(bytes) => ConnectionSettings::decode(bytes).map_err(BlobFault::Codec),
        _ => Err(BlobFault::NotBinary),
    }
}

/// Why a blob among an account's values cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobFault {
    /// Its bytes are no settings blob.
    #[error(transparent)]
    Codec(BlobError),
    /// The value is of another type than `REG_BINARY`.
    #[error("the value is not of the type REG_BINARY")]
    NotBinary,
}
