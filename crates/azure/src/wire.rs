//! One HTTP exchange, bounded, by the way that the world and the proxy settings
//! name. Everything that Sidestep says to Azure goes through here, sign-in
//! included.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::{Error as CoreError, ErrorKind};
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method as CoreMethod, Request};
use hyper::body::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use sidestep_model::network::Network;

use crate::proxy::OwnProxy;
use crate::resolve::Names;
use crate::tls;

/// Lists of thousands of databases stay far below this.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// A dropped packet shows as silence; Windows itself would wait 21 seconds.
const CONNECT: Duration = Duration::from_secs(15);

/// ARM gives up on what it asks within a minute and says so.
const SILENCE: Duration = Duration::from_secs(90);

/// The metadata service answers in milliseconds or not at all.
const CONNECT_METADATA: Duration = Duration::from_secs(2);

const METADATA: SocketAddr =
    SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 169, 254)), 80);

/// The HTTP clients of one world.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    azure: reqwest::Client,
    /// Never by a proxy: the metadata service is on this machine's own host.
    metadata: reqwest::Client,
    /// Where the metadata service is; `None` where this world has none.
    metadata_socket: Option<SocketAddr>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub(crate) struct Lost {
    /// Whether the request was surely never sent.
    pub(crate) never_sent: bool,
    pub(crate) detail: String,
}

/// Entra ID's no.
///
/// `azure_identity` 1.0.0 borrows the description out of the answer, which fails
/// for one that holds `\r\n`, as Entra ID's do; so it is taken out here.
#[derive(Debug, thiserror::Error, Deserialize)]
#[error("{error_description}")]
pub(crate) struct Rejected {
    pub(crate) error_description: String,
}

impl Wire {
    pub(crate) fn new(network: &Network, proxy: &OwnProxy) -> Result<Self, String> {
        let config = tls::client(network.only_authority_pem.as_deref())?;
        let network = Arc::new(network.clone());
        let base = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(config.clone())
                .http1_only()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .read_timeout(SILENCE)
                .user_agent(concat!("sidestep/", env!("CARGO_PKG_VERSION")))
        };
        let mut azure = base()
            .connect_timeout(CONNECT)
            .dns_resolver(Names::new(Arc::clone(&network), 443));
        if let Some(server) = proxy.server().map_err(|reason| reason.to_string())? {
            let address = proxy_address(&network, &server.url)?;
            azure = azure.proxy(server.as_reqwest(address, proxy.clone()));
        }
        let metadata = base().connect_timeout(CONNECT_METADATA);
        Ok(Self {
            azure: azure.build().map_err(|error| lost(error).detail)?,
            metadata: metadata.build().map_err(|error| lost(error).detail)?,
            metadata_socket: network.addresses.socket(METADATA),
        })
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Reply, Lost> {
        let request = self.azure.request(method, url).headers(headers).body(body);
        exchange(request).await
    }

    /// Asks the metadata service, whose address no resolver ever sees.
    async fn send_to_metadata(
        &self,
        method: Method,
        mut url: Url,
        headers: HeaderMap,
    ) -> Result<Reply, Lost> {
        let nobody = || Lost {
            never_sent: true,
            detail: "the metadata service at 169.254.169.254 does not answer".to_owned(),
        };
        let socket = self.metadata_socket.ok_or_else(nobody)?;
        url.set_ip_host(socket.ip()).map_err(|()| nobody())?;
        url.set_port(Some(socket.port())).map_err(|()| nobody())?;
        let request = self
            .metadata
            .request(method, url)
            .headers(headers)
            .header(reqwest::header::HOST, "169.254.169.254");
        exchange(request).await.map_err(|lost| Lost {
            never_sent: lost.never_sent,
            ..nobody()
        })
    }
}

/// The address that a proxy's URL leads to in this world.
fn proxy_address(network: &Network, url: &Url) -> Result<Url, String> {
    let mut url = url.clone();
    let literal = url
        .host_str()
        .map(|host| host.trim_start_matches('[').trim_end_matches(']'))
        .and_then(|host| host.parse::<IpAddr>().ok());
    if let (Some(address), Some(port)) = (literal, url.port_or_known_default()) {
        let unreachable = || "no way leads to the proxy".to_owned();
        let socket = network
            .addresses
            .socket(SocketAddr::new(address, port))
            .ok_or_else(unreachable)?;
        url.set_ip_host(socket.ip()).map_err(|()| unreachable())?;
        url.set_port(Some(socket.port()))
            .map_err(|()| unreachable())?;
    }
    Ok(url)
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<Reply, Lost> {
    let mut response = request.send().await.map_err(lost)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(Lost {
                never_sent: false,
                detail: format!("the answer is longer than {LARGEST_BODY} bytes"),
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        body: body.into(),
    })
}

/// The innermost reason says what happened; the outer ones only where, with the
/// whole URL.
#[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
fn lost(error: reqwest::Error) -> Lost {
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let detail = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if std::ptr::addr_eq(innermost, &raw const error) {
        "the request could not be sent".to_owned()
    } else {
        innermost.to_string()
    };
    Lost {
        never_sent: error.is_connect() || error.is_builder(),
        detail,
    }
}

/// Tokens are asked for by `azure_identity`, over the same wire.
#[async_trait]
impl HttpClient for Wire {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let unsendable = || CoreError::with_message(ErrorKind::Other, "no request to send");
        let method = match request.method() {
            CoreMethod::Get => Method::GET,
            CoreMethod::Post => Method::POST,
            _ => return Err(unsendable()),
        };
        let Body::Bytes(body) = request.body() else {
            return Err(unsendable());
        };
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers().iter() {
            // Sidestep introduces itself the same way everywhere.
            if name.as_str().eq_ignore_ascii_case("user-agent") {
                continue;
            }
            let name = reqwest::header::HeaderName::try_from(name.as_str());
            let value = reqwest::header::HeaderValue::try_from(value.as_str());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.insert(name, value);
            }
        }
        let url = request.url().clone();
        let is_metadata = url.host_str() == Some("169.254.169.254");
        let reply = if is_metadata {
            self.send_to_metadata(method, url, headers).await
        } else {
            self.send(method, url, headers, body.to_vec()).await
        };
        // `Other` is what azure_identity does not ask again for: where nobody
        // answers at the metadata address, this is no virtual machine.
        let kind = if is_metadata {
            ErrorKind::Other
        } else {
            ErrorKind::Io
        };
        let reply = reply.map_err(|lost| CoreError::new(kind, lost))?;
        if !is_metadata && matches!(reply.status.as_u16(), 400..=403) {
            // Whoever answers otherwise is not Entra ID.
            if let Ok(rejected) = serde_json::from_slice::<Rejected>(&reply.body) {
                return Err(CoreError::new(ErrorKind::Other, rejected));
            }
        }
        let mut headers = Headers::new();
        for (name, value) in &reply.headers {
            if let Ok(value) = value.to_str() {
                headers.insert(
                    HeaderName::from(name.as_str().to_owned()),
                    HeaderValue::from(value.to_owned()),
                );
            }
        }
        let status = reply.status.as_u16().into();
        Ok(AsyncRawResponse::from_bytes(status, headers, reply.body))
    }
}
