//! `sidestep show` by the program itself.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs;
use std::path::Path;

use serde_json::Value;
use sidestep_model::blob::{BlobText, ConnectionSettings, WinHttpSettings};
use sidestep_model::settings::{Flags, ProxySettings};
use snapbox::cmd::{Command, OutputAssert, cargo_bin};
use snapbox::str;

const SYSTEM: &str =
    r"HKEY_USERS\S-1-5-18\Software\Microsoft\Windows\CurrentVersion\Internet Settings";
const PLUGIN: &str = r"HKEY_USERS\S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151\Software\Microsoft\Windows\CurrentVersion\Internet Settings";
const MACHINE: &str =
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings\Connections";
const POLICY: &str =
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";

/// A registry export of these keys with their values.
fn export(keys: &[(String, Vec<(&str, String)>)]) -> String {
    let mut text = "Windows Registry Editor Version 5.00\n".to_owned();
    for (key, values) in keys {
        text = format!("{text}\n[{key}]\n");
        for (name, data) in values {
            text = format!("{text}\"{name}\"={data}\n");
        }
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("hex:{}", bytes.join(","))
}

fn blob(settings: &ProxySettings) -> String {
    hex(&ConnectionSettings::new(settings).encode())
}

fn connections(key: &str) -> String {
    format!(r"{key}\Connections")
}

fn winhttp(proxy: &str, list: &str) -> String {
    let settings = WinHttpSettings {
        version: 0x28,
        counter: 0,
        flags: Flags(3),
        proxy_server: BlobText::from(proxy),
        proxy_bypass: BlobText::from(list),
        trailing: Vec::new(),
    };
    hex(&settings.encode())
}

fn show(folder: &Path, export: &str, arguments: &[&str]) -> OutputAssert {
    fs::write(folder.join("server.reg"), export).unwrap();
    Command::new(cargo_bin!("sidestep"))
        .args(["show", "--at", "server.reg"])
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .assert()
}

fn codes(assert: &OutputAssert) -> Vec<String> {
    let document: Value = serde_json::from_slice(&assert.get_output().stdout).unwrap();
    let findings = document["findings"].as_array().unwrap().iter();
    let codes = findings.map(|finding| finding["code"].as_str().unwrap().to_owned());
    codes.collect()
}

/// SYSTEM's values agree but for one entry; the plugin's account is not there.
fn nearly_sound() -> String {
    let settings = ProxySettings::manual("joe:geheim@10.2.0.16:8080", "*.corp.example;<local>");
    export(&[
        (
            SYSTEM.to_owned(),
            vec![
                ("ProxyEnable", "dword:00000001".to_owned()),
                ("ProxyServer", "\"joe:geheim@10.2.0.16:8080\"".to_owned()),
                (
                    "ProxyOverride",
                    "\"*.corp.example;wsus;<local>\"".to_owned(),
                ),
            ],
        ),
        (
            connections(SYSTEM),
            vec![
                ("DefaultConnectionSettings", blob(&settings)),
                ("SavedLegacySettings", blob(&settings)),
            ],
        ),
        (
            MACHINE.to_owned(),
            vec![("WinHttpSettings", winhttp("10.2.0.16:8080", "10.1.*"))],
        ),
    ])
}

#[test]
fn a_route_by_winhttp_is_by_the_machines_own_settings() {
    let folder = tempfile::tempdir().unwrap();
    let route = |export: &str| {
        fs::write(folder.path().join("server.reg"), export).unwrap();
        Command::new(cargo_bin!("sidestep"))
            .args(["route", "--at", "server.reg", "--consumer", "winhttp"])
            .args(["wsus", "a.corp.example", "10.1.2.3"])
            .current_dir(folder.path())
            .env("NO_COLOR", "1")
            .assert()
    };
    route(&nearly_sound()).code(0).stdout_eq(str![[r#"
 URL             Route                  Why
 wsus            http://10.2.0.16:8080  no entry of the list matches
 a.corp.example  http://10.2.0.16:8080  no entry of the list matches
 10.1.2.3        unknown                what WinHTTP makes of "10.1.*", entry 1 of the list, is neither documented nor measured

"#]]);
    let accounts_alone = export(&[(SYSTEM.to_owned(), Vec::new())]);
    route(&accounts_alone).code(3).stderr_eq(str![[r"
error[SS703]: server.reg does not hold the machine's WinHTTP settings
hint: `reg export HKEY_LOCAL_MACHINE/SOFTWARE FILE.reg` on the server writes them, where there are any
hint: `netsh winhttp show proxy` shows them; --list and --proxy take them

"]]);
}

#[test]
fn readers_stand_side_by_side_and_disagreements_are_named() {
    let folder = tempfile::tempdir().unwrap();
    show(folder.path(), &nearly_sound(), &[])
        .code(0)
        .stdout_eq(str![[r#"
ProxySettingsPerUser  not there (unset or not exported): each account has its own settings

NT AUTHORITY/SYSTEM (S-1-5-18)
                  .NET Framework            WinINet                   Plain values              SavedLegacySettings       WinHTTP (machine)
 manual proxy     on                        on                        on                        on                        on
 proxy            ***@10.2.0.16:8080        ***@10.2.0.16:8080        ***@10.2.0.16:8080        ***@10.2.0.16:8080        10.2.0.16:8080
 proxy for https  http://10.2.0.16:8080     http://10.2.0.16:8080     http://10.2.0.16:8080     http://10.2.0.16:8080     http://10.2.0.16:8080
 list             2 entries, 22 characters  2 entries, 22 characters  3 entries, 27 characters  2 entries, 22 characters  1 entry, 6 characters
 script           none                      none                      none                      none                      none
 auto-detect      off                       off                       -                         off                       off
 flags            0x03                      0x03                      -                         0x03                      0x03
 blob             version 0x46, change 1    version 0x46, change 1    -                         version 0x46, change 1    version 0x28, change 0

 Entry           .NET Framework  WinINet  Plain values  SavedLegacySettings  WinHTTP (machine)
 *.corp.example  1               1        1             1                    -
 <local>         2               2        3             2                    -
 wsus            -               -        2             -                    -
 10.1.*          -               -        -             -                    1

NT SERVICE/AzureWLBackupPluginSvc (S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151)
  not there

warning[SS124]: ProxyOverride of NT AUTHORITY/SYSTEM, which scripts read, is not what DefaultConnectionSettings says, which the services read: the list also holds wsus
  next: if DefaultConnectionSettings is right, `sidestep apply` makes the others say the same; else set the proxy once more in Windows' own dialog, which writes all of them

note[SS127]: the machine's WinHTTP settings (netsh winhttp) have another proxy or list than those of NT AUTHORITY/SYSTEM: BITS, Windows Update and whatever else is built on WinHTTP follow them, the backup services do not
  next: nothing for the backup; if those programs need the proxy, too, their owner sets it with `netsh winhttp set proxy`

note[SS129]: WinHTTP's list holds "10.1.*", but its documentation knows wildcards at the front of an entry only
  next: nothing for the backup; do not count on it for what follows WinHTTP

note[SS111]: NT SERVICE/AzureWLBackupPluginSvc does not exist yet: the machine is not registered with a vault
  next: register the machine with the vault (discover databases), then plan again

"#]]);
}

#[test]
fn a_script_gets_the_same_and_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--account", "system", "--json"];
    let assert = show(folder.path(), &nearly_sound(), &arguments).code(0);
    assert_eq!(codes(&assert), ["SS127", "SS129", "SS124"]);
    let output = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    assert!(!output.contains("geheim"));
    let document: Value = serde_json::from_str(&output).unwrap();
    let account = &document["accounts"][0];
    assert_eq!(account["usable"], true);
    snapbox::assert_data_eq!(
        format!("{:#}\n", account["readers"][2]),
        str![[r#"
{
  "reader": "plain-values",
  "state": "read",
  "error": null,
  "settings": {
    "manual_proxy": true,
    "proxy_server": "***@10.2.0.16:8080",
    "https_proxy": "http://10.2.0.16:8080",
    "proxy_error": null,
    "proxy_override": "*.corp.example;wsus;<local>",
    "entries": [
      "*.corp.example",
      "wsus",
      "<local>"
    ],
    "auto_config_url": "",
    "auto_config": false,
    "auto_detect": null,
    "flags": null,
    "blob": null
  }
}

"#]]
    );
}

#[test]
fn what_dotnet_cannot_use_is_shown_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let broken = export(&[
        (
            connections(SYSTEM),
            vec![("DefaultConnectionSettings", "hex:46,00,00,00".to_owned())],
        ),
        (
            connections(PLUGIN),
            vec![(
                "DefaultConnectionSettings",
                blob(&ProxySettings::manual(
                    "10.2.0.16:8080;",
                    "a.example b.example",
                )),
            )],
        ),
    ]);
    show(folder.path(), &broken, &[]).code(1).stdout_eq(str![[r#"
ProxySettingsPerUser  not there (unset or not exported): each account has its own settings

NT AUTHORITY/SYSTEM (S-1-5-18)
               .NET Framework  WinINet     Plain values  SavedLegacySettings  WinHTTP (machine)
 manual proxy  unreadable      unreadable  not there     not there            not there

NT SERVICE/AzureWLBackupPluginSvc (S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151)
                  .NET Framework          WinINet                   Plain values  SavedLegacySettings  WinHTTP (machine)
 manual proxy     on                      on                        not there     not there            not there
 proxy            10.2.0.16:8080;         10.2.0.16:8080;
 proxy for https  unusable                http://10.2.0.16:8080
 list             1 entry, 19 characters  2 entries, 19 characters
 script           none                    none
 auto-detect      off                     off
 flags            0x03                    0x03
 blob             version 0x46, change 1  version 0x46, change 1

 Entry                .NET Framework  WinINet  Plain values  SavedLegacySettings  WinHTTP (machine)
 a.example b.example  1               -        -             -                    -
 a.example            -               1        -             -                    -
 b.example            -               2        -             -                    -

error[SS112]: DefaultConnectionSettings of NT AUTHORITY/SYSTEM cannot be read: the data ends at byte 4, inside the change counter
  next: export the key, look at it with `sidestep decode`, and open the account's proxy settings once in Windows to have it rewritten

error[SS106]: the proxy string "10.2.0.16:8080;" of NT SERVICE/AzureWLBackupPluginSvc cannot be used by .NET Framework: every request of the service would fail
  next: correct it to one host:port without a trailing semicolon, or name the proxy in the site file with [proxy] mode = "set"

warning[SS134]: the list of NT SERVICE/AzureWLBackupPluginSvc holds "a.example b.example", with blanks between entries: WinINet reads several entries, .NET Framework one that matches nothing
  next: `sidestep apply` writes the same entries with semicolons, which both read

warning[SS124]: ProxyEnable of NT SERVICE/AzureWLBackupPluginSvc, which scripts read, is not what DefaultConnectionSettings says, which the services read: direct instead of manual proxy
  next: if DefaultConnectionSettings is right, `sidestep apply` makes the others say the same; else set the proxy once more in Windows' own dialog, which writes all of them

warning[SS124]: ProxyServer of NT SERVICE/AzureWLBackupPluginSvc, which scripts read, is not what DefaultConnectionSettings says, which the services read: the proxy none instead of "10.2.0.16:8080;"
  next: if DefaultConnectionSettings is right, `sidestep apply` makes the others say the same; else set the proxy once more in Windows' own dialog, which writes all of them

warning[SS124]: ProxyOverride of NT SERVICE/AzureWLBackupPluginSvc, which scripts read, is not what DefaultConnectionSettings says, which the services read: the list lacks a.example; b.example
  next: if DefaultConnectionSettings is right, `sidestep apply` makes the others say the same; else set the proxy once more in Windows' own dialog, which writes all of them

note[SS126]: NT SERVICE/AzureWLBackupPluginSvc has no SavedLegacySettings, which WinINet reads for connections other than the default (dial-up, VPN)
  next: nothing for the services; `sidestep apply` writes it beside the other values

"#]]);
}

#[test]
fn policies_and_missing_accounts_are_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let per_machine = export(&[
        (
            POLICY.to_owned(),
            vec![("ProxySettingsPerUser", "dword:00000000".to_owned())],
        ),
        (
            MACHINE.to_owned(),
            vec![(
                "DefaultConnectionSettings",
                blob(&ProxySettings::manual("10.2.0.16:8080", "")),
            )],
        ),
    ]);
    show(folder.path(), &per_machine, &["--account", "plugin"])
        .code(0)
        .stdout_eq(str![[r#"
ProxySettingsPerUser  0: .NET Framework and WinINet read the machine's settings for every account

NT SERVICE/AzureWLBackupPluginSvc (S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151)
                  .NET Framework           WinINet                  Plain values  SavedLegacySettings  WinHTTP (machine)
 manual proxy     on                       on                       not there     not there            not there
 proxy            10.2.0.16:8080           10.2.0.16:8080
 proxy for https  http://10.2.0.16:8080    http://10.2.0.16:8080
 list             0 entries, 0 characters  0 entries, 0 characters
 script           none                     none
 auto-detect      off                      off
 flags            0x03                     0x03
 blob             version 0x46, change 1   version 0x46, change 1

error[SS103]: the policy ProxySettingsPerUser = 0 makes Windows ignore the accounts' own settings and use the machine's
  next: change the machine's settings (--account machine), which count for everybody then, or have the policy "Make proxy settings per-machine" removed

note[SS111]: NT SERVICE/AzureWLBackupPluginSvc does not exist yet: the machine is not registered with a vault
  next: register the machine with the vault (discover databases), then plan again

"#]]);
    let nobody = show(folder.path(), &export(&[]), &["--json"]).code(0);
    assert_eq!(codes(&nobody), ["SS111", "SS111"]);
}

/// Runs of two kinds: one that was interrupted, one whose journal is damaged.
#[test]
fn an_interrupted_run_is_named_and_a_damaged_journal_hides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sidestep = |arguments: &[&str]| {
        let mut command = Command::new(cargo_bin!("sidestep"));
        command = command.args(arguments).current_dir(folder.path());
        command.assert().code(0)
    };
    sidestep(&["init", "--entra", "direct", "-q"]);
    fs::write(folder.path().join("server.reg"), nearly_sound()).unwrap();
    sidestep(&["apply", "--at", "server.reg", "--account", "system"]);
    let journal = folder.path().join("server.reg.sidestep/0001.jsonl");
    let text = fs::read_to_string(&journal).unwrap();

    let lines: Vec<&str> = text.lines().collect();
    let without_commit = lines[..lines.len() - 1].join("\n") + "\n";
    fs::write(&journal, without_commit).unwrap();
    let open = show(folder.path(), &nearly_sound(), &["--json"]).code(0);
    assert_eq!(codes(&open)[0], "SS711");

    fs::write(&journal, text.replacen("intent", "tnetni", 1)).unwrap();
    let damaged = show(folder.path(), &nearly_sound(), &["--json"]).code(0);
    let told = String::from_utf8(damaged.get_output().stderr.clone()).unwrap();
    assert!(told.starts_with("the last run is not known: "), "{told}");
    assert_eq!(codes(&damaged), ["SS127", "SS129", "SS124", "SS111"]);
}
