//! A real squid, on the way of a machine in a network of its own: its access log
//! says what came to it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Verdict;
use network::{Network, RESOLVER};

mod export;
pub(super) mod network;

/// The ends of the names that a site sends direct and by no other way.
const PROTECTED: [&str; 3] = [
    ".backup.windowsazure.com",
    ".blob.core.windows.net",
    ".queue.core.windows.net",
];

/// What one look at every way left behind.
struct Check {
    /// How it ended.
    exit: Option<i32>,
    /// What it printed.
    document: Value,
    /// The hosts that squid was asked for meanwhile.
    by_proxy: Vec<String>,
}

pub(super) fn judge(out: &mut dyn Write) -> anyhow::Result<Verdict> {
    let program = network::program()?;
    let network = match Network::start(&program)? {
        Ok(network) => network,
        Err(reason) => return Ok(Verdict::NotJudged(reason)),
    };
    let registry = network.folder().join("accounts.reg");
    fs::write(&registry, export::as_found(network::PROXY))?;
    let registry = registry.display().to_string();
    let site = network.site().display().to_string();
    let run = |arguments: &[&str]| on_machine(&network, &program, arguments);
    before_and_after(&network, &site, &registry, run, out)
}

/// Looks at every way as found, after `apply` and after `undo`, and holds against
/// each other what came to squid. `run` is Sidestep in the machine's network.
pub(super) fn before_and_after(
    network: &Network,
    site: &str,
    at: &str,
    run: impl Fn(&[&str]) -> anyhow::Result<Output>,
    out: &mut dyn Write,
) -> anyhow::Result<Verdict> {
    let check = || Check::look(network, || run(&["check", site, "--at", at, "--json"]));
    let change = |arguments: &[&str]| -> anyhow::Result<()> {
        let output = run(arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}: {said}", arguments[0]);
        Ok(())
    };
    let found = check()?;
    change(&["apply", site, "--at", at, "--yes"])?;
    let applied = check()?;
    change(&["undo", "--at", at, "--yes"])?;
    let undone = check()?;
    compare(&[found, applied, undone], out)
}

impl Check {
    /// Runs `sidestep check … --json` by `run`, and takes what squid logged meanwhile.
    fn look(
        network: &Network,
        run: impl FnOnce() -> anyhow::Result<Output>,
    ) -> anyhow::Result<Self> {
        let (output, by_proxy) = network.with_squid(run)?;
        let document = serde_json::from_slice(&output.stdout).with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            format!("sidestep check: {said}")
        })?;
        Ok(Self {
            exit: output.status.code(),
            document,
            by_proxy,
        })
    }

    /// Of what squid was asked for, what should never come to it.
    fn protected(&self) -> usize {
        let is_protected = |host: &&String| PROTECTED.iter().any(|end| host.ends_with(end));
        self.by_proxy.iter().filter(is_protected).count()
    }

    /// How many ways led to an answer without the proxy.
    fn reached_direct(&self) -> usize {
        let probes = self.document["probes"].as_array();
        let is_reached =
            |probe: &&Value| probe["route"] == "direct" && probe["http_status"].is_u64();
        probes.map_or(0, |probes| probes.iter().filter(is_reached).count())
    }
}

/// As found, after `apply`, and after `undo`.
fn compare([found, applied, undone]: &[Check; 3], out: &mut dyn Write) -> anyhow::Result<Verdict> {
    let mut against = Vec::new();
    let mut hold = |is_so: bool, words: &str| {
        if !is_so {
            against.push(words.to_owned());
        }
    };
    for (when, check) in [
        ("as found", found),
        ("after apply", applied),
        ("after undo", undone),
    ] {
        writeln!(
            out,
            "  {when}: squid was asked for {} names, {} of Backup and Storage; {} ways reached \
             directly, verdict {}",
            check.by_proxy.len(),
            check.protected(),
            check.reached_direct(),
            check.document["verdict"].as_str().unwrap_or("unknown"),
        )?;
    }
    for end in PROTECTED {
        let is_seen = found.by_proxy.iter().any(|host| host.ends_with(end));
        hold(is_seen, &format!("as found, no name *{end} came to squid"));
    }
    hold(found.exit == Some(1), "as found, check does not fail");
    hold(
        applied.protected() == 0,
        "after apply, Backup or Storage came to squid",
    );
    hold(applied.exit == Some(0), "after apply, check does not pass");
    hold(
        applied.reached_direct() >= found.protected(),
        "after apply, fewer ways are reached directly than came to squid before",
    );
    hold(
        undone.protected() == found.protected(),
        "after undo, squid is asked for other names than as found",
    );
    for words in &against {
        writeln!(out, "  {words}")?;
    }
    Ok(match against.len() {
        0 => Verdict::Agrees(format!(
            "{} names of Backup and Storage before, 0 after, {} after undo",
            found.protected(),
            undone.protected()
        )),
        some => Verdict::Disagrees(format!("{some} against")),
    })
}

/// The program for this computer, in the machine's network, which asks the machine's DNS.
fn on_machine(network: &Network, program: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    const SCRIPT: &str = r#"mount --bind "$0" /etc/resolv.conf && exec "$@""#;
    let resolver = network.folder().join("resolv.conf");
    fs::write(&resolver, format!("nameserver {RESOLVER}\n"))?;
    let authority = network.authority().display().to_string();
    let mut command = Command::new("nsenter");
    command
        .args(["--target", &network.machine().to_string(), "--net"])
        .args(["unshare", "--mount", "--propagation", "private"])
        .args(["sh", "-c", SCRIPT])
        .arg(resolver)
        .arg(program)
        .args(arguments)
        .envs(network.environment(&authority))
        .stdin(Stdio::null());
    Ok(command.output()?)
}
