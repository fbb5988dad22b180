//! What decides how Windows' own TLS, `SChannel`, speaks for the backup services.
//!
//! .NET Framework shakes hands by `SChannel`. Which versions of TLS that offers is
//! a matter of the registry: `SChannel`'s own protocol keys, and two values by
//! which .NET Framework is told to offer what Windows does ("Transport Layer
//! Security (TLS) best practices with the .NET Framework", dotnet/docs, and
//! "Transport Layer Security in Azure Backup", MicrosoftDocs/azure-docs). Azure
//! takes TLS 1.2 and later only.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::finding::Finding;
use crate::registry::RegistryData;

/// A value of the machine's that decides over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsValue {
    /// `Enabled` of TLS 1.2 for clients.
    Enabled,
    /// `DisabledByDefault` of TLS 1.2 for clients.
    DisabledByDefault,
    /// `SystemDefaultTlsVersions`, for programs of 64 bits.
    SystemDefault,
    /// `SchUseStrongCrypto`, for programs of 64 bits.
    StrongCrypto,
    /// `SystemDefaultTlsVersions`, for programs of 32 bits.
    SystemDefault32,
    /// `SchUseStrongCrypto`, for programs of 32 bits.
    StrongCrypto32,
}

impl TlsValue {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Enabled,
        Self::DisabledByDefault,
        Self::SystemDefault,
        Self::StrongCrypto,
        Self::SystemDefault32,
        Self::StrongCrypto32,
    ];

    /// The key that holds it.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Enabled | Self::DisabledByDefault => {
                r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols\TLS 1.2\Client"
            }
            Self::SystemDefault | Self::StrongCrypto => {
                r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\.NETFramework\v4.0.30319"
            }
            Self::SystemDefault32 | Self::StrongCrypto32 => {
                r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\Microsoft\.NETFramework\v4.0.30319"
            }
        }
    }

    /// Its name in that key.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::DisabledByDefault => "DisabledByDefault",
            Self::SystemDefault | Self::SystemDefault32 => "SystemDefaultTlsVersions",
            Self::StrongCrypto | Self::StrongCrypto32 => "SchUseStrongCrypto",
        }
    }
}

/// The values as they were read; what is not there is as Windows has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings(pub BTreeMap<TlsValue, RegistryData>);

impl TlsSettings {
    /// Whether a value is on; `None` where it is not there, or no number.
    #[must_use]
    pub fn switch(&self, value: TlsValue) -> Option<bool> {
        match self.0.get(&value) {
            Some(RegistryData::Dword(number)) => Some(*number != 0),
            _ => None,
        }
    }

    /// What stands in the way of TLS 1.2, the gravest alone.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        if self.switch(TlsValue::Enabled) == Some(false) {
            return vec![Finding::Tls12Off];
        }
        let is_hidden = self.switch(TlsValue::DisabledByDefault) == Some(true);
        let by_width = [
            (TlsValue::SystemDefault, TlsValue::StrongCrypto),
            (TlsValue::SystemDefault32, TlsValue::StrongCrypto32),
        ];
        // Programs of 64 bits first; a cause is told once.
        let mut findings = Vec::new();
        for (system, strong) in by_width {
            let (system_default, strong_crypto) = (self.switch(system), self.switch(strong));
            if system_default != Some(true) && strong_crypto == Some(false) {
                findings.push(Finding::DotnetWeak { value: strong });
            }
        }
        if is_hidden {
            findings.push(Finding::Tls12NotOffered {
                is_followed: self.switch(TlsValue::SystemDefault) == Some(true),
            });
        }
        findings
    }
}

/// Why `SChannel` did not shake hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchannelFault {
    /// The certificate's authority is not in Windows' store.
    Untrusted,
    /// The certificate is for another name.
    OtherName,
    /// The certificate's time is over, or has not begun.
    Expired,
    /// The certificate is withdrawn, or whether it is cannot be told.
    Revocation,
    /// The two have no cipher or version in common.
    NothingInCommon,
    /// The version that is needed is switched off here.
    ProtocolOff,
    /// The other end did not take what was offered.
    PeerRefused,
    /// The connection was closed in the middle.
    Closed,
    /// The deadline passed.
    TimedOut,
    /// Another reason, by Windows' number.
    Other(i32),
}

impl SchannelFault {
    /// What a number of `winerror.h` means.
    #[must_use]
    pub fn of(code: i32) -> Self {
        match code.cast_unsigned() {
            // SEC_E_UNTRUSTED_ROOT, CERT_E_UNTRUSTEDROOT, CERT_E_CHAINING
            0x8009_0325 | 0x800B_0109 | 0x800B_010A => Self::Untrusted,
            // SEC_E_WRONG_PRINCIPAL, CERT_E_CN_NO_MATCH
            0x8009_0322 | 0x800B_010F => Self::OtherName,
            // SEC_E_CERT_EXPIRED, CERT_E_EXPIRED
            0x8009_0328 | 0x800B_0101 => Self::Expired,
            // CRYPT_E_REVOKED, …_NO_REVOCATION_CHECK, …_REVOCATION_OFFLINE,
            // CERT_E_REVOKED, CERT_E_REVOCATION_FAILURE
            0x8009_2010 | 0x8009_2012 | 0x8009_2013 | 0x800B_010C | 0x800B_010E => Self::Revocation,
            // SEC_E_ALGORITHM_MISMATCH
            0x8009_0331 => Self::NothingInCommon,
            // SEC_E_UNSUPPORTED_FUNCTION, which comes where a version is off
            0x8009_0302 => Self::ProtocolOff,
            // SEC_E_ILLEGAL_MESSAGE, SEC_E_MESSAGE_ALTERED, which stand for the
            // other end's alerts
            0x8009_0326 | 0x8009_030F => Self::PeerRefused,
            _ => Self::Other(code),
        }
    }
}
