//! The program, Wine's own tools and the judge's small programs, at hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use sidestep_model::account::Account;
use sidestep_model::observed::SettingsKey;
use sidestep_model::registry::RegistryData;

use super::chroot::Wine;
use super::network::Network;

/// Below an account's root.
pub(super) const SETTINGS: &str = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";

/// Whose settings Wine's programs take, whoever they are run as.
const CURRENT_USER: &str = "S-1-5-21-0-0-0-1000";

/// The judge's programs and what each is linked with.
const PROGRAMS: [(&str, &str, &str); 9] = [
    ("elevate", include_str!("elevate.c"), "-lkernel32"),
    ("hello", include_str!("hello.c"), "-lkernel32"),
    ("holdkey", include_str!("holdkey.c"), "-ladvapi32"),
    ("inetget", include_str!("inetget.c"), "-lwininet"),
    ("link", include_str!("link.c"), "-ladvapi32"),
    ("savehive", include_str!("savehive.c"), "-ladvapi32"),
    ("service", include_str!("service.c"), "-lws2_32"),
    ("setoption", include_str!("setoption.c"), "-lwininet"),
    ("winhttpie", include_str!("winhttpie.c"), "-lwinhttp"),
];

/// What a key and those in it hold: by path and name, type and data as Wine's
/// `reg query` prints them.
pub(super) type Values = BTreeMap<String, String>;

pub(super) struct Desk {
    pub(super) wine: Wine,
    pub(super) network: Network,
}

impl Desk {
    /// Puts everything where Wine finds it.
    pub(super) fn set_up(wine: Wine, program: &Path, hosts: &[&str]) -> anyhow::Result<Self> {
        for (name, source, library) in PROGRAMS {
            compile(&wine.folder(), name, source, library).context(name)?;
        }
        fs::copy(program, wine.folder().join("sidestep.exe"))?;
        wine.name_hosts(hosts)?;
        let network = Network::start(&wine)?;
        let desk = Self { wine, network };
        let site = desk.wine.folder().join("site.toml");
        if site.exists() {
            fs::remove_file(&site)?;
        }
        desk.wine.done(&[
            "/judge/sidestep.exe",
            "init",
            "--entra",
            "direct",
            "--quiet",
            SITE,
        ])?;
        let text = fs::read_to_string(&site)?
            .replacen(r#"mode = "keep""#, r#"mode = "set""#, 1)
            .replacen("10.2.0.16:8080", &desk.proxy(), 1);
        ensure!(
            text.contains(&desk.proxy()),
            "the site file has no proxy to replace"
        );
        fs::write(&site, text)?;
        Ok(desk)
    }

    pub(super) fn proxy(&self) -> String {
        format!("127.0.0.1:{}", self.network.proxy)
    }

    /// Sidestep with the rights that Wine gives everybody: not an administrator's.
    pub(super) fn as_anybody(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.wine
            .run(&[&["/judge/sidestep.exe"], arguments].concat())
    }

    /// Sidestep with an administrator's rights.
    pub(super) fn elevated(&self, arguments: &[&str]) -> Command {
        self.wine
            .program(&[&["/judge/elevate.exe", "/judge/sidestep.exe"], arguments].concat())
    }

    /// A document that Sidestep prints, and how it ended.
    pub(super) fn document(&self, arguments: &[&str]) -> anyhow::Result<(Option<i32>, Value)> {
        let output = self.elevated(&[arguments, &["--json"]].concat()).output()?;
        let document = serde_json::from_slice(&output.stdout).with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("sidestep {}: {said}", arguments.join(" "))
        })?;
        Ok((output.status.code(), document))
    }

    /// What an account holds, as Wine's own `reg query` says; empty where its key is not there.
    pub(super) fn values(&self, account: Account) -> anyhow::Result<Values> {
        self.values_below(&settings_key(account))
    }

    /// The same by the name of the key that holds settings.
    pub(super) fn values_below(&self, key: &str) -> anyhow::Result<Values> {
        self.queried(&["reg", "query", key, "/s"])
    }

    /// The machine's values, as 64-bit (`/reg:64`) or 32-bit programs (`/reg:32`) see them.
    pub(super) fn machine(&self, view: &str) -> anyhow::Result<Values> {
        self.queried(&["reg", "query", &format!(r"HKLM\{SETTINGS}"), "/s", view])
    }

    fn queried(&self, query: &[&str]) -> anyhow::Result<Values> {
        let output = self.wine.run(query)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let mut values = Values::new();
        let mut inside = String::new();
        for line in said.lines().map(|line| line.trim_end_matches('\r')) {
            if line.starts_with("HKEY_") {
                let below = line
                    .rsplit_once("Internet Settings")
                    .map_or("", |(_, below)| below);
                below.trim_start_matches('\\').clone_into(&mut inside);
                values.insert(format!(r"{inside}\"), String::new());
            } else if let Some((name, data)) = line.trim_start().split_once("    ") {
                values.insert(format!(r"{inside}\{name}"), data.to_owned());
            }
        }
        Ok(values)
    }

    /// Both accounts' values.
    pub(super) fn both(&self) -> anyhow::Result<[Values; 2]> {
        Ok([self.values(Account::System)?, self.values(Account::Plugin)?])
    }

    /// Gives the current user the account's settings, as one and the same key.
    pub(super) fn link(&self, account: Account) -> anyhow::Result<()> {
        link(&self.wine, account)
    }

    /// The same for any account.
    pub(super) fn link_to(&self, sid: &str) -> anyhow::Result<()> {
        link_to(&self.wine, &format!(r"{sid}\{SETTINGS}"))
    }

    /// Gives the current user a copy of the account's settings without some of them.
    pub(super) fn copy_without(&self, account: Account, values: &[&str]) -> anyhow::Result<()> {
        self.unlink()?;
        let copy = format!(r"HKCU\{SETTINGS}");
        self.wine
            .done(&["reg", "copy", &settings_key(account), &copy, "/s", "/f"])?;
        for value in values {
            let (below, name) = value.split_once('\\').unwrap_or_default();
            let key = format!(r"{copy}\{below}");
            let key = key.trim_end_matches('\\');
            self.wine.done(&["reg", "delete", key, "/v", name, "/f"])?;
        }
        Ok(())
    }

    /// Takes whatever the current user has away.
    pub(super) fn unlink(&self) -> anyhow::Result<()> {
        unlink(&self.wine)
    }

    /// Where Sidestep keeps its journals, seen from outside.
    pub(super) fn journals(&self) -> PathBuf {
        self.wine.drive_c().join("ProgramData/Sidestep/runs")
    }
}

/// Gives the current user the account's settings, as one and the same key.
pub(super) fn link(wine: &Wine, account: Account) -> anyhow::Result<()> {
    link_to(wine, settings_key(account).trim_start_matches(r"HKU\"))
}

fn link_to(wine: &Wine, key: &str) -> anyhow::Result<()> {
    unlink(wine)?;
    let from = format!(r"{CURRENT_USER}\{SETTINGS}");
    wine.done(&["/judge/link.exe", &from, key])?;
    Ok(())
}

/// Takes whatever the current user has away.
pub(super) fn unlink(wine: &Wine) -> anyhow::Result<()> {
    // Either fails where there is no such thing, which is as well.
    let key = format!(r"{CURRENT_USER}\{SETTINGS}");
    wine.run(&["/judge/link.exe", &key, "-"])?;
    wine.run(&["reg", "delete", &format!(r"HKCU\{SETTINGS}"), "/f"])?;
    Ok(())
}

/// The site file's name under Wine.
pub(super) const SITE: &str = r"Z:\judge\site.toml";

pub(super) fn settings_key(account: Account) -> String {
    SettingsKey::InternetSettings.below(&software_key(account))
}

/// As Wine's tools write it.
pub(super) fn software_key(account: Account) -> String {
    account.software().replacen("HKEY_USERS", "HKU", 1)
}

/// Data as `reg query` prints it.
pub(super) fn printed(data: &RegistryData) -> String {
    match data {
        RegistryData::Text(text) => format!("REG_SZ    {text}"),
        RegistryData::ExpandText(text) => format!("REG_EXPAND_SZ    {text}"),
        RegistryData::Dword(number) => format!("REG_DWORD    {number:#x}"),
        RegistryData::Binary(bytes) => {
            let start = "REG_BINARY    ".to_owned();
            bytes
                .iter()
                .fold(start, |text, byte| text + &format!("{byte:02X}"))
        }
        RegistryData::Other { kind, bytes } => format!("type {kind}, {} bytes", bytes.len()),
    }
}

/// Values without the blobs' counters, which only move forward.
pub(super) fn without_counters(values: &Values) -> Values {
    const BINARY: &str = "REG_BINARY    ";
    let masked = |(name, data): (&String, &String)| {
        let mut data = data.clone();
        if name.ends_with("Settings") && data.starts_with(BINARY) && data.len() >= BINARY.len() + 16
        {
            data.replace_range(BINARY.len() + 8..BINARY.len() + 16, "········");
        }
        (name.clone(), data)
    };
    values.iter().map(masked).collect()
}

fn compile(folder: &Path, name: &str, source: &str, library: &str) -> anyhow::Result<()> {
    fs::write(folder.join(format!("{name}.c")), source)?;
    let mut objects = Vec::new();
    if name == "elevate" {
        fs::write(folder.join("elevate.rc"), include_str!("elevate.rc"))?;
        fs::write(
            folder.join("elevate.manifest"),
            include_str!("elevate.manifest"),
        )?;
        mingw(folder, "windres", &["elevate.rc", "elevate.o"])?;
        objects.push("elevate.o");
    }
    let (source, program) = (format!("{name}.c"), format!("{name}.exe"));
    let entry = if include_main(name) {
        "-municode"
    } else {
        "-mconsole"
    };
    let arguments = [
        &["-O1", "-s", entry, &source, "-o", &program],
        objects.as_slice(),
        &[library],
    ];
    mingw(folder, "gcc", &arguments.concat())
}

/// Whether the program takes its arguments as Windows' own text.
fn include_main(name: &str) -> bool {
    PROGRAMS
        .iter()
        .any(|(known, source, _)| *known == name && source.contains("wmain"))
}

fn mingw(folder: &Path, tool: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(format!("x86_64-w64-mingw32-{tool}"))
        .args(arguments)
        .current_dir(folder)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{tool}: {said}");
    Ok(())
}
