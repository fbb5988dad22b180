//! Where a machine's table of TCP connections says that accounts are connected.
//!
//! The table names the process and both addresses of a connection, and nothing
//! of what it is for: that an address of the private endpoint belongs to Blob
//! Storage is known from the endpoint's records, and of what goes to the proxy
//! nobody can say what it asked the proxy for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use serde::Serialize;

use crate::account::Account;
use crate::catalogue::{Catalogue, Service};
use crate::check::Target;
use crate::evidence::{Connections, Evidence, Path, Source};

/// A connection that was made, as one look at the table shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// This machine's end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// Whose it is: a process's number.
    pub process: u32,
}

/// Which rows of a table count, by their states in `tcpmib.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Connections that came about: from `MIB_TCP_STATE_ESTAB` to
    /// `MIB_TCP_STATE_TIME_WAIT`. One that is only tried, or waited for, is none.
    Made,
    /// Those that are tried, too: from `MIB_TCP_STATE_SYN_SENT` on.
    Tried,
}

impl Counted {
    fn has(self, state: u32) -> bool {
        let first = match self {
            Self::Made => 5,
            Self::Tried => 3,
        };
        (first..=11).contains(&state)
    }
}

impl Row {
    /// The rows of a `MIB_TCPTABLE_OWNER_PID`, by its 32-bit words: their number,
    /// then six for each.
    #[must_use]
    pub fn of_v4(table: &[u32], counted: Counted) -> Vec<Self> {
        rows(table, 6, |row| {
            let [state, local, local_port, remote, remote_port, process] = *row else {
                return None;
            };
            let socket = |address: u32, port| {
                SocketAddr::new(
                    Ipv4Addr::from(address.to_ne_bytes()).into(),
                    host_port(port),
                )
            };
            counted.has(state).then(|| Self {
                local: socket(local, local_port),
                remote: socket(remote, remote_port),
                process,
            })
        })
    }

    /// The rows of a `MIB_TCP6TABLE_OWNER_PID`: their number, then fourteen words
    /// for each. An address of IPv4 in one of IPv6 counts as what it is.
    #[must_use]
    pub fn of_v6(table: &[u32], counted: Counted) -> Vec<Self> {
        rows(table, 14, |row| {
            let socket = |at: usize| {
                let mut octets = [0; 16];
                for (place, word) in octets.chunks_exact_mut(4).zip(&row[at..at + 4]) {
                    place.copy_from_slice(&word.to_ne_bytes());
                }
                let (address, scope) = (Ipv6Addr::from(octets), row[at + 4]);
                let port = host_port(row[at + 5]);
                match address.to_canonical() {
                    IpAddr::V6(address) => SocketAddrV6::new(address, port, 0, scope).into(),
                    mapped @ IpAddr::V4(_) => SocketAddr::new(mapped, port),
                }
            };
            counted.has(row[12]).then(|| Self {
                local: socket(0),
                remote: socket(6),
                process: row[13],
            })
        })
    }
}

fn rows(table: &[u32], words: usize, row: impl Fn(&[u32]) -> Option<Row>) -> Vec<Row> {
    let Some((count, rows)) = table.split_first() else {
        return Vec::new();
    };
    let count = usize::try_from(*count).unwrap_or(usize::MAX);
    let rows = rows.chunks_exact(words).take(count);
    rows.filter_map(row).collect()
}

/// A port stands in the lower half of its word, in the network's order.
fn host_port(word: u32) -> u16 {
    let [first, second, ..] = word.to_ne_bytes();
    u16::from_be_bytes([first, second])
}

/// A service's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceProcess {
    /// The service's name.
    pub service: String,
    /// The account that it logs on as, as the service manager has it.
    pub logon: String,
    /// Its process's number.
    pub process: u32,
}

/// A process's program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Program {
    /// The process's number.
    pub process: u32,
    /// The name of its file, without the folder.
    pub image: String,
    /// The account that it runs as; `None` where Windows does not tell.
    pub sid: Option<String>,
}

/// A program that is connected to the proxy of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProxyClient {
    /// The name of its file.
    pub image: String,
    /// The services in its process.
    pub services: Vec<String>,
    /// How many connections it has there.
    pub connections: u64,
}

/// Who runs as SYSTEM and is connected to SYSTEM's proxy, beside the backup's own
/// services: all of them follow the list that is about to change. Where a program
/// does not tell its owner, as protected ones do not, a service in it does.
#[must_use]
pub fn proxy_clients(
    rows: &[Row],
    programs: &[Program],
    services: &[ServiceProcess],
    places: &Places,
) -> Vec<ProxyClient> {
    let system = Account::System;
    let sid = system.sid();
    let hosts_system = |program: &Program| {
        let mut inside = services.iter().filter(|one| one.process == program.process);
        inside.any(|one| Account::of_logon(&one.logon) == Some(system))
    };
    let of_system = programs.iter().filter(|program| match &program.sid {
        Some(owner) => sid.as_ref().is_some_and(|sid| sid.as_str() == owner),
        None => hosts_system(program),
    });
    let client = |program: &Program| {
        let of_program = |process| process == program.process;
        let here = rows
            .iter()
            .filter(|row| of_program(row.process) && places.is_proxy(system, row.remote));
        let inside = services.iter().filter(|one| of_program(one.process));
        let inside: Vec<String> = inside.map(|one| one.service.clone()).collect();
        let is_backup = inside.iter().any(|name| is_backup_service(name));
        let connections = here.count() as u64;
        (connections > 0 && !is_backup).then(|| ProxyClient {
            image: program.image.clone(),
            services: inside,
            connections,
        })
    };
    of_system.filter_map(client).collect()
}

/// What the names of the backup extension's services begin with.
pub const BACKUP_SERVICES: &str = "AzureWLBackup";

fn is_backup_service(name: &str) -> bool {
    let begin = name.get(..BACKUP_SERVICES.len());
    begin.is_some_and(|begin| begin.eq_ignore_ascii_case(BACKUP_SERVICES))
}

/// Which processes are an account's, among those of the backup's services. A
/// service that runs as another account is nobody's.
#[must_use]
pub fn owners(services: &[ServiceProcess]) -> BTreeMap<u32, Account> {
    let owned = services.iter().filter_map(|service| {
        let account = Account::of_logon(&service.logon)?;
        Some((service.process, account))
    });
    owned.collect()
}

/// What several looks at the table showed of the accounts' connections.
///
/// One that began and ended between two looks was not seen; one that was there
/// at several looks is one. What a connection carries is known where somebody
/// counts it, and from then on only, so that it was at least that much.
#[derive(Clone, Debug, Default)]
pub struct Sampled {
    open: HashMap<Row, Open>,
    seen: BTreeMap<(Account, SocketAddr), Seen>,
}

/// A connection that was there at the last look.
#[derive(Clone, Copy, Debug)]
struct Open {
    account: Account,
    /// What it had carried when it was counted last; `None` where nobody counts.
    counted: Option<u64>,
}

/// What went to one address.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    connections: u64,
    bytes: Option<u64>,
}

impl Sampled {
    /// Takes in one look; the connections that are new in it.
    pub fn add(&mut self, rows: &[Row], owners: &BTreeMap<u32, Account>) -> Vec<Row> {
        let mut new = Vec::new();
        let mut now = HashMap::new();
        for row in rows {
            let Some(account) = owners.get(&row.process).copied() else {
                continue;
            };
            let known = self.open.get(row).filter(|open| open.account == account);
            let open = known.copied().unwrap_or_else(|| {
                let seen = self.seen.entry((account, row.remote)).or_default();
                seen.connections += 1;
                new.push(*row);
                Open {
                    account,
                    counted: None,
                }
            });
            now.insert(*row, open);
        }
        self.open = now;
        new
    }

    /// The open connections of which is known what they had carried.
    #[must_use]
    pub fn counted(&self) -> Vec<Row> {
        let counted = self.open.iter().filter(|(_, open)| open.counted.is_some());
        counted.map(|(row, _)| *row).collect()
    }

    /// Takes in what an open connection has carried up to now, in bytes from
    /// whenever on: counting begins with the first such number.
    pub fn count(&mut self, row: &Row, bytes: u64) {
        let Some(open) = self.open.get_mut(row) else {
            return;
        };
        if let Some(before) = open.counted.replace(bytes) {
            let seen = self.seen.entry((open.account, row.remote)).or_default();
            let more = bytes.saturating_sub(before);
            seen.bytes = Some(seen.bytes.unwrap_or_default() + more);
        }
    }

    /// Where they led, as far as `places` are known.
    #[must_use]
    pub fn evidence(&self, places: &Places) -> Evidence {
        let rows = self.seen.iter().filter_map(|((account, remote), seen)| {
            let (service, path) = places.of(*account, *remote)?;
            Some(Connections {
                account: *account,
                service,
                path,
                connections: seen.connections,
                bytes: seen.bytes,
            })
        });
        Evidence {
            unresolved_proxies: places.unresolved_proxies(),
            ..Evidence::count(Source::TcpTable, rows)
        }
    }
}

/// What is known of addresses.
#[derive(Clone, Debug, Default)]
pub struct Places {
    proxies: BTreeMap<Account, BTreeSet<SocketAddr>>,
    /// By name, whether an address was found.
    proxy_hosts: BTreeMap<String, bool>,
    endpoint: BTreeMap<IpAddr, BTreeSet<Service>>,
    named: BTreeMap<IpAddr, BTreeSet<Service>>,
}

impl Places {
    /// Learns where an account's proxy is; without addresses, that nobody knows.
    pub fn learn_proxy(
        &mut self,
        account: Account,
        (host, port): (&str, u16),
        addresses: impl IntoIterator<Item = IpAddr>,
    ) {
        let known = self.proxies.entry(account).or_default();
        let is_found = self.proxy_hosts.entry(host.to_owned()).or_default();
        for address in addresses {
            known.insert(SocketAddr::new(address.to_canonical(), port));
            *is_found = true;
        }
    }

    /// The proxies that never had an address.
    fn unresolved_proxies(&self) -> Vec<String> {
        let lost = self.proxy_hosts.iter().filter(|(_, is_found)| !**is_found);
        lost.map(|(host, _)| host.clone()).collect()
    }

    /// Learns a name: its addresses in the private endpoint, and those that DNS
    /// answered with.
    pub fn learn_target(&mut self, target: &Target, answered: impl IntoIterator<Item = IpAddr>) {
        for address in &target.expected {
            let services = self.endpoint.entry(address.to_canonical()).or_default();
            services.insert(target.service);
        }
        for address in answered {
            let services = self.named.entry(address.to_canonical()).or_default();
            services.insert(target.service);
        }
    }

    /// Whether an account's proxy is there.
    #[must_use]
    pub fn is_proxy(&self, account: Account, remote: SocketAddr) -> bool {
        let known = self.proxies.get(&account);
        // By address and port alone: settings name no scope.
        let remote = SocketAddr::new(remote.ip(), remote.port());
        known.is_some_and(|sockets| sockets.contains(&remote))
    }

    /// What a connection wanted, where its address tells, and how it went; `None`
    /// for what stays on the machine.
    fn of(&self, account: Account, remote: SocketAddr) -> Option<(Option<Service>, Path)> {
        let address = remote.ip();
        if self.is_proxy(account, remote) {
            return Some((None, Path::Proxy));
        }
        if address.is_loopback() {
            return None;
        }
        if let Some(services) = self.endpoint.get(&address) {
            return Some((only(services), Path::PrivateEndpoint));
        }
        let service = match self.named.get(&address) {
            Some(services) => only(services),
            None => platform(address),
        };
        Some((service, Path::Direct))
    }
}

/// The one service; several names can share an address.
fn only(services: &BTreeSet<Service>) -> Option<Service> {
    let mut all = services.iter().copied();
    all.next().filter(|_| all.next().is_none())
}

/// The addresses of the platform are the same in every cloud.
fn platform(address: IpAddr) -> Option<Service> {
    let known = Catalogue::of(crate::catalogue::Cloud::default());
    let service = known.service_of(&address.to_string());
    service.filter(|service| *service == Service::Platform)
}
