//! A folder with an export, a site, and the program.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use snapbox::cmd::{Command, OutputAssert, cargo_bin};

pub(crate) const PLUGIN: &str = "S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151";

/// SYSTEM has a proxy with a password, the plugin's account nothing, the
/// current user another proxy.
pub(crate) fn export() -> String {
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
pub(crate) fn desk() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("server.reg"), export()).unwrap();
    sidestep(folder.path(), &["init", "--entra", "direct", "-q"]).code(0);
    folder
}

pub(crate) fn command(folder: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(cargo_bin!("sidestep"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

pub(crate) fn sidestep(folder: &Path, arguments: &[&str]) -> OutputAssert {
    Command::new(cargo_bin!("sidestep"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .assert()
}

pub(crate) fn json(folder: &Path, arguments: &[&str], code: i32) -> Value {
    let assert = sidestep(folder, arguments).code(code);
    serde_json::from_slice(&assert.get_output().stdout).unwrap()
}

pub(crate) fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

pub(crate) const APPLY: [&str; 5] = ["apply", "--at", "server.reg", "--account", "system"];
