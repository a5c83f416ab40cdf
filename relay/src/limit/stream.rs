//! How many replies may be followed at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use super::Address;
use crate::config;
use crate::store::Owner;

/// Why a stream is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamRefused {
    /// The visitor, or the address, has as many as they may have.
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
    per_visitor: usize,
    per_address: usize,
    most: usize,
}

#[derive(Debug, Default)]
struct Counts {
    visitors: HashMap<Owner, usize>,
    addresses: HashMap<Address, usize>,
    open: usize,
}

/// The right to one stream. It lives in the response body, so that every way in
/// which a body ends frees it.
#[derive(Debug)]
pub struct StreamPermit {
    counts: Arc<Mutex<Counts>>,
    owner: Owner,
    address: Address,
}

impl Streams {
    pub(super) fn new(limits: &config::Limits) -> Self {
        Self {
            counts: Arc::default(),
            per_visitor: limits.streams_per_visitor,
            per_address: limits.streams_per_address,
            most: limits.streams,
        }
    }

    pub(super) fn take(&self, owner: &Owner, address: Address) -> Result<StreamPermit, StreamRefused> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.open >= self.most {
            return Err(StreamRefused::Full);
        }
        for (open, limit) in [
            (counts.visitors.get(owner), self.per_visitor),
            (counts.addresses.get(&address), self.per_address),
        ] {
            if open.is_some_and(|&open| open >= limit) || limit == 0 {
                return Err(StreamRefused::TooMany { limit });
            }
        }
        counts.open += 1;
        *counts.visitors.entry(owner.clone()).or_default() += 1;
        *counts.addresses.entry(address).or_default() += 1;
        Ok(StreamPermit { counts: Arc::clone(&self.counts), owner: owner.clone(), address })
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

    use chinwag_protocol::SiteKey;

    use super::*;

    fn owner(visitor: &str) -> Owner {
        Owner { site: SiteKey::parse("site_demo").unwrap(), visitor: visitor.to_owned() }
    }

    fn streams(per_visitor: usize, per_address: usize, most: usize) -> Streams {
        Streams::new(&config::Limits {
            streams_per_visitor: per_visitor,
            streams_per_address: per_address,
            streams: most,
            ..config::Limits::default()
        })
    }

    #[test]
    fn a_dropped_permit_is_free_again() {
        let streams = streams(1, 9, 9);
        let address = Address(IpAddr::from([192, 0, 2, 1]));
        let first = streams.take(&owner("a"), address).unwrap();
        assert_eq!(streams.take(&owner("a"), address).unwrap_err(), StreamRefused::TooMany { limit: 1 });
        assert!(streams.take(&owner("b"), address).is_ok());
        drop(first);
        assert!(streams.take(&owner("a"), address).is_ok());
        assert_eq!(streams.open(), 0);
        assert!(streams.counts.lock().unwrap().visitors.is_empty(), "nothing is kept of those who left");
    }

    #[test]
    fn an_address_and_the_whole_relay_have_limits_of_their_own() {
        let streams = streams(9, 1, 2);
        let address = |last| Address(IpAddr::from([192, 0, 2, last]));
        let _first = streams.take(&owner("a"), address(1)).unwrap();
        assert_eq!(streams.take(&owner("b"), address(1)).unwrap_err(), StreamRefused::TooMany { limit: 1 });
        let _second = streams.take(&owner("b"), address(2)).unwrap();
        assert_eq!(streams.take(&owner("c"), address(3)).unwrap_err(), StreamRefused::Full);
    }
}
