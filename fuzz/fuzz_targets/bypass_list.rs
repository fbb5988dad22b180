//! Bypass lists: the input is a URL, a `ProxyServer` string and a list, each
//! beginning a line; the list may go on over more.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sidestep_model::bypass::{BypassList, Consumer, Decision, DirectBecause, HostContext, join};
use sidestep_model::destination::Destination;
use sidestep_model::route::{Route, route};
use sidestep_model::settings::{Flags, ProxySettings};

/// Schemes whose URLs always name a host by the rules for requests.
const REQUESTED: &[&str] = &["http", "https", "ws", "wss", "ftp", "gopher"];

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let [url, proxy_server, list] = [(); 3].map(|()| lines.next().unwrap_or_default());
    for consumer in Consumer::ALL {
        nothing_is_lost(list, consumer);
        joined_entries_come_back(list, consumer);
    }
    what_we_write_is_split_alike(list);
    let Ok(destination) = Destination::parse(url) else {
        return;
    };
    canonical_stays_canonical(&destination);
    for consumer in Consumer::ALL {
        the_named_entry_decides(list, consumer, &destination);
        the_route_follows(list, consumer, &destination);
        every_mode_has_a_route(proxy_server, list, consumer, &destination);
    }
});

/// Between the entries lie separators and white space alone.
fn nothing_is_lost(list: &str, consumer: Consumer) {
    let is_empty = |text: &str| text.chars().all(|c| c == ';' || c.is_whitespace());
    let mut end = 0;
    for (at, entry) in BypassList::parse(list, consumer)
        .entries()
        .iter()
        .enumerate()
    {
        assert_eq!(entry.index, at);
        assert_eq!(list[entry.span.clone()], entry.text);
        assert!(!entry.text.is_empty());
        assert!(is_empty(&list[end..entry.span.start]));
        end = entry.span.end;
    }
    assert!(is_empty(&list[end..]));
}

fn joined_entries_come_back(list: &str, consumer: Consumer) {
    let entries = BypassList::parse(list, consumer);
    let joined = BypassList::parse(&join(texts(&entries)), consumer);
    assert!(texts(&joined).eq(texts(&entries)));
    let forms = |list: &BypassList| -> Vec<_> {
        list.entries()
            .iter()
            .map(|entry| entry.form.clone())
            .collect()
    };
    assert_eq!(forms(&joined), forms(&entries));
}

/// Split as `WinINet` splits it and joined with `;`, a list has the same
/// entries for .NET, but for the white space that only .NET takes for such.
fn what_we_write_is_split_alike(list: &str) {
    let entries = BypassList::parse(list, Consumer::Wininet);
    let written = BypassList::parse(&join(texts(&entries)), Consumer::DotnetFramework);
    let expected = texts(&entries)
        .map(str::trim)
        .filter(|text| !text.is_empty());
    assert!(texts(&written).eq(expected));
}

fn texts(list: &BypassList) -> impl Iterator<Item = &str> {
    list.entries().iter().map(|entry| entry.text.as_str())
}

fn canonical_stays_canonical(destination: &Destination) {
    assert_eq!(
        Destination::parse(destination.url()).as_ref(),
        Ok(destination)
    );
    let (scheme, host, port) = parts(destination);
    if REQUESTED.contains(&scheme) {
        let canonical = Destination::parse(&format!("{scheme}://{host}:{port}/"));
        assert_eq!(canonical.as_ref().map(parts), Ok((scheme, host, port)));
    }
}

fn parts(destination: &Destination) -> (&str, &str, u16) {
    (
        destination.scheme(),
        destination.canonical_host(),
        destination.port(),
    )
}

/// The entry that is said to decide does so alone; where none decides, none does.
fn the_named_entry_decides(list: &str, consumer: Consumer, destination: &Destination) {
    let decide = |list: &str| BypassList::parse(list, consumer).decide(destination, &host());
    let entries = BypassList::parse(list, consumer);
    let implicit = Decision::Direct(DirectBecause::Implicit);
    match decide(list) {
        Decision::Direct(DirectBecause::Entry { index }) => {
            let alone = Decision::Direct(DirectBecause::Entry { index: 0 });
            assert_eq!(decide(&entries.entries()[index].text), alone);
        }
        Decision::Direct(DirectBecause::ListInvalid { index }) => {
            let alone = Decision::Direct(DirectBecause::ListInvalid { index: 0 });
            assert_eq!(decide(&entries.entries()[index].text), alone);
        }
        Decision::Direct(DirectBecause::Implicit) => assert_eq!(decide(""), implicit),
        // `<-loopback>` takes away what other entries gave.
        Decision::NotListed if decide("") == implicit => assert_eq!(consumer, Consumer::Wininet),
        Decision::NotListed => {
            assert!(texts(&entries).all(|entry| decide(entry) == Decision::NotListed));
        }
    }
}

fn the_route_follows(list: &str, consumer: Consumer, destination: &Destination) {
    let entries = BypassList::parse(list, consumer);
    let settings = ProxySettings::manual("10.2.0.16:3128", list);
    let taken = route(destination, &settings, consumer, &host());
    let named = match entries.decide(destination, &host()) {
        Decision::NotListed => {
            assert!(matches!(taken.route, Route::Proxy(_)));
            None
        }
        Decision::Direct(because) => {
            assert_eq!(taken.route, Route::Direct);
            match because {
                DirectBecause::Entry { index } | DirectBecause::ListInvalid { index } => {
                    Some(index)
                }
                DirectBecause::Implicit => None,
            }
        }
    };
    let named = named.map(|index| (index, entries.entries()[index].text.clone()));
    assert_eq!(taken.entry.map(|entry| (entry.index, entry.text)), named);
}

/// Whatever is switched on. The string stands for the script's address, too.
fn every_mode_has_a_route(
    proxy_server: &str,
    list: &str,
    consumer: Consumer,
    destination: &Destination,
) {
    for flags in 0..=0xF {
        let settings = ProxySettings {
            flags: Flags(flags),
            auto_config_url: proxy_server.to_owned(),
            ..ProxySettings::manual(proxy_server, list)
        };
        let taken = route(destination, &settings, consumer, &host());
        // `WinINet` passes over what it cannot read.
        assert!(consumer == Consumer::DotnetFramework || !matches!(taken.route, Route::Error(_)));
    }
}

/// A computer in a domain.
fn host() -> HostContext {
    HostContext {
        dns_suffix: "corp.example".to_owned(),
        own_addresses: vec![[10, 0, 0, 4].into()],
    }
}
