//! Patterns of addresses, and the ranges that are published.

use std::net::Ipv4Addr;

use super::Rule;
use crate::catalogue::Catalogue;

/// Whether an entry is an address pattern: digits, dots and wildcards alone,
/// with at least one digit and a wildcard.
pub(super) fn is_pattern(host: &str) -> bool {
    let is_made = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'*');
    host.bytes().all(is_made)
        && host.contains('*')
        && host.bytes().any(|byte| byte.is_ascii_digit())
}

/// What a pattern such as `40.126.*` does to the published IPv4 ranges: text is
/// compared, so that only whole numbers between dots can be held to.
pub(super) fn against_ranges(host: &str, catalogue: &'static Catalogue) -> Vec<Rule> {
    let Some((low, high)) = bounds(host) else {
        return Vec::new();
    };
    let mut rules = Vec::new();
    for range in catalogue
        .addresses()
        .iter()
        .flat_map(|published| &published.ranges)
    {
        let Some((first, last)) = cidr(range) else {
            continue;
        };
        if low > last || high < first {
            continue;
        }
        if low > first || high < last {
            rules.push(Rule::NarrowerThanRange { range });
        }
        if low < first || high > last {
            rules.push(Rule::WiderThanRange { range });
        }
    }
    rules
}

/// First and last address of `a.*`, `a.b.*`, `a.b.c.*` and their longer forms.
fn bounds(host: &str) -> Option<(u32, u32)> {
    let parts: Vec<&str> = host.split('.').collect();
    let numbers: Vec<u8> = parts.iter().map_while(|part| part.parse().ok()).collect();
    let rest = &parts[numbers.len()..];
    let is_prefix = !numbers.is_empty() && !rest.is_empty() && parts.len() <= 4;
    if !is_prefix || rest.iter().any(|part| *part != "*") {
        return None;
    }
    let with = |fill: u8| {
        let mut octets = [fill; 4];
        octets[..numbers.len()].copy_from_slice(&numbers);
        u32::from(Ipv4Addr::from(octets))
    };
    Some((with(0), with(255)))
}

fn cidr(range: &str) -> Option<(u32, u32)> {
    let (address, length) = range.split_once('/')?;
    let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
    let host_bits = 32_u32.checked_sub(length.parse().ok()?)?;
    let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
    Some((address & mask, address | !mask))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Cloud;

    #[test]
    fn the_articles_two_patterns_have_the_wrong_width() {
        let public = Catalogue::of(Cloud::AzureCloud);
        let range = "20.190.128.0/18";
        assert_eq!(
            against_ranges("20.190.128.*", public),
            [Rule::NarrowerThanRange { range }]
        );
        let range = "40.126.0.0/18";
        assert_eq!(
            against_ranges("40.126.*", public),
            [Rule::WiderThanRange { range }]
        );
        for other in ["10.*", "192.168.*.*", "20.190.1*", "1.2.3.4.*"] {
            assert_eq!(against_ranges(other, public), [], "{other}");
        }
        assert!(is_pattern("40.126.*") && !is_pattern("*.a") && !is_pattern("*"));
    }
}
