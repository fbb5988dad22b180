//! Names to addresses.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use sidestep_model::network::Resolver;
use sidestep_model::observation::Failure;

use crate::other;

/// The addresses of `host`, at least one.
pub(crate) async fn addresses(resolver: &Resolver, host: &str) -> Result<Vec<IpAddr>, Failure> {
    match resolver {
        Resolver::System => by_system(host).await,
        Resolver::Servers(servers) => by_servers(servers, host).await,
    }
}

/// getaddrinfo, so that the hosts file and the name resolution policy count, as
/// they do for the services.
async fn by_system(host: &str) -> Result<Vec<IpAddr>, Failure> {
    let found: Vec<IpAddr> = tokio::net::lookup_host((host, 0))
        .await
        .map_err(|_| Failure::NoSuchName)?
        .map(|address| address.ip())
        .collect();
    at_least_one(found)
}

async fn by_servers(servers: &[SocketAddr], host: &str) -> Result<Vec<IpAddr>, Failure> {
    let servers = servers.iter().map(|server| {
        let mut udp = ConnectionConfig::udp();
        udp.port = server.port();
        NameServerConfig::new(server.ip(), true, vec![udp])
    });
    let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
    let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        .build()
        .map_err(other)?;
    // A trailing dot keeps search domains out.
    let found = match resolver.lookup_ip(format!("{host}.")).await {
        Ok(found) => found.iter().collect(),
        Err(error) if error.is_no_records_found() => Vec::new(),
        Err(error) => return Err(other(error)),
    };
    at_least_one(found)
}

fn at_least_one(addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Failure> {
    if addresses.is_empty() {
        Err(Failure::NoSuchName)
    } else {
        Ok(addresses)
    }
}
