//! The options of `init` and `update`, checked: a key that is unknown or of the
//! wrong type is an error that names the key, what was given, and what is
//! allowed. One file for each group of the documentation; a key belongs to the
//! group that lists it in its `KEYS`, or in its `RARE_KEYS` if few pages give it.

mod ability;
mod address;
pub(super) mod check;
mod error;
mod kiosk;
mod language;
mod look;
mod memory;
mod place;
mod rare;
mod token;
mod words;

use super::value::Given;
use crate::engine::Config;
use crate::engine::part::{self, Lazy as _};
use crate::view::strings::Table;

pub use self::address::relay;
pub use self::error::{OptionsError, Wrong};
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

/// What many pages give. All other keys are in [`rare`], of the part `Setting`.
const USUAL: [(&[&str], Take); 6] = [
    (address::KEYS, address::take),
    (place::KEYS, place::take),
    (look::KEYS, look::take),
    (language::KEYS, language::take),
    (words::KEYS, words::take),
    (ability::KEYS, ability::take),
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
            return Err(Wrong::Fixed { key: key.clone() }.into());
        }
        let mut all = self.0.clone();
        merge(&mut all, changes);
        Ok(Self(all))
    }

    /// Whether a key was given.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(known, given)| known == key && *given != Given::Nothing)
    }

    /// Whether a key was given this text.
    pub fn is_text(&self, key: &str, text: &str) -> bool {
        self.0
            .iter()
            .any(|(known, given)| known == key && matches!(given, Given::Text(given) if given == text))
    }

    /// Whether the part `Setting` has to be there for [`Self::parse`], or to say what
    /// is wrong.
    pub fn needs_setting(&self) -> bool {
        self.has_rare() || self.parse().is_err()
    }

    fn has_rare(&self) -> bool {
        let is_rare = |(key, given): &(String, Given)| usual(key).is_none() || look::has_rare(given);
        self.0.iter().any(is_rare)
    }

    /// Checks them all.
    pub fn parse(&self) -> Result<Options, OptionsError> {
        let mut options = Options::default();
        for (key, given) in &self.0 {
            match usual(key) {
                Some(_) if *given == Given::Nothing => {}
                Some(take) => take(&mut options, key, given)?,
                None => part::Setting::enter_again(|| rare::take(&mut options, key, given))?,
            }
        }
        address::check(&options)?;
        if self.has_rare() {
            part::Setting::enter_again(|| {
                ability::check(&options)?;
                kiosk::settle(&mut options, &self.0)
            })?;
        }
        Ok(options)
    }
}

/// What takes a key that many pages give.
fn usual(key: &str) -> Option<Take> {
    USUAL.iter().find(|(keys, _)| keys.contains(&key)).map(|(_, take)| *take)
}

fn members(given: Given) -> Result<Vec<(String, Given)>, OptionsError> {
    match given {
        Given::Members(members) => Ok(members),
        other => Err(Wrong::NoObject { given: other.describe() }.into()),
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
