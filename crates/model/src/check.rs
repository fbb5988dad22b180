//! Does every way work? Each account by each endpoint: what to try, and what it tells.

use std::net::IpAddr;

use crate::account::Account;
use crate::bypass::{Consumer, HostContext};
use crate::catalogue::{Catalogue, Service};
use crate::desired::{Clear, Desired};
use crate::destination::Destination;
use crate::dns::AddressClass;
use crate::finding::{Effect, Finding};
use crate::observation::{Failure, Observation, Stage, Via};
use crate::observed::{Observed, ValueName};
use crate::plan::Plan;
use crate::proxy_server;
use crate::redacted::Redacted;
use crate::route::{self, Route, RouteDecision};
use crate::site::{self, PublicNetworkAccess, Site};
use crate::surroundings::surroundings;

/// Azure's codes where the machine cannot reach what it needs
/// ("Troubleshoot SQL Server database backup", MicrosoftDocs/azure-docs).
const CONNECTIVITY_CODES: [&str; 3] = [
    "UserErrorVMInternetConnectivityIssue",
    "WorkloadExtensionNotReachable",
    "WorkloadExtensionDidntDequeueMsg",
];

/// Whether a failure with that code is worth a check of every way.
#[must_use]
pub fn is_about_connectivity(azure_code: &str) -> bool {
    CONNECTIVITY_CODES
        .iter()
        .any(|code| code.eq_ignore_ascii_case(azure_code))
}

/// An endpoint that the extension needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name, as the extension asks for it.
    pub host: String,
    /// What it belongs to.
    pub service: Service,
    /// Its addresses in the private endpoint; none for what has no private endpoint.
    pub expected: Vec<IpAddr>,
}

/// One endpoint for one account: the route predicted, and the ways to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Whose settings decide.
    pub account: Account,
    /// Where to.
    pub target: Target,
    /// The route by the account's settings, and what decided it.
    pub decision: RouteDecision,
    /// The ways worth trying: the one that the settings choose and, for Entra ID,
    /// which has no private endpoint, the other one. None where a script decides
    /// or the consumer throws.
    pub ways: Vec<Via>,
}

/// A probe and what its ways showed, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What was to be tried.
    pub probe: Probe,
    /// What happened.
    pub seen: Vec<Observation>,
}

/// One of the values that the article has compared by eye.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredValue {
    /// Whose.
    pub account: Account,
    /// Which.
    pub value: ValueName,
    /// What it holds, without credentials.
    pub data: Option<Redacted>,
    /// Whether it is what the site wants.
    pub is_wanted: bool,
}

/// A check that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The article's four values: `ProxyEnable` and `ProxyOverride` of both accounts.
    pub values: Vec<StoredValue>,
    /// Every probe.
    pub tried: Vec<Tried>,
    /// What is wrong; a symptom is silent beside its cause.
    pub findings: Vec<Finding>,
}

impl Check {
    /// Whether everything works as the site says.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        Effect::of(&self.findings) == Effect::GoOn
    }
}

/// What to try for those of `accounts` that exist and whose settings can be read.
#[must_use]
pub fn probes(observed: &Observed, accounts: &[Account], targets: &[Target]) -> Vec<Probe> {
    let mut probes = Vec::new();
    for account in accounts.iter().copied() {
        if !observed.account(account).exists {
            continue;
        }
        let Ok(settings) = observed.deciding(account).settings() else {
            continue;
        };
        for target in targets {
            let Ok(destination) = Destination::parse(&format!("https://{}/", target.host)) else {
                continue;
            };
            let consumer = Consumer::DotnetFramework;
            let decision = route::route(&destination, &settings, consumer, &HostContext::default());
            let stored = proxy_server::select(&settings.proxy_server, "https", consumer);
            let proxy = stored.ok().flatten().map(Via::Proxy);
            let other = proxy.filter(|_| target.service == Service::Entra);
            let ways = match &decision.route {
                Route::Direct => std::iter::once(Via::Direct).chain(other).collect(),
                Route::Proxy(proxy) if target.service == Service::Entra => {
                    vec![Via::Proxy(proxy.clone()), Via::Direct]
                }
                Route::Proxy(proxy) => vec![Via::Proxy(proxy.clone())],
                Route::Auto { .. } | Route::Error(_) | Route::Unknown => Vec::new(),
            };
            probes.push(Probe {
                account,
                target: target.clone(),
                decision,
                ways,
            });
        }
    }
    probes
}

/// The verdict, from the settings as they are and what was tried.
#[must_use]
pub fn verdict(site: &Site, observed: &Observed, accounts: &[Account], tried: Vec<Tried>) -> Check {
    let mut findings = Vec::new();
    let mut values = Vec::new();
    for account in accounts.iter().copied() {
        let here = observed.account(account);
        if !here.exists {
            findings.push(Finding::AccountNeeded { account });
            continue;
        }
        let catalogue = Catalogue::of(site.azure.cloud);
        let desired = Desired::of(account, catalogue, site, observed, Clear::default());
        let plan = Plan::diff(observed, desired);
        let unwanted: Vec<ValueName> = plan.changes.iter().map(|change| change.value).collect();
        values.extend(
            [ValueName::ProxyEnable, ValueName::ProxyOverride].map(|value| StoredValue {
                account,
                value,
                data: here
                    .values
                    .get(&value)
                    .map(|data| Redacted::of(value, data)),
                is_wanted: !unwanted.contains(&value),
            }),
        );
        let in_the_way = plan.findings.iter();
        findings.extend(
            in_the_way
                .filter(|finding| finding.effect() > Effect::GoOn)
                .cloned(),
        );
        if !unwanted.is_empty() {
            findings.push(Finding::SettingsNotAsWanted {
                account,
                values: unwanted,
            });
        }
    }
    let has_cause = |account| {
        let about = findings.iter().map(Finding::account);
        about.flatten().any(|other| other == account)
    };
    // Where an account's settings are wrong, its routes are their symptoms.
    let tried_soundly: Vec<&Tried> = tried
        .iter()
        .filter(|tried| !has_cause(tried.probe.account))
        .collect();
    let mut of_ways: Vec<Finding> = Vec::new();
    for tried in &tried_soundly {
        if let Some(finding) = against_site(site, &tried.probe).or_else(|| cause(tried)) {
            tell(&mut of_ways, finding);
        }
    }
    of_ways.extend(not_private(site, &tried_soundly));
    let of_tls = observed.tls.findings();
    if Effect::of(&of_tls) > Effect::GoOn {
        // Whose handshakes fail then is a symptom.
        of_ways.retain(|finding| !matches!(finding, Finding::SchannelFails { .. }));
    }
    findings.extend(of_tls);
    findings.extend(of_ways);
    findings.extend(surroundings(observed));
    Check {
        values,
        tried,
        findings,
    }
}

/// Whether the route is another than the site names.
fn against_site(site: &Site, probe: &Probe) -> Option<Finding> {
    let Probe {
        account,
        target,
        decision,
        ..
    } = probe;
    let is_direct = match &decision.route {
        Route::Direct => true,
        Route::Proxy(_) => false,
        Route::Auto { .. } | Route::Error(_) | Route::Unknown => return None,
    };
    let wanted = site.route_of(target.service);
    // Without a proxy everything goes direct, whatever a site says.
    let no_proxy = decision.reason == route::Reason::NoProxy;
    let is_wanted = is_direct == (wanted == site::Route::Direct) || no_proxy;
    (!is_wanted).then(|| Finding::RouteAgainstSite {
        account: *account,
        hosts: vec![target.host.clone()],
        service: target.service,
        entry: decision.entry.as_ref().map(|entry| entry.text.clone()),
    })
}

/// The cause where the chosen way does not work.
fn cause(tried: &Tried) -> Option<Finding> {
    let chosen = tried.seen.first()?;
    if let Stage::Failed(_, Failure::Schannel(fault)) = &chosen.schannel {
        return Some(Finding::SchannelFails {
            hosts: vec![tried.probe.target.host.clone()],
            fault: *fault,
        });
    }
    let (stage, why) = chosen.failure()?;
    let account = tried.probe.account;
    let Target { host, service, .. } = tried.probe.target.clone();
    let other_works = tried.seen.get(1).filter(|other| other.reached());
    Some(match (&chosen.via, other_works.map(|other| &other.via)) {
        (Via::Proxy(proxy), _) if matches!(stage, "dns" | "tcp") => Finding::ProxyUnreachable {
            proxy: format!("{}:{}", proxy.host, proxy.port),
            detail: describe(why),
        },
        _ if matches!(why, Failure::Untrusted { .. }) => Finding::TlsInspected {
            hosts: vec![host],
            issuer: match why {
                Failure::Untrusted { issuer } => issuer.clone(),
                _ => None,
            },
        },
        (Via::Direct, Some(Via::Proxy(proxy))) => Finding::EntraByProxyOnly {
            host,
            proxy: format!("{}:{}", proxy.host, proxy.port),
        },
        (Via::Proxy(proxy), Some(Via::Direct)) => Finding::EntraDirectOnly {
            host,
            proxy: format!("{}:{}", proxy.host, proxy.port),
        },
        _ if matches!(chosen.dns, Stage::Failed(_, Failure::NoSuchName)) => Finding::NameUnknown {
            account,
            hosts: vec![host],
        },
        _ if stage == "tls" => Finding::TlsFails {
            account,
            host,
            detail: describe(why),
        },
        (via, _) => Finding::EndpointUnreachable {
            account,
            hosts: vec![host],
            service,
            proxy: match via {
                Via::Proxy(proxy) => Some(format!("{}:{}", proxy.host, proxy.port)),
                Via::Direct => None,
            },
            detail: describe(why),
        },
    })
}

/// Adds a finding. What is broken alike for several names, or for both accounts,
/// is one finding: it has one cause.
fn tell(told: &mut Vec<Finding>, finding: Finding) {
    for known in told.iter_mut() {
        let (known, new) = match (known, &finding) {
            (Finding::NameUnknown { hosts: known, .. }, Finding::NameUnknown { hosts, .. }) => {
                (known, hosts)
            }
            (
                Finding::TlsInspected {
                    hosts: known,
                    issuer: other,
                },
                Finding::TlsInspected { hosts, issuer },
            ) if *other == *issuer => (known, hosts),
            (
                Finding::SchannelFails {
                    hosts: known,
                    fault: other,
                },
                Finding::SchannelFails { hosts, fault },
            ) if *other == *fault => (known, hosts),
            (
                Finding::EndpointUnreachable {
                    hosts: known,
                    service: other_service,
                    proxy: other_proxy,
                    detail: other_detail,
                    ..
                },
                Finding::EndpointUnreachable {
                    hosts,
                    service,
                    proxy,
                    detail,
                    ..
                },
            ) if (&*other_service, &*other_proxy, &*other_detail) == (service, proxy, detail) => {
                (known, hosts)
            }
            (
                Finding::RouteAgainstSite {
                    account: other_account,
                    hosts: known,
                    entry: other_entry,
                    ..
                },
                Finding::RouteAgainstSite {
                    account,
                    hosts,
                    entry,
                    ..
                },
            ) if (&*other_account, &*other_entry) == (account, entry) => (known, hosts),
            (known, finding) if *known == *finding => return,
            _ => continue,
        };
        let missing = new.iter().filter(|host| !known.contains(host));
        let missing: Vec<String> = missing.cloned().collect();
        known.extend(missing);
        return;
    }
    told.push(finding);
}

/// The names that were reached directly, but not in the private endpoint: that
/// they answer proves nothing about the path.
fn not_private(site: &Site, tried: &[&Tried]) -> Option<Finding> {
    let mut names: Vec<String> = tried
        .iter()
        .filter(|tried| tried.probe.target.service.is_protected())
        .filter_map(|tried| {
            let expected = &tried.probe.target.expected;
            let direct = tried.seen.iter().find(|seen| seen.via == Via::Direct)?;
            let is_elsewhere =
                |address: &IpAddr| AddressClass::of(*address, expected) != AddressClass::Endpoint;
            let is_private = direct.addresses.is_empty() || expected.is_empty();
            (!is_private && direct.addresses.iter().any(is_elsewhere))
                .then(|| tried.probe.target.host.clone())
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return None;
    }
    Some(match site.vault.public_network_access {
        PublicNetworkAccess::Allow => Finding::PublicFallback { names },
        PublicNetworkAccess::Deny => Finding::NamesNotPrivate { names },
    })
}

fn describe(failure: &Failure) -> String {
    match failure {
        Failure::NoSuchName => "its name does not resolve".to_owned(),
        Failure::Unreachable => "no way leads to its address".to_owned(),
        Failure::Refused => "nothing listens at its address".to_owned(),
        Failure::TimedOut => "it did not answer in time".to_owned(),
        Failure::ProxyAnswered(status) => format!("the proxy answered {status}"),
        Failure::Untrusted { issuer } => match issuer {
            Some(issuer) => {
                format!("its certificate comes from \"{issuer}\", which is not trusted")
            }
            None => "its certificate is not trusted".to_owned(),
        },
        Failure::Schannel(_) => "Windows' own TLS does not shake hands".to_owned(),
        Failure::Other(words) => words.clone(),
    }
}
