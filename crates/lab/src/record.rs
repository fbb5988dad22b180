//! Who came to which listener, and how many bytes went.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The coordinator, as `NT AUTHORITY\SYSTEM`.
    System,
    /// The plugin, as `NT SERVICE\AzureWLBackupPluginSvc`.
    Plugin,
    /// Nobody of the guest.
    Other,
}

/// What it wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Azure Backup.
    Backup,
    /// Blob storage.
    Blob,
    /// Queue storage.
    Queue,
    /// Entra ID.
    Entra,
    /// The machine's own platform: the metadata service.
    Platform,
    /// Anything else.
    Other,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// To the private endpoint.
    PrivateEndpoint,
    /// To a public address, or to the machine's own platform.
    Direct,
    /// To the proxy.
    Proxy,
}

/// One connection, as the listener that it came to saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Whose it was.
    pub account: Who,
    /// What it wanted.
    pub service: Service,
    /// How it went.
    pub path: Path,
    /// The name asked for, as far as the listener learned it.
    pub host: String,
    /// TCP payload in both directions.
    pub bytes: u64,
}

/// The records of all listeners.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    inner: Arc<Mutex<Inner>>,
    /// Read by every connection until it is over and logged.
    open: Arc<RwLock<()>>,
}

/// Held by a connection until it is over and logged.
pub(crate) type Hold = Arc<OwnedRwLockReadGuard<()>>;

/// How long connections may take to end after their backup: they end at once,
/// unless a client outside the backup keeps one open.
const SETTLING: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Inner {
    /// The guest's client ports; the proxy's own, onward connections are `None`.
    clients: HashMap<u16, Option<Who>>,
    connections: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    connection: Connection,
    bytes: Arc<AtomicU64>,
}

impl Records {
    /// Has [`Self::settled`] wait until this and its copies are dropped, where the
    /// connection from `port` belongs to a backup. Other clients keep theirs open
    /// as long as they like.
    pub(crate) async fn hold(&self, port: u16) -> Option<Hold> {
        let announced = self.inner().clients.contains_key(&port);
        if announced {
            Some(self.hold_any().await)
        } else {
            None
        }
    }

    /// The same for whoever it is: the proxy's log has to be whole.
    pub(crate) async fn hold_any(&self) -> Hold {
        Arc::new(self.open.clone().read_owned().await)
    }

    /// Waits until every connection is over, so that its bytes are all counted.
    pub(crate) async fn settled(&self) {
        drop(tokio::time::timeout(SETTLING, self.open.write()).await);
    }

    /// Announces that a connection from local `port` will be `who`'s.
    pub(crate) fn announce(&self, port: u16, who: Who) {
        self.inner().clients.insert(port, Some(who));
    }

    /// Announces the proxy's onward connection, which is recorded at the proxy already.
    pub(crate) fn announce_onward(&self, port: u16) {
        self.inner().clients.insert(port, None);
    }

    /// Opens a record for a connection that came from `port`, and gives its byte counter.
    pub(crate) fn open(&self, port: u16, service: Service, path: Path, host: &str) -> Counter {
        let mut inner = self.inner();
        let bytes = Counter::default();
        let account = inner.clients.remove(&port).unwrap_or(Some(Who::Other));
        if let Some(account) = account {
            inner.connections.push(Open {
                connection: Connection {
                    account,
                    service,
                    path,
                    host: host.to_owned(),
                    bytes: 0,
                },
                bytes: bytes.0.clone(),
            });
        }
        bytes
    }

    /// Everything recorded since the last call.
    pub(crate) fn take(&self) -> Vec<Connection> {
        let taken = std::mem::take(&mut self.inner().connections);
        taken
            .into_iter()
            .map(|open| Connection {
                bytes: open.bytes.load(Ordering::Relaxed),
                ..open.connection
            })
            .collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here panics half-way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the bytes of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counter(Arc<AtomicU64>);

impl Counter {
    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A TCP stream that counts what goes through it.
#[derive(Debug)]
pub(crate) struct Counted {
    stream: TcpStream,
    counter: Counter,
}

impl Counted {
    pub(crate) fn new(stream: TcpStream, counter: Counter) -> Self {
        Self { stream, counter }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.counter.add(buffer.filled().len() - before);
        result
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(written)) = result {
            self.counter.add(written);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
