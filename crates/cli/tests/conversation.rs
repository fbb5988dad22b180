//! Whole conversations: what is typed, what is answered, how it ends.

#![expect(clippy::needless_raw_string_hashes, reason = "as snapbox writes them")]

use std::fs;
use std::path::Path;

use snapbox::cmd::{Command, OutputAssert, cargo_bin};
use snapbox::str;

fn sidestep(folder: &Path, arguments: &[&str]) -> OutputAssert {
    Command::new(cargo_bin!("sidestep"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .assert()
}

const SYSTEM_ONLY: &str = r#"Windows Registry Editor Version 5.00

[HKEY_USERS\S-1-5-18\Software\Microsoft\Windows\CurrentVersion\Internet Settings]
"ProxyEnable"=dword:00000001
"ProxyServer"="joe:geheim@10.2.0.16:8080"
"ProxyOverride"="*.corp.example;<local>"
"#;

#[test]
fn a_site_files_mistakes_are_shown_in_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\
[azure]
subscription = \"00000000-0000-0000-0000-000000000000\"
resource_group = \"rg\"
location = \"japaneast\"
[vault]
nmae = \"rsv-sql\"
[private_endpoint]
name = \"pe\"
subnet = \"snet\"
[[vm]]
name = \"sqlvm1\"
[proxy]
mode = \"sett\"
server = \"joe:geheim@10.2.0.16:8080\"
[bypass]
local = true
";
    fs::write(folder.path().join("mine.toml"), text).unwrap();
    sidestep(folder.path(), &["rehearse", "mine.toml"])
        .code(2)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error[SS701]: mine.toml has 6 mistakes

error: `name` is missing in `[vault]`
 --> mine.toml:5:1
  |
5 | [vault]
  | ^^^^^^^
  |
  = help: add `name = …` to `[vault]`

error: unknown key `nmae` in `[vault]`
 --> mine.toml:6:1
  |
6 | nmae = "rsv-sql"
  | ^^^^
  |
  = help: did you mean `name`? valid here: `name`, `create`, `redundancy`, `public_network_access`

error: `private_endpoint.subnet` names no subnet: "snet"
 --> mine.toml:9:10
  |
9 | subnet = "snet"
  |          ^^^^^^
  |
  = help: write `network/subnet`, or /subscriptions/<guid>/resourceGroups/<group>/providers/Microsoft.Network/virtualNetworks/<network>/subnets/<subnet>

error: `proxy.mode` cannot be "sett"
  --> mine.toml:13:8
   |
13 | mode = "sett"
   |        ^^^^^^
   |
   = help: did you mean "set"? valid here: "keep", "set"

error: `proxy.server` cannot be "…@10.2.0.16:8080": Azure Backup supports no proxy that asks for a user
  --> mine.toml:14:10
   |
14 | server = "**********@10.2.0.16:8080"
   |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^
   |
   = help: write one `host:port`, such as "10.2.0.16:8080"

error: `entra` is missing in `[bypass]`: the way to Entra ID must be chosen
  --> mine.toml:15:1
   |
15 | [bypass]
   | ^^^^^^^^
   |
   = help: Entra ID has no private endpoint: write `entra = "direct"` if the virtual machine reaches the Internet without the proxy, else `entra = "proxy"`

"#]]);
}

#[test]
fn a_plan_says_what_changes_and_why_and_never_a_password() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("server.reg"), SYSTEM_ONLY).unwrap();
    sidestep(folder.path(), &["init", "--entra", "proxy", "-q"]).code(0);
    let plan = sidestep(
        folder.path(),
        &["plan", "--at", "server.reg", "--detailed-exitcode"],
    );
    plan.code(6).stdout_eq(str![[r#"
Plan for server.reg, as the site site.toml wants it

NT AUTHORITY/SYSTEM (S-1-5-18)
  proxy  ***@10.2.0.16:8080, as it is
  list   22 characters → 157 characters
    + localhost                                Traffic within the virtual machine must never go to the proxy. [1]
    + 168.63.129.16                            WireServer, the platform address of the guest agent and of DNS, answers only from inside the virtual machine. [2]
    + 169.254.169.254                          The Instance Metadata Service is link-local, so that no proxy can reach it for the virtual machine. [2]
    + *.backup.windowsazure.com                Azure Backup's own services: registration, discovery and orders; it covers the privatelink names too. [1]
    + *.queue.core.windows.net                 The channel through which the extension receives its tasks. [1]
    + *.blob.core.windows.net                  The storage accounts of the vault, to which database pages are written. [1]
    + *.storage.azure.net                      Every kind of storage account in a partitioned DNS zone. [3]
    = *.corp.example; <local>
    [1] MicrosoftDocs/azure-docs, articles/backup/backup-sql-server-database-azure-vms.md (2026-02)
    [2] jpabrs-scem/blog, articles/AzureSQLBackup/How_To_SQL_Backup_Via_Proxy.md (2026-05)
    [3] MicrosoftDocs/azure-docs, articles/backup/backup-azure-private-endpoints-configure-manage.md (2025-06)
  values, in the order in which they are written
    ProxyOverride              22 characters → 157 characters
    SavedLegacySettings        not there → manual proxy, proxy ***@10.2.0.16:8080, list of 157 characters
    DefaultConnectionSettings  not there → manual proxy, proxy ***@10.2.0.16:8080, list of 157 characters
    the key …/Internet Settings/Connections is made

NT SERVICE/AzureWLBackupPluginSvc (S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151)
  nothing planned: see below

Also affected
  Everything that runs as SYSTEM follows this list: agents for security, monitoring and updates, and VM extensions. What they send to the names added goes direct, too, above all to anybody's storage accounts (*.queue.core.windows.net, *.blob.core.windows.net, *.storage.azure.net); see that the VM's network lets it.
  AzureWLBackupCoordinatorSvc has to be restarted if it runs: its settings have no key Connections yet, and .NET Framework does not watch a key that was not there when it began.

To undo
  sidestep undo --at server.reg

warning[SS115]: NT AUTHORITY/SYSTEM has plain values but no DefaultConnectionSettings, which is what the services read
  next: `sidestep apply` writes the blob beside the plain values

note[SS111]: NT SERVICE/AzureWLBackupPluginSvc does not exist yet: the machine is not registered with a vault
  next: register the machine with the vault (discover databases), then plan again

"#]]);
    let document = sidestep(folder.path(), &["plan", "--at", "server.reg", "--json"]);
    let output = document.get_output().stdout.clone();
    assert!(!String::from_utf8_lossy(&output).contains("geheim"));
    assert_eq!(
        fs::read_to_string(folder.path().join("server.reg")).unwrap(),
        SYSTEM_ONLY
    );
}

#[test]
fn init_keeps_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("site.toml"), "precious").unwrap();
    sidestep(folder.path(), &["init", "--entra", "direct"])
        .code(4)
        .stdout_eq("")
        .stderr_eq(str![[r#"
error[SS704]: site.toml is there already; it was not touched
hint: name another file: `sidestep init FILE`

"#]]);
    let kept = fs::read_to_string(folder.path().join("site.toml")).unwrap();
    assert_eq!(kept, "precious");
}

#[test]
fn a_route_names_the_entry_that_decided() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "route",
        "https://a.blob.core.windows.net/x",
        "www.example.com",
        "--list",
        "localhost;*.blob.core.windows.net",
        "--proxy",
        "10.2.0.16:8080",
    ];
    sidestep(folder.path(), &arguments).code(0).stdout_eq(str![[r#"
 URL                                Route                  Why
 https://a.blob.core.windows.net/x  direct                 listed: "*.blob.core.windows.net", entry 2 of the list
 www.example.com                    http://10.2.0.16:8080  no entry of the list matches

"#]]);
}

#[test]
fn what_is_missing_is_said_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    sidestep(folder.path(), &["route", "a.example"])
        .code(2)
        .stderr_eq(str![[r#"
error: nothing to decide by: neither --list, --proxy nor --at is given
hint: `--list "$(sidestep bypass)"` asks about the list that a site needs
hint: `--at FILE.reg` asks about the accounts' settings in a registry export

"#]]);
    sidestep(folder.path(), &["rehearse", "--scenario", "unheard-of"])
        .code(2)
        .stderr_eq(str![[r#"
error: there is no scenario "unheard-of"
hint: `sidestep rehearse --list` names them

"#]]);
    sidestep(folder.path(), &["rehearse", "none.toml"]).code(2);
    sidestep(folder.path(), &["rehearse", "--database", "none.bak"]).code(2);
    sidestep(folder.path(), &["decode", "46 00 00 00"])
        .code(1)
        .stderr_eq(str![[r#"
error[SS113]: the data ends at byte 4, inside the change counter
hint: the value is DefaultConnectionSettings, SavedLegacySettings or WinHttpSettings, as `reg query` or a .reg file shows it

"#]]);
    sidestep(folder.path(), &["unheard-of"]).code(2);
}
