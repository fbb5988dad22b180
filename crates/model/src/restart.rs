//! Which services have to be restarted before they follow new settings.
//!
//! .NET Framework asks Windows for a change at each request, by keys that it
//! began to watch at its first one: what is written into a key that was there
//! counts from the next request on, a key that was not there then is never
//! watched (`_AutoWebProxyScriptEngine.cs` in microsoft/referencesource).

use serde::Serialize;

use crate::account::{Account, PLUGIN_SERVICE};
use crate::observed::{Service, ServiceState, SettingsKey};
use crate::plan::Plan;
use crate::surroundings::COORDINATOR_SERVICE;

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
