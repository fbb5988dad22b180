//! By which path the bytes of a backup went, as somebody counted them.

use serde::{Serialize, Serializer};

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
    /// Straight to an address that is neither.
    Direct,
    /// To the proxy.
    Proxy,
}

/// Connections of one account to one service by one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connections {
    /// Whose they are.
    pub account: Account,
    /// What they wanted; `None`, which documents call `other`, where it is
    /// something else or whoever counted cannot tell.
    #[serde(serialize_with = "service_or_other")]
    pub service: Option<Service>,
    /// How they went.
    pub path: Path,
    /// How many there were.
    pub connections: u64,
    /// TCP payload in both directions, in bytes; `None` where nobody counted it.
    /// By the TCP table, at least so many: a connection's counting begins when it
    /// is seen first, and ends when it is seen last.
    pub bytes: Option<u64>,
}

impl Connections {
    fn is_protected(&self) -> bool {
        self.service.is_some_and(Service::is_protected)
    }
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    reason = "serde gives a field by reference"
)]
fn service_or_other<S: Serializer>(
    service: &Option<Service>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(service.map_or("other", Service::key))
}

/// The path of a backup's bytes, account by service by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Who counted.
    pub source: Source,
    /// The rows, ordered by account, service and path.
    pub connections: Vec<Connections>,
    /// Names of the accounts' proxies for which whoever counted found no address: a
    /// connection to one counts as direct.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unresolved_proxies: Vec<String>,
}

impl Evidence {
    /// Adds up what is of one account, service and path.
    #[must_use]
    pub fn count(source: Source, connections: impl IntoIterator<Item = Connections>) -> Self {
        let mut rows: Vec<Connections> = Vec::new();
        for new in connections {
            let key = |row: &Connections| (row.account, row.service, row.path);
            match rows.iter_mut().find(|row| key(row) == key(&new)) {
                Some(row) => {
                    row.connections += new.connections;
                    row.bytes = match (row.bytes, new.bytes) {
                        (Some(known), Some(more)) => Some(known + more),
                        // Where all are "at least", so is a sum without the unknown.
                        (known, more) if source == Source::TcpTable => known.or(more),
                        _ => None,
                    };
                }
                None => rows.push(new),
            }
        }
        rows.sort_by_key(|row| (row.account, row.service.is_none(), row.service, row.path));
        Self {
            source,
            connections: rows,
            unresolved_proxies: Vec::new(),
        }
    }

    /// Backup and Storage connections that went to the proxy: the number that
    /// must be zero when the site says `bypass.backup = "direct"`.
    #[must_use]
    pub fn protected_on_proxy(&self) -> u64 {
        self.total(|row| row.path == Path::Proxy && row.is_protected())
    }

    /// Connections to the proxy of which nobody can say what they wanted from it.
    #[must_use]
    pub fn unknown_on_proxy(&self) -> u64 {
        self.total(|row| row.path == Path::Proxy && row.service.is_none())
    }

    /// Backup and Storage connections by whatever path.
    #[must_use]
    pub fn protected(&self) -> u64 {
        self.total(Connections::is_protected)
    }

    fn total(&self, is_meant: impl Fn(&Connections) -> bool) -> u64 {
        let rows = self.connections.iter().filter(|row| is_meant(row));
        rows.map(|row| row.connections).sum()
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
        let around = self.total(|row| row.path != Path::Proxy && row.is_protected());
        let off_proxy = (around > 0 && site.bypass.backup == Route::Proxy).then_some(
            Finding::ProtectedOffProxy {
                connections: around,
            },
        );
        let public = self.total(|row| row.path == Path::Direct && row.is_protected());
        let on_public_path = (public > 0 && site.bypass.backup == Route::Direct).then_some(
            Finding::ProtectedPublic {
                connections: public,
            },
        );
        let off_route = self.connections.iter().filter(|row| {
            row.service == Some(Service::Entra)
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
            .chain(self.unseen(site))
            .collect()
    }

    /// What the table of connections cannot tell, where that matters: zero is a
    /// claim only about what was seen.
    fn unseen(&self, site: &Site) -> Vec<Finding> {
        if self.source != Source::TcpTable {
            return Vec::new();
        }
        let is_direct = site.bypass.backup == Route::Direct;
        let on_proxy = self.unknown_on_proxy();
        let asked = (on_proxy > 0 && is_direct).then_some(Finding::AskedOfProxyUnseen {
            connections: on_proxy,
            is_expected: site.bypass.entra == Route::Proxy,
        });
        let hosts = &self.unresolved_proxies;
        let unresolved = (!hosts.is_empty()).then(|| Finding::ProxyUnresolved {
            hosts: hosts.clone(),
        });
        let is_seen = self.protected() > 0 || (on_proxy > 0 && !is_direct);
        let nothing = (!is_seen).then_some(Finding::BackupUnseen);
        asked.into_iter().chain(unresolved).chain(nothing).collect()
    }

    /// The paths that connections to `service` took, each once.
    #[must_use]
    pub fn paths_of(&self, service: Service) -> Vec<Path> {
        let mut paths: Vec<Path> = self
            .connections
            .iter()
            .filter(|row| row.service == Some(service))
            .map(|row| row.path)
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}
