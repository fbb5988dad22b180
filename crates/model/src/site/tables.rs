//! The tables of `site.toml` as values.

use super::choice::choice;
use super::{Database, DatabasePattern, ProxyAddress, ResourceId};
use crate::catalogue::{BypassChoices, Cloud, Region, Service};

/// What the owner wants: one `site.toml`, read and valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Where in Azure.
    pub azure: Azure,
    /// The Recovery Services vault.
    pub vault: Vault,
    /// The vault's private endpoint.
    pub private_endpoint: PrivateEndpoint,
    /// Who makes the names resolve to it.
    pub dns: Dns,
    /// The SQL Server virtual machines, at least one; every node of an availability group.
    pub vms: Vec<Vm>,
    /// The corporate proxy.
    pub proxy: Proxy,
    /// What goes around the proxy.
    pub bypass: Bypass,
    /// The databases.
    pub sql: Sql,
}

impl Site {
    /// The way that the site names for a service; what it does not name stays
    /// out of the proxy.
    #[must_use]
    pub fn route_of(&self, service: Service) -> Route {
        match service {
            Service::Entra => self.bypass.entra,
            service if service.is_protected() => self.bypass.backup,
            _ => Route::Direct,
        }
    }
}

/// `[azure]`: where in Azure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Azure {
    /// The cloud.
    pub cloud: Cloud,
    /// The Entra tenant, as a GUID or a domain, where it has to be named.
    pub tenant: Option<String>,
    /// The subscription, a GUID.
    pub subscription: String,
    /// The resource group of the vault, and of all that names no other.
    pub resource_group: String,
    /// The region of the vault, the endpoint and the virtual machines; it is one of `cloud`.
    pub location: &'static Region,
}

/// `[vault]`: the Recovery Services vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vault {
    /// Its name.
    pub name: String,
    /// `Some`: where it is missing, create it with this redundancy.
    pub create: Option<Redundancy>,
    /// Whether backups may also arrive by the public path.
    pub public_network_access: PublicNetworkAccess,
}

choice! {
    /// How the vault's storage is replicated; it cannot change after the first
    /// protection. Source: `bms.json` of `Microsoft.RecoveryServices` in
    /// Azure/azure-rest-api-specs.
    Redundancy {
        /// Copies in a second region.
        GeoRedundant = "GeoRedundant",
        /// Copies in one data centre.
        LocallyRedundant = "LocallyRedundant",
        /// Copies in the region's availability zones.
        ZoneRedundant = "ZoneRedundant",
    }
}

choice! {
    /// Whether the vault takes data from public networks.
    PublicNetworkAccess {
        /// Only through private endpoints.
        Deny = "deny",
        /// Also publicly: where a private name does not resolve, the extension
        /// falls back to the public path without a word.
        Allow = "allow",
    }
}

/// `[private_endpoint]`: the vault's private endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateEndpoint {
    /// Its name.
    pub name: String,
    /// The subscription that it is made in.
    pub subscription: String,
    /// The resource group that it is made in.
    pub resource_group: String,
    /// The subnet that its addresses come from.
    pub subnet: ResourceId,
}

/// `[dns]`: who makes the vault's names resolve to the private endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// Whether Azure keeps the records.
    pub mode: DnsMode,
    /// Private DNS zones that exist already, often in a hub's subscription.
    pub zones: Vec<ResourceId>,
    /// Virtual networks to link to the zones; nothing else is linked.
    pub link_vnets: Vec<ResourceId>,
}

choice! {
    /// Who keeps the DNS records.
    DnsMode {
        /// Azure, by zone groups of the private endpoint.
        Azure = "azure",
        /// Another team: the records and forwarders to ask for are printed.
        Manual = "manual",
    }
}

/// `[[vm]]`: a virtual machine with SQL Server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vm {
    /// Its resource name.
    pub name: String,
    /// Its resource group.
    pub resource_group: String,
    /// How its settings are reached.
    pub via: Via,
}

choice! {
    /// How a virtual machine's settings are reached.
    Via {
        /// Sidestep runs on it.
        Local = "local",
        /// Azure's run command, from an administrator's computer.
        RunCommand = "run-command",
    }
}

/// `[proxy]`: the corporate proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Whether the accounts' proxy is written at all.
    pub mode: ProxyMode,
    /// The proxy; always there with [`ProxyMode::Set`], else for information only.
    pub server: Option<ProxyAddress>,
}

choice! {
    /// What happens to the accounts' proxy.
    ProxyMode {
        /// It stays as it is; only the bypass list changes.
        Keep = "keep",
        /// It is switched on and the server is written.
        Set = "set",
    }
}

/// `[bypass]`: what goes around the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bypass {
    /// The way of Azure Backup and the vault's storage.
    pub backup: Route,
    /// The way of Entra ID, which has no private endpoint.
    pub entra: Route,
    /// Whether names without a dot go around the proxy (`<local>`).
    pub local: bool,
    /// Further entries to write.
    pub add: Vec<String>,
    /// Entries to drop from what is there; all others stay. Also unusable ones
    /// can be named here, since removing them is their remedy.
    pub remove: Vec<String>,
}

impl Bypass {
    /// What goes around the proxy.
    #[must_use]
    pub fn choices(&self) -> BypassChoices {
        BypassChoices {
            backup_direct: self.backup == Route::Direct,
            entra_direct: self.entra == Route::Direct,
        }
    }
}

choice! {
    /// A way out of the virtual machine.
    Route {
        /// Around the proxy.
        Direct = "direct",
        /// Through the proxy.
        Proxy = "proxy",
    }
}

/// `[sql]`: the databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql {
    /// The databases to protect; empty until the owner has chosen.
    pub databases: Vec<DatabasePattern>,
    /// The backup policy to protect them with.
    pub policy: String,
    /// The one database whose backup proves the path.
    pub backup: Option<Database>,
}
