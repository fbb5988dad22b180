//! `sidestep sid`: the SID of a service's account, from its name alone.

use serde_json::{Value, json};
use sidestep_model::account;

use crate::args::Sid;
use crate::error::{CommandError, Exit};
use crate::output::Printer;

pub(crate) fn run(args: &Sid, printer: Printer) -> Result<Exit, CommandError> {
    let mut sids = Vec::new();
    for name in &args.names {
        let sid = account::Sid::of_account(name).ok_or_else(|| {
            CommandError::usage(format!("no SID can be derived from the name \"{name}\"")).hint(
                "a service's name, NT SERVICE\\NAME, IIS APPPOOL\\NAME or an account of NT \
                 AUTHORITY can be",
            )
        })?;
        sids.push((name, sid));
    }
    if printer.json {
        let sids: Vec<Value> = sids
            .iter()
            .map(|(name, sid)| json!({ "service": name, "sid": sid }))
            .collect();
        printer.document(&json!({ "sids": sids }))?;
    } else {
        let lines: Vec<String> = sids.iter().map(|(_, sid)| format!("{sid}\n")).collect();
        printer.text(&lines.concat())?;
    }
    Ok(Exit::Done)
}
