//! Plans as a change board reads them, and as a script does.

use serde_json::{Value, json};
use sidestep_model::account::Account;
use sidestep_model::blob::ConnectionSettings;
use sidestep_model::catalogue::Service;
use sidestep_model::desired::{Because, EntryReason};
use sidestep_model::journal::Intent;
use sidestep_model::observed::{Service as WindowsService, ServiceState, SettingsKey, ValueName};
use sidestep_model::plan::{Idle, Plan};
use sidestep_model::proxy_server;
use sidestep_model::redacted::Redacted;
use sidestep_model::registry::RegistryData;
use sidestep_model::restart::{Restart, RestartBecause, restarts};
use sidestep_model::settings::{Flags, ProxySettings};

use crate::prose;
use crate::render::plural;

/// One account's plan, every value before → after.
pub(crate) fn text(plan: &Plan) -> String {
    let heading = prose::heading(plan.account);
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
    if let Some(after) = &plan.after {
        let (old, new) = (proxy(&plan.before), proxy(after));
        if old == new {
            lines.push(format!("  proxy  {old}, as it is"));
        } else {
            lines.push(format!("  proxy  {old} → {new}"));
        }
        let (old, new) = (plan.before.flags, after.flags);
        if prose::flags(old) != prose::flags(new) {
            let (old, new) = (prose::flags(old), prose::flags(new));
            lines.push(format!("  uses   {old} → {new}"));
        }
        lines.extend(list_lines(plan, after));
    }
    lines.push("  values, in the order in which they are written".to_owned());
    lines.extend(value_lines(&Intent::from(plan)));
    lines.join("\n")
}

/// The values of one account, before → after, credentials masked.
pub(crate) fn value_lines(intent: &Intent) -> Vec<String> {
    let mut lines: Vec<String> = intent
        .changes
        .iter()
        .map(|change| {
            let (before, after) = (
                change.before.as_ref().map(Redacted::data),
                change.after.as_ref().map(Redacted::data),
            );
            format!(
                "    {:<26} {}",
                change.value.name(),
                transition(change.value, before, after)
            )
        })
        .collect();
    let key = |key: &SettingsKey| format!(r"the key …\{}", key_name(*key));
    lines.extend(
        intent
            .new_keys
            .iter()
            .rev()
            .map(|new| format!("    {} is made", key(new))),
    );
    lines.extend(
        intent
            .removed_keys
            .iter()
            .map(|old| format!("    {} is taken away, if nothing else is in it", key(old))),
    );
    lines
}

/// What else follows the settings that are changed, and what has to be done.
pub(crate) fn also_affected(plans: &[Plan], services: Option<&[WindowsService]>) -> Vec<String> {
    let mut lines = Vec::new();
    let changed = |account| {
        plans
            .iter()
            .find(|plan| plan.account == account && !plan.is_empty())
    };
    let most = changed(Account::System).map(|plan| (plan, "Everything that runs as SYSTEM"));
    let most = most.or_else(|| {
        changed(Account::Machine).map(|plan| (plan, "Every account of the machine, people's too,"))
    });
    if let Some((plan, everybody)) = most {
        if let Some(after) = &plan.after {
            let (old, new) = (proxy(&plan.before), proxy(after));
            if old != new {
                lines.push(format!(
                    "{everybody} uses these settings: the proxy was {old} and is {new} then; see \
                     that the new way serves all of it."
                ));
            }
        }
        let storage: Vec<&str> = plan
            .added()
            .filter(|reason| match reason.because {
                Because::Required(endpoint) => is_everybodys(endpoint.service),
                _ => false,
            })
            .map(|reason| reason.entry.as_str())
            .collect();
        if plan.added().next().is_some() {
            let above_all = if storage.is_empty() {
                String::new()
            } else {
                format!(
                    ", above all to anybody's storage accounts ({})",
                    storage.join(", ")
                )
            };
            lines.push(format!(
                "{everybody} follows this list: agents for security, monitoring and updates, and VM \
                 extensions. What they send to the names added goes direct, too{above_all}; see \
                 that the VM's network lets it."
            ));
        }
    }
    let restarts = restarts(plans, services);
    lines.extend(restarts.iter().map(restart_line));
    if restarts
        .iter()
        .any(|one| one.state == ServiceState::Running)
    {
        lines.push(
            "`sidestep apply --restart-services` restarts what has to be, unless it is connected."
                .to_owned(),
        );
    }
    let is_rewritten = |plan: &Plan| {
        !plan.changes.is_empty() && plan.new_keys.is_empty() && plan.removed_keys.is_empty()
    };
    if plans.iter().any(is_rewritten) {
        lines.push(
            "Services that run take the new settings with their next request; connections that are \
             open stay as they are."
                .to_owned(),
        );
    }
    lines
}

/// Why a service has to be restarted; one that does not run need not.
fn restart_line(restart: &Restart) -> String {
    let service = &restart.service;
    match (restart.state, restart.because) {
        (ServiceState::Stopped, _) => {
            format!("{service} does not run, and reads the settings when it starts.")
        }
        (state, RestartBecause::KeyMade) => format!(
            "{service} has to be restarted{}: its settings have no key Connections yet, and .NET \
             Framework does not watch a key that was not there when it began.",
            if_it_runs(state)
        ),
        (state, RestartBecause::KeyTakenAway) => format!(
            "{service} has to be restarted{} and the key Connections, which it watches, is taken \
             away; what others keep in that key keeps it.",
            if_it_runs(state)
        ),
    }
}

fn if_it_runs(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Running => "",
        _ => " if it runs",
    }
}

/// Services to restart as a document.
pub(crate) fn restarts_document(plans: &[Plan], services: Option<&[WindowsService]>) -> Value {
    let restarts = restarts(plans, services).into_iter();
    restarts
        .map(|restart| {
            json!({
                "service": restart.service,
                "state": restart.state,
                "because": restart.because,
            })
        })
        .collect()
}

/// A plan as a document, from which [`crate::planning::WrittenPlan`] reads it again.
pub(crate) fn document(plan: &Plan) -> Value {
    let reasons: Vec<Value> = plan
        .added()
        .map(|reason| (reason, "add"))
        .chain(plan.removed().map(|reason| (reason, "remove")))
        .map(|(reason, change)| entry_document(reason, change))
        .collect();
    let mut document = json!({
        "account": plan.account,
        "sid": plan.account.sid(),
        "before": settings(&plan.before),
        "after": plan.after.as_ref().map(settings),
        "entries": reasons,
        "reason": plan.idle,
        "saw": plan.saw,
    });
    let intent = serde_json::to_value(Intent::from(plan)).unwrap_or_default();
    if let (Value::Object(document), Value::Object(intent)) = (&mut document, intent) {
        document.extend(intent);
    }
    document
}

fn list_lines(plan: &Plan, after: &ProxySettings) -> Vec<String> {
    let mut lines = vec![format!(
        "  list   {} → {}",
        characters(&plan.before.proxy_override),
        characters(&after.proxy_override)
    )];
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
        lines.push(format!("    {sign} {:<40} {why}{cited}", reason.entry));
    }
    let stay: Vec<&str> = plan
        .reasons
        .iter()
        .filter(|reason| reason.because == Because::Present)
        .map(|reason| reason.entry.as_str())
        .collect();
    if !stay.is_empty() {
        lines.push(format!("    = {}", stay.join("; ")));
    }
    lines.extend(
        sources
            .iter()
            .zip(1..)
            .map(|(source, number)| format!("    [{number}] {source}")),
    );
    lines
}

/// Whether the service's names are shared by all who use Azure.
fn is_everybodys(service: Service) -> bool {
    matches!(service, Service::Blob | Service::Queue | Service::Storage)
}

fn transition(
    name: ValueName,
    before: Option<&RegistryData>,
    after: Option<&RegistryData>,
) -> String {
    if let (Some(old), Some(new)) = (blob(before), blob(after)) {
        return blob_transition(&old, &new);
    }
    let shown = |data: Option<&RegistryData>| {
        data.map_or_else(|| "not there".to_owned(), |data| shown(name, data))
    };
    match after {
        None => format!("{} → taken away", shown(before)),
        Some(_) => format!("{} → {}", shown(before), shown(after)),
    }
}

fn shown(name: ValueName, data: &RegistryData) -> String {
    if let Some(blob) = blob(Some(data)) {
        let settings = blob.settings();
        return format!(
            "{}, proxy {}, list of {}",
            prose::flags(settings.flags),
            stored_proxy(&settings),
            characters(&settings.proxy_override)
        );
    }
    match data {
        RegistryData::Dword(number) => number.to_string(),
        RegistryData::Text(text) | RegistryData::ExpandText(text) => match name {
            ValueName::ProxyOverride => characters(text),
            _ if matches!(data, RegistryData::ExpandText(_)) => {
                format!("\"{}\" (REG_EXPAND_SZ)", proxy_server::masked(text))
            }
            _ => format!("\"{}\"", proxy_server::masked(text)),
        },
        RegistryData::Binary(bytes) => plural(bytes.len() as u64, "byte", "bytes"),
        RegistryData::Other { kind, bytes } => {
            format!(
                "{} of type {kind}",
                plural(bytes.len() as u64, "byte", "bytes")
            )
        }
    }
}

fn blob_transition(old: &ConnectionSettings, new: &ConnectionSettings) -> String {
    let (was, is) = (old.settings(), new.settings());
    let mut parts = Vec::new();
    let mut part = |name: &str, old: String, new: String| {
        if old != new {
            parts.push(format!("{name} {old} → {new}"));
        }
    };
    part("", prose::flags(was.flags), prose::flags(is.flags));
    part("proxy", stored_proxy(&was), stored_proxy(&is));
    if was.proxy_override != is.proxy_override {
        part(
            "list",
            characters(&was.proxy_override),
            format!("{} ", characters(&is.proxy_override)),
        );
    }
    let script = |settings: &ProxySettings| {
        format!("\"{}\"", proxy_server::masked(&settings.auto_config_url))
    };
    part("script", script(&was), script(&is));
    part("counter", old.counter.to_string(), new.counter.to_string());
    let parts: Vec<&str> = parts.iter().map(|part| part.trim()).collect();
    parts.join(", ")
}

fn blob(data: Option<&RegistryData>) -> Option<ConnectionSettings> {
    match data? {
        RegistryData::Binary(bytes) => ConnectionSettings::decode(bytes).ok(),
        _ => None,
    }
}

fn key_name(key: SettingsKey) -> &'static str {
    match key {
        SettingsKey::Connections => r"Internet Settings\Connections",
        SettingsKey::InternetSettings => "Internet Settings",
    }
}

fn proxy(settings: &ProxySettings) -> String {
    if settings.has_manual_proxy() {
        proxy_server::masked(&settings.proxy_server)
    } else {
        "none".to_owned()
    }
}

fn stored_proxy(settings: &ProxySettings) -> String {
    match settings.proxy_server.trim() {
        "" => "none".to_owned(),
        server => proxy_server::masked(server),
    }
}

fn characters(list: &str) -> String {
    plural(list.chars().count() as u64, "character", "characters")
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
