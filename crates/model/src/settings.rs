//! One account's proxy settings by meaning, whatever they were read from.

use serde::Serialize;

/// The mechanisms that an account's settings switch on, as the bits of the
/// flags field of a connection blob.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Flags(pub u32);

impl Flags {
    /// Always set by Windows; a blob without it is not honoured everywhere.
    pub const DIRECT: u32 = 0x01;
    /// "Use a proxy server": the proxy string and the bypass list count.
    pub const MANUAL_PROXY: u32 = 0x02;
    /// "Use automatic configuration script".
    pub const AUTO_CONFIG_URL: u32 = 0x04;
    /// "Automatically detect settings" (WPAD).
    pub const AUTO_DETECT: u32 = 0x08;

    /// Whether every bit of `bits` is set.
    #[must_use]
    pub fn has(self, bits: u32) -> bool {
        self.0 & bits == bits
    }

    /// The same flags with `bits` set.
    #[must_use]
    pub fn with(self, bits: u32) -> Self {
        Self(self.0 | bits)
    }

    /// `bits` as far as they are set, and nothing else.
    #[must_use]
    pub fn only(self, bits: u32) -> Self {
        Self(self.0 & bits)
    }

    /// The same flags with `bits` cleared.
    #[must_use]
    pub fn without(self, bits: u32) -> Self {
        Self(self.0 & !bits)
    }
}

/// What an account's settings say, as far as it decides a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ProxySettings {
    /// Which mechanisms are on.
    pub flags: Flags,
    /// The `ProxyServer` string as stored; it may hold `user:password@`.
    pub proxy_server: String,
    /// The bypass list as stored.
    pub proxy_override: String,
    /// The address of the configuration script; blank means none.
    pub auto_config_url: String,
}

impl ProxySettings {
    /// A manual proxy with its bypass list, nothing automatic.
    #[must_use]
    pub fn manual(proxy_server: &str, proxy_override: &str) -> Self {
        Self {
            flags: Flags(Flags::DIRECT | Flags::MANUAL_PROXY),
            proxy_server: proxy_server.to_owned(),
            proxy_override: proxy_override.to_owned(),
            auto_config_url: String::new(),
        }
    }

    /// Whether the manual proxy is switched on and named.
    #[must_use]
    pub fn has_manual_proxy(&self) -> bool {
        self.flags.has(Flags::MANUAL_PROXY) && !self.proxy_server.trim().is_empty()
    }

    /// Whether a configuration script is switched on and named. Windows'
    /// Settings app "clears" the address to one space, which names nothing.
    #[must_use]
    pub fn has_auto_config_url(&self) -> bool {
        self.flags.has(Flags::AUTO_CONFIG_URL) && !self.auto_config_url.trim().is_empty()
    }

    /// Whether automatic detection is on.
    #[must_use]
    pub fn has_auto_detect(&self) -> bool {
        self.flags.has(Flags::AUTO_DETECT)
    }
}
