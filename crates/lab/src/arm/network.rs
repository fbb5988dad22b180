//! Virtual networks and machines, and the network provider's operations.

use serde_json::{Value, json};

use super::azure::Azure;
use super::call::{Call, Reply};
use super::error::Problem;
use super::identity::guid;
use super::router::only;
use super::state::{Network, State, last_part, part_after, same};
use super::world::members;
use crate::address::SUBNET;

/// Addresses of the subnet that something else has.
const TAKEN: usize = 11;
/// Addresses of `SUBNET` that Azure leaves to its owner.
const USABLE: usize = 27;
/// The company's own DNS server.
const COMPANY_DNS: &str = "10.0.0.4";

pub(super) fn route(azure: &Azure, call: &Call, rest: &[&str]) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let state = azure.world().state();
    let id = call.id();
    match rest {
        [_] => match state.network(&id) {
            Some(network) => Ok(Reply::ok(document(azure, &state, network))),
            None => Err(missing("virtualNetworks", &id)),
        },
        [_, "subnets"] => {
            let network = state.network(&call.id_of(call.path.len() - 1));
            let Some(network) = network else {
                return Err(missing("virtualNetworks", &id));
            };
            let subnets = network.subnet.iter();
            let value: Vec<Value> = subnets.map(|id| subnet(azure, &state, id)).collect();
            Ok(Reply::ok(json!({ "value": value })))
        }
        [_, "subnets", name] => {
            let network = state.network(&call.id_of(call.path.len() - 2));
            let known = network.and_then(|network| network.subnet.as_deref());
            match known.filter(|known| same(known, &id)) {
                Some(known) => Ok(Reply::ok(subnet(azure, &state, known))),
                None => Err(Problem::no_child("subnet", name)),
            }
        }
        _ => Err(Problem::no_such_call(&call.target)),
    }
}

pub(super) fn list(azure: &Azure, call: &Call) -> Reply {
    let state = azure.world().state();
    let networks = state.networks.iter();
    let value: Vec<Value> = networks
        .filter(|network| is_listed(call, &network.id))
        .map(|network| document(azure, &state, network))
        .collect();
    Reply::ok(json!({ "value": value }))
}

pub(super) fn machines(azure: &Azure, call: &Call) -> Reply {
    let state = azure.world().state();
    let machines = state.machines.iter().filter(|id| is_listed(call, id));
    let value: Vec<Value> = machines.map(|id| about_machine(&state, id)).collect();
    Reply::ok(json!({ "value": value }))
}

pub(super) fn machine(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let state = azure.world().state();
    let id = call.id();
    let known = state.machines.iter().find(|known| same(known, &id));
    let known = known.ok_or_else(|| {
        let kind = "Microsoft.Compute/virtualMachines";
        Problem::no_resource(kind, last_part(&id), part_after(&id, "resourcegroups"))
    })?;
    Ok(Reply::ok(about_machine(&state, known)))
}

/// `…/operations/{id}` and `…/operationResults/{id}` of the network's provider.
pub(super) fn operation(azure: &Azure, call: &Call, id: &str) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    if call.id().to_lowercase().contains("/operationresults/") {
        return operation_result(azure, id);
    }
    let seen = azure.world().state().look(id);
    let seen = seen.ok_or_else(|| Problem::no_child("operation", id))?;
    Ok(seen.network_status())
}

pub(super) fn operation_result(azure: &Azure, id: &str) -> Result<Reply, Problem> {
    let seen = azure.world().state().look(id);
    let seen = seen.ok_or_else(|| Problem::no_child("operation", id))?;
    let running = Reply::empty(hyper::StatusCode::ACCEPTED).with("Retry-After", "0");
    seen.result(running, Reply::empty(hyper::StatusCode::OK))
}

/// Whether a list, of a group or of a subscription, has a resource in it.
pub(super) fn is_listed(call: &Call, id: &str) -> bool {
    let path = call.id();
    let (subscription, group) = (
        part_after(&path, "subscriptions"),
        part_after(&path, "resourcegroups"),
    );
    same(part_after(id, "subscriptions"), subscription)
        && (group.is_empty() || same(part_after(id, "resourcegroups"), group))
}

/// What the network says where something is not there.
pub(super) fn missing(kind: &str, id: &str) -> Problem {
    let kind = format!("Microsoft.Network/{kind}");
    Problem::no_resource(
        &kind,
        part_after(id, kind_part(&kind)),
        part_after(id, "resourcegroups"),
    )
}

fn kind_part(kind: &str) -> &str {
    kind.rsplit('/').next().unwrap_or_default()
}

/// Whether the subnet has room for another endpoint, as it will be when grown.
pub(super) fn has_room(azure: &Azure, state: &State) -> bool {
    let plan = azure.world().plan();
    let whole = plan
        .hosts
        .iter()
        .filter(|host| host.private.is_some())
        .count();
    TAKEN + whole * (state.endpoints.len() + 1) <= USABLE
}

fn document(azure: &Azure, state: &State, network: &Network) -> Value {
    let subnets = network.subnet.iter().map(|id| subnet(azure, state, id));
    let subnets: Vec<Value> = subnets.collect();
    let servers: &[&str] = if azure.setup().dns_by_hand {
        &[COMPANY_DNS]
    } else {
        &[]
    };
    json!({
        "name": last_part(&network.id),
        "id": network.id,
        "etag": format!("W/\"{}\"", guid(&network.id)),
        "type": "Microsoft.Network/virtualNetworks",
        "location": state.location,
        "properties": {
            "provisioningState": "Succeeded",
            "resourceGuid": guid(&network.id),
            "addressSpace": { "addressPrefixes": ["10.1.0.0/16"] },
            "dhcpOptions": { "dnsServers": servers },
            "subnets": subnets,
            "virtualNetworkPeerings": [],
            "enableDdosProtection": false,
        },
    })
}

fn subnet(azure: &Azure, state: &State, id: &str) -> Value {
    let plan = azure.world().plan();
    let here = state
        .endpoints
        .iter()
        .filter(|endpoint| same(&endpoint.subnet, id));
    let grown: usize = here
        .clone()
        .map(|endpoint| members(state, plan, endpoint).len())
        .sum();
    let interface = |name: &str, number: usize| {
        let group = id.split("/virtualNetworks/").next().unwrap_or_default();
        json!({ "id": format!("{group}/networkInterfaces/{name}/ipConfigurations/ipconfig{number}") })
    };
    let mut used: Vec<Value> = (0..TAKEN).map(|at| interface("nic-apps", at)).collect();
    used.extend((0..grown).map(|at| interface("privateEndpoint.nic", at)));
    let endpoints: Vec<Value> = here.map(|endpoint| json!({ "id": endpoint.id })).collect();
    json!({
        "name": last_part(id),
        "id": id,
        "etag": format!("W/\"{}\"", guid(id)),
        "type": "Microsoft.Network/virtualNetworks/subnets",
        "properties": {
            "provisioningState": "Succeeded",
            "addressPrefix": SUBNET,
            "ipConfigurations": used,
            "privateEndpoints": endpoints,
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
        },
    })
}

fn about_machine(state: &State, id: &str) -> Value {
    let name = last_part(id);
    let group = id.split("/providers/").next().unwrap_or_default();
    json!({
        "name": name,
        "id": id,
        "type": "Microsoft.Compute/virtualMachines",
        "location": state.location,
        "properties": {
            "vmId": guid(id),
            "hardwareProfile": { "vmSize": "Standard_D4s_v3" },
            "storageProfile": {
                "osDisk": {
                    "osType": "Windows",
                    "name": format!("{name}-os"),
                    "createOption": "FromImage",
                    "caching": "ReadWrite",
                },
                "dataDisks": [],
            },
            "osProfile": { "computerName": server_name(name), "adminUsername": "operator" },
            "networkProfile": {
                "networkInterfaces": [
                    { "id": format!("{group}/providers/Microsoft.Network/networkInterfaces/{name}-nic") },
                ],
            },
            "provisioningState": "Succeeded",
        },
    })
}

/// The host's own name, cut off after fifteen characters as in a workgroup.
pub(super) fn server_name(vm: &str) -> String {
    vm.chars().take(15).collect()
}
