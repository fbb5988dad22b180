//! Who else, besides the backup's services, is at the proxy now and follows the
//! settings that are about to change.

use std::net::{SocketAddr, ToSocketAddrs};
use std::{fmt, io};

use sidestep_machine::{connections, program, running_services};
use sidestep_model::account::Account;
use sidestep_model::finding::Finding;
use sidestep_model::observed::Observed;
use sidestep_model::plan::Plan;
use sidestep_model::tcp_table::{Places, Program, ProxyClient, proxy_clients};

use crate::at::At;
use crate::output::Printer;
use crate::witness::{NamedProxy, proxies_of};

/// Programs that run as SYSTEM and are connected to its proxy, where `plans` are
/// about to change its list on this computer.
pub(crate) fn also_on_proxy(
    at: &At,
    observed: &Observed,
    plans: &[Plan],
    printer: Printer,
) -> Option<Finding> {
    let is_concerned = |plan: &Plan| {
        let counts_for_system = plan.account == Account::System || plan.account.is_machine();
        counts_for_system && !plan.is_empty()
    };
    if *at != At::Live || !plans.iter().any(is_concerned) {
        return None;
    }
    match clients(observed) {
        Ok(clients) if clients.is_empty() => None,
        Ok(clients) => Some(Finding::AlsoOnProxy { clients }),
        Err(error) => {
            printer.note(&unknown(&error));
            None
        }
    }
}

fn unknown(error: &dyn fmt::Display) -> String {
    format!("what else runs as SYSTEM and is on the proxy now is not known: {error}")
}

fn clients(observed: &Observed) -> io::Result<Vec<ProxyClient>> {
    let mut places = Places::default();
    for NamedProxy { account, proxy, .. } in proxies_of(observed) {
        // A proxy without an address has no connections.
        let sockets = (proxy.host.as_str(), proxy.port).to_socket_addrs();
        let addresses = sockets
            .into_iter()
            .flatten()
            .map(|socket: SocketAddr| socket.ip());
        places.learn_proxy(account, (&proxy.host, proxy.port), addresses);
    }
    let rows = connections()?;
    let mut processes: Vec<u32> = rows
        .iter()
        .filter(|row| places.is_proxy(Account::System, row.remote))
        .map(|row| row.process)
        .collect();
    processes.sort_unstable();
    processes.dedup();
    if processes.is_empty() {
        return Ok(Vec::new());
    }
    // One that ended meanwhile is on no proxy.
    let programs: Vec<Program> = processes
        .into_iter()
        .filter_map(|process| program(process).ok())
        .collect();
    Ok(proxy_clients(
        &rows,
        &programs,
        &running_services("")?,
        &places,
    ))
}
