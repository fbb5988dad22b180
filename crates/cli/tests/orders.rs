//! A backup is ordered once: what became of an order whose answer was lost.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::fs;

use sidestep_lab::{Fault, When};
use support::{Desk, Start, errors, written};

/// A desk whose last run was killed when its order had been accepted, and nobody
/// had told it so.
async fn interrupted(faults: &[Fault]) -> Desk {
    let desk = Desk::new(Start::Vault, faults).await;
    let (code, document) = desk.run(&["--until", "protect"]).await;
    assert_eq!(code, Some(0), "{document:#}");
    for number in 1.. {
        let killed = desk
            .kill_at(number, When::BeforeAnswering, &["--from", "backup"])
            .await;
        assert!(killed);
        if desk.lab.census().backup_jobs == 1 {
            break;
        }
    }
    desk
}

/// Somebody else, with a journal of their own, backs the same database up. While
/// a backup of it runs, Azure refuses theirs.
async fn somebody_else_backs_up(desk: &Desk) {
    let copy = desk.file("other.reg");
    fs::copy(desk.lab.registry_file(), &copy).unwrap();
    desk.connect("other.json", |access| {
        access.registry_file.clone_from(&copy);
    });
    let (code, document) = loop {
        let (code, document) = desk.run(&["--lab", "other.json", "--from", "backup"]).await;
        if code != Some(5) {
            break (code, document);
        }
        assert_eq!(errors(&document), ["SS514"], "{document:#}");
    };
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(document["backup"]["adopted"], false);
    assert_eq!(desk.lab.census().backup_jobs, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_known_by_the_name_that_it_was_given() {
    let desk = interrupted(&[]).await;
    somebody_else_backs_up(&desk).await;
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(document["backup"]["adopted"], true);
    assert_eq!(desk.lab.census().backup_jobs, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_job_that_it_can_be_is_adopted() {
    let desk = interrupted(&[Fault::JobsUnmarked]).await;
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(document["backup"]["adopted"], true);
    assert_eq!(desk.lab.census().backup_jobs, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_ordered_while_it_could_be_either_of_two_jobs() {
    let desk = interrupted(&[Fault::JobsUnmarked]).await;
    somebody_else_backs_up(&desk).await;
    for _ in 0..2 {
        let (code, document) = desk.run(&[]).await;
        assert_eq!(code, Some(4), "{document:#}");
        assert_eq!(errors(&document), ["SS522"]);
        assert_eq!(desk.lab.census().backup_jobs, 2);
    }
    // As the finding advises, once a person has looked.
    let (code, document) = desk.run(&["--from", "backup"]).await;
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(document["backup"]["adopted"], false);
    assert_eq!(desk.lab.census().backup_jobs, 3);
    let (code, document) = desk.run(&[]).await;
    assert_eq!(code, Some(0), "{document:#}");
    assert_eq!(desk.lab.census().backup_jobs, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_order_is_dropped_and_given_again_later() {
    let desk = interrupted(&[]).await;
    let copy = desk.file("other.reg");
    fs::copy(desk.lab.registry_file(), &copy).unwrap();
    desk.connect("other.json", |access| {
        access.registry_file.clone_from(&copy);
    });
    let other = ["--lab", "other.json", "--from", "backup"];
    // The other one's backup still counts as running.
    let (code, document) = desk.run(&other).await;
    assert_eq!(
        (code, errors(&document)),
        (Some(5), vec!["SS514"]),
        "{document:#}"
    );
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("OperationCancelledBecauseConflicting"),
        "{message}"
    );
    let journal = written(&copy).concat();
    assert!(journal.contains("\"backup-dropped\""), "{journal}");
    somebody_else_backs_up(&desk).await;
}
