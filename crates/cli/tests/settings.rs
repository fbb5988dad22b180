//! Settings changed by the program itself: plan, apply, undo, history.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::needless_raw_string_hashes, reason = "as snapbox writes them")]

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use sidestep_machine::{Journal, LiveStore, RegFileStore, Store, recover_last};
use sidestep_model::observed::Observed;
use snapbox::cmd::{Command, OutputAssert, cargo_bin};
use snapbox::str;

const PLUGIN: &str = "S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151";

/// SYSTEM has a proxy with a password, the plugin's account nothing, the
/// current user another proxy.
fn export() -> String {
    format!(
        r#"Windows Registry Editor Version 5.00

[HKEY_USERS\S-1-5-18\Software\Microsoft\Windows\CurrentVersion\Internet Settings]
"ProxyEnable"=dword:00000001
"ProxyServer"="joe:geheim@10.2.0.16:8080"
"ProxyOverride"="*.corp.example;<local>"

[HKEY_USERS\{PLUGIN}\Environment]
"TEMP"="C:\\Temp"

[HKEY_USERS\S-1-5-21-1-2-3-1001\Software\Microsoft\Windows\CurrentVersion\Internet Settings]
"ProxyEnable"=dword:00000001
"ProxyServer"="http://10.2.0.16:8080"
"ProxyOverride"="wsus;<local>"

"#
    )
}

/// A folder with the export and a site file.
fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("server.reg"), export()).unwrap();
    sidestep(folder.path(), &["init", "--entra", "direct", "-q"]).code(0);
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(cargo_bin!("sidestep"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn sidestep(folder: &Path, arguments: &[&str]) -> OutputAssert {
    Command::new(cargo_bin!("sidestep"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .assert()
}

fn json(folder: &Path, arguments: &[&str], code: i32) -> Value {
    let assert = sidestep(folder, arguments).code(code);
    serde_json::from_slice(&assert.get_output().stdout).unwrap()
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

const APPLY: [&str; 5] = ["apply", "--at", "server.reg", "--account", "system"];

#[test]
#[expect(clippy::too_many_lines, reason = "one conversation, word for word")]
fn apply_shows_everything_first_and_undo_puts_it_back() {
    let desk = desk();
    let folder = desk.path();
    sidestep(folder, &APPLY).code(0).stdout_eq(str![[r#"
Plan for server.reg, as the site site.toml wants it

NT AUTHORITY/SYSTEM (S-1-5-18)
  proxy  ***@10.2.0.16:8080, as it is
  list   22 characters → 653 characters
    + localhost                                Traffic within the virtual machine must never go to the proxy. [1]
    + 168.63.129.16                            WireServer, the platform address of the guest agent and of DNS, answers only from inside the virtual machine. [2]
    + 169.254.169.254                          The Instance Metadata Service is link-local, so that no proxy can reach it for the virtual machine. [2]
    + *.backup.windowsazure.com                Azure Backup's own services: registration, discovery and orders; it covers the privatelink names too. [1]
    + *.queue.core.windows.net                 The channel through which the extension receives its tasks. [1]
    + *.blob.core.windows.net                  The storage accounts of the vault, to which database pages are written. [1]
    + *.storage.azure.net                      Every kind of storage account in a partitioned DNS zone. [3]
    + *.auth.microsoft.com                     Authentication hosts of Entra ID. [4]
    + *.msftidentity.com                       Hosts of the Microsoft identity platform. [4]
    + *.msidentity.com                         Hosts of the Microsoft identity platform. [4]
    + account.activedirectory.windowsazure.com Account pages of Entra ID. [4]
    + accounts.accesscontrol.windows.net       The older Access Control Service, which issues tokens. [4]
    + autologon.microsoftazuread-sso.com       Seamless single sign-on. [4]
    + clientconfig.microsoftonline-p.net       Sign-in settings that clients fetch. [4]
    + graph.microsoft.com                      Microsoft Graph, the programming interface of the directory. [4]
    + graph.windows.net                        Azure AD Graph, the directory's older programming interface. [4]
    + login.microsoft.com                      Sign-in host, where tokens are issued. [4]
    + login.windows.net                        The sign-in host's older name, which .NET Framework programs may still use. [4]
    + *.login.microsoft.com                    Regional sign-in hosts, which the bare name does not cover. [1]
    + *.hip.live.com                           Proof during sign-in that a person is present. [5]
    + *.microsoftonline.com                    Every sign-in and directory host under this name. [5]
    + *.microsoftonline-p.com                  Every sign-in host under this name. [5]
    + *.msauth.net                             Content of sign-in pages. [5]
    + *.msauthimages.net                       Images of sign-in pages. [5]
    + *.msecnd.net                             Content delivery for sign-in pages. [5]
    + *.msftauth.net                           Content of sign-in pages. [5]
    + *.msftauthimages.net                     Images of sign-in pages. [5]
    + *.phonefactor.net                        Multi-factor authentication. [5]
    + enterpriseregistration.windows.net       Registration of devices. [5]
    = *.corp.example; <local>
    [1] MicrosoftDocs/azure-docs, articles/backup/backup-sql-server-database-azure-vms.md (2026-02)
    [2] jpabrs-scem/blog, articles/AzureSQLBackup/How_To_SQL_Backup_Via_Proxy.md (2026-05)
    [3] MicrosoftDocs/azure-docs, articles/backup/backup-azure-private-endpoints-configure-manage.md (2025-06)
    [4] Microsoft 365 URLs and IP address ranges (learn.microsoft.com/microsoft-365/enterprise/urls-and-ip-address-ranges), row 56 (2026-08)
    [5] Microsoft 365 URLs and IP address ranges (learn.microsoft.com/microsoft-365/enterprise/urls-and-ip-address-ranges), row 59 (2026-08)
  values, in the order in which they are written
    ProxyOverride              22 characters → 653 characters
    SavedLegacySettings        not there → manual proxy, proxy ***@10.2.0.16:8080, list of 653 characters
    DefaultConnectionSettings  not there → manual proxy, proxy ***@10.2.0.16:8080, list of 653 characters
    the key …/Internet Settings/Connections is made

Also affected
  Everything that runs as SYSTEM follows this list: agents for security, monitoring and updates, and VM extensions. What they send to the names added goes direct, too, above all to anybody's storage accounts (*.queue.core.windows.net, *.blob.core.windows.net, *.storage.azure.net); see that the VM's network lets it.
  AzureWLBackupCoordinatorSvc has to be restarted if it runs: its account has no key Connections yet, and .NET Framework does not watch a key that was not there when it began.

To undo
  sidestep undo --at server.reg

warning[SS115]: NT AUTHORITY/SYSTEM has plain values but no DefaultConnectionSettings, which is what the services read
  next: `sidestep apply` writes the blob beside the plain values

note[SS110]: the list has 653 characters, more than scripts with one-byte lengths write (255)
  next: nothing: the backup services read it whole; do not copy it by such a script

done: 3 values written and read back (run 1)

"#]]);
    sidestep(folder, &APPLY).code(0).stdout_eq(str![[r#"
Plan for server.reg, as the site site.toml wants it

NT AUTHORITY/SYSTEM (S-1-5-18)
  nothing to change

note[SS110]: the list has 653 characters, more than scripts with one-byte lengths write (255)
  next: nothing: the backup services read it whole; do not copy it by such a script

nothing to do

"#]]);
    sidestep(folder, &["history", "--at", "server.reg"])
        .code(0)
        .stdout_eq(str![[r#"
 Run  Time                 Command  Accounts  Outcome
 1    [..]  apply    SYSTEM    done

"#]]);
    sidestep(folder, &["undo", "--at", "server.reg"])
        .code(0)
        .stdout_eq(str![[r#"
Undo of run 1 ([..])

NT AUTHORITY/SYSTEM (S-1-5-18)
  proxy  ***@10.2.0.16:8080, as it is
  list   653 characters → 22 characters
    - localhost                                was not there before
    - 168.63.129.16                            was not there before
    - 169.254.169.254                          was not there before
    - *.backup.windowsazure.com                was not there before
    - *.queue.core.windows.net                 was not there before
    - *.blob.core.windows.net                  was not there before
    - *.storage.azure.net                      was not there before
    - *.auth.microsoft.com                     was not there before
    - *.msftidentity.com                       was not there before
    - *.msidentity.com                         was not there before
    - account.activedirectory.windowsazure.com was not there before
    - accounts.accesscontrol.windows.net       was not there before
    - autologon.microsoftazuread-sso.com       was not there before
    - clientconfig.microsoftonline-p.net       was not there before
    - graph.microsoft.com                      was not there before
    - graph.windows.net                        was not there before
    - login.microsoft.com                      was not there before
    - login.windows.net                        was not there before
    - *.login.microsoft.com                    was not there before
    - *.hip.live.com                           was not there before
    - *.microsoftonline.com                    was not there before
    - *.microsoftonline-p.com                  was not there before
    - *.msauth.net                             was not there before
    - *.msauthimages.net                       was not there before
    - *.msecnd.net                             was not there before
    - *.msftauth.net                           was not there before
    - *.msftauthimages.net                     was not there before
    - *.phonefactor.net                        was not there before
    - enterpriseregistration.windows.net       was not there before
    = *.corp.example; <local>
  values, in the order in which they are written
    ProxyOverride              653 characters → 22 characters
    SavedLegacySettings        manual proxy, proxy ***@10.2.0.16:8080, list of 653 characters → taken away
    DefaultConnectionSettings  manual proxy, proxy ***@10.2.0.16:8080, list of 653 characters → taken away
    the key …/Internet Settings/Connections is taken away, if nothing else is in it

Also affected
  AzureWLBackupCoordinatorSvc has to be restarted if it runs: the key that it watches is taken away.

done: 3 values put back and read back (run 2)

"#]]);
    sidestep(folder, &["undo", "--at", "server.reg"])
        .code(0)
        .stdout_eq(str![[r#"
nothing to undo

"#]]);
    sidestep(folder, &["history", "1", "--at", "server.reg"])
        .code(0)
        .stdout_eq(str![[r#"
Run 1: apply, [..], undone by run 2, at server.reg
NT AUTHORITY/SYSTEM (S-1-5-18)
    ProxyOverride              22 characters → 653 characters
    SavedLegacySettings        not there → manual proxy, proxy ***@10.2.0.16:8080, list of 653 characters
    DefaultConnectionSettings  not there → manual proxy, proxy ***@10.2.0.16:8080, list of 653 characters
    the key …/Internet Settings/Connections is made

"#]]);
    assert_eq!(text(folder, "server.reg"), export());
    for entry in fs::read_dir(folder.join("server.reg.sidestep")).unwrap() {
        let journal = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!journal.contains("geheim") && !journal.contains("67656865696d"));
    }
}

#[test]
fn looking_changes_nothing_and_says_by_its_exit_code_what_is_pending() {
    let desk = desk();
    let folder = desk.path();
    let what_if = [&APPLY[..], &["--what-if", "--detailed-exitcode"]].concat();
    sidestep(folder, &what_if).code(6);
    let dry_run = [&APPLY[..], &["--dry-run"]].concat();
    sidestep(folder, &dry_run).code(0);
    sidestep(
        folder,
        &[
            "undo",
            "--at",
            "server.reg",
            "--what-if",
            "--detailed-exitcode",
        ],
    )
    .code(0);
    assert_eq!(text(folder, "server.reg"), export());
    assert!(!folder.join("server.reg.sidestep").exists());

    sidestep(folder, &APPLY).code(0);
    sidestep(folder, &what_if).code(0);
    let applied = text(folder, "server.reg");
    sidestep(
        folder,
        &[
            "undo",
            "--at",
            "server.reg",
            "--what-if",
            "--detailed-exitcode",
        ],
    )
    .code(6);
    assert_eq!(text(folder, "server.reg"), applied);
}

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

#[test]
fn a_foreign_edit_stays_and_undo_says_so() {
    let desk = desk();
    let folder = desk.path();
    sidestep(folder, &APPLY).code(0);
    let edited = text(folder, "server.reg").replace(
        "\"ProxyOverride\"=\"*.corp",
        "\"ProxyOverride\"=\"edr;*.corp",
    );
    fs::write(folder.join("server.reg"), edited).unwrap();
    let undone = json(folder, &["undo", "--at", "server.reg", "--json"], 4);
    assert_eq!(undone["findings"][0]["code"], "SS120");
    let left = text(folder, "server.reg");
    assert!(left.contains("edr;*.corp.example;localhost") && !left.contains("Connections"));
}

#[test]
fn a_later_run_is_undone_before_an_earlier_one() {
    let desk = desk();
    let folder = desk.path();
    sidestep(folder, &APPLY).code(0);
    sidestep(folder, &["init", "proxy.toml", "--entra", "proxy", "-q"]).code(0);
    let site = text(folder, "proxy.toml").replace("add = []", "add = [\"more.example\"]");
    fs::write(folder.join("more.toml"), site).unwrap();
    sidestep(folder, &[&APPLY[..], &["more.toml"]].concat()).code(0);
    sidestep(folder, &["undo", "1", "--at", "server.reg"])
        .code(4)
        .stderr_eq(str![[r#"
error[SS710]: run 2 changed the same values after run 1
hint: undo run 2 first

"#]]);
    sidestep(folder, &["undo", "2", "--at", "server.reg"]).code(0);
    sidestep(folder, &["undo", "1", "--at", "server.reg"]).code(0);
    sidestep(folder, &["undo", "1", "--at", "server.reg"])
        .code(0)
        .stdout_eq(str![[r#"
nothing to undo: run 1 was undone by run 4

"#]]);
    sidestep(folder, &["undo", "9", "--at", "server.reg"]).code(2);
    assert_eq!(text(folder, "server.reg"), export());
}

#[test]
fn settings_are_copied_with_their_list_and_a_disabled_proxy_is_not() {
    let desk = desk();
    let folder = desk.path();
    let copy = ["apply", "--at", "server.reg", "--copy-from", "current-user"];
    let log = [&copy[..], &["--transcript", "logs"]].concat();
    fs::create_dir(folder.join("logs")).unwrap();
    sidestep(folder, &log).code(0).stdout_eq(str![[r#"
Plan for server.reg, copying proxy and list from current-user

NT SERVICE/AzureWLBackupPluginSvc (S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151)
  proxy  none → http://10.2.0.16:8080
  uses   auto-detect → manual proxy
  list   0 characters → 12 characters
    + wsus                                     the account that is copied has it
    + <local>                                  the account that is copied has it
  values, in the order in which they are written
    ProxyEnable                not there → 1
    ProxyServer                not there → "http://10.2.0.16:8080"
    ProxyOverride              not there → 12 characters
    SavedLegacySettings        not there → manual proxy, proxy http://10.2.0.16:8080, list of 12 characters
    DefaultConnectionSettings  not there → manual proxy, proxy http://10.2.0.16:8080, list of 12 characters
    the key …/Internet Settings is made
    the key …/Internet Settings/Connections is made

Also affected
  AzureWLBackupPluginSvc has to be restarted if it runs: its account has no key Connections yet, and .NET Framework does not watch a key that was not there when it began.

To undo
  sidestep undo --at server.reg

done: 5 values written and read back (run 1)

"#]]);
    let name = fs::read_dir(folder.join("logs")).unwrap().next().unwrap();
    let name = name.unwrap().file_name().into_string().unwrap();
    let prefix = "AzureBackup_Set_Proxy_For_AzureWLBackup_PluginSvc_";
    let stamp = name.strip_prefix(prefix).unwrap();
    assert_eq!(stamp.len(), "yyyyMMdd_HHmmss.log".len());
    snapbox::assert_data_eq!(
        text(&folder.join("logs"), &name),
        str![[r#"
-----ScriptStart----- [..]
----------------------------------------
Proxy Settings NT SERVICE/AzureWLBackupPluginSvc (S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151)
DefaultConnectionSettings : 70 0 0 0 1 0 0 0 3 0 0 0 21 0 0 0 104 116 116 112 58 47 47 49 48 46 50 46 48 46 49 54 58 56 48 56 48 12 0 0 0 119 115 117 115 59 60 108 111 99 97 108 62 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
SavedLegacySettings : 70 0 0 0 1 0 0 0 3 0 0 0 21 0 0 0 104 116 116 112 58 47 47 49 48 46 50 46 48 46 49 54 58 56 48 56 48 12 0 0 0 119 115 117 115 59 60 108 111 99 97 108 62 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
ProxyEnable : 1
Proxyserver : http://10.2.0.16:8080
ProxyOverride : wsus;<local>
----------------------------------------
-----ScriptStart Completed-----

"#]]
    );

    // SYSTEM's password comes along, and into no log.
    let system = [
        "apply",
        "--at",
        "server.reg",
        "--copy-from",
        "system",
        "--transcript",
    ];
    let output = sidestep(folder, &system).code(0).get_output().clone();
    assert!(!String::from_utf8_lossy(&output.stdout).contains("geheim"));
    assert_eq!(text(folder, "server.reg").matches("joe:geheim@").count(), 2);

    // Taken away again it is nowhere, so that nothing of it comes back alone.
    sidestep(folder, &["undo", "--at", "server.reg"]).code(0);
    let undone = text(folder, "server.reg");
    let again = json(folder, &["undo", "3", "--at", "server.reg", "--json"], 4);
    assert_eq!(again["findings"][0]["code"], "SS136");
    assert_eq!(text(folder, "server.reg"), undone);

    let off = export().replace("dword:00000001", "dword:00000000");
    fs::write(folder.join("off.reg"), off).unwrap();
    sidestep(folder, &["apply", "--at", "off.reg", "--copy-from", "current-user"])
        .code(4)
        .stdout_eq(str![[r#"
Plan for off.reg, copying proxy and list from current-user

NT SERVICE/AzureWLBackupPluginSvc (S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151)
  nothing planned: see below

error[SS118]: the settings of S-1-5-21-1-2-3-1001 cannot be copied: its proxy http://10.2.0.16:8080 is switched off, and the copy would be, too
  next: set the proxy up there and switch it on, or leave --copy-from out and name the proxy in the site file with [proxy] mode = "set"

refused: nothing was written

"#]]);
    let nobody = export().replace("S-1-5-21-1-2-3-1001", "S-1-5-20");
    fs::write(folder.join("nobody.reg"), nobody).unwrap();
    sidestep(
        folder,
        &["apply", "--at", "nobody.reg", "--copy-from", "current-user"],
    )
    .code(3)
    .stderr_eq(str![[r#"
error[SS703]: no user in this export has proxy settings
hint: export the user's settings, too: `reg export HKEY_USERS FILE.reg`

"#]]);
    sidestep(
        folder,
        &[
            "plan",
            "--at",
            "off.reg",
            "--copy-from",
            "system",
            "--account",
            "both",
        ],
    )
    .code(2);
}

#[test]
fn scripts_and_detection_are_cleared_by_name_only() {
    let desk = desk();
    let folder = desk.path();
    // Flags 0x0f: everything on; 29 bytes of address.
    let address = "http://wpad.corp.example/x.pac";
    let hex = |text: &str| {
        let bytes: Vec<String> = text.bytes().map(|byte| format!("{byte:02x},")).collect();
        bytes.concat()
    };
    let (server, list) = ("10.2.0.16:8080", "<local>");
    let length = |text: &str| format!("{:02x},00,00,00,{}", text.len(), hex(text));
    let blob = format!(
        "46,00,00,00,05,00,00,00,0f,00,00,00,{}{}{}{}00",
        length(server),
        length(list),
        length(address),
        "00,".repeat(31)
    );
    let export = format!(
        "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_USERS\\S-1-5-18\\Software\\Microsoft\\\
         Windows\\CurrentVersion\\Internet Settings]\r\n\"AutoConfigURL\"=\"{address}\"\r\n\r\n\
         [HKEY_USERS\\S-1-5-18\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings\\\
         Connections]\r\n\"DefaultConnectionSettings\"=hex:{blob}\r\n\r\n"
    );
    fs::write(folder.join("server.reg"), &export).unwrap();
    let codes = |arguments: &[&str], code| {
        let document = json(folder, &[&APPLY[..], &["--json"], arguments].concat(), code);
        let findings = document["findings"].as_array().unwrap();
        let codes = findings
            .iter()
            .map(|finding| finding["code"].as_str().unwrap().to_owned());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes(&[], 4), ["SS101", "SS102"]);
    assert_eq!(codes(&["--clear-pac"], 4), ["SS101"]);
    assert_eq!(codes(&["--clear-auto-detect"], 4), ["SS102"]);
    assert_eq!(text(folder, "server.reg"), export);
    assert_eq!(codes(&["--clear-auto-detect", "--clear-pac"], 0), ["SS110"]);
    let applied = text(folder, "server.reg");
    assert!(!applied.contains("AutoConfigURL"));
    let observed = RegFileStore::new(&folder.join("server.reg"))
        .read()
        .unwrap();
    assert_eq!(observed.system.settings().unwrap().flags.0, 3);
    sidestep(folder, &["undo", "--at", "server.reg"]).code(0);
    let undone = text(folder, "server.reg");
    assert!(undone.contains(address));
    let observed = RegFileStore::new(&folder.join("server.reg"))
        .read()
        .unwrap();
    assert_eq!(observed.system.settings().unwrap().flags.0, 15);
}

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

#[test]
fn what_is_asked_of_nothing_is_no_answer() {
    let desk = desk();
    let folder = desk.path();
    sidestep(folder, &["history", "--at", "sever.reg"])
        .code(3)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error[SS702]: cannot read sever.reg: [..]
hint: `reg export HKEY_USERS FILE.reg` on the server, as administrator, writes one

"#]]);
    sidestep(folder, &["history", "--at", "server.reg"]).code(0);

    // No log, nothing written.
    let apply = [&APPLY[..], &["--transcript", "nowhere"]].concat();
    sidestep(folder, &apply)
        .code(3)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error[SS704]: there is no folder nowhere for the log
hint: nothing was written; make it, or name another folder: `--transcript FOLDER`

"#]]);
    assert_eq!(text(folder, "server.reg"), export());
}

#[test]
fn a_password_in_a_value_of_an_odd_type_is_in_no_file() {
    let desk = desk();
    let folder = desk.path();
    let secret = "joe:geheim@10.2.0.16:8080";
    let wide: Vec<String> = secret
        .encode_utf16()
        .map(|unit| format!("{:02x},{:02x}", unit & 0xff, unit >> 8))
        .collect();
    let narrow: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    for data in [
        format!("hex(1):{}", wide.join(",")),
        format!("hex(7):{},00,00,00,00", wide.join(",")),
        format!("hex:{}", wide.join(",")),
        format!("hex:{}", narrow.join(",")),
    ] {
        let odd = export().replace("\"joe:geheim@10.2.0.16:8080\"", &data);
        fs::write(folder.join("server.reg"), &odd).unwrap();
        for name in ["clear", "plan"] {
            let clear = ["--clear-auto-detect"];
            let more: &[&str] = if name == "clear" { &clear } else { &[] };
            let apply = [&APPLY[..], more, &["--json", "--transcript"]].concat();
            let output = Command::new(cargo_bin!("sidestep"))
                .args(&apply)
                .current_dir(folder)
                .output()
                .unwrap();
            let mut shown = vec![output.stdout, output.stderr];
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "log") {
                    shown.push(fs::read(&path).unwrap());
                    fs::remove_file(&path).unwrap();
                }
            }
            for bytes in shown {
                let shown = String::from_utf8_lossy(&bytes);
                let decimal = secret.encode_utf16().map(|unit| format!("{unit} 0"));
                for hidden in [
                    "geheim".to_owned(),
                    "67656865696d".to_owned(),
                    "670065006800650069006d00".to_owned(),
                    decimal.skip(4).take(6).collect::<Vec<_>>().join(" "),
                ] {
                    assert!(!shown.contains(&hidden), "{data}: {shown}");
                }
            }
        }
    }
    assert!(!folder.join("server.reg.sidestep").exists());
}

#[test]
fn only_a_windows_has_settings_of_its_own() {
    if LiveStore::IS_HERE {
        // `cargo xtask judges wine` asks there.
        return;
    }
    let desk = desk();
    let commands: [&[&str]; 6] = [
        &["plan", "--at", "live"],
        &["apply", "--at", "live"],
        &["undo", "--at", "live"],
        &["history", "--at", "live"],
        &["show", "--at", "live"],
        &["route", "login.microsoft.com", "--at", "live"],
    ];
    for command in commands {
        sidestep(desk.path(), command)
            .code(3)
            .stdout_eq("")
            .stderr_eq(str![[r#"
error[SS145]: this computer's own settings are meant, and it is not a Windows computer
hint: run Sidestep on the server itself, or name a registry export: `--at FILE.reg`

"#]]);
    }
    // Nor is there a default.
    sidestep(desk.path(), &["show"])
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: it is not said whose settings are meant
hint: `--at FILE.reg` names a registry export; `reg export HKEY_USERS FILE.reg` writes one

"#]]);
}
