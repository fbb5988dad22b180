//! Programs that have to succeed.

use std::process::Command;

use anyhow::{Context as _, ensure};

/// Runs it, and it has to succeed.
pub(crate) fn done(command: &mut Command) -> anyhow::Result<()> {
    output(command).map(drop)
}

/// Runs it, and it has to succeed; what it says.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let shown = command.get_program().display().to_string();
    let output = command.output().with_context(|| shown.clone())?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{shown}: {}, {said}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
