//! Where it sits: in which corner, how far from it, above what, and whether open.

use super::check::{choice, flag, member, name_of, not_allowed, object, pixels};
use super::{Options, OptionsError};
use crate::host::value::Given;

pub(super) const KEYS: &[&str] = &["position", "offset", "zIndex", "openByDefault"];

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
        "offset" => options.offset = Some(offset(given)?),
        "zIndex" => options.z_index = Some(z_index(given)?),
        "openByDefault" => options.config.open_by_default = flag(key, given)?,
        _ => {}
    }
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
