//! Read proxy logs and name the catalogue's traffic in them.
//!
//! Parsing a line and classifying a name are the model's; this crate streams.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use sidestep_model::access_log;
use sidestep_model::catalogue::{Catalogue, Service};

/// What a log holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Lines read.
    pub lines: u64,
    /// Lines that are not of squid's native format.
    pub malformed: u64,
    /// The catalogue's names that crossed the proxy.
    pub crossings: BTreeMap<String, Crossing>,
}

impl Audit {
    /// Requests for Backup and Storage.
    #[must_use]
    pub fn protected(&self) -> u64 {
        self.crossings
            .values()
            .filter(|crossing| crossing.service.is_protected())
            .map(|crossing| crossing.connections)
            .sum()
    }
}

/// One name of the catalogue that crossed the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Its service.
    pub service: Service,
    /// Requests for it.
    pub connections: u64,
    /// Bytes that the proxy sent back.
    pub bytes: u64,
}

/// Reads a log in squid's native format, line by line.
pub fn audit(log: impl BufRead, catalogue: &Catalogue) -> io::Result<Audit> {
    let mut audit = Audit::default();
    for line in log.split(b'\n') {
        let line = line?;
        if line.is_empty() {
            continue;
        }
        audit.lines += 1;
        let Some(request) = std::str::from_utf8(&line)
            .ok()
            .and_then(access_log::parse_squid)
        else {
            audit.malformed += 1;
            continue;
        };
        let Some(service) = catalogue.service_of(request.host) else {
            continue;
        };
        let crossing = audit
            .crossings
            .entry(request.host.to_ascii_lowercase())
            .or_insert(Crossing {
                service,
                connections: 0,
                bytes: 0,
            });
        crossing.connections += 1;
        crossing.bytes += request.bytes;
    }
    Ok(audit)
}

#[cfg(test)]
mod tests {
    use sidestep_model::catalogue::Cloud;

    use super::*;

    #[test]
    fn names_what_crossed_and_counts_what_it_cannot_read() {
        let log = "\
1.5 3 10.1.0.10 TCP_TUNNEL/200 100 CONNECT A.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -
1.6 3 10.1.0.10 TCP_TUNNEL/200 11 CONNECT a.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -
1.7 3 10.1.0.10 TCP_TUNNEL/200 9 CONNECT login.microsoftonline.com:443 - HIER_DIRECT/203.0.113.1 -
not a line

1.8 3 10.1.0.10 TCP_MISS/200 9 GET http://wsus.corp.example/x - HIER_DIRECT/10.9.9.9 -
";
        let audit = audit(log.as_bytes(), Catalogue::of(Cloud::AzureCloud)).unwrap();
        assert_eq!((audit.lines, audit.malformed), (5, 1));
        let crossing = |service, connections, bytes| Crossing {
            service,
            connections,
            bytes,
        };
        let expected = [
            (
                "a.blob.core.windows.net".to_owned(),
                crossing(Service::Blob, 2, 111),
            ),
            (
                "login.microsoftonline.com".to_owned(),
                crossing(Service::Entra, 1, 9),
            ),
        ];
        assert_eq!(audit.crossings, BTreeMap::from(expected));
        assert_eq!(audit.protected(), 2);
    }
}
