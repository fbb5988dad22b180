//! `run` is killed at every request that it sends to Azure, before the request is
//! handled and after it; the next run ends in the same state and does nothing twice.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sidestep_lab::{Census, When};
use support::{Desk, Start};
use tokio::task::JoinSet;

/// Runs at the same time; each has a lab and processes of its own.
const AT_ONCE: usize = 4;

/// What was made, without the count of requests.
fn made(census: &Census) -> Census {
    Census {
        requests: BTreeMap::new(),
        ..census.clone()
    }
}

/// Requests that make or start something.
fn writes(census: &Census) -> usize {
    let reads = census.requests.get("GET").copied().unwrap_or_default();
    census.requests.values().sum::<usize>() - reads
}

/// The text of the accounts' values, without the blobs, whose counters move.
fn plain_values(registry: &Path) -> Vec<String> {
    let units: Vec<u16> = fs::read(registry)
        .unwrap()
        .chunks_exact(2)
        .map(|two| u16::from_le_bytes([two[0], two[1]]))
        .collect();
    let text = String::from_utf16(&units).unwrap();
    let is_plain = |line: &&str| line.starts_with("\"Proxy") || line.starts_with('[');
    text.lines().filter(is_plain).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_finds_everything_and_does_nothing_twice() {
    let desk = Desk::new(Start::Vault, &[]).await;
    let (code, first) = desk.run(&[]).await;
    assert_eq!(
        (code, &first["outcome"]),
        (Some(0), &"done".into()),
        "{first:#}"
    );
    let after_first = desk.lab.census();
    let (code, second) = desk.run(&[]).await;
    assert_eq!(
        (code, &second["outcome"]),
        (Some(0), &"done".into()),
        "{second:#}"
    );
    let after_second = desk.lab.census();
    assert_eq!(writes(&after_first), writes(&after_second));
    assert_eq!(made(&after_first), made(&after_second));
    for step in second["steps"].as_array().unwrap() {
        assert_eq!(step["outcome"], "done", "{second:#}");
    }
    let states = second["resources"].as_array().unwrap();
    assert!(
        states.iter().all(|one| one["state"] == "found"),
        "{second:#}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_killed_at_any_request_goes_on_and_does_nothing_twice() {
    killed_at_every(1, Start::Vault).await;
}

/// Every third request; [`a_run_from_nothing_killed_at_any_request_goes_on`] takes all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_from_nothing_killed_at_some_requests_goes_on() {
    killed_at_every(3, Start::Nothing).await;
}

/// `cargo test -p sidestep-cli --test killed -- --ignored` takes a minute or two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "its sample above is enough for every change"]
async fn a_run_from_nothing_killed_at_any_request_goes_on() {
    killed_at_every(1, Start::Nothing).await;
}

/// Kills a run at each `step`-th request, and has another one finish its work.
async fn killed_at_every(step: usize, start: Start) {
    let whole = Desk::new(start, &[]).await;
    let (code, document) = whole.run(&[]).await;
    assert_eq!(code, Some(0), "{document:#}");
    let census = whole.lab.census();
    let requests: usize = census.requests.values().sum();
    let wanted = made(&census);
    let values = plain_values(&whole.lab.registry_file());
    assert_eq!(wanted.backup_jobs, 1);
    assert_eq!(wanted.registrations, 1);

    let killed = Arc::new(AtomicUsize::new(0));
    let mut positions = (1..=requests as u64).step_by(step).flat_map(|number| {
        [
            (number, When::BeforeHandling),
            (number, When::BeforeAnswering),
        ]
    });
    let mut trials = JoinSet::new();
    loop {
        while trials.len() < AT_ONCE
            && let Some((number, when)) = positions.next()
        {
            let (wanted, values, killed) = (wanted.clone(), values.clone(), killed.clone());
            trials.spawn(async move {
                let desk = Desk::new(start, &[]).await;
                if desk.kill_at(number, when, &[]).await {
                    killed.fetch_add(1, Ordering::Relaxed);
                }
                let (code, document) = desk.run(&[]).await;
                assert_eq!(code, Some(0), "killed at {number} {when:?}: {document:#}");
                let seen = made(&desk.lab.census());
                assert_eq!(seen, wanted, "killed at {number} {when:?}");
                let registry = desk.lab.registry_file();
                assert_eq!(
                    plain_values(&registry),
                    values,
                    "killed at {number} {when:?}"
                );
            });
        }
        match trials.join_next().await {
            Some(trial) => trial.unwrap(),
            None => break,
        }
    }
    // Polls come as often as they come; all but a few positions exist each time.
    let killed = killed.load(Ordering::Relaxed);
    assert!(
        killed > requests / step,
        "{killed} of {}",
        2 * requests / step
    );
}
