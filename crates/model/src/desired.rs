//! What an account's settings shall be: what is there ∪ what is required.

use crate::account::Account;
use crate::bypass::{self, BypassList, Consumer, Decision, DirectBecause, EntryForm, HostContext};
use crate::catalogue::{BypassChoices, Catalogue, Endpoint, Service};
use crate::destination::Destination;
use crate::finding::Finding;
use crate::observed::Observed;
use crate::proxy_server;
use crate::settings::{Flags, ProxySettings};
use crate::site::{self, ProxyMode, Route, Site};

/// The longest list that every known reader takes: scripts and tools with
/// one-byte lengths break above it; others at 1,024 (libproxy's buffer) and
/// 2,064 characters (the limit of Windows' own dialogs).
pub const SHORTEST_LIST_LIMIT: usize = 255;

/// The wanted state of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Whose.
    pub account: Account,
    /// What its settings shall be.
    pub wanted: Wanted,
    /// What was noticed on the way; the gravest decides whether to go on.
    pub findings: Vec<Finding>,
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
    /// `bypass.remove` of the site drops it.
    Removed,
}

impl Desired {
    /// The wanted state of `account` on the machine that `observed` shows.
    #[must_use]
    pub fn of(
        account: Account,
        catalogue: &'static Catalogue,
        site: &Site,
        observed: &Observed,
    ) -> Self {
        let mut findings = Vec::new();
        let wanted = wanted(account, catalogue, site, observed, &mut findings);
        Self {
            account,
            wanted,
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

fn wanted(
    account: Account,
    catalogue: &'static Catalogue,
    site: &Site,
    observed: &Observed,
    findings: &mut Vec<Finding>,
) -> Wanted {
    if observed.is_per_machine() {
        findings.push(Finding::PerMachinePolicy);
        return Wanted::Unknown;
    }
    let here = observed.account(account);
    if !here.exists {
        findings.push(Finding::AccountMissing { account });
        return Wanted::Unknown;
    }
    if let Some((value, error)) = here.unreadable_blob() {
        findings.push(Finding::BlobUnreadable {
            account,
            value: value.name(),
            error,
        });
        return Wanted::Unknown;
    }
    let current = here.intended();
    let direct = || {
        let endpoints = catalogue.bypass_patterns(choices(&site.bypass));
        endpoints.iter().map(|endpoint| endpoint.pattern).collect()
    };
    // What nobody set is Windows' default and may be replaced.
    if current.has_auto_detect() && !here.is_unset() {
        findings.push(Finding::AutoDetectOn {
            account,
            direct: direct(),
        });
    }
    if current.has_auto_config_url() {
        findings.push(Finding::AutoConfigScript {
            account,
            url: proxy_server::masked(&current.auto_config_url),
            direct: direct(),
        });
    }
    if !findings.is_empty() {
        return Wanted::Unknown;
    }
    if here.has_only_plain_values() {
        findings.push(Finding::BlobMissing { account });
    }

    let proxy_server = match (site.proxy.mode, &site.proxy.server) {
        (ProxyMode::Set, Some(server)) => server.to_string(),
        _ if here.is_unset() => {
            findings.push(Finding::SettingsUnset { account });
            without_proxy(account, site, "", findings);
            return Wanted::Unset;
        }
        _ if current.has_manual_proxy() => current.proxy_server.clone(),
        _ => {
            without_proxy(account, site, &current.proxy_server, findings);
            return Wanted::NoProxy;
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
    if dotnet == Ok(None) {
        without_proxy(account, site, "", findings);
        return Wanted::NoProxy;
    }
    let reasons = merge(&current.proxy_override, catalogue, &site.bypass);
    let kept = reasons
        .iter()
        .filter(|reason| reason.because != Because::Removed);
    let proxy_override = bypass::join(kept.map(|reason| reason.entry.as_str()));
    inspect(account, catalogue, site, &proxy_override, findings);
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
        .bypass_patterns(choices(site_bypass))
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

fn choices(site_bypass: &site::Bypass) -> BypassChoices {
    BypassChoices {
        backup_direct: site_bypass.backup == Route::Direct,
        entra_direct: site_bypass.entra == Route::Direct,
    }
}

fn names(entries: &[String], entry: &str) -> bool {
    entries.iter().any(|name| name.eq_ignore_ascii_case(entry))
}

fn inspect(
    account: Account,
    catalogue: &'static Catalogue,
    site: &Site,
    list: &str,
    findings: &mut Vec<Finding>,
) {
    for entry in BypassList::parse(list, Consumer::Wininet).entries() {
        // A `/` outside a scheme makes WinINet drop the whole list; text that is
        // not ASCII means different things to different readers.
        let breaks_a_reader = entry.form == EntryForm::Poison || !entry.text.is_ascii();
        // .NET Framework does not know `<-loopback>`.
        let only_one_knows = entry.form == EntryForm::MinusLoopback;
        let entry = &entry.text;
        if breaks_a_reader {
            findings.push(Finding::EntryBreaksList {
                account,
                entry: entry.clone(),
            });
        } else if only_one_knows || readers_disagree(entry) {
            findings.push(Finding::ReadersDisagree {
                account,
                text: entry.clone(),
            });
        } else if let Some(meant) = catalogue.misspelling_of(entry) {
            findings.push(Finding::MisspeltName {
                entry: entry.clone(),
                meant: meant.to_owned(),
            });
        }
    }
    hold_against_site(account, catalogue, site, list, findings);
    let characters = list.chars().count();
    if characters > SHORTEST_LIST_LIMIT {
        findings.push(Finding::ListLong { characters });
    }
}

/// Whether the consumers part on an entry: on what it names, with and without
/// TLS, or on a host that it should have nothing to do with.
fn readers_disagree(entry: &str) -> bool {
    let named = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    let named = named.replace('*', "any");
    let lists = Consumer::ALL.map(|consumer| BypassList::parse(entry, consumer));
    ["https", "http"]
        .into_iter()
        .flat_map(|scheme| [&named, "unrelated.invalid"].map(|host| format!("{scheme}://{host}/")))
        .filter_map(|url| Destination::parse(&url).ok())
        .any(|destination| {
            let context = HostContext::default();
            let [first, second] = &lists;
            let is_direct =
                |list: &BypassList| list.decide(&destination, &context) != Decision::NotListed;
            is_direct(first) != is_direct(second)
        })
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
