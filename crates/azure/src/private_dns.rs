//! Private DNS zones and the networks that they are linked to.

use serde::Deserialize;
use serde_json::json;

use crate::arm_id::ArmId;
use crate::client::Azure;
use crate::error::AzureError;
use crate::request::PRIVATE_DNS;

/// A private DNS zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateDnsZone {
    /// Its id.
    pub id: ArmId,
    /// The domain, as `privatelink.blob.core.windows.net`.
    pub name: String,
}

/// A network in which a zone answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneLink {
    /// Its id.
    pub id: ArmId,
    /// The network.
    pub virtual_network: ArmId,
}

#[derive(Deserialize)]
struct ZoneDocument {
    id: ArmId,
}

impl From<ZoneDocument> for PrivateDnsZone {
    fn from(document: ZoneDocument) -> Self {
        Self {
            name: document.id.name().to_owned(),
            id: document.id,
        }
    }
}

#[derive(Deserialize)]
struct LinkDocument {
    id: ArmId,
    properties: LinkProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinkProperties {
    virtual_network: Reference,
}

#[derive(Deserialize)]
struct Reference {
    id: ArmId,
}

impl From<LinkDocument> for ZoneLink {
    fn from(document: LinkDocument) -> Self {
        Self {
            id: document.id,
            virtual_network: document.properties.virtual_network.id,
        }
    }
}

impl Azure {
    /// Every private zone of a subscription that may be seen.
    pub async fn private_dns_zones(
        &self,
        subscription: &str,
    ) -> Result<Vec<PrivateDnsZone>, AzureError> {
        let path = [
            "subscriptions",
            subscription,
            "providers",
            "Microsoft.Network",
            "privateDnsZones",
        ];
        let url = self.url(path, PRIVATE_DNS, None);
        let listed: Vec<ZoneDocument> = self.list("list the private DNS zones", url).await?;
        Ok(listed.into_iter().map(PrivateDnsZone::from).collect())
    }

    /// The zone; `None` where there is none.
    pub async fn private_dns_zone(
        &self,
        zone: &ArmId,
    ) -> Result<Option<PrivateDnsZone>, AzureError> {
        let found: Option<ZoneDocument> = self
            .get("read the private DNS zone", self.url_of(zone, PRIVATE_DNS))
            .await?;
        Ok(found.map(PrivateDnsZone::from))
    }

    /// Makes the zone, which belongs to no region.
    pub async fn create_private_dns_zone(
        &self,
        zone: &ArmId,
    ) -> Result<PrivateDnsZone, AzureError> {
        let made: ZoneDocument = self
            .put(
                "create the private DNS zone",
                self.url_of(zone, PRIVATE_DNS),
                json!({ "location": "global" }),
            )
            .await?;
        Ok(made.into())
    }

    /// The networks in which the zone answers.
    pub async fn zone_links(&self, zone: &ArmId) -> Result<Vec<ZoneLink>, AzureError> {
        let url = self.url_below(zone, "virtualNetworkLinks", PRIVATE_DNS, None);
        let listed: Vec<LinkDocument> = self
            .list("list the private DNS zone's networks", url)
            .await?;
        Ok(listed.into_iter().map(ZoneLink::from).collect())
    }

    /// Lets the zone answer in a network. Machines do not register in it.
    pub async fn create_zone_link(
        &self,
        zone: &ArmId,
        name: &str,
        virtual_network: &ArmId,
    ) -> Result<ZoneLink, AzureError> {
        let body = json!({
            "location": "global",
            "properties": {
                "registrationEnabled": false,
                "virtualNetwork": { "id": virtual_network.as_str() },
            },
        });
        let id = zone.child("virtualNetworkLinks", name);
        let made: LinkDocument = self
            .put(
                "link the private DNS zone with the network",
                self.url_of(&id, PRIVATE_DNS),
                body,
            )
            .await?;
        Ok(made.into())
    }
}
