//! The connection to ARM: one endpoint, one credential, one HTTP client.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use sidestep_model::catalogue::Cloud;
use sidestep_model::network::Network;
use tokio::time::Instant;
use uuid::Uuid;

use crate::cloud;
use crate::credential::{Credential, SignIn};
use crate::error::AzureError;
use crate::proxy::OwnProxy;
use crate::retry::{self, Resend};
use crate::wire::{Lost, Reply, Wire};

/// How to reach Azure.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which Azure.
    pub cloud: Cloud,
    /// The Entra tenant, where it has to be named.
    pub tenant: Option<String>,
    /// The world to call in.
    pub network: Network,
    /// What to sign in with.
    pub credential: Credential,
    /// The proxy for these calls.
    pub proxy: OwnProxy,
    /// How patiently to call.
    pub pace: Pace,
}

/// How long things may take and how often to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two questions about a long operation, where Azure names no other
    /// time: 10 s, as long as Azure's own tools wait at most.
    pub poll: Duration,
    /// Never ask again sooner than this, whatever Azure names: 1 s.
    pub floor: Duration,
    /// One request with all its repetitions: 5 minutes, since Azure Backup names
    /// a minute's wait when it is busy.
    pub request: Duration,
    /// One long operation: 4 hours.
    pub operation: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(10),
            floor: Duration::from_secs(1),
            request: Duration::from_secs(5 * 60),
            operation: Duration::from_secs(4 * 60 * 60),
        }
    }
}

/// Azure Resource Manager, signed in to when first asked. Cheap to clone.
#[derive(Clone)]
pub struct Azure {
    inner: Arc<Inner>,
}

struct Inner {
    wire: Wire,
    sign_in: SignIn,
    base: Url,
    route: String,
    pace: Pace,
    server_time: Mutex<Option<Timestamp>>,
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Azure")
            .field("base", &self.inner.base.as_str())
            .finish_non_exhaustive()
    }
}

/// A request to ARM.
pub(crate) struct Call {
    /// What it is for, to follow "could not".
    pub(crate) doing: &'static str,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) body: Option<Value>,
    pub(crate) resend: Resend,
    /// Our id of it; one is made where it is `None`.
    pub(crate) request_id: Option<String>,
}

impl Call {
    pub(crate) fn new(doing: &'static str, method: Method, url: Url) -> Self {
        Self {
            doing,
            method,
            url,
            body: None,
            resend: Resend::Freely,
            request_id: None,
        }
    }

    pub(crate) fn with(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }
}

/// A request that ended without an answer to go by.
pub(crate) struct Failed {
    pub(crate) error: AzureError,
    /// Whether Azure may have accepted it all the same.
    pub(crate) perhaps_accepted: bool,
}

impl From<Failed> for AzureError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

impl Azure {
    /// Prepares to call; nothing is sent yet.
    pub fn connect(options: Options) -> Result<Self, AzureError> {
        let Options {
            cloud,
            tenant,
            network,
            credential,
            proxy,
            pace,
        } = options;
        let endpoints = cloud::endpoints(cloud);
        let route = proxy.route(endpoints.management);
        let unusable = |detail: String| AzureError::Unreachable {
            host: endpoints.management.to_owned(),
            route: route.clone(),
            detail,
        };
        let wire = Wire::new(&network, &proxy).map_err(unusable)?;
        let base = Url::parse(&format!("https://{}/", endpoints.management))
            .map_err(|error| unusable(error.to_string()))?;
        let sign_in = SignIn::new(
            credential,
            tenant.as_deref(),
            &endpoints,
            proxy.route(endpoints.authority),
            wire.clone(),
            &pace,
        )?;
        Ok(Self {
            inner: Arc::new(Inner {
                wire,
                sign_in,
                base,
                route,
                pace,
                server_time: Mutex::new(None),
            }),
        })
    }

    /// The way of these calls in words: "directly", or by which proxy, without
    /// its password.
    #[must_use]
    pub fn own_route(&self) -> String {
        self.inner.route.clone()
    }

    /// Azure's clock at its last answer. Jobs are dated by it, not by ours.
    #[must_use]
    pub fn server_time(&self) -> Option<Timestamp> {
        let time = self.inner.server_time.lock();
        *time.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.inner.pace
    }

    pub(crate) fn base(&self) -> &Url {
        &self.inner.base
    }

    /// Sends a request, again where that is allowed and of use, until there is an
    /// answer to go by: any that is not about trying again.
    pub(crate) async fn send(&self, call: &Call) -> Result<Reply, Failed> {
        let pace = self.pace();
        let deadline = Instant::now() + pace.request;
        let mut attempt = 1;
        loop {
            let outcome = self.once(call, deadline).await;
            let (may_resend, named) = match &outcome {
                Ok(reply) => (
                    call.resend.after(reply.status.as_u16()),
                    retry::retry_after(&reply.headers),
                ),
                Err(attempted) => (attempted.may_resend, None),
            };
            let pause = retry::pause(named, attempt, pace.floor);
            let is_last = attempt >= retry::ATTEMPTS || Instant::now() + pause >= deadline;
            if !may_resend || is_last {
                return outcome.map_err(|attempted| attempted.failed);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn once(&self, call: &Call, deadline: Instant) -> Result<Reply, Attempted> {
        let reply = self.exchange(call, deadline).await?;
        if reply.status != reqwest::StatusCode::UNAUTHORIZED {
            return Ok(reply);
        }
        // The token ran out or was revoked before its time; what was not
        // authorized was not accepted either.
        self.inner.sign_in.forget().await;
        self.exchange(call, deadline).await
    }

    async fn exchange(&self, call: &Call, deadline: Instant) -> Result<Reply, Attempted> {
        let headers = self.headers(call).await?;
        let body = match &call.body {
            Some(body) => body.to_string().into_bytes(),
            None => Vec::new(),
        };
        let sending = self
            .inner
            .wire
            .send(call.method.clone(), call.url.clone(), headers, body);
        match tokio::time::timeout_at(deadline, sending).await {
            Ok(Ok(reply)) => {
                if let Some(time) = retry::server_time(&reply.headers) {
                    let mut held = self
                        .inner
                        .server_time
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    *held = Some(time);
                }
                Ok(reply)
            }
            Ok(Err(lost)) => Err(self.lost(call, lost)),
            Err(_) => Err(Attempted {
                failed: Failed {
                    error: AzureError::TimedOut {
                        doing: call.doing,
                        after: self.pace().request,
                    },
                    perhaps_accepted: true,
                },
                may_resend: false,
            }),
        }
    }

    async fn headers(&self, call: &Call) -> Result<HeaderMap, Attempted> {
        let before_sending = |error| Attempted {
            failed: Failed {
                error,
                perhaps_accepted: false,
            },
            may_resend: false,
        };
        // Every caller keeps to ARM; should one not, the token stays here.
        if call.url.origin() != self.inner.base.origin() {
            return Err(before_sending(AzureError::ForeignAddress {
                doing: call.doing,
                host: call.url.host_str().unwrap_or_default().to_owned(),
            }));
        }
        let token = self.inner.sign_in.token().await.map_err(before_sending)?;
        let unusable = |_| {
            before_sending(AzureError::Unreadable {
                doing: "sign in",
                detail: "the token is no text".to_owned(),
            })
        };
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", token.secret())).map_err(unusable)?;
        authorization.set_sensitive(true);
        let id = match &call.request_id {
            Some(id) => id.clone(),
            None => Uuid::new_v4().to_string(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Ok(id) = HeaderValue::try_from(id) {
            headers.insert("x-ms-client-request-id", id);
        }
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(headers)
    }

    fn lost(&self, call: &Call, lost: Lost) -> Attempted {
        let Lost { never_sent, detail } = lost;
        Attempted {
            failed: Failed {
                error: AzureError::Unreachable {
                    host: self.inner.base.host_str().unwrap_or_default().to_owned(),
                    route: self.own_route(),
                    detail,
                },
                perhaps_accepted: !never_sent,
            },
            may_resend: call.resend == Resend::Freely || never_sent,
        }
    }
}

/// One attempt without an answer.
struct Attempted {
    failed: Failed,
    may_resend: bool,
}
