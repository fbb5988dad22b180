//! Whose proxy settings decide the path of a backup: two accounts', or the machine's.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

/// The service whose virtual account streams database pages to storage.
pub const PLUGIN_SERVICE: &str = "AzureWLBackupPluginSvc";

/// Whose settings: an account's that a part of the backup extension runs as, or
/// the machine's, which count for every account where a policy says so.
///
/// Source: `backup-azure-sql-database.md` in MicrosoftDocs/azure-docs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Account {
    /// `NT AUTHORITY\SYSTEM`: registers, discovers, takes orders (the coordinator).
    System,
    /// `NT SERVICE\AzureWLBackupPluginSvc`: streams the backup (the plugin).
    /// It exists only once the virtual machine is registered with a vault.
    Plugin,
    /// The machine's own settings, as 64-bit programs read them.
    Machine,
    /// Windows' second copy of them, which 32-bit programs read.
    #[serde(rename = "machine-32")]
    Machine32,
}

impl Account {
    /// The services' accounts, in the order in which the article sets them up.
    pub const SERVICES: [Self; 2] = [Self::System, Self::Plugin];

    /// Both copies of the machine's settings.
    pub const MACHINE: [Self; 2] = [Self::Machine, Self::Machine32];

    /// All of them, the services' accounts first.
    pub const ALL: [Self; 4] = [Self::System, Self::Plugin, Self::Machine, Self::Machine32];

    /// The name that scripts and JSON use.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Plugin => "plugin",
            Self::Machine => "machine",
            Self::Machine32 => "machine-32",
        }
    }

    /// The account's name as Windows shows it; what the machine is called here.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => r"NT AUTHORITY\SYSTEM",
            Self::Plugin => r"NT SERVICE\AzureWLBackupPluginSvc",
            Self::Machine => "the machine",
            Self::Machine32 => "the machine (32-bit programs)",
        }
    }

    /// The account of a service, by the name that it logs on as, in whichever way
    /// Windows writes it; `None` where it is another.
    #[must_use]
    pub fn of_logon(logon: &str) -> Option<Self> {
        let sid = match logon.trim() {
            // As the service manager calls it.
            local if local.eq_ignore_ascii_case("LocalSystem") => Self::System.sid(),
            other => Sid::of_account(other),
        }?;
        let is_meant = |account: &Self| account.sid().as_ref() == Some(&sid);
        Self::SERVICES.into_iter().find(is_meant)
    }

    /// The account's security identifier; the machine has none.
    #[must_use]
    pub fn sid(self) -> Option<Sid> {
        match self {
            Self::System => Some(Sid("S-1-5-18".to_owned())),
            Self::Plugin => Some(Sid::of_service(PLUGIN_SERVICE)),
            Self::Machine | Self::Machine32 => None,
        }
    }

    /// Whether these are the machine's settings, in either copy.
    #[must_use]
    pub fn is_machine(self) -> bool {
        matches!(self, Self::Machine | Self::Machine32)
    }

    /// The registry key in which its software keeps settings.
    #[must_use]
    pub fn software(self) -> String {
        match self.sid() {
            Some(sid) => format!(r"HKEY_USERS\{sid}\Software"),
            None if self == Self::Machine => r"HKEY_LOCAL_MACHINE\SOFTWARE".to_owned(),
            None => r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node".to_owned(),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Windows security identifier in its text form, `S-1-…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Sid(String);

impl Sid {
    /// The SID of the virtual account `NT SERVICE\<service>`, which Windows
    /// derives from the name alone, upper-cased. So it is known before the
    /// service exists, and on any operating system.
    #[must_use]
    pub fn of_service(service: &str) -> Self {
        Self::hashed(80, &service.to_uppercase())
    }

    /// The SID of an account by name: a service's virtual account, with or
    /// without `NT SERVICE\`, an application pool's, or one of Windows' own
    /// service accounts. `None` for other accounts, whose SID no name tells.
    #[must_use]
    pub fn of_account(name: &str) -> Option<Self> {
        let upper = name.trim().to_uppercase();
        let own = |sid: &str| Some(Self(sid.to_owned()));
        match upper.split_once('\\') {
            None => Some(Self::of_service(&upper)),
            Some(("NT SERVICE", "ALL SERVICES")) => own("S-1-5-80-0"),
            Some(("NT SERVICE", service)) => Some(Self::of_service(service)),
            // Application pools are hashed in lower case.
            Some(("IIS APPPOOL", pool)) => Some(Self::hashed(82, &pool.to_lowercase())),
            Some(("NT AUTHORITY", "SYSTEM")) => own("S-1-5-18"),
            Some(("NT AUTHORITY", "LOCAL SERVICE")) => own("S-1-5-19"),
            Some(("NT AUTHORITY", "NETWORK SERVICE")) => own("S-1-5-20"),
            Some(_) => None,
        }
    }

    /// The SHA-1 of the name in UTF-16LE, read as five little-endian integers.
    fn hashed(authority: u8, name: &str) -> Self {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let parts: Vec<String> = Sha1::digest(&name)
            .chunks_exact(4)
            .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]).to_string())
            .collect();
        Self(format!("S-1-5-{authority}-{}", parts.join("-")))
    }

    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
