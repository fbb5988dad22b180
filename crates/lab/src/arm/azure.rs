//! The management host: what every request goes through before its provider.

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};

use super::call::{Call, Reply};
use super::error::Problem;
use super::gate::{Gate, When};
use super::identity::guid;
use super::log::Log;
use super::router;
use super::weather::{Weather, Weathered};
use super::work::Work;
use super::world::World;
use crate::entra::Directory;
use crate::server::{Answer, Lost};
use crate::setup::Setup;

/// Azure Resource Manager.
#[derive(Clone)]
pub(crate) struct Azure(Arc<Inner>);

struct Inner {
    setup: Arc<Setup>,
    world: World,
    work: Work,
    directory: Directory,
    log: Log,
    gate: Gate,
    weather: Weather,
}

impl Azure {
    pub(crate) fn new(
        setup: Arc<Setup>,
        work: Work,
        directory: Directory,
        log: std::fs::File,
    ) -> Self {
        let weather = Weather::of(&setup);
        Self(Arc::new(Inner {
            setup,
            world: work.world().clone(),
            work,
            directory,
            log: Log::new(log),
            gate: Gate::default(),
            weather,
        }))
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.0.setup
    }

    pub(super) fn directory(&self) -> &Directory {
        &self.0.directory
    }

    pub(super) fn world(&self) -> &World {
        &self.0.world
    }

    pub(super) fn work(&self) -> &Work {
        &self.0.work
    }

    /// Answers one request.
    pub(crate) async fn answer(self, request: Request<Incoming>) -> Answer {
        let call = Call::read(request).await;
        let number = self.count(&call);
        self.0.gate.pass(number, When::BeforeHandling).await;
        let (reply, is_lost) = match self.0.weather.over(&call) {
            Weathered::Clear => (self.handle(&call), false),
            Weathered::Stopped(reply) => (reply, false),
            Weathered::AnswerLost => (self.handle(&call), true),
        };
        let reply = dressed(reply, number);
        self.0.log.write(&call, &reply);
        self.0.gate.pass(number, When::BeforeAnswering).await;
        let mut answer = answer_of(reply);
        if is_lost {
            answer.extensions_mut().insert(Lost);
        }
        answer
    }

    fn count(&self, call: &Call) -> u64 {
        let requests = &mut self.0.world.state().census.requests;
        *requests.entry(call.method.to_string()).or_default() += 1;
        requests.values().map(|count| *count as u64).sum()
    }

    fn handle(&self, call: &Call) -> Reply {
        let reply = self.check(call).and_then(|()| router::route(self, call));
        reply.unwrap_or_else(|problem| {
            let reply = Reply::json(problem.status, problem.body());
            match problem.status {
                StatusCode::NOT_FOUND => reply.with("x-ms-failure-cause", "gateway"),
                StatusCode::UNAUTHORIZED => {
                    let value = self.0.directory.challenge(&problem.message);
                    reply.with("WWW-Authenticate", value)
                }
                StatusCode::TOO_MANY_REQUESTS => reply.with("Retry-After", "0"),
                _ => reply,
            }
        })
    }

    /// What Resource Manager looks at before any provider does.
    fn check(&self, call: &Call) -> Result<(), Problem> {
        let is_open = call.path.first().is_some_and(|first| first == "metadata");
        if is_open {
            return Ok(());
        }
        let unauthorized = |code, message| Problem::new(StatusCode::UNAUTHORIZED, code, message);
        let Some(token) = &call.token else {
            let message = "Authentication failed. The 'Authorization' header is missing.";
            return Err(unauthorized("AuthenticationFailed", message));
        };
        if !self.0.directory.knows(token) {
            let message = "The access token is invalid.";
            return Err(unauthorized("InvalidAuthenticationToken", message));
        }
        if call.api_version().is_empty() {
            return Err(Problem::no_api_version());
        }
        if call.is_malformed {
            let message = "The request content was invalid and could not be deserialized.";
            return Err(Problem::bad("InvalidRequestContent", message));
        }
        Ok(())
    }
}

/// What every answer of Resource Manager carries.
fn dressed(reply: Reply, number: u64) -> Reply {
    let id = guid(&format!("request {number}"));
    reply
        .with("x-ms-request-id", id.clone())
        .with("x-ms-correlation-request-id", id)
        .with("x-ms-ratelimit-remaining-subscription-reads", "249")
}

fn answer_of(reply: Reply) -> Answer {
    let text = reply.body.map(|body| body.to_string());
    let has_body = text.is_some();
    let mut answer = Response::new(Full::from(text.unwrap_or_default()));
    *answer.status_mut() = reply.status;
    let headers = answer.headers_mut();
    if has_body {
        let kind = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(CONTENT_TYPE, kind);
    }
    for (name, value) in reply.headers {
        let name = HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    answer
}
