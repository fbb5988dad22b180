//! What threads count.

use std::collections::{BTreeMap, HashMap};
use std::mem;

use memchr::{memchr, memrchr};
use sidestep_model::access_log::{Line, Request};
use sidestep_model::catalogue::{HostIndex, Service};

use crate::crossing::{Audit, Crossing, MOST_PAIRS, MOST_SAMPLES, Room, Sample, Totals};
use crate::source::Chunk;

/// The longest name that DNS allows; who asks has no longer one either.
const LONGEST_NAME: usize = 253;

/// RFC 9110, 15.5.8.
const PROXY_AUTHENTICATION_REQUIRED: u16 = 407;

/// Requests counted: those of one chunk, or of all.
pub(crate) struct Tally {
    lines: u64,
    malformed: u64,
    samples: Vec<Sample>,
    /// By host in lower case, a NUL, and client.
    pairs: HashMap<Box<[u8]>, (Service, Totals)>,
    others: BTreeMap<Service, Totals>,
    challenged: BTreeMap<Service, u64>,
    room: Room,
    /// Where a key is put together.
    key: Vec<u8>,
}

impl Tally {
    /// With so many pairs counted apart.
    pub(crate) fn new(most_pairs: usize) -> Self {
        Self {
            lines: 0,
            malformed: 0,
            samples: Vec::new(),
            pairs: HashMap::new(),
            others: BTreeMap::new(),
            challenged: BTreeMap::new(),
            room: Room::new(most_pairs),
            key: Vec::new(),
        }
    }

    /// Counts the lines of a chunk.
    pub(crate) fn count(&mut self, chunk: &Chunk, index: &HostIndex<'static>) {
        let mut layout = chunk.layout.clone();
        for glance in chunk.layout.lines(chunk.lines()) {
            // Almost every line is a request for a name that nobody asks about.
            if let Some(host) = glance.host
                && index.endpoint_of(host).is_none()
            {
                self.lines += 1;
                continue;
            }
            match layout.read(glance.line) {
                Line::Request(request) if self.request(&request, index) => self.lines += 1,
                Line::Request(_) | Line::Malformed => {
                    self.lines += 1;
                    self.malformed(chunk.offset() + glance.offset as u64, glance.line);
                }
                Line::Fields => layout = layout.renamed(glance.line),
                Line::Remark => {}
            }
        }
    }

    /// Whether it holds about as much as one thread should.
    pub(crate) fn is_large(&self) -> bool {
        self.pairs.len() >= MOST_PAIRS / 10
    }

    /// Adds what another tally holds, which is empty then.
    pub(crate) fn absorb(&mut self, other: &mut Self) {
        self.lines += mem::take(&mut other.lines);
        self.malformed += mem::take(&mut other.malformed);
        // Chunks do not come in their order.
        self.samples.append(&mut other.samples);
        self.samples.sort();
        self.samples.truncate(MOST_SAMPLES);
        for (key, (service, totals)) in other.pairs.drain() {
            self.add(&key, service, &totals);
        }
        for (service, totals) in mem::take(&mut other.others) {
            self.others.entry(service).or_default().add(&totals);
        }
        for (service, requests) in mem::take(&mut other.challenged) {
            *self.challenged.entry(service).or_default() += requests;
        }
    }

    /// Adds lines that were too long to be read.
    pub(crate) fn overlong(&mut self, lines: u64, samples: Vec<Sample>) {
        let mut overlong = Self::new(0);
        overlong.lines = lines;
        overlong.malformed = lines;
        overlong.samples = samples;
        self.absorb(&mut overlong);
    }

    fn malformed(&mut self, offset: u64, line: &[u8]) {
        self.malformed += 1;
        if self.samples.len() < MOST_SAMPLES {
            self.samples.push(Sample::new(offset, line));
        }
    }

    /// Counts a request; false where what it asks for is no name after all.
    #[inline]
    fn request(&mut self, request: &Request<'_>, index: &HostIndex<'static>) -> bool {
        match index.endpoint_of(request.host) {
            Some(endpoint) => self.crossing(endpoint.service, request),
            None => true,
        }
    }

    fn crossing(&mut self, service: Service, request: &Request<'_>) -> bool {
        let host = request.host;
        let name = host.strip_suffix(b".").unwrap_or(host);
        if name.len() > LONGEST_NAME || !name.iter().copied().all(is_of_a_name) {
            return false;
        }
        if request.status == Some(PROXY_AUTHENTICATION_REQUIRED) {
            *self.challenged.entry(service).or_default() += 1;
            return true;
        }
        let totals = Totals {
            connections: 1,
            bytes: request.bytes,
            seen: request.time.timestamp().map(|time| (time, time)),
        };
        let mut key = mem::take(&mut self.key);
        key.clear();
        key.extend(host.iter().map(u8::to_ascii_lowercase));
        key.push(0);
        key.extend(client(request.client));
        self.add(&key, service, &totals);
        self.key = key;
        true
    }

    fn add(&mut self, key: &[u8], service: Service, totals: &Totals) {
        if let Some((_, known)) = self.pairs.get_mut(key) {
            known.add(totals);
        } else if self.room.take(service) {
            self.pairs.insert(key.into(), (service, *totals));
        } else {
            self.others.entry(service).or_default().add(totals);
        }
    }

    /// What was counted.
    pub(crate) fn audit(self) -> Audit {
        let pairs = self.pairs.into_iter();
        let mut crossings: Vec<Crossing> = pairs
            .map(|(key, (service, totals))| {
                let end = memchr(0, &key).unwrap_or(key.len());
                let client = key.get(end + 1..).unwrap_or_default();
                Crossing {
                    host: String::from_utf8_lossy(&key[..end]).into_owned(),
                    client: String::from_utf8_lossy(client).into_owned(),
                    service,
                    totals,
                }
            })
            .collect();
        crossings
            .sort_by(|left, right| (&left.host, &left.client).cmp(&(&right.host, &right.client)));
        Audit {
            lines: self.lines,
            malformed: self.malformed,
            samples: self.samples,
            bytes_read: 0,
            crossings,
            others: self.others,
            challenged: self.challenged,
        }
    }
}

/// Names with an underscore are none, but people ask for them.
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

/// Who asked, as it can be shown: without a password, which stands between a
/// colon and an `@`, and without what a terminal could obey or a person misread.
fn client(text: &[u8]) -> impl Iterator<Item = u8> {
    let at = memrchr(b'@', text).filter(|at| memchr(b':', &text[..*at]).is_some());
    let text = at.map_or(text, |at| &text[at + 1..]);
    let shown = |byte: &u8| if byte.is_ascii_graphic() { *byte } else { b'?' };
    text.iter().take(LONGEST_NAME).map(shown)
}
