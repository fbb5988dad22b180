//! `sidestep azure discover`: what Azure finds on the machines.

use serde_json::{Value, json};
use sidestep_azure::ItemKind;
use sidestep_flow::{Found, Machine, Protection};

use crate::args;
use crate::commands::azure::told;
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::place::{Place, until_interrupted};
use crate::render::{local_time, table};
use crate::site_file::SiteFile;

pub(crate) fn run(
    args: &args::Discover,
    site: SiteFile,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let file = site.or(args.site_file.as_deref())?;
    let site = file.site()?;
    let place = Place::cloud(&args.cloud, &file)?;
    let machines = until_interrupted(async {
        let azure = place.azure(&site, args.cloud.credential, printer).await?;
        let found = sidestep_flow::discover(&site, &azure).await;
        found.map_err(told)
    })?;
    let Some(machines) = machines else {
        return Ok(Exit::Interrupted);
    };
    if printer.json {
        let machines: Vec<Value> = machines.iter().map(document).collect();
        let mut document = json!({ "machines": machines });
        place.stamp(&mut document);
        printer.document(&document)?;
    } else {
        let texts: Vec<String> = machines.iter().map(text).collect();
        printer.text(&format!("{}{}\n", place.heading(), texts.join("\n\n")))?;
    }
    Ok(Exit::Done)
}

fn text(machine: &Machine) -> String {
    let name = &machine.name;
    if !machine.is_registered {
        return format!(
            "{name} is not registered with the vault\n  next: `sidestep azure register`"
        );
    }
    if machine.found.is_empty() {
        return format!("{name}: no instance of SQL Server");
    }
    let mut rows = table(&["Kind", "Name", "Protection", "Policy", "Latest point"]);
    for found in &machine.found {
        let protection = found.protection.as_ref();
        let state = match (&found.kind, protection) {
            (_, Some(protection)) => protection.state.as_str(),
            (ItemKind::Database, None) => "none",
            _ => "",
        };
        rows.add_row(vec![
            kind(&found.kind).to_owned(),
            full_name(found),
            state.to_owned(),
            protection
                .and_then(|protection| protection.policy.clone())
                .unwrap_or_default(),
            protection
                .and_then(|protection| protection.last_recovery_point)
                .map_or_else(String::new, local_time),
        ]);
    }
    format!("{name}\n{}", rows.trim_fmt())
}

/// As a site file names databases.
fn full_name(found: &Found) -> String {
    match found.kind {
        ItemKind::Database => format!("{}/{}", found.instance, found.name),
        _ => found.name.clone(),
    }
}

fn kind(kind: &ItemKind) -> &str {
    match kind {
        ItemKind::Database => "database",
        ItemKind::Instance => "instance",
        ItemKind::AvailabilityGroup => "availability group",
        ItemKind::Other(word) => word,
    }
}

fn document(machine: &Machine) -> Value {
    let found: Vec<Value> = machine
        .found
        .iter()
        .map(|found| {
            json!({
                "kind": kind(&found.kind),
                "instance": found.instance,
                "name": found.name,
                "protection": found.protection.as_ref().map(protection),
            })
        })
        .collect();
    json!({
        "machine": machine.name,
        "registered": machine.is_registered,
        "found": found,
    })
}

fn protection(protection: &Protection) -> Value {
    json!({
        "state": protection.state,
        "policy": protection.policy,
        "last_recovery_point": protection.last_recovery_point.map(|time| time.to_string()),
    })
}
