//! `DefaultConnectionSettings` and `SavedLegacySettings`: an account's settings
//! for one connection, and what Windows remembers about finding them.

use std::net::Ipv4Addr;

use super::field::{BlobError, BlobText, Reader, Writer};
use crate::settings::{Flags, ProxySettings};

/// Internet Explorer 5 and 6. It is also the lowest version that the reader
/// published by Microsoft accepts.
const VERSION_WITHOUT_SOCKADDRS: u32 = 0x3C;
/// Internet Explorer 7 up to Windows 11.
const VERSION_CURRENT: u32 = 0x46;

/// A connection's proxy settings. Decoding and encoding again gives the same
/// bytes, whoever wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// 0x3C or 0x46 where we know the writer; not the size of anything.
    pub version: u32,
    /// Moves forward with each change; each value has its own. Not to be
    /// trusted on reading: some tools write a constant, or rubbish.
    pub counter: u32,
    /// Which mechanisms are on.
    pub flags: Flags,
    /// The manual proxy; it stays here while it is switched off.
    pub proxy_server: BlobText,
    /// The bypass list, `;`-separated.
    pub proxy_bypass: BlobText,
    /// The address of the configuration script.
    pub auto_config_url: BlobText,
    /// Everything after the three strings.
    pub tail: Tail,
}

/// What follows the three strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Every field was there.
    Whole(DiscoveryCache),
    /// Too short, or of a version that we do not know: kept byte for byte.
    Opaque(Vec<u8>),
}

/// What Windows remembers of automatic detection. Nothing in it decides a
/// route of ours, so it is only ever passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscoveryCache {
    /// Bits of `INTERNET_PER_CONN_AUTODISCOVERY_FLAGS`.
    pub autodiscovery_flags: u32,
    /// The script's address that detection found last.
    pub last_detect_url: BlobText,
    /// When: a FILETIME (100 ns since 1601, UTC); 0 means never.
    pub last_detect_filetime: u64,
    /// The machine's own addresses at that time, before Windows Vista.
    pub ipv4_list: Vec<Ipv4Addr>,
    /// `INTERNET_PER_CONN_AUTOCONFIG_SECONDARY_URL`.
    pub secondary_auto_config_url: BlobText,
    /// `INTERNET_PER_CONN_AUTOCONFIG_RELOAD_DELAY_MINS`.
    pub auto_config_reload_delay_mins: u32,
    /// The machine's own addresses since Windows Vista, each a
    /// `SOCKADDR_STORAGE`. `None` in version 0x3C, which ends before it.
    pub sockaddr_list: Option<Vec<[u8; 128]>>,
    /// Bytes after the last known field. Wine's `wininet` writes eight.
    pub surplus: Vec<u8>,
}

impl ConnectionSettings {
    /// Settings as Windows writes them first: version 0x46, counter 1, nothing
    /// detected. Without strings they are 56 bytes.
    #[must_use]
    pub fn new(settings: &ProxySettings) -> Self {
        let nothing_detected = DiscoveryCache {
            sockaddr_list: Some(Vec::new()),
            ..DiscoveryCache::default()
        };
        Self {
            version: VERSION_CURRENT,
            counter: 1,
            flags: settings.flags.with(Flags::DIRECT),
            proxy_server: BlobText::from(settings.proxy_server.as_str()),
            proxy_bypass: BlobText::from(settings.proxy_override.as_str()),
            auto_config_url: BlobText::from(settings.auto_config_url.as_str()),
            tail: Tail::Whole(nothing_detected),
        }
    }

    /// Reads a value's bytes. The three strings must be there; the tail may be
    /// anything, because writers disagree about it and Windows accepts them all.
    pub fn decode(bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader::new(bytes);
        let version = reader.number("version")?;
        if version < VERSION_WITHOUT_SOCKADDRS {
            return Err(BlobError::UnknownVersion(version));
        }
        Ok(Self {
            version,
            counter: reader.number("change counter")?,
            flags: Flags(reader.number("flags")?),
            proxy_server: reader.text("proxy server")?,
            proxy_bypass: reader.text("bypass list")?,
            auto_config_url: reader.text("configuration script's address")?,
            tail: Tail::decode(version, &reader),
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
        writer.text(&self.auto_config_url);
        writer.bytes(&self.tail.encode());
        writer.finish()
    }

    /// Whether its version is one whose writer we know. Of another, the tail is
    /// not understood, but kept.
    #[must_use]
    pub fn has_known_version(&self) -> bool {
        matches!(self.version, VERSION_WITHOUT_SOCKADDRS | VERSION_CURRENT)
    }

    /// Whether the known layout explained every byte.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(&self.tail, Tail::Whole(cache) if cache.surplus.is_empty())
    }

    /// The bytes after what was understood.
    #[must_use]
    pub fn trailing(&self) -> &[u8] {
        match &self.tail {
            Tail::Whole(cache) => &cache.surplus,
            Tail::Opaque(bytes) => bytes,
        }
    }

    /// What the value says, as far as it decides a route.
    #[must_use]
    pub fn settings(&self) -> ProxySettings {
        ProxySettings {
            flags: self.flags,
            proxy_server: self.proxy_server.text().into_owned(),
            proxy_override: self.proxy_bypass.text().into_owned(),
            auto_config_url: self.auto_config_url.text().into_owned(),
        }
    }

    /// The value that replaces this one so that it says `settings`: the counter
    /// one further, the tail untouched, and [`Flags::DIRECT`] always set,
    /// because Internet Explorer was seen to ignore a value without it.
    #[must_use]
    pub fn with_settings(&self, settings: &ProxySettings) -> Self {
        Self {
            version: self.version,
            counter: self.counter.wrapping_add(1),
            flags: settings.flags.with(Flags::DIRECT),
            proxy_server: self.proxy_server.with_text(&settings.proxy_server),
            proxy_bypass: self.proxy_bypass.with_text(&settings.proxy_override),
            auto_config_url: self.auto_config_url.with_text(&settings.auto_config_url),
            tail: self.tail.clone(),
        }
    }
}

impl Tail {
    /// Its bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Whole(cache) => {
                let mut writer = Writer::default();
                cache.encode(&mut writer);
                writer.finish()
            }
            Self::Opaque(bytes) => bytes.clone(),
        }
    }

    /// Whether a user and password can be in it: an `@`, whatever the field, or
    /// bytes that are not understood and that are not all zero.
    pub(crate) fn may_hide_credentials(&self) -> bool {
        let unknown = match self {
            Self::Whole(cache) => &cache.surplus,
            Self::Opaque(bytes) => bytes,
        };
        unknown.iter().any(|byte| *byte != 0) || self.encode().contains(&b'@')
    }

    fn decode(version: u32, reader: &Reader<'_>) -> Self {
        let has_sockaddrs = match version {
            VERSION_WITHOUT_SOCKADDRS => false,
            VERSION_CURRENT => true,
            _ => return Self::Opaque(reader.rest().to_vec()),
        };
        DiscoveryCache::decode(reader.clone(), has_sockaddrs)
            .map_or_else(|_| Self::Opaque(reader.rest().to_vec()), Self::Whole)
    }
}

impl DiscoveryCache {
    fn decode(mut reader: Reader<'_>, has_sockaddrs: bool) -> Result<Self, BlobError> {
        Ok(Self {
            autodiscovery_flags: reader.number("detection flags")?,
            last_detect_url: reader.text("detected address")?,
            last_detect_filetime: u64::from_le_bytes(reader.array("time of detection")?),
            ipv4_list: reader
                .list("list of IPv4 addresses")?
                .into_iter()
                .map(Ipv4Addr::from)
                .collect(),
            secondary_auto_config_url: reader.text("second script's address")?,
            auto_config_reload_delay_mins: reader.number("reload delay")?,
            sockaddr_list: has_sockaddrs
                .then(|| reader.list("list of socket addresses"))
                .transpose()?,
            surplus: reader.rest().to_vec(),
        })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.number(self.autodiscovery_flags);
        writer.text(&self.last_detect_url);
        writer.bytes(&self.last_detect_filetime.to_le_bytes());
        writer.list(self.ipv4_list.iter().map(Ipv4Addr::octets));
        writer.text(&self.secondary_auto_config_url);
        writer.number(self.auto_config_reload_delay_mins);
        if let Some(addresses) = &self.sockaddr_list {
            writer.list(addresses.iter().copied());
        }
        writer.bytes(&self.surplus);
    }
}
