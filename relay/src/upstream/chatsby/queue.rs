//! The queue in front of one key. Chatsby counts requests per key and minute,
//! and few of them: 30 on its smallest plan. Visitors who come together wait
//! their turn here; those who would wait too long are told so at once.
//!
//! Agents with the same key share one queue.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use chinwag_protocol::ErrorCode;
use tokio::time::{Instant, sleep_until};
use url::Url;

use crate::config::Secret;
use crate::upstream::failure::UpstreamFailure;

/// Requests per minute until the provider's headers say otherwise: those of its
/// smallest plan.
const DEFAULT_LIMIT: usize = 30;

/// Largest limit that is believed; more needs no queue.
const MAX_LIMIT: usize = 10_000;

/// What the limit counts over.
const WINDOW: Duration = Duration::from_mins(1);

/// How long a visitor waits for their turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// How long the key rests at most, whatever the provider says.
const MAX_REST: Duration = Duration::from_mins(10);

/// Every queue that an agent holds.
static QUEUES: LazyLock<Mutex<Vec<Shared>>> = LazyLock::new(Mutex::default);

/// A queue by the digest of its server and key.
struct Shared {
    digest: Vec<u8>,
    queue: Weak<Queue>,
}

/// The queue of one key.
pub(super) struct Queue {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// When requests of the last minute were sent, and when those that wait will
    /// be; in order.
    slots: VecDeque<Instant>,
    /// The provider said that nothing is taken before then.
    rests_until: Option<Instant>,
}

/// One request's turn. Dropped before it came, it is given back.
#[derive(Debug)]
pub(super) struct Place {
    queue: Arc<Queue>,
    reserved: Instant,
    at: Instant,
    is_used: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Queue").field("limit", &state.limit).field("slots", &state.slots.len()).finish()
    }
}

impl Queue {
    /// The queue of that key, shared with every agent that has it.
    pub(super) fn of(base_url: &Url, key: Option<&Secret>) -> Arc<Self> {
        let key = key.map(Secret::expose).unwrap_or_default();
        let digest = digest(&SHA256, format!("{base_url}\n{key}").as_bytes()).as_ref().to_vec();
        let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
        queues.retain(|shared| shared.queue.strong_count() > 0);
        let known = queues.iter().find(|shared| shared.digest == digest);
        let known = known.and_then(|shared| shared.queue.upgrade());
        known.unwrap_or_else(|| {
            let queue = Arc::new(Self::new());
            queues.push(Shared { digest, queue: Arc::downgrade(&queue) });
            queue
        })
    }

    fn new() -> Self {
        let state = State { limit: DEFAULT_LIMIT, slots: VecDeque::new(), rests_until: None };
        Self { state: Mutex::new(state) }
    }

    /// Takes the next turn.
    ///
    /// # Errors
    /// It is more than [`PATIENCE`] away.
    pub(super) fn reserve(self: &Arc<Self>) -> Result<Place, UpstreamFailure> {
        let now = Instant::now();
        let mut state = self.lock();
        let at = state.next(now);
        if at - now > PATIENCE {
            return Err(too_long(at - now));
        }
        state.slots.push_back(at);
        Ok(Place { queue: Arc::clone(self), reserved: now, at, is_used: false })
    }

    /// Learns from the headers of an answer: the limit, what is left of it, and
    /// how long until it is full again.
    pub(super) fn note(&self, limit: Option<u64>, remaining: Option<u64>, reset: Option<Duration>) {
        let mut state = self.lock();
        if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) {
            state.limit = limit.clamp(1, MAX_LIMIT);
        }
        if remaining == Some(0)
            && let Some(reset) = reset
        {
            state.rest(reset);
        }
    }

    /// The provider refused a request because there were too many.
    pub(super) fn note_refusal(&self, wait: Option<Duration>) {
        if let Some(wait) = wait {
            self.lock().rest(wait);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole in itself: a panic elsewhere spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self, now: Instant) -> Instant {
        while self.slots.front().is_some_and(|&slot| slot + WINDOW <= now) {
            self.slots.pop_front();
        }
        let full_since = self.slots.len().checked_sub(self.limit).and_then(|place| self.slots.get(place));
        let mut at = full_since.map_or(now, |&slot| slot + WINDOW);
        // Nobody is overtaken, even if the limit has grown since.
        if let Some(&last) = self.slots.back() {
            at = at.max(last);
        }
        at.max(now).max(self.rests_until.unwrap_or(now))
    }

    fn rest(&mut self, wait: Duration) {
        let until = Instant::now() + wait.min(MAX_REST);
        self.rests_until = Some(self.rests_until.map_or(until, |known| known.max(until)));
    }
}

impl Place {
    /// Whether the turn is not now.
    pub(super) fn is_waiting(&self) -> bool {
        self.at > self.reserved
    }

    /// Waits for the turn.
    ///
    /// # Errors
    /// The provider has closed meanwhile, for longer than [`PATIENCE`].
    pub(super) async fn wait(mut self) -> Result<(), UpstreamFailure> {
        loop {
            sleep_until(self.at).await;
            let rests_until = self.queue.lock().rests_until.filter(|&until| until > Instant::now());
            let Some(until) = rests_until else { break };
            if until - self.reserved > PATIENCE {
                return Err(too_long(until - Instant::now()));
            }
            self.at = until;
        }
        self.is_used = true;
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        let mut state = self.queue.lock();
        if let Some(place) = state.slots.iter().rposition(|&slot| slot == self.at) {
            state.slots.remove(place);
        }
    }
}

fn too_long(wait: Duration) -> UpstreamFailure {
    UpstreamFailure::new(ErrorCode::RateLimited)
        .because("the requests per minute of this key are used up")
        .after(Some(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Arc<Queue> {
        Arc::new(Queue::new())
    }

    async fn pass(queue: &Arc<Queue>, times: usize) {
        for _ in 0..times {
            queue.reserve().unwrap().wait().await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_pass_in_a_minute_as_the_plan_has_and_the_next_is_told_when() {
        let queue = queue();
        let begun = Instant::now();
        pass(&queue, DEFAULT_LIMIT).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        let refused = queue.reserve().unwrap_err();
        assert_eq!((refused.code(), refused.retry_after()), (ErrorCode::RateLimited, Some(WINDOW)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_near_the_end_of_the_minute_waits_for_it() {
        let queue = queue();
        pass(&queue, DEFAULT_LIMIT).await;
        tokio::time::advance(Duration::from_secs(50)).await;
        let begun = Instant::now();
        let place = queue.reserve().unwrap();
        assert!(place.is_waiting());
        place.wait().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_was_given_up_is_free_again() {
        let queue = queue();
        pass(&queue, DEFAULT_LIMIT - 1).await;
        drop(queue.reserve().unwrap());
        assert!(!queue.reserve().unwrap().is_waiting());
    }

    #[tokio::test(start_paused = true)]
    async fn the_headers_of_an_answer_set_the_limit() {
        let queue = queue();
        queue.note(Some(2), Some(1), Some(WINDOW));
        pass(&queue, 2).await;
        assert!(queue.reserve().is_err());
        queue.note(Some(100), None, None);
        assert!(!queue.reserve().unwrap().is_waiting());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_while_the_key_rests_and_those_who_wait_learn_of_it() {
        let queue = queue();
        queue.note(None, Some(0), Some(Duration::from_secs(5)));
        let begun = Instant::now();
        let (waiting, other) = (queue.reserve().unwrap(), queue.reserve().unwrap());
        let longer = tokio::spawn(waiting.wait());
        tokio::time::advance(Duration::from_secs(2)).await;
        queue.note_refusal(Some(Duration::from_secs(10)));
        other.wait().await.unwrap();
        longer.await.unwrap().unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(12));
        queue.note_refusal(Some(Duration::from_hours(9)));
        assert_eq!(queue.reserve().unwrap_err().retry_after(), Some(MAX_REST));
    }

    #[test]
    fn agents_with_one_key_share_one_queue() {
        let base = Url::parse("https://queue.example/v1").unwrap();
        let key = |text: &str| Secret::new(text.to_owned());
        let first = Queue::of(&base, Some(&key("a")));
        assert!(Arc::ptr_eq(&first, &Queue::of(&base, Some(&key("a")))));
        assert!(!Arc::ptr_eq(&first, &Queue::of(&base, Some(&key("b")))));
    }
}
