//! A whole list.

use std::ops::Range;

use super::{Rule, entry};
use crate::bypass::{BypassList, Consumer, Decision, EntryForm, HostContext};
use crate::catalogue::{Catalogue, Cloud, Service};
use crate::destination::Destination;
use crate::finding::Severity;
use crate::proxy_server;
use crate::site::{self, Route};

/// What a list is held against.
#[derive(Clone, Copy, Debug)]
pub struct Wants<'a> {
    /// Whose names.
    pub cloud: Cloud,
    /// The way of Azure Backup and its storage.
    pub backup: Route,
    /// The way of Entra ID; where it is not known, a list that holds any name of
    /// Entra ID is taken to want it direct.
    pub entra: Option<Route>,
    /// Whether names without a dot go around the proxy.
    pub local: bool,
    /// Entries that somebody wants besides.
    pub also: &'a [String],
    /// A `ProxyServer` string to look at as well.
    pub proxy_server: Option<&'a str>,
    /// Whether the list is for `WinHTTP`, too.
    pub winhttp: bool,
}

impl Default for Wants<'_> {
    fn default() -> Self {
        Self {
            cloud: Cloud::AzureCloud,
            backup: Route::Direct,
            entra: None,
            local: true,
            also: &[],
            proxy_server: None,
            winhttp: false,
        }
    }
}

impl<'a> Wants<'a> {
    /// What a site says.
    #[must_use]
    pub fn of(cloud: Cloud, bypass: &'a site::Bypass) -> Self {
        Self {
            cloud,
            backup: bypass.backup,
            entra: Some(bypass.entra),
            local: bypass.local,
            also: &bypass.add,
            ..Self::default()
        }
    }

    /// The way of a service; `None` where nobody says.
    pub(super) fn route_of(&self, service: Service) -> Option<Route> {
        match service {
            Service::Platform => Some(Route::Direct),
            Service::Entra => self.entra,
            Service::Management => None,
            Service::Backup | Service::Blob | Service::Queue | Service::Storage => {
                Some(self.backup)
            }
        }
    }
}

/// Something found in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub rule: Rule,
    /// The text that it is about; `None` where it is about what is not there.
    pub entry: Option<String>,
    /// Where that stands, in bytes of the list as given; the end of the list for
    /// what is missing.
    pub span: Range<usize>,
}

impl Finding {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.rule.severity()
    }
}

/// Everything that is the matter with a list, in the order of its text.
#[must_use]
pub fn lint(text: &str, wants: &Wants<'_>) -> Vec<Finding> {
    let wants = &Wants {
        entra: wants
            .entra
            .or_else(|| Some(assumed_entra(text, wants.cloud))),
        ..*wants
    };
    let mut findings = entry::findings(text, wants);
    let end = text.trim_end().len();
    let mut missing = |rule| {
        findings.push(Finding {
            rule,
            entry: None,
            span: end..end,
        });
    };
    absent(text, wants, &mut missing);
    if let Some(proxy) = wants.proxy_server {
        let dotnet = Consumer::DotnetFramework;
        if proxy_server::select(proxy, "https", dotnet).is_err() {
            let proxy = proxy_server::masked(proxy);
            missing(Rule::ProxyUnusable { proxy });
        }
    }
    let characters = text.chars().count();
    let limits = [2064, 1024, 255].into_iter();
    if let Some(limit) = limits.filter(|limit| characters > *limit).max() {
        findings.push(Finding {
            rule: Rule::Long { characters, limit },
            entry: None,
            span: 0..text.len(),
        });
    }
    findings.sort_by_key(|finding| (finding.span.start, finding.rule.place()));
    findings
}

/// Direct where the list names anything of Entra ID, else by the proxy.
fn assumed_entra(text: &str, cloud: Cloud) -> Route {
    let catalogue = Catalogue::of(cloud);
    let list = BypassList::parse(text, Consumer::Wininet);
    let mut entries = list.entries().iter();
    let names_entra = entries.any(|entry| {
        let host = entry.text.replacen('*', "any", 1);
        catalogue.service_of(&host) == Some(Service::Entra)
    });
    if names_entra {
        Route::Direct
    } else {
        Route::Proxy
    }
}

/// What ought to be there, for the consumer that counts.
fn absent(text: &str, wants: &Wants<'_>, missing: &mut impl FnMut(Rule)) {
    let list = BypassList::parse(text, Consumer::DotnetFramework);
    let host = HostContext::default();
    let is_covered = |pattern: &str| {
        let url = format!("https://{}/", pattern.replace('*', "any"));
        Destination::parse(&url)
            .is_ok_and(|destination| list.coverage(&destination, &host) != Decision::NotListed)
    };
    let mut seen: Vec<&str> = Vec::new();
    for endpoint in Catalogue::of(wants.cloud).endpoints() {
        let name = endpoint.pattern;
        let is_wanted = wants.route_of(endpoint.service) == Some(Route::Direct);
        if !is_wanted || seen.contains(&name) || is_covered(name) {
            continue;
        }
        // A pattern that is asked for brings what it covers.
        let is_brought = |wide: &&str| {
            let suffix = wide.strip_prefix('*');
            suffix.is_some_and(|suffix| name.ends_with(suffix))
        };
        let brought = seen.iter().any(is_brought);
        seen.push(name);
        match endpoint.service {
            _ if brought => {}
            Service::Platform => missing(Rule::PlatformMissing { name }),
            service => missing(Rule::Missing { name, service }),
        }
    }
    let has_local = list
        .entries()
        .iter()
        .any(|entry| entry.form == EntryForm::Local);
    if wants.local && !has_local {
        missing(Rule::LocalMissing);
    }
}
