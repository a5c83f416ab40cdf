//! Tokens whose signature has been verified lately. A widget shows the same token
//! with every call for some minutes, and a signature is what its verification
//! costs.
//!
//! Only that the signature holds is remembered: time, key and revocation are looked
//! at on each call.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{self, SHA256, SHA256_OUTPUT_LEN};
use lru::LruCache;

/// Most tokens that are remembered, those that were shown last: about 5 MB.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(8191);

type Digest = [u8; SHA256_OUTPUT_LEN];

/// The claims of tokens, by the SHA-256 of the whole token: whoever changes any of
/// it, the signature too, has another one. No token is kept.
pub(super) struct Seen<C> {
    claims: Mutex<LruCache<Digest, Arc<C>>>,
}

impl<C> fmt::Debug for Seen<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

impl<C> Seen<C> {
    pub(super) fn new() -> Self {
        Self { claims: Mutex::new(LruCache::new(MOST)) }
    }

    /// The claims of a token that has been verified, or else what `verify` makes
    /// of it, which is remembered if it holds.
    pub(super) fn or_verify<E>(
        &self,
        unverified_token: &str,
        verify: impl FnOnce() -> Result<C, E>,
    ) -> Result<Arc<C>, E> {
        let mut digest = [0; SHA256_OUTPUT_LEN];
        digest.copy_from_slice(digest::digest(&SHA256, unverified_token.as_bytes()).as_ref());
        if let Some(claims) = self.claims().get(&digest) {
            return Ok(Arc::clone(claims));
        }
        // Not under the lock: others need not wait for it.
        let claims = Arc::new(verify()?);
        self.claims().put(digest, Arc::clone(&claims));
        Ok(claims)
    }

    fn claims(&self) -> MutexGuard<'_, LruCache<Digest, Arc<C>>> {
        // Every change under the lock is whole: a panic elsewhere spoils nothing.
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_held_once_is_not_verified_again_and_what_did_not_hold_is() {
        let seen = Seen::new();
        assert_eq!(seen.or_verify("a.b.c", || Err::<u8, _>("no")), Err("no"));
        assert_eq!(seen.or_verify("a.b.c", || Ok::<_, &str>(1)), Ok(Arc::new(1)));
        assert_eq!(seen.or_verify("a.b.c", || Err("asked again")), Ok(Arc::new(1)));
        assert_eq!(seen.or_verify("a.b.d", || Err("another token")), Err("another token"));
    }

    #[test]
    fn a_flood_of_tokens_grows_nothing() {
        let seen = Seen::new();
        for number in 0..MOST.get() + 10 {
            assert!(seen.or_verify(&number.to_string(), || Ok::<_, ()>(())).is_ok());
        }
        assert_eq!(seen.claims().len(), MOST.get());
        assert_eq!(seen.or_verify("0", || Err("forgotten")), Err("forgotten"));
    }
}
