//! What one thread counts.

use std::collections::{BTreeMap, HashMap};

use memchr::memchr;
use sidestep_model::access_log::{Layout, Line, Request, shape};
use sidestep_model::catalogue::{HostIndex, Service};

use crate::crossing::{Audit, Crossing, MOST_SAMPLES, Sample, Totals};
use crate::source::Chunk;

/// As wide as a sample is shown.
const SAMPLE_WIDTH: usize = 120;

/// The longest name that DNS allows; who asks has no longer one either.
const LONGEST_NAME: usize = 253;

pub(crate) struct Tally<'c> {
    index: &'c HostIndex<'static>,
    most_pairs: usize,
    lines: u64,
    malformed: u64,
    samples: Vec<Sample>,
    /// By host in lower case, a NUL, and client.
    pairs: HashMap<Box<[u8]>, (Service, Totals)>,
    others: BTreeMap<Service, Totals>,
    /// Where a key is put together.
    key: Vec<u8>,
}

impl<'c> Tally<'c> {
    pub(crate) fn new(index: &'c HostIndex<'static>, most_pairs: usize) -> Self {
        Self {
            index,
            most_pairs,
            lines: 0,
            malformed: 0,
            samples: Vec::new(),
            pairs: HashMap::new(),
            others: BTreeMap::new(),
            key: Vec::new(),
        }
    }

    /// Counts the lines of a chunk.
    pub(crate) fn count(&mut self, chunk: &Chunk) {
        let mut layout = chunk.layout.clone();
        let mut rest = chunk.lines();
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            match layout.read(line) {
                Line::Request(request) => {
                    self.lines += 1;
                    self.request(&request);
                }
                Line::Malformed => {
                    self.lines += 1;
                    let offset = chunk.offset_behind() - rest.len() as u64;
                    self.malformed(offset, line);
                }
                Line::Fields => layout = Layout::renamed(line),
                Line::Remark => {}
            }
            rest = rest.get(end + 1..).unwrap_or_default();
        }
    }

    fn malformed(&mut self, offset: u64, line: &[u8]) {
        self.malformed += 1;
        if self.samples.len() < MOST_SAMPLES {
            let shape = shape(line, SAMPLE_WIDTH);
            self.samples.push(Sample { offset, shape });
        }
    }

    #[inline]
    fn request(&mut self, request: &Request<'_>) {
        if let Some(endpoint) = self.index.endpoint_of(request.host) {
            self.crossing(endpoint.service, request);
        }
    }

    fn crossing(&mut self, service: Service, request: &Request<'_>) {
        let host = request.host.strip_suffix(b".").unwrap_or(request.host);
        if host.len() > LONGEST_NAME {
            return;
        }
        let totals = Totals {
            connections: 1,
            bytes: request.bytes,
            seen: request.time.timestamp().map(|time| (time, time)),
        };
        self.key.clear();
        self.key.extend(host.iter().map(u8::to_ascii_lowercase));
        self.key.push(0);
        let client = request.client;
        self.key
            .extend_from_slice(client.get(..LONGEST_NAME).unwrap_or(client));
        if let Some((_, known)) = self.pairs.get_mut(self.key.as_slice()) {
            known.add(&totals);
        } else if self.pairs.len() < self.most_pairs {
            self.pairs
                .insert(self.key.as_slice().into(), (service, totals));
        } else {
            self.others.entry(service).or_default().add(&totals);
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
        }
    }
}
