//! One account's bypass list: look, want, plan, apply.

use sidestep_machine::{
    Checkpoint, Journal, OpenRun, Store, TransactionError, apply, recover_last,
};
use sidestep_model::account::Account;
use sidestep_model::catalogue::Catalogue;
use sidestep_model::desired::{Clear, Desired};
use sidestep_model::event::{Event, Outcome};
use sidestep_model::finding::{Effect, Finding, Interruption};
use sidestep_model::journal::Command;
use sidestep_model::plan::{Idle, Plan};
use sidestep_model::site::Site;

use crate::run::RunError;

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
        state: if recovered.is_complete {
            Interruption::Finished
        } else {
            Interruption::PutBack
        },
    };
    let kept = recovered.kept.iter().map(|kept| Finding::EditedSince {
        account: kept.account,
        value: kept.value,
    });
    Ok([interrupted].into_iter().chain(kept).collect())
}

/// The steps of a run that change settings: one journal, begun when it is needed.
pub(crate) struct Settings<'a> {
    pub(crate) catalogue: &'static Catalogue,
    pub(crate) site: &'a Site,
    pub(crate) journal: &'a Journal,
    open: Option<OpenRun<'a>>,
}

impl<'a> Settings<'a> {
    pub(crate) fn new(catalogue: &'static Catalogue, site: &'a Site, journal: &'a Journal) -> Self {
        Self {
            catalogue,
            site,
            journal,
            open: None,
        }
    }

    pub(crate) fn step(
        &mut self,
        account: Account,
        store: &mut impl Store,
        found: &mut impl FnMut(Event),
    ) -> Result<Outcome, RunError> {
        let observed = store.read()?;
        let desired = Desired::of(
            account,
            self.catalogue,
            self.site,
            &observed,
            Clear::default(),
        );
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
        found(Event::Planned(Box::new(plan.clone())));
        if !plan.is_empty() {
            let run = match &mut self.open {
                Some(run) => run,
                None => self
                    .open
                    .insert(self.journal.begin(Command::Run, &store.place())?),
            };
            apply(&[plan], store, run, &mut |_| {})?;
        }
        Ok(match idle {
            _ if pending => Outcome::Pending,
            Some(Idle::NoProxy) => Outcome::NotNeeded,
            _ => Outcome::Done,
        })
    }
}
