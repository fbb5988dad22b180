//! The plugin account's profile, loaded while its service is stopped. Wine loads
//! a hive and lets go of it as Windows does, and forgets what was written there:
//! so somebody keeps the hive from going, and the judge saves it in its file.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use sidestep_model::account::{Account, PLUGIN_SERVICE};

use super::Tally;
use super::claims::{APPLY, EARLIER_LIST, EARLIER_PROXY, compare, kill_at, planned, prepare};
use super::desk::{Desk, SETTINGS, SITE, Values, settings_key, without_counters};

/// Below `HKEY_USERS`, as Sidestep names it.
const LOADED: &str = "Sidestep-AzureWLBackupPluginSvc";

/// The profile's folder.
const FOLDER: &str = r"C:\users\AzureWLBackupPluginSvc";

const PLAN: [&str; 4] = ["plan", SITE, "--at", "live"];

const ACCOUNT: [&str; 2] = ["--account", "plugin"];

pub(super) fn profile(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    prepare(desk)?;
    let before = seed(desk)?;
    refused(desk, tally)?;
    shown(desk, tally)?;
    written_and_put_back(desk, &before, tally)?;
    killed(desk, &before, tally)?;
    desk.wine.done(&["sc", "delete", PLUGIN_SERVICE])?;
    desk.wine.done(&["reg", "delete", &profile_key()?, "/f"])?;
    tally.end(
        "with consent a stopped service's profile is loaded, planned for, written and put back, \
         and let go of, also after a kill; never without consent, or while the service runs",
    )
}

fn profile_key() -> anyhow::Result<String> {
    let sid = Account::Plugin.sid().context("the plugin has a SID")?;
    let list = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
    Ok(format!(r"{list}\{sid}"))
}

/// A service that ran before and is stopped, its account's settings in its
/// profile alone; what those are.
fn seed(desk: &Desk) -> anyhow::Result<Values> {
    let sid = Account::Plugin.sid().context("the plugin has a SID")?;
    let settings = settings_key(Account::Plugin);
    desk.wine.done(&["reg", "add", &settings, "/f"])?;
    desk.link(Account::Plugin)?;
    desk.wine
        .done(&["/judge/setoption.exe", EARLIER_PROXY, EARLIER_LIST])?;
    desk.unlink()?;
    let before = desk.values(Account::Plugin)?;
    ensure!(!before.is_empty(), "Wine's WinINet wrote nothing");
    fs::create_dir_all(desk.wine.drive_c().join("users/AzureWLBackupPluginSvc"))?;
    save(desk, sid.as_str(), &[])?;
    fs::copy(file(desk), seeded(desk))?;
    desk.wine
        .done(&["reg", "delete", &format!(r"HKU\{sid}"), "/f"])?;
    let path = [
        "/v",
        "ProfileImagePath",
        "/t",
        "REG_EXPAND_SZ",
        "/d",
        r"%SystemDrive%\users\AzureWLBackupPluginSvc",
        "/f",
    ];
    desk.wine
        .done(&[&["reg", "add", &profile_key()?], &path[..]].concat())?;
    desk.wine.done(&[
        "sc",
        "create",
        PLUGIN_SERVICE,
        "binPath=",
        r"Z:\judge\service.exe",
        "obj=",
        Account::Plugin.name(),
    ])?;
    Ok(before)
}

/// The profile's file, and what was in it at first.
fn file(desk: &Desk) -> PathBuf {
    desk.wine
        .drive_c()
        .join("users/AzureWLBackupPluginSvc/NTUSER.DAT")
}

fn seeded(desk: &Desk) -> PathBuf {
    file(desk).with_extension("seeded")
}

/// Puts what a key of `HKEY_USERS` holds into the profile's file.
fn save(desk: &Desk, key: &str, more: &[&str]) -> anyhow::Result<()> {
    let file = format!(r"{FOLDER}\NTUSER.DAT");
    let saved = ["/judge/elevate.exe", "/judge/savehive.exe", key, &file];
    desk.wine.done(&[&saved[..], more].concat()).map(drop)
}

fn is_loaded(desk: &Desk) -> anyhow::Result<bool> {
    let query = desk
        .wine
        .run(&["reg", "query", &format!(r"HKU\{LOADED}")])?;
    Ok(query.status.success())
}

/// Without consent, without rights, and while the service runs.
fn refused(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let (exit, document) = desk.document(&[&PLAN[..], &ACCOUNT].concat())?;
    let is_pending = exit == Some(0) && codes(&document).contains(&"SS142".to_owned());
    tally.see(is_pending, || {
        format!("without consent: {exit:?}, {document}")
    });
    let load = [&PLAN[..], &ACCOUNT, &["--load-profile"]].concat();
    let output = desk.as_anybody(&load)?;
    let said = String::from_utf8_lossy(&output.stderr);
    let is_told = output.status.code() == Some(3) && said.starts_with("error[SS144]: ");
    tally.see(is_told, || {
        format!("without rights: {}, {said}", output.status)
    });
    desk.wine.done(&["sc", "start", PLUGIN_SERVICE])?;
    let output = desk.elevated(&load).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let is_told = output.status.code() == Some(3) && said.starts_with("error[SS174]: ");
    tally.see(is_told, || {
        format!("the service runs: {}, {said}", output.status)
    });
    desk.wine.done(&["sc", "stop", PLUGIN_SERVICE])?;
    let is_loaded = is_loaded(desk)?;
    tally.see(!is_loaded, || "a refused profile was loaded".to_owned());
    Ok(())
}

/// What is in the profile, which is let go of again.
fn shown(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let show = ["show", "--at", "live", "--load-profile"];
    let (exit, document) = desk.document(&[&show[..], &ACCOUNT].concat())?;
    let settings = &document["accounts"][0]["readers"][0]["settings"];
    let is_right = exit == Some(0)
        && settings["proxy_server"] == EARLIER_PROXY
        && settings["proxy_override"] == EARLIER_LIST;
    tally.see(is_right, || format!("show: {exit:?}, {document}"));
    let is_loaded = is_loaded(desk)?;
    tally.see(!is_loaded, || "show left the profile loaded".to_owned());
    Ok(())
}

fn written_and_put_back(desk: &Desk, before: &Values, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let load = [&ACCOUNT[..], &["--load-profile"]].concat();
    let (_, plan) = desk.document(&[&PLAN[..], &load].concat())?;
    let expected = planned(before, &plan["plans"][0], Account::Plugin)?;
    let (exit, after) = held(desk, &[&APPLY[..], &load].concat(), "there")?;
    tally.see(exit == Some((3, "SS175".to_owned())), || {
        format!("apply while a key is held: {exit:?}")
    });
    compare(Account::Plugin, &expected, &after, tally);
    let undo = ["undo", "--at", "live", "--yes", "--load-profile"];
    let (exit, after) = held(desk, &undo, "gone")?;
    tally.see(exit == Some((3, "SS175".to_owned())), || {
        format!("undo while a key is held: {exit:?}")
    });
    compare(
        Account::Plugin,
        &without_counters(before),
        &without_counters(&after),
        tally,
    );
    let (exit, document) = desk.document(&undo)?;
    tally.see(exit == Some(0), || format!("undo again: {document}"));
    let is_loaded = is_loaded(desk)?;
    tally.see(!is_loaded, || "undo left the profile loaded".to_owned());
    Ok(())
}

/// Killed on the way, the next start that changes something puts right and lets go
/// without being asked; one that is asked to load does, too, where nothing is
/// loaded any more.
fn killed(desk: &Desk, before: &Values, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let apply = [&APPLY[..], &ACCOUNT].concat();
    let run = ["run", SITE, "--at", "live", "--yes"];
    let undo = ["undo", "--at", "live", "--yes", "--load-profile"];
    let load = [&apply[..], &["--load-profile"]].concat();
    let (_, plan) = desk.document(&[&PLAN[..], &ACCOUNT, &["--load-profile"]].concat())?;
    let planned = planned(before, &plan["plans"][0], Account::Plugin)?;
    let mut left = 0;
    for (records, next) in [
        (2, &apply[..]),
        (3, &run),
        (4, &undo),
        (5, &apply),
        (6, &undo),
    ] {
        fs::copy(seeded(desk), file(desk))?;
        let journal = kill_at(desk, &load, records)?;
        if is_loaded(desk)? {
            left += 1;
            let is_let_go: &[&str] = if next == undo { &["unload"] } else { &[] };
            save(desk, LOADED, is_let_go)?;
        }
        if next == undo {
            let (exit, after) = held(desk, next, "any")?;
            // Before or after, never between.
            let is_after = without_counters(&after) == without_counters(&planned);
            let expected = if is_after { &planned } else { before };
            tally.see(exit == Some((3, "SS175".to_owned())), || {
                format!("recovery while a key is held: {exit:?}")
            });
            compare(
                Account::Plugin,
                &without_counters(expected),
                &without_counters(&after),
                tally,
            );
        }
        // `run` finds no Azure; what was half done is put right before it looks.
        let (exit, document) = desk.document(next)?;
        tally.see(exit == Some(0) || next == run, || {
            format!("after a kill: {exit:?}, {document}")
        });
        let ended = fs::read_to_string(&journal)?;
        let is_ended = ended.contains("\"commit\"") || ended.contains("\"rollback\"");
        tally.see(is_ended, || {
            format!("{} left the run open: {ended}", next[0])
        });
        let is_loaded = is_loaded(desk)?;
        tally.see(!is_loaded, || {
            format!("{} left the profile loaded", next[0])
        });
    }
    tally.see(left > 0, || "no kill left the profile loaded".to_owned());
    Ok(())
}

fn codes(document: &Value) -> Vec<String> {
    let findings = document["findings"].as_array().into_iter().flatten();
    let codes = findings.filter_map(|finding| finding["code"].as_str());
    codes.map(str::to_owned).collect()
}

/// How Sidestep ended: by which exit code, with which error.
type Ended = Option<(i32, String)>;

/// Runs Sidestep while somebody keeps the loaded profile from going, once its last
/// value is there or gone; how it ended, and what the profile holds then.
fn held(desk: &Desk, arguments: &[&str], when: &str) -> anyhow::Result<(Ended, Values)> {
    let mut holder = Holder::start(desk, when)?;
    let (exit, document) = desk.document(arguments)?;
    holder.wait_until_held()?;
    let values = desk.values_below(&format!(r"HKU\{LOADED}\{SETTINGS}"))?;
    save(desk, LOADED, &[])?;
    desk.wine.kill("holdkey.exe")?;
    holder.0.wait()?;
    let code = document["error"]["code"].as_str().unwrap_or_default();
    Ok((exit.map(|exit| (exit, code.to_owned())), values))
}

struct Holder(Child);

impl Holder {
    fn start(desk: &Desk, when: &str) -> anyhow::Result<Self> {
        let mut holder = desk.wine.program(&["/judge/holdkey.exe", LOADED, when]);
        Ok(Self(holder.stdout(Stdio::piped()).spawn()?))
    }

    fn wait_until_held(&mut self) -> anyhow::Result<()> {
        let stdout = self.0.stdout.take().context("holdkey has no stdout")?;
        let mut said = String::new();
        BufReader::new(stdout).read_line(&mut said)?;
        ensure!(said.trim() == "held", "the profile was not loaded: {said}");
        Ok(())
    }
}
