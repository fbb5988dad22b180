//! One account's bypass list: look, want, plan, apply.

use sidestep_machine::{
    Checkpoint, Journal, RecoveryOutcome, Store, TransactionError, apply, recover_last,
};
use sidestep_model::account::Account;
use sidestep_model::catalogue::Catalogue;
use sidestep_model::desired::{Clear, Desired};
use sidestep_model::event::{Event, Outcome};
use sidestep_model::finding::{Effect, Finding, Interruption};
use sidestep_model::plan::{Idle, Plan};
use sidestep_model::site::Site;

use crate::hand::Hand;
use crate::run::{Log, StepError};
use crate::world::World;

/// Puts right a run that was interrupted, and says so. To be called before
/// anything is read in order to change it.
pub fn recover(
    store: &mut dyn Store,
    journal: &Journal,
    reached: &mut dyn FnMut(Checkpoint),
) -> Result<Vec<Finding>, TransactionError> {
    let Some(recovered) = recover_last(store, journal, reached)? else {
        return Ok(Vec::new());
    };
    let interrupted = Finding::RunInterrupted {
        run: recovered.run,
        state: match recovered.outcome {
            RecoveryOutcome::Finished => Interruption::Finished,
            RecoveryOutcome::NothingWritten => Interruption::NothingWritten,
            RecoveryOutcome::PutBack => Interruption::PutBack,
        },
    };
    let kept = recovered.kept.iter().map(|kept| Finding::EditedSince {
        account: kept.account,
        value: kept.value,
    });
    Ok([interrupted].into_iter().chain(kept).collect())
}

/// Looks, wants, plans and applies, for one account.
pub(crate) fn step<S: Store, W, P>(
    account: Account,
    site: &Site,
    world: &mut World<'_, S, W, P>,
    log: &mut Log<'_>,
    hand: &mut Hand<'_>,
) -> Result<Outcome, StepError> {
    let store = world.settings()?;
    let observed = store.read()?;
    let catalogue = Catalogue::of(site.azure.cloud);
    let desired = Desired::of(account, catalogue, site, &observed, Clear::default());
    let plan = Plan::diff(&observed, desired);
    if Effect::of(&plan.findings) != Effect::GoOn {
        return Err(StepError::Ended(plan.findings));
    }
    for finding in &plan.findings {
        hand.found(finding.clone());
    }
    let is_pending = plan
        .findings
        .iter()
        .any(|finding| matches!(finding, Finding::AccountMissing { .. }));
    let idle = plan.idle;
    hand.say(Event::Planned(Box::new(plan.clone())));
    if !plan.is_empty() && !hand.only_looks() {
        let run = log.open(&store.place())?;
        apply(&[plan], store, run, &mut |_| {})?;
    }
    Ok(match idle {
        _ if is_pending => Outcome::Pending,
        Some(Idle::NoProxy) => Outcome::NotNeeded,
        _ => Outcome::Done,
    })
}
