//! What is proven of two lists holds: against every destination of small
//! worlds, against random ones, and for the published list.

use proptest::prelude::*;
use sidestep_model::bypass::proof::{Comparison, Scope, Undecided, compare};
use sidestep_model::bypass::{
    BypassList, Consumer, Decision, DroppedBecause, HostContext, join, minimise,
};
use sidestep_model::catalogue::{Catalogue, Cloud, article_2022_10};
use sidestep_model::desired::required_list;
use sidestep_model::destination::Destination;
use sidestep_model::site::{self, Site};

fn elsewhere() -> HostContext {
    HostContext {
        dns_suffix: "domain.invalid".to_owned(),
        own_addresses: Vec::new(),
    }
}

fn is_direct(list: &BypassList, destination: &Destination) -> bool {
    list.decide(destination, &elsewhere()) != Decision::NotListed
}

fn proven(left: &str, right: &str, consumer: Consumer) -> Comparison {
    compare(left, right, consumer, Scope::default())
}

fn is_equal(left: &str, right: &str) -> [Option<bool>; 2] {
    Consumer::ALL.map(|consumer| proven(left, right, consumer).is_equal())
}

/// Every destination with a host of up to five of these characters, and some
/// addresses.
fn small_world() -> Vec<Destination> {
    let mut hosts = vec![String::new()];
    let mut all: Vec<String> = Vec::new();
    for _ in 0..5 {
        hosts = hosts
            .iter()
            .flat_map(|host| ["a", "h", "1", "."].map(|more| format!("{host}{more}")))
            .collect();
        all.extend(hosts.clone());
    }
    all.extend(
        [
            "127.0.0.1",
            "127.0.0.2",
            "169.254.1.1",
            "[::1]",
            "[fe80::a]",
            "[fec0::a]",
            "localhost",
            "loopback",
        ]
        .map(str::to_owned),
    );
    let urls = all.iter().flat_map(|host| {
        ["https", "http"].into_iter().flat_map(move |scheme| {
            ["", ":80", ":1", ":8443"].map(|port| format!("{scheme}://{host}{port}/"))
        })
    });
    urls.filter_map(|url| Destination::parse(&url).ok())
        .collect()
}

fn entry() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "(https?://)?[ah1*.]{1,4}(:(80|443|1|8443))?",
        2 => "(h\\*|\\*s\\*|\\*1|1\\*|\\*:1|\\*|\\*\\.\\*|ht\\*1|127\\.\\*|169\\.\\*|\\[fe\\*|\\[::1\\]|localhost)",
        2 => "(<local>|<-loopback>)",
        1 => "[ah]/1?",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn enumeration_agrees(
        left in prop::collection::vec(entry(), 0..4),
        right in prop::collection::vec(entry(), 0..4),
        shared in prop::collection::vec(entry(), 0..3),
    ) {
        thread_local! {
            static WORLD: Vec<Destination> = small_world();
        }
        let [left, right] = [left, right].map(|own| join(own.iter().chain(&shared).map(String::as_str)));
        for consumer in Consumer::ALL {
            let comparison = proven(&left, &right, consumer);
            let lists = [&left, &right].map(|text| BypassList::parse(text, consumer));
            for difference in &comparison.differences {
                let destination = Destination::parse(&difference.url).unwrap();
                let [l, r] = [&lists[0], &lists[1]]
                    .map(|list| list.decide(&destination, &difference.host) != Decision::NotListed);
                prop_assert!(l != r, "{} by {} and {}", difference.url, left, right);
            }
            WORLD.with(|world| {
                for destination in world {
                    let parts = is_direct(&lists[0], destination) != is_direct(&lists[1], destination);
                    if parts {
                        prop_assert_eq!(comparison.is_equal(), Some(false), "{} by {:?} and {:?} for {}", destination.url(), &left, &right, consumer);
                        let shortest = &comparison.differences[0].url;
                        let host = Destination::parse(shortest).unwrap().host().len();
                        // Among those that enumeration and proof both write in full.
                        let is_canonical = destination.canonical_host() == destination.host();
                        if is_canonical {
                            prop_assert!(host <= destination.host().len() + 6, "{} is shorter than {}", destination.url(), shortest);
                        }
                    }
                }
                Ok(())
            })?;
            if let Some(Undecided::TooComplex { .. }) = comparison.undecided {
                prop_assert!(false, "{} and {} are simple", left, right);
            }
        }
    }

    #[test]
    fn minimising_changes_no_decision(
        list in prop::collection::vec(entry(), 0..6),
    ) {
        thread_local! {
            static WORLD: Vec<Destination> = small_world();
        }
        let text = join(list.iter().map(String::as_str));
        let minimised = minimise(&text);
        for (consumer, proof) in Consumer::ALL.into_iter().zip(&minimised.proofs) {
            prop_assert_ne!(proof.is_equal(), Some(false), "{}", text);
            let [before, after] = [&text, &minimised.list].map(|text| BypassList::parse(text, consumer));
            WORLD.with(|world| {
                for destination in world {
                    prop_assert_eq!(is_direct(&before, destination), is_direct(&after, destination), "{} by {} and {}", destination.url(), &text, &minimised.list);
                }
                Ok(())
            })?;
        }
        prop_assert_eq!(minimised.entries + minimised.dropped.len(), BypassList::parse(&text, Consumer::DotnetFramework).entries().len());
    }

    #[test]
    fn entries_come_back_from_a_list(list in prop::collection::vec("[a-z*.:<>-]{1,8}", 0..6)) {
        let text = join(list.iter().map(String::as_str));
        for consumer in Consumer::ALL {
            let parsed = BypassList::parse(&text, consumer);
            let again = join(parsed.entries().iter().map(|entry| entry.text.as_str()));
            prop_assert_eq!(&again, &text);
        }
    }
}

#[test]
fn what_reaches_across_a_scheme_or_port_is_seen() {
    let [dotnet, wininet] = Consumer::ALL;
    let url = |left: &str, right: &str, consumer| {
        let comparison = proven(left, right, consumer);
        comparison.differences.first().map(|one| one.url.clone())
    };
    assert_eq!(url("h*", "", dotnet).as_deref(), Some("https://q/"));
    assert_eq!(url("h*", "", wininet).as_deref(), Some("https://h/"));
    assert_eq!(url("*:443", "", dotnet).as_deref(), Some("http://q:443/"));
    assert_eq!(url("*:443", "", wininet).as_deref(), Some("https://q/"));
    assert_eq!(url("q:443", "q", dotnet).as_deref(), Some("https://q/"));
    assert_eq!(url("*7", "*7;x7", dotnet), None);
    assert_eq!(
        url("10.1.2*4", "", dotnet).as_deref(),
        Some("https://10.1.2q4/")
    );
    assert_eq!(url("012.1.2.3", "", dotnet), None);
    assert_eq!(
        url("012.1.2.3", "", wininet).as_deref(),
        Some("https://012.1.2.3/")
    );
    // A name, though it looks like the start of an address.
    assert_eq!(
        url("localhost;127.*", "", dotnet).as_deref(),
        Some("https://127./")
    );
    assert_eq!(url("localhost", "<-loopback>", dotnet), None);
    assert_eq!(
        url("", "<-loopback>", wininet).as_deref(),
        Some("https://[::1]/")
    );
    assert_eq!(
        is_equal("localhost;<-loopback>", "<-loopback>"),
        [Some(true); 2]
    );
    assert_eq!(
        is_equal("<-loopback>;localhost", "localhost;<-loopback>"),
        [Some(true), Some(false)]
    );
    assert_eq!(is_equal("*", "*;<local>;x"), [Some(true); 2]);
    assert_eq!(is_equal("a/;b", "c/"), [Some(false), Some(true)]);
    assert_eq!(is_equal("a b", "a;b"), [Some(false), Some(true)]);
    assert_eq!(is_equal("*.x;x", "X;*.X;*.y.x"), [Some(true); 2]);
    assert_eq!(is_equal("[2001:db8::1]", ""), [Some(false); 2]);
    // `<local>` of .NET asks for the computer's own names.
    let local = proven("*.*.*;<local>", "*.*.*", dotnet);
    assert_eq!(local.is_equal(), Some(false));
}

#[test]
fn beyond_the_bound_it_says_so() {
    let list = "*a*b*c*d*e*;*e*d*c*b*a*;*b*d*a*c*e*;*c*a*e*b*d*;*d*c*e*a*b*;*a*d*b*e*c*";
    let scope = Scope {
        states: 500,
        ..Scope::default()
    };
    for consumer in Consumer::ALL {
        let comparison = compare(list, "*e*a*c*b*d*", consumer, scope);
        assert_ne!(comparison.is_equal(), Some(true));
        assert_eq!(
            comparison.undecided,
            Some(Undecided::TooComplex { states: 500 })
        );
    }
}

/// The support article's list, its printed line breaks joined: 44 entries.
#[test]
fn the_published_list_needs_31_entries() {
    let list = join(article_2022_10());
    let minimised = minimise(&list);
    assert_eq!(minimised.entries, 31);
    assert!(minimised.is_fewest);
    for (proof, consumer) in minimised.proofs.iter().zip(Consumer::ALL) {
        assert_eq!((proof.consumer, proof.is_equal()), (consumer, Some(true)));
    }
    let covered_by = |wide: &str| {
        let because = DroppedBecause::CoveredBy(wide.to_owned());
        minimised
            .dropped
            .iter()
            .filter(|dropped| dropped.because == because)
            .count()
    };
    assert_eq!(covered_by("*.microsoftonline.com"), 11);
    assert_eq!(covered_by("*.microsoftonline-p.com"), 2);
    assert!(
        minimised.list.contains("localhost")
            && minimised
                .list
                .contains("clientconfig.microsoftonline-p.net")
    );
}

/// Against today's names: each difference is there once, and no other.
#[test]
fn todays_list_differs_where_it_was_meant_to() {
    let article = join(article_2022_10());
    let site = Site::parse(site::SAMPLE).unwrap();
    let reasons = required_list(Catalogue::of(Cloud::AzureCloud), &site.bypass);
    let today = join(reasons.iter().map(|reason| reason.entry.as_str()));
    for consumer in Consumer::ALL {
        let comparison = proven(&article, &today, consumer);
        assert_eq!(comparison.undecided, None);
        let lists = [&article, &today].map(|text| BypassList::parse(text, consumer));
        let mut by: Vec<(bool, String)> = comparison
            .differences
            .iter()
            .map(|difference| {
                let left = difference.is_left_direct();
                let Some(sidestep_model::bypass::DirectBecause::Entry { index }) =
                    difference.because()
                else {
                    panic!("{difference:?}")
                };
                (
                    left,
                    lists[usize::from(!left)].entries()[index].text.clone(),
                )
            })
            .collect();
        by.sort();
        let only = |left: bool| -> Vec<&str> {
            by.iter()
                .filter(|(side, _)| *side == left)
                .map(|(_, entry)| entry.as_str())
                .collect()
        };
        assert_eq!(
            only(true),
            [
                "20.190.128.*",
                "40.126.*",
                "management.azure.com",
                "nterpriseregistration.windows.net",
                "policykeyservice.dc.ad.msft.net"
            ]
        );
        assert_eq!(
            only(false),
            [
                "*.auth.microsoft.com",
                "*.login.microsoft.com",
                "*.storage.azure.net",
                "<local>",
                "enterpriseregistration.windows.net"
            ]
        );
    }
}
