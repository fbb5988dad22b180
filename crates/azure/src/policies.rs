//! Backup policies.

use serde::Deserialize;
use serde_json::json;

use crate::arm_id::ArmId;
use crate::client::Azure;
use crate::error::AzureError;
use crate::request::BACKUP;

/// A backup policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: ArmId,
    /// Its name.
    pub name: String,
    /// What it is for, as `SQLDataBase`; empty for virtual machines as a whole.
    pub workload: String,
}

#[derive(Deserialize)]
struct PolicyDocument {
    id: ArmId,
    name: String,
    properties: PolicyProperties,
}

#[derive(Deserialize)]
struct PolicyProperties {
    // Spelt so in policies, and `workloadType` everywhere else.
    #[serde(default, rename = "workLoadType")]
    workload: Option<String>,
}

impl From<PolicyDocument> for Policy {
    fn from(document: PolicyDocument) -> Self {
        Self {
            id: document.id,
            name: document.name,
            workload: document.properties.workload.unwrap_or_default(),
        }
    }
}

impl Azure {
    /// Every policy of the vault, of other workloads too.
    pub async fn policies(&self, vault: &ArmId) -> Result<Vec<Policy>, AzureError> {
        let url = self.url_below(vault, "backupPolicies", BACKUP, None);
        let listed: Vec<PolicyDocument> = self.list("list the backup policies", url).await?;
        Ok(listed.into_iter().map(Policy::from).collect())
    }

    /// One policy; `None` where there is none.
    pub async fn policy(&self, vault: &ArmId, name: &str) -> Result<Option<Policy>, AzureError> {
        let url = self.url_of(&vault.child("backupPolicies", name), BACKUP);
        let found: Option<PolicyDocument> = self.get("read the backup policy", url).await?;
        Ok(found.map(Policy::from))
    }

    /// Makes a policy as the `HourlyLogBackup` that every vault comes with: a full
    /// backup each day and the log each hour, both kept for 30 days.
    pub async fn create_policy(&self, vault: &ArmId, name: &str) -> Result<Policy, AzureError> {
        // Azure reads the time of day and ignores the date.
        let at = json!(["2022-05-13T16:00:00Z"]);
        let month = json!({ "count": 30, "durationType": "Days" });
        let body = json!({
            "properties": {
                "backupManagementType": "AzureWorkload",
                "workLoadType": "SQLDataBase",
                "settings": {
                    "timeZone": "UTC",
                    "issqlcompression": false,
                    "isCompression": false,
                },
                "subProtectionPolicy": [
                    {
                        "policyType": "Full",
                        "schedulePolicy": {
                            "schedulePolicyType": "SimpleSchedulePolicy",
                            "scheduleRunFrequency": "Daily",
                            "scheduleRunTimes": at,
                            "scheduleWeeklyFrequency": 0,
                        },
                        "retentionPolicy": {
                            "retentionPolicyType": "LongTermRetentionPolicy",
                            "dailySchedule": {
                                "retentionTimes": at,
                                "retentionDuration": month,
                            },
                        },
                    },
                    {
                        "policyType": "Log",
                        "schedulePolicy": {
                            "schedulePolicyType": "LogSchedulePolicy",
                            "scheduleFrequencyInMins": 60,
                        },
                        "retentionPolicy": {
                            "retentionPolicyType": "SimpleRetentionPolicy",
                            "retentionDuration": month,
                        },
                    },
                ],
            },
        });
        let url = self.url_of(&vault.child("backupPolicies", name), BACKUP);
        let made: PolicyDocument = self.put("create the backup policy", url, body).await?;
        Ok(made.into())
    }
}
