//! Where it sits: in which corner, how far from it, above what, and whether open.

use super::check::{choice, flag, member, milliseconds, name_of, not_allowed, object, picture, pixels, text};
use super::{Options, OptionsError};
use crate::engine::Mode;
use crate::host::value::Given;

pub(super) const KEYS: &[&str] = &["position", "openByDefault"];

pub(super) const RARE_KEYS: &[&str] = &["mode", "target", "offset", "zIndex", "autoOpen", "launcher"];

/// Keys of which another value would be another widget.
pub(super) const FIXED_KEYS: &[&str] = &["mode", "target"];

/// Every way of standing in a page. The word is also the element's `data-mode`.
pub(super) const MODES: [(&str, Mode); 4] = [
    ("launcher", Mode::Launcher),
    ("inline", Mode::Inline),
    ("fullscreen", Mode::Fullscreen),
    ("kiosk", Mode::Kiosk),
];

/// The word for a way of standing in a page.
pub fn mode_name(mode: Mode) -> &'static str {
    name_of(&MODES, &mode)
}

/// The launcher's distance from its corner, in CSS pixels, as in `tokens.css`.
const DEFAULT_OFFSET: f64 = 24.0;

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

pub(super) fn take(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match key {
        "position" => {
            let allowed = "\"bottom-right\", \"bottom-left\", \"top-right\" or \"top-left\"";
            options.position = choice(key, given, &Position::ALL, allowed)?;
        }
        "openByDefault" => options.config.open_by_default = flag(key, given)?,
        _ => {}
    }
    Ok(())
}

pub(super) fn take_rare(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match key {
        "offset" => options.offset = Some(offset(given)?),
        "zIndex" => options.z_index = Some(z_index(given)?),
        "mode" => {
            // The last never comes here: the JavaScript face answers to it.
            let allowed = "\"launcher\", \"inline\", \"fullscreen\", \"kiosk\" or \"frame\"";
            options.config.mode = choice(key, given, &MODES, allowed)?;
        }
        // Looked up when the widget is mounted, since it takes a document.
        "target" if !matches!(given, Given::Text(_) | Given::Element) => {
            return Err(not_allowed(key, given, TARGET));
        }
        "autoOpen" => {
            let members = object(key, given, &["delayMs"], "an object with delayMs")?;
            let delay = member(members, "delayMs").map(|given| milliseconds("autoOpen.delayMs", given));
            options.config.auto_open_ms = Some(delay.transpose()?.unwrap_or_default());
        }
        "launcher" => launcher(options, given)?,
        _ => {}
    }
    Ok(())
}

/// What `target` may be.
pub(in crate::host) const TARGET: &str = "an element of the page, or a CSS selector that finds one";

fn launcher(options: &mut Options, given: &Given) -> Result<(), OptionsError> {
    const KEYS: &[&str] = &["icon", "label", "hidden", "selector"];
    let launcher = &mut options.config.launcher;
    for (key, given) in object("launcher", given, KEYS, "an object with icon, label, hidden or selector")? {
        match (key.as_str(), given) {
            (_, Given::Nothing) => {}
            ("icon", given) => launcher.icon = Some(picture("launcher.icon", given)?),
            ("label", given) => launcher.label = Some(text("launcher.label", given)?),
            ("hidden", given) => launcher.is_hidden = flag("launcher.hidden", given)?,
            ("selector", given) => options.launcher_selector = Some(text("launcher.selector", given)?),
            _ => {}
        }
    }
    // Who has a button of their own needs no second one, unless they say so.
    let says_hidden = matches!(given, Given::Members(members) if member(members, "hidden").is_some());
    launcher.is_hidden |= options.launcher_selector.is_some() && !says_hidden;
    Ok(())
}

fn offset(given: &Given) -> Result<(f64, f64), OptionsError> {
    if matches!(given, Given::Number(_)) {
        return pixels("offset", given).map(|both| (both, both));
    }
    let members = object("offset", given, &["x", "y"], "a number of pixels, or an object with x and y")?;
    let x = member(members, "x").map_or(Ok(DEFAULT_OFFSET), |given| pixels("offset.x", given))?;
    let y = member(members, "y").map_or(Ok(DEFAULT_OFFSET), |given| pixels("offset.y", given))?;
    Ok((x, y))
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
