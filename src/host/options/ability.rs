//! What it can do for its page, and what the page does for it.

use super::check::{flag, not_allowed};
use super::{Options, OptionsError};
use crate::host::value::Given;

pub(super) const KEYS: &[&str] = &["tools", "context", "sound", "onReady", "onError"];

pub(super) fn take(_options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match key {
        // Made by the JavaScript face.
        "sound" => flag(key, given).map(drop),
        // Called by the JavaScript face; here it only counts that they can be.
        "onReady" | "onError" if *given != Given::Function => Err(not_allowed(key, given, "a function")),
        // Tools and context are read by `host::tool` and `host::context`, which know
        // what no plain value holds: functions, and JSON of any depth.
        _ => Ok(()),
    }
}
