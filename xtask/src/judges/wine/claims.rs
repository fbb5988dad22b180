//! What is claimed of the program, one function a claim: what speaks for it is
//! counted, what speaks against it is named.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;
use std::thread;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use sidestep_model::account::{Account, PLUGIN_SERVICE};
use sidestep_model::redacted::Redacted;
use sidestep_model::tls::TlsValue;

use super::Tally;
use super::desk::{
    Desk, SETTINGS, SITE, Values, printed, settings_key, software_key, without_counters,
};
use super::network::{Way, lines_of};

pub(super) const APPLY: [&str; 5] = ["apply", SITE, "--at", "live", "--yes"];
const UNDO: [&str; 4] = ["undo", "--at", "live", "--yes"];

/// What somebody had set for `LocalSystem` before.
pub(super) const EARLIER_PROXY: &str = "old-proxy.corp.example:8080";
pub(super) const EARLIER_LIST: &str = "intranet.corp.example;<local>";

/// Names that are asked for, as a program asks. Their ways differ.
pub(super) const HOSTS: [&str; 42] = [
    "pod01-prot1.jpe.backup.windowsazure.com",
    "pod01-id1.jpe.backup.windowsazure.com",
    "0123456789.privatelink.jpe.backup.windowsazure.com",
    "acct1.blob.core.windows.net",
    "ACCT2.BLOB.CORE.WINDOWS.NET",
    "acct1.privatelink.blob.core.windows.net",
    "acct1.queue.core.windows.net",
    "acct1.z12.blob.storage.azure.net",
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "japaneast.login.microsoft.com",
    "device.login.microsoftonline.com",
    "graph.microsoft.com",
    "graph.windows.net",
    "enterpriseregistration.windows.net",
    "accounts.accesscontrol.windows.net",
    "aadcdn.msauth.net",
    "aadcdn.msftauth.net",
    "a.auth.microsoft.com",
    "intranet.corp.example",
    "sqlvm1",
    "fileserver",
    "localhost",
    "www.example.com",
    "example.org",
    "backup.windowsazure.com",
    "blob.core.windows.net",
    "queue.core.windows.net",
    "xblob.core.windows.net",
    "acct1.blob.core.windows.net.example.com",
    "blob.core.windows.net.example.com",
    "notlogin.windows.net",
    "login.windows.net.example.com",
    "acct1.file.core.windows.net",
    "acct1.table.core.windows.net",
    "management.azure.com",
    "www.microsoft.com",
    "update.microsoft.com",
    "time.windows.com",
    "intranet2.corp.example",
    "sub.intranet.corp.example",
];

/// Without an administrator's rights one clear message, exit 3, and nothing written.
pub(super) fn rights(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    prepare(desk)?;
    let before = desk.both()?;
    for verb in [
        APPLY.as_slice(),
        &UNDO,
        &["run", SITE, "--at", "live", "--yes"],
    ] {
        let output = desk.as_anybody(verb)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let is_told = said.starts_with("error[SS144]: ") && said.lines().count() == 2;
        tally.see(output.status.code() == Some(3) && is_told, || {
            format!("{} without rights: {}, {said}", verb[0], output.status)
        });
    }
    let is_untouched = desk.both()? == before && !desk.journals().exists();
    tally.see(is_untouched, || {
        "without rights something was written".to_owned()
    });
    tally.end("without rights: told so, exit 3, nothing written")
}

/// Each state of the plugin's account is told from the others.
pub(super) fn plugin_states(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let sid = Account::Plugin
        .sid()
        .context("the plugin's account has a SID")?;
    let profile = format!(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\{sid}");
    let add_profile = [
        "reg",
        "add",
        &profile,
        "/v",
        "ProfileImagePath",
        "/t",
        "REG_EXPAND_SZ",
        "/d",
        r"C:\Users\AzureWLBackupPluginSvc",
        "/f",
    ];
    let create = [
        "sc",
        "create",
        PLUGIN_SERVICE,
        "binPath=",
        r"C:\none.exe",
        "start=",
        "demand",
    ];
    let root = format!(r"HKU\{sid}");
    // A list of profiles says nothing where the profile is gone.
    let folder = desk.wine.drive_c().join("users").join(PLUGIN_SERVICE);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("NTUSER.DAT"), "")?;
    let steps: [(&[&str], &str, &str); 5] = [
        (&["reg", "delete", &root, "/f"], "SS111", "not registered"),
        (&create, "SS142", "never ran"),
        (&add_profile, "SS142", "is stopped"),
        (
            &["sc", "delete", PLUGIN_SERVICE],
            "SS143",
            "is not installed",
        ),
        (
            &["reg", "delete", &profile, "/f"],
            "SS111",
            "not registered",
        ),
    ];
    for (step, code, words) in steps {
        desk.wine.done(step)?;
        let (exit, document) = desk.document(&["show", "--at", "live", "--account", "plugin"])?;
        let findings = document["findings"]
            .as_array()
            .context("show lists no findings")?;
        let is_said = findings.iter().any(|finding| {
            let message = finding["message"].as_str().unwrap_or_default();
            finding["code"] == code && message.contains(words)
        });
        tally.see(is_said && exit == Some(0), || {
            format!("after {}: {code} is not said: {document}", step.join(" "))
        });
    }
    fs::remove_dir_all(&folder)?;
    tally.end("the plugin account's states are told apart")
}

/// `apply` writes what `plan` says, and nothing else; Wine's `reg query` tells.
pub(super) fn written(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    prepare(desk)?;
    let before = desk.both()?;
    let (_, plan) = desk.document(&["plan", SITE, "--at", "live"])?;
    tally.see(desk.both()? == before, || {
        "plan changed something".to_owned()
    });
    let (exit, _) = desk.document(&APPLY)?;
    ensure!(exit == Some(0), "apply ended with {exit:?}");
    for (index, (account, now)) in Account::SERVICES.into_iter().zip(desk.both()?).enumerate() {
        let expected = planned(&before[index], &plan["plans"][index], account)?;
        compare(account, &expected, &now, tally);
    }
    tally.end("Wine's reg query reads back what was planned, byte for byte")
}

/// What an account holds once a plan of one who held `before` is carried out.
pub(super) fn planned(before: &Values, plan: &Value, account: Account) -> anyhow::Result<Values> {
    let mut expected = before.clone();
    ensure!(
        plan["account"] == account.key(),
        "the plan's accounts stand in another order"
    );
    for change in plan["changes"]
        .as_array()
        .context("a plan without changes")?
    {
        let value = change["value"]
            .as_str()
            .context("a change without a value")?;
        let after: Option<Redacted> = serde_json::from_value(change["after"].clone())?;
        let key = if value.ends_with("Settings") {
            "Connections"
        } else {
            ""
        };
        let name = format!(r"{key}\{value}");
        match after {
            Some(after) => expected.insert(name, printed(after.data())),
            None => expected.remove(&name),
        };
    }
    for key in plan["new_keys"].as_array().into_iter().flatten() {
        let key = if key == "connections" {
            "Connections"
        } else {
            ""
        };
        expected.insert(format!(r"{key}\"), String::new());
    }
    Ok(expected)
}

/// The same for the machine's settings, in both copies, which `reg query` reads
/// as 64-bit and as 32-bit programs do; and `undo` gives them back.
pub(super) fn machine(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    const POLICIES: &str =
        r"HKLM\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";
    const VIEWS: [&str; 2] = ["/reg:64", "/reg:32"];
    prepare(desk)?;
    for view in VIEWS {
        // As on every Windows; in Wine they come with its first such program.
        desk.wine
            .done(&["reg", "add", &format!(r"HKLM\{SETTINGS}"), "/f", view])?;
    }
    let whole =
        || -> anyhow::Result<Vec<Values>> { VIEWS.iter().map(|view| desk.machine(view)).collect() };
    let before = whole()?;
    let policy = ["/v", "ProxySettingsPerUser"];
    let set = ["/t", "REG_DWORD", "/d", "0", "/f"];
    desk.wine
        .done(&[&["reg", "add", POLICIES], &policy[..], &set[..]].concat())?;
    let (refused, _) = desk.document(&APPLY)?;
    tally.see(refused == Some(3), || {
        format!("the policy did not refuse the accounts: {refused:?}")
    });
    let (_, plan) = desk.document(&["plan", SITE, "--at", "live", "--account", "machine"])?;
    let apply = [&APPLY[..], &["--account", "machine"]].concat();
    let (exit, _) = desk.document(&apply)?;
    tally.see(exit == Some(0), || format!("apply ended with {exit:?}"));
    for (index, (account, now)) in Account::MACHINE.into_iter().zip(whole()?).enumerate() {
        let expected = planned(&before[index], &plan["plans"][index], account)?;
        compare(account, &expected, &now, tally);
    }
    let (exit, _) = desk.document(&UNDO)?;
    tally.see(exit == Some(0), || format!("undo ended with {exit:?}"));
    for (before, now) in before.iter().zip(whole()?) {
        tally.see(without_counters(before) == without_counters(&now), || {
            format!("undo left {now:?}, not {before:?}")
        });
    }
    desk.wine
        .done(&[&["reg", "delete", POLICIES], &policy[..], &["/f"]].concat())?;
    tally.end("the machine's settings, for 64-bit and 32-bit programs, are written and given back")
}

/// The services are listed, as whom they run and what they do; a file that
/// decides instead of the account is named; where Windows knows no SID for the
/// plugin's account, as Wine does not, that is a note.
pub(super) fn services(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    /// With a variable in it, as the service manager takes it, too.
    const PROGRAM: &str = r"%ProgramFiles%\judged.exe";
    const CONFIG: &str = "<configuration><system.net><defaultProxy enabled=\"false\"/>\
                          </system.net></configuration>";
    let create = |account: &str| {
        desk.wine.done(&[
            "sc",
            "create",
            PLUGIN_SERVICE,
            "binPath=",
            PROGRAM,
            "obj=",
            account,
        ])
    };
    let config = desk.wine.drive_c().join("Program Files/judged.exe.config");
    fs::write(&config, CONFIG)?;
    create(Account::Plugin.name())?;
    let (exit, document) = desk.document(&["show", "--at", "live"])?;
    desk.wine.done(&["sc", "delete", PLUGIN_SERVICE])?;
    fs::remove_file(&config)?;
    let service = &document["services"][0];
    let is_right = service["service"] == PLUGIN_SERVICE
        && service["state"] == "stopped"
        && service["follows"] == Account::Plugin.key()
        && service["program"] == PROGRAM;
    tally.see(exit == Some(0) && is_right, || {
        format!("the service is not as it was made: {document}")
    });
    for (code, severity) in [("SS172", "warning"), ("SS171", "note")] {
        let findings = document["findings"].as_array().into_iter().flatten();
        let mut named = findings.filter(|finding| finding["code"] == code);
        let is_said = named.next().is_some_and(|one| one["severity"] == severity);
        tally.see(is_said, || format!("{code} is not said: {document}"));
    }
    tally.end("services, and a file that decides instead of the account, are shown")
}

/// What another reader takes from each account: its proxy and its list.
pub(super) fn read_by_winhttp(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let (_, document) = desk.document(&["show", "--at", "live"])?;
    for (index, account) in Account::SERVICES.into_iter().enumerate() {
        desk.link(account)?;
        let said = desk.wine.done(&["/judge/winhttpie.exe"])?;
        let lines: Vec<&str> = said
            .lines()
            .map(|line| line.trim_end_matches('\r'))
            .collect();
        let readers = &document["accounts"][index]["readers"];
        let list = &readers[0]["settings"]["proxy_override"];
        let list = list.as_str().context("show names no list")?;
        let expected = [
            "auto-detect 0".to_owned(),
            "script ".to_owned(),
            format!("proxy {}", desk.proxy()),
            format!("list {list}"),
        ];
        for (line, expected) in lines.iter().zip(&expected) {
            tally.see(line == expected, || {
                format!("{account}: {line}, not {expected}")
            });
        }
        tally.see(lines.len() == expected.len(), || {
            format!("{account}: {said}")
        });
    }
    tally.end("WinHttpGetIEProxyConfigForCurrentUser reads each account's settings as planned")
}

/// Which of an account's values a reader is shown.
const SHOWN: [(&str, &[&str]); 3] = [
    ("all values", &[]),
    (
        "the blob alone",
        &[r"\ProxyEnable", r"\ProxyServer", r"\ProxyOverride"],
    ),
    (
        "plain values alone",
        &[
            r"Connections\DefaultConnectionSettings",
            r"Connections\SavedLegacySettings",
        ],
    ),
];

/// A program of somebody else's goes by the way that `route` says.
pub(super) fn routes(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let url = |host: &str, path: &str| format!("http://{host}:{}/{path}", desk.network.web);
    let plain: Vec<String> = HOSTS.iter().map(|host| url(host, "")).collect();
    let question = ["route", "--at", "live", "--consumer", "wininet"];
    let asked: Vec<&str> = plain.iter().map(String::as_str).collect();
    let (_, document) = desk.document(&[&question, asked.as_slice()].concat())?;
    let routes = document["routes"].as_array().context("no routes")?;
    for account in Account::SERVICES {
        for (shown, without) in SHOWN {
            if without.is_empty() {
                desk.link(account)?;
            } else {
                desk.copy_without(account, without)?;
            }
            let path = format!("{}-{}", account.key(), shown.replace(' ', "-"));
            let urls: Vec<String> = HOSTS.iter().map(|host| url(host, &path)).collect();
            let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
            desk.wine
                .done(&[&["/judge/inetget.exe"], urls.as_slice()].concat())?;
            for (host, plain) in HOSTS.iter().zip(&plain) {
                let said = routes
                    .iter()
                    .find(|route| route["url"] == *plain && route["account"] == account.key());
                let expected = match said.and_then(|route| route["route"].as_str()) {
                    Some("direct") => Some(Way::Direct),
                    Some("proxy") => Some(Way::Proxy),
                    _ => None,
                };
                let seen = desk.network.way(&host.to_lowercase(), &path);
                tally.ways(seen);
                tally.see(seen.is_some() && seen == expected, || {
                    format!("{account}, {shown}: {host} went {seen:?}, not {expected:?}")
                });
            }
        }
    }
    desk.unlink()?;
    tally.end("WinINet goes by the way that `route --consumer wininet` says")
}

/// `undo` gives all back.
pub(super) fn undone(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    prepare(desk)?;
    let before = desk.both()?;
    ensure!(desk.document(&APPLY)?.0 == Some(0), "apply failed");
    let applied = desk.both()?;
    tally.see(applied != before, || "apply changed nothing".to_owned());
    let (exit, _) = desk.document(&UNDO)?;
    tally.see(exit == Some(0), || format!("undo ended with {exit:?}"));
    for ((account, before), now) in Account::SERVICES.into_iter().zip(before).zip(desk.both()?) {
        compare(
            account,
            &without_counters(&before),
            &without_counters(&now),
            tally,
        );
    }
    tally.end("undo gives every value and key back (a blob's counter only moves forward)")
}

/// Killed at some instants, recovered at the next start.
pub(super) fn killed(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    prepare(desk)?;
    let before = desk.both()?.map(|values| without_counters(&values));
    let mut records = BTreeSet::new();
    for wanted in 1..=13 {
        let journal = kill_at(desk, &APPLY, wanted)?;
        records.insert(lines_of(&journal));
        let (exit, _) = desk.document(&UNDO)?;
        tally.see(exit == Some(0), || {
            format!("undo after a kill ended with {exit:?}")
        });
        let now = desk.both()?.map(|values| without_counters(&values));
        tally.see(now == before, || {
            format!("killed at {wanted} records: {now:?} is not what was before")
        });
    }
    let counts: Vec<String> = records.iter().map(ToString::to_string).collect();
    tally.end(&format!(
        "killed, then recovered to what was before (killed with {} of 13 records)",
        counts.join(", ")
    ))
}

/// What decides over TLS is read, and named where it stands in the way.
pub(super) fn tls(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    prepare(desk)?;
    let steps = [
        (TlsValue::StrongCrypto, "0", "SS406"),
        (TlsValue::DisabledByDefault, "1", "SS405"),
        (TlsValue::Enabled, "0", "SS404"),
    ];
    let said = |desk: &Desk| -> anyhow::Result<String> {
        let (_, document) = desk.document(&["show", "--at", "live", "--account", "system"])?;
        Ok(document["findings"].to_string())
    };
    for (value, data, code) in steps {
        let before = said(desk)?;
        let (key, name) = (value.key(), value.name());
        let dword = ["/v", name, "/t", "REG_DWORD", "/d", data, "/f"];
        desk.wine
            .done(&[&["reg", "add", key], &dword[..]].concat())?;
        let after = said(desk)?;
        tally.see(!before.contains(code) && after.contains(code), || {
            format!("{name} = {data}: {after}")
        });
    }
    for (value, ..) in steps {
        let value = ["reg", "delete", value.key(), "/v", value.name(), "/f"];
        desk.wine.done(&value)?;
    }
    let after = said(desk)?;
    tally.see(!after.contains("SS40"), || after.clone());
    tally.end("the registry's values that decide over TLS are read and explained")
}

/// `LocalSystem` with earlier settings, which Wine's own WinINet wrote; the
/// plugin's account with a key and no settings; no runs.
pub(super) fn prepare(desk: &Desk) -> anyhow::Result<()> {
    desk.unlink()?;
    for account in Account::SERVICES {
        // Fails where it is not there.
        desk.wine
            .run(&["reg", "delete", &settings_key(account), "/f"])?;
        desk.wine
            .done(&["reg", "add", &software_key(account), "/f"])?;
    }
    let system = settings_key(Account::System);
    desk.wine.done(&["reg", "add", &system, "/f"])?;
    desk.link(Account::System)?;
    desk.wine
        .done(&["/judge/setoption.exe", EARLIER_PROXY, EARLIER_LIST])?;
    desk.unlink()?;
    if let Some(folder) = desk.journals().parent()
        && folder.exists()
    {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

pub(super) fn compare(account: Account, expected: &Values, now: &Values, tally: &mut Tally<'_>) {
    let names: BTreeSet<&String> = expected.keys().chain(now.keys()).collect();
    for name in names {
        let (expected, now) = (expected.get(name), now.get(name));
        tally.see(expected == now, || {
            let shown = |data: Option<&String>| data.map_or("nothing", String::as_str).to_owned();
            format!("{account}, {name}: {}, not {}", shown(now), shown(expected))
        });
    }
}

/// Kills an `apply` once its journal holds so many records; the journal.
pub(super) fn kill_at(
    desk: &Desk,
    apply: &[&str],
    records: usize,
) -> anyhow::Result<std::path::PathBuf> {
    let runs = fs::read_dir(desk.journals()).map_or(0, |folder| {
        let files = folder.filter_map(Result::ok);
        files
            .filter(|file| file.path().extension().is_some_and(|end| end == "jsonl"))
            .count()
    });
    let journal = desk.journals().join(format!("{:04}.jsonl", runs + 1));
    let mut apply = desk
        .elevated(apply)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    while lines_of(&journal) < records && apply.try_wait()?.is_none() {
        thread::yield_now();
    }
    desk.wine.kill("sidestep.exe")?;
    apply.wait()?;
    Ok(journal)
}
