//! From what was typed to the verb.

use crate::args::{Cli, Color, Command};
use crate::commands::{
    apply, audit, azure, bypass, check, decode, history, init, lab, lint, plan, rehearse, route,
    run, self_test, show, sid, undo,
};
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::site_file::SiteFile;

/// Runs the verb.
pub(crate) fn dispatch(cli: Cli) -> Result<Exit, (Printer, CommandError)> {
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let printer = Printer {
        json: cli.global.json,
        quiet: cli.global.quiet,
        yes: cli.global.yes,
    };
    let site = SiteFile::new(cli.global.site);
    match cli.command {
        Command::Rehearse(args) => rehearse::run(&args, site, printer),
        Command::Run(args) => run::run(&args, site, printer),
        Command::Check(args) => check::run(&args, site, printer),
        Command::Azure(args) => azure::run(&args, site, printer),
        Command::Lab(args) => lab::run(&args, site, printer),
        Command::Init(args) => init::run(&args, printer),
        Command::Bypass(args) => bypass::run(&args, &site, printer),
        Command::Lint(args) => lint::run(&args, &site, printer),
        Command::Route(args) => route::run(&args, printer),
        Command::Audit(args) => audit::run(&args, &site, printer),
        Command::Show(args) => show::run(&args, &site, printer),
        Command::Decode(args) => decode::run(&args, printer),
        Command::Sid(args) => sid::run(&args, printer),
        Command::Plan(args) => plan::run(&args, site, printer),
        Command::Apply(args) => apply::run(&args, site, printer),
        Command::Undo(args) => undo::run(&args, &site, printer),
        Command::History(args) => history::run(&args, printer),
        Command::SelfTest => self_test::run(printer),
        Command::SelfTestService => self_test::serve(),
    }
    .map_err(|error| (printer, error))
}
