//! By which path the bytes of a backup went, as somebody counted them.

use serde::Serialize;

use crate::account::Account;
use crate::catalogue::Service;
use crate::finding::Finding;
use crate::site::{Route, Site};

/// Who counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The listeners of a rehearsal.
    Lab,
    /// The TCP table of the virtual machine, sampled.
    TcpTable,
    /// The proxy's access log.
    ProxyLog,
}

/// Where a connection went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// To an address of the vault's private endpoint.
    PrivateEndpoint,
    /// Straight to a public address.
    Direct,
    /// To the proxy.
    Proxy,
}

/// Connections of one account to one service by one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connections {
    /// Whose they are.
    pub account: Account,
    /// What they wanted.
    pub service: Service,
    /// How they went.
    pub path: Path,
    /// How many there were.
    pub connections: u64,
    /// TCP payload in both directions, in bytes.
    pub bytes: u64,
}

/// The path of a backup's bytes, account by service by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Who counted.
    pub source: Source,
    /// The rows, ordered by account, service and path.
    pub connections: Vec<Connections>,
}

impl Evidence {
    /// Counts single connections into rows.
    #[must_use]
    pub fn count(
        source: Source,
        connections: impl IntoIterator<Item = (Account, Service, Path, u64)>,
    ) -> Self {
        let mut rows: Vec<Connections> = Vec::new();
        for (account, service, path, bytes) in connections {
            let row = rows
                .iter_mut()
                .find(|row| row.account == account && row.service == service && row.path == path);
            if let Some(row) = row {
                row.connections += 1;
                row.bytes += bytes;
            } else {
                rows.push(Connections {
                    account,
                    service,
                    path,
                    connections: 1,
                    bytes,
                });
            }
        }
        rows.sort_by_key(|row| (row.account, row.service, row.path));
        Self {
            source,
            connections: rows,
        }
    }

    /// Backup and Storage connections that went to the proxy: the number that
    /// must be zero when the site says `bypass.backup = "direct"`.
    #[must_use]
    pub fn protected_on_proxy(&self) -> u64 {
        self.connections
            .iter()
            .filter(|row| row.path == Path::Proxy && row.service.is_protected())
            .map(|row| row.connections)
            .sum()
    }

    /// What is wrong where the proxy's own log names another number of Backup
    /// and Storage connections than the witness counted.
    #[must_use]
    pub fn against_log(&self, logged: u64) -> Option<Finding> {
        let counted = self.protected_on_proxy();
        (counted != logged).then_some(Finding::WitnessesDisagree {
            listeners: counted,
            log: logged,
        })
    }

    /// What is other than `site` says.
    #[must_use]
    pub fn against(&self, site: &Site) -> Vec<Finding> {
        let leaked = self.protected_on_proxy();
        let leak = (leaked > 0 && site.bypass.backup == Route::Direct).then_some(
            Finding::ProtectedOnProxy {
                connections: leaked,
            },
        );
        let around = self
            .connections
            .iter()
            .filter(|row| row.path != Path::Proxy && row.service.is_protected())
            .map(|row| row.connections)
            .sum();
        let off_proxy = (around > 0 && site.bypass.backup == Route::Proxy).then_some(
            Finding::ProtectedOffProxy {
                connections: around,
            },
        );
        let public = self
            .connections
            .iter()
            .filter(|row| row.path == Path::Direct && row.service.is_protected())
            .map(|row| row.connections)
            .sum();
        let on_public_path = (public > 0 && site.bypass.backup == Route::Direct).then_some(
            Finding::ProtectedPublic {
                connections: public,
            },
        );
        let off_route = self.connections.iter().filter(|row| {
            row.service == Service::Entra
                && (row.path == Path::Proxy) != (site.bypass.entra == Route::Proxy)
        });
        let off_route = off_route.map(|row| Finding::EntraOffRoute {
            account: row.account,
            path: row.path,
        });
        leak.into_iter()
            .chain(off_proxy)
            .chain(on_public_path)
            .chain(off_route)
            .collect()
    }

    /// The paths that connections to `service` took, each once.
    #[must_use]
    pub fn paths_of(&self, service: Service) -> Vec<Path> {
        let mut paths: Vec<Path> = self
            .connections
            .iter()
            .filter(|row| row.service == service)
            .map(|row| row.path)
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}
