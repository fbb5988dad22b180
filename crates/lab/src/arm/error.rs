//! Azure's errors in Azure's envelope.

use hyper::StatusCode;
use serde_json::{Value, json};

/// An error as Azure answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: String,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
        }
    }

    pub(super) fn bad(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn conflict(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// As Resource Manager says it, not the provider.
    pub(super) fn no_resource(kind: &str, name: &str, group: &str) -> Self {
        let message = format!(
            "The Resource '{kind}/{name}' under resource group '{group}' was not found. \
             For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        );
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    pub(super) fn no_group(group: &str) -> Self {
        let message = format!("Resource group '{group}' could not be found.");
        Self::new(StatusCode::NOT_FOUND, "ResourceGroupNotFound", message)
    }

    pub(super) fn no_subscription(subscription: &str) -> Self {
        let message = format!("The subscription '{subscription}' could not be found.");
        Self::new(StatusCode::NOT_FOUND, "SubscriptionNotFound", message)
    }

    pub(super) fn no_child(what: &str, name: &str) -> Self {
        let message = format!("The requested {what} '{name}' does not exist.");
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    pub(super) fn no_such_call(path: &str) -> Self {
        let message = format!("No HTTP resource was found that matches the request URI '{path}'.");
        Self::new(StatusCode::NOT_FOUND, "InvalidResourceType", message)
    }

    pub(super) fn not_allowed(method: &str) -> Self {
        let message = format!("The requested resource does not support http method '{method}'.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    pub(super) fn no_api_version() -> Self {
        let message =
            "The api-version query parameter (?api-version=) is required for all requests.";
        Self::bad("MissingApiVersionParameter", message)
    }

    /// As Resource Manager says that a role is missing ("Troubleshoot Azure RBAC",
    /// MicrosoftDocs/azure-docs).
    pub(super) fn forbidden(client: &str, action: &str, scope: &str) -> Self {
        let message = format!(
            "The client '{client}' with object id '{client}' does not have authorization to perform \
             action '{action}' over scope '{scope}' or the scope is invalid. If access was recently \
             granted, please refresh your credentials."
        );
        Self::new(StatusCode::FORBIDDEN, "AuthorizationFailed", message)
    }

    /// As Azure Backup says that a request makes no sense to it.
    pub(super) fn input(detail: &str) -> Self {
        let message = format!("Input provided for the call is invalid: {detail}");
        Self::bad("BMSUserErrorInvalidInput", message)
    }

    /// The network's answer while something is being made.
    pub(super) fn busy(id: &str) -> Self {
        let message = format!(
            "Another operation on this or dependent resource {id} is in progress. \
             Please retry later."
        );
        let code = "RetryableErrorDueToAnotherOperation";
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, message)
    }

    pub(super) fn body(&self) -> Value {
        json!({ "error": self.inner() })
    }

    /// Without the envelope, as operations carry it.
    pub(super) fn inner(&self) -> Value {
        json!({ "code": self.code, "message": self.message })
    }
}
