//! `site.toml`: what is read from it.

use proptest::prelude::*;
use sidestep_model::catalogue::Cloud;
use sidestep_model::site::{
    Database, DnsMode, ProxyMode, PublicNetworkAccess, Redundancy, Route, SAMPLE, Site, Via,
};

const LEAST: &str = include_str!("sites/least.toml");
const FULL: &str = include_str!("sites/full.toml");

#[test]
fn the_sample_is_a_valid_site() {
    let site = parsed(SAMPLE);
    assert_eq!(site.azure.location.geo_code, "jpe");
    assert_eq!(site.azure.tenant, None);
    assert_eq!(site.proxy.mode, ProxyMode::Keep);
    assert_eq!(site.proxy.server.unwrap().to_string(), "10.2.0.16:8080");
    assert_eq!(site.sql.databases[0].to_string(), "MSSQLSERVER/orders");
    assert!(site.sql.databases[0].matches(&site.sql.backup.unwrap()));
}

#[test]
fn what_is_left_out_has_defaults() {
    let site = parsed(LEAST);
    assert_eq!(site.azure.cloud, Cloud::AzureCloud);
    assert_eq!(site.azure.tenant, None);
    assert_eq!(site.vault.create, None);
    assert_eq!(site.vault.public_network_access, PublicNetworkAccess::Deny);
    assert_eq!(site.private_endpoint.subscription, site.azure.subscription);
    assert_eq!(site.private_endpoint.resource_group, "rg-backup");
    assert_eq!(
        site.private_endpoint.subnet.to_string(),
        "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-backup/providers\
         /Microsoft.Network/virtualNetworks/vnet-hub/subnets/snet-pe"
    );
    assert_eq!(site.dns.mode, DnsMode::Azure);
    assert!(site.dns.zones.is_empty() && site.dns.link_vnets.is_empty());
    assert_eq!(site.vms.len(), 1);
    assert_eq!(site.vms[0].resource_group, "rg-backup");
    assert_eq!(site.vms[0].via, Via::Local);
    assert_eq!(
        (site.proxy.mode, site.proxy.server),
        (ProxyMode::Keep, None)
    );
    assert_eq!(site.bypass.backup, Route::Direct);
    assert!(site.bypass.local && site.bypass.add.is_empty() && site.bypass.remove.is_empty());
    assert!(site.sql.databases.is_empty());
    assert_eq!(site.sql.policy, "HourlyLogBackup");
    assert_eq!(site.sql.backup, None);
}

#[test]
fn every_key_is_read() {
    let site = parsed(FULL);
    assert_eq!(site.azure.cloud, Cloud::AzureUsGovernment);
    assert_eq!(site.azure.tenant.as_deref(), Some("contoso.onmicrosoft.us"));
    assert_eq!(
        site.azure.subscription,
        "11111111-2222-3333-4444-555555555555"
    );
    assert_eq!(site.azure.resource_group, "rg-backup");
    assert_eq!(site.azure.location.name, "usgovvirginia");
    assert_eq!(site.vault.name, "rsv-sql");
    assert_eq!(site.vault.create, Some(Redundancy::ZoneRedundant));
    assert_eq!(site.vault.public_network_access, PublicNetworkAccess::Allow);
    assert_eq!(site.private_endpoint.name, "pe-rsv-sql");
    assert_eq!(site.private_endpoint.resource_group, "rg-network");
    assert!(site.private_endpoint.subscription.starts_with("bbbbbbbb"));
    assert_eq!(
        site.private_endpoint.subnet.to_string(),
        "/subscriptions/aaaaaaaa-2222-3333-4444-555555555555/resourceGroups/rg-hub/providers\
         /Microsoft.Network/virtualNetworks/vnet-hub/subnets/snet-pe"
    );
    assert_eq!(site.dns.mode, DnsMode::Manual);
    assert_eq!(
        site.dns.zones[0].names,
        ["privatelink.ugv.backup.windowsazure.us"]
    );
    let networks: Vec<&str> = site
        .dns
        .link_vnets
        .iter()
        .map(|network| network.resource_group.as_str())
        .collect();
    assert_eq!(networks, ["rg-network", "rg-hub"]);
    let vms: Vec<(&str, &str, Via)> = site
        .vms
        .iter()
        .map(|vm| (vm.name.as_str(), vm.resource_group.as_str(), vm.via))
        .collect();
    assert_eq!(
        vms,
        [
            ("sqlvm1", "rg-sql", Via::RunCommand),
            ("sqlvm2", "rg-backup", Via::Local)
        ]
    );
    assert_eq!(site.proxy.mode, ProxyMode::Set);
    assert_eq!(
        site.proxy.server.unwrap().to_string(),
        "proxy.corp.example:3128"
    );
    assert_eq!(site.bypass.backup, Route::Proxy);
    assert_eq!(site.bypass.entra, Route::Proxy);
    assert!(!site.bypass.local);
    assert_eq!(site.bypass.add.len(), 4);
    assert_eq!(site.bypass.remove[1], "10.0.0.0/8");
    assert_eq!(site.sql.databases[1].to_string(), "INST?/sales_*");
    assert_eq!(site.sql.policy, "Nightly");
    assert_eq!(site.sql.backup.unwrap().to_string(), "INST1/sales_eu");
}

#[test]
fn a_redundancy_alone_creates_no_vault() {
    let text = LEAST.replace("[vault]", "[vault]\nredundancy = \"GeoRedundant\"");
    assert_eq!(parsed(&text).vault.create, None);
}

#[test]
fn a_proxy_is_a_name_or_an_address_with_a_port() {
    for server in [
        "10.2.0.16:8080",
        "proxy:1",
        "a.b-c.example:65535",
        "[2001:db8::1]:80",
    ] {
        let site = parsed(&format!("{LEAST}[proxy]\nserver = \"http://{server}\"\n"));
        assert_eq!(site.proxy.server.unwrap().to_string(), server);
    }
}

#[test]
fn database_patterns_match_without_regard_to_letter_case() {
    let matches = |pattern: &str, instance: &str, name: &str| {
        let site = parsed(&format!("{LEAST}[sql]\ndatabases = [\"{pattern}\"]\n"));
        site.sql.databases[0].matches(&Database {
            instance: instance.to_owned(),
            name: name.to_owned(),
        })
    };
    assert!(matches("MSSQLSERVER/*", "mssqlserver", "Orders"));
    assert!(matches("*/orders", "INST1", "ORDERS"));
    assert!(matches("*/*_20??", "A", "sales_2026"));
    assert!(matches("A/*a*b*", "a", "xaaxbb"));
    assert!(matches("A/orders", "a", "orders"));
    assert!(!matches("A/orders", "a", "orders2"));
    assert!(!matches("A/*a*b", "a", "xab_"));
    assert!(!matches("*/sales_20??", "A", "sales_202"));
    assert!(!matches("MSSQLSERVER/*", "INST1", "orders"));
}

#[test]
fn windows_line_ends_and_byte_order_marks_are_welcome() {
    let text = format!("\u{feff}{}", SAMPLE.replace('\n', "\r\n"));
    assert_eq!(parsed(&text), parsed(SAMPLE));
}

proptest! {
    /// However a file is damaged, reading it ends in a site or in mistakes that
    /// can be shown: places on character boundaries, messages of one line.
    #[test]
    fn damaged_files_are_refused_with_something_to_show(
        at in 0..FULL.len(),
        length in 0..40_usize,
        patch in "[ -~あ\n\\[\\]\"=]{0,12}",
    ) {
        prop_assume!(FULL.is_char_boundary(at));
        let end = (at + length).min(FULL.len());
        let text = format!("{}{patch}{}", &FULL[..at], &FULL[end..]);
        if let Err(errors) = Site::parse(&text) {
            prop_assert!(!errors.is_empty());
            for error in errors {
                if let Some(span) = error.span.clone() {
                    prop_assert!(text.get(span).is_some());
                }
                prop_assert!(!error.to_string().contains(char::is_control));
                prop_assert!(!error.to_string().ends_with('.'));
            }
        }
    }
}

fn parsed(text: &str) -> Site {
    Site::parse(text).unwrap_or_else(|errors| {
        let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", messages.join("\n"))
    })
}
