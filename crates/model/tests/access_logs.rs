//! Lines as proxies write them, in every format.
//!
//! The samples are our own; the order of their fields is from the documents
//! that each names.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;
use sidestep_model::access_log::{Chosen, Format, Layout, Line, Request, detect};

const ACCOUNT: &str = "acct.blob.core.windows.net";
const SECOND: &str = "2026-11-26T02:37:36Z";

fn chosen(text: &str) -> Chosen {
    text.parse().unwrap()
}

/// Every line's meaning, with the columns named anew where a line does.
fn read<'a>(log: &'a str, chosen: &Chosen) -> (Format, Vec<Line<'a>>) {
    let mut layout = detect(log.as_bytes(), None, chosen).unwrap();
    let format = layout.format();
    let lines = log.split('\n').map(|line| {
        let read = layout.read(line.as_bytes());
        if read == Line::Fields {
            layout = layout.renamed(line.as_bytes());
        }
        read
    });
    (format, lines.collect())
}

/// The one request that `log` holds is the same whatever wrote it.
fn holds_it(log: &str, columns: &Chosen, format: Format) {
    let (found, lines) = read(log, columns);
    assert_eq!(found, format, "{log}");
    let requests: Vec<&Request<'_>> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Request(request) => Some(request),
            _ => None,
        })
        .collect();
    let [request] = requests[..] else {
        panic!("{} requests in {log}", requests.len());
    };
    assert!(!lines.contains(&Line::Malformed), "{log}");
    assert_eq!(request.host, ACCOUNT.as_bytes(), "{log}");
    assert_eq!(request.client, b"10.1.0.10", "{log}");
    assert_eq!(request.bytes, 4210, "{log}");
    let time = request.time.timestamp().unwrap();
    assert_eq!(time.strftime("%FT%TZ").to_string(), SECOND, "{log}");
}

#[test]
fn squid_and_common_lines_are_told_apart() {
    let none = Chosen::default();
    // squid-cache/squid, src/log/FormatSquidNative.cc
    let squid = "1795660656.129    215 10.1.0.10 TCP_TUNNEL/200 4210 CONNECT acct.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -\n";
    holds_it(squid, &none, Format::Squid);
    // squid-cache/squid, src/log/FormatHttpdCombined.cc
    let combined = "10.1.0.10 - - [26/Nov/2026:11:37:36 +0900] \"CONNECT acct.blob.core.windows.net:443 HTTP/1.1\" 200 4210 \"-\" \"-\" TCP_TUNNEL:HIER_DIRECT\r\n";
    holds_it(combined, &none, Format::Common);
}

#[test]
fn fields_names_the_columns_and_can_name_them_anew() {
    let none = Chosen::default();
    // Broadcom TECH244752, the fields of HTTPS main logs, shortened at their end.
    let blue_coat = "#Software: SGOS 7.3\n#Version: 1.0\n#Fields: date time time-taken c-ip cs-username cs-auth-group s-supplier-name cs-categories sc-status s-action cs-method cs-uri-scheme cs-host cs-uri-port cs(User-Agent) s-ip sc-bytes cs-bytes\n2026-11-26 02:37:36 215 10.1.0.10 CORP\\sql - acct.blob.core.windows.net \"Storage Services;Technology\" 200 TCP_TUNNELED CONNECT tcp acct.blob.core.windows.net 443 \"agent \"\"x\"\" y\" 10.2.0.16 4210 99\n";
    holds_it(blue_coat, &none, Format::W3c);
    // help.zscaler.com, NSS Feed Output Format: Web Logs: %d{epochtime} %s{cip} %s{host} %d{respsize}.
    let zscaler = "#Fields: epochtime\tlogin\tcip\thost\trespsize\n1795660656\t\t10.1.0.10\tacct.blob.core.windows.net\t4210\n";
    holds_it(zscaler, &none, Format::W3c);

    for (names, host) in [
        ("cs-uri-host", "acct.blob.core.windows.net"),
        ("cs(Host)", "acct.blob.core.windows.net"),
        ("cs-host cs-uri", "- https://acct.blob.core.windows.net/c"),
        ("cs-host cs-uri", "- acct.blob.core.windows.net"),
        ("cs-host cs-uri", "acct.blob.core.windows.net /c"),
    ] {
        let log = format!(
            "#Fields: date time c-ip {names} sc-bytes\n2026-11-26 02:37:36 10.1.0.10 {host} 4210\n"
        );
        holds_it(&log, &none, Format::W3c);
    }

    let twice = "#Fields: c-ip cs-host\na h1\n#Fields: cs-host c-ip\nh2 b\n#Fields: c-ip\nc\n";
    let (_, lines) = read(twice, &none);
    let hosts: Vec<Option<&[u8]>> = lines
        .iter()
        .map(|line| match line {
            Line::Request(request) => Some(request.host),
            _ => None,
        })
        .collect();
    assert_eq!(hosts[1], Some(&b"h1"[..]));
    assert_eq!(hosts[3], Some(&b"h2"[..]));
    assert_eq!(lines[5], Line::Malformed, "no column holds a host");
}

#[test]
fn json_is_read_by_its_usual_keys_or_by_chosen_ones() {
    let none = Chosen::default();
    for line in [
        r#"{"timestamp":"2026-11-26T02:37:36Z","client_ip":"10.1.0.10","host":"acct.blob.core.windows.net","bytes":4210,"x":{"host":"no"}}"#,
        r#"{ "@timestamp": 1795660656.129, "source.ip": "10.1.0.10", "url": "https:\/\/acct.blob.core.windows.net\/c?sig=x", "bytes": "4210", "user": null }"#,
        r#"{"url":"/c?x=http://other/","host":"acct.blob.core.windows.net:443","cip":"10.1.0.10","respsize":4210,"epochtime":1795660656,"size":1}"#,
    ] {
        holds_it(line, &none, Format::Json);
    }
    // `host` is the sender's name here, as in GELF.
    for url in [
        "https://acct.blob.core.windows.net/c",
        r"https:\/\/acct.blob.core.windows.net",
        "acct.blob.core.windows.net:443",
    ] {
        let line = format!(
            r#"{{"host":"proxy01","url":"{url}","client":"10.1.0.10","bytes":4210,"time":1795660656}}"#
        );
        holds_it(&line, &none, Format::Json);
        let chosen = chosen("host=host");
        let (_, lines) = read(&line, &chosen);
        assert!(matches!(&lines[0], Line::Request(request) if request.host == b"proxy01"));
    }
    let own = r#"{"when":"2026-11-26T02:37:36Z","who":"10.1.0.10","whom":"acct.blob.core.windows.net","host":"proxy1","n":4210}"#;
    let columns = chosen("host=whom,client=who,time=when,bytes=n");
    holds_it(own, &columns, Format::Json);
    let mut lines = vec![r#"{"host":"h"}"#];
    let bad = [
        "{",
        "[]",
        r#"{"host":"h"} x"#,
        r#"{"client":"c"}"#,
        r#"{"host":"h","bytes":-1}"#,
        r#"{"host":"h","bytes":[1]}"#,
    ];
    lines.extend(bad);
    let log = lines.join("\n");
    let (_, read) = read(&log, &none);
    let malformed = read.iter().filter(|line| **line == Line::Malformed);
    assert_eq!(malformed.count(), bad.len());
}

#[test]
fn columns_are_chosen_by_number_or_by_name_or_named_by_the_first_line() {
    // help.zscaler.com, the sample web log of NSS Feed Output Format: time first, url
    // fourth, response size ninth, client's address the twenty-second; shortened here.
    let zscaler = "\"Thu Nov 26 02:37:36 2026\",\"new-gre\",\"HTTPS\",\"acct.blob.core.windows.net/a,b\",\"Allowed\",\"10.1.0.10\",\"72\",\"x\",\"4210\"\n";
    let columns = chosen("host=4,client=6,bytes=9,time=1");
    holds_it(zscaler, &columns, Format::Csv);
    let heading = "datetime;cip;url;respsize\n2026-11-26 02:37:36;10.1.0.10;https://acct.blob.core.windows.net/;4210\n";
    holds_it(heading, &Chosen::default(), Format::Csv);
    let named = "date,time,src_ip,host,size\n2026-11-26,02:37:36,10.1.0.10,acct.blob.core.windows.net,4210\n";
    let columns = chosen("host=host,bytes=size");
    holds_it(named, &columns, Format::Csv);

    let own = "#Fields: date time x-who x-whom cs-host sc-bytes\n2026-11-26 02:37:36 10.1.0.10 acct.blob.core.windows.net - 4210\n";
    holds_it(own, &chosen("host=x-whom,client=x-who"), Format::W3c);
    holds_it(own, &chosen("host=4,client=x-who"), Format::W3c);
    let (_, lines) = read(own, &chosen("host=nothing"));
    assert_eq!(
        lines[1],
        Line::Malformed,
        "a column that was chosen is missing"
    );

    let log = "h,1\nh\nh,x\n";
    let (_, lines) = read(log, &chosen("host=1,bytes=2"));
    assert!(matches!(lines[0], Line::Request(_)));
    assert_eq!(lines[1..3], [Line::Malformed; 2]);
}

#[test]
fn the_status_is_read_where_a_log_has_it() {
    let none = Chosen::default();
    for (log, columns, status) in [
        (
            "1.5 3 c TCP_DENIED/407 1 CONNECT h:443 - x -",
            &none,
            Some(407),
        ),
        (
            "c - - [t] \"CONNECT h:443 HTTP/1.1\" 407 1",
            &none,
            Some(407),
        ),
        ("#Fields: cs-host sc-status\nh 407", &none, Some(407)),
        (r#"{"host":"h","status":"407"}"#, &none, Some(407)),
        ("host,status\nh,407", &none, Some(407)),
        ("h.example,407", &chosen("host=1,status=2"), Some(407)),
        ("host,status\nh,NA", &none, None),
        ("host\nh", &none, None),
    ] {
        let (_, lines) = read(log, columns);
        let Some(Line::Request(request)) = lines.last() else {
            panic!("{lines:?}");
        };
        assert_eq!(request.status, status, "{log}");
    }
}

#[test]
fn what_cannot_be_chosen_is_named() {
    for (text, error) in [
        (
            "",
            "\"\" is not WHAT=COLUMN, with columns counted from 1 or named",
        ),
        (
            "host=0",
            "\"host=0\" is not WHAT=COLUMN, with columns counted from 1 or named",
        ),
        (
            "who=1",
            "there is no column \"who\" to choose: host, client, bytes, time, date or status",
        ),
        ("client=1", "host is missing"),
    ] {
        assert_eq!(text.parse::<Chosen>().unwrap_err().to_string(), error);
    }
}

#[test]
fn a_log_of_no_format_is_not_guessed_at() {
    let none = Chosen::default();
    for log in [
        "",
        "\n\n",
        "hello\nworld\n",
        "a,b,c\n1,2,3\n",
        "{\"a\":1}\n",
    ] {
        assert_eq!(detect(log.as_bytes(), None, &none), None, "{log}");
    }
    let cut =
        "UNNEL/200 4210 CONNECT h:443 - x -\n1795660656.129 2 c T/200 1 CONNECT h:443 - x -\n";
    assert_eq!(detect(cut.as_bytes(), None, &none), Some(Layout::Squid));
    let forced = detect(b"hello\n", Some(Format::Squid), &none);
    assert_eq!(forced, Some(Layout::Squid));
}

/// A field of a squid log, as it is almost always written or otherwise.
fn squid_field(usual: &'static str, odd: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![12 => usual, 1 => odd]
}

fn squid_line() -> impl Strategy<Value = String> {
    let fields = (
        squid_field("17640000[0-9]{2}\\.[0-9]{3}", "[0-9]{0,2}[.x/][0-9]{0,12}"),
        squid_field(" {0,5}[0-9]{1,6}", " ?-?[0-9:x]{0,9}"),
        squid_field("10\\.1\\.[0-9]{1,3}\\.[0-9]{1,3}", "[a/:.]{0,5}"),
        squid_field("TCP_(TUNNEL|DENIED)/[0-9]{3}", "[A/-]{0,6}[0-9/]{0,5}"),
        squid_field("[0-9]{1,7}", " ?[-0-9/:]{0,20}"),
        prop_oneof![12 => "CONNECT|GET", 1 => "[A ]{0,3}", 1 => " {0,70}(A{1,70})? {0,70}"],
        prop_oneof![
            6 => "[a-z0-9-]{1,40}(\\.[a-z]{1,9}){0,3}:443",
            6 => "http://[a-z0-9-]{1,40}\\.[a-z]{2}([/?#][!-~]{0,9})?",
            2 => "(https?://)?(u:p@|[@:/?#\\[]{0,2})h[.\\x5c/_-]?(:[0-9]{0,9}|x)?[/:]?[0-9]{0,3}",
            1 => "[ -~]{0,12}",
        ],
        squid_field("-", "[a ]{0,2}"),
        squid_field("HIER_DIRECT/203\\.0\\.113\\.7", "[a/ ]{0,2}"),
        squid_field("-|text/html", "[a\r ]{0,3}"),
    );
    fields.prop_map(|(a, b, c, d, e, f, g, h, i, j)| [a, b, c, d, e, f, g, h, i, j].join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Lines are cut at line feeds, and a host that is seen at a glance is the one
    /// that is read.
    #[test]
    fn a_glance_tells_nothing_else_than_reading(lines in prop::collection::vec(squid_line(), 0..6), behind in prop_oneof![Just(0_usize), 190..200_usize], is_ended in any::<bool>()) {
        let mut log = lines.join("\n");
        log += "\n";
        log += &"x".repeat(behind);
        if is_ended && !log.is_empty() {
            log.push('\n');
        }
        let cut: Vec<&[u8]> = log.as_bytes().split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line)).collect();
        for layout in [Layout::Squid, Layout::Common] {
            let glances: Vec<_> = layout.lines(log.as_bytes()).collect();
            let seen: Vec<&[u8]> = glances.iter().map(|glance| glance.line).collect();
            prop_assert_eq!(&seen, &cut);
            for glance in glances {
                prop_assert_eq!(&log.as_bytes()[glance.offset..][..glance.line.len()], glance.line);
                if let Some(host) = glance.host {
                    let Line::Request(request) = layout.read(glance.line) else {
                        return Err(TestCaseError::fail(format!("{glance:?} is no request")));
                    };
                    prop_assert_eq!(request.host, host);
                }
            }
        }
    }
}

/// What lies beyond the bytes that are looked at together is not guessed at.
#[test]
fn a_line_that_is_stretched_is_read_whole() {
    let usual = "1764000000.129    215 10.1.0.10 TCP_TUNNEL/200 4210 CONNECT acct.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -\n";
    let count = "1764000000.129    215 10.1.0.10 TCP_TUNNEL/200 4210";
    for stretch in 50..80 {
        let blanks = " ".repeat(stretch);
        let method = "A".repeat(stretch);
        for line in [
            format!(
                "{count}{blanks}http://foo.example.com/ acct2.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -"
            ),
            format!(
                "{count} {method} acct2.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -"
            ),
        ] {
            let log = format!("{line}\n{usual}{usual}{usual}");
            let first = Layout::Squid.lines(log.as_bytes()).next().unwrap();
            assert_eq!(first.line, line.as_bytes());
            let host = b"acct2.blob.core.windows.net";
            assert!(first.host.is_none_or(|seen| seen == host), "{line}");
        }
    }
}

#[test]
fn usual_lines_are_read_at_a_glance() {
    for (target, expected) in [
        (
            "CONNECT acct.blob.core.windows.net:443",
            Some("acct.blob.core.windows.net"),
        ),
        (
            "GET http://wsus.corp.example/a:b@c",
            Some("wsus.corp.example"),
        ),
        ("GET http://wsus.corp.example", Some("wsus.corp.example")),
        ("GET http://wsus.corp.example:8080/", None),
        ("CONNECT [2001:db8::1]:443", None),
        ("CONNECT u@acct.blob.core.windows.net:443", None),
        ("CONNECT acct.blob.core.windows.net/x:443", None),
    ] {
        let line = format!(
            "1764000000.129    215 10.1.0.10 TCP_TUNNEL/200 4210 {target} - HIER_DIRECT/203.0.113.10 -\n"
        );
        // A log's last lines are not looked at so.
        let log = line.clone() + &line + &line;
        let first = Layout::Squid.lines(log.as_bytes()).next().unwrap();
        assert_eq!(first.line, line.trim_end().as_bytes());
        assert_eq!(first.host, expected.map(str::as_bytes), "{target}");
    }
}
