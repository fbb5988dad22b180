//! The disk of a machine that does not run: looked at, planned for, never changed.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::needless_raw_string_hashes, reason = "as snapbox writes them")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use snapbox::cmd::{Command, OutputAssert, cargo_bin};
use snapbox::str;

const AT: [&str; 2] = ["--at", "hive:disk"];

fn hive(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../model/tests/data/hives");
    fs::read(folder.join(name)).unwrap()
}

/// A folder with a disk in it, whose names have whatever case, and a site.
fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    let config = disk.join("WINDOWS/system32/CONFIG");
    fs::create_dir_all(&config).unwrap();
    for (name, file) in [
        ("DEFAULT", "default"),
        ("SOFTWARE", "SOFTWARE"),
        ("SYSTEM", "System"),
    ] {
        fs::write(config.join(file), hive(name)).unwrap();
    }
    let profile = disk.join("Users/AzureWLBackupPluginSvc");
    fs::create_dir_all(&profile).unwrap();
    fs::write(profile.join("ntuser.dat"), hive("NTUSER.DAT")).unwrap();
    let programs = disk.join("Program Files/Azure Workload Backup/bin");
    fs::create_dir_all(&programs).unwrap();
    let service = programs.join("IaasWLPluginSvc.exe.config");
    fs::write(service, "<configuration/>").unwrap();
    sidestep(folder.path(), &["init", "--entra", "direct", "-q"]).code(0);
    folder
}

fn sidestep(folder: &Path, arguments: &[&str]) -> OutputAssert {
    Command::new(cargo_bin!("sidestep"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .assert()
}

fn document(folder: &Path, arguments: &[&str]) -> Value {
    let assert = sidestep(folder, &[arguments, &AT, &["--json"]].concat()).code(0);
    serde_json::from_slice(&assert.get_output().stdout).unwrap()
}

/// Every file of the disk and what it holds.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn show_names_both_accounts_and_the_services() {
    let desk = desk();
    sidestep(desk.path(), &[&["show"][..], &AT].concat())
        .code(0)
        .stdout_eq(str![[r#"
ProxySettingsPerUser  not there (unset or not exported): each account has its own settings

NT AUTHORITY/SYSTEM (S-1-5-18)
                  .NET Framework            WinINet                   Plain values              SavedLegacySettings       WinHTTP (machine)
 manual proxy     on                        on                        on                        on                        off
 proxy            10.2.0.16:8080            10.2.0.16:8080            10.2.0.16:8080            10.2.0.16:8080            none
 proxy for https  http://10.2.0.16:8080     http://10.2.0.16:8080     http://10.2.0.16:8080     http://10.2.0.16:8080     none
 list             2 entries, 22 characters  2 entries, 22 characters  2 entries, 22 characters  2 entries, 22 characters  0 entries, 0 characters
 script           none                      none                      none                      none                      none
 auto-detect      off                       off                       -                         off                       off
 flags            0x03                      0x03                      -                         0x03                      0x01
 blob             version 0x46, change 41   version 0x46, change 41   -                         version 0x46, change 40   version 0x28, change 0

 Entry           .NET Framework  WinINet  Plain values  SavedLegacySettings  WinHTTP (machine)
 *.corp.example  1               1        1             1                    -
 <local>         2               2        2             2                    -

NT SERVICE/AzureWLBackupPluginSvc (S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151)
                  .NET Framework  WinINet    Plain values  SavedLegacySettings  WinHTTP (machine)
 manual proxy     not there       not there  not there     not there            off
 proxy                                                                          none
 proxy for https                                                                none
 list                                                                           0 entries, 0 characters
 script                                                                         none
 auto-detect                                                                    off
 flags                                                                          0x01
 blob                                                                           version 0x28, change 0

 Service                      State    Runs as                            Program
 AzureWLBackupCoordinatorSvc  stopped  LocalSystem                        C:/Program Files/Azure Workload Backup/bin/IaaSWorkloadCoordinatorService.exe
 AzureWLBackupPluginSvc       stopped  NT SERVICE/AzureWLBackupPluginSvc  C:/Program Files/Azure Workload Backup/bin/IaasWLPluginSvc.exe

warning[SS114]: NT SERVICE/AzureWLBackupPluginSvc has no proxy settings at all: Windows then detects them automatically, and what WPAD answers is used
  next: nothing where no WPAD answers; to have a proxy and its list written, set [proxy] mode = "set"

note[SS127]: the machine's WinHTTP settings (netsh winhttp) have another proxy or list than those of NT AUTHORITY/SYSTEM: BITS, Windows Update and whatever else is built on WinHTTP follow them, the backup services do not
  next: nothing for the backup; if those programs need the proxy, too, their owner sets it with `netsh winhttp set proxy`

"#]]);
}

#[test]
fn plan_and_route_decide_by_it_and_nothing_is_written() {
    let desk = desk();
    let folder = desk.path();
    let before = content(&folder.join("disk"));
    let plan = document(folder, &["plan"]);
    assert_eq!(plan["plans"][0]["account"], "system");
    assert!(!plan["plans"][0]["changes"].as_array().unwrap().is_empty());
    assert_eq!(plan["plans"][1]["reason"], "unset");
    assert_eq!(plan["restarts"], serde_json::json!([]));
    let route = document(
        folder,
        &["route", "a.corp.example", "a.blob.core.windows.net"],
    );
    let routes = route["routes"].as_array().unwrap();
    let system: Vec<&Value> = routes
        .iter()
        .filter(|route| route["account"] == "system")
        .map(|route| &route["route"])
        .collect();
    assert_eq!(system, ["direct", "proxy"]);
    for refused in [
        &["apply", "--yes"][..],
        &["apply", "--account", "machine", "--yes"],
        &["undo", "--yes"],
    ] {
        let assert = sidestep(folder, &[refused, &AT].concat()).code(3);
        let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(said.starts_with("error[SS149]: "), "{said}");
    }
    // There is nothing to load where nothing runs.
    for verb in ["show", "plan"] {
        let refused = [&[verb, "--load-profile"], &AT[..]].concat();
        let assert = sidestep(folder, &refused).code(2);
        let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(said.contains("--load-profile is for"), "{said}");
    }
    document(folder, &["apply", "--what-if"]);
    document(folder, &["history"]);
    assert!(content(&folder.join("disk")) == before);
}

#[test]
fn an_accounts_blob_is_decoded() {
    let desk = desk();
    let blob = document(desk.path(), &["decode"]);
    assert_eq!(blob["counter"], 41);
    assert_eq!(blob["proxy_server"], "10.2.0.16:8080");
    let saved = document(desk.path(), &["decode", "--saved"]);
    assert_eq!(saved["counter"], 40);
    let plugin = ["decode", "--account", "plugin"];
    sidestep(desk.path(), &[&plugin[..], &AT].concat()).code(1);
}

/// What a plan of the disk says can be carried out where its settings are live.
#[test]
fn a_plan_of_the_disk_is_carried_out_elsewhere() {
    let desk = desk();
    let folder = desk.path();
    let plan = document(folder, &["plan", "--account", "system"]);
    fs::write(folder.join("plan.json"), plan.to_string()).unwrap();
    let text = String::from_utf8(hive("DEFAULT.reg")).unwrap();
    let live = text.replace(r"[HIVE\", r"[HKEY_USERS\S-1-5-18\");
    fs::write(folder.join("live.reg"), live).unwrap();
    sidestep(folder, &["apply", "plan.json", "--at", "live.reg"]).code(0);
    sidestep(folder, &["apply", "plan.json"]).code(3);
}

#[test]
fn an_account_without_a_profile_is_told_from_one_that_is_not_registered() {
    let desk = desk();
    let folder = desk.path();
    let profile = folder.join("disk/Users/AzureWLBackupPluginSvc/ntuser.dat");
    fs::remove_file(profile).unwrap();
    let codes = |arguments: &[&str]| {
        let document = document(folder, arguments);
        let findings = document["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(&["show", "--account", "plugin"]), ["SS142"]);
}

#[test]
fn a_file_that_decides_instead_is_named() {
    let desk = desk();
    let folder = desk.path();
    let config = folder.join(
        "disk/Program Files/Azure Workload Backup/bin/IaaSWorkloadCoordinatorService.exe.Config",
    );
    let decides = "<configuration><system.net><defaultProxy enabled=\"false\"/></system.net>\
                   </configuration>";
    fs::write(config, decides).unwrap();
    let machine = folder.join("disk/WINDOWS/Microsoft.NET/Framework64/v4.0.30319/CONFIG");
    fs::create_dir_all(&machine).unwrap();
    fs::write(machine.join("machine.config"), "<configuration>").unwrap();
    for verb in ["show", "plan"] {
        let document = document(folder, &[verb]);
        let findings = document["findings"].as_array().unwrap();
        for code in ["SS172", "SS173"] {
            assert!(
                findings.iter().any(|finding| finding["code"] == code),
                "{verb}: {document}"
            );
        }
    }
}

#[test]
fn what_is_no_disk_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    sidestep(folder.path(), &["show", "--at", "hive:none"])
        .code(3)
        .stderr_eq(str![[r#"
error[SS713]: none is no disk with a Windows on it: none/Windows/System32/config/SOFTWARE is not there
hint: name the folder in which the disk's own folder Windows is

"#]]);
    let desk = desk();
    let system = desk.path().join("disk/WINDOWS/system32/CONFIG/System");
    fs::write(&system, "no hive").unwrap();
    let assert = sidestep(desk.path(), &["show", "--at", "hive:disk"]).code(3);
    let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(said.starts_with("error[SS713]: "), "{said}");
    // Windows was writing to it when it ended, and left no logs.
    let mut behind = hive("SYSTEM");
    behind[4] ^= 1;
    behind[508] ^= 1;
    fs::write(&system, behind).unwrap();
    let document = document(desk.path(), &["show"]);
    let codes = document["findings"].to_string();
    assert!(codes.contains("SS168"), "{codes}");
}
