//! What an answer of ARM says.

use reqwest::StatusCode;
use serde::de::DeserializeOwned;

use crate::error::{self, AzureError, Refusal};
use crate::wire::Reply;

/// The answer, unless Azure said no.
pub(crate) fn accepted(doing: &'static str, reply: Reply) -> Result<Reply, AzureError> {
    if reply.status.is_success() {
        Ok(reply)
    } else {
        Err(refused(doing, &reply))
    }
}

/// The answer, `None` where there is no such thing. That there is no such
/// *subscription* is another matter: nothing can be made there.
pub(crate) fn found(doing: &'static str, reply: Reply) -> Result<Option<Reply>, AzureError> {
    if reply.status == StatusCode::NOT_FOUND {
        let (code, _) = error::parse(&reply.body);
        if !code.to_ascii_lowercase().contains("subscription") {
            return Ok(None);
        }
    }
    accepted(doing, reply).map(Some)
}

pub(crate) fn refused(doing: &'static str, reply: &Reply) -> AzureError {
    let (code, message) = error::parse(&reply.body);
    let request_id = reply
        .headers
        .get("x-ms-request-id")
        .and_then(|id| id.to_str().ok());
    AzureError::Refused(Box::new(Refusal {
        doing,
        status: reply.status.as_u16(),
        missing_permission: error::missing_permission(&code, &message),
        code,
        message,
        request_id: request_id.map(str::to_owned),
    }))
}

/// The body as a value.
pub(crate) fn read<T: DeserializeOwned>(
    doing: &'static str,
    reply: &Reply,
) -> Result<T, AzureError> {
    serde_json::from_slice(&reply.body).map_err(|error| AzureError::Unreadable {
        doing,
        detail: error.to_string(),
    })
}
