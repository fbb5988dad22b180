//! Settings changed by the program itself: plan, apply, undo, history.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
#![expect(clippy::needless_raw_string_hashes, reason = "as snapbox writes them")]

mod copied;
mod desk;
mod machine;
mod passwords;
mod plan_file;
mod together;

use std::fs;

use sidestep_machine::{LiveStore, RegFileStore, Store};
use snapbox::str;

use desk::{APPLY, desk, export, json, sidestep, text};

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
  AzureWLBackupCoordinatorSvc has to be restarted if it runs: its settings have no key Connections yet, and .NET Framework does not watch a key that was not there when it began.

To undo
  sidestep undo --at server.reg

warning[SS115]: NT AUTHORITY/SYSTEM has plain values but no DefaultConnectionSettings, which is what the services read
  next: `sidestep apply` writes the blob beside the plain values

note[SS110]: the list of NT AUTHORITY/SYSTEM has 653 characters, more than scripts with one-byte lengths write (255)
  next: nothing: the backup services read it whole; do not copy it by such a script

done: 3 values written and read back (run 1)

"#]]);
    sidestep(folder, &APPLY).code(0).stdout_eq(str![[r#"
Plan for server.reg, as the site site.toml wants it

NT AUTHORITY/SYSTEM (S-1-5-18)
  nothing to change

note[SS110]: the list of NT AUTHORITY/SYSTEM has 653 characters, more than scripts with one-byte lengths write (255)
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
  AzureWLBackupCoordinatorSvc has to be restarted if it runs and the key Connections, which it watches, is taken away; what others keep in that key keeps it.

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
    // Nothing is pending where it was done: asked for alone, it is a mistake.
    let alone = [&APPLY[..], &["--detailed-exitcode"]].concat();
    sidestep(folder, &alone).code(2);
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
fn help_says_when_nobody_is_asked() {
    let desk = desk();
    for verb in ["apply", "undo"] {
        let help = sidestep(desk.path(), &[verb, "--help"]).code(0);
        let help = String::from_utf8_lossy(&help.get_output().stdout).replace('\n', " ");
        assert!(
            help.contains("only at a terminal: with --yes or --json"),
            "{help}"
        );
    }
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

    // So does the history.
    sidestep(folder, &["history", "--at", "server.reg"])
        .code(0)
        .stdout_eq(str![[r#"
 Run  Time                 Command  Accounts  Outcome
 1    [..]  apply    SYSTEM    undone by run 2, but for ProxyOverride of SYSTEM
 2    [..]  undo 1   SYSTEM    done, but for ProxyOverride of SYSTEM

"#]]);
    let history = json(folder, &["history", "2", "--at", "server.reg", "--json"], 0);
    assert_eq!(history["kept"][0]["value"], "ProxyOverride");
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
    // A file has neither services nor profiles that could be loaded.
    let restart = [&APPLY[..], &["--restart-services"]].concat();
    sidestep(folder, &restart)
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: --restart-services is for the services of this computer itself
hint: `--at live` names it; a file or a disk has nothing that runs

"#]]);
    let load = ["undo", "--at", "server.reg", "--load-profile"];
    sidestep(folder, &load)
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error: --load-profile is for the settings of this computer itself
hint: `--at live` names them; a file or a disk has nothing to load

"#]]);
    assert_eq!(text(folder, "server.reg"), export());
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
