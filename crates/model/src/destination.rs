//! A destination as the two consumers see it.
//!
//! Windows' own clients (`WinINet`) compare the host as it was written; .NET
//! Framework compares the canonical form that `System.Uri` gives it.

mod host_syntax;
pub(crate) mod system_uri;

use thiserror::Error;

pub(crate) use host_syntax::ipv4;
use system_uri::SystemUri;

/// A URL that a request goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    url: String,
    host: String,
    port: u16,
    pub(crate) wininet_host: String,
    pub(crate) dotnet: ComparedText,
    uri: SystemUri,
}

impl Destination {
    /// Reads a URL; one without `://` is taken as https. User info, path, query
    /// and fragment decide nothing and are not kept apart.
    ///
    /// What `System.Uri` rejects is rejected here. Composition of accents in
    /// host names outside ASCII is left as written.
    pub fn parse(url: &str) -> Result<Self, DestinationError> {
        let url = url.trim();
        let url = if url.contains("://") {
            url.to_owned()
        } else {
            format!("https://{url}")
        };
        let uri = SystemUri::parse(&url)?;
        if uri.host.is_empty() {
            return Err(DestinationError::Host);
        }
        let host = url[uri.written_host.clone()].to_owned();
        Ok(Self {
            wininet_host: wininet_host(&host),
            dotnet: ComparedText::of(&uri),
            port: uri.port.unwrap_or(0),
            host,
            url,
            uri,
        })
    }

    /// The URL in full, with the scheme that was assumed.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The scheme in lower case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.uri.scheme
    }

    /// The host as written; an IPv6 address keeps its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
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
        &self.uri.host
    }

    /// The host as .NET compares it, in lower case.
    pub(crate) fn compared_host(&self) -> &str {
        self.dotnet.part(false, false)
    }

    pub(crate) fn is_dotnet_loopback(&self) -> bool {
        self.uri.loopback
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

/// The text that .NET Framework holds against its list: `scheme://host`, and
/// `:port` unless the port is the scheme's default. In lower case, because the
/// comparison ignores case (webproxy.cs, microsoft/referencesource).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ComparedText {
    text: String,
    host_start: usize,
    host_end: usize,
}

impl ComparedText {
    fn of(uri: &SystemUri) -> Self {
        let mut text = format!("{}://", uri.scheme);
        let host_start = text.len();
        text.extend(uri.host.chars().map(lower));
        let host_end = text.len();
        if let Some(port) = uri.port.filter(|_| uri.port != uri.default_port) {
            text.push(':');
            text.push_str(&port.to_string());
        }
        Self {
            text,
            host_start,
            host_end,
        }
    }

    /// With or without the scheme, with or without the port.
    pub(crate) fn part(&self, with_scheme: bool, with_port: bool) -> &str {
        let start = if with_scheme { 0 } else { self.host_start };
        let end = if with_port {
            self.text.len()
        } else {
            self.host_end
        };
        &self.text[start..end]
    }

    pub(crate) fn has_port(&self) -> bool {
        self.host_end < self.text.len()
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
        assert_eq!(destination.dotnet.part(true, true), "http://10.1.2.3");
        assert_eq!(destination.wininet_host, "012.1.2.3");
    }

    #[test]
    fn names_outside_ascii_differ_too() {
        let destination = Destination::parse("http://bébé.eu/").unwrap();
        assert_eq!(destination.wininet_host, "xn--bb-bjab.eu");
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
