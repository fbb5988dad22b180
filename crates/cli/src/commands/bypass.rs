//! `sidestep bypass`: the list that a site needs.

use serde_json::{Value, json};
use sidestep_model::bypass;
use sidestep_model::catalogue::{self, Catalogue, Cloud};
use sidestep_model::desired::{Because, EntryReason, required_list};
use sidestep_model::site::{Bypass as SiteBypass, Route};

use crate::args::{Bypass, ListFormat, Profile, RouteChoice};
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::prose;
use crate::site_file::SiteFile;

pub(crate) fn run(args: &Bypass, site: &SiteFile, printer: Printer) -> Result<Exit, CommandError> {
    if args.profile == Profile::Article && (args.entra.is_some() || args.cloud.is_some()) {
        return Err(CommandError::usage(
            "the article's list is what it is: --entra and --cloud do not go with it",
        ));
    }
    let entries = match args.profile {
        Profile::Article => article(),
        Profile::Current => current(args, site, printer)?,
    };
    let list = bypass::join(entries.iter().map(|(entry, _)| entry.as_str()));
    let format = if printer.json {
        ListFormat::Json
    } else {
        args.format
    };
    match format {
        ListFormat::Wininet => printer.text(&format!("{list}\n"))?,
        ListFormat::Lines => {
            let lines: String = entries
                .iter()
                .flat_map(|(entry, _)| [entry.as_str(), "\n"])
                .collect();
            printer.text(&lines)?;
        }
        ListFormat::Json => {
            let entries: Vec<&Value> = entries.iter().map(|(_, document)| document).collect();
            printer.document(&json!({
                "list": list,
                "characters": list.chars().count(),
                "entries": entries,
            }))?;
        }
    }
    Ok(Exit::Done)
}

type Entries = Vec<(String, Value)>;

fn article() -> Entries {
    catalogue::article_2022_10()
        .into_iter()
        .map(|entry| (entry.to_owned(), json!({ "entry": entry })))
        .collect()
}

fn current(args: &Bypass, site: &SiteFile, printer: Printer) -> Result<Entries, CommandError> {
    let site = site.site_if_any()?;
    let cloud = match (&args.cloud, &site) {
        (Some(name), _) => cloud_named(name)?,
        (None, Some(site)) => site.azure.cloud,
        (None, None) => Cloud::AzureCloud,
    };
    let mut choices = site.map_or_else(
        || SiteBypass {
            backup: Route::Direct,
            entra: Route::Direct,
            local: true,
            add: Vec::new(),
            remove: Vec::new(),
        },
        |site| site.bypass,
    );
    match args.entra {
        Some(RouteChoice::Direct) => choices.entra = Route::Direct,
        Some(RouteChoice::Proxy) => choices.entra = Route::Proxy,
        None => {}
    }
    if choices.entra == Route::Direct {
        printer.progress(
            "Entra ID has no private endpoint: with its names in this list the VM needs a direct \
             way to it; `--entra proxy` leaves them out",
        );
    }
    let reasons = required_list(Catalogue::of(cloud), &choices);
    Ok(reasons.into_iter().map(|reason| entry(&reason)).collect())
}

/// The cloud of that name.
pub(crate) fn cloud_named(name: &str) -> Result<Cloud, CommandError> {
    let mut clouds = Cloud::ALL.iter().copied();
    clouds
        .find(|cloud| cloud.key().eq_ignore_ascii_case(name))
        .ok_or_else(|| {
            CommandError::usage(format!("there is no cloud \"{name}\""))
                .hint("AzureCloud, AzureUSGovernment or AzureChinaCloud")
        })
}

fn entry(reason: &EntryReason) -> (String, Value) {
    let document = match &reason.because {
        Because::Required(endpoint) => json!({
            "entry": reason.entry,
            "service": endpoint.service,
            "why": endpoint.why,
            "source": endpoint.source,
            "date": endpoint.date,
        }),
        because => json!({ "entry": reason.entry, "why": prose::because(because) }),
    };
    (reason.entry.clone(), document)
}
