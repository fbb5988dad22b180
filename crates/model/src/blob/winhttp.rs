//! `WinHttpSettings`: the machine's proxy, what `netsh winhttp` sets.

use super::field::{BlobError, BlobText, Reader, Writer};
use crate::settings::{Flags, ProxySettings};

/// The machine's settings. There is no script and no detection in them; the
/// direct value is documented (`use-group-policy-apply-winhttp-proxy-settings`
/// in MicrosoftDocs/SupportArticles-docs).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WinHttpSettings {
    /// 0x18, or 0x28 since Windows 8.
    pub version: u32,
    /// Always 0 in what was published.
    pub counter: u32,
    /// 1 for direct, 3 for a named proxy.
    pub flags: Flags,
    /// The proxy.
    pub proxy_server: BlobText,
    /// The bypass list.
    pub proxy_bypass: BlobText,
    /// Bytes after the two strings. `netsh winhttp set advproxy` writes some
    /// whose layout is nowhere described.
    pub trailing: Vec<u8>,
}

impl WinHttpSettings {
    /// Whether `version` marks a blob of this kind.
    pub(super) fn has_version(version: u32) -> bool {
        matches!(version, 0x18 | 0x28)
    }

    /// Reads the value's bytes. Both strings must be there.
    pub fn decode(bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(bytes);
        let version = reader.number("version")?;
        if !Self::has_version(version) {
            return Err(BlobError::UnknownVersion(version));
        }
        Ok(Self {
            version,
            counter: reader.number("change counter")?,
            flags: Flags(reader.number("flags")?),
            proxy_server: reader.text("proxy server")?,
            proxy_bypass: reader.text("bypass list")?,
            trailing: reader.rest().to_vec(),
        })
    }

    /// The value's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.number(self.version);
        writer.number(self.counter);
        writer.number(self.flags.0);
        writer.text(&self.proxy_server);
        writer.text(&self.proxy_bypass);
        writer.bytes(&self.trailing);
        writer.finish()
    }

    /// Whether the known layout explained every byte.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.trailing.is_empty()
    }

    /// What the value says, as far as it decides a route.
    #[must_use]
    pub fn settings(&self) -> ProxySettings {
        ProxySettings {
            flags: self.flags,
            proxy_server: self.proxy_server.text().into_owned(),
            proxy_override: self.proxy_bypass.text().into_owned(),
            auto_config_url: String::new(),
        }
    }
}
