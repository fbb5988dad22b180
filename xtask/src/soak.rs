//! Fuzzing: the targets of `fuzz/`, each for a while.
//!
//! What is found goes below the target folder and never into the committed
//! corpus. Where cargo-fuzz cannot be had nothing is judged, and nothing passed.

use std::ffi::OsStr;
use std::io::Write;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, mpsc};
use std::{fs, thread};

use anyhow::{Context as _, anyhow, bail, ensure};

use crate::check_deps::metadata;

/// No sanitizer: the product's own code is safe, and stable Rust has none.
const WITHOUT_SANITIZER: [&str; 2] = ["--sanitizer", "none"];

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// All, if none is named.
    targets: Vec<String>,
    /// For each target.
    seconds: NonZero<usize>,
    /// Targets at a time; as many as there are cores, if not given.
    jobs: Option<NonZero<usize>>,
}

impl Options {
    /// Reads `[TARGET]... [--seconds N] [--jobs N]`, or says what is wrong.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            targets: Vec::new(),
            seconds: const { NonZero::new(600).unwrap() },
            jobs: None,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut number = || {
                arguments
                    .next()
                    .and_then(|number| number.parse().ok())
                    .ok_or_else(|| format!("{argument} takes a number from 1"))
            };
            match argument.as_str() {
                "--seconds" => options.seconds = number()?,
                "--jobs" => options.jobs = Some(number()?),
                option if option.starts_with('-') => return Err(format!("no option {option}")),
                target => options.targets.push(target.to_owned()),
            }
        }
        Ok(options)
    }
}

/// Fuzzes each target; false if one crashes.
pub(crate) fn run(
    workspace: &Path,
    options: &Options,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let targets = chosen(&options.targets, known_targets(workspace)?)?;
    let soak = match Soak::build(workspace, options.seconds) {
        Ok(soak) => soak,
        Err(Unavailable::Here(reason)) => {
            writeln!(out, "soak: not judged ({reason})")?;
            return Ok(true);
        }
        Err(Unavailable::Broken(error)) => return Err(error),
    };
    let jobs = match options.jobs {
        Some(jobs) => jobs.get(),
        None => thread::available_parallelism().map_or(1, NonZero::get),
    };
    writeln!(
        out,
        "soak: {} s for each of {}, {jobs} at a time",
        options.seconds,
        targets.join(", ")
    )?;
    let queue = Mutex::new(targets.iter());
    let next = || queue.lock().ok()?.next();
    let (sender, outcomes) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while let Some(target) = next() {
                    if sender.send((target, soak.fuzz(target))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut all_clean = true;
        for (target, outcome) in outcomes {
            match outcome.with_context(|| target.clone())? {
                Outcome::Clean(tally) => writeln!(out, "soak {target}: clean ({tally})")?,
                Outcome::Crash { complaint, input } => {
                    all_clean = false;
                    writeln!(out, "soak {target}: CRASH ({complaint})")?;
                    writeln!(out, "  {}", soak.shown(&input).display())?;
                    writeln!(out, "  {}", soak.reproduction(target, &input))?;
                }
            }
        }
        Ok(all_clean)
    })
}

fn known_targets(workspace: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(OsStr::to_str).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn chosen(named: &[String], known: Vec<String>) -> anyhow::Result<Vec<String>> {
    if let Some(unknown) = named.iter().find(|name| !known.contains(name)) {
        bail!("unknown target `{unknown}`: {}", known.join(", "));
    }
    Ok(if named.is_empty() {
        known
    } else {
        named.to_vec()
    })
}

/// Why there is nothing to run.
enum Unavailable {
    /// This computer has no cargo-fuzz, or not what it needs.
    Here(String),
    /// It has, and the targets do not compile.
    Broken(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Unavailable {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

/// The compiled targets and where their findings go.
struct Soak<'a> {
    workspace: &'a Path,
    folder: PathBuf,
    programs: PathBuf,
    seconds: NonZero<usize>,
}

impl<'a> Soak<'a> {
    fn build(workspace: &'a Path, seconds: NonZero<usize>) -> Result<Self, Unavailable> {
        if !is_installed() {
            install()?;
        }
        let folder = metadata(workspace)?["target_directory"]
            .as_str()
            .map(|target| Path::new(target).join("soak"))
            .context("cargo metadata names no target directory")?;
        let triple = host_triple()?;
        let built = cargo()
            .args(["fuzz", "build", "--fuzz-dir", "fuzz", "--target", &triple])
            .args(WITHOUT_SANITIZER)
            .arg("--target-dir")
            .arg(folder.join("build"))
            .current_dir(workspace)
            .output()?;
        let soak = Self {
            workspace,
            programs: folder.join("build").join(triple).join("release"),
            folder,
            seconds,
        };
        if built.status.success() {
            return Ok(soak);
        }
        let said = String::from_utf8_lossy(&built.stderr);
        // Our own code is ours to mend; what else there is to say is about the computer.
        Err(if said.contains("could not compile `sidestep-") {
            Unavailable::Broken(anyhow!("cargo fuzz build: {said}"))
        } else {
            let error = said.lines().find(|line| line.starts_with("error"));
            let error = error.unwrap_or("it says nothing");
            Unavailable::Here(format!("cargo fuzz build: {error}"))
        })
    }

    /// The committed corpus first, then as long as was asked.
    fn fuzz(&self, target: &str) -> anyhow::Result<Outcome> {
        let corpus = self.workspace.join("fuzz/corpus").join(target);
        ensure!(corpus.is_dir(), "no corpus in {}", corpus.display());
        let found = self.folder.join("found").join(target);
        let crashes = self.folder.join("crashes").join(target);
        for folder in [&found, &crashes] {
            fs::create_dir_all(folder)?;
        }
        let libfuzzer = |limit: String, folders: &[&Path]| {
            Command::new(self.programs.join(target))
                .args([limit, format!("-artifact_prefix={}/", crashes.display())])
                .args(["-print_final_stats=1", "-timeout=10"])
                .args(folders)
                .current_dir(self.workspace)
                .output()
        };
        let replayed = Outcome::of(&libfuzzer("-runs=0".to_owned(), &[&corpus])?)?;
        if matches!(replayed, Outcome::Crash { .. }) {
            return Ok(replayed);
        }
        let limit = format!("-max_total_time={}", self.seconds);
        // libFuzzer writes into the first folder alone.
        Outcome::of(&libfuzzer(limit, &[&found, &corpus])?)
    }

    fn reproduction(&self, target: &str, input: &Path) -> String {
        format!(
            "cargo fuzz run --fuzz-dir fuzz {} --target-dir {} {target} {}",
            WITHOUT_SANITIZER.join(" "),
            self.shown(&self.folder.join("build")).display(),
            self.shown(input).display()
        )
    }

    fn shown<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(self.workspace).unwrap_or(path)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// What was done, in words.
    Clean(String),
    Crash {
        complaint: String,
        /// The input's file.
        input: PathBuf,
    },
}

impl Outcome {
    /// Reads what libFuzzer said when it ended.
    fn of(output: &Output) -> anyhow::Result<Self> {
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return tally(&said).map(Self::Clean);
        }
        // A slow input may be written before; the last one ended it.
        let input = said
            .lines()
            .rev()
            .find_map(|line| Some(line.split_once("Test unit written to ")?.1))
            .with_context(|| format!("ended by itself, {}: {said}", output.status))?;
        let mut lines = said.lines();
        let complaint = match lines.find(|line| line.contains("panicked at ")) {
            Some(_) => lines.next(),
            None => said
                .lines()
                .find(|line| line.contains("ERROR: libFuzzer: ")),
        };
        Ok(Self::Crash {
            complaint: complaint.unwrap_or_default().to_owned(),
            input: input.into(),
        })
    }
}

/// Executions, their rate and the edges that they reached.
fn tally(said: &str) -> anyhow::Result<String> {
    let number = |label: &str| {
        let (_, after) = said.rsplit_once(label)?;
        after.split_whitespace().next()?.parse::<u64>().ok()
    };
    let tally = number("stat::number_of_executed_units:")
        .zip(number("stat::average_exec_per_sec:"))
        .zip(number(" cov: "));
    let ((executions, rate), edges) = tally.context("libFuzzer's figures cannot be read")?;
    Ok(format!(
        "{executions} executions, {rate} a second, {edges} edges"
    ))
}

fn cargo() -> Command {
    Command::new(env!("CARGO"))
}

fn is_installed() -> bool {
    cargo()
        .args(["fuzz", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn install() -> Result<(), Unavailable> {
    let installed = cargo()
        .args(["install", "cargo-fuzz", "--locked", "--quiet"])
        .output()?;
    if installed.status.success() && is_installed() {
        Ok(())
    } else {
        let reason = "cargo-fuzz is not installed, and cargo could not install it";
        Err(Unavailable::Here(reason.to_owned()))
    }
}

fn host_triple() -> anyhow::Result<String> {
    let output = cargo().arg("-vV").output()?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("cargo does not say what it runs on")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Options, String> {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        Options::parse(&arguments)
    }

    #[test]
    fn options_stand_anywhere() {
        let options = parse("blob --seconds 30 registry_file --jobs 2").unwrap();
        assert_eq!(options.targets, ["blob", "registry_file"]);
        assert_eq!(options.seconds.get(), 30);
        assert_eq!(options.jobs.map(NonZero::get), Some(2));
        assert_eq!(parse("").unwrap().seconds.get(), 600);
        for wrong in ["--seconds", "--seconds 0", "--jobs x", "--minutes 1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_target_is_named_with_the_known_ones() {
        let known = || vec!["blob".to_owned(), "registry_file".to_owned()];
        assert_eq!(chosen(&[], known()).unwrap(), known());
        assert_eq!(
            chosen(&["reg".to_owned()], known())
                .unwrap_err()
                .to_string(),
            "unknown target `reg`: blob, registry_file"
        );
    }

    #[test]
    fn the_last_figures_count() {
        let said = "#2\tINITED cov: 3 ft: 3\n#9\tDONE   cov: 630 ft: 1587 corp: 356/85Kb\n\
                    stat::number_of_executed_units: 864272\nstat::average_exec_per_sec:     18788\n";
        assert_eq!(
            tally(said).unwrap(),
            "864272 executions, 18788 a second, 630 edges"
        );
        assert!(tally("").is_err());
    }
}
