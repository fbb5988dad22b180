//! Restarting services for new settings, once nothing speaks against it.

use std::env;

use jiff::{SignedDuration, Timestamp};
use sidestep_azure::Credential;
use sidestep_flow::{at_work, refusal};
use sidestep_machine::{connections, restart_service, running_services};
use sidestep_model::finding::Code;
use sidestep_model::observed::{Observed, ServiceState};
use sidestep_model::plan::Plan;
use sidestep_model::restart::{Hindrance, Restart, Work, hindrances, restarts};
use sidestep_model::site::Site;
use sidestep_model::tcp_table::BACKUP_SERVICES;

use crate::args;
use crate::at::At;
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::place::until_interrupted;
use crate::{access, prose};

/// A job that began earlier is not going on any more.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The restarts that plans need, where they are asked for.
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
    /// What `plans` need of this computer's services. Refuses where something
    /// speaks against it now, before anything is written.
    pub(crate) fn prepare(
        args: &'a args::Restarts,
        site: Option<Site>,
        plans: &[Plan],
        observed: &Observed,
        printer: Printer,
    ) -> Result<Self, CommandError> {
        let mut this = Self {
            args,
            site,
            restarts: Vec::new(),
            printer,
        };
        if !args.restart_services {
            return Ok(this);
        }
        this.restarts = restarts(plans, observed.services.as_deref());
        this.restarts
            .retain(|restart| restart.state != ServiceState::Stopped);
        this.see_clear()
            .map_err(|error| error.after("nothing was written"))?;
        Ok(this)
    }

    /// What is asked besides.
    pub(crate) fn asked(&self) -> String {
        match names(&self.restarts).as_slice() {
            [] => String::new(),
            names => format!(", and restart {}", names.join(" and ")),
        }
    }

    /// Restarts them, if still nothing speaks against it, and says which they are.
    pub(crate) fn carry_out(&self) -> Result<Vec<&str>, CommandError> {
        self.see_clear()?;
        let names = names(&self.restarts);
        for service in &names {
            self.printer.note(&format!(
                "restarting {service}; should this be interrupted: `sc.exe start {service}`"
            ));
            restart_service(service)?;
        }
        Ok(names)
    }

    fn see_clear(&self) -> Result<(), CommandError> {
        if self.restarts.is_empty() {
            return Ok(());
        }
        let vault = self.vault()?;
        let unknown = |error| {
            let message = format!("what the services do now is not known: {error}");
            CommandError::new(Exit::Refused, Code::RESTART_REFUSED, message).hint(WITHOUT)
        };
        let processes = running_services(BACKUP_SERVICES).map_err(unknown)?;
        let rows = connections().map_err(unknown)?;
        let against = hindrances(&self.restarts, &processes, &rows, vault.as_deref());
        if against.is_empty() {
            return Ok(());
        }
        let said: Vec<String> = against.iter().map(prose::hindrance).collect();
        let message = format!("services must not be restarted now: {}", said.join("; "));
        let mut error = CommandError::new(Exit::Refused, Code::RESTART_REFUSED, message).hint(
            format!("wait until registrations and backups ended, then try again; {WITHOUT}"),
        );
        let is_connected = |one: &Hindrance| matches!(one, Hindrance::Connected { .. });
        if vault.is_none() && against.iter().any(is_connected) {
            error = error.hint(
                "what the coordinator is connected for only the vault can tell: with --credential \
                 and the site it is asked",
            );
        }
        Err(error)
    }

    /// What the vault does with this machine, where it can be asked.
    fn vault(&self) -> Result<Option<Vec<Work>>, CommandError> {
        let has_variables = Credential::from_variables(|name| env::var(name).ok()).is_some();
        let (true, Some(site)) = (self.args.credential.is_some() || has_variables, &self.site)
        else {
            return Ok(None);
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

const WITHOUT: &str =
    "without --restart-services the settings are written and the services left alone";

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
