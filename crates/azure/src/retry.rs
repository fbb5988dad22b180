//! Which requests may be sent again, and when.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

use crate::timestamp::read_http_date;

/// Attempts in all. Microsoft's own clients make as many within their budget.
pub(crate) const ATTEMPTS: u32 = 6;

/// Without a word from Azure, pauses double up to here.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Nobody is told to wait longer: a time beyond the clock's end would not add up.
const LONGEST_NAMED: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether a request may be sent again although the first one may have arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resend {
    /// A read, or a write of the same thing: twice is as good as once.
    Freely,
    /// It starts something each time: only what was surely not accepted is sent again.
    OnlyIfRefused,
}

impl Resend {
    /// Whether to ask again after this status.
    pub(crate) fn after(self, status: u16) -> bool {
        match self {
            Self::Freely => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::OnlyIfRefused => status == 429,
        }
    }
}

/// What `Retry-After` says, in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_NAMED));
    }
    let until = read_http_date(text)?;
    let now = server_time(headers).unwrap_or_else(Timestamp::now);
    let pause = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    Some(pause.min(LONGEST_NAMED))
}

/// The server's clock when it answered.
pub(crate) fn server_time(headers: &HeaderMap) -> Option<Timestamp> {
    read_http_date(headers.get(DATE)?.to_str().ok()?)
}

/// How long to wait before attempt `next` (the second is 1).
pub(crate) fn pause(named: Option<Duration>, next: u32, floor: Duration) -> Duration {
    let doubled = floor.saturating_mul(2u32.saturating_pow(next.saturating_sub(1)));
    named
        .unwrap_or_else(|| doubled.min(LONGEST_PAUSE))
        .max(floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name = reqwest::header::HeaderName::try_from(*name).unwrap();
            (name, (*value).try_into().unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn both_forms_of_retry_after_are_read() {
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        for (text, expected) in [
            ("17", Some(17)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("18446744073709551615", Some(LONGEST_NAMED.as_secs())),
        ] {
            let headers = headers(&[("date", date), ("retry-after", text)]);
            assert_eq!(
                retry_after(&headers),
                expected.map(Duration::from_secs),
                "{text}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn pauses_double_and_never_fall_below_the_floor() {
        let floor = Duration::from_millis(10);
        let doubled: Vec<u128> = (1..4)
            .map(|next| pause(None, next, floor).as_millis())
            .collect();
        assert_eq!(doubled, [10, 20, 40]);
        assert_eq!(pause(Some(Duration::ZERO), 3, floor), floor);
        assert_eq!(pause(None, 60, Duration::from_secs(1)), LONGEST_PAUSE);
    }
}
