//! What it says before anybody has written.

use super::check::{member, milliseconds, not_allowed, object, picture, refused, text};
use super::{Options, OptionsError};
use crate::engine::Teaser;
use crate::host::value::Given;

pub(super) const KEYS: &[&str] =
    &["title", "avatarUrl", "greeting", "suggestions", "placeholder", "disclaimer"];

pub(super) const RARE_KEYS: &[&str] = &["teaser"];

/// How long a page is read before the teaser comes, in ms.
const TEASER_DELAY_MS: u32 = 3_000;

/// Most suggestions that are shown.
const MAX_SUGGESTIONS: usize = 4;

pub(super) fn take(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    let config = &mut options.config;
    match key {
        "title" => config.title = Some(text(key, given)?),
        "avatarUrl" => config.avatar_url = Some(picture(key, given)?),
        "greeting" => config.greeting = Some(text(key, given)?),
        "suggestions" => config.suggestions = Some(suggestions(given)?),
        "placeholder" => config.placeholder = Some(text(key, given)?),
        "disclaimer" => config.disclaimer = Some(text(key, given)?),
        _ => {}
    }
    Ok(())
}

pub(super) fn take_rare(options: &mut Options, _key: &str, given: &Given) -> Result<(), OptionsError> {
    options.config.teaser = Some(teaser(given)?);
    Ok(())
}

fn suggestions(given: &Given) -> Result<Vec<String>, OptionsError> {
    const ALLOWED: &str = "a list of at most 4 texts";
    let Given::List(list) = given else { return Err(not_allowed("suggestions", given, ALLOWED)) };
    if list.len() > MAX_SUGGESTIONS {
        let mut given = list.len().to_string();
        given.push_str(" of them");
        return Err(refused("suggestions", &given, ALLOWED));
    }
    let read = |(place, given): (usize, &Given)| {
        let mut key = String::from("suggestions[");
        key.push_str(&place.to_string());
        key.push(']');
        text(&key, given)
    };
    list.iter().enumerate().map(read).collect()
}

fn teaser(given: &Given) -> Result<Teaser, OptionsError> {
    const ALLOWED: &str = "an object with text, and delayMs if you like";
    let members = object("teaser", given, &["text", "delayMs"], ALLOWED)?;
    let words = member(members, "text").ok_or_else(|| not_allowed("teaser", given, ALLOWED))?;
    let delay = member(members, "delayMs").map(|given| milliseconds("teaser.delayMs", given));
    Ok(Teaser { text: text("teaser.text", words)?, delay_ms: delay.transpose()?.unwrap_or(TEASER_DELAY_MS) })
}
