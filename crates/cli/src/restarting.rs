//! Restarting services for new settings, once nothing speaks against it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use std::{env, io, thread};

use jiff::{SignedDuration, Timestamp};
use sidestep_azure::Credential;
use sidestep_flow::{at_work, refusal};
use sidestep_machine::{attempts, process_start, restart_service, running_services, runs};
use sidestep_model::finding::Code;
use sidestep_model::journal::Run;
use sidestep_model::observed::{Observed, ServiceState};
use sidestep_model::plan::Plan;
use sidestep_model::restart::{
    Hindrance, Restart, Work, coordinator_last, hindrances, overdue, restarts,
};
use sidestep_model::site::Site;
use sidestep_model::tcp_table::BACKUP_SERVICES;

use crate::args;
use crate::at::At;
use crate::error::{CommandError, Exit};
use crate::output::{Printer, aside};
use crate::place::until_interrupted;
use crate::{access, prose};

/// A job that began earlier is not going on any more.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How often the services' connections are looked at, and how long lies between:
/// one who tries in vain pauses between two tries.
const LOOKS: u32 = 10;
const LOOK: Duration = Duration::from_millis(500);

/// The restarts that are needed, where they are asked for.
pub(crate) struct Restarting<'a> {
    args: &'a args::Restarts,
    site: Option<Site>,
    restarts: Vec<Restart>,
    printer: Printer,
}

/// Refuses what has no sense where the settings are.
pub(crate) fn check(args: &args::Restarts, at: &At) -> Result<(), CommandError> {
    if args.restart_services && *at != At::Live {
        return Err(CommandError::usage(
            "--restart-services is for the services of this computer itself",
        )
        .hint("`--at live` names it; a file or a disk has nothing that runs"));
    }
    Ok(())
}

impl<'a> Restarting<'a> {
    /// None.
    pub(crate) fn none(args: &'a args::Restarts, printer: Printer) -> Self {
        Self {
            args,
            site: None,
            restarts: Vec::new(),
            printer,
        }
    }

    /// What `plans` need of this computer's services, and what is left to do of
    /// earlier runs, whose journals are in `folder`; nothing where nobody asks.
    /// Refuses where something speaks against it now, before anything is written.
    pub(crate) fn prepare(
        args: &'a args::Restarts,
        site: impl FnOnce() -> Result<Option<Site>, CommandError>,
        plans: &[Plan],
        observed: &Observed,
        folder: &Path,
        printer: Printer,
    ) -> Result<Self, CommandError> {
        let mut this = Self::none(args, printer);
        if !args.restart_services {
            return Ok(this);
        }
        this.site = site()?;
        if this.site.is_none() && args.credential.is_some() {
            return Err(CommandError::usage(
                "--credential is for asking the vault, and no site says which that is",
            )
            .hint("`--site FILE` names one, and `./site.toml` is found by itself"));
        }
        let runs = runs(folder)?.into_iter();
        let runs: Vec<Run> = runs.filter_map(|file| file.run.ok()).collect();
        let services = observed.services.as_deref().unwrap_or_default();
        this.restarts = restarts(plans, Some(services));
        let started = started().map_err(|error| unknown(&error))?;
        for late in overdue(&runs, services, &started) {
            if !this.restarts.iter().any(|one| one.service == late.service) {
                this.restarts.push(late);
            }
        }
        // What does not run reads the settings when it starts.
        this.restarts
            .retain(|restart| restart.state != ServiceState::Stopped);
        coordinator_last(&mut this.restarts);
        this.see_clear(&this.restarts).map_err(|error| {
            error
                .after("nothing was written")
                .hint("wait until registrations and backups ended, then try again")
                .hint(
                    "without --restart-services the settings are written and the services left \
                     alone",
                )
        })?;
        Ok(this)
    }

    /// Whether there is any.
    pub(crate) fn is_needed(&self) -> bool {
        !self.restarts.is_empty()
    }

    /// What is asked besides.
    pub(crate) fn asked(&self) -> String {
        let names = names(&self.restarts);
        if names.is_empty() {
            return String::new();
        }
        format!(", and restart {}", names.join(" and "))
    }

    /// Restarts them, each only if still nothing speaks against it and those that
    /// are left, and says which they are.
    pub(crate) fn carry_out(&self) -> Result<Vec<&str>, CommandError> {
        let mut done: Vec<&str> = Vec::new();
        let mut left = self.restarts.as_slice();
        while let [Restart { service, .. }, rest @ ..] = left {
            let restarted = self.see_clear(left).and_then(|()| {
                aside(&format!(
                    "restarting {service}; should this be interrupted: `sc.exe start {service}`"
                ));
                Ok(restart_service(service)?)
            });
            if restarted.map_err(|error| stuck(error, &done, left))? {
                done.push(service);
            }
            left = rest;
        }
        Ok(done)
    }

    fn see_clear(&self, restarts: &[Restart]) -> Result<(), CommandError> {
        if restarts.is_empty() {
            return Ok(());
        }
        let vault = self.vault()?;
        let against = self
            .look(restarts, &vault)
            .map_err(|error| unknown(&error))?;
        if against.is_empty() {
            return Ok(());
        }
        let said: Vec<String> = against.iter().map(prose::hindrance).collect();
        let message = format!("services must not be restarted now: {}", said.join("; "));
        Err(CommandError::new(
            Exit::Refused,
            Code::RESTART_REFUSED,
            message,
        ))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "nobody tells when a connection is tried"
    )]
    fn look(&self, restarts: &[Restart], vault: &[Work]) -> io::Result<Vec<Hindrance>> {
        self.printer
            .note("looking whether the services are connected (5 s)");
        for look in 1.. {
            let processes = running_services(BACKUP_SERVICES)?;
            let against = hindrances(restarts, &processes, &attempts()?, vault);
            if !against.is_empty() || look == LOOKS {
                return Ok(against);
            }
            thread::sleep(LOOK);
        }
        Ok(Vec::new())
    }

    /// What the vault is at, where it can be asked.
    fn vault(&self) -> Result<Vec<Work>, CommandError> {
        let has_variables = Credential::from_variables(|name| env::var(name).ok()).is_some();
        if self.args.credential.is_none() && !has_variables {
            return Ok(Vec::new());
        }
        let Some(site) = &self.site else {
            self.printer
                .note("the vault is not asked what it is at: no site says which it is");
            return Ok(Vec::new());
        };
        let asked = until_interrupted(async {
            let azure = access::azure(site, self.args.credential, self.printer).await?;
            let now = Timestamp::now();
            let since = now.checked_sub(WEEK).unwrap_or(now);
            at_work(site, &azure, since)
                .await
                .map_err(|error| CommandError::finding(&refusal(error).into()))
        })?;
        asked.ok_or_else(|| {
            let message = "interrupted while the vault was asked";
            CommandError::new(Exit::Interrupted, Code::RESTART_REFUSED, message)
        })
    }
}

/// When the running services' processes began.
fn started() -> io::Result<BTreeMap<String, Timestamp>> {
    let services = running_services(BACKUP_SERVICES)?.into_iter();
    // One that ended meanwhile has no beginning.
    let started = services.filter_map(|one| Some((one.service, process_start(one.process).ok()?)));
    Ok(started.collect())
}

fn unknown(error: &io::Error) -> CommandError {
    let message = format!("what the services do now is not known: {error}");
    CommandError::new(Exit::Refused, Code::RESTART_REFUSED, message)
}

/// After the settings were written: what is left to do by hand.
fn stuck(error: CommandError, done: &[&str], left: &[Restart]) -> CommandError {
    let error = match done {
        [] => error,
        done => error.after(&format!("restarted: {}", done.join(", "))),
    };
    names(left).iter().fold(error, |error, service| {
        error.hint(format!(
            "restart {service} when no registration and no backup goes on: `sc.exe stop \
             {service}`, and once it stopped `sc.exe start {service}`; or `sidestep apply \
             --restart-services`"
        ))
    })
}

fn names(restarts: &[Restart]) -> Vec<&str> {
    let services = restarts.iter().map(|restart| restart.service.as_str());
    services.collect()
}

/// That services were restarted; nothing where none was.
pub(crate) fn told(restarted: &[&str]) -> String {
    match restarted {
        [] => String::new(),
        services => format!("restarted: {}\n", services.join(", ")),
    }
}
