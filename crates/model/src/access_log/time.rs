//! Times as proxies write them.

use jiff::fmt::strtime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// When a request was logged, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time<'a> {
    /// The log does not say.
    Absent,
    /// In one column.
    Whole(&'a [u8]),
    /// Date and time of day apart, as W3C's format has them, in UTC.
    Parts(&'a [u8], &'a [u8]),
}

impl Time<'_> {
    /// The instant. What names no zone is UTC.
    #[must_use]
    pub fn timestamp(self) -> Option<Timestamp> {
        match self {
            Self::Absent => None,
            Self::Whole(text) => whole(text),
            Self::Parts(date, time) => joined(date, time)
                .or_else(|| stamp(time))
                .or_else(|| stamp(date)),
        }
    }
}

fn joined(date: &[u8], time: &[u8]) -> Option<Timestamp> {
    let mut text = [b' '; 40];
    let length = date.len() + 1 + time.len();
    text.get_mut(..date.len())?.copy_from_slice(date);
    text.get_mut(date.len() + 1..length)?.copy_from_slice(time);
    whole(&text[..length])
}

/// One of the two that holds both; seconds since 1970 have ten digits too.
fn stamp(text: &[u8]) -> Option<Timestamp> {
    whole(text).filter(|_| text.len() >= 10)
}

fn whole(text: &[u8]) -> Option<Timestamp> {
    if let Some(time) = epoch(text) {
        return Some(time);
    }
    let text = std::str::from_utf8(text).ok()?;
    let text = text.trim_matches(['[', ']']);
    text.parse().ok().or_else(|| {
        // The common log format's, and that of Apache's `%t`.
        let zoned = strtime::parse("%d/%b/%Y:%H:%M:%S %z", text);
        zoned
            .and_then(|time| time.to_timestamp())
            .ok()
            .or_else(|| zoneless(text))
    })
}

/// Seconds since 1970 with or without a fraction, or milliseconds.
fn epoch(text: &[u8]) -> Option<Timestamp> {
    // Seconds do not reach this for three thousand years.
    const MILLISECONDS_FROM: i64 = 100_000_000_000;
    let (mut number, mut fraction, mut scale) = (0_i64, 0_i32, 0_u32);
    let mut digits = text.iter();
    for byte in digits.by_ref() {
        match byte {
            b'0'..=b'9' => {
                number = number
                    .checked_mul(10)?
                    .checked_add(i64::from(byte - b'0'))?;
            }
            b'.' => {
                scale = 100_000_000;
                break;
            }
            _ => return None,
        }
    }
    for byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        fraction += i32::from(byte - b'0') * i32::try_from(scale).ok()?;
        scale /= 10;
    }
    if text.is_empty() || text[0] == b'.' {
        return None;
    }
    if number < MILLISECONDS_FROM {
        Timestamp::new(number, fraction).ok()
    } else {
        Timestamp::UNIX_EPOCH
            .checked_add(SignedDuration::from_millis(number))
            .ok()
    }
}

fn zoneless(text: &str) -> Option<Timestamp> {
    let civil: jiff::civil::DateTime = text.parse().ok().or_else(|| {
        // Zscaler's `%s{time}`: `Mon Jun 20 15:29:11 2022`.
        let time = strtime::parse("%a %b %e %H:%M:%S %Y", text);
        time.and_then(|time| time.to_datetime()).ok()
    })?;
    Offset::UTC.to_timestamp(civil).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notation_names_the_same_instant() {
        let expected: Timestamp = "2026-11-26T02:37:36Z".parse().unwrap();
        for text in [
            "1795660656",
            "1795660656.000",
            "1795660656000",
            "26/Nov/2026:11:37:36 +0900",
            "[26/Nov/2026:11:37:36 +0900]",
            "2026-11-26T02:37:36Z",
            "2026-11-26T11:37:36+09:00",
            "2026-11-26 02:37:36",
            "Thu Nov 26 02:37:36 2026",
        ] {
            let time = Time::Whole(text.as_bytes()).timestamp();
            assert_eq!(time, Some(expected), "{text}");
        }
        for (date, time) in [
            ("2026-11-26", "02:37:36"),
            ("2026-11-26", "02:37:36Z"),
            ("2026-11-26", "11:37:36+09:00"),
            ("2026-11-26", "2026-11-26T02:37:36Z"),
            ("2026-11-26", "1795660656.000"),
            ("2026-11-26 02:37:36", "-"),
        ] {
            let parts = Time::Parts(date.as_bytes(), time.as_bytes());
            assert_eq!(parts.timestamp(), Some(expected), "{date} and {time}");
        }
        let fraction = Time::Whole(b"1795660656.129").timestamp().unwrap();
        assert_eq!(fraction.as_millisecond(), 1_795_660_656_129);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "-", ".5", "1.x", "99999999999999999999", "yesterday"] {
            assert_eq!(Time::Whole(text.as_bytes()).timestamp(), None, "{text}");
        }
        let long = [b'1'; 60];
        assert_eq!(Time::Parts(&long, &long).timestamp(), None);
        assert_eq!(Time::Parts(b"", b"").timestamp(), None);
        // No second of 1970.
        assert_eq!(Time::Parts(b"26.11.2026", b"023736").timestamp(), None);
    }
}
