//! Squid's native format.

use memchr::{memchr, memrchr};

use super::target::host_of;
use super::{Request, Time};

/// Parses `time elapsed client code/status bytes method URL user
/// hierarchy/peer type` (squid-cache/squid, `src/log/FormatSquidNative.cc`). A
/// line that ends within its URL was cut there, and its host may be another.
pub(super) fn parse(line: &[u8]) -> Option<Request<'_>> {
    let mut rest = line;
    let time = field(&mut rest)?;
    let elapsed = field(&mut rest)?;
    let client = field(&mut rest)?;
    let code = field(&mut rest)?;
    let bytes = field(&mut rest)?;
    let _method = field(&mut rest)?;
    let url = field(&mut rest)?;
    let is_squids = !rest.is_empty()
        && is_time(time)
        && is_number(elapsed.strip_prefix(b"-").unwrap_or(elapsed));
    if !is_squids {
        return None;
    }
    let slash = memrchr(b'/', code)?;
    Some(Request {
        time: Time::Whole(time),
        client,
        host: host_of(url)?,
        bytes: number(bytes)?,
        status: status(&code[slash + 1..]),
    })
}

/// The next field; fields are aligned with blanks.
#[inline]
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut text = *rest;
    while let Some((b' ', behind)) = text.split_first() {
        text = behind;
    }
    let end = blank(text);
    *rest = &text[end..];
    (end > 0).then(|| &text[..end])
}

/// Where the first blank is, or the end: eight bytes at a time, which for fields
/// as short as these is quicker than a search that has to be set up.
#[inline]
fn blank(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const BLANKS: u64 = ONES * b' ' as u64;
    let mut at = 0;
    while let Some(eight) = text[at..].first_chunk() {
        // A zero byte is where there was a blank; the lowest one that this finds is one.
        let zeros = u64::from_le_bytes(*eight) ^ BLANKS;
        let found = zeros.wrapping_sub(ONES) & !zeros & (ONES << 7);
        if found != 0 {
            return at + (found.trailing_zeros() / u8::BITS) as usize;
        }
        at += 8;
    }
    let is_blank = |byte: &u8| *byte == b' ';
    let rest = text[at..].iter().position(is_blank);
    rest.map_or(text.len(), |found| at + found)
}

/// Seconds, a dot and a fraction.
fn is_time(text: &[u8]) -> bool {
    memchr(b'.', text).is_some_and(|dot| is_number(&text[..dot]) && is_number(&text[dot + 1..]))
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

/// HTTP's status; squid writes 0 where there was no answer.
pub(super) fn status(text: &[u8]) -> Option<u16> {
    let status = u16::try_from(number(text)?).ok();
    status.filter(|status| *status != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(line: &str) -> Option<&[u8]> {
        parse(line.as_bytes()).map(|request| request.host)
    }

    #[test]
    fn a_blank_is_found_wherever_it_is() {
        for length in 0..40 {
            for at in 0..=length {
                let mut text = vec![b'!'; length];
                text.iter_mut().skip(at).for_each(|byte| *byte = b' ');
                assert_eq!(blank(&text), at, "of {length}");
            }
        }
        assert_eq!(blank(b"\xa0\x00\xff!\x1f\xa0\x20"), 6);
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
                status: Some(200),
            })
        );
        let plain = "1764000000.129 1 10.1.0.10 TCP_MISS/503 0 GET http://169.254.169.254/a?b - HIER_NONE/- -";
        assert_eq!(host(plain), Some(&b"169.254.169.254"[..]));
        let six = "1764000000.129 1 ::1 TCP_MISS/200 7 CONNECT [2001:db8::1]:443 - HIER_NONE/- -";
        assert_eq!(host(six), Some(&b"[2001:db8::1]"[..]));
        let answer = |code: &str| {
            let line = format!("1.2 1 a {code} 1 CONNECT h:443 - HIER_NONE/- -");
            parse(line.as_bytes()).unwrap().status
        };
        assert_eq!(answer("TCP_DENIED/407"), Some(407));
        assert_eq!(answer("NONE_NONE/000"), None);
        assert_eq!(answer("TCP_TUNNEL/-"), None);
        for bad in [
            "",
            "hello",
            "1764000000 1 a b/c 1 GET h -",
            "1.2 x a b/c 1 GET h -",
            "1.2 1 a bc 1 GET h -",
            "1.2 1 a b/c -1 GET h -",
            "1.2 1 a b/c 99999999999999999999 GET h -",
            "1.2 1 a b/c 1 GET",
            "1.2 1 a b/c 1 GET / -",
            "1.2 1 a b/c 1 GET h",
            ". 1 a b/c 1 GET h -",
            ".123 1 a b/c 1 GET h -",
        ] {
            assert_eq!(host(bad), None, "{bad}");
        }
    }
}
