//! Long operations, followed to their end.
//!
//! Azure Backup's answers need more than the usual two rules: its register
//! answers with an async header of another api-version (2019-05-13-preview), its
//! locations are signed with parameters of thousands of characters, and an
//! operation that succeeded is not a job that finished. Observed in Microsoft's
//! recordings of `az backup`.

use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::answer::{accepted, read, refused};
use crate::arm_id::ArmId;
use crate::client::{Azure, Call};
use crate::error::{AzureError, Inner};
use crate::request::BACKUP;
use crate::retry;
use crate::wire::Reply;

const STATUS_HEADER: &str = "azure-asyncoperation";

/// The document of an operation's status.
#[derive(Default, Deserialize)]
pub(crate) struct Operation {
    #[serde(default)]
    pub(crate) status: Option<String>,
    #[serde(default)]
    error: Option<Inner>,
    #[serde(default)]
    properties: Option<Value>,
}

impl Operation {
    /// The job that the operation started.
    pub(crate) fn job_id(&self) -> Option<&str> {
        self.properties.as_ref()?.get("jobId")?.as_str()
    }
}

enum State {
    Running,
    Done,
    Failed,
}

/// Unknown words mean that it goes on: the list is open in Azure's documents.
fn state(status: &str) -> State {
    match status.to_ascii_lowercase().as_str() {
        "succeeded" => State::Done,
        "failed" | "canceled" | "cancelled" => State::Failed,
        _ => State::Running,
    }
}

impl Azure {
    /// Follows `Azure-AsyncOperation`, or `Location` where only that is there,
    /// until the operation is done.
    pub(crate) async fn follow_status(
        &self,
        doing: &'static str,
        reply: Reply,
    ) -> Result<Operation, AzureError> {
        if let Some(text) = header(&reply.headers, STATUS_HEADER) {
            let url = self.own(doing, text)?;
            return self.poll_status(doing, url, &reply.headers).await;
        }
        self.follow_location(doing, reply, None).await?;
        Ok(Operation::default())
    }

    /// Follows `Location`, or `Azure-AsyncOperation` where only that is there,
    /// until the operation is done. The last answer holds what was made.
    pub(crate) async fn follow_location(
        &self,
        doing: &'static str,
        reply: Reply,
        container: Option<&ArmId>,
    ) -> Result<Reply, AzureError> {
        if reply.status != StatusCode::ACCEPTED && reply.status != StatusCode::CREATED {
            return Ok(reply);
        }
        let Some(text) = header(&reply.headers, LOCATION.as_str()) else {
            if let Some(text) = header(&reply.headers, STATUS_HEADER) {
                let url = self.own(doing, text)?;
                self.poll_status(doing, url, &reply.headers).await?;
            }
            return Ok(reply);
        };
        let mut url = self.result_url(doing, text, container)?;
        let mut headers = reply.headers.clone();
        let deadline = Instant::now() + self.pace().operation;
        loop {
            self.wait(doing, &headers, deadline).await?;
            let reply = self
                .send(&Call::new(doing, Method::GET, url.clone()))
                .await?;
            if reply.status != StatusCode::ACCEPTED {
                return accepted(doing, reply);
            }
            if let Some(text) = header(&reply.headers, LOCATION.as_str()) {
                url = self.result_url(doing, text, container)?;
            }
            headers = reply.headers;
        }
    }

    async fn poll_status(
        &self,
        doing: &'static str,
        url: Url,
        first: &HeaderMap,
    ) -> Result<Operation, AzureError> {
        let mut headers = first.clone();
        let mut url = url;
        let deadline = Instant::now() + self.pace().operation;
        loop {
            self.wait(doing, &headers, deadline).await?;
            let reply = self
                .send(&Call::new(doing, Method::GET, url.clone()))
                .await?;
            if !reply.status.is_success() {
                return Err(refused(doing, &reply));
            }
            let operation = if reply.body.is_empty() {
                Operation::default()
            } else {
                read(doing, &reply)?
            };
            let state = match &operation.status {
                Some(status) => state(status),
                // Without a status, the HTTP status is all there is.
                None if reply.status == StatusCode::ACCEPTED => State::Running,
                None => State::Done,
            };
            match state {
                State::Done => return Ok(operation),
                State::Failed => return Err(failed(doing, operation)),
                State::Running => {}
            }
            if let Some(text) = header(&reply.headers, STATUS_HEADER) {
                url = self.own(doing, text)?;
            }
            headers = reply.headers;
        }
    }

    /// The address of an operation's result. Azure Backup once forgot its
    /// api-version (swallowed by another parameter); then it is put together.
    fn result_url(
        &self,
        doing: &'static str,
        text: &str,
        container: Option<&ArmId>,
    ) -> Result<Url, AzureError> {
        let url = self.own(doing, text)?;
        let has_version = url
            .query_pairs()
            .any(|(name, _)| name.eq_ignore_ascii_case("api-version"));
        let id = url.path_segments().and_then(|mut path| path.next_back());
        match (has_version, container, id) {
            (false, Some(container), Some(id)) => {
                Ok(self.url_of(&container.child("operationResults", id), BACKUP))
            }
            _ => Ok(url),
        }
    }

    async fn wait(
        &self,
        doing: &'static str,
        headers: &HeaderMap,
        deadline: Instant,
    ) -> Result<(), AzureError> {
        let pace = self.pace();
        let pause = retry::retry_after(headers)
            .unwrap_or(pace.poll)
            .max(pace.floor);
        self.pause(doing, pause, deadline, pace.operation).await
    }

    /// Sleeps, unless that would go beyond `deadline`.
    pub(crate) async fn pause(
        &self,
        doing: &'static str,
        pause: Duration,
        deadline: Instant,
        after: Duration,
    ) -> Result<(), AzureError> {
        if Instant::now() + pause >= deadline {
            return Err(AzureError::TimedOut { doing, after });
        }
        tokio::time::sleep(pause).await;
        Ok(())
    }
}

/// Whether an answer tells of an operation that goes on.
pub(crate) fn is_begun_by(reply: &Reply) -> bool {
    [STATUS_HEADER, LOCATION.as_str()]
        .into_iter()
        .any(|name| header(&reply.headers, name).is_some())
}

fn failed(doing: &'static str, operation: Operation) -> AzureError {
    let status = operation.status.unwrap_or_default();
    let (code, message) = operation.error.unwrap_or_default().into_parts();
    AzureError::OperationFailed {
        doing,
        code: if code.is_empty() { status } else { code },
        message,
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|text| !text.is_empty())
}
