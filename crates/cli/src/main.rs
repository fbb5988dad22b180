//! The `sidestep` program: speaks with the person.

mod access;
mod args;
mod at;
mod audit_view;
mod check_view;
mod commands;
mod dns_view;
mod error;
mod lab_connection;
mod list_text;
mod live;
mod on_proxy;
mod output;
mod person;
mod place;
mod plan_view;
mod planning;
mod proof_view;
mod prose;
mod rehearsal;
mod rehearsed;
mod render;
mod restarting;
mod run_view;
mod sarif;
mod site_file;
mod told;
mod transcript;
mod witness;

use std::process::ExitCode;

fn main() -> ExitCode {
    error::guard(|| match args::parse()? {
        Ok(cli) => commands::dispatch(cli),
        Err(exit) => Ok(exit),
    })
}
