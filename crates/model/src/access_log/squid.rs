//! Squid's native format.

use memchr::{memchr, memrchr};

use super::places::BLOCK;
use super::target::{host_of, name_end};
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

/// The host of a line that is written as squid writes almost all: [`parse`] reads
/// it, and finds this host. `blanks` has a bit for each blank among the first bytes
/// of the line and of what follows it.
///
/// Every line goes through here, so that nothing is read that another look at a
/// line of interest reads, and numbers are looked at eight digits at once.
#[inline]
pub(super) fn glance(line: &[u8], blanks: [u64; 2]) -> Option<&[u8]> {
    // A field ends at the first of the blanks behind it.
    let ends = [
        blanks[0] & !(blanks[0] << 1),
        blanks[1] & !(blanks[1] << 1 | blanks[0] >> (BLOCK - 1)),
    ];
    let [time, elapsed, client, code, count] = lowest(ends[0]);
    if count == BLOCK {
        return None;
    }
    let behind = ends[0] >> count >> 1 | ends[1] << (BLOCK - 1 - count);
    let [method, url] = lowest(behind);
    // Where there is no bit left, nothing is known of what lies beyond.
    let end_of = |place| {
        let end = count + 1 + place;
        (place < BLOCK && line.get(end) == Some(&b' ')).then_some(end)
    };
    let method = end_of(method)?;
    // Seconds have ten digits until 2286.
    let is_time = time == "1764000000.129".len()
        && line[time - ".129".len()] == b'.'
        && are_digits(word(line, "17640000".len())?, 8)
        && are_digits(word(line, time)? ^ DOT_AS_DIGIT, 8);
    let is_elapsed = is_aligned_number(line, time + 1, elapsed);
    let is_count = is_aligned_number(line, code + 1, count);
    let has_status = code - client > "/200".len() + 1 && line[code - "/200".len()] == b'/';
    if !(is_time && is_elapsed && is_count && has_status) {
        return None;
    }
    let target = &line[method + 1..];
    let is_url = target.starts_with(b"http://");
    let target = &target[if is_url { "http://".len() } else { 0 }..];
    let (host, rest) = target.split_at(name_end(target));
    // Something has to follow the URL: a line that ends in it was cut.
    let behind = *rest.first()?;
    let is_whole = if is_url {
        matches!(behind, b'/' | b'?' | b'#' | b' ') && memchr(b' ', rest).is_some()
    } else {
        let port = line.len() - rest.len() + 1;
        behind == b':' && end_of(url).is_some_and(|url| is_aligned_number(line, port, url))
    };
    (is_whole && !host.is_empty()).then_some(host)
}

/// The places of the lowest bits; those of a block's end where there are less.
#[inline]
fn lowest<const N: usize>(mut bits: u64) -> [usize; N] {
    std::array::from_fn(|_| {
        let place = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        place
    })
}

/// Whether these are up to eight bytes, and a number that is aligned with blanks.
#[inline]
fn is_aligned_number(bytes: &[u8], start: usize, end: usize) -> bool {
    let length = end - start;
    let Some(word) = word(bytes, end).filter(|_| matches!(length, 1..=8)) else {
        return false;
    };
    let others_than_blanks = (word ^ (BYTES * u64::from(b' '))) >> (8 * (8 - length));
    let blanks = others_than_blanks.trailing_zeros() as usize / 8;
    blanks < length && are_digits(word, length - blanks)
}

/// The eight bytes before a place, the last one as the highest.
#[inline]
fn word(bytes: &[u8], end: usize) -> Option<u64> {
    let word = bytes.get(..end)?.last_chunk()?;
    Some(u64::from_le_bytes(*word))
}

/// Whether the last bytes of a word, one to eight, are digits.
#[inline]
fn are_digits(word: u64, count: usize) -> bool {
    let last = u64::MAX << (8 * (8 - count));
    let (word, rows, digits) = (word & last, (BYTES * 0xf0) & last, (BYTES * 0x30) & last);
    // Six more than a digit is still in the digits' row of sixteen, six more than `:` is not.
    word & rows == digits && word.wrapping_add((BYTES * 6) & last) & rows == digits
}

/// Makes a digit of the dot in `00.129`, eight bytes before the end of a time.
const DOT_AS_DIGIT: u64 = ((b'.' ^ b'0') as u64) << 32;

/// One in each byte.
const BYTES: u64 = 0x0101_0101_0101_0101;

/// The next field; fields are aligned with blanks.
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let text = &rest[blanks..];
    let end = memchr(b' ', text).unwrap_or(text.len());
    *rest = &text[end..];
    (end > 0).then(|| &text[..end])
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
    fn digits_are_told_from_their_neighbours() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut text = *b"01928374";
                text[at] = byte;
                for count in 1..=8 {
                    let expected = text[8 - count..].iter().all(u8::is_ascii_digit);
                    let found = are_digits(u64::from_le_bytes(text), count);
                    assert_eq!(found, expected, "the last {count} of {text:?}");
                }
            }
        }
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
