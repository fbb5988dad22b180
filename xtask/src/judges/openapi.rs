//! Microsoft's `OpenAPI` documents of Resource Manager.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::Verdict;
use documents::Documents;
use exchange::Exchange;
use judging::Bench;
use report::Report;

mod documents;
mod exchange;
mod exclusion;
mod finding;
mod judging;
mod members;
mod operations;
mod report;
mod schema;
#[cfg(test)]
mod tests;

/// Where the documents are, if not beside the repository.
const CONTRACT: &str = "SIDESTEP_CONTRACT";

/// What one source, a scenario or a file, logged.
struct Traffic {
    source: String,
    exchanges: Vec<Exchange>,
}

/// Rehearses every scenario and judges what was said to Azure and answered.
pub(super) fn judge(out: &mut dyn Write) -> anyhow::Result<Verdict> {
    let specs = specs();
    if !specs.is_dir() {
        return Ok(not_judged());
    }
    let traffic = rehearsed()?;
    for Traffic { source, exchanges } in &traffic {
        writeln!(out, "  scenario {source}: {} exchanges", exchanges.len())?;
    }
    verdict(&Documents::load(&specs)?, &traffic, out)
}

/// Judges logs that are there already.
pub(crate) fn logs(files: &[String], out: &mut dyn Write) -> anyhow::Result<Verdict> {
    let specs = specs();
    if !specs.is_dir() {
        return Ok(not_judged());
    }
    let traffic: anyhow::Result<Vec<Traffic>> = files
        .iter()
        .map(|file| {
            Ok(Traffic {
                source: file.clone(),
                exchanges: Exchange::log(Path::new(file))?,
            })
        })
        .collect();
    verdict(&Documents::load(&specs)?, &traffic?, out)
}

fn verdict(
    documents: &Documents,
    traffic: &[Traffic],
    out: &mut dyn Write,
) -> anyhow::Result<Verdict> {
    let bench = Bench::new(documents)?;
    writeln!(out, "  documented operations: {}", bench.operations())?;
    let mut report = Report::default();
    for Traffic { source, exchanges } in traffic {
        for exchange in exchanges {
            report.add(source, exchange, bench.judge(exchange)?);
        }
    }
    report.print(out)?;
    Ok(match (report.exchanges, report.disagreements) {
        (0, _) => Verdict::Disagrees("nothing was said to Azure".to_owned()),
        (_, 0) => Verdict::Agrees(report.tried()),
        (_, some) => Verdict::Disagrees(format!("{some} places in {}", report.tried())),
    })
}

fn specs() -> PathBuf {
    let contract = env::var_os(CONTRACT).map_or_else(
        || crate::workspace().join("../shared/contract"),
        PathBuf::from,
    );
    contract.join("specs")
}

fn not_judged() -> Verdict {
    Verdict::NotJudged(format!(
        "Microsoft's documents are not here; {CONTRACT} says where they are"
    ))
}

/// Exit codes that say nothing about a scenario: wrong arguments, and a bug.
const UNUSABLE: [i32; 2] = [2, 70];

/// What each scenario's rehearsal said to Azure. That a rehearsal fails is part
/// of some scenarios.
fn rehearsed() -> anyhow::Result<Vec<Traffic>> {
    let built = cargo(&["build"]).status()?;
    ensure!(built.success(), "cargo build failed");
    let folder = tempfile::tempdir()?;
    let mut traffic = Vec::new();
    for scenario in scenarios()? {
        let log = folder.path().join(format!("{scenario}.jsonl"));
        let ended = cargo(&["run"])
            .args(["--", "rehearse", "--quiet", "--scenario", &scenario])
            .arg("--azure-log")
            .arg(&log)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        ensure!(
            ended.code().is_some_and(|code| !UNUSABLE.contains(&code)),
            "the rehearsal of {scenario}: {ended}"
        );
        let exchanges = if log.exists() {
            Exchange::log(&log)?
        } else {
            Vec::new()
        };
        traffic.push(Traffic {
            source: scenario,
            exchanges,
        });
    }
    Ok(traffic)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(arguments)
        .args(["--release", "--locked", "--quiet"])
        .current_dir(crate::workspace())
        .stdin(Stdio::null());
    command
}

fn scenarios() -> anyhow::Result<Vec<String>> {
    let folder = crate::workspace().join("crates/lab/scenarios");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("toml"))
            && let Some(name) = path.file_stem().and_then(OsStr::to_str)
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
