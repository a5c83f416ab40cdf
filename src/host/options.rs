//! The options of `init` and `update`, checked: a key that is unknown or of the
//! wrong type is an error that names the key, what was given, and what is
//! allowed.

use super::color::Color;
use super::value::Given;
use crate::engine::{Config, Persist};

/// The options, checked. What was not given is `None` or the default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// What behaviour and words depend on.
    pub config: Config,
    /// The relay's origin, without a slash at the end.
    pub relay: Option<String>,
    /// Keeps several widgets of one site apart in storage.
    pub namespace: Option<String>,
    /// How it looks.
    pub theme: Theme,
    /// In which corner it sits.
    pub position: Position,
    /// Distance from that corner, in CSS pixels: sideways, and up or down.
    pub offset: Option<(f64, f64)>,
    /// Its place in the page's stacking order.
    pub z_index: Option<i32>,
}

/// How the widget looks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Theme {
    /// The one accent colour.
    pub accent: Option<Color>,
    /// Light, dark, or as the visitor's system says.
    pub scheme: Scheme,
    /// The panel's corners, in CSS pixels.
    pub radius: Option<f64>,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// As the visitor's system says.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The corner in which the widget sits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Position {
    /// Bottom right.
    #[default]
    BottomRight,
    /// Bottom left.
    BottomLeft,
    /// Top right.
    TopRight,
    /// Top left.
    TopLeft,
}

impl Scheme {
    const ALL: [(&str, Self); 3] = [("auto", Self::Auto), ("light", Self::Light), ("dark", Self::Dark)];

    /// As it stands in options and in the element's `data-scheme`.
    pub fn as_str(self) -> &'static str {
        name_of(&Self::ALL, &self)
    }
}

impl Position {
    const ALL: [(&str, Self); 4] = [
        ("bottom-right", Self::BottomRight),
        ("bottom-left", Self::BottomLeft),
        ("top-right", Self::TopRight),
        ("top-left", Self::TopLeft),
    ];

    /// As it stands in options and in the element's `data-position`.
    pub fn as_str(self) -> &'static str {
        name_of(&Self::ALL, &self)
    }
}

const PERSIST: [(&str, Persist); 3] =
    [("local", Persist::Local), ("session", Persist::Session), ("memory", Persist::Memory)];

fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}

/// Every key of the options, in the order of the documentation.
const KEYS: [&str; 16] = [
    "site",
    "relay",
    "theme",
    "position",
    "offset",
    "zIndex",
    "title",
    "greeting",
    "suggestions",
    "placeholder",
    "disclaimer",
    "persist",
    "namespace",
    "openByDefault",
    "onReady",
    "onError",
];

const THEME_KEYS: [&str; 3] = ["accent", "colorScheme", "radius"];
const OFFSET_KEYS: [&str; 2] = ["x", "y"];

/// Keys that name who the widget talks to and where it keeps things: another
/// value is another widget.
const FIXED_KEYS: [&str; 4] = ["site", "relay", "persist", "namespace"];

/// Largest distance and radius, in CSS pixels: past it nothing is on screen.
const MAX_PIXELS: f64 = 1_000.0;

/// Longest text of an option, in characters.
const MAX_TEXT_CHARS: usize = 2_000;

/// Most suggestions that are shown.
const MAX_SUGGESTIONS: usize = 4;

/// What is wrong with the options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// The options are no object.
    #[error("options must be an object, not {given}")]
    NoObject {
        /// What was given.
        given: String,
    },
    /// A key that is not known.
    #[error("option \"{key}\" is not known.{} Known here: {known}", nearest.as_ref().map(|n| format!(" Did you mean \"{n}\"?")).unwrap_or_default())]
    Unknown {
        /// The key, with its path.
        key: String,
        /// The known key that is nearest to it.
        nearest: Option<String>,
        /// All keys that are known there.
        known: String,
    },
    /// A value that is not allowed.
    #[error("option \"{key}\" must be {allowed}, not {given}")]
    NotAllowed {
        /// The key, with its path.
        key: String,
        /// What was given.
        given: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A key that must be there.
    #[error("option \"{key}\" is missing: {allowed}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A key that `update` cannot change.
    #[error("option \"{key}\" cannot be changed by update(): destroy() the widget and init() another")]
    Fixed {
        /// The key.
        key: String,
    },
}

const SITE: &str = "the site's public key, \"site_\" and 1 to 64 letters, digits, _ or -";
const TEXT: &str = "a text of at most 2,000 characters";

/// The options as they were given, kept so that `update` can merge into them.
#[derive(Debug, Clone, Default)]
pub struct GivenOptions(Vec<(String, Given)>);

impl GivenOptions {
    /// The options of `init`.
    pub fn new(given: Given) -> Result<Self, OptionsError> {
        members(given).map(Self)
    }

    /// The same with what `update` was given merged in: members of `theme` and
    /// `offset` one by one, all else as a whole. `null` takes a key away.
    pub fn merged(&self, changes: Given) -> Result<Self, OptionsError> {
        let changes = members(changes)?;
        if let Some((key, _)) = changes.iter().find(|(key, _)| FIXED_KEYS.contains(&key.as_str())) {
            return Err(OptionsError::Fixed { key: key.clone() });
        }
        let mut all = self.0.clone();
        merge(&mut all, changes);
        Ok(Self(all))
    }

    /// Checks them all.
    pub fn parse(&self) -> Result<Options, OptionsError> {
        let mut options = Options::default();
        check_keys("", &self.0, &KEYS)?;
        for (key, given) in &self.0 {
            if *given != Given::Nothing {
                take(&mut options, key, given)?;
            }
        }
        if options.config.site.is_empty() {
            return Err(OptionsError::Missing { key: "site", allowed: SITE });
        }
        Ok(options)
    }
}

fn members(given: Given) -> Result<Vec<(String, Given)>, OptionsError> {
    match given {
        Given::Members(members) => Ok(members),
        other => Err(OptionsError::NoObject { given: other.describe() }),
    }
}

fn merge(into: &mut Vec<(String, Given)>, changes: Vec<(String, Given)>) {
    for (key, change) in changes {
        let place = into.iter_mut().find(|(known, _)| *known == key).map(|(_, given)| given);
        match (place, change) {
            (Some(Given::Members(old)), Given::Members(new)) => merge(old, new),
            (Some(place), change) => *place = change,
            (None, change) => into.push((key, change)),
        }
    }
}

fn take(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    let config = &mut options.config;
    match key {
        "site" => config.site = site(given)?,
        "relay" => options.relay = Some(relay(given)?),
        "namespace" => options.namespace = Some(namespace(given)?),
        "theme" => options.theme = theme(given)?,
        "position" => {
            let allowed = "\"bottom-right\", \"bottom-left\", \"top-right\" or \"top-left\"";
            options.position = choice(key, given, &Position::ALL, allowed)?;
        }
        "offset" => options.offset = Some(offset(given)?),
        "zIndex" => options.z_index = Some(z_index(given)?),
        "title" => config.title = Some(text(key, given)?),
        "greeting" => config.greeting = Some(text(key, given)?),
        "placeholder" => config.placeholder = Some(text(key, given)?),
        "disclaimer" => config.disclaimer = Some(text(key, given)?),
        "suggestions" => config.suggestions = Some(suggestions(given)?),
        "persist" => {
            config.persist = choice(key, given, &PERSIST, "\"local\", \"session\" or \"memory\"")?;
        }
        "openByDefault" => match given {
            Given::Flag(flag) => config.open_by_default = *flag,
            _ => return Err(not_allowed(key, given, "true or false")),
        },
        // Called by the JavaScript face; here it only counts that they can be.
        "onReady" | "onError" if *given != Given::Function => {
            return Err(not_allowed(key, given, "a function"));
        }
        _ => {}
    }
    Ok(())
}

fn site(given: &Given) -> Result<String, OptionsError> {
    match given {
        Given::Text(text) if chinwag_protocol::SiteKey::parse(text).is_ok() => Ok(text.clone()),
        _ => Err(not_allowed("site", given, SITE)),
    }
}

/// The relay's origin. Plain http is for a relay on this very machine.
pub fn relay(given: &Given) -> Result<String, OptionsError> {
    const ALLOWED: &str =
        "the relay's origin, \"https://host[:port]\" (or http:// on localhost), with no path behind it";
    let error = || not_allowed("relay", given, ALLOWED);
    let Given::Text(text) = given else { return Err(error()) };
    let trimmed = text.trim().trim_end_matches('/');
    let host = match (trimmed.strip_prefix("https://"), trimmed.strip_prefix("http://")) {
        (Some(host), _) => host,
        (None, Some(host)) if is_loopback(host) => host,
        _ => return Err(error()),
    };
    let is_plain = host
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
    if host.is_empty() || !is_plain { Err(error()) } else { Ok(trimmed.to_owned()) }
}

fn is_loopback(host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or_default()
    } else {
        host.split(':').next().unwrap_or_default()
    };
    let is_ipv4 = name.starts_with("127.") && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    name == "localhost" || name == "[::1]" || name.ends_with(".localhost") || is_ipv4
}

fn namespace(given: &Given) -> Result<String, OptionsError> {
    match given {
        Given::Text(text) if chinwag_protocol::MessageId::parse(text).is_ok() => Ok(text.clone()),
        _ => Err(not_allowed("namespace", given, "1 to 64 letters, digits, _ or -")),
    }
}

fn theme(given: &Given) -> Result<Theme, OptionsError> {
    let Given::Members(members) = given else {
        return Err(not_allowed("theme", given, "an object with accent, colorScheme or radius"));
    };
    check_keys("theme.", members, &THEME_KEYS)?;
    let mut theme = Theme::default();
    for (key, given) in members {
        match (key.as_str(), given) {
            (_, Given::Nothing) => {}
            ("accent", given) => theme.accent = Some(accent(given)?),
            ("colorScheme", given) => {
                theme.scheme =
                    choice("theme.colorScheme", given, &Scheme::ALL, "\"light\", \"dark\" or \"auto\"")?;
            }
            ("radius", given) => theme.radius = Some(pixels("theme.radius", given)?),
            _ => {}
        }
    }
    Ok(theme)
}

fn accent(given: &Given) -> Result<Color, OptionsError> {
    let color = match given {
        Given::Text(text) => Color::parse(text),
        _ => None,
    };
    color.ok_or_else(|| not_allowed("theme.accent", given, "a colour as \"#rgb\" or \"#rrggbb\""))
}

fn offset(given: &Given) -> Result<(f64, f64), OptionsError> {
    const ALLOWED: &str = "a number of pixels, or an object with x and y";
    match given {
        Given::Number(_) => pixels("offset", given).map(|both| (both, both)),
        Given::Members(members) => {
            check_keys("offset.", members, &OFFSET_KEYS)?;
            let side = |name: &str| {
                let given = members.iter().find(|(key, _)| key == name).map(|(_, given)| given);
                given.filter(|given| **given != Given::Nothing)
            };
            let x = side("x").map_or(Ok(DEFAULT_OFFSET), |given| pixels("offset.x", given))?;
            let y = side("y").map_or(Ok(DEFAULT_OFFSET), |given| pixels("offset.y", given))?;
            Ok((x, y))
        }
        _ => Err(not_allowed("offset", given, ALLOWED)),
    }
}

/// The launcher's distance from its corner, in CSS pixels, as in `tokens.css`.
const DEFAULT_OFFSET: f64 = 24.0;

fn pixels(key: &str, given: &Given) -> Result<f64, OptionsError> {
    match given {
        Given::Number(number) if (0.0..=MAX_PIXELS).contains(number) => Ok(*number),
        _ => Err(not_allowed(key, given, "a number of pixels from 0 to 1000")),
    }
}

fn z_index(given: &Given) -> Result<i32, OptionsError> {
    match given {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the bounds of i32")]
        Given::Number(number)
            if number.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(number) =>
        {
            Ok(*number as i32)
        }
        _ => Err(not_allowed("zIndex", given, "a whole number from -2147483648 to 2147483647")),
    }
}

fn text(key: &str, given: &Given) -> Result<String, OptionsError> {
    match given {
        Given::Text(text) if text.chars().count() <= MAX_TEXT_CHARS => Ok(text.clone()),
        Given::Text(_) => Err(OptionsError::NotAllowed {
            key: key.to_owned(),
            given: "a longer one".to_owned(),
            allowed: TEXT,
        }),
        _ => Err(not_allowed(key, given, TEXT)),
    }
}

fn suggestions(given: &Given) -> Result<Vec<String>, OptionsError> {
    const ALLOWED: &str = "a list of at most 4 texts";
    let Given::List(list) = given else { return Err(not_allowed("suggestions", given, ALLOWED)) };
    if list.len() > MAX_SUGGESTIONS {
        let given = format!("{} of them", list.len());
        return Err(OptionsError::NotAllowed { key: "suggestions".to_owned(), given, allowed: ALLOWED });
    }
    list.iter().enumerate().map(|(place, given)| text(&format!("suggestions[{place}]"), given)).collect()
}

fn choice<T: Copy>(
    key: &str,
    given: &Given,
    table: &[(&'static str, T)],
    allowed: &'static str,
) -> Result<T, OptionsError> {
    let found = match given {
        Given::Text(text) => table.iter().find(|(name, _)| name == text),
        _ => None,
    };
    found.map(|(_, value)| *value).ok_or_else(|| not_allowed(key, given, allowed))
}

fn not_allowed(key: &str, given: &Given, allowed: &'static str) -> OptionsError {
    OptionsError::NotAllowed { key: key.to_owned(), given: given.describe(), allowed }
}

fn check_keys(path: &str, members: &[(String, Given)], known: &[&str]) -> Result<(), OptionsError> {
    let Some((key, _)) = members.iter().find(|(key, _)| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let nearest = known
        .iter()
        .map(|candidate| (distance(&key.to_ascii_lowercase(), &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 2)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| format!("{path}{candidate}"));
    Err(OptionsError::Unknown { key: format!("{path}{key}"), nearest, known: known.join(", ") })
}

/// Levenshtein's distance, in characters.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, left) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, right) in row.iter_mut().skip(1).zip(to.chars()) {
            let substituted = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = substituted.min(before + 1).min(diagonal + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(members: &[(&str, Given)]) -> Given {
        Given::Members(members.iter().map(|(key, given)| ((*key).to_owned(), given.clone())).collect())
    }

    fn words(text: &str) -> Given {
        Given::Text(text.to_owned())
    }

    fn parse(members: &[(&str, Given)]) -> Result<Options, OptionsError> {
        let mut all = vec![("site", words("site_demo"))];
        all.extend_from_slice(members);
        GivenOptions::new(object(&all))?.parse()
    }

    fn error(members: &[(&str, Given)]) -> String {
        parse(members).unwrap_err().to_string()
    }

    #[test]
    fn the_site_is_enough() {
        let options = parse(&[]).unwrap();
        assert_eq!(options.config.site, "site_demo");
        assert_eq!(options.theme, Theme::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_known_one() {
        assert_eq!(
            error(&[("theme", object(&[("acent", words("#fff"))]))]),
            "option \"theme.acent\" is not known. Did you mean \"theme.accent\"? Known here: accent, colorScheme, radius"
        );
        assert!(
            error(&[("colour", words("red"))])
                .starts_with("option \"colour\" is not known. Known here: site,")
        );
        assert!(error(&[("zindex", Given::Number(1.0))]).contains("Did you mean \"zIndex\"?"));
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed() {
        let cases: [(&str, Given, &str); 12] = [
            ("site", words("demo"), "not \"demo\""),
            (
                "position",
                words("middle"),
                "\"bottom-right\", \"bottom-left\", \"top-right\" or \"top-left\", not",
            ),
            ("openByDefault", words("yes"), "must be true or false, not \"yes\""),
            ("suggestions", words("a"), "must be a list of at most 4 texts, not \"a\""),
            (
                "suggestions",
                Given::List(vec![words("a"), Given::Number(1.0)]),
                "\"suggestions[1]\" must be a text",
            ),
            ("suggestions", Given::List(vec![words("a"); 5]), "not 5 of them"),
            ("title", Given::Number(3.5), "must be a text of at most 2,000 characters, not 3.5"),
            ("offset", Given::Number(-1.0), "from 0 to 1000, not -1"),
            ("zIndex", Given::Number(1.5), "a whole number"),
            ("persist", Given::Flag(true), "not true"),
            ("onReady", words("f"), "must be a function"),
            ("theme", words("dark"), "must be an object with accent"),
        ];
        for (key, given, expected) in cases {
            let message = GivenOptions::new(object(&[("site", words("site_demo")), (key, given.clone())]))
                .and_then(|options| match key {
                    "site" => GivenOptions::new(object(&[("site", given)]))?.parse(),
                    _ => options.parse(),
                })
                .unwrap_err()
                .to_string();
            assert!(message.contains(expected), "{key}: {message}");
            assert!(message.contains(key), "{key}: {message}");
        }
    }

    #[test]
    fn options_that_are_no_object_and_a_missing_site_are_said() {
        assert_eq!(
            GivenOptions::new(Given::Nothing).unwrap_err().to_string(),
            "options must be an object, not nothing"
        );
        let missing = GivenOptions::new(object(&[])).unwrap().parse().unwrap_err();
        assert!(missing.to_string().starts_with("option \"site\" is missing"));
    }

    #[test]
    fn a_relay_is_an_origin_and_plain_http_stays_at_home() {
        for good in [
            "https://relay.example.com",
            "https://relay.example.com:8443/",
            "http://127.0.0.1:8787",
            "http://localhost:1",
            "http://[::1]:80",
        ] {
            assert_eq!(relay(&words(good)).unwrap(), good.trim_end_matches('/'), "{good}");
        }
        for bad in [
            "",
            "relay.example.com",
            "http://relay.example.com",
            "https://",
            "https://a/b",
            "https://u@a",
            "javascript:alert(1)",
            "http://127.evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(relay(&words(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn update_merges_and_null_takes_away() {
        let first = GivenOptions::new(object(&[
            ("site", words("site_demo")),
            ("title", words("A")),
            ("theme", object(&[("accent", words("#0b6e69")), ("radius", Given::Number(8.0))])),
        ]))
        .unwrap();
        let changes =
            object(&[("theme", object(&[("radius", Given::Number(2.0))])), ("title", Given::Nothing)]);
        let options = first.merged(changes).unwrap().parse().unwrap();
        assert_eq!(options.theme.radius, Some(2.0));
        assert!(options.theme.accent.is_some(), "what was not named stays");
        assert_eq!(options.config.title, None);
    }

    #[test]
    fn update_cannot_make_it_another_widget() {
        let first = GivenOptions::new(object(&[("site", words("site_demo"))])).unwrap();
        let refused = first.merged(object(&[("site", words("site_other"))])).unwrap_err();
        assert!(refused.to_string().starts_with("option \"site\" cannot be changed by update()"));
    }
}
