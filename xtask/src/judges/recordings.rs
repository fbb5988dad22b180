//! Microsoft's recordings of `az backup` against real Azure.
//!
//! Each recorded request that Sidestep sends too is asked for again, of a server
//! on loopback that answers as Azure did; the two requests must be equal and the
//! answer understood. The recordings are not part of the project: where they
//! are absent, nothing is judged.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context as _;

use super::Verdict;
use command::Command;
use recording::Interaction;
use replay::Replay;

mod command;
mod comparison;
mod drive;
mod outcome;
mod recording;
mod replay;

/// Where the recordings are looked for, besides beside the project.
const VARIABLE: &str = "SIDESTEP_CONTRACT";

/// Disagreements beyond these add nothing to what the first ones show.
const SHOWN: usize = 20;

/// What was found, over all files.
#[derive(Default)]
struct Tally {
    files: usize,
    interactions: usize,
    /// Requests that are equal to the recorded ones.
    equal: BTreeMap<&'static str, usize>,
    /// Polls that went where an answer said, to the letter.
    followed: usize,
    /// Answers that came out as values, or as the error that they are.
    understood: BTreeMap<&'static str, usize>,
    /// Interactions that were not compared, or only in part, by reason.
    excluded: BTreeMap<String, usize>,
    disagreements: Vec<String>,
}

/// Asks the judge.
pub(super) fn judge(out: &mut dyn Write) -> anyhow::Result<Verdict> {
    let folder = folder();
    let files = match recordings(&folder) {
        Ok(files) if !files.is_empty() => files,
        _ => {
            return Ok(Verdict::NotJudged(format!(
                "no recordings in {}; {VARIABLE} names another folder",
                folder.display()
            )));
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut tally = Tally::default();
    for file in &files {
        let interactions = recording::read(file)?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        runtime
            .block_on(replayed(&name, interactions, &mut tally))
            .with_context(|| file.display().to_string())?;
        tally.files += 1;
    }
    report(&tally, out)?;
    let (equal, understood) = (total(&tally.equal), total(&tally.understood));
    Ok(if !tally.disagreements.is_empty() {
        Verdict::Disagrees(format!("{} disagreements", tally.disagreements.len()))
    } else if equal == 0 || understood == 0 {
        Verdict::Disagrees("the recordings hold nothing that Sidestep asks for".to_owned())
    } else {
        Verdict::Agrees(format!(
            "{} interactions in {} files: {equal} requests equal, {} polls to the letter, \
             {understood} answers understood, {} exclusions",
            tally.interactions,
            tally.files,
            tally.followed,
            total(&tally.excluded)
        ))
    })
}

fn folder() -> PathBuf {
    let contract = env::var_os(VARIABLE).map_or_else(
        || crate::workspace().join("../shared/contract"),
        PathBuf::from,
    );
    contract.join("recordings")
}

fn recordings(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Replays a file's interactions, one command after the other.
async fn replayed(
    file: &str,
    interactions: Vec<Interaction>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    tally.interactions += interactions.len();
    let replay = Replay::start(interactions.clone()).await?;
    let mut is_polled = vec![false; interactions.len()];
    for (at, interaction) in interactions.iter().enumerate() {
        if is_polled[at] {
            continue;
        }
        let command = match Command::recognised(interaction) {
            Ok(command) => command,
            Err(reason) => {
                *tally.excluded.entry(reason).or_default() += 1;
                continue;
            }
        };
        let polls = recording::polls(&interactions, at);
        for poll in &polls {
            is_polled[*poll] = true;
        }
        replay.load(at, &polls);
        let outcome = drive::drive(command.kind, replay.azure(), interaction).await;
        let seen = replay.seen();
        let mut complain = |complaint: String| {
            tally
                .disagreements
                .push(format!("{file} #{at} {}: {complaint}", command.name()));
        };

        match (&command.exclusion, seen.first) {
            (Some(reason), _) => {
                *tally
                    .excluded
                    .entry(format!("request: {reason}"))
                    .or_default() += 1;
            }
            (None, None) => complain("nothing was sent".to_owned()),
            (None, Some(sent)) => {
                let compared = comparison::compare(command.kind, &sent, interaction);
                for reason in compared.excluded {
                    *tally.excluded.entry(format!("keys: {reason}")).or_default() += 1;
                }
                if compared.differences.is_empty() {
                    *tally.equal.entry(command.name()).or_default() += 1;
                }
                for difference in compared.differences {
                    complain(difference);
                }
            }
        }
        tally.followed += seen.followed;
        for complaint in seen.complaints {
            complain(complaint);
        }

        match outcome::judge(command.kind, &outcome, interaction, &interactions, &polls) {
            Ok(()) => *tally.understood.entry(command.name()).or_default() += 1 + polls.len(),
            Err(complaint) => complain(complaint),
        }
    }
    Ok(())
}

fn report(tally: &Tally, out: &mut dyn Write) -> anyhow::Result<()> {
    for disagreement in tally.disagreements.iter().take(SHOWN) {
        writeln!(out, "  {disagreement}")?;
    }
    if tally.disagreements.len() > SHOWN {
        writeln!(out, "  … and {} more", tally.disagreements.len() - SHOWN)?;
    }
    for (name, count) in &tally.equal {
        writeln!(out, "  equal      {count:>5}  {name}")?;
    }
    writeln!(
        out,
        "  followed   {:>5}  polls, to the letter",
        tally.followed
    )?;
    for (name, count) in &tally.understood {
        writeln!(out, "  understood {count:>5}  {name}, with its polls")?;
    }
    for (reason, count) in &tally.excluded {
        writeln!(out, "  excluded   {count:>5}  {reason}")?;
    }
    Ok(())
}

fn total<K>(counts: &BTreeMap<K, usize>) -> usize {
    counts.values().sum()
}
