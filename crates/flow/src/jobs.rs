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
    let guests = |all: Vec<&Container>| -> Vec<Option<String>> {
        all.into_iter().map(|one| one.server_name.clone()).collect()
    };
    let (ours, others) = (guests(ours), guests(others));
    let jobs = jobs(site, azure, since).await?;
    let running = jobs.into_iter().filter(|job| {
        job.state() == JobState::Running && !is_elsewhere(&job.entity, &ours, &others)
    });
    let work = running.map(|job| Work {
        operation: job.operation,
        of: job.entity,
    });
    Ok(work.collect())
}

/// Whether a job is certainly of another machine than ours, by the guests' names.
/// Without all of our own nothing is certain.
fn is_elsewhere(entity: &str, ours: &[Option<String>], others: &[Option<String>]) -> bool {
    let (_, server) = named(entity);
    let is_of = |guests: &[Option<String>]| {
        let mut known = guests.iter().flatten().filter(|guest| !guest.is_empty());
        !server.is_empty() && known.any(|guest| is_same_server(server, guest))
    };
    let are_known = !ours.is_empty() && ours.iter().all(Option::is_some);
    are_known && is_of(others) && !is_of(ours)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_elsewhere_only_where_that_is_certain() {
        let guests = |names: &[&str]| -> Vec<Option<String>> {
            let known = |name: &&str| (!name.is_empty()).then(|| (*name).to_owned());
            names.iter().map(known).collect()
        };
        let ours = guests(&["sqlserver-prod-jpe01.corp.example"]);
        let others = guests(&["sqlvm2", ""]);
        for (job, ours, others, expected) in [
            // Azure cuts a name to 15 characters; so it was recorded.
            ("orders [sqlserver-prod-]", &ours, &others, false),
            ("orders [sqlvm2]", &ours, &others, true),
            ("orders [SQLVM2.corp.example]", &ours, &others, true),
            ("orders [ag1]", &ours, &others, false),
            ("orders", &ours, &others, false),
            ("orders [sqlvm2]", &guests(&["sqlvm2"]), &others, false),
            ("orders [sqlvm2]", &guests(&[""]), &others, false),
            ("orders [sqlvm2]", &guests(&[]), &others, false),
        ] {
            assert_eq!(is_elsewhere(job, ours, others), expected, "{job}, {ours:?}");
        }
    }
}
