//! One backup: ordered once and only once, followed to its end, witnessed.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use sidestep_azure::{
    Azure, AzureError, BackupKind, BackupOrder as Order, Job, JobFilter, JobOperation, JobState,
    ProtectedItem, StartBackupError,
};
use sidestep_machine::{OpenRun, Store};
use sidestep_model::account::Account;
use sidestep_model::event::{BackedUp, Event, JobProgress, Outcome, ResourceKind};
use sidestep_model::finding::{AzureFinding, Effect, Finding};
use sidestep_model::journal::{Backup, BackupOrder, OrderFate, Record, last_backup};
use sidestep_model::site::{Database, Site};

use crate::explain::explain;
use crate::hand::Hand;
use crate::ids::Ids;
use crate::jobs::{is_same_server, named};
use crate::names::Names;
use crate::protect::protected_item;
use crate::run::{Log, StepError};
use crate::world::{Person, Witness, World};

/// What `az` keeps such backups for; for `Full` the policy decides anyway.
const KEEP_FULL: SignedDuration = SignedDuration::from_hours(45 * 24);
const KEEP_COPY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A request with its repetitions takes five minutes at most: a job that began
/// later is of another order.
const LATEST_START: SignedDuration = SignedDuration::from_mins(15);

/// Azure's clocks tell the time to the second, and not all the same.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(5);

pub(crate) async fn step<S: Store, W: Witness, P: Person>(
    site: &Site,
    world: &mut World<'_, S, W, P>,
    log: &mut Log<'_>,
    is_wanted_again: bool,
    hand: &mut Hand<'_>,
) -> Result<Outcome, StepError> {
    let Some(database) = &site.sql.backup else {
        return Ok(Outcome::NotNeeded);
    };
    let name = database.to_string();
    let ids = Ids::of(site);
    let items = world.azure.protected_items(&ids.vault).await?;
    let Some(item) = protected_item(items, &ids, database) else {
        if hand.only_looks() {
            return Ok(Outcome::Pending);
        }
        return Err(StepError::found(AzureFinding::NotProtected {
            database: name,
        }));
    };
    let before = last_backup(&world.journal.runs()?, item.id.as_str()).cloned();
    if let (Some(Backup { fate, .. }), false) = (&before, is_wanted_again)
        && let OrderFate::Ended {
            job,
            is_complete: true,
        } = fate
    {
        let name = format!("{name}, job {job}");
        hand.is_there(ResourceKind::BackupJob, &name, None);
        return Ok(Outcome::Done);
    }
    if hand.only_looks() {
        hand.would_make(ResourceKind::BackupJob, &name, None);
        return Ok(Outcome::Done);
    }
    world.witness.begin().await;
    let order = Ordered {
        azure: world.azure,
        ids: &ids,
        database,
        item: &item,
        is_wanted_again,
        patience: world.patience,
    };
    let run = log.open(&world.place())?;
    let (job, kind, is_adopted) = order.job(before, run).await?;
    let job = follow(world.azure, &ids, &job, world.patience, hand).await?;
    let is_complete = matches!(
        job.state(),
        JobState::Completed | JobState::CompletedWithWarnings
    );
    run.record(&Record::BackupEnd {
        job: job.id.clone(),
        is_complete,
    })?;
    // The first backup brings new storage accounts.
    let names = Names::listed(world.azure, &ids).await;
    let targets = names.as_ref().map(|names| names.targets(site));
    let evidence = world.witness.evidence(&targets.unwrap_or_default()).await;
    let against = evidence
        .as_ref()
        .map_or_else(Vec::new, |evidence| evidence.against(site));
    if let Some(evidence) = evidence {
        hand.say(Event::Witnessed(evidence));
    }
    let mut findings = Vec::new();
    if is_complete {
        hand.say(Event::BackedUp(BackedUp {
            database: name,
            job: job.id.clone(),
            kind,
            is_adopted,
            transferred_mb: job.transferred_mb,
            span: job.start.zip(job.end),
        }));
        let names = names?;
        let missing = names.against_dns(site, world.network, world.patience, hand);
        findings.extend(missing.await);
        findings.extend(against);
    } else {
        let (code, detail) = failure(&job);
        findings = explain(site, world, &Account::SERVICES, &code, detail, hand).await?;
        // Where every way works, traffic on the wrong one explains the failure.
        let is_unexplained = matches!(
            findings.as_slice(),
            [Finding::Azure(AzureFinding::BackupFailed { .. }), ..]
        );
        if is_unexplained && Effect::of(&against) != Effect::GoOn {
            findings = against;
        }
    }
    if is_complete && Effect::of(&findings) == Effect::GoOn {
        for finding in findings {
            hand.found(finding);
        }
        return Ok(Outcome::Done);
    }
    Err(StepError::Ended(findings))
}

/// Azure's code and words for a job that failed.
fn failure(job: &Job) -> (String, String) {
    match job.errors.first() {
        Some(error) => {
            let advice = error.recommendations.join(" ");
            let words = format!("{} {advice}", error.message);
            (error.title.clone(), words.trim().to_owned())
        }
        None => (
            job.status.clone(),
            format!("the job {} says no more", job.id),
        ),
    }
}

struct Ordered<'a> {
    azure: &'a Azure,
    ids: &'a Ids,
    database: &'a Database,
    item: &'a ProtectedItem,
    /// Whether the person asked for a backup, whatever became of earlier orders.
    is_wanted_again: bool,
    patience: crate::world::Patience,
}

impl Ordered<'_> {
    /// The job: of an order that an earlier run began, or of a new one. The
    /// order is on the disk before it is sent, and no order is sent twice.
    async fn job(
        &self,
        before: Option<Backup>,
        run: &mut OpenRun<'_>,
    ) -> Result<(String, &'static str, bool), StepError> {
        if let Some(Backup { order, fate }) = before {
            let kind = kind_named(&order.kind);
            match fate {
                OrderFate::Job(job) => {
                    run.record(&Record::BackupOrder(order))?;
                    if self.is_there(&job).await? {
                        run.record(&Record::BackupJob { job: job.clone() })?;
                        return Ok((job, kind, true));
                    }
                    run.record(&Record::BackupDropped { time: run.now() })?;
                }
                OrderFate::Open => {
                    run.record(&Record::BackupOrder(order.clone()))?;
                    if let Some(job) = self.became(&order, run, true).await? {
                        return Ok((job, kind, true));
                    }
                }
                OrderFate::Dropped | OrderFate::Ended { .. } => {}
            }
        }
        let kind = if self.item.last_recovery_point.is_some() {
            // A second full backup would break another tool's chain of differentials.
            BackupKind::CopyOnlyFull
        } else {
            BackupKind::Full
        };
        let now = self.azure.server_time().unwrap_or_else(|| run.now());
        let order = BackupOrder {
            item: self.item.id.to_string(),
            database: self.database.to_string(),
            kind: kind.key().to_owned(),
            time: now,
            request: sidestep_azure::request_id(),
        };
        run.record(&Record::BackupOrder(order.clone()))?;
        let keep = match kind {
            BackupKind::Full => KEEP_FULL,
            BackupKind::CopyOnlyFull => KEEP_COPY,
        };
        let sent = Order {
            kind,
            keep_until: now.checked_add(keep).ok(),
            request_id: order.request.clone(),
        };
        match self.azure.start_backup(self.item, &sent).await {
            Ok(job) => {
                let job = job.to_string();
                run.record(&Record::BackupJob { job: job.clone() })?;
                Ok((job, kind.key(), false))
            }
            Err(StartBackupError::Refused(error)) => {
                run.record(&Record::BackupDropped { time: run.now() })?;
                Err(error.into())
            }
            Err(StartBackupError::Doubtful(error)) => {
                match self.became(&order, run, false).await? {
                    Some(job) => Ok((job, kind.key(), false)),
                    None => Err(error.into()),
                }
            }
        }
    }

    /// Whether Azure knows the job. One that began just now may take its time to
    /// show; one of long ago, or of a vault that was made anew, never does.
    async fn is_there(&self, job: &str) -> Result<bool, AzureError> {
        let start = Instant::now();
        loop {
            match self.azure.job(&self.ids.vault, job).await {
                Err(AzureError::Refused(refusal)) if refusal.status == 404 => {}
                other => return other.map(|_| true),
            }
            if start.elapsed() >= self.patience.listed {
                return Ok(false);
            }
            tokio::time::sleep(self.patience.poll).await;
        }
    }

    /// The job that an order became whose answer was lost; `None` where it
    /// became none. Which it is Azure's list of jobs tells.
    async fn became(
        &self,
        order: &BackupOrder,
        run: &mut OpenRun<'_>,
        is_earlier: bool,
    ) -> Result<Option<String>, StepError> {
        let since = order.time.checked_sub(CLOCKS_APART).unwrap_or(order.time);
        let start = Instant::now();
        loop {
            let filter = JobFilter {
                operation: Some(JobOperation::Backup),
                since,
            };
            let jobs = self.azure.jobs(&self.ids.vault, &filter).await?;
            let own = jobs
                .iter()
                .find(|job| job.activity_id.as_deref() == Some(order.request.as_str()));
            let candidates: Vec<&Job> = match own {
                Some(job) => vec![job],
                None => jobs
                    .iter()
                    .filter(|job| could_be(job, self.item, order.time))
                    .collect(),
            };
            match candidates.as_slice() {
                [job] => {
                    let job = job.id.clone();
                    run.record(&Record::BackupJob { job: job.clone() })?;
                    return Ok(Some(job));
                }
                [] if start.elapsed() < self.patience.listed => {
                    tokio::time::sleep(self.patience.poll).await;
                }
                [] => {
                    run.record(&Record::BackupDropped { time: run.now() })?;
                    return Ok(None);
                }
                // Whoever looked at them may want a new one.
                _ if is_earlier && self.is_wanted_again => {
                    run.record(&Record::BackupDropped { time: run.now() })?;
                    return Ok(None);
                }
                several => {
                    return Err(StepError::found(AzureFinding::BackupAmbiguous {
                        database: self.database.to_string(),
                        jobs: several.iter().map(|job| job.id.clone()).collect(),
                    }));
                }
            }
        }
    }
}

/// Whether a job is a backup of this item that was ordered then.
fn could_be(job: &Job, item: &ProtectedItem, ordered: Timestamp) -> bool {
    let (name, server) = named(&job.entity);
    let is_in_time = |start: Timestamp| {
        let after = start.duration_since(ordered);
        (-CLOCKS_APART..=LATEST_START).contains(&after)
    };
    name.eq_ignore_ascii_case(&item.friendly_name)
        && (server.is_empty() || is_same_server(server, &item.server_name))
        && job.is_user_triggered
        && job.operation.to_ascii_lowercase().starts_with("backup")
        && job.start.is_some_and(is_in_time)
}

fn kind_named(key: &str) -> &'static str {
    let kinds = [BackupKind::Full, BackupKind::CopyOnlyFull];
    let known = kinds.into_iter().find(|kind| kind.key() == key);
    known.unwrap_or(BackupKind::Full).key()
}

/// Follows a job to its end.
async fn follow(
    azure: &Azure,
    ids: &Ids,
    job: &str,
    patience: crate::world::Patience,
    hand: &mut Hand<'_>,
) -> Result<Job, StepError> {
    let start = Instant::now();
    loop {
        let seen = azure.job(&ids.vault, job).await?;
        hand.say(Event::Job(progress(&seen, start.elapsed())));
        if seen.state() != JobState::Running {
            return Ok(seen);
        }
        if start.elapsed() >= patience.backup {
            let finding = AzureFinding::TimedOut {
                doing: format!("the backup job {job}"),
                after: patience.backup,
            };
            return Err(StepError::found(finding));
        }
        tokio::time::sleep(patience.poll).await;
    }
}

fn progress(job: &Job, waited: Duration) -> JobProgress {
    let tasks = job.tasks.iter();
    JobProgress {
        job: job.id.clone(),
        status: job.status.clone(),
        elapsed: waited,
        transferred_mb: job.transferred_mb,
        tasks: tasks
            .map(|task| (task.name.clone(), task.status.clone()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use sidestep_azure::ArmId;

    use super::*;

    fn item(server: &str) -> ProtectedItem {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v/\
                  backupFabrics/Azure/protectionContainers/c/protectedItems/i";
        ProtectedItem {
            id: ArmId::parse(id).unwrap(),
            name: String::new(),
            friendly_name: "orders".to_owned(),
            instance: "MSSQLSERVER".to_owned(),
            server_name: server.to_owned(),
            vm: None,
            container_name: String::new(),
            protection_state: String::new(),
            protection_status: String::new(),
            last_backup_status: String::new(),
            last_backup_time: None,
            last_recovery_point: None,
            policy: None,
            is_soft_deleted: false,
        }
    }

    fn job(entity: &str, start: &str) -> Job {
        Job {
            id: String::new(),
            operation: "Backup (Full)".to_owned(),
            status: "InProgress".to_owned(),
            start: Some(start.parse().unwrap()),
            end: None,
            entity: entity.to_owned(),
            tasks: Vec::new(),
            transferred_mb: None,
            duration: None,
            errors: Vec::new(),
            activity_id: None,
            is_user_triggered: true,
        }
    }

    const ORDERED: &str = "2026-11-26T10:00:00Z";

    #[test]
    fn a_job_is_of_an_order_only_by_its_database_server_and_time() {
        let ordered = ORDERED.parse().unwrap();
        let soon = "2026-11-26T10:00:02Z";
        for (entity, server, start, expected) in [
            ("orders [sqlvm1]", "sqlvm1", soon, true),
            ("Orders [SQLVM1]", "sqlvm1.corp.example", soon, true),
            ("orders", "sqlvm1", soon, true),
            ("orders [sqlvm1]", "", soon, true),
            (
                "orders [a-long-named-ma]",
                "a-long-named-machine",
                soon,
                true,
            ),
            ("orders [sqlvm2]", "sqlvm1", soon, false),
            ("stock [sqlvm1]", "sqlvm1", soon, false),
            ("orders [sqlvm1]", "sqlvm1", "2026-11-26T09:59:56Z", true),
            ("orders [sqlvm1]", "sqlvm1", "2026-11-26T09:59:00Z", false),
            ("orders [sqlvm1]", "sqlvm1", "2026-11-26T13:00:00Z", false),
        ] {
            let seen = could_be(&job(entity, start), &item(server), ordered);
            assert_eq!(seen, expected, "{entity} {server} {start}");
        }
        let scheduled = Job {
            is_user_triggered: false,
            ..job("orders [sqlvm1]", soon)
        };
        assert!(!could_be(&scheduled, &item("sqlvm1"), ordered));
    }
}
