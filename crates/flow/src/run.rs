//! The engine: one step after the other.

use std::time::Instant;

use sidestep_machine::{ApplyError, JournalError, Store, StoreError, TransactionError};
use sidestep_model::account::Account;
use sidestep_model::catalogue::Catalogue;
use sidestep_model::event::{Event, Outcome, Step, StepEnd};
use sidestep_model::finding::Finding;
use sidestep_model::site::Site;

use crate::backup;
use crate::settings::{Settings, recover};
use crate::world::{Vault, Witness, World};

/// A run that came to its end, whatever that end is.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// How it ended as a whole.
    pub outcome: Outcome,
    /// How each step ended, in order.
    pub steps: Vec<StepEnd>,
    /// What was found, each once.
    pub findings: Vec<Finding>,
}

/// Why a run broke off without a finding to explain it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The settings cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The settings cannot be written.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The run's journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An earlier run was interrupted and cannot be put right.
    #[error("an earlier run was interrupted and cannot be put right")]
    Recovery(#[source] TransactionError),
}

/// Carries `site` through the steps and tells `sink` what happens as it does.
///
/// A step that fails or is refused ends the run; the steps after it are not
/// reached.
pub async fn run<S: Store, V: Vault, W: Witness>(
    mut world: World<'_, S, V, W>,
    site: &Site,
    mut sink: impl FnMut(&Event),
) -> Result<Run, RunError> {
    let catalogue = Catalogue::of(site.azure.cloud);
    let mut settings = Settings::new(catalogue, site, world.journal);
    let mut ended = false;
    let mut steps = Vec::new();
    let mut findings =
        recover(world.store, world.journal, &mut |_| {}).map_err(RunError::Recovery)?;
    for finding in &findings {
        sink(&Event::Found(finding.clone()));
    }
    for step in Step::ALL {
        let start = Instant::now();
        let mut outcome = Outcome::NotReached;
        if !ended {
            sink(&Event::Started(step));
            let mut found = |event: Event| {
                if let Event::Found(finding) = &event {
                    if findings.contains(finding) {
                        return;
                    }
                    findings.push(finding.clone());
                }
                sink(&event);
            };
            outcome = match step {
                Step::SystemBypass => settings.step(Account::System, world.store, &mut found)?,
                Step::PluginBypass => settings.step(Account::Plugin, world.store, &mut found)?,
                Step::Backup => backup::step(site, &mut world, &mut found).await?,
                Step::Endpoint | Step::Register | Step::Protect | Step::Check => Outcome::NotYet,
            };
        }
        ended |= matches!(outcome, Outcome::Failed | Outcome::Refused);
        let end = StepEnd {
            step,
            outcome,
            elapsed: start.elapsed(),
        };
        steps.push(end);
        sink(&Event::Ended(end));
    }
    Ok(Run {
        outcome: overall(&steps),
        steps,
        findings,
    })
}

/// A run is what its gravest step is; where no account needed anything, it was not needed.
fn overall(steps: &[StepEnd]) -> Outcome {
    let any = |wanted: Outcome| steps.iter().any(|end| end.outcome == wanted);
    let settings = steps
        .iter()
        .filter(|end| matches!(end.step, Step::SystemBypass | Step::PluginBypass));
    if any(Outcome::Refused) {
        Outcome::Refused
    } else if any(Outcome::Failed) {
        Outcome::Failed
    } else if settings
        .map(|end| end.outcome)
        .all(|outcome| outcome == Outcome::NotNeeded)
    {
        Outcome::NotNeeded
    } else {
        Outcome::Done
    }
}
