//! What there is in this Azure.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::task::AbortHandle;

use super::census::Census;
use super::error::Problem;
use super::operation::{Operation, PATIENCE};
use crate::address::Allocated;
use crate::guest::{Backup, BackupFailure};

/// Everything, behind one lock.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Subscription and resource group, in lower case.
    pub(super) groups: Vec<(String, String)>,
    pub(super) location: String,
    /// The network that the machine is in.
    pub(super) machine_network: String,
    pub(super) networks: Vec<Network>,
    /// Ids of virtual machines.
    pub(super) machines: Vec<String>,
    /// Whether Azure Backup has looked for machines.
    pub(super) machines_are_seen: bool,
    /// Whether it has looked for databases on those that are registered.
    pub(super) databases_are_seen: bool,
    pub(super) vaults: Vec<Vault>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) zones: Vec<Zone>,
    /// The company's own records: full name in lower case, and address.
    pub(super) by_hand: HashMap<String, Ipv4Addr>,
    pub(super) operations: HashMap<String, Operation>,
    pub(super) counter: u64,
    pub(super) census: Census,
    pub(super) stored: Option<Backup>,
    pub(super) met: Vec<BackupFailure>,
}

#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) id: String,
    /// The private endpoint's subnet, where this network has it.
    pub(super) subnet: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Vault {
    pub(super) id: String,
    pub(super) location: String,
    pub(super) sku: Value,
    pub(super) identity: Option<Value>,
    pub(super) tags: Option<Value>,
    /// What the owner set, as it was sent.
    pub(super) given: Map<String, Value>,
    pub(super) public_access: bool,
    pub(super) changed: Timestamp,
    pub(super) made_by: Option<String>,
    /// Something was registered here, or tried to be.
    pub(super) was_used: bool,
    pub(super) grown: Allocated,
    /// The connections whose endpoints are not approved (any more).
    pub(super) connection_states: BTreeMap<String, (String, String)>,
    pub(super) containers: Vec<Container>,
    pub(super) policies: Vec<(String, Map<String, Value>)>,
    pub(super) items: Vec<Item>,
    pub(super) intents: Vec<(String, Map<String, Value>)>,
    pub(super) jobs: Vec<Job>,
}

#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) id: String,
    pub(super) location: String,
    pub(super) subnet: String,
    pub(super) vault: String,
    pub(super) connection_name: String,
    pub(super) is_manual: bool,
    /// Whether somebody has to approve it.
    pub(super) needs_approval: bool,
    pub(super) made_by: Option<String>,
    pub(super) groups: Vec<ZoneGroup>,
}

#[derive(Clone, Debug)]
pub(super) struct ZoneGroup {
    pub(super) id: String,
    /// Name and zone of each entry.
    pub(super) zones: Vec<(String, String)>,
    pub(super) made_by: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) made_by: Option<String>,
    pub(super) tags: Option<Value>,
    pub(super) links: Vec<Link>,
}

#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) id: String,
    pub(super) network: String,
    pub(super) made_by: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) machine: String,
    pub(super) is_registered: bool,
    pub(super) made_by: String,
    pub(super) updated: Timestamp,
}

/// A database that is protected.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) container: String,
    pub(super) machine: String,
    pub(super) instance: String,
    pub(super) database: String,
    pub(super) policy: String,
    pub(super) made_by: String,
    pub(super) is_stopped: bool,
    /// When it was deleted; it is kept for fourteen days.
    pub(super) deleted: Option<Timestamp>,
    /// When the last backup ended, and with what.
    pub(super) last: Option<(Timestamp, Option<Problem>)>,
    pub(super) points: Vec<Timestamp>,
}

#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) operation: String,
    pub(super) item: String,
    pub(super) entity: String,
    pub(super) policy: String,
    pub(super) container: String,
    pub(super) started: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) end: JobEnd,
    /// How often it still shows as running, however quick it was.
    pub(super) looks: u32,
    /// What the plugin sent so far; jobs that send nothing have none.
    pub(super) bytes: Option<Arc<AtomicU64>>,
    /// The client's name for the request that started it.
    pub(super) activity: String,
    /// Ends what the machine does for it.
    pub(super) abort: Option<AbortHandle>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JobEnd {
    Running,
    Completed,
    Failed(Problem),
    Cancelled,
}

impl State {
    /// The next number, for ids that are the same in every rehearsal.
    pub(super) fn next(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    pub(super) fn vault(&self, id: &str) -> Option<&Vault> {
        self.vaults.iter().find(|vault| same(&vault.id, id))
    }

    pub(super) fn vault_mut(&mut self, id: &str) -> Option<&mut Vault> {
        self.vaults.iter_mut().find(|vault| same(&vault.id, id))
    }

    pub(super) fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints
            .iter()
            .find(|endpoint| same(&endpoint.id, id))
    }

    pub(super) fn endpoint_mut(&mut self, id: &str) -> Option<&mut Endpoint> {
        let mut endpoints = self.endpoints.iter_mut();
        endpoints.find(|endpoint| same(&endpoint.id, id))
    }

    pub(super) fn zone(&self, id: &str) -> Option<&Zone> {
        self.zones.iter().find(|zone| same(&zone.id, id))
    }

    pub(super) fn zone_mut(&mut self, id: &str) -> Option<&mut Zone> {
        self.zones.iter_mut().find(|zone| same(&zone.id, id))
    }

    pub(super) fn network(&self, id: &str) -> Option<&Network> {
        self.networks.iter().find(|network| same(&network.id, id))
    }

    pub(super) fn has_subnet(&self, id: &str) -> bool {
        let mut subnets = self
            .networks
            .iter()
            .filter_map(|network| network.subnet.as_deref());
        subnets.any(|subnet| same(subnet, id))
    }

    /// Makes a resource group known that ids speak of.
    pub(super) fn know_group_of(&mut self, id: &str) {
        let (subscription, group) = (
            part_after(id, "subscriptions"),
            part_after(id, "resourcegroups"),
        );
        if !subscription.is_empty() && !group.is_empty() {
            let pair = (subscription.to_lowercase(), group.to_lowercase());
            if !self.groups.contains(&pair) {
                self.groups.push(pair);
            }
        }
    }
}

impl Job {
    /// Whether it runs, as far as anybody outside can tell.
    pub(super) fn shows_running(&self) -> bool {
        let is_new = Timestamp::now().duration_since(self.started) < PATIENCE;
        self.end == JobEnd::Running || (self.looks > 0 && is_new)
    }
}

impl Vault {
    pub(super) fn container(&self, name: &str) -> Option<&Container> {
        self.containers
            .iter()
            .find(|container| same(&container.name, name))
    }

    pub(super) fn container_mut(&mut self, name: &str) -> Option<&mut Container> {
        let mut containers = self.containers.iter_mut();
        containers.find(|container| same(&container.name, name))
    }

    pub(super) fn item(&self, container: &str, name: &str) -> Option<&Item> {
        let mut items = self.items.iter();
        items.find(|item| same(&item.container, container) && same(&item.name, name))
    }

    pub(super) fn item_mut(&mut self, container: &str, name: &str) -> Option<&mut Item> {
        let mut items = self.items.iter_mut();
        items.find(|item| same(&item.container, container) && same(&item.name, name))
    }

    pub(super) fn job_mut(&mut self, id: &str) -> Option<&mut Job> {
        self.jobs.iter_mut().find(|job| same(&job.id, id))
    }
}

/// Azure's names and ids know no case.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The segment of an id after the one that is called `name`.
pub(super) fn part_after<'a>(id: &'a str, name: &str) -> &'a str {
    let mut parts = id.split('/').skip_while(|part| !same(part, name));
    parts.nth(1).unwrap_or_default()
}

/// The last segment of an id.
pub(super) fn last_part(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}
