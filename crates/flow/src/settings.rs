//! One account's bypass list: look, want, plan, apply.

use sidestep_machine::{Store, apply};
use sidestep_model::account::Account;
use sidestep_model::catalogue::Catalogue;
use sidestep_model::desired::Desired;
use sidestep_model::event::{Event, Outcome};
use sidestep_model::finding::{Effect, Finding};
use sidestep_model::plan::{Idle, Plan};
use sidestep_model::site::Site;

use crate::run::RunError;

pub(crate) fn step(
    account: Account,
    catalogue: &'static Catalogue,
    site: &Site,
    store: &mut impl Store,
    found: &mut impl FnMut(Event),
) -> Result<Outcome, RunError> {
    let observed = store.read()?;
    let desired = Desired::of(account, catalogue, site, &observed);
    let plan = Plan::diff(&observed, desired);
    for finding in &plan.findings {
        found(Event::Found(finding.clone()));
    }
    match Effect::of(&plan.findings) {
        Effect::RefuseData | Effect::RefuseEnvironment => return Ok(Outcome::Refused),
        Effect::Fail => return Ok(Outcome::Failed),
        Effect::GoOn => {}
    }
    let pending = plan
        .findings
        .iter()
        .any(|finding| matches!(finding, Finding::AccountMissing { .. }));
    let idle = plan.idle;
    found(Event::Planned(plan.clone()));
    apply(&plan, store)?;
    Ok(match idle {
        _ if pending => Outcome::Pending,
        Some(Idle::NoProxy) => Outcome::NotNeeded,
        _ => Outcome::Done,
    })
}
