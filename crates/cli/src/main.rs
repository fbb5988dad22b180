//! The `sidestep` program: speaks with the person.

mod args;
mod commands;
mod error;
mod output;
mod plan_view;
mod planning;
mod prose;
mod rehearsal;
mod render;
mod site_file;
mod transcript;

use std::process::ExitCode;

fn main() -> ExitCode {
    error::guard(|| match args::parse()? {
        Ok(cli) => commands::run(cli),
        Err(exit) => Ok(exit),
    })
}
