//! `sidestep bypass`: the list that a site needs.

use serde_json::{Value, json};
use sidestep_model::bypass::{self, BypassList, Consumer};
use sidestep_model::catalogue::{self, Catalogue, Cloud, Confidence};
use sidestep_model::desired::{Because, EntryReason, required_list};
use sidestep_model::site::{Bypass as SiteBypass, Route, Site};

use crate::args::{Bypass, ListFormat, Profile, RouteChoice};
use crate::error::{CommandError, Exit};
use crate::list_text::ListText;
use crate::output::Printer;
use crate::prose;
use crate::render::table;
use crate::site_file::SiteFile;

pub(crate) fn run(args: &Bypass, site: &SiteFile, printer: Printer) -> Result<Exit, CommandError> {
    let is_chosen = args.entra.is_some() || args.cloud.is_some() || args.region.is_some();
    if args.profile == Profile::Article && (is_chosen || args.exact) {
        return Err(CommandError::usage(
            "the article's list is what it is: --entra, --cloud, --region and --exact do not go \
             with it",
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
        _ if args.explain && format != ListFormat::Json => {
            printer.text(&format!("{}\n", explained(&entries)))?;
        }
        ListFormat::Pac => printer.text(&script(args, site, &list)?)?,
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
    let cloud = cloud_of(args.cloud.as_deref(), site.as_ref())?;
    let choices = wanted(site, args.entra);
    if choices.entra == Route::Direct {
        printer.progress(
            "Entra ID has no private endpoint: with its names in this list the VM needs a direct \
             way to it; `--entra proxy` leaves them out",
        );
    }
    let reasons = required_list(Catalogue::of(cloud), &choices);
    let mut entries: Entries = reasons.iter().map(entry).collect();
    if let Some(region) = &args.region {
        narrowed(&mut entries, region, cloud, printer)?;
    }
    if args.exact {
        entries = exact(entries, &names(&args.names)?, printer)?;
    }
    Ok(entries)
}

/// What a site sends direct, or else anybody would; and Entra ID as said here.
pub(crate) fn wanted(site: Option<Site>, entra: Option<RouteChoice>) -> SiteBypass {
    let mut wanted = site.map_or_else(
        || SiteBypass {
            backup: Route::Direct,
            entra: Route::Direct,
            local: true,
            add: Vec::new(),
            remove: Vec::new(),
        },
        |site| site.bypass,
    );
    match entra {
        Some(RouteChoice::Direct) => wanted.entra = Route::Direct,
        Some(RouteChoice::Proxy) => wanted.entra = Route::Proxy,
        None => {}
    }
    wanted
}

/// Names as typed, and those of `@FILE`.
fn names(typed: &[String]) -> Result<Vec<String>, CommandError> {
    let mut names = Vec::new();
    for name in typed {
        if name.starts_with('@') {
            let text = ListText::read(name)?.text;
            names.extend(text.split_whitespace().map(str::to_ascii_lowercase));
        } else {
            names.push(name.to_ascii_lowercase());
        }
    }
    Ok(names)
}

/// `*.backup.windowsazure.com` for one region alone.
fn narrowed(
    entries: &mut Entries,
    region: &str,
    cloud: Cloud,
    printer: Printer,
) -> Result<(), CommandError> {
    let known = catalogue::geo_code(region).filter(|known| known.cloud == Some(cloud));
    let known = known.ok_or_else(|| {
        let error = CommandError::usage(format!("{cloud} has no region \"{region}\""));
        match catalogue::nearest_region(region) {
            Some(nearest) => error.hint(format!("{nearest} is one that Sidestep knows")),
            None => error,
        }
    })?;
    if known.confidence != Confidence::High {
        printer.note(&format!(
            "the code {} of {} comes from deployment templates: compare it with a name of the \
             vault's private endpoint",
            known.geo_code, known.name
        ));
    }
    for (entry, document) in entries {
        if let Some(zone) = entry
            .strip_prefix("*.")
            .filter(|name| name.starts_with("backup."))
        {
            *entry = format!("*.{}.{zone}", known.geo_code);
            document["entry"] = json!(entry);
        }
    }
    Ok(())
}

/// Exact names in place of the patterns that cover them; a pattern without a
/// name stays.
fn exact(entries: Entries, names: &[String], printer: Printer) -> Result<Entries, CommandError> {
    let covers = |pattern: &str, name: &str| {
        let suffix = pattern.strip_prefix('*');
        suffix.is_some_and(|suffix| name.len() > suffix.len() && name.ends_with(suffix))
    };
    let is_covered = |name: &&String| entries.iter().any(|(entry, _)| covers(entry, name));
    if let Some(stranger) = names.iter().find(|name| !is_covered(name)) {
        return Err(
            CommandError::usage(format!("no pattern of the list covers \"{stranger}\""))
                .hint("name the hosts of the private endpoint's own DNS records"),
        );
    }
    let mut exact = Entries::new();
    for (pattern, document) in entries {
        let mut own: Vec<&String> = names.iter().filter(|name| covers(&pattern, name)).collect();
        own.dedup();
        if own.is_empty() {
            exact.push((pattern, document));
            continue;
        }
        exact.extend(own.into_iter().map(|name| {
            let mut document = document.clone();
            document["entry"] = json!(name);
            document["instead_of"] = json!(pattern);
            (name.clone(), document)
        }));
    }
    printer.note(
        "exact names hold for today only: Azure Backup adds storage accounts later, the first of \
         them with the first backup, and what is not listed then goes to the proxy; look at the \
         private endpoint's DNS records again after it",
    );
    Ok(exact)
}

/// A table of what each entry is for.
fn explained(entries: &Entries) -> String {
    let mut rows = table(&["Entry", "Service", "Why", "Source", "Date"]);
    for (entry, document) in entries {
        let cell = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
        let service = serde_json::from_value(document["service"].clone()).map(prose::service);
        let service = service.unwrap_or_default().to_owned();
        rows.add_row([
            entry.clone(),
            service,
            cell("why"),
            cell("source"),
            cell("date"),
        ]);
    }
    rows.trim_fmt()
}

/// The list as a script.
fn script(args: &Bypass, site: &SiteFile, list: &str) -> Result<String, CommandError> {
    let site = site.site_if_any()?;
    let of_site = site
        .and_then(|site| site.proxy.server)
        .map(|server| server.to_string());
    let proxy = args.proxy.clone().or(of_site);
    let proxy = proxy.unwrap_or_else(|| "proxy.example:8080".to_owned());
    let parsed = BypassList::parse(list, Consumer::DotnetFramework);
    Ok(bypass::pac(&parsed, &proxy, prose::SCRIPT_HEADING))
}

/// The cloud named, or else the site's, or else the public one.
pub(crate) fn cloud_of(named: Option<&str>, site: Option<&Site>) -> Result<Cloud, CommandError> {
    match (named, site) {
        (Some(name), _) => cloud_named(name),
        (None, Some(site)) => Ok(site.azure.cloud),
        (None, None) => Ok(Cloud::AzureCloud),
    }
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
