//! What a release is: the Windows program in a zip, what it is made of, and checksums.
//!
//! Made from a commit, not from what happens to lie in the folder, and with the
//! commit's time in it, so that two computers with the same Rust make the same.
//! Signing needs a key that is not here: `docs/releasing.md`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::check_deps::metadata;
use crate::command::{done, output};
use crate::{debian, windows};

const TARGET: &str = "x86_64-pc-windows-gnu";

/// What goes beside the program.
const BESIDE: [&str; 4] = [
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "docs/windows-verification.md",
];

/// Makes the release of this commit; false where the program is not as it has to be.
pub(crate) fn run(workspace: &Path, out: &mut dyn Write) -> anyhow::Result<bool> {
    let status = git(workspace, &["status", "--porcelain"])?;
    ensure!(
        status.is_empty(),
        "a release is a commit, and these files are not committed:\n{status}"
    );
    if let Err(reason) = tools() {
        bail!("no release is made: {reason}");
    }
    let program = match windows::program(workspace)? {
        Ok(program) => program,
        Err(reason) => bail!("no release is made: {reason}"),
    };
    if !windows::is_as_it_has_to_be(workspace, &program, out)? {
        return Ok(false);
    }
    let metadata = metadata(workspace)?;
    let version = version(&metadata)?;
    let target = metadata["target_directory"]
        .as_str()
        .context("cargo metadata names no target directory")?;
    let folder = Path::new(target).join("dist");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let name = format!("sidestep-{version}-{TARGET}");
    let packed = folder.join(&name);
    fs::create_dir_all(&packed)?;
    let time = git(workspace, &["log", "-1", "--format=%ct"])?;
    let mut files = vec![packed.join("sidestep.exe"), packed.join("sbom.cdx.json")];
    fs::copy(program, &files[0])?;
    components(workspace, &files[1], &time)?;
    for source in BESIDE {
        let source = workspace.join(source);
        let file = packed.join(source.file_name().context("a file without a name")?);
        fs::copy(source, &file)?;
        files.push(file);
    }
    // A zip holds each file's time.
    done(
        Command::new("touch")
            .arg(format!("--date=@{time}"))
            .args(&files)
            .arg(&packed),
    )?;
    let archive = format!("{name}.zip");
    done(
        Command::new("zip")
            .args(["-X", "-9", "-q", "-r", &archive, &name])
            .env("TZ", "UTC")
            .current_dir(&folder),
    )?;
    let sums = output(
        Command::new("sha256sum")
            .args([
                &archive,
                &format!("{name}/sidestep.exe"),
                &format!("{name}/sbom.cdx.json"),
            ])
            .current_dir(&folder),
    )?;
    fs::write(folder.join("SHA256SUMS"), &sums)?;
    writeln!(out, "dist: {} (not signed)", folder.join(archive).display())?;
    write!(out, "{sums}")?;
    Ok(true)
}

fn version(metadata: &serde_json::Value) -> anyhow::Result<String> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let program = packages
        .filter(|package| package["name"] == "sidestep-cli")
        .find_map(|package| package["version"].as_str());
    Ok(program.context("no version of sidestep-cli")?.to_owned())
}

/// What the program is made of, by `CycloneDX`'s own tool, which writes beside the
/// manifests and so gets a copy of them.
fn components(workspace: &Path, file: &Path, time: &str) -> anyhow::Result<()> {
    let copy = tempfile::tempdir()?;
    let archive = copy.path().join("commit.tar");
    git(
        workspace,
        &[
            "archive",
            "--output",
            &archive.display().to_string(),
            "HEAD",
        ],
    )?;
    done(
        Command::new("tar")
            .args(["-x", "-f", "commit.tar"])
            .current_dir(copy.path()),
    )?;
    done(
        Command::new(env!("CARGO"))
            .args(["cyclonedx", "--format", "json", "--spec-version", "1.5"])
            .args(["--target", TARGET, "--no-build-deps", "--quiet"])
            .args(["--manifest-path", "crates/cli/Cargo.toml"])
            .args(["--override-filename", "sbom"])
            .env("SOURCE_DATE_EPOCH", time)
            .current_dir(copy.path()),
    )?;
    let made = copy.path().join("crates/cli/sbom.json");
    let list = fs::read_to_string(&made).with_context(|| made.display().to_string())?;
    // It names this project's own parts by where the copy was.
    let here = format!("file://{}", copy.path().display());
    Ok(fs::write(file, list.replace(&here, "file:///sidestep"))?)
}

fn tools() -> Result<(), String> {
    let runs = |command: &mut Command| command.output().is_ok_and(|ended| ended.status.success());
    if !runs(Command::new("zip").arg("-v")) {
        debian::install("zip", &["zip"], false)?;
    }
    let cyclonedx = || runs(Command::new(env!("CARGO")).args(["cyclonedx", "--version"]));
    let install = ["install", "cargo-cyclonedx@0.5.9", "--locked", "--quiet"];
    if !cyclonedx() && !runs(Command::new(env!("CARGO")).args(install)) {
        return Err("cargo-cyclonedx cannot be installed".to_owned());
    }
    Ok(())
}

fn git(workspace: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let said = output(Command::new("git").args(arguments).current_dir(workspace))?;
    Ok(said.trim().to_owned())
}
