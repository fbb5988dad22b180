//! What a run must not do: register where there is no way back to an endpoint,
//! take another item's backup for its own, stay stuck at an order of an earlier run.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::fs;
use std::process::Stdio;

use jiff::Timestamp;
use serde_json::Value;
use sidestep_lab::{Content, Setup};
use sidestep_machine::{Journal, RegFileStore, Store};
use sidestep_model::journal::{BackupOrder, Command, Record};
use support::{Desk, GROUP, ended, errors as codes, setup};

const ITEM: &str = "vaults/rsv-sql/backupFabrics/Azure/protectionContainers/VMAppContainer;compute;\
                    rg-sql;sqlvm1/protectedItems/SQLDataBase;mssqlserver;orders";

/// How another command than `run` ended in that lab.
async fn told(desk: &Desk, arguments: &[&str]) -> (Option<i32>, Value) {
    let lab = ["--lab", "lab.json", "--json"];
    ended(desk.sidestep(&[arguments, &lab].concat())).await
}

/// A journal in the place of those that are there.
fn remember(desk: &Desk, records: &[Record]) {
    let store = RegFileStore::new(&desk.lab.registry_file());
    let folder = store.journal_folder();
    drop(fs::remove_dir_all(&folder));
    let journal = Journal::open(&folder, Timestamp::now).unwrap();
    let mut run = journal.begin(Command::Run, "test").unwrap();
    for record in records {
        run.record(record).unwrap();
    }
}

fn order(item: &str, time: Timestamp) -> Record {
    Record::BackupOrder(BackupOrder {
        item: format!("{GROUP}/providers/Microsoft.RecoveryServices/{item}"),
        database: "MSSQLSERVER/orders".to_owned(),
        kind: "Full".to_owned(),
        time,
        request: "0f0e0d0c-0b0a-4908-8706-050403020100".to_owned(),
    })
}

fn outcome<'a>(document: &'a Value, step: &str) -> &'a str {
    let mut steps = document["steps"].as_array().unwrap().iter();
    let step = steps.find(|one| one["step"] == *step).unwrap();
    step["outcome"].as_str().unwrap()
}

#[tokio::test]
async fn nothing_is_registered_with_a_vault_without_an_endpoint() {
    let desk = Desk::of(setup(), &[]).await;
    let (code, document) = desk.run(&["--from", "system-bypass"]).await;
    assert_eq!((code, codes(&document)), (Some(3), vec!["SS525"]));
    assert_eq!(desk.lab.census().registrations, 0);
    // So there still is a way.
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(0), "{document:#}");
}

#[tokio::test]
async fn what_if_tells_everything_that_a_run_would_make() {
    let linked = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-hub");
    let setup = Setup {
        link_vnets: vec![linked.clone()],
        ..setup()
    };
    let links = format!("link_vnets = [\"{linked}\"]");
    let desk = Desk::of(setup, &[("link_vnets = []", &links)]).await;
    let kinds = |document: &Value, state: &str| -> Vec<String> {
        let resources = document["resources"].as_array().unwrap().iter();
        let of_state = resources.filter(|one| one["state"] == *state);
        let mut kinds: Vec<String> = of_state
            .map(|one| format!("{} {}", one["kind"].as_str().unwrap(), one["name"]))
            .collect();
        kinds.sort_unstable();
        kinds
    };
    let (code, planned) = desk.run(&["--what-if"]).await;
    assert_eq!(code, Some(0), "{planned:#}");
    assert_eq!(outcome(&planned, "check"), "planned");
    let planned = kinds(&planned, "planned");
    // What depends on the registration cannot be told before.
    let (_, made) = desk.run(&["--until", "register"]).await;
    assert_eq!(planned, kinds(&made, "made"));
    assert!(planned.len() > 8, "{planned:?}");
}

#[tokio::test]
async fn what_if_goes_on_where_even_the_vault_would_be_made() {
    let setup = Setup {
        vault_exists: false,
        ..setup()
    };
    let create = (
        "create = false",
        "redundancy = \"GeoRedundant\"\ncreate = true",
    );
    let desk = Desk::of(setup, &[create]).await;
    let (code, document) = desk.run(&["--what-if"]).await;
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(outcome(&document, "endpoint"), "planned");
    assert_eq!(outcome(&document, "register"), "planned");
    assert_eq!(outcome(&document, "protect"), "pending");
    assert_eq!(outcome(&document, "backup"), "pending");
    // Alone, each of them says what is missing.
    for arguments in [&["run", "--yes", "--from", "protect"][..], &["check"]] {
        let (code, document) = told(&desk, arguments).await;
        assert_eq!((code, codes(&document)), (Some(3), vec!["SS505"]));
    }
}

#[tokio::test]
async fn a_backup_with_another_vault_is_not_this_ones() {
    let desk = Desk::of(setup(), &[]).await;
    let other = ITEM.replace("rsv-sql", "rsv-old");
    remember(
        &desk,
        &[
            order(&other, Timestamp::now()),
            Record::BackupEnd {
                job: "11111111-2222-4333-8444-555555555555".to_owned(),
                is_complete: true,
            },
        ],
    );
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(desk.lab.census().backup_jobs, 1);
}

#[tokio::test]
async fn a_job_that_azure_does_not_know_any_more_is_not_followed_for_ever() {
    let desk = Desk::of(setup(), &[]).await;
    remember(
        &desk,
        &[
            order(ITEM, Timestamp::now()),
            Record::BackupJob {
                job: "11111111-2222-4333-8444-555555555555".to_owned(),
            },
        ],
    );
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(document["backup"]["adopted"], false);
    assert_eq!(desk.lab.census().backup_jobs, 1);
}

#[tokio::test]
async fn an_order_that_could_be_several_jobs_stops_until_a_new_one_is_asked_for() {
    let desk = Desk::of(setup(), &[]).await;
    let before = Timestamp::now();
    for arguments in [&[][..], &["--from", "backup"]] {
        let (code, document) = desk.run(arguments).await;
        assert_eq!(code, Some(0), "{document:#}");
    }
    remember(&desk, &[order(ITEM, before)]);
    for _ in 0..2 {
        let (code, document) = desk.run(&[]).await;
        assert_eq!((code, codes(&document)), (Some(4), vec!["SS522"]));
        assert_eq!(desk.lab.census().backup_jobs, 2);
    }
    let (code, document) = desk.run(&["--from", "backup"]).await;
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(desk.lab.census().backup_jobs, 3);
    let (code, _) = desk.run(&[]).await;
    assert_eq!((code, desk.lab.census().backup_jobs), (Some(0), 3));
}

#[tokio::test]
async fn what_was_made_since_the_registration_is_looked_for_before_it_is_missed() {
    let wanted = "databases = [\"MSSQLSERVER/orders\"]";
    let other = "databases = [\"MSSQLSERVER/orders\", \"MSSQLSERVER/new\"]";
    let desk = Desk::of(setup(), &[(wanted, other)]).await;
    let (code, document) = desk.run(&[]).await;
    assert_eq!((code, codes(&document)), (Some(3), vec!["SS603"]));
    let log = fs::read_to_string(desk.lab.azure_log()).unwrap();
    assert!(log.contains("/inquire?"), "Azure was not asked to look");
}

#[tokio::test]
async fn history_tells_backups_and_a_lab_that_is_gone_is_said_to_be() {
    let desk = Desk::of(setup(), &[]).await;
    let job = "11111111-2222-4333-8444-555555555555".to_owned();
    let ended = |is_complete| Record::BackupEnd {
        job: job.clone(),
        is_complete,
    };
    let registry = desk.lab.registry_file();
    let history = |json: bool| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sidestep"));
        command.args(["history", "--at", registry.to_str().unwrap()]);
        command.args(json.then_some("--json"));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    for (end, told) in [
        (ended(true), "MSSQLSERVER/orders backed up"),
        (ended(false), "backup of MSSQLSERVER/orders failed"),
    ] {
        remember(&desk, &[order(ITEM, Timestamp::now()), end]);
        let text = history(false);
        assert!(
            text.contains(told) && !text.contains("nothing changed"),
            "{text}"
        );
    }
    let document: Value = serde_json::from_str(&history(true)).unwrap();
    let backup = &document["runs"][0]["backups"][0];
    assert_eq!(
        (&backup["job"], &backup["outcome"]),
        (&job.into(), &"failed".into())
    );

    let Desk { folder, lab } = desk;
    drop(lab);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_sidestep"))
        .args(["run", "--lab", "lab.json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(said.contains("lab serve"), "{said}");
}

/// Sites that do not fit what is there: where a run stops, why, and with which exit code.
#[tokio::test]
async fn what_does_not_fit_stops_the_run_where_it_is_found() {
    let one = "databases = [\"MSSQLSERVER/orders\"]";
    let backup = "backup = \"MSSQLSERVER/orders\"";
    for (replaced, step, exit, code) in [
        (("\"japaneast\"", "\"japanwest\""), "endpoint", 3, "SS506"),
        (("/snet-pe\"", "/snet-other\""), "endpoint", 3, "SS509"),
        (
            ("policy = \"HourlyLogBackup\"", "policy = \"Other\""),
            "protect",
            3,
            "SS517",
        ),
        ((one, "databases = []"), "protect", 3, "SS602"),
        (
            (backup, "backup = \"MSSQLSERVER/master\""),
            "backup",
            3,
            "SS604",
        ),
    ] {
        let desk = Desk::of(setup(), &[replaced]).await;
        let (status, document) = desk.run(&[]).await;
        assert_eq!(
            (status, codes(&document)),
            (Some(exit), vec![code]),
            "{document:#}"
        );
        assert_eq!(outcome(&document, step), "refused", "{code}");
        assert_eq!(desk.lab.census().backup_jobs, 0);
    }
}

#[tokio::test]
async fn an_endpoint_of_that_name_that_leads_elsewhere_is_left_alone() {
    let desk = Desk::of(setup(), &[]).await;
    let site = fs::read_to_string(desk.file("site.toml")).unwrap();
    let other = site.replace("name = \"rsv-sql\"", "name = \"rsv-other\"");
    let other = other.replace(
        "create = false",
        "redundancy = \"GeoRedundant\"\ncreate = true",
    );
    fs::write(desk.folder.path().join("other.toml"), other).unwrap();
    let (code, document) = desk.run(&["other.toml", "--until", "endpoint"]).await;
    assert_eq!(code, Some(0), "{document:#}");
    let before = desk.lab.census();
    let (code, document) = desk.run(&[]).await;
    assert_eq!((code, codes(&document)), (Some(3), vec!["SS507"]));
    let after = desk.lab.census();
    assert_eq!(
        (after.endpoints, after.zone_groups),
        (before.endpoints, before.zone_groups)
    );
}

#[tokio::test]
async fn without_a_word_nothing_is_registered() {
    let desk = Desk::of(setup(), &[]).await;
    let (code, document) = told(&desk, &["run"]).await;
    assert_eq!((code, codes(&document)), (Some(4), vec!["SS504"]));
    assert_eq!(desk.lab.census().registrations, 0);
}

#[tokio::test]
async fn a_backup_that_runs_already_is_waited_for_and_not_fought() {
    let large = Content::Generated {
        bytes: 256 * 1024 * 1024,
        seed: 1,
    };
    let setup = Setup {
        content: large,
        ..setup()
    };
    let desk = Desk::of(setup, &[]).await;
    let (code, _) = desk.run(&["--until", "protect"]).await;
    assert_eq!(code, Some(0));
    let mut first = tokio::process::Command::new(env!("CARGO_BIN_EXE_sidestep"))
        .args(["run", "--lab", "lab.json", "--yes", "--quiet"])
        .current_dir(desk.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    while desk.lab.census().backup_jobs == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    first.kill().await.unwrap();
    // Somebody else's, as far as this machine knows.
    remember(&desk, &[]);
    let (code, document) = desk.run(&["--from", "backup"]).await;
    assert_eq!((code, codes(&document)), (Some(5), vec!["SS514"]));
    let remedy = document["findings"][0]["remedy"].as_str().unwrap();
    assert!(remedy.contains("wait"), "{remedy}");
    assert_eq!(desk.lab.census().backup_jobs, 1);
}
