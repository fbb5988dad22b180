//! `sidestep apply`: change the settings, shown first and journalled.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use sidestep_machine::Store;
use sidestep_model::account::Account;
use sidestep_model::finding::Effect;
use sidestep_model::journal::{Command, RunNumber};
use sidestep_model::plan::Plan;
use sidestep_model::surroundings::surroundings;

use crate::args;
use crate::at::{self, At};
use crate::commands::plan;
use crate::error::{CommandError, Exit};
use crate::on_proxy::also_on_proxy;
use crate::output::Printer;
use crate::planning::{Planner, WrittenPlan, each_once};
use crate::render::{findings_text, plural};
use crate::restarting::{self, Restarting};
use crate::site_file::{self, SiteFile};
use crate::transcript;

pub(crate) fn run(
    args: &args::Apply,
    site: SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let named_site = site.clone();
    let (planner, named) = planner(args, site)?;
    let at = At::said_or_here(args.at.as_ref().or(named.as_ref()))?;
    restarting::check(&args.restarts, &at)?;
    let mut store = at.open()?;
    if let Some(folder) = &args.transcript {
        transcript::check(folder)?;
    }
    let is_agreed = at.agrees(&args.settings.consent, &planner.accounts())?;
    if !args.what_if {
        let change = Change {
            args,
            planner,
            named_site,
            at,
            is_agreed,
        };
        return change.carry_out(&mut store, printer);
    }
    plan::look(
        &planner,
        &at,
        &store,
        is_agreed,
        args.detailed_exitcode,
        printer,
    )
}

/// What was asked for.
struct Change<'a> {
    args: &'a args::Apply,
    planner: Planner,
    named_site: SiteFile,
    at: At,
    /// Whether a profile may be loaded.
    is_agreed: bool,
}

impl Change<'_> {
    fn carry_out(self, store: &mut dyn Store, printer: Printer) -> Result<Exit, CommandError> {
        let Self {
            args,
            planner,
            named_site,
            at,
            is_agreed,
        } = self;
        store.may_change(&planner.accounts())?;
        // Where nothing was ever applied there is nothing to put right, and a
        // refusal leaves no folder behind.
        let mut journal = None;
        if store.journal_folder().exists() {
            journal = Some(at::journal(store)?);
        }
        let mut findings = at.put_right(store, journal.as_ref(), is_agreed)?;
        let observed = at.read(store, is_agreed)?;
        let services = observed.services.as_deref();
        let plans = planner.plans(&observed)?;
        each_once(&mut findings, &plans);
        findings.extend(also_on_proxy(&at, &observed, &plans, printer));
        findings.extend(surroundings(&observed));
        let effect = Effect::of(&findings);
        let mut after = observed.clone();
        if !printer.json {
            let title = planner.title(&store.place());
            let undo = plan::undo_line(&at);
            printer.text(&plan::text(
                &title,
                &plans,
                &findings,
                services,
                Some(&undo),
            ))?;
        }
        let is_empty = plans.iter().all(Plan::is_empty);
        let restarting = if effect == Effect::GoOn {
            Restarting::prepare(
                &args.restarts,
                || planner.site_or(&named_site),
                &plans,
                &observed,
                &store.journal_folder(),
                printer,
            )?
        } else {
            Restarting::none(&args.restarts, printer)
        };
        let write = if is_empty {
            "Write nothing".to_owned()
        } else {
            format!("Write this to {}", store.place())
        };
        let question = format!("\n{write}{}?", restarting.asked());
        let outcome = if effect != Effect::GoOn {
            Outcome::Refused
        } else if is_empty && !restarting.is_needed() {
            Outcome::NothingToDo
        } else if !printer.confirm(&question)? {
            Outcome::Declined
        } else if is_empty {
            Outcome::NothingToDo
        } else {
            let journal = if let Some(journal) = journal {
                journal
            } else {
                let journal = at::journal(store)?;
                // While the person was asked, another may have begun and not ended.
                let late = at.put_right(store, Some(&journal), is_agreed)?;
                if !late.is_empty() {
                    printer.note(&findings_text(&late));
                }
                findings.extend(late);
                journal
            };
            let mut run = journal.begin(Command::Apply, &store.place())?;
            let outcome = Outcome::Done(run.number());
            let done = outcome.text(&plans);
            after = at.write(store, &plans, &mut run, is_agreed, done.trim())?;
            outcome
        };
        if let (Some(folder), Effect::GoOn) = (&args.transcript, effect) {
            let accounts: Vec<Account> = plans.iter().map(|plan| plan.account).collect();
            let path = transcript::write(folder, &after, &accounts, Timestamp::now())?;
            printer.note(&format!("log: {}", path.display()));
        }
        let restarted = match outcome {
            Outcome::Done(_) | Outcome::NothingToDo => restarting.carry_out(),
            Outcome::Declined | Outcome::Refused => Ok(Vec::new()),
        };
        let restarted = restarted.map_err(|error| error.after(outcome.text(&plans).trim()))?;
        if printer.json {
            let mut document = plan::document(&at, &plans, &findings, services);
            outcome.stamp(&mut document, &restarted);
            printer.document(&document)?;
        } else {
            let done = outcome.text(&plans) + &restarting::told(&restarted);
            printer.text(&done)?;
        }
        Ok(match outcome {
            Outcome::Refused => effect.into(),
            Outcome::Declined => Exit::Interrupted,
            Outcome::NothingToDo | Outcome::Done(_) => Exit::Done,
        })
    }
}

enum Outcome {
    Done(RunNumber),
    NothingToDo,
    Declined,
    Refused,
}

/// What plans, and where by its own account the settings are.
fn planner(args: &args::Apply, site: SiteFile) -> Result<(Planner, Option<At>), CommandError> {
    let plan_file = args.file.as_deref().filter(|file| is_json(file));
    let Some(file) = plan_file else {
        let site = site.or(args.file.as_deref())?;
        return Ok((Planner::new(&args.settings, &site)?, None));
    };
    let settings = &args.settings;
    let is_asked_for_more = settings.account.is_some()
        || settings.copy_from.is_some()
        || settings.clear_pac
        || settings.clear_auto_detect;
    if is_asked_for_more {
        return Err(CommandError::usage(
            "a plan file is carried out exactly as it is: --account, --copy-from and --clear-… \
             belong to `sidestep plan`",
        ));
    }
    let name = file.display().to_string();
    let plan = WrittenPlan::parse(&site_file::read_text(file)?, &name)?;
    let at = plan.at.clone();
    Ok((Planner::Written { name, plan }, Some(at)))
}

fn is_json(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

impl Outcome {
    fn stamp(&self, document: &mut Value, restarted: &[&str]) {
        let (name, run) = match self {
            Self::Done(run) => ("done", Some(run)),
            Self::NothingToDo if !restarted.is_empty() => ("restarted", None),
            Self::NothingToDo => ("nothing-to-do", None),
            Self::Declined => ("declined", None),
            Self::Refused => ("refused", None),
        };
        document["outcome"] = name.into();
        document["run"] = json!(run);
        document["restarted"] = json!(restarted);
    }

    fn text(&self, plans: &[Plan]) -> String {
        match self {
            Self::Done(run) => {
                let values: usize = plans.iter().map(|plan| plan.changes.len()).sum();
                format!(
                    "\ndone: {} written and read back (run {run})\n",
                    plural(values as u64, "value", "values")
                )
            }
            Self::NothingToDo => "\nnothing to do\n".to_owned(),
            Self::Declined => "\nnothing was written\n".to_owned(),
            Self::Refused => "\nrefused: nothing was written\n".to_owned(),
        }
    }
}
