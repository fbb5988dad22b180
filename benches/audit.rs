//! Reading a proxy's log: the released `sidestep audit` beside `wc -l`, which only
//! looks for line feeds, and ripgrep, which looks for the names anywhere.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench audit`

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use sidestep_benches::{Contender, Rounds};
use sidestep_model::catalogue::{Catalogue, Cloud};

const MEGABYTES: u64 = 250;
const ROUNDS: usize = 9;
/// What writes the log.
const GENERATOR: &str = include_str!("../xtask/src/gen_log.rs");

fn main() -> anyhow::Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the workspace is above")?;
    let sidestep = built(workspace)?;
    let log = generated(workspace)?;
    let patterns = log.with_file_name("patterns");
    fs::write(&patterns, protected_names())?;

    let audit = |threads: &str| {
        let mut command = Command::new(&sidestep);
        // Exit code 1 says that something crossed.
        command.args([
            "audit",
            "--json",
            "--cloud",
            "AzureCloud",
            "--threads",
            threads,
        ]);
        command.arg(&log).current_dir(env!("CARGO_MANIFEST_DIR"));
        command
    };
    let wc = || {
        let mut command = Command::new("wc");
        command.arg("-l").arg(&log);
        command
    };
    let ripgrep = || {
        let mut command = Command::new("rg");
        command.args(["-c", "-F", "-f"]).arg(&patterns).arg(&log);
        command
    };
    let document: Value = serde_json::from_slice(&output(audit("2"))?)?;
    let connections = document["leaks"].as_array().into_iter().flatten();
    let connections = connections.filter_map(|leak| leak["connections"].as_u64());
    println!(
        "{} lines, {} bytes, {} of them leaks; medians of {ROUNDS} rounds, taken in turns",
        document["lines"],
        document["bytes_read"],
        connections.sum::<u64>()
    );

    let mut commands: Vec<(&str, Box<dyn Fn() -> Command + '_>)> = vec![
        ("sidestep audit, 1 thread", Box::new(|| audit("1"))),
        ("sidestep audit, 2 threads", Box::new(|| audit("2"))),
    ];
    if has("wc") {
        let counted = String::from_utf8(output(wc())?)?;
        let lines = counted.split_whitespace().next().unwrap_or_default();
        ensure!(
            document["lines"].to_string() == lines,
            "wc counts {lines} lines"
        );
        commands.push(("wc -l", Box::new(wc)));
    } else {
        println!("wc: not measured (it is not there)");
    }
    if has("rg") {
        let found = String::from_utf8(output(ripgrep())?)?;
        println!("ripgrep finds the names in {} lines", found.trim());
        commands.push(("rg -c -F -f", Box::new(ripgrep)));
    } else {
        println!("ripgrep: not measured (it is not there)");
    }
    let mut contenders: Vec<Contender<'_>> = commands
        .iter()
        .map(|(name, command)| {
            Contender::new(name, move || {
                output(command()).expect("it ran before");
            })
        })
        .collect();
    let rounds = Rounds::of(&mut contenders, ROUNDS);
    println!("\n{:<28} {:>6} {:>8}  speed ÷ its", "", "ms", "MB/s");
    for (name, _) in &commands {
        let median = rounds.median(name);
        let speed = |base: &&(&str, _)| format!("{} {:.2}", base.0, rounds.ratio(base.0, name));
        let peers: Vec<String> = commands
            .iter()
            .skip(2)
            .filter(|(peer, _)| peer != name)
            .collect::<Vec<_>>()
            .iter()
            .map(speed)
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "megabytes for a person")]
        let megabytes = MEGABYTES as f64;
        println!(
            "{name:<28} {:>6} {:>8.0}  {}",
            median.as_millis(),
            megabytes / median.as_secs_f64(),
            peers.join(" · ")
        );
    }
    for threads in ["1", "2"] {
        match peak_memory(audit(threads))? {
            Some(kibibytes) => println!("memory, {threads} thread(s): {} KiB at most", kibibytes),
            None => println!("memory: not measured (no /proc)"),
        }
    }
    Ok(())
}

/// The program as it is released.
fn built(workspace: &Path) -> anyhow::Result<PathBuf> {
    cargo(
        workspace,
        &[
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--package",
            "sidestep-cli",
        ],
    )?;
    Ok(workspace.join("target/release/sidestep"))
}

/// The log to read, written anew when what wrote it has changed or it has.
fn generated(workspace: &Path) -> anyhow::Result<PathBuf> {
    let folder = workspace.join("benches/target/logs");
    fs::create_dir_all(&folder)?;
    let log = folder.join(format!("squid-{MEGABYTES}.log"));
    let made_by = log.with_extension("made-by");
    let maker = || -> std::io::Result<String> {
        let length = fs::metadata(&log)?.len();
        Ok(format!("{length} bytes by\n{GENERATOR}"))
    };
    let is_sound =
        maker().is_ok_and(|maker| fs::read_to_string(&made_by).is_ok_and(|by| by == maker));
    if !is_sound {
        let (path, megabytes) = (log.to_string_lossy(), MEGABYTES.to_string());
        cargo(
            workspace,
            &["xtask", "gen-log", "--megabytes", &megabytes, &path],
        )?;
        fs::write(&made_by, maker()?)?;
    }
    Ok(log)
}

fn cargo(workspace: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(workspace)
        .status()?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}

/// What ripgrep looks for: a name, or the end of the names that a pattern covers.
fn protected_names() -> String {
    let endpoints = Catalogue::of(Cloud::AzureCloud).endpoints().iter();
    let protected = endpoints.filter(|endpoint| endpoint.service.is_protected());
    let names = protected.map(|endpoint| endpoint.pattern.trim_start_matches('*'));
    names.flat_map(|name| [name, "\n"]).collect()
}

fn has(program: &str) -> bool {
    let version = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

fn output(mut command: Command) -> anyhow::Result<Vec<u8>> {
    let output = command.output()?;
    let code = output.status.code();
    ensure!(
        matches!(code, Some(0 | 1)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}

/// The most memory that a process held, in KiB, as Linux tells while it lives.
fn peak_memory(mut command: Command) -> anyhow::Result<Option<u64>> {
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = None;
    while child.try_wait()?.is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(now);
        thread::sleep(Duration::from_millis(1));
    }
    Ok(peak)
}
