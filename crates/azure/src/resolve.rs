//! Names to sockets, in the world that the caller names.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use sidestep_model::network::{Network, Resolver};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Resolves names for the HTTP client.
///
/// Azure's own names are asked for without a port in their URL, so the client
/// connects to the very socket that comes from here; for a proxy it puts the
/// proxy's own port in its place.
pub(crate) struct Names {
    network: Arc<Network>,
    port: u16,
}

impl Names {
    pub(crate) fn new(network: Arc<Network>, port: u16) -> Self {
        Self { network, port }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let network = Arc::clone(&self.network);
        let port = self.port;
        Box::pin(async move {
            let found = addresses(&network.resolver, name.as_str()).await?;
            let sockets: Vec<SocketAddr> = found
                .into_iter()
                .filter_map(|address| network.addresses.socket(SocketAddr::new(address, port)))
                .collect();
            if sockets.is_empty() {
                return Err(io::Error::from(io::ErrorKind::HostUnreachable).into());
            }
            let sockets: Addrs = Box::new(sockets.into_iter());
            Ok(sockets)
        })
    }
}

/// The addresses of `host`, at least one.
async fn addresses(resolver: &Resolver, host: &str) -> Result<Vec<IpAddr>, BoxError> {
    let found: Vec<IpAddr> = match resolver {
        // getaddrinfo, so that the hosts file and the name resolution policy count.
        Resolver::System => tokio::net::lookup_host((host, 0))
            .await?
            .map(|address| address.ip())
            .collect(),
        Resolver::Servers(servers) => by_servers(servers, host).await?,
    };
    if found.is_empty() {
        return Err("no such name".into());
    }
    Ok(found)
}

async fn by_servers(servers: &[SocketAddr], host: &str) -> Result<Vec<IpAddr>, BoxError> {
    let servers = servers.iter().map(|server| {
        let mut udp = ConnectionConfig::udp();
        udp.port = server.port();
        NameServerConfig::new(server.ip(), true, vec![udp])
    });
    let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
    let resolver =
        TokioResolver::builder_with_config(config, TokioRuntimeProvider::default()).build()?;
    // A trailing dot keeps search domains out.
    match resolver.lookup_ip(format!("{host}.")).await {
        Ok(found) => Ok(found.iter().collect()),
        Err(error) if error.is_no_records_found() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
