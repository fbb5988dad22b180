//! `sidestep plan`: what would change, and why.

use serde_json::{Value, json};
use sidestep_machine::{RegFileStore, Store};
use sidestep_model::account::Account;
use sidestep_model::catalogue::Catalogue;
use sidestep_model::desired::{Because, Desired, EntryReason};
use sidestep_model::finding::{Effect, Finding};
use sidestep_model::plan::{Change, Idle, Plan};
use sidestep_model::proxy_server;
use sidestep_model::registry::RegistryData;
use sidestep_model::settings::{Flags, ProxySettings};

use crate::args::{self, AccountChoice};
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::prose;
use crate::render::{findings_document, findings_text, plural};
use crate::site_file::SiteFile;

pub(crate) fn run(
    args: &args::Plan,
    site: &SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let site = site.site()?;
    let store = RegFileStore::new(&args.at);
    let observed = store.read()?;
    let accounts: &[Account] = match args.account {
        AccountChoice::System => &[Account::System],
        AccountChoice::Plugin => &[Account::Plugin],
        AccountChoice::Both => &Account::ALL,
    };
    let catalogue = Catalogue::of(site.azure.cloud);
    let plans: Vec<Plan> = accounts
        .iter()
        .map(|account| {
            Plan::diff(
                &observed,
                Desired::of(*account, catalogue, &site, &observed),
            )
        })
        .collect();
    let mut findings: Vec<Finding> = Vec::new();
    for finding in plans.iter().flat_map(|plan| &plan.findings) {
        if !findings.contains(finding) {
            findings.push(finding.clone());
        }
    }
    if printer.json {
        let plans: Vec<Value> = plans.iter().map(document).collect();
        printer.document(&json!({
            "at": store.place(),
            "plans": plans,
            "findings": findings_document(&findings),
        }))?;
    } else {
        let mut parts: Vec<String> = plans.iter().map(text).collect();
        if !findings.is_empty() {
            parts.push(findings_text(&findings));
        }
        printer.text(&format!("{}\n", parts.join("\n\n")))?;
    }
    Ok(match Effect::of(&findings) {
        Effect::GoOn if args.detailed_exitcode && plans.iter().any(|plan| !plan.is_empty()) => {
            Exit::Pending
        }
        effect => effect.into(),
    })
}

fn text(plan: &Plan) -> String {
    let account = plan.account;
    let heading = format!("{account} ({})", account.sid());
    match plan.idle {
        Some(Idle::NoProxy) => {
            return format!("{heading}\n  not needed: the account uses no proxy");
        }
        Some(Idle::Unset) => {
            return format!("{heading}\n  nothing to keep: nobody set a proxy, Windows detects");
        }
        Some(Idle::AlreadySo) => return format!("{heading}\n  nothing to change"),
        Some(Idle::Blocked) => return format!("{heading}\n  nothing planned: see below"),
        None => {}
    }
    let mut lines = vec![heading];
    let before = &plan.before;
    if let Some(after) = &plan.after {
        lines.push(format!("  proxy  {} → {}", proxy(before), proxy(after)));
        lines.push(format!(
            "  list   {} → {}",
            characters(before),
            characters(after)
        ));
    }
    let mut sources: Vec<String> = Vec::new();
    for (sign, reason) in plan
        .added()
        .map(|reason| ('+', reason))
        .chain(plan.removed().map(|reason| ('-', reason)))
    {
        let why = prose::because(&reason.because);
        let cited = match &reason.because {
            Because::Required(endpoint) => {
                let source = format!("{} ({})", endpoint.source, endpoint.date);
                let known = sources.iter().position(|known| *known == source);
                let number = known.unwrap_or_else(|| {
                    sources.push(source);
                    sources.len() - 1
                });
                format!(" [{}]", number + 1)
            }
            _ => String::new(),
        };
        lines.push(format!("  {sign} {:<42} {why}{cited}", reason.entry));
    }
    lines.extend(
        sources
            .iter()
            .zip(1..)
            .map(|(source, number)| format!("  [{number}] {source}")),
    );
    let values: Vec<&str> = plan
        .changes
        .iter()
        .map(|change| change.value.name())
        .collect();
    lines.push(format!(
        "  writes {}: {}",
        plural(values.len() as u64, "value", "values"),
        values.join(", ")
    ));
    lines.join("\n")
}

fn proxy(settings: &ProxySettings) -> String {
    if settings.has_manual_proxy() {
        proxy_server::masked(&settings.proxy_server)
    } else {
        "none".to_owned()
    }
}

fn characters(settings: &ProxySettings) -> String {
    let count = settings.proxy_override.chars().count();
    plural(count as u64, "character", "characters")
}

fn document(plan: &Plan) -> Value {
    let changes: Vec<Value> = plan.changes.iter().map(change).collect();
    let reasons: Vec<Value> = plan
        .added()
        .map(|reason| (reason, "add"))
        .chain(plan.removed().map(|reason| (reason, "remove")))
        .map(|(reason, change)| entry_document(reason, change))
        .collect();
    json!({
        "account": plan.account,
        "sid": plan.account.sid(),
        "before": settings(&plan.before),
        "after": plan.after.as_ref().map(settings),
        "entries": reasons,
        "changes": changes,
        "reason": plan.idle.map(|idle| match idle {
            Idle::NoProxy => "no-proxy",
            Idle::Unset => "unset",
            Idle::AlreadySo => "already-so",
            Idle::Blocked => "blocked",
        }),
    })
}

fn entry_document(reason: &EntryReason, change: &str) -> Value {
    let endpoint = match &reason.because {
        Because::Required(endpoint) => Some(endpoint),
        _ => None,
    };
    json!({
        "entry": reason.entry,
        "change": change,
        "why": prose::because(&reason.because),
        "source": endpoint.map(|endpoint| endpoint.source),
        "date": endpoint.map(|endpoint| endpoint.date),
    })
}

fn settings(settings: &ProxySettings) -> Value {
    json!({
        "proxy_enable": settings.flags.has(Flags::MANUAL_PROXY),
        "flags": settings.flags,
        "proxy_server": proxy_server::masked(&settings.proxy_server),
        "proxy_override": settings.proxy_override,
        "auto_config_url": proxy_server::masked(&settings.auto_config_url),
    })
}

fn change(change: &Change) -> Value {
    json!({
        "value": change.value.name(),
        "before": change.before.as_ref().map(data),
        "after": data(&change.after),
    })
}

/// Text is masked; a blob holds the same strings, so only its size is told.
fn data(data: &RegistryData) -> Value {
    match data {
        RegistryData::Text(text) | RegistryData::ExpandText(text) => {
            proxy_server::masked(text).into()
        }
        RegistryData::Dword(number) => (*number).into(),
        RegistryData::Binary(bytes) | RegistryData::Other { bytes, .. } => {
            json!({ "bytes": bytes.len() })
        }
    }
}
