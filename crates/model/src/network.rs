//! The network as a value: where addresses really lead and who answers names.

use std::collections::HashMap;
use std::net::SocketAddr;

/// A view of the network, empty in production.
///
/// A rehearsal fills it, so that ordinary addresses lead to loopback listeners
/// and names are answered by the rehearsal's own DNS; whoever connects need not
/// know which world it is in.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Addresses that lead elsewhere than they say.
    pub addresses: AddressMap,
    /// Who answers names.
    pub resolver: Resolver,
    /// The one certificate authority (PEM) to trust instead of the system's; `None` in production.
    pub only_authority_pem: Option<String>,
}

/// Where an address and port lead.
#[derive(Clone, Debug, Default)]
pub struct AddressMap(Option<HashMap<SocketAddr, SocketAddr>>);

impl AddressMap {
    /// A closed world: every address that is not listed leads nowhere.
    #[must_use]
    pub fn closed(routes: impl IntoIterator<Item = (SocketAddr, SocketAddr)>) -> Self {
        Self(Some(routes.into_iter().collect()))
    }

    /// The socket that `address` leads to: itself in production, `None` where a
    /// closed world has no way there.
    #[must_use]
    pub fn socket(&self, address: SocketAddr) -> Option<SocketAddr> {
        match &self.0 {
            None => Some(address),
            Some(routes) => routes.get(&address).copied(),
        }
    }
}

/// Who answers names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resolver {
    /// The system's resolver (hosts file, NRPT, the configured servers), like the services.
    #[default]
    System,
    /// These servers only.
    Servers(Vec<SocketAddr>),
}
