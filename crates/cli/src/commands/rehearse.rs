//! `sidestep rehearse`: every step against the built-in lab, then the evidence.

use std::fs::File;
use std::path::Path;

use sidestep_lab::{Cloud as LabCloud, Content, InitialProxy, ProxyAddress, Scenario, Setup};
use sidestep_model::catalogue::Cloud;
use sidestep_model::event::{Event, Outcome};
use sidestep_model::finding::{Code, Effect};
use sidestep_model::site::{
    self, Database, DatabasePattern, DnsMode, ProxyMode, PublicNetworkAccess, Site,
};

use crate::args::Rehearse;
use crate::commands::rehearse_report::{document, list_document, list_text, text};
use crate::error::{CommandError, Exit};
use crate::output::Printer;
use crate::prose;
use crate::rehearsal::rehearse;
use crate::site_file::{self, SiteFile};

/// What is backed up when no file is named: enough for several blocks on two connections.
const GENERATED_BYTES: u64 = 8 * 1024 * 1024;

/// The corporate proxy of a site that keeps the one it finds, without naming it.
const FOUND_PROXY: (&str, u16) = ("10.2.0.16", 8080);

pub(crate) fn run(args: &Rehearse, site: SiteFile, printer: Printer) -> Result<Exit, CommandError> {
    if args.list {
        if printer.json {
            printer.document(&list_document(Scenario::all()))?;
        } else {
            printer.text(&list_text(Scenario::all()))?;
        }
        return Ok(Exit::Done);
    }
    let scenario = Scenario::named(&args.scenario).ok_or_else(|| {
        CommandError::usage(format!("there is no scenario \"{}\"", args.scenario))
            .hint("`sidestep rehearse --list` names them")
    })?;
    let site = site.or(args.site_file.as_deref())?;
    let (mut site, name) = rehearsed_site(site.named(), scenario)?;
    let database = chosen_database(&mut site, &name)?;
    let setup = setup(&site, scenario, args.database.as_deref())?;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(Exit::Environment, Code::LAB_UNUSABLE, error))?;
    let rehearsal = runtime.block_on(async {
        let show = |event: &Event| {
            if let Event::Started(step) = event {
                printer.progress(&format!("{} …", prose::step(*step)));
            }
        };
        tokio::select! {
            rehearsal = rehearse(setup, &site, &database, show) => rehearsal.map(Some),
            _ = tokio::signal::ctrl_c() => Ok(None),
        }
    })?;
    let Some(rehearsal) = rehearsal else {
        printer.note("interrupted; a rehearsal changes nothing real");
        return Ok(Exit::Interrupted);
    };
    if printer.json {
        printer.document(&document(scenario, &rehearsal))?;
    } else {
        printer.text(&text(scenario, &site, &rehearsal))?;
    }
    Ok(match rehearsal.run.outcome {
        Outcome::Failed | Outcome::Refused => Effect::of(&rehearsal.run.findings).into(),
        _ => Exit::Done,
    })
}

/// The file's site, or the sample, with the scenario's own choices laid over it.
fn rehearsed_site(
    file: Option<&Path>,
    scenario: &Scenario,
) -> Result<(Site, String), CommandError> {
    let (text, name) = match file {
        Some(path) => (site_file::read(path)?, path.display().to_string()),
        None => (site::SAMPLE.to_owned(), "built-in sample".to_owned()),
    };
    // The user's own file is judged as it stands before anything is laid over it.
    let site = site_file::parse(&text, &name)?;
    if scenario.site.is_empty() {
        return Ok((site, name));
    }
    let mut table: toml::Table = text.parse().unwrap_or_default();
    lay_over(&mut table, &scenario.site);
    let laid = format!("{name} with scenario {}", scenario.name);
    Ok((site_file::parse(&table.to_string(), &laid)?, name))
}

fn lay_over(table: &mut toml::Table, over: &toml::Table) {
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(over)) => lay_over(inner, over),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A rehearsal needs one database by name.
fn chosen_database(site: &mut Site, name: &str) -> Result<Database, CommandError> {
    let named = |site: &Site| site.sql.databases.iter().find_map(DatabasePattern::exact);
    let chosen = site.sql.backup.clone().or_else(|| named(site));
    site.sql.backup.clone_from(&chosen);
    chosen.ok_or_else(|| {
        let message = format!("{name} names no database to back up");
        CommandError::new(Exit::Usage, Code::SITE_INVALID, message)
            .hint("set `backup = \"INSTANCE/database\"` below [sql]")
    })
}

fn setup(site: &Site, scenario: &Scenario, file: Option<&Path>) -> Result<Setup, CommandError> {
    let content = match file {
        Some(path) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                let message = format!("cannot back up {}: {error}", path.display());
                CommandError::new(Exit::Usage, Code::FILE_UNREADABLE, message)
            };
            File::open(path).map_err(|error| unreadable(&error))?;
            if !path.is_file() {
                return Err(unreadable(&"it is no file"));
            }
            Content::File(path.to_owned())
        }
        None => Content::Generated {
            bytes: GENERATED_BYTES,
            seed: 1,
        },
    };
    let named = site.sql.databases.iter().filter_map(DatabasePattern::exact);
    let mut databases: Vec<String> = named
        .chain(site.sql.backup.clone())
        .map(|database| database.to_string())
        .collect();
    databases.sort_unstable();
    databases.dedup();
    Ok(Setup {
        cloud: match site.azure.cloud {
            Cloud::AzureCloud => LabCloud::AzureCloud,
            Cloud::AzureUsGovernment => LabCloud::AzureUsGovernment,
            Cloud::AzureChinaCloud => LabCloud::AzureChinaCloud,
        },
        region: site.azure.location.name.to_owned(),
        geo_code: site.azure.location.geo_code.to_owned(),
        tenant: site.azure.tenant.clone().unwrap_or_default(),
        subscription: site.azure.subscription.clone(),
        resource_group: site.azure.resource_group.clone(),
        vault: site.vault.name.clone(),
        vault_exists: site.vault.create.is_none(),
        vault_public_access: site.vault.public_network_access == PublicNetworkAccess::Allow,
        endpoint_id: format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/privateEndpoints/{}",
            site.private_endpoint.subscription,
            site.private_endpoint.resource_group,
            site.private_endpoint.name
        ),
        subnet_id: site.private_endpoint.subnet.to_string(),
        zones: site.dns.zones.iter().map(ToString::to_string).collect(),
        link_vnets: site
            .dns
            .link_vnets
            .iter()
            .map(ToString::to_string)
            .collect(),
        dns_by_hand: site.dns.mode == DnsMode::Manual,
        vms: site
            .vms
            .iter()
            .map(|vm| (vm.resource_group.clone(), vm.name.clone()))
            .collect(),
        vm: site
            .vms
            .first()
            .map(|vm| vm.name.clone())
            .unwrap_or_default(),
        proxy: match &site.proxy.server {
            Some(server) => ProxyAddress {
                host: server.host.clone(),
                port: server.port,
            },
            None => ProxyAddress {
                host: FOUND_PROXY.0.to_owned(),
                port: FOUND_PROXY.1,
            },
        },
        // "keep" presumes a proxy to keep; "set" brings the first one.
        initial: match site.proxy.mode {
            ProxyMode::Keep => InitialProxy::On,
            ProxyMode::Set => InitialProxy::None,
        },
        databases,
        content,
        faults: scenario.faults.clone(),
    })
}
