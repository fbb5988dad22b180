//! `sidestep check`: every way of both accounts, and their settings beside the site.

use sidestep_flow::Extent;
use sidestep_model::event::{Event, Step};
use sidestep_model::finding::Effect;

use crate::args;
use crate::check_view;
use crate::error::{CommandError, Exit};
use crate::live::Live;
use crate::output::Printer;
use crate::place::{Place, carry};
use crate::render::{findings_document, findings_text};
use crate::site_file::SiteFile;
use crate::told::Told;

pub(crate) fn run(
    args: &args::Check,
    site: SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let site = site.or(args.site_file.as_deref())?.site()?;
    let place = Place::new(&args.place)?;
    let extent = Extent {
        from: Step::Check,
        until: Step::Check,
        ..Extent::default()
    };
    let credential = args.place.cloud.credential;
    let live = Live::new(printer, None);
    let mut told = Told::default();
    let hear = |event: &Event| {
        live.hear(event);
        told.hear(event);
    };
    let Some(run) = carry(&place, &site, extent, credential, printer, &live, hear)? else {
        return Ok(Exit::Interrupted);
    };
    if printer.json {
        let mut document = match &told.check {
            Some(check) => check_view::document(check),
            // It ended before anything was tried; unknown is not failed.
            None => serde_json::json!({ "verdict": "unknown", "values": [], "probes": [] }),
        };
        document["findings"] = findings_document(&run.findings).into();
        place.stamp(&mut document);
        printer.document(&document)?;
    } else {
        let mut parts = vec![format!(
            "{}Check: vault {}",
            place.heading(),
            site.vault.name
        )];
        parts.extend(told.check.as_ref().map(check_view::text));
        if !run.findings.is_empty() {
            parts.push(findings_text(&run.findings));
        }
        let verdict = match &told.check {
            None => "unknown: nothing could be tried",
            Some(check) if check.is_passed() => "passed",
            Some(_) => "failed",
        };
        parts.push(format!("verdict: {verdict}"));
        printer.text(&format!("{}\n", parts.join("\n\n")))?;
    }
    Ok(Effect::of(&run.findings).into())
}
