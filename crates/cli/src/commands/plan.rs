//! `sidestep plan`: what would change, and why.

use serde_json::{Value, json};
use sidestep_machine::Store;
use sidestep_model::finding::{Effect, Finding};
use sidestep_model::observed::Service;
use sidestep_model::plan::Plan;
use sidestep_model::surroundings::surroundings;

use crate::args;
use crate::at::At;
use crate::error::{CommandError, Exit};
use crate::on_proxy::also_on_proxy;
use crate::output::Printer;
use crate::plan_view;
use crate::planning::{self, Planner};
use crate::render::{findings_document, findings_text};
use crate::site_file::SiteFile;

pub(crate) fn run(
    args: &args::Plan,
    site: SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let site = site.or(args.site_file.as_deref())?;
    let planner = Planner::new(&args.settings, &site)?;
    let at = At::said_or_here(args.at.as_ref())?;
    let store = at.open()?;
    let is_agreed = at.agrees(&args.settings.consent, &planner.accounts())?;
    look(
        &planner,
        &at,
        &store,
        is_agreed,
        args.detailed_exitcode,
        printer,
    )
}

/// Shows what `planner` would change, and changes nothing; a profile is loaded where
/// that is agreed to.
pub(crate) fn look(
    planner: &Planner,
    at: &At,
    store: &dyn Store,
    is_agreed: bool,
    detailed_exitcode: bool,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let observed = at.read(store, is_agreed)?;
    let plans = planner.plans(&observed)?;
    let mut findings = planning::findings(&plans, &store.journal_folder())?;
    findings.extend(also_on_proxy(at, &observed, &plans, printer));
    findings.extend(surroundings(&observed));
    let services = observed.services.as_deref();
    if printer.json {
        printer.document(&document(at, &plans, &findings, services))?;
    } else {
        let undo = undo_line(at);
        let title = planner.title(&store.place());
        printer.text(&text(&title, &plans, &findings, services, Some(&undo)))?;
    }
    Ok(match Effect::of(&findings) {
        Effect::GoOn if detailed_exitcode && plans.iter().any(|plan| !plan.is_empty()) => {
            Exit::Pending
        }
        effect => effect.into(),
    })
}

/// Plans as one text: what changes, what follows from it, how it is undone.
pub(crate) fn text(
    title: &str,
    plans: &[Plan],
    findings: &[Finding],
    services: Option<&[Service]>,
    undo: Option<&str>,
) -> String {
    let mut parts = vec![title.to_owned()];
    parts.extend(plans.iter().map(plan_view::text));
    let will_change = plans.iter().any(|plan| !plan.is_empty());
    if will_change && Effect::of(findings) == Effect::GoOn {
        parts.push(format!(
            "Also affected\n  {}",
            plan_view::also_affected(plans, services).join("\n  ")
        ));
        parts.extend(undo.map(|undo| format!("To undo\n  {undo}")));
    }
    if !findings.is_empty() {
        parts.push(findings_text(findings));
    }
    format!("{}\n", parts.join("\n\n"))
}

/// The command that puts back what is applied at `at`.
pub(crate) fn undo_line(at: &At) -> String {
    let at = at.to_string();
    let quote = if at.contains(' ') { "\"" } else { "" };
    format!("sidestep undo --at {quote}{at}{quote}")
}

/// Where the settings are is written from the root on: a plan is carried out
/// from whatever folder.
pub(crate) fn document(
    at: &At,
    plans: &[Plan],
    findings: &[Finding],
    services: Option<&[Service]>,
) -> Value {
    let documents: Vec<Value> = plans.iter().map(plan_view::document).collect();
    json!({
        "at": at.rooted().to_string(),
        "plans": documents,
        "restarts": plan_view::restarts_document(plans, services),
        "findings": findings_document(findings),
    })
}
