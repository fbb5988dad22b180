//! What carries a step's changes out, or only says what they would be.

use std::future::Future;

use sidestep_azure::{ArmId, AzureError};
use sidestep_model::event::{Event, Resource, ResourceKind, ResourceState};
use sidestep_model::finding::Finding;

/// The one place that knows whether a run only looks.
pub(crate) struct Hand<'a> {
    only_looks: bool,
    has_planned: bool,
    sink: &'a mut dyn FnMut(Event),
}

impl<'a> Hand<'a> {
    pub(crate) fn new(only_looks: bool, sink: &'a mut dyn FnMut(Event)) -> Self {
        Self {
            only_looks,
            has_planned: false,
            sink,
        }
    }

    pub(crate) fn only_looks(&self) -> bool {
        self.only_looks
    }

    /// Whether something would be made or changed.
    pub(crate) fn has_planned(&self) -> bool {
        self.has_planned
    }

    pub(crate) fn say(&mut self, event: Event) {
        self.has_planned |= match &event {
            Event::Planned(plan) => self.only_looks && !plan.is_empty(),
            Event::Resource(resource) => resource.state == ResourceState::Planned,
            _ => false,
        };
        (self.sink)(event);
    }

    pub(crate) fn found(&mut self, finding: impl Into<Finding>) {
        self.say(Event::Found(finding.into()));
    }

    /// Says that something is there, as it is wanted.
    pub(crate) fn is_there(&mut self, kind: ResourceKind, name: &str, id: Option<&ArmId>) {
        self.resource(kind, name, id, ResourceState::Found);
    }

    /// Says that something would be made.
    pub(crate) fn would_make(&mut self, kind: ResourceKind, name: &str, id: Option<&ArmId>) {
        self.resource(kind, name, id, ResourceState::Planned);
    }

    /// Makes something and says so; where the run only looks, says that it would.
    pub(crate) async fn make<T>(
        &mut self,
        kind: ResourceKind,
        name: &str,
        id: Option<&ArmId>,
        creation: impl Future<Output = Result<T, AzureError>>,
    ) -> Result<Option<T>, AzureError> {
        if self.only_looks {
            self.would_make(kind, name, id);
            return Ok(None);
        }
        let made = creation.await?;
        self.resource(kind, name, id, ResourceState::Made);
        Ok(Some(made))
    }

    fn resource(
        &mut self,
        kind: ResourceKind,
        name: &str,
        id: Option<&ArmId>,
        state: ResourceState,
    ) {
        self.say(Event::Resource(Resource {
            kind,
            name: name.to_owned(),
            id: id.map(ToString::to_string),
            state,
        }));
    }
}
