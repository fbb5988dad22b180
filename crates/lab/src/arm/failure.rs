//! What the machine met, in Azure's words.

use hyper::StatusCode;

use super::error::Problem;
use crate::guest::BackupFailure;

/// A failure as Azure tells it: its code, and nothing of what the machine met
/// ("Troubleshoot SQL Server database backup", MicrosoftDocs/azure-docs).
pub(super) fn told(failure: &BackupFailure) -> Problem {
    let message = match failure.code.as_str() {
        "UserErrorVMInternetConnectivityIssue" => {
            "The VM is not able to contact Azure Backup service due to internet connectivity issues."
        }
        "UserErrorSQLPODoesNotExist" => "The database does not exist on the SQL instance.",
        "UserErrorWorkloadExtensionNotInstalled" => {
            "Workload backup extension is not installed. Re-register the server."
        }
        _ => "The operation failed.",
    };
    Problem::new(StatusCode::BAD_REQUEST, failure.code.as_str(), message)
}
