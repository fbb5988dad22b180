//! Logs as proxies and their rotation leave them.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::io::Write as _;
use std::num::NonZeroUsize;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use sidestep_audit::{Audit, AuditError, How, audit};
use sidestep_model::access_log::Format;
use sidestep_model::catalogue::{Catalogue, Cloud, Service};

const ACCOUNT: &str = "acct.blob.core.windows.net";

/// The same request, as each format writes it, behind what begins a log of it.
const WRITTEN: [(Format, &str, &str); 5] = [
    (
        Format::Squid,
        "",
        "1795660656.000    215 10.1.0.10 TCP_TUNNEL/200 4210 CONNECT acct.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -",
    ),
    (
        Format::Common,
        "",
        "10.1.0.10 - - [26/Nov/2026:11:37:36 +0900] \"CONNECT acct.blob.core.windows.net:443 HTTP/1.1\" 200 4210 \"-\" \"agent\"",
    ),
    (
        Format::W3c,
        "#Version: 1.0\n#Fields: date time c-ip cs-host sc-bytes\n",
        "2026-11-26 02:37:36 10.1.0.10 acct.blob.core.windows.net 4210",
    ),
    (
        Format::Json,
        "",
        r#"{"time":"2026-11-26T02:37:36Z","source":{"ip":"10.1.0.10"},"url":{"domain":"acct.blob.core.windows.net"},"bytes":4210}"#,
    ),
    (
        Format::Csv,
        "datetime,cip,host,respsize\n",
        "2026-11-26 02:37:36,10.1.0.10,acct.blob.core.windows.net,4210",
    ),
];

fn how(threads: usize) -> How {
    How::new(Catalogue::of(Cloud::AzureCloud)).threads(NonZeroUsize::new(threads).unwrap())
}

fn read(log: &[u8]) -> Audit {
    audit(log, &how(2)).unwrap()
}

fn packed(log: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(log).unwrap();
    packed.finish().unwrap()
}

/// Lines, malformed lines, and requests of the one host by the one client.
fn counted(audit: &Audit) -> (u64, u64, u64) {
    let [crossing] = &audit.crossings[..] else {
        panic!("{:?}", audit.crossings);
    };
    let (host, client) = (crossing.host.as_str(), crossing.client.as_str());
    assert_eq!((host, client), (ACCOUNT, "10.1.0.10"));
    assert_eq!(crossing.totals.bytes, 4210 * crossing.totals.connections);
    let (first, last) = crossing.totals.seen.unwrap();
    assert_eq!(first, last);
    assert_eq!(first.to_string(), "2026-11-26T02:37:36Z");
    (audit.lines, audit.malformed, crossing.totals.connections)
}

#[test]
fn every_format_is_read_whatever_ends_its_lines() {
    for (format, beginning, line) in WRITTEN {
        let log = format!("{beginning}{line}\n{line}\n");
        let unfinished = log.trim_end().to_owned();
        let windows = log.replace('\n', "\r\n");
        let marked = format!("\u{feff}{windows}");
        let spaced = format!("\n{beginning}{line}\n\n{line}\n\n");
        for log in [log, unfinished, windows, marked, spaced] {
            assert_eq!(counted(&read(log.as_bytes())), (2, 0, 2), "{format}: {log}");
            assert_eq!(
                counted(&read(&packed(log.as_bytes()))),
                (2, 0, 2),
                "{format}"
            );
            let forced = how(1).format(Some(format));
            let forced = audit(log.as_bytes(), &forced).unwrap();
            assert_eq!(counted(&forced), (2, 0, 2), "{format}: {log}");
        }
    }
}

#[test]
fn what_is_no_line_of_the_format_is_counted_and_shown_without_its_words() {
    for (format, beginning, line) in WRITTEN {
        let odd = "https://sa:geheim@h.example/?sig=Zm9v%3D \u{1b}[31m";
        let log = format!("{beginning}{line}\n{odd}\n{line}\n");
        let audit = read(log.as_bytes());
        // A line of CSV can hold anything, also in one column.
        assert_eq!(counted(&audit), (3, 1, 2), "{format}");
        let [sample] = &audit.samples[..] else {
            panic!("{:?}", audit.samples);
        };
        assert_eq!(sample.offset, log.find("https").unwrap() as u64);
        assert_eq!(sample.shape, "a://a:a@a.a/?a=a9a%9a ?[9a", "{format}");
    }
}

#[test]
fn passwords_and_what_a_terminal_obeys_are_in_no_answer() {
    let log = "1.5 3 sa:geheim@10.1.0.10 T/200 1 GET https://u:geheim@acct.blob.core.windows.net/c?sig=geheim - x -\n\
               1.5 3 10.1\u{9b}31m T/200 1 CONNECT acct.blob.core.windows.net:443 - x -\n\
               1.5 3 10.1\x1b[31m T/200 1 CONNECT acct.blob.core.windows.net:443 - x -\n\
               1.5 3 10.1.0.10 T/200 1 CONNECT geheim;\x1b[31m.blob.core.windows.net:443 - x -\n";
    let audit = read(log.as_bytes());
    assert_eq!((audit.lines, audit.malformed), (4, 1));
    let clients: Vec<&str> = audit.crossings.iter().map(|one| &*one.client).collect();
    assert_eq!(clients, ["10.1.0.10", "10.1??31m", "10.1?[31m"]);
    let shown = format!("{audit:?}");
    assert!(
        !shown.contains("geheim") && shown.is_ascii() && !shown.contains('\u{1b}'),
        "{shown}"
    );
}

#[test]
fn a_challenge_is_no_connection_and_a_refusal_is_one() {
    let line = |code| {
        format!("1.5 3 10.1.0.10 {code} 7 CONNECT acct.blob.core.windows.net:443 - HIER_NONE/- -\n")
    };
    let codes = [
        "TCP_DENIED/407",
        "TCP_DENIED/407",
        "TCP_TUNNEL/200",
        "TCP_DENIED/403",
    ];
    let log = codes.map(line).concat();
    let mut audit = read(log.as_bytes());
    assert_eq!((audit.lines, audit.malformed), (4, 0));
    assert_eq!(audit.protected(), 2);
    assert_eq!(audit.crossings[0].totals.bytes, 14);
    audit.add(read(line("TCP_DENIED/407").as_bytes()));
    let challenged: Vec<_> = audit.challenged.into_iter().collect();
    assert_eq!(challenged, [(Service::Blob, 3)]);
}

#[test]
fn a_log_that_rotation_cut_in_a_line_loses_that_line_alone() {
    let (_, _, line) = WRITTEN[0];
    let log = format!("{line}\n").repeat(3);
    let cut = log.len() - 50;
    let (first, second) = log.split_at(cut);
    let mut both = read(first.as_bytes());
    assert_eq!((both.lines, both.malformed), (3, 1));
    // The beginning of the next file is the rest of that line.
    let next = read(format!("{second}{line}\n").as_bytes());
    assert_eq!(counted(&next), (2, 1, 1));
    both.add(next);
    assert_eq!(counted(&both), (5, 2, 3));
}

#[test]
fn a_line_longer_than_any_is_counted_and_shown() {
    let (_, _, line) = WRITTEN[0];
    let long = format!("{line}\nx={}\n{line}\n", "geheim ".repeat(200_000));
    for threads in [1, 3] {
        let audit = audit(long.as_bytes(), &how(threads)).unwrap();
        assert_eq!(counted(&audit), (3, 1, 2));
        assert_eq!(audit.samples.len(), 1);
        assert_eq!(audit.samples[0].offset, line.len() as u64 + 1);
        assert!(audit.samples[0].shape.starts_with("a=a a a "));
    }
}

#[test]
fn a_csv_line_that_names_chosen_columns_is_no_request() {
    let data = "acct.blob.core.windows.net;10.1.0.10;4210;2026-11-26 02:37:36\n";
    for (heading, columns) in [
        ("Ziel;Wer;Wieviel;Wann\n", "host=1,client=2,bytes=3,time=4"),
        (
            "Ziel;Wer;Wieviel;Wann\n",
            "host=Ziel,client=wer,bytes=wieviel,time=wann",
        ),
        (
            "host;Wer;Wieviel;Wann\n",
            "host=host,client=2,bytes=Wieviel,time=4",
        ),
        ("", "host=1,client=2,bytes=3,time=4"),
    ] {
        // Files that were put together name their columns again.
        let log = format!("{heading}{data}{heading}{data}");
        let how = how(1).columns(columns.parse().unwrap());
        assert_eq!(
            counted(&audit(log.as_bytes(), &how).unwrap()),
            (2, 0, 2),
            "{columns}"
        );
    }
    let missing = how(1).columns("host=1,client=nobody".parse().unwrap());
    let error = audit(data.as_bytes(), &missing).unwrap_err();
    assert!(matches!(error, AuditError::UnknownFormat));
}

#[test]
fn nested_keys_are_chosen_by_their_path() {
    let line = r#"{"request":{"host":"acct.blob.core.windows.net","from":{"ip":"10.1.0.10"}},"n":4210,"at":"2026-11-26T02:37:36Z","deep":{"a":{"b":{"c":{"host":"no"}}}}}"#;
    let columns = "host=request.host,client=request.from.ip,bytes=n,time=at";
    let how = how(1).columns(columns.parse().unwrap());
    assert_eq!(counted(&audit(line.as_bytes(), &how).unwrap()), (1, 0, 1));
}

/// Lines of every kind that a log can hold.
fn any_line() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just(ACCOUNT),
        Just("pod01.jpe.backup.windowsazure.com"),
        Just("LOGIN.microsoftonline.com."),
        Just("www.example.com"),
        Just(""),
    ];
    let squid = (0..2_000_000_000_u32, 0..4_u8, host, 0..2000_usize).prop_map(
        |(time, client, host, padding)| {
            let path = "x".repeat(padding);
            format!("{time}.5 3 10.1.0.{client} T/200 7 GET http://{host}/{path} - x -")
        },
    );
    prop_oneof![
        8 => squid,
        1 => "[ -~]{0,80}",
        1 => (0..600_000_usize).prop_map(|length| "y".repeat(length)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// However a log is cut into chunks and dealt to threads, and compressed or
    /// not, the answer is that of one thread that reads line by line.
    #[test]
    fn threads_and_compression_change_nothing(
        lines in proptest::collection::vec(any_line(), 1..300),
        ending in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        let log = lines.join(ending);
        let by = |threads: usize| how(threads).format(Some(Format::Squid));
        let one = audit(log.as_bytes(), &by(1)).unwrap();
        prop_assert_eq!(one.bytes_read, log.len() as u64);
        for threads in [2, 5] {
            prop_assert_eq!(&audit(log.as_bytes(), &by(threads)).unwrap(), &one);
        }
        prop_assert_eq!(&audit(&packed(log.as_bytes())[..], &by(2)).unwrap(), &one);
        // Line by line, added up.
        let mut whole = Audit::default();
        for line in &lines {
            whole.add(audit(line.as_bytes(), &by(1)).unwrap());
        }
        prop_assert_eq!((whole.lines, whole.malformed), (one.lines, one.malformed));
        prop_assert_eq!(whole.crossings, one.crossings);
    }
}
