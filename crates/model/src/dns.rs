//! The names of a private endpoint: what Azure lists, what a zone holds, what DNS answers.

use std::net::IpAddr;

use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::finding::Finding;
use crate::site::{DnsMode, PublicNetworkAccess, Site};

/// Where Azure's own resolver answers, inside every virtual network
/// ("What is IP address 168.63.129.16", MicrosoftDocs/azure-docs).
pub const AZURE_RESOLVER: &str = "168.63.129.16";

/// The label that tells a zone of private endpoints.
const PRIVATE_LINK: &str = "privatelink.";

/// A name of a private endpoint and its addresses, as Azure lists them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointRecord {
    /// The name; Azure lists it with or without `privatelink` in it.
    pub fqdn: String,
    /// Its addresses in the virtual network.
    pub addresses: Vec<IpAddr>,
}

/// A record as whoever owns the zone enters it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ZoneRecord {
    /// The zone, `privatelink.…`; `None` where no zone of the endpoint fits and
    /// the name's own alias has to be looked at.
    pub zone: Option<String>,
    /// The name below the zone, or the whole name without one.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

impl EndpointRecord {
    /// The record as it stands in one of `zones`, the zones that the endpoint needs.
    #[must_use]
    pub fn in_zone(&self, zones: &[String]) -> ZoneRecord {
        let public = self.public_name();
        let found = zones.iter().find_map(|zone| {
            let suffix = zone.to_ascii_lowercase();
            let suffix = suffix.strip_prefix(PRIVATE_LINK)?.to_owned();
            let name = public.strip_suffix(&suffix)?.strip_suffix('.')?;
            Some((zone.clone(), name.to_owned()))
        });
        let (zone, name) = match found {
            Some((zone, name)) => (Some(zone), name),
            None => (None, public),
        };
        ZoneRecord {
            zone,
            name,
            addresses: self.addresses.clone(),
        }
    }

    /// The name that the extension asks for. Azure Backup's names have no public
    /// alias, so it asks for the `privatelink` form itself; storage names lead
    /// there by their alias ("Create and use private endpoints for Azure Backup",
    /// MicrosoftDocs/azure-docs).
    #[must_use]
    pub fn asked_name(&self, zones: &[String], catalogue: &Catalogue) -> String {
        let public = self.public_name();
        let is_backup = catalogue.service_of(&public) == Some(crate::catalogue::Service::Backup);
        match self.in_zone(zones) {
            ZoneRecord {
                zone: Some(zone),
                name,
                ..
            } if is_backup => format!("{name}.{zone}"),
            _ => public,
        }
    }

    fn public_name(&self) -> String {
        let name = self.fqdn.trim_end_matches('.').to_ascii_lowercase();
        name.replacen(&format!(".{PRIVATE_LINK}"), ".", 1)
    }
}

/// The zones to forward to [`AZURE_RESOLVER`] where another DNS server answers
/// the virtual machine. Forwarded, not hosted: a zone `blob.core.windows.net` of
/// one's own would hide everybody else's storage.
#[must_use]
pub fn forwarders(zones: &[String]) -> Vec<String> {
    zones
        .iter()
        .map(|zone| zone.strip_prefix(PRIVATE_LINK).unwrap_or(zone).to_owned())
        .collect()
}

/// What the virtual machine's DNS answers to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The record that Azure lists.
    pub record: EndpointRecord,
    /// The name that was asked.
    pub name: String,
    /// The addresses that came back; none where the name does not exist.
    pub addresses: Vec<IpAddr>,
}

impl Answered {
    /// Whether the answer leads to the endpoint.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let is_listed = |address| self.record.addresses.contains(address);
        !self.addresses.is_empty() && self.addresses.iter().all(is_listed)
    }
}

/// What an address is, seen from the virtual machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressClass {
    /// One of the endpoint's own.
    Endpoint,
    /// Private, but not the endpoint's.
    Private,
    /// Public.
    Public,
}

impl AddressClass {
    /// The class of `address`, where the endpoint has `expected`.
    #[must_use]
    pub fn of(address: IpAddr, expected: &[IpAddr]) -> Self {
        let is_private = match address {
            IpAddr::V4(address) => {
                let shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
                address.is_private() || address.is_loopback() || address.is_link_local() || shared
            }
            IpAddr::V6(address) => {
                address.is_loopback()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
            }
        };
        if expected.contains(&address) {
            Self::Endpoint
        } else if is_private {
            Self::Private
        } else {
            Self::Public
        }
    }
}

/// What is wrong with the answers, in one finding: the records that are missing
/// share a cause and an owner.
#[must_use]
pub fn against(site: &Site, zones: &[String], answers: &[Answered]) -> Option<Finding> {
    let wrong: Vec<&Answered> = answers.iter().filter(|one| !one.is_private()).collect();
    if wrong.is_empty() {
        return None;
    }
    let records: Vec<ZoneRecord> = wrong.iter().map(|one| one.record.in_zone(zones)).collect();
    let names: Vec<String> = wrong.iter().map(|one| one.name.clone()).collect();
    Some(match (site.dns.mode, site.vault.public_network_access) {
        (DnsMode::Manual, _) => Finding::RecordsMissing {
            records,
            forwarders: forwarders(zones),
        },
        (DnsMode::Azure, PublicNetworkAccess::Allow) => Finding::PublicFallback { names },
        (DnsMode::Azure, PublicNetworkAccess::Deny) => Finding::NamesNotPrivate { names },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Cloud;

    fn zones() -> Vec<String> {
        [
            "privatelink.jpe.backup.windowsazure.com",
            "privatelink.blob.core.windows.net",
            "privatelink.queue.core.windows.net",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn record(fqdn: &str) -> EndpointRecord {
        EndpointRecord {
            fqdn: fqdn.to_owned(),
            addresses: vec![IpAddr::from([10, 1, 0, 36])],
        }
    }

    #[test]
    fn both_forms_of_a_name_are_the_same_record() {
        for fqdn in [
            "7-ab-pod01-rec2.jpe.backup.windowsazure.com",
            "7-ab-pod01-rec2.privatelink.jpe.backup.windowsazure.com.",
        ] {
            let entered = record(fqdn).in_zone(&zones());
            assert_eq!(entered.zone.as_deref(), Some(zones()[0].as_str()));
            assert_eq!(entered.name, "7-ab-pod01-rec2");
        }
        let other = record("md-x.z33.blob.storage.azure.net").in_zone(&zones());
        assert_eq!(
            (other.zone, other.name.as_str()),
            (None, "md-x.z33.blob.storage.azure.net")
        );
    }

    #[test]
    fn the_extension_asks_backup_by_the_private_and_storage_by_the_public_name() {
        let catalogue = Catalogue::of(Cloud::AzureCloud);
        let asked = |fqdn| record(fqdn).asked_name(&zones(), catalogue);
        assert_eq!(
            asked("7-ab-pod01-rec2.jpe.backup.windowsazure.com"),
            "7-ab-pod01-rec2.privatelink.jpe.backup.windowsazure.com"
        );
        assert_eq!(
            asked("abcpod01ecs114.privatelink.queue.core.windows.net"),
            "abcpod01ecs114.queue.core.windows.net"
        );
    }

    #[test]
    fn forwarders_name_what_is_forwarded() {
        assert_eq!(
            forwarders(&zones()),
            [
                "jpe.backup.windowsazure.com",
                "blob.core.windows.net",
                "queue.core.windows.net"
            ]
        );
    }

    #[test]
    fn addresses_are_told_apart() {
        let endpoint = IpAddr::from([10, 1, 0, 36]);
        let class = |address: [u8; 4]| AddressClass::of(IpAddr::from(address), &[endpoint]);
        assert_eq!(class([10, 1, 0, 36]), AddressClass::Endpoint);
        assert_eq!(class([10, 1, 0, 37]), AddressClass::Private);
        assert_eq!(class([100, 64, 0, 1]), AddressClass::Private);
        assert_eq!(class([20, 190, 128, 1]), AddressClass::Public);
    }
}
