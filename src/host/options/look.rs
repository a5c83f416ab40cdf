//! How it looks.

use super::check::{check_keys, choice, name_of, not_allowed, pixels};
use super::token::{self, Token};
use super::{Options, OptionsError};
use crate::engine::part::{self, Lazy as _};
use crate::host::color::Color;
use crate::host::value::Given;

pub(super) const KEYS: &[&str] = &["theme"];

const THEME_KEYS: &[&str] = &["accent", "colorScheme", "radius"];

const RARE_THEME_KEYS: &[&str] = &["density", "font", "tokens"];

/// How the widget looks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Theme {
    /// The one accent colour.
    pub accent: Option<Color>,
    /// Light, dark, or as the visitor's system says.
    pub scheme: Scheme,
    /// The panel's corners, in CSS pixels.
    pub radius: Option<f64>,
    /// What is finer than that; a later one wins.
    pub tokens: Vec<Token>,
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

impl Scheme {
    const ALL: [(&str, Self); 3] = [("auto", Self::Auto), ("light", Self::Light), ("dark", Self::Dark)];

    /// As it stands in options and in the element's `data-scheme`.
    pub fn as_str(self) -> &'static str {
        name_of(&Self::ALL, &self)
    }
}

pub(super) fn take(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    if key == "theme" {
        options.theme = theme(given)?;
    }
    Ok(())
}

/// Whether something is in a theme that few pages give, or that is none of it.
pub(super) fn has_rare(given: &Given) -> bool {
    let is_rare = |(key, _): &(String, Given)| !THEME_KEYS.contains(&key.as_str());
    matches!(given, Given::Members(members) if members.iter().any(is_rare))
}

fn theme(given: &Given) -> Result<Theme, OptionsError> {
    let allowed = "an object with accent, colorScheme, radius, density, font or tokens";
    let Given::Members(members) = given else { return Err(not_allowed("theme", given, allowed)) };
    let mut theme = Theme::default();
    for (key, given) in members {
        match (key.as_str(), given) {
            (known, Given::Nothing) if THEME_KEYS.contains(&known) => {}
            ("accent", given) => theme.accent = Some(accent(given)?),
            ("colorScheme", given) => {
                theme.scheme =
                    choice("theme.colorScheme", given, &Scheme::ALL, "\"light\", \"dark\" or \"auto\"")?;
            }
            ("radius", given) => theme.radius = Some(pixels("theme.radius", given)?),
            _ => part::Setting::enter_again(|| take_rare(&mut theme, key, given))?,
        }
    }
    Ok(theme)
}

fn take_rare(theme: &mut Theme, key: &str, given: &Given) -> Result<(), OptionsError> {
    let known = [THEME_KEYS, RARE_THEME_KEYS].concat();
    check_keys("theme.", &[(key.to_owned(), Given::Nothing)], &known)?;
    match (key, given) {
        (_, Given::Nothing) => {}
        ("density", given) => theme.tokens.insert(0, token::density(given)?),
        ("font", given) => theme.tokens.insert(0, token::font(given)?),
        _ => token::tokens(theme, given)?,
    }
    Ok(())
}

fn accent(given: &Given) -> Result<Color, OptionsError> {
    let color = match given {
        Given::Text(text) => Color::parse(text),
        _ => None,
    };
    color.ok_or_else(|| not_allowed("theme.accent", given, "a colour as \"#rgb\" or \"#rrggbb\""))
}
