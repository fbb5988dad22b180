//! What a run acts on.

use std::future::Future;
use std::time::Duration;

use sidestep_azure::Azure;
use sidestep_machine::{Journal, Store, StoreError};
use sidestep_model::check::Target;
use sidestep_model::evidence::Evidence;
use sidestep_model::network::Network;
use sidestep_model::observed::Observed;
use sidestep_model::site::Database;

use crate::run::RunError;

/// Everything outside: the machine's settings, the network, Azure, the person.
#[derive(Debug)]
pub struct World<'a, S, W, P> {
    /// The machine's proxy settings; `None` where they are not at hand, and only
    /// steps in Azure are wanted.
    pub store: Option<&'a mut S>,
    /// Where what is done is written down first.
    pub journal: &'a Journal,
    /// The network as the virtual machine sees it.
    pub network: &'a Network,
    /// Azure Resource Manager.
    pub azure: &'a Azure,
    /// Who sees where connections go.
    pub witness: &'a mut W,
    /// Who is asked.
    pub person: &'a mut P,
    /// How long to wait for what takes its time.
    pub patience: Patience,
}

impl<S: Store, W, P> World<'_, S, W, P> {
    /// The machine's settings, for a step that is about them.
    pub(crate) fn settings(&mut self) -> Result<&mut S, RunError> {
        self.store.as_deref_mut().ok_or(RunError::NoSettings)
    }

    /// What the machine's settings are now; `None` where they are not at hand.
    pub(crate) fn observed(&self) -> Result<Option<Observed>, StoreError> {
        self.store.as_deref().map(Store::read).transpose()
    }

    /// Where things are changed, for people.
    pub(crate) fn place(&self) -> String {
        let store = self.store.as_deref();
        store.map_or_else(|| "Azure".to_owned(), Store::place)
    }
}

/// Somebody who counts the connections of the accounts.
pub trait Witness {
    /// Counts from now on: what connected before has nothing to do with it.
    fn begin(&mut self) -> impl Future<Output = ()>;

    /// The connections since then; `None` where nobody counts. By the names in
    /// `targets` it may be known what an address belongs to.
    fn evidence(&mut self, targets: &[Target]) -> impl Future<Output = Option<Evidence>>;
}

/// Whoever answers for what a run does.
pub trait Person {
    /// Whether the machine may be registered with a vault that has `endpoints`
    /// private endpoints: afterwards it can never get its first one.
    fn agrees_to_register(&mut self, vm: &str, endpoints: usize) -> impl Future<Output = bool>;

    /// The databases to protect, among those offered.
    fn choose(&mut self, offered: &[Database]) -> impl Future<Output = Vec<Database>>;
}

/// How long to wait for what takes its time in Azure.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Between two looks at the same thing.
    pub poll: Duration,
    /// Until DNS answers with records that Azure keeps itself.
    pub records: Duration,
    /// Until the plugin's account exists after a registration.
    pub account: Duration,
    /// Until a job that was ordered is listed.
    pub listed: Duration,
    /// Until a backup's job ends.
    pub backup: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self {
            poll: Duration::from_secs(10),
            // Records appear within a minute or so.
            records: minutes(3),
            // The extension is installed by then; its service starts soon after.
            account: minutes(3),
            listed: minutes(2),
            // A first full backup of terabytes takes its day.
            backup: minutes(24 * 60),
        }
    }
}
