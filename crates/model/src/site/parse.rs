//! The rules of `site.toml`, table by table.

use std::collections::HashSet;

use toml::de::DeTable;

use super::reader::{Errors, Table, Text};
use super::resource::{Group, is_guid};
use super::{
    Azure, Bypass, Database, DatabasePattern, Dns, DnsMode, NameKind, PrivateEndpoint, Proxy,
    ProxyAddress, ProxyMode, PublicNetworkAccess, Redundancy, ResourceId, ResourceKind, Route,
    Site, SiteError, SiteErrorKind, Sql, Vault, Via, Vm, bypass_entry,
};
use crate::catalogue::{Cloud, Region, geo_code, nearest_region};

/// A whole `site.toml` with comments: valid, and the site of a rehearsal without one.
pub const SAMPLE: &str = include_str!("sample.toml");

impl Site {
    /// Reads a `site.toml`; on failure all its mistakes, in the order of the file.
    ///
    /// Where the text is not TOML, only the mistakes of syntax are reported:
    /// what else seems wrong may follow from them.
    pub fn parse(text: &str) -> Result<Self, Vec<SiteError>> {
        let (document, syntax) = DeTable::parse_recoverable(text);
        let errors = Errors::default();
        for error in &syntax {
            errors.note(
                error.span(),
                SiteErrorKind::Syntax(error.message().to_owned()),
            );
        }
        let site = if syntax.is_empty() {
            site(&Table::root(document.get_ref(), TOP_LEVEL, &errors))
        } else {
            None
        };
        let errors = errors.into_sorted();
        match site {
            Some(site) if errors.is_empty() => Ok(site),
            _ => Err(errors),
        }
    }
}

const TOP_LEVEL: &[&str] = &[
    "azure",
    "vault",
    "private_endpoint",
    "dns",
    "vm",
    "proxy",
    "bypass",
    "sql",
];

const NOWHERE: Group<'static> = Group {
    subscription: "",
    name: "",
};

fn site(root: &Table<'_>) -> Option<Site> {
    let azure = azure(root);
    // What other tables inherit. Where it is unusable, that has been noted, and the
    // stand-in never leaves this function.
    let group = azure.as_ref().map_or(NOWHERE, |azure| Group {
        subscription: &azure.subscription,
        name: &azure.resource_group,
    });
    let vault = vault(root);
    let endpoint = private_endpoint(root, group);
    let network_group = endpoint.as_ref().map_or(group, |endpoint| Group {
        subscription: &endpoint.subscription,
        name: &endpoint.resource_group,
    });
    let dns = dns(root, network_group);
    let vms = vms(root, group.name);
    let proxy = proxy(root);
    let bypass = bypass(root);
    let sql = sql(root);
    Some(Site {
        azure: azure?,
        vault: vault?,
        private_endpoint: endpoint?,
        dns,
        vms,
        proxy,
        bypass: bypass?,
        sql,
    })
}

fn azure(root: &Table<'_>) -> Option<Azure> {
    let table = root.table(
        "azure",
        &[
            "cloud",
            "tenant",
            "subscription",
            "resource_group",
            "location",
        ],
    );
    let cloud = match table.span_of("cloud") {
        Some(_) => table.choice("cloud", Cloud::ALL, Cloud::key),
        None => Some(Cloud::default()),
    };
    let tenant = table.text("tenant").and_then(|text| text.read(tenant));
    let subscription = table
        .required_text("subscription")
        .and_then(|text| text.read(guid));
    let resource_group = name(
        table.required_text("resource_group"),
        NameKind::ResourceGroup,
    );
    let location = table
        .required_text("location")
        .and_then(|text| text.read(|text| region(text, cloud)));
    Some(Azure {
        cloud: cloud?,
        tenant,
        subscription: subscription?,
        resource_group: resource_group?,
        location: location?,
    })
}

fn vault(root: &Table<'_>) -> Option<Vault> {
    let table = root.table(
        "vault",
        &["name", "create", "redundancy", "public_network_access"],
    );
    let name = name(table.required_text("name"), NameKind::Vault);
    let redundancy = table.choice("redundancy", Redundancy::ALL, Redundancy::key);
    let create = table.flag("create").unwrap_or(false);
    if create && table.span_of("redundancy").is_none() {
        table.note(table.span_of("create"), SiteErrorKind::MissingRedundancy);
    }
    let public_network_access = table
        .choice(
            "public_network_access",
            PublicNetworkAccess::ALL,
            PublicNetworkAccess::key,
        )
        .unwrap_or(PublicNetworkAccess::Deny);
    Some(Vault {
        name: name?,
        create: redundancy.filter(|_| create),
        public_network_access,
    })
}

/// `group` is the site's.
fn private_endpoint(root: &Table<'_>, group: Group<'_>) -> Option<PrivateEndpoint> {
    let table = root.table(
        "private_endpoint",
        &["name", "subnet", "resource_group", "subscription"],
    );
    let name_of_endpoint = name(table.required_text("name"), NameKind::PrivateEndpoint);
    let subscription = table
        .text("subscription")
        .and_then(|text| text.read(guid))
        .unwrap_or_else(|| group.subscription.to_owned());
    let resource_group = name(table.text("resource_group"), NameKind::ResourceGroup)
        .unwrap_or_else(|| group.name.to_owned());
    let subnet = table.required_text("subnet").and_then(|text| {
        let group = Group {
            subscription: &subscription,
            name: &resource_group,
        };
        text.read(|text| resource(text, ResourceKind::Subnet, group))
    });
    Some(PrivateEndpoint {
        name: name_of_endpoint?,
        subnet: subnet?,
        subscription,
        resource_group,
    })
}

/// `group` is that of networks named without one.
fn dns(root: &Table<'_>, group: Group<'_>) -> Dns {
    let table = root.table("dns", &["mode", "zones", "link_vnets"]);
    let mode = table
        .choice("mode", DnsMode::ALL, DnsMode::key)
        .unwrap_or(DnsMode::Azure);
    let zones = table.texts("zones");
    let link_vnets = table.texts("link_vnets");
    Dns {
        mode,
        zones: all(&zones, |text| {
            ResourceId::parse(text.value, ResourceKind::PrivateDnsZone)
                .ok_or_else(|| no_resource(text, ResourceKind::PrivateDnsZone))
        }),
        link_vnets: all(&link_vnets, |text| {
            resource(text, ResourceKind::VirtualNetwork, group)
        }),
    }
}

fn vms(root: &Table<'_>, resource_group: &str) -> Vec<Vm> {
    let Some(tables) = root.tables("vm", &["name", "resource_group", "via"]) else {
        return Vec::new();
    };
    if tables.is_empty() {
        root.note(root.span_of("vm"), SiteErrorKind::NoVirtualMachine);
    }
    let mut seen = HashSet::new();
    tables
        .iter()
        .filter_map(|table| vm(table, resource_group, &mut seen))
        .collect()
}

fn vm(table: &Table<'_>, resource_group: &str, seen: &mut HashSet<(String, String)>) -> Option<Vm> {
    /// Azure Backup's limit on the two names together.
    const LONGEST: usize = 84;

    let vm_name = name(table.required_text("name"), NameKind::VirtualMachine);
    let resource_group = name(table.text("resource_group"), NameKind::ResourceGroup)
        .unwrap_or_else(|| resource_group.to_owned());
    let via = table
        .choice("via", Via::ALL, Via::key)
        .unwrap_or(Via::Local);
    let vm = Vm {
        name: vm_name?,
        resource_group,
        via,
    };
    let characters = vm.name.chars().count() + vm.resource_group.chars().count();
    if characters > LONGEST {
        let kind = SiteErrorKind::VmNamesTooLong {
            vm: vm.name.clone(),
            resource_group: vm.resource_group.clone(),
            characters,
        };
        table.note(table.span_of("name"), kind);
    }
    if !seen.insert((vm.name.to_lowercase(), vm.resource_group.to_lowercase())) {
        let kind = SiteErrorKind::DuplicateVm {
            vm: vm.name.clone(),
            resource_group: vm.resource_group.clone(),
        };
        table.note(table.span_of("name"), kind);
    }
    Some(vm)
}

fn proxy(root: &Table<'_>) -> Proxy {
    let table = root.table("proxy", &["mode", "server"]);
    let mode = table
        .choice("mode", ProxyMode::ALL, ProxyMode::key)
        .unwrap_or(ProxyMode::Keep);
    let server = table.text("server");
    if mode == ProxyMode::Set && server.is_none() {
        table.note(table.span_of("mode"), SiteErrorKind::MissingProxyServer);
    }
    let server = server.and_then(|text| {
        text.read(|text| {
            ProxyAddress::parse(text.value).map_err(|fault| SiteErrorKind::ProxyServer {
                key: text.key.clone(),
                value: without_user(text.value),
                fault,
            })
        })
    });
    Proxy { mode, server }
}

/// A message is no place for a password.
fn without_user(server: &str) -> String {
    match server.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => server.to_owned(),
    }
}

fn bypass(root: &Table<'_>) -> Option<Bypass> {
    let table = root.table("bypass", &["backup", "entra", "local", "add", "remove"]);
    let backup = table
        .choice("backup", Route::ALL, Route::key)
        .unwrap_or(Route::Direct);
    let entra = table.required_choice(
        "entra",
        SiteErrorKind::MissingEntraRoute,
        Route::ALL,
        Route::key,
    );
    let local = table.flag("local").unwrap_or(true);
    let add = all(&table.texts("add"), |text| {
        entry(text, bypass_entry::writable)
    });
    let remove = all(&table.texts("remove"), |text| {
        let dropped = entry(text, bypass_entry::removable)?;
        if add.iter().any(|added| added.eq_ignore_ascii_case(&dropped)) {
            return Err(SiteErrorKind::AddedAndRemoved { entry: dropped });
        }
        Ok(dropped)
    });
    Some(Bypass {
        backup,
        entra: entra?,
        local,
        add,
        remove,
    })
}

fn sql(root: &Table<'_>) -> Sql {
    let table = root.table("sql", &["databases", "policy", "backup"]);
    let databases = all(&table.texts("databases"), |text| {
        DatabasePattern::parse(text.value)
            .ok_or_else(|| no_database(text, "`INSTANCE/database`, `*` and `?` allowed"))
    });
    let policy = name(table.text("policy"), NameKind::BackupPolicy)
        .unwrap_or_else(|| "HourlyLogBackup".to_owned());
    let backup = table.text("backup").and_then(|text| {
        text.read(|text| {
            Database::parse(text.value).ok_or_else(|| no_database(text, "one `INSTANCE/database`"))
        })
    });
    Sql {
        databases,
        policy,
        backup,
    }
}

/// The meanings of all usable strings.
fn all<T>(texts: &[Text<'_>], meaning: impl Fn(&Text<'_>) -> Result<T, SiteErrorKind>) -> Vec<T> {
    texts
        .iter()
        .filter_map(|text| text.read(&meaning))
        .collect()
}

fn name(text: Option<Text<'_>>, kind: NameKind) -> Option<String> {
    text?.read(|text| {
        if kind.accepts(text.value) {
            Ok(text.value.to_owned())
        } else {
            Err(SiteErrorKind::InvalidName {
                key: text.key.clone(),
                value: text.value.to_owned(),
                kind,
            })
        }
    })
}

fn guid(text: &Text<'_>) -> Result<String, SiteErrorKind> {
    if is_guid(text.value) {
        Ok(text.value.to_owned())
    } else {
        Err(SiteErrorKind::NotAGuid {
            key: text.key.clone(),
            value: text.value.to_owned(),
        })
    }
}

fn tenant(text: &Text<'_>) -> Result<String, SiteErrorKind> {
    // A domain is spelt like a DNS zone.
    if is_guid(text.value) || NameKind::PrivateDnsZone.accepts(text.value) {
        Ok(text.value.to_owned())
    } else {
        Err(SiteErrorKind::NotATenant {
            key: text.key.clone(),
            value: text.value.to_owned(),
        })
    }
}

fn region(text: &Text<'_>, cloud: Option<Cloud>) -> Result<&'static Region, SiteErrorKind> {
    let region = geo_code(text.value).ok_or_else(|| SiteErrorKind::UnknownRegion {
        value: text.value.to_owned(),
        nearest: nearest_region(text.value),
    })?;
    match cloud {
        Some(cloud) if region.cloud != Some(cloud) => Err(SiteErrorKind::RegionOfOtherCloud {
            region: region.name,
            home: region.cloud,
            cloud,
        }),
        _ => Ok(region),
    }
}

fn resource(
    text: &Text<'_>,
    kind: ResourceKind,
    group: Group<'_>,
) -> Result<ResourceId, SiteErrorKind> {
    ResourceId::parse_within(text.value, kind, group).ok_or_else(|| no_resource(text, kind))
}

fn no_resource(text: &Text<'_>, kind: ResourceKind) -> SiteErrorKind {
    SiteErrorKind::NotAResource {
        key: text.key.clone(),
        value: text.value.to_owned(),
        kind,
    }
}

fn entry(
    text: &Text<'_>,
    rule: fn(&str) -> Result<(), super::EntryFault>,
) -> Result<String, SiteErrorKind> {
    match rule(text.value) {
        Ok(()) => Ok(text.value.to_owned()),
        Err(fault) => Err(SiteErrorKind::BypassEntry {
            key: text.key.clone(),
            entry: text.value.to_owned(),
            fault,
        }),
    }
}

fn no_database(text: &Text<'_>, expected: &'static str) -> SiteErrorKind {
    SiteErrorKind::NotADatabase {
        key: text.key.clone(),
        value: text.value.to_owned(),
        expected,
    }
}
