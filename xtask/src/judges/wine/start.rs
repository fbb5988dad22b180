//! What a start of the program costs beyond that of the smallest one.

use std::time::{Duration, Instant};

use super::Tally;
use super::desk::Desk;

/// The most that it may cost.
const MOST: Duration = Duration::from_millis(50);

/// How many starts of each are compared, in turns, so that whatever else the
/// computer does meanwhile meets both.
const STARTS: usize = 31;

/// A computer that is busy for a while gets so many more looks.
const LOOKS: usize = 5;

pub(super) fn start(desk: &Desk, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let mut looks = Vec::new();
    while looks.len() < LOOKS
        && looks
            .iter()
            .all(|(small, ours)| more(*small, *ours) >= MOST)
    {
        looks.push(look(desk)?);
    }
    let best = looks.iter().min_by_key(|(small, ours)| more(*small, *ours));
    let (small, ours) = best.copied().unwrap_or_default();
    let more = more(small, ours).as_millis();
    tally.see(more < MOST.as_millis(), || {
        format!(
            "in none of {} looks under {} ms",
            looks.len(),
            MOST.as_millis()
        )
    });
    tally.end(&format!(
        "a start costs {more} ms more than that of a program that says hello ({} ms), by the \
         medians of {STARTS} starts of each, at the best of {} looks",
        small.as_millis(),
        looks.len()
    ))
}

fn more(small: Duration, ours: Duration) -> Duration {
    ours.saturating_sub(small)
}

/// The medians of many starts: the smallest program's, and ours.
fn look(desk: &Desk) -> anyhow::Result<(Duration, Duration)> {
    let timed = |arguments: &[&str]| -> anyhow::Result<Duration> {
        let begin = Instant::now();
        desk.wine.done(arguments)?;
        Ok(begin.elapsed())
    };
    let (mut small, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        small.push(timed(&["/judge/hello.exe"])?);
        ours.push(timed(&["/judge/sidestep.exe", "--version"])?);
    }
    Ok((median(small), median(ours)))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
