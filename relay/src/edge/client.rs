//! Which address a request comes from, past the proxies that we trust.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{hmac, rand};
use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;

use crate::config::Network;
use crate::hex;

/// The other end of the connection; put on each request by the accept loop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

impl Peer {
    /// Whether a connection's other end is in one of these networks.
    pub(super) fn is_of(peer: Option<Self>, networks: &[Network]) -> bool {
        let address = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |Self(addr)| addr.ip()).to_canonical();
        networks.iter().any(|network| network.contains(address))
    }
}

/// The address of the client, for limits. It is the connection's other end, or,
/// where that is a trusted proxy, what the proxy says in `X-Forwarded-For`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The address itself.
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// The address under which limits are counted: an IPv6 client owns at least
    /// a /64 and may use any address in it, so the /64 counts as one.
    pub fn bucket(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }

    /// Walks `X-Forwarded-For` from the right: each proxy appends the address that
    /// it saw, so only what stands right of the first untrusted hop was written by
    /// somebody we trust. What stands left of it is whatever the client liked.
    pub(super) fn find(peer: Option<Peer>, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |Peer(addr)| addr.ip());
        let mut client = peer.to_canonical();
        let lines: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
        let mut hops = lines.iter().flat_map(|line| line.split(',')).rev();
        while trusted.iter().any(|network| network.contains(client)) {
            let Some(hop) = hops.next().and_then(|text| read_hop(text.trim())) else { break };
            client = hop;
        }
        Self(client)
    }
}

/// Names addresses in the log, so that lines of one client are seen to belong
/// together. The salt is random, kept nowhere, and another each day: nobody finds
/// the address by trying all, nor follows a client from one day to the next.
#[derive(Debug)]
pub(super) struct Alias {
    salt: Mutex<(u64, hmac::Key)>,
}

impl Alias {
    pub(super) fn new() -> Self {
        Self { salt: Mutex::new((today(), fresh_salt())) }
    }

    /// The client's name of today: 12 hexadecimal digits. Addresses that count
    /// as one for the limits have one name.
    pub(super) fn of(&self, client: ClientAddress) -> String {
        self.on(client, today())
    }

    fn on(&self, client: ClientAddress, day: u64) -> String {
        // Put in whole: a panic elsewhere spoils nothing.
        let mut salt = self.salt.lock().unwrap_or_else(PoisonError::into_inner);
        if salt.0 != day {
            *salt = (day, fresh_salt());
        }
        let tag = match client.bucket() {
            IpAddr::V4(ip) => hmac::sign(&salt.1, &ip.octets()),
            IpAddr::V6(ip) => hmac::sign(&salt.1, &ip.octets()),
        };
        hex::encode(tag.as_ref().get(..6).unwrap_or_default())
    }
}

fn fresh_salt() -> hmac::Key {
    let mut bytes = [0_u8; 32];
    // Without randomness the relay has no signing key either, and does not start.
    let _ = rand::fill(&mut bytes);
    hmac::Key::new(hmac::HMAC_SHA256, &bytes)
}

fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / (24 * 3600)
}

/// An address, with a port or not: both are written.
fn read_hop(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let found = parts.extensions.get::<Self>().copied();
        Ok(found.unwrap_or(Self(IpAddr::V4(Ipv4Addr::LOCALHOST))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let peer = Peer(SocketAddr::new(peer.parse().unwrap(), 4711));
        ClientAddress::find(Some(peer), &headers, &trusted).ip().to_string()
    }

    #[test]
    fn a_header_is_not_believed_without_a_trusted_proxy() {
        assert_eq!(find("203.0.113.7", &["198.51.100.1"], &[]), "203.0.113.7");
        assert_eq!(find("203.0.113.7", &["198.51.100.1"], &["10.0.0.0/8"]), "203.0.113.7");
    }

    #[test]
    fn the_client_is_the_first_untrusted_hop_from_the_right() {
        let trusted = &["10.0.0.0/8", "::1"];
        assert_eq!(find("10.0.0.1", &["198.51.100.1"], trusted), "198.51.100.1");
        assert_eq!(find("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"], trusted), "198.51.100.1");
        assert_eq!(find("10.0.0.1", &["1.1.1.1", "198.51.100.1"], trusted), "198.51.100.1");
        assert_eq!(find("::1", &["[2001:db8::7]:443"], trusted), "2001:db8::7");
        assert_eq!(find("::ffff:10.0.0.1", &["198.51.100.1:80"], trusted), "198.51.100.1");
    }

    #[test]
    fn a_header_that_says_nothing_leaves_the_last_proxy() {
        let trusted = &["10.0.0.0/8"];
        assert_eq!(find("10.0.0.1", &[], trusted), "10.0.0.1");
        assert_eq!(find("10.0.0.1", &["unknown"], trusted), "10.0.0.1");
        assert_eq!(find("10.0.0.1", &["198.51.100.1, garbage, 10.0.0.2"], trusted), "10.0.0.2");
        assert_eq!(find("10.0.0.1", &["10.0.0.3, 10.0.0.2"], trusted), "10.0.0.3");
    }

    #[test]
    fn neighbours_in_a_64_count_as_one() {
        let address = |text: &str| ClientAddress(text.parse().unwrap());
        assert_eq!(address("2001:db8::1").bucket(), address("2001:db8::ffff:2").bucket());
        assert_ne!(address("2001:db8::1").bucket(), address("2001:db8:0:1::1").bucket());
        assert_ne!(address("192.0.2.1").bucket(), address("192.0.2.2").bucket());
    }

    #[test]
    fn a_client_has_one_name_a_day_and_it_tells_no_address() {
        let address = |text: &str| ClientAddress(text.parse().unwrap());
        let alias = Alias::new();
        let name = alias.on(address("192.0.2.1"), 1);
        assert_eq!(name.len(), 12);
        assert_eq!(alias.on(address("192.0.2.1"), 1), name);
        assert_ne!(alias.on(address("192.0.2.2"), 1), name);
        assert_eq!(alias.on(address("2001:db8::1"), 1), alias.on(address("2001:db8::2"), 1));
        assert_ne!(alias.on(address("192.0.2.1"), 2), name, "the next day");
        assert_ne!(Alias::new().on(address("192.0.2.1"), 1), name, "another process");
    }
}
