//! Programs on `WinHTTP` that follow its own settings (`netsh winhttp`).
//!
//! `WinHTTP` reads a list by rules of its own, of which less is known than of
//! `WinINet`'s. What is neither documented nor measured is answered with
//! [`Route::Unknown`], never with what another reader does. Sources:
//! `WINHTTP_PROXY_INFO` (MicrosoftDocs/sdk-api) for separators and `<local>`;
//! proxycfg.exe (MicrosoftDocs/win32): "wildcard characters must be the left-most";
//! gnoays/proxy-watch (tests/bypass.rs at 3cef7733, measured on Windows 11) for
//! names, suffixes, addresses as text, the leading dot and `/`.

use std::net::{IpAddr, Ipv6Addr};

use super::{EntryRef, Reason, Route, RouteDecision};
use crate::bypass::{BypassList, Consumer, Entry, address, is_match};
use crate::destination::Destination;
use crate::proxy_server::select;
use crate::settings::{Flags, ProxySettings};

/// The route to `destination` for a program on `WinHTTP` that asks for nothing
/// else than the machine's `WinHTTP` settings.
///
/// Where `settings` say more than a proxy and its list (`netsh winhttp set
/// advproxy`), nobody documents what comes first.
#[must_use]
pub fn by_winhttp(destination: &Destination, settings: &ProxySettings) -> RouteDecision {
    if settings.flags.0 & (Flags::AUTO_CONFIG_URL | Flags::AUTO_DETECT) != 0 {
        return decision(Route::Unknown, Reason::Undocumented, None);
    }
    if !settings.has_manual_proxy() {
        return decision(Route::Direct, Reason::NoProxy, None);
    }
    // The list is split as `WinINet` splits it: at semicolons and white space.
    let list = BypassList::parse(&settings.proxy_override, Consumer::Wininet);
    let host = destination.compared_host(Consumer::Wininet);
    let written = destination.host().to_lowercase();
    let covering = |wanted| {
        let mut entries = list.entries().iter();
        entries.find(|entry| covers(entry, host, &written) == wanted)
    };
    // `WinHttpOpen` refuses such a list; what becomes of one that is stored, nobody says.
    let is_refused = |entry: &&Entry| {
        let text = &entry.text;
        text.split_once("://")
            .map_or(text.as_str(), |(_, rest)| rest)
            .contains('/')
    };
    if let Some(entry) = list.entries().iter().find(is_refused) {
        return decision(Route::Unknown, Reason::Undocumented, Some(entry));
    }
    if let Some(entry) = covering(Covers::Yes) {
        return decision(Route::Direct, Reason::Listed, Some(entry));
    }
    match is_implicit(host) {
        Covers::Yes => return decision(Route::Direct, Reason::Implicit, None),
        Covers::Unknown => return decision(Route::Unknown, Reason::Undocumented, None),
        Covers::No => {}
    }
    if let Some(entry) = covering(Covers::Unknown) {
        return decision(Route::Unknown, Reason::Undocumented, Some(entry));
    }
    match select(
        &settings.proxy_server,
        destination.scheme(),
        Consumer::Wininet,
    ) {
        Ok(Some(proxy)) => decision(Route::Proxy(proxy), Reason::NotListed, None),
        Ok(None) => decision(Route::Direct, Reason::NoProxyForScheme, None),
        Err(error) => decision(Route::Error(error), Reason::ProxyStringUnusable, None),
    }
}

fn decision(route: Route, reason: Reason, entry: Option<&Entry>) -> RouteDecision {
    let entry = entry.map(|entry| EntryRef {
        text: entry.text.clone(),
        index: entry.index,
    });
    RouteDecision {
        route,
        entry,
        reason,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Covers {
    Yes,
    No,
    /// Neither documented nor measured.
    Unknown,
}

/// `written` is the host before it was put into ASCII.
fn covers(entry: &Entry, host: &str, written: &str) -> Covers {
    let text = entry.text.to_lowercase();
    let known = |covers| if covers { Covers::Yes } else { Covers::No };
    match text.as_str() {
        // "All servers that do not contain a period in their name".
        "<local>" if host.starts_with('[') => Covers::Unknown,
        "<local>" => known(!host.contains('.')),
        // It takes nothing away (ansible/ansible PR 54631, on Server 2016).
        "<-loopback>" => Covers::No,
        _ if text.starts_with('.') => Covers::No,
        _ if is_documented(&text) => known(is_match(&text, host)),
        // Whatever scheme or port it asks for, it cannot cover another host.
        _ => {
            let name = text
                .split_once("://")
                .map_or(text.as_str(), |(_, rest)| rest);
            let port = name.rfind(':').filter(|at| !name[*at..].contains(']'));
            let without_port = &name[..port.unwrap_or(name.len())];
            let is_meant = |name| {
                is_match(name, host) || is_match(name, written) || is_same_address(name, host)
            };
            if is_meant(name) || is_meant(without_port) {
                Covers::Unknown
            } else {
                Covers::No
            }
        }
    }
}

/// Whether both are one address of version 6, however they are written.
fn is_same_address(name: &str, host: &str) -> bool {
    let address = |text: &str| -> Option<Ipv6Addr> {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        bare.parse().ok()
    };
    address(name).is_some_and(|name| address(host) == Some(name))
}

/// A name, an address of version 4, or a suffix behind one wildcard.
fn is_documented(text: &str) -> bool {
    let name = text.strip_prefix('*').unwrap_or(text);
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    name.bytes().all(is_of_names)
}

/// What goes direct without being listed: the loopback as it is usually written.
/// Of `WinINet`'s others, and of other spellings, nothing is measured here.
fn is_implicit(host: &str) -> Covers {
    let Some(address) = address(host) else {
        return match host {
            "localhost" => Covers::Yes,
            "loopback" | "localhost." => Covers::Unknown,
            _ if host.ends_with(".localhost") => Covers::Unknown,
            _ => Covers::No,
        };
    };
    let is_plain = host.trim_matches(['[', ']']) == address.to_string();
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    match (address.is_loopback(), address.to_canonical().is_loopback()) {
        (true, _) if is_plain => Covers::Yes,
        (false, false) if !is_link_local => Covers::No,
        _ => Covers::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(list: &str, url: &str) -> (String, Option<usize>) {
        let settings = ProxySettings::manual("10.2.0.16:8080", list);
        let decided = by_winhttp(&Destination::parse(url).unwrap(), &settings);
        let route = match decided.route {
            Route::Direct => "direct".to_owned(),
            Route::Proxy(proxy) => proxy.to_string(),
            Route::Unknown => "unknown".to_owned(),
            other => panic!("{url} by {list}: {other:?}"),
        };
        (route, decided.entry.map(|entry| entry.index))
    }

    #[test]
    fn what_is_measured_or_documented_decides() {
        const PROXY: &str = "http://10.2.0.16:8080";
        for (list, url, expected) in [
            (
                "a.example B.Example;c.example",
                "b.example",
                ("direct", Some(1)),
            ),
            ("contoso.com", "api.contoso.com", (PROXY, None)),
            ("*.contoso.com", "a.b.contoso.com", ("direct", Some(0))),
            ("*.contoso.com", "contoso.com", (PROXY, None)),
            ("*contoso.com", "xcontoso.com", ("direct", Some(0))),
            (".contoso.com", "api.contoso.com", (PROXY, None)),
            ("<local>", "intranet", ("direct", Some(0))),
            ("<local>", "intranet.corp.example", (PROXY, None)),
            ("10.1.2.3", "10.1.2.3", ("direct", Some(0))),
            ("10.1.2.3", "012.1.2.3", (PROXY, None)),
            ("", "127.0.0.2", ("direct", None)),
            ("<-loopback>", "localhost", ("direct", None)),
            ("example.com\u{a0}", "example.com", (PROXY, None)),
        ] {
            let (route, entry) = route(list, url);
            assert_eq!((route.as_str(), entry), expected, "{url} by {list}");
        }
    }

    #[test]
    fn what_nobody_says_is_unknown_and_no_more_than_that() {
        for (list, url, entry) in [
            ("b.example;20.190.128.*", "20.190.128.7", Some(1)),
            ("www.*.com", "www.contoso.com", Some(0)),
            ("contoso.com:443", "contoso.com", Some(0)),
            ("http://contoso.com", "http://contoso.com", Some(0)),
            ("[2001:db8::1]", "[2001:db8::1]", Some(0)),
            ("2001:db8::1", "[2001:db8::1]", Some(0)),
            ("[2001:db8:0:0::1]", "[2001:db8::1]", Some(0)),
            ("contoso.com;10.0.0.0/8", "contoso.com", Some(1)),
            ("<local>", "[2001:db8::1]", Some(0)),
            ("", "169.254.169.254", None),
            ("", "127.1", None),
            ("bébé.eu", "bébé.eu", Some(0)),
            ("", "loopback", None),
            ("", "app.localhost", None),
            ("", "[::ffff:127.0.0.1]", None),
        ] {
            assert_eq!(
                route(list, url),
                ("unknown".to_owned(), entry),
                "{url} by {list}"
            );
        }
        // Whatever becomes of the entry, it is of another host, or another one decides.
        assert_eq!(
            route("20.190.128.*", "20.190.129.7").0,
            "http://10.2.0.16:8080"
        );
        assert_eq!(route("20.190.*;20.190.128.7", "20.190.128.7").1, Some(1));
        assert_eq!(route("169.254.169.254", "169.254.169.254").0, "direct");
    }

    #[test]
    fn without_a_proxy_everything_goes_direct_and_advproxy_is_not_foretold() {
        let destination = Destination::parse("a.example").unwrap();
        let none = by_winhttp(&destination, &ProxySettings::default());
        assert_eq!((none.route, none.reason), (Route::Direct, Reason::NoProxy));
        let mut scripted = ProxySettings::manual("p:1", "a.example");
        scripted.flags = scripted.flags.with(Flags::AUTO_CONFIG_URL);
        let scripted = by_winhttp(&destination, &scripted);
        assert_eq!(scripted.route, Route::Unknown);
    }
}
