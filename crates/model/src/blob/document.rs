//! A blob of either kind, and its fields as the document that `decode` prints.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::connection::{ConnectionSettings, DiscoveryCache, Tail};
use super::field::{BlobError, Reader};
use super::hex;
use super::winhttp::WinHttpSettings;
use crate::proxy_server::masked;

/// A settings blob of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blob {
    /// `DefaultConnectionSettings`, `SavedLegacySettings` or a named connection's value.
    Connection(ConnectionSettings),
    /// `WinHttpSettings`.
    WinHttp(WinHttpSettings),
}

impl Blob {
    /// Reads bytes whose kind is not known; the version tells it.
    pub fn decode(bytes: &[u8]) -> Result<Self, BlobError> {
        let version = Reader::new(bytes).number("version")?;
        if WinHttpSettings::has_version(version) {
            WinHttpSettings::decode(bytes).map(Self::WinHttp)
        } else {
            ConnectionSettings::decode(bytes).map(Self::Connection)
        }
    }

    /// The blob's bytes: those that were decoded.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Connection(settings) => settings.encode(),
            Self::WinHttp(settings) => settings.encode(),
        }
    }
}

/// A blob's fields for people and scripts. A field that this kind, version or
/// length of blob does not have is `None`.
///
/// Credentials in addresses are masked: a document may end up in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlobDocument {
    /// Which kind of blob it is.
    pub kind: BlobKind,
    /// The version field.
    pub version: u32,
    /// The change counter.
    pub counter: u32,
    /// The flags as a number.
    pub flags: u32,
    /// The manual proxy, `user:password@` masked.
    pub proxy_server: String,
    /// The bypass list.
    pub proxy_bypass: String,
    /// The configuration script's address, masked likewise.
    pub auto_config_url: Option<String>,
    /// Bits of `INTERNET_PER_CONN_AUTODISCOVERY_FLAGS`.
    pub autodiscovery_flags: Option<u32>,
    /// The script's address that detection found last, masked likewise.
    pub last_detect_url: Option<String>,
    /// When, as a FILETIME; 0 means never.
    pub last_detect_filetime: Option<u64>,
    /// The machine's own IPv4 addresses at that time.
    pub ipv4_list: Option<Vec<String>>,
    /// The second script's address, masked likewise.
    pub secondary_auto_config_url: Option<String>,
    /// Minutes between two readings of the script.
    pub auto_config_reload_delay_mins: Option<u32>,
    /// The machine's own addresses; one of an unknown family as its 128 bytes in hexadecimal.
    pub sockaddr_list: Option<Vec<String>>,
    /// The bytes that were not understood, in hexadecimal.
    pub trailing_hex: String,
    /// Whether every byte was understood.
    pub complete: bool,
}

/// The kinds of settings blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BlobKind {
    /// A connection's settings, which `wininet.dll` keeps.
    Connection,
    /// The machine's settings, which `winhttp.dll` keeps.
    WinHttp,
}

/// A blob's fields as a document.
#[must_use]
pub fn describe(blob: &Blob) -> BlobDocument {
    match blob {
        Blob::Connection(settings) => describe_connection(settings),
        Blob::WinHttp(settings) => describe_winhttp(settings),
    }
}

fn describe_connection(settings: &ConnectionSettings) -> BlobDocument {
    let cache = match &settings.tail {
        Tail::Whole(cache) => Some(cache),
        Tail::Opaque(_) => None,
    };
    BlobDocument {
        kind: BlobKind::Connection,
        version: settings.version,
        counter: settings.counter,
        flags: settings.flags.0,
        proxy_server: masked(&settings.proxy_server.text()),
        proxy_bypass: settings.proxy_bypass.text().into_owned(),
        auto_config_url: Some(mask_address(&settings.auto_config_url.text())),
        autodiscovery_flags: cache.map(|cache| cache.autodiscovery_flags),
        last_detect_url: cache.map(|cache| mask_address(&cache.last_detect_url.text())),
        last_detect_filetime: cache.map(|cache| cache.last_detect_filetime),
        ipv4_list: cache.map(|cache| cache.ipv4_list.iter().map(Ipv4Addr::to_string).collect()),
        secondary_auto_config_url: cache
            .map(|cache| mask_address(&cache.secondary_auto_config_url.text())),
        auto_config_reload_delay_mins: cache.map(|cache| cache.auto_config_reload_delay_mins),
        sockaddr_list: cache.and_then(sockaddr_texts),
        trailing_hex: hex::to_hex(settings.trailing()),
        complete: settings.is_complete(),
    }
}

fn describe_winhttp(settings: &WinHttpSettings) -> BlobDocument {
    BlobDocument {
        kind: BlobKind::WinHttp,
        version: settings.version,
        counter: settings.counter,
        flags: settings.flags.0,
        proxy_server: masked(&settings.proxy_server.text()),
        proxy_bypass: settings.proxy_bypass.text().into_owned(),
        auto_config_url: None,
        autodiscovery_flags: None,
        last_detect_url: None,
        last_detect_filetime: None,
        ipv4_list: None,
        secondary_auto_config_url: None,
        auto_config_reload_delay_mins: None,
        sockaddr_list: None,
        trailing_hex: hex::to_hex(&settings.trailing),
        complete: settings.is_complete(),
    }
}

fn sockaddr_texts(cache: &DiscoveryCache) -> Option<Vec<String>> {
    let addresses = cache.sockaddr_list.as_ref()?;
    Some(addresses.iter().map(sockaddr_text).collect())
}

/// The address in a `SOCKADDR_STORAGE`: family (little-endian), port, then for
/// IPv4 the address, for IPv6 the flow label and the address.
fn sockaddr_text(storage: &[u8; 128]) -> String {
    const AF_INET: u16 = 2;
    const AF_INET6: u16 = 23;
    let family = u16::from_le_bytes([storage[0], storage[1]]);
    let ipv4 = storage[4..].first_chunk::<4>().copied();
    let ipv6 = storage[8..].first_chunk::<16>().copied();
    match (family, ipv4, ipv6) {
        (AF_INET, Some(octets), _) => Ipv4Addr::from(octets).to_string(),
        (AF_INET6, _, Some(octets)) => Ipv6Addr::from(octets).to_string(),
        _ => hex::to_hex(storage),
    }
}

/// An address fit to be shown; an `@` in its path or query means nothing.
fn mask_address(address: &str) -> String {
    let host = address.find("://").map_or(0, |colon| colon + 3);
    let end = address[host..]
        .find(['/', '?', '#'])
        .map_or(address.len(), |length| host + length);
    masked(&address[..end]) + &address[end..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_addresses_are_masked_and_nothing_else() {
        assert_eq!(
            mask_address("http://user:secret@wpad/proxy.pac?to=a@b"),
            "http://***@wpad/proxy.pac?to=a@b"
        );
        assert_eq!(mask_address(" "), " ");
    }

    #[test]
    fn addresses_of_both_families_are_text_and_others_hexadecimal() {
        let storage = |start: &[u8]| {
            let mut storage = [0; 128];
            storage[..start.len()].copy_from_slice(start);
            storage
        };
        assert_eq!(
            sockaddr_text(&storage(&[2, 0, 0, 80, 10, 2, 0, 16])),
            "10.2.0.16"
        );
        let mut link_local = vec![23, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80];
        link_local.extend([0; 13]);
        link_local.push(7);
        assert_eq!(sockaddr_text(&storage(&link_local)), "fe80::7");
        assert_eq!(
            sockaddr_text(&storage(&[9, 1])),
            format!("0901{}", "00".repeat(126))
        );
    }
}
