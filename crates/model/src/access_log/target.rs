//! Whom a request was for.

/// The host of `host:port` (CONNECT) or of an absolute URL, whose slashes may
/// be escaped as some writers of JSON do.
pub(super) fn host_of(target: &[u8]) -> Option<&[u8]> {
    let authority = match target.iter().position(|byte| *byte == b':') {
        Some(colon) => {
            let rest = &target[colon + 1..];
            rest.strip_prefix(b"//")
                .or_else(|| rest.strip_prefix(br"\/\/"))
                .unwrap_or(target)
        }
        None => target,
    };
    let end = authority
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'))
        .unwrap_or(authority.len());
    let mut authority = &authority[..end];
    if let Some(at) = authority.iter().rposition(|byte| *byte == b'@') {
        authority = &authority[at + 1..];
    }
    let end = if authority.first() == Some(&b'[') {
        authority.iter().position(|byte| *byte == b']')? + 1
    } else {
        let colon = authority.iter().position(|byte| *byte == b':');
        colon.unwrap_or(authority.len())
    };
    (end > 0).then(|| &authority[..end])
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
