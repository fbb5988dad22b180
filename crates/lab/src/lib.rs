//! A small world on loopback, in which a virtual machine backs a file up, as Azure
//! Resource Manager orders it or by itself.
//!
//! ```text
//!  guest VM 10.1.0.10                    10.1.0.36…  private endpoint: Backup, Queue, Blob
//!    coordinator  SYSTEM  ───direct───►  203.0.113.x the same services' public side
//!    plugin       S-1-5-80-…             198.51.100.x Entra ID, Resource Manager
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
mod arm;
mod authority;
mod content;
mod dns;
mod entra;
mod guest;
mod proxy;
mod record;
mod registry;
mod routes;
mod scenario;
mod server;
mod services;
mod setup;
mod sockets;
mod storage;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use address::{Plan, View};
use arm::{Azure, State, Work, World};
use authority::Authority;
use dns::Dns;
use entra::Directory;
use guest::{Guest, Network};
use proxy::Proxy;
use record::Records;
use server::{Listening, bind, serve};
use sockets::Sockets;
use storage::Storage;

pub use address::Names;
pub use arm::{Access, Census, Credentials, Hold, When};
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
    guest: Arc<Guest>,
    world: World,
    azure: Azure,
    directory: Directory,
    records: Records,
    routes: Vec<(SocketAddr, SocketAddr)>,
    administrator_routes: Vec<(SocketAddr, SocketAddr)>,
    management: SocketAddr,
    entra: SocketAddr,
    dns: Dns,
    authority_pem: String,
    _stopped_proxy: TcpSocket,
    _work: Arc<Mutex<JoinSet<()>>>,
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
        let proxy_log = tokio::fs::File::create(folder.path().join(PROXY_LOG)).await?;
        let azure_log = std::fs::File::create(folder.path().join(AZURE_LOG))?;

        let world = World::new(State::start(&setup, &plan), plan.clone());
        if setup.dns_by_hand {
            // What is there before the lab starts is known to the company's DNS.
            world.enter_records();
        }
        let directory = Directory::new(setup.clone());
        let records = Records::default();
        let mut tasks = JoinSet::new();
        let authority = Authority::new("Sidestep rehearsal authority", plan.certified())?;
        let inside = sockets::Inside {
            setup: setup.clone(),
            world: world.clone(),
            directory: directory.clone(),
            storage,
            records: records.clone(),
        };
        let sockets = Sockets::listen(&mut tasks, &authority, &inside).await?;
        // Resource Manager speaks to the guest, and so answers only when that is there.
        let (listener, management) = bind().await?;
        let mut routes = sockets.routes(&plan, &setup, management);
        // Bound and not listening: whoever connects is refused, as by a stopped proxy.
        let stopped_proxy = TcpSocket::new_v4()?;
        stopped_proxy.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let socket = if setup.has(Fault::ProxyDown) {
            stopped_proxy.local_addr()?
        } else {
            let proxy = Proxy {
                world: world.clone(),
                routes: routes.clone(),
                records: records.clone(),
                log: tokio::sync::Mutex::new(proxy_log),
            };
            proxy.start(&mut tasks).await?
        };
        routes.add(View::Machine, plan.proxy, setup.proxy.port, socket);
        let dns = Dns::start(world.clone()).await?;
        let of_machine = routes.of_machine();
        let network = Network {
            registry,
            resolver: resolver(dns.address)?,
            routes,
            records: records.clone(),
            tls: authority.client,
        };
        let guest = Arc::new(Guest {
            setup: setup.clone(),
            names: plan.names.clone(),
            network: Arc::new(network),
        });
        let work_tasks = Arc::new(Mutex::new(JoinSet::new()));
        let work = Work::new(world.clone(), guest.clone(), &work_tasks);
        let azure = Azure::new(setup, work, directory.clone(), azure_log);
        let listening = Listening {
            service: Service::Other,
            path: Path::Direct,
            tls: Some(authority.server),
        };
        let handler = azure.clone();
        serve(
            &mut tasks,
            listener,
            records.clone(),
            listening,
            move |request| handler.clone().answer(request),
        );
        Ok(Self {
            guest,
            world,
            azure,
            directory,
            records,
            administrator_routes: administrator_routes(&plan, &of_machine, sockets.entra),
            routes: of_machine,
            management,
            entra: sockets.entra,
            dns,
            authority_pem: authority.pem,
            _stopped_proxy: stopped_proxy,
            _work: work_tasks,
            _tasks: tasks,
            folder,
        })
    }

    /// The guest's registry as a `regedit` export. The guest reads it anew before
    /// every request, and a registration adds the plugin's account to it.
    #[must_use]
    pub fn registry_file(&self) -> PathBuf {
        self.folder.path().join(REGISTRY)
    }

    /// The proxy's access log in squid's native format.
    #[must_use]
    pub fn proxy_log(&self) -> PathBuf {
        self.folder.path().join(PROXY_LOG)
    }

    /// What went to and from Resource Manager: a JSON object a line, with `method`,
    /// `url`, `request_body`, `status`, `headers` and `response_body`. No tokens.
    #[must_use]
    pub fn azure_log(&self) -> PathBuf {
        self.folder.path().join(AZURE_LOG)
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

    /// Where the same addresses lead from an administrator's computer, which
    /// nothing bars from Entra ID.
    #[must_use]
    pub fn administrator_routes(&self) -> Vec<(SocketAddr, SocketAddr)> {
        self.administrator_routes.clone()
    }

    /// The names that the extension contacts.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.guest.names
    }

    /// An application that may ask Resource Manager.
    #[must_use]
    pub fn credentials(&self) -> Credentials {
        self.directory.credentials().clone()
    }

    /// How another process reaches this world.
    #[must_use]
    pub fn connection(&self) -> Access {
        let plan = self.world.plan();
        Access {
            addresses: self.routes(),
            administrator_addresses: self.administrator_routes(),
            dns_server: self.dns_server(),
            authority_pem: self.authority_pem.clone(),
            management: format!("https://{}", plan.management),
            management_on_loopback: format!("https://{}", self.management),
            entra: format!("https://{}", plan.names.entra),
            entra_on_loopback: format!("https://{}", self.entra),
            registry_file: self.registry_file(),
            proxy_log: self.proxy_log(),
            azure_log: self.azure_log(),
            credentials: self.credentials(),
        }
    }

    /// Backs a database of the guest up, by its accounts' present settings. Azure
    /// ordered nothing: this is the machine's own try.
    ///
    /// When this returns, every connection of the backup is recorded and every
    /// one through the proxy is in its log.
    pub async fn back_up(&self, database: &str) -> Result<Backup, BackupFailure> {
        self.guest.back_up(database, &AtomicU64::new(0)).await
    }

    /// The last backup that Azure ordered and that was stored, read back and found equal.
    #[must_use]
    pub fn stored(&self) -> Option<Backup> {
        self.world.stored()
    }

    /// What the machine met since the lab started, where something that Azure asked
    /// of it failed. Azure itself tells only a code.
    #[must_use]
    pub fn failures(&self) -> Vec<BackupFailure> {
        self.world.failures()
    }

    /// What was made so far, and what was asked for.
    #[must_use]
    pub fn census(&self) -> Census {
        self.world.census()
    }

    /// The team that owns the company's DNS enters what the endpoint has now.
    pub fn enter_records(&self) {
        self.world.enter_records();
    }

    /// The team that owns the network makes the site's private endpoint, which
    /// counts as nobody's here.
    pub fn make_endpoint(&self) {
        self.world.make_endpoint(&self.guest.setup);
    }

    /// Holds the `n`-th request to Resource Manager from now, the first being 1,
    /// until what this gives is dropped.
    #[must_use]
    pub fn hold(&self, n: u64, when: When) -> Hold {
        self.azure.gate().hold(n, when)
    }

    /// Waits until no connection of a backup and none through the proxy is open,
    /// so that all is counted and logged.
    pub async fn settled(&self) {
        self.records.settled().await;
    }

    /// What the listeners recorded since the last call.
    #[must_use]
    pub fn take_connections(&self) -> Vec<Connection> {
        self.records.take()
    }
}

const REGISTRY: &str = "guest.reg";
const PROXY_LOG: &str = "access.log";
const AZURE_LOG: &str = "azure.jsonl";

fn administrator_routes(
    plan: &Plan,
    of_machine: &[(SocketAddr, SocketAddr)],
    entra: SocketAddr,
) -> Vec<(SocketAddr, SocketAddr)> {
    let hosts = plan.hosts.iter();
    let to_entra: Vec<SocketAddr> = hosts
        .filter(|host| host.service == Service::Entra)
        .filter_map(|host| Some(SocketAddr::from((host.public?, 443))))
        .collect();
    let others = of_machine
        .iter()
        .filter(|(from, _)| !to_entra.contains(from));
    let to_entra = to_entra.iter().map(|from| (*from, entra));
    others.copied().chain(to_entra).collect()
}

fn resolver(server: SocketAddr) -> Result<TokioResolver, LabError> {
    let mut udp = ConnectionConfig::udp();
    udp.port = server.port();
    let server = NameServerConfig::new(server.ip(), true, vec![udp]);
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    // Records come while a rehearsal runs; waiting for a cache would show nothing.
    builder.options_mut().cache_size = 0;
    builder
        .build()
        .map_err(|error| LabError::Dns(error.to_string()))
}
