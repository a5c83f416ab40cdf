//! The only way to make a link: an address that has been checked.

use super::character::is_invisible;

/// An address that may be put into `href` or `src`: `http`, `https`, `mailto`
/// or `tel`, absolute, without control characters.
///
/// Everything else is refused: `javascript:` and its disguises, `data:`,
/// `blob:`, `file:`, and relative addresses, which would mean the page that
/// embeds the widget and not the one that the writer had in mind.
///
/// # Limits
/// At most [`MAX_HREF_BYTES`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Href(String);

/// The longest address, in bytes. Stops a reply from carrying data out of the
/// page by an address as long as it likes, and the cost of scanning for an
/// address that never ends.
pub const MAX_HREF_BYTES: usize = 2048;

impl Href {
    /// Checks an address.
    ///
    /// It is read as a browser reads it: control characters and white space
    /// at the ends, and tabs and line ends anywhere, do not count, so
    /// `java\nscript:` is seen for what it is. Characters that turn the order
    /// of text around, and others that nobody sees, are taken out too, and so
    /// is a user name: `https://bank.example@evil.example` leads to the second.
    pub fn parse(raw: &str) -> Option<Self> {
        if raw.len() > MAX_HREF_BYTES {
            return None;
        }
        let kept: String =
            raw.chars().filter(|&character| !character.is_control() && !is_invisible(character)).collect();
        let address = kept.trim_matches(' ');
        let (scheme, rest) = address.split_once(':')?;
        if !is_one_of(scheme, &["http", "https"]) {
            let is_known = is_one_of(scheme, &["mailto", "tel"]) && !rest.is_empty();
            return is_known.then(|| Self(address.to_owned()));
        }
        // Two real slashes and a host: `https:evil` is relative in a page that
        // is itself https, and `https:\\evil` only looks like a path.
        let rest = rest.strip_prefix("//")?;
        let (authority, path) = rest.split_at_checked(rest.find(ENDS_OF_AUTHORITY).unwrap_or(rest.len()))?;
        let host = authority.rsplit('@').next().filter(|host| !host.is_empty() && !host.starts_with(':'))?;
        let mut checked = String::with_capacity(address.len());
        for part in [scheme, "://", host, path] {
            checked.push_str(part);
        }
        Some(Self(checked))
    }

    /// The address as it goes into an attribute.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host that a click leads to, for display: without port. Nothing for
    /// `mailto` and `tel`.
    pub fn host(&self) -> Option<&str> {
        let (_, rest) = self.0.split_once("://")?;
        let authority = rest.split(ENDS_OF_AUTHORITY).next().unwrap_or_default();
        // The brackets of an IPv6 address hold colons of their own.
        let after_bracket = authority.rfind(']').unwrap_or(0);
        let port = authority.get(after_bracket..).and_then(|tail| tail.find(':'));
        Some(port.and_then(|colon| authority.get(..after_bracket + colon)).unwrap_or(authority))
            .filter(|_| is_one_of(self.scheme(), &["http", "https"]))
    }

    fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }
}

/// What ends user name, host and port: for browsers a backslash does it too.
const ENDS_OF_AUTHORITY: [char; 4] = ['/', '\\', '?', '#'];

fn is_one_of(scheme: &str, allowed: &[&str]) -> bool {
    allowed.iter().any(|name| scheme.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_schemes_are_taken_in_any_case() {
        for address in ["http://a", "HTTPS://a.b/c?d#e", "mailto:a@b.c", "tel:+43123", "https://[::1]:80/"] {
            assert_eq!(Href::parse(address).map(|href| href.as_str().to_owned()), Some(address.to_owned()));
        }
    }

    #[test]
    fn scripts_data_and_relative_addresses_are_refused_in_every_disguise() {
        for address in [
            "",
            ":",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "java\tscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "java\u{0}script:alert(1)",
            "\u{202E}javascript:alert(1)",
            "javascript&colon;alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "blob:https://a/b",
            "file:///etc/passwd",
            "view-source:http://a",
            "http:",
            "http:/",
            "http://",
            "http:///path",
            "https:evil.example",
            "https:\\\\evil.example",
            "https://user@/",
            "https://user@:80/",
            "https://:80",
            "javascript\u{FF1A}alert(1)",
            "\u{FF4A}avascript:alert(1)",
            "java\u{AD}script:alert(1)",
            "java\u{E0073}script:alert(1)",
            "filesystem:https://a/temporary/b",
            "intent://a#Intent;scheme=javascript;end",
            "https\u{FF1A}//a",
            "https:\u{2215}\u{2215}a",
            "//evil.example",
            "/path",
            "path",
            "#fragment",
            "?query",
            "mailto:",
            "tel:",
            "ftp://a",
            "httpss://a",
            "xhttp://a",
        ] {
            assert_eq!(Href::parse(address), None, "{address:?}");
        }
    }

    #[test]
    fn control_characters_do_not_survive() {
        let href = Href::parse("\u{0} ht\ntps://a.example/\u{202E}b\u{200F}c\u{7F}\t").map(|href| href.0);
        assert_eq!(href.as_deref(), Some("https://a.example/bc"));
        let href = Href::parse("https://a\u{200B}.exam\u{FEFF}ple\u{E0041}/\u{AD}b").map(|href| href.0);
        assert_eq!(href.as_deref(), Some("https://a.example/b"));
    }

    #[test]
    fn a_user_name_does_not_survive() {
        for (address, checked) in [
            ("https://bank.example@evil.example/x@y", "https://evil.example/x@y"),
            ("https://user:secret@a.example:8080?b@c", "https://a.example:8080?b@c"),
            ("HTTPS://a@b@c.example#d", "HTTPS://c.example#d"),
            ("https://good.example\\@evil.example/", "https://good.example\\@evil.example/"),
            ("https://bank.example%2F@[::1]:80", "https://[::1]:80"),
            ("mailto:a@b.example", "mailto:a@b.example"),
        ] {
            assert_eq!(Href::parse(address).map(|href| href.0).as_deref(), Some(checked), "{address}");
        }
    }

    #[test]
    fn the_host_is_the_one_that_a_click_leads_to() {
        for (address, host) in [
            ("https://bank.example@evil.example/x", Some("evil.example")),
            ("https://a.example:8080\\@b.example", Some("a.example")),
            ("http://[2001:db8::1]:80/", Some("[2001:db8::1]")),
            ("http://a.example?x@y", Some("a.example")),
            ("mailto:a@b.c", None),
            ("mailto:x://y", None),
        ] {
            assert_eq!(Href::parse(address).as_ref().and_then(Href::host), host, "{address}");
        }
    }

    #[test]
    fn an_address_has_a_longest_length() {
        let longest = format!("http://{}", "a".repeat(MAX_HREF_BYTES - 7));
        assert!(Href::parse(&longest).is_some());
        assert!(Href::parse(&format!("{longest}a")).is_none());
    }
}
