//! Clouds, tenants, subscriptions and resource groups.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::azure::Azure;
use super::call::{Call, Reply};
use super::error::Problem;
use super::router::only;
use super::state::{part_after, same};

/// `GET /metadata/endpoints`: what `az cloud register` asks.
pub(super) fn endpoints(azure: &Azure, call: &Call) -> Reply {
    let cloud = azure.setup().cloud;
    let login = format!("https://{}", cloud.login_host());
    Reply::ok(json!([{
        "name": cloud.name(),
        "resourceManager": call.origin,
        "authentication": {
            "loginEndpoint": login,
            "audiences": [audience(azure), call.origin],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": { "storage": cloud.storage_suffix() },
    }]))
}

pub(super) fn tenants(azure: &Azure) -> Reply {
    let tenant = azure.setup().tenant();
    Reply::ok(json!({ "value": [{
        "id": format!("/tenants/{tenant}"),
        "tenantId": tenant,
        "displayName": "Rehearsal",
        "tenantCategory": "Home",
    }] }))
}

pub(super) fn subscriptions(azure: &Azure) -> Reply {
    let mut known: Vec<String> = {
        let state = azure.world().state();
        let groups = state.groups.iter();
        groups
            .map(|(subscription, _)| subscription.clone())
            .collect()
    };
    known.sort_unstable();
    known.dedup();
    let value: Vec<Value> = known.iter().map(|id| about(azure, id)).collect();
    Reply::ok(json!({ "value": value, "count": { "type": "Total", "value": value.len() } }))
}

pub(super) fn subscription(azure: &Azure, call: &Call) -> Reply {
    let id = call.path.get(1).map(String::as_str).unwrap_or_default();
    Reply::ok(about(azure, id))
}

pub(super) fn check_subscription(azure: &Azure, subscription: &str) -> Result<(), Problem> {
    let state = azure.world().state();
    if state
        .groups
        .iter()
        .any(|(known, _)| same(known, subscription))
    {
        Ok(())
    } else {
        Err(Problem::no_subscription(subscription))
    }
}

pub(super) fn groups(azure: &Azure, call: &Call) -> Reply {
    let subscription = call.path.get(1).map(String::as_str).unwrap_or_default();
    let state = azure.world().state();
    let groups = state.groups.iter().filter(|(of, _)| same(of, subscription));
    let value: Vec<Value> = groups
        .map(|(_, group)| about_group(subscription, group, &state.location))
        .collect();
    Reply::ok(json!({ "value": value }))
}

/// The group that a path names, which has to be there.
pub(super) fn group(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    let id = call.id();
    let (subscription, group) = (
        part_after(&id, "subscriptions"),
        part_after(&id, "resourcegroups"),
    );
    let state = azure.world().state();
    let mut groups = state.groups.iter();
    if !groups.any(|(of, known)| same(of, subscription) && same(known, group)) {
        return Err(Problem::no_group(group));
    }
    if call.path.len() == 4 {
        only(call, &["GET", "HEAD"])?;
    }
    if call.method == "HEAD" {
        return Ok(Reply::empty(StatusCode::NO_CONTENT));
    }
    Ok(Reply::ok(about_group(subscription, group, &state.location)))
}

fn about(azure: &Azure, id: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{id}"),
        "subscriptionId": id,
        "tenantId": azure.setup().tenant(),
        "displayName": "Rehearsal",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
    })
}

fn about_group(subscription: &str, group: &str, location: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{subscription}/resourceGroups/{group}"),
        "name": group,
        "type": "Microsoft.Resources/resourceGroups",
        "location": location,
        "properties": { "provisioningState": "Succeeded" },
    })
}

/// What tokens for the management API of a cloud are asked for.
fn audience(azure: &Azure) -> String {
    format!(
        "https://management.{}/",
        azure.setup().cloud.storage_suffix()
    )
}
