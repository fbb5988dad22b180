//! Holds single requests to Resource Manager, so that a client can be ended at any of them.

use std::sync::{Mutex, PoisonError};

use tokio::sync::oneshot;

/// Where a request is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It has arrived, and nothing has happened yet.
    BeforeHandling,
    /// It has done its work, and nobody was told yet.
    BeforeAnswering,
}

/// The holds that wait for their request.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    holds: Mutex<Holds>,
}

#[derive(Debug, Default)]
struct Holds {
    /// Requests so far.
    seen: u64,
    waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    when: When,
    reached: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
    present: oneshot::Sender<()>,
}

/// Holds one request from its arrival until this is dropped.
#[derive(Debug)]
pub struct Hold {
    reached: Option<oneshot::Receiver<()>>,
    present: Option<oneshot::Receiver<()>>,
    _release: oneshot::Sender<()>,
}

impl Hold {
    /// Waits until the request is held; returns at once when asked again.
    pub async fn reached(&mut self) {
        if let Some(reached) = self.reached.take() {
            // It ends early only with the lab.
            drop(reached.await);
        }
    }

    /// Waits until the client of the held request has gone away. What was held
    /// before it was handled never is then, even when this is dropped.
    pub async fn gone(&mut self) {
        if let Some(present) = self.present.take() {
            // Its other end is dropped with the request.
            drop(present.await);
        }
    }
}

impl Gate {
    /// Holds the `n`-th request from now, the first being 1.
    pub(crate) fn hold(&self, n: u64, when: When) -> Hold {
        let (reached, is_reached) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let (present, is_present) = oneshot::channel();
        let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
        let number = holds.seen + n;
        holds.waiting.push(Waiting {
            number,
            when,
            reached,
            released,
            present,
        });
        Hold {
            reached: Some(is_reached),
            present: Some(is_present),
            _release: release,
        }
    }

    /// Lets request `number` through, at once or when its hold is dropped. Where
    /// its client goes away meanwhile, the connection's task ends here.
    pub(crate) async fn pass(&self, number: u64, when: When) {
        let waiting = {
            let mut holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner);
            holds.seen = holds.seen.max(number);
            let mut waiting = holds.waiting.iter();
            let found = waiting.position(|hold| hold.number == number && hold.when == when);
            found.map(|at| holds.waiting.swap_remove(at))
        };
        if let Some(Waiting {
            reached,
            released,
            present: _present,
            ..
        }) = waiting
            && reached.send(()).is_ok()
        {
            // Released by dropping, so the error is the signal.
            drop(released.await);
        }
    }
}
