//! Whom a request was for.

use memchr::{memchr, memchr3, memrchr};

/// The host of `host:port` (CONNECT) or of an absolute URL, whose slashes may
/// be escaped as some writers of JSON do.
pub(super) fn host_of(target: &[u8]) -> Option<&[u8]> {
    let rest = behind_scheme(target).unwrap_or(target);
    let authority = match memchr3(b'/', b'?', b'#', rest) {
        Some(end) => rest[..end].strip_suffix(b"\\").unwrap_or(&rest[..end]),
        None => rest,
    };
    let host = match memrchr(b'@', authority) {
        Some(at) => &authority[at + 1..],
        None => authority,
    };
    let end = if host.first() == Some(&b'[') {
        memchr(b']', host)? + 1
    } else {
        memchr(b':', host).unwrap_or(host.len())
    };
    (end > 0).then(|| &host[..end])
}

/// What follows `://`, which stands where the first colon does.
fn behind_scheme(target: &[u8]) -> Option<&[u8]> {
    let rest = &target[memchr(b':', target)? + 1..];
    let slashes: [&[u8]; 2] = [b"//", br"\/\/"];
    slashes
        .into_iter()
        .find_map(|slashes| rest.strip_prefix(slashes))
}

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
