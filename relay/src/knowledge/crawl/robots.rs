//! `robots.txt`, as RFC 9309 reads it.

use url::Url;

/// The name under which a site may speak to the relay alone.
const NAME: &str = "chinwag";

/// Rules that are kept; a file of 500 kB holds no more that mean anything.
const MAX_RULES: usize = 5_000;

/// The rules of a host for the relay, and the sitemaps that it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Robots {
    rules: Vec<Rule>,
    pub(super) sitemaps: Vec<Url>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    is_allowed: bool,
    path: String,
}

impl Robots {
    pub(super) fn parse(text: &str) -> Self {
        let mut robots = Self::default();
        let (mut own, mut all): (Vec<Rule>, Vec<Rule>) = (Vec::new(), Vec::new());
        let (mut is_own, mut is_all, mut in_names, mut has_own) = (false, false, false, false);
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = line.split_once(':') else { continue };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            match key.as_str() {
                "user-agent" => {
                    // Names that follow one another share the rules below them.
                    if !in_names {
                        (is_own, is_all) = (false, false);
                    }
                    in_names = true;
                    let name: String = value
                        .chars()
                        .take_while(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '_'))
                        .collect();
                    is_all |= value == "*";
                    is_own |= name.eq_ignore_ascii_case(NAME);
                    has_own |= is_own;
                }
                "allow" | "disallow" => {
                    in_names = false;
                    // An empty rule matches nothing.
                    if value.is_empty() || own.len() + all.len() >= MAX_RULES {
                        continue;
                    }
                    let rule = Rule { is_allowed: key == "allow", path: value.to_owned() };
                    if is_own {
                        own.push(rule.clone());
                    }
                    if is_all {
                        all.push(rule);
                    }
                }
                "sitemap" => robots.sitemaps.extend(Url::parse(value)),
                _ => {}
            }
        }
        robots.rules = if has_own { own } else { all };
        robots
    }

    /// Whether a page may be read: by the longest rule that matches; by one that
    /// allows, where two are as long.
    pub(super) fn allows(&self, url: &Url) -> bool {
        let mut path = url.path().to_owned();
        if let Some(query) = url.query() {
            path.push('?');
            path.push_str(query);
        }
        if path == "/robots.txt" {
            return true;
        }
        let best = self
            .rules
            .iter()
            .filter(|rule| matches(&rule.path, &path))
            .max_by_key(|rule| (rule.path.len(), rule.is_allowed));
        best.is_none_or(|rule| rule.is_allowed)
    }
}

/// Whether a path begins as a pattern says, in which `*` stands for anything and
/// a last `$` for the end.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, is_whole) = match pattern.strip_suffix('$') {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let mut last_was_star = false;
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        last_was_star = part.is_empty();
        if is_whole && parts.peek().is_none() {
            // The last part stands at the end, wherever else it stands too.
            return rest.ends_with(part);
        }
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    !is_whole || last_was_star || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(robots: &Robots, path: &str) -> bool {
        robots.allows(&Url::parse("https://a.example/").unwrap().join(path).unwrap())
    }

    #[test]
    fn the_rules_for_the_relay_hold_and_else_those_for_all() {
        let text = "# rules\nUser-Agent: *\nDisallow: /private\nAllow: /private/open\n\nSitemap: https://a.example/map.xml\n\
                    User-agent: Chinwag\nUser-agent: other\nDisallow: /cart\n";
        let own = Robots::parse(text);
        assert!(allows(&own, "/private/x") && !allows(&own, "/cart/1"));
        assert_eq!(own.sitemaps[0].as_str(), "https://a.example/map.xml");
        let all = Robots::parse(&text.replace("Chinwag", "Somebody"));
        assert!(!allows(&all, "/private/x") && allows(&all, "/private/open/1") && allows(&all, "/cart"));
        assert!(allows(&Robots::parse("User-agent: *\nDisallow:\n"), "/anything"));
        assert!(!allows(&Robots::parse("user-agent:*\ndisallow:/\n"), "/"));
    }

    #[test]
    fn stars_and_ends_are_read_as_the_standard_says() {
        for (pattern, path, expected) in [
            ("/*.php$", "/a/b.php", true),
            ("/*.php$", "/a/b.php?x=1", false),
            ("/*.php", "/a/b.php?x=1", true),
            ("/a*b*c", "/a1b2c3", true),
            ("/a*b*c", "/a1c2b3", false),
            ("/fish*", "/fish", true),
            ("/fish$", "/fish", true),
            ("/fish$", "/fishing", false),
            ("/*?", "/x?y", true),
            ("/*?", "/x", false),
            ("/*$", "/x", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
