//! Who sees where a backup's connections go on the machine itself.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, mem};

use sidestep_flow::Witness;
use sidestep_machine::{connections, count_payload, payload, running_services};
use sidestep_model::account::Account;
use sidestep_model::bypass::Consumer;
use sidestep_model::check::Target;
use sidestep_model::evidence::Evidence;
use sidestep_model::network::Network;
use sidestep_model::observed::Observed;
use sidestep_model::proxy_server::{ProxyUri, select};
use sidestep_model::tcp_table::{BACKUP_SERVICES, Places, Row, Sampled, owners};
use sidestep_probe as probe;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::at::At;
use crate::output::Printer;

/// Between two looks at the table: a connection that moves a backup's pages, or
/// asks Azure Backup for work, lasts longer.
const LOOK: Duration = Duration::from_millis(500);

/// How many looks go between two questions to DNS: the addresses of Entra ID and
/// of a proxy can change while a backup runs.
const LOOKS_A_QUESTION: u32 = 60;

/// Who counts connections where a run acts.
pub(crate) enum OnMachine {
    /// The table of this computer's connections.
    Table(TableWitness),
    /// Nobody: the run acts on a file, or on Azure alone.
    Nobody,
}

impl Witness for OnMachine {
    async fn begin(&mut self) {
        if let Self::Table(witness) = self {
            witness.begin();
        }
    }

    async fn evidence(&mut self, targets: &[Target]) -> Option<Evidence> {
        match self {
            Self::Table(witness) => witness.evidence(targets).await,
            Self::Nobody => None,
        }
    }
}

/// Looks at the table of TCP connections while a backup runs.
pub(crate) struct TableWitness {
    network: Network,
    /// Names whose addresses are followed from the start.
    known: Vec<Target>,
    printer: Printer,
    seen: Arc<Mutex<Seen>>,
    looking: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    sampled: Sampled,
    places: Places,
    looks: u32,
    failed: Option<io::Error>,
}

impl TableWitness {
    pub(crate) fn new(network: Network, known: Vec<Target>, printer: Printer) -> Self {
        Self {
            network,
            known,
            printer,
            seen: Arc::default(),
            looking: None,
        }
    }

    fn begin(&mut self) {
        self.stop();
        *lock(&self.seen) = Seen::default();
        let (seen, network, known) = (
            Arc::clone(&self.seen),
            self.network.clone(),
            self.known.clone(),
        );
        self.looking = Some(tokio::spawn(async move {
            let mut looks = interval(LOOK);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            // An answer of DNS can take seconds, for which no look waits.
            let mut questions = JoinSet::new();
            for number in 0_u32.. {
                looks.tick().await;
                look(&seen);
                while questions.try_join_next().is_some() {}
                if number % LOOKS_A_QUESTION == 0 {
                    let (seen, network, known) =
                        (Arc::clone(&seen), network.clone(), known.clone());
                    questions.spawn(async move { learn(&seen, &network, &known).await });
                }
            }
        }));
    }

    async fn evidence(&mut self, targets: &[Target]) -> Option<Evidence> {
        self.stop();
        look(&self.seen);
        learn(&self.seen, &self.network, targets).await;
        let seen = mem::take(&mut *lock(&self.seen));
        if let Some(error) = seen.failed.filter(|_| seen.looks == 0) {
            self.printer.note(&format!(
                "where the backup's connections went is not known: the table of connections \
                 cannot be read: {error}"
            ));
            return None;
        }
        Some(seen.sampled.evidence(&seen.places))
    }

    fn stop(&mut self) {
        if let Some(looking) = self.looking.take() {
            looking.abort();
        }
    }
}

impl Drop for TableWitness {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One look at the table. The services are asked for each time: one that starts
/// again has another process.
fn look(seen: &Mutex<Seen>) {
    let looked = || Ok((connections()?, owners(&running_services(BACKUP_SERVICES)?)));
    let looked: io::Result<(Vec<Row>, BTreeMap<u32, Account>)> = looked();
    let mut seen = lock(seen);
    // Before those that ended meanwhile are forgotten.
    for row in seen.sampled.counted() {
        if let Ok(bytes) = payload(&row) {
            seen.sampled.count(&row, bytes);
        }
    }
    match looked {
        Ok((rows, owners)) => {
            for row in seen.sampled.add(&rows, &owners) {
                // Where Windows refuses, nobody knows what it carries.
                if let Ok(bytes) = count_payload(&row) {
                    seen.sampled.count(&row, bytes);
                }
            }
            seen.looks += 1;
        }
        Err(error) => seen.failed = Some(error),
    }
}

/// Learns where names and the accounts' proxies are now, all at once.
async fn learn(seen: &Arc<Mutex<Seen>>, network: &Network, targets: &[Target]) {
    let mut asked = JoinSet::new();
    for NamedProxy {
        account,
        proxy,
        is_on,
    } in proxies()
    {
        let (seen, network) = (Arc::clone(seen), network.clone());
        asked.spawn(async move {
            let found = addresses(&network, &proxy.host).await;
            let place = (proxy.host.as_str(), proxy.port);
            // One that is switched off need not be anywhere.
            if found.is_empty() && !is_on {
                return;
            }
            lock(&seen).places.learn_proxy(account, place, found);
        });
    }
    for target in targets.iter().cloned() {
        let (seen, network) = (Arc::clone(seen), network.clone());
        asked.spawn(async move {
            let found = addresses(&network, &target.host).await;
            lock(&seen).places.learn_target(&target, found);
        });
    }
    asked.join_all().await;
}

/// The proxy of each account, by its settings as they are now.
fn proxies() -> Vec<NamedProxy> {
    // Settings that cannot be read name no proxy.
    let observed = At::Live.open().ok().and_then(|store| store.read().ok());
    observed.as_ref().map_or_else(Vec::new, proxies_of)
}

/// A proxy that an account's settings name.
#[derive(PartialEq, Eq)]
pub(crate) struct NamedProxy {
    pub(crate) account: Account,
    pub(crate) proxy: ProxyUri,
    is_on: bool,
}

/// The proxies that the settings name which decide for the accounts, switched on
/// or not: what is on the machine can still hold a connection to one that was
/// switched off.
pub(crate) fn proxies_of(observed: &Observed) -> Vec<NamedProxy> {
    let of_account = |account: Account| {
        let settings = observed.deciding(account).settings().unwrap_or_default();
        let is_on = settings.has_manual_proxy();
        ["https", "http"].into_iter().filter_map(move |scheme| {
            let proxy = select(&settings.proxy_server, scheme, Consumer::DotnetFramework);
            let proxy = proxy.ok().flatten()?;
            Some(NamedProxy {
                account,
                proxy,
                is_on,
            })
        })
    };
    let mut proxies: Vec<NamedProxy> = Account::SERVICES.into_iter().flat_map(of_account).collect();
    proxies.dedup();
    proxies
}

/// The addresses of a name, or the one that it is.
async fn addresses(network: &Network, host: &str) -> Vec<IpAddr> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(address) => vec![address],
        Err(_) => probe::addresses(network, host, probe::DEADLINE).await,
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
