//! The ids of what a site names. Names that Azure gives (containers, items) are
//! never composed.

use sidestep_azure::ArmId;
use sidestep_model::site::{Site, Vm};

/// What a site names in Azure.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub(crate) vault: ArmId,
    pub(crate) endpoint: ArmId,
    pub(crate) subnet: ArmId,
    pub(crate) network: ArmId,
    pub(crate) vms: Vec<(Vm, ArmId)>,
}

impl Ids {
    pub(crate) fn of(site: &Site) -> Self {
        let subscription = &site.azure.subscription;
        let endpoint = &site.private_endpoint;
        let subnet = &endpoint.subnet;
        let network = ArmId::in_group(
            &subnet.subscription,
            &subnet.resource_group,
            "Microsoft.Network/virtualNetworks",
            subnet.names.first().map_or("", String::as_str),
        );
        Self {
            vault: ArmId::in_group(
                subscription,
                &site.azure.resource_group,
                "Microsoft.RecoveryServices/vaults",
                &site.vault.name,
            ),
            endpoint: ArmId::in_group(
                &endpoint.subscription,
                &endpoint.resource_group,
                "Microsoft.Network/privateEndpoints",
                &endpoint.name,
            ),
            subnet: network.child("subnets", subnet.names.last().map_or("", String::as_str)),
            network,
            vms: site
                .vms
                .iter()
                .map(|vm| {
                    let id = ArmId::in_group(
                        subscription,
                        &vm.resource_group,
                        "Microsoft.Compute/virtualMachines",
                        &vm.name,
                    );
                    (vm.clone(), id)
                })
                .collect(),
        }
    }
}
