//! The proxy for Sidestep's own calls, which has nothing to do with the proxy of
//! the accounts it configures.

use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

/// What `HTTPS_PROXY` and `NO_PROXY` say, read once.
#[derive(Clone, Debug, Default)]
pub struct OwnProxy {
    server: Option<Result<Server, Unusable>>,
    exceptions: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// The proxy's address without credentials.
    pub(crate) url: Url,
    pub(crate) user: Option<(String, SecretString)>,
}

/// Why the variable's value is no proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("HTTPS_PROXY holds no address")]
    NoAddress,
    #[error("HTTPS_PROXY names a scheme other than http and https")]
    Scheme,
}

impl OwnProxy {
    /// Reads `HTTPS_PROXY` or `https_proxy`, and `NO_PROXY` or `no_proxy`, as
    /// curl does: exceptions are separated by commas, a name stands for itself
    /// and all below it, and `*` for everything.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |upper: &str, lower: &str| {
            variable(upper)
                .filter(|value| !value.trim().is_empty())
                .or_else(|| variable(lower).filter(|value| !value.trim().is_empty()))
        };
        let exceptions = either("NO_PROXY", "no_proxy").unwrap_or_default();
        Self {
            server: either("HTTPS_PROXY", "https_proxy").map(|text| Server::parse(text.trim())),
            exceptions: exceptions
                .split(',')
                .map(|entry| entry.trim().to_ascii_lowercase())
                .filter(|entry| !entry.is_empty())
                .collect(),
        }
    }

    /// The proxy for `host`, if it has one.
    pub(crate) fn server_for(&self, host: &str) -> Result<Option<&Server>, Unusable> {
        if self.is_exception(host) {
            return Ok(None);
        }
        self.server()
    }

    /// The proxy, whatever it is for.
    pub(crate) fn server(&self) -> Result<Option<&Server>, Unusable> {
        match &self.server {
            None => Ok(None),
            Some(Ok(server)) => Ok(Some(server)),
            Some(Err(reason)) => Err(*reason),
        }
    }

    /// The way to `host` in words, without anybody's password.
    pub(crate) fn route(&self, host: &str) -> String {
        match self.server_for(host) {
            Ok(None) => "directly".to_owned(),
            Ok(Some(server)) => format!("by the proxy {server}"),
            Err(_) => "by the proxy that HTTPS_PROXY names".to_owned(),
        }
    }

    fn is_exception(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.exceptions.iter().any(|entry| {
            let entry = entry.strip_suffix(":443").unwrap_or(entry);
            let entry = entry.trim_start_matches('*').trim_start_matches('.');
            entry.is_empty()
                || host == entry
                || host
                    .strip_suffix(entry)
                    .is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

impl Server {
    fn parse(text: &str) -> Result<Self, Unusable> {
        let with_scheme = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let mut url = Url::parse(&with_scheme).map_err(|_| Unusable::NoAddress)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Unusable::Scheme);
        }
        let user = (!url.username().is_empty()).then(|| {
            let password = decoded(url.password().unwrap_or_default());
            (decoded(url.username()), SecretString::from(password))
        });
        // Neither can fail for a URL that has a host.
        if url.set_username("").is_err() || url.set_password(None).is_err() {
            return Err(Unusable::NoAddress);
        }
        Ok(Self { url, user })
    }

    /// The proxy as reqwest wants it, for every host that it serves.
    pub(crate) fn as_reqwest(&self, address: Url, all: OwnProxy) -> reqwest::Proxy {
        let proxy = reqwest::Proxy::custom(move |target| {
            let host = target.host_str().unwrap_or_default();
            let is_served = matches!(all.server_for(host), Ok(Some(_)));
            is_served.then(|| address.clone())
        });
        match &self.user {
            Some((name, password)) => proxy.basic_auth(name, password.expose_secret()),
            None => proxy,
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.scheme();
        let host = self.url.host_str().unwrap_or_default();
        let user = if self.user.is_some() { "***@" } else { "" };
        match self.url.port_or_known_default() {
            Some(port) => write!(f, "{scheme}://{user}{host}:{port}"),
            None => write!(f, "{scheme}://{user}{host}"),
        }
    }
}

/// Undoes `%40` and the like.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = text
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(byte) = escaped {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(https: &str, none: &str) -> OwnProxy {
        OwnProxy::from_variables(|name| match name {
            "https_proxy" => Some(https.to_owned()),
            "NO_PROXY" => Some(none.to_owned()),
            _ => None,
        })
    }

    #[test]
    fn the_way_is_told_without_the_password() {
        let proxy = proxy("http://jo%40corp:ge%3aheim@10.2.0.16:8080", "");
        assert_eq!(
            proxy.route("management.azure.com"),
            "by the proxy http://***@10.2.0.16:8080"
        );
        let server = proxy.server_for("management.azure.com").unwrap().unwrap();
        let (name, password) = server.user.as_ref().unwrap();
        assert_eq!(
            (name.as_str(), password.expose_secret()),
            ("jo@corp", "ge:heim")
        );
        let shown = format!("{proxy:?}");
        assert!(!shown.contains("heim"), "{shown}");
    }

    #[test]
    fn exceptions_are_curls() {
        let proxy = proxy("10.2.0.16:8080", "localhost, .azure.com:443,*.corp.example");
        for direct in ["management.azure.com", "AZURE.com", "a.corp.example"] {
            assert_eq!(proxy.route(direct), "directly", "{direct}");
        }
        for proxied in ["notazure.com", "login.microsoftonline.com"] {
            assert_eq!(
                proxy.route(proxied),
                "by the proxy http://10.2.0.16:8080",
                "{proxied}"
            );
        }
        assert_eq!(OwnProxy::default().route("a.b"), "directly");
        assert!(
            super::OwnProxy::from_variables(|_| Some("*".to_owned()))
                .server_for("a.b")
                .is_ok_and(|server| server.is_none())
        );
    }

    #[test]
    fn what_is_no_proxy_is_said() {
        for (text, reason) in [
            ("socks5://a:1", Unusable::Scheme),
            ("http://", Unusable::NoAddress),
        ] {
            let proxy = proxy(text, "");
            assert_eq!(proxy.server_for("a.b").err(), Some(reason), "{text}");
        }
    }
}
