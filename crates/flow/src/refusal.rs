//! What Azure's errors mean to a run.

use sidestep_azure::AzureError;
use sidestep_model::finding::AzureFinding;

/// Azure's error as a finding, so that a run ends with a report and not without one.
#[must_use]
pub fn refusal(error: AzureError) -> AzureFinding {
    match error {
        AzureError::NoCredential { credential, detail } => AzureFinding::CredentialMissing {
            credential: credential.to_owned(),
            detail,
        },
        AzureError::SignInRejected {
            credential,
            code,
            detail,
        } => AzureFinding::SignInRejected {
            credential: credential.to_owned(),
            code,
            detail,
        },
        AzureError::SignInUnreachable {
            host,
            route,
            detail,
        } => AzureFinding::SignInUnreachable {
            host,
            route,
            detail,
        },
        AzureError::Unreachable {
            host,
            route,
            detail,
        } => AzureFinding::Unreachable {
            host,
            route,
            detail,
        },
        AzureError::Refused(refusal) => match refusal.missing_permission {
            Some(missing) => AzureFinding::PermissionMissing {
                doing: refusal.doing.to_owned(),
                action: missing.action,
                scope: missing.scope,
            },
            None => AzureFinding::Refused {
                doing: refusal.doing.to_owned(),
                status: refusal.status,
                code: refusal.code,
                message: refusal.message,
            },
        },
        AzureError::OperationFailed {
            doing,
            code,
            message,
        } => AzureFinding::OperationFailed {
            doing: doing.to_owned(),
            code,
            message,
        },
        AzureError::TimedOut { doing, after } => AzureFinding::TimedOut {
            doing: doing.to_owned(),
            after,
        },
        AzureError::Unreadable { doing, detail } => AzureFinding::Unreadable {
            doing: doing.to_owned(),
            detail,
        },
        AzureError::ForeignAddress { doing, host } => AzureFinding::Unreadable {
            doing: doing.to_owned(),
            detail: format!("it leads to {host}, which is not Azure Resource Manager"),
        },
    }
}
