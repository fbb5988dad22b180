//! What findings are about.

use super::Finding;
use crate::account::Account;

impl Finding {
    /// The account it is about, where it is about one.
    #[must_use]
    pub fn account(&self) -> Option<Account> {
        match self {
            Self::AutoDetectOn { account, .. }
            | Self::AutoConfigScript { account, .. }
            | Self::ProxySwitchedOff { account, .. }
            | Self::ProxyMissing { account }
            | Self::ProxyUnusable { account, .. }
            | Self::EntryBreaksList { account, .. }
            | Self::EntryAgainstSite { account, .. }
            | Self::ListLong { account, .. }
            | Self::AccountMissing { account, .. }
            | Self::BlobUnreadable { account, .. }
            | Self::SettingsUnset { account }
            | Self::BlobMissing { account }
            | Self::NameNotCovered { account, .. }
            | Self::ReadersDisagree { account, .. }
            | Self::CredentialsWouldBeLost { account, .. }
            | Self::CredentialsGone { account, .. }
            | Self::EditedSince { account, .. }
            | Self::PlainValueDiffers { account, .. }
            | Self::BlobsDiffer { account, .. }
            | Self::SavedBlobMissing { account }
            | Self::ForeignVersion { account, .. }
            | Self::ScriptBlank { account, .. }
            | Self::WrongType { account, .. }
            | Self::DirectFlagMissing { account, .. }
            | Self::EntriesRunTogether { account, .. }
            | Self::EntriesDropped { account, .. }
            | Self::NameUnknown { account, .. }
            | Self::EndpointUnreachable { account, .. }
            | Self::EntraOffRoute { account, .. }
            | Self::AccountNeeded { account }
            | Self::SettingsNotAsWanted { account, .. }
            | Self::RouteAgainstSite { account, .. }
            | Self::TlsFails { account, .. } => Some(*account),
            Self::PerMachinePolicy
            | Self::SourceNotCopyable { .. }
            | Self::WinHttpDiffers { .. }
            | Self::WinHttpUnreadable { .. }
            | Self::WinHttpWildcard { .. }
            | Self::RunInterrupted { .. }
            | Self::MisspeltName { .. }
            | Self::ProxyUnreachable { .. }
            | Self::EntraByProxyOnly { .. }
            | Self::EntraDirectOnly { .. }
            | Self::ProtectedOnProxy { .. }
            | Self::ProtectedOffProxy { .. }
            | Self::WitnessesDisagree { .. }
            | Self::RecordsMissing { .. }
            | Self::NamesNotPrivate { .. }
            | Self::PublicFallback { .. }
            | Self::ProtectedPublic { .. }
            | Self::AskedOfProxyUnseen { .. }
            | Self::BackupUnseen
            | Self::ProxyUnresolved { .. }
            | Self::AlsoOnProxy { .. }
            | Self::TlsInspected { .. }
            | Self::SchannelFails { .. }
            | Self::Tls12Off
            | Self::Tls12NotOffered { .. }
            | Self::DotnetWeak { .. }
            | Self::Surrounding(_)
            | Self::Azure(_) => None,
        }
    }

    /// The endpoint it is about, where it is about one.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        match self {
            Self::NameUnknown { hosts, .. }
            | Self::EndpointUnreachable { hosts, .. }
            | Self::RouteAgainstSite { hosts, .. }
            | Self::SchannelFails { hosts, .. }
            | Self::TlsInspected { hosts, .. } => hosts.first().map(String::as_str),
            Self::EntraByProxyOnly { host, .. }
            | Self::EntraDirectOnly { host, .. }
            | Self::TlsFails { host, .. } => Some(host),
            Self::Azure(finding) => finding.endpoint(),
            Self::ProxyUnreachable { proxy, .. } => Some(proxy),
            _ => None,
        }
    }
}
