//! What is not held against an exchange, and why not.

use serde_json::{Value, json};

use super::exchange::Exchange;
use super::operations::Operation;

/// A reason not to judge something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Exclusion {
    SignIn,
    NoDocument,
    ComputeStatus,
    NetworkStatus,
    ContainerStatus,
    UnregisterLocation,
    Gateway,
    ErrorUndocumented,
    SignedQuery,
    NextPage,
    PatchNull,
    NotYetABody,
    EmptyObject,
    NullMember,
}

impl Exclusion {
    /// The reason.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::SignIn => "exchange: sign-in and metadata, which are not Resource Manager's",
            Self::NoDocument => {
                "exchange: subscriptions, groups, deployments, identities, network interfaces, \
                 addresses, images: no document of theirs is here"
            }
            Self::ComputeStatus => {
                "exchange: a status URL of Microsoft.Compute, taken from a header: no document \
                 describes it"
            }
            Self::NetworkStatus => {
                "request: a status URL of Microsoft.Network, taken from a header: no document \
                 describes it; the answer is judged as network.json's AzureAsyncOperationResult"
            }
            Self::ContainerStatus => {
                "request: the status URL that registering and unregistering give out: it has \
                 api-version 2019-05-13-preview, which no document describes; the answer is \
                 judged as bms.json's OperationStatus"
            }
            Self::UnregisterLocation => {
                "query: the Location that unregistering gives out is malformed (recorded: \
                 `?fabricName=Azure%3fapi-version%3d…`)"
            }
            Self::Gateway => "answer: 401 and 429 come from the gateway before any operation",
            Self::ErrorUndocumented => {
                "answer: the operation's document describes no error, or one that is not in \
                 `error`; judged as Resource Manager's own alone"
            }
            Self::SignedQuery => "query: t, c, s and h, with which Azure signs URLs to be polled",
            Self::NextPage => "query: the skip token of a next page, whose URL is Azure's own",
            Self::PatchNull => {
                "request: null in a PATCH, which takes a member away (recorded at a vault's \
                 identities)"
            }
            Self::NotYetABody => {
                "answer: 202 of a long-running operation, without the body that is documented"
            }
            Self::EmptyObject => {
                "answer: `{}` with a 202 that is documented without a body (recorded where a \
                 container is registered, and at the polls after that)"
            }
            Self::NullMember => {
                "answer: null for a member that is not there (recorded at a vault's settings)"
            }
        }
    }

    /// Document and definition that its answer is judged by all the same.
    pub(super) fn stand_in(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::NetworkStatus => Some(("network", "AzureAsyncOperationResult")),
            Self::ContainerStatus => Some(("bms", "OperationStatus")),
            _ => None,
        }
    }
}

/// Paths of which no document is here. `*` is any segment, `**` all that follow.
const OUTSIDE: &[(&str, Exclusion)] = &[
    ("metadata/**", Exclusion::SignIn),
    ("msi/token", Exclusion::SignIn),
    ("*/oauth2/**", Exclusion::SignIn),
    ("*/v2.0/.well-known/**", Exclusion::SignIn),
    ("common/discovery/**", Exclusion::SignIn),
    ("subscriptions", Exclusion::NoDocument),
    ("subscriptions/*", Exclusion::NoDocument),
    ("subscriptions/*/resourceGroups", Exclusion::NoDocument),
    ("subscriptions/*/resourceGroups/*", Exclusion::NoDocument),
    (
        "subscriptions/*/resourceGroups/*/providers/Microsoft.Resources/**",
        Exclusion::NoDocument,
    ),
    (
        "subscriptions/*/resourceGroups/*/providers/Microsoft.ManagedIdentity/**",
        Exclusion::NoDocument,
    ),
    (
        "subscriptions/*/resourceGroups/*/providers/Microsoft.Network/networkInterfaces/**",
        Exclusion::NoDocument,
    ),
    (
        "subscriptions/*/resourceGroups/*/providers/Microsoft.Network/publicIPAddresses/**",
        Exclusion::NoDocument,
    ),
    ("subscriptions/*/providers/*", Exclusion::NoDocument),
    (
        "subscriptions/*/providers/Microsoft.Compute/locations/*/publishers/**",
        Exclusion::NoDocument,
    ),
    (
        "subscriptions/*/providers/Microsoft.Compute/locations/*/operations/*",
        Exclusion::ComputeStatus,
    ),
    (
        "subscriptions/*/providers/Microsoft.Network/locations/*/operations/*",
        Exclusion::NetworkStatus,
    ),
    (
        "subscriptions/*/providers/Microsoft.Network/locations/*/operationResults/*",
        Exclusion::NetworkStatus,
    ),
    (
        "subscriptions/*/resourceGroups/*/providers/Microsoft.Network/privateDnsOperationStatuses/*",
        Exclusion::NetworkStatus,
    ),
    (
        "subscriptions/*/resourceGroups/*/providers/Microsoft.Network/privateDnsOperationResults/*",
        Exclusion::NetworkStatus,
    ),
    (
        "subscriptions/*/resourceGroups/*/providers/Microsoft.RecoveryServices/vaults/*\
         /backupFabrics/*/protectionContainers/*/operationsStatus/*",
        Exclusion::ContainerStatus,
    ),
    (
        "subscriptions/*/resourceGroups/*/providers/Microsoft.RecoveryServices/vaults/*\
         /backupFabrics/*/operationsStatus/*",
        Exclusion::ContainerStatus,
    ),
];

/// Why a request that means no operation is not held against anybody.
pub(super) fn of_path(exchange: &Exchange) -> Option<Exclusion> {
    OUTSIDE
        .iter()
        .find(|(pattern, _)| matches(pattern, &exchange.path))
        .map(|(_, exclusion)| *exclusion)
        .filter(|exclusion| match exclusion {
            Exclusion::ComputeStatus | Exclusion::NetworkStatus | Exclusion::ContainerStatus => {
                exchange.method == "GET"
            }
            _ => true,
        })
}

fn matches(pattern: &str, path: &[String]) -> bool {
    let mut path = path.iter();
    for wanted in pattern.split('/') {
        match (wanted, path.next()) {
            ("**", _) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(segment)) if wanted.eq_ignore_ascii_case(segment) => {}
            _ => return false,
        }
    }
    path.next().is_none()
}

/// Why a query that the document does not know, or that lacks what it wants, is
/// not held against the request.
pub(super) fn of_query(operation: &Operation<'_>, exchange: &Exchange) -> Option<Exclusion> {
    let is_malformed = operation.is_polled()
        && exchange
            .query
            .iter()
            .any(|(name, value)| name == "fabricName" && value.contains("?api-version="));
    is_malformed.then_some(Exclusion::UnregisterLocation)
}

/// Why an undocumented parameter is not held against the request.
pub(super) fn of_parameter(operation: &Operation<'_>, name: &str) -> Option<Exclusion> {
    let is_signature = operation.is_polled() && ["t", "c", "s", "h"].contains(&name);
    if is_signature {
        return Some(Exclusion::SignedQuery);
    }
    let is_next = operation.pageable && name.eq_ignore_ascii_case("$skipToken");
    is_next.then_some(Exclusion::NextPage)
}

/// What Resource Manager answers every error with (`ErrorResponse` of the common
/// types, whose members are all there in what is recorded).
pub(super) fn error_schema() -> Value {
    json!({
        "type": "object", "required": ["error"],
        "properties": { "error": {
            "type": "object", "required": ["code", "message"],
            "properties": {
                "code": { "type": "string" },
                "message": { "type": "string" },
                "target": { "type": "string" },
                "details": { "type": "array", "items": { "type": "object" } },
                "additionalInfo": { "type": "array", "items": { "type": "object" } },
            },
        } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_outside_are_known() {
        let path = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
        assert!(matches("a/*/C", &path("A/b/c")));
        assert!(matches("a/**", &path("a/b/c")));
        assert!(!matches("a/*", &path("a/b/c")));
        assert!(!matches("a/b/c", &path("a/b")));
    }

    #[test]
    fn each_status_url_has_its_reason() {
        let of = |method: &str, provider: &str| {
            let below = "subscriptions/s/providers";
            let url = format!("/{below}/{provider}/locations/l/operations/1?api-version=1");
            let entry = json!({ "method": method, "url": url, "status": 200 });
            of_path(&Exchange::read(&entry).unwrap())
        };
        let (network, compute) = ("Microsoft.Network", "Microsoft.Compute");
        assert_eq!(of("GET", network), Some(Exclusion::NetworkStatus));
        assert_eq!(of("GET", compute), Some(Exclusion::ComputeStatus));
        assert_eq!(of("PUT", network), None);
        assert_eq!(of("GET", "Microsoft.Other"), None);
    }
}
