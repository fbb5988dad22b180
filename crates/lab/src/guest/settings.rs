//! An account's route, as .NET Framework's default proxy decides it.
//!
//! Naive on purpose, and written from the public rules alone
//! (`WebProxyDataBuilder` and `WebProxy` in microsoft/referencesource).

use crate::registry::{DETECT, MANUAL, POLICY, SCRIPT, SETTINGS};

use super::registry::{Registry, Value};

/// What an account's blob says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) flags: u32,
    pub(super) proxy: String,
    pub(super) list: String,
    pub(super) script: String,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    Proxy {
        host: String,
        port: u16,
    },
    /// The proxy string cannot be used: .NET throws.
    Throws,
}

impl Settings {
    /// The machine's settings where the policy says so, else the account's.
    /// Where there are none, Windows has detection on.
    pub(super) fn of(registry: &Registry, sid: &str) -> Self {
        let per_machine = registry.value(POLICY, "ProxySettingsPerUser") == Some(&Value::Number(0));
        let root = if per_machine {
            r"HKEY_LOCAL_MACHINE".to_owned()
        } else {
            format!(r"HKEY_USERS\{sid}")
        };
        let key = format!(r"{root}\{SETTINGS}\Connections");
        match registry.value(&key, "DefaultConnectionSettings") {
            Some(Value::Bytes(blob)) => Self::decode(blob).unwrap_or_default(),
            _ => Self {
                flags: DETECT,
                ..Self::default()
            },
        }
    }

    pub(super) fn detects(&self) -> bool {
        self.flags & DETECT != 0
    }

    pub(super) fn has_script(&self) -> bool {
        self.flags & SCRIPT != 0 && !self.script.trim().is_empty()
    }

    /// The way without detection and script.
    pub(super) fn way(&self, scheme: &str, host: &str, port: u16) -> Way {
        let proxy = self.proxy.trim();
        if self.flags & MANUAL == 0 || proxy.is_empty() || is_loopback(host) {
            return Way::Direct;
        }
        let Some((proxy_host, proxy_port)) = plain_proxy(proxy) else {
            return Way::Throws;
        };
        let listed = self
            .list
            .split(';')
            .map(str::trim)
            .any(|entry| covers(entry, scheme, host, port));
        if listed {
            Way::Direct
        } else {
            Way::Proxy {
                host: proxy_host,
                port: proxy_port,
            }
        }
    }

    fn decode(blob: &[u8]) -> Option<Self> {
        let number = |at: usize| {
            let four = blob.get(at..at.checked_add(4)?)?;
            Some(u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        };
        let mut at = 12;
        let mut text = || {
            let length = usize::try_from(number(at)?).ok()?;
            let start = at + 4;
            let bytes = blob.get(start..start.checked_add(length)?)?;
            at = start + length;
            Some(String::from_utf8_lossy(bytes).into_owned())
        };
        let (proxy, list, script) = (text()?, text()?, text().unwrap_or_default());
        Some(Self {
            flags: number(8)?,
            proxy,
            list,
            script,
        })
    }
}

/// `host:port`, or with `http://` before it; one proxy for every scheme.
fn plain_proxy(text: &str) -> Option<(String, u16)> {
    let rest = text.strip_prefix("http://").unwrap_or(text);
    let rest = rest.trim_end_matches('/');
    if rest.contains([';', '=', ' ', '/']) || rest.is_empty() {
        return None;
    }
    match rest.rsplit_once(':') {
        Some((host, port)) => Some((host.to_owned(), port.parse().ok()?)),
        None => Some((rest.to_owned(), 80)),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.starts_with("127.")
}

/// Whether an entry covers `scheme://host[:port]`, the port only where it is not the scheme's own.
fn covers(entry: &str, scheme: &str, host: &str, port: u16) -> bool {
    if entry.is_empty() {
        return false;
    }
    if entry.eq_ignore_ascii_case("<local>") {
        return !host.contains('.');
    }
    let entry = entry.to_lowercase();
    let default = if scheme == "http" { 80 } else { 443 };
    let place = if port == default {
        host.to_lowercase()
    } else {
        format!("{}:{port}", host.to_lowercase())
    };
    let whole = format!("{scheme}://{place}");
    let candidates = [whole.as_str(), &place, host];
    candidates
        .iter()
        .any(|text| glob(entry.as_bytes(), text.as_bytes()))
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        Some((byte, rest)) => text
            .split_first()
            .is_some_and(|(first, after)| first == byte && glob(rest, after)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manual(proxy: &str, list: &str) -> Settings {
        Settings {
            flags: 3,
            proxy: proxy.to_owned(),
            list: list.to_owned(),
            script: String::new(),
        }
    }

    #[test]
    fn only_semicolons_separate_and_globs_are_anchored() {
        let is_direct = |list: &str, host: &str| {
            manual("10.2.0.16:8080", list).way("https", host, 443) == Way::Direct
        };
        assert!(is_direct("a.example; *.core.example", "x.y.core.example"));
        assert!(!is_direct("a.example *.core.example", "x.core.example"));
        assert!(!is_direct("*.core.example", "core.example"));
        assert!(!is_direct("core.example", "x.core.example"));
        assert!(!is_direct("core.example:443", "core.example"));
        assert!(is_direct("<local>", "intranet"));
        assert!(!is_direct("<local>", "intranet.corp.example"));
    }

    #[test]
    fn a_string_that_dotnet_cannot_use_throws() {
        let way = |proxy: &str| manual(proxy, "").way("https", "a.example", 443);
        assert_eq!(way("10.2.0.16:8080;"), Way::Throws);
        assert_eq!(way("p:99999"), Way::Throws);
        assert!(matches!(
            way("http://p:3128"),
            Way::Proxy { port: 3128, .. }
        ));
        assert!(matches!(way("p"), Way::Proxy { port: 80, .. }));
    }

    #[test]
    fn a_switched_off_proxy_is_none() {
        let mut settings = manual("p:1", "");
        settings.flags = 1;
        assert_eq!(settings.way("https", "a.example", 443), Way::Direct);
    }
}
