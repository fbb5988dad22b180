//! What the vault did and does.

use jiff::Timestamp;
use sidestep_azure::{Azure, AzureError, Job, JobFilter};
use sidestep_model::site::Site;

use crate::ids::Ids;

/// The vault's jobs for databases since then, without their tasks.
pub async fn jobs(site: &Site, azure: &Azure, since: Timestamp) -> Result<Vec<Job>, AzureError> {
    let filter = JobFilter {
        operation: None,
        since,
    };
    azure.jobs(&Ids::of(site).vault, &filter).await
}

/// One job with its tasks.
pub async fn job(site: &Site, azure: &Azure, id: &str) -> Result<Job, AzureError> {
    azure.job(&Ids::of(site).vault, id).await
}
