//! A naive reading of the rules agrees with the matcher on random lists.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use sidestep_model::bypass::{
    BypassList, Consumer, Decision, DirectBecause, EntryForm, HostContext, Matcher, join,
};
use sidestep_model::catalogue::{Catalogue, Cloud};
use sidestep_model::desired::required_list;
use sidestep_model::destination::Destination;
use sidestep_model::site::{self, Site};

/// The rules once more, slow and plain: `(scheme, host, port)` against a list
/// whose entries stand one by one.
mod naive {
    use super::{Ipv4Addr, Ipv6Addr};

    pub(super) fn dotnet(entries: &[&str], scheme: &str, host: &str, port: Option<u16>) -> bool {
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        let texts = [
            format!("{scheme}://{host}{port}"),
            format!("{scheme}://{host}"),
            format!("{host}{port}"),
            host.to_owned(),
        ];
        host == "localhost"
            || host.starts_with("127.")
            || entries.iter().any(|entry| {
                let has_scheme = entry.contains("://");
                let has_port = entry
                    .rsplit(':')
                    .next()
                    .is_some_and(|digits| digits.parse::<u16>().is_ok());
                (entry == &"<local>" && !host.contains(['.', '[']))
                    || texts.iter().enumerate().any(|(at, text)| {
                        (at < 2 || !has_scheme)
                            && (at % 2 == 0 || !has_port)
                            && glob(entry.as_bytes(), text.as_bytes())
                    })
            })
    }

    pub(super) fn wininet(entries: &[&str], scheme: &str, host: &str, port: u16) -> bool {
        let implicit = host == "localhost"
            || host == "127.0.0.1"
            || host
                .parse::<Ipv4Addr>()
                .is_ok_and(|address| address.octets()[..2] == [169, 254])
            || host
                .trim_matches(['[', ']'])
                .parse::<Ipv6Addr>()
                .is_ok_and(|address| address.segments()[0] == 0xfe80);
        let slash = entries.iter().any(|entry| {
            entry
                .replacen("http://", "", 1)
                .replacen("https://", "", 1)
                .contains('/')
        });
        slash
            || entries.iter().fold(implicit, |direct, entry| match *entry {
                "<-loopback>" => direct && !implicit,
                "<local>" => direct || !host.contains(['.', '[']),
                _ => {
                    let (only_scheme, rest) = entry.split_once("://").unwrap_or((scheme, entry));
                    let (name, only_port) = rest
                        .rsplit_once(':')
                        .and_then(|(name, digits)| Some((name, digits.parse().ok()?)))
                        .unwrap_or((rest, port));
                    direct
                        || (only_scheme == scheme
                            && only_port == port
                            && glob(name.as_bytes(), host.as_bytes()))
                }
            })
    }

    fn glob(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
            Some((first, rest)) => text
                .split_first()
                .is_some_and(|(byte, text)| byte == first && glob(rest, text)),
        }
    }
}

/// A suffix that no host here has: `<local>` means names without a dot.
fn somewhere() -> HostContext {
    HostContext {
        dns_suffix: "none".to_owned(),
        own_addresses: Vec::new(),
    }
}

fn hosts() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab]{1,3}(\\.[ab]{1,2}){0,2}",
        1 => "(127\\.0\\.0\\.[12]|169\\.254\\.1\\.1|10\\.1\\.2\\.3|\\[fe80::1\\]|localhost)",
    ]
}

fn entries() -> impl Strategy<Value = Vec<String>> {
    let entry = prop_oneof![
        6 => "(https?://)?[ab*.]{0,3}[ab*](:(80|443|8443))?",
        2 => "(1*[0-9*]{0,2}\\.[0-9*.]{1,7}[0-9*]|\\[fe80::[1*]\\]|localhost|h\\*|\\*s\\*)",
        2 => "(<local>|<-loopback>)",
        1 => "[ab]{1,2}/[0-9]?",
    ];
    prop::collection::vec(entry, 0..5)
}

/// What Sidestep writes for a site where nothing is listed yet; `None` where
/// the site is refused.
fn generated(add: &[String], [backup, entra]: [bool; 2], local: bool) -> Option<Vec<String>> {
    let mut table: toml::Table = site::SAMPLE.parse().unwrap();
    let way = |direct| if direct { "direct" } else { "proxy" };
    let bypass = table["bypass"].as_table_mut().unwrap();
    bypass.insert("backup".to_owned(), way(backup).into());
    bypass.insert("entra".to_owned(), way(entra).into());
    bypass.insert("local".to_owned(), local.into());
    bypass.insert("add".to_owned(), add.to_vec().into());
    let site = Site::parse(&table.to_string()).ok()?;
    let reasons = required_list(Catalogue::of(Cloud::AzureCloud), &site.bypass);
    Some(reasons.into_iter().map(|reason| reason.entry).collect())
}

fn added() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "(https?://)?[hpst*.]{0,3}[ahst*](\\.[ab*]{1,2}){0,2}(:(80|443|8443|1))?",
        2 => "[12*]{1,3}(\\.[12*]{1,2}){0,3}",
        1 => "(<local>|<-loopback>|localhost|\\[2001:db8::[1*]\\]|a/b|\\*s\\*)",
    ]
}

/// A host that an entry names, or one that only a wildcard reaches.
fn probed(entry: &str, fill: &str, keep: usize) -> String {
    let host = entry.split_once("://").map_or(entry, |(_, rest)| rest);
    let host = host.split(':').next().unwrap_or_default();
    let pieces: Vec<&str> = host.split('*').collect();
    pieces[keep % pieces.len()..].join(fill)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a site adds: every name goes the same way for both.
    #[test]
    fn no_generated_list_means_different_things_to_its_readers(
        add in prop::collection::vec(added(), 0..3),
        ways in any::<[bool; 2]>(),
        local in any::<bool>(),
        scheme in "https?",
        host in prop_oneof![hosts(), "[ahst]{1,3}(\\.[ab]{1,2}){0,2}", "[12]{1,2}(\\.[12]{1,2}){3}"],
        fill in "[a-z0-9]{0,3}(\\.[a-z]{1,2})?",
        which in any::<prop::sample::Index>(),
        keep in 0..3_usize,
        port in prop::option::of(prop_oneof![Just(80_u16), Just(443), Just(8443), 1..30_u16]),
    ) {
        let Some(entries) = generated(&add, ways, local) else { return Ok(()) };
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        let list = join(entries.iter().map(String::as_str));
        for host in [probed(which.get::<String>(&entries), &fill, keep), host] {
            let Ok(destination) = Destination::parse(&format!("{scheme}://{host}{port}/")) else { continue };
            // Other spellings of an address, and what only one never proxies,
            // part the readers without any list.
            let context = somewhere();
            let is_direct = |list: &str, consumer| {
                BypassList::parse(list, consumer).decide(&destination, &context) != Decision::NotListed
            };
            let implicit = Consumer::ALL.map(|consumer| is_direct("", consumer));
            if implicit[0] != implicit[1] || destination.canonical_host() != host { continue }
            let [dotnet, wininet] = Consumer::ALL.map(|consumer| is_direct(&list, consumer));
            prop_assert_eq!(dotnet, wininet, "{} by {}", destination.url(), list);
        }
    }

    #[test]
    fn a_naive_reading_agrees(
        list in entries(),
        scheme in "https?",
        host in hosts(),
        port in prop::option::of(prop::sample::select(vec![80_u16, 443, 8443])),
    ) {
        let entries: Vec<&str> = list.iter().map(String::as_str).collect();
        let shown = port.map_or(String::new(), |port| format!(":{port}"));
        let destination = Destination::parse(&format!("{scheme}://{host}{shown}/")).unwrap();
        let default_port = if scheme == "https" { 443 } else { 80 };
        for consumer in Consumer::ALL {
            let expected = match consumer {
                Consumer::DotnetFramework => {
                    let port = port.filter(|port| *port != default_port);
                    naive::dotnet(&entries, &scheme, &host, port)
                }
                Consumer::Wininet => naive::wininet(&entries, &scheme, &host, port.unwrap_or(default_port)),
            };
            let decision = BypassList::parse(&join(entries.iter().copied()), consumer).decide(&destination, &somewhere());
            prop_assert_eq!(decision != Decision::NotListed, expected, "{} {:?} {:?}", consumer, entries, destination.url());
        }
    }

    #[test]
    fn spans_lead_back_to_the_text(list in "[ab*./:<>;; \t\r\n\u{a0}é]{0,40}") {
        for consumer in Consumer::ALL {
            let parsed = BypassList::parse(&list, consumer);
            for (at, entry) in parsed.entries().iter().enumerate() {
                prop_assert_eq!(&list[entry.span.clone()], &entry.text);
                prop_assert_eq!(entry.index, at);
                prop_assert!(!entry.text.is_empty() && !entry.text.contains(';'));
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(list in ".{0,40}", url in ".{0,40}", proxy_server in ".{0,40}") {
        for consumer in Consumer::ALL {
            let parsed = BypassList::parse(&list, consumer);
            let decision = Destination::parse(&url)
                .map(|destination| parsed.decide(&destination, &HostContext::default()));
            if let Ok(Decision::Direct(DirectBecause::Entry { index } | DirectBecause::ListInvalid { index })) = decision {
                prop_assert!(index < parsed.entries().len());
            }
            let shown = sidestep_model::proxy_server::masked(&proxy_server);
            prop_assert_eq!(shown.contains('@'), proxy_server.contains('@'));
            if let Ok(Some(proxy)) = sidestep_model::proxy_server::select(&proxy_server, "https", consumer) {
                prop_assert!(!proxy.to_string().contains('@'));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The compiled list decides as the plain one, by the same entry.
    #[test]
    fn a_compiled_list_decides_alike(
        list in prop::collection::vec(prop_oneof![
            entries().prop_map(|entries| entries.join(";")),
            "(\\*?\\.?)(long[ab]|aaaaaaa)\\.(example|1234567)(:8443)?".prop_map(String::from),
            "\\*(12345678|.?[0-9]{2})".prop_map(String::from),
        ], 0..4),
        scheme in "https?",
        host in prop_oneof![hosts(), "([ab]\\.)?(long[ab]|aaaaaaa)\\.(example|1234567)"],
        port in prop::option::of(prop_oneof![Just(80_u16), Just(443), Just(8443), 10..99_u16]),
    ) {
        let text = list.join(";");
        let shown = port.map_or(String::new(), |port| format!(":{port}"));
        let Ok(destination) = Destination::parse(&format!("{scheme}://{host}{shown}/")) else { return Ok(()) };
        for consumer in Consumer::ALL {
            let plain = BypassList::parse(&text, consumer);
            let compiled = Matcher::new(plain.clone());
            prop_assert_eq!(compiled.decide(&destination, &somewhere()), plain.decide(&destination, &somewhere()), "{} by {}", destination.url(), &text);
            let is_poisoned = plain.entries().iter().any(|entry| entry.form == EntryForm::Poison);
            let plain_host = Destination::parse(&format!("https://{host}/")).unwrap();
            // `<local>` covers loopback addresses for .NET, which never proxies them anyway.
            let is_implicit = plain.decide(&plain_host, &somewhere()) == Decision::Direct(DirectBecause::Implicit);
            if plain_host.canonical_host() == host && !is_poisoned && !is_implicit {
                let by_host = compiled.entry_for_host(&host).map(|index| Decision::Direct(DirectBecause::Entry { index }));
                prop_assert_eq!(by_host.unwrap_or(Decision::NotListed), plain.coverage(&plain_host, &somewhere()), "{} by {}", &host, &text);
            }
        }
    }
}
