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

/// A service that is connected is left alone, whether or not the vault is asked,
/// as `signed_in` does and `signed_out` does not; one that is idle is restarted, now
/// or when a later run is asked for what an earlier one left out. `proxy` is where
/// the service connects to.
pub(super) fn restarted(
    wine: &Wine,
    site: &str,
    proxy: &str,
    signed_in: Run<'_>,
    signed_out: Run<'_>,
    tally: &mut Tally<'_>,
) -> anyhow::Result<()> {
    const RESTART: [&str; 1] = ["--restart-services"];
    let apply = ["apply", site, "--at", "live", "--account", "system"];
    let undo = ["undo", "--at", "live", "--site", site];
    let document = |run: Run<'_>, verb: &[&str], more: &[&str]| {
        let output = run(&[verb, more, &["--yes", "--json"]].concat())?;
        let said = String::from_utf8_lossy(&output.stderr);
        let document: Value =
            serde_json::from_slice(&output.stdout).with_context(|| said.clone().into_owned())?;
        // The vault is asked by whoever signs in, and says so first.
        let was_asked = said.contains("signing in by");
        anyhow::Ok((output.status.code(), document, was_asked))
    };
    // The blob is missing, so that the key that a service watches is made.
    let key = settings_key(Account::System);
    wine.done(&["reg", "delete", &format!(r"{key}\Connections"), "/f"])?;
    let service = Service::create(wine)?;

    service.start(Some(proxy))?;
    for (run, asks) in [(signed_in, true), (signed_out, false)] {
        let (exit, refused, was_asked) = document(run, &apply, &RESTART)?;
        tally.see(was_asked == asks, || {
            format!("the vault was asked: {was_asked}, not {asks}")
        });
        let message = refused["error"]["message"].as_str().unwrap_or_default();
        let is_refused = exit == Some(4)
            && refused["error"]["code"] == "SS176"
            && message.contains(COORDINATOR_SERVICE)
            && message.contains(proxy);
        tally.see(is_refused, || format!("connected: {exit:?}, {refused}"));
    }
    let made = wine.run(&["reg", "query", &format!(r"{key}\Connections")])?;
    tally.see(!made.status.success(), || {
        "something was written".to_owned()
    });
    tally.see(service.starts()? == 1, || "it was restarted".to_owned());
    service.stop()?;

    service.start(None)?;
    let steps: [(Run<'_>, &[&str], &[&str], usize); 5] = [
        (signed_in, &apply, &RESTART, 3),
        (signed_out, &undo, &RESTART, 4),
        // The key is made again, and the service is as it was.
        (signed_out, &apply, &[], 4),
        (signed_out, &apply, &RESTART, 5),
        (signed_out, &apply, &RESTART, 5),
    ];
    let mut before = 2;
    for (run, verb, more, starts) in steps {
        let (exit, done, _) = document(run, verb, more)?;
        let expected: &[&str] = if starts > before {
            &[COORDINATOR_SERVICE]
        } else {
            &[]
        };
        let is_named = done["restarted"] == json!(expected);
        tally.see(exit == Some(0) && is_named, || {
            format!("{}: {exit:?}, {done}", verb[0])
        });
        let seen = service.starts()?;
        tally.see(seen == starts, || format!("{}: {seen} starts", verb[0]));
        tally.see(service.runs()?, || format!("{}: it does not run", verb[0]));
        before = starts;
    }
    service.stop()?;
    wine.done(&["sc", "delete", COORDINATOR_SERVICE])?;
    tally.end(
        "a service that needs it is restarted, at once or when asked later, and not while it is \
         connected",
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
