//! What is asked for every line of a log, or millions of times, allocates nothing.

use allocation_counter::measure;
use sidestep_model::access_log::{Chosen, Format, Line, detect};
use sidestep_model::bypass::{BypassList, Consumer, HostContext, Matcher, join};
use sidestep_model::catalogue::{Catalogue, Cloud, HostIndex, article_2022_10};
use sidestep_model::destination::Destination;

/// Found by their ends, by a glob, and not at all.
const HOSTS: [&str; 5] = [
    "account.blob.core.windows.net",
    "20.190.128.7",
    "localhost",
    "www.example.com",
    "a.b",
];

#[test]
fn a_decision_allocates_nothing() {
    let list = join(article_2022_10()) + ";<local>;*.*.inner.example";
    let here = HostContext::default();
    for consumer in Consumer::ALL {
        let matcher = Matcher::new(BypassList::parse(&list, consumer));
        let destinations = HOSTS.map(|host| Destination::parse(host).expect("a host"));
        let mut direct = 0;
        let spent = measure(|| {
            direct += HOSTS
                .iter()
                .filter(|host| matcher.entry_for_host(host).is_some())
                .count();
            for destination in &destinations {
                std::hint::black_box(matcher.decide(destination, &here));
            }
        });
        assert_eq!(spent.count_total, 0, "{consumer}");
        assert_eq!(direct, 3, "{consumer}");
    }
}

#[test]
fn a_line_is_read_and_looked_up_without_allocating() {
    let index = HostIndex::new(Catalogue::of(Cloud::AzureCloud).endpoints());
    for line in [
        "1795660656.129 215 10.1.0.10 TCP_TUNNEL/200 4210 CONNECT acct.blob.core.windows.net:443 - HIER_DIRECT/203.0.113.10 -",
        "10.1.0.10 - - [26/Nov/2026:11:37:36 +0900] \"CONNECT acct.blob.core.windows.net:443 HTTP/1.1\" 200 4210",
    ] {
        let layout = detect(line.as_bytes(), None, &Chosen::default()).expect("a known format");
        assert!(matches!(layout.format(), Format::Squid | Format::Common));
        let mut found = false;
        let spent = measure(|| {
            if let Line::Request(request) = layout.read(line.as_bytes()) {
                found = index.endpoint_of(request.host).is_some();
            }
        });
        assert!(found, "{line}");
        assert_eq!(spent.count_total, 0, "{line}");
    }
}
