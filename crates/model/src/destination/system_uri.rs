//! What `System.Uri` of .NET Framework 4.5 and later makes of a URL, as far as
//! scheme, host and port go.
//!
//! Source: microsoft/referencesource at ec9fa9ae, System/net/System: URI.cs,
//! _IPv4Address.cs, _IPv6Address.cs, _DomainName.cs, _UncName.cs, _UriSyntax.cs.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use super::DestinationError;

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

/// An IPv4 address in any spelling that Windows reads: one to four parts, each
/// decimal, octal (`0…`) or hexadecimal (`0x…`), the last filling what is left.
pub(crate) fn ipv4(text: &str) -> Option<[u8; 4]> {
    let mut parts = text.split('.');
    let last = u64::from(ipv4_part(parts.next_back()?)?);
    let mut value = 0_u64;
    let mut leading = 0;
    for part in parts {
        let octet = u8::try_from(ipv4_part(part)?).ok()?;
        value = value << 8 | u64::from(octet);
        leading += 1;
        if leading > 3 {
            return None;
        }
    }
    let room = 32 - 8 * leading;
    if last >> room != 0 {
        return None;
    }
    u32::try_from(value << room | last)
        .ok()
        .map(u32::to_be_bytes)
}

fn ipv4_part(part: &str) -> Option<u32> {
    let (digits, radix) = match part.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&part[2..], 16),
        [b'0', _, ..] => (&part[1..], 8),
        _ => (part, 10),
    };
    // `from_str_radix` would take a sign.
    if digits.starts_with('+') {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
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
        let (length, host, loopback) =
            host(text, start, registered).ok_or(DestinationError::Host)?;
        let written_host = start..start + length;
        let after = &text[written_host.end..];
        if after.starts_with('\\') {
            return Err(DestinationError::Host);
        }
        let port = match after.strip_prefix(':') {
            Some(after) => port(after)?,
            None => None,
        };
        Ok(Self {
            host,
            written_host,
            port,
            loopback,
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

/// The host that begins at `start`: its length as written, its canonical form,
/// and whether it is the loopback.
fn host(authority: &str, start: usize, registered: bool) -> Option<(usize, String, bool)> {
    let text = &authority[start..];
    if let Some((length, groups)) = text.strip_prefix('[').and_then(ipv6) {
        return Some((length + 1, bracketed(groups), is_ipv6_loopback(groups)));
    }
    let length = text.find(['/', '\\', ':', '?', '#']).unwrap_or(text.len());
    let written = &text[..length];
    let address = if registered {
        ipv4(written)
    } else {
        written
            .parse::<Ipv4Addr>()
            .ok()
            .map(|address| address.octets())
    };
    if let Some([a, b, c, d]) = address {
        return Some((length, format!("{a}.{b}.{c}.{d}"), a == 127));
    }
    let is_name = is_domain_name(written) || (is_unc_name(written) && authority.is_ascii());
    if !is_name {
        return None;
    }
    let name = if written.contains(|c: char| c.is_ascii_uppercase()) {
        written.chars().map(super::lower).collect()
    } else {
        written.to_owned()
    };
    if name == "localhost" || name == "loopback" {
        return Some((length, "localhost".to_owned(), true));
    }
    Some((length, name, false))
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

/// `text` begins after `[`; gives the length up to and including `]`. A scope or
/// prefix length is taken and dropped.
fn ipv6(text: &str) -> Option<(usize, [u16; 8])> {
    let end = text.find(']')?;
    let (address, suffix) = match text[..end].find(['%', '/']) {
        Some(at) => text[..end].split_at(at),
        None => (&text[..end], ""),
    };
    let prefix = suffix.find('/').map_or("", |at| &suffix[at + 1..]);
    let prefix_is_sound = suffix.contains('/')
        == (matches!(prefix.len(), 1 | 2) && address != "::")
        && prefix.bytes().all(|b| b.is_ascii_digit());
    if !prefix_is_sound {
        return None;
    }
    // The last number of an embedded IPv4 address, alone, may begin with a zero.
    let address = match address.rsplit_once(".0") {
        Some((front, last))
            if last.starts_with(|c| matches!(c, '1'..='9')) && !last.contains('.') =>
        {
            format!("{front}.{last}")
        }
        _ => address.to_owned(),
    };
    let mut groups = address.parse::<Ipv6Addr>().ok()?.segments();
    // System.Uri has nothing left to insert where `::` leads seven groups, and
    // clears what it meant to move.
    let written = |groups: &str| groups.split(':').count() + usize::from(groups.contains('.'));
    if address
        .strip_prefix("::")
        .is_some_and(|groups| written(groups) == 7)
    {
        groups = [0; 8];
    }
    Some((end + 1, groups))
}

fn is_ipv6_loopback(groups: [u16; 8]) -> bool {
    matches!(
        groups,
        [0, 0, 0, 0, 0, 0, 0, 1] | [0, 0, 0, 0, 0, 0 | 0xFFFF, 0x7F00, 1]
    )
}

/// RFC 5952, with the last 32 bits as IPv4 where `System.Uri` writes them so,
/// which is not where Rust's own formatter does.
fn bracketed(groups: [u16; 8]) -> String {
    let embeds_ipv4 = match groups {
        [0, 0, 0, 0, 0, 0 | 0xFFFF, seventh, _] | [0, 0, 0, 0, 0xFFFF, 0, seventh, _] => {
            seventh != 0
        }
        [_, _, _, _, 0, 0x5EFE, _, _] => true,
        _ => false,
    };
    let mut pieces = groups.map(|group| format!("{group:x}")).to_vec();
    if embeds_ipv4 {
        let [.., high, low] = groups.map(u16::to_be_bytes);
        pieces.truncate(6);
        pieces.push(Ipv4Addr::new(high[0], high[1], low[0], low[1]).to_string());
    }
    let zeros = longest_zero_run(groups);
    // A run that lies in the IPv4 part has nothing to compress.
    if zeros.is_empty() || zeros.end > pieces.len() {
        return format!("[{}]", pieces.join(":"));
    }
    format!(
        "[{}::{}]",
        pieces[..zeros.start].join(":"),
        pieces[zeros.end..].join(":")
    )
}

/// The first longest run of at least two zero groups.
fn longest_zero_run(groups: [u16; 8]) -> Range<usize> {
    let mut longest = 0..0;
    let mut start = 0;
    for (at, group) in groups.iter().enumerate() {
        if *group != 0 {
            start = at + 1;
        } else if at + 1 - start > longest.len() {
            longest = start..at + 1;
        }
    }
    if longest.len() < 2 { 0..0 } else { longest }
}

fn is_scheme(lower: &str) -> bool {
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

/// Labels of up to 63 octets that begin with a letter or digit; characters
/// beyond ASCII are not restricted. One trailing dot is kept.
fn is_domain_name(host: &str) -> bool {
    let is_dot = |c: char| matches!(c, '.' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}');
    let labels = host.strip_suffix(is_dot).unwrap_or(host);
    labels.split(is_dot).all(|label| {
        let octets: usize = label
            .encode_utf16()
            .map(|unit| if unit > 0xFF { 2 } else { 1 })
            .sum();
        let ace_prefix = if label.contains(|c| c >= '\u{A0}') {
            4
        } else {
            0
        };
        let sound = |c: char| c >= '\u{A0}' || c.is_ascii_alphanumeric();
        label.starts_with(sound)
            && octets + ace_prefix <= 63
            && label.chars().all(|c| sound(c) || c == '-' || c == '_')
    })
}

/// The names that Windows lets a file server have: up to 256 letters, digits,
/// `-`, `_` and `.`, with a letter, `-` or `_` in the first label. Those outside
/// ASCII, or with anything outside ASCII in the rest of the URL, are refused:
/// `System.Uri` takes them and then knows no host.
fn is_unc_name(host: &str) -> bool {
    let (first, rest) = host.split_once('.').unwrap_or((host, ""));
    let is_mark = |c: char| c == '-' || c == '_';
    let is_first = |c: char| c.is_ascii_alphabetic() || is_mark(c);
    if !first.contains(is_first) || !first.chars().all(|c| is_first(c) || c.is_ascii_digit()) {
        return false;
    }
    // The first label vouches for the second, so that alone may begin with a mark.
    let labels = rest.strip_suffix('.').unwrap_or(rest);
    host.len() <= 256
        && !rest.starts_with('.')
        && (labels.is_empty()
            || labels.split('.').enumerate().all(|(at, label)| {
                !label.is_empty()
                    && (at == 0 || !label.starts_with(is_mark))
                    && label
                        .chars()
                        .all(|c| is_mark(c) || c.is_ascii_alphanumeric())
            }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_of(url: &str) -> Option<String> {
        SystemUri::parse(url).ok().map(|uri| uri.host)
    }

    #[test]
    fn ipv4_in_every_spelling() {
        for (spelling, canonical) in [
            ("012.1.2.3", [10, 1, 2, 3]),
            ("0x7f.1", [127, 0, 0, 1]),
            ("168.63.33040", [168, 63, 129, 16]),
            ("4294967295", [255, 255, 255, 255]),
            ("0", [0, 0, 0, 0]),
        ] {
            assert_eq!(ipv4(spelling), Some(canonical), "{spelling}");
        }
        for name in [
            "08",
            "1.2.3.",
            "1.2.3.256",
            "256.1.1.1",
            "1.2.3.4.5",
            "0x",
            "4294967296",
            "1.2.65536",
            "+1",
            "",
        ] {
            assert_eq!(ipv4(name), None, "{name}");
        }
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
