//! The `sidestep` program: speaks with the person.

mod args;
mod commands;
mod error;
mod output;
mod prose;
mod rehearsal;
mod render;
mod site_file;

use std::process::ExitCode;

fn main() -> ExitCode {
    error::guard(|| match args::parse()? {
        Ok(cli) => commands::run(cli),
        Err(exit) => Ok(exit),
    })
}
