//! What the machine does because Azure asked it, beside the requests themselves.

use std::future::Future;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use jiff::Timestamp;
use tokio::task::{AbortHandle, JoinSet};

use super::failure::told;
use super::operation::End;
use super::state::{JobEnd, State};
use super::world::World;
use crate::guest::{BackupFailure, Guest};

/// The machine, and the tasks in which it works; they end with the lab.
#[derive(Clone)]
pub(crate) struct Work {
    world: World,
    guest: Arc<Guest>,
    tasks: Weak<Mutex<JoinSet<()>>>,
}

/// A backup that the vault ordered.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) vault: String,
    pub(super) container: String,
    pub(super) item: String,
    pub(super) job: String,
}

impl Work {
    pub(crate) fn new(world: World, guest: Arc<Guest>, tasks: &Arc<Mutex<JoinSet<()>>>) -> Self {
        Self {
            world,
            guest,
            tasks: Arc::downgrade(tasks),
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// Has the coordinator call in; where it gets through, the plugin's account
    /// appears and the container counts as registered.
    pub(super) fn register(&self, vault: String, container: String, operation: String) {
        let work = self.clone();
        self.spawn(async move {
            let mut result = work.guest.call_in().await;
            if result.is_ok() {
                result = work.guest.create_plugin().await;
            }
            let mut state = work.world.state();
            let known = state.vault_mut(&vault);
            let known = known.and_then(|vault| vault.container_mut(&container));
            if let Some(container) = known.filter(|_| result.is_ok()) {
                container.is_registered = true;
                container.updated = Timestamp::now();
            }
            finish(&mut state, &operation, result);
        });
    }

    /// Has the coordinator call in again.
    pub(super) fn inquire(&self, operation: String) {
        let work = self.clone();
        self.spawn(async move {
            let result = work.guest.call_in().await;
            let mut state = work.world.state();
            state.databases_are_seen |= result.is_ok();
            finish(&mut state, &operation, result);
        });
    }

    /// Has the plugin stream a database; `bytes` counts along.
    pub(super) fn back_up(
        &self,
        order: Order,
        database: String,
        bytes: Arc<AtomicU64>,
    ) -> Option<AbortHandle> {
        let work = self.clone();
        self.spawn(async move {
            let result = match work.guest.expect_plugin().await {
                Ok(()) => work.guest.back_up(&database, &bytes).await,
                Err(failure) => Err(failure),
            };
            let now = Timestamp::now();
            let mut state = work.world.state();
            let (end, problem) = match result {
                Ok(backup) => {
                    state.stored = Some(backup);
                    (JobEnd::Completed, None)
                }
                Err(failure) => {
                    let problem = told(&failure);
                    state.met.push(failure);
                    (JobEnd::Failed(problem.clone()), Some(problem))
                }
            };
            let Some(vault) = state.vault_mut(&order.vault) else {
                return;
            };
            if let Some(job) = vault.job_mut(&order.job) {
                job.end = end;
                job.ended = Some(now);
                job.abort = None;
            }
            if let Some(item) = vault.item_mut(&order.container, &order.item) {
                if problem.is_none() {
                    item.points.push(now);
                }
                item.last = Some((now, problem));
            }
        })
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
        let tasks = self.tasks.upgrade()?;
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        Some(tasks.spawn(task))
    }
}

/// Ends an operation as the machine's part of it ended.
fn finish(state: &mut State, operation: &str, result: Result<(), BackupFailure>) {
    let end = match result {
        Ok(()) => End::Succeeded,
        Err(failure) => {
            let end = End::Failed(told(&failure));
            state.met.push(failure);
            end
        }
    };
    state.finish(operation, end);
}
