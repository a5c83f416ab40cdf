//! What it keeps, and where.

use super::check::{choice, flag, not_allowed};
use super::{Options, OptionsError};
use crate::engine::{Consent, Persist};
use crate::host::value::Given;

pub(super) const RARE_KEYS: &[&str] = &["history", "persist", "namespace", "expireMinutes", "consent"];

/// Keys of which another value would be another widget.
pub(super) const FIXED_KEYS: &[&str] = &["persist", "namespace"];

const PERSIST: [(&str, Persist); 3] =
    [("local", Persist::Local), ("session", Persist::Session), ("memory", Persist::Memory)];

pub(super) fn take_rare(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match key {
        "persist" => {
            options.config.persist = choice(key, given, &PERSIST, "\"local\", \"session\" or \"memory\"")?;
        }
        "history" => options.config.without_history = !flag(key, given)?,
        "namespace" => options.namespace = Some(namespace(given)?),
        "expireMinutes" => options.config.expire_minutes = Some(minutes(key, given)?),
        "consent" => options.config.consent = consent(given)?,
        _ => {}
    }
    Ok(())
}

/// Longest time that can be asked for, in minutes: a year.
const MAX_MINUTES: f64 = 525_600.0;

fn minutes(key: &str, given: &Given) -> Result<u32, OptionsError> {
    match given {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, and within a year"
        )]
        Given::Number(number) if number.fract() == 0.0 && (1.0..=MAX_MINUTES).contains(number) => {
            Ok(*number as u32)
        }
        _ => Err(not_allowed(key, given, "a whole number of minutes from 1 to 525600")),
    }
}

fn consent(given: &Given) -> Result<Consent, OptionsError> {
    match given {
        Given::Flag(true) => Ok(Consent::Given),
        Given::Flag(false) => Ok(Consent::Withheld),
        Given::Text(text) if text == "required" => Ok(Consent::Required),
        _ => Err(not_allowed("consent", given, "true, false or \"required\"")),
    }
}

fn namespace(given: &Given) -> Result<String, OptionsError> {
    match given {
        Given::Text(text) if chinwag_protocol::MessageId::parse(text).is_ok() => Ok(text.clone()),
        _ => Err(not_allowed("namespace", given, "1 to 64 letters, digits, _ or -")),
    }
}
