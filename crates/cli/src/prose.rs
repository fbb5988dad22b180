//! What findings, reasons and outcomes say to a person. The only place with sentences about them.

mod azure;
mod finding;
pub(crate) mod lint;
mod remedy;
pub(crate) mod self_test;
mod surrounding;

use sidestep_model::account::Account;
use sidestep_model::bypass::{Near, NearBecause};
use sidestep_model::catalogue::Service;
use sidestep_model::desired::Because;
use sidestep_model::event::{Outcome, Step};
use sidestep_model::evidence::{Evidence, Path, Source};
use sidestep_model::finding::Severity;
use sidestep_model::observed::ServiceState;
use sidestep_model::readers::Reader;
use sidestep_model::restart::Hindrance;
use sidestep_model::route::{Reason, Route, RouteDecision};
use sidestep_model::settings::Flags;
use sidestep_model::tls::TlsValue;

use crate::render::{self, plural};

pub(crate) use azure::{resource_kind, resource_state};
pub(crate) use finding::message;
pub(crate) use remedy::remedy;

/// Every screen of a rehearsal carries this.
pub(crate) const REHEARSAL: &str = "REHEARSAL (演習・実環境未変更)";

/// What a generated script says of itself.
pub(crate) const SCRIPT_HEADING: &str = "\
Proxy configuration script, written by `sidestep bypass --format pac`.
It answers as .NET Framework reads the bypass list of the same command: what an
entry covers goes DIRECT, everything else to the proxy. An account that uses a
script does not look at its bypass list; add this to the script that is
there, or let it take its place.";

pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// An account as tables name it.
pub(crate) fn account(account: Account) -> &'static str {
    match account {
        Account::System => "SYSTEM",
        Account::Plugin => "AzureWLBackupPluginSvc",
        Account::Machine => "machine",
        Account::Machine32 => "machine (32-bit)",
    }
}

/// An account as the heading of what is said of it, with where its settings are.
pub(crate) fn heading(account: Account) -> String {
    match account.sid() {
        Some(sid) => format!("{account} ({sid})"),
        None => format!("{account} ({})", account.software()),
    }
}

/// A reader as the heading of a column.
pub(crate) fn reader(reader: Reader) -> &'static str {
    match reader {
        Reader::DotnetFramework => ".NET Framework",
        Reader::Wininet => "WinINet",
        Reader::PlainValues => "Plain values",
        Reader::SavedLegacySettings => "SavedLegacySettings",
        Reader::Winhttp => "WinHTTP (machine)",
    }
}

/// A service by its product name.
pub(crate) fn service(service: Service) -> &'static str {
    match service {
        Service::Backup => "Azure Backup",
        Service::Blob => "Blob Storage",
        Service::Queue => "Queue Storage",
        Service::Storage => "Azure Storage",
        Service::Entra => "Entra ID",
        Service::Platform => "the VM's platform",
        Service::Management => "Azure Resource Manager",
    }
}

/// What a service does, as tables name it.
pub(crate) fn service_state(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Stopped => "stopped",
        ServiceState::Running => "running",
        ServiceState::Changing => "changing",
        ServiceState::Unknown => "not known",
    }
}

/// A path as tables name it.
pub(crate) fn path(path: Path) -> &'static str {
    match path {
        Path::PrivateEndpoint => "private endpoint",
        Path::Direct => "direct",
        Path::Proxy => "proxy",
    }
}

/// What follows from a value that decides over TLS.
pub(crate) fn tls_value(value: TlsValue, is_on: bool) -> &'static str {
    match (value, is_on) {
        (TlsValue::Enabled, true) => "programs can speak it",
        (TlsValue::Enabled, false) => "no program can speak it",
        (TlsValue::DisabledByDefault, true) => "only a program that asks for it gets it",
        (TlsValue::DisabledByDefault, false) => "it is offered without being asked for",
        (TlsValue::SystemDefault | TlsValue::SystemDefault32, true) => {
            "programs offer what Windows does"
        }
        (TlsValue::SystemDefault | TlsValue::SystemDefault32, false) => {
            "older programs choose by themselves"
        }
        (TlsValue::StrongCrypto | TlsValue::StrongCrypto32, true) => {
            "programs offer TLS 1.2 and no weak ciphers"
        }
        (TlsValue::StrongCrypto | TlsValue::StrongCrypto32, false) => {
            "programs offer TLS 1.0 at most, unless they ask for more"
        }
    }
}

/// What was counted, as exactly as whoever counted could.
pub(crate) fn counted(source: Source, bytes: Option<u64>) -> String {
    match (source, bytes.map(render::bytes)) {
        (_, None) => "not counted".to_owned(),
        (Source::TcpTable, Some(bytes)) => format!("at least {bytes}"),
        (Source::Lab | Source::ProxyLog, Some(bytes)) => bytes,
    }
}

/// What evidence shows and what it cannot show; `None` where whoever counted saw
/// every connection.
pub(crate) fn evidence_claim(evidence: &Evidence) -> Option<String> {
    if evidence.source != Source::TcpTable {
        return None;
    }
    let protected = plural(evidence.protected(), "connection", "connections");
    let claim = match (evidence.protected(), evidence.unknown_on_proxy()) {
        _ if !evidence.unresolved_proxies.is_empty() => format!(
            "Backup and Storage: {protected} seen; which connections went to {}, of which no address \
             was found, is not known",
            evidence.unresolved_proxies.join(", ")
        ),
        (0, _) => {
            "Backup and Storage: no connection was seen, so that nothing is known of its path"
                .to_owned()
        }
        (_, 0) => format!(
            "Backup and Storage: {protected} seen, and none of the services' went to the proxy"
        ),
        (_, some) => format!(
            "Backup and Storage: {protected} seen; what the {some} to the proxy were for, the table \
             does not tell"
        ),
    };
    let is_counted = evidence.connections.iter().any(|row| row.bytes.is_some());
    let bytes = if is_counted {
        "bytes are\nthose that Windows counted between a connection's first look and its last, so \
         that it was at\nleast that many."
    } else {
        "Windows\ncounted no bytes of them."
    };
    Some(format!(
        "{claim}\nCounted by looking at this computer's TCP connections twice a second: one that \
         began and ended\nbetween two looks is not among them, and {bytes}"
    ))
}

/// How a step or a run ended.
pub(crate) fn outcome(outcome: Outcome) -> String {
    outcome.key().replace('-', " ")
}

/// What a step does.
pub(crate) fn step(step: Step) -> &'static str {
    match step {
        Step::Endpoint => "make the vault's private endpoint, its zones and records",
        Step::SystemBypass => "write SYSTEM's bypass list",
        Step::Register => "register the VM, discover databases",
        Step::PluginBypass => "write the plugin account's bypass list",
        Step::Protect => "put the databases under a policy",
        Step::Check => "try every way of both accounts",
        Step::Backup => "back one database up and read it back",
    }
}

/// Where a request goes.
pub(crate) fn route(route: &Route) -> String {
    match route {
        Route::Direct => "direct".to_owned(),
        Route::Proxy(proxy) => proxy.to_string(),
        Route::Auto { .. } => "auto".to_owned(),
        Route::Error(_) => "error".to_owned(),
        Route::Unknown => "unknown".to_owned(),
    }
}

/// Why a request goes there.
pub(crate) fn reason(decision: &RouteDecision) -> String {
    let entry = decision.entry.as_ref().map_or_else(String::new, |entry| {
        format!("\"{}\", entry {} of the list", entry.text, entry.index + 1)
    });
    let without_script = match &decision.route {
        Route::Auto {
            fallback: Some(proxy),
        } => format!("; without an answer {proxy} is used"),
        Route::Auto { fallback: None } => "; without an answer it goes direct".to_owned(),
        _ => String::new(),
    };
    match decision.reason {
        Reason::NoProxy => "no proxy is switched on".to_owned(),
        Reason::NoProxyForScheme => "the proxy string names no proxy for this scheme".to_owned(),
        Reason::Listed => format!("listed: {entry}"),
        Reason::Implicit => "this consumer never sends it to a proxy".to_owned(),
        Reason::ListInvalid => format!("{entry}, breaks the list, so everything goes direct"),
        Reason::NotListed => "no entry of the list matches".to_owned(),
        Reason::AutoDetect => {
            format!("automatic detection decides, before the list is consulted{without_script}")
        }
        Reason::AutoConfigUrl => format!(
            "the configuration script decides, before the list is consulted{without_script}"
        ),
        Reason::ProxyStringUnusable => match &decision.route {
            Route::Error(error) => format!("every such request fails: {error}"),
            _ => "the proxy string is unusable".to_owned(),
        },
        Reason::Undocumented if decision.entry.is_none() => {
            "what WinHTTP does here is neither documented nor measured".to_owned()
        }
        Reason::Undocumented => {
            format!("what WinHTTP makes of {entry}, is neither documented nor measured")
        }
    }
}

/// The entry that almost covered a destination, and why it does not.
pub(crate) fn near(near: &Near, entry: &str) -> String {
    let place = near.index + 1;
    format!(
        "nearest is \"{entry}\", entry {place}: {}",
        near_because(&near.because)
    )
}

/// Why an entry does not cover what it nearly does.
pub(crate) fn near_because(because: &NearBecause) -> String {
    match because {
        NearBecause::Apex => "*. covers the names below, not this one".to_owned(),
        NearBecause::Port(port @ (80 | 443)) => {
            format!("it is for port {port}, and a default port never matches for .NET Framework")
        }
        NearBecause::Port(port) => format!("it is for port {port}"),
        NearBecause::Scheme(scheme) => format!("it is for {scheme}"),
        NearBecause::LeadingDot => "no host begins with a dot".to_owned(),
        NearBecause::RunTogether => {
            "blanks do not separate for .NET Framework, so that it is one dead entry".to_owned()
        }
        NearBecause::NamesBelow => "it is that host alone, not the names below it".to_owned(),
        NearBecause::OneEdit => "one character differs".to_owned(),
        NearBecause::TrailingDot => "the host's last dot is compared, too".to_owned(),
    }
}

/// Why an entry is in the list, or no longer.
pub(crate) fn because(because: &Because) -> String {
    match because {
        Because::Present => "was there".to_owned(),
        Because::Required(endpoint) => endpoint.why.to_owned(),
        Because::Local => "bypass.local of the site: names without a period".to_owned(),
        Because::Added => "bypass.add of the site".to_owned(),
        Because::Copied => "the account that is copied has it".to_owned(),
        Because::PutBack => "was there before".to_owned(),
        Because::Planned | Because::PlannedRemoval => "the plan says so".to_owned(),
        Because::Removed => "bypass.remove of the site".to_owned(),
        Because::TakenBack => "was not there before".to_owned(),
    }
}

/// The mechanisms that an account's flags switch on.
pub(crate) fn flags(flags: Flags) -> String {
    let names = [
        (Flags::AUTO_DETECT, "auto-detect"),
        (Flags::AUTO_CONFIG_URL, "configuration script"),
        (Flags::MANUAL_PROXY, "manual proxy"),
    ];
    let on: Vec<&str> = names
        .into_iter()
        .filter_map(|(bit, name)| flags.has(bit).then_some(name))
        .collect();
    if on.is_empty() {
        "direct".to_owned()
    } else {
        on.join(" and ")
    }
}

/// What speaks against restarting a service.
pub(crate) fn hindrance(hindrance: &Hindrance) -> String {
    match hindrance {
        Hindrance::NotSettled {
            service,
            state: ServiceState::Changing,
        } => format!("{service} is just starting or stopping"),
        Hindrance::NotSettled { service, .. } => {
            format!("what {service} does now, the service manager does not say")
        }
        Hindrance::Connected { service, remotes } => {
            let remotes: Vec<String> = remotes.iter().map(ToString::to_string).collect();
            format!("{service} is connected to {}", remotes.join(", "))
        }
        Hindrance::AtWork(work) => {
            format!("the vault is at work: {} of {}", work.operation, work.of)
        }
    }
}
