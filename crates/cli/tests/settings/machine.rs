//! The machine's own settings, which count for every account under a policy.

use std::fs;
use std::path::Path;

use crate::desk::{export, json, sidestep, text};

const MACHINE: [&str; 6] = [
    "apply",
    "--at",
    "server.reg",
    "--account",
    "machine",
    "--yes",
];

/// Two copies, as 64-bit and as 32-bit programs read them; they differ.
fn per_machine() -> String {
    let machine = r#"[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings]
"ProxySettingsPerUser"=dword:00000000

[HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings]
"ProxyEnable"=dword:00000001
"ProxyServer"="10.2.0.16:8080"
"ProxyOverride"="*.corp.example"

[HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Internet Settings]
"ProxyEnable"=dword:00000001
"ProxyServer"="10.2.0.17:8080"
"ProxyOverride"="wsus"

"#;
    format!("{}{machine}", export())
}

fn desk(export: &str) -> tempfile::TempDir {
    let desk = crate::desk::desk();
    fs::write(desk.path().join("server.reg"), export).unwrap();
    desk
}

fn routes(folder: &Path, account: &str) -> Vec<String> {
    let arguments = [
        "route",
        "a.blob.core.windows.net",
        "--at",
        "server.reg",
        "--json",
    ];
    let account = ["--account", account];
    let document = json(folder, &[&arguments[..], &account].concat(), 0);
    let routes = document["routes"].as_array().unwrap().iter();
    routes
        .map(|route| {
            let account = route["account"].as_str().unwrap();
            format!("{account}: {}", route["route"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn under_the_policy_the_machine_is_changed_and_put_back() {
    let desk = desk(&per_machine());
    let folder = desk.path();
    // Nobody's own settings count, and it is said where to go on.
    let refused = json(
        folder,
        &["apply", "--at", "server.reg", "--yes", "--json"],
        3,
    );
    assert_eq!(refused["findings"][0]["code"], "SS103");
    let remedy = refused["findings"][0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("--account machine"), "{remedy}");
    assert_eq!(text(folder, "server.reg"), per_machine());

    let before = routes(folder, "machine");
    // The blob is missing yet: Windows would detect.
    assert_eq!(before, ["machine: auto", "machine-32: auto"]);
    sidestep(folder, &MACHINE).code(0);
    assert_eq!(
        routes(folder, "machine"),
        ["machine: direct", "machine-32: direct"]
    );
    let show = json(
        folder,
        &[
            "show",
            "--at",
            "server.reg",
            "--account",
            "machine",
            "--json",
        ],
        0,
    );
    let proxies: Vec<&str> = show["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| {
            account["readers"][0]["settings"]["proxy_server"]
                .as_str()
                .unwrap()
        })
        .collect();
    // Each copy keeps its own proxy and its own entries.
    assert_eq!(proxies, ["10.2.0.16:8080", "10.2.0.17:8080"]);
    assert!(text(folder, "server.reg").contains("\"ProxyOverride\"=\"wsus;"));
    sidestep(folder, &MACHINE)
        .code(0)
        .stdout_eq(snapbox::str![[r#"
...
nothing to do

"#]]);
    let history = json(folder, &["history", "--at", "server.reg", "--json"], 0);
    let intents = &history["runs"][0]["transactions"][0]["accounts"];
    let accounts = [&intents[0]["account"], &intents[1]["account"]];
    assert_eq!(accounts, ["machine", "machine-32"]);
    sidestep(folder, &["undo", "--at", "server.reg", "--yes"]).code(0);
    assert_eq!(text(folder, "server.reg"), per_machine());
}

#[test]
fn a_plan_for_the_machine_is_carried_out_as_it_was_agreed() {
    let desk = desk(&per_machine());
    let folder = desk.path();
    let plan = [
        "plan",
        "--at",
        "server.reg",
        "--account",
        "machine",
        "--json",
    ];
    let plan = json(folder, &plan, 0);
    fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
    sidestep(folder, &["apply", "plan.json", "--yes"]).code(0);
    assert_eq!(
        routes(folder, "machine"),
        ["machine: direct", "machine-32: direct"]
    );
    sidestep(folder, &["apply", "plan.json", "--yes"]).code(4);
    sidestep(folder, &["undo", "--at", "server.reg", "--yes"]).code(0);
    assert_eq!(text(folder, "server.reg"), per_machine());
}

#[test]
fn what_nobody_reads_is_written_with_a_warning() {
    let with_policy = per_machine();
    let desk = desk(&with_policy.replace("dword:00000000", "dword:00000001"));
    let plan = json(
        desk.path(),
        &[
            "plan",
            "--at",
            "server.reg",
            "--account",
            "machine",
            "--json",
        ],
        0,
    );
    let codes: Vec<&str> = plan["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"SS147"), "{codes:?}");
}

#[test]
fn an_export_without_the_machine_is_no_place_to_change_it() {
    let desk = desk(&export());
    let folder = desk.path();
    let plan = [
        "plan",
        "--at",
        "server.reg",
        "--account",
        "machine",
        "--json",
    ];
    let plan = json(folder, &plan, 3);
    assert_eq!(plan["findings"][0]["code"], "SS111");
    assert_eq!(plan["plans"].as_array().unwrap().len(), 1);
    sidestep(folder, &MACHINE).code(3);
    assert_eq!(text(folder, "server.reg"), export());
}
