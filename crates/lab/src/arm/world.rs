//! The state behind one lock, and what follows from it: records and names.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::census::Census;
use super::state::{Endpoint, State, last_part, same};
use super::vault::connection_state;
use crate::address::{Host, Plan, View};
use crate::guest::{Backup, BackupFailure};
use crate::record::Service;
use crate::setup::Setup;

/// Shared by DNS, the proxy, the services and Resource Manager.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    plan: Arc<Plan>,
}

/// What a name resolves to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// An alias on the way.
    pub(crate) alias: Option<String>,
    pub(crate) address: Ipv4Addr,
}

/// What an endpoint has for one name.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// As the services are called without an endpoint.
    pub(super) name: String,
    /// As the record in a private zone is called.
    pub(super) record: String,
    pub(super) address: Ipv4Addr,
}

impl World {
    pub(crate) fn new(state: State, plan: Arc<Plan>) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
            plan,
        }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the vault takes what comes from public addresses.
    pub(crate) fn takes_public(&self) -> bool {
        let state = self.state();
        state
            .vaults
            .first()
            .is_some_and(|vault| vault.public_access)
    }

    /// The company's own DNS gets a record for all that the endpoints have now.
    pub(crate) fn enter_records(&self) {
        let mut state = self.state();
        let members: Vec<Member> = state
            .endpoints
            .iter()
            .flat_map(|endpoint| members(&state, &self.plan, endpoint))
            .collect();
        for member in members {
            state
                .by_hand
                .insert(member.record.to_lowercase(), member.address);
        }
    }

    /// The team that owns the network makes the site's endpoint.
    pub(crate) fn make_endpoint(&self, setup: &Setup) {
        self.state().make_endpoint(setup);
    }

    pub(crate) fn stored(&self) -> Option<Backup> {
        self.state().stored.clone()
    }

    pub(crate) fn failures(&self) -> Vec<BackupFailure> {
        self.state().met.clone()
    }

    pub(crate) fn census(&self) -> Census {
        self.state().census.clone()
    }

    /// What `name` resolves to for `view`.
    pub(crate) fn resolve(&self, name: &str, view: View) -> Option<Found> {
        let name = name.trim_end_matches('.');
        let host = self.plan.host(name)?;
        let private = if self.plan.sees_endpoint(view) {
            self.private(host)
        } else {
            None
        };
        let by_record = !same(&host.name, name);
        match (private, by_record) {
            (Some(address), true) => Some(Found {
                alias: None,
                address,
            }),
            // Azure Backup's own names have no alias to the private ones.
            (Some(address), false) if host.service != Service::Backup => Some(Found {
                alias: host.private.as_ref().map(|private| private.record.clone()),
                address,
            }),
            (_, true) => None,
            (_, false) => Some(Found {
                alias: None,
                address: host.public?,
            }),
        }
    }

    /// The address that the machine's network has a record for.
    fn private(&self, host: &Host) -> Option<Ipv4Addr> {
        let record = host.private.as_ref()?.record.to_lowercase();
        let state = self.state();
        if let Some(address) = state.by_hand.get(&record) {
            return Some(*address);
        }
        let linked = state.zones.iter().filter(|zone| {
            let mut links = zone.links.iter();
            links.any(|link| {
                state.is_made(link.made_by.as_ref()) && same(&link.network, &state.machine_network)
            })
        });
        linked
            .flat_map(|zone| records(&state, &self.plan, &zone.id))
            .find(|member| member.record.eq_ignore_ascii_case(&record))
            .map(|member| member.address)
    }
}

/// What an endpoint has addresses for by now.
pub(super) fn members(state: &State, plan: &Plan, endpoint: &Endpoint) -> Vec<Member> {
    let Some(vault) = state.vault(&endpoint.vault) else {
        return Vec::new();
    };
    let is_approved = connection_state(state, endpoint).0 == "Approved";
    if !is_approved || !state.is_made(endpoint.made_by.as_ref()) {
        return Vec::new();
    }
    let hosts = plan.hosts.iter().filter_map(|host| {
        let private = host.private.as_ref()?;
        (private.allocated <= vault.grown).then(|| Member {
            name: host.name.clone(),
            record: private.record.clone(),
            address: private.address,
        })
    });
    hosts.collect()
}

/// The records of a zone: what zone groups enter of their endpoints.
pub(super) fn records(state: &State, plan: &Plan, zone: &str) -> Vec<Member> {
    let mut found = Vec::new();
    for endpoint in &state.endpoints {
        let mut groups = endpoint.groups.iter();
        let enters = groups.any(|group| {
            state.is_made(group.made_by.as_ref())
                && group.zones.iter().any(|(_, id)| same(id, zone))
        });
        if enters {
            found.extend(members_in(state, plan, endpoint, zone));
        }
    }
    found
}

/// The endpoint's members whose names lie in a zone.
pub(super) fn members_in(
    state: &State,
    plan: &Plan,
    endpoint: &Endpoint,
    zone: &str,
) -> Vec<Member> {
    let suffix = format!(".{}", last_part(zone).to_lowercase());
    let all = members(state, plan, endpoint).into_iter();
    all.filter(|member| member.record.to_lowercase().ends_with(&suffix))
        .collect()
}
