//! What the vault did and does.

use jiff::Timestamp;
use sidestep_azure::{Azure, AzureError, Job, JobFilter, JobState};
use sidestep_model::restart::Work;
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

/// What the vault does with the site's machines, of what began since then; `None`
/// where the first of them, which is this one, is not registered.
pub async fn at_work(
    site: &Site,
    azure: &Azure,
    since: Timestamp,
) -> Result<Option<Vec<Work>>, AzureError> {
    let ids = Ids::of(site);
    let containers = azure.containers(&ids.vault).await?;
    let this = ids.vms.first().map(|(_, id)| id);
    if !containers.iter().any(|one| Some(&one.vm) == this) {
        return Ok(None);
    }
    let jobs = jobs(site, azure, since).await?;
    let work = jobs
        .into_iter()
        .filter(|job| job.state() == JobState::Running && concerns(site, &job.entity))
        .map(|job| Work {
            operation: job.operation,
            of: job.entity,
        });
    Ok(Some(work.collect()))
}

/// Azure writes the machine behind the database, as `orders [sqlvm1]`; what is
/// written otherwise can be anybody's.
fn concerns(site: &Site, entity: &str) -> bool {
    let named = entity
        .strip_suffix(']')
        .and_then(|entity| entity.rsplit_once('['));
    named.is_none_or(|(_, machine)| {
        let mut vms = site.vms.iter();
        vms.any(|vm| vm.name.eq_ignore_ascii_case(machine))
    })
}
