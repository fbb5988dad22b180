//! Every rule is shown by a list, and the published list by what is wrong with it.

use sidestep_model::bypass::proof::{Scope, compare};
use sidestep_model::bypass::{Consumer, join};
use sidestep_model::catalogue::{Catalogue, Cloud, article_2022_10};
use sidestep_model::desired::required_list;
use sidestep_model::finding::Severity;
use sidestep_model::lint::{Rule, Wants, fixed, lint};
use sidestep_model::site::{self, Route, Site};

fn codes(text: &str, wants: &Wants<'_>) -> Vec<(String, Option<String>)> {
    let findings = lint(text, wants).into_iter();
    let codes = findings.map(|finding| {
        if let Some(entry) = &finding.entry {
            assert_eq!(&text[finding.span.clone()], entry);
        }
        (finding.rule.code().to_string(), finding.entry)
    });
    codes.collect()
}

/// A site that wants nothing but the platform's addresses.
fn little() -> Wants<'static> {
    Wants {
        backup: Route::Proxy,
        entra: Some(Route::Proxy),
        local: false,
        ..Wants::default()
    }
}

const PLATFORM: &str = "localhost;168.63.129.16;169.254.169.254;";

fn about(entries: &str) -> Vec<String> {
    let text = format!("{PLATFORM}{entries}");
    codes(&text, &little())
        .into_iter()
        .map(|(code, _)| code)
        .collect()
}

#[test]
fn every_rule_is_shown() {
    for (entries, expected) in [
        ("wsus.corp.example", vec![]),
        ("a.example;A.example", vec!["SS150"]),
        ("*.corp.example;corp.example;b.corp.example", vec!["SS151"]),
        ("10.0.0.0/8", vec!["SS108"]),
        ("a.example/", vec!["SS108"]),
        ("b\u{fc}ro.example", vec!["SS108"]),
        (".corp.example", vec!["SS153"]),
        ("20.190.128.*", vec!["SS154", "SS156"]),
        ("40.126.*", vec!["SS155", "SS156"]),
        ("10.*", vec!["SS156"]),
        ("policykeyservice.dc.ad.msft.net", vec!["SS157"]),
        ("*.corp.example", vec!["SS159"]),
        ("<-loopback>", vec!["SS161"]),
        ("a.example b.example", vec!["SS134"]),
        ("a.example\nb.example", vec!["SS134"]),
        ("a.example;\nb.example", vec!["SS164"]),
        ("a.example,b.example", vec!["SS162"]),
        ("a.example\u{a0}b.example", vec!["SS163"]),
        ("\u{201c}a.example\u{201d}", vec!["SS163"]),
        ("a.example:443", vec!["SS165"]),
        ("h*", vec!["SS166"]),
        ("*s*", vec!["SS166"]),
        ("h*.corp.example", vec!["SS166"]),
        ("10.1.2*4", vec!["SS117"]),
        ("a.example:99999", vec!["SS167"]),
        ("*.blob.core.windows.net", vec!["SS109"]),
        ("login.microsoftonline.com", vec!["SS109"]),
        ("nterpriseregistration.windows.net", vec!["SS107"]),
    ] {
        assert_eq!(about(entries), expected, "{entries}");
    }
    let listed = |length: usize| format!("{PLATFORM}{}.example", "a".repeat(length));
    assert_eq!(codes(&listed(300), &little())[0].0, "SS110");
    let limit = |length| lint(&listed(length), &little()).remove(0).rule;
    assert!(matches!(limit(1100), Rule::Long { limit: 1024, .. }));
    assert!(matches!(limit(2100), Rule::Long { limit: 2064, .. }));
    let proxied = Wants {
        proxy_server: Some("10.2.0.16:3128;"),
        ..little()
    };
    assert_eq!(codes(PLATFORM, &proxied)[0].0, "SS106");
    let winhttp = Wants {
        winhttp: true,
        ..little()
    };
    assert_eq!(codes(&format!("{PLATFORM}a.*"), &winhttp)[0].0, "SS129");
    let missing: Vec<String> = codes(
        "",
        &Wants {
            local: true,
            ..little()
        },
    )
    .into_iter()
    .map(|(code, _)| code)
    .collect();
    assert_eq!(missing, ["SS152", "SS152", "SS152", "SS160"]);
    let wide = Wants {
        entra: Some(Route::Proxy),
        ..Wants::default()
    };
    let found = codes("*.windows.net", &wide);
    assert!(found.iter().any(|(code, _)| code == "SS158"), "{found:?}");
    assert!(found.iter().any(|(code, _)| code == "SS116"), "{found:?}");
}

#[test]
fn each_code_is_registered_once() {
    let mut codes: Vec<u16> = Rule::REGISTRY.iter().map(|(code, ..)| *code).collect();
    codes.dedup();
    assert_eq!(codes.len(), Rule::REGISTRY.len());
    assert!(codes.is_sorted());
}

#[test]
fn the_published_list_has_its_known_faults() {
    let text = join(article_2022_10());
    let findings = lint(&text, &Wants::default());
    let of = |code: &str| -> Vec<&str> {
        let found = findings
            .iter()
            .filter(|finding| finding.rule.code().to_string() == code);
        found
            .filter_map(|finding| finding.entry.as_deref())
            .collect()
    };
    assert_eq!(of("SS107"), ["nterpriseregistration.windows.net"]);
    assert_eq!(of("SS151").len(), 13);
    assert_eq!(of("SS154"), ["20.190.128.*"]);
    assert_eq!(of("SS155"), ["40.126.*"]);
    assert_eq!(
        of("SS157"),
        ["management.azure.com", "policykeyservice.dc.ad.msft.net"]
    );
    let missing: Vec<&str> = findings
        .iter()
        .filter_map(|finding| match &finding.rule {
            Rule::Missing { name, .. } => Some(*name),
            _ => None,
        })
        .collect();
    assert_eq!(
        missing,
        [
            "*.storage.azure.net",
            "*.auth.microsoft.com",
            "*.login.microsoft.com",
            "enterpriseregistration.windows.net"
        ]
    );
    assert!(
        findings
            .iter()
            .any(|finding| finding.rule == Rule::LocalMissing)
    );
}

/// What is made of the published list decides as today's list does.
#[test]
fn the_published_list_is_mended_into_todays() {
    let text = join(article_2022_10());
    let fixed = fixed(&text, &Wants::default()).expect("it is wrong");
    let site = Site::parse(site::SAMPLE).expect("the sample is sound");
    let reasons = required_list(Catalogue::of(Cloud::AzureCloud), &site.bypass);
    let today = join(reasons.iter().map(|reason| reason.entry.as_str()));
    for consumer in Consumer::ALL {
        let comparison = compare(&fixed, &today, consumer, Scope::default());
        assert_eq!(comparison.is_equal(), Some(true), "{fixed}: {comparison:?}");
    }
    let left = lint(&fixed, &Wants::default());
    assert!(
        left.iter()
            .all(|finding| finding.severity() == Severity::Note),
        "{left:#?}"
    );
}

#[test]
fn a_mended_list_keeps_what_is_somebody_elses() {
    let list = "wsus.corp.example edr.example,b.example;10.0.0.0/8;a.example:443;10.*;h*.x";
    let fixed = fixed(list, &little()).expect("it is wrong");
    assert_eq!(
        fixed,
        "wsus.corp.example;edr.example;b.example;a.example;10.*;h*.x;localhost;168.63.129.16;169.254.169.254"
    );
}

/// What is generated is sound by our own rules.
#[test]
fn generated_lists_have_nothing_to_mend() {
    for cloud in Cloud::ALL {
        for entra in [Route::Direct, Route::Proxy] {
            let mut site = Site::parse(site::SAMPLE).expect("the sample is sound");
            site.bypass.entra = entra;
            let reasons = required_list(Catalogue::of(*cloud), &site.bypass);
            let list = join(reasons.iter().map(|reason| reason.entry.as_str()));
            let found = lint(&list, &Wants::of(*cloud, &site.bypass));
            assert!(
                found
                    .iter()
                    .all(|finding| finding.severity() == Severity::Note),
                "{found:#?}"
            );
        }
    }
}
