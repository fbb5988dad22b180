//! The loopback sockets behind the services, and what leads to them.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::LabError;
use crate::address::{MANAGEMENT, METADATA, Plan, View, WPAD};
use crate::arm::World;
use crate::authority::Authority;
use crate::entra::Directory;
use crate::record::{Path, Records, Service};
use crate::routes::Routes;
use crate::server::{Listening, listen};
use crate::services;
use crate::setup::{Fault, Setup};
use crate::storage::{self, Storage};

/// What the services know.
pub(crate) struct Inside {
    pub(crate) setup: Arc<Setup>,
    pub(crate) world: World,
    pub(crate) directory: Directory,
    pub(crate) storage: Storage,
    pub(crate) records: Records,
}

/// One service behind the endpoint, and its public side.
struct Sides {
    service: Service,
    private: SocketAddr,
    public: SocketAddr,
}

/// Where each service listens.
pub(crate) struct Sockets {
    sides: Vec<Sides>,
    pub(crate) entra: SocketAddr,
    /// The same service behind a firewall that looks into it, if there is one.
    inspected_entra: Option<SocketAddr>,
    metadata: SocketAddr,
    wpad: SocketAddr,
}

impl Sockets {
    pub(crate) async fn listen(
        tasks: &mut JoinSet<()>,
        authority: &Authority,
        inside: &Inside,
    ) -> Result<Self, LabError> {
        let mut sides = Vec::new();
        for service in [Service::Backup, Service::Blob, Service::Queue] {
            let private = side(tasks, authority, inside, (service, Path::PrivateEndpoint));
            let private = private.await?;
            let public = side(tasks, authority, inside, (service, Path::Direct));
            sides.push(Sides {
                service,
                private,
                public: public.await?,
            });
        }
        let inspected_entra = if inside.setup.has(Fault::TlsInspection) {
            let names = vec![inside.setup.cloud.login_host().to_owned()];
            let firewall = Authority::new("Corporate inspection authority", names)?;
            Some(entra(tasks, &firewall, inside).await?)
        } else {
            None
        };
        let plain = |service| Listening {
            service,
            path: Path::Direct,
            tls: None,
        };
        let records = inside.records.clone();
        let (known, directory) = (inside.setup.clone(), inside.directory.clone());
        let metadata = listen(tasks, records, plain(Service::Platform), move |request| {
            let answer = services::metadata(&known, &directory, &request);
            async { answer }
        });
        let metadata = metadata.await?;
        let (records, known) = (inside.records.clone(), inside.setup.clone());
        let wpad = listen(tasks, records, plain(Service::Other), move |_| {
            let answer = services::wpad(&known);
            async { answer }
        });
        let wpad = wpad.await?;
        Ok(Self {
            sides,
            entra: entra(tasks, authority, inside).await?,
            inspected_entra,
            metadata,
            wpad,
        })
    }

    pub(crate) fn routes(&self, plan: &Plan, setup: &Setup, management: SocketAddr) -> Routes {
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
                    let socket = self.inspected_entra.unwrap_or(self.entra);
                    add(View::Machine, host.public, socket);
                }
                continue;
            }
            let mut sides = self.sides.iter();
            let Some(sides) = sides.find(|sides| sides.service == host.service) else {
                continue;
            };
            let private = host.private.as_ref().map(|private| private.address);
            add(View::Machine, host.public, sides.public);
            add(View::Proxy, host.public, sides.public);
            add(View::Machine, private, sides.private);
            if plan.sees_endpoint(View::Proxy) {
                add(View::Proxy, private, sides.private);
            }
        }
        for view in [View::Machine, View::Proxy] {
            add(view, Some(MANAGEMENT), management);
        }
        routes.add(View::Machine, METADATA, 80, self.metadata);
        if setup.has(Fault::AutoDetectOn) {
            routes.add(View::Machine, WPAD, 80, self.wpad);
        }
        routes
    }
}

/// One side of Backup, Blob or Queue. The public one answers only as long as the
/// vault takes what comes from there.
async fn side(
    tasks: &mut JoinSet<()>,
    authority: &Authority,
    inside: &Inside,
    (service, path): (Service, Path),
) -> Result<SocketAddr, LabError> {
    let listening = Listening {
        service,
        path,
        tls: Some(authority.server.clone()),
    };
    let (storage, world) = (inside.storage.clone(), inside.world.clone());
    listen(tasks, inside.records.clone(), listening, move |request| {
        let (storage, world) = (storage.clone(), world.clone());
        async move {
            if path != Path::PrivateEndpoint && !world.takes_public() {
                return storage::denied();
            }
            match service {
                Service::Backup => services::backup(storage, request).await,
                Service::Blob => storage.blob(request).await,
                _ => storage::queue(&request),
            }
        }
    })
    .await
}

async fn entra(
    tasks: &mut JoinSet<()>,
    authority: &Authority,
    inside: &Inside,
) -> Result<SocketAddr, LabError> {
    let listening = Listening {
        service: Service::Entra,
        path: Path::Direct,
        tls: Some(authority.server.clone()),
    };
    let directory = inside.directory.clone();
    listen(tasks, inside.records.clone(), listening, move |request| {
        directory.clone().answer(request)
    })
    .await
}
