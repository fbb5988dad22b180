//! What a log holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sidestep_model::access_log::shape;
use sidestep_model::catalogue::Service;

/// Pairs of host and client that are counted apart: so many of Backup and
/// Storage, and as many of all else, which thus never crowds those out. With the
/// longest names that DNS allows they take some 15 MB.
pub const MOST_PAIRS: usize = 10_000;

/// How many pairs may still be counted apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    protected: usize,
    other: usize,
}

impl Room {
    pub(crate) fn new(most_pairs: usize) -> Self {
        Self {
            protected: most_pairs,
            other: most_pairs,
        }
    }

    /// Takes a place; false where none is left.
    pub(crate) fn take(&mut self, service: Service) -> bool {
        let left = if service.is_protected() {
            &mut self.protected
        } else {
            &mut self.other
        };
        let has_room = *left > 0;
        *left = left.saturating_sub(1);
        has_room
    }
}

/// Lines that are shown of those that could not be read.
pub const MOST_SAMPLES: usize = 5;

/// As wide as a sample is shown.
const SAMPLE_WIDTH: usize = 120;

/// What one log, or several, hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Lines that hold a request, or should.
    pub lines: u64,
    /// Lines among them that are not of the log's format.
    pub malformed: u64,
    /// The first of those.
    pub samples: Vec<Sample>,
    /// Bytes, after decompression.
    pub bytes_read: u64,
    /// The catalogue's names that crossed the proxy, by host and client.
    pub crossings: Vec<Crossing>,
    /// What came when [`MOST_PAIRS`] were counted apart already.
    pub others: BTreeMap<Service, Totals>,
    /// Requests that the proxy answered by asking who is there (407). Whoever
    /// answers asks again, so that these are counted nowhere else.
    pub challenged: BTreeMap<Service, u64>,
}

impl Audit {
    /// Requests for Backup and Storage.
    #[must_use]
    pub fn protected(&self) -> u64 {
        let apart = self.crossings.iter();
        let apart = apart.map(|crossing| (crossing.service, crossing.totals));
        let others = self
            .others
            .iter()
            .map(|(service, totals)| (*service, *totals));
        apart
            .chain(others)
            .filter(|(service, _)| service.is_protected())
            .map(|(_, totals)| totals.connections)
            .sum()
    }

    /// What crossed by host, whoever asked.
    #[must_use]
    pub fn by_host(&self) -> BTreeMap<&str, (Service, Totals)> {
        let mut hosts = BTreeMap::new();
        for crossing in &self.crossings {
            let fresh = (crossing.service, Totals::default());
            let (_, totals) = hosts.entry(crossing.host.as_str()).or_insert(fresh);
            totals.add(&crossing.totals);
        }
        hosts
    }

    /// Adds what another log holds, within the same bounds.
    pub fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.malformed += other.malformed;
        self.bytes_read += other.bytes_read;
        self.samples.extend(other.samples);
        self.samples.truncate(MOST_SAMPLES);
        for (service, totals) in other.others {
            self.others.entry(service).or_default().add(&totals);
        }
        for (service, requests) in other.challenged {
            *self.challenged.entry(service).or_default() += requests;
        }
        let mut room = Room::new(MOST_PAIRS);
        for known in &self.crossings {
            room.take(known.service);
        }
        // Both are sorted by host and client.
        let before = self.crossings.len();
        for crossing in other.crossings {
            let key = |known: &Crossing| known.key().cmp(&crossing.key());
            match self.crossings[..before].binary_search_by(key) {
                Ok(known) => self.crossings[known].totals.add(&crossing.totals),
                Err(_) if room.take(crossing.service) => self.crossings.push(crossing),
                Err(_) => {
                    let others = self.others.entry(crossing.service).or_default();
                    others.add(&crossing.totals);
                }
            }
        }
        self.crossings
            .sort_by(|left, right| left.key().cmp(&right.key()));
    }
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// Where it begins in its log, in bytes after decompression.
    pub offset: u64,
    /// What it looks like: [`sidestep_model::access_log::shape`].
    pub shape: String,
}

impl Sample {
    /// Of a line that begins at `offset`, or of its beginning.
    pub(crate) fn new(offset: u64, line: &[u8]) -> Self {
        let shape = shape(line, SAMPLE_WIDTH);
        Self { offset, shape }
    }
}

/// One name of the catalogue that a client reached by the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The name, in lower case, with the dot at its end if it was asked for with one.
    pub host: String,
    /// Who asked; empty where the log does not say.
    pub client: String,
    /// What the name belongs to.
    pub service: Service,
    /// How often, how much and when.
    pub totals: Totals,
}

impl Crossing {
    fn key(&self) -> (&str, &str) {
        (&self.host, &self.client)
    }
}

/// How often, how much and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests.
    pub connections: u64,
    /// Bytes that the proxy sent back.
    pub bytes: u64,
    /// The first and the last that says when it was.
    pub seen: Option<(Timestamp, Timestamp)>,
}

impl Totals {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.seen = match (self.seen, other.seen) {
            (Some((first, last)), Some((from, until))) => Some((first.min(from), last.max(until))),
            (known, None) | (None, known) => known,
        };
    }
}
