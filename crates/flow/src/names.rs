//! The private endpoint's names: as Azure lists them, as DNS answers them.

use std::time::Instant;

use sidestep_azure::{ArmId, Azure, AzureError};
use sidestep_model::catalogue::Catalogue;
use sidestep_model::check::Target;
use sidestep_model::dns::{self, Answered, EndpointRecord};
use sidestep_model::event::Event;
use sidestep_model::finding::Finding;
use sidestep_model::network::Network;
use sidestep_model::site::{DnsMode, Route, Site};
use sidestep_probe as probe;
use tokio::task::JoinSet;

use crate::hand::Hand;
use crate::ids::Ids;
use crate::world::Patience;

/// The group of a vault's endpoint that backups use.
pub(crate) const GROUP: &str = "AzureBackup";

/// The endpoint's records and the zones that they belong to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) records: Vec<EndpointRecord>,
    pub(crate) zones: Vec<String>,
}

impl Names {
    /// As Azure lists them now: with the endpoint, and in its groups of zones.
    /// They grow with the first registration and the first backup.
    pub(crate) async fn listed(azure: &Azure, ids: &Ids) -> Result<Self, AzureError> {
        let mut records: Vec<EndpointRecord> = Vec::new();
        let endpoint = azure.private_endpoint(&ids.endpoint).await?;
        let listed = endpoint.map(|endpoint| endpoint.records);
        let grouped = match &listed {
            Some(_) => azure.zone_groups(&ids.endpoint).await?,
            None => Vec::new(),
        };
        let zones = required_zones(azure, &ids.vault).await?;
        let all = listed
            .into_iter()
            .flatten()
            .chain(grouped.into_iter().flat_map(|group| group.records));
        for record in all {
            let place = record.in_zone(&zones);
            match records.iter_mut().find(|known| {
                let known = known.in_zone(&zones);
                (known.zone, known.name) == (place.zone.clone(), place.name.clone())
            }) {
                Some(known) => {
                    let new = record.addresses.into_iter();
                    let new: Vec<_> = new.filter(|one| !known.addresses.contains(one)).collect();
                    known.addresses.extend(new);
                }
                None => records.push(record),
            }
        }
        Ok(Self { records, zones })
    }

    /// What DNS makes of them, in a finding where it is not what Azure lists.
    /// Whoever sends Backup by the proxy leaves names to the proxy.
    pub(crate) async fn against_dns(
        &self,
        site: &Site,
        network: &Network,
        patience: Patience,
        hand: &mut Hand<'_>,
    ) -> Option<Finding> {
        hand.say(Event::Records {
            records: self.records.clone(),
            zones: self.zones.clone(),
        });
        if site.bypass.backup == Route::Proxy {
            return None;
        }
        let start = Instant::now();
        loop {
            let answers = self.answered(site, network).await;
            let finding = dns::against(site, &self.zones, &answers);
            // Records that people enter are not waited for.
            let is_worth_waiting = site.dns.mode == DnsMode::Azure;
            if finding.is_none() || !is_worth_waiting || start.elapsed() >= patience.records {
                return finding;
            }
            tokio::time::sleep(patience.poll).await;
        }
    }

    async fn answered(&self, site: &Site, network: &Network) -> Vec<Answered> {
        let catalogue = Catalogue::of(site.azure.cloud);
        let mut asked = JoinSet::new();
        for (index, record) in self.records.iter().cloned().enumerate() {
            let name = record.asked_name(&self.zones, catalogue);
            let network = network.clone();
            asked.spawn(async move {
                let addresses = probe::addresses(&network, &name, probe::DEADLINE).await;
                let answered = Answered {
                    record,
                    name,
                    addresses,
                };
                (index, answered)
            });
        }
        let mut answers = asked.join_all().await;
        answers.sort_by_key(|(index, _)| *index);
        answers.into_iter().map(|(_, answered)| answered).collect()
    }

    /// What the accounts have to reach: the endpoint's names, and Entra ID.
    pub(crate) fn targets(&self, site: &Site) -> Vec<Target> {
        let catalogue = Catalogue::of(site.azure.cloud);
        let records = self.records.iter().filter_map(|record| {
            let host = record.asked_name(&self.zones, catalogue);
            Some(Target {
                service: catalogue.service_of(&host)?,
                host,
                expected: record.addresses.clone(),
            })
        });
        let host = site.azure.cloud.sign_in_host();
        let entra = catalogue.service_of(host).map(|service| Target {
            host: host.to_owned(),
            service,
            expected: Vec::new(),
        });
        records.chain(entra).collect()
    }
}

/// The zones that the vault's endpoint needs, by Azure's own word: their names
/// hold a code of the region that cannot be derived.
pub(crate) async fn required_zones(
    azure: &Azure,
    vault: &ArmId,
) -> Result<Vec<String>, AzureError> {
    let resources = azure.private_link_resources(vault).await?;
    let of_backup = resources.into_iter().find(|one| one.group_id == GROUP);
    Ok(of_backup.map_or_else(Vec::new, |resource| resource.required_zones))
}
