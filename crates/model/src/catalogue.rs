//! What the backup extension must reach, by cloud and service, with the source of every name.
//!
//! The data is `catalogue/*.toml` of this crate, embedded. A name without a
//! source, or a file that does not parse, fails this crate's tests.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

mod hosts;
mod region;
pub(crate) mod spelling;

pub use hosts::HostIndex;
pub use region::{Confidence, Region, geo_code, nearest_region, regions};

/// An Azure cloud that Sidestep has a catalogue of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cloud {
    /// The public cloud.
    #[default]
    AzureCloud,
    /// Azure Government of the United States.
    #[serde(rename = "AzureUSGovernment")]
    AzureUsGovernment,
    /// Azure in China, operated by 21Vianet.
    AzureChinaCloud,
}

impl Cloud {
    /// Every cloud, the public one first.
    pub const ALL: &'static [Self] = &[
        Self::AzureCloud,
        Self::AzureUsGovernment,
        Self::AzureChinaCloud,
    ];

    /// The name that `site.toml`, the command line and `az cloud` use.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::AzureCloud => "AzureCloud",
            Self::AzureUsGovernment => "AzureUSGovernment",
            Self::AzureChinaCloud => "AzureChinaCloud",
        }
    }

    /// The host where Entra ID issues tokens (`Publish-Report.ps1` of
    /// Azure/Azure-Workload-Backup-Troubleshooting-Scripts).
    #[must_use]
    pub fn sign_in_host(self) -> &'static str {
        match self {
            Self::AzureCloud => "login.microsoftonline.com",
            Self::AzureUsGovernment => "login.microsoftonline.us",
            Self::AzureChinaCloud => "login.partner.microsoftonline.cn",
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// What a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Azure Backup itself.
    Backup,
    /// Blob storage of the vault.
    Blob,
    /// The queue through which the extension receives tasks.
    Queue,
    /// Other storage of the vault.
    Storage,
    /// Entra ID, which has no private endpoint.
    Entra,
    /// The virtual machine itself and the platform addresses only it can reach.
    Platform,
    /// Azure Resource Manager: for the administrator, not for the extension.
    Management,
}

impl Service {
    /// The name that JSON and the catalogue use.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Blob => "blob",
            Self::Queue => "queue",
            Self::Storage => "storage",
            Self::Entra => "entra",
            Self::Platform => "platform",
            Self::Management => "management",
        }
    }

    /// Whether this is the traffic that private endpoints are there for:
    /// Azure Backup and the vault's storage.
    #[must_use]
    pub fn is_protected(self) -> bool {
        matches!(
            self,
            Self::Backup | Self::Blob | Self::Queue | Self::Storage
        )
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// One name, or one pattern of names, that a public document asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// A host name, an IPv4 address, or `*.` and a suffix, in lower case.
    pub pattern: &'static str,
    /// What it belongs to.
    pub service: Service,
    /// Why it is needed: one sentence.
    pub why: &'static str,
    /// The public document that names it.
    pub source: &'static str,
    /// Month of that document (`YYYY-MM`), or of reading it where it has none.
    pub date: &'static str,
    /// Whether the vault's private endpoint, with the addresses it brings, serves it.
    pub private_link: bool,
}

impl Endpoint {
    /// Whether every host of `other`, a host name or a pattern in lower case,
    /// is also one of this pattern.
    fn covers(&self, other: &str) -> bool {
        match self.pattern.strip_prefix('*') {
            Some(suffix) => other.len() > suffix.len() && other.ends_with(suffix),
            None => other == self.pattern,
        }
    }
}

/// Published address ranges of a service: for firewalls and route tables, never
/// for a bypass list, which compares text and cannot express a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddressRanges {
    /// Whose addresses they are.
    pub service: Service,
    /// The ranges in CIDR notation, IPv4 before IPv6.
    pub ranges: Vec<&'static str>,
    /// The public document that lists them.
    pub source: &'static str,
    /// Month of that document, `YYYY-MM`.
    pub date: &'static str,
}

/// What goes around the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BypassChoices {
    /// Azure Backup and the vault's storage.
    pub backup_direct: bool,
    /// Entra ID; only where the virtual machine has another way out than the proxy.
    pub entra_direct: bool,
}

impl BypassChoices {
    fn include(self, service: Service) -> bool {
        match service {
            Service::Platform => true,
            Service::Entra => self.entra_direct,
            Service::Management => false,
            Service::Backup | Service::Blob | Service::Queue | Service::Storage => {
                self.backup_direct
            }
        }
    }
}

/// All that is known of one cloud.
#[derive(Debug)]
pub struct Catalogue {
    endpoints: Vec<Endpoint>,
    addresses: Vec<AddressRanges>,
}

impl Catalogue {
    /// The catalogue of `cloud`.
    #[must_use]
    pub fn of(cloud: Cloud) -> &'static Self {
        static AZURE_CLOUD: LazyLock<Catalogue> =
            LazyLock::new(|| Catalogue::new(include_str!("../catalogue/azure-cloud.toml")));
        static AZURE_US_GOVERNMENT: LazyLock<Catalogue> =
            LazyLock::new(|| Catalogue::new(include_str!("../catalogue/azure-us-government.toml")));
        static AZURE_CHINA_CLOUD: LazyLock<Catalogue> =
            LazyLock::new(|| Catalogue::new(include_str!("../catalogue/azure-china-cloud.toml")));
        match cloud {
            Cloud::AzureCloud => &AZURE_CLOUD,
            Cloud::AzureUsGovernment => &AZURE_US_GOVERNMENT,
            Cloud::AzureChinaCloud => &AZURE_CHINA_CLOUD,
        }
    }

    /// Every documented endpoint, in the order of the generated list: platform,
    /// Backup, queue, blob, other storage, Entra ID, management.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The published address ranges.
    #[must_use]
    pub fn addresses(&self) -> &[AddressRanges] {
        &self.addresses
    }

    /// What a host name belongs to; the narrowest pattern decides. Letter case
    /// and one trailing dot do not matter.
    #[must_use]
    pub fn service_of(&self, host: &str) -> Option<Service> {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        self.endpoints
            .iter()
            .filter(|endpoint| endpoint.covers(&host))
            .max_by_key(|endpoint| endpoint.pattern.trim_start_matches('*').len())
            .map(|endpoint| endpoint.service)
    }

    /// The bypass list that `choices` ask for, without the entries that a wider
    /// one of the same list covers. The platform's addresses are always in it.
    #[must_use]
    pub fn bypass_patterns(&self, choices: BypassChoices) -> Vec<&Endpoint> {
        let chosen: Vec<&Endpoint> = self
            .endpoints
            .iter()
            .filter(|endpoint| choices.include(endpoint.service))
            .collect();
        chosen
            .iter()
            .copied()
            .filter(|endpoint| {
                !chosen.iter().any(|wider| {
                    wider.pattern != endpoint.pattern && wider.covers(endpoint.pattern)
                })
            })
            .collect()
    }

    /// Every name and pattern of this cloud.
    pub fn known_names(&self) -> impl Iterator<Item = &str> {
        self.endpoints.iter().map(|endpoint| endpoint.pattern)
    }

    /// The known name that `entry` was probably meant to be: exactly one edit
    /// away (a character lost, added or changed, or two neighbours swapped).
    /// An entry that a known pattern covers by its wildcard is no slip of it.
    #[must_use]
    pub fn misspelling_of(&self, entry: &str) -> Option<&str> {
        let entry = entry.to_ascii_lowercase();
        if self.known_names().any(|name| name == entry) {
            return None;
        }
        self.endpoints
            .iter()
            .filter(|endpoint| !endpoint.covers(&entry))
            .map(|endpoint| endpoint.pattern)
            .find(|name| spelling::is_one_edit(&entry, name))
    }

    fn new(text: &'static str) -> Self {
        let Groups { group } = embedded(text);
        let mut endpoints = Vec::new();
        let mut addresses = Vec::new();
        for group in group {
            endpoints.extend(group.endpoints.iter().map(|entry| Endpoint {
                pattern: entry.pattern,
                service: group.service,
                why: entry.why,
                source: group.source,
                date: group.date,
                private_link: group.private_link,
            }));
            if !group.addresses.is_empty() {
                addresses.push(AddressRanges {
                    service: group.service,
                    ranges: group.addresses,
                    source: group.source,
                    date: group.date,
                });
            }
        }
        Self {
            endpoints,
            addresses,
        }
    }
}

/// The 44 entries that the support article of October 2022 gives, to the
/// letter and in its order, its one misspelt name included.
#[must_use]
pub fn article_2022_10() -> Vec<&'static str> {
    static ARTICLE: LazyLock<Article<'static>> =
        LazyLock::new(|| embedded(include_str!("../catalogue/article-2022-10.toml")));
    ARTICLE.entries.clone()
}

/// Reads data that is part of the program. That it can be read is proved by this
/// crate's tests, so that failing here means a broken build, not a broken input.
fn embedded<T: Deserialize<'static>>(text: &'static str) -> T {
    toml::from_str(text).expect("the embedded catalogue parses")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Groups<'a> {
    #[serde(borrow)]
    group: Vec<Group<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group<'a> {
    service: Service,
    source: &'a str,
    date: &'a str,
    private_link: bool,
    #[serde(borrow, default)]
    addresses: Vec<&'a str>,
    endpoints: Vec<Name<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name<'a> {
    pattern: &'a str,
    why: &'a str,
}

#[derive(Deserialize)]
struct Article<'a> {
    #[serde(borrow)]
    entries: Vec<&'a str>,
}
