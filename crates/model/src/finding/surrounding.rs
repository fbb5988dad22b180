//! What can be said of what stands around the settings, and makes them moot or doubtful.

use super::Severity;
use crate::account::Account;
use crate::net_config::ProxyOverride;

/// Something found around the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Surrounding {
    /// SS147: the machine's settings are meant, and no policy makes anybody read them.
    MachineUnread,
    /// SS148: a service runs as another account than the one whose settings are changed.
    ServiceAccount {
        /// Which service.
        service: String,
        /// As whom it runs.
        runs_as: String,
        /// As whom it should.
        expected: Account,
    },
    /// SS168: a hive of the disk lacks changes that its logs do not hold either.
    HiveBehind {
        /// Which.
        hive: String,
    },
    /// SS169: changes were taken from the logs beside the hives.
    HivesRecovered {
        /// Which.
        hives: Vec<String>,
    },
    /// SS170: Windows knows another SID for the plugin's account than its name gives.
    SidDiffers {
        /// What Windows says.
        windows: String,
    },
    /// SS171: Windows knows no such account.
    SidUnknown,
    /// SS172: a configuration file decides instead of the accounts' settings.
    ConfigDecides {
        /// Which file.
        file: String,
        /// The service that reads it; every .NET Framework program where none.
        service: Option<String>,
        /// What it does.
        does: ProxyOverride,
    },
    /// SS179: a run that was interrupted left the plugin's profile loaded.
    LeftLoaded {
        /// Under which key.
        key: String,
    },
    /// SS173: what a configuration file says of proxies is not known.
    ConfigUnreadable {
        /// Which file.
        file: String,
        /// Why.
        error: String,
    },
}

impl Surrounding {
    pub(super) fn code(&self) -> u16 {
        match self {
            Self::MachineUnread => 147,
            Self::ServiceAccount { .. } => 148,
            Self::HiveBehind { .. } => 168,
            Self::HivesRecovered { .. } => 169,
            Self::SidDiffers { .. } => 170,
            Self::SidUnknown => 171,
            Self::LeftLoaded { .. } => 179,
            Self::ConfigDecides { .. } => 172,
            Self::ConfigUnreadable { .. } => 173,
        }
    }

    /// None stands in the way: whoever changes settings is told.
    pub(super) fn severity(&self) -> Severity {
        match self {
            Self::HivesRecovered { .. } | Self::SidUnknown => Severity::Note,
            _ => Severity::Warning,
        }
    }
}
