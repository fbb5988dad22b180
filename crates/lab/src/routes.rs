//! Where ordinary addresses lead: to listeners on loopback, by who sends.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::address::View;

/// What is not in here leads nowhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    machine: HashMap<SocketAddr, SocketAddr>,
    proxy: HashMap<SocketAddr, SocketAddr>,
}

impl Routes {
    pub(crate) fn add(&mut self, view: View, address: Ipv4Addr, port: u16, socket: SocketAddr) {
        let address = SocketAddr::new(IpAddr::V4(address), port);
        match view {
            View::Machine => self.machine.insert(address, socket),
            View::Proxy => self.proxy.insert(address, socket),
        };
    }

    pub(crate) fn socket(&self, view: View, address: Ipv4Addr, port: u16) -> Option<SocketAddr> {
        let routes = match view {
            View::Machine => &self.machine,
            View::Proxy => &self.proxy,
        };
        routes
            .get(&SocketAddr::new(IpAddr::V4(address), port))
            .copied()
    }

    pub(crate) fn of_machine(&self) -> Vec<(SocketAddr, SocketAddr)> {
        self.machine.iter().map(|(from, to)| (*from, *to)).collect()
    }
}
