//! What a run told, kept for its report.

use sidestep_model::check::Check;
use sidestep_model::dns::EndpointRecord;
use sidestep_model::event::{BackedUp, Event, Resource};
use sidestep_model::evidence::Evidence;
use sidestep_model::plan::Plan;

/// What a run told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What was changed in the settings, account by account.
    pub(crate) plans: Vec<Plan>,
    /// What was found and made in Azure.
    pub(crate) resources: Vec<Resource>,
    /// The endpoint's records and the zones that they belong to, as listed last.
    pub(crate) records: Vec<EndpointRecord>,
    pub(crate) zones: Vec<String>,
    /// The last check.
    pub(crate) check: Option<Check>,
    /// What was backed up.
    pub(crate) backed_up: Option<BackedUp>,
    /// Where the backup's connections went.
    pub(crate) evidence: Option<Evidence>,
}

impl Told {
    pub(crate) fn hear(&mut self, event: &Event) {
        match event {
            Event::Planned(plan) if !plan.is_empty() => self.plans.push(Plan::clone(plan)),
            // What one run made, the next one finds.
            Event::Resource(resource) => {
                let is_same =
                    |one: &Resource| (one.kind, &one.name) == (resource.kind, &resource.name);
                if !self.resources.iter().any(is_same) {
                    self.resources.push(resource.clone());
                }
            }
            Event::Records { records, zones } => {
                self.records.clone_from(records);
                self.zones.clone_from(zones);
            }
            Event::Checked(check) => self.check = Some(Check::clone(check)),
            Event::BackedUp(done) => self.backed_up = Some(done.clone()),
            Event::Witnessed(evidence) => self.evidence = Some(evidence.clone()),
            Event::Planned(_)
            | Event::Started(_)
            | Event::Job(_)
            | Event::Found(_)
            | Event::Ended(_) => {}
        }
    }
}
