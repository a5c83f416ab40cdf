//! How it looks.

use super::check::{choice, name_of, not_allowed, object, pixels};
use super::token::{self, Token};
use super::{Options, OptionsError};
use crate::host::color::Color;
use crate::host::value::Given;

pub(super) const KEYS: &[&str] = &["theme"];

const THEME_KEYS: &[&str] = &["accent", "colorScheme", "radius", "density", "font", "tokens"];

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

fn theme(given: &Given) -> Result<Theme, OptionsError> {
    let allowed = "an object with accent, colorScheme, radius, density, font or tokens";
    let mut theme = Theme::default();
    for (key, given) in object("theme", given, THEME_KEYS, allowed)? {
        match (key.as_str(), given) {
            (_, Given::Nothing) => {}
            ("accent", given) => theme.accent = Some(accent(given)?),
            ("colorScheme", given) => {
                theme.scheme =
                    choice("theme.colorScheme", given, &Scheme::ALL, "\"light\", \"dark\" or \"auto\"")?;
            }
            ("density", given) => theme.tokens.insert(0, token::density(given)?),
            ("font", given) => theme.tokens.insert(0, token::font(given)?),
            ("tokens", given) => token::tokens(&mut theme, given)?,
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
