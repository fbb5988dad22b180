//! Azure Backup and the metadata service, as far as a backup uses them.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode, header};

use crate::arm::decoded;
use crate::entra::Directory;
use crate::server::{Answer, body, plain};
use crate::setup::Setup;
use crate::storage::Storage;

/// What Entra ID gives and the services ask for.
pub(crate) const TOKEN: &str = "rehearsal-token";

/// The blob that a backup is stored in.
pub(crate) const BLOB: &str = "backup-orders";

/// Azure Backup behind its private endpoint.
pub(crate) async fn backup(storage: Storage, request: Request<Incoming>) -> Answer {
    let authorized = request
        .headers()
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes() == format!("Bearer {TOKEN}").as_bytes());
    if !authorized {
        return plain(StatusCode::UNAUTHORIZED);
    }
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/coordinator/heartbeat" | "/protection/start") => {
            plain(StatusCode::ACCEPTED)
        }
        // The vault believes nobody: it reads what was stored, and compares.
        (&Method::POST, "/protection/complete") => {
            let Ok(claim) = request.into_body().collect().await else {
                return plain(StatusCode::BAD_REQUEST);
            };
            match storage.read_back(BLOB).await {
                Ok(stored) if claim.to_bytes() == stored.sha256.as_bytes() => {
                    body(StatusCode::OK, "text/plain", stored.bytes.to_string())
                }
                _ => plain(StatusCode::CONFLICT),
            }
        }
        _ => plain(StatusCode::NOT_FOUND),
    }
}

/// The metadata service ("Azure Instance Metadata Service", MicrosoftDocs/azure-docs).
pub(crate) fn metadata(
    setup: &Arc<Setup>,
    directory: &Directory,
    request: &Request<Incoming>,
) -> Answer {
    let asked_rightly = request
        .headers()
        .get("metadata")
        .is_some_and(|value| value == "true");
    let path = request.uri().path();
    if path == "/metadata/identity/oauth2/token" && asked_rightly {
        return token(directory, request.uri().query().unwrap_or_default());
    }
    if path != "/metadata/instance" || !asked_rightly {
        return body(
            StatusCode::BAD_REQUEST,
            "application/json",
            r#"{"error":"Bad request. Required metadata header not specified"}"#,
        );
    }
    let Setup {
        cloud,
        region,
        vm,
        subscription,
        ..
    } = &**setup;
    let resource_group = setup.group_of(vm);
    let environment = cloud.environment();
    let document = format!(
        r#"{{"compute":{{"azEnvironment":"{environment}","location":"{region}","name":"{vm}","osType":"Windows","resourceGroupName":"{resource_group}","subscriptionId":"{subscription}"}}}}"#
    );
    body(StatusCode::OK, "application/json", document)
}

/// A token of the machine's own identity.
fn token(directory: &Directory, query: &str) -> Answer {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let resource = pairs.find(|(key, _)| *key == "resource");
    match resource {
        Some((_, resource)) => {
            let token = directory.machine_token(&decoded(resource, true));
            body(StatusCode::OK, "application/json", token.to_string())
        }
        None => body(
            StatusCode::BAD_REQUEST,
            "application/json",
            r#"{"error":"invalid_request","error_description":"Required query variable 'resource' is missing"}"#,
        ),
    }
}

/// The script that automatic detection finds: everything by the proxy.
pub(crate) fn wpad(setup: &Setup) -> Answer {
    let script = format!(
        "function FindProxyForURL(url, host) {{ return \"PROXY {}:{}\"; }}\n",
        setup.proxy.host, setup.proxy.port
    );
    body(StatusCode::OK, "application/x-ns-proxy-autoconfig", script)
}
