//! How much findings matter, and what they do to the step that met them.

use serde::Serialize;

use super::{Finding, Interruption};
use crate::account::Account;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Works, but not as someone probably thinks.
    Warning,
    /// Stands in the way.
    Error,
}

/// What a finding does to the step that met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The step goes on.
    GoOn,
    /// The step fails (exit code 1).
    Fail,
    /// Azure says no (exit code 5).
    AzureRefuses,
    /// The step is refused to protect what is there (exit code 4).
    RefuseData,
    /// The step is refused because the environment is not what it needs (exit code 3).
    RefuseEnvironment,
}

impl Effect {
    /// The gravest effect among `findings`.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        findings
            .iter()
            .map(Finding::effect)
            .max()
            .unwrap_or(Self::GoOn)
    }
}

impl Finding {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::ListLong { .. }
            | Self::AccountMissing {
                account: Account::Plugin | Account::Machine32,
                ..
            }
            | Self::ProxySwitchedOff { needed: false, .. }
            | Self::SavedBlobMissing { .. }
            | Self::WinHttpDiffers { .. }
            | Self::WinHttpWildcard { .. }
            | Self::ScriptBlank { .. }
            | Self::AlsoOnProxy { .. }
            | Self::AskedOfProxyUnseen {
                is_expected: true, ..
            }
            | Self::RunInterrupted {
                state: Interruption::Finished | Interruption::NothingWritten | Interruption::PutBack,
                ..
            } => Severity::Note,
            Self::MisspeltName { .. }
            | Self::EntryAgainstSite { .. }
            | Self::SettingsUnset { .. }
            | Self::BlobMissing { .. }
            | Self::ReadersDisagree { .. }
            | Self::EditedSince { .. }
            | Self::PlainValueDiffers { .. }
            | Self::BlobsDiffer { .. }
            | Self::WinHttpUnreadable { .. }
            | Self::ForeignVersion { .. }
            | Self::WrongType { .. }
            | Self::DirectFlagMissing { .. }
            | Self::EntriesRunTogether { .. }
            | Self::EntriesDropped { .. }
            | Self::AskedOfProxyUnseen { .. }
            | Self::BackupUnseen
            | Self::ProxyUnresolved { .. }
            | Self::Tls12NotOffered { is_followed: false }
            | Self::DotnetWeak { .. }
            | Self::RunInterrupted { .. } => Severity::Warning,
            Self::Surrounding(finding) => finding.severity(),
            Self::Azure(finding) => finding.severity(),
            // A site that says direct and removes the entry contradicts itself.
            Self::NameNotCovered { service, .. } if !service.is_protected() => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What it does to the step that met it.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self {
            Self::PerMachinePolicy
            | Self::AccountMissing {
                account: Account::System | Account::Machine,
                ..
            } => Effect::RefuseEnvironment,
            Self::AutoDetectOn { .. }
            | Self::AutoConfigScript { .. }
            | Self::ProxyUnusable { .. }
            | Self::EntryBreaksList { .. }
            | Self::BlobUnreadable { .. }
            | Self::SourceNotCopyable { .. }
            | Self::CredentialsWouldBeLost { .. }
            | Self::CredentialsGone { .. } => Effect::RefuseData,
            Self::Azure(finding) => finding.effect(),
            _ if self.severity() == Severity::Error => Effect::Fail,
            _ => Effect::GoOn,
        }
    }
}
