//! Services restarted for new settings, in a machine's own network: Wine's
//! service manager stops and starts them, and a connection stands in the way.

use std::fs;
use std::process::Output;

use anyhow::{Context as _, bail};
use serde_json::Value;
use sidestep_model::account::Account;
use sidestep_model::surroundings::COORDINATOR_SERVICE;

use super::Tally;
use super::chroot::Wine;
use super::desk::settings_key;

/// A service that is connected does not stop; one that is idle does, and starts
/// again. `proxy` is where it connects to, and listens.
pub(super) fn restarted(
    wine: &Wine,
    site: &str,
    proxy: &str,
    run: impl Fn(&[&str]) -> anyhow::Result<Output>,
    tally: &mut Tally<'_>,
) -> anyhow::Result<()> {
    let service = Service::create(wine)?;
    let apply = ["apply", site, "--at", "live", "--account", "system"];
    let asked = ["--restart-services", "--yes", "--json"];
    let document = |arguments: &[&str]| -> anyhow::Result<(Option<i32>, Value)> {
        let output = run(arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        let document = serde_json::from_slice(&output.stdout).with_context(|| said.into_owned())?;
        Ok((output.status.code(), document))
    };
    // The blob is missing, so that the key that a service watches is made.
    let key = settings_key(Account::System);
    wine.done(&["reg", "delete", &format!(r"{key}\Connections"), "/f"])?;

    service.start(Some(proxy))?;
    let (exit, refused) = document(&[&apply[..], &asked].concat())?;
    let message = refused["error"]["message"].as_str().unwrap_or_default();
    let is_refused = exit == Some(4)
        && refused["error"]["code"] == "SS176"
        && message.contains(COORDINATOR_SERVICE)
        && message.contains(proxy);
    tally.see(is_refused, || format!("connected: {exit:?}, {refused}"));
    let made = wine.run(&["reg", "query", &format!(r"{key}\Connections")])?;
    tally.see(!made.status.success(), || {
        "something was written".to_owned()
    });
    tally.see(service.starts()? == 1, || "it was restarted".to_owned());
    service.stop()?;

    service.start(None)?;
    for (verb, starts) in [(&apply[..], 3), (&["undo", "--at", "live"], 4)] {
        let (exit, done) = document(&[verb, &asked].concat())?;
        let is_done =
            exit == Some(0) && done["restarted"] == serde_json::json!([COORDINATOR_SERVICE]);
        tally.see(is_done, || format!("{}: {exit:?}, {done}", verb[0]));
        let seen = service.starts()?;
        tally.see(seen == starts, || format!("{}: {seen} starts", verb[0]));
        tally.see(service.runs()?, || format!("{}: it does not run", verb[0]));
    }
    service.stop()?;
    wine.done(&["sc", "delete", COORDINATOR_SERVICE])?;
    tally.end("a service that needs it is restarted, and one that is connected is not")
}

/// The judge's own service.
struct Service<'a> {
    wine: &'a Wine,
}

impl<'a> Service<'a> {
    fn create(wine: &'a Wine) -> anyhow::Result<Self> {
        let program = ["binPath=", r"Z:\judge\service.exe"];
        wine.done(&[&["sc", "create", COORDINATOR_SERVICE], &program[..]].concat())?;
        let service = Self { wine };
        for file in ["started", "connect"] {
            // Fails where an earlier judgement left none.
            drop(fs::remove_file(service.file(file)));
        }
        Ok(service)
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.wine.folder().join(name)
    }

    fn start(&self, connects_to: Option<&str>) -> anyhow::Result<()> {
        if let Some(address) = connects_to {
            fs::write(self.file("connect"), address.replace(':', " "))?;
        }
        self.wine.done(&["sc", "start", COORDINATOR_SERVICE])?;
        self.wait(true)
    }

    fn stop(&self) -> anyhow::Result<()> {
        self.wine.done(&["sc", "stop", COORDINATOR_SERVICE])?;
        drop(fs::remove_file(self.file("connect")));
        self.wait(false)
    }

    /// Some seconds at most: each look is a program under Wine.
    fn wait(&self, is_wanted: bool) -> anyhow::Result<()> {
        for _ in 0..50 {
            if self.runs()? == is_wanted {
                return Ok(());
            }
        }
        bail!("the service manager does not do as it is told");
    }

    fn runs(&self) -> anyhow::Result<bool> {
        let said = self.wine.done(&["sc", "query", COORDINATOR_SERVICE])?;
        Ok(said.contains("RUNNING"))
    }

    /// How often it was started.
    fn starts(&self) -> anyhow::Result<usize> {
        Ok(fs::read_to_string(self.file("started"))?.lines().count())
    }
}
