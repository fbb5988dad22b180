//! The guest's registry when the lab starts, as `regedit` would export it.

use std::path::Path;

use crate::setup::{Fault, InitialProxy, Setup};

pub(crate) const SYSTEM: &str = "S-1-5-18";
/// `NT SERVICE\AzureWLBackupPluginSvc`, as the support article prints it.
pub(crate) const PLUGIN: &str = "S-1-5-80-1631947889-4033244730-3205203906-53534054-4184208151";

pub(crate) const SETTINGS: &str = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings";
pub(crate) const POLICY: &str =
    r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";

pub(crate) const DIRECT: u32 = 1;
pub(crate) const MANUAL: u32 = 2;
pub(crate) const SCRIPT: u32 = 4;
pub(crate) const DETECT: u32 = 8;

/// What the company's own people listed before Sidestep came.
const FOREIGN: &str = "*.corp.example;wsus.corp.example;<local>";

/// The support article's list, as it is pasted.
const ARTICLE: &str = include_str!("article-list.txt");

/// The export's bytes: UTF-16LE with its mark, lines ended by CR LF.
pub(crate) fn export(setup: &Setup) -> Vec<u8> {
    encoded(&format!("\u{feff}{}", text(setup)))
}

/// Adds the plugin's account to the export, unless it is there. The file may have
/// been rewritten meanwhile, so it is read first.
pub(crate) async fn create_plugin(file: &Path, setup: &Setup) -> std::io::Result<()> {
    let mut bytes = tokio::fs::read(file).await?;
    if !names_plugin(&bytes) {
        let company = Company::of(setup);
        let text = company.account(PLUGIN, 4, company.plugin_is_on);
        bytes.extend(encoded(&text));
        // Replaced at once, so that nobody reads half of it.
        let beside = file.with_extension("reg.new");
        tokio::fs::write(&beside, bytes).await?;
        tokio::fs::rename(&beside, file).await?;
    }
    Ok(())
}

/// Whether the plugin's account is in the export.
pub(crate) async fn has_plugin(file: &Path) -> bool {
    names_plugin(&tokio::fs::read(file).await.unwrap_or_default())
}

fn names_plugin(bytes: &[u8]) -> bool {
    let wanted = encoded(&format!(r"[HKEY_USERS\{PLUGIN}\"));
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

fn encoded(text: &str) -> Vec<u8> {
    let text = text.replace('\n', "\r\n");
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// What the company's own people set for every account.
struct Company {
    proxy: String,
    list: String,
    detect: u32,
    uses_proxy: bool,
    plugin_is_on: bool,
}

impl Company {
    fn of(setup: &Setup) -> Self {
        let has_proxy =
            setup.initial == InitialProxy::On && !setup.has(Fault::AccountsWithoutProxy);
        // These faults are about a proxy that is there, whatever else is.
        let needs_proxy = [Fault::ArticleList, Fault::PluginProxyDisabled];
        let uses_proxy = has_proxy || needs_proxy.iter().any(|fault| setup.has(*fault));
        Self {
            proxy: format!("{}:{}", setup.proxy.host, setup.proxy.port),
            list: if setup.has(Fault::ArticleList) {
                format!("{};<local>", ARTICLE.trim())
            } else {
                FOREIGN.to_owned()
            },
            detect: if setup.has(Fault::AutoDetectOn) {
                DETECT
            } else {
                0
            },
            uses_proxy,
            plugin_is_on: uses_proxy && !setup.has(Fault::PluginProxyDisabled),
        }
    }

    fn account(&self, sid: &str, counter: u32, is_on: bool) -> String {
        let (proxy, list) = if self.uses_proxy {
            (self.proxy.as_str(), self.list.as_str())
        } else {
            ("", "")
        };
        let flags = DIRECT | self.detect | if is_on { MANUAL } else { 0 };
        values(
            &format!(r"HKEY_USERS\{sid}\{SETTINGS}"),
            &Values {
                flags,
                counter,
                proxy,
                list,
            },
        )
    }
}

/// The plugin's account is not in it: registration creates that.
fn text(setup: &Setup) -> String {
    let company = Company::of(setup);
    let machine = if setup.has(Fault::PerMachinePolicy) {
        let machine = Values {
            flags: DIRECT | MANUAL,
            counter: 3,
            proxy: &company.proxy,
            list: "",
        };
        format!(
            "[{POLICY}]\n\"ProxySettingsPerUser\"=dword:00000000\n\n{}",
            values(&format!(r"HKEY_LOCAL_MACHINE\{SETTINGS}"), &machine)
        )
    } else {
        String::new()
    };
    format!(
        "Windows Registry Editor Version 5.00\n\n\
         {machine}\
         [HKEY_USERS\\S-1-5-19\\Control Panel\\地域]\n\
         \"表示\"=\"C:\\\\Program Files\\\\\\\"引用\\\"\"\n\n\
         {}",
        company.account(SYSTEM, 21, company.uses_proxy),
    )
}

struct Values<'a> {
    flags: u32,
    counter: u32,
    proxy: &'a str,
    list: &'a str,
}

fn values(key: &str, values: &Values<'_>) -> String {
    let Values {
        flags,
        counter,
        proxy,
        list,
    } = values;
    let enable = u32::from(flags & MANUAL != 0);
    let default = binary(&blob(*flags, *counter, proxy, list));
    let saved = binary(&blob(*flags, *counter + 1, proxy, list));
    format!(
        "[{key}]\n\
         \"User Agent\"=\"Mozilla/4.0 (compatible; MSIE 8.0; Win32)\"\n\
         \"ProxyEnable\"=dword:{enable:08x}\n\
         \"ProxyServer\"=\"{proxy}\"\n\
         \"ProxyOverride\"=\"{list}\"\n\n\
         [{key}\\Connections]\n\
         \"DefaultConnectionSettings\"={default}\n\
         \"SavedLegacySettings\"={saved}\n\n"
    )
}

/// Version 0x46, strings with their lengths, and the native empty tail of 32 bytes.
fn blob(flags: u32, counter: u32, proxy: &str, list: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in [0x46, counter, flags] {
        bytes.extend(number.to_le_bytes());
    }
    for text in [proxy, list, ""] {
        bytes.extend(u32::try_from(text.len()).unwrap_or_default().to_le_bytes());
        bytes.extend(text.bytes());
    }
    bytes.extend([0; 32]);
    bytes
}

/// `hex:` with regedit's continuation lines.
fn binary(bytes: &[u8]) -> String {
    let lines: Vec<String> = bytes
        .chunks(20)
        .map(|line| {
            let pairs: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            pairs.join(",")
        })
        .collect();
    format!("hex:{}", lines.join(",\\\n  "))
}
