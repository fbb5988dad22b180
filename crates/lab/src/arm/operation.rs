//! Long-running operations: how they progress, and how each provider shows them.

use hyper::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::error::Problem;
use super::identity::{NEVER, base64, guid, signature, timestamp};
use super::state::State;

/// How long what is over may still show as running.
pub(super) const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

/// Something that takes longer than a request.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    /// How often it still shows as running, however quick it was.
    pub(super) looks: u32,
    pub(super) end: End,
    pub(super) job: Option<String>,
    pub(super) started: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The machine is at it.
    Running,
    Succeeded,
    Failed(Problem),
}

impl State {
    /// Begins an operation that shows as running for `looks` looks at least.
    pub(super) fn begin(&mut self, looks: u32, end: End) -> String {
        let id = guid(&format!("operation {}", self.next()));
        self.enter(id, looks, end)
    }

    /// Likewise, with an id as the vaults' provider gives it.
    pub(super) fn begin_vault(&mut self, looks: u32) -> String {
        let number = self.next();
        let inner = format!("2047;{}", guid(&format!("operation {number}")));
        self.enter(base64(inner.as_bytes()), looks, End::Succeeded)
    }

    fn enter(&mut self, id: String, looks: u32, end: End) -> String {
        let operation = Operation {
            id: id.clone(),
            looks,
            end,
            job: None,
            started: Timestamp::now(),
        };
        self.operations.insert(id.clone(), operation);
        id
    }

    /// Looks at an operation, which brings it on.
    pub(super) fn look(&mut self, id: &str) -> Option<Operation> {
        let operation = self.operations.get_mut(id)?;
        let mut seen = operation.clone();
        if operation.still_shows() {
            operation.looks -= 1;
            seen.end = End::Running;
        }
        Some(seen)
    }

    /// Looks at what made something, which brings it on.
    pub(super) fn look_at(&mut self, made_by: Option<&String>) {
        if let Some(id) = made_by {
            self.look(id);
        }
    }

    /// Whether what `made_by` makes is made; what was there from the start is.
    pub(super) fn is_made(&self, made_by: Option<&String>) -> bool {
        let operation = made_by.and_then(|id| self.operations.get(id));
        operation
            .is_none_or(|operation| !operation.still_shows() && operation.end == End::Succeeded)
    }

    /// Whether it runs, as far as anybody outside can tell.
    pub(super) fn is_running(&self, id: &str) -> bool {
        let operation = self.operations.get(id);
        operation.is_some_and(|operation| operation.end == End::Running || operation.still_shows())
    }

    pub(super) fn finish(&mut self, id: &str, end: End) {
        if let Some(operation) = self.operations.get_mut(id) {
            operation.end = end;
        }
    }

    pub(super) fn set_job(&mut self, id: &str, job: &str) {
        if let Some(operation) = self.operations.get_mut(id) {
            operation.job = Some(job.to_owned());
        }
    }
}

impl Operation {
    /// Whether it shows as running even if it is over. A client that looks rarely,
    /// as `az` does every thirty seconds, finds it done at once.
    fn still_shows(&self) -> bool {
        self.looks > 0 && Timestamp::now().duration_since(self.started) < PATIENCE
    }

    fn status(&self) -> &'static str {
        match self.end {
            End::Running => "InProgress",
            End::Succeeded => "Succeeded",
            End::Failed(_) => "Failed",
        }
    }

    /// As Azure Backup shows it, with times and the job.
    pub(super) fn backup_status(&self) -> Reply {
        let started = timestamp(self.started);
        let ended = match self.end {
            End::Running => NEVER,
            _ => &started,
        };
        let mut body = json!({
            "id": self.id,
            "name": self.id,
            "status": self.status(),
            "startTime": started,
            "endTime": ended,
        });
        match (&self.end, &self.job) {
            (End::Failed(problem), _) => body["error"] = problem.inner(),
            (End::Succeeded, Some(job)) => {
                body["properties"] = json!({
                    "objectType": "OperationStatusJobExtendedInfo",
                    "jobId": job,
                });
            }
            _ => {}
        }
        Reply::ok(body)
    }

    /// As the network's provider shows it.
    pub(super) fn network_status(&self) -> Reply {
        let mut body = json!({ "status": self.status() });
        if let End::Failed(problem) = &self.end {
            body["error"] = problem.inner();
        }
        Reply::ok(body).with("Retry-After", "0")
    }

    /// As the vaults' provider shows it; `path` is its own.
    pub(super) fn vault_status(&self, path: &str) -> Reply {
        let mut body = json!({ "id": path, "name": self.id, "status": self.status() });
        if let End::Failed(problem) = &self.end {
            body["error"] = problem.inner();
        }
        Reply::ok(body).with("Retry-After", "0")
    }

    /// What a `Location` answers: 202 while it runs, then `done` or the error.
    pub(super) fn result(&self, running: Reply, done: Reply) -> Result<Reply, Problem> {
        match &self.end {
            End::Running => Ok(running),
            End::Succeeded => Ok(done),
            End::Failed(problem) => Err(problem.clone()),
        }
    }
}

/// The headers of an operation: where its status and its result are.
pub(super) fn accepted(
    call: &Call,
    status: StatusCode,
    operation: Option<&str>,
    location: Option<&str>,
) -> Reply {
    let mut reply = Reply::empty(status);
    for (name, address) in [("Azure-AsyncOperation", operation), ("Location", location)] {
        if let Some(address) = address {
            let value = format!("{}{address}", call.origin);
            reply = reply.with(name, signed(&value));
        }
    }
    reply.with("Retry-After", "0")
}

/// An address with what Azure appends to it.
fn signed(address: &str) -> String {
    let id = address.split('?').next().unwrap_or_default();
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{}", signature(id, Timestamp::now()))
}

/// An address in ids' form, with an api-version.
pub(super) fn versioned(path: &str, version: &str) -> String {
    format!("{path}?api-version={version}")
}

/// The empty object that some of Azure Backup's 202 answers hold.
pub(super) fn braces(mut reply: Reply) -> Reply {
    reply.body = Some(Value::Object(serde_json::Map::new()));
    reply
}
