//! Ids and times as Azure writes them.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::storage::hex;

/// What Azure gives where a time is not there yet; it has no zone.
pub(super) const NEVER: &str = "0001-01-01T00:00:00";

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// A GUID that is the same for the same seed.
pub(crate) fn guid(seed: &str) -> String {
    let text = hex(&Sha256::digest(seed.as_bytes()));
    let part = |from, to| text.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-4{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// Seven digits of a second, as the services behind Azure Backup write it.
pub(super) fn timestamp(at: Timestamp) -> String {
    // A hundred nanoseconds are the clock's step there.
    let ticks = at.subsec_nanosecond().unsigned_abs() / 100;
    format!("{}.{ticks:07}Z", at.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// A span as Azure writes it, `PT1M12.027365S`.
pub(super) fn duration(from: Timestamp, to: Timestamp) -> String {
    let span = to.duration_since(from);
    let seconds = span.as_secs().max(0);
    let micros = span.subsec_micros().max(0);
    match seconds / 60 {
        0 => format!("PT{seconds}.{micros:06}S"),
        minutes => format!("PT{minutes}M{}.{micros:06}S", seconds % 60),
    }
}

/// Base64 with padding (RFC 4648 §4).
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().chain([&0, &0]).take(3);
        let word = word.fold(0, |word, byte| word << 8 | usize::from(*byte));
        for place in 0..4 {
            let sign = BASE64.get(word >> (18 - 6 * place) & 63).copied();
            let sign = sign.filter(|_| place <= three.len());
            text.push(char::from(sign.unwrap_or(b'=')));
        }
    }
    text
}

/// What Azure appends to the addresses of operations: `t`, a certificate `c`,
/// a signature `s` and a hash `h`, about three thousand characters together.
pub(super) fn signature(id: &str, at: Timestamp) -> String {
    let long = |kind: &str, parts: usize| -> String {
        (0..parts)
            .map(|part| {
                let bytes = Sha256::digest(format!("{kind}{id}{part}").as_bytes());
                base64(&bytes)
                    .replace('+', "-")
                    .replace('/', "_")
                    .replace('=', "")
            })
            .collect()
    };
    // .NET's ticks, as in the recordings.
    let ticks = at.as_microsecond() * 10 + 621_355_968_000_000_000;
    format!(
        "t={ticks}&c=MII{}&s={}&h={}",
        long("c", 54),
        long("s", 8),
        long("h", 1)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        let texts = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }

    #[test]
    fn times_have_seven_digits() {
        let at: Timestamp = "2024-04-22T05:30:28.3775232Z".parse().unwrap();
        assert_eq!(timestamp(at), "2024-04-22T05:30:28.3775232Z");
        let later: Timestamp = "2024-04-22T05:31:40.4048882Z".parse().unwrap();
        assert_eq!(duration(at, later), "PT1M12.027365S");
    }

    #[test]
    fn a_guid_has_its_shape_and_is_the_same_again() {
        let lengths: Vec<usize> = guid("a").split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(guid("a"), guid("a"));
        assert_ne!(guid("a"), guid("b"));
    }
}
