//! Whether an answer was understood.

use serde_json::Value;
use sidestep_azure::{ArmId, AzureError};

use super::command::Kind;
use super::recording::Interaction;

/// What our client made of the answers.
pub(super) enum Outcome {
    /// Resources, or that there is none.
    Entities(Vec<Entity>),
    /// A job's id.
    Job(String),
    /// An error.
    Error(AzureError),
    /// The path was none of a resource.
    NoId(String),
}

/// A resource as values.
pub(super) struct Entity {
    /// Its id; empty where only facts are compared.
    pub(super) id: String,
    /// Where a value stands in the recorded document, and ours.
    pub(super) facts: Vec<(&'static str, String)>,
}

pub(super) fn entity<const N: usize>(id: &ArmId, facts: [(&'static str, String); N]) -> Entity {
    Entity {
        id: id.to_string(),
        facts: facts.into(),
    }
}

pub(super) fn outcome<T>(
    result: Result<impl IntoIterator<Item = T>, AzureError>,
    entity: impl Fn(T) -> Entity,
) -> Outcome {
    match result {
        Ok(found) => Outcome::Entities(found.into_iter().map(entity).collect()),
        Err(error) => Outcome::Error(error),
    }
}

/// Compares what came out with what was recorded.
pub(super) fn judge(
    kind: Kind,
    outcome: &Outcome,
    interaction: &Interaction,
    all: &[Interaction],
    polls: &[usize],
) -> Result<(), String> {
    let last = polls.last().map_or(interaction, |poll| &all[*poll]);
    let document = last.document();
    match (outcome, recorded_error(interaction, last, &document)) {
        (Outcome::NoId(path), _) => Err(format!("`{path}` is no resource")),
        // What was made is read at the end; az did not always.
        (Outcome::Error(error), None) if error.code() == Some("NotRecorded") => Ok(()),
        (Outcome::Error(error), None) => Err(format!("not understood: {error}")),
        (Outcome::Error(error), Some(code)) => expect("the error", error.code(), &code),
        (Outcome::Entities(found), Some(_)) if found.is_empty() && interaction.status == 404 => {
            Ok(())
        }
        (_, Some(code)) => Err(format!("the recorded error {code} did not come out")),
        (Outcome::Job(job), None) => {
            let recorded = document.pointer("/properties/jobId");
            expect("the job", recorded.and_then(Value::as_str), job)
        }
        (Outcome::Entities(found), None) => entities(kind, found, interaction, &document),
    }
}

/// The code of the error that was recorded; empty where it has none.
fn recorded_error(
    interaction: &Interaction,
    last: &Interaction,
    document: &Value,
) -> Option<String> {
    let status = document["status"].as_str().unwrap_or_default();
    let is_failed = last.status >= 400
        || (interaction.method != "GET" && matches!(status, "Failed" | "Canceled" | "Cancelled"));
    let code = document["error"]["code"].as_str();
    is_failed.then(|| code.unwrap_or(status).to_owned())
}

fn entities(
    kind: Kind,
    found: &[Entity],
    interaction: &Interaction,
    document: &Value,
) -> Result<(), String> {
    let recorded: Vec<&Value> = match kind {
        // Nothing comes out but that it is done.
        Kind::Refresh
        | Kind::Inquire
        | Kind::Protect
        | Kind::ForeignStatus
        | Kind::ForeignLocation => return Ok(()),
        // The resource is read at the end; it must be the one that was written.
        Kind::CreateVault | Kind::PatchVault => {
            let path = format!("/{}", interaction.segments().join("/"));
            let id = found.first().map(|entity| entity.id.as_str());
            return expect("the vault", id, &path);
        }
        _ => match document["value"].as_array() {
            Some(values) => values
                .iter()
                .filter(|value| is_machines(kind, value))
                .collect(),
            None => vec![document],
        },
    };
    // Further pages follow the recorded one.
    let has_more = document["nextLink"]
        .as_str()
        .is_some_and(|link| !link.is_empty());
    if found.len() < recorded.len() || (found.len() > recorded.len() && !has_more) {
        return Err(format!(
            "{} of {} recorded came out",
            found.len(),
            recorded.len()
        ));
    }
    for (entity, recorded) in found.iter().zip(recorded) {
        if !entity.id.is_empty() {
            expect("the id", recorded["id"].as_str(), &entity.id)?;
        }
        for (pointer, ours) in &entity.facts {
            let text = match recorded.pointer(pointer) {
                // Ours is a default then.
                None | Some(Value::Null) => continue,
                Some(Value::Bool(flag)) => flag.to_string(),
                Some(value) => value.as_str().unwrap_or_default().to_owned(),
            };
            expect(pointer, Some(&text), ours)?;
        }
    }
    Ok(())
}

/// Containers that are no machines are left out of our lists.
fn is_machines(kind: Kind, value: &Value) -> bool {
    let pointer = match kind {
        Kind::Containers => "/properties/sourceResourceId",
        Kind::ProtectableContainers => "/properties/containerId",
        _ => return true,
    };
    let id = value.pointer(pointer).and_then(Value::as_str);
    id.is_some_and(|id| ArmId::parse(id).is_some())
}

fn expect(what: &str, recorded: Option<&str>, ours: &str) -> Result<(), String> {
    let recorded = recorded.unwrap_or_default();
    if recorded.eq_ignore_ascii_case(ours) {
        Ok(())
    } else {
        Err(format!("{what}: recorded `{recorded}`, ours `{ours}`"))
    }
}
