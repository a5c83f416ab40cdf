//! Origins: scheme, host and port, compared exactly.

use std::fmt;

use url::{Host, Url};

/// Where a page lives, as a browser writes it in an `Origin` header: scheme and
/// host in lower case, the port only where it is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(String);

/// Why a text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Sandboxed frames and local files all send `null`: it names nobody.
    #[error("\"null\" is the origin of every sandboxed page and local file, so it cannot be allowed")]
    Null,
    /// A pattern, not an origin.
    #[error("wildcards are not allowed: list each origin by itself")]
    Wildcard,
    /// No scheme, no host, or not a URL at all.
    #[error(
        "an origin is scheme, host and port, such as \"https://shop.example\" or \"http://localhost:3000\""
    )]
    Grammar,
    /// Neither http nor https.
    #[error("the scheme of an origin is http or https, not \"{0}\"")]
    Scheme(String),
    /// A user name or password before the host.
    #[error("an origin has no user name or password")]
    Credentials,
    /// A path, a query or a fragment after the port; holds what is left without it.
    #[error("an origin ends after host and port: write \"{0}\"")]
    Path(String),
}

impl Origin {
    /// Reads an origin that somebody wrote. Host names are put into the form
    /// that browsers send.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        if text == "null" {
            return Err(OriginError::Null);
        }
        if text.contains('*') {
            return Err(OriginError::Wildcard);
        }
        // The URL parser mends what a person would call wrong: it drops tabs and
        // spaces and reads "https:shop.example" as a URL with a host.
        let (_, rest) = text.split_once("://").ok_or(OriginError::Grammar)?;
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') || rest.is_empty() {
            return Err(OriginError::Grammar);
        }
        let url = Url::parse(text).map_err(|_| OriginError::Grammar)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OriginError::Scheme(url.scheme().to_owned()));
        }
        if rest.starts_with('/') || url.host().is_none_or(|host| host == Host::Domain("")) {
            return Err(OriginError::Grammar);
        }
        let origin = url.origin().ascii_serialization();
        if rest.contains('@') {
            return Err(OriginError::Credentials);
        }
        if rest.contains(['/', '?', '#']) {
            return Err(OriginError::Path(origin));
        }
        Ok(Self(origin))
    }

    /// The origin of that scheme at that host, which are already in their final form.
    pub(super) fn at(scheme: &str, host: &str, port: u16) -> Self {
        let is_default = matches!((scheme, port), ("http", 80) | ("https", 443));
        if is_default {
            Self(format!("{scheme}://{host}"))
        } else {
            Self(format!("{scheme}://{host}:{port}"))
        }
    }

    /// Whether an `Origin` header names this origin, byte for byte.
    pub fn is(&self, header: &str) -> bool {
        self.0 == header
    }

    /// The origin as a browser writes it; no slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for (text, header) in [
            ("https://shop.example", "https://shop.example"),
            ("HTTPS://Shop.Example:443", "https://shop.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:8787", "http://[::1]:8787"),
        ] {
            let origin = Origin::parse(text).unwrap();
            assert!(origin.is(header), "{text}: {origin}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused_with_its_reason() {
        use OriginError::{Credentials, Grammar, Null, Path, Scheme, Wildcard};
        for (text, error) in [
            ("null", Null),
            ("*", Wildcard),
            ("https://*.shop.example", Wildcard),
            ("", Grammar),
            ("shop.example", Grammar),
            ("https://", Grammar),
            ("https:///shop.example", Grammar),
            ("https://shop .example", Grammar),
            ("https:\\\\shop.example", Grammar),
            ("https://shop.example:99999", Grammar),
            ("ftp://shop.example", Scheme("ftp".into())),
            ("file:///home", Scheme("file".into())),
            ("https://me:pw@shop.example", Credentials),
            ("https://shop.example/", Path("https://shop.example".into())),
            ("https://shop.example:8443/chat?x=1", Path("https://shop.example:8443".into())),
            ("https://shop.example#top", Path("https://shop.example".into())),
        ] {
            assert_eq!(Origin::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_header_matches_whole_or_not_at_all() {
        let origin = Origin::parse("https://shop.example").unwrap();
        for other in [
            "http://shop.example",
            "https://shop.example:8443",
            "https://shop.example.evil.example",
            "https://evilshop.example",
            "https://SHOP.example",
            "https://shop.example/",
        ] {
            assert!(!origin.is(other), "{other}");
        }
    }
}
