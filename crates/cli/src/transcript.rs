//! A log as the support article's own script writes it, for a support case
//! that asks for one.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sidestep_model::account::Account;
use sidestep_model::finding::Code;
use sidestep_model::observed::{Observed, ObservedAccount, ValueName};
use sidestep_model::redacted::Redacted;
use sidestep_model::registry::RegistryData;

use crate::error::{CommandError, Exit};
use crate::prose;

const RULER: &str = "----------------------------------------";

/// Refuses a folder that is not there, before anything is changed.
pub(crate) fn check(folder: &Path) -> Result<(), CommandError> {
    if folder.is_dir() {
        return Ok(());
    }
    let message = format!("there is no folder {} for the log", folder.display());
    Err(
        CommandError::new(Exit::Environment, Code::FILE_NOT_WRITTEN, message)
            .hint("nothing was written; make it, or name another folder: `--transcript FOLDER`"),
    )
}

/// Writes the accounts' values as they are now; says where. Credentials are
/// `***`, also inside the blobs.
pub(crate) fn write(
    folder: &Path,
    observed: &Observed,
    accounts: &[Account],
    time: Timestamp,
) -> Result<PathBuf, CommandError> {
    let local = time.to_zoned_datetime(TimeZone::system());
    let stamp = local.strftime("%Y%m%d_%H%M%S");
    let name = format!("AzureBackup_Set_Proxy_For_AzureWLBackup_PluginSvc_{stamp}.log");
    let path = folder.join(name);
    let date = local.strftime("%Y/%m/%d %H:%M:%S").to_string();
    fs::write(&path, text(observed, accounts, &date)).map_err(|error| {
        let message = format!("cannot write the log {}: {error}", path.display());
        CommandError::new(Exit::Environment, Code::FILE_NOT_WRITTEN, message).hint(
            "the settings are as they are said to be; `--transcript FOLDER` names another folder",
        )
    })?;
    Ok(path)
}

fn text(observed: &Observed, accounts: &[Account], date: &str) -> String {
    let mut lines = vec![format!("-----ScriptStart----- {date}")];
    for account in accounts {
        lines.push(RULER.to_owned());
        lines.push(format!("Proxy Settings {}", prose::heading(*account)));
        lines.extend(values(observed.account(*account)));
    }
    lines.push(RULER.to_owned());
    lines.push("-----ScriptStart Completed-----".to_owned());
    lines.join("\r\n") + "\r\n"
}

fn values(account: &ObservedAccount) -> Vec<String> {
    [
        (
            "DefaultConnectionSettings",
            ValueName::DefaultConnectionSettings,
        ),
        ("SavedLegacySettings", ValueName::SavedLegacySettings),
        ("ProxyEnable", ValueName::ProxyEnable),
        ("Proxyserver", ValueName::ProxyServer),
        ("ProxyOverride", ValueName::ProxyOverride),
    ]
    .into_iter()
    .map(|(label, name)| {
        let shown = account
            .values
            .get(&name)
            .map_or_else(String::new, |data| match Redacted::of(name, data).data() {
                RegistryData::Dword(number) => number.to_string(),
                RegistryData::Binary(bytes) | RegistryData::Other { bytes, .. } => {
                    let bytes: Vec<String> = bytes.iter().map(u8::to_string).collect();
                    bytes.join(" ")
                }
                RegistryData::Text(text) | RegistryData::ExpandText(text) => text.clone(),
            });
        format!("{label} : {shown}")
    })
    .collect()
}
