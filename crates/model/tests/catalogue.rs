//! The catalogue: the data itself, and what is asked of it.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use sidestep_model::catalogue::{
    BypassChoices, Catalogue, Cloud, Confidence, Service, article_2022_10, geo_code,
    nearest_region, regions,
};

const EVERYTHING_DIRECT: BypassChoices = BypassChoices {
    backup_direct: true,
    entra_direct: true,
};

#[test]
fn every_endpoint_says_why_and_who_says_so() {
    for cloud in Cloud::ALL {
        let mut seen = HashSet::new();
        for endpoint in Catalogue::of(*cloud).endpoints() {
            let pattern = endpoint.pattern;
            assert!(seen.insert(pattern), "{cloud}: {pattern} is there twice");
            assert!(endpoint.why.ends_with('.'), "{pattern}: {}", endpoint.why);
            assert_eq!(endpoint.why.matches(". ").count(), 0, "{pattern}");
            assert!(!endpoint.source.is_empty(), "{pattern}");
            assert!(is_month(endpoint.date), "{pattern}: {}", endpoint.date);
            assert_eq!(
                endpoint.private_link,
                endpoint.service.is_protected(),
                "{pattern}: private endpoints serve Backup and storage, nothing else"
            );
            assert!(is_pattern(pattern), "{cloud}: {pattern}");
        }
    }
}

#[test]
fn addresses_are_published_for_firewalls_only() {
    let addresses = Catalogue::of(Cloud::AzureCloud).addresses();
    let [entra] = addresses else {
        panic!("one list of ranges: {addresses:?}")
    };
    assert_eq!(entra.service, Service::Entra);
    assert_eq!(entra.ranges.len(), 16);
    for range in &entra.ranges {
        let (address, length) = range.split_once('/').unwrap();
        assert!(address.parse::<Ipv4Addr>().is_ok() || address.parse::<Ipv6Addr>().is_ok());
        assert!(length.parse::<u8>().unwrap() <= 128);
    }
    for cloud in Cloud::ALL {
        let list = Catalogue::of(*cloud).bypass_patterns(EVERYTHING_DIRECT);
        assert!(list.iter().all(|entry| !entry.pattern.contains('/')));
    }
}

#[test]
fn the_article_is_kept_to_the_letter() {
    let entries = article_2022_10();
    assert_eq!(entries.len(), 44);
    assert_eq!(entries.join(";").chars().count(), 1073);
    assert_eq!(entries[0], "localhost");
    assert_eq!(entries[30], "20.190.128.*");
    assert_eq!(entries[41], "nterpriseregistration.windows.net");
    assert_eq!(entries[43], "policykeyservice.dc.ad.msft.net");
}

#[test]
fn the_public_list_holds_what_is_documented_today_without_covered_names() {
    let list: Vec<&str> = Catalogue::of(Cloud::AzureCloud)
        .bypass_patterns(EVERYTHING_DIRECT)
        .iter()
        .map(|endpoint| endpoint.pattern)
        .collect();
    assert_eq!(
        list,
        [
            "localhost",
            "168.63.129.16",
            "169.254.169.254",
            "*.backup.windowsazure.com",
            "*.queue.core.windows.net",
            "*.blob.core.windows.net",
            "*.storage.azure.net",
            "*.auth.microsoft.com",
            "*.msftidentity.com",
            "*.msidentity.com",
            "account.activedirectory.windowsazure.com",
            "accounts.accesscontrol.windows.net",
            "autologon.microsoftazuread-sso.com",
            "clientconfig.microsoftonline-p.net",
            "graph.microsoft.com",
            "graph.windows.net",
            "login.microsoft.com",
            "login.windows.net",
            "*.login.microsoft.com",
            "*.hip.live.com",
            "*.microsoftonline.com",
            "*.microsoftonline-p.com",
            "*.msauth.net",
            "*.msauthimages.net",
            "*.msecnd.net",
            "*.msftauth.net",
            "*.msftauthimages.net",
            "*.phonefactor.net",
            "enterpriseregistration.windows.net",
        ]
    );
}

#[test]
fn choices_decide_which_services_go_around_the_proxy() {
    let services = |cloud, choices| -> Vec<Service> {
        let mut services: Vec<Service> = Catalogue::of(cloud)
            .bypass_patterns(choices)
            .iter()
            .map(|endpoint| endpoint.service)
            .collect();
        services.dedup();
        services
    };
    let through_the_proxy = BypassChoices {
        backup_direct: false,
        entra_direct: false,
    };
    let entra_through_the_proxy = BypassChoices {
        backup_direct: true,
        entra_direct: false,
    };
    for cloud in Cloud::ALL {
        assert_eq!(services(*cloud, through_the_proxy), [Service::Platform]);
        let list = services(*cloud, entra_through_the_proxy);
        assert!(list.contains(&Service::Backup) && !list.contains(&Service::Entra));
        assert!(!services(*cloud, EVERYTHING_DIRECT).contains(&Service::Management));
    }
    assert_eq!(
        services(Cloud::AzureCloud, EVERYTHING_DIRECT),
        [
            Service::Platform,
            Service::Backup,
            Service::Queue,
            Service::Blob,
            Service::Storage,
            Service::Entra
        ]
    );
}

#[test]
fn leaving_out_covered_names_loses_no_name() {
    for cloud in Cloud::ALL {
        let catalogue = Catalogue::of(*cloud);
        let list = catalogue.bypass_patterns(EVERYTHING_DIRECT);
        for endpoint in catalogue.endpoints() {
            let reached = list.iter().any(|entry| {
                entry.pattern == endpoint.pattern
                    || entry
                        .pattern
                        .strip_prefix('*')
                        .is_some_and(|suffix| endpoint.pattern.ends_with(suffix))
            });
            assert_eq!(
                reached,
                endpoint.service != Service::Management,
                "{}",
                endpoint.pattern
            );
        }
    }
}

#[test]
fn hosts_belong_to_the_narrowest_pattern() {
    let public = Catalogue::of(Cloud::AzureCloud);
    for (host, service) in [
        ("acct.blob.core.windows.net", Some(Service::Blob)),
        (
            "acct.privatelink.blob.core.windows.net",
            Some(Service::Blob),
        ),
        ("acct.queue.core.windows.net", Some(Service::Queue)),
        ("md-x.z33.blob.storage.azure.net", Some(Service::Blob)),
        ("md-x.z33.file.storage.azure.net", Some(Service::Storage)),
        (
            "x.privatelink.jpe.backup.windowsazure.com",
            Some(Service::Backup),
        ),
        ("X.JPE.Backup.WindowsAzure.COM.", Some(Service::Backup)),
        ("login.microsoftonline.com", Some(Service::Entra)),
        ("anything.microsoftonline.com", Some(Service::Entra)),
        ("japaneast.r.login.microsoft.com", Some(Service::Entra)),
        ("management.azure.com", Some(Service::Management)),
        ("169.254.169.254", Some(Service::Platform)),
        ("blob.core.windows.net", None),
        ("evilblob.core.windows.net", None),
        ("acct.blob.core.windows.net.example", None),
        ("corp.example", None),
        ("", None),
    ] {
        assert_eq!(public.service_of(host), service, "{host}");
    }
    let government = Catalogue::of(Cloud::AzureUsGovernment);
    assert_eq!(
        government.service_of("a.blob.core.usgovcloudapi.net"),
        Some(Service::Blob)
    );
    assert_eq!(government.service_of("a.blob.core.windows.net"), None);
    let china = Catalogue::of(Cloud::AzureChinaCloud);
    assert_eq!(
        china.service_of("x.privatelink.sha2.backup.windowsazure.cn"),
        Some(Service::Backup)
    );
}

#[test]
fn a_name_one_edit_away_is_a_misspelling() {
    let public = Catalogue::of(Cloud::AzureCloud);
    for (entry, meant) in [
        (
            "nterpriseregistration.windows.net",
            "enterpriseregistration.windows.net",
        ),
        ("login.micrsoftonline.com", "login.microsoftonline.com"),
        ("Login.Microsoft.comm", "login.microsoft.com"),
        (".backup.windowsazure.com", "*.backup.windowsazure.com"),
        ("*backup.windowsazure.com", "*.backup.windowsazure.com"),
        ("*.blob.croe.windows.net", "*.blob.core.windows.net"),
        ("168.63.129.6", "168.63.129.16"),
    ] {
        assert_eq!(public.misspelling_of(entry), Some(meant), "{entry}");
    }
    for entry in [
        "a.hip.live.com",
        "acct.blob.core.windows.net",
        "wsus.corp.example",
        "*.corp.example",
        "<local>",
        "",
        "日本.example",
    ] {
        assert_eq!(public.misspelling_of(entry), None, "{entry}");
    }
}

#[test]
fn no_known_name_is_a_misspelling_in_any_cloud() {
    for here in Cloud::ALL {
        for there in Cloud::ALL {
            for name in Catalogue::of(*there).known_names() {
                assert_eq!(Catalogue::of(*here).misspelling_of(name), None, "{name}");
            }
        }
    }
    let wrong: Vec<&str> = article_2022_10()
        .into_iter()
        .filter(|entry| {
            Catalogue::of(Cloud::AzureCloud)
                .misspelling_of(entry)
                .is_some()
        })
        .collect();
    assert_eq!(wrong, ["nterpriseregistration.windows.net"]);
}

#[test]
fn every_primary_region_has_its_geo_code() {
    // The list of articles/backup/scripts/geo-code-list.md, in its own order and words.
    let published = "scus South Central US; ncus North Central US; eus East US; wus West US; \
        ne North Europe; we West Europe; ea East Asia; sea Southeast Asia; cus Central US; \
        eus2 East US 2; bjb China North; sha China East; jpe Japan East; jpw Japan West; \
        brs Brazil South; ae Australia East; ase Australia Southeast; ugi USGov Iowa; \
        ugv USGov Virginia; inc Central India; ins South India; cnc Canada Central; \
        cne Canada East; wcus West Central US; wus2 West US 2; ukw UK West; uks UK South; \
        ccy Central US EUAP; ecy East US 2 EUAP; gec Germany Central; gne Germany Northeast; \
        krc Korea Central; krs Korea South; frc France Central; frs France South; \
        ugt USGov Texas; uga USGov Arizona; udc USDoD Central; ude USDoD East; \
        acl Australia Central; acl2 Australia Central 2; bjb2 China North 2; sha2 China East 2; \
        uac UAE Central; uan UAE North; san South Africa North; saw South Africa West; \
        rxe USSec East; rxw USSec West; exe USNat East; exw USNat West; inw West India; \
        gwc Germany West Central; gn Germany North; szn Switzerland North; szw Switzerland West; \
        nww Norway West; nwe Norway East; sdc Sweden Central; sds Sweden South; \
        bse Brazil Southeast; wus3 West US 3; jic Jio India Central; jiw Jio India West";
    for line in published.split("; ") {
        let (code, name) = line.split_once(' ').unwrap();
        let region = geo_code(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!(
            (region.geo_code, region.display_name, region.confidence),
            (code, name, Confidence::High)
        );
    }
    let high = regions()
        .iter()
        .filter(|region| region.confidence == Confidence::High);
    assert_eq!(high.count(), published.split("; ").count());
}

#[test]
fn regions_are_consistent() {
    let mut names = HashSet::new();
    let mut codes = HashSet::new();
    for region in regions() {
        assert!(names.insert(region.name), "{}", region.name);
        assert!(codes.insert(region.geo_code), "{}", region.geo_code);
        assert_eq!(
            region.name,
            region.display_name.to_lowercase().replace(' ', "")
        );
        assert!(!region.source.is_empty() && is_month(region.date));
    }
    let japan = geo_code("Japan East").unwrap();
    assert_eq!((japan.name, japan.geo_code), ("japaneast", "jpe"));
    assert_eq!(japan.cloud, Some(Cloud::AzureCloud));
    assert_eq!(
        geo_code("chinanorth3").unwrap().confidence,
        Confidence::Lower
    );
    assert_eq!(geo_code("usseceast").unwrap().cloud, None);
    assert_eq!(geo_code("jpe"), None);
}

#[test]
fn a_misspelt_region_leads_to_the_nearest() {
    assert_eq!(nearest_region("japaneats"), Some("japaneast"));
    assert_eq!(nearest_region("Japan Wets"), Some("japanwest"));
    assert_eq!(nearest_region("jpe"), Some("japaneast"));
    assert_eq!(nearest_region("ukouth"), Some("uksouth"));
    assert_eq!(nearest_region("mars"), None);
}

#[test]
fn clouds_and_services_go_by_their_keys() {
    for cloud in Cloud::ALL {
        let json = serde_json::to_value(cloud).unwrap();
        assert_eq!(json, cloud.key());
        assert_eq!(serde_json::from_value::<Cloud>(json).unwrap(), *cloud);
    }
    for endpoint in Catalogue::of(Cloud::AzureCloud).endpoints() {
        let json = serde_json::to_value(endpoint.service).unwrap();
        assert_eq!(json, endpoint.service.key());
    }
}

fn is_month(text: &str) -> bool {
    text.split_once('-').is_some_and(|(year, month)| {
        year.len() == 4
            && year.starts_with("20")
            && year.parse::<u16>().is_ok()
            && month.len() == 2
            && month
                .parse::<u8>()
                .is_ok_and(|month| (1..=12).contains(&month))
    })
}

fn is_pattern(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    text.len() < 255
        && name.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        })
}
