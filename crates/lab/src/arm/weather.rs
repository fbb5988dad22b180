//! A busy Resource Manager: throttled calls, one failure, one answer that never arrives.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};

use super::call::{Call, Reply};
use super::error::Problem;
use crate::setup::{Fault, Setup};

/// What becomes of one request.
pub(super) enum Weathered {
    Clear,
    /// It never reaches its provider.
    Stopped(Reply),
    /// It is handled, and its answer is lost.
    AnswerLost,
}

/// What still has to happen.
pub(super) struct Weather(Mutex<Vec<Squall>>);

struct Squall {
    method: Method,
    /// The path's segment before the last, or the last, in lower case.
    at: At,
    what: What,
    /// A throttled call that does not wait is throttled again.
    until: Option<Instant>,
}

enum At {
    /// `…/vaults/{name}`.
    Named(&'static str),
    /// `…/backup`.
    Last(&'static str),
}

enum What {
    Throttled { seconds: u64 },
    Failing,
    Lost,
}

impl Weather {
    pub(super) fn of(setup: &Setup) -> Self {
        let squall = |method, at, what| Squall {
            method,
            at,
            what,
            until: None,
        };
        let throttled = |method, at, seconds| squall(method, at, What::Throttled { seconds });
        let squalls = if setup.has(Fault::Throttled) {
            vec![
                throttled(Method::GET, At::Named("vaults"), 1),
                throttled(Method::PUT, At::Named("privateendpoints"), 0),
                throttled(Method::PUT, At::Named("protectioncontainers"), 0),
                squall(
                    Method::GET,
                    At::Last("backupprotectableitems"),
                    What::Failing,
                ),
                throttled(Method::PUT, At::Named("protecteditems"), 0),
                throttled(Method::POST, At::Last("backup"), 0),
                squall(Method::POST, At::Last("backup"), What::Lost),
            ]
        } else {
            Vec::new()
        };
        Self(Mutex::new(squalls))
    }

    pub(super) fn over(&self, call: &Call) -> Weathered {
        let mut squalls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let Some(at) = squalls.iter().position(|squall| squall.is_over(call, now)) else {
            return Weathered::Clear;
        };
        let Some(squall) = squalls.get_mut(at) else {
            return Weathered::Clear;
        };
        match squall.what {
            What::Throttled { seconds } => {
                if squall.until.is_none() {
                    squall.until = Some(now + Duration::from_secs(seconds));
                }
                if seconds == 0 {
                    squalls.remove(at);
                }
                Weathered::Stopped(throttled(seconds))
            }
            What::Failing => {
                squalls.remove(at);
                Weathered::Stopped(unavailable())
            }
            What::Lost => {
                squalls.remove(at);
                Weathered::AnswerLost
            }
        }
    }
}

impl Squall {
    fn is_over(&self, call: &Call, now: Instant) -> bool {
        let mut parts = call.path.iter().rev().map(|part| part.to_lowercase());
        let (last, before) = (parts.next(), parts.next());
        let is_here = match self.at {
            At::Named(kind) => before.is_some_and(|before| before == kind),
            At::Last(name) => last.is_some_and(|last| last == name),
        };
        is_here && call.method == self.method && self.until.is_none_or(|until| now < until)
    }
}

fn throttled(seconds: u64) -> Reply {
    let message = format!(
        "The request is being throttled as the limit has been reached for operation type - \
         Read_ObservationWindow_00:01:00. Please try again after '{seconds}' seconds."
    );
    let problem = Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "SubscriptionRequestsThrottled",
        message,
    );
    Reply::json(problem.status, problem.body()).with("Retry-After", seconds.to_string())
}

fn unavailable() -> Reply {
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServiceUnavailable",
        "The service is temporarily unavailable. Please retry.",
    );
    Reply::json(problem.status, problem.body())
}
