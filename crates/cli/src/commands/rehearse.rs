//! `sidestep rehearse`: every step against the built-in lab, then the evidence.

use sidestep_lab::Scenario;
use sidestep_model::event::{Event, Outcome};
use sidestep_model::finding::{Code, Effect};

use crate::args::Rehearse;
use crate::commands::rehearse_report::{document, list_document, list_text, text};
use crate::error::{CommandError, Exit};
use crate::live::Live;
use crate::output::Printer;
use crate::rehearsal::rehearse;
use crate::rehearsed::Rehearsed;
use crate::site_file::SiteFile;

pub(crate) fn run(args: &Rehearse, site: SiteFile, printer: Printer) -> Result<Exit, CommandError> {
    if args.list {
        if printer.json {
            printer.document(&list_document(Scenario::all()))?;
        } else {
            printer.text(&list_text(Scenario::all()))?;
        }
        return Ok(Exit::Done);
    }
    let site = site.or(args.site_file.as_deref())?;
    let rehearsed = Rehearsed::new(&args.scenario, site.named(), args.database.as_deref())?;
    let live = Live::new(printer, rehearsed.bytes());
    let Rehearsed {
        scenario,
        site,
        database,
        setup,
    } = rehearsed;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(Exit::Environment, Code::LAB_UNUSABLE, error))?;
    let rehearsal = runtime.block_on(async {
        let show = |event: &Event| live.hear(event);
        let log = args.azure_log.as_deref();
        tokio::select! {
            rehearsal = rehearse(setup, &site, &database, log, show) => rehearsal.map(Some),
            _ = tokio::signal::ctrl_c() => Ok(None),
        }
    })?;
    let Some(rehearsal) = rehearsal else {
        live.aside(|| printer.note("interrupted; a rehearsal changes nothing real"));
        return Ok(Exit::Interrupted);
    };
    if printer.json {
        printer.document(&document(scenario, &rehearsal))?;
    } else {
        printer.text(&text(scenario, &site, &rehearsal))?;
    }
    Ok(match rehearsal.run.outcome {
        Outcome::Failed | Outcome::Refused => Effect::of(&rehearsal.run.findings).into(),
        _ => Exit::Done,
    })
}
