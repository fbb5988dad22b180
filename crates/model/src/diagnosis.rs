//! From a failed backup to its cause: which ways to try, and what they tell.

use crate::account::Account;
use crate::bypass::{Consumer, HostContext};
use crate::catalogue::Service;
use crate::destination::Destination;
use crate::finding::Finding;
use crate::observation::{Failure, Observation, Stage, Via};
use crate::proxy_server;
use crate::route::{self, Route};
use crate::settings::ProxySettings;

/// A backup that did not work, as Azure and the extension report it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFailure {
    /// Azure's code, `UserErrorVMInternetConnectivityIssue` and so on.
    pub azure_code: String,
    /// The account that met it.
    pub account: Account,
    /// The service that it wanted.
    pub service: Service,
    /// The name that it wanted.
    pub host: String,
    /// What it said.
    pub detail: String,
}

/// The ways worth trying after a failure: the one that the account's settings
/// choose and, for Entra ID, which has no private endpoint, the other one.
#[must_use]
pub fn ways(failure: &BackupFailure, settings: &ProxySettings) -> Vec<Via> {
    let Ok(destination) = Destination::parse(&format!("https://{}/", failure.host)) else {
        return Vec::new();
    };
    let consumer = Consumer::DotnetFramework;
    let decision = route::route(&destination, settings, consumer, &HostContext::default());
    let stored = proxy_server::select(&settings.proxy_server, "https", consumer);
    let other = match stored {
        Ok(Some(proxy)) if failure.service == Service::Entra => Some(Via::Proxy(proxy)),
        _ => None,
    };
    match decision.route {
        Route::Direct => std::iter::once(Via::Direct).chain(other).collect(),
        Route::Proxy(proxy) if failure.service == Service::Entra => {
            vec![Via::Proxy(proxy), Via::Direct]
        }
        Route::Proxy(proxy) => vec![Via::Proxy(proxy)],
        Route::Auto { .. } | Route::Error(_) => Vec::new(),
    }
}

/// The cause of a failure, from what the ways showed, the chosen one first.
///
/// A symptom is silent beside its cause: where a way failed, the finding is that
/// way's; Azure's report is the finding only where every way works.
#[must_use]
pub fn cause(failure: &BackupFailure, seen: &[Observation]) -> Finding {
    let unexplained = || Finding::BackupFailed {
        azure_code: failure.azure_code.clone(),
        detail: failure.detail.clone(),
    };
    let Some(chosen) = seen.first() else {
        return unexplained();
    };
    let Some((stage, why)) = chosen.failure() else {
        return unexplained();
    };
    let account = failure.account;
    let host = failure.host.clone();
    let other_works = seen.get(1).filter(|other| other.reached());
    match (&chosen.via, other_works.map(|other| &other.via)) {
        (Via::Proxy(proxy), _) if matches!(stage, "dns" | "tcp") => Finding::ProxyUnreachable {
            proxy: format!("{}:{}", proxy.host, proxy.port),
            detail: describe(why),
        },
        (Via::Direct, Some(Via::Proxy(proxy))) => Finding::EntraByProxyOnly {
            host,
            proxy: format!("{}:{}", proxy.host, proxy.port),
        },
        (Via::Proxy(proxy), Some(Via::Direct)) => Finding::EntraDirectOnly {
            host,
            proxy: format!("{}:{}", proxy.host, proxy.port),
        },
        _ if matches!(chosen.dns, Stage::Failed(_, Failure::NoSuchName)) => {
            Finding::NameUnknown { account, host }
        }
        _ if stage == "tls" => Finding::TlsFails {
            account,
            host,
            detail: describe(why),
        },
        _ => Finding::EndpointUnreachable {
            account,
            host,
            service: failure.service,
            proxy: match &chosen.via {
                Via::Proxy(proxy) => Some(format!("{}:{}", proxy.host, proxy.port)),
                Via::Direct => None,
            },
            detail: describe(why),
        },
    }
}

fn describe(failure: &Failure) -> String {
    match failure {
        Failure::NoSuchName => "its name does not resolve".to_owned(),
        Failure::Unreachable => "no way leads to its address".to_owned(),
        Failure::Refused => "nothing listens at its address".to_owned(),
        Failure::TimedOut => "it did not answer in time".to_owned(),
        Failure::ProxyAnswered(status) => format!("the proxy answered {status}"),
        Failure::Other(words) => words.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::proxy_server::ProxyUri;

    fn entra() -> BackupFailure {
        BackupFailure {
            azure_code: "UserErrorVMInternetConnectivityIssue".to_owned(),
            account: Account::Plugin,
            service: Service::Entra,
            host: "login.microsoftonline.com".to_owned(),
            detail: "no token".to_owned(),
        }
    }

    fn proxy() -> Via {
        Via::Proxy(ProxyUri {
            scheme: "http".to_owned(),
            host: "10.2.0.16".to_owned(),
            port: 8080,
        })
    }

    fn attempt(via: Via, failure: Option<Failure>) -> Observation {
        let mut seen = Observation::new("login.microsoftonline.com", 443, via);
        match failure {
            Some(failure) => seen.tcp = Stage::Failed(Duration::ZERO, failure),
            None => seen.http = Stage::Passed(Duration::ZERO),
        }
        seen
    }

    #[test]
    fn the_settings_choose_the_first_way_and_entra_is_tried_by_the_other_too() {
        let listed = ProxySettings::manual("10.2.0.16:8080", "*.microsoftonline.com");
        assert_eq!(ways(&entra(), &listed), [Via::Direct, proxy()]);
        let unlisted = ProxySettings::manual("10.2.0.16:8080", "");
        assert_eq!(ways(&entra(), &unlisted), [proxy(), Via::Direct]);
        let blob = BackupFailure {
            service: Service::Blob,
            host: "a.blob.core.windows.net".to_owned(),
            ..entra()
        };
        assert_eq!(ways(&blob, &unlisted), [proxy()]);
        assert_eq!(ways(&entra(), &ProxySettings::default()), [Via::Direct]);
    }

    #[test]
    fn the_cause_is_named_and_its_symptom_is_not() {
        let code = |seen: &[Observation]| cause(&entra(), seen).code().to_string();
        let refused = || Some(Failure::Refused);
        assert_eq!(code(&[attempt(proxy(), refused())]), "SS301");
        let by_proxy_only = [attempt(Via::Direct, refused()), attempt(proxy(), None)];
        assert_eq!(code(&by_proxy_only), "SS302");
        let neither = [attempt(Via::Direct, refused()), attempt(proxy(), refused())];
        assert_eq!(code(&neither), "SS304");
        assert_eq!(code(&[attempt(Via::Direct, None)]), "SS501");
        assert_eq!(code(&[]), "SS501");

        let mut tunnel = attempt(proxy(), None);
        tunnel.http = Stage::NotReached;
        tunnel.connect = Stage::Failed(Duration::ZERO, Failure::ProxyAnswered(403));
        assert_eq!(code(&[tunnel, attempt(Via::Direct, None)]), "SS303");
    }
}
