//! Try a way to an endpoint and say what happened.
//!
//! [`reach`] takes one name by one route, through DNS, TCP, CONNECT, TLS and one
//! HTTP request, and times each apart. Any HTTP status means reachable: the
//! question is whether the path works, not whether the request was wanted.

mod resolve;
mod tls;
mod way;

use std::io;
use std::net::{IpAddr, TcpStream};
use std::time::Duration;

use sidestep_model::network::Network;
use sidestep_model::observation::{Failure, Observation, Stage, Via};

/// How long one attempt may take altogether: a dropped packet shows as silence,
/// and Windows itself gives a TCP connection 21 seconds, too long to wait for.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// The addresses that the network's DNS gives for `host`, within `deadline`; none
/// where it does not exist or nobody answers.
pub async fn addresses(network: &Network, host: &str, deadline: Duration) -> Vec<IpAddr> {
    let asked = resolve::addresses(&network.resolver, host);
    let answered = tokio::time::timeout(deadline, asked).await;
    answered.ok().and_then(Result::ok).unwrap_or_default()
}

/// Tries to reach `https://host:port/` by one way, within `deadline`.
///
/// Never fails: what went wrong is part of the observation.
pub async fn reach(
    network: &Network,
    host: &str,
    port: u16,
    via: Via,
    deadline: Duration,
) -> Observation {
    let mut seen = Observation::new(host, port, via);
    if tokio::time::timeout(deadline, way::walk(network, &mut seen))
        .await
        .is_err()
    {
        let Observation {
            dns,
            tcp,
            connect,
            tls,
            http,
            ..
        } = &mut seen;
        let waiting = [dns, tcp, connect, tls, http]
            .into_iter()
            .find(|stage| **stage == Stage::NotReached);
        if let Some(stage) = waiting {
            *stage = Stage::Failed(deadline, Failure::TimedOut);
        }
    }
    seen
}

/// A connection to `host:port` by one way, where TLS would begin; bounded by
/// `deadline`, each of its reads and writes, too.
pub async fn open(
    network: &Network,
    host: &str,
    port: u16,
    via: &Via,
    deadline: Duration,
) -> Result<TcpStream, Failure> {
    let opened = tokio::time::timeout(deadline, way::open(network, host, port, via)).await;
    let stream = opened.map_err(|_| Failure::TimedOut)??;
    let waiting = || {
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(deadline))?;
        stream.set_write_timeout(Some(deadline))?;
        Ok(stream)
    };
    waiting().map_err(|error: io::Error| other(error))
}

#[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
fn other(error: impl ToString) -> Failure {
    Failure::Other(error.to_string())
}
