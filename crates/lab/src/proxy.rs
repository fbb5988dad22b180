//! The corporate proxy: tunnels by CONNECT, plain requests by absolute URL, and
//! a log in squid's native format.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::LabError;
use crate::address::{MACHINE, View};
use crate::arm::World;
use crate::record::{Counted, Hold, Path, Records};
use crate::routes::Routes;
use crate::server::{Answer, plain};

/// What the proxy knows of its world.
pub(crate) struct Proxy {
    pub(crate) world: World,
    pub(crate) routes: Routes,
    pub(crate) records: Records,
    pub(crate) log: Mutex<File>,
}

impl Proxy {
    /// Listens on loopback until the task set is dropped.
    pub(crate) async fn start(self, tasks: &mut JoinSet<()>) -> Result<SocketAddr, LabError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let proxy = Arc::new(self);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, peer)) = listener.accept().await {
                let hold = proxy.records.hold_any().await;
                connections.spawn(proxy.clone().connection(stream, peer, hold));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(address)
    }

    /// One client connection. What it wants is known from its first request,
    /// which is read before the record is opened: peeking keeps the bytes.
    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, hold: Hold) {
        let host = wanted_host(&stream).await;
        let service = self.world.plan().service_of(&host);
        let counter = self.records.open(peer.port(), service, Path::Proxy, &host);
        let stream = Counted::new(stream, counter);
        let service = service_fn(move |request| {
            let answer = self.clone().request(request, hold.clone());
            async { Ok::<_, std::convert::Infallible>(answer.await) }
        });
        drop(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await,
        );
    }

    async fn request(self: Arc<Self>, request: Request<Incoming>, hold: Hold) -> Answer {
        let start = Instant::now();
        let target = request.uri().to_string();
        let method = request.method().clone();
        let port = if method == Method::CONNECT { 443 } else { 80 };
        let host = request.uri().host().unwrap_or_default().to_owned();
        let port = request.uri().port_u16().unwrap_or(port);
        let onward = self.onward(&host, port).await;
        let entry = Entry {
            start,
            method: method.clone(),
            target,
        };
        match onward {
            Some((address, stream)) if method == Method::CONNECT => {
                tokio::spawn(async move {
                    let bytes = match hyper::upgrade::on(request).await {
                        Ok(client) => tunnel(client, stream).await,
                        Err(_) => 0,
                    };
                    self.write(&entry, "TCP_TUNNEL/200", bytes, Some(address))
                        .await;
                    drop(hold);
                });
                Response::new(Full::default())
            }
            // No plain request of a backup has a business beyond the proxy.
            Some((address, _)) => {
                self.write(&entry, "TCP_DENIED/403", 0, Some(address)).await;
                plain(StatusCode::FORBIDDEN)
            }
            None => {
                let code = match method {
                    Method::CONNECT => "TCP_TUNNEL/503",
                    _ => "TCP_MISS/503",
                };
                self.write(&entry, code, 0, None).await;
                plain(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }

    /// A connection onward, as the proxy's own network allows it.
    async fn onward(&self, host: &str, port: u16) -> Option<(Ipv4Addr, TcpStream)> {
        let address = match host.parse() {
            Ok(address) => address,
            Err(_) => self.world.resolve(host, View::Proxy)?.address,
        };
        let socket = self.routes.socket(View::Proxy, address, port)?;
        let client = TcpSocket::new_v4().ok()?;
        client.bind(SocketAddr::from(([127, 0, 0, 1], 0))).ok()?;
        self.records
            .announce_onward(client.local_addr().ok()?.port());
        Some((address, client.connect(socket).await.ok()?))
    }

    async fn write(&self, entry: &Entry, code: &str, bytes: u64, address: Option<Ipv4Addr>) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let (seconds, millis) = (now.as_secs(), now.subsec_millis());
        let elapsed = entry.start.elapsed().as_millis();
        let peer = address.map_or_else(
            || "HIER_NONE/-".to_owned(),
            |address| format!("HIER_DIRECT/{address}"),
        );
        let Entry { method, target, .. } = entry;
        let line = format!(
            "{seconds}.{millis:03} {elapsed:6} {MACHINE} {code} {bytes} {method} {target} - {peer} -\n"
        );
        // A log that cannot be written shows in the test that compares it with the records.
        let mut log = self.log.lock().await;
        drop(log.write_all(line.as_bytes()).await);
        drop(log.flush().await);
    }
}

struct Entry {
    start: Instant,
    method: Method,
    target: String,
}

async fn tunnel(client: Upgraded, mut server: TcpStream) -> u64 {
    let mut client = TokioIo::new(client);
    match tokio::io::copy_bidirectional(&mut client, &mut server).await {
        Ok((_, to_client)) => to_client,
        Err(_) => 0,
    }
}

/// The host of the request line, looked at without taking it.
async fn wanted_host(stream: &TcpStream) -> String {
    let mut buffer = [0; 1024];
    let length = stream.peek(&mut buffer).await.unwrap_or_default();
    let head = String::from_utf8_lossy(&buffer[..length]);
    let target = head.split(' ').nth(1).unwrap_or_default();
    let authority = target.split_once("://").map_or(target, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    authority.split(':').next().unwrap_or_default().to_owned()
}
