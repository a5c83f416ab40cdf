//! What is wrong with the options of a page, in words for the one who wrote it.

use std::borrow::Cow;
use std::fmt;

use crate::engine::Part;
use crate::engine::part::{self, Lazy as _};
use crate::shell::part::is_here;

/// An error in the options. In a box, since every check may give one, and what it
/// gives is moved at every step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionsError(Box<Wrong>);

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever reads options asks before whether it will be needed.
        if !is_here(Part::Setting) {
            return f.write_str("an option is wrong");
        }
        part::Setting::enter_again(|| fmt::Display::fmt(&self.0, f))
    }
}

impl std::error::Error for OptionsError {}

impl From<Wrong> for OptionsError {
    fn from(wrong: Wrong) -> Self {
        Self(Box::new(wrong))
    }
}

/// What is wrong with the options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
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
        allowed: Cow<'static, str>,
    },
    /// A key that must be there.
    #[error("option \"{key}\" is missing: {allowed}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A secret that every visitor could read.
    #[error(
        "option \"{key}\" looks like a provider's key, and every visitor could read it: take it out of `headers`, \
         revoke it, and let a relay keep the next one (docs/security.md)"
    )]
    Exposed {
        /// The key, with its path.
        key: String,
    },
    /// A key that `update` cannot change.
    #[error("option \"{key}\" cannot be changed by update(): destroy() the widget and init() another")]
    Fixed {
        /// The key.
        key: String,
    },
}
