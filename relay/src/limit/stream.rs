//! How many replies may be followed at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use chinwag_protocol::SiteKey;

use super::{Address, Asker};
use crate::config;
use crate::store::Owner;

/// Why a stream is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamRefused {
    /// The visitor, the address, the site or the agent has as many as it may have.
    TooMany {
        /// How many that is.
        limit: usize,
    },
    /// The relay has as many as it can hold.
    Full,
}

/// The counts of open streams.
#[derive(Debug)]
pub(super) struct Streams {
    counts: Arc<Mutex<Counts>>,
    most: Most,
}

#[derive(Debug, Clone, Copy)]
struct Most {
    per_visitor: usize,
    per_address: usize,
    per_site: usize,
    per_agent: usize,
    in_all: usize,
}

/// Only who has a stream is in here: no table outgrows `open`.
#[derive(Debug, Default)]
struct Counts {
    visitors: HashMap<Owner, usize>,
    addresses: HashMap<Address, usize>,
    sites: HashMap<SiteKey, usize>,
    agents: HashMap<String, usize>,
    open: usize,
}

/// The right to one stream. It lives in the response body, so that every way in
/// which a body ends frees it.
#[derive(Debug)]
pub struct StreamPermit {
    counts: Arc<Mutex<Counts>>,
    owner: Owner,
    address: Address,
    agent: String,
}

impl Streams {
    pub(super) fn new(limits: &config::Limits) -> Self {
        let most = Most {
            per_visitor: limits.streams_per_visitor,
            per_address: limits.streams_per_address,
            per_site: limits.streams_per_site,
            per_agent: limits.streams_per_agent,
            in_all: limits.streams,
        };
        Self { counts: Arc::default(), most }
    }

    pub(super) fn take(&self, asker: Asker<'_>) -> Result<StreamPermit, StreamRefused> {
        let Asker { owner, address, agent } = asker;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.open >= self.most.in_all {
            return Err(StreamRefused::Full);
        }
        for (open, limit) in [
            (counts.visitors.get(owner), self.most.per_visitor),
            (counts.addresses.get(&address), self.most.per_address),
            (counts.sites.get(&owner.site), self.most.per_site),
            (counts.agents.get(agent), self.most.per_agent),
        ] {
            if open.copied().unwrap_or_default() >= limit {
                return Err(StreamRefused::TooMany { limit });
            }
        }
        counts.open += 1;
        *counts.visitors.entry(owner.clone()).or_default() += 1;
        *counts.addresses.entry(address).or_default() += 1;
        *counts.sites.entry(owner.site.clone()).or_default() += 1;
        *counts.agents.entry(agent.to_owned()).or_default() += 1;
        Ok(StreamPermit {
            counts: Arc::clone(&self.counts),
            owner: owner.clone(),
            address,
            agent: agent.to_owned(),
        })
    }

    pub(super) fn open(&self) -> usize {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).open
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.open = counts.open.saturating_sub(1);
        give_back(&mut counts.visitors, &self.owner);
        give_back(&mut counts.addresses, &self.address);
        give_back(&mut counts.sites, &self.owner.site);
        give_back(&mut counts.agents, &self.agent);
    }
}

fn give_back<K: Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn owner(visitor: &str) -> Owner {
        Owner { site: SiteKey::parse("site_demo").unwrap(), visitor: visitor.to_owned() }
    }

    fn address(last: u8) -> Address {
        Address(IpAddr::from([192, 0, 2, last]))
    }

    fn streams(change: impl FnOnce(&mut config::Limits)) -> Streams {
        let mut limits = config::Limits {
            streams_per_visitor: 9,
            streams_per_address: 9,
            streams_per_site: 9,
            streams_per_agent: 9,
            streams: 9,
            ..config::Limits::default()
        };
        change(&mut limits);
        Streams::new(&limits)
    }

    fn take(streams: &Streams, visitor: &str, last: u8, agent: &str) -> Result<StreamPermit, StreamRefused> {
        streams.take(Asker { owner: &owner(visitor), address: address(last), agent })
    }

    #[test]
    fn a_dropped_permit_is_free_again() {
        let streams = streams(|limits| limits.streams_per_visitor = 1);
        let first = take(&streams, "a", 1, "x").unwrap();
        assert_eq!(take(&streams, "a", 1, "x").unwrap_err(), StreamRefused::TooMany { limit: 1 });
        let other = take(&streams, "b", 1, "x").unwrap();
        assert_eq!(streams.open(), 2);
        drop(other);
        assert_eq!(streams.open(), 1);
        drop(first);
        assert!(take(&streams, "a", 1, "x").is_ok());
        assert_eq!(streams.open(), 0);
        let counts = streams.counts.lock().unwrap();
        let kept = counts.visitors.len() + counts.addresses.len() + counts.sites.len() + counts.agents.len();
        assert_eq!(kept, 0, "nothing is kept of those who left");
    }

    #[test]
    fn addresses_sites_agents_and_the_whole_relay_have_limits_of_their_own() {
        let changes: [fn(&mut config::Limits); 3] = [
            |limits| limits.streams_per_address = 1,
            |limits| limits.streams_per_site = 1,
            |limits| limits.streams_per_agent = 1,
        ];
        for change in changes {
            let streams = streams(change);
            let _first = take(&streams, "a", 1, "x").unwrap();
            assert_eq!(take(&streams, "b", 1, "x").unwrap_err(), StreamRefused::TooMany { limit: 1 });
        }
        let by_address = streams(|limits| limits.streams_per_address = 1);
        let by_agent = streams(|limits| limits.streams_per_agent = 1);
        let _held = (take(&by_address, "a", 1, "x"), take(&by_agent, "a", 1, "x"));
        assert!(take(&by_address, "a", 2, "x").is_ok());
        assert!(take(&by_agent, "a", 1, "y").is_ok());
        let all = streams(|limits| limits.streams = 1);
        let _held = take(&all, "a", 1, "x").unwrap();
        assert_eq!(take(&all, "b", 2, "y").unwrap_err(), StreamRefused::Full);
    }
}
