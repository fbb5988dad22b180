//! Every scenario ends as its file declares, seen through the command line.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn sidestep(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sidestep"))
        .args(arguments)
        .output()
        .unwrap()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

const PROTECTED: [&str; 4] = ["backup", "blob", "queue", "storage"];

/// Backup and Storage connections on the proxy.
fn leaks(evidence: &Value) -> u64 {
    let rows = evidence["connections"].as_array();
    rows.into_iter()
        .flatten()
        .filter(|row| row["path"] == "proxy")
        .filter(|row| PROTECTED.contains(&row["service"].as_str().unwrap()))
        .filter_map(|row| row["connections"].as_u64())
        .sum()
}

fn check(file: &Path) {
    let declared: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let expect = &declared["expect"];
    let name = file.file_stem().unwrap().to_str().unwrap();
    let output = sidestep(&["rehearse", "--scenario", name, "--json"]);
    let seen = document(&output);

    let exit = expect["exit"].as_integer().unwrap();
    let code = output.status.code().map(i64::from);
    assert_eq!(code, Some(exit), "{name}: {seen:#}");
    assert_eq!(
        seen["outcome"],
        *expect["outcome"].as_str().unwrap(),
        "{name}"
    );
    assert_eq!(seen["rehearsal"], true);
    assert_eq!(seen["format_version"], "1.0");

    // Notes are no causes; the rest is exactly what is declared: no symptom beside its cause.
    let found: Vec<&str> = seen["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] != "note")
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    let declared: Vec<&str> = expect["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    assert_eq!(found, declared, "{name}: {:#}", seen["findings"]);
    for finding in seen["findings"].as_array().unwrap() {
        assert!(!finding["remedy"].as_str().unwrap().is_empty(), "{name}");
    }

    let before = leaks(&seen["before"]["evidence"]) > 0;
    assert_eq!(before, expect["leak_before"].as_bool().unwrap(), "{name}");
    let backed_up = seen["steps"]
        .as_array()
        .unwrap()
        .iter()
        .any(|step| step["step"] == "backup" && step["outcome"] != "not-reached");
    assert_eq!(seen["evidence"].is_null(), !backed_up, "{name}");
    let after = leaks(&seen["evidence"]) > 0;
    assert_eq!(after, expect["leak_after"].as_bool().unwrap(), "{name}");

    // Two witnesses, one number: the listeners and the proxy's own log.
    for (evidence, log) in [
        (&seen["before"]["evidence"], &seen["before"]["proxy_log"]),
        (&seen["evidence"], &seen["proxy_log"]),
    ] {
        let logged: u64 = log["crossings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|crossing| PROTECTED.contains(&crossing["service"].as_str().unwrap()))
            .map(|crossing| crossing["connections"].as_u64().unwrap())
            .sum();
        assert_eq!(logged, leaks(evidence), "{name}: {log:#}");
        assert_eq!(log["malformed"], 0, "{name}");
    }
}

#[test]
fn every_scenario_ends_as_its_file_declares() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab/scenarios");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for name in [
        "auto-detect-left-on",
        "disabled-proxy-copied",
        "entra-by-proxy-only",
        "from-nothing",
        "happy",
        "manual-dns",
        "not-needed",
        "per-machine-policy",
        "plugin-not-registered",
        "proxy-down",
        "public-fallback",
        "seed-list",
        "throttled",
        "tls-inspection",
        "vault-not-empty",
        "via-proxy",
    ] {
        assert!(
            files
                .iter()
                .any(|file| file.ends_with(format!("{name}.toml")))
        );
    }
    for file in files {
        check(&file);
    }
}

#[test]
fn the_happy_rehearsal_shows_what_it_claims() {
    let output = sidestep(&["rehearse", "--json"]);
    let seen = document(&output);
    let rows = seen["evidence"]["connections"].as_array().unwrap();
    let has = |account: &str, service: &str, path: &str| {
        rows.iter().any(|row| {
            row["account"] == account && row["service"] == service && row["path"] == path
        })
    };
    assert!(has("plugin", "blob", "private-endpoint"), "{seen:#}");
    assert!(has("plugin", "backup", "private-endpoint"));
    assert!(has("system", "queue", "private-endpoint"));
    assert!(has("system", "entra", "direct"));
    assert!(rows.iter().all(|row| row["path"] != "proxy"));

    // The bytes of the database really went to storage, by the plugin's own connections.
    let backup = &seen["backup"];
    let sent: u64 = rows
        .iter()
        .filter(|row| row["service"] == "blob")
        .filter_map(|row| row["bytes"].as_u64())
        .sum();
    assert!(sent > backup["bytes"].as_u64().unwrap());

    // Both sides tell the same of it: Azure's job and the vault that read it back.
    assert!(backup["transferred_mb"].as_f64().unwrap() > 7.9, "{backup}");
    assert_eq!(backup["sha256"].as_str().unwrap().len(), 64);

    let steps = seen["steps"].as_array().unwrap().iter();
    let steps: Vec<&str> = steps
        .filter(|step| step["outcome"] == "done")
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        steps,
        [
            "endpoint",
            "system-bypass",
            "register",
            "plugin-bypass",
            "protect",
            "check",
            "backup"
        ]
    );
    // Two accounts by everything that the endpoint serves, and Entra ID.
    let probes = seen["check"]["probes"].as_array().unwrap();
    assert_eq!(probes.len(), 2 * 11);
    assert!(
        probes
            .iter()
            .all(|probe| probe["http"]["state"] == "passed"),
        "{probes:#?}"
    );
    assert!(
        seen["check"]["values"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["as_wanted"] == true)
    );
}

#[test]
fn both_documented_first_failures_are_met_and_named() {
    let seen = document(&sidestep(&[
        "rehearse",
        "--scenario",
        "manual-dns",
        "--json",
    ]));
    let waited = seen["waited"].as_array().unwrap();
    let codes: Vec<&str> = waited
        .iter()
        .map(|findings| {
            let errors = findings.as_array().unwrap().iter();
            let mut errors = errors.filter(|finding| finding["severity"] == "error");
            errors.next().unwrap()["code"].as_str().unwrap()
        })
        .collect();
    assert_eq!(codes, ["SS202", "SS202", "SS202"]);
    // The endpoint's, then the channel's at discovery, then the data account's at the first backup.
    let remedy = |index: usize| {
        let findings = waited[index].as_array().unwrap().iter();
        let mut errors = findings.filter(|finding| finding["severity"] == "error");
        errors.next().unwrap()["remedy"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(remedy(0).contains("-ab-pod01-rec2.privatelink.jpe.backup.windowsazure.com."));
    assert!(remedy(1).contains("privatelink.queue.core.windows.net"));
    assert!(remedy(1).contains("168.63.129.16") && !remedy(1).contains("prot120"));
    assert!(remedy(2).contains("prot120.privatelink.blob.core.windows.net"));
}

#[test]
fn the_articles_misspelt_name_is_seen_on_the_proxy() {
    let seen = document(&sidestep(&[
        "rehearse",
        "--scenario",
        "seed-list",
        "--json",
    ]));
    let hosts = |log: &Value| -> Vec<String> {
        let crossings = log["crossings"].as_array().unwrap().iter();
        crossings
            .map(|crossing| crossing["host"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        hosts(&seen["before"]["proxy_log"]),
        ["enterpriseregistration.windows.net"]
    );
    assert!(hosts(&seen["proxy_log"]).is_empty());
    let message = seen["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("\"enterpriseregistration.windows.net\""),
        "{message}"
    );
}

#[test]
fn a_real_file_arrives_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.bak");
    let content: Vec<u8> = (0..3_000_001_u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(&file, &content).unwrap();
    let output = sidestep(&["rehearse", "--json", "--database", file.to_str().unwrap()]);
    let seen = document(&output);
    assert_eq!(seen["backup"]["bytes"], 3_000_001);
    assert_eq!(seen["outcome"], "done");
}

/// The sample with lines replaced, rehearsed; what came out and the codes of its errors.
fn rehearsed(scenario: &str, replacements: &[(&str, &str)]) -> (Value, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site.toml");
    let mut text = SAMPLE.to_owned();
    for (from, to) in replacements {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    std::fs::write(&site, text).unwrap();
    let arguments = [
        "rehearse",
        site.to_str().unwrap(),
        "--scenario",
        scenario,
        "--json",
    ];
    let seen = document(&sidestep(&arguments));
    let errors = seen["findings"].as_array().unwrap().iter();
    let errors = errors.filter(|finding| finding["severity"] == "error");
    let codes = errors.map(|finding| finding["code"].as_str().unwrap().to_owned());
    let codes = codes.collect();
    (seen, codes)
}

const SAMPLE: &str = include_str!("../../model/src/site/sample.toml");

#[test]
fn a_site_that_removes_what_it_sends_direct_contradicts_itself() {
    let removed = ("remove = []", "remove = [\"*.blob.core.windows.net\"]");
    let (seen, codes) = rehearsed("happy", &[removed]);
    assert_eq!(seen["outcome"], "failed");
    assert_eq!(codes, ["SS116"]);
    assert!(seen["evidence"].is_null() && leaks(&seen["before"]["evidence"]) > 0);
}

#[test]
fn by_the_proxy_needs_a_proxy_that_sees_the_endpoint() {
    let by_proxy = [("backup = \"direct\"", "backup = \"proxy\"")];
    let (_, codes) = rehearsed("happy", &by_proxy);
    assert_eq!(codes, ["SS304"]);
    let (_, codes) = rehearsed("not-needed", &by_proxy);
    assert_eq!(codes, ["SS105"]);
}

#[test]
fn an_entry_for_everything_is_not_by_the_proxy() {
    let (seen, codes) = rehearsed(
        "happy",
        &[
            ("backup = \"direct\"", "backup = \"proxy\""),
            ("entra = \"direct\"", "entra = \"proxy\""),
            ("add = []", "add = [\"*\"]"),
        ],
    );
    assert_eq!(seen["outcome"], "failed");
    // One for each account: one entry is one cause, however many names it covers.
    assert_eq!(codes, ["SS311", "SS311"]);
}

#[test]
fn a_site_of_the_users_own_is_rehearsed() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("mine.toml");
    let text = r#"
[azure]
subscription = "11111111-2222-3333-4444-555555555555"
resource_group = "rg-own"
location = "koreacentral"
[vault]
name = "own-vault"
[private_endpoint]
name = "pe-own"
subnet = "vnet-own/snet-own"
[[vm]]
name = "ownvm"
[proxy]
mode = "set"
server = "proxy.own.example:3128"
[bypass]
entra = "proxy"
add = ["wsus.own.example", "*.edr.own.example"]
[sql]
databases = ["MSSQLSERVER/one", "MSSQLSERVER/two"]
backup = "MSSQLSERVER/two"
"#;
    std::fs::write(&site, text).unwrap();
    let output = sidestep(&["rehearse", site.to_str().unwrap(), "--json"]);
    let seen = document(&output);
    assert_eq!(seen["outcome"], "done", "{seen:#}");
    assert_eq!(seen["backup"]["database"], "MSSQLSERVER/two");
    assert_eq!(leaks(&seen["evidence"]), 0);
    let entra: Vec<&Value> = seen["evidence"]["connections"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["service"] == "entra")
        .map(|row| &row["path"])
        .collect();
    assert!(!entra.is_empty() && entra.iter().all(|path| **path == "proxy"));
}
