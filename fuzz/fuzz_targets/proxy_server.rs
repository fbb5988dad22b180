//! `ProxyServer` strings: the input is one, and also the credentials in one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sidestep_model::bypass::Consumer;
use sidestep_model::proxy_server::{ProxyServerError, masked, select};

const KEYS: &[&str] = &["http", "https", "ftp", "gopher", "socks"];

fuzz_target!(|text: &str| {
    masking_hides_once_and_for_all(text);
    for consumer in Consumer::ALL {
        for scheme in ["http", "https", "ftp"] {
            selection_tells_no_credentials(text, scheme, consumer);
        }
    }
    for before in ["", "http://", "https=", "https=http://"] {
        credentials_are_hidden(before, text);
        credentials_decide_nothing(before, text);
    }
});

fn masking_hides_once_and_for_all(text: &str) {
    let shown = masked(text);
    assert_eq!(masked(&shown), shown);
    assert!(
        shown
            .match_indices('@')
            .all(|(at, _)| shown[..at].ends_with("***"))
    );
    match text.rfind('@') {
        Some(at) => assert!(shown.ends_with(&text[at..])),
        None => assert_eq!(shown, text),
    }
}

fn selection_tells_no_credentials(text: &str, scheme: &str, consumer: Consumer) {
    match select(text, scheme, consumer) {
        Ok(None) => {}
        Ok(Some(proxy)) => assert!(!proxy.to_string().contains('@')),
        Err(ProxyServerError::Format { part }) => assert!(masked(text.trim()).contains(&part)),
        Err(ProxyServerError::NotSupported { scheme }) => assert!(!scheme.contains('@')),
    }
}

/// Whatever they are, nothing is shown but a key and a scheme that they seem to
/// begin with. What begins another part of a list is no credentials.
fn credentials_are_hidden(before: &str, credentials: &str) {
    if credentials
        .split(';')
        .skip(1)
        .any(|part| without_key(part) != part)
    {
        return;
    }
    let shown = masked(&format!("{before}{credentials}@proxy:8080"));
    let seeming = shown
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix("***@proxy:8080"))
        .expect("what is around the credentials stays");
    let scheme = without_key(seeming);
    let is_scheme = |scheme: &str| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    assert!(scheme.is_empty() || scheme.strip_suffix("://").is_some_and(is_scheme));
}

fn without_key(part: &str) -> &str {
    let is_key = |key: &str| {
        KEYS.iter()
            .any(|known| key.trim().eq_ignore_ascii_case(known))
    };
    match part.split_once('=') {
        Some((key, rest)) if is_key(key) => rest,
        _ => part,
    }
}

/// Both consumers find the proxy behind them, unless a character in them ends
/// what can be credentials.
fn credentials_decide_nothing(before: &str, credentials: &str) {
    let ends = |c: char| c.is_whitespace() || "@/\\?#;=".contains(c);
    if credentials.contains(ends) {
        return;
    }
    for consumer in Consumer::ALL {
        let with = select(
            &format!("{before}{credentials}@proxy:8080"),
            "https",
            consumer,
        );
        let without = select(&format!("{before}proxy:8080"), "https", consumer);
        assert!(matches!(without, Ok(Some(_))));
        assert_eq!(with, without);
    }
}
