//! Read proxy logs and name the protected traffic in them.
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
    /// Backup and Storage names that crossed the proxy, by name.
    pub leaks: BTreeMap<String, Leak>,
}

/// One protected name that crossed the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leak {
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
        let service = catalogue.service_of(request.host);
        let Some(service) = service.filter(|service| service.is_protected()) else {
            continue;
        };
        let leak = audit
            .leaks
            .entry(request.host.to_ascii_lowercase())
            .or_insert(Leak {
                service,
                connections: 0,
                bytes: 0,
            });
        leak.connections += 1;
        leak.bytes += request.bytes;
    }
    Ok(audit)
}

#[cfg(test)]
mod tests {
    use sidestep_model::catalogue::Cloud;

    use super::*;

    #[test]
    fn names_what_leaked_and_counts_what_it_cannot_read() {
        let log = "\
1.5 3 10.1.0.10 TCP_TUNNEL/200 100 CONNECT A.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -
1.6 3 10.1.0.10 TCP_TUNNEL/200 11 CONNECT a.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -
1.7 3 10.1.0.10 TCP_TUNNEL/200 9 CONNECT login.microsoftonline.com:443 - HIER_DIRECT/203.0.113.1 -
not a line

1.8 3 10.1.0.10 TCP_MISS/200 9 GET http://wsus.corp.example/x - HIER_DIRECT/10.9.9.9 -
";
        let audit = audit(log.as_bytes(), Catalogue::of(Cloud::AzureCloud)).unwrap();
        assert_eq!((audit.lines, audit.malformed), (5, 1));
        let leak = Leak {
            service: Service::Blob,
            connections: 2,
            bytes: 111,
        };
        let expected = [("a.blob.core.windows.net".to_owned(), leak)];
        assert_eq!(audit.leaks, BTreeMap::from(expected));
    }
}
