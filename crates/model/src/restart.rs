//! Which services have to be restarted before they follow new settings.
//!
//! .NET Framework asks Windows for a change at each request, by keys that it
//! began to watch at its first one: what is written into a key that was there
//! counts from the next request on, a key that was not there then is never
//! watched (`_AutoWebProxyScriptEngine.cs` in microsoft/referencesource).

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::Serialize;

use crate::account::{Account, PLUGIN_SERVICE};
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
        let because = if plan.new_keys.contains(&SettingsKey::Connections) {
            RestartBecause::KeyMade
        } else if plan.removed_keys.contains(&SettingsKey::Connections) {
            RestartBecause::KeyTakenAway
        } else {
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
    /// It is on its way, or the service manager does not say what it does.
    NotSettled {
        /// Which.
        service: String,
    },
    /// It is connected to elsewhere, as it is while it registers the machine or
    /// backs up.
    Connected {
        /// Which.
        service: String,
        /// With whom.
        remotes: BTreeSet<SocketAddr>,
    },
    /// The vault is at work with this machine.
    AtWork(Work),
}

/// What speaks against carrying `restarts` out, by the services' own connections
/// and by what the vault says; `None` where it was not asked, or does not know
/// this machine.
///
/// What the coordinator talks about cannot be seen: it fetches its orders over
/// connections like those of a registration. Only a vault that has nothing to do
/// tells that they are idle.
#[must_use]
pub fn hindrances(
    restarts: &[Restart],
    processes: &[ServiceProcess],
    rows: &[Row],
    vault: Option<&[Work]>,
) -> Vec<Hindrance> {
    let is_idle = vault.is_some_and(<[Work]>::is_empty);
    let is =
        |process: &&ServiceProcess, service: &str| process.service.eq_ignore_ascii_case(service);
    let mut hindrances = Vec::new();
    for Restart { service, state, .. } in restarts {
        let service = service.clone();
        match state {
            ServiceState::Stopped => continue,
            ServiceState::Running => {}
            ServiceState::Changing | ServiceState::Unknown => {
                hindrances.push(Hindrance::NotSettled { service });
                continue;
            }
        }
        let process = processes.iter().find(|process| is(process, &service));
        let Some(process) = process.map(|process| process.process) else {
            hindrances.push(Hindrance::NotSettled { service });
            continue;
        };
        let remotes: BTreeSet<SocketAddr> = rows
            .iter()
            .filter(|row| row.process == process && !row.remote.ip().is_loopback())
            .map(|row| row.remote)
            .collect();
        let may_be_idle = service.eq_ignore_ascii_case(COORDINATOR_SERVICE) && is_idle;
        if !remotes.is_empty() && !may_be_idle {
            hindrances.push(Hindrance::Connected { service, remotes });
        }
    }
    let work = vault.unwrap_or_default().iter().cloned();
    hindrances.extend(work.map(Hindrance::AtWork));
    hindrances
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
