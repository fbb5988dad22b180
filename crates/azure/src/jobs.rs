//! Backup jobs.

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde::Deserialize;

use crate::arm_id::ArmId;
use crate::client::Azure;
use crate::error::AzureError;
use crate::request::BACKUP;
use crate::timestamp;

/// A job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id, a UUID.
    pub id: String,
    /// As `Backup (Full)`.
    pub operation: String,
    /// Azure's word; [`Job::state`] reads it.
    pub status: String,
    /// When it started.
    pub start: Option<Timestamp>,
    /// When it ended; `None` while it runs.
    pub end: Option<Timestamp>,
    /// What it works on, as `orders [sqlvm1]`.
    pub entity: String,
    /// Its parts.
    pub tasks: Vec<Task>,
    /// How much was transferred, in MB, once Azure says so.
    pub transferred_mb: Option<f64>,
    /// How long it took, in ISO 8601, as `PT2M1.1148946S`.
    pub duration: Option<String>,
    /// Why it failed.
    pub errors: Vec<JobError>,
    /// The id under which Azure's support finds it.
    pub activity_id: Option<String>,
    /// Whether somebody started it, and not the schedule.
    pub is_user_triggered: bool,
}

/// A part of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// As `Transfer data to vault`.
    pub name: String,
    /// As `InProgress`.
    pub status: String,
}

/// Why a job failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// Azure's number.
    pub code: i64,
    /// What happened, in a few words.
    pub title: String,
    /// What happened.
    pub message: String,
    /// What Azure advises.
    pub recommendations: Vec<String>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Not at its end.
    Running,
    /// Done.
    Completed,
    /// Done, with something to look at.
    CompletedWithWarnings,
    /// Not done.
    Failed,
    /// Stopped by somebody.
    Cancelled,
}

impl Job {
    /// What [`Job::status`] means. The list of words is open in Azure's documents;
    /// one that is not known is not the end.
    #[must_use]
    pub fn state(&self) -> JobState {
        match self.status.to_ascii_lowercase().as_str() {
            "completed" => JobState::Completed,
            "completedwithwarnings" => JobState::CompletedWithWarnings,
            "failed" => JobState::Failed,
            "cancelled" | "canceled" => JobState::Cancelled,
            _ => JobState::Running,
        }
    }
}

/// Which jobs to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobFilter {
    /// What they do; `None` for whatever it is.
    pub operation: Option<JobOperation>,
    /// The earliest start, by Azure's clock; seconds count.
    pub since: Timestamp,
}

/// What a job does, as lists are filtered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobOperation {
    /// It backs up.
    Backup,
    /// It sets protection up.
    ConfigureBackup,
}

impl JobOperation {
    fn key(self) -> &'static str {
        match self {
            Self::Backup => "Backup",
            Self::ConfigureBackup => "ConfigureBackup",
        }
    }
}

impl JobFilter {
    /// The filter in Azure's language. Jobs up to a day after `now` are in it, so
    /// that no difference between clocks hides one.
    fn text(self, now: Timestamp) -> String {
        let until = now.checked_add(24.hours()).unwrap_or(now);
        let operation = self.operation.map_or_else(String::new, |operation| {
            format!("operation eq '{}' and ", operation.key())
        });
        format!(
            "{operation}backupManagementType eq 'AzureWorkload' and startTime eq '{}' and endTime \
             eq '{}'",
            written(self.since),
            written(until),
        )
    }
}

/// A time as job filters take it: `2016-01-01 00:00:00 AM`, on a clock of twelve
/// hours. Source: `ListJobsWithStartAndEndTimeFilters.json` of `bms.json`.
fn written(time: Timestamp) -> String {
    let time = TimeZone::UTC.to_datetime(time);
    time.strftime("%Y-%m-%d %I:%M:%S %p").to_string()
}

#[derive(Deserialize)]
struct JobDocument {
    name: String,
    properties: JobProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobProperties {
    #[serde(default)]
    operation: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default, deserialize_with = "timestamp::optional")]
    start_time: Option<Timestamp>,
    #[serde(default, deserialize_with = "timestamp::optional")]
    end_time: Option<Timestamp>,
    #[serde(default)]
    entity_friendly_name: Option<String>,
    #[serde(default)]
    duration: Option<String>,
    #[serde(default)]
    activity_id: Option<String>,
    #[serde(default)]
    is_user_triggered: Option<bool>,
    #[serde(default)]
    error_details: Option<Vec<ErrorDocument>>,
    #[serde(default)]
    extended_info: Option<ExtendedInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorDocument {
    #[serde(default)]
    error_code: Option<i64>,
    #[serde(default)]
    error_title: Option<String>,
    #[serde(default)]
    error_string: Option<String>,
    #[serde(default)]
    recommendations: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExtendedInfo {
    #[serde(default)]
    tasks_list: Option<Vec<TaskDocument>>,
    #[serde(default)]
    property_bag: Option<PropertyBag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskDocument {
    #[serde(default)]
    task_id: Option<String>,
    #[serde(default)]
    status: Option<String>,
}

#[derive(Deserialize)]
struct PropertyBag {
    /// A number as text.
    #[serde(default, rename = "Data Transferred (in MB)")]
    transferred: Option<String>,
}

impl From<JobDocument> for Job {
    fn from(document: JobDocument) -> Self {
        let properties = document.properties;
        let (tasks, bag) = properties
            .extended_info
            .map_or((None, None), |info| (info.tasks_list, info.property_bag));
        Self {
            id: document.name,
            operation: properties.operation.unwrap_or_default(),
            status: properties.status.unwrap_or_default(),
            start: properties.start_time,
            end: properties.end_time,
            entity: properties.entity_friendly_name.unwrap_or_default(),
            tasks: tasks
                .into_iter()
                .flatten()
                .map(|task| Task {
                    name: task.task_id.unwrap_or_default(),
                    status: task.status.unwrap_or_default(),
                })
                .collect(),
            transferred_mb: bag
                .and_then(|bag| bag.transferred)
                .and_then(|text| text.trim().parse().ok()),
            duration: properties.duration,
            errors: properties
                .error_details
                .into_iter()
                .flatten()
                .map(|error| JobError {
                    code: error.error_code.unwrap_or_default(),
                    title: error.error_title.unwrap_or_default(),
                    message: error.error_string.unwrap_or_default(),
                    recommendations: error.recommendations.unwrap_or_default(),
                })
                .collect(),
            activity_id: properties.activity_id,
            is_user_triggered: properties.is_user_triggered.unwrap_or_default(),
        }
    }
}

impl Azure {
    /// The jobs that a filter lets through.
    pub async fn jobs(&self, vault: &ArmId, filter: &JobFilter) -> Result<Vec<Job>, AzureError> {
        let now = self.server_time().unwrap_or_else(Timestamp::now);
        let text = filter.text(now);
        let url = self.url_below(vault, "backupJobs", BACKUP, Some(&text));
        let listed: Vec<JobDocument> = self.list("list the backup jobs", url).await?;
        Ok(listed.into_iter().map(Job::from).collect())
    }

    /// One job with its parts.
    pub async fn job(&self, vault: &ArmId, id: impl AsRef<str>) -> Result<Job, AzureError> {
        let url = self.url_of(&vault.child("backupJobs", id.as_ref()), BACKUP);
        let found: JobDocument = self.get_there("read the backup job", url).await?;
        Ok(found.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_count_twelve_hours() {
        let filter = JobFilter {
            operation: Some(JobOperation::Backup),
            since: "2026-11-26T00:05:09.9Z".parse().unwrap(),
        };
        let now = "2026-11-26T13:00:00Z".parse().unwrap();
        assert_eq!(
            filter.text(now),
            "operation eq 'Backup' and backupManagementType eq 'AzureWorkload' \
             and startTime eq '2026-11-26 12:05:09 AM' and endTime eq '2026-11-27 01:00:00 PM'"
        );
    }
}
