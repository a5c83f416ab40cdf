//! How much one address, visitor, site or agent may ask for. Decisions only: what an
//! exceeded limit looks like on the wire is the business of `api`.
//!
//! Rates are GCRA buckets: a caller may use the whole of a minute's budget at
//! once and then gets one more each `minute / budget`. Streams are counted by
//! permits that live in the response body and end with it.

mod stream;

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chinwag_protocol::SiteKey;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

pub use stream::{StreamPermit, StreamRefused};

use crate::config;
use crate::edge::ClientAddress;
use crate::metrics::Metrics;
use crate::store::Owner;

/// Most keys that one budget keeps. An attacker with a /32 of IPv6 has four
/// thousand million networks; whoever is above this number shares a budget.
const MAX_KEYS: usize = 100_000;

/// Budgets that are shared when there are too many keys.
const CROWDS: u64 = 1024;

/// Shortest pause between two looks for keys that can be forgotten.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

const MINUTE: Duration = Duration::from_mins(1);

/// A client's address as limits see it: see [`ClientAddress::bucket`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

impl From<ClientAddress> for Address {
    fn from(client: ClientAddress) -> Self {
        Self(client.bucket())
    }
}

/// Where a caller stands with a budget; on every answer under `/v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The whole budget, in calls.
    pub limit: u32,
    /// What is left of it.
    pub remaining: u32,
    /// When it is whole again, in seconds since 1970.
    pub reset: u64,
}

/// A budget is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// Where the caller stands.
    pub standing: Standing,
    /// When one more call is possible.
    pub retry_after: Duration,
}

type Limiter<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// One budget, kept for each key.
#[derive(Debug)]
struct Budget<K: Hash + Eq + Clone> {
    limiter: Limiter<K>,
    /// For keys that find the table full: by their hash, under a key that nobody
    /// outside knows.
    crowds: Limiter<u64>,
    hasher: RandomState,
    swept_at: Mutex<Option<Instant>>,
    most_keys: usize,
    burst: u32,
    period: Duration,
}

impl<K: Hash + Eq + Clone> Budget<K> {
    fn new(per_minute: u32, burst: u32) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(per_minute).allow_burst(burst);
        Self {
            limiter: RateLimiter::keyed(quota).with_middleware(),
            crowds: RateLimiter::keyed(quota).with_middleware(),
            hasher: RandomState::new(),
            swept_at: Mutex::default(),
            most_keys: MAX_KEYS,
            burst: burst.get(),
            period: MINUTE / per_minute.get(),
        }
    }

    fn take(&self, key: &K) -> Result<Standing, Limited> {
        if self.limiter.len() < self.most_keys || self.has_room() {
            return self.take_of(&self.limiter, key);
        }
        self.take_of(&self.crowds, &(self.hasher.hash_one(key) % CROWDS))
    }

    fn take_of<T: Hash + Eq + Clone>(&self, limiter: &Limiter<T>, key: &T) -> Result<Standing, Limited> {
        match limiter.check_key(key) {
            Ok(snapshot) => Ok(self.standing(snapshot.remaining_burst_capacity())),
            Err(refused) => {
                let retry_after = refused.wait_time_from(limiter.clock().now());
                Err(Limited { standing: self.standing(0), retry_after })
            }
        }
    }

    /// Looks for keys that can be forgotten, if nobody did so just now.
    fn has_room(&self) -> bool {
        let mut swept_at = self.swept_at.lock().unwrap_or_else(PoisonError::into_inner);
        if swept_at.is_none_or(|at| at.elapsed() >= SWEEP_PAUSE) {
            *swept_at = Some(Instant::now());
            self.limiter.retain_recent();
        }
        self.limiter.len() < self.most_keys
    }

    fn standing(&self, remaining: u32) -> Standing {
        let missing = self.burst.saturating_sub(remaining);
        let full_at = SystemTime::now() + self.period * missing;
        let reset = whole_second(full_at.duration_since(UNIX_EPOCH).unwrap_or_default());
        Standing { limit: self.burst, remaining, reset }
    }

    /// Forgets who has a whole budget: an attacker with many addresses must not
    /// grow the table for good.
    fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
        self.crowds.retain_recent();
    }
}

/// Rounded up: at that second a budget is whole.
fn whole_second(since: Duration) -> u64 {
    since.as_secs() + u64::from(since.subsec_nanos() > 0)
}

/// Who asks for a message or a stream, in every way that is counted.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// The visitor and their site.
    pub owner: &'a Owner,
    /// Where from.
    pub address: Address,
    /// Which agent is to answer, by its name in the configuration.
    pub agent: &'a str,
}

/// All budgets of a relay.
#[derive(Debug)]
pub struct Limits {
    calls: Budget<Address>,
    tokens: Budget<Address>,
    device_tokens: Budget<String>,
    site_tokens: Budget<SiteKey>,
    messages: Budget<Owner>,
    address_messages: Budget<Address>,
    site_messages: Budget<SiteKey>,
    agent_messages: Budget<String>,
    files: Budget<Owner>,
    address_files: Budget<Address>,
    streams: stream::Streams,
    metrics: Metrics,
}

impl Limits {
    /// The budgets that the operator set.
    pub fn new(limits: &config::Limits, metrics: Metrics) -> Self {
        fn even<K: Hash + Eq + Clone>(per_minute: u32) -> Budget<K> {
            Budget::new(per_minute, per_minute)
        }
        Self {
            calls: even(limits.calls_per_minute),
            tokens: Budget::new(limits.tokens_per_minute, limits.tokens_burst),
            device_tokens: Budget::new(limits.tokens_per_minute, limits.tokens_burst),
            site_tokens: even(limits.site_tokens_per_minute),
            messages: even(limits.messages_per_minute),
            address_messages: even(limits.address_messages_per_minute),
            site_messages: even(limits.site_messages_per_minute),
            agent_messages: even(limits.agent_messages_per_minute),
            files: even(limits.files_per_minute),
            address_files: even(limits.address_files_per_minute),
            streams: stream::Streams::new(limits),
            metrics,
        }
    }

    /// Any call.
    pub fn call(&self, address: Address) -> Result<Standing, Limited> {
        self.counted("calls", self.calls.take(&address))
    }

    /// A token exchange, before the site is known to exist.
    pub fn token(&self, address: Address) -> Result<Standing, Limited> {
        self.counted("tokens", self.tokens.take(&address))
    }

    /// A token exchange of a device whose key is good, in the place of its
    /// address: many kiosks of one hall have the same.
    pub fn device_token(&self, device: &str) -> Result<Standing, Limited> {
        self.counted("device_tokens", self.device_tokens.take(&device.to_owned()))
    }

    /// A token exchange for a site that exists.
    pub fn site_token(&self, site: &SiteKey) -> Result<Standing, Limited> {
        self.counted("site_tokens", self.site_tokens.take(site))
    }

    /// A file. The standing is the visitor's own.
    pub fn file(&self, asker: Asker<'_>) -> Result<Standing, Limited> {
        self.address_files.take(&asker.address)?;
        self.files.take(asker.owner)
    }

    /// A message. The standing is the visitor's own. Who is refused for
    /// themselves uses up nothing of what all share.
    pub fn message(&self, asker: Asker<'_>) -> Result<Standing, Limited> {
        self.counted("address_messages", self.address_messages.take(&asker.address))?;
        let standing = self.counted("messages", self.messages.take(asker.owner))?;
        self.counted("site_messages", self.site_messages.take(&asker.owner.site))?;
        self.counted("agent_messages", self.agent_messages.take(&asker.agent.to_owned()))?;
        Ok(standing)
    }

    /// A stream of a reply.
    pub fn stream(&self, asker: Asker<'_>) -> Result<StreamPermit, StreamRefused> {
        self.counted("streams", self.streams.take(asker))
    }

    /// Counts a refusal, by the name that the limit has in the configuration.
    fn counted<T, E>(&self, limit: &'static str, outcome: Result<T, E>) -> Result<T, E> {
        outcome.inspect_err(|_| self.metrics.limited(limit))
    }

    /// How many streams there are.
    pub fn open_streams(&self) -> usize {
        self.streams.open()
    }

    /// Forgets callers who have not called for a while. Once a minute is enough.
    pub fn sweep(&self) {
        self.calls.sweep();
        self.tokens.sweep();
        self.device_tokens.sweep();
        self.site_tokens.sweep();
        self.messages.sweep();
        self.address_messages.sweep();
        self.site_messages.sweep();
        self.agent_messages.sweep();
        self.files.sweep();
        self.address_files.sweep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_counted_down_and_then_refuses_until_a_named_time() {
        let budget = Budget::new(60, 3);
        let left: Vec<u32> = (0..3).map(|_| budget.take(&"a").unwrap().remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = budget.take(&"a").unwrap_err();
        assert_eq!((refused.standing.limit, refused.standing.remaining), (3, 0));
        assert!(refused.retry_after > Duration::ZERO && refused.retry_after <= Duration::from_secs(1));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!((now + 2..=now + 4).contains(&refused.standing.reset));
        assert!(budget.take(&"b").is_ok(), "another caller has a budget of their own");
    }

    #[test]
    fn a_sweep_does_not_give_anybody_their_budget_back() {
        let budget = Budget::new(1, 1);
        assert!(budget.take(&"a").is_ok());
        budget.sweep();
        assert!(budget.take(&"a").is_err());
    }

    #[test]
    fn a_sweep_forgets_who_has_waited() {
        let limits = Limits::new(
            &config::Limits { calls_per_minute: 60_000, ..config::Limits::default() },
            Metrics::default(),
        );
        assert!(limits.call(Address(IpAddr::from([192, 0, 2, 1]))).is_ok());
        std::thread::sleep(Duration::from_millis(20));
        limits.sweep();
        assert_eq!(limits.calls.limiter.len(), 0);
    }

    #[test]
    fn a_budget_is_whole_at_a_full_second() {
        let seconds = [0, 1, 999_999_999].map(|nanos| whole_second(Duration::new(7, nanos)));
        assert_eq!(seconds, [7, 8, 8]);
    }

    #[test]
    fn a_full_table_is_looked_through_once_a_second() {
        let mut budget = Budget::new(60_000, 1);
        budget.most_keys = 1;
        assert!(budget.take(&0).is_ok());
        std::thread::sleep(Duration::from_millis(20));
        *budget.swept_at.get_mut().unwrap() = Some(Instant::now());
        assert!(budget.take(&1).is_ok());
        assert_eq!(budget.crowds.len(), 1, "it was looked through just now");
        *budget.swept_at.get_mut().unwrap() = Instant::now().checked_sub(SWEEP_PAUSE);
        assert!(budget.take(&2).is_ok());
        assert_eq!(
            (budget.limiter.len(), budget.crowds.len()),
            (1, 1),
            "it was looked through, and has room"
        );
    }

    #[test]
    fn a_flood_of_keys_shares_what_is_left_and_grows_nothing() {
        let mut budget = Budget::new(60, 1);
        budget.most_keys = 100;
        for key in 0..100 {
            assert!(budget.take(&key).is_ok(), "{key}");
        }
        let refused = (100..20_000).filter(|key| budget.take(key).is_err()).count();
        assert_eq!(budget.limiter.len(), 100);
        assert!(budget.crowds.len() <= 1024, "{}", budget.crowds.len());
        // Each crowd had one call, and nobody has waited a second.
        assert!(refused >= 19_900 - 2 * 1024, "{refused}");
    }

    #[test]
    fn a_full_table_has_room_again_once_its_callers_have_waited() {
        let mut budget = Budget::new(60_000, 1);
        budget.most_keys = 10;
        for key in 0..10 {
            assert!(budget.take(&key).is_ok());
        }
        std::thread::sleep(Duration::from_millis(20));
        assert!(budget.take(&10).is_ok());
        assert_eq!((budget.limiter.len(), budget.crowds.len()), (1, 0));
    }
}
