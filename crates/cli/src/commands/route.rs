//! `sidestep route`: direct or which proxy, and the entry that decided.

use serde_json::{Value, json};
use sidestep_machine::{LiveStore, Store};
use sidestep_model::account::Account;
use sidestep_model::bypass::{BypassList, Consumer, HostContext, Near};
use sidestep_model::destination::Destination;
use sidestep_model::finding::{Code, Finding};
use sidestep_model::observed::ValueName;
use sidestep_model::route::{self, Reason, Route, RouteDecision};
use sidestep_model::settings::{Flags, ProxySettings};

use crate::args::{self, Follower};
use crate::at::At;
use crate::error::{CommandError, Exit};
use crate::list_text::ListText;
use crate::output::Printer;
use crate::planning;
use crate::prose;
use crate::render::table;

/// Direct, and a manual proxy.
const MANUAL: u32 = 3;

/// Stands for any proxy where only the list is asked about.
const SOME_PROXY: &str = "proxy.example:8080";

pub(crate) fn run(args: &args::Route, printer: Printer) -> Result<Exit, CommandError> {
    let settings = settings(args)?;
    let host = HostContext {
        dns_suffix: args.dns_suffix.clone(),
        own_addresses: args.own_address.clone(),
    };
    let urls = urls(&args.urls)?;
    let mut rows = Vec::new();
    for url in &urls {
        let destination = Destination::parse(url).map_err(|error| {
            CommandError::usage(format!("\"{url}\" is no URL: {error}"))
                .hint("as in https://account.blob.core.windows.net/")
        })?;
        for (account, settings) in &settings {
            rows.push(match args.consumer {
                Follower::Consumer(consumer) => {
                    Row::new(url, *account, &destination, settings, consumer, &host)
                }
                Follower::Winhttp => Row {
                    url,
                    account: *account,
                    decision: route::by_winhttp(&destination, settings),
                    near: None,
                    others: Vec::new(),
                },
            });
        }
    }
    if printer.json {
        let routes: Vec<Value> = rows.iter().map(|row| row.document(args.consumer)).collect();
        printer.document(&json!({ "routes": routes }))?;
    } else {
        let of_accounts = rows.iter().any(|row| row.account.is_some());
        let mut shown = if of_accounts {
            table(&["URL", "Account", "Route", "Why"])
        } else {
            table(&["URL", "Route", "Why"])
        };
        for row in &rows {
            let account = row.account.filter(|_| of_accounts).map(prose::account);
            let route = prose::route(&row.decision.route);
            let cells = std::iter::once(row.url.to_owned())
                .chain(account.map(str::to_owned))
                .chain([route, row.why()]);
            shown.add_row(cells.collect::<Vec<_>>());
        }
        let parting: Vec<String> = rows
            .iter()
            .filter_map(|row| row.parting(of_accounts))
            .collect();
        printer.text(&format!("{}\n{}", shown.trim_fmt(), parting.concat()))?;
    }
    Ok(Exit::Done)
}

type Asked = Vec<(Option<Account>, ProxySettings)>;

/// The settings asked about: one set from options, or those of the accounts in a file.
fn settings(args: &args::Route) -> Result<Asked, CommandError> {
    let is_described = args.list.is_some() || args.proxy.is_some();
    let is_begun = is_described || args.flags.is_some() || args.auto_config_url.is_some();
    if args.at.is_some() || (LiveStore::IS_HERE && !is_begun) {
        let at = At::said_or_here(args.at.as_ref())?;
        return match args.consumer {
            Follower::Consumer(_) => accounts(&at, planning::accounts(args.account)),
            Follower::Winhttp => winhttp(&at),
        };
    }
    if !is_described {
        return Err(CommandError::usage(
            "nothing to decide by: neither --list, --proxy nor --at is given",
        )
        .hint("`--list \"$(sidestep bypass)\"` asks about the list that a site needs")
        .hint("`--at FILE.reg` asks about the accounts' settings in a registry export"));
    }
    let list = args.list.as_deref().map(ListText::stored).transpose()?;
    let list = list.unwrap_or_default();
    let settings = ProxySettings {
        flags: Flags(args.flags.unwrap_or(MANUAL)),
        proxy_server: args.proxy.as_deref().unwrap_or(SOME_PROXY).to_owned(),
        proxy_override: list,
        auto_config_url: args.auto_config_url.clone().unwrap_or_default(),
    };
    Ok(vec![(None, settings)])
}

fn accounts(at: &At, chosen: &[Account]) -> Result<Asked, CommandError> {
    let observed = at.open()?.read()?;
    if observed.is_per_machine() && !chosen.iter().all(|account| account.is_machine()) {
        return Err(CommandError::finding(&Finding::PerMachinePolicy));
    }
    let mut asked = Vec::new();
    for account in chosen.iter().copied() {
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
        let names: Vec<&str> = chosen
            .iter()
            .map(|account| prose::account(*account))
            .collect();
        let message = format!("{at} does not hold the settings of {}", names.join(" or "));
        return Err(
            CommandError::new(Exit::Environment, Code::FILE_UNUSABLE, message).hint(
                "`reg export HKEY_USERS FILE.reg` on the server writes the accounts', `reg export \
                 HKEY_LOCAL_MACHINE\\SOFTWARE FILE.reg` the machine's",
            ),
        );
    }
    Ok(asked)
}

/// The machine's `WinHTTP` settings, which are no account's.
fn winhttp(at: &At) -> Result<Asked, CommandError> {
    let settings = match at.open()?.read()?.winhttp() {
        Some(Ok(blob)) => blob.settings(),
        Some(Err(fault)) => {
            let error = fault.to_string();
            return Err(CommandError::finding(&Finding::WinHttpUnreadable { error }));
        }
        // Nobody has set a proxy.
        None if !matches!(at, At::File(_)) => ProxySettings::default(),
        // An export of the accounts alone does not tell.
        None => {
            let message = format!("{at} does not hold the machine's WinHTTP settings");
            return Err(
                CommandError::new(Exit::Environment, Code::FILE_UNUSABLE, message)
                    .hint(
                        "`reg export HKEY_LOCAL_MACHINE\\SOFTWARE FILE.reg` on the server writes \
                         them, where there are any",
                    )
                    .hint("`netsh winhttp show proxy` shows them; --list and --proxy take them"),
            );
        }
    };
    Ok(vec![(None, settings)])
}

/// The URLs as typed; `-` stands for those on standard input, one a line.
fn urls(typed: &[String]) -> Result<Vec<String>, CommandError> {
    let mut urls = Vec::new();
    for url in typed {
        if url == "-" {
            let text = ListText::read(url)?.text;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            urls.extend(lines.map(str::to_owned));
        } else {
            urls.push(url.clone());
        }
    }
    Ok(urls)
}

/// One URL for one account, decided.
struct Row<'a> {
    url: &'a str,
    account: Option<Account>,
    decision: RouteDecision,
    /// The entry that almost covered it, where it goes to the proxy.
    near: Option<(Near, String)>,
    /// The other consumers that go another way.
    others: Vec<(Consumer, RouteDecision)>,
}

impl<'a> Row<'a> {
    fn new(
        url: &'a str,
        account: Option<Account>,
        destination: &Destination,
        settings: &ProxySettings,
        consumer: Consumer,
        host: &HostContext,
    ) -> Self {
        let decision = route::route(destination, settings, consumer, host);
        let near = (decision.reason == Reason::NotListed).then(|| {
            let list = BypassList::parse(&settings.proxy_override, consumer);
            let near = list.nearest(destination)?;
            let text = list.entries().get(near.index)?.text.clone();
            Some((near, text))
        });
        let others = Consumer::ALL.into_iter().filter(|other| *other != consumer);
        let others = others.map(|other| (other, route::route(destination, settings, other, host)));
        let others = others
            .filter(|(_, other)| other.route != decision.route)
            .collect();
        Self {
            url,
            account,
            near: near.flatten(),
            others,
            decision,
        }
    }

    fn why(&self) -> String {
        let reason = prose::reason(&self.decision);
        match &self.near {
            None => reason,
            Some((near, text)) => format!("{reason}; {}", prose::near(near, text)),
        }
    }

    /// Where the other consumer goes another way, in a line.
    fn parting(&self, of_accounts: bool) -> Option<String> {
        let (consumer, other) = self.others.first()?;
        let account = self.account.filter(|_| of_accounts).map(prose::account);
        let whose = account.map_or_else(String::new, |account| format!(" for {account}"));
        Some(format!(
            "note: {}{whose} goes another way for {consumer}: {}, {}\n",
            self.url,
            prose::route(&other.route),
            prose::reason(other)
        ))
    }

    fn document(&self, consumer: Follower) -> Value {
        let (route, proxy) = route_keys(&self.decision.route);
        let decision = &self.decision;
        let entry = decision.entry.as_ref();
        let entry = entry.map(|entry| json!({ "text": entry.text, "index": entry.index }));
        let near = self.near.as_ref().map(|(near, text)| {
            json!({
                "entry": { "text": text, "index": near.index },
                "why": prose::near_because(&near.because),
            })
        });
        let others = self.others.iter().map(|(consumer, other)| {
            let (route, proxy) = route_keys(&other.route);
            let reason = prose::reason(other);
            json!({ "consumer": consumer, "route": route, "proxy": proxy, "reason": reason })
        });
        json!({
            "url": self.url,
            "account": self.account,
            "consumer": consumer.to_string(),
            "route": route,
            "proxy": proxy,
            "entry": entry,
            "reason": prose::reason(decision),
            "nearest": near,
            "differs_for": others.collect::<Vec<_>>(),
        })
    }
}

fn route_keys(route: &Route) -> (&'static str, Option<String>) {
    match route {
        Route::Direct => ("direct", None),
        Route::Proxy(proxy) => ("proxy", Some(proxy.to_string())),
        Route::Auto { fallback } => ("auto", fallback.as_ref().map(ToString::to_string)),
        Route::Error(_) => ("error", None),
        Route::Unknown => ("unknown", None),
    }
}
