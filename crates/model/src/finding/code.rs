//! The codes by which findings and errors are known.

use std::fmt;

use serde::Serialize;

use super::Finding;
use crate::observed::Absence;

/// A finding's stable code, `SS101` and so on; never renumbered, never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub(super) u16);

impl Code {
    /// SS701: a site file that is not valid.
    pub const SITE_INVALID: Self = Self(701);
    /// SS702: a file that cannot be read.
    pub const FILE_UNREADABLE: Self = Self(702);
    /// SS703: a file that is not of the kind that is needed.
    pub const FILE_UNUSABLE: Self = Self(703);
    /// SS704: a file that cannot be written, or must not be.
    pub const FILE_NOT_WRITTEN: Self = Self(704);
    /// SS113: bytes that are no proxy settings blob.
    pub const BLOB_INVALID: Self = Self(113);
    /// SS502: the virtual machine's metadata service does not tell who it is.
    pub const METADATA_SILENT: Self = Self(502);
    /// SS121: the settings are no longer what a plan or run saw.
    pub const MACHINE_MOVED: Self = Self(121);
    /// SS122: a value does not stay as it was written.
    pub const VALUE_NOT_KEPT: Self = Self(122);
    /// SS123: a plan that cannot be carried out as it is.
    pub const PLAN_UNUSABLE: Self = Self(123);
    /// SS144: who runs this may not read or change the accounts' settings.
    pub const RIGHTS_MISSING: Self = Self(144);
    /// SS145: the settings of the computer itself are meant, and it is no Windows.
    pub const NOT_WINDOWS: Self = Self(145);
    /// SS146: Windows' registry cannot be read or written.
    pub const REGISTRY_UNUSABLE: Self = Self(146);
    /// SS174: the profile of the plugin's account cannot be loaded.
    pub const PROFILE_NOT_LOADED: Self = Self(174);
    /// SS175: a profile that was loaded is not let go of.
    pub const PROFILE_NOT_UNLOADED: Self = Self(175);
    /// SS178: a service was started while its account's profile was loaded.
    pub const PROFILE_MISSED: Self = Self(178);
    /// SS176: services must not be restarted now.
    pub const RESTART_REFUSED: Self = Self(176);
    /// SS177: a service does not stop, or does not start again.
    pub const RESTART_FAILED: Self = Self(177);
    /// SS180: the service of a self-test cannot be used.
    pub const SELF_TEST_UNUSABLE: Self = Self(180);
    /// SS181: Windows did not give the service of a self-test an account's registry.
    pub const SELF_TEST_UNLOADED: Self = Self(181);
    /// SS149: settings that are only looked at, such as those of a disk.
    pub const ONLY_LOOKED_AT: Self = Self(149);
    /// SS713: a disk's registry cannot be found or read.
    pub const HIVE_UNUSABLE: Self = Self(713);
    /// SS712: the folder for journals is not one that only administrators write.
    pub const JOURNAL_FOLDER_UNSAFE: Self = Self(712);
    /// SS705: another Sidestep is changing these settings.
    pub const JOURNAL_BUSY: Self = Self(705);
    /// SS706: a journal that is not what was written.
    pub const JOURNAL_DAMAGED: Self = Self(706);
    /// SS707: a journal that cannot be written.
    pub const JOURNAL_NOT_WRITTEN: Self = Self(707);
    /// SS708: a journal that a later Sidestep wrote.
    pub const JOURNAL_LATER: Self = Self(708);
    /// SS709: a run that is not there, or has nothing to undo.
    pub const RUN_UNKNOWN: Self = Self(709);
    /// SS710: a run whose values a later run changed again.
    pub const RUN_OVERLAID: Self = Self(710);
    /// SS310: the rehearsal's own network cannot be set up.
    pub const LAB_UNUSABLE: Self = Self(310);

    /// A code of `lint`, which keeps its rules' numbers (SS106–SS134 as in
    /// [`Finding`](super::Finding), SS150–SS167 its own).
    pub(crate) const fn lint(number: u16) -> Self {
        Self(number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SS{}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Finding {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        Code(match self {
            Self::AutoDetectOn { .. } => 101,
            Self::AutoConfigScript { .. } => 102,
            Self::PerMachinePolicy => 103,
            Self::ProxySwitchedOff { .. } => 104,
            Self::ProxyMissing { .. } => 105,
            Self::ProxyUnusable { .. } => 106,
            Self::MisspeltName { .. } => 107,
            Self::EntryBreaksList { .. } => 108,
            Self::EntryAgainstSite { .. } => 109,
            Self::ListLong { .. } => 110,
            Self::AccountMissing { absence, .. } => match absence {
                Absence::NotSaid | Absence::NotRegistered => 111,
                Absence::ServiceIsThere { .. } => 142,
                Absence::ProfileAlone { .. } => 143,
            },
            Self::BlobUnreadable { .. } => 112,
            Self::SettingsUnset { .. } => 114,
            Self::BlobMissing { .. } => 115,
            Self::NameNotCovered { .. } => 116,
            Self::ReadersDisagree { .. } => 117,
            Self::SourceNotCopyable { .. } => 118,
            Self::CredentialsWouldBeLost { .. } => 119,
            Self::EditedSince { .. } => 120,
            Self::PlainValueDiffers { .. } => 124,
            Self::BlobsDiffer { .. } => 125,
            Self::SavedBlobMissing { .. } => 126,
            Self::WinHttpDiffers { .. } => 127,
            Self::WinHttpUnreadable { .. } => 128,
            Self::WinHttpWildcard { .. } => 129,
            Self::ForeignVersion { .. } => 130,
            Self::ScriptBlank { .. } => 131,
            Self::WrongType { .. } => 132,
            Self::DirectFlagMissing { .. } => 133,
            Self::EntriesRunTogether { .. } => 134,
            Self::EntriesDropped { .. } => 135,
            Self::CredentialsGone { .. } => 136,
            Self::RunInterrupted { .. } => 711,
            Self::NameUnknown { .. } => 201,
            Self::ProxyUnreachable { .. } => 301,
            Self::EntraByProxyOnly { .. } => 302,
            Self::EntraDirectOnly { .. } => 303,
            Self::EndpointUnreachable { .. } => 304,
            Self::ProtectedOnProxy { .. } => 305,
            Self::EntraOffRoute { .. } => 306,
            Self::ProtectedOffProxy { .. } => 307,
            Self::WitnessesDisagree { .. } => 308,
            Self::TlsFails { .. } => 401,
            Self::AccountNeeded { .. } => 140,
            Self::SettingsNotAsWanted { .. } => 141,
            Self::RecordsMissing { .. } => 202,
            Self::NamesNotPrivate { .. } => 203,
            Self::PublicFallback { .. } => 204,
            Self::ProtectedPublic { .. } => 309,
            Self::RouteAgainstSite { .. } => 311,
            Self::AskedOfProxyUnseen { .. } => 312,
            Self::BackupUnseen => 313,
            Self::AlsoOnProxy { .. } => 314,
            Self::ProxyUnresolved { .. } => 315,
            Self::TlsInspected { .. } => 402,
            Self::SchannelFails { .. } => 403,
            Self::Tls12Off => 404,
            Self::Tls12NotOffered { .. } => 405,
            Self::DotnetWeak { .. } => 406,
            Self::Surrounding(finding) => finding.code(),
            Self::Azure(finding) => finding.code(),
        })
    }
}
