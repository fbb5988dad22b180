//! Another account's settings, copied.

use std::fs;

use snapbox::str;

use crate::desk::{desk, export, json, sidestep, text};

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
  AzureWLBackupPluginSvc has to be restarted if it runs: its settings have no key Connections yet, and .NET Framework does not watch a key that was not there when it began.

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
