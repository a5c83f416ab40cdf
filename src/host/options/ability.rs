//! What it can do for its page, and what the page does for it.

use super::check::{flag, not_allowed};
use super::{Options, OptionsError};
use crate::host::value::Given;

pub(super) const KEYS: &[&str] = &["sound", "onReady", "onError"];

pub(super) const RARE_KEYS: &[&str] = &["tools", "context", "attachments"];

pub(super) fn take(_options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match key {
        // Made by the JavaScript face.
        "sound" => flag(key, given).map(drop),
        // Called by the JavaScript face; here it only counts that they can be.
        "onReady" | "onError" if *given != Given::Function => Err(not_allowed(key, given, "a function")),
        _ => Ok(()),
    }
}

/// Tools and context are read by `host::tool` and `host::context`, which know what
/// no plain value holds: functions, and JSON of any depth.
pub(super) fn take_rare(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    if key == "attachments" {
        options.attachments = Some(flag(key, given)?);
        options.config.without_files = options.attachments == Some(false);
    }
    Ok(())
}

/// Whether what was given fits together: without a relay nobody keeps files.
pub(super) fn check(options: &Options) -> Result<(), OptionsError> {
    if options.config.is_direct && options.attachments == Some(true) {
        let allowed = "false or left out with api, since only a relay takes files";
        return Err(not_allowed("attachments", &Given::Flag(true), allowed));
    }
    Ok(())
}
