//! The guest's HTTP client, one per account: by its settings, direct or through the proxy.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use super::registry::Registry;
use super::settings::{Settings, Way};
use crate::address::{View, WPAD_NAME};
use crate::record::{Records, Who};
use crate::registry::{PLUGIN, SYSTEM};
use crate::routes::Routes;

/// What the guest's network is.
pub(crate) struct Network {
    pub(crate) registry: PathBuf,
    pub(crate) resolver: TokioResolver,
    pub(crate) routes: Routes,
    pub(crate) records: Records,
    pub(crate) tls: Arc<ClientConfig>,
}

/// One account's way to the world.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) network: Arc<Network>,
    pub(super) who: Who,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open connection to one host.
pub(super) struct Connection {
    host: String,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Connects to `https://host/`.
    pub(super) async fn connect(&self, host: &str) -> Result<Connection, String> {
        let stream: Box<dyn Stream> = match self.way("https", host, 443).await? {
            Way::Throws => return Err("the system proxy settings are invalid".to_owned()),
            Way::Direct => Box::new(self.tcp(host, 443).await?),
            Way::Proxy { host: proxy, port } => self.tunnel(&proxy, port, host).await?,
        };
        let name = ServerName::try_from(host.to_owned()).map_err(words)?;
        let secured = TlsConnector::from(self.network.tls.clone())
            .connect(name, stream)
            .await
            .map_err(words)?;
        speak(host, secured).await
    }

    /// One request on a connection of its own.
    pub(super) async fn ask(
        &self,
        host: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), String> {
        self.connect(host).await?.send(request).await
    }

    /// `GET http://host/path`, for what does not speak TLS.
    pub(super) async fn get_plain(&self, host: &str, path: &str) -> Result<StatusCode, String> {
        let mut request = get(path);
        let stream = match self.way("http", host, 80).await? {
            Way::Throws => return Err("the system proxy settings are invalid".to_owned()),
            Way::Direct => self.tcp(host, 80).await?,
            Way::Proxy { host: proxy, port } => {
                *request.uri_mut() = format!("http://{host}{path}").parse().map_err(words)?;
                self.tcp(&proxy, port).await?
            }
        };
        let answer = speak(host, stream).await?.send(request).await?;
        Ok(answer.0)
    }

    /// Settings are read before every request, as .NET does after a change.
    async fn way(&self, scheme: &str, host: &str, port: u16) -> Result<Way, String> {
        let registry = Registry::read(&self.network.registry).await;
        let sid = match self.who {
            Who::Plugin => PLUGIN,
            _ => SYSTEM,
        };
        let settings = Settings::of(&registry, sid);
        let script_host = if settings.detects() {
            Some(WPAD_NAME.to_owned())
        } else if settings.has_script() {
            let rest = settings.script.trim_start_matches("http://");
            rest.split('/').next().map(str::to_owned)
        } else {
            None
        };
        // A script that cannot be had falls back to the manual proxy.
        if let Some(script_host) = script_host
            && let Ok(script) = self.script(&script_host).await
        {
            return Ok(answer_of(&script));
        }
        Ok(settings.way(scheme, host, port))
    }

    async fn script(&self, host: &str) -> Result<String, String> {
        let stream = self.tcp(host, 80).await?;
        let mut connection = speak(host, stream).await?;
        let (_, script) = connection.send(get("/wpad.dat")).await?;
        Ok(String::from_utf8_lossy(&script).into_owned())
    }

    async fn tunnel(&self, proxy: &str, port: u16, host: &str) -> Result<Box<dyn Stream>, String> {
        let stream = self
            .tcp(proxy, port)
            .await
            .map_err(|error| format!("the proxy: {error}"))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(words)?;
        tokio::spawn(connection.with_upgrades());
        let target = format!("{host}:443");
        let request = Request::builder()
            .method(Method::CONNECT)
            .uri(&target)
            .header(header::HOST, &target)
            .body(Empty::<Bytes>::new())
            .map_err(words)?;
        let response = sender.send_request(request).await.map_err(words)?;
        if response.status() != StatusCode::OK {
            return Err(format!("the proxy answered {}", response.status()));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(words)?;
        Ok(Box::new(TokioIo::new(upgraded)))
    }

    /// Binds first and announces the port, so that whoever accepts knows the account.
    async fn tcp(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let address = self.resolve(host).await?;
        let routes = &self.network.routes;
        let Some(socket) = routes.socket(View::Machine, address, port) else {
            return Err(format!("no way leads to {host} ({address})"));
        };
        let client = TcpSocket::new_v4().map_err(words)?;
        client
            .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .map_err(words)?;
        let local = client.local_addr().map_err(words)?;
        self.network.records.announce(local.port(), self.who);
        client
            .connect(socket)
            .await
            .map_err(|_| format!("{host} ({address}) refuses the connection"))
    }

    async fn resolve(&self, host: &str) -> Result<Ipv4Addr, String> {
        if let Ok(address) = host.parse() {
            return Ok(address);
        }
        let found = self.network.resolver.lookup_ip(format!("{host}.")).await;
        found
            .ok()
            .and_then(|found| {
                found.iter().find_map(|address| match address {
                    IpAddr::V4(address) => Some(address),
                    IpAddr::V6(_) => None,
                })
            })
            .ok_or_else(|| format!("{host} does not resolve"))
    }
}

impl Connection {
    pub(super) async fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), String> {
        let host = header::HeaderValue::try_from(&self.host).map_err(words)?;
        request.headers_mut().insert(header::HOST, host);
        // A kept connection takes the next request only when it is done with the last.
        self.sender.ready().await.map_err(words)?;
        let response = self.sender.send_request(request).await.map_err(words)?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(words)?;
        Ok((status, body.to_bytes()))
    }
}

pub(super) fn get(path: &str) -> Request<Full<Bytes>> {
    send(Method::GET, path, Bytes::new())
}

pub(super) fn send(method: Method, path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body.into()));
    *request.method_mut() = method;
    *request.uri_mut() = path.parse().unwrap_or_default();
    request
}

async fn speak(host: &str, stream: impl Stream + 'static) -> Result<Connection, String> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(words)?;
    tokio::spawn(connection);
    Ok(Connection {
        host: host.to_owned(),
        sender,
    })
}

/// What a script says, read without an engine: its first answer.
fn answer_of(script: &str) -> Way {
    let answer = script.split('"').nth(1).unwrap_or_default();
    let proxy = answer
        .strip_prefix("PROXY ")
        .and_then(|rest| rest.rsplit_once(':'));
    match proxy {
        Some((host, port)) => port.parse().map_or(Way::Direct, |port| Way::Proxy {
            host: host.to_owned(),
            port,
        }),
        None => Way::Direct,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
fn words(error: impl ToString) -> String {
    error.to_string()
}
