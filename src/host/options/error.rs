//! What is wrong with the options of a page, in words for the one who wrote it.

use std::borrow::Cow;

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
