//! The private endpoint and its groups of DNS zones.

use std::net::IpAddr;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use sidestep_model::dns::EndpointRecord;
use tokio::time::Instant;

use crate::answer::accepted;
use crate::arm_id::{self, ArmId};
use crate::client::{Azure, Call};
use crate::error::AzureError;
use crate::request::NETWORK;

/// A private endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateEndpoint {
    /// Its id.
    pub id: ArmId,
    /// Its region.
    pub location: String,
    /// As `Succeeded` or `Updating`.
    pub provisioning_state: String,
    /// Where its addresses come from.
    pub subnet: ArmId,
    /// What it leads to.
    pub targets: Vec<ArmId>,
    /// As `Approved` or `Pending`.
    pub connection_status: Option<String>,
    /// The names that it serves; they grow with registration and the first backup.
    pub records: Vec<EndpointRecord>,
}

/// A private endpoint to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPrivateEndpoint {
    /// Its region: the virtual network's.
    pub location: String,
    /// Where its addresses come from.
    pub subnet: ArmId,
    /// The vault that it leads to.
    pub target: ArmId,
    /// The vault's private link resource, as `AzureBackup`.
    pub group_id: String,
}

/// A private endpoint's zones, in which Azure keeps its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneGroup {
    /// Its id.
    pub id: ArmId,
    /// Its name.
    pub name: String,
    /// The zones.
    pub zones: Vec<ArmId>,
    /// The records that are in them.
    pub records: Vec<EndpointRecord>,
}

#[derive(Deserialize)]
struct EndpointDocument {
    id: ArmId,
    location: String,
    properties: EndpointProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EndpointProperties {
    #[serde(default)]
    provisioning_state: Option<String>,
    subnet: Reference,
    #[serde(default)]
    private_link_service_connections: Vec<Connection>,
    #[serde(default)]
    manual_private_link_service_connections: Vec<Connection>,
    #[serde(default)]
    custom_dns_configs: Vec<Record>,
}

#[derive(Deserialize)]
struct Reference {
    id: ArmId,
}

#[derive(Deserialize)]
struct Connection {
    #[serde(default)]
    properties: ConnectionProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionProperties {
    #[serde(default, deserialize_with = "arm_id::optional")]
    private_link_service_id: Option<ArmId>,
    #[serde(default)]
    private_link_service_connection_state: Option<ConnectionState>,
}

#[derive(Deserialize)]
struct ConnectionState {
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(default)]
    fqdn: Option<String>,
    #[serde(default)]
    ip_addresses: Option<Vec<IpAddr>>,
}

impl Record {
    fn into_model(self) -> Option<EndpointRecord> {
        Some(EndpointRecord {
            fqdn: self.fqdn?,
            addresses: self.ip_addresses.unwrap_or_default(),
        })
    }
}

#[derive(Deserialize)]
struct GroupDocument {
    id: ArmId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    properties: GroupProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupProperties {
    #[serde(default)]
    private_dns_zone_configs: Vec<ZoneConfig>,
}

#[derive(Deserialize)]
struct ZoneConfig {
    #[serde(default)]
    properties: ZoneProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ZoneProperties {
    #[serde(default, deserialize_with = "arm_id::optional")]
    private_dns_zone_id: Option<ArmId>,
    #[serde(default)]
    record_sets: Vec<Record>,
}

impl From<EndpointDocument> for PrivateEndpoint {
    fn from(document: EndpointDocument) -> Self {
        let properties = document.properties;
        let mut connections = properties.private_link_service_connections;
        connections.extend(properties.manual_private_link_service_connections);
        let connection_status = connections.iter().find_map(|connection| {
            let state = &connection.properties.private_link_service_connection_state;
            state.as_ref()?.status.clone()
        });
        Self {
            id: document.id,
            location: document.location,
            provisioning_state: properties.provisioning_state.unwrap_or_default(),
            subnet: properties.subnet.id,
            targets: connections
                .into_iter()
                .filter_map(|connection| connection.properties.private_link_service_id)
                .collect(),
            connection_status,
            records: properties
                .custom_dns_configs
                .into_iter()
                .filter_map(Record::into_model)
                .collect(),
        }
    }
}

impl From<GroupDocument> for ZoneGroup {
    fn from(document: GroupDocument) -> Self {
        let mut zones = Vec::new();
        let mut records = Vec::new();
        for config in document.properties.private_dns_zone_configs {
            zones.extend(config.properties.private_dns_zone_id);
            let sets = config.properties.record_sets.into_iter();
            records.extend(sets.filter_map(Record::into_model));
        }
        let name = document
            .name
            .unwrap_or_else(|| document.id.name().to_owned());
        Self {
            id: document.id,
            name,
            zones,
            records,
        }
    }
}

impl Azure {
    /// The private endpoint; `None` where there is none.
    pub async fn private_endpoint(
        &self,
        id: &ArmId,
    ) -> Result<Option<PrivateEndpoint>, AzureError> {
        let found: Option<EndpointDocument> = self
            .get("read the private endpoint", self.url_of(id, NETWORK))
            .await?;
        Ok(found.map(PrivateEndpoint::from))
    }

    /// Makes the private endpoint and waits until it is there. One that somebody
    /// is making already is only waited for: Azure refuses a second write.
    pub async fn create_private_endpoint(
        &self,
        id: &ArmId,
        new: &NewPrivateEndpoint,
    ) -> Result<PrivateEndpoint, AzureError> {
        let there = self.private_endpoint(id).await?;
        let is_in_work = there
            .as_ref()
            .is_some_and(|endpoint| !endpoint.provisioning_state.eq_ignore_ascii_case("Failed"));
        if !is_in_work {
            let doing = "create the private endpoint";
            let body = json!({
                "location": new.location,
                "properties": {
                    "subnet": { "id": new.subnet.as_str() },
                    "privateLinkServiceConnections": [{
                        "name": id.name(),
                        "properties": {
                            "privateLinkServiceId": new.target.as_str(),
                            "groupIds": [new.group_id],
                        },
                    }],
                },
            });
            let call = Call::new(doing, Method::PUT, self.url_of(id, NETWORK)).with(body);
            let reply = accepted(doing, self.send(&call).await?)?;
            self.follow_status(doing, reply).await?;
        }
        self.finished_endpoint(id).await
    }

    async fn finished_endpoint(&self, id: &ArmId) -> Result<PrivateEndpoint, AzureError> {
        let doing = "create the private endpoint";
        let pace = *self.pace();
        let deadline = Instant::now() + pace.operation;
        loop {
            let document: EndpointDocument =
                self.get_there(doing, self.url_of(id, NETWORK)).await?;
            let endpoint = PrivateEndpoint::from(document);
            match endpoint.provisioning_state.to_ascii_lowercase().as_str() {
                "updating" => {
                    let pause = pace.poll.max(pace.floor);
                    self.pause(doing, pause, deadline, pace.operation).await?;
                }
                "failed" => {
                    return Err(AzureError::OperationFailed {
                        doing,
                        code: endpoint.provisioning_state,
                        message: "the endpoint is there, but could not be set up".to_owned(),
                    });
                }
                _ => return Ok(endpoint),
            }
        }
    }

    /// The endpoint's groups of DNS zones: none, or one.
    pub async fn zone_groups(&self, endpoint: &ArmId) -> Result<Vec<ZoneGroup>, AzureError> {
        let url = self.url_below(endpoint, "privateDnsZoneGroups", NETWORK, None);
        let listed: Vec<GroupDocument> = self
            .list("list the private endpoint's DNS zones", url)
            .await?;
        Ok(listed.into_iter().map(ZoneGroup::from).collect())
    }

    /// Lets Azure keep the endpoint's records in these zones.
    pub async fn create_zone_group(
        &self,
        endpoint: &ArmId,
        name: &str,
        zones: &[ArmId],
    ) -> Result<ZoneGroup, AzureError> {
        let configs: Vec<_> = zones
            .iter()
            .map(|zone| {
                json!({
                    // Dots are not allowed in a configuration's name.
                    "name": zone.name().replace('.', "-"),
                    "properties": { "privateDnsZoneId": zone.as_str() },
                })
            })
            .collect();
        let body = json!({ "properties": { "privateDnsZoneConfigs": configs } });
        let id = endpoint.child("privateDnsZoneGroups", name);
        let made: GroupDocument = self
            .put(
                "connect the private endpoint with its DNS zones",
                self.url_of(&id, NETWORK),
                body,
            )
            .await?;
        Ok(made.into())
    }
}
