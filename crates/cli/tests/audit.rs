//! `audit`, by the command line's contract.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const SQUID: &str = "\
1795660656.000    215 10.1.0.10 TCP_TUNNEL/200 4210 CONNECT acct.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -
1795660657.000    215 10.1.0.10 TCP_TUNNEL/200 1 CONNECT acct.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -
1795660658.000    215 10.1.0.11 TCP_TUNNEL/200 7 CONNECT pod01.jpe.backup.windowsazure.com:443 - HIER_DIRECT/203.0.113.11 -
1795660658.000    215 10.1.0.11 TCP_TUNNEL/200 7 CONNECT login.microsoftonline.com:443 - HIER_DIRECT/203.0.113.12 -
1795660659.000    215 10.1.0.11 TCP_TUNNEL/200 7 CONNECT www.example.com:443 - HIER_DIRECT/203.0.113.13 -
";

/// `sidestep` in a folder of its own, so that no `site.toml` is found.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(name: &str, log: impl AsRef<[u8]>) -> Self {
        let desk = Self::new();
        desk.write(name, log);
        desk
    }

    fn write(&self, name: &str, log: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), log).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn sidestep(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sidestep"))
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that ends early does not read it.
        drop(child.stdin.take().unwrap().write_all(input));
        child.wait_with_output().unwrap()
    }

    fn audit(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        self.audit_of(arguments, b"")
    }

    fn audit_of(&self, arguments: &[&str], input: &[u8]) -> (Option<i32>, Value) {
        let output = self.sidestep(&[&["audit", "--json"], arguments].concat(), input);
        let document = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code(), document)
    }

    fn text(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.sidestep(&[&["audit"], arguments].concat(), b"");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "no terminal");
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text)
    }
}

/// A leak of the sample, as the contract has it.
fn blob() -> Value {
    json!({
        "host": "acct.blob.core.windows.net",
        "service": "blob",
        "client": "10.1.0.10",
        "connections": 2,
        "bytes": 4211,
        "first_seen": "2026-11-26T02:37:36Z",
        "last_seen": "2026-11-26T02:37:37Z",
        "missing_entry": "*.blob.core.windows.net",
    })
}

#[test]
fn the_document_is_the_contracts() {
    let desk = Desk::with("access.log", SQUID);
    let (code, document) = desk.audit(&["access.log"]);
    assert_eq!(code, Some(1));
    let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
    let contract = [
        "format_version",
        "lines",
        "malformed",
        "bytes_read",
        "leaks",
        "fixed_list",
    ];
    assert_eq!(keys[..contract.len()], contract);
    assert_eq!(document["lines"], 5);
    assert_eq!(document["malformed"], 0);
    assert_eq!(document["bytes_read"], SQUID.len());
    let leaks = document["leaks"].as_array().unwrap();
    assert_eq!(leaks[0], blob());
    let of = |leak: &Value, key: &str| leak[key].as_str().unwrap().to_owned();
    assert_eq!(of(&leaks[1], "service"), "backup");
    assert_eq!(of(&leaks[1], "missing_entry"), "*.backup.windowsazure.com");
    // How Entra ID is to be reached nobody said.
    assert_eq!(leaks.len(), 2);
    assert_eq!(document["entra"], Value::Null);
    let bypass = desk.sidestep(&["bypass", "--entra", "proxy"], b"");
    let bypass = String::from_utf8(bypass.stdout).unwrap();
    assert_eq!(document["fixed_list"], bypass.trim_end());
}

#[test]
fn a_person_reads_who_leaked_what_and_what_would_stop_it() {
    let desk = Desk::with("access.log", SQUID.to_owned() + "u:geheim@x?sig=geheim\n");
    let (code, text) = desk.text(&["access.log", "--list", "*.blob.core.windows.net"]);
    assert_eq!(code, Some(1));
    let mut lines = text.lines();
    assert_eq!(
        lines.next().unwrap(),
        "3 connections crossed the proxy and should go direct: 2 names, 2 clients"
    );
    let row = |host: &str| {
        let line = text.lines().find(|line| line.contains(host)).unwrap();
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let blob = row("acct.blob");
    assert_eq!(
        blob[1..7],
        ["Blob", "Storage", "10.1.0.10", "2", "4.1", "KiB"]
    );
    assert_eq!(blob[blob.len() - 2..], ["(is", "listed)"]);
    assert_eq!(row("pod01").last().unwrap(), "*.backup.windowsazure.com");
    assert!(text.contains("Entra ID: 1 connection as well"), "{text}");
    let begin = SQUID.len();
    let size = begin + "u:geheim@x?sig=geheim\n".len();
    let last = format!(
        "Read 6 lines ({size} B) of 1 log; 1 line could not be read, such as these \
         (a stands for letters, 9 for digits):\n access.log, byte {begin}: a:a@a?a=a\n"
    );
    assert!(text.ends_with(&last), "{text}");
    assert!(!text.contains("geheim"));
}

#[test]
fn nothing_that_should_go_direct_is_exit_0() {
    let harmless: String = SQUID.split_inclusive('\n').skip(3).collect();
    let desk = Desk::with("access.log", &harmless);
    desk.write("empty.log", "");
    let (code, document) = desk.audit(&["access.log", "empty.log"]);
    assert_eq!((code, &document["lines"]), (Some(0), &json!(2)));
    assert_eq!(document["leaks"], json!([]));
    assert_eq!(document["fixed_list"], Value::Null);
    let (code, document) = desk.audit(&["access.log", "--entra", "direct"]);
    assert_eq!(
        (code, &document["leaks"][0]["service"]),
        (Some(1), &json!("entra"))
    );
    let (code, text) = desk.text(&["empty.log"]);
    assert_eq!(code, Some(0));
    let expected =
        "Nothing crossed the proxy that should go direct\n\nRead 0 lines (0 B) of 1 log\n";
    assert_eq!(text, expected);
}

#[test]
fn the_site_says_what_goes_direct() {
    let desk = Desk::with("access.log", SQUID);
    let init = desk.sidestep(&["init", "--entra", "direct", "--quiet"], b"");
    assert!(init.status.success());
    let (_, document) = desk.audit(&["access.log"]);
    assert_eq!(document["leaks"].as_array().unwrap().len(), 3);
    assert_eq!(document["entra"], "direct");
    let site = fs::read_to_string(desk.path().join("site.toml")).unwrap();
    let by_proxy = site.replace("backup = \"direct\"", "backup = \"proxy\"");
    let by_proxy = by_proxy.replace("entra = \"direct\"", "entra = \"proxy\"");
    assert_ne!(site, by_proxy);
    desk.write("proxy.toml", by_proxy);
    let (code, document) = desk.audit(&["access.log", "--site", "proxy.toml"]);
    assert_eq!((code, &document["leaks"]), (Some(0), &json!([])));
}

#[test]
fn the_list_that_clients_have_is_completed() {
    let desk = Desk::with("access.log", SQUID);
    desk.write("list.txt", "own.example\n*.BLOB.core.windows.net\n");
    let (_, document) = desk.audit(&["access.log", "--list", "@list.txt"]);
    let missing = |document: &Value| {
        let leaks = document["leaks"].as_array().unwrap().iter();
        leaks
            .map(|leak| leak["missing_entry"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        missing(&document),
        [Value::Null, json!("*.backup.windowsazure.com")]
    );
    let fixed = document["fixed_list"].as_str().unwrap();
    assert!(
        fixed.starts_with("own.example;*.BLOB.core.windows.net;"),
        "{fixed}"
    );
    let (code, document) = desk.audit(&["access.log", "--list", fixed]);
    assert_eq!(code, Some(1), "the log is what it was");
    assert_eq!(missing(&document), [Value::Null, Value::Null]);
}

#[test]
fn logs_of_every_kind_add_up_whatever_the_number_of_threads() {
    let desk = Desk::with("1.log", SQUID);
    // The rest of a compressed log is what a gzip of one stored block holds.
    desk.write("2.log.gz", stored_gzip(SQUID.as_bytes()));
    desk.write(
        "3.csv",
        "\u{feff}when,who,whom,much\r\n2026-11-26 02:37:36,10.1.0.10,acct.blob.core.windows.net,4210\r\n",
    );
    let columns = ["--columns", "host=whom,client=who,bytes=much,time=when"];
    let (code, csv) = desk.audit(&[&["3.csv"], &columns[..]].concat());
    assert_eq!((code, &csv["leaks"][0]["bytes"]), (Some(1), &json!(4210)));
    let logs = ["1.log", "2.log.gz", "-"];
    let by = |threads: &str| {
        let arguments = [&logs[..], &["--threads", threads]].concat();
        desk.audit_of(&arguments, SQUID.as_bytes())
    };
    let (code, document) = by("1");
    assert_eq!((code, &document["lines"]), (Some(1), &json!(15)));
    assert_eq!(document["leaks"][0]["connections"], 6);
    assert_eq!(by("2"), (code, document));
}

#[test]
fn w3c_json_and_common_logs_are_told_by_their_first_lines() {
    let desk = Desk::new();
    for (name, log) in [
        (
            "w3c",
            "#Fields: date time c-ip cs-host sc-bytes\n2026-11-26 02:37:36 10.1.0.10 acct.blob.core.windows.net 1\n2026-11-26 02:37:37 10.1.0.10 acct.blob.core.windows.net 4210\n",
        ),
        (
            "json",
            "{\"time\":1795660656,\"source\":{\"ip\":\"10.1.0.10\"},\"host\":\"acct.blob.core.windows.net\",\"bytes\":1}\n{\"time\":1795660657,\"source.ip\":\"10.1.0.10\",\"host\":\"acct.blob.core.windows.net\",\"bytes\":4210}\n",
        ),
        (
            "common",
            "10.1.0.10 - - [26/Nov/2026:02:37:36 +0000] \"CONNECT acct.blob.core.windows.net:443 HTTP/1.1\" 200 1\n10.1.0.10 - - [26/Nov/2026:02:37:37 +0000] \"GET https://acct.blob.core.windows.net/c?sig=x HTTP/1.1\" 200 4210 \"-\" \"agent\"\n",
        ),
    ] {
        desk.write(name, log);
        let (_, document) = desk.audit(&[name]);
        assert_eq!(document["leaks"], json!([blob()]), "{name}");
        let (_, forced) = desk.audit(&[name, "--format", name]);
        assert_eq!(forced, document, "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_no_clean_log() {
    let desk = Desk::with("access.log", SQUID);
    desk.write("notes.txt", "hello\nworld\n");
    desk.write("cut.gz", &stored_gzip(SQUID.as_bytes())[..100]);
    for (arguments, code, error, message) in [
        (
            &["none.log"][..],
            2,
            json!("SS702"),
            "cannot read none.log: ",
        ),
        (
            &["access.log", "notes.txt"],
            2,
            json!("SS703"),
            "the first lines of notes.txt are of no known format",
        ),
        (
            &["notes.txt", "--format", "squid"],
            2,
            json!("SS703"),
            "no line of notes.txt could be read, so that nothing is known of what crossed",
        ),
        // A good log beside it is no excuse.
        (
            &["access.log", "notes.txt", "--format", "squid"],
            2,
            json!("SS703"),
            "no line of notes.txt could be read, so that nothing is known of what crossed",
        ),
        (&["cut.gz"], 3, json!("SS702"), "cannot read cut.gz: "),
        (
            &["access.log", "--format", "squid", "--columns", "host=1"],
            2,
            Value::Null,
            "--columns is for csv, json and w3c: the columns of squid are always the same",
        ),
        (
            &["access.log", "--columns", "client=1"],
            2,
            Value::Null,
            "invalid value",
        ),
        (
            &["access.log", "--format", "apache"],
            2,
            Value::Null,
            "invalid value",
        ),
        (
            &["access.log", "--threads", "0"],
            2,
            Value::Null,
            "invalid value",
        ),
        (
            &["access.log", "--threads", "65"],
            2,
            Value::Null,
            "invalid value",
        ),
    ] {
        let (found, document) = desk.audit(arguments);
        assert_eq!(found, Some(code), "{arguments:?}");
        assert_eq!(document["error"]["code"], error, "{arguments:?}");
        let text = document["error"]["message"].as_str().unwrap();
        assert!(text.starts_with(message), "{text}");
    }
}

#[test]
fn gzip_is_named_only_where_a_log_is_compressed() {
    let desk = Desk::with("cut.gz", &stored_gzip(SQUID.as_bytes())[..100]);
    fs::create_dir(desk.path().join("folder")).unwrap();
    let said = |log: &str| {
        let output = desk.sidestep(&["audit", log], b"");
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said("cut.gz").contains("gzip --test"));
    let folder = said("folder");
    assert!(folder.contains("cannot read folder"), "{folder}");
    assert!(!folder.contains("gzip"), "{folder}");
}

#[test]
fn a_log_in_utf_16_is_named_as_such() {
    let units = SQUID.encode_utf16().flat_map(u16::to_le_bytes);
    let log: Vec<u8> = [0xff, 0xfe].into_iter().chain(units).collect();
    let desk = Desk::with("copied.log", &log);
    let (code, document) = desk.audit(&["copied.log"]);
    assert_eq!(code, Some(2));
    assert_eq!(
        document["error"]["message"],
        "copied.log is written in UTF-16"
    );
}

#[test]
fn w3c_columns_of_any_name_are_chosen() {
    let desk = Desk::with(
        "w3c",
        "#Fields: date time x-who x-whom sc-bytes\n2026-11-26 02:37:36 10.1.0.10 acct.blob.core.windows.net 1\n2026-11-26 02:37:37 10.1.0.10 acct.blob.core.windows.net 4210\n",
    );
    let columns = ["w3c", "--columns", "host=x-whom,client=x-who"];
    let (code, document) = desk.audit(&columns);
    assert_eq!((code, &document["leaks"]), (Some(1), &json!([blob()])));
    let (_, forced) = desk.audit(&[&columns[..], &["--format", "w3c"]].concat());
    assert_eq!(forced, document);
}

#[test]
fn challenges_are_told_apart_and_a_trailing_dot_claims_no_other_list() {
    let challenge = "1795660656.000 0 10.1.0.10 TCP_DENIED/407 4037 CONNECT acct.blob.core.windows.net:443 - HIER_NONE/- text/html\n";
    let desk = Desk::with("access.log", challenge);
    let (code, document) = desk.audit(&["access.log"]);
    assert_eq!((code, &document["leaks"]), (Some(0), &json!([])));
    assert_eq!(document["challenged"], 1);
    let (_, text) = desk.text(&["access.log"]);
    assert!(
        text.contains("Not counted: 1 request for what should go direct"),
        "{text}"
    );

    desk.write("dot.log", SQUID.replace("windows.net:", "windows.net.:"));
    let list = "*.blob.core.windows.net;*.backup.windowsazure.com";
    let (_, document) = desk.audit(&["dot.log", "--list", list]);
    assert_eq!(document["leaks"][0]["host"], "acct.blob.core.windows.net.");
    let (_, text) = desk.text(&["dot.log", "--list", list]);
    let row = text.lines().find(|line| line.contains("acct")).unwrap();
    assert!(row.ends_with("(none)"), "{text}");
    assert!(text.contains("\n(none): no entry that the site wants sends it direct"));
}

/// A gzip file of one block that is not compressed (RFC 1951 and 1952).
fn stored_gzip(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let mut crc = u32::MAX;
    for byte in text {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(text);
    file.extend((!crc).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}
