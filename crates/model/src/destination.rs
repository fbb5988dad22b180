//! A destination as the two consumers see it.
//!
//! Windows' own clients (`WinINet`) compare the host as it was written; .NET
//! Framework compares the canonical form that `System.Uri` gives it.

mod host_syntax;
pub(crate) mod system_uri;

use std::net::{Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use crate::bypass::Consumer;
pub(crate) use host_syntax::ipv4;
use system_uri::SystemUri;

/// A URL that a request goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The URL, and behind it what its readers compare where that is written in
    /// other letters: one text, because asking millions is waiting for memory.
    text: Box<str>,
    url: Part,
    /// The host as written.
    host: Part,
    canonical_host: Part,
    compared: Compared,
    wininet_host: Part,
    port: u16,
    dotnet_implicit: bool,
    wininet_implicit: bool,
}

impl Destination {
    /// Reads a URL; one without `://` is taken as https. User info, path, query
    /// and fragment decide nothing and are not kept apart.
    ///
    /// What `System.Uri` rejects is rejected here. Composition of accents in
    /// host names outside ASCII is left as written.
    pub fn parse(url: &str) -> Result<Self, DestinationError> {
        let url = url.trim();
        let mut text = if url.contains("://") {
            url.to_owned()
        } else {
            format!("https://{url}")
        };
        let uri = SystemUri::parse(&text)?;
        if uri.host.is_empty() {
            return Err(DestinationError::Host);
        }
        let wininet = wininet_host(&text[uri.written_host.clone()]);
        let url = Part::new(0, text.len());
        let host = Part::new(uri.written_host.start, uri.written_host.end);
        let compared = Compared::write(&uri, &mut text);
        Ok(Self {
            url,
            host,
            canonical_host: compared.host().or_write(&uri.host, &mut text),
            wininet_host: compared.host().or_write(&wininet, &mut text),
            compared,
            port: uri.port.unwrap_or(0),
            dotnet_implicit: uri.loopback,
            wininet_implicit: is_wininet_implicit(&wininet),
            text: text.into_boxed_str(),
        })
    }

    /// The URL in full, with the scheme that was assumed.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.of(&self.text)
    }

    /// The scheme in lower case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.compared.scheme().of(&self.text)
    }

    /// The host as written; an IPv6 address keeps its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.of(&self.text)
    }

    /// The port, filled in from the scheme; 0 where neither names one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host as `System.Uri` canonicalises it: IPv4 in four decimal parts,
    /// IPv6 compressed and bracketed, names in lower case.
    #[must_use]
    pub fn canonical_host(&self) -> &str {
        self.canonical_host.of(&self.text)
    }

    /// The host in lower case, as the consumer compares it.
    pub(crate) fn compared_host(&self, consumer: Consumer) -> &str {
        let host = match consumer {
            Consumer::DotnetFramework => self.compared.host(),
            Consumer::Wininet => self.wininet_host,
        };
        host.of(&self.text)
    }

    /// What .NET Framework holds against its list, with or without the scheme,
    /// with or without the port.
    pub(crate) fn compared_text(&self, with_scheme: bool, with_port: bool) -> &str {
        self.compared.part(with_scheme, with_port).of(&self.text)
    }

    /// Whether the text that .NET Framework compares names a port.
    pub(crate) fn compares_port(&self) -> bool {
        self.compared.host_end < self.compared.end
    }

    /// Whether the consumer goes direct without being told.
    pub(crate) fn is_implicit(&self, consumer: Consumer) -> bool {
        match consumer {
            Consumer::DotnetFramework => self.dotnet_implicit,
            Consumer::Wininet => self.wininet_implicit,
        }
    }
}

/// Why a text is not a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DestinationError {
    /// No scheme, or characters that no scheme has.
    #[error("the scheme cannot be read")]
    Scheme,
    /// Nothing that could be a host follows the scheme.
    #[error("the URL names no host")]
    Authority,
    /// The host is neither a name nor an address.
    #[error("the host cannot be read")]
    Host,
    /// The port is no number from 0 to 65535.
    #[error("the port cannot be read")]
    Port,
    /// Longer than `System.Uri` takes.
    #[error("the URL is longer than 65,519 characters")]
    TooLong,
}

/// Where something stands in a destination's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    start: u32,
    end: u32,
}

impl Part {
    fn new(start: usize, end: usize) -> Self {
        Self {
            start: offset(start),
            end: offset(end),
        }
    }

    #[inline]
    fn of(self, text: &str) -> &str {
        &text[self.start as usize..self.end as usize]
    }

    /// Itself where it reads so, or what is written behind everything.
    fn or_write(self, wanted: &str, text: &mut String) -> Self {
        if self.of(text) == wanted {
            return self;
        }
        let start = text.len();
        text.push_str(wanted);
        Self::new(start, text.len())
    }
}

/// A place in a text that is a few times as long as a URL at most.
fn offset(place: usize) -> u32 {
    u32::try_from(place).expect("a URL has at most 65,519 bytes")
}

/// Where the text stands that .NET Framework holds against its list:
/// `scheme://host`, and `:port` unless the port is the scheme's default. In lower
/// case, because the comparison ignores case (webproxy.cs, microsoft/referencesource).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Compared {
    start: u32,
    host_start: u32,
    host_end: u32,
    end: u32,
}

/// The length of `://`.
const SCHEME_END: u32 = 3;

impl Compared {
    fn write(uri: &SystemUri, text: &mut String) -> Self {
        let mut compared = format!("{}://", uri.scheme);
        let host_start = compared.len();
        compared.extend(uri.host.chars().map(lower));
        let host_end = compared.len();
        if let Some(port) = uri.port.filter(|_| uri.port != uri.default_port) {
            compared.push(':');
            compared.push_str(&port.to_string());
        }
        let start = if text.starts_with(&compared) {
            0
        } else {
            text.len()
        };
        if start > 0 {
            text.push_str(&compared);
        }
        Self {
            start: offset(start),
            host_start: offset(start + host_start),
            host_end: offset(start + host_end),
            end: offset(start + compared.len()),
        }
    }

    fn scheme(self) -> Part {
        Part {
            start: self.start,
            end: self.host_start - SCHEME_END,
        }
    }

    fn host(self) -> Part {
        self.part(false, false)
    }

    fn part(self, with_scheme: bool, with_port: bool) -> Part {
        Part {
            start: if with_scheme {
                self.start
            } else {
                self.host_start
            },
            end: if with_port { self.end } else { self.host_end },
        }
    }
}

/// A character in lower case, one for one, as .NET's invariant culture does it.
pub(crate) fn lower(character: char) -> char {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(single), None) => single,
        _ => character,
    }
}

/// The text that `WinINet` compares: as written, except that a name outside ASCII
/// goes on the wire, and into the comparison, in its punycode form.
fn wininet_host(written: &str) -> String {
    if written.is_ascii() {
        return written.to_ascii_lowercase();
    }
    idna::domain_to_ascii(written).unwrap_or_else(|_| written.to_lowercase())
}

/// Measured on Windows 11 by gnoays/proxy-watch (tests/bypass.rs at 3cef7733):
/// six rules, and neither 127.0.0.2 nor `localhost.` is among them.
fn is_wininet_implicit(host: &str) -> bool {
    if let Some(inner) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return inner.parse::<Ipv6Addr>().is_ok_and(|address| {
            address == Ipv6Addr::LOCALHOST || address.is_unicast_link_local()
        });
    }
    matches!(host, "localhost" | "loopback" | "127.0.0.1")
        || host
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_host_is_https() {
        let destination = Destination::parse("Example.com:8443").unwrap();
        assert_eq!(destination.scheme(), "https");
        assert_eq!(destination.host(), "Example.com");
        assert_eq!(destination.port(), 8443);
        assert_eq!(destination.url(), "https://Example.com:8443");
    }

    #[test]
    fn written_and_canonical_hosts_differ() {
        let destination = Destination::parse("HTTP://user:secret@012.1.2.3:80/path?q#f").unwrap();
        assert_eq!(destination.host(), "012.1.2.3");
        assert_eq!(destination.canonical_host(), "10.1.2.3");
        assert_eq!(destination.compared_text(true, true), "http://10.1.2.3");
        assert_eq!(destination.compared_host(Consumer::Wininet), "012.1.2.3");
    }

    #[test]
    fn names_outside_ascii_differ_too() {
        let destination = Destination::parse("http://bébé.eu/").unwrap();
        assert_eq!(
            destination.compared_host(Consumer::Wininet),
            "xn--bb-bjab.eu"
        );
        assert_eq!(destination.canonical_host(), "bébé.eu");
    }

    #[test]
    fn a_host_is_required() {
        assert_eq!(Destination::parse(""), Err(DestinationError::Host));
        assert_eq!(
            Destination::parse("foo:///path"),
            Err(DestinationError::Host)
        );
        assert_eq!(
            Destination::parse("http://host:99999/"),
            Err(DestinationError::Port)
        );
        assert_eq!(
            Destination::parse("1http://host/"),
            Err(DestinationError::Scheme)
        );
    }
}
