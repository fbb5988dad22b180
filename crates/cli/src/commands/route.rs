//! `sidestep route`: direct or which proxy, and the entry that decided.

use std::fs;

use serde_json::{Value, json};
use sidestep_machine::{LiveStore, Store};
use sidestep_model::account::Account;
use sidestep_model::bypass::{self, HostContext};
use sidestep_model::destination::Destination;
use sidestep_model::finding::{Code, Finding};
use sidestep_model::observed::ValueName;
use sidestep_model::route::{self, Route, RouteDecision};
use sidestep_model::settings::{Flags, ProxySettings};

use crate::args;
use crate::at::At;
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::prose;
use crate::render::table;

/// Stands for any proxy where only the list is asked about.
const SOME_PROXY: &str = "proxy.example:8080";

pub(crate) fn run(args: &args::Route, printer: Printer) -> Result<Exit, CommandError> {
    let settings = settings(args)?;
    let host = HostContext {
        dns_suffix: args.dns_suffix.clone(),
        own_addresses: args.own_address.clone(),
    };
    let mut rows = Vec::new();
    for url in &args.urls {
        let destination = Destination::parse(url).map_err(|error| {
            CommandError::usage(format!("\"{url}\" is no URL: {error}"))
                .hint("as in https://account.blob.core.windows.net/")
        })?;
        for (account, settings) in &settings {
            let decision = route::route(&destination, settings, args.consumer, &host);
            rows.push((url, *account, decision));
        }
    }
    if printer.json {
        let routes: Vec<Value> = rows
            .iter()
            .map(|(url, account, decision)| document(args, url, *account, decision))
            .collect();
        printer.document(&json!({ "routes": routes }))?;
    } else {
        let of_accounts = rows.iter().any(|(_, account, _)| account.is_some());
        let mut shown = if of_accounts {
            table(&["URL", "Account", "Route", "Why"])
        } else {
            table(&["URL", "Route", "Why"])
        };
        for (url, account, decision) in &rows {
            let account = account.filter(|_| of_accounts).map(prose::account);
            let cells = std::iter::once((*url).clone())
                .chain(account.map(str::to_owned))
                .chain([prose::route(&decision.route), prose::reason(decision)]);
            shown.add_row(cells.collect::<Vec<_>>());
        }
        printer.text(&format!("{}\n", shown.trim_fmt()))?;
    }
    Ok(Exit::Done)
}

type Asked = Vec<(Option<Account>, ProxySettings)>;

/// The settings asked about: one set from options, or those of the accounts in a file.
fn settings(args: &args::Route) -> Result<Asked, CommandError> {
    let is_described = args.list.is_some() || args.proxy.is_some();
    if args.at.is_some() || (LiveStore::IS_HERE && !is_described) {
        return accounts(&At::said_or_here(args.at.as_ref())?);
    }
    if !is_described {
        return Err(CommandError::usage(
            "nothing to decide by: neither --list, --proxy nor --at is given",
        )
        .hint("`--list \"$(sidestep bypass)\"` asks about the list that a site needs")
        .hint("`--at FILE.reg` asks about the accounts' settings in a registry export"));
    }
    let list = match args.list.as_deref() {
        None => String::new(),
        Some(list) => match list.strip_prefix('@') {
            None => list.to_owned(),
            Some(path) => listed_in(path)?,
        },
    };
    let settings = ProxySettings {
        flags: Flags(args.flags),
        proxy_server: args.proxy.as_deref().unwrap_or(SOME_PROXY).to_owned(),
        proxy_override: list,
        auto_config_url: args.auto_config_url.clone().unwrap_or_default(),
    };
    Ok(vec![(None, settings)])
}

/// A list in a file: as Windows stores it, or an entry a line.
fn listed_in(path: &str) -> Result<String, CommandError> {
    let text = fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot read {path}: {error}");
        CommandError::new(Exit::Usage, Code::FILE_UNREADABLE, message)
    })?;
    if text.contains(';') {
        Ok(text)
    } else {
        Ok(bypass::join(
            text.lines().filter(|line| !line.trim().is_empty()),
        ))
    }
}

fn accounts(at: &At) -> Result<Asked, CommandError> {
    let observed = at.open()?.read()?;
    if observed.is_per_machine() {
        return Err(CommandError::finding(&Finding::PerMachinePolicy));
    }
    let mut asked = Vec::new();
    for account in Account::ALL {
        let here = observed.account(account);
        if here.exists {
            let settings = here.settings().map_err(|error| {
                CommandError::finding(&Finding::BlobUnreadable {
                    account,
                    value: ValueName::DefaultConnectionSettings.name(),
                    error: error.to_string(),
                })
            })?;
            asked.push((Some(account), settings));
        }
    }
    if asked.is_empty() {
        let message = format!("{at} holds neither account");
        return Err(
            CommandError::new(Exit::Environment, Code::FILE_UNUSABLE, message)
                .hint("`reg export HKEY_USERS FILE.reg` on the server writes both"),
        );
    }
    Ok(asked)
}

fn document(
    args: &args::Route,
    url: &str,
    account: Option<Account>,
    decision: &RouteDecision,
) -> Value {
    let (route, proxy) = match &decision.route {
        Route::Direct => ("direct", None),
        Route::Proxy(proxy) => ("proxy", Some(proxy.to_string())),
        Route::Auto { fallback } => ("auto", fallback.as_ref().map(ToString::to_string)),
        Route::Error(_) => ("error", None),
    };
    let entry = decision
        .entry
        .as_ref()
        .map(|entry| json!({ "text": entry.text, "index": entry.index }));
    json!({
        "url": url,
        "account": account,
        "consumer": args.consumer,
        "route": route,
        "proxy": proxy,
        "entry": entry,
        "reason": prose::reason(decision),
    })
}
