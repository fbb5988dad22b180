//! Private DNS zones, their links and their records.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::azure::Azure;
use super::call::{Call, Reply};
use super::error::Problem;
use super::identity::guid;
use super::network::{is_listed, missing};
use super::operation::{End, accepted, braces, versioned};
use super::router::only;
use super::state::{Link, State, Zone, last_part, part_after, same};
use super::world::{Member, records};

pub(super) fn route(azure: &Azure, call: &Call, rest: &[&str]) -> Result<Reply, Problem> {
    match rest {
        [_] => one(azure, call),
        [_, "all" | "a"] => record_sets(azure, call),
        [_, "a", name] => record_set(azure, call, name),
        [_, "virtualnetworklinks"] => links(azure, call),
        [_, "virtualnetworklinks", _] => link(azure, call),
        _ => Err(Problem::no_such_call(&call.target)),
    }
}

pub(super) fn list(azure: &Azure, call: &Call) -> Reply {
    let state = &mut *azure.world().state();
    for zone in state.zones.clone() {
        state.look_at(zone.made_by.as_ref());
    }
    let zones = state.zones.iter().filter(|zone| is_listed(call, &zone.id));
    let value: Vec<Value> = zones.map(|zone| document(azure, state, zone)).collect();
    Reply::ok(json!({ "value": value }))
}

fn one(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET", "PUT", "DELETE"])?;
    let state = &mut *azure.world().state();
    let id = call.id();
    let known = state.zone(&id).cloned();
    match (&call.method, known) {
        (&Method::PUT, Some(zone)) => Ok(if state.is_made(zone.made_by.as_ref()) {
            Reply::ok(document(azure, state, &zone))
        } else {
            // Whoever asks again joins what is being made.
            of_dns(call, zone.made_by.as_deref().unwrap_or_default())
        }),
        (&Method::PUT, None) => {
            let operation = state.begin(1, End::Succeeded);
            state.census.zones += 1;
            state.zones.push(Zone {
                id,
                made_by: Some(operation.clone()),
                tags: call.pointer("/tags").cloned(),
                links: Vec::new(),
            });
            Ok(of_dns(call, &operation))
        }
        (_, None) if call.method == Method::DELETE => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        (_, None) => Err(missing("privateDnsZones", &id)),
        (&Method::DELETE, Some(_)) => {
            state.zones.retain(|zone| !same(&zone.id, &id));
            let operation = state.begin(1, End::Succeeded);
            Ok(of_dns(call, &operation))
        }
        (_, Some(zone)) => {
            state.look_at(zone.made_by.as_ref());
            Ok(Reply::ok(document(azure, state, &zone)))
        }
    }
}

fn links(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let state = &mut *azure.world().state();
    let id = call.id_of(call.path.len() - 1);
    let Some(zone) = state.zone(&id).cloned() else {
        return Err(missing("privateDnsZones", &id));
    };
    let mut value = Vec::new();
    for link in &zone.links {
        state.look_at(link.made_by.as_ref());
        value.push(link_document(state, link));
    }
    Ok(Reply::ok(json!({ "value": value })))
}

fn link(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET", "PUT", "DELETE"])?;
    let state = &mut *azure.world().state();
    let (id, owner) = (call.id(), call.id_of(call.path.len() - 2));
    let Some(zone) = state.zone(&owner).cloned() else {
        return Err(missing("privateDnsZones", &owner));
    };
    let known = zone.links.iter().find(|link| same(&link.id, &id)).cloned();
    match (call.method.as_str(), known) {
        ("PUT", Some(link)) => Ok(if state.is_made(link.made_by.as_ref()) {
            Reply::ok(link_document(state, &link))
        } else {
            of_dns(call, link.made_by.as_deref().unwrap_or_default())
        }),
        ("PUT", None) => {
            let network = call.property("/virtualNetwork/id").unwrap_or_default();
            if state.network(network).is_none() {
                let message = format!("The virtual network {network} does not exist.");
                return Err(Problem::bad("VirtualNetworkNotFound", message));
            }
            if zone.links.iter().any(|link| same(&link.network, network)) {
                let message = format!("A link to virtual network {network} exists already.");
                return Err(Problem::conflict("Conflict", message));
            }
            let operation = state.begin(1, End::Succeeded);
            state.census.links += 1;
            let link = Link {
                id,
                network: network.to_owned(),
                made_by: Some(operation.clone()),
            };
            if let Some(zone) = state.zone_mut(&owner) {
                zone.links.push(link);
            }
            Ok(of_dns(call, &operation))
        }
        ("DELETE", None) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        ("DELETE", Some(_)) => {
            if let Some(zone) = state.zone_mut(&owner) {
                zone.links.retain(|link| !same(&link.id, &id));
            }
            let operation = state.begin(1, End::Succeeded);
            Ok(of_dns(call, &operation))
        }
        (_, None) => Err(Problem::no_child("virtual network link", last_part(&id))),
        (_, Some(link)) => {
            state.look_at(link.made_by.as_ref());
            Ok(Reply::ok(link_document(state, &link)))
        }
    }
}

/// `GET …/ALL` and `GET …/A`.
fn record_sets(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let state = azure.world().state();
    let id = call.id_of(call.path.len() - 1);
    let Some(zone) = state.zone(&id) else {
        return Err(missing("privateDnsZones", &id));
    };
    let entered = records(&state, azure.world().plan(), &zone.id);
    let value: Vec<Value> = entered.iter().map(|member| record(zone, member)).collect();
    Ok(Reply::ok(json!({ "value": value })))
}

fn record_set(azure: &Azure, call: &Call, name: &str) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let state = azure.world().state();
    let id = call.id_of(call.path.len() - 2);
    let Some(zone) = state.zone(&id) else {
        return Err(missing("privateDnsZones", &id));
    };
    let wanted = format!("{name}.{}", last_part(&zone.id));
    let entered = records(&state, azure.world().plan(), &zone.id);
    match entered.iter().find(|member| same(&member.record, &wanted)) {
        Some(member) => Ok(Reply::ok(record(zone, member))),
        None => Err(Problem::no_child("record set", name)),
    }
}

fn document(azure: &Azure, state: &State, zone: &Zone) -> Value {
    let is_made = state.is_made(zone.made_by.as_ref());
    let entered = records(state, azure.world().plan(), &zone.id).len();
    let mut body = json!({
        "id": zone.id,
        "name": last_part(&zone.id),
        "type": "Microsoft.Network/privateDnsZones",
        "etag": guid(&zone.id),
        "location": "global",
        "properties": {
            "maxNumberOfRecordSets": 25000,
            "maxNumberOfVirtualNetworkLinks": 1000,
            "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
            "numberOfRecordSets": entered + 1,
            "numberOfVirtualNetworkLinks": zone.links.len(),
            "numberOfVirtualNetworkLinksWithRegistration": 0,
            "provisioningState": if is_made { "Succeeded" } else { "Creating" },
        },
    });
    if let Some(tags) = &zone.tags {
        body["tags"] = tags.clone();
    }
    body
}

fn link_document(state: &State, link: &Link) -> Value {
    let is_made = state.is_made(link.made_by.as_ref());
    json!({
        "id": link.id,
        "name": last_part(&link.id),
        "type": "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        "etag": guid(&link.id),
        "location": "global",
        "properties": {
            "virtualNetwork": { "id": link.network },
            "registrationEnabled": false,
            "virtualNetworkLinkState": if is_made { "Completed" } else { "InProgress" },
            "provisioningState": if is_made { "Succeeded" } else { "Creating" },
        },
    })
}

fn record(zone: &Zone, member: &Member) -> Value {
    let suffix = format!(".{}", last_part(&zone.id));
    let name = member
        .record
        .strip_suffix(&suffix)
        .unwrap_or(&member.record);
    json!({
        "id": format!("{}/A/{name}", zone.id),
        "name": name,
        "type": "Microsoft.Network/privateDnsZones/A",
        "etag": guid(&member.record),
        "properties": {
            "ttl": 10,
            "fqdn": format!("{}.", member.record),
            "isAutoRegistered": false,
            "aRecords": [{ "ipv4Address": member.address.to_string() }],
        },
    })
}

/// 202 with both headers, as this provider makes zones and links.
fn of_dns(call: &Call, operation: &str) -> Reply {
    let id = call.id();
    let group = format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network",
        part_after(&id, "subscriptions"),
        part_after(&id, "resourcegroups")
    );
    let address =
        |kind: &str| versioned(&format!("{group}/{kind}/{operation}"), call.api_version());
    let status = address("privateDnsOperationStatuses");
    let result = address("privateDnsOperationResults");
    braces(accepted(
        call,
        StatusCode::ACCEPTED,
        Some(&status),
        Some(&result),
    ))
}
