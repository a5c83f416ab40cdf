//! The only way to make a link: an address that has been checked.

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
    /// of text around are taken out too.
    pub fn parse(raw: &str) -> Option<Self> {
        if raw.len() > MAX_HREF_BYTES {
            return None;
        }
        let kept: String =
            raw.chars().filter(|&character| !is_control(character) && !is_reordering(character)).collect();
        let address = kept.trim_matches(' ');
        let (scheme, rest) = address.split_once(':')?;
        let rest_is_there = if is_one_of(scheme, &["http", "https"]) {
            // Two real slashes and a host: `https:evil` is relative in a page
            // that is itself https, and `https:\\evil` only looks like a path.
            !host_of(rest.strip_prefix("//")?).is_empty()
        } else {
            is_one_of(scheme, &["mailto", "tel"]) && !rest.is_empty()
        };
        rest_is_there.then(|| Self(address.to_owned()))
    }

    /// The address as it goes into an attribute.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host that a click leads to, for display: without user name, which
    /// could pretend to be a host, and without port. Nothing for `mailto` and
    /// `tel`.
    pub fn host(&self) -> Option<&str> {
        let (_, rest) = self.0.split_once("://")?;
        let authority = host_of(rest);
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

/// Host and port of what follows the two slashes.
fn host_of(rest: &str) -> &str {
    // Browsers end the authority at a backslash as well.
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

fn is_control(character: char) -> bool {
    character < ' ' || matches!(character, '\u{7F}'..='\u{9F}')
}

/// Invisible characters that make an address read as another one.
fn is_reordering(character: char) -> bool {
    super::character::is_bidi_control(character) || matches!(character, '\u{200E}' | '\u{200F}')
}

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
