//! Protecting a database and backing it up.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;
use thiserror::Error;

use crate::answer::{accepted, refused};
use crate::arm_id::ArmId;
use crate::client::{Azure, Call};
use crate::error::AzureError;
use crate::items::{ProtectableItem, ProtectedItem};
use crate::policies::Policy;
use crate::request::BACKUP;
use crate::retry::Resend;

/// A backup to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupOrder {
    /// Which kind.
    pub kind: BackupKind,
    /// How long to keep it; 45 days for a full one and 30 for a copy, as `az`
    /// asks for, where it is not said.
    pub keep_until: Option<Timestamp>,
    /// Our id of the request, a UUID, under which Azure's support finds it.
    pub request_id: String,
}

/// A kind of backup on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupKind {
    /// A full one, which later differential ones build on.
    Full,
    /// A full one on which nothing builds: the schedule is not disturbed.
    CopyOnlyFull,
}

impl BackupKind {
    /// Azure's word.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Full => "Full",
            Self::CopyOnlyFull => "CopyOnlyFull",
        }
    }

    fn kept(self) -> SignedDuration {
        SignedDuration::from_hours(24 * if self == Self::Full { 45 } else { 30 })
    }
}

/// A new id for a request, a UUID.
#[must_use]
pub fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A job's id, a UUID.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JobId(String);

impl JobId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for JobId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl AsRef<str> for JobId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why no job is known after a backup was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartBackupError {
    /// Azure surely did not start one.
    #[error(transparent)]
    Refused(AzureError),
    /// Azure may have started one: look for it before asking again.
    #[error(transparent)]
    Doubtful(AzureError),
}

impl Azure {
    /// Protects a database by a policy and waits until Azure has accepted that.
    pub async fn protect(
        &self,
        vault: &ArmId,
        item: &ProtectableItem,
        policy: &Policy,
    ) -> Result<(), AzureError> {
        let container = item.id.up_to("protectionContainers").unwrap_or_else(|| {
            vault
                .child("backupFabrics", "Azure")
                .child("protectionContainers", &item.container)
        });
        let id = container.child("protectedItems", &item.name);
        self.put_protection(&id, policy).await
    }

    /// Protects a database again whose protection was stopped, and waits.
    pub async fn protect_again(
        &self,
        item: &ProtectedItem,
        policy: &Policy,
    ) -> Result<(), AzureError> {
        self.put_protection(&item.id, policy).await
    }

    async fn put_protection(&self, item: &ArmId, policy: &Policy) -> Result<(), AzureError> {
        let doing = "protect the database";
        let body = json!({
            "properties": {
                "protectedItemType": "AzureVmWorkloadSQLDatabase",
                "policyId": policy.id.as_str(),
            },
        });
        let url = self.url_of(item, BACKUP);
        let call = Call::new(doing, Method::PUT, url).with(body);
        let reply = accepted(doing, self.send(&call).await?)?;
        self.follow_status(doing, reply).await?;
        Ok(())
    }

    /// Starts a backup and waits for its job's id.
    ///
    /// Each such request starts a job of its own, so it is sent once. Only where
    /// Azure said that it is too busy (429), or the connection never came about,
    /// is it sent again.
    pub async fn start_backup(
        &self,
        item: &ProtectedItem,
        order: &BackupOrder,
    ) -> Result<JobId, StartBackupError> {
        let doing = "start the backup";
        let now = self.server_time().unwrap_or_else(Timestamp::now);
        let keep_until = order
            .keep_until
            .or_else(|| now.checked_add(order.kind.kept()).ok());
        let body = json!({
            "properties": {
                "objectType": "AzureWorkloadBackupRequest",
                "backupType": order.kind.key(),
                "enableCompression": false,
                "recoveryPointExpiryTimeInUTC": keep_until.map(|time| time.to_string()),
            },
        });
        let call = Call {
            resend: Resend::OnlyIfRefused,
            request_id: Some(order.request_id.clone()),
            ..Call::new(
                doing,
                Method::POST,
                self.url_below(&item.id, "backup", BACKUP, None),
            )
            .with(body)
        };
        let reply = self.send(&call).await.map_err(|failed| {
            if failed.perhaps_accepted {
                StartBackupError::Doubtful(failed.error)
            } else {
                StartBackupError::Refused(failed.error)
            }
        })?;
        let status = reply.status;
        if !status.is_success() {
            let error = refused(doing, &reply);
            // A gateway that gave up waiting does not know either.
            let is_doubtful = status.is_server_error() || status.as_u16() == 408;
            return Err(if is_doubtful {
                StartBackupError::Doubtful(error)
            } else {
                StartBackupError::Refused(error)
            });
        }
        let operation = match self.follow_status(doing, reply).await {
            Ok(operation) => operation,
            Err(error @ AzureError::OperationFailed { .. }) => {
                return Err(StartBackupError::Refused(error));
            }
            Err(error) => return Err(StartBackupError::Doubtful(error)),
        };
        match operation.job_id() {
            Some(id) => Ok(JobId(id.to_owned())),
            None => Err(StartBackupError::Doubtful(AzureError::Unreadable {
                doing,
                detail: "the operation names no job".to_owned(),
            })),
        }
    }
}
