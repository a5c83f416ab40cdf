//! The tokens of `style/tokens.css`, as a page may set them: typed, so that no
//! raw CSS passes. A value that is not of its kind is refused before it comes
//! near a style sheet; there is no way to write `url()`, a `;` or a brace.

use super::check::{check_keys, choice, member, not_allowed, object, refused};
use super::{OptionsError, Theme};
use crate::host::value::{Given, write_number};

/// A token with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The custom property.
    pub property: String,
    /// Its value.
    pub value: String,
    /// Its value in the dark scheme, if that is another one.
    pub dark: Option<String>,
}

/// What a token may hold.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Color,
    Shadow,
    Font,
    /// CSS pixels, between two bounds.
    Length(f64, f64),
    /// Milliseconds.
    Time,
    /// A whole number.
    Order,
}

/// Every token. The custom property has the same name in other letters:
/// `surface1` is `--cw-surface-1`.
const TOKENS: [(&str, Kind); 34] = [
    ("accent", Kind::Color),
    ("onAccent", Kind::Color),
    ("accentSoft", Kind::Color),
    ("accentText", Kind::Color),
    ("accentDark", Kind::Color),
    ("onAccentDark", Kind::Color),
    ("accentSoftDark", Kind::Color),
    ("accentTextDark", Kind::Color),
    ("surface1", Kind::Color),
    ("surface2", Kind::Color),
    ("surface3", Kind::Color),
    ("text1", Kind::Color),
    ("text2", Kind::Color),
    ("border", Kind::Color),
    ("danger", Kind::Color),
    ("dangerSoft", Kind::Color),
    ("warn", Kind::Color),
    ("ok", Kind::Color),
    ("codeKeyword", Kind::Color),
    ("codeString", Kind::Color),
    ("codeComment", Kind::Color),
    ("codeNumber", Kind::Color),
    ("shadow", Kind::Shadow),
    ("shadowSmall", Kind::Shadow),
    ("font", Kind::Font),
    ("fontMono", Kind::Font),
    ("textSize", Kind::Length(12.0, 24.0)),
    ("space", Kind::Length(4.0, 16.0)),
    ("radius", Kind::Length(0.0, 1_000.0)),
    ("panelWidth", Kind::Length(280.0, 1_000.0)),
    ("panelHeight", Kind::Length(320.0, 2_000.0)),
    ("launcherSize", Kind::Length(44.0, 160.0)),
    ("motion", Kind::Time),
    ("z", Kind::Order),
];

/// Longest value, in bytes.
const MAX_VALUE_BYTES: usize = 300;

/// How much room there is between things, in CSS pixels.
const DENSITIES: [(&str, &str); 3] = [("compact", "6px"), ("comfortable", "8px"), ("spacious", "10px")];

/// `theme.density`.
pub(super) fn density(given: &Given) -> Result<Token, OptionsError> {
    const ALLOWED: &str = "\"compact\", \"comfortable\" or \"spacious\"";
    let value = choice("theme.density", given, &DENSITIES, ALLOWED)?;
    Ok(Token { property: property_of("space"), value: value.to_owned(), dark: None })
}

/// `theme.font`.
pub(super) fn font(given: &Given) -> Result<Token, OptionsError> {
    let value = value_of("theme.font", Kind::Font, given)?;
    Ok(Token { property: property_of("font"), value, dark: None })
}

/// `theme.tokens`: each value for both schemes, or `{ light, dark }`.
pub(super) fn tokens(theme: &mut Theme, given: &Given) -> Result<(), OptionsError> {
    let Given::Members(members) = given else {
        return Err(not_allowed("theme.tokens", given, "an object such as { panelWidth: 420 }"));
    };
    check_keys("theme.tokens.", members, &TOKENS.map(|(name, _)| name))?;
    for (name, given) in members {
        let Some((_, kind)) = TOKENS.iter().find(|(known, _)| known == name) else { continue };
        if *given == Given::Nothing {
            continue;
        }
        let mut path = String::from("theme.tokens.");
        path.push_str(name);
        let property = property_of(name);
        let (value, dark) = if let Given::Members(_) = given {
            let schemes = object(&path, given, &["light", "dark"], "an object with light and dark")?;
            let of = |scheme: &str| {
                let given = member(schemes, scheme)?;
                let mut path = path.clone();
                path.push('.');
                path.push_str(scheme);
                Some(value_of(&path, *kind, given))
            };
            (of("light").transpose()?, of("dark").transpose()?)
        } else {
            (Some(value_of(&path, *kind, given)?), None)
        };
        match (value, dark) {
            (Some(value), dark) => theme.tokens.push(Token { property, value, dark }),
            (None, Some(dark)) => {
                theme.tokens.push(Token { property, value: String::new(), dark: Some(dark) });
            }
            (None, None) => {}
        }
    }
    Ok(())
}

/// The custom property of a token: `surface1` is `--cw-surface-1`.
fn property_of(name: &str) -> String {
    let mut property = String::from("--cw-");
    for letter in name.chars() {
        if letter.is_ascii_uppercase() || letter.is_ascii_digit() {
            property.push('-');
        }
        property.push(letter.to_ascii_lowercase());
    }
    property
}

fn value_of(path: &str, kind: Kind, given: &Given) -> Result<String, OptionsError> {
    let (allowed, value) = match (kind, given) {
        (Kind::Length(low, high), Given::Number(number)) if (low..=high).contains(number) => {
            return Ok(with_unit(*number, "px"));
        }
        (Kind::Length(low, high), _) => {
            let mut allowed = String::from("a number of pixels from ");
            allowed.push_str(&write_number(low));
            allowed.push_str(" to ");
            allowed.push_str(&write_number(high));
            return Err(refused(path, &given.describe(), allowed));
        }
        (Kind::Time, Given::Number(number)) if (0.0..=2_000.0).contains(number) => {
            return Ok(with_unit(*number, "ms"));
        }
        (Kind::Order, Given::Number(number))
            if number.fract() == 0.0 && number.abs() <= f64::from(i32::MAX) =>
        {
            return Ok(write_number(*number));
        }
        (Kind::Time, _) => ("a number of milliseconds from 0 to 2000", None),
        (Kind::Order, _) => ("a whole number from -2147483647 to 2147483647", None),
        (Kind::Color, Given::Text(text)) => (COLOR, Some(text).filter(|text| is_color(text))),
        (Kind::Color, _) => (COLOR, None),
        (Kind::Shadow, Given::Text(text)) => (SHADOW, Some(text).filter(|text| is_shadow(text))),
        (Kind::Shadow, _) => (SHADOW, None),
        (Kind::Font, Given::Text(text)) => (FONT, Some(text).filter(|text| is_font(text))),
        (Kind::Font, _) => (FONT, None),
    };
    value
        .filter(|value| value.len() <= MAX_VALUE_BYTES)
        .map(|value| value.trim().to_owned())
        .ok_or_else(|| not_allowed(path, given, allowed))
}

const COLOR: &str = "a colour: #rgb, #rrggbb, #rrggbbaa, rgb(...), hsl(...), oklch(...) or transparent";
const SHADOW: &str = "\"none\", or shadows such as \"0 4px 12px rgb(0 0 0 / 20%)\"";
const FONT: &str = "names of fonts, such as \"Inter, system-ui, sans-serif\"";

fn with_unit(number: f64, unit: &str) -> String {
    let mut out = write_number(number);
    out.push_str(unit);
    out
}

fn is_color(text: &str) -> bool {
    const FUNCTIONS: [&str; 9] = ["rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch"];
    let text = text.trim();
    if let Some(digits) = text.strip_prefix('#') {
        return matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    if text == "transparent" {
        return true;
    }
    let inside = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'.' | b',' | b'%' | b'/' | b'-' | b'+')
    };
    let Some((name, rest)) = text.split_once('(') else { return false };
    let Some(arguments) = rest.strip_suffix(')') else { return false };
    FUNCTIONS.contains(&name)
        && arguments.bytes().all(inside)
        && arguments.bytes().any(|byte| byte.is_ascii_digit())
}

/// Layers between commas; in each, two to four lengths, at most one colour, and
/// perhaps `inset`.
fn is_shadow(text: &str) -> bool {
    text.trim() == "none" || split_outside(text, ',').iter().all(|layer| is_layer(layer))
}

fn is_layer(layer: &str) -> bool {
    let (mut lengths, mut colors, mut insets) = (0, 0, 0);
    for word in split_outside(layer.trim(), ' ').into_iter().filter(|word| !word.is_empty()) {
        match word {
            "inset" => insets += 1,
            word if is_length(word) => lengths += 1,
            word if is_color(word) => colors += 1,
            _ => return false,
        }
    }
    (2..=4).contains(&lengths) && colors <= 1 && insets <= 1
}

fn is_length(word: &str) -> bool {
    let number = word.strip_suffix("px").unwrap_or(if word == "0" { "0" } else { "" });
    let digits = number.strip_prefix('-').unwrap_or(number);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Cuts at a separator that stands in no brackets.
fn split_outside(text: &str, separator: char) -> Vec<&str> {
    let mut depth = 0_usize;
    let cut = |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == separator && depth == 0
    };
    text.split(cut).collect()
}

/// A letter of a font's name. Beyond ASCII all is: CSS takes it for one, and what
/// else it could be would take Unicode's tables.
fn is_plain(letter: char) -> bool {
    !letter.is_ascii() || letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '-' | '_' | '.')
}

/// Families between commas: words, or anything harmless in quotes.
fn is_font(text: &str) -> bool {
    text.split(',').all(|family| {
        let family = family.trim();
        let bare = ['"', '\''].iter().find_map(|quote| family.strip_prefix(*quote)?.strip_suffix(*quote));
        let name = bare.unwrap_or(family);
        !name.is_empty() && name.chars().all(is_plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHEET: &str = include_str!("../../../style/tokens.css");

    #[test]
    fn every_token_of_the_sheet_can_be_set_and_no_other() {
        let light = SHEET.split("--_accent").next().unwrap();
        let declared: Vec<&str> = light
            .lines()
            .filter_map(|line| line.trim().split_once(':'))
            .map(|(name, _)| name)
            .filter(|name| name.starts_with("--cw-"))
            .collect();
        // The distance from the corner is an option of its own, since it has two sides.
        let elsewhere = ["--cw-offset-x", "--cw-offset-y"];
        let mut known: Vec<String> = TOKENS.iter().map(|(name, _)| property_of(name)).collect();
        known.extend(elsewhere.map(str::to_owned));
        known.sort();
        let mut declared: Vec<String> = declared.into_iter().map(str::to_owned).collect();
        declared.sort();
        assert_eq!(known, declared);
    }

    #[test]
    fn the_sheets_own_values_are_allowed() {
        let light = SHEET.split("--_accent").next().unwrap();
        for (name, kind) in TOKENS {
            let mark = property_of(name) + ": ";
            let value = light.split(&mark).nth(1).unwrap().split(';').next().unwrap();
            let given = match kind {
                Kind::Length(..) | Kind::Time | Kind::Order => Given::Number(
                    value.trim_end_matches(|letter: char| letter.is_alphabetic()).parse().unwrap(),
                ),
                _ => Given::Text(value.to_owned()),
            };
            assert_eq!(value_of(name, kind, &given).as_deref(), Ok(value), "{name}");
        }
    }

    #[test]
    fn nothing_passes_that_is_more_than_a_value() {
        for bad in [
            "red; background: url(//evil)",
            "url(https://evil)",
            "var(--x)",
            "#fff} * { color: red",
            "rgb(0 0 0); x: y",
            "rgb(url(x))",
            "rgb()",
            "#ggg",
            "expression(1)",
            "image-set(\"x\" 1x)",
            "rgb(0 0 0) /* */",
            "\\75rl(x)",
            "",
        ] {
            for (name, kind) in [("c", Kind::Color), ("s", Kind::Shadow), ("f", Kind::Font)] {
                assert!(value_of(name, kind, &Given::Text(bad.to_owned())).is_err(), "{name}: {bad}");
            }
        }
    }

    #[test]
    fn what_designers_write_is_allowed() {
        for good in
            ["#0B6E69", "#fff8", "rgb(15 25 22 / 8%)", "hsl(210, 50%, 40%)", "oklch(62% 0.19 259.8deg)"]
        {
            assert!(is_color(good), "{good}");
        }
        for good in ["none", "0 1px 2px rgb(0 0 0 / 20%), inset 0 -1px 0 0 #fff", "0 0 4.5px #000"] {
            assert!(is_shadow(good), "{good}");
        }
        for good in
            ["Inter, system-ui", "\"Source Sans 3\", sans-serif", "\u{6e38}\u{30b4}\u{30b7}\u{30c3}\u{30af}"]
        {
            assert!(is_font(good), "{good}");
        }
        for bad in ["1px", "0 0 0 0 0 #000", "0 0 #000 #fff", "0 0 1em #000"] {
            assert!(!is_shadow(bad), "{bad}");
        }
    }
}
