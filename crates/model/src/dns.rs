//! Names of a private endpoint and the addresses they are to resolve to.

use std::net::IpAddr;

/// A name that a private endpoint serves and the addresses that it has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRecord {
    /// The fully qualified name.
    pub fqdn: String,
    /// Its addresses in the endpoint's subnet.
    pub addresses: Vec<IpAddr>,
}
