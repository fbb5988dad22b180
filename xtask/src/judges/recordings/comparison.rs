//! Whether two requests are equal.

use std::collections::BTreeSet;

use serde_json::Value;

use super::command::Kind;
use super::recording::{Interaction, query, segments};
use super::replay::Sent;

/// What a comparison found.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) differences: Vec<String>,
    /// Keys that were left out of it, by reason.
    pub(super) excluded: BTreeSet<&'static str>,
}

/// Keys that only one side sends, with everything below them, and why.
struct Exclusion {
    kind: Kind,
    key: &'static str,
    reason: &'static str,
}

const ONLY_AZ: &[Exclusion] = &[
    Exclusion {
        kind: Kind::CreateVault,
        key: "properties.monitoringSettings",
        reason: "az sets a new vault's alerts; Sidestep leaves them as Azure sets them",
    },
    Exclusion {
        kind: Kind::CreateVault,
        key: "properties.restoreSettings",
        reason: "az sets whether other subscriptions may restore; Sidestep leaves it to Azure",
    },
    Exclusion {
        kind: Kind::CreateVault,
        key: "properties.securitySettings",
        reason: "az sets immutability and soft deletion; Sidestep leaves them as Azure sets them",
    },
    Exclusion {
        kind: Kind::CreateVault,
        key: "tags",
        reason: "az was told tags; Sidestep sets none",
    },
    Exclusion {
        kind: Kind::CreatePolicy,
        key: "properties.protectedItemsCount",
        reason: "az sends back a count that only Azure writes",
    },
    Exclusion {
        kind: Kind::CreatePolicy,
        key: "properties.makePolicyConsistent",
        reason: "az mends a policy that is there; Sidestep only makes new ones",
    },
];

const ONLY_OURS: &[Exclusion] = &[
    Exclusion {
        kind: Kind::CreateVault,
        key: "sku.tier",
        reason: "Sidestep names the tier as Azure's documents do; az leaves it out",
    },
    Exclusion {
        kind: Kind::CreateVault,
        key: "properties.publicNetworkAccess",
        reason: "Sidestep always says whether a vault is public; az does where it was told",
    },
    Exclusion {
        kind: Kind::CreateVault,
        key: "properties.redundancySettings",
        reason: "Sidestep names the redundancy at once; az sets it by a second request",
    },
];

/// Compares method, path, query and the keys of the body.
///
/// As in ARM, letter case does not matter in paths and in query keys. The
/// api-version need only be there: ours is one for each provider.
pub(super) fn compare(kind: Kind, sent: &Sent, recorded: &Interaction) -> Compared {
    let mut compared = Compared::default();
    let mut expect = |what: &str, ours: String, azs: String| {
        if ours != azs {
            let difference = format!("{what}: we send {ours}, az {azs}");
            compared.differences.push(difference);
        }
    };
    expect("method", sent.method.clone(), recorded.method.clone());
    let path = |target: &str| segments(target).join("/").to_lowercase();
    expect("path", path(&sent.target), path(&recorded.target));
    expect(
        "query",
        normal_query(&sent.target),
        normal_query(&recorded.target),
    );

    let (ours, azs) = (keys(&sent.body), keys(&recorded.body));
    for (side, only, exclusions) in [
        ("we send", ours.difference(&azs), ONLY_OURS),
        ("az sends", azs.difference(&ours), ONLY_AZ),
    ] {
        for key in only {
            let exclusion = exclusions.iter().find(|exclusion| {
                let rest = key.strip_prefix(exclusion.key);
                exclusion.kind == kind
                    && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            match exclusion {
                Some(exclusion) => {
                    compared.excluded.insert(exclusion.reason);
                }
                None => compared.differences.push(format!("only {side} `{key}`")),
            }
        }
    }
    compared
}

fn normal_query(target: &str) -> String {
    let mut pairs: Vec<String> = query(target)
        .into_iter()
        .map(|(name, value)| match name.to_ascii_lowercase().as_str() {
            "api-version" => "api-version".to_owned(),
            "$filter" => format!("$filter={}", clauses(&value).join(" and ")),
            name => format!("{name}={value}"),
        })
        .collect();
    pairs.sort();
    pairs.join("&")
}

/// A filter's clauses, in one order and letter case.
pub(super) fn clauses(filter: &str) -> Vec<String> {
    let mut clauses: Vec<String> = filter
        .split(" and ")
        .map(|clause| clause.trim().to_lowercase())
        .filter(|clause| !clause.is_empty())
        .collect();
    clauses.sort();
    clauses
}

/// Every key of a document, with those it is in before it.
pub(super) fn keys(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, "", &mut found);
    found
}

fn collect(value: &Value, before: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = if before.is_empty() {
                    key.clone()
                } else {
                    format!("{before}.{key}")
                };
                collect(value, &key, found);
                found.insert(key);
            }
        }
        Value::Array(values) => {
            for value in values {
                collect(value, &format!("{before}[]"), found);
            }
        }
        _ => {}
    }
}
