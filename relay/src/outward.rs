//! Calls to addresses that a caller of the API named: websites to read,
//! endpoints of webhooks.
//!
//! Such an address must not lead into the operator's own network, where other
//! services trust whoever reaches them. It is looked at as it is written, and
//! again as it is resolved: the connection goes to the very addresses that were
//! checked, so a name that changes its mind in between gains nothing. Redirects
//! are not followed here; whoever follows one asks again.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::config::Network;

/// Why an address is not called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutwardError {
    /// Neither http nor https.
    #[error("{0}: only http and https addresses are called")]
    Scheme(String),
    /// It leads into a private network.
    #[error(
        "{0} leads to a private address; server.private_targets of the configuration says which of these are allowed"
    )]
    Private(String),
    /// The name is nobody's.
    #[error("{0} cannot be resolved")]
    Unknown(String),
}

/// Calls addresses in public, and those that the operator allows.
#[derive(Debug, Clone)]
pub struct Outward {
    client: reqwest::Client,
    allowed: Arc<[Network]>,
}

impl Outward {
    /// A client that connects within `connect_timeout` and reads its own limits
    /// of everything else.
    pub fn new(allowed: &[Network], connect_timeout: Duration) -> Result<Self, reqwest::Error> {
        let allowed: Arc<[Network]> = allowed.into();
        let client = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would resolve names itself.
            .no_proxy()
            .referer(false)
            .connect_timeout(connect_timeout)
            .dns_resolver(Guard { allowed: Arc::clone(&allowed) })
            .build()?;
        Ok(Self { client, allowed })
    }

    /// Whether an address may be called, as far as it can be seen from the way
    /// it is written; a name is looked at when it is resolved.
    pub fn check(&self, url: &Url) -> Result<(), OutwardError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OutwardError::Scheme(url.scheme().to_owned()));
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(OutwardError::Unknown(url.to_string())),
        };
        if is_allowed(&self.allowed, address) {
            Ok(())
        } else {
            Err(OutwardError::Private(address.to_string()))
        }
    }

    /// A request, once its address was checked.
    pub fn request(&self, method: http::Method, url: &Url) -> Result<reqwest::RequestBuilder, OutwardError> {
        self.check(url)?;
        Ok(self.client.request(method, url.clone()))
    }
}

/// An error of the connection in words; one of this room's in its own.
pub fn describe(error: &reqwest::Error) -> String {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut last = error.to_string();
    while let Some(inner) = cause {
        if let Some(own) = inner.downcast_ref::<OutwardError>() {
            return own.to_string();
        }
        last = inner.to_string();
        cause = inner.source();
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { last }
}

/// How the relay names itself to those whom it calls.
pub const USER_AGENT: &str = concat!("chinwag-relay/", env!("CARGO_PKG_VERSION"));

struct Guard {
    allowed: Arc<[Network]>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.allowed);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let addresses: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
            // One address that is private is enough: which of them would be
            // called is chance.
            if addresses.iter().any(|address| !is_allowed(&allowed, address.ip())) {
                return Err(OutwardError::Private(host).into());
            }
            if addresses.is_empty() {
                return Err(OutwardError::Unknown(host).into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn is_allowed(allowed: &[Network], address: IpAddr) -> bool {
    is_public(address) || allowed.iter().any(|network| network.contains(address))
}

/// Whether an address is one of the internet's, as the registries of special
/// addresses (RFC 6890 and its successors) leave it.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 192 && second == 88 && third == 99)
        || (first == 198 && (18..20).contains(&second));
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, .., seventh, eighth] = address.segments();
    let embedded = |high: u16, low: u16| {
        let [one, two] = high.to_be_bytes();
        let [three, four] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(one, two, three, four))
    };
    match first {
        // NAT64 and 6to4 lead to an IPv4 address that stands within.
        0x64 if second == 0xff9b => embedded(seventh, eighth),
        0x2002 => {
            let [_, high, low, ..] = address.segments();
            embedded(high, low)
        }
        // Teredo, benchmarks, ORCHID, documentation.
        0x2001 if second < 0x200 || second == 0xdb8 => false,
        0x3fff => false,
        // All of the internet is in 2000::/3.
        _ => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outward(allowed: &[&str]) -> Outward {
        let allowed: Vec<Network> = allowed.iter().map(|network| network.parse().unwrap()).collect();
        Outward::new(&allowed, Duration::from_secs(2)).unwrap()
    }

    #[test]
    fn addresses_of_private_networks_are_not_called_however_they_are_written() {
        let outward = outward(&[]);
        for private in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://017700000001/",
            "http://0.0.0.0:8080/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://100.64.0.1/",
            "http://198.18.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[ff02::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[2002:a00:1::]/",
            "http://[2001:db8::1]/",
        ] {
            let url = Url::parse(private).unwrap();
            assert!(matches!(outward.check(&url), Err(OutwardError::Private(_))), "{private}");
        }
        for public in [
            "https://example.com/",
            "http://93.184.216.34/",
            "https://[2606:2800:220:1::1]/",
            "http://[64:ff9b::8.8.8.8]/",
        ] {
            assert_eq!(outward.check(&Url::parse(public).unwrap()), Ok(()), "{public}");
        }
        for other in ["file:///etc/passwd", "ftp://example.com/", "gopher://example.com/"] {
            let url = Url::parse(other).unwrap();
            assert!(matches!(outward.check(&url), Err(OutwardError::Scheme(_))), "{other}");
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let url = Url::parse("http://localhost:9/").unwrap();
        let call = |outward: Outward| {
            let url = url.clone();
            async move {
                let sent = outward.request(http::Method::GET, &url).unwrap().send().await;
                describe(&sent.unwrap_err())
            }
        };
        let told = call(outward(&[])).await;
        assert!(told.contains("localhost leads to a private address"), "{told}");
        let told = call(outward(&["127.0.0.0/8", "::1"])).await;
        assert!(!told.contains("private"), "what the operator allows is called: {told}");
    }
}
