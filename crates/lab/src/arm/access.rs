//! How another process reaches a running lab.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// An application that the lab's tenant knows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Credentials {
    /// The tenant's id.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// Its secret, which opens nothing but this lab.
    pub secret: String,
}

/// Everything that a client in another process needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Access {
    /// Where the machine's ordinary addresses lead; what is absent leads nowhere.
    pub addresses: Vec<(SocketAddr, SocketAddr)>,
    /// Where they lead from an administrator's computer.
    pub administrator_addresses: Vec<(SocketAddr, SocketAddr)>,
    /// The DNS server of the machine's network.
    pub dns_server: SocketAddr,
    /// The certificate authority that this world trusts.
    pub authority_pem: String,
    /// Resource Manager by its name.
    pub management: String,
    /// Resource Manager by a loopback address, for a client that knows no address map.
    pub management_on_loopback: String,
    /// Entra ID by its name.
    pub entra: String,
    /// Entra ID by a loopback address.
    pub entra_on_loopback: String,
    /// The guest's registry.
    pub registry_file: PathBuf,
    /// The proxy's access log.
    pub proxy_log: PathBuf,
    /// What goes to and from Resource Manager.
    pub azure_log: PathBuf,
    /// Who may ask it.
    pub credentials: Credentials,
}
