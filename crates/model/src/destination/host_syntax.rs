//! The hosts that `System.Uri` knows: addresses in every spelling, and names.
//!
//! Source: microsoft/referencesource at ec9fa9ae, System/net/System:
//! _IPv4Address.cs, _IPv6Address.cs, _DomainName.cs, _UncName.cs.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// A host and what it means.
pub(super) struct Host {
    /// Its length as written, in bytes.
    pub(super) length: usize,
    pub(super) canonical: String,
    pub(super) loopback: bool,
}

impl Host {
    /// The host that begins at `start`. An unregistered scheme knows no IPv4
    /// address but the plain spelling.
    pub(super) fn parse(authority: &str, start: usize, registered: bool) -> Option<Self> {
        let text = &authority[start..];
        if let Some((length, groups)) = text.strip_prefix('[').and_then(ipv6) {
            let loopback = is_ipv6_loopback(groups);
            return Some(Self {
                length: length + 1,
                canonical: bracketed(groups),
                loopback,
            });
        }
        let length = text.find(['/', '\\', ':', '?', '#']).unwrap_or(text.len());
        let written = &text[..length];
        let address = if registered {
            ipv4(written)
        } else {
            written
                .parse()
                .ok()
                .map(|address: Ipv4Addr| address.octets())
        };
        if let Some(octets) = address {
            let canonical = Ipv4Addr::from(octets).to_string();
            return Some(Self {
                length,
                canonical,
                loopback: octets[0] == 127,
            });
        }
        let is_name = is_domain_name(written) || (is_unc_name(written) && authority.is_ascii());
        if !is_name {
            return None;
        }
        let mut canonical = written.to_owned();
        if written.contains(|c: char| c.is_ascii_uppercase()) {
            canonical = written.chars().map(super::lower).collect();
        }
        let loopback = canonical == "localhost" || canonical == "loopback";
        if loopback {
            "localhost".clone_into(&mut canonical);
        }
        Some(Self {
            length,
            canonical,
            loopback,
        })
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
}
