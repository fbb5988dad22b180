//! The carried vectors, answered through the command line.
//!
//! The same rows are tested in `model`; here it is the command line's contract:
//! options in, documents out, exit codes.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::process::{Command, Output};

use serde_json::Value;

fn sidestep(arguments: &[&str]) -> (Value, Option<i32>) {
    let Output { status, stdout, .. } = Command::new(env!("CARGO_BIN_EXE_sidestep"))
        .args(arguments)
        .arg("--json")
        .output()
        .unwrap();
    (serde_json::from_slice(&stdout).unwrap(), status.code())
}

fn rows(file: &str, key: &str) -> Vec<Value> {
    let path = format!("{}/../model/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
    let document: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    document[key].as_array().unwrap().clone()
}

fn is_scored(row: &Value) -> bool {
    row["confidence"] == "high" || row["confidence"] == "medium"
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap()
}

fn route(arguments: &[&str]) -> Value {
    let (document, code) = sidestep(&[&["route"], arguments].concat());
    assert_eq!(code, Some(0), "{arguments:?}");
    document["routes"][0].clone()
}

#[test]
fn wininet_lists() {
    let mut scored = 0;
    for row in rows("bypass_vectors.json", "vectors")
        .iter()
        .filter(|row| is_scored(row))
    {
        let list = text(row, "bypass_list");
        let seen = route(&["--consumer", "wininet", "--list", list, text(row, "url")]);
        assert_eq!(seen["route"], row["expected"], "{row:#}\n{seen:#}");
        scored += 1;
    }
    assert!(scored > 200);
}

#[test]
fn wininet_proxy_servers() {
    for row in rows("proxy_server_vectors.json", "vectors")
        .iter()
        .filter(|row| is_scored(row))
    {
        let server = text(row, "proxy_server");
        let seen = route(&["--consumer", "wininet", "--proxy", server, text(row, "url")]);
        let taken = seen["proxy"].as_str().unwrap_or("direct");
        assert_eq!(taken, text(row, "expected_proxy"), "{row:#}\n{seen:#}");
    }
}

#[test]
fn dotnet_framework() {
    let file = "dotnet_framework_vectors.json";
    for row in rows(file, "bypass_vectors") {
        let suffix = row["machine_dns_suffix"].as_str().unwrap_or_default();
        let seen = route(&[
            "--list",
            text(&row, "bypass_list"),
            "--dns-suffix",
            suffix,
            "--own-address",
            "10.0.0.4",
            text(&row, "url"),
        ]);
        assert_eq!(seen["route"], row["expected"], "{row:#}\n{seen:#}");
        assert_eq!(seen["consumer"], "dotnet-framework");
    }
    for row in rows(file, "proxy_server_vectors") {
        let seen = route(&["--proxy", text(&row, "proxy_server"), text(&row, "url")]);
        let expected = text(&row, "expected");
        if expected.starts_with("error:") {
            assert_eq!(seen["route"], "error", "{row:#}\n{seen:#}");
        } else {
            let taken = seen["proxy"].as_str().unwrap_or("direct");
            assert_eq!(taken, expected, "{row:#}");
        }
    }
}

/// Which mechanism decides is a matter of the flags; what a script says is not known here.
#[test]
fn dotnet_framework_order() {
    for row in rows("dotnet_framework_vectors.json", "order_vectors") {
        let (mut flags, mut url) = (0, "");
        for mechanism in text(&row, "flags").split('+') {
            match mechanism {
                "manual" => flags |= 3,
                "autodetect" => flags |= 9,
                "pac" => (flags, url) = (flags | 5, "http://wpad.example/x.pac"),
                other => panic!("{other}"),
            }
        }
        let list = if row["listed"] == true {
            "a.example"
        } else {
            ""
        };
        let flags = flags.to_string();
        let seen = route(&[
            "--flags",
            &flags,
            "--auto-config-url",
            url,
            "--list",
            list,
            "a.example",
        ]);
        let expected = if flags == "3" {
            text(&row, "expected")
        } else {
            "auto"
        };
        assert_eq!(seen["route"], expected, "{row:#}");
    }
}

#[test]
fn blobs() {
    for row in rows("wininet_blobs.json", "blobs") {
        let (seen, code) = sidestep(&["decode", text(&row, "hex")]);
        if code == Some(1) {
            assert_eq!(seen["error"]["code"], "SS113");
            assert_eq!(row["kind"], "malformed", "{row:#}\n{seen:#}");
            continue;
        }
        assert_eq!(code, Some(0));
        let is_winhttp = row["value_name"] == "WinHttpSettings";
        assert_eq!(
            seen["kind"],
            if is_winhttp { "winhttp" } else { "connection" }
        );
        assert_eq!(seen["complete"], row["complete"], "{row:#}\n{seen:#}");
        // The document says these in other words.
        let other = [
            "flags_decoded",
            "last_detect_time_utc",
            "consumed",
            "leftover_bytes",
            "trailing_note",
        ];
        for (key, expected) in row["decoded"].as_object().unwrap() {
            if !other.contains(&key.as_str()) {
                assert_eq!(seen.get(key), Some(expected), "{key} of {}", row["id"]);
            }
        }
    }
}

#[test]
fn service_sids() {
    for (key, name) in [("vectors", "service"), ("special_accounts", "account")] {
        for row in rows("service_sids.json", key) {
            let (seen, _) = sidestep(&["sid", text(&row, name)]);
            assert_eq!(seen["sids"][0]["sid"], row["sid"], "{row:#}");
        }
    }
    assert_eq!(sidestep(&["sid", r"CORP\sqlsvc"]).1, Some(2));
}

#[test]
fn flags_choose_the_mechanism() {
    let by = |flags: &str| {
        route(&[
            "--flags",
            flags,
            "--proxy",
            "p.example:8080",
            "http://a.example/",
        ])
    };
    assert_eq!(by("1")["route"], "direct");
    assert_eq!(by("3")["route"], "proxy");
    assert_eq!(by("9")["route"], "auto");
    let both = by("11");
    assert_eq!(
        (&both["route"], &both["proxy"]),
        (&"auto".into(), &"http://p.example:8080".into())
    );
}

#[test]
fn the_articles_list_is_the_articles() {
    let (seen, code) = sidestep(&["bypass", "--profile", "article-2022-10"]);
    assert_eq!(code, Some(0));
    assert_eq!(seen["characters"], 1073);
    assert_eq!(seen["entries"].as_array().unwrap().len(), 44);
}
