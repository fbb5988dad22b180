//! The steps in Azure one at a time, and what Azure knows of them.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use serde_json::Value;
use support::{Desk, Start, ended};

/// `sidestep azure …` in the desk's lab, which ends well.
async fn azure(desk: &Desk, arguments: &[&str]) -> Value {
    let mut command = desk.sidestep(&["azure"]);
    command.args(arguments);
    command.args(["--lab", "lab.json", "--yes", "--json"]);
    let (code, document) = ended(command).await;
    assert_eq!(code, Some(0), "{arguments:?}: {document:#}");
    assert_eq!(document["rehearsal"], true);
    document
}

/// The one step that a document is about.
fn step(document: &Value) -> (&str, &str) {
    let steps = document["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 1, "{document:#}");
    let text = |key: &str| steps[0][key].as_str().unwrap();
    (text("step"), text("outcome"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_steps_in_azure_are_carried_out_one_at_a_time() {
    let desk = Desk::new(Start::Vault, &[]).await;
    let looked = azure(&desk, &["endpoint", "--what-if"]).await;
    assert_eq!(step(&looked), ("endpoint", "planned"));
    assert_eq!(desk.lab.census().endpoints, 0);
    let made = azure(&desk, &["endpoint"]).await;
    assert_eq!(step(&made), ("endpoint", "done"));
    assert_eq!(desk.lab.census().endpoints, 1);

    let unknown = azure(&desk, &["discover"]).await;
    assert_eq!(
        unknown["machines"],
        serde_json::json!([{ "machine": "sqlvm1", "registered": false, "found": [] }])
    );
    let (code, document) = desk
        .run(&["--from", "system-bypass", "--until", "system-bypass"])
        .await;
    assert_eq!(code, Some(0), "{document:#}");
    let registered = azure(&desk, &["register"]).await;
    assert_eq!(step(&registered), ("register", "done"));
    let (code, document) = desk
        .run(&["--from", "plugin-bypass", "--until", "plugin-bypass"])
        .await;
    assert_eq!(code, Some(0), "{document:#}");
    let protected = azure(&desk, &["protect"]).await;
    assert_eq!(step(&protected), ("protect", "done"));

    // The person asks for a backup each time, and gets one.
    for (kind, count) in [("Full", 1), ("CopyOnlyFull", 2)] {
        let backed_up = azure(&desk, &["backup"]).await;
        assert_eq!(step(&backed_up), ("backup", "done"));
        assert_eq!(backed_up["backup"]["kind"], kind);
        assert_eq!(desk.lab.census().backup_jobs, count);
    }

    let found = azure(&desk, &["discover"]).await;
    let found = found["machines"][0]["found"].as_array().unwrap();
    let named = |name: &str| found.iter().find(|one| one["name"] == name).unwrap();
    assert_eq!(named("MSSQLSERVER")["kind"], "instance");
    assert_eq!(named("master")["protection"], Value::Null);
    let orders = named("orders");
    assert_eq!(orders["kind"], "database");
    assert_eq!(orders["protection"]["policy"], "HourlyLogBackup");
    assert!(orders["protection"]["last_recovery_point"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_weeks_jobs_are_listed_and_one_is_shown() {
    let desk = Desk::new(Start::Vault, &[]).await;
    let none = azure(&desk, &["jobs"]).await;
    assert_eq!(none["jobs"], serde_json::json!([]));
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(0), "{document:#}");
    let listed = azure(&desk, &["jobs"]).await;
    let jobs = listed["jobs"].as_array().unwrap();
    let told: Vec<(&str, &str, &str)> = jobs
        .iter()
        .map(|job| {
            let text = |key: &str| job[key].as_str().unwrap();
            (text("operation"), text("entity"), text("state"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("Backup (Full)", "orders [sqlvm1]", "Completed"),
            ("ConfigureBackup", "orders", "Completed"),
        ]
    );
    let id = jobs[0]["job"].as_str().unwrap();
    assert_eq!(document["backup"]["job"], id);
    let shown = azure(&desk, &["jobs", id]).await;
    let job = &shown["jobs"][0];
    assert_eq!(
        job["tasks"],
        serde_json::json!([{ "name": "Transfer data to vault", "status": "Completed" }])
    );
    assert!(job["transferred_mb"].as_f64().unwrap() > 0.0);
    assert_eq!(job["errors"], serde_json::json!([]));
}
