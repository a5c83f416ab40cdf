//! The options of `init` and `update`, checked: a key that is unknown or of the
//! wrong type is an error that names the key, what was given, and what is
//! allowed. One file for each group of the documentation; a key belongs to the
//! group that lists it in its `KEYS`.

mod ability;
mod address;
pub(super) mod check;
mod error;
mod kiosk;
mod language;
mod look;
mod memory;
mod place;
mod token;
mod words;

use self::check::check_keys;
use super::value::Given;
use crate::engine::Config;
use crate::view::strings::Table;

pub use self::address::relay;
pub use self::error::OptionsError;
pub use self::language::{Direction, direction_of};
pub use self::look::{Scheme, Theme};
pub(super) use self::place::TARGET;
pub use self::place::{Position, mode_name};
pub use self::token::Token;

/// The options, checked. What was not given is `None` or the default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// What behaviour and words depend on.
    pub config: Config,
    /// The relay's origin, without a slash at the end.
    pub relay: Option<String>,
    /// The address of an AI SDK endpoint that is talked to without a relay.
    pub api: Option<String>,
    /// Headers that go along with every request.
    pub headers: Vec<(String, String)>,
    /// Whether files can be sent along, if the page said so.
    pub attachments: Option<bool>,
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
    /// Which elements of the page open and close it, as a CSS selector.
    pub launcher_selector: Option<String>,
    /// In which direction it reads; `None` for that of the language.
    pub direction: Option<Direction>,
    /// What the page put in the place of the widget's own words.
    pub strings: Table,
}

/// Takes the value of one key of a group.
type Take = fn(&mut Options, &str, &Given) -> Result<(), OptionsError>;

/// Every key of the options, group by group, in the order of the documentation.
const GROUPS: [(&[&str], Take); 8] = [
    (address::KEYS, address::take),
    (place::KEYS, place::take),
    (look::KEYS, look::take),
    (language::KEYS, language::take),
    (words::KEYS, words::take),
    (memory::KEYS, memory::take),
    (ability::KEYS, ability::take),
    (kiosk::KEYS, kiosk::take),
];

/// Whether a key names who the widget talks to, where it stands or where it
/// keeps things: another value is another widget.
fn is_fixed(key: &str) -> bool {
    [address::FIXED_KEYS, place::FIXED_KEYS, memory::FIXED_KEYS].iter().any(|keys| keys.contains(&key))
}

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
        if let Some((key, _)) = changes.iter().find(|(key, _)| is_fixed(key)) {
            return Err(OptionsError::Fixed { key: key.clone() });
        }
        let mut all = self.0.clone();
        merge(&mut all, changes);
        Ok(Self(all))
    }

    /// Checks them all.
    pub fn parse(&self) -> Result<Options, OptionsError> {
        let mut options = Options::default();
        let known: Vec<&str> = GROUPS.iter().flat_map(|(keys, _)| keys.iter().copied()).collect();
        check_keys("", &self.0, &known)?;
        for (key, given) in &self.0 {
            let group = GROUPS.iter().find(|(keys, _)| keys.contains(&key.as_str()));
            if let Some((_, take)) = group.filter(|_| *given != Given::Nothing) {
                take(&mut options, key, given)?;
            }
        }
        address::check(&options)?;
        ability::check(&options)?;
        kiosk::settle(&mut options, &self.0)?;
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

#[cfg(test)]
mod tests;
