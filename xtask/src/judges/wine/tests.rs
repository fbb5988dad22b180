//! The product's own tests, built for Windows and run under Wine.

use std::io::Write;
use std::path::Path;

use super::chroot::{INSIDE, Wine};
use crate::judges::Verdict;
use crate::{windows, workspace};

/// What is tested: what reads and writes a machine's settings, and what it
/// stands on. The others' tests are about the network and the lab.
const PACKAGES: [&str; 2] = ["sidestep-model", "sidestep-machine"];

pub(in crate::judges) fn judge(folder: &Path, out: &mut dyn Write) -> anyhow::Result<Verdict> {
    let wine = match Wine::start(folder, None)? {
        Ok(wine) => wine,
        Err(reason) => return Ok(Verdict::NotJudged(format!("no Wine 10: {reason}"))),
    };
    if !wine.show(workspace())? {
        let reason = "this process may not mount the workspace".to_owned();
        return Ok(Verdict::NotJudged(reason));
    }
    // Tests find their files below the folder that they are started in.
    let enter = format!(
        "exec nsenter --target {} --mount --root --wdns=\"$PWD\" env --ignore-environment \
         PATH=/usr/bin:/bin HOME=/root LANG=C.UTF-8 XDG_RUNTIME_DIR=/tmp WINEARCH=win64 \
         WINEDEBUG=-all WINEPREFIX={INSIDE}/prefix CARGO_MANIFEST_DIR=\"$PWD\" wine \"$@\"",
        wine.process()
    );
    let said = match windows::tests(workspace(), &PACKAGES, &enter)? {
        Ok(said) => said,
        Err(reason) => return Ok(Verdict::NotJudged(reason)),
    };
    let is_result = |line: &&str| line.starts_with("test result: ");
    let results: Vec<&str> = said.lines().filter(is_result).collect();
    let failed: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("test ") && line.ends_with("FAILED"))
        .collect();
    for line in &failed {
        writeln!(out, "  {line}")?;
    }
    let passed: usize = results
        .iter()
        .filter_map(|line| {
            line.split_once(". ")?
                .1
                .split(' ')
                .next()?
                .parse::<usize>()
                .ok()
        })
        .sum();
    let tried = format!("{passed} tests in {} programs", results.len());
    if results.is_empty() || results.iter().any(|line| !line.contains("result: ok")) {
        let last: Vec<&str> = said.lines().rev().take(20).collect();
        for line in last.iter().rev() {
            writeln!(out, "  {line}")?;
        }
        return Ok(Verdict::Disagrees(format!(
            "{} failed; {tried} passed",
            failed.len()
        )));
    }
    Ok(Verdict::Agrees(tried))
}
