//! Deciding about very many hosts by one list: `Matcher` beside what one would
//! reach for otherwise.
//!
//! `cargo bench --manifest-path benches/Cargo.toml --bench bypass`

use std::hint::black_box;

use globset::{GlobBuilder, GlobSetBuilder};
use hyper_util::client::proxy::matcher::Matcher as HyperMatcher;
use sidestep_benches::{Contender, Rounds};
use sidestep_model::bypass::{BypassList, Consumer, HostContext, Matcher, join};
use sidestep_model::catalogue::article_2022_10;
use sidestep_model::destination::Destination;
use wildmatch::WildMatch;

const HOSTS: usize = 1_000_000;
const ROUNDS: usize = 11;
/// What the others of a kind are held against.
const HOST: &str = "sidestep";
const PARSED: &str = "sidestep, parsed";
const TEXT: &str = "sidestep, from text";

fn main() {
    let entries = article_2022_10();
    let text = hosts(&entries, HOSTS).join("\n");
    // One beside the other, so that what is measured is no cache.
    let hosts: Vec<&str> = text.lines().collect();
    println!(
        "{} entries, {} characters, {HOSTS} hosts; medians of {ROUNDS} rounds, taken in turns",
        entries.len(),
        join(entries.iter().copied()).len()
    );
    against_peers(&entries, &hosts);
    by_length(&hosts[..HOSTS / 5]);
}

fn against_peers(entries: &[&str], hosts: &[&str]) {
    let list = BypassList::parse(&join(entries.iter().copied()), Consumer::DotnetFramework);
    let matcher = Matcher::new(list);
    let pattern = entries
        .iter()
        .map(|entry| regex::escape(entry).replace(r"\*", ".*"));
    let pattern = format!("^(?:{})$", pattern.collect::<Vec<_>>().join("|"));
    let regex = regex::bytes::RegexBuilder::new(&pattern)
        .unicode(false)
        .build();
    let regex = regex.expect("the entries make an expression");
    let mut globs = GlobSetBuilder::new();
    for entry in entries {
        let glob = GlobBuilder::new(entry).literal_separator(false).build();
        globs.add(glob.expect("an entry is a glob"));
    }
    let globs = globs.build().expect("the entries make a set");
    let wild: Vec<WildMatch> = entries.iter().map(|entry| WildMatch::new(entry)).collect();
    // What NO_PROXY calls a name and all below it begins with a dot.
    let no_proxy = entries.iter().map(|entry| entry.trim_start_matches('*'));
    let no_proxy = no_proxy.collect::<Vec<_>>().join(",");
    let hyper = HyperMatcher::builder()
        .all("http://proxy.example:8080")
        .no(no_proxy)
        .build();
    let uris: Vec<http::Uri> = hosts.iter().map(|host| uri(host)).collect();
    let destinations: Vec<Destination> = hosts
        .iter()
        .map(|host| Destination::parse(host).expect("a host is a destination"))
        .collect();
    let here = HostContext::default();

    let covered =
        |is_direct: &dyn Fn(&str) -> bool| hosts.iter().filter(|host| is_direct(host)).count();
    let expected = covered(&|host| matcher.entry_for_host(host).is_some());
    println!("{expected} of them go direct\n");
    // Those that read the same language must agree; NO_PROXY is another one.
    assert_eq!(expected, HOSTS / 2);
    assert_eq!(expected, covered(&|host| regex.is_match(host.as_bytes())));
    assert_eq!(expected, covered(&|host| globs.is_match(host)));
    assert_eq!(
        expected,
        covered(&|host| wild.iter().any(|one| one.matches(host)))
    );

    let decides = |destination: &Destination| matcher.decide(destination, &here) != NOT_LISTED;
    let by_host = [
        each(hosts, HOST, |at| {
            matcher.entry_for_host(hosts[at]).is_some()
        }),
        each(hosts, "floor: sum of bytes", |at| byte_sum(hosts[at]) == 0),
        each(hosts, "regex, one alternation", |at| {
            regex.is_match(hosts[at].as_bytes())
        }),
        each(hosts, "globset", |at| globs.is_match(hosts[at])),
        each(hosts, "wildmatch, one by one", |at| {
            wild.iter().any(|one| one.matches(hosts[at]))
        }),
    ];
    let parsed = [
        each(hosts, PARSED, |at| decides(&destinations[at])),
        each(hosts, "floor: sum of bytes, parsed", |at| {
            byte_sum(destinations[at].canonical_host()) == 0
        }),
        each(hosts, "hyper-util, parsed", |at| {
            hyper.intercept(&uris[at]).is_none()
        }),
    ];
    let from_text = [
        each(hosts, TEXT, |at| {
            Destination::parse(hosts[at]).is_ok_and(|destination| decides(&destination))
        }),
        each(hosts, "hyper-util, from text", |at| {
            hyper.intercept(&uri(hosts[at])).is_none()
        }),
    ];
    let kinds = [by_host.len(), parsed.len(), from_text.len()];
    let mut contenders: Vec<Contender<'_>> =
        by_host.into_iter().chain(parsed).chain(from_text).collect();
    let rounds = Rounds::of(&mut contenders, ROUNDS);
    println!("{:<28} {:>9} {:>12}", "", "ns each", "× sidestep");
    let mut contenders = contenders.iter();
    for count in kinds {
        let kind: Vec<_> = contenders.by_ref().take(count).collect();
        for contender in &kind {
            println!(
                "{:<28} {:>9.1} {:>12.2}",
                contender.name,
                rounds.median(contender.name).as_secs_f64() * 1e9 / hosts.len() as f64,
                rounds.ratio(contender.name, kind[0].name)
            );
        }
        println!();
    }
}

/// Asks about every place once.
fn each<'a>(
    hosts: &[&str],
    name: &'a str,
    is_direct: impl Fn(usize) -> bool + 'a,
) -> Contender<'a> {
    let count = hosts.len();
    Contender::new(name, move || {
        let direct = (0..count).filter(|at| is_direct(*at));
        black_box(direct.count());
    })
}

const NOT_LISTED: sidestep_model::bypass::Decision = sidestep_model::bypass::Decision::NotListed;

/// What a decision costs as the list grows to what `WinHTTP`'s readers take.
fn by_length(hosts: &[&str]) {
    let entries = long_list();
    let lengths = [4, 16, 44, entries.len()];
    let matchers = lengths.map(|length| {
        let list = join(entries[..length].iter().map(String::as_str));
        let matcher = Matcher::new(BypassList::parse(&list, Consumer::DotnetFramework));
        (
            format!("{length} entries, {} characters", list.len()),
            matcher,
        )
    });
    let mut contenders: Vec<Contender<'_>> = matchers
        .iter()
        .map(|(name, matcher)| {
            Contender::new(name, || {
                let direct = hosts
                    .iter()
                    .filter(|host| matcher.entry_for_host(host).is_some());
                black_box(direct.count());
            })
        })
        .collect();
    let rounds = Rounds::of(&mut contenders, ROUNDS);
    println!("\n{:<28} {:>9} {:>12}", "", "ns each", "× shortest");
    for (name, _) in &matchers {
        println!(
            "{name:<28} {:>9.1} {:>12.2}",
            rounds.median(name).as_secs_f64() * 1e9 / hosts.len() as f64,
            rounds.ratio(name, &matchers[0].0)
        );
    }
}

/// The article's entries, then more of their kind, up to 2,064 characters.
fn long_list() -> Vec<String> {
    const LONGEST: usize = 2064;
    let article = article_2022_10().into_iter().map(str::to_owned);
    let more = (0..).map(|number| match number % 10 {
        // A glob in the middle cannot be looked up by its end.
        0 => format!("10.{number}.*"),
        _ => format!("*.zone{number}.privatelink.example.net"),
    });
    let mut length = 0;
    let fits = |entry: &String| {
        length += entry.len() + 1;
        length <= LONGEST + 1
    };
    article.chain(more).take_while(fits).collect()
}

/// Hosts of which every other one is covered, in no order that helps a predictor.
fn hosts(entries: &[&str], count: usize) -> Vec<String> {
    let mut seed = 1_u64;
    let mut next = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 33).expect("31 bits") % below
    };
    let mut hosts: Vec<String> = (0..count)
        .map(|number| {
            let tail = next(1000);
            if number % 2 == 0 {
                entries[next(entries.len())].replacen('*', &format!("{tail}"), 1)
            } else {
                match next(3) {
                    0 => format!("account{tail}.blob.core.example.net"),
                    1 => format!("www{tail}.windows.net"),
                    _ => format!("update{tail}.corp.example"),
                }
            }
        })
        .collect();
    for place in (1..hosts.len()).rev() {
        hosts.swap(place, next(place + 1));
    }
    hosts
}

fn uri(host: &str) -> http::Uri {
    let uri = http::Uri::builder().scheme("https").authority(host);
    uri.path_and_query("/")
        .build()
        .expect("a host is an authority")
}

fn byte_sum(host: &str) -> u64 {
    host.bytes().map(u64::from).sum()
}
