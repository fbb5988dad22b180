//! Wine 10 in a Debian of its own, below the target folder.
//!
//! The Debian of this computer may carry an older Wine, which reads less of the
//! settings and does not tell an administrator from another. Mounts are made in
//! a namespace of their own, so that none is left behind.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, ensure};

use crate::debian;

const SUITE: &str = "trixie";
const PACKAGES: &str = "ca-certificates,squid,wine,wine64";

/// What is put into the folder when it is whole.
const WHOLE: &str = "judge/whole";

/// Where the judge's own files are, as seen from inside.
pub(super) const INSIDE: &str = "/judge";

/// A Wine that runs until this is dropped.
pub(super) struct Wine {
    root: PathBuf,
    /// Lives in the other root; commands enter by it.
    holder: Child,
}

impl Wine {
    /// Starts a Wine with an empty registry, in the network of a process or this
    /// one's; else why there is none.
    pub(super) fn start(
        folder: &Path,
        network: Option<u32>,
    ) -> anyhow::Result<Result<Self, String>> {
        let root = folder.join(SUITE);
        if let Err(reason) = install(&root) {
            return Ok(Err(reason));
        }
        let Some(holder) = hold(&root, network)? else {
            return Ok(Err("this process may not mount anything".to_owned()));
        };
        let wine = Self { root, holder };
        let prefix = wine.folder().join("prefix");
        if prefix.exists() {
            fs::remove_dir_all(&prefix)?;
        }
        wine.quietly(&["wine", "wineboot", "-i"])?;
        // Keys of service accounts are kept by the server alone, so it stays.
        wine.quietly(&["wineserver", "-w"])?;
        wine.quietly(&["wineserver", "-p"])?;
        wine.quietly(&["wine", "wineboot"])?;
        Ok(Ok(wine))
    }

    /// Shows a folder of this computer inside, by the same path; false where that
    /// is not allowed.
    pub(super) fn show(&self, folder: &Path) -> anyhow::Result<bool> {
        const SCRIPT: &str = r#"mkdir -p "$0$1" && mount --bind "$1" "$0$1""#;
        let status = Command::new("nsenter")
            .args(["--target", &self.process().to_string(), "--mount"])
            .args(["sh", "-c", SCRIPT])
            .arg(fs::canonicalize(&self.root)?)
            .arg(folder)
            .status()?;
        Ok(status.success())
    }

    /// A process inside.
    pub(super) fn process(&self) -> u32 {
        self.holder.id()
    }

    /// Its version, in its own words.
    pub(super) fn version(&self) -> anyhow::Result<String> {
        let output = self.inside(["wine", "--version"]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The judge's folder, seen from outside.
    pub(super) fn folder(&self) -> PathBuf {
        self.root.join(INSIDE.trim_start_matches('/'))
    }

    /// Drive C:, seen from outside.
    pub(super) fn drive_c(&self) -> PathBuf {
        self.folder().join("prefix/drive_c")
    }

    /// Who answers names.
    pub(super) fn ask_names_of(&self, server: &str) -> anyhow::Result<()> {
        let file = self.root.join("etc/resolv.conf");
        Ok(fs::write(file, format!("nameserver {server}\n"))?)
    }

    /// Names that lead to this computer.
    pub(super) fn name_hosts(&self, hosts: &[&str]) -> anyhow::Result<()> {
        let lines = hosts.iter().map(|host| format!("127.0.0.1 {host}\n"));
        Ok(fs::write(
            self.root.join("etc/hosts"),
            format!("127.0.0.1 localhost\n{}", lines.collect::<String>()),
        )?)
    }

    /// A program of the judge's folder, under Wine.
    pub(super) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = self.inside(["wine"]);
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs it and takes what it says.
    pub(super) fn run(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        Ok(self.program(arguments).output()?)
    }

    /// Runs it, and it has to succeed.
    pub(super) fn done(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.run(arguments)?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success(),
            "{}: {}, {said}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(said)
    }

    /// A command in the other root.
    pub(super) fn inside<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args([
                "--target",
                &self.holder.id().to_string(),
                "--mount",
                "--net",
                "--root",
            ])
            .args(["--wd", "env", "--ignore-environment"])
            .args(["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root"])
            .args(["LANG=C.UTF-8", "XDG_RUNTIME_DIR=/tmp"])
            .args(["WINEARCH=win64", "WINEDEBUG=-all"])
            .arg(format!("WINEPREFIX={INSIDE}/prefix"))
            .args(arguments);
        command
    }

    /// Ends programs of this name as the power would: at once, with no word to them.
    pub(super) fn kill(&self, program: &str) -> anyhow::Result<()> {
        let root = fs::canonicalize(&self.root)?;
        for entry in fs::read_dir("/proc")?.filter_map(Result::ok) {
            let is_here = fs::read_link(entry.path().join("root")).is_ok_and(|its| its == root);
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let name = line.split(|byte| *byte == 0).next().unwrap_or_default();
            if is_here && name.ends_with(program.as_bytes()) {
                // Fails where it ended meanwhile.
                Command::new("kill")
                    .arg("-KILL")
                    .arg(entry.file_name())
                    .output()?;
            }
        }
        Ok(())
    }

    /// What starts Wine's own services must not inherit a pipe that is read to its end.
    fn quietly(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let status = self
            .inside(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        ensure!(status.success(), "{}: {status}", arguments.join(" "));
        Ok(())
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Nobody is left to tell if this fails.
        drop(self.quietly(&["wineserver", "-k"]));
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

/// A process in the other root, with what Wine needs mounted for it alone, in
/// the network of another process or this one's; `None` where mounting is not allowed.
fn hold(root: &Path, network: Option<u32>) -> anyhow::Result<Option<Child>> {
    const SCRIPT: &str = r#"mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" &&
        mount -t tmpfs tmpfs "$0/dev/shm" &&
        exec chroot "$0" sh -c 'echo ready; exec sleep infinity'"#;
    // The server makes the sockets of all of Wine's programs, so it is what has
    // to be in that network.
    let process = network.unwrap_or_else(std::process::id).to_string();
    let mut holder = Command::new("nsenter")
        .args(["--target", &process, "--net", "unshare"])
        .args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT])
        .arg(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("nsenter")?;
    let mut said = String::new();
    if let Some(stdout) = holder.stdout.take() {
        BufReader::new(stdout).read_line(&mut said)?;
    }
    if said.trim() == "ready" {
        return Ok(Some(holder));
    }
    drop(holder.kill());
    holder.wait()?;
    Ok(None)
}

/// Makes the other Debian, if it is not there whole.
fn install(root: &Path) -> Result<(), String> {
    if root.join(WHOLE).exists() {
        return Ok(());
    }
    if !debian::is_root() {
        return Err("only root may make another Debian".to_owned());
    }
    if Command::new("mmdebstrap")
        .arg("--version")
        .output()
        .is_err()
    {
        debian::install("mmdebstrap", &["mmdebstrap"], false)?;
    }
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    if root.exists() {
        fs::remove_dir_all(root).map_err(|error| failed("an older Debian", &error))?;
    }
    fs::create_dir_all(root).map_err(|error| failed("its folder", &error))?;
    let mirror = mirror().ok_or("apt-get knows no mirror of Debian")?;
    let made = Command::new("mmdebstrap")
        .args(["--variant=apt", "--architectures=amd64"])
        .arg(format!("--include={PACKAGES}"))
        .arg(SUITE)
        .arg(root)
        .arg(mirror)
        .output()
        .map_err(|error| failed("mmdebstrap", &error))?;
    if !made.status.success() {
        let said = String::from_utf8_lossy(&made.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        return Err(failed("mmdebstrap", &last.unwrap_or("it says nothing")));
    }
    fs::create_dir_all(root.join("judge"))
        .and_then(|()| fs::write(root.join(WHOLE), ""))
        .map_err(|error| failed("its folder", &error))
}

/// Where this computer's own Debian comes from.
fn mirror() -> Option<String> {
    let output = Command::new("apt-get")
        .args(["indextargets", "--format", "$(REPO_URI)"])
        .args(["Created-By: Packages", "Label: Debian", "Component: main"])
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    said.lines().next().map(str::to_owned)
}
