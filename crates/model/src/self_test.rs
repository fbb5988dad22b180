//! Windows' own readers beside Sidestep's reading, in a service's own account.
//!
//! A service that is there for the test alone is asked what Windows gives *its*
//! account, after that account's settings were written as any account's are.
//! What is asked and answered, and what that proves, is here; who asks is not.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::bypass::{Consumer, HostContext};
use crate::catalogue::Catalogue;
use crate::destination::Destination;
use crate::proxy_server::masked;
use crate::route::{Route, route};
use crate::settings::{Flags, ProxySettings};

/// The service, and so the account `NT SERVICE\SidestepSelfTest`.
pub const SERVICE: &str = "SidestepSelfTest";

/// What the service is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Whither it connects and stays connected.
    pub connect: SocketAddr,
    /// For which of these its .NET Framework names a proxy.
    pub urls: Vec<String>,
}

/// What the service says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// As whom it runs: a SID.
    pub sid: Told<String>,
    /// What `InternetQueryOption` gives it.
    pub wininet: Told<SettingsTold>,
    /// What `WinHttpGetIEProxyConfigForCurrentUser` gives it.
    pub winhttp: Told<SettingsTold>,
    /// Where .NET Framework's default proxy sends each URL, in their order:
    /// `direct`, or the proxy's URL.
    pub dotnet: Told<Vec<String>>,
    /// Whether it could connect.
    pub connected: Told<()>,
}

/// What somebody said, or why nobody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told<T> {
    /// This.
    Said(T),
    /// Nothing; in the words of what stood in the way.
    Nothing(String),
}

/// An account's settings as one of Windows' readers gives them to a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsTold {
    /// Whether the proxy is to be detected.
    pub auto_detect: bool,
    /// The script's address; empty for none.
    pub script: String,
    /// The proxy string; empty for none.
    pub proxy: String,
    /// The bypass list.
    pub list: String,
}

impl SettingsTold {
    /// What both readers have to give for `settings`.
    #[must_use]
    pub fn expected(settings: &ProxySettings) -> Self {
        let on = |flag, text: &str| {
            let text = if settings.flags.has(flag) { text } else { "" };
            text.to_owned()
        };
        Self {
            auto_detect: settings.flags.has(Flags::AUTO_DETECT),
            script: on(Flags::AUTO_CONFIG_URL, &settings.auto_config_url),
            proxy: on(Flags::MANUAL_PROXY, &settings.proxy_server),
            list: on(Flags::MANUAL_PROXY, &settings.proxy_override),
        }
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// That the service's account has the SID that its name gives.
    Account,
    /// That `WinINet` gives the service what was written.
    Wininet,
    /// That `WinHTTP` gives the service what was written.
    Winhttp,
    /// That .NET Framework goes by the way that `route` says.
    DotnetFramework,
    /// That a connection of the service is seen as its own.
    TcpTable,
    /// That Windows counts what that connection carries.
    Payload,
    /// That nothing stays behind.
    Removal,
}

/// What came of it. What nobody said is neither for nor against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum State {
    /// So many observations, all as predicted.
    Agrees {
        /// How many.
        observations: usize,
    },
    /// Some are not as predicted.
    Disagrees {
        /// How many there were.
        observations: usize,
        /// Each that is not: what was asked, predicted and seen.
        against: Vec<Difference>,
    },
    /// Nobody said anything.
    NotAsked {
        /// Why.
        reason: String,
    },
}

/// Something that is not as predicted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What was asked.
    pub asked: String,
    /// What Sidestep predicts.
    pub expected: String,
    /// What Windows says.
    pub seen: String,
}

impl State {
    fn of(observations: Vec<(String, String, String)>) -> Self {
        let all = observations.len();
        let against: Vec<Difference> = observations
            .into_iter()
            .filter(|(_, expected, seen)| expected != seen)
            .map(|(asked, expected, seen)| Difference {
                asked,
                expected,
                seen,
            })
            .collect();
        if against.is_empty() {
            Self::Agrees { observations: all }
        } else {
            Self::Disagrees {
                observations: all,
                against,
            }
        }
    }
}

/// What a self-test as a whole comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything that was asked is as predicted, and everything was asked.
    Agrees,
    /// Something is not as predicted.
    Disagrees,
    /// Nothing speaks against the prediction, but not everything was asked.
    Incomplete,
}

impl Verdict {
    /// Of all that was looked at.
    #[must_use]
    pub fn of<'a>(states: impl IntoIterator<Item = &'a State>) -> Self {
        let mut verdict = Self::Agrees;
        for state in states {
            match state {
                State::Agrees { .. } => {}
                State::Disagrees { .. } => return Self::Disagrees,
                State::NotAsked { .. } => verdict = Self::Incomplete,
            }
        }
        verdict
    }
}

/// What the service says of itself and of Windows' readers, beside what `settings`
/// of the account `sid` predict.
#[must_use]
pub fn judge(
    sid: &str,
    settings: &ProxySettings,
    question: &Question,
    answer: &Answer,
) -> Vec<(Subject, State)> {
    let expected = SettingsTold::expected(settings);
    let of_reader = |told: &Told<SettingsTold>| match told {
        Told::Said(seen) => State::of(fields(&expected, seen)),
        Told::Nothing(reason) => not_asked(reason),
    };
    let account = match &answer.sid {
        Told::Said(seen) => {
            let asked = "the SID of its account".to_owned();
            State::of(vec![(asked, sid.to_owned(), seen.clone())])
        }
        Told::Nothing(reason) => not_asked(reason),
    };
    let dotnet = match &answer.dotnet {
        Told::Said(seen) if seen.len() == question.urls.len() => {
            let asked = question.urls.iter().zip(seen);
            State::of(
                asked
                    .map(|(url, seen)| (url.clone(), predicted(url, settings), plain(seen)))
                    .collect(),
            )
        }
        Told::Said(seen) => not_asked(&format!(
            "it answered {} of {} questions",
            seen.len(),
            question.urls.len()
        )),
        Told::Nothing(reason) => not_asked(reason),
    };
    vec![
        (Subject::Account, account),
        (Subject::Wininet, of_reader(&answer.wininet)),
        (Subject::Winhttp, of_reader(&answer.winhttp)),
        (Subject::DotnetFramework, dotnet),
    ]
}

fn not_asked(reason: &str) -> State {
    State::NotAsked {
        reason: reason.to_owned(),
    }
}

fn fields(expected: &SettingsTold, seen: &SettingsTold) -> Vec<(String, String, String)> {
    let field = |name: &str, expected: &str, seen: &str| {
        (name.to_owned(), expected.to_owned(), seen.to_owned())
    };
    let detect = [expected.auto_detect, seen.auto_detect].map(|on| on.to_string());
    vec![
        field("auto-detect", &detect[0], &detect[1]),
        // Where something else decides, these are somebody's own.
        field("script", &masked(&expected.script), &masked(&seen.script)),
        field("proxy", &masked(&expected.proxy), &masked(&seen.proxy)),
        field("list", &expected.list, &seen.list),
    ]
}

/// Where .NET Framework has to send a URL.
fn predicted(url: &str, settings: &ProxySettings) -> String {
    let Ok(destination) = Destination::parse(url) else {
        return "an address that cannot be read".to_owned();
    };
    let decided = route(
        &destination,
        settings,
        Consumer::DotnetFramework,
        &HostContext::default(),
    );
    match decided.route {
        Route::Direct => "direct".to_owned(),
        Route::Proxy(proxy) => proxy.to_string(),
        Route::Auto { .. } | Route::Error(_) | Route::Unknown => "no answer".to_owned(),
    }
}

/// .NET writes a proxy with a path.
fn plain(seen: &str) -> String {
    seen.trim().trim_end_matches('/').to_owned()
}

/// What .NET Framework is asked about: for each name of the public catalogue one
/// that it covers and one that it does not, and what readers differ on.
#[must_use]
pub fn urls(catalogue: &Catalogue) -> Vec<String> {
    const OTHERS: [&str; 12] = [
        "https://www.example.com/",
        "http://www.example.com/",
        "https://www.example.com:8443/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://127.1.2.3/",
        "https://fileserver/",
        "https://168.63.129.16/",
        "https://169.254.169.254/",
        "https://169.254.169.253/",
        "https://198.51.100.7/",
        "https://blob.core.windows.net.example.com/",
    ];
    let mut urls: Vec<String> = Vec::new();
    for endpoint in catalogue.endpoints() {
        let hosts = match endpoint.pattern.strip_prefix("*.") {
            Some(suffix) => vec![format!("sidestep.{suffix}"), suffix.to_owned()],
            None => vec![endpoint.pattern.to_owned()],
        };
        urls.extend(hosts.into_iter().map(|host| format!("https://{host}/")));
    }
    urls.extend(OTHERS.map(str::to_owned));
    urls.sort();
    urls.dedup();
    urls
}
