//! `sidestep show`: the settings as each reader sees them.

use serde_json::{Value, json};
use sidestep_machine::Store;
use sidestep_model::account::Account;
use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::finding::Finding;
use sidestep_model::net_config::NetConfig;
use sidestep_model::observed::{Observed, Service};
use sidestep_model::proxy_server::masked;
use sidestep_model::readers::{self, AccountSeen, Reader, SettingsSeen, View};
use sidestep_model::registry::RegistryData;
use sidestep_model::settings::Flags;
use sidestep_model::tls::{TlsSettings, TlsValue};

use crate::args;
use crate::at::At;
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::planning::{self, accounts};
use crate::prose;
use crate::render::{findings_document, findings_text, plural, table};
use crate::site_file::SiteFile;

pub(crate) fn run(
    args: &args::Show,
    site: &SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let cloud = site
        .site_if_any()?
        .map_or(Cloud::AzureCloud, |site| site.azure.cloud);
    let at = At::said_or_here(args.at.as_ref())?;
    let store = at.open()?;
    let chosen = accounts(args.account);
    let observed = at.read(&store, at.agrees(&args.consent, chosen)?)?;
    let catalogue = Catalogue::of(cloud);
    let seen: Vec<AccountSeen> = chosen
        .iter()
        .map(|account| readers::seen(*account, &observed, catalogue))
        .collect();
    let findings = findings(&store, chosen, &seen, &observed, printer);
    if printer.json {
        printer.document(&document(&at, &observed, &seen, &findings))?;
    } else {
        printer.text(&text(&observed, &seen, &findings))?;
    }
    Ok(if seen.iter().all(AccountSeen::is_usable) {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// Each once, the machine's own first. A journal that cannot be read is no
/// reason to show nothing: looking is what its own remedy asks for.
fn findings(
    store: &dyn Store,
    accounts: &[Account],
    seen: &[AccountSeen],
    observed: &Observed,
    printer: Printer,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    match planning::interrupted(&store.journal_folder()) {
        Ok(interrupted) => findings.extend(interrupted),
        Err(error) => printer.note(&format!("the last run is not known: {}", error.message)),
    }
    findings.extend(readers::machine_findings(accounts, observed));
    for finding in seen.iter().flat_map(|account| &account.findings) {
        if !findings.contains(finding) {
            findings.push(finding.clone());
        }
    }
    findings
}

fn text(observed: &Observed, seen: &[AccountSeen], findings: &[Finding]) -> String {
    let mut parts = vec![format!("ProxySettingsPerUser  {}", policy(observed))];
    parts.extend(seen.iter().map(|account| account_text(account, observed)));
    parts.extend(tls_text(&observed.tls));
    parts.extend(services_text(observed));
    if !findings.is_empty() {
        parts.push(findings_text(findings));
    }
    format!("{}\n", parts.join("\n\n"))
}

/// What is set that decides over TLS; nothing where all is as Windows has it.
fn tls_text(tls: &TlsSettings) -> Option<String> {
    let mut rows = table(&["TLS", "Holds", "So that"]);
    for value in tls.0.keys() {
        let (holds, so) = match tls.switch(*value) {
            Some(is_on) => (switch(is_on), prose::tls_value(*value, is_on)),
            None => ("no number".to_owned(), "it counts for nothing"),
        };
        rows.add_row(vec![tls_name(*value), holds, so.to_owned()]);
    }
    (!rows.is_empty()).then(|| rows.trim_fmt())
}

fn tls_name(value: TlsValue) -> String {
    let of = match value {
        TlsValue::Enabled | TlsValue::DisabledByDefault => "TLS 1.2 for clients",
        TlsValue::SystemDefault | TlsValue::StrongCrypto => ".NET Framework",
        TlsValue::SystemDefault32 | TlsValue::StrongCrypto32 => ".NET Framework, 32 bits",
    };
    format!("{} ({of})", value.name())
}

fn tls_document(tls: &TlsSettings) -> Vec<Value> {
    let values = TlsValue::ALL.into_iter().map(|value| {
        json!({
            "key": value.key(),
            "value": value.name(),
            "there": tls.0.contains_key(&value),
            "on": tls.switch(value),
        })
    });
    values.collect()
}

/// The backup extension's services, where they are known.
fn services_text(observed: &Observed) -> Option<String> {
    let services = observed.services.as_ref()?;
    if services.is_empty() {
        return Some("Services  none of the backup extension's is installed".to_owned());
    }
    let mut rows = table(&["Service", "State", "Runs as", "Program"]);
    for service in services {
        rows.add_row([
            service.name.as_str(),
            prose::service_state(service.state),
            service.account.as_deref().unwrap_or(NOT_SAID),
            service.program().unwrap_or(NOT_SAID),
        ]);
    }
    Some(rows.trim_fmt())
}

fn services_document(observed: &Observed) -> Option<Vec<Value>> {
    let services = observed.services.as_ref()?.iter();
    let document = |service: &Service| {
        json!({
            "service": service.name,
            "state": service.state,
            "runs_as": service.account,
            "follows": service.follows(),
            "program": service.program(),
        })
    };
    Some(services.map(document).collect())
}

fn config_document(config: &NetConfig) -> Value {
    json!({
        "file": config.file,
        "service": config.service,
        "default_proxy": config.says.as_ref().ok().and_then(Option::as_ref),
        "error": config.says.as_ref().err(),
    })
}

fn policy(observed: &Observed) -> String {
    match &observed.proxy_settings_per_user {
        None => "not there (unset or not exported): each account has its own settings".to_owned(),
        Some(RegistryData::Dword(0)) => {
            "0: .NET Framework and WinINet read the machine's settings for every account".to_owned()
        }
        Some(RegistryData::Dword(number)) => {
            format!("{number}: each account has its own settings")
        }
        Some(_) => "not a REG_DWORD, so that it counts for nothing".to_owned(),
    }
}

fn account_text(seen: &AccountSeen, observed: &Observed) -> String {
    let account = seen.account;
    let heading = prose::heading(account);
    let has_own = account.is_machine() || !observed.is_per_machine();
    if !seen.exists && has_own {
        return format!("{heading}\n  not there");
    }
    let mut fields = table(&columns(""));
    for (name, cell) in FIELDS {
        let cells = seen.views.iter().map(|(_, view)| match view {
            View::Settings(settings) => cell(settings),
            View::Absent if name == FIELDS[0].0 => "not there".to_owned(),
            View::Unreadable(_) if name == FIELDS[0].0 => "unreadable".to_owned(),
            View::Absent | View::Unreadable(_) => String::new(),
        });
        let cells: Vec<String> = cells.collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            fields.add_row(std::iter::once(name.to_owned()).chain(cells));
        }
    }
    let mut parts = vec![format!("{heading}\n{}", fields.trim_fmt())];
    parts.extend(entries_text(seen));
    parts.join("\n\n")
}

type Cell = fn(&SettingsSeen) -> String;

/// What is shown of settings, line by line.
const FIELDS: [(&str, Cell); 8] = [
    ("manual proxy", |seen| {
        switch(seen.settings.flags.has(Flags::MANUAL_PROXY))
    }),
    ("proxy", |seen| or_none(&seen.settings.proxy_server)),
    ("proxy for https", |seen| match &seen.proxy {
        Ok(Some(proxy)) => proxy.to_string(),
        Ok(None) => "none".to_owned(),
        Err(_) => "unusable".to_owned(),
    }),
    ("list", |seen| {
        let characters = seen.settings.proxy_override.chars().count() as u64;
        format!(
            "{}, {}",
            plural(seen.entries.len() as u64, "entry", "entries"),
            plural(characters, "character", "characters")
        )
    }),
    ("script", |seen| {
        match seen.settings.auto_config_url.trim() {
            "" if seen.settings.auto_config_url.is_empty() => "none".to_owned(),
            "" => "blank".to_owned(),
            url if seen.settings.has_auto_config_url() => masked(url),
            url => format!("{} (off)", masked(url)),
        }
    }),
    ("auto-detect", |seen| match seen.blob {
        Some(_) => switch(seen.settings.has_auto_detect()),
        None => NOT_SAID.to_owned(),
    }),
    ("flags", |seen| match seen.blob {
        Some(_) => format!("{:#04x}", seen.settings.flags.0),
        None => NOT_SAID.to_owned(),
    }),
    ("blob", |seen| {
        seen.blob.map_or_else(
            || NOT_SAID.to_owned(),
            |blob| format!("version {:#x}, change {}", blob.version, blob.counter),
        )
    }),
];

/// Where a reader's source has no such field.
const NOT_SAID: &str = "-";

/// Every entry that somebody reads, and its place in each list.
fn entries_text(seen: &AccountSeen) -> Option<String> {
    let lists: Vec<&[String]> = seen
        .views
        .iter()
        .map(|(_, view)| match view {
            View::Settings(settings) => settings.entries.as_slice(),
            _ => &[],
        })
        .collect();
    let place = |list: &[String], entry: &str| {
        let mut entries = list.iter();
        entries.position(|one| one.eq_ignore_ascii_case(entry))
    };
    let mut shown: Vec<&str> = Vec::new();
    let mut rows = table(&columns("Entry"));
    for entry in lists.iter().copied().flatten() {
        if shown.iter().any(|one| one.eq_ignore_ascii_case(entry)) {
            continue;
        }
        shown.push(entry);
        let places = lists.iter().map(|list| {
            place(list, entry).map_or_else(|| NOT_SAID.to_owned(), |at| (at + 1).to_string())
        });
        rows.add_row(std::iter::once(entry.clone()).chain(places));
    }
    (!shown.is_empty()).then(|| rows.trim_fmt())
}

fn columns(first: &str) -> [&str; 6] {
    let [dotnet, wininet, plain, saved, winhttp] = Reader::ALL.map(prose::reader);
    [first, dotnet, wininet, plain, saved, winhttp]
}

fn switch(is_on: bool) -> String {
    if is_on { "on" } else { "off" }.to_owned()
}

fn or_none(proxy: &str) -> String {
    match proxy.trim() {
        "" => "none".to_owned(),
        proxy => masked(proxy),
    }
}

fn document(at: &At, observed: &Observed, seen: &[AccountSeen], findings: &[Finding]) -> Value {
    let accounts: Vec<Value> = seen.iter().map(account_document).collect();
    let configs: Vec<Value> = observed.net_configs.iter().map(config_document).collect();
    let policy = match &observed.proxy_settings_per_user {
        Some(RegistryData::Dword(number)) => Some(number),
        _ => None,
    };
    json!({
        "at": at.to_string(),
        "proxy_settings_per_user": policy,
        "per_machine": observed.is_per_machine(),
        "accounts": accounts,
        "tls": tls_document(&observed.tls),
        "services": services_document(observed),
        "config_files": configs,
        "findings": findings_document(findings),
    })
}

fn account_document(seen: &AccountSeen) -> Value {
    let readers: Vec<Value> = seen
        .views
        .iter()
        .map(|(reader, view)| {
            let (state, error, settings) = match view {
                View::Absent => ("absent", None, None),
                View::Unreadable(error) => ("unreadable", Some(error), None),
                View::Settings(settings) => ("read", None, Some(settings_document(settings))),
            };
            json!({ "reader": reader, "state": state, "error": error, "settings": settings })
        })
        .collect();
    json!({
        "account": seen.account,
        "sid": seen.account.sid(),
        "exists": seen.exists,
        "usable": seen.is_usable(),
        "readers": readers,
    })
}

fn settings_document(seen: &SettingsSeen) -> Value {
    let settings = &seen.settings;
    let (proxy, error) = match &seen.proxy {
        Ok(proxy) => (proxy.as_ref().map(ToString::to_string), None),
        Err(error) => (None, Some(error.to_string())),
    };
    // Plain values have neither.
    let of_blob = |flag| seen.blob.map(|_| settings.flags.has(flag));
    json!({
        "manual_proxy": settings.flags.has(Flags::MANUAL_PROXY),
        "proxy_server": masked(&settings.proxy_server),
        "https_proxy": proxy,
        "proxy_error": error,
        "proxy_override": settings.proxy_override,
        "entries": seen.entries,
        "auto_config_url": masked(&settings.auto_config_url),
        "auto_config": settings.has_auto_config_url(),
        "auto_detect": of_blob(Flags::AUTO_DETECT),
        "flags": seen.blob.map(|_| settings.flags),
        "blob": seen.blob,
    })
}
