//! A plan that was agreed, carried out.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sidestep_model::blob::{ConnectionSettings, parse_hex};
use snapbox::cmd::OutputAssert;
use snapbox::str;

use crate::desk::{desk, export, json, sidestep, text};

#[test]
fn a_plan_file_is_carried_out_exactly_or_not_at_all() {
    let desk = desk();
    let folder = desk.path();
    let plan = sidestep(
        folder,
        &[
            "plan",
            "--at",
            "server.reg",
            "--account",
            "system",
            "--json",
        ],
    );
    let plan = String::from_utf8(plan.code(0).get_output().stdout.clone()).unwrap();
    assert!(!plan.contains("geheim") && !plan.contains("67656865696d"));
    fs::write(folder.join("plan.json"), &plan).unwrap();

    // The site is another one now: the plan is what counts.
    sidestep(folder, &["init", "other.toml", "--entra", "proxy", "-q"]).code(0);
    fs::rename(folder.join("other.toml"), folder.join("site.toml")).unwrap();
    let done = json(folder, &["apply", "plan.json", "--json"], 0);
    assert_eq!(
        (&done["outcome"], &done["run"]),
        (&"done".into(), &1.into())
    );
    assert!(text(folder, "server.reg").contains("*.msftauth.net"));

    // Carried out already, or on another machine, it is refused.
    sidestep(folder, &["apply", "plan.json"])
        .code(4)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error[SS121]: ProxyOverride of NT AUTHORITY/SYSTEM is no longer what the plan was made for
hint: nothing was written; plan again, and have the new plan agreed

"#]]);
    sidestep(folder, &["undo", "--at", "server.reg"]).code(0);

    // As Windows PowerShell's `>` writes it.
    let utf16: Vec<u8> = "\u{feff}"
        .chars()
        .chain(plan.chars())
        .flat_map(|character| (character as u16).to_le_bytes())
        .collect();
    fs::write(folder.join("utf16.JSON"), utf16).unwrap();
    sidestep(folder, &["apply", "utf16.JSON"]).code(0);
    sidestep(folder, &["apply", "plan.json", "--clear-pac"]).code(2);
    fs::write(folder.join("not.json"), "{}").unwrap();
    // Two things for one value, or for one account, have no order.
    let mut twice: Value = serde_json::from_str(&plan).unwrap();
    let change = twice["plans"][0]["changes"][0].clone();
    let changes = twice["plans"][0]["changes"].as_array_mut().unwrap();
    changes.push(change);
    fs::write(folder.join("server.reg"), export()).unwrap();
    fs::write(folder.join("twice.json"), twice.to_string()).unwrap();
    sidestep(folder, &["apply", "twice.json"])
        .code(4)
        .stderr_eq(str![[r#"
error[SS123]: the plan names ProxyOverride of NT AUTHORITY/SYSTEM twice
hint: nothing was written; apply the site, or --copy-from, without a plan file

"#]]);
    let mut twice: Value = serde_json::from_str(&plan).unwrap();
    let account = twice["plans"][0].clone();
    twice["plans"].as_array_mut().unwrap().push(account);
    fs::write(folder.join("twice.json"), twice.to_string()).unwrap();
    sidestep(folder, &["apply", "twice.json"]).code(2);
    assert_eq!(text(folder, "server.reg"), export());

    // A policy that came after the plan: nobody would read what it writes.
    let policy = r"[HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings]";
    let ruled = export() + policy + "\n\"ProxySettingsPerUser\"=dword:00000000\n";
    fs::write(folder.join("server.reg"), &ruled).unwrap();
    let refused = json(folder, &["apply", "plan.json", "--json"], 3);
    assert_eq!(refused["findings"][0]["code"], "SS103");
    assert_eq!(text(folder, "server.reg"), ruled);

    sidestep(folder, &["apply", "not.json"]).code(2).stderr_eq(str![[r#"
error[SS123]: not.json is no plan that can be applied: missing field `format_version` at line 1 column 2
hint: `sidestep plan --json > plan.json` writes one

"#]]);
}

/// SYSTEM's plan, as a document.
fn plan(folder: &Path) -> Value {
    let plan = [
        "plan",
        "--at",
        "server.reg",
        "--account",
        "system",
        "--json",
    ];
    json(folder, &plan, 0)
}

fn apply(folder: &Path, plan: &Value) -> OutputAssert {
    fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
    sidestep(folder, &["apply", "plan.json"])
}

#[test]
fn a_plan_file_names_the_machine_wherever_it_is_carried_out_from() {
    let desk = desk();
    let folder = desk.path();
    let elsewhere = folder.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    apply(&elsewhere, &plan(folder)).code(0);
    assert!(text(folder, "server.reg").contains("*.msftauth.net"));
}

#[test]
fn a_move_that_the_plan_does_not_touch_is_noticed() {
    let desk = desk();
    let folder = desk.path();
    let plan = plan(folder);
    let moved = export().replace(
        "\"ProxyOverride\"=\"*.corp",
        "\"AutoConfigURL\"=\"http://wpad/x\"\n\"ProxyOverride\"=\"*.corp",
    );
    fs::write(folder.join("server.reg"), &moved).unwrap();
    apply(folder, &plan)
        .code(4)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error[SS121]: AutoConfigURL of NT AUTHORITY/SYSTEM is no longer what the plan was made for
hint: nothing was written; plan again, and have the new plan agreed

"#]]);
    assert_eq!(text(folder, "server.reg"), moved);

    // What an older Sidestep saw nobody knows.
    fs::write(folder.join("server.reg"), export()).unwrap();
    let mut older = plan;
    older["plans"][0].as_object_mut().unwrap().remove("saw");
    apply(folder, &older).code(2).stderr_eq(str![[r#"
error[SS123]: plan.json is no plan that can be applied: it does not hold what it saw of NT AUTHORITY/SYSTEM (`saw`), as plans of an older Sidestep do not
hint: `sidestep plan --json > plan.json` writes one

"#]]);
    assert_eq!(text(folder, "server.reg"), export());
}

#[test]
fn an_edited_plan_writes_nothing_that_breaks_a_reader() {
    let desk = desk();
    let folder = desk.path();
    let plan = plan(folder);
    let list = |edited: &str| {
        let mut plan = plan.clone();
        let changes = plan["plans"][0]["changes"].as_array_mut().unwrap();
        let list = "*.corp.example;".len();
        for change in changes {
            // The plain value, and the blobs with a length before it.
            let after = &mut change["after"];
            if let Some(text) = after["text"].as_str() {
                *after = json!({ "text": format!("{edited}{}", &text[list..]) });
            } else {
                let bytes = parse_hex(after["binary"].as_str().unwrap()).unwrap();
                let mut blob = ConnectionSettings::decode(&bytes).unwrap();
                let text = blob.proxy_bypass.text();
                blob.proxy_bypass = format!("{edited}{}", &text[list..]).as_str().into();
                let hex: Vec<String> = blob
                    .encode()
                    .iter()
                    .map(|one| format!("{one:02x}"))
                    .collect();
                *after = json!({ "binary": hex.concat() });
            }
        }
        plan
    };
    for (edited, shown) in [
        ("a\0b;", r"a\u{0}b"),
        ("a\r\nb;", r"a\r\nb"),
        ("10.0.0.0/8;", "10.0.0.0/8"),
    ] {
        let refused = apply(folder, &list(edited)).code(4);
        let shown = format!("error[SS108]: the entry \"{shown}\"");
        let screen = String::from_utf8_lossy(&refused.get_output().stdout).into_owned();
        assert!(screen.contains(&shown), "{screen}");
        assert_eq!(text(folder, "server.reg"), export());
    }
    // Only one of the values: none of Sidestep's plans contradicts itself.
    let mut one = plan.clone();
    one["plans"][0]["changes"][0]["after"]["text"] = "only.here".into();
    apply(folder, &one).code(4).stderr_eq(str![[r#"
error[SS123]: the plan writes ProxyOverride of NT AUTHORITY/SYSTEM as Sidestep never does
hint: nothing was written; apply the site, or --copy-from, without a plan file

"#]]);
    apply(folder, &list("more.example;")).code(0);
    assert!(text(folder, "server.reg").contains("\"more.example;"));
}
