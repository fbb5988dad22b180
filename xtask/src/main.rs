//! The project's own chores: `cargo xtask NAME`.

use std::env;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

mod check_deps;
mod command;
mod debian;
mod dist;
mod gen_log;
mod judges;
mod soak;
mod windows;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  check-deps        which crate may know which, and what no source file may hold
  dist              pack the Windows program for others: zip, list of parts, checksums
  gen-log [--megabytes N] [--seed N] FILE
                    write a proxy log to measure by (250 MB): the same for the same seed
  judges [NAME]...  put claims to judges that nobody here wrote (all, if none is named)
  openapi LOG...    hold logs of `rehearse --azure-log` against Microsoft's documents
  soak [TARGET]... [--seconds N] [--jobs N]
                    fuzz the model's parsers (all, if none is named; 600 s each)
  windows build     build sidestep.exe on Debian, and look at what it needs
  windows lint      read the code for Windows, which no build for another system sees
  windows test      run the tests of model and machine for Windows, under Wine
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let mut out = io::stdout();
    let outcome = match arguments.split_first() {
        Some((command, [])) if command == "check-deps" => check_deps::run(workspace(), &mut out),
        Some((command, [])) if command == "dist" => dist::run(workspace(), &mut out),
        Some((command, arguments)) if command == "gen-log" => {
            match gen_log::Options::parse(arguments) {
                Ok(options) => gen_log::run(&options, &mut out),
                Err(complaint) => return usage(&complaint),
            }
        }
        Some((command, names)) if command == "judges" => match judges::named(names) {
            Ok(judges) => judges::run(&judges, &mut out),
            Err(unknown) => {
                return usage(&format!("unknown judge `{unknown}`: {}", judges::names()));
            }
        },
        Some((command, logs)) if command == "openapi" && !logs.is_empty() => {
            judges::openapi_logs(logs, &mut out)
        }
        Some((command, [verb])) if command == "windows" && verb == "build" => {
            windows::build(workspace(), &mut out)
        }
        Some((command, [verb])) if command == "windows" && verb == "lint" => {
            windows::lint(workspace(), &mut out)
        }
        Some((command, [verb])) if command == "windows" && verb == "test" => {
            judges::windows_tests(&mut out)
        }
        Some((command, arguments)) if command == "soak" => match soak::Options::parse(arguments) {
            Ok(options) => soak::run(workspace(), &options, &mut out),
            Err(complaint) => return usage(&complaint),
        },
        _ => return usage("no such command"),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&format!("error: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

fn workspace() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

fn usage(complaint: &str) -> ExitCode {
    complain(&format!("error: {complaint}\n\n{USAGE}"));
    ExitCode::from(2)
}

fn complain(text: &str) {
    // Nobody is left to tell if this fails.
    drop(io::stderr().write_all(text.as_bytes()));
}
