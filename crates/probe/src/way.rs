//! One attempt, stage by stage.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use sidestep_model::network::Network;
use sidestep_model::observation::{Failure, Observation, Stage, Via};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::{other, resolve, tls};

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Walks the stages until one fails; each leaves its mark in `seen`.
pub(crate) async fn walk(network: &Network, seen: &mut Observation) {
    let (name, port) = match &seen.via {
        Via::Direct => (seen.host.clone(), seen.port),
        Via::Proxy(proxy) => (proxy.host.clone(), proxy.port),
    };

    let start = Instant::now();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        seen.addresses = vec![address];
        seen.dns = Stage::NotNeeded;
    } else {
        match resolve::addresses(&network.resolver, &name).await {
            Ok(addresses) => {
                seen.addresses = addresses;
                seen.dns = Stage::Passed(start.elapsed());
            }
            Err(failure) => {
                seen.dns = Stage::Failed(start.elapsed(), failure);
                return;
            }
        }
    }

    let start = Instant::now();
    let Some(tcp) = mark(
        &mut seen.tcp,
        start,
        connect(network, &seen.addresses, port).await,
    ) else {
        return;
    };

    let start = Instant::now();
    let stream: Box<dyn Stream> = match &seen.via {
        Via::Direct => {
            seen.connect = Stage::NotNeeded;
            Box::new(tcp)
        }
        Via::Proxy(_) => {
            let tunnel = tunnel(tcp, &seen.host, seen.port).await;
            match mark(&mut seen.connect, start, tunnel) {
                Some(tunnel) => Box::new(TokioIo::new(tunnel)),
                None => return,
            }
        }
    };

    let start = Instant::now();
    let authority = network.only_authority_pem.as_deref();
    let secured = tls::handshake(stream, &seen.host, authority).await;
    let Some(secured) = mark(&mut seen.tls, start, secured) else {
        return;
    };

    let start = Instant::now();
    let status = ask(secured, &seen.host).await;
    seen.http_status = mark(&mut seen.http, start, status).map(|status| status.as_u16());
}

/// The same as far as the tunnel, as a stream that is nobody's yet.
pub(crate) async fn open(
    network: &Network,
    host: &str,
    port: u16,
    via: &Via,
) -> Result<TcpStream, Failure> {
    let (name, at) = match via {
        Via::Direct => (host, port),
        Via::Proxy(proxy) => (proxy.host.as_str(), proxy.port),
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let addresses = match bare.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => resolve::addresses(&network.resolver, name).await?,
    };
    let tcp = connect(network, &addresses, at).await?;
    match via {
        Via::Direct => Ok(tcp),
        Via::Proxy(_) => {
            let upgraded = tunnel(tcp, host, port).await?;
            let parts = upgraded
                .downcast::<TokioIo<TcpStream>>()
                .map_err(|_| other("the tunnel is no TCP connection"))?;
            if parts.read_buf.is_empty() {
                Ok(parts.io.into_inner())
            } else {
                Err(other("the proxy says something before TLS begins"))
            }
        }
    }
}

fn mark<T>(stage: &mut Stage, start: Instant, result: Result<T, Failure>) -> Option<T> {
    match result {
        Ok(value) => {
            *stage = Stage::Passed(start.elapsed());
            Some(value)
        }
        Err(failure) => {
            *stage = Stage::Failed(start.elapsed(), failure);
            None
        }
    }
}

/// The first address that takes the connection.
async fn connect(network: &Network, to: &[IpAddr], port: u16) -> Result<TcpStream, Failure> {
    let mut last = Failure::Unreachable;
    for address in to {
        let Some(socket) = network.addresses.socket(SocketAddr::new(*address, port)) else {
            continue;
        };
        match TcpStream::connect(socket).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = failure(&error),
        }
    }
    Err(last)
}

fn failure(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Refused,
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Failure::Unreachable,
        io::ErrorKind::TimedOut => Failure::TimedOut,
        _ => Failure::Other(error.to_string()),
    }
}

async fn tunnel(tcp: TcpStream, host: &str, port: u16) -> Result<Upgraded, Failure> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(tcp)).await.map_err(other)?;
    tokio::spawn(connection.with_upgrades());
    let target = format!("{host}:{port}");
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(&target)
        .header(header::HOST, &target)
        .body(Empty::<Bytes>::new())
        .map_err(other)?;
    let response = sender.send_request(request).await.map_err(other)?;
    if response.status() != StatusCode::OK {
        return Err(Failure::ProxyAnswered(response.status().as_u16()));
    }
    hyper::upgrade::on(response).await.map_err(other)
}

async fn ask(stream: impl Stream + 'static, host: &str) -> Result<StatusCode, Failure> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(other)?;
    tokio::spawn(connection);
    let request = Request::builder()
        .uri("/")
        .header(header::HOST, host)
        .header(header::USER_AGENT, "sidestep")
        .body(Empty::<Bytes>::new())
        .map_err(other)?;
    let response = sender.send_request(request).await.map_err(other)?;
    Ok(response.status())
}
