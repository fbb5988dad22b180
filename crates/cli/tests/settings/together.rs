//! Several at once, and killed on the way.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sidestep_machine::{Checkpoint, Journal, RegFileStore, Store, apply, recover_last};
use sidestep_model::account::Account;
use sidestep_model::catalogue::Catalogue;
use sidestep_model::desired::{Clear, Desired};
use sidestep_model::journal::Command;
use sidestep_model::observed::{Observed, ValueName};
use sidestep_model::plan::Plan;
use sidestep_model::site::Site;
use snapbox::cmd::cargo_bin;

use crate::desk::{APPLY, command, desk, export, json, sidestep, text};

#[test]
fn several_at_once_do_it_once() {
    let desk = desk();
    let folder = desk.path();
    let arguments = [&APPLY[..], &["--yes"]].concat();
    let children: Vec<Child> = (0..8)
        .map(|_| command(folder, &arguments).spawn().unwrap())
        .collect();
    let codes: Vec<i32> = children
        .into_iter()
        .map(|mut child| child.wait().unwrap().code().unwrap())
        .collect();
    // Done or nothing left to do, busy, or overtaken between reading and writing.
    assert!(codes.contains(&0), "{codes:?}");
    assert!(
        codes.iter().all(|code| [0, 3, 4].contains(code)),
        "{codes:?}"
    );
    let history = json(folder, &["history", "--at", "server.reg", "--json"], 0);
    let done = history["runs"].as_array().unwrap().iter();
    assert_eq!(done.filter(|run| run["outcome"] == "done").count(), 1);
    sidestep(folder, &["undo", "--at", "server.reg"]).code(0);
    assert_eq!(text(folder, "server.reg"), export());
}

/// Killed from outside at any instant: before or after.
#[test]
fn killed_at_any_instant_it_is_before_or_after() {
    let desk = desk();
    let folder = desk.path();
    let undo = ["undo", "--at", "server.reg", "--yes"];
    let read = || {
        RegFileStore::new(&folder.join("server.reg"))
            .read()
            .unwrap()
    };
    let took = |arguments: &[&str]| {
        let start = Instant::now();
        assert!(command(folder, arguments).status().unwrap().success());
        start.elapsed()
    };
    let meaning = |observed: &Observed| {
        let account = &observed.system;
        (
            account.intended(),
            account.keys.clone(),
            account.values.len(),
        )
    };
    let before = meaning(&read());
    let mut long = took(&APPLY);
    let after = meaning(&read());
    took(&undo);
    assert!(before != after && meaning(&read()) == before);

    let (mut befores, mut afters, mut in_vain) = (0, 0, 0);
    for round in 0..200_u32 {
        // Instants spread over the whole of a run, without repeating.
        let instant = long.mul_f64(f64::from(round * 73 % 200) / 180.0);
        let was = meaning(&read());
        let arguments: &[&str] = if was == before { &APPLY } else { &undo };
        let mut child = command(folder, arguments).spawn().unwrap();
        let start = Instant::now();
        while start.elapsed() < instant {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut store = RegFileStore::new(&folder.join("server.reg"));
        if store.journal_folder().exists() {
            let journal = Journal::open(&store.journal_folder(), Timestamp::now).unwrap();
            recover_last(&mut store, &journal, &mut |_| {}).unwrap();
        }
        let now = meaning(&read());
        assert!(now == before || now == after, "killed after {instant:?}");
        if now == before {
            befores += 1;
        } else {
            afters += 1;
        }
        // Others make the computer slower than it was: look how long it takes now.
        in_vain = if now == was { in_vain + 1 } else { 0 };
        if in_vain == 8 {
            long = took(arguments);
            in_vain = 0;
        }
    }
    assert!(
        befores > 20 && afters > 20,
        "{befores} before, {afters} after"
    );
    assert!(long < Duration::from_secs(60));
}

/// Begins a run and is killed behind its second value: what is on the disk then
/// is all that is left of it.
fn killed_run(folder: &Path) {
    let path = folder.join("server.reg");
    let mut store = RegFileStore::new(&path);
    let observed = store.read().unwrap();
    let site = Site::parse(&text(folder, "site.toml")).unwrap();
    let catalogue = Catalogue::of(site.azure.cloud);
    let (account, clear) = (Account::System, Clear::default());
    let desired = Desired::of(account, catalogue, &site, &observed, clear);
    let plan = Plan::diff(&observed, desired);
    let journals = store.journal_folder();
    let files = [path, journals.join("0001.jsonl")];
    let journal = Journal::open(&journals, Timestamp::now).unwrap();
    let mut run = journal.begin(Command::Apply, "server.reg").unwrap();
    let mut left = Vec::new();
    apply(&[plan], &mut store, &mut run, &mut |at| {
        if at == Checkpoint::Written(account, ValueName::SavedLegacySettings) {
            left.extend(files.each_ref().map(|file| fs::read(file).unwrap()));
        }
    })
    .unwrap();
    for (file, bytes) in files.iter().zip(left) {
        fs::write(file, bytes).unwrap();
    }
}

/// At its prompt a program holds no lock where there are no journals yet.
/// util-linux's `script` is the terminal; elsewhere nobody is asked.
#[test]
fn a_run_killed_while_another_asks_is_put_back_before_that_one_writes() {
    let version = std::process::Command::new("script")
        .arg("--version")
        .output();
    let has_terminal = version
        .is_ok_and(|version| String::from_utf8_lossy(&version.stdout).contains("util-linux"));
    if !has_terminal {
        return;
    }
    let desk = desk();
    let folder = desk.path();
    let typed = format!("'{}' {}", cargo_bin!("sidestep").display(), APPLY.join(" "));
    let mut asking = std::process::Command::new("script")
        .args(["-qec", &typed, "/dev/null"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut screen = asking.stdout.take().unwrap();
    let mut shown = Vec::new();
    while !shown.ends_with(b"[y/N] ") {
        let mut byte = [0];
        screen.read_exact(&mut byte).unwrap();
        shown.extend(byte);
    }
    assert!(!folder.join("server.reg.sidestep").exists());
    killed_run(folder);
    assert!(text(folder, "server.reg").contains("SavedLegacySettings"));
    asking.stdin.as_mut().unwrap().write_all(b"y\n").unwrap();
    screen.read_to_end(&mut shown).unwrap();
    let shown = String::from_utf8_lossy(&shown);
    assert!(asking.wait().unwrap().success(), "{shown}");
    assert!(
        shown.contains("run 1 was interrupted; what it had written is put back now"),
        "{shown}"
    );

    let history = json(folder, &["history", "--at", "server.reg", "--json"], 0);
    let runs = history["runs"].as_array().unwrap().iter();
    let outcomes: Vec<_> = runs.map(|run| run["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["put-back", "done"]);
    sidestep(folder, &["undo", "--at", "server.reg"]).code(0);
    assert_eq!(text(folder, "server.reg"), export());
}
