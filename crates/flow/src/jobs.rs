//! What the vault did and does.

use jiff::Timestamp;
use sidestep_azure::{Azure, AzureError, Container, Job, JobFilter, JobState};
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

/// What the vault is at, of what began since then, but for what it does with
/// machines that are certainly others than the site's.
pub async fn at_work(
    site: &Site,
    azure: &Azure,
    since: Timestamp,
) -> Result<Vec<Work>, AzureError> {
    let ids = Ids::of(site);
    let containers = azure.containers(&ids.vault).await?;
    let is_ours = |container: &&Container| ids.vms.iter().any(|(_, id)| *id == container.vm);
    let (ours, others): (Vec<&Container>, Vec<&Container>) = containers.iter().partition(is_ours);
    let has_name = |container: &&Container| container.server_name.is_some();
    // Without our own names nothing is certainly another's.
    let are_known = !ours.is_empty() && ours.iter().all(has_name);
    let is_elsewhere = |job: &Job| {
        let is_of = |all: &[&Container]| all.iter().any(|container| is_named(job, container));
        are_known && is_of(&others) && !is_of(&ours)
    };
    let jobs = jobs(site, azure, since).await?;
    let running = jobs
        .into_iter()
        .filter(|job| job.state() == JobState::Running && !is_elsewhere(job));
    let work = running.map(|job| Work {
        operation: job.operation,
        of: job.entity,
    });
    Ok(work.collect())
}

/// Whether a job names a machine's guest.
fn is_named(job: &Job, container: &Container) -> bool {
    let (_, server) = named(&job.entity);
    let known = container.server_name.as_deref();
    let is_same = |known: &str| !known.is_empty() && is_same_server(server, known);
    !server.is_empty() && known.is_some_and(is_same)
}

/// What a job is about, as Azure names it: `orders [sqlvm1]`, or without the server.
pub(crate) fn named(entity: &str) -> (&str, &str) {
    match entity.rsplit_once(" [") {
        Some((name, server)) => (name, server.trim_end_matches(']')),
        None => (entity, ""),
    }
}

/// Whether both can be the same guest: a name may come with its domain, or cut
/// to its first 15 characters. One that is not told may be any.
pub(crate) fn is_same_server(one: &str, other: &str) -> bool {
    let short = |name: &str| -> String {
        let host = name.split('.').next().unwrap_or_default();
        host.chars().take(15).collect()
    };
    other.is_empty() || short(one).eq_ignore_ascii_case(&short(other))
}
