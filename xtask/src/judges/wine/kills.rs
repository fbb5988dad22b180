//! The end of a process at every place where the power can go, on a registry
//! that Wine keeps: `machine`'s own test, for which Wine's `reg` says what is there.

use std::fs;
use std::path::Path;

use anyhow::{anyhow, ensure};

use super::Tally;
use super::chroot::{INSIDE, Wine};
use crate::{windows, workspace};

const TEST: &str = "live::the_live_registry_killed_at_every_checkpoint";

/// What the test wants to hear before it overwrites anything.
const CONSENT: &str = "SIDESTEP_TEST_LIVE_REGISTRY=nobody-needs-it";

pub(super) fn killed_everywhere(folder: &Path, tally: &mut Tally<'_>) -> anyhow::Result<()> {
    let program = windows::test_program(workspace(), "sidestep-machine", "crash")?;
    let program = program.map_err(|reason| anyhow!("the test's program: {reason}"))?;
    // Its own registry: the accounts' keys go and come with each kill.
    let wine = Wine::start(folder, None)?.map_err(|reason| anyhow!("Wine: {reason}"))?;
    fs::copy(program, wine.folder().join("crash.exe"))?;
    let crash = format!("{INSIDE}/crash.exe");
    let arguments = ["--exact", TEST, "--ignored", "--nocapture"];
    let output = wine
        .inside([CONSENT, "wine", &crash])
        .args(arguments)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    let ended = said
        .lines()
        .find_map(|line| line.trim_end().rsplit_once("ended: ")?.1.parse().ok());
    let ended: usize = ended.unwrap_or_default();
    let is_ok = output.status.success() && said.contains("1 passed");
    ensure!(ended > 0 || !is_ok, "the test ended no process: {said}");
    tally.see(is_ok, || format!("{said}{complaints}"));
    tally.seen += ended;
    tally.end(
        "processes of apply, undo and recovery ended at every checkpoint on the live registry: \
         after the next start it is before or after, never between, as Wine's reg query says",
    )
}
