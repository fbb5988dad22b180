//! What a lab is made for, in plain values.

use std::path::PathBuf;

use serde::Deserialize;

/// What the rehearsed site says, as far as the lab's world depends on it.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The cloud, which decides the suffixes of names.
    pub cloud: Cloud,
    /// The region, as `japaneast`.
    pub region: String,
    /// The region's code in Backup's names, as `jpe`.
    pub geo_code: String,
    /// The tenant's id; empty is a tenant of the lab's own.
    pub tenant: String,
    /// The subscription.
    pub subscription: String,
    /// The vault's resource group.
    pub resource_group: String,
    /// The vault's name.
    pub vault: String,
    /// Whether the vault is there when the lab starts.
    pub vault_exists: bool,
    /// Whether the vault then takes what comes from public addresses.
    pub vault_public_access: bool,
    /// Where the private endpoint will be, as a full resource id.
    pub endpoint_id: String,
    /// Its subnet, as a full resource id; it and its network are there.
    pub subnet_id: String,
    /// Ids of private zones that are there, linked to the machine's network.
    ///
    /// Where this and `link_vnets` are empty and DNS is Azure's, a hub's three
    /// zones are there.
    pub zones: Vec<String>,
    /// Ids of networks to link zones to; they are there, and the machine is in
    /// the first. Without any it is in the endpoint's network.
    pub link_vnets: Vec<String>,
    /// Whether the company's own DNS holds the endpoint's records.
    pub dns_by_hand: bool,
    /// The subscription's virtual machines: resource group and name.
    pub vms: Vec<(String, String)>,
    /// The name of the one that is the guest.
    pub vm: String,
    /// The corporate proxy.
    pub proxy: ProxyAddress,
    /// Whether both accounts use that proxy when the lab starts.
    pub initial: InitialProxy,
    /// The databases of the machine, `INSTANCE/database`.
    pub databases: Vec<String>,
    /// What each of them holds.
    pub content: Content,
    /// What is wrong in this world.
    pub faults: Vec<Fault>,
}

/// An Azure cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// The public cloud.
    AzureCloud,
    /// Azure Government of the United States.
    AzureUsGovernment,
    /// Azure in China.
    AzureChinaCloud,
}

/// The proxy as the accounts' settings name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAddress {
    /// An IPv4 address or a name.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// The accounts' settings when the lab starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialProxy {
    /// Both use the proxy, with exceptions of the company's own.
    On,
    /// Neither uses one.
    None,
}

/// What is backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A file.
    File(PathBuf),
    /// Bytes made from a seed, the same every time.
    Generated {
        /// How many.
        bytes: u64,
        /// Which.
        seed: u64,
    },
}

/// Something wrong, or unusual, in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Neither account uses a proxy.
    AccountsWithoutProxy,
    /// The proxy's network is linked to the private zones and sees the endpoint.
    ProxyReachesEndpoint,
    /// Both accounts hold the support article's list.
    ArticleList,
    /// Nothing listens at the proxy's address.
    ProxyDown,
    /// The plugin account holds SYSTEM's strings with the proxy switched off.
    PluginProxyDisabled,
    /// "Automatically detect settings" is on, and WPAD names the proxy.
    AutoDetectOn,
    /// The machine has no direct way to Entra ID; the proxy has.
    EntraDirectBlocked,
    /// The policy `ProxySettingsPerUser` = 0; the machine's settings name the proxy.
    PerMachinePolicy,
    /// The machine counts as registered by its private endpoint, but the plugin's
    /// account is not there.
    PluginNotRegistered,
    /// A firewall between the machine and Entra ID presents certificates of its own authority.
    TlsInspection,
    /// The private zones are there, but not linked to the machine's network.
    ZonesNotLinked,
    /// Resource Manager is busy: it throttles, fails once, and loses one answer.
    Throttled,
    /// Another machine was registered with the vault before, and there is no endpoint.
    VaultNotEmpty,
    /// The client secret is past its end.
    SecretExpired,
    /// New vaults bring no policy for databases along.
    PolicyMissing,
    /// Machines are offered for registration only after Azure looked for them.
    MachinesUnseen,
    /// Registration finds no databases; whoever asks for them gets them.
    DatabasesUnseen,
    /// The vault's owner has to approve every endpoint.
    ApprovalNeeded,
    /// Whoever signs in with the lab's credentials may not make private endpoints.
    EndpointsForbidden,
    /// Jobs do not tell which request started them.
    JobsUnmarked,
}

impl Setup {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// The resource group of a machine; the vault's where the machine is not listed.
    pub(crate) fn group_of(&self, vm: &str) -> &str {
        let listed = self.vms.iter().find(|(_, name)| name == vm);
        listed.map_or(&self.resource_group, |(group, _)| group)
    }

    /// The tenant's id.
    pub(crate) fn tenant(&self) -> &str {
        if self.tenant.is_empty() {
            TENANT
        } else {
            &self.tenant
        }
    }

    /// The machine's instances, as SQL Server names them.
    pub(crate) fn instances(&self) -> Vec<&str> {
        let named = self
            .databases
            .iter()
            .filter_map(|name| name.split_once('/'));
        let mut instances: Vec<&str> = named.map(|(instance, _)| instance).collect();
        instances.sort_unstable();
        instances.dedup();
        instances
    }

    /// An instance's databases, its system databases first.
    pub(crate) fn databases_of(&self, instance: &str) -> Vec<String> {
        let named = self
            .databases
            .iter()
            .filter_map(|name| name.split_once('/'));
        let mut databases: Vec<String> = SYSTEM_DATABASES.map(str::to_owned).to_vec();
        for (_, database) in named.filter(|(of, _)| *of == instance) {
            if !databases.iter().any(|known| known == database) {
                databases.push(database.to_owned());
            }
        }
        databases
    }
}

/// The tenant of a site that names none.
const TENANT: &str = "11111111-2222-3333-4444-555555555555";

/// What every instance has and Azure Backup lists.
const SYSTEM_DATABASES: [&str; 3] = ["master", "model", "msdb"];

impl Cloud {
    /// Suffix of Azure Backup's names.
    pub(crate) fn backup_suffix(self) -> &'static str {
        match self {
            Self::AzureCloud => "backup.windowsazure.com",
            Self::AzureUsGovernment => "backup.windowsazure.us",
            Self::AzureChinaCloud => "backup.windowsazure.cn",
        }
    }

    /// Suffix of storage names, after `blob.` or `queue.`.
    pub(crate) fn storage_suffix(self) -> &'static str {
        match self {
            Self::AzureCloud => "core.windows.net",
            Self::AzureUsGovernment => "core.usgovcloudapi.net",
            Self::AzureChinaCloud => "core.chinacloudapi.cn",
        }
    }

    /// Where Entra ID gives tokens.
    pub(crate) fn login_host(self) -> &'static str {
        match self {
            Self::AzureCloud => "login.microsoftonline.com",
            Self::AzureUsGovernment => "login.microsoftonline.us",
            Self::AzureChinaCloud => "login.partner.microsoftonline.cn",
        }
    }

    /// Where Azure Resource Manager answers.
    pub(crate) fn management_host(self) -> &'static str {
        match self {
            Self::AzureCloud => "management.azure.com",
            Self::AzureUsGovernment => "management.usgovcloudapi.net",
            Self::AzureChinaCloud => "management.chinacloudapi.cn",
        }
    }

    /// As `az` and Resource Manager's own metadata name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AzureCloud => "AzureCloud",
            Self::AzureUsGovernment => "AzureUSGovernment",
            Self::AzureChinaCloud => "AzureChinaCloud",
        }
    }

    /// As the metadata service names it.
    pub(crate) fn environment(self) -> &'static str {
        match self {
            Self::AzureCloud => "AzurePublicCloud",
            Self::AzureUsGovernment => "AzureUSGovernmentCloud",
            Self::AzureChinaCloud => "AzureChinaCloud",
        }
    }
}
