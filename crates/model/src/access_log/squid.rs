//! Squid's native format.

use super::target::host_of;
use super::{Request, Time};

/// Parses `time elapsed client code/status bytes method URL user
/// hierarchy/peer type` (squid-cache/squid, `src/log/FormatSquidNative.cc`).
pub(super) fn parse(line: &[u8]) -> Option<Request<'_>> {
    let mut rest = line;
    let time = field(&mut rest)?;
    let dot = time.iter().position(|byte| *byte == b'.')?;
    let (seconds, fraction) = (&time[..dot], &time[dot + 1..]);
    if !is_number(seconds) || !is_number(fraction) {
        return None;
    }
    let elapsed = field(&mut rest)?;
    if !is_number(elapsed.strip_prefix(b"-").unwrap_or(elapsed)) {
        return None;
    }
    let client = field(&mut rest)?;
    let code = field(&mut rest)?;
    if !code.contains(&b'/') {
        return None;
    }
    let bytes = number(field(&mut rest)?)?;
    let _method = field(&mut rest)?;
    let host = host_of(field(&mut rest)?)?;
    Some(Request {
        time: Time::Whole(time),
        client,
        host,
        bytes,
    })
}

/// The next field; fields are aligned with blanks.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let start = rest.iter().position(|byte| *byte != b' ')?;
    let text = &rest[start..];
    let end = text
        .iter()
        .position(|byte| *byte == b' ')
        .unwrap_or(text.len());
    *rest = &text[end..];
    Some(&text[..end])
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// A number that fits; a larger one is no count of bytes.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    let mut number = 0;
    for byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u64::from(byte - b'0');
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(line: &str) -> Option<&[u8]> {
        parse(line.as_bytes()).map(|request| request.host)
    }

    #[test]
    fn reads_a_tunnel_a_plain_request_and_refuses_other_lines() {
        let tunnel = b"1764000000.129    215 10.1.0.10 TCP_TUNNEL/200 4210 CONNECT \
                       acct.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -";
        assert_eq!(
            parse(tunnel),
            Some(Request {
                time: Time::Whole(b"1764000000.129"),
                client: b"10.1.0.10",
                host: b"acct.blob.core.windows.net",
                bytes: 4210,
            })
        );
        let plain = "1764000000.129 1 10.1.0.10 TCP_MISS/503 0 GET http://169.254.169.254/a?b - HIER_NONE/- -";
        assert_eq!(host(plain), Some(&b"169.254.169.254"[..]));
        let six = "1764000000.129 1 ::1 TCP_MISS/200 7 CONNECT [2001:db8::1]:443 - HIER_NONE/- -";
        assert_eq!(host(six), Some(&b"[2001:db8::1]"[..]));
        for bad in [
            "",
            "hello",
            "1764000000 1 a b/c 1 GET h",
            "1.2 x a b/c 1 GET h",
            "1.2 1 a bc 1 GET h",
            "1.2 1 a b/c -1 GET h",
            "1.2 1 a b/c 99999999999999999999 GET h",
            "1.2 1 a b/c 1 GET",
            "1.2 1 a b/c 1 GET /",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }
}
