//! What `System.Uri` of .NET Framework 4.5 and later makes of a URL, as far as
//! scheme, host and port go.
//!
//! Source: microsoft/referencesource at ec9fa9ae, System/net/System: URI.cs and
//! _UriSyntax.cs.

use std::ops::Range;

use super::DestinationError;
use super::host_syntax::Host;

/// A URL taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SystemUri {
    /// In lower case.
    pub(crate) scheme: String,
    /// Canonical; empty where an unregistered scheme names none.
    pub(crate) host: String,
    /// Where the host stands in the text that was parsed.
    pub(crate) written_host: Range<usize>,
    /// As written or by default; `None` where an unregistered scheme names none.
    pub(crate) port: Option<u16>,
    /// The scheme's own; `None` for an unregistered scheme.
    pub(crate) default_port: Option<u16>,
    /// `Uri.IsLoopback`.
    pub(crate) loopback: bool,
}

impl SystemUri {
    pub(crate) fn parse(text: &str) -> Result<Self, DestinationError> {
        const LONGEST: usize = 0xFFF0 - 1;
        if text.len() > LONGEST {
            return Err(DestinationError::TooLong);
        }
        let blank: &[char] = &[' ', '\n', '\r', '\t'];
        let start = text.len() - text.trim_start_matches(blank).len();
        let colon = text[start..].find(':').ok_or(DestinationError::Scheme)? + start;
        let scheme = text[start..colon].to_ascii_lowercase();
        if !is_scheme(&scheme) {
            return Err(DestinationError::Scheme);
        }
        if scheme.len() == 1 {
            let is_drive = text[colon + 1..].starts_with(['/', '\\']);
            return if is_drive {
                Ok(Self::file())
            } else {
                Err(DestinationError::Scheme)
            };
        }
        let default_port = default_port(&scheme);
        let is_registered = default_port.is_some();
        let rest = text[colon + 1..].trim_end_matches(blank);
        let is_slash = |c: char| c == '/' || (c == '\\' && is_registered);
        let rooted = rest.strip_prefix(is_slash);
        let authority = match rooted.and_then(|rest| rest.strip_prefix(is_slash)) {
            Some(authority) => Authority::parse(authority, is_registered)?,
            None if is_registered => return Err(DestinationError::Authority),
            None => Authority::default(),
        };
        let authority_at = colon + ":".len() + "//".len();
        let Range { start, end } = authority.written_host;
        Ok(Self {
            scheme,
            host: authority.host,
            written_host: if start == end {
                0..0
            } else {
                start + authority_at..end + authority_at
            },
            // Port 0 is how an unregistered scheme says that it has none.
            port: authority
                .port
                .filter(|port| is_registered || *port != 0)
                .or(default_port),
            default_port,
            loopback: authority.loopback,
        })
    }

    /// What one letter and a colon lead to.
    fn file() -> Self {
        Self {
            scheme: "file".to_owned(),
            host: String::new(),
            written_host: 0..0,
            port: None,
            default_port: None,
            loopback: true,
        }
    }
}

#[derive(Default)]
struct Authority {
    host: String,
    written_host: Range<usize>,
    port: Option<u16>,
    loopback: bool,
}

impl Authority {
    /// Only an unregistered scheme may do without a host, and that counts as
    /// loopback.
    fn without_host() -> Self {
        Self {
            loopback: true,
            ..Self::default()
        }
    }

    /// `text` begins after `//`.
    fn parse(text: &str, registered: bool) -> Result<Self, DestinationError> {
        if text.is_empty() || text.starts_with(['/', '?', '#']) {
            if registered {
                return Err(DestinationError::Host);
            }
            return Ok(Self::without_host());
        }
        if !registered && is_drive(text) {
            return Ok(Self::without_host());
        }
        let all = &text[..text.find(['/', '?', '#']).unwrap_or(text.len())];
        if !registered && matches!(all, "." | "..") {
            return Ok(Self {
                host: all.to_owned(),
                written_host: 0..all.len(),
                ..Self::default()
            });
        }
        let start = user_info_length(text);
        let host = Host::parse(text, start, registered).ok_or(DestinationError::Host)?;
        let written_host = start..start + host.length;
        let after = &text[written_host.end..];
        if after.starts_with('\\') {
            return Err(DestinationError::Host);
        }
        let port = match after.strip_prefix(':') {
            Some(after) => port(after)?,
            None => None,
        };
        Ok(Self {
            host: host.canonical,
            written_host,
            port,
            loopback: host.loopback,
        })
    }
}

/// `x:/` or `x|/`, which has no host even after `//`.
fn is_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':' | b'|', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

/// Everything up to the first `@`, unless that is the last character.
fn user_info_length(text: &str) -> usize {
    match text.find(['@', '?', '#', '\\', '/']) {
        Some(at) if text[at..].starts_with('@') && at + 1 < text.len() => at + 1,
        _ => 0,
    }
}

fn port(text: &str) -> Result<Option<u16>, DestinationError> {
    let length = text.find(['/', '?', '#']).unwrap_or(text.len());
    let digits = &text[..length];
    if digits.is_empty() {
        return Ok(None);
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DestinationError::Port);
    }
    digits.parse().map(Some).map_err(|_| DestinationError::Port)
}

/// Whether a text in lower case is a scheme's name (RFC 3986).
pub(crate) fn is_scheme(lower: &str) -> bool {
    lower.starts_with(|c: char| c.is_ascii_lowercase())
        && lower
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
}

/// The default port of the schemes that requests and proxies use; the others are
/// read by the rules for unregistered schemes.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "ftp" => Some(21),
        "gopher" => Some(70),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(url: &str) -> Option<String> {
        SystemUri::parse(url).ok().map(|uri| uri.host)
    }

    #[test]
    fn ipv6_is_compressed_and_may_embed_ipv4() {
        for (url, host) in [
            ("http://[2001:DB8:0:0:0:0:0:1]/", "[2001:db8::1]"),
            ("http://[::7f00:1]/", "[::127.0.0.1]"),
            ("http://[::ffff:0:10.0.0.4]/", "[::ffff:0:10.0.0.4]"),
            ("http://[1:0:0:0:0:5efe:a00:4]/", "[1::5efe:10.0.0.4]"),
            ("http://[fe80::1%3]:8/", "[fe80::1]"),
            ("http://[::1/64]/", "[::1]"),
            ("http://[::1.2.3.04]/", "[::1.2.3.4]"),
            ("http://[::1:2:3:4:5:6:7]/", "[::]"),
            ("http://[1:2:3:4:5:6:7::]/", "[1:2:3:4:5:6:7:0]"),
        ] {
            assert_eq!(host_of(url).as_deref(), Some(host), "{url}");
        }
    }

    #[test]
    fn names_that_are_and_are_not() {
        for url in [
            "http://a_b/",
            "http://_a.-b/",
            "http://-/",
            "http://x./",
            "http://[::1]x/",
            "http://u:p@h/",
        ] {
            assert!(host_of(url).is_some(), "{url}");
        }
        for url in [
            "http://a..b/",
            "http://.x/",
            "http://x../",
            "http://a b/",
            "http://h\\x",
            "http://u@",
            "http://a@b@c/",
            "http:///x",
        ] {
            assert_eq!(host_of(url), None, "{url}");
        }
    }
}
