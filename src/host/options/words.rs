//! What it says before anybody has written.

use super::check::{not_allowed, text};
use super::{Options, OptionsError};
use crate::host::value::Given;

pub(super) const KEYS: &[&str] = &["title", "greeting", "suggestions", "placeholder", "disclaimer"];

/// Most suggestions that are shown.
const MAX_SUGGESTIONS: usize = 4;

pub(super) fn take(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    let config = &mut options.config;
    match key {
        "title" => config.title = Some(text(key, given)?),
        "greeting" => config.greeting = Some(text(key, given)?),
        "suggestions" => config.suggestions = Some(suggestions(given)?),
        "placeholder" => config.placeholder = Some(text(key, given)?),
        "disclaimer" => config.disclaimer = Some(text(key, given)?),
        _ => {}
    }
    Ok(())
}

fn suggestions(given: &Given) -> Result<Vec<String>, OptionsError> {
    const ALLOWED: &str = "a list of at most 4 texts";
    let Given::List(list) = given else { return Err(not_allowed("suggestions", given, ALLOWED)) };
    if list.len() > MAX_SUGGESTIONS {
        let given = format!("{} of them", list.len());
        return Err(OptionsError::NotAllowed { key: "suggestions".to_owned(), given, allowed: ALLOWED });
    }
    list.iter().enumerate().map(|(place, given)| text(&format!("suggestions[{place}]"), given)).collect()
}
