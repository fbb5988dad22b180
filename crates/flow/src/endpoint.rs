//! The vault's private endpoint: preconditions first, then endpoint, zones, links and records.

use sidestep_azure::{Azure, NewPrivateEndpoint, NewVault, PrivateEndpoint, Subnet, Vault};
use sidestep_machine::Store;
use sidestep_model::event::{Outcome, ResourceKind};
use sidestep_model::finding::AzureFinding;
use sidestep_model::site::{DnsMode, PublicNetworkAccess, Site};

use crate::hand::Hand;
use crate::ids::Ids;
use crate::names::{GROUP, Names};
use crate::run::StepError;
use crate::world::{Person, Witness, World};
use crate::zones;

/// A vault takes this many endpoints ("Create and use private endpoints (v2
/// experience) for Azure Backup", MicrosoftDocs/azure-docs).
const MOST_ENDPOINTS: usize = 12;

/// Addresses that a vault's endpoint takes at least (same source).
const LEAST_ADDRESSES: u64 = 10;

/// Addresses of a subnet that Azure keeps for itself.
const RESERVED_ADDRESSES: u64 = 5;

pub(crate) async fn step<S: Store, W: Witness, P: Person>(
    site: &Site,
    world: &mut World<'_, S, W, P>,
    hand: &mut Hand<'_>,
) -> Result<Outcome, StepError> {
    let azure = world.azure;
    let ids = Ids::of(site);
    let Some(vault) = vault(site, azure, &ids, hand).await? else {
        // Which zones it needs only the vault can tell.
        hand.would_make(
            ResourceKind::PrivateEndpoint,
            &site.private_endpoint.name,
            Some(&ids.endpoint),
        );
        return Ok(Outcome::Done);
    };
    let endpoint = endpoint(site, azure, &ids, &vault, hand).await?;
    if let Some(endpoint) = &endpoint {
        approve(site, azure, &ids, endpoint, hand).await?;
    }
    if site.dns.mode == DnsMode::Azure {
        zones::keep_records(site, azure, &ids, endpoint.is_some(), hand).await?;
    }
    deny_public(site, azure, &ids, hand).await?;
    if hand.only_looks() {
        return Ok(Outcome::Done);
    }
    let names = Names::listed(azure, &ids).await?;
    let finding = names.against_dns(site, world.network, world.patience, hand);
    match finding.await {
        Some(finding) => Err(StepError::found(finding)),
        None => Ok(Outcome::Done),
    }
}

pub(crate) fn vault_missing(site: &Site) -> AzureFinding {
    AzureFinding::VaultMissing {
        vault: site.vault.name.clone(),
        resource_group: site.azure.resource_group.clone(),
    }
}

/// The vault; `None` where it would be made and the run only looks.
async fn vault(
    site: &Site,
    azure: &Azure,
    ids: &Ids,
    hand: &mut Hand<'_>,
) -> Result<Option<Vault>, StepError> {
    let name = &site.vault.name;
    if let Some(vault) = azure.vault(&ids.vault).await? {
        in_region("the vault", &vault.location, site)?;
        hand.is_there(ResourceKind::Vault, name, Some(&ids.vault));
        // A run that was interrupted may have begun to make it.
        return Ok(Some(if vault.is_settled() {
            vault
        } else {
            azure.settled_vault(&ids.vault).await?
        }));
    }
    let Some(redundancy) = site.vault.create else {
        return Err(StepError::found(vault_missing(site)));
    };
    let new = NewVault {
        location: site.azure.location.name.to_owned(),
        redundancy: redundancy.key().to_owned(),
        public_network_access: site.vault.public_network_access == PublicNetworkAccess::Allow,
    };
    let creation = azure.create_vault(&ids.vault, &new);
    let made = hand.make(ResourceKind::Vault, name, Some(&ids.vault), creation);
    Ok(made.await?)
}

/// The endpoint; `None` where it would be made and the run only looks.
async fn endpoint(
    site: &Site,
    azure: &Azure,
    ids: &Ids,
    vault: &Vault,
    hand: &mut Hand<'_>,
) -> Result<Option<PrivateEndpoint>, StepError> {
    let name = &site.private_endpoint.name;
    let found = azure.private_endpoint(&ids.endpoint).await?;
    let is_ready = |endpoint: &PrivateEndpoint| {
        endpoint
            .provisioning_state
            .eq_ignore_ascii_case("Succeeded")
    };
    if let Some(endpoint) = &found {
        if !endpoint.targets.contains(&ids.vault) {
            let target = endpoint.targets.first();
            return Err(StepError::found(AzureFinding::EndpointOfAnother {
                endpoint: name.clone(),
                target: target.map_or_else(String::new, |target| target.name().to_owned()),
            }));
        }
        if is_ready(endpoint) {
            hand.is_there(ResourceKind::PrivateEndpoint, name, Some(&ids.endpoint));
            return Ok(found);
        }
    } else {
        preconditions(site, azure, ids, vault).await?;
    }
    // An endpoint that is still being made is waited for by the same request.
    let new = NewPrivateEndpoint {
        location: site.azure.location.name.to_owned(),
        subnet: ids.subnet.clone(),
        target: ids.vault.clone(),
        group_id: GROUP.to_owned(),
    };
    let creation = azure.create_private_endpoint(&ids.endpoint, &new);
    let made = hand.make(
        ResourceKind::PrivateEndpoint,
        name,
        Some(&ids.endpoint),
        creation,
    );
    let Some(made) = made.await? else {
        return Ok(None);
    };
    if is_ready(&made) {
        return Ok(Some(made));
    }
    Err(StepError::found(AzureFinding::EndpointFailed {
        endpoint: name.clone(),
        state: made.provisioning_state,
    }))
}

/// What makes an endpoint impossible, or the vault useless afterwards, before
/// anything is tried: even a failed attempt cannot be taken back.
async fn preconditions(
    site: &Site,
    azure: &Azure,
    ids: &Ids,
    vault: &Vault,
) -> Result<(), StepError> {
    let count = vault.connections.len();
    if count >= MOST_ENDPOINTS {
        return Err(StepError::found(AzureFinding::TooManyEndpoints { count }));
    }
    if count == 0 {
        let containers = azure.containers(&ids.vault).await?;
        let items = azure.protected_items(&ids.vault).await?;
        let registered: Vec<String> = containers
            .into_iter()
            .map(|container| container.vm.name().to_owned())
            .chain(items.into_iter().map(|item| item.friendly_name))
            .collect();
        if !registered.is_empty() {
            return Err(StepError::found(AzureFinding::VaultNotEmpty {
                vault: site.vault.name.clone(),
                registered,
            }));
        }
    }
    let network = azure.virtual_network(&ids.network).await?;
    if let Some(network) = &network {
        in_region("the virtual network", &network.location, site)?;
    }
    for (vm, id) in &ids.vms {
        if let Some(machine) = azure.virtual_machine(id).await? {
            in_region(&format!("the machine {}", vm.name), &machine.location, site)?;
        }
    }
    let subnet = azure.subnet(&ids.subnet).await?;
    let free = subnet.as_ref().map(free_addresses);
    if free.is_some_and(|free| free >= LEAST_ADDRESSES) {
        return Ok(());
    }
    Err(StepError::found(AzureFinding::SubnetUnfit {
        subnet: site.private_endpoint.subnet.names.join("/"),
        free,
    }))
}

fn in_region(what: &str, region: &str, site: &Site) -> Result<(), StepError> {
    // Azure writes "Japan East" in places.
    let plain = |name: &str| name.replace(' ', "").to_lowercase();
    let wanted = site.azure.location.name;
    if plain(region) == plain(wanted) {
        return Ok(());
    }
    Err(StepError::found(AzureFinding::RegionDiffers {
        what: what.to_owned(),
        region: region.to_owned(),
        wanted: wanted.to_owned(),
    }))
}

fn free_addresses(subnet: &Subnet) -> u64 {
    let of_prefix = |prefix: &String| {
        let bits: u32 = prefix.split_once('/')?.1.parse().ok()?;
        let size = 1_u64.checked_shl(32_u32.checked_sub(bits)?)?;
        Some(size.saturating_sub(RESERVED_ADDRESSES))
    };
    let all: u64 = subnet.prefixes.iter().filter_map(of_prefix).sum();
    all.saturating_sub(subnet.used as u64)
}

/// Azure approves by itself where whoever asks also owns the vault.
async fn approve(
    site: &Site,
    azure: &Azure,
    ids: &Ids,
    endpoint: &PrivateEndpoint,
    hand: &mut Hand<'_>,
) -> Result<(), StepError> {
    let is_approved = |status: &str| status.eq_ignore_ascii_case("Approved");
    let status = endpoint.connection_status.clone();
    if status.as_deref().is_none_or(is_approved) {
        return Ok(());
    }
    let vault = azure.vault(&ids.vault).await?;
    let connection = vault.and_then(|vault| {
        vault
            .connections
            .into_iter()
            .find(|one| one.private_endpoint.as_ref() == Some(&ids.endpoint))
    });
    let name = &site.private_endpoint.name;
    let Some(connection) = connection else {
        return Err(StepError::found(AzureFinding::ApprovalPending {
            endpoint: name.clone(),
            status: status.unwrap_or_default(),
        }));
    };
    if is_approved(&connection.status) {
        return Ok(());
    }
    if !waits_for_approval(&connection.status) {
        return Err(StepError::found(AzureFinding::ApprovalPending {
            endpoint: name.clone(),
            status: connection.status,
        }));
    }
    let approval = azure.approve_connection(&ids.vault, &connection);
    hand.make(ResourceKind::Approval, name, None, approval)
        .await?;
    Ok(())
}

/// Whoever rejected a connection, or took it away, meant that.
fn waits_for_approval(status: &str) -> bool {
    status.eq_ignore_ascii_case("Pending")
}

/// Shuts the public path, once the private one is there. A vault that is shut
/// already stays so, whatever the site allows.
async fn deny_public(
    site: &Site,
    azure: &Azure,
    ids: &Ids,
    hand: &mut Hand<'_>,
) -> Result<(), StepError> {
    let vault = azure.vault(&ids.vault).await?;
    let is_open = vault.is_some_and(|vault| vault.public_network_access);
    if !is_open || site.vault.public_network_access == PublicNetworkAccess::Allow {
        return Ok(());
    }
    let name = format!("{}: deny", site.vault.name);
    let shut = azure.set_public_network_access(&ids.vault, false);
    hand.make(ResourceKind::PublicNetworkAccess, &name, None, shut)
        .await?;
    Ok(())
}
