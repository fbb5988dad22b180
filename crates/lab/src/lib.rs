//! A small world on loopback, in which a virtual machine backs a file up.
//!
//! ```text
//!  guest VM 10.1.0.10                    10.1.0.36…  private endpoint: Backup, Queue, Blob
//!    coordinator  SYSTEM  ───direct───►  203.0.113.x the same services' public side: refuses
//!    plugin       S-1-5-80-…             198.51.100.x Entra ID
//!        │                               169.254.169.254 metadata
//!        └── by its settings ──► proxy ──► what the proxy's own network sees
//! ```
//!
//! The addresses are ordinary ones; a map leads each to a listener on 127.0.0.1
//! with a port of its own, so that *direct*, *private* and *through the proxy*
//! are different sockets, and each listener records who came. Nothing here is
//! shared with the program that the lab judges: the guest reads its registry,
//! its blobs and its bypass list with readers of its own, so that an error
//! cannot agree with itself.

mod address;
mod authority;
mod content;
mod dns;
mod guest;
mod proxy;
mod record;
mod registry;
mod routes;
mod scenario;
mod server;
mod services;
mod setup;
mod storage;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use address::{METADATA, Plan, View, WPAD};
use authority::Authority;
use dns::Dns;
use guest::{Guest, Network};
use proxy::Proxy;
use record::Records;
use routes::Routes;
use server::{Listening, listen};
use storage::Storage;

pub use address::Names;
pub use guest::{Backup, BackupFailure};
pub use record::{Connection, Path, Service, Who};
pub use scenario::{Expect, Scenario};
pub use setup::{Cloud, Content, Fault, InitialProxy, ProxyAddress, Setup};

/// Why a lab cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A loopback socket or a temporary file cannot be had.
    #[error("the rehearsal cannot listen on 127.0.0.1 or write its temporary files")]
    System(#[from] io::Error),
    /// A certificate cannot be made.
    #[error("the rehearsal cannot make its certificates")]
    Certificate(#[from] rcgen::Error),
    /// TLS cannot be set up.
    #[error("the rehearsal cannot set TLS up")]
    Tls(#[from] rustls::Error),
    /// The site's proxy has a name or address that this world needs for another.
    #[error(
        "the rehearsal cannot use {0} as the proxy: it needs that name or address for something else, \
         or it is an IPv6 address, which the rehearsal's network does not have"
    )]
    ProxyAddress(String),
    /// The DNS client cannot be set up.
    #[error("the rehearsal cannot set its DNS client up: {0}")]
    Dns(String),
}

/// A running world. Everything in it stops, and its files go, when it is dropped.
pub struct Lab {
    guest: Guest,
    records: Records,
    routes: Vec<(SocketAddr, SocketAddr)>,
    dns: Dns,
    authority_pem: String,
    _stopped_proxy: TcpSocket,
    _tasks: JoinSet<()>,
    folder: TempDir,
}

impl Lab {
    /// Starts the world; needs a running Tokio runtime.
    pub async fn start(setup: Setup) -> Result<Self, LabError> {
        let setup = Arc::new(setup);
        let plan = Arc::new(Plan::new(&setup));
        if !plan.has_room_for(&setup.proxy.host) {
            return Err(LabError::ProxyAddress(setup.proxy.host.clone()));
        }
        let folder = tempfile::Builder::new().prefix("sidestep-lab-").tempdir()?;
        let storage = Storage::new(folder.path().join("storage"));
        tokio::fs::create_dir(folder.path().join("storage")).await?;
        let registry = folder.path().join(REGISTRY);
        tokio::fs::write(&registry, registry::export(&setup)).await?;
        let log = tokio::fs::File::create(folder.path().join(PROXY_LOG)).await?;

        let records = Records::default();
        let mut tasks = JoinSet::new();
        let authority = Authority::new(plan.hosts.iter().map(|host| host.name.clone()).collect())?;
        let sockets = Sockets::listen(&mut tasks, &records, &authority, &setup, storage).await?;
        let mut routes = sockets.routes(&plan, &setup);
        // Bound and not listening: whoever connects is refused, as by a stopped proxy.
        let stopped_proxy = TcpSocket::new_v4()?;
        stopped_proxy.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let socket = if setup.has(Fault::ProxyDown) {
            stopped_proxy.local_addr()?
        } else {
            let proxy = Proxy {
                plan: plan.clone(),
                routes: routes.clone(),
                records: records.clone(),
                log: Mutex::new(log),
            };
            proxy.start(&mut tasks).await?
        };
        routes.add(View::Machine, plan.proxy, setup.proxy.port, socket);
        let dns = Dns::start(plan.clone()).await?;
        let of_machine = routes.of_machine();
        let network = Network {
            registry,
            resolver: resolver(dns.address)?,
            routes,
            records: records.clone(),
            tls: authority.client,
        };
        let guest = Guest {
            setup,
            names: plan.names.clone(),
            network: Arc::new(network),
        };
        Ok(Self {
            guest,
            records,
            routes: of_machine,
            dns,
            authority_pem: authority.pem,
            _stopped_proxy: stopped_proxy,
            _tasks: tasks,
            folder,
        })
    }

    /// The guest's registry as a `regedit` export. The guest reads it anew before
    /// every request.
    #[must_use]
    pub fn registry_file(&self) -> PathBuf {
        self.folder.path().join(REGISTRY)
    }

    /// The proxy's access log in squid's native format.
    #[must_use]
    pub fn proxy_log(&self) -> PathBuf {
        self.folder.path().join(PROXY_LOG)
    }

    /// The certificate authority that this world trusts, in PEM.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// The DNS server of the machine's network.
    #[must_use]
    pub fn dns_server(&self) -> SocketAddr {
        self.dns.address
    }

    /// Where the machine's ordinary addresses lead; what is absent leads nowhere.
    #[must_use]
    pub fn routes(&self) -> Vec<(SocketAddr, SocketAddr)> {
        self.routes.clone()
    }

    /// The names that the extension contacts.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.guest.names
    }

    /// Backs a database of the guest up, by its accounts' present settings.
    ///
    /// When this returns, every connection of the backup is recorded and every
    /// one through the proxy is in its log.
    pub async fn back_up(&self, database: &str) -> Result<Backup, BackupFailure> {
        let result = self.guest.back_up(database).await;
        self.records.settled().await;
        result
    }

    /// What the listeners recorded since the last call.
    #[must_use]
    pub fn take_connections(&self) -> Vec<Connection> {
        self.records.take()
    }
}

const REGISTRY: &str = "guest.reg";
const PROXY_LOG: &str = "access.log";

/// The loopback sockets behind the services.
struct Sockets {
    private: [(Service, SocketAddr); 3],
    public: SocketAddr,
    entra: SocketAddr,
    metadata: SocketAddr,
    wpad: SocketAddr,
}

impl Sockets {
    async fn listen(
        tasks: &mut JoinSet<()>,
        records: &Records,
        authority: &Authority,
        setup: &Arc<Setup>,
        storage: Storage,
    ) -> Result<Self, LabError> {
        let tls = |service, path| Listening {
            service,
            path,
            tls: Some(authority.server.clone()),
        };
        let plain = |service| Listening {
            service,
            path: Path::Direct,
            tls: None,
        };
        let endpoint = |service| tls(service, Path::PrivateEndpoint);
        let vault = storage.clone();
        let backup = listen(
            tasks,
            records.clone(),
            endpoint(Service::Backup),
            move |request| services::backup(vault.clone(), request),
        );
        let backup = backup.await?;
        let blob = listen(
            tasks,
            records.clone(),
            endpoint(Service::Blob),
            move |request| storage.clone().blob(request),
        );
        let blob = blob.await?;
        let queue = listen(
            tasks,
            records.clone(),
            endpoint(Service::Queue),
            async |request| storage::queue(&request),
        );
        let queue = queue.await?;
        // One listener for the public side of all three: it refuses them alike.
        let public = tls(Service::Backup, Path::Direct);
        let public = listen(tasks, records.clone(), public, async |_| storage::denied()).await?;
        let entra = tls(Service::Entra, Path::Direct);
        let entra = listen(tasks, records.clone(), entra, async |request| {
            services::entra(&request)
        });
        let entra = entra.await?;
        let known = setup.clone();
        let metadata = listen(
            tasks,
            records.clone(),
            plain(Service::Platform),
            move |request| {
                let answer = services::metadata(&known, &request);
                async { answer }
            },
        );
        let metadata = metadata.await?;
        let known = setup.clone();
        let wpad = listen(tasks, records.clone(), plain(Service::Other), move |_| {
            let answer = services::wpad(&known);
            async { answer }
        });
        Ok(Self {
            private: [
                (Service::Backup, backup),
                (Service::Blob, blob),
                (Service::Queue, queue),
            ],
            public,
            entra,
            metadata,
            wpad: wpad.await?,
        })
    }

    fn routes(&self, plan: &Plan, setup: &Setup) -> Routes {
        let mut routes = Routes::default();
        let mut add = |view: View, address: Option<Ipv4Addr>, socket: SocketAddr| {
            if let Some(address) = address {
                routes.add(view, address, 443, socket);
            }
        };
        for host in &plan.hosts {
            if host.service == Service::Entra {
                add(View::Proxy, host.public, self.entra);
                if !setup.has(Fault::EntraDirectBlocked) {
                    add(View::Machine, host.public, self.entra);
                }
                continue;
            }
            add(View::Machine, host.public, self.public);
            add(View::Proxy, host.public, self.public);
            let private = self
                .private
                .iter()
                .find(|(service, _)| *service == host.service);
            let Some((_, socket)) = private else {
                continue;
            };
            add(View::Machine, host.private, *socket);
            if plan.sees_endpoint(View::Proxy) {
                add(View::Proxy, host.private, *socket);
            }
        }
        routes.add(View::Machine, METADATA, 80, self.metadata);
        if setup.has(Fault::AutoDetectOn) {
            routes.add(View::Machine, WPAD, 80, self.wpad);
        }
        routes
    }
}

fn resolver(server: SocketAddr) -> Result<TokioResolver, LabError> {
    let mut udp = ConnectionConfig::udp();
    udp.port = server.port();
    let server = NameServerConfig::new(server.ip(), true, vec![udp]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .build()
        .map_err(|error| LabError::Dns(error.to_string()))
}
