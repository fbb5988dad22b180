//! `sidestep undo`: put back what a run changed.

use serde_json::json;
use sidestep_machine::{Store, runs};
use sidestep_model::account::Account;
use sidestep_model::finding::{Code, Effect, Finding};
use sidestep_model::journal::{Command, Run, RunNumber, last_undoable, overlaid_by, undone_by};
use sidestep_model::observed::Observed;
use sidestep_model::plan::Plan;

use crate::args;
use crate::at::{self, At};
use crate::commands::plan;
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::planning::{self, each_once};
use crate::render::plural;
use crate::restarting::{self, Restarting};
use crate::site_file::SiteFile;

pub(crate) fn run(
    args: &args::Undo,
    site: &SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let at = &At::said_or_here(args.at.as_ref())?;
    restarting::check(&args.restarts, at)?;
    let mut store = at.open()?;
    let is_agreed = at.agrees(&args.consent, &Account::SERVICES)?;
    if !args.what_if {
        store.may_change(&Account::SERVICES)?;
    }
    store.read()?;
    let folder = store.journal_folder();
    if args.what_if || !folder.exists() {
        if !args.what_if {
            at.put_right(&mut store, None, is_agreed)?;
        }
        let exit = match target(args.run, &readable(&folder)?)? {
            Target::Run(run) => {
                let plans = inverse(&run, &at.read(&store, is_agreed)?)?;
                let findings = planning::findings(&plans, &folder)?;
                show(None, &run, at, &plans, &findings, printer)?;
                let is_pending = plans.iter().any(|plan| !plan.is_empty());
                let effect = Effect::of(&findings);
                if effect != Effect::GoOn {
                    effect.into()
                } else if is_pending && args.detailed_exitcode {
                    Exit::Pending
                } else {
                    Exit::Done
                }
            }
            Target::Nothing(why) => nothing(&why, &[], at, printer)?,
        };
        return Ok(exit);
    }
    let journal = at::journal(&store)?;
    let mut findings = at.put_right(&mut store, Some(&journal), is_agreed)?;
    let run = match target(args.run, &readable(&folder)?)? {
        Target::Run(run) => run,
        Target::Nothing(why) => return nothing(&why, &findings, at, printer),
    };
    let observed = at.read(&store, is_agreed)?;
    let plans = inverse(&run, &observed)?;
    each_once(&mut findings, &plans);
    let is_kept = findings
        .iter()
        .any(|finding| matches!(finding, Finding::EditedSince { .. }));
    let has_changes = plans.iter().any(|plan| !plan.is_empty());
    if !printer.json {
        printer.text(&text(&run, &plans, &findings))?;
    }
    let effect = Effect::of(&findings);
    if effect != Effect::GoOn {
        if printer.json {
            printer.document(&document(None, Some(&run), at, &plans, &findings))?;
        } else {
            printer.text("\nrefused: nothing was written\n")?;
        }
        return Ok(effect.into());
    }
    let restarting = Restarting::prepare(
        &args.restarts,
        || site.site_if_any(),
        &plans,
        &observed,
        &folder,
        printer,
    )?;
    // Where all is somebody else's there is nothing to do; where all is as
    // before already, the run counts as undone from now on.
    let mut number = None;
    let question = if has_changes {
        format!("\nPut this back in {}", store.place())
    } else {
        "\nWrite nothing".to_owned()
    };
    let is_asked = has_changes || restarting.is_needed();
    if is_asked && !printer.confirm(&format!("{question}{}?", restarting.asked()))? {
        printer.text("\nnothing was written\n")?;
        return Ok(Exit::Interrupted);
    }
    let mut done = "nothing was written".to_owned();
    if has_changes || !is_kept {
        let command = Command::Undo(run.begin.run);
        let mut undo = journal.begin(command, &store.place())?;
        done = format!("run {} is done", undo.number());
        at.write(&mut store, &plans, &mut undo, is_agreed, &done)?;
        number = Some(undo.number());
    }
    let restarted = restarting.carry_out().map_err(|error| error.after(&done))?;
    if printer.json {
        let mut document = document(number, Some(&run), at, &plans, &findings);
        document["restarted"] = json!(restarted);
        printer.document(&document)?;
    } else {
        let values: usize = plans.iter().map(|plan| plan.changes.len()).sum();
        let put_back = number.map_or_else(String::new, |number| {
            let values = plural(values as u64, "value", "values");
            format!("\ndone: {values} put back and read back (run {number})\n")
        });
        printer.text(&(put_back + &restarting::told(&restarted)))?;
    }
    Ok(if is_kept { Exit::Refused } else { Exit::Done })
}

enum Target {
    Run(Box<Run>),
    Nothing(String),
}

/// The run that is meant, among all that can be read.
fn target(wanted: Option<u32>, runs: &[Run]) -> Result<Target, CommandError> {
    let Some(wanted) = wanted.map(RunNumber) else {
        return Ok(last_undoable(runs).map_or_else(
            || Target::Nothing("nothing to undo".to_owned()),
            |run| Target::Run(Box::new(run.clone())),
        ));
    };
    let Some(run) = runs.iter().find(|run| run.begin.run == wanted) else {
        let message = format!("there is no run {wanted}");
        return Err(CommandError::new(Exit::Usage, Code::RUN_UNKNOWN, message)
            .hint("`sidestep history` lists them"));
    };
    if run.committed().is_empty() {
        return Ok(Target::Nothing(format!(
            "nothing to undo: run {wanted} changed nothing"
        )));
    }
    if let Some(by) = undone_by(wanted, runs) {
        return Ok(Target::Nothing(format!(
            "nothing to undo: run {wanted} was undone by run {by}"
        )));
    }
    if let Some(later) = overlaid_by(run, runs) {
        let message = format!("run {later} changed the same values after run {wanted}");
        return Err(
            CommandError::new(Exit::Refused, Code::RUN_OVERLAID, message)
                .hint(format!("undo run {later} first")),
        );
    }
    Ok(Target::Run(Box::new(run.clone())))
}

/// The runs that can be read. A damaged one cannot be undone; the last one
/// would have been refused before.
fn readable(folder: &std::path::Path) -> Result<Vec<Run>, CommandError> {
    let runs = runs(folder)?.into_iter();
    Ok(runs.filter_map(|file| file.run.ok()).collect())
}

/// What was written last goes back first.
fn inverse(run: &Run, observed: &Observed) -> Result<Vec<Plan>, CommandError> {
    let intents = run.committed();
    if let Some(account) = observed.out_of_reach(&intents) {
        let absence = &observed.account(account).absence;
        return Err(CommandError::out_of_reach(account, absence));
    }
    let inverse = |intent| Plan::inverse(intent, observed);
    Ok(intents.iter().rev().map(inverse).collect())
}

fn nothing(
    why: &str,
    findings: &[Finding],
    at: &At,
    printer: Printer,
) -> Result<Exit, CommandError> {
    if printer.json {
        printer.document(&document(None, None, at, &[], findings))?;
    } else {
        let noticed = if findings.is_empty() {
            String::new()
        } else {
            crate::render::findings_text(findings) + "\n\n"
        };
        printer.text(&format!("{noticed}{why}\n"))?;
    }
    Ok(Exit::Done)
}

fn show(
    number: Option<RunNumber>,
    run: &Run,
    at: &At,
    plans: &[Plan],
    findings: &[Finding],
    printer: Printer,
) -> Result<(), CommandError> {
    if printer.json {
        printer.document(&document(number, Some(run), at, plans, findings))
    } else {
        printer.text(&text(run, plans, findings))
    }
}

fn text(run: &Run, plans: &[Plan], findings: &[Finding]) -> String {
    let time = crate::render::local_time(run.begin.time);
    let title = format!("Undo of run {} ({time})", run.begin.run);
    plan::text(&title, plans, findings, None, None)
}

fn document(
    number: Option<RunNumber>,
    run: Option<&Run>,
    at: &At,
    plans: &[Plan],
    findings: &[Finding],
) -> serde_json::Value {
    let mut document = plan::document(at, plans, findings, None);
    document["undoes"] = json!(run.map(|run| run.begin.run));
    document["run"] = json!(number);
    document
}
