//! Private endpoints.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::azure::Azure;
use super::call::{Call, Reply};
use super::error::Problem;
use super::identity::guid;
use super::network::{has_room, is_listed, missing};
use super::operation::{End, accepted, versioned};
use super::router::only;
use super::state::{Endpoint, State, last_part, part_after, same};
use super::vault::connection_state;
use super::world::members;
use super::zone_group;
use crate::address::Plan;
use crate::setup::Fault;

/// Looks at which a new endpoint still shows as being made.
const MAKING: u32 = 2;

pub(super) fn route(azure: &Azure, call: &Call, rest: &[&str]) -> Result<Reply, Problem> {
    match rest {
        [_] => one(azure, call),
        [_, "privatednszonegroups"] => zone_group::list(azure, call),
        [_, "privatednszonegroups", _] => zone_group::one(azure, call),
        _ => Err(Problem::no_such_call(&call.target)),
    }
}

pub(super) fn list(azure: &Azure, call: &Call) -> Reply {
    let state = &mut *azure.world().state();
    for operation in state
        .endpoints
        .clone()
        .iter()
        .map(|endpoint| &endpoint.made_by)
    {
        state.look_at(operation.as_ref());
    }
    let listed = state
        .endpoints
        .iter()
        .filter(|endpoint| is_listed(call, &endpoint.id));
    let plan = azure.world().plan();
    let value: Vec<Value> = listed
        .map(|endpoint| document(state, plan, endpoint))
        .collect();
    Reply::ok(json!({ "value": value }))
}

fn one(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET", "PUT", "DELETE"])?;
    if call.method == Method::PUT {
        return put(azure, call);
    }
    let state = &mut *azure.world().state();
    let id = call.id();
    let Some(endpoint) = state.endpoint(&id).cloned() else {
        return if call.method == Method::DELETE {
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        } else {
            Err(missing("privateEndpoints", &id))
        };
    };
    if call.method == Method::DELETE {
        state.endpoints.retain(|known| !same(&known.id, &id));
        let operation = state.begin(1, End::Succeeded);
        return Ok(of_network(
            call,
            &state.location,
            &operation,
            StatusCode::ACCEPTED,
        ));
    }
    state.look_at(endpoint.made_by.as_ref());
    Ok(Reply::ok(document(state, azure.world().plan(), &endpoint)))
}

fn put(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    let state = &mut *azure.world().state();
    let plan = azure.world().plan();
    let id = call.id();
    if azure.setup().has(Fault::EndpointsForbidden) {
        let client = &azure.directory().credentials().client_id;
        let action = "Microsoft.Network/privateEndpoints/write";
        return Err(Problem::forbidden(client, action, &id));
    }
    if let Some(known) = state.endpoint(&id).cloned() {
        let is_made = state.is_made(known.made_by.as_ref());
        let reply = Reply::ok(document(state, plan, &known));
        return Ok(match known.made_by.filter(|_| !is_made) {
            // Whoever asks again joins what is being made.
            Some(operation) => with_operation(reply, call, &state.location, &operation),
            None => reply,
        });
    }
    let wanted = wanted(state, call, &id)?;
    if !has_room(azure, state) {
        let message = format!(
            "Subnet {} with address prefix {} does not have enough capacity for the IP addresses.",
            last_part(&wanted.subnet),
            crate::address::SUBNET
        );
        return Err(Problem::bad("SubnetIsFull", message));
    }
    let operation = state.begin(MAKING, End::Succeeded);
    let endpoint = Endpoint {
        made_by: Some(operation.clone()),
        needs_approval: wanted.is_manual || azure.setup().has(Fault::ApprovalNeeded),
        ..wanted
    };
    state.census.endpoints += 1;
    let reply = Reply::json(StatusCode::CREATED, document(state, plan, &endpoint));
    state.endpoints.push(endpoint);
    Ok(with_operation(reply, call, &state.location, &operation))
}

/// What a PUT asks for, checked against what is there.
fn wanted(state: &State, call: &Call, id: &str) -> Result<Endpoint, Problem> {
    let of = |kind: &str| call.pointer(&format!("/properties/{kind}/0/properties"));
    let automatic = of("privateLinkServiceConnections");
    let manual = of("manualPrivateLinkServiceConnections");
    let text = |pointer: &str| automatic.or(manual)?.pointer(pointer)?.as_str();
    let target = text("/privateLinkServiceId").unwrap_or_default();
    let subnet = call.property("/subnet/id").unwrap_or_default();
    let invalid = |what: &str| {
        let message = format!("Resource {what} referenced by resource {id} was not found.");
        Problem::bad("InvalidResourceReference", message)
    };
    if !state.has_subnet(subnet) {
        return Err(invalid(subnet));
    }
    let vault = state.vault(target).ok_or_else(|| invalid(target))?;
    if !state.is_made(vault.made_by.as_ref()) {
        return Err(Problem::busy(&vault.id));
    }
    let group = text("/groupIds/0").unwrap_or_default();
    if !same(group, "AzureBackup") {
        let message = format!("The private link service does not have the group id '{group}'.");
        return Err(Problem::bad("InvalidParameter", message));
    }
    let has_one = state
        .endpoints
        .iter()
        .any(|known| same(&known.vault, target));
    if vault.was_used && !has_one {
        // "Create and use private endpoints": only a vault that nobody ever
        // registered anything with can get its first one, even a failed attempt
        // counts. Which code that has is not public.
        let message = format!(
            "Call to Microsoft.RecoveryServices/vaults failed. Error message: Private endpoints \
             cannot be created for vault {} because items were registered, or attempted to be \
             registered, with it before. Create a new vault.",
            last_part(&vault.id)
        );
        return Err(Problem::bad("BadRequest", message));
    }
    let number = guid(&format!("connection of {}", id.to_lowercase()));
    Ok(Endpoint {
        id: id.to_owned(),
        location: call
            .pointer("/location")
            .and_then(Value::as_str)
            .unwrap_or(&state.location)
            .to_owned(),
        subnet: subnet.to_owned(),
        vault: vault.id.clone(),
        connection_name: format!(
            "{}.{}.backup.{number}",
            last_part(id),
            crate::address::VAULT_NUMBER
        ),
        is_manual: automatic.is_none(),
        needs_approval: true,
        made_by: None,
        groups: Vec::new(),
    })
}

pub(super) fn document(state: &State, plan: &Plan, endpoint: &Endpoint) -> Value {
    let is_made = state.is_made(endpoint.made_by.as_ref());
    let (status, description) = connection_state(state, endpoint);
    let connection = json!([{
        "name": last_part(&endpoint.id),
        "id": format!("{}/privateLinkServiceConnections/{}", endpoint.id, last_part(&endpoint.id)),
        "properties": {
            "provisioningState": "Succeeded",
            "privateLinkServiceId": endpoint.vault,
            "groupIds": ["AzureBackup"],
            "privateLinkServiceConnectionState": {
                "status": status,
                "description": description,
                "actionsRequired": "None",
            },
        },
    }]);
    let (automatic, manual) = if endpoint.is_manual {
        (json!([]), connection)
    } else {
        (connection, json!([]))
    };
    // The names are those of the services themselves, without `privatelink.`.
    let records: Vec<Value> = members(state, plan, endpoint)
        .iter()
        .map(|member| json!({ "fqdn": member.name, "ipAddresses": [member.address.to_string()] }))
        .collect();
    let group = endpoint
        .id
        .split("/privateEndpoints/")
        .next()
        .unwrap_or_default();
    let interface = format!(
        "{group}/networkInterfaces/{}.nic.{}",
        last_part(&endpoint.id),
        guid(&endpoint.id)
    );
    json!({
        "name": last_part(&endpoint.id),
        "id": endpoint.id,
        "etag": format!("W/\"{}\"", guid(&endpoint.id)),
        "type": "Microsoft.Network/privateEndpoints",
        "location": endpoint.location,
        "properties": {
            "provisioningState": if is_made { "Succeeded" } else { "Updating" },
            "privateLinkServiceConnections": automatic,
            "manualPrivateLinkServiceConnections": manual,
            "subnet": { "id": endpoint.subnet },
            "networkInterfaces": [{ "id": interface }],
            "customDnsConfigs": records,
            "ipConfigurations": [],
            "customNetworkInterfaceName": "",
        },
    })
}

/// An answer with where its operation is followed.
pub(super) fn with_operation(
    mut reply: Reply,
    call: &Call,
    location: &str,
    operation: &str,
) -> Reply {
    let headers = of_network(call, location, operation, reply.status).headers;
    reply
        .headers
        .extend(headers.into_iter().filter(|(name, _)| *name != "Location"));
    reply
}

/// An empty answer with both headers of the network's operations.
pub(super) fn of_network(
    call: &Call,
    location: &str,
    operation: &str,
    status: StatusCode,
) -> Reply {
    let id = call.id();
    let subscription = part_after(&id, "subscriptions");
    let address = |kind: &str| {
        let path = format!(
            "/subscriptions/{subscription}/providers/Microsoft.Network/locations/{location}/{kind}/{operation}"
        );
        versioned(&path, call.api_version())
    };
    let (followed, result) = (address("operations"), address("operationResults"));
    accepted(call, status, Some(&followed), Some(&result))
}
