//! What it keeps, and where.

use super::check::{choice, flag, not_allowed};
use super::{Options, OptionsError};
use crate::engine::Persist;
use crate::host::value::Given;

pub(super) const KEYS: &[&str] = &["history", "persist", "namespace"];

/// Keys of which another value would be another widget.
pub(super) const FIXED_KEYS: &[&str] = &["persist", "namespace"];

const PERSIST: [(&str, Persist); 3] =
    [("local", Persist::Local), ("session", Persist::Session), ("memory", Persist::Memory)];

pub(super) fn take(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match key {
        "persist" => {
            options.config.persist = choice(key, given, &PERSIST, "\"local\", \"session\" or \"memory\"")?;
        }
        "history" => options.config.without_history = !flag(key, given)?,
        "namespace" => options.namespace = Some(namespace(given)?),
        _ => {}
    }
    Ok(())
}

fn namespace(given: &Given) -> Result<String, OptionsError> {
    match given {
        Given::Text(text) if chinwag_protocol::MessageId::parse(text).is_ok() => Ok(text.clone()),
        _ => Err(not_allowed("namespace", given, "1 to 64 letters, digits, _ or -")),
    }
}
