//! `sidestep lab serve`: the rehearsal's world for other processes.

use sidestep_lab::Lab;
use sidestep_model::finding::Code;

use crate::args::{self, LabVerb, Serve};
use crate::error::{CommandError, Exit, chain};
use crate::lab_connection;
use crate::output::Printer;
use crate::prose;
use crate::rehearsed::Rehearsed;
use crate::site_file::SiteFile;

pub(crate) fn run(
    args: &args::Lab,
    site: SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    match &args.verb {
        LabVerb::Serve(args) => serve(args, site, printer),
    }
}

fn serve(args: &Serve, site: SiteFile, printer: Printer) -> Result<Exit, CommandError> {
    let site = site.or(args.site_file.as_deref())?;
    let rehearsed = Rehearsed::new(&args.scenario, site.named(), None)?;
    let unusable = |message: String| {
        CommandError::new(Exit::Environment, Code::LAB_UNUSABLE, message)
            .hint("the lab listens on 127.0.0.1 only and writes to the temporary folder")
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| unusable(error.to_string()))?;
    runtime.block_on(async {
        let lab = Lab::start(rehearsed.setup)
            .await
            .map_err(|error| unusable(chain(&error)))?;
        lab_connection::write(&lab, &args.connection)?;
        let file = args.connection.display();
        printer.text(&format!(
            "{}  scenario {}\nhow it is reached: {file}\n  sidestep run SITE --lab {file}\n  \
             sidestep check SITE --lab {file}\nthe machine's registry: {}\nCtrl-C ends it\n",
            prose::REHEARSAL,
            rehearsed.scenario.name,
            lab.registry_file().display(),
        ))?;
        // Without signals it ends with the process.
        drop(tokio::signal::ctrl_c().await);
        Ok(Exit::Done)
    })
}
