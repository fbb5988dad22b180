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
    /// The vault's name.
    pub vault: String,
    /// The virtual machine's resource group.
    pub resource_group: String,
    /// The subscription.
    pub subscription: String,
    /// The virtual machine's name.
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
}

impl Setup {
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

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

    /// As the metadata service names it.
    pub(crate) fn environment(self) -> &'static str {
        match self {
            Self::AzureCloud => "AzurePublicCloud",
            Self::AzureUsGovernment => "AzureUSGovernmentCloud",
            Self::AzureChinaCloud => "AzureChinaCloud",
        }
    }
}
