//! Microsoft Entra ID, as far as the machine's services and clients of Resource
//! Manager ask it, and the tokens that it gave.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::arm::{Credentials, base64, decoded, guid};
use crate::server::{Answer, body, plain};
use crate::services::TOKEN;
use crate::setup::{Fault, Setup};

/// Seconds for which a token counts.
const LIFETIME: i64 = 3599;

/// One tenant, one application, one machine identity.
#[derive(Clone)]
pub(crate) struct Directory {
    setup: Arc<Setup>,
    credentials: Arc<Credentials>,
    given: Arc<Mutex<HashSet<String>>>,
}

impl Directory {
    pub(crate) fn new(setup: Arc<Setup>) -> Self {
        let credentials = Credentials {
            tenant: setup.tenant().to_owned(),
            client_id: guid("the rehearsal's application"),
            secret: format!("rehearsal~{}", guid("the rehearsal's secret")),
        };
        Self {
            setup,
            credentials: Arc::new(credentials),
            given: Arc::default(),
        }
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Whether a token was given here, for Resource Manager.
    pub(crate) fn knows(&self, token: &str) -> bool {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.contains(token)
    }

    /// `WWW-Authenticate`, as Resource Manager sends it with 401.
    pub(crate) fn challenge(&self, description: &str) -> String {
        let login = self.setup.cloud.login_host();
        format!(
            "Bearer authorization_uri=\"https://{login}/{}\", error=\"invalid_token\", \
             error_description=\"{description}\"",
            self.credentials.tenant
        )
    }

    /// `https://login.…/`: tokens, and what clients look up before they ask for one.
    pub(crate) async fn answer(self, request: Request<Incoming>) -> Answer {
        let method = request.method().clone();
        let host = request.headers().get(header::HOST);
        let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
        let origin = format!("https://{host}");
        let path = request.uri().path().to_owned();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (&method, parts.as_slice()) {
            (&Method::POST, [tenant, "oauth2", "v2.0", "token"]) => {
                let sent = request.into_body().collect().await;
                let sent = sent
                    .map(http_body_util::Collected::to_bytes)
                    .unwrap_or_default();
                self.token(tenant, &String::from_utf8_lossy(&sent))
            }
            // The extension's own way, by version 1.
            (&Method::POST, [_, "oauth2", "token"]) => answer(
                StatusCode::OK,
                &json!({ "token_type": "Bearer", "expires_in": "3599", "access_token": TOKEN }),
            ),
            (&Method::GET, [tenant, "v2.0", ".well-known", "openid-configuration"]) => {
                self.configuration(&origin, tenant)
            }
            (&Method::GET, ["common", "discovery", "instance"]) => self.instance(&origin),
            _ => plain(StatusCode::NOT_FOUND),
        }
    }

    /// A token of the machine's own identity, by the metadata service ("How to use
    /// managed identities for Azure resources", MicrosoftDocs/azure-docs).
    pub(crate) fn machine_token(&self, resource: &str) -> Value {
        let token = self.issue(resource, &guid("the machine's identity"));
        json!({
            "access_token": token,
            "client_id": guid("the machine's identity"),
            "expires_in": LIFETIME.to_string(),
            "expires_on": (Timestamp::now().as_second() + LIFETIME).to_string(),
            "ext_expires_in": LIFETIME.to_string(),
            "not_before": Timestamp::now().as_second().to_string(),
            "resource": resource,
            "token_type": "Bearer",
        })
    }

    fn token(&self, tenant: &str, form: &str) -> Answer {
        let field = |name: &str| {
            let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
            let mut found = pairs.filter(|(key, _)| *key == name);
            let value = found.next().map(|(_, value)| value).unwrap_or_default();
            decoded(value, true)
        };
        let known = &self.credentials;
        let (client, secret) = (field("client_id"), field("client_secret"));
        if !tenant.eq_ignore_ascii_case(&known.tenant) {
            let text = format!(
                "AADSTS90002: Tenant '{tenant}' not found. Check to make sure you have the correct \
                 tenant ID and are signing into the correct cloud."
            );
            return refused(StatusCode::BAD_REQUEST, "invalid_request", 90002, &text);
        }
        if field("grant_type") != "client_credentials" {
            let text = "AADSTS70003: The app requested an unsupported grant type.";
            return refused(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                70003,
                text,
            );
        }
        if !client.eq_ignore_ascii_case(&known.client_id) {
            let text = format!(
                "AADSTS700016: Application with identifier '{client}' was not found in the \
                 directory 'Rehearsal'."
            );
            return refused(
                StatusCode::BAD_REQUEST,
                "unauthorized_client",
                700_016,
                &text,
            );
        }
        if secret != known.secret {
            let text = format!(
                "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in \
                 the request is the client secret value, not the client secret ID, for a secret \
                 added to app '{client}'."
            );
            return refused(StatusCode::UNAUTHORIZED, "invalid_client", 7_000_215, &text);
        }
        if self.setup.has(Fault::SecretExpired) {
            let text = format!(
                "AADSTS7000222: The provided client secret keys for app '{client}' are expired."
            );
            return refused(StatusCode::UNAUTHORIZED, "invalid_client", 7_000_222, &text);
        }
        let scope = field("scope");
        let token = self.issue(scope.trim_end_matches(".default"), &client);
        answer(
            StatusCode::OK,
            &json!({
                "token_type": "Bearer",
                "expires_in": LIFETIME,
                "ext_expires_in": LIFETIME,
                "access_token": token,
            }),
        )
    }

    /// A token that anybody can read and nobody can sign.
    fn issue(&self, audience: &str, object: &str) -> String {
        let now = Timestamp::now().as_second();
        let tenant = &self.credentials.tenant;
        let part = |value: &Value| {
            let text = base64(value.to_string().as_bytes());
            text.replace('+', "-").replace('/', "_").replace('=', "")
        };
        let token = format!(
            "{}.{}.rehearsal",
            part(&json!({ "typ": "JWT", "alg": "none" })),
            part(&json!({
                "aud": audience,
                "iss": format!("https://sts.windows.net/{tenant}/"),
                "iat": now,
                "nbf": now,
                "exp": now + LIFETIME,
                "appid": object,
                "oid": object,
                "sub": object,
                "tid": tenant,
                "ver": "1.0",
            }))
        );
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.insert(token.clone());
        token
    }

    fn configuration(&self, origin: &str, tenant: &str) -> Answer {
        let base = format!("{origin}/{tenant}");
        answer(
            StatusCode::OK,
            &json!({
                "token_endpoint": format!("{base}/oauth2/v2.0/token"),
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "jwks_uri": format!("{base}/discovery/v2.0/keys"),
                "response_types_supported": ["code", "id_token", "token"],
                "issuer": format!("{origin}/{}/v2.0", self.credentials.tenant),
                "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
                "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
                "tenant_region_scope": "AS",
                "cloud_instance_name": "microsoftonline.com",
            }),
        )
    }

    fn instance(&self, origin: &str) -> Answer {
        let host = self.setup.cloud.login_host();
        let tenant = &self.credentials.tenant;
        answer(
            StatusCode::OK,
            &json!({
                "tenant_discovery_endpoint":
                    format!("{origin}/{tenant}/v2.0/.well-known/openid-configuration"),
                "api-version": "1.1",
                "metadata": [{
                    "preferred_network": host,
                    "preferred_cache": host,
                    "aliases": [host],
                }],
            }),
        )
    }
}

fn answer(status: StatusCode, document: &Value) -> Answer {
    body(
        status,
        "application/json; charset=utf-8",
        document.to_string(),
    )
}

/// Entra ID's own envelope; its codes are in "Microsoft Entra authentication and
/// authorization error codes" (MicrosoftDocs/azure-docs).
fn refused(status: StatusCode, error: &str, code: u32, text: &str) -> Answer {
    let id = guid(text);
    let now = Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    answer(
        status,
        &json!({
            "error": error,
            "error_description":
                format!("{text} Trace ID: {id} Correlation ID: {id} Timestamp: {now}"),
            "error_codes": [code],
            "timestamp": now,
            "trace_id": id,
            "correlation_id": id,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        }),
    )
}
