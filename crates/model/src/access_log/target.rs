//! Whom a request was for.

use memchr::{memchr, memrchr};

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
    let end = text.iter().position(|byte| !OF_NAMES[usize::from(*byte)]);
    text.split_at(end.unwrap_or(text.len()))
}

/// Which bytes names are made of.
static OF_NAMES: [bool; 256] = {
    let mut of_names = [false; 256];
    let mut letters: &[u8] = b"-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
    while let Some((letter, rest)) = letters.split_first() {
        of_names[*letter as usize] = true;
        letters = rest;
    }
    of_names
};

#[cfg(test)]
mod tests {
    use super::*;

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
