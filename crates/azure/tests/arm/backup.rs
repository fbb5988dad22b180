//! Backups are started once; jobs are read.

use sidestep_azure::{
    Azure, BackupKind, BackupOrder, JobFilter, JobOperation, JobState, ProtectedItem,
    StartBackupError,
};

use crate::loopback::{Answer, Loopback, Seen, answer, error, vault};

const ITEM: &str = r#"{"value":[{"id":"/subscriptions/s/resourceGroups/rg/providers/Microsoft.RecoveryServices/vaults/v/backupFabrics/Azure/protectionContainers/c/protectedItems/SQLDataBase;mssqlserver;orders",
    "name":"SQLDataBase;mssqlserver;orders","properties":{"friendlyName":"orders","policyId":"","lastRecoveryPoint":null}}]}"#;

async fn item(client: &Azure) -> ProtectedItem {
    client.protected_items(&vault()).await.unwrap().remove(0)
}

fn order() -> BackupOrder {
    BackupOrder {
        kind: BackupKind::CopyOnlyFull,
        keep_until: None,
        request_id: "6f1c1d0e-0000-4000-8000-000000000001".to_owned(),
    }
}

fn is_start(seen: &Seen) -> bool {
    seen.method == "POST"
}

#[tokio::test]
async fn a_backup_is_asked_for_once_whatever_happens() {
    for lost in [
        Answer::Lost,
        answer(503, "<html>"),
        answer(500, ""),
        answer(408, ""),
    ] {
        let shown = format!("{lost:?}");
        let azure = Loopback::start(move |seen, _| {
            if is_start(seen) {
                lost.clone()
            } else {
                answer(200, ITEM)
            }
        })
        .await;
        let client = azure.azure();
        let item = item(&client).await;
        assert_eq!(item.policy, None);
        let doubtful = client.start_backup(&item, &order()).await.unwrap_err();
        assert!(matches!(doubtful, StartBackupError::Doubtful(_)), "{shown}");
        assert_eq!(
            azure.seen().iter().filter(|seen| is_start(seen)).count(),
            1,
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_backup_that_was_surely_not_accepted_is_asked_for_again() {
    let azure = Loopback::start(|seen, before| match (is_start(seen), before) {
        (false, 0) => answer(200, ITEM),
        (true, 1) => answer(429, "").header("retry-after", "0"),
        (true, _) => answer(202, "").header("azure-asyncoperation", "/op?api-version=1"),
        (false, 3) => answer(200, r#"{"status":"InProgress"}"#),
        _ => answer(
            200,
            r#"{"status":"Succeeded","properties":{"objectType":"OperationStatusJobExtendedInfo","jobId":"j1"}}"#,
        ),
    })
    .await;
    let client = azure.azure();
    let item = item(&client).await;
    let job = client.start_backup(&item, &order()).await.unwrap();
    assert_eq!(job.as_str(), "j1");
    let seen = azure.seen();
    let starts: Vec<&Seen> = seen.iter().filter(|seen| is_start(seen)).collect();
    assert_eq!(starts.len(), 2);
    assert!(
        starts[0]
            .target
            .contains("/protectedItems/SQLDataBase%3Bmssqlserver%3Borders/backup?")
    );
    assert_eq!(
        starts[0].header("x-ms-client-request-id"),
        Some(&*order().request_id)
    );
    assert!(starts[0].body.contains(r#""backupType":"CopyOnlyFull""#));
    assert!(starts[0].body.contains("recoveryPointExpiryTimeInUTC"));
}

#[tokio::test]
async fn a_refused_backup_is_surely_none() {
    let azure = Loopback::start(|seen, _| {
        if is_start(seen) {
            answer(400, error("BMSUserErrorX", "no"))
        } else {
            answer(200, ITEM)
        }
    })
    .await;
    let client = azure.azure();
    let item = item(&client).await;
    let refused = client.start_backup(&item, &order()).await.unwrap_err();
    assert!(
        matches!(&refused, StartBackupError::Refused(error) if error.code() == Some("BMSUserErrorX"))
    );
}

#[tokio::test]
async fn jobs_are_read_with_their_errors() {
    let azure = Loopback::start(|_, _| {
        answer(200, r#"{"value":[{"name":"j1","properties":{"operation":"Backup (Full)","status":"FAILED",
            "startTime":"2024-04-22T05:31:48.7200765Z","endTime":"0001-01-01T00:00:00","entityFriendlyName":"msdb [x]",
            "errorDetails":[{"errorCode":-2147024809,"errorTitle":"t","errorString":"s","recommendations":["r"]}],
            "extendedInfo":{"tasksList":[{"taskId":"Transfer data to vault","status":"Failed"}],
            "propertyBag":{"Data Transferred (in MB)":"20.1147"}}}}]}"#)
    })
    .await;
    let filter = JobFilter {
        operation: Some(JobOperation::Backup),
        since: "2024-04-22T05:00:00Z".parse().unwrap(),
    };
    let jobs = azure.azure().jobs(&vault(), &filter).await.unwrap();
    let job = &jobs[0];
    assert_eq!((job.state(), job.end), (JobState::Failed, None));
    assert_eq!(job.errors[0].code, -2_147_024_809);
    assert_eq!(job.transferred_mb, Some(20.1147));
    assert!(
        azure.seen()[0]
            .target
            .contains("%20and%20startTime%20eq%20%272024-04-22%2005%3A00%3A00%20AM%27")
    );
}
