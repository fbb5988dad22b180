//! Virtual networks, subnets and machines: looked at, never changed.

use serde::Deserialize;
use serde_json::Value;

use crate::arm_id::ArmId;
use crate::client::Azure;
use crate::error::AzureError;
use crate::request::{COMPUTE, NETWORK};

/// A virtual network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualNetwork {
    /// Its id.
    pub id: ArmId,
    /// Its region.
    pub location: String,
    /// Its own DNS servers; none where Azure's resolver answers.
    pub dns_servers: Vec<String>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// Its id.
    pub id: ArmId,
    /// Its address ranges in CIDR notation.
    pub prefixes: Vec<String>,
    /// How many of its addresses are taken, beside the five that Azure keeps of
    /// each range.
    pub used: usize,
}

/// A virtual machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualMachine {
    /// Its id.
    pub id: ArmId,
    /// Its region.
    pub location: String,
}

#[derive(Deserialize)]
struct NetworkDocument {
    id: ArmId,
    location: String,
    #[serde(default)]
    properties: NetworkProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NetworkProperties {
    #[serde(default)]
    dhcp_options: Option<DhcpOptions>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DhcpOptions {
    #[serde(default)]
    dns_servers: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct SubnetDocument {
    id: ArmId,
    #[serde(default)]
    properties: SubnetProperties,
}

/// One range is `addressPrefix`, several are `addressPrefixes`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubnetProperties {
    #[serde(default)]
    address_prefix: Option<String>,
    #[serde(default)]
    address_prefixes: Option<Vec<String>>,
    #[serde(default)]
    ip_configurations: Option<Vec<Value>>,
}

#[derive(Deserialize)]
struct MachineDocument {
    id: ArmId,
    location: String,
}

impl Azure {
    /// The virtual network; `None` where there is none.
    pub async fn virtual_network(&self, id: &ArmId) -> Result<Option<VirtualNetwork>, AzureError> {
        let found: Option<NetworkDocument> = self
            .get("read the virtual network", self.url_of(id, NETWORK))
            .await?;
        Ok(found.map(|document| VirtualNetwork {
            id: document.id,
            location: document.location,
            dns_servers: document
                .properties
                .dhcp_options
                .and_then(|options| options.dns_servers)
                .unwrap_or_default(),
        }))
    }

    /// The subnet; `None` where there is none.
    pub async fn subnet(&self, id: &ArmId) -> Result<Option<Subnet>, AzureError> {
        let found: Option<SubnetDocument> = self
            .get("read the subnet", self.url_of(id, NETWORK))
            .await?;
        Ok(found.map(|document| {
            let properties = document.properties;
            let several = properties.address_prefixes.filter(|all| !all.is_empty());
            Subnet {
                id: document.id,
                prefixes: several
                    .unwrap_or_else(|| properties.address_prefix.into_iter().collect()),
                used: properties.ip_configurations.map_or(0, |used| used.len()),
            }
        }))
    }

    /// The virtual machine; `None` where there is none.
    pub async fn virtual_machine(&self, id: &ArmId) -> Result<Option<VirtualMachine>, AzureError> {
        let found: Option<MachineDocument> = self
            .get("read the virtual machine", self.url_of(id, COMPUTE))
            .await?;
        Ok(found.map(|document| VirtualMachine {
            id: document.id,
            location: document.location,
        }))
    }
}
