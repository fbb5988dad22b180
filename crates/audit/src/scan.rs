//! A log read by several threads.

use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use sidestep_model::access_log::{Chosen, Format};
use sidestep_model::catalogue::{Catalogue, HostIndex};

use crate::crossing::{Audit, MOST_PAIRS};
use crate::source::{Chunk, Fault, Source, decompressed};
use crate::tally::Tally;

/// How logs are read.
#[derive(Clone, Debug)]
pub struct How {
    index: HostIndex<'static>,
    format: Option<Format>,
    columns: Chosen,
    threads: NonZeroUsize,
    most_pairs: usize,
}

impl How {
    /// For the names of `catalogue`, in one thread, of the format that the first lines tell.
    #[must_use]
    pub fn new(catalogue: &'static Catalogue) -> Self {
        Self {
            index: HostIndex::new(catalogue.endpoints()),
            format: None,
            columns: Chosen::default(),
            threads: NonZeroUsize::MIN,
            most_pairs: MOST_PAIRS,
        }
    }

    /// Of this format, whatever the first lines look like.
    #[must_use]
    pub fn format(mut self, format: Option<Format>) -> Self {
        self.format = format;
        self
    }

    /// With these columns, of CSV, JSON or W3C's format.
    #[must_use]
    pub fn columns(mut self, columns: Chosen) -> Self {
        self.columns = columns;
        self
    }

    /// In so many threads.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// With fewer pairs counted apart.
    #[cfg(test)]
    pub(crate) fn most_pairs(mut self, most_pairs: usize) -> Self {
        self.most_pairs = most_pairs;
        self
    }
}

/// Why a log was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It is compressed, and cannot be read or decompressed.
    #[error("it cannot be decompressed")]
    Compressed(#[source] io::Error),
    /// Its first lines are of no known format.
    #[error("its first lines are of no known format")]
    UnknownFormat,
    /// It is in UTF-16, which no proxy writes, but tools that copied it do.
    #[error("it is written in UTF-16")]
    Utf16,
}

/// Reads a log, compressed with gzip or not.
///
/// The threads take turns at the log, each with one chunk of whole lines, count
/// for themselves, and now and then add it to what all have counted.
pub fn audit(log: impl Read + Send, how: &How) -> Result<Audit, AuditError> {
    let (log, is_compressed) = decompressed(log).map_err(AuditError::Read)?;
    let source = Mutex::new(Source::new(log));
    let whole = Mutex::new(Tally::new(how.most_pairs));
    let work = || work(&source, &whole, how);
    let outcomes: Vec<Result<(), Fault>> = thread::scope(|scope| {
        let others: Vec<_> = (1..how.threads.get()).map(|_| scope.spawn(work)).collect();
        let mut outcomes = vec![work()];
        let joined = others.into_iter().map(ScopedJoinHandle::join);
        outcomes.extend(joined.map(|other| other.unwrap_or_else(|bug| resume_unwind(bug))));
        outcomes
    });
    let outcome: Result<(), Fault> = outcomes.into_iter().collect();
    outcome.map_err(|fault| match fault {
        Fault::Read(error) if is_compressed => AuditError::Compressed(error),
        Fault::Read(error) => AuditError::Read(error),
        Fault::Format => AuditError::UnknownFormat,
        Fault::Utf16 => AuditError::Utf16,
    })?;
    let mut whole = whole.into_inner().unwrap_or_else(PoisonError::into_inner);
    let source = source.into_inner().unwrap_or_else(PoisonError::into_inner);
    whole.overlong(source.overlong, source.samples);
    Ok(Audit {
        bytes_read: source.bytes_read,
        ..whole.audit()
    })
}

fn work(source: &Mutex<Source<impl Read>>, whole: &Mutex<Tally>, how: &How) -> Result<(), Fault> {
    let mut chunk = Chunk::new();
    let mut tally = Tally::new(usize::MAX);
    let absorb = |tally: &mut Tally| {
        let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
        whole.absorb(tally);
    };
    let fill = |chunk: &mut Chunk| {
        let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
        source.fill(chunk, how.format, &how.columns)
    };
    while fill(&mut chunk)? {
        tally.count(&chunk, &how.index);
        if tally.is_large() {
            absorb(&mut tally);
        }
    }
    absorb(&mut tally);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use sidestep_model::catalogue::{Cloud, Service};

    use super::*;
    use crate::crossing::{Sample, Totals};
    use crate::source::CHUNK;

    fn how() -> How {
        How::new(Catalogue::of(Cloud::AzureCloud))
    }

    fn threads(count: usize) -> How {
        how().threads(NonZeroUsize::new(count).unwrap())
    }

    /// A log over several chunks: every third line is of Backup or Storage.
    fn long() -> String {
        let mut log = String::new();
        for line in 0..12_000 {
            let host = match line % 6 {
                0 => "Acct.blob.core.windows.net",
                3 => "pod01.jpe.backup.windowsazure.com",
                _ => "www.example.com",
            };
            let client = line % 7;
            writeln!(
                log,
                "{}.5 3 10.1.0.{client} TCP_TUNNEL/200 {line} CONNECT {host}:443 - HIER_DIRECT/203.0.113.10 -",
                1_764_000_000 + line
            )
            .unwrap();
        }
        assert!(log.len() > 3 * CHUNK);
        log
    }

    #[test]
    fn names_what_crossed_and_counts_what_it_cannot_read() {
        let log = "\
1.5 3 10.1.0.10 TCP_TUNNEL/200 100 CONNECT A.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -
1.6 3 10.1.0.10 TCP_TUNNEL/200 11 CONNECT a.blob.core.windows.net.:443 - HIER_DIRECT/203.0.113.10 -
1.7 3 10.1.0.10 TCP_TUNNEL/200 9 CONNECT login.microsoftonline.com:443 - HIER_DIRECT/203.0.113.1 -
not a line with=geheim1

1.8 3 10.1.0.10 TCP_MISS/200 9 GET http://wsus.corp.example/x - HIER_DIRECT/10.9.9.9 -
";
        let audit = audit(log.as_bytes(), &how()).unwrap();
        assert_eq!((audit.lines, audit.malformed), (5, 1));
        assert_eq!(audit.bytes_read, log.len() as u64);
        assert_eq!(audit.protected(), 2);
        assert_eq!(audit.challenged.len(), 0);
        let offset = log.find("not").unwrap() as u64;
        let shape = "a a a a=a9".to_owned();
        assert_eq!(audit.samples, [Sample { offset, shape }]);
        let totals = |connections, bytes, first: &str, last: &str| Totals {
            connections,
            bytes,
            seen: Some((first.parse().unwrap(), last.parse().unwrap())),
        };
        let [blob, dotted, entra] = &audit.crossings[..] else {
            panic!("{:?}", audit.crossings);
        };
        assert_eq!(
            (&*blob.host, &*blob.client),
            ("a.blob.core.windows.net", "10.1.0.10")
        );
        assert_eq!(blob.service, Service::Blob);
        let first = "1970-01-01T00:00:01.5Z";
        assert_eq!(blob.totals, totals(1, 100, first, first));
        assert_eq!(dotted.host, "a.blob.core.windows.net.");
        let second = "1970-01-01T00:00:01.6Z";
        assert_eq!(dotted.totals, totals(1, 11, second, second));
        assert_eq!(entra.service, Service::Entra);
    }

    #[test]
    fn threads_compression_and_short_reads_change_nothing() {
        struct Trickle<'l>(&'l [u8]);
        impl Read for Trickle<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let most = buffer.len().min(777);
                self.0.read(&mut buffer[..most])
            }
        }
        let log = long();
        let expected = audit(log.as_bytes(), &how()).unwrap();
        assert_eq!((expected.lines, expected.malformed), (12_000, 0));
        assert_eq!(expected.protected(), 4000);
        assert_eq!(expected.crossings.len(), 14);
        for count in [2, 3, 16] {
            assert_eq!(audit(log.as_bytes(), &threads(count)).unwrap(), expected);
        }
        assert_eq!(
            audit(Trickle(log.as_bytes()), &threads(2)).unwrap(),
            expected
        );
        // Two members, as rotated logs that were put together have.
        let mut packed = Vec::new();
        for part in [&log.as_bytes()[..1000], &log.as_bytes()[1000..]] {
            let mut member = GzEncoder::new(&mut packed, Compression::fast());
            member.write_all(part).unwrap();
            member.finish().unwrap();
        }
        assert_eq!(audit(&packed[..], &threads(2)).unwrap(), expected);
        packed.truncate(packed.len() - 9);
        let error = audit(&packed[..], &threads(2)).unwrap_err();
        assert!(matches!(error, AuditError::Compressed(_)), "{error}");
    }

    #[test]
    fn several_logs_add_up() {
        let log = long();
        let mut twice = audit(log.as_bytes(), &how()).unwrap();
        let once = twice.clone();
        twice.add(once.clone());
        assert_eq!(twice.lines, 2 * once.lines);
        assert_eq!(twice.crossings.len(), once.crossings.len());
        for (two, one) in twice.crossings.iter().zip(&once.crossings) {
            assert_eq!((&two.host, &two.client), (&one.host, &one.client));
            assert_eq!(two.totals.connections, 2 * one.totals.connections);
            assert_eq!(two.totals.seen, one.totals.seen);
        }
    }

    #[test]
    fn names_without_end_take_no_more_memory_and_none_is_lost() {
        let mut log = String::new();
        for line in 0..20_000 {
            writeln!(
                log,
                "{line}.5 3 10.1.0.1 TCP_TUNNEL/200 2 CONNECT a{line}.blob.core.windows.net:443 - HIER_DIRECT/- -"
            )
            .unwrap();
        }
        for count in [1, 4] {
            let audit = audit(log.as_bytes(), &threads(count).most_pairs(1000)).unwrap();
            assert_eq!(audit.crossings.len(), 1000);
            assert_eq!(audit.protected(), 20_000);
            let others = audit.others[&Service::Blob];
            let apart: u64 = audit.crossings.iter().map(|known| known.totals.bytes).sum();
            assert_eq!(others.bytes + apart, 40_000);
        }
    }

    #[test]
    fn a_line_without_end_is_one_malformed_line() {
        let line = "1.5 3 c T/200 1 CONNECT a.blob.core.windows.net:443 - x -\n";
        let endless = "x".repeat(3 * CHUNK);
        for log in [
            format!("{line}{endless}\n{line}"),
            format!("{line}{endless} {line}{line}"),
        ] {
            let audit = audit(log.as_bytes(), &threads(2)).unwrap();
            assert_eq!((audit.lines, audit.malformed), (3, 1));
            assert_eq!(audit.protected(), 2);
        }
    }

    #[test]
    fn fields_named_anew_hold_for_the_chunks_behind() {
        let mut log = "#Fields: c-ip cs-host sc-bytes\n".to_owned();
        log += &"10.1.0.1 a.blob.core.windows.net 1\n".repeat(20_000);
        log += "#Fields: cs-host sc-bytes c-ip\n";
        log += &"a.blob.core.windows.net 1 10.1.0.1\n".repeat(20_000);
        for count in [1, 2] {
            let audit = audit(log.as_bytes(), &threads(count)).unwrap();
            assert_eq!((audit.lines, audit.malformed), (40_000, 0));
            assert_eq!(audit.crossings.len(), 1);
            assert_eq!(audit.crossings[0].totals.bytes, 40_000);
        }
    }

    #[test]
    fn nothing_is_no_log_of_an_unknown_format() {
        for log in ["", "\n \n", "\u{feff}"] {
            let audit = audit(log.as_bytes(), &how()).unwrap();
            assert_eq!((audit.lines, audit.malformed), (0, 0), "{log:?}");
        }
        for log in [&b"\xff\xfe1\0\n\0"[..], b"\xfe\xff\x001\0\n"] {
            let forced = how().format(Some(Format::Squid));
            for how in [how(), forced] {
                let error = audit(log, &how).unwrap_err();
                assert!(matches!(error, AuditError::Utf16), "{error}");
            }
        }
        let error = audit(&b"hello\n"[..], &how()).unwrap_err();
        assert!(matches!(error, AuditError::UnknownFormat));
        let forced = how().format(Some(Format::Squid));
        let audit = audit(&b"\xef\xbb\xbfhello\n"[..], &forced).unwrap();
        assert_eq!((audit.lines, audit.malformed), (1, 1));
    }
}
