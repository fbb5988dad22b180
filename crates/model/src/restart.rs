//! Which services have to be restarted before they follow new settings.
//!
//! .NET Framework asks Windows for a change at each request, by keys that it
//! began to watch at its first one: what is written into a key that was there
//! counts from the next request on, a key that was not there then is never
//! watched (`_AutoWebProxyScriptEngine.cs` in microsoft/referencesource).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use jiff::Timestamp;
use serde::Serialize;

use crate::account::{Account, PLUGIN_SERVICE};
use crate::journal::{Run, TransactionEnd};
use crate::observed::{Service, ServiceState, SettingsKey};
use crate::plan::Plan;
use crate::surroundings::COORDINATOR_SERVICE;
use crate::tcp_table::{Row, ServiceProcess};

/// A service that has to be restarted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// Which.
    pub service: String,
    /// What it does now.
    pub state: ServiceState,
    /// Why.
    pub because: RestartBecause,
}

/// Why a service has to be restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartBecause {
    /// The key that it should watch is made only now.
    KeyMade,
    /// The key that it watches is taken away.
    KeyTakenAway,
}

/// The services that have to be restarted once `plans` are carried out, among
/// `services` or, where nobody says which there are, those that are known.
#[must_use]
pub fn restarts(plans: &[Plan], services: Option<&[Service]>) -> Vec<Restart> {
    let mut restarts: Vec<Restart> = Vec::new();
    for plan in plans {
        let Some(because) = because(&plan.new_keys, &plan.removed_keys) else {
            continue;
        };
        for (service, state) in followers(plan.account, services) {
            restarts.push(Restart {
                service,
                state,
                because,
            });
        }
    }
    restarts
}

/// What the vault does with this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// As `Backup (Full)`.
    pub operation: String,
    /// What it works on, as `orders [sqlvm1]`.
    pub of: String,
}

/// What speaks against restarting a service now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// It does neither run nor stand still.
    NotSettled {
        /// Which.
        service: String,
        /// What it does.
        state: ServiceState,
    },
    /// It is connected to elsewhere, or tries to be, as it does while it registers
    /// the machine or backs up.
    Connected {
        /// Which.
        service: String,
        /// With whom.
        remotes: BTreeSet<SocketAddr>,
    },
    /// The vault is at work.
    AtWork(Work),
}

/// What speaks against carrying `restarts` out: the connections of any of the
/// backup's services, `processes`, as one or several looks at the table showed
/// them, and what the vault, if it was asked, is at. One of them is at work for the
/// others, so that none is restarted while another is connected.
///
/// What a connection is for cannot be seen. A vault that names no job excuses
/// none: scheduled log backups are no jobs that are listed (Microsoft's "Manage
/// and monitor backed-up SQL Server databases").
#[must_use]
pub fn hindrances(
    restarts: &[Restart],
    processes: &[ServiceProcess],
    rows: &[Row],
    vault: &[Work],
) -> Vec<Hindrance> {
    let is_settled = |state| matches!(state, ServiceState::Running | ServiceState::Stopped);
    let unsettled = restarts.iter().filter(|restart| !is_settled(restart.state));
    let mut hindrances: Vec<Hindrance> = unsettled
        .map(|restart| Hindrance::NotSettled {
            service: restart.service.clone(),
            state: restart.state,
        })
        .collect();
    for process in processes {
        let elsewhere = rows
            .iter()
            .filter(|row| row.process == process.process && !row.remote.ip().is_loopback());
        let remotes: BTreeSet<SocketAddr> = elsewhere.map(|row| row.remote).collect();
        if !remotes.is_empty() {
            let service = process.service.clone();
            hindrances.push(Hindrance::Connected { service, remotes });
        }
    }
    hindrances.extend(vault.iter().cloned().map(Hindrance::AtWork));
    hindrances
}

/// In the order in which they can be carried out: the coordinator, which connects
/// as soon as it runs and would stand in the others' way, is the last.
pub fn coordinator_last(restarts: &mut [Restart]) {
    restarts.sort_by_key(|restart| restart.service.eq_ignore_ascii_case(COORDINATOR_SERVICE));
}

/// The services that run since before a key was made or taken away that they
/// should watch, as `runs` tell. `started` are the beginnings of their processes.
#[must_use]
pub fn overdue(
    runs: &[Run],
    services: &[Service],
    started: &BTreeMap<String, Timestamp>,
) -> Vec<Restart> {
    let mut restarts: Vec<Restart> = Vec::new();
    let transactions = runs.iter().flat_map(|run| &run.transactions).rev();
    for transaction in transactions {
        let Some(TransactionEnd::Committed(time)) = transaction.end else {
            continue;
        };
        for intent in &transaction.intents {
            let Some(because) = because(&intent.new_keys, &intent.removed_keys) else {
                continue;
            };
            for (service, state) in followers(intent.account, Some(services)) {
                let is_known = restarts.iter().any(|known| known.service == service);
                let is_older = started.get(&service).is_some_and(|start| *start < time);
                if is_older && !is_known && state == ServiceState::Running {
                    restarts.push(Restart {
                        service,
                        state,
                        because,
                    });
                }
            }
        }
    }
    restarts
}

fn because(new_keys: &[SettingsKey], removed_keys: &[SettingsKey]) -> Option<RestartBecause> {
    if new_keys.contains(&SettingsKey::Connections) {
        Some(RestartBecause::KeyMade)
    } else if removed_keys.contains(&SettingsKey::Connections) {
        Some(RestartBecause::KeyTakenAway)
    } else {
        None
    }
}

/// The services that follow an account's settings. They are 64-bit programs,
/// which watch the machine's first copy.
fn followers(account: Account, services: Option<&[Service]>) -> Vec<(String, ServiceState)> {
    let follows = |service: &&Service| match account {
        Account::Machine => true,
        Account::Machine32 => false,
        account => service.follows() == Some(account),
    };
    let known: &[&str] = match account {
        Account::System => &[COORDINATOR_SERVICE],
        Account::Plugin => &[PLUGIN_SERVICE],
        Account::Machine => &[COORDINATOR_SERVICE, PLUGIN_SERVICE],
        Account::Machine32 => &[],
    };
    match services {
        Some(services) => services
            .iter()
            .filter(follows)
            .map(|service| (service.name.clone(), service.state))
            .collect(),
        None => known
            .iter()
            .map(|service| ((*service).to_owned(), ServiceState::Unknown))
            .collect(),
    }
}
