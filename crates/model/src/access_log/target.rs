//! Whom a request was for.

use memchr::{memchr, memrchr};
use wide::u8x16;

/// The host of `host:port` (CONNECT) or of an absolute URL, whose slashes may
/// be escaped as some writers of JSON do.
pub(super) fn host_of(target: &[u8]) -> Option<&[u8]> {
    // Almost every host is one run of a name's letters, and a log has millions.
    let host = match behind_name(target) {
        (_, [b':', b'/', b'/', rest @ ..] | [b':', b'\\', b'/', b'\\', b'/', rest @ ..]) => {
            match behind_name(rest) {
                (host, [] | [b'/' | b'?' | b'#' | b'\\', ..]) => host,
                _ => host_of_authority(rest)?,
            }
        }
        (host, []) => host,
        (host, [b':', port @ ..]) if port.iter().all(u8::is_ascii_digit) => host,
        _ => host_of_authority(target)?,
    };
    (!host.is_empty()).then_some(host)
}

/// Whether a text names a host for certain: a URL, or a host and a port.
pub(super) fn names_host(target: &[u8]) -> bool {
    match behind_name(target) {
        (_, [b':', b'/', b'/', ..] | [b':', b'\\', b'/', b'\\', b'/', ..]) => true,
        (name, [b':', port @ ..]) => {
            !name.is_empty() && !port.is_empty() && port.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// The host in whatever may stand before a path: a user, a password, an IPv6
/// address, a port.
fn host_of_authority(text: &[u8]) -> Option<&[u8]> {
    let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#' | b'\\');
    let authority = &text[..text.iter().position(ends).unwrap_or(text.len())];
    let host = match memrchr(b'@', authority) {
        Some(at) => &authority[at + 1..],
        None => authority,
    };
    let end = match host {
        [b'[', ..] => memchr(b']', host)? + 1,
        _ => memchr(b':', host).unwrap_or(host.len()),
    };
    Some(&host[..end])
}

/// What could be a name, and what follows it.
fn behind_name(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(name_end(text))
}

/// Where a text begins to be no name.
#[inline]
pub(super) fn name_end(text: &[u8]) -> usize {
    // Almost every name is shorter than this.
    let mut looked_at = 0;
    if let Some(halves) = text.first_chunk::<{ 2 * PART }>()
        && let ([first, second], _) = halves.as_chunks()
    {
        let others = !(of_names(first) | of_names(second) << PART);
        if others != 0 {
            return others.trailing_zeros() as usize;
        }
        looked_at = 2 * PART;
    }
    let is_other = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"-._".contains(byte);
    let rest = text[looked_at..].iter().position(is_other);
    rest.map_or(text.len(), |at| looked_at + at)
}

/// How many bytes are looked at at once.
const PART: usize = 16;

/// A bit for each byte that names are made of.
#[inline]
fn of_names(part: &[u8; PART]) -> u32 {
    let bytes = u8x16::new(*part);
    let all = u8x16::splat;
    let is_within = |bytes: u8x16, first, last| bytes.max(all(first)).min(all(last)).simd_eq(bytes);
    let letters = is_within(bytes | all(b'a' ^ b'A'), b'a', b'z');
    // From `-` to `9` there is but one that no name has.
    let others = is_within(bytes, b'-', b'9') & !bytes.simd_eq(all(b'/'));
    (letters | others | bytes.simd_eq(all(b'_'))).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_whatever_no_name_has() {
        for length in [0, 15, 16, 31, 32, 33, 64, 70] {
            for at in 0..=length {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'x'; length];
                    text.iter_mut().skip(at).for_each(|other| *other = byte);
                    let is_of_names = byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
                    let expected = if is_of_names { length } else { at };
                    assert_eq!(name_end(&text), expected, "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn finds_the_host_of_every_way_to_write_a_target() {
        for (target, host) in [
            ("h.example:443", Some("h.example")),
            ("h.example", Some("h.example")),
            ("https://h.example", Some("h.example")),
            ("https://u:p@h.example:8443/a@b:c", Some("h.example")),
            ("http://h.example?x=http://other/", Some("h.example")),
            ("http://h.example#://", Some("h.example")),
            ("http://h.example:8080", Some("h.example")),
            ("http://u@h.example", Some("h.example")),
            ("u:443@h.example:443", Some("h.example")),
            ("h.example/x:443", Some("h.example")),
            ("h\u{e9}.example:443", Some("h\u{e9}.example")),
            (r"https:\/\/h.example\/x", Some("h.example")),
            ("[2001:db8::1]:443", Some("[2001:db8::1]")),
            ("/path", None),
            ("[2001:db8", None),
            (":443", None),
            ("", None),
        ] {
            let found = host_of(target.as_bytes());
            assert_eq!(found, host.map(str::as_bytes), "{target}");
        }
    }
}
