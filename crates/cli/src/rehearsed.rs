//! What is rehearsed: a site with a scenario's choices laid over it, and the lab made for it.

use std::fs::File;
use std::path::Path;

use sidestep_lab::{Cloud as LabCloud, Content, InitialProxy, ProxyAddress, Scenario, Setup};
use sidestep_model::catalogue::Cloud;
use sidestep_model::finding::Code;
use sidestep_model::site::{self, Database, DatabasePattern, DnsMode, ProxyMode, Site};

use crate::error::{CommandError, Exit};
use crate::site_file;

/// What is backed up when no file is named: enough for several blocks on two connections.
const GENERATED_BYTES: u64 = 8 * 1024 * 1024;

/// The corporate proxy of a site that keeps the one it finds, without naming it.
const FOUND_PROXY: (&str, u16) = ("10.2.0.16", 8080);

/// What is rehearsed.
pub(crate) struct Rehearsed {
    pub(crate) scenario: &'static Scenario,
    pub(crate) site: Site,
    pub(crate) database: Database,
    pub(crate) setup: Setup,
}

impl Rehearsed {
    /// `site_file`, or the built-in sample, in the scenario of that name.
    pub(crate) fn new(
        scenario: &str,
        site_file: Option<&Path>,
        content: Option<&Path>,
    ) -> Result<Self, CommandError> {
        let scenario = Scenario::named(scenario).ok_or_else(|| {
            CommandError::usage(format!("there is no scenario \"{scenario}\""))
                .hint("`sidestep rehearse --list` names them")
        })?;
        let (mut site, name) = rehearsed_site(site_file, scenario)?;
        let database = chosen_database(&mut site, &name)?;
        let setup = setup(&site, scenario, content)?;
        Ok(Self {
            scenario,
            site,
            database,
            setup,
        })
    }

    /// How much a backup moves, in bytes, where that is known.
    pub(crate) fn bytes(&self) -> Option<u64> {
        match &self.setup.content {
            Content::File(path) => std::fs::metadata(path).ok().map(|data| data.len()),
            Content::Generated { bytes, .. } => Some(*bytes),
        }
    }
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
        // As Azure makes vaults.
        vault_public_access: true,
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
