//! Microsoft's own validator of SARIF, from the npm registry.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Verdict;
use super::squid::network::program;

const PACKAGE: &str = "@microsoft/sarif-multitool-linux@5.7.0";
const TOOL: &str = "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool";

/// Lists with few and many faults, and none.
const LISTS: [&str; 5] = [
    "*.blob.core.windows.net",
    "",
    "10.0.0.0/8;.example.com; a.example b.example;h*;\u{a0}x.example;“y.example”",
    "*.blob.core.windows.net:443;*.blob.core.windows.net;日本.example;<-loopback>",
    "nterpriseregistration.windows.net\r\n20.190.128.*,login.windows.net",
];

pub(super) fn judge(out: &mut dyn Write) -> anyhow::Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let tool = match tool(folder.path()) {
        Ok(tool) => tool,
        Err(reason) => return Ok(Verdict::NotJudged(reason)),
    };
    let program = program()?;
    let article = said(Command::new(&program).args(["bypass", "--profile", "article-2022-10"]))?;
    let lists = LISTS.into_iter().chain([article.trim()]);
    let mut files = Vec::new();
    let mut results = 0;
    for (index, list) in lists.enumerate() {
        let text = said(Command::new(&program).args(["lint", "--format", "sarif", "--", list]))?;
        let document: Value = serde_json::from_str(&text)?;
        let found = &document["runs"][0]["results"];
        results += found.as_array().context("no results")?.len();
        let file = folder.path().join(format!("{index}.sarif"));
        fs::write(&file, text)?;
        files.push(file);
    }
    // A validator that lets everything pass would be none.
    let broken = folder.path().join("broken.sarif");
    fs::write(
        &broken,
        fs::read_to_string(&files[0])?.replace("\"driver\"", "\"drivers\""),
    )?;
    ensure!(
        !complaints(&tool, &[broken])?.is_empty(),
        "the validator has nothing against a broken file"
    );
    let against = complaints(&tool, &files)?;
    for complaint in &against {
        writeln!(out, "  {complaint}")?;
    }
    Ok(match against.len() {
        0 => Verdict::Agrees(format!("{} files with {results} results", files.len())),
        some => Verdict::Disagrees(format!("{some} against")),
    })
}

fn tool(folder: &Path) -> Result<PathBuf, String> {
    let installed = Command::new("npm")
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            PACKAGE,
        ])
        .current_dir(folder)
        .output();
    let is_installed = installed.is_ok_and(|output| output.status.success());
    let tool = folder.join(TOOL);
    if !is_installed || !tool.exists() {
        return Err(format!("npm cannot install {PACKAGE}"));
    }
    let runs = Command::new("chmod").arg("+x").arg(&tool).status().is_ok()
        && validator(&tool)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
    if runs {
        Ok(tool)
    } else {
        Err(format!("{PACKAGE} does not run here"))
    }
}

/// The validator, which needs no data of languages.
fn validator(tool: &Path) -> Command {
    let mut command = Command::new(tool);
    command
        .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
        .stdin(Stdio::null());
    command
}

/// What it has against these files, a line each.
fn complaints(tool: &Path, files: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let output = validator(tool)
        .arg("validate")
        .args(files)
        .args(["--level", "Error"])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(said.contains("files scanned"), "the validator says {said}");
    let errors = said.lines().filter(|line| line.contains(": error "));
    Ok(errors.map(str::to_owned).collect())
}

/// What it prints; a list with faults ends it with 1.
fn said(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    Ok(String::from_utf8(output.stdout)?)
}
