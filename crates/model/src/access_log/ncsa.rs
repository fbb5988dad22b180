//! The common log format, which NCSA began, and the combined one.

use memchr::memchr;

use super::squid::{number, status};
use super::target::host_of;
use super::{Request, Time};

/// Parses `client ident user [time] "method URL protocol" status bytes`, and
/// whatever stands behind (squid-cache/squid, `src/log/FormatHttpdCommon.cc`;
/// the combined format adds referrer and browser).
pub(super) fn parse(line: &[u8]) -> Option<Request<'_>> {
    let client = &line[..memchr(b' ', line)?];
    let rest = &line[memchr(b'[', line)? + 1..];
    let end = memchr(b']', rest)?;
    let (time, rest) = (&rest[..end], &rest[end + 1..]);
    let rest = rest.strip_prefix(b" \"")?;
    let mut request = rest.splitn(3, |byte| *byte == b' ');
    let _method = request.next()?;
    let target = request.next()?;
    let host = host_of(target.split(|byte| *byte == b'"').next()?)?;
    let rest = behind_quote(rest)?.strip_prefix(b" ")?;
    let mut numbers = rest.split(|byte| *byte == b' ');
    let answer = numbers.next()?;
    number(answer)?;
    let bytes = match numbers.next()? {
        b"-" => 0,
        text => number(text)?,
    };
    (!client.is_empty()).then_some(Request {
        time: Time::Whole(time),
        client,
        host,
        bytes,
        status: status(answer),
    })
}

/// What follows the quotation mark that ends a text; `\"` does not end it.
fn behind_quote(text: &[u8]) -> Option<&[u8]> {
    let mut from = 0;
    loop {
        let quote = from + memchr(b'"', &text[from..])?;
        if quote == 0 || text[quote - 1] != b'\\' {
            return Some(&text[quote + 1..]);
        }
        from = quote + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_common_and_combined_lines_and_refuses_others() {
        let expected = Request {
            time: Time::Whole(b"26/Nov/2026:11:37:36 +0900"),
            client: b"10.1.0.10",
            host: b"acct.blob.core.windows.net",
            bytes: 4210,
            status: Some(200),
        };
        let common = br#"10.1.0.10 - CORP\sql [26/Nov/2026:11:37:36 +0900] "CONNECT acct.blob.core.windows.net:443 HTTP/1.1" 200 4210 TCP_TUNNEL:HIER_DIRECT"#;
        assert_eq!(parse(common), Some(expected));
        let combined = br#"10.1.0.10 - - [26/Nov/2026:11:37:36 +0900] "GET http://acct.blob.core.windows.net/a\"b HTTP/1.1" 200 4210 "-" "agent (x; \"y\")" TCP_MISS:HIER_DIRECT"#;
        assert_eq!(parse(combined), Some(expected));
        let nothing_sent = br#"c - - [t] "CONNECT h:443 HTTP/1.1" 503 -"#;
        assert_eq!(parse(nothing_sent).map(|request| request.bytes), Some(0));
        for bad in [
            "",
            "c - - t \"CONNECT h:443 HTTP/1.1\" 200 1",
            "c - - [t] CONNECT h:443 200 1",
            "c - - [t] \"CONNECT h:443 HTTP/1.1 200 1",
            "c - - [t] \"GET /path HTTP/1.1\" 200 1",
            "c - - [t] \"CONNECT h:443 HTTP/1.1\" 200",
            "c - - [t] \"CONNECT h:443 HTTP/1.1\" x 1",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
