//! What is proven of two lists, a line each, holds for every destination of a
//! small world; so does what minimising leaves of the first.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sidestep_model::bypass::proof::{Scope, compare};
use sidestep_model::bypass::{BypassList, Consumer, Decision, HostContext, minimise};
use sidestep_model::destination::Destination;

/// Longer lists say no more, and take longer.
const LONGEST: usize = 32;

/// Hosts of up to three characters, and some that are direct for themselves.
static WORLD: LazyLock<Vec<Destination>> = LazyLock::new(|| {
    const LETTERS: [&str; 4] = ["a", "h", "1", "."];
    let mut last = vec![String::new()];
    let mut hosts: Vec<String> = [
        "localhost",
        "127.0.0.1",
        "127.0.0.2",
        "169.254.1.1",
        "[::1]",
        "[fe80::a]",
    ]
    .map(str::to_owned)
    .to_vec();
    for _ in 0..3 {
        let longer = |host: &String| LETTERS.map(|letter| format!("{host}{letter}"));
        last = last.iter().flat_map(longer).collect();
        hosts.extend(last.clone());
    }
    let urls = hosts.iter().flat_map(|host| {
        ["https", "http"].into_iter().flat_map(move |scheme| {
            ["", ":80", ":8443"].map(|port| format!("{scheme}://{host}{port}/"))
        })
    });
    urls.filter_map(|url| Destination::parse(&url).ok())
        .collect()
});

fuzz_target!(|text: &str| {
    let Some((left, right)) = text.split_once('\n') else {
        return;
    };
    if text.len() > LONGEST {
        return;
    }
    let minimised = minimise(left).list;
    for consumer in Consumer::ALL {
        let comparison = compare(left, right, consumer, Scope::default());
        let [left, right, minimised] =
            [left, right, minimised.as_str()].map(|list| BypassList::parse(list, consumer));
        for difference in &comparison.differences {
            let destination = Destination::parse(&difference.url).expect("a URL that is shown");
            let is_direct = |list: &BypassList| {
                list.decide(&destination, &difference.host) != Decision::NotListed
            };
            assert_ne!(is_direct(&left), is_direct(&right), "{}", difference.url);
        }
        let host = elsewhere();
        for destination in &*WORLD {
            let is_direct =
                |list: &BypassList| list.decide(destination, &host) != Decision::NotListed;
            assert_eq!(
                is_direct(&left),
                is_direct(&minimised),
                "{}",
                destination.url()
            );
            if is_direct(&left) != is_direct(&right) {
                assert_ne!(comparison.is_equal(), Some(true), "{}", destination.url());
            }
        }
    }
});

fn elsewhere() -> HostContext {
    HostContext {
        dns_suffix: "domain.invalid".to_owned(),
        own_addresses: Vec::new(),
    }
}
