//! How much one address, visitor or site may ask for. Decisions only: what an
//! exceeded limit looks like on the wire is the business of `api`.
//!
//! Rates are GCRA buckets: a caller may use the whole of a minute's budget at
//! once and then gets one more each `minute / budget`. Streams are counted by
//! permits that live in the response body and end with it.

mod stream;

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chinwag_protocol::SiteKey;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

pub use stream::{StreamPermit, StreamRefused};

use crate::config;
use crate::edge::ClientAddress;
use crate::store::Owner;

/// Calls per minute from one address to everything under `/v1`: far above what
/// a widget does, below what a scan does.
const CALLS_PER_MINUTE: u32 = 600;

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
            burst: burst.get(),
            period: MINUTE / per_minute.get(),
        }
    }

    fn take(&self, key: &K) -> Result<Standing, Limited> {
        match self.limiter.check_key(key) {
            Ok(snapshot) => Ok(self.standing(snapshot.remaining_burst_capacity())),
            Err(refused) => {
                let retry_after = refused.wait_time_from(self.limiter.clock().now());
                Err(Limited { standing: self.standing(0), retry_after })
            }
        }
    }

    fn standing(&self, remaining: u32) -> Standing {
        let missing = self.burst.saturating_sub(remaining);
        let full_at = SystemTime::now() + self.period * missing;
        let since = full_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        // Rounded up: at that second the budget is whole.
        let reset = since.as_secs() + u64::from(since.subsec_nanos() > 0);
        Standing { limit: self.burst, remaining, reset }
    }

    /// Forgets who has a whole budget: an attacker with many addresses must not
    /// grow the table for good.
    fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// All budgets of a relay.
#[derive(Debug)]
pub struct Limits {
    calls: Budget<Address>,
    tokens: Budget<Address>,
    site_tokens: Budget<SiteKey>,
    messages: Budget<Owner>,
    address_messages: Budget<Address>,
    streams: stream::Streams,
}

impl Limits {
    /// The budgets that the operator set.
    pub fn new(limits: &config::Limits) -> Self {
        Self {
            calls: Budget::new(CALLS_PER_MINUTE, CALLS_PER_MINUTE),
            tokens: Budget::new(limits.tokens_per_minute, limits.tokens_burst),
            site_tokens: Budget::new(limits.site_tokens_per_minute, limits.site_tokens_per_minute),
            messages: Budget::new(limits.messages_per_minute, limits.messages_per_minute),
            address_messages: Budget::new(
                limits.address_messages_per_minute,
                limits.address_messages_per_minute,
            ),
            streams: stream::Streams::new(limits),
        }
    }

    /// Any call.
    pub fn call(&self, address: Address) -> Result<Standing, Limited> {
        self.calls.take(&address)
    }

    /// A token exchange, before the site is known to exist.
    pub fn token(&self, address: Address) -> Result<Standing, Limited> {
        self.tokens.take(&address)
    }

    /// A token exchange for a site that exists.
    pub fn site_token(&self, site: &SiteKey) -> Result<Standing, Limited> {
        self.site_tokens.take(site)
    }

    /// A message. The standing is the visitor's own.
    pub fn message(&self, owner: &Owner, address: Address) -> Result<Standing, Limited> {
        self.address_messages.take(&address)?;
        self.messages.take(owner)
    }

    /// A stream of a reply.
    pub fn stream(&self, owner: &Owner, address: Address) -> Result<StreamPermit, StreamRefused> {
        self.streams.take(owner, address)
    }

    /// How many streams there are.
    pub fn open_streams(&self) -> usize {
        self.streams.open()
    }

    /// Forgets callers who have not called for a while. Once a minute is enough.
    pub fn sweep(&self) {
        self.calls.sweep();
        self.tokens.sweep();
        self.site_tokens.sweep();
        self.messages.sweep();
        self.address_messages.sweep();
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
}
