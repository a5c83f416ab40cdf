//! The circuit breaker in front of a provider: while it is known to be down, it
//! is not asked, and visitors do not wait for a time-out each.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which a provider is taken for down.
const FAILURES: u32 = 5;

/// How long it is then left alone, before one request tries.
const PAUSE: Duration = Duration::from_secs(10);

/// Closed: requests pass. Open: none does. Half open: one does, and its outcome
/// decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen,
}

/// One provider's breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    state: Mutex<State>,
}

/// Leave to send one request. Dropped without an outcome (the visitor stopped
/// the reply) it says nothing about the provider.
#[derive(Debug)]
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    is_probe: bool,
    is_settled: bool,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Leave to send a request, or how long none is given.
    pub(super) fn enter(&self) -> Result<Pass<'_>, Duration> {
        let mut state = self.lock();
        let now = Instant::now();
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if until <= now => {
                *state = State::HalfOpen;
                true
            }
            State::Open { until } => return Err(until - now),
            // Another request is trying; it is about to know.
            State::HalfOpen => return Err(Duration::from_secs(1)),
        };
        Ok(Pass { breaker: self, is_probe, is_settled: false })
    }

    /// The provider answered, whatever it said.
    fn note_success(&self) {
        *self.lock() = State::Closed { failures: 0 };
    }

    /// The provider did not answer, or only that it is down.
    pub(super) fn note_failure(&self) {
        let mut state = self.lock();
        *state = match *state {
            State::Closed { failures } if failures + 1 < FAILURES => State::Closed { failures: failures + 1 },
            State::Closed { .. } | State::HalfOpen => {
                tracing::warn!(pause_s = PAUSE.as_secs(), "a provider is taken for down");
                State::Open { until: Instant::now() + PAUSE }
            }
            open @ State::Open { .. } => open,
        };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is one assignment: a panic elsewhere spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    pub(super) fn succeed(mut self) {
        self.is_settled = true;
        self.breaker.note_success();
    }

    pub(super) fn fail(mut self) {
        self.is_settled = true;
        self.breaker.note_failure();
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_probe && !self.is_settled {
            // Nothing is known: the next request tries.
            let mut state = self.breaker.lock();
            if *state == State::HalfOpen {
                *state = State::Open { until: Instant::now() };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, times: u32) {
        for _ in 0..times {
            breaker.enter().unwrap().fail();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_one_success_between_them_does_not() {
        let breaker = Breaker::new();
        fail(&breaker, FAILURES - 1);
        breaker.enter().unwrap().succeed();
        fail(&breaker, FAILURES - 1);
        assert!(breaker.enter().is_ok());
        fail(&breaker, 1);
        assert_eq!(breaker.enter().err(), Some(PAUSE));
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_pause_one_request_tries_and_decides() {
        let breaker = Breaker::new();
        fail(&breaker, FAILURES);
        tokio::time::advance(PAUSE).await;
        let probe = breaker.enter().unwrap();
        assert!(breaker.enter().is_err(), "one at a time");
        probe.fail();
        assert_eq!(breaker.enter().err(), Some(PAUSE), "it is left alone again");
        tokio::time::advance(PAUSE).await;
        breaker.enter().unwrap().succeed();
        assert!(breaker.enter().is_ok() && breaker.enter().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_was_given_up_leaves_room_for_the_next() {
        let breaker = Breaker::new();
        fail(&breaker, FAILURES);
        tokio::time::advance(PAUSE).await;
        drop(breaker.enter().unwrap());
        assert!(breaker.enter().is_ok());
    }
}
