//! The `ProxyServer` string: which proxy it names for a scheme.

use std::fmt;

use serde::Serialize;
use thiserror::Error;

use crate::bypass::Consumer;
use crate::destination::DestinationError;
use crate::destination::system_uri::{SystemUri, is_scheme};

/// A proxy's address. User name and password, if the string holds any, are
/// never kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ProxyUri {
    /// How to speak to the proxy: `http`, or another scheme that it names.
    pub scheme: String,
    /// A name or address; an IPv6 address keeps its brackets.
    pub host: String,
    /// The port, filled in from the scheme.
    pub port: u16,
}

impl fmt::Display for ProxyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

/// Why a consumer cannot use a `ProxyServer` string.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProxyServerError {
    /// .NET throws a `FormatException` whenever it reads the settings, so that
    /// every request of the process fails, also one that would go direct.
    #[error("`{part}` is not a proxy setting that .NET Framework can read")]
    Format {
        /// The part that cannot be read, without credentials; the whole string
        /// where the part may be a piece of some.
        part: String,
    },
    /// .NET throws a `NotSupportedException` for each request that would use
    /// this proxy; it knows http proxies only.
    #[error(".NET Framework does not support proxies with the {scheme} scheme")]
    NotSupported {
        /// The proxy's scheme.
        scheme: String,
    },
}

/// The proxy for destinations of `scheme` (in lower case); `None` where the
/// string names none, which sends them direct.
pub fn select(
    proxy_server: &str,
    scheme: &str,
    consumer: Consumer,
) -> Result<Option<ProxyUri>, ProxyServerError> {
    match consumer {
        Consumer::DotnetFramework => select_dotnet(proxy_server, scheme),
        Consumer::Wininet => Ok(select_wininet(proxy_server, scheme)),
    }
}

/// The string with any `user:password@` replaced by `***@`, fit to be shown.
///
/// A password may hold blanks, semicolons, `=` and `@`; rather too much is
/// hidden. Only a key that consumers know, such as `;https=`, begins another part.
#[must_use]
pub fn masked(proxy_server: &str) -> String {
    cut_credentials(proxy_server).0
}

/// The string as [`masked`] shows it, and what it hides, in order.
/// [`insert_credentials`] is the inverse.
pub(crate) fn cut_credentials(proxy_server: &str) -> (String, Vec<String>) {
    let next_parts = proxy_server
        .match_indices(';')
        .map(|(at, _)| at + 1)
        .filter(|start| key_length(&proxy_server[*start..]) > 0);
    let mut cut = Vec::new();
    let mut shown = String::new();
    let mut start = 0;
    for end in next_parts.chain([proxy_server.len()]) {
        shown += &cut_part(&proxy_server[start..end], &mut cut);
        start = end;
    }
    (shown, cut)
}

/// Puts back what [`cut_credentials`] cut out; `None` where the number is another.
pub(crate) fn insert_credentials(masked: &str, credentials: &[String]) -> Option<String> {
    let mut pieces = masked.split("***@");
    let mut whole = pieces.next()?.to_owned();
    let mut credentials = credentials.iter();
    for piece in pieces {
        whole = whole + credentials.next()? + "@" + piece;
    }
    credentials.next().is_none().then_some(whole)
}

/// `SetProxyAndBypassList` and its helpers in _WebProxyDataBuilder.cs, and the
/// scheme check in ServicePointManager.cs (microsoft/referencesource).
fn select_dotnet(proxy_server: &str, scheme: &str) -> Result<Option<ProxyUri>, ProxyServerError> {
    let proxy_server = proxy_server.trim();
    if proxy_server.is_empty() {
        return Ok(None);
    }
    // A `;` in a password cuts it, and only the whole string shows the pieces for one.
    let error = |part: &str| {
        let (part, whole) = (masked(part), masked(proxy_server));
        let part = if whole.contains(&part) { part } else { whole };
        ProxyServerError::Format { part }
    };
    let mut selected = None;
    if proxy_server.contains('=') {
        for part in proxy_server
            .split(';')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let (key, value) = part.split_once('=').ok_or_else(|| error(part))?;
            let (key, value) = (key.trim(), value.trim());
            if key.is_empty() || value.is_empty() || value.contains('=') {
                return Err(error(part));
            }
            // Every part is read, whatever the scheme asked for; the last one wins.
            let uri = dotnet_uri(value).map_err(|_| error(value))?;
            if key.eq_ignore_ascii_case(scheme) {
                selected = Some(uri);
            }
        }
    } else {
        selected = Some(dotnet_uri(proxy_server).map_err(|_| error(proxy_server))?);
    }
    match selected {
        Some(uri) if uri.scheme != "http" => {
            Err(ProxyServerError::NotSupported { scheme: uri.scheme })
        }
        Some(uri) => {
            let port = uri.port.unwrap_or_default();
            Ok(Some(ProxyUri {
                scheme: uri.scheme,
                host: uri.host,
                port,
            }))
        }
        None => Ok(None),
    }
}

fn dotnet_uri(text: &str) -> Result<SystemUri, DestinationError> {
    if text.contains("://") {
        SystemUri::parse(text)
    } else {
        SystemUri::parse(&format!("http://{text}"))
    }
}

/// `[key=][scheme://]host[:port]`, separated by white space or `;`. A proxy for
/// the scheme comes before one for all schemes, and that before `socks=`; parts
/// that cannot be read are passed over.
///
/// Sources: "Enabling Internet Functionality" and `WINHTTP_PROXY_INFO`
/// (MicrosoftDocs/win32, sdk-api); crbug.com/55912 for `socks=`.
fn select_wininet(proxy_server: &str, scheme: &str) -> Option<ProxyUri> {
    let parts = || {
        proxy_server
            .split(is_wininet_separator)
            .filter(|part| !part.is_empty())
    };
    let keyed = |wanted: &str, default_scheme: &str| {
        parts()
            .filter_map(|part| part.split_once('='))
            .filter(|(key, _)| key.eq_ignore_ascii_case(wanted))
            .find_map(|(_, value)| wininet_uri(value, default_scheme))
    };
    keyed(scheme, "http")
        .or_else(|| {
            parts()
                .filter(|part| !part.contains('='))
                .find_map(|part| wininet_uri(part, "http"))
        })
        .or_else(|| keyed("socks", "socks4"))
}

fn wininet_uri(text: &str, default_scheme: &str) -> Option<ProxyUri> {
    let (scheme, rest) = text.split_once("://").unwrap_or((default_scheme, text));
    let authority = rest.split('/').next().unwrap_or_default();
    let server = authority.rsplit('@').next().unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    // What stands before `://` in a password is no scheme, and not to be shown.
    if !is_scheme(&scheme) {
        return None;
    }
    let address_end = server.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match server[address_end..].split_once(':') {
        None => (server, wininet_default_port(&scheme)),
        Some((name, digits)) => {
            let is_number = digits.bytes().all(|b| b.is_ascii_digit());
            let port = digits.parse().ok().filter(|port| is_number && *port != 0)?;
            (&server[..address_end + name.len()], port)
        }
    };
    let is_sound = !host.is_empty() && !host.contains(['=', '\\', '?', '#']);
    is_sound.then(|| ProxyUri {
        scheme,
        host: host.to_owned(),
        port,
    })
}

fn wininet_default_port(scheme: &str) -> u16 {
    match scheme {
        "https" => 443,
        "ftp" => 21,
        "gopher" => 70,
        socks if socks.starts_with("socks") => 1080,
        _ => 80,
    }
}

fn is_wininet_separator(character: char) -> bool {
    matches!(character, ';' | ' ' | '\t'..='\r')
}

/// Cuts everything from the start of an authority to its last `@`.
fn cut_part(part: &str, cut: &mut Vec<String>) -> String {
    let Some(at) = part.rfind('@') else {
        return part.to_owned();
    };
    let key = key_length(part);
    let scheme = match part[key..at].split_once("://") {
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => scheme.len() + 3,
        _ => 0,
    };
    let start = key + scheme;
    cut.push(part[start..at].to_owned());
    format!("{}***{}", &part[..start], &part[at..])
}

/// The length of `key=` with blanks around the key; 0 where there is none.
fn key_length(part: &str) -> usize {
    const KEYS: [&str; 5] = ["http", "https", "ftp", "gopher", "socks"];
    let is_known = |key: &str| {
        KEYS.iter()
            .any(|known| key.trim().eq_ignore_ascii_case(known))
    };
    match part.split_once('=') {
        Some((key, _)) if is_known(key) => key.len() + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_never_come_out() {
        for text in [
            "http://user:pass@proxy:8080",
            "https=user:pass@proxy:8080",
            "user:pass@proxy:8080",
        ] {
            for consumer in Consumer::ALL {
                let proxy = select(text, "https", consumer).unwrap().unwrap();
                assert_eq!(
                    proxy.to_string(),
                    "http://proxy:8080",
                    "{text} for {consumer}"
                );
            }
        }
        let error = select("user:pass@proxy:x", "https", Consumer::DotnetFramework).unwrap_err();
        assert_eq!(
            error,
            ProxyServerError::Format {
                part: "***@proxy:x".to_owned()
            }
        );
    }

    #[test]
    fn masking_keeps_everything_else() {
        for (text, shown) in [
            ("proxy:8080", "proxy:8080"),
            (
                "http=u:p=w@h:1;https=http://u:p@h:2",
                "http=***@h:1;https=http://***@h:2",
            ),
            ("u@v:p/w@h ; x:1", "***@h ; x:1"),
            ("@", "***@"),
            ("user:ge heim@p:80", "***@p:80"),
            ("user:ge;heim@p:80", "***@p:80"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
