//! Azure Backup, Entra ID and the metadata service, as far as a backup uses them.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode, header};

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

/// Entra ID: tokens by `POST /{tenant}/oauth2/token`; the same address also
/// answers device registration.
pub(crate) fn entra(request: &Request<Incoming>) -> Answer {
    let path = request.uri().path();
    if request.method() == Method::POST && path.ends_with("/oauth2/token") {
        let token =
            format!(r#"{{"token_type":"Bearer","expires_in":"3599","access_token":"{TOKEN}"}}"#);
        return body(StatusCode::OK, "application/json", token);
    }
    plain(StatusCode::NOT_FOUND)
}

/// The metadata service ("Azure Instance Metadata Service", MicrosoftDocs/azure-docs).
pub(crate) fn metadata(setup: &Arc<Setup>, request: &Request<Incoming>) -> Answer {
    let asked_rightly = request
        .headers()
        .get("metadata")
        .is_some_and(|value| value == "true");
    if request.uri().path() != "/metadata/instance" || !asked_rightly {
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
        resource_group,
        subscription,
        ..
    } = &**setup;
    let environment = cloud.environment();
    let document = format!(
        r#"{{"compute":{{"azEnvironment":"{environment}","location":"{region}","name":"{vm}","osType":"Windows","resourceGroupName":"{resource_group}","subscriptionId":"{subscription}"}}}}"#
    );
    body(StatusCode::OK, "application/json", document)
}

/// The script that automatic detection finds: everything by the proxy.
pub(crate) fn wpad(setup: &Setup) -> Answer {
    let script = format!(
        "function FindProxyForURL(url, host) {{ return \"PROXY {}:{}\"; }}\n",
        setup.proxy.host, setup.proxy.port
    );
    body(StatusCode::OK, "application/x-ns-proxy-autoconfig", script)
}
