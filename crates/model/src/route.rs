//! Where a request goes, by an account's settings.

mod winhttp;

use serde::Serialize;

pub use winhttp::by_winhttp;

use crate::bypass::{BypassList, Consumer, Decision, DirectBecause, HostContext};
use crate::destination::Destination;
use crate::destination::system_uri::SystemUri;
use crate::proxy_server::{ProxyServerError, ProxyUri, select};
use crate::settings::ProxySettings;

/// A route and what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteDecision {
    /// The way taken.
    pub route: Route,
    /// The entry that decided, if one did.
    pub entry: Option<EntryRef>,
    /// Why.
    pub reason: Reason,
}

/// The way that a request takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Straight to the destination.
    Direct,
    /// By this proxy.
    Proxy(ProxyUri),
    /// As a script says, found by detection or by its address.
    Auto {
        /// The proxy where no script can be had; `None` goes direct, or fails
        /// where the consumer cannot use the proxy that is named.
        fallback: Option<ProxyUri>,
    },
    /// Nowhere: the consumer throws.
    Error(ProxyServerError),
    /// Nobody documents it, and nobody has measured it ([`by_winhttp`] alone).
    Unknown,
}

/// An entry of a bypass list, by text and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryRef {
    /// The entry as written.
    pub text: String,
    /// Its place among the entries, from 0.
    pub index: usize,
}

/// Why a route is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No proxy is switched on, or none is named.
    NoProxy,
    /// The `ProxyServer` string names proxies, but none for this scheme.
    NoProxyForScheme,
    /// An entry of the list covers the destination.
    Listed,
    /// The consumer never proxies the destination: loopback, and for `WinINet`
    /// link-local addresses.
    Implicit,
    /// An entry makes the consumer send everything direct.
    ListInvalid,
    /// No entry covers the destination.
    NotListed,
    /// Automatic detection is on; it comes before everything else.
    AutoDetect,
    /// A configuration script is set; it comes before the manual proxy.
    AutoConfigUrl,
    /// The consumer cannot read the `ProxyServer` string, or not use its proxy.
    ProxyStringUnusable,
    /// What the consumer makes of the entry, of the destination or of the settings
    /// is neither documented nor measured.
    Undocumented,
}

/// The route to `destination` for a consumer that reads `settings`.
///
/// The order is detection, script, manual proxy with its list, direct
/// (WinHttpWebProxyFinder.cs and _ProxyChain.cs in microsoft/referencesource;
/// the `NetworkProxy` policy in MicrosoftDocs/windows-itpro-docs). The implicit
/// set guards the script too.
#[must_use]
pub fn route(
    destination: &Destination,
    settings: &ProxySettings,
    consumer: Consumer,
    host: &HostContext,
) -> RouteDecision {
    let automatic = automatic(settings, consumer);
    let has_manual_proxy = settings.has_manual_proxy();
    if !has_manual_proxy && automatic.is_none() {
        return RouteDecision {
            route: Route::Direct,
            entry: None,
            reason: Reason::NoProxy,
        };
    }
    // Without a proxy the list is not even read.
    let (proxy, list) = if has_manual_proxy {
        (
            select(&settings.proxy_server, destination.scheme(), consumer),
            settings.proxy_override.as_str(),
        )
    } else {
        (Ok(None), "")
    };
    if let Err(error @ ProxyServerError::Format { .. }) = proxy {
        return RouteDecision {
            route: Route::Error(error),
            entry: None,
            reason: Reason::ProxyStringUnusable,
        };
    }
    let list = BypassList::parse(list, consumer);
    let decision = list.decide(destination, host);
    if let Some(reason) =
        automatic.filter(|_| decision != Decision::Direct(DirectBecause::Implicit))
    {
        let fallback = match decision {
            Decision::NotListed => proxy.unwrap_or_default(),
            Decision::Direct(_) => None,
        };
        return RouteDecision {
            route: Route::Auto { fallback },
            entry: None,
            reason,
        };
    }
    match decision {
        Decision::Direct(because) => direct(&list, because),
        Decision::NotListed => {
            let (route, reason) = match proxy {
                Ok(Some(proxy)) => (Route::Proxy(proxy), Reason::NotListed),
                Ok(None) => (Route::Direct, Reason::NoProxyForScheme),
                Err(error) => (Route::Error(error), Reason::ProxyStringUnusable),
            };
            RouteDecision {
                route,
                entry: None,
                reason,
            }
        }
    }
}

/// The mechanism that decides before the manual proxy, if one is on.
fn automatic(settings: &ProxySettings, consumer: Consumer) -> Option<Reason> {
    if settings.has_auto_detect() {
        return Some(Reason::AutoDetect);
    }
    // .NET ignores an address that is no absolute URL (`SetAutoProxyUrl` in
    // _WebProxyDataBuilder.cs, microsoft/referencesource).
    let is_read =
        consumer == Consumer::Wininet || SystemUri::parse(&settings.auto_config_url).is_ok();
    (settings.has_auto_config_url() && is_read).then_some(Reason::AutoConfigUrl)
}

fn direct(list: &BypassList, because: DirectBecause) -> RouteDecision {
    let (index, reason) = match because {
        DirectBecause::Entry { index } => (Some(index), Reason::Listed),
        DirectBecause::ListInvalid { index } => (Some(index), Reason::ListInvalid),
        DirectBecause::Implicit => (None, Reason::Implicit),
    };
    let entry = index
        .and_then(|index| list.entries().get(index))
        .map(|entry| EntryRef {
            text: entry.text.clone(),
            index: entry.index,
        });
    RouteDecision {
        route: Route::Direct,
        entry,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Flags;

    fn decide(url: &str, settings: &ProxySettings, consumer: Consumer) -> RouteDecision {
        route(
            &Destination::parse(url).unwrap(),
            settings,
            consumer,
            &HostContext::default(),
        )
    }

    #[test]
    fn the_entry_and_the_proxy_are_named() {
        let settings = ProxySettings::manual("10.2.0.16:8080", "a.example;*.blob.core.windows.net");
        for consumer in Consumer::ALL {
            let listed = decide("https://x.blob.core.windows.net/", &settings, consumer);
            assert_eq!(listed.route, Route::Direct);
            assert_eq!(listed.reason, Reason::Listed);
            assert_eq!(listed.entry.map(|entry| entry.index), Some(1));
            let other = decide("https://login.microsoftonline.com/", &settings, consumer);
            assert_eq!(other.reason, Reason::NotListed);
            let Route::Proxy(proxy) = other.route else {
                panic!("{:?}", other.route)
            };
            assert_eq!(proxy.to_string(), "http://10.2.0.16:8080");
        }
    }

    #[test]
    fn a_string_that_dotnet_cannot_read_fails_every_request() {
        let settings = ProxySettings::manual("10.2.0.16:3128;", "*");
        for url in ["https://a.example/", "http://localhost/"] {
            let decision = decide(url, &settings, Consumer::DotnetFramework);
            assert_eq!(decision.reason, Reason::ProxyStringUnusable);
            assert!(matches!(
                decision.route,
                Route::Error(ProxyServerError::Format { .. })
            ));
            assert_eq!(
                decide(url, &settings, Consumer::Wininet).route,
                Route::Direct
            );
        }
    }

    #[test]
    fn an_unsupported_proxy_harms_only_what_would_use_it() {
        let settings = ProxySettings::manual("https://proxy:3128", "a.example");
        let dotnet = Consumer::DotnetFramework;
        assert_eq!(
            decide("https://a.example/", &settings, dotnet).route,
            Route::Direct
        );
        let error = ProxyServerError::NotSupported {
            scheme: "https".to_owned(),
        };
        assert_eq!(
            decide("https://b.example/", &settings, dotnet).route,
            Route::Error(error)
        );
    }

    #[test]
    fn automatic_mechanisms_come_first() {
        let mut settings = ProxySettings::manual("proxy:8080", "a.example");
        settings.flags = settings.flags.with(Flags::AUTO_CONFIG_URL);
        settings.auto_config_url = " ".to_owned();
        assert_eq!(
            decide("https://a.example/", &settings, Consumer::Wininet).reason,
            Reason::Listed
        );
        settings.auto_config_url = "http://wpad/proxy.pac".to_owned();
        for consumer in Consumer::ALL {
            let listed = decide("https://a.example/", &settings, consumer);
            assert_eq!(
                (listed.route, listed.reason),
                (Route::Auto { fallback: None }, Reason::AutoConfigUrl)
            );
            assert_eq!(
                decide("http://localhost/", &settings, consumer).reason,
                Reason::Implicit
            );
        }
        settings.auto_config_url = "proxy.pac".to_owned();
        assert_eq!(
            decide("https://a.example/", &settings, Consumer::DotnetFramework).reason,
            Reason::Listed
        );
        settings.flags = Flags(Flags::DIRECT | Flags::AUTO_DETECT);
        let detected = decide("https://b.example/", &settings, Consumer::Wininet);
        assert_eq!(
            (detected.route, detected.reason),
            (Route::Auto { fallback: None }, Reason::AutoDetect)
        );
    }
}
