//! What an account's settings shall be: what is there ∪ what is required.

use crate::account::Account;
use crate::bypass::{self, BypassList, Consumer, Decision, DirectBecause, EntryForm, HostContext};
use crate::catalogue::{BypassChoices, Catalogue, Endpoint, Service};
use crate::destination::Destination;
use crate::finding::{Finding, Surrounding};
use crate::list_findings::inspect;
use crate::observed::{Observed, ObservedAccount};
use crate::proxy_server;
use crate::settings::{Flags, ProxySettings};
use crate::site::{self, ProxyMode, Route, Site};

/// The wanted state of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Whose.
    pub account: Account,
    /// What its settings shall be.
    pub wanted: Wanted,
    /// What may be cleared on the way.
    pub clear: Clear,
    /// Entries that go wherever they stand.
    pub removed: Vec<String>,
    /// What was noticed on the way; the gravest decides whether to go on.
    pub findings: Vec<Finding>,
}

/// Mechanisms that are switched off for an account only when asked for by
/// name, because they decide before any bypass list is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clear {
    /// "Automatically detect settings".
    pub auto_detect: bool,
    /// The configuration script.
    pub script: bool,
}

/// What one account's settings shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// These, and why the list differs from what is there.
    Settings {
        /// The settings by meaning.
        settings: ProxySettings,
        /// Entry by entry, in the order of the new list; removals last.
        reasons: Vec<EntryReason>,
    },
    /// As they are: the account uses no proxy, so there is nothing to bypass.
    NoProxy,
    /// As they are: nobody set any, and the site sets none.
    Unset,
    /// Nothing can be said: the findings tell why.
    Unknown,
}

/// Why an entry is, or is no longer, in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryReason {
    /// The entry.
    pub entry: String,
    /// Why.
    pub because: Because,
}

/// Why an entry is added or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// It was there and stays.
    Present,
    /// The catalogue asks for it.
    Required(&'static Endpoint),
    /// `bypass.local` of the site.
    Local,
    /// `bypass.add` of the site.
    Added,
    /// The account that settings are copied from has it.
    Copied,
    /// It was there before the run that is undone.
    PutBack,
    /// A plan that was made before says so.
    Planned,
    /// `bypass.remove` of the site drops it.
    Removed,
    /// It was not there before the run that is undone.
    TakenBack,
    /// A plan that was made before drops it.
    PlannedRemoval,
}

impl Because {
    /// Whether the entry goes.
    #[must_use]
    pub fn is_removal(&self) -> bool {
        matches!(self, Self::Removed | Self::TakenBack | Self::PlannedRemoval)
    }
}

/// Where settings are copied from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What it is called, for people.
    pub name: &'a str,
    /// Its settings.
    pub account: &'a ObservedAccount,
}

/// Why settings cannot be copied from where they were to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceFault {
    /// Its blob cannot be read.
    Unreadable(String),
    /// It detects automatically.
    AutoDetect,
    /// It uses a configuration script.
    AutoConfigScript,
    /// It holds this proxy, but switched off.
    SwitchedOff(String),
    /// It has no proxy.
    NoProxy,
}

impl Desired {
    /// The wanted state of `account` on the machine that `observed` shows.
    #[must_use]
    pub fn of(
        account: Account,
        catalogue: &'static Catalogue,
        site: &Site,
        observed: &Observed,
        clear: Clear,
    ) -> Self {
        let mut findings = Vec::new();
        let wanted = wanted(account, catalogue, site, observed, clear, &mut findings);
        findings.extend(unread(account, observed));
        Self {
            account,
            wanted,
            clear,
            removed: site.bypass.remove.clone(),
            findings,
        }
    }

    /// The state in which `account` uses the proxy and list of `source`, with
    /// the exceptions that it has itself. This is what the support article's and
    /// Microsoft's own scripts do, but for their omissions: the list comes
    /// along, and a proxy that is switched off is not copied.
    #[must_use]
    pub fn copied(
        account: Account,
        source: Source<'_>,
        catalogue: &'static Catalogue,
        observed: &Observed,
        clear: Clear,
    ) -> Self {
        let mut findings = Vec::new();
        let wanted = copied(account, source, catalogue, observed, clear, &mut findings);
        findings.extend(unread(account, observed));
        Self {
            account,
            wanted,
            clear,
            removed: Vec::new(),
            findings,
        }
    }
}

/// The list that a site needs where nothing is listed yet, with the reasons.
#[must_use]
pub fn required_list(
    catalogue: &'static Catalogue,
    site_bypass: &site::Bypass,
) -> Vec<EntryReason> {
    merge("", catalogue, site_bypass)
}

/// The list that a plan writes where `present` is listed.
#[must_use]
pub fn completed_list(
    present: &str,
    catalogue: &'static Catalogue,
    site_bypass: &site::Bypass,
) -> String {
    list(&merge(present, catalogue, site_bypass))
}

fn wanted(
    account: Account,
    catalogue: &'static Catalogue,
    site: &Site,
    observed: &Observed,
    clear: Clear,
    findings: &mut Vec<Finding>,
) -> Wanted {
    let choices = site.bypass.choices();
    let Some(found) = writable(account, catalogue, choices, observed, clear, findings) else {
        return Wanted::Unknown;
    };
    let here = observed.account(account);
    let current = cleared(&found, clear);
    if here.has_only_plain_values() {
        findings.push(Finding::BlobMissing { account });
    }

    let proxy_server = match (site.proxy.mode, &site.proxy.server) {
        (ProxyMode::Set, Some(server)) => server.to_string(),
        _ if here.is_unset() && !clear.auto_detect => {
            findings.push(Finding::SettingsUnset { account });
            without_proxy(account, site, "", findings);
            return Wanted::Unset;
        }
        _ if current.has_manual_proxy() => current.proxy_server.clone(),
        _ => {
            without_proxy(account, site, &current.proxy_server, findings);
            if current == found {
                return Wanted::NoProxy;
            }
            let reasons = stay(&current.proxy_override);
            let settings = ProxySettings {
                flags: current.flags.with(Flags::DIRECT),
                ..current
            };
            return Wanted::Settings { settings, reasons };
        }
    };
    let read_by = |consumer| proxy_server::select(&proxy_server, "https", consumer);
    let (dotnet, wininet) = (
        read_by(Consumer::DotnetFramework),
        read_by(Consumer::Wininet),
    );
    if dotnet.is_err() {
        findings.push(Finding::ProxyUnusable {
            account,
            proxy: proxy_server::masked(&proxy_server),
        });
        return Wanted::Unknown;
    }

    if dotnet != wininet {
        findings.push(Finding::ReadersDisagree {
            account,
            text: proxy_server::masked(&proxy_server),
        });
    }
    // It names proxies, but none for https, which is all that a backup speaks.
    if dotnet == Ok(None) && current == found {
        without_proxy(account, site, "", findings);
        return Wanted::NoProxy;
    }
    let reasons = merge(&current.proxy_override, catalogue, &site.bypass);
    let proxy_override = list(&reasons);
    inspect(account, catalogue, &proxy_override, findings);
    hold_against_site(account, catalogue, site, &proxy_override, findings);
    Wanted::Settings {
        settings: ProxySettings {
            flags: current
                .flags
                .without(Flags::AUTO_DETECT)
                .with(Flags::DIRECT | Flags::MANUAL_PROXY),
            proxy_server,
            proxy_override,
            auto_config_url: current.auto_config_url,
        },
        reasons,
    }
}

/// What the account's settings are meant to be, where Sidestep may write them.
fn writable(
    account: Account,
    catalogue: &'static Catalogue,
    choices: BypassChoices,
    observed: &Observed,
    clear: Clear,
    findings: &mut Vec<Finding>,
) -> Option<ProxySettings> {
    let here = observed.account(account);
    if observed.is_per_machine() && !account.is_machine() {
        findings.push(Finding::PerMachinePolicy);
        return None;
    }
    if !here.exists {
        findings.push(Finding::AccountMissing {
            account,
            absence: here.absence.clone(),
        });
        return None;
    }
    if let Some((value, error)) = here.unreadable_blob() {
        findings.push(Finding::BlobUnreadable {
            account,
            value: value.name(),
            error,
        });
        return None;
    }
    let current = here.intended();
    let direct = || {
        let endpoints = catalogue.bypass_patterns(choices);
        endpoints.iter().map(|endpoint| endpoint.pattern).collect()
    };
    // What nobody set is Windows' default and may be replaced.
    if current.has_auto_detect() && !here.is_unset() && !clear.auto_detect {
        findings.push(Finding::AutoDetectOn {
            account,
            direct: direct(),
        });
    }
    if current.has_auto_config_url() && !clear.script {
        findings.push(Finding::AutoConfigScript {
            account,
            url: proxy_server::masked(&current.auto_config_url),
            direct: direct(),
        });
    }
    findings.is_empty().then_some(current)
}

/// Where nobody reads the machine's settings, whoever changes them should know.
fn unread(account: Account, observed: &Observed) -> Option<Finding> {
    let is_unread = account.is_machine() && !observed.is_per_machine();
    is_unread.then(|| Surrounding::MachineUnread.into())
}

/// The settings without the mechanisms that are to be cleared.
fn cleared(settings: &ProxySettings, clear: Clear) -> ProxySettings {
    let mut cleared = settings.clone();
    if clear.auto_detect {
        cleared.flags = cleared.flags.without(Flags::AUTO_DETECT);
    }
    if clear.script {
        cleared.flags = cleared.flags.without(Flags::AUTO_CONFIG_URL);
        cleared.auto_config_url.clear();
    }
    cleared
}

fn copied(
    account: Account,
    source: Source<'_>,
    catalogue: &'static Catalogue,
    observed: &Observed,
    clear: Clear,
    findings: &mut Vec<Finding>,
) -> Wanted {
    let choices = BypassChoices {
        backup_direct: true,
        entra_direct: false,
    };
    let Some(found) = writable(account, catalogue, choices, observed, clear, findings) else {
        return Wanted::Unknown;
    };
    let from = cleared(&source.account.intended(), clear);
    if let Some(fault) = source_fault(source.account, &from) {
        findings.push(Finding::SourceNotCopyable {
            from: source.name.to_owned(),
            fault,
        });
        return Wanted::Unknown;
    }
    if proxy_server::select(&from.proxy_server, "https", Consumer::DotnetFramework).is_err() {
        findings.push(Finding::ProxyUnusable {
            account,
            proxy: proxy_server::masked(&from.proxy_server),
        });
        return Wanted::Unknown;
    }
    let current = cleared(&found, clear);
    let reasons = union(&current.proxy_override, &from.proxy_override);
    let proxy_override = list(&reasons);
    inspect(account, catalogue, &proxy_override, findings);
    Wanted::Settings {
        settings: ProxySettings {
            flags: current
                .flags
                .without(Flags::AUTO_DETECT)
                .with(Flags::DIRECT | Flags::MANUAL_PROXY),
            proxy_server: from.proxy_server,
            proxy_override,
            auto_config_url: current.auto_config_url,
        },
        reasons,
    }
}

fn source_fault(account: &ObservedAccount, settings: &ProxySettings) -> Option<SourceFault> {
    let proxy = settings.proxy_server.trim();
    if let Some((_, error)) = account.unreadable_blob() {
        Some(SourceFault::Unreadable(error))
    } else if settings.has_auto_detect() {
        Some(SourceFault::AutoDetect)
    } else if settings.has_auto_config_url() {
        Some(SourceFault::AutoConfigScript)
    } else if proxy.is_empty() {
        Some(SourceFault::NoProxy)
    } else if settings.has_manual_proxy() {
        None
    } else {
        Some(SourceFault::SwitchedOff(proxy_server::masked(proxy)))
    }
}

/// The entries of a list as they are.
fn stay(present: &str) -> Vec<EntryReason> {
    let entries = BypassList::parse(present, Consumer::Wininet);
    let entries = entries.entries().iter().map(|entry| EntryReason {
        entry: entry.text.clone(),
        because: Because::Present,
    });
    entries.collect()
}

/// Entry by entry what became of a list, where the reason is the same for all.
pub(crate) fn compared(
    before: &ProxySettings,
    after: &ProxySettings,
    added: &Because,
    removed: &Because,
) -> Vec<EntryReason> {
    let (old, mut new) = (stay(&before.proxy_override), stay(&after.proxy_override));
    let listed = |reasons: &[EntryReason], entry: &str| {
        names(reasons.iter().map(|known| &known.entry), entry)
    };
    for reason in &mut new {
        if !listed(&old, &reason.entry) {
            reason.because = added.clone();
        }
    }
    for mut reason in old {
        if !listed(&new, &reason.entry) {
            reason.because = removed.clone();
            new.push(reason);
        }
    }
    new
}

/// Present entries, then those of the source that are missing; `<local>` last.
fn union(present: &str, source: &str) -> Vec<EntryReason> {
    let mut reasons = stay(present);
    for mut reason in stay(source) {
        if !names(reasons.iter().map(|known| &known.entry), &reason.entry) {
            reason.because = Because::Copied;
            reasons.push(reason);
        }
    }
    reasons.sort_by_key(|reason| reason.entry.eq_ignore_ascii_case("<local>"));
    reasons
}

/// The list that holds what is not removed.
fn list(reasons: &[EntryReason]) -> String {
    let kept = reasons.iter().filter(|reason| !reason.because.is_removal());
    bypass::join(kept.map(|reason| reason.entry.as_str()))
}

/// An account without a proxy needs nothing, unless something must go by one.
/// `stored` is the proxy that it holds switched off, if it does.
fn without_proxy(account: Account, site: &Site, stored: &str, findings: &mut Vec<Finding>) {
    let needed = site.bypass.entra == Route::Proxy || site.bypass.backup == Route::Proxy;
    let stored = stored.trim();
    if !stored.is_empty() {
        findings.push(Finding::ProxySwitchedOff {
            account,
            proxy: proxy_server::masked(stored),
            needed,
        });
    } else if needed {
        findings.push(Finding::ProxyMissing { account });
    }
}

/// Present entries keep their order; what is missing follows; `<local>` ends
/// the list, where Windows' own dialog puts it.
///
/// The present list is split as WinINet splits it and joined with `;`, the only
/// separator that .NET Framework knows too, so that both read the same entries.
fn merge(
    present: &str,
    catalogue: &'static Catalogue,
    site_bypass: &site::Bypass,
) -> Vec<EntryReason> {
    let listed = |reasons: &[EntryReason], entry: &str| {
        reasons
            .iter()
            .any(|reason| reason.entry.eq_ignore_ascii_case(entry))
    };
    let mut reasons: Vec<EntryReason> = Vec::new();
    let mut removed: Vec<EntryReason> = Vec::new();
    let wants_local = site_bypass.local && !names(&site_bypass.remove, "<local>");
    let mut local = wants_local.then_some(Because::Local);
    for entry in BypassList::parse(present, Consumer::Wininet).entries() {
        if names(&site_bypass.remove, &entry.text) {
            removed.push(EntryReason {
                entry: entry.text.clone(),
                because: Because::Removed,
            });
        } else if entry.form == EntryForm::Local {
            local = Some(Because::Present);
        } else {
            reasons.push(EntryReason {
                entry: entry.text.clone(),
                because: Because::Present,
            });
        }
    }
    let required = catalogue
        .bypass_patterns(site_bypass.choices())
        .into_iter()
        .map(|endpoint| (endpoint.pattern, Because::Required(endpoint)));
    let added = site_bypass
        .add
        .iter()
        .map(|entry| (entry.as_str(), Because::Added));
    for (entry, because) in required.chain(added) {
        if entry.eq_ignore_ascii_case("<local>") {
            local.get_or_insert(because);
        } else if !names(&site_bypass.remove, entry) && !listed(&reasons, entry) {
            reasons.push(EntryReason {
                entry: entry.to_owned(),
                because,
            });
        }
    }
    if let Some(because) = local {
        reasons.push(EntryReason {
            entry: "<local>".to_owned(),
            because,
        });
    }
    reasons.append(&mut removed);
    reasons
}

fn names<'a>(entries: impl IntoIterator<Item = &'a String>, entry: &str) -> bool {
    entries
        .into_iter()
        .any(|name| name.eq_ignore_ascii_case(entry))
}

/// Asks the list itself, name by name of the catalogue: does it send where the
/// site says, and which entry decides?
fn hold_against_site(
    account: Account,
    catalogue: &'static Catalogue,
    site: &Site,
    list: &str,
    findings: &mut Vec<Finding>,
) {
    let parsed = BypassList::parse(list, Consumer::DotnetFramework);
    for endpoint in catalogue.endpoints() {
        if endpoint.service == Service::Management {
            continue;
        }
        let wanted = site.route_of(endpoint.service);
        let url = format!("https://{}/", endpoint.pattern.replace('*', "any"));
        let Ok(destination) = Destination::parse(&url) else {
            continue;
        };
        let found = match parsed.decide(&destination, &HostContext::default()) {
            Decision::NotListed if wanted == Route::Direct => Finding::NameNotCovered {
                account,
                name: endpoint.pattern,
                service: endpoint.service,
            },
            Decision::Direct(DirectBecause::Entry { index }) if wanted == Route::Proxy => {
                Finding::EntryAgainstSite {
                    account,
                    entry: parsed.entries()[index].text.clone(),
                    service: endpoint.service,
                }
            }
            _ => continue,
        };
        if !findings.contains(&found) {
            findings.push(found);
        }
    }
}
