//! What one attempt to reach one endpoint by one route showed.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use crate::proxy_server::ProxyUri;
use crate::tls::SchannelFault;

/// The way an attempt takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// Straight to the endpoint's address.
    Direct,
    /// By CONNECT through this proxy.
    Proxy(ProxyUri),
}

/// One attempt: which stage was reached, how long each took.
///
/// Unknown is never shown as failed: a stage that was not tried says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The endpoint's name.
    pub host: String,
    /// The endpoint's port.
    pub port: u16,
    /// The way taken.
    pub via: Via,
    /// What the name resolved to: the endpoint's, or the proxy's when going through it.
    pub addresses: Vec<IpAddr>,
    /// Looking the name up.
    pub dns: Stage,
    /// Connecting, to the endpoint or to the proxy.
    pub tcp: Stage,
    /// Asking the proxy for a tunnel.
    pub connect: Stage,
    /// The TLS handshake with the endpoint.
    pub tls: Stage,
    /// The same handshake by Windows' own TLS, on a connection of its own;
    /// not needed where there is none, or the other one failed.
    pub schannel: Stage,
    /// One HTTP request; any status means reachable.
    pub http: Stage,
    /// The status that the endpoint answered.
    pub http_status: Option<u16>,
}

/// How one stage of an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// This route has no such stage.
    NotNeeded,
    /// An earlier stage failed.
    NotReached,
    /// It worked, in this time.
    Passed(Duration),
    /// It did not, after this time.
    Failed(Duration, Failure),
}

/// Why a stage failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The name does not exist in the answering DNS.
    NoSuchName,
    /// No way leads to the address.
    Unreachable,
    /// Nothing listens there.
    Refused,
    /// No answer before the deadline.
    TimedOut,
    /// The proxy answered the request for a tunnel with this status.
    ProxyAnswered(u16),
    /// The endpoint's certificate comes from an authority that is not trusted.
    Untrusted {
        /// The authority's name, where the certificate could be read.
        issuer: Option<String>,
    },
    /// Windows' own TLS did not shake hands.
    Schannel(SchannelFault),
    /// Another reason, in the words of the library that met it.
    Other(String),
}

impl Observation {
    /// An attempt that has not started.
    #[must_use]
    pub fn new(host: &str, port: u16, via: Via) -> Self {
        Self {
            host: host.to_owned(),
            port,
            via,
            addresses: Vec::new(),
            dns: Stage::NotReached,
            tcp: Stage::NotReached,
            connect: Stage::NotReached,
            tls: Stage::NotReached,
            schannel: Stage::NotNeeded,
            http: Stage::NotReached,
            http_status: None,
        }
    }

    /// Whether the endpoint answered, whatever it said.
    #[must_use]
    pub fn reached(&self) -> bool {
        matches!(self.http, Stage::Passed(_))
    }

    /// The first failure and the stage that met it.
    #[must_use]
    pub fn failure(&self) -> Option<(&'static str, &Failure)> {
        [
            ("dns", &self.dns),
            ("tcp", &self.tcp),
            ("connect", &self.connect),
            ("tls", &self.tls),
            ("http", &self.http),
        ]
        .into_iter()
        .find_map(|(name, stage)| match stage {
            Stage::Failed(_, failure) => Some((name, failure)),
            _ => None,
        })
    }
}
