//! Services restarted for new settings, in a machine's own network: Wine's
//! service manager stops and starts them, and a connection stands in the way.

use std::fs;
use std::process::Output;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use sidestep_model::account::Account;
use sidestep_model::surroundings::COORDINATOR_SERVICE;

use super::Tally;
use super::chroot::Wine;
use super::desk::settings_key;

/// Sidestep, by its arguments.
type Run<'a> = &'a dyn Fn(&[&str]) -> anyhow::Result<Output>;

/// A service that is connected is left alone, unless the vault, which is asked by
/// `signed_in`, has nothing to do; `signed_out` does not ask it. `proxy` is where
/// the service connects to.
pub(super) fn restarted(
    wine: &Wine,
    site: &str,
    proxy: &str,
    signed_in: Run<'_>,
    signed_out: Run<'_>,
    tally: &mut Tally<'_>,
) -> anyhow::Result<()> {
    const ASKED: [&str; 3] = ["--restart-services", "--yes", "--json"];
    let apply = ["apply", site, "--at", "live", "--account", "system"];
    let undo = ["undo", "--at", "live", "--site", site];
    let document = |run: Run<'_>, verb: &[&str]| -> anyhow::Result<(Option<i32>, Value)> {
        let output = run(&[verb, &ASKED].concat())?;
        let said = String::from_utf8_lossy(&output.stderr);
        let document = serde_json::from_slice(&output.stdout).with_context(|| said.into_owned())?;
        Ok((output.status.code(), document))
    };
    // The blob is missing, so that the key that a service watches is made.
    let key = settings_key(Account::System);
    wine.done(&["reg", "delete", &format!(r"{key}\Connections"), "/f"])?;
    let service = Service::create(wine)?;

    service.start(Some(proxy))?;
    let (exit, refused) = document(signed_out, &apply)?;
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

    let mut starts = 1;
    for run in [signed_in, signed_out] {
        for verb in [&apply[..], &undo] {
            let (exit, done) = document(run, verb)?;
            let is_named = done["restarted"] == json!([COORDINATOR_SERVICE]);
            tally.see(exit == Some(0) && is_named, || {
                format!("{}: {exit:?}, {done}", verb[0])
            });
            starts += 1;
            let seen = service.starts()?;
            tally.see(seen == starts, || format!("{}: {seen} starts", verb[0]));
            tally.see(service.runs()?, || format!("{}: it does not run", verb[0]));
        }
        // From now on it is connected to nobody.
        service.stop()?;
        service.start(None)?;
        starts += 1;
    }
    service.stop()?;
    wine.done(&["sc", "delete", COORDINATOR_SERVICE])?;
    tally.end(
        "a service that needs it is restarted, but not while it is connected and nobody says that \
         it is idle",
    )
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
