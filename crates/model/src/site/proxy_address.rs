//! A proxy that every reader of the settings can use.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;
use thiserror::Error;

/// One HTTP proxy for every scheme: what .NET Framework and `WinINet` read alike.
///
/// Its `Display` form, `host:port`, is the `ProxyServer` string to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProxyAddress {
    /// A host name, an IPv4 address, or an IPv6 address in brackets.
    pub host: String,
    /// 1–65535.
    pub port: u16,
}

impl ProxyAddress {
    /// Reads `host:port`, with or without `http://` before it.
    pub fn parse(text: &str) -> Result<Self, ProxyAddressFault> {
        if text.contains(|character: char| character.is_whitespace() || character.is_control()) {
            return Err(ProxyAddressFault::Blank);
        }
        if text.contains([';', '=']) {
            return Err(ProxyAddressFault::Several);
        }
        let address = match text.split_once("://") {
            None => text,
            Some((scheme, address)) if scheme.eq_ignore_ascii_case("http") => address,
            Some((scheme, _)) => return Err(ProxyAddressFault::Scheme(scheme.to_owned())),
        };
        if address.contains('@') {
            return Err(ProxyAddressFault::Credentials);
        }
        if address.contains(['/', '?', '#', '\\']) {
            return Err(ProxyAddressFault::Path);
        }
        let Some((host, port)) = address
            .rsplit_once(':')
            .filter(|(host, _)| host.starts_with('[') == host.ends_with(']'))
        else {
            return Err(ProxyAddressFault::NoPort);
        };
        if !is_host(host) {
            return Err(ProxyAddressFault::Host(host.to_owned()));
        }
        match port.parse() {
            Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self {
                    host: host.to_owned(),
                    port: number,
                })
            }
            _ => Err(ProxyAddressFault::Port(port.to_owned())),
        }
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Why a text is no proxy that every reader can use.
///
/// What .NET Framework cannot parse makes every request of the services throw:
/// neither direct nor through the proxy. Source: `_WebProxyDataBuilder.cs` and
/// `ServicePointManager.cs` in microsoft/referencesource.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProxyAddressFault {
    /// A blank or control character.
    #[error("it holds a blank or a control character")]
    Blank,
    /// More than one proxy, or one per scheme.
    #[error("`;` and `=` name several proxies; .NET Framework must find exactly one")]
    Several,
    /// A proxy that is not spoken to by plain HTTP.
    #[error("`{0}` proxies are not supported by .NET Framework, only http ones")]
    Scheme(String),
    /// `user:password@`.
    #[error("Azure Backup supports no proxy that asks for a user")]
    Credentials,
    /// Something after the port.
    #[error("nothing may follow the port")]
    Path,
    /// No port: readers would assume 80.
    #[error("the port is missing")]
    NoPort,
    /// The port is no number from 1 to 65535.
    #[error("the port `{0}` is no number from 1 to 65535")]
    Port(String),
    /// Neither a name nor an address.
    #[error("`{0}` is neither a host name nor an IP address")]
    Host(String),
}

fn is_host(text: &str) -> bool {
    if let Some(address) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    text.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    })
}
