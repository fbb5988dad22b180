//! What is there when the lab starts.

use jiff::Timestamp;

use super::container::name_of;
use super::identity::guid;
use super::state::{Container, Endpoint, Link, Network, State, Zone, ZoneGroup, last_part};
use super::vault;
use crate::address::{Allocated, Plan, VAULT_NUMBER};
use crate::setup::{Fault, Setup};

/// The resource group of a hub's zones.
const HUB: &str = "rg-hub-dns";
/// A machine that somebody registered long ago.
const OLD_MACHINE: &str = "sqlold";

impl State {
    pub(crate) fn start(setup: &Setup, plan: &Plan) -> Self {
        let mut state = Self {
            location: setup.region.clone(),
            machines_are_seen: !setup.has(Fault::MachinesUnseen),
            databases_are_seen: !setup.has(Fault::DatabasesUnseen),
            ..Self::default()
        };
        let subscription = format!("/subscriptions/{}", setup.subscription);
        let group = format!("{subscription}/resourceGroups/{}", setup.resource_group);
        let vault = format!(
            "{group}/providers/Microsoft.RecoveryServices/vaults/{}",
            setup.vault
        );
        state.add_networks(setup);
        state.add_machines(setup, &subscription);
        state.add_zones(setup, plan, &subscription);
        if setup.vault_exists {
            let made = vault::new(setup, &vault, &setup.region, setup.vault_public_access);
            state.vaults.push(made);
        }
        if setup.has(Fault::PluginNotRegistered) {
            state.register_before(setup, &vault);
        }
        if setup.has(Fault::VaultNotEmpty) {
            let machine = machine(&subscription, &setup.resource_group, OLD_MACHINE);
            state.machines.push(machine.clone());
            state.use_vault(&vault, &machine);
        }
        let known = [group, setup.endpoint_id.clone(), setup.subnet_id.clone()];
        let zones = state.zones.iter().map(|zone| zone.id.clone());
        let networks = state.networks.iter().map(|network| network.id.clone());
        let ids: Vec<String> = zones
            .chain(networks)
            .chain(state.machines.clone())
            .collect();
        for id in known.iter().chain(&ids) {
            state.know_group_of(id);
        }
        state
    }

    fn add_networks(&mut self, setup: &Setup) {
        let own = setup
            .subnet_id
            .split("/subnets/")
            .next()
            .unwrap_or_default();
        self.networks.push(Network {
            id: own.to_owned(),
            subnet: Some(setup.subnet_id.clone()),
        });
        for id in &setup.link_vnets {
            if self.network(id).is_none() {
                self.networks.push(Network {
                    id: id.clone(),
                    subnet: None,
                });
            }
        }
        let first = setup.link_vnets.first().map_or(own, String::as_str);
        first.clone_into(&mut self.machine_network);
    }

    fn add_machines(&mut self, setup: &Setup, subscription: &str) {
        let known = setup.vms.iter();
        self.machines = known
            .map(|(group, name)| machine(subscription, group, name))
            .collect();
        if self.machines.is_empty() {
            let only = machine(subscription, setup.group_of(&setup.vm), &setup.vm);
            self.machines.push(only);
        }
    }

    fn add_zones(&mut self, setup: &Setup, plan: &Plan, subscription: &str) {
        let hub = plan.zones.iter().map(|zone| {
            format!(
                "{subscription}/resourceGroups/{HUB}/providers/Microsoft.Network/privateDnsZones/{zone}"
            )
        });
        let ids: Vec<String> = if !setup.zones.is_empty() {
            setup.zones.clone()
        } else if setup.link_vnets.is_empty() && !setup.dns_by_hand {
            hub.collect()
        } else {
            Vec::new()
        };
        for id in ids {
            let link = Link {
                id: format!(
                    "{id}/virtualNetworkLinks/link-{}",
                    last_part(&self.machine_network)
                ),
                network: self.machine_network.clone(),
                made_by: None,
            };
            let is_linked = !setup.has(Fault::ZonesNotLinked);
            self.zones.push(Zone {
                id,
                made_by: None,
                tags: None,
                links: is_linked.then_some(link).into_iter().collect(),
            });
        }
    }

    /// The endpoint, its zones' records and the machine's registration are there.
    fn register_before(&mut self, setup: &Setup, vault: &str) {
        let machine = self.machines.first().cloned().unwrap_or_default();
        self.use_vault(vault, &machine);
        let mut endpoint = made_before(setup, vault);
        if setup.dns_by_hand {
            self.endpoints.push(endpoint);
            return;
        }
        let zones = self.zones.iter();
        let zones: Vec<(String, String)> = zones
            .map(|zone| (last_part(&zone.id).replace('.', "-"), zone.id.clone()))
            .collect();
        endpoint.groups.push(ZoneGroup {
            id: format!("{}/privateDnsZoneGroups/default", endpoint.id),
            zones,
            made_by: None,
        });
        self.endpoints.push(endpoint);
    }

    /// The site's endpoint is made, by somebody who may.
    pub(super) fn make_endpoint(&mut self, setup: &Setup) {
        let Some(vault) = self.vaults.first().map(|vault| vault.id.clone()) else {
            return;
        };
        if self.endpoint(&setup.endpoint_id).is_none() {
            self.endpoints.push(made_before(setup, &vault));
        }
    }

    /// The vault has a machine registered.
    fn use_vault(&mut self, vault: &str, machine: &str) {
        if let Some(vault) = self.vault_mut(vault) {
            vault.was_used = true;
            vault.grown = Allocated::Registered;
            vault.containers.push(Container {
                name: name_of(machine),
                machine: machine.to_owned(),
                is_registered: true,
                made_by: String::new(),
                updated: Timestamp::now(),
            });
        }
    }
}

/// The site's endpoint, approved and without zones.
fn made_before(setup: &Setup, vault: &str) -> Endpoint {
    let id = setup.endpoint_id.clone();
    Endpoint {
        location: setup.region.clone(),
        subnet: setup.subnet_id.clone(),
        vault: vault.to_owned(),
        connection_name: format!(
            "{}.{VAULT_NUMBER}.backup.{}",
            last_part(&id),
            guid(&format!("connection of {}", id.to_lowercase()))
        ),
        is_manual: false,
        needs_approval: false,
        made_by: None,
        groups: Vec::new(),
        id,
    }
}

fn machine(subscription: &str, group: &str, name: &str) -> String {
    format!(
        "{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}"
    )
}
