//! The private DNS zones that Azure keeps an endpoint's records in: those that
//! are there are used, and no second one is made beside a linked one.

use sidestep_azure::{ArmId, Azure, AzureError};
use sidestep_model::event::ResourceKind;
use sidestep_model::site::{ResourceId, Site};

use crate::hand::Hand;
use crate::ids::Ids;
use crate::names::required_zones;

/// Finds or makes the zones, links them to the networks that the site names and
/// to no other, and has Azure keep the endpoint's records in them.
pub(crate) async fn keep_records(
    site: &Site,
    azure: &Azure,
    ids: &Ids,
    has_endpoint: bool,
    hand: &mut Hand<'_>,
) -> Result<(), AzureError> {
    let networks = ids_of(&site.dns.link_vnets);
    let known = known_zones(site, azure).await?;
    let mut zones = Vec::new();
    for name in required_zones(azure, &ids.vault).await? {
        let zone = zone(site, azure, ids, &known, &name, hand).await?;
        for network in &networks {
            link(azure, &zone, network, hand).await?;
        }
        zones.push(zone.id);
    }
    group(azure, ids, &zones, has_endpoint, hand).await
}

struct Zone {
    id: ArmId,
    /// The networks that it is linked to.
    linked: Vec<ArmId>,
    /// Whether it is there, and not only planned.
    is_there: bool,
}

impl Zone {
    async fn there(azure: &Azure, id: ArmId) -> Result<Self, AzureError> {
        let links = azure.zone_links(&id).await?.into_iter();
        Ok(Self {
            linked: links.map(|link| link.virtual_network).collect(),
            id,
            is_there: true,
        })
    }
}

/// The zones in the subscriptions of the vault, the endpoint and its network.
async fn known_zones(site: &Site, azure: &Azure) -> Result<Vec<ArmId>, AzureError> {
    let endpoint = &site.private_endpoint;
    let mut subscriptions: Vec<&String> = Vec::new();
    for subscription in [
        &site.azure.subscription,
        &endpoint.subscription,
        &endpoint.subnet.subscription,
    ] {
        let is_same = |known: &&String| known.eq_ignore_ascii_case(subscription);
        if !subscriptions.iter().any(is_same) {
            subscriptions.push(subscription);
        }
    }
    let mut known = Vec::new();
    for subscription in subscriptions {
        let zones = azure.private_dns_zones(subscription).await?;
        known.extend(zones.into_iter().map(|zone| zone.id));
    }
    Ok(known)
}

/// The zone of that name: the one that the site names; else one that is linked
/// to the endpoint's network or to one that the site has linked; else the one in
/// the endpoint's group, which is made where it is missing.
async fn zone(
    site: &Site,
    azure: &Azure,
    ids: &Ids,
    known: &[ArmId],
    name: &str,
    hand: &mut Hand<'_>,
) -> Result<Zone, AzureError> {
    let kind = ResourceKind::PrivateDnsZone;
    let is_named = |id: &&ArmId| id.name().eq_ignore_ascii_case(name);
    let named = ids_of(&site.dns.zones);
    if let Some(id) = named.iter().find(is_named) {
        hand.is_there(kind, name, Some(id));
        return Zone::there(azure, id.clone()).await;
    }
    let mut networks = ids_of(&site.dns.link_vnets);
    networks.push(ids.network.clone());
    let mut own = None;
    for id in known.iter().filter(is_named) {
        let zone = Zone::there(azure, id.clone()).await?;
        if zone.linked.iter().any(|network| networks.contains(network)) {
            hand.is_there(kind, name, Some(id));
            return Ok(zone);
        }
        let is_beside = id
            .resource_group()
            .eq_ignore_ascii_case(ids.endpoint.resource_group());
        if is_beside
            && id
                .subscription()
                .eq_ignore_ascii_case(ids.endpoint.subscription())
        {
            own = Some(zone);
        }
    }
    if let Some(zone) = own {
        hand.is_there(kind, name, Some(&zone.id));
        return Ok(zone);
    }
    let id = ArmId::in_group(
        ids.endpoint.subscription(),
        ids.endpoint.resource_group(),
        "Microsoft.Network/privateDnsZones",
        name,
    );
    let creation = azure.create_private_dns_zone(&id);
    let made = hand.make(kind, name, Some(&id), creation).await?;
    Ok(Zone {
        id,
        linked: Vec::new(),
        is_there: made.is_some(),
    })
}

async fn link(
    azure: &Azure,
    zone: &Zone,
    network: &ArmId,
    hand: &mut Hand<'_>,
) -> Result<(), AzureError> {
    let kind = ResourceKind::ZoneLink;
    let name = format!("{} → {}", zone.id.name(), network.name());
    if zone.is_there && zone.linked.contains(network) {
        hand.is_there(kind, &name, None);
        return Ok(());
    }
    let link = format!("{}-link", network.name());
    let creation = azure.create_zone_link(&zone.id, &link, network);
    hand.make(kind, &name, None, creation).await?;
    Ok(())
}

/// The endpoint's group of zones. An endpoint has one; what others put into it stays.
async fn group(
    azure: &Azure,
    ids: &Ids,
    zones: &[ArmId],
    has_endpoint: bool,
    hand: &mut Hand<'_>,
) -> Result<(), AzureError> {
    let kind = ResourceKind::ZoneGroup;
    let groups = if has_endpoint {
        azure.zone_groups(&ids.endpoint).await?
    } else {
        // It would only be made.
        Vec::new()
    };
    let holds_all = |held: &[ArmId]| zones.iter().all(|zone| held.contains(zone));
    if let Some(group) = groups.iter().find(|group| holds_all(&group.zones)) {
        hand.is_there(kind, &group.name, Some(&group.id));
        return Ok(());
    }
    let first = groups.into_iter().next();
    let (name, mut wanted) = first.map_or_else(
        || ("default".to_owned(), Vec::new()),
        |group| (group.name, group.zones),
    );
    for zone in zones {
        if !wanted.contains(zone) {
            wanted.push(zone.clone());
        }
    }
    let creation = azure.create_zone_group(&ids.endpoint, &name, &wanted);
    hand.make(kind, &name, None, creation).await?;
    Ok(())
}

fn ids_of(named: &[ResourceId]) -> Vec<ArmId> {
    let texts = named.iter().map(ToString::to_string);
    texts.filter_map(|id| ArmId::parse(&id)).collect()
}
