//! `lint`, `route` and `bypass` about lists, by the command line's contract.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn sidestep(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sidestep"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn text(arguments: &[&str]) -> (String, Option<i32>) {
    let output = sidestep(arguments, "");
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code())
}

fn json(arguments: &[&str], input: &str) -> (Value, Option<i32>) {
    let output = sidestep(&[arguments, &["--json"]].concat(), input);
    (
        serde_json::from_slice(&output.stdout).unwrap(),
        output.status.code(),
    )
}

fn article() -> String {
    text(&["bypass", "--profile", "article-2022-10"])
        .0
        .trim_end()
        .to_owned()
}

#[test]
fn the_published_list_is_linted() {
    let list = article();
    let (document, code) = json(&["lint", "-"], &list);
    // It lacks no more than today's documents would add; nothing of it breaks.
    assert_eq!(code, Some(1), "*.storage.azure.net is missing");
    let findings = document["findings"].as_array().unwrap();
    let misspelt = findings
        .iter()
        .find(|finding| finding["code"] == "SS107")
        .unwrap();
    assert_eq!(misspelt["entry"], "nterpriseregistration.windows.net");
    let [start, end] =
        [0, 1].map(|at| usize::try_from(misspelt["span"][at].as_u64().unwrap()).unwrap());
    assert_eq!(&list[start..end], "nterpriseregistration.windows.net");
    assert_eq!(
        misspelt["remedy"],
        "write enterpriseregistration.windows.net"
    );
    assert_eq!(document["fixed"], Value::Null);
    let (shown, _) = text(&["lint", &list]);
    assert!(
        shown.contains("^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"),
        "{shown}"
    );
}

#[test]
fn it_is_mended_shortened_and_compared() {
    let list = article();
    let (document, _) = json(&["lint", &list, "--minimise"], "");
    assert_eq!(document["minimised"]["entries"], 31);
    assert_eq!(document["minimised"]["fewest"], true);
    for proof in document["proof"].as_array().unwrap() {
        assert_eq!(proof["equal"], true, "{proof:#}");
    }
    let shorter = document["minimised"]["list"].as_str().unwrap().to_owned();
    let (_, code) = text(&["lint", &list, "--prove", &shorter]);
    assert_eq!(code, Some(0));

    let (document, code) = json(&["lint", &list, "--fix"], "");
    assert_eq!(code, Some(0));
    let fixed = document["fixed"].as_str().unwrap();
    let today = text(&["bypass"]).0;
    assert_eq!(
        text(&["lint", fixed, "--prove", today.trim_end()]).1,
        Some(0)
    );
    let (differences, code) = text(&["lint", &list, "--prove", fixed]);
    assert_eq!(code, Some(1));
    assert!(
        differences.contains("https://nterpriseregistration.windows.net/"),
        "{differences}"
    );
    assert!(
        differences.contains("https://enterpriseregistration.windows.net/"),
        "{differences}"
    );
}

#[test]
fn exit_codes_follow_severity() {
    let code = |arguments: &[&str]| text(&[&["lint"], arguments].concat()).1;
    let sound = text(&["bypass"]).0;
    let sound = sound.trim_end();
    assert_eq!(code(&[sound]), Some(0));
    assert_eq!(code(&[sound, "--deny", "warning"]), Some(0));
    let warned = format!("{sound};a.example:443");
    assert_eq!(code(&[&warned]), Some(0));
    assert_eq!(code(&[&warned, "--deny", "warning"]), Some(1));
    assert_eq!(code(&[&format!("{sound};10.0.0.0/8")]), Some(1));
    assert_eq!(code(&[sound, "--entra", "proxy"]), Some(1));
    assert_eq!(code(&[sound, "--proxy", "10.2.0.16:3128;"]), Some(1));
    assert_eq!(code(&[sound, "--cloud", "Azure"]), Some(2));
    assert_eq!(code(&["@/no/such/list"]), Some(2));
}

/// The members that the SARIF 2.1.0 schema (OASIS, sarif-schema-2.1.0.json) has
/// for the objects used here: those it requires, and those used besides. Its
/// objects take no others.
const SARIF: &[(&str, &[&str], &[&str])] = &[
    ("/", &["version", "runs"], &["$schema"]),
    ("/runs/*", &["tool"], &["columnKind", "results"]),
    ("/runs/*/tool", &["driver"], &[]),
    ("/runs/*/tool/driver", &["name"], &["version", "rules"]),
    (
        "/runs/*/tool/driver/rules/*",
        &["id"],
        &["name", "shortDescription", "help", "defaultConfiguration"],
    ),
    (
        "/runs/*/tool/driver/rules/*/shortDescription",
        &["text"],
        &[],
    ),
    ("/runs/*/tool/driver/rules/*/help", &["text"], &[]),
    (
        "/runs/*/tool/driver/rules/*/defaultConfiguration",
        &[],
        &["level"],
    ),
    (
        "/runs/*/results/*",
        &["message"],
        &["ruleId", "ruleIndex", "level", "locations"],
    ),
    ("/runs/*/results/*/message", &["text"], &[]),
    ("/runs/*/results/*/locations/*", &[], &["physicalLocation"]),
    (
        "/runs/*/results/*/locations/*/physicalLocation",
        &["artifactLocation"],
        &["region"],
    ),
    (
        "/runs/*/results/*/locations/*/physicalLocation/artifactLocation",
        &[],
        &["uri"],
    ),
    (
        "/runs/*/results/*/locations/*/physicalLocation/region",
        &[],
        &[
            "startLine",
            "startColumn",
            "endLine",
            "endColumn",
            "byteOffset",
            "byteLength",
        ],
    ),
];

fn check_members(value: &Value, path: &str) {
    if let Some(items) = value.as_array() {
        for item in items {
            check_members(item, &format!("{path}/*"));
        }
    }
    let Some(object) = value.as_object() else {
        return;
    };
    let shown = if path.is_empty() { "/" } else { path };
    let (_, required, optional) = SARIF
        .iter()
        .find(|(known, ..)| *known == shown)
        .unwrap_or_else(|| panic!("no object is expected at {shown}"));
    for member in *required {
        assert!(object.contains_key(*member), "{shown} lacks {member}");
    }
    for (member, value) in object {
        let is_known = required.contains(&member.as_str()) || optional.contains(&member.as_str());
        assert!(is_known, "{shown} has no {member}");
        check_members(value, &format!("{path}/{member}"));
    }
}

#[test]
fn sarif_is_what_the_schema_takes() {
    let list = "10.0.0.0/8;a.example b.example;\nnterpriseregistration.windows.net;x.example:443";
    let output = sidestep(&["lint", "-", "--format", "sarif"], list);
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    check_members(&log, "");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let kinds = ["utf16CodeUnits", "unicodeCodePoints"];
    assert!(kinds.contains(&run["columnKind"].as_str().unwrap()));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() > 4);
    for result in results {
        let level = result["level"].as_str().unwrap();
        assert!(["none", "note", "warning", "error"].contains(&level));
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        for member in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(region[member].as_u64().unwrap() >= 1);
        }
    }
    let misspelt = results
        .iter()
        .find(|result| result["ruleId"] == "SS107")
        .unwrap();
    let region = &misspelt["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        (&region["startLine"], &region["startColumn"]),
        (&2.into(), &1.into())
    );
    assert_eq!(region["endColumn"], 34);
}

#[test]
fn routes_say_what_almost_matched_and_where_consumers_part() {
    let list = "x.example:443;*.blob.core.windows.net;nterpriseregistration.windows.net";
    let (document, code) = json(
        &["route", "--list", list, "-"],
        "https://x.example/\nenterpriseregistration.windows.net\nblob.core.windows.net\n",
    );
    assert_eq!(code, Some(0));
    let routes = document["routes"].as_array().unwrap();
    assert_eq!(routes.len(), 3);
    assert_eq!(routes[0]["route"], "proxy");
    assert_eq!(routes[0]["nearest"]["entry"]["index"], 0);
    assert_eq!(routes[0]["differs_for"][0]["consumer"], "wininet");
    assert_eq!(routes[0]["differs_for"][0]["route"], "direct");
    assert_eq!(routes[1]["nearest"]["why"], "one character differs");
    assert_eq!(
        routes[2]["nearest"]["entry"]["text"],
        "*.blob.core.windows.net"
    );
    let (shown, _) = text(&["route", "--list", list, "https://x.example/"]);
    assert!(
        shown.contains("goes another way for wininet: direct"),
        "{shown}"
    );
}

#[test]
fn winhttp_is_foretold_as_far_as_it_is_known() {
    let list = "*.blob.core.windows.net 20.190.128.*";
    let urls = "a.blob.core.windows.net\n20.190.128.7\nwww.example.com\n169.254.169.254\n";
    let asked = ["route", "--consumer", "winhttp", "--list", list, "-"];
    let (document, code) = json(&asked, urls);
    assert_eq!(code, Some(0));
    let routes = document["routes"].as_array().unwrap().iter();
    let ways: Vec<&Value> = routes.clone().map(|route| &route["route"]).collect();
    assert_eq!(ways, ["direct", "unknown", "proxy", "unknown"]);
    assert!(routes.clone().all(|route| route["consumer"] == "winhttp"));
    let entries: Vec<&Value> = routes.map(|route| &route["entry"]["index"]).collect();
    assert_eq!(entries, [&0.into(), &1.into(), &Value::Null, &Value::Null]);
    let (shown, _) = text(&[
        "route",
        "--consumer",
        "winhttp",
        "--list",
        list,
        "20.190.128.7",
    ]);
    let why = "what WinHTTP makes of \"20.190.128.*\", entry 2 of the list, is neither documented nor measured";
    assert!(shown.contains(why), "{shown}");
    let (_, code) = text(&[
        "route",
        "--consumer",
        "winsock",
        "--list",
        list,
        "a.example",
    ]);
    assert_eq!(code, Some(2));
}

#[test]
fn lists_are_explained_narrowed_and_made_exact() {
    let (table, code) = text(&["bypass", "--explain"]);
    assert_eq!(code, Some(0));
    assert!(table.contains("*.queue.core.windows.net") && table.contains("Queue Storage"));
    let (list, _) = text(&["bypass", "--region", "japaneast"]);
    assert!(list.contains(";*.jpe.backup.windowsazure.com;"), "{list}");
    assert_eq!(text(&["bypass", "--region", "japanest"]).1, Some(2));
    let name = "abcpod01ecs114.blob.core.windows.net";
    let (list, _) = text(&["bypass", "--exact", "--names", name]);
    assert!(
        list.contains(name) && !list.contains("*.blob.core.windows.net"),
        "{list}"
    );
    assert!(list.contains("*.queue.core.windows.net"), "{list}");
    assert_eq!(
        text(&["bypass", "--exact", "--names", "a.invalid"]).1,
        Some(2)
    );
    let (script, code) = text(&["bypass", "--format", "pac", "--proxy", "10.2.0.16:8080"]);
    assert_eq!(code, Some(0));
    assert!(script.starts_with("// ") && script.contains("PROXY 10.2.0.16:8080"));
}
