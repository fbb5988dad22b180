//! Times as Azure writes them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};

/// Reads a time; `None` where there is none.
///
/// Seven digits of fraction occur, the zone may be missing (then it is UTC), and
/// `0001-01-01T00:00:00` means *not yet*: recordings of `backupOperations`.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time).filter(is_set);
    }
    let without_zone: DateTime = text.parse().ok()?;
    let time = TimeZone::UTC.to_timestamp(without_zone).ok()?;
    Some(time).filter(is_set)
}

/// Reads the date of an HTTP header, as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn read_http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// A field that may be missing, null, or no time at all.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.as_deref().and_then(read))
}

fn is_set(time: &Timestamp) -> bool {
    // The year 1, as .NET's `DateTime.MinValue`; nothing in Azure is older than 1970.
    time.as_second() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azures_times_are_read() {
        for (text, expected) in [
            (
                "2024-04-22T05:30:28.3775232Z",
                Some("2024-04-22T05:30:28.3775232Z"),
            ),
            ("2024-04-22T05:30:28", Some("2024-04-22T05:30:28Z")),
            (
                "2024-04-22T05:30:28.3775232",
                Some("2024-04-22T05:30:28.3775232Z"),
            ),
            ("0001-01-01T00:00:00", None),
            ("0001-01-01T00:00:00Z", None),
            ("soon", None),
        ] {
            assert_eq!(
                read(text).map(|time| time.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
        assert_eq!(
            read_http_date("Sun, 06 Nov 1994 08:49:37 GMT").map(Timestamp::as_second),
            Some(784_111_777)
        );
    }
}
