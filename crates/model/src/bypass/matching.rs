//! Whether an entry's form covers a destination.

use std::net::IpAddr;

use super::{Consumer, Pattern};
use crate::destination::{Destination, ipv4};

/// What .NET's `<local>` knows of the computer it runs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostContext {
    /// The primary DNS domain (`IPGlobalProperties.DomainName`), without a
    /// leading dot; empty outside a domain.
    pub dns_suffix: String,
    /// Every unicast address of every adapter.
    pub own_addresses: Vec<IpAddr>,
}

/// Whether the pattern covers the destination.
pub(super) fn covers(pattern: &Pattern, destination: &Destination, consumer: Consumer) -> bool {
    match consumer {
        Consumer::DotnetFramework => dotnet_covers(pattern, destination),
        Consumer::Wininet => wininet_covers(pattern, destination),
    }
}

/// Whether the pattern covers `https://` and this host, in lower case.
pub(super) fn covers_host(pattern: &Pattern, host: &str, consumer: Consumer) -> bool {
    match consumer {
        Consumer::DotnetFramework => {
            let after_scheme = |glob: &str| is_match_after(glob, b"https://", host);
            (pattern.scheme.is_none() && is_match(&pattern.glob, host))
                || after_scheme(&pattern.glob)
        }
        Consumer::Wininet => {
            pattern
                .scheme
                .as_deref()
                .is_none_or(|scheme| scheme == "https")
                && pattern.port.is_none_or(|port| port == 443)
                && is_match(&pattern.glob, host)
        }
    }
}

/// Whether `<local>` covers the destination.
pub(super) fn is_local(destination: &Destination, consumer: Consumer, host: &HostContext) -> bool {
    match consumer {
        Consumer::DotnetFramework => is_dotnet_local(destination.canonical_host(), host),
        // "Any host name that does not contain a period" (Enabling Internet
        // Functionality, MicrosoftDocs/win32); an address is no name.
        Consumer::Wininet => !destination.compared_host(consumer).contains(['.', '[']),
    }
}

/// The glob stands for `^(?:.*://)?…(?::[0-9]{1,5})?$`, where what the entry
/// itself gives is not optional (_WebProxyDataBuilder.cs and webproxy.cs,
/// microsoft/referencesource). Since the wildcard also spans `://` and the port,
/// `h*` covers every https destination.
fn dotnet_covers(pattern: &Pattern, destination: &Destination) -> bool {
    let may_drop_scheme = pattern.scheme.is_none();
    let may_drop_port = pattern.port.is_none() && destination.compares_port();
    let covers = |with_scheme, with_port| {
        is_match(
            &pattern.glob,
            destination.compared_text(with_scheme, with_port),
        )
    };
    covers(true, true)
        || (may_drop_scheme && covers(false, true))
        || (may_drop_port && covers(true, false))
        || (may_drop_scheme && may_drop_port && covers(false, false))
}

/// The host by text, scheme and effective port if the entry gives them
/// (KB4551930).
fn wininet_covers(pattern: &Pattern, destination: &Destination) -> bool {
    pattern
        .scheme
        .as_deref()
        .is_none_or(|scheme| scheme == destination.scheme())
        && pattern.port.is_none_or(|port| port == destination.port())
        && is_match(&pattern.glob, destination.compared_host(Consumer::Wininet))
}

/// `WebProxy.IsLocal` (webproxy.cs, microsoft/referencesource).
fn is_dotnet_local(name: &str, host: &HostContext) -> bool {
    if let Some(address) = address(name) {
        return address.is_loopback() || host.own_addresses.contains(&address);
    }
    // With no domain the comparison is against a lone dot, so that `name.` is local.
    match name.split_once('.') {
        None => true,
        Some((_, domain)) => domain.eq_ignore_ascii_case(&host.dns_suffix),
    }
}

/// The address that a host is in some spelling; one of version 6 in brackets.
pub(crate) fn address(host: &str) -> Option<IpAddr> {
    match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => ipv4(host).map(|octets| IpAddr::V4(octets.into())),
    }
}

/// `*` stands for any characters, also none; everything else for itself.
pub(crate) fn is_match(glob: &str, text: &str) -> bool {
    is_match_after(glob, b"", text)
}

/// The same for a text in two pieces.
fn is_match_after(glob: &str, before: &[u8], text: &str) -> bool {
    let (glob, text) = (glob.as_bytes(), text.as_bytes());
    let length = before.len() + text.len();
    let byte_at = |at: usize| match before.get(at) {
        Some(byte) => *byte,
        None => text[at - before.len()],
    };
    let (mut at_glob, mut at_text) = (0, 0);
    // Where to resume when the last wildcard has to swallow one byte more.
    let mut retry = None;
    while at_text < length {
        match glob.get(at_glob) {
            Some(b'*') => {
                at_glob += 1;
                retry = Some((at_glob, at_text));
            }
            Some(byte) if *byte == byte_at(at_text) => {
                at_glob += 1;
                at_text += 1;
            }
            _ => {
                let Some((after_wildcard, swallowed)) = retry else {
                    return false;
                };
                retry = Some((after_wildcard, swallowed + 1));
                (at_glob, at_text) = (after_wildcard, swallowed + 1);
            }
        }
    }
    glob[at_glob..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_span_anything_and_anchor_both_ends() {
        for (glob, text) in [
            ("*", ""),
            ("*", "a.b"),
            ("a*", "a"),
            ("*.b", "a.b"),
            ("*a*a*", "aa"),
            ("123.1*.66.*", "123.144.66.12"),
            ("**a", "ba"),
            ("*ab", "aab"),
        ] {
            assert!(is_match(glob, text), "{glob} covers {text}");
        }
        for (glob, text) in [
            ("", "a"),
            ("a", ""),
            ("*.b", "b"),
            ("a*", "ba"),
            ("*a", "ab"),
            ("a?b", "acb"),
        ] {
            assert!(!is_match(glob, text), "{glob} does not cover {text}");
        }
    }

    #[test]
    fn an_own_address_is_local_to_dotnet() {
        let host = HostContext {
            dns_suffix: "corp.example".to_owned(),
            own_addresses: vec!["10.0.0.4".parse().unwrap(), "2001:db8::4".parse().unwrap()],
        };
        for local in [
            "10.0.0.4",
            "[2001:db8::4]",
            "intranet",
            "vm.CORP.example",
            "127.8.8.8",
        ] {
            assert!(is_dotnet_local(local, &host), "{local}");
        }
        for other in [
            "10.0.0.5",
            "[2001:db8::5]",
            "a.b.corp.example",
            "vm.",
            "xcorp.example",
        ] {
            assert!(!is_dotnet_local(other, &host), "{other}");
        }
        assert!(is_dotnet_local("vm.", &HostContext::default()));
    }
}
