//! Zone groups: what enters an endpoint's records into private zones.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::azure::Azure;
use super::call::{Call, Reply};
use super::endpoint::{of_network, with_operation};
use super::error::Problem;
use super::identity::guid;
use super::network::missing;
use super::operation::End;
use super::router::only;
use super::state::{Endpoint, State, ZoneGroup, last_part, same};
use super::world::members_in;
use crate::address::Plan;

pub(super) fn list(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    let state = &mut *azure.world().state();
    let id = call.id_of(call.path.len() - 1);
    let Some(endpoint) = state.endpoint(&id).cloned() else {
        return Err(missing("privateEndpoints", &id));
    };
    let mut value = Vec::new();
    for group in &endpoint.groups {
        state.look_at(group.made_by.as_ref());
        value.push(document(state, azure.world().plan(), &endpoint, group));
    }
    Ok(Reply::ok(json!({ "value": value })))
}

pub(super) fn one(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    only(call, &["GET", "PUT", "DELETE"])?;
    let state = &mut *azure.world().state();
    let plan = azure.world().plan();
    let (id, owner) = (call.id(), call.id_of(call.path.len() - 2));
    let Some(endpoint) = state.endpoint(&owner).cloned() else {
        return Err(missing("privateEndpoints", &owner));
    };
    let known = endpoint
        .groups
        .iter()
        .find(|group| same(&group.id, &id))
        .cloned();
    match (call.method.as_str(), known) {
        ("DELETE", None) => Ok(Reply::empty(StatusCode::NO_CONTENT)),
        ("DELETE", Some(_)) => {
            if let Some(endpoint) = state.endpoint_mut(&owner) {
                endpoint.groups.retain(|group| !same(&group.id, &id));
            }
            let operation = state.begin(1, End::Succeeded);
            Ok(of_network(
                call,
                &state.location,
                &operation,
                StatusCode::ACCEPTED,
            ))
        }
        ("GET", None) => Err(Problem::no_child("private DNS zone group", last_part(&id))),
        ("GET", Some(group)) => {
            state.look_at(group.made_by.as_ref());
            Ok(Reply::ok(document(state, plan, &endpoint, &group)))
        }
        (_, known) => {
            if !state.is_made(endpoint.made_by.as_ref()) {
                return Err(Problem::busy(&endpoint.id));
            }
            let zones = wanted_zones(state, call)?;
            let is_known = known.is_some();
            let before = known.and_then(|group| group.made_by);
            let is_made = is_known && state.is_made(before.as_ref());
            let (operation, made_by) = match before.clone().filter(|_| !is_made) {
                // Whoever asks again joins what is being made.
                Some(joined) => (joined, before),
                // What is there already keeps its records while it changes.
                None if is_known => (state.begin(1, End::Succeeded), before),
                None => {
                    let operation = state.begin(1, End::Succeeded);
                    (operation.clone(), Some(operation))
                }
            };
            let group = ZoneGroup {
                id: id.clone(),
                zones,
                made_by,
            };
            state.census.zone_groups += usize::from(!is_known);
            if let Some(endpoint) = state.endpoint_mut(&owner) {
                endpoint.groups.retain(|known| !same(&known.id, &id));
                endpoint.groups.push(group.clone());
            }
            let status = if is_known {
                StatusCode::OK
            } else {
                StatusCode::CREATED
            };
            let reply = Reply::json(status, document(state, plan, &endpoint, &group));
            Ok(with_operation(reply, call, &state.location, &operation))
        }
    }
}

fn wanted_zones(state: &State, call: &Call) -> Result<Vec<(String, String)>, Problem> {
    let configs = call.pointer("/properties/privateDnsZoneConfigs");
    let configs = configs.and_then(Value::as_array);
    let mut zones = Vec::new();
    for config in configs.into_iter().flatten() {
        let id = config.pointer("/properties/privateDnsZoneId");
        let id = id.and_then(Value::as_str).unwrap_or_default();
        if state.zone(id).is_none() {
            let message = format!("Resource {id} was not found.");
            return Err(Problem::bad("InvalidResourceReference", message));
        }
        let name = config.pointer("/name").and_then(Value::as_str);
        let name = name.map_or_else(|| last_part(id).replace('.', "-"), str::to_owned);
        zones.push((name, id.to_owned()));
    }
    Ok(zones)
}

fn document(state: &State, plan: &Plan, endpoint: &Endpoint, group: &ZoneGroup) -> Value {
    let is_made = state.is_made(group.made_by.as_ref());
    let configs: Vec<Value> = group
        .zones
        .iter()
        .map(|(name, zone)| {
            let entered = members_in(state, plan, endpoint, zone);
            let suffix = format!(".{}", last_part(zone));
            let records: Vec<Value> = entered
                .iter()
                .filter(|_| is_made)
                .map(|member| {
                    json!({
                        "recordType": "A",
                        "recordSetName": member.record.strip_suffix(&suffix).unwrap_or(&member.record),
                        "fqdn": member.record,
                        "ttl": 10,
                        "ipAddresses": [member.address.to_string()],
                        "provisioningState": "Succeeded",
                    })
                })
                .collect();
            json!({
                "name": name,
                "properties": { "privateDnsZoneId": zone, "recordSets": records },
            })
        })
        .collect();
    json!({
        "name": last_part(&group.id),
        "id": group.id,
        "etag": format!("W/\"{}\"", guid(&group.id)),
        "properties": {
            "provisioningState": if is_made { "Succeeded" } else { "Updating" },
            "privateDnsZoneConfigs": configs,
        },
    })
}
