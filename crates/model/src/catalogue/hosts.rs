//! Which endpoint a host belongs to, asked for every line of a log.

use super::Endpoint;

/// Endpoints by the ends of their names. Asking allocates nothing, and almost
/// every host that belongs to none is told by its last eight bytes.
#[derive(Clone, Debug)]
pub struct HostIndex<'c> {
    /// By slot of the last eight bytes; the longest name of a slot first.
    slots: Vec<Vec<&'c Endpoint>>,
    /// Names too short for that.
    short: Vec<&'c Endpoint>,
}

/// Few enough to stay in a core's cache beside the log.
const SLOT_BITS: u32 = 8;

impl<'c> HostIndex<'c> {
    /// An index of these endpoints.
    pub fn new(endpoints: impl IntoIterator<Item = &'c Endpoint>) -> Self {
        let mut slots = vec![Vec::new(); 1 << SLOT_BITS];
        let mut short = Vec::new();
        for endpoint in endpoints {
            match slot(name(endpoint)) {
                Some(slot) => slots[slot].push(endpoint),
                None => short.push(endpoint),
            }
        }
        for endpoints in slots.iter_mut().chain([&mut short]) {
            endpoints.sort_by_key(|endpoint| std::cmp::Reverse(name(endpoint).len()));
        }
        Self { slots, short }
    }

    /// The endpoint that a host belongs to; the narrowest pattern decides.
    /// Letter case and one trailing dot do not matter.
    #[must_use]
    pub fn endpoint_of(&self, host: &[u8]) -> Option<&'c Endpoint> {
        let host = match host {
            [host @ .., b'.'] => host,
            _ => host,
        };
        let slot = slot(host).map_or(&[][..], |slot| &self.slots[slot]);
        let mut candidates = slot.iter().chain(&self.short);
        candidates.find(|endpoint| covers(endpoint, host)).copied()
    }
}

/// What a host must end with, or be.
fn name(endpoint: &Endpoint) -> &[u8] {
    let pattern = endpoint.pattern.as_bytes();
    pattern.strip_prefix(b"*").unwrap_or(pattern)
}

fn covers(endpoint: &Endpoint, host: &[u8]) -> bool {
    let name = name(endpoint);
    let is_pattern = endpoint.pattern.len() > name.len();
    match host.len().checked_sub(name.len()) {
        None => false,
        Some(0) => !is_pattern && host.eq_ignore_ascii_case(name),
        Some(before) => is_pattern && host[before..].eq_ignore_ascii_case(name),
    }
}

/// Where names with this end are kept; `None` for one of less than eight bytes.
fn slot(text: &[u8]) -> Option<usize> {
    // Lower case, and the same for every name whatever its letters' case.
    const CASE: u64 = 0x2020_2020_2020_2020;
    // Spreads what differs in few bits over the upper ones (2^64 / φ).
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    let end = u64::from_le_bytes(*text.last_chunk()?) | CASE;
    usize::try_from(end.wrapping_mul(SPREAD) >> (u64::BITS - SLOT_BITS)).ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Catalogue, Cloud};
    use super::*;

    #[test]
    fn agrees_with_the_catalogue_on_every_name_and_near_miss() {
        for cloud in Cloud::ALL {
            let catalogue = Catalogue::of(*cloud);
            let index = HostIndex::new(catalogue.endpoints());
            for endpoint in catalogue.endpoints() {
                let name = endpoint.pattern.trim_start_matches("*.");
                for host in [
                    name.to_owned(),
                    name.to_ascii_uppercase(),
                    format!("{name}."),
                    format!("{name}.."),
                    format!("a.{name}"),
                    format!("A.b.{}.", name.to_ascii_uppercase()),
                    format!("a{name}"),
                    format!(".{name}"),
                    format!("{name}.example"),
                    name[1..].to_owned(),
                    String::new(),
                ] {
                    let found = index.endpoint_of(host.as_bytes());
                    let found = found.map(|endpoint| endpoint.service);
                    assert_eq!(found, catalogue.service_of(&host), "{host}");
                }
            }
        }
    }
}
