//! What is no longer good although its signature holds.

use std::collections::{HashMap, HashSet};

use chinwag_protocol::SiteKey;

use crate::store::Owner;

/// The version of a site's tokens as long as nobody has raised it.
const FIRST_VERSION: u32 = 1;

/// What has been revoked lately: long enough ago, no access token of it is left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revoked {
    /// Sites whose tokens of an earlier version are refused.
    pub versions: HashMap<SiteKey, u32>,
    /// Visitors, with the time in seconds since 1970: tokens that were issued
    /// until then are refused.
    pub visitors: HashMap<Owner, u64>,
    /// Sessions, by `sid`.
    pub sessions: HashSet<String>,
    /// Single access tokens, by `jti`.
    pub tokens: HashSet<String>,
    /// Devices, by id.
    pub devices: HashSet<String>,
}

impl Revoked {
    /// The version that a site's tokens must have.
    pub(super) fn version(&self, site: &SiteKey) -> u32 {
        self.versions.get(site).copied().unwrap_or(FIRST_VERSION)
    }

    /// The first second in which a token for the visitor is good.
    pub(super) fn first_good_second(&self, owner: &Owner) -> u64 {
        self.visitors.get(owner).map_or(0, |at| at.saturating_add(1))
    }
}
