//! Which provider a path belongs to.

use super::azure::Azure;
use super::call::{Call, Reply};
use super::error::Problem;
use super::{container, directory, dns, endpoint, item, job, network, policy, protectable, vault};

pub(super) fn route(azure: &Azure, call: &Call) -> Result<Reply, Problem> {
    let lower: Vec<String> = call.path.iter().map(|part| part.to_lowercase()).collect();
    let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["metadata", "endpoints"] => Ok(directory::endpoints(azure, call)),
        ["tenants"] => Ok(directory::tenants(azure)),
        ["subscriptions"] => Ok(directory::subscriptions(azure)),
        ["subscriptions", subscription, rest @ ..] => {
            directory::check_subscription(azure, subscription)?;
            within(azure, call, rest)
        }
        _ => Err(Problem::no_such_call(&call.target)),
    }
}

fn within(azure: &Azure, call: &Call, rest: &[&str]) -> Result<Reply, Problem> {
    match rest {
        [] => Ok(directory::subscription(azure, call)),
        ["resourcegroups"] => Ok(directory::groups(azure, call)),
        ["resourcegroups", _] => directory::group(azure, call),
        ["providers", provider, kind] => listed(azure, call, provider, kind),
        [
            "providers",
            "microsoft.network",
            "locations",
            _,
            "operations" | "operationresults",
            operation,
        ] => network::operation(azure, call, operation),
        ["resourcegroups", _, "providers", provider, kind] => {
            directory::group(azure, call)?;
            listed(azure, call, provider, kind)
        }
        ["resourcegroups", _, "providers", provider, kind, rest @ ..] => {
            directory::group(azure, call)?;
            named(azure, call, (provider, kind), rest)
        }
        _ => Err(Problem::no_such_call(&call.target)),
    }
}

/// Everything of one kind, in the subscription or in one group.
fn listed(azure: &Azure, call: &Call, provider: &str, kind: &str) -> Result<Reply, Problem> {
    only(call, &["GET"])?;
    match (provider, kind) {
        ("microsoft.recoveryservices", "vaults") => Ok(vault::list(azure, call)),
        ("microsoft.network", "privateendpoints") => Ok(endpoint::list(azure, call)),
        ("microsoft.network", "privatednszones") => Ok(dns::list(azure, call)),
        ("microsoft.network", "virtualnetworks") => Ok(network::list(azure, call)),
        ("microsoft.compute", "virtualmachines") => Ok(network::machines(azure, call)),
        _ => Err(Problem::no_such_call(&call.target)),
    }
}

fn named(
    azure: &Azure,
    call: &Call,
    (provider, kind): (&str, &str),
    rest: &[&str],
) -> Result<Reply, Problem> {
    match (provider, kind, rest) {
        ("microsoft.recoveryservices", "vaults", [_]) => vault::one(azure, call),
        ("microsoft.recoveryservices", "vaults", [_, rest @ ..]) => {
            vault::check(azure, call)?;
            below_vault(azure, call, rest)
        }
        ("microsoft.network", "privateendpoints", rest) => endpoint::route(azure, call, rest),
        ("microsoft.network", "privatednszones", rest) => dns::route(azure, call, rest),
        ("microsoft.network", "privatednsoperationstatuses", [id]) => {
            network::operation(azure, call, id)
        }
        ("microsoft.network", "privatednsoperationresults", [id]) => {
            network::operation_result(azure, id)
        }
        ("microsoft.network", "virtualnetworks", rest) => network::route(azure, call, rest),
        ("microsoft.compute", "virtualmachines", [_]) => network::machine(azure, call),
        _ => Err(Problem::no_such_call(&call.target)),
    }
}

fn below_vault(azure: &Azure, call: &Call, rest: &[&str]) -> Result<Reply, Problem> {
    match rest {
        ["operationstatus", _] => vault::status(azure, call),
        ["operationresults", _] => vault::result(azure, call),
        ["privatelinkresources"] => Ok(vault::link_resources(azure, call)),
        ["privateendpointconnections"] => Ok(vault::connections(azure, call)),
        ["privateendpointconnections", name] => vault::connection(azure, call, name),
        ["privateendpointconnections", _, "operationsstatus", id] | ["backupoperations", id] => {
            job::status(azure, id)
        }
        ["backupconfig", "vaultconfig"] => vault::config(azure, call),
        ["backupresourceguardproxies"] => Ok(Reply::ok(serde_json::json!({ "value": [] }))),
        ["backuppolicies"] => Ok(policy::list(azure, call)),
        ["backuppolicies", _] => policy::one(azure, call),
        ["backupprotectioncontainers"] => Ok(container::list(azure, call)),
        ["backupprotectableitems"] => protectable::list(azure, call),
        ["backupprotecteditems"] => item::list(azure, call),
        ["backupprotectionintents"] => Ok(policy::intents(azure, call)),
        ["backupjobs"] => job::list(azure, call),
        ["backupjobs", id] => job::one(azure, call, id),
        ["backupjobs", id, "cancel"] => job::cancel(azure, call, id),
        ["backupjobs", _, "operationresults", id] | ["backupoperationresults", id] => {
            job::result(azure, call, id)
        }
        ["backupfabrics", _, rest @ ..] => below_fabric(azure, call, rest),
        _ => Err(Problem::no_such_call(&call.target)),
    }
}

fn below_fabric(azure: &Azure, call: &Call, rest: &[&str]) -> Result<Reply, Problem> {
    match rest {
        ["protectablecontainers"] => Ok(container::protectable(azure, call)),
        ["refreshcontainers"] => container::refresh(azure, call),
        ["operationresults", id] => job::result(azure, call, id),
        ["backupprotectionintent", _] => policy::intent(azure, call),
        ["protectioncontainers", _] => container::one(azure, call),
        ["protectioncontainers", _, "inquire"] => container::inquire(azure, call),
        ["protectioncontainers", _, "items"] => protectable::workload_items(azure, call),
        ["protectioncontainers", _, "operationresults", id] => container::result(azure, call, id),
        ["operationsstatus", id]
        | ["protectioncontainers", _, "operationsstatus", id]
        | [
            "protectioncontainers",
            _,
            "protecteditems",
            _,
            "operationsstatus",
            id,
        ] => job::status(azure, id),
        ["protectioncontainers", _, "protecteditems", _] => item::one(azure, call),
        ["protectioncontainers", _, "protecteditems", _, "backup"] => item::back_up(azure, call),
        [
            "protectioncontainers",
            _,
            "protecteditems",
            _,
            "operationresults",
            id,
        ] => item::result(azure, call, id),
        _ => Err(Problem::no_such_call(&call.target)),
    }
}

/// Whether the method is one that the path takes.
pub(super) fn only(call: &Call, methods: &[&str]) -> Result<(), Problem> {
    if methods.contains(&call.method.as_str()) {
        Ok(())
    } else {
        Err(Problem::not_allowed(call.method.as_str()))
    }
}
