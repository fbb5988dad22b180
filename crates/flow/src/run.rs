//! The engine: one step after the other.

use std::time::Instant;

use sidestep_azure::{Azure, AzureError};
use sidestep_machine::{
    ApplyError, Journal, JournalError, OpenRun, Store, StoreError, TransactionError,
};
use sidestep_model::account::Account;
use sidestep_model::event::{Event, Outcome, Step, StepEnd};
use sidestep_model::finding::{Effect, Finding};
use sidestep_model::journal::Command;
use sidestep_model::site::Site;

use crate::endpoint::vault_missing;
use crate::hand::Hand;
use crate::ids::Ids;
use crate::refusal::refusal;
use crate::settings::{self, recover};
use crate::world::{Person, Witness, World};
use crate::{backup, check, endpoint, protect, register};

/// Which steps, and whether they are only looked at.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The first step.
    pub from: Step,
    /// The last step.
    pub until: Step,
    /// Says what would be done and does nothing.
    pub only_looks: bool,
    /// Backs up also where an earlier run did already.
    pub backs_up_again: bool,
}

impl Default for Extent {
    fn default() -> Self {
        Self {
            from: Step::Endpoint,
            until: Step::Backup,
            only_looks: false,
            backs_up_again: false,
        }
    }
}

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
    /// A step is about the machine's settings, and they are not at hand.
    #[error("the machine's settings are not at hand")]
    NoSettings,
    /// An earlier run was interrupted and cannot be put right.
    #[error("an earlier run was interrupted and cannot be put right")]
    Recovery(#[source] TransactionError),
}

/// Why a step does not go on.
#[derive(Debug)]
pub(crate) enum StepError {
    /// For a reason that the findings name.
    Ended(Vec<Finding>),
    /// Azure did not do what it was asked for.
    Azure(AzureError),
    /// The whole run breaks off.
    Broken(RunError),
}

impl StepError {
    pub(crate) fn found(finding: impl Into<Finding>) -> Self {
        Self::Ended(vec![finding.into()])
    }
}

impl From<AzureError> for StepError {
    fn from(error: AzureError) -> Self {
        Self::Azure(error)
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<RunError> for StepError {
    fn from(error: RunError) -> Self {
        Self::Broken(error)
    }
}

impl From<ApplyError> for StepError {
    fn from(error: ApplyError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<JournalError> for StepError {
    fn from(error: JournalError) -> Self {
        Self::Broken(error.into())
    }
}

/// A run's journal, begun when there is something to write down.
pub(crate) struct Log<'a> {
    journal: &'a Journal,
    open: Option<OpenRun<'a>>,
}

impl<'a> Log<'a> {
    /// The journal of a run that changes things at `place`.
    pub(crate) fn open(&mut self, place: &str) -> Result<&mut OpenRun<'a>, JournalError> {
        let run = match self.open.take() {
            Some(run) => run,
            None => self.journal.begin(Command::Run, place)?,
        };
        Ok(self.open.insert(run))
    }
}

/// Carries `site` through the steps and tells `sink` what happens as it does.
///
/// A step that fails or is refused ends the run; the steps after it are not
/// reached.
pub async fn run<S: Store, W: Witness, P: Person>(
    mut world: World<'_, S, W, P>,
    site: &Site,
    extent: Extent,
    mut sink: impl FnMut(&Event),
) -> Result<Run, RunError> {
    let mut log = Log {
        journal: world.journal,
        open: None,
    };
    let mut ended = false;
    let mut steps = Vec::new();
    let mut findings = Vec::new();
    if let Some(store) = world.store.as_deref_mut().filter(|_| !extent.only_looks) {
        findings = recover(store, world.journal, &mut |_| {}).map_err(RunError::Recovery)?;
    }
    for finding in &findings {
        sink(&Event::Found(finding.clone()));
    }
    for step in Step::ALL {
        let start = Instant::now();
        let mut outcome = Outcome::NotReached;
        if !ended && (extent.from..=extent.until).contains(&step) {
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
            let mut hand = Hand::new(extent.only_looks, &mut found);
            outcome = carry_out(step, site, &mut world, &mut log, extent, &mut hand).await?;
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

/// One step. What ends it with a reason becomes findings, Azure's errors among them.
async fn carry_out<S: Store, W: Witness, P: Person>(
    step: Step,
    site: &Site,
    world: &mut World<'_, S, W, P>,
    log: &mut Log<'_>,
    extent: Extent,
    hand: &mut Hand<'_>,
) -> Result<Outcome, RunError> {
    let result = match step {
        Step::Endpoint => endpoint::step(site, world, hand).await,
        Step::SystemBypass => settings::step(Account::System, site, world, log, hand),
        Step::Register => register::step(site, world, extent, hand).await,
        Step::PluginBypass => settings::step(Account::Plugin, site, world, log, hand),
        Step::Protect => protect::step(site, world, hand).await,
        // What it would try is not there yet.
        Step::Check if extent.only_looks => Ok(Outcome::Planned),
        Step::Check => check::step(site, world, hand).await,
        Step::Backup => backup::step(site, world, log, extent.backs_up_again, hand).await,
    };
    let findings = match result {
        Ok(Outcome::Done) if hand.has_planned() => return Ok(Outcome::Planned),
        Ok(outcome) => return Ok(outcome),
        Err(StepError::Ended(findings)) => findings,
        Err(StepError::Azure(error)) if !is_there(site, world.azure, &error).await => {
            if extent.only_looks && extent.from == Step::Endpoint {
                return Ok(Outcome::Pending);
            }
            vec![vault_missing(site).into()]
        }
        Err(StepError::Azure(error)) => vec![refusal(error).into()],
        Err(StepError::Broken(error)) => return Err(error),
    };
    let effect = Effect::of(&findings);
    for finding in findings {
        hand.found(finding);
    }
    Ok(match effect {
        Effect::RefuseData | Effect::RefuseEnvironment => Outcome::Refused,
        Effect::GoOn | Effect::Fail | Effect::AzureRefuses => Outcome::Failed,
    })
}

/// Whether the vault is there, asked where Azure did not find something.
async fn is_there(site: &Site, azure: &Azure, error: &AzureError) -> bool {
    match error {
        AzureError::Refused(refusal) if refusal.status == 404 => {
            !matches!(azure.vault(&Ids::of(site).vault).await, Ok(None))
        }
        _ => true,
    }
}

/// A run is what its gravest step is; where no account needed anything, it was not needed.
fn overall(steps: &[StepEnd]) -> Outcome {
    let any = |wanted: Outcome| steps.iter().any(|end| end.outcome == wanted);
    let settings: Vec<Outcome> = steps
        .iter()
        .filter(|end| matches!(end.step, Step::SystemBypass | Step::PluginBypass))
        .map(|end| end.outcome)
        .collect();
    if any(Outcome::Refused) {
        Outcome::Refused
    } else if any(Outcome::Failed) {
        Outcome::Failed
    } else if settings.iter().all(|one| *one == Outcome::NotNeeded) {
        Outcome::NotNeeded
    } else {
        Outcome::Done
    }
}
