//! What the groups of options have in common: the checks of a value, each of
//! which names the key and what is allowed.

use std::borrow::Cow;

use super::error::{OptionsError, Wrong};
use crate::host::value::Given;

/// Largest distance and radius, in CSS pixels: past it nothing is on screen.
const MAX_PIXELS: f64 = 1_000.0;

/// Longest wait: an hour.
const MAX_WAIT_MS: f64 = 3_600_000.0;

/// Longest text of an option, in characters.
const MAX_TEXT_CHARS: usize = 2_000;

const TEXT: &str = "a text of at most 2,000 characters";

/// A text.
pub(super) fn text(key: &str, given: &Given) -> Result<String, OptionsError> {
    match given {
        Given::Text(text) if text.chars().count() <= MAX_TEXT_CHARS => Ok(text.clone()),
        Given::Text(_) => Err(refused(key, "a longer one", TEXT)),
        _ => Err(not_allowed(key, given, TEXT)),
    }
}

/// `true` or `false`.
pub(super) fn flag(key: &str, given: &Given) -> Result<bool, OptionsError> {
    match given {
        Given::Flag(flag) => Ok(*flag),
        _ => Err(not_allowed(key, given, "true or false")),
    }
}

/// A wait.
pub(super) fn milliseconds(key: &str, given: &Given) -> Result<u32, OptionsError> {
    match given {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the bounds")]
        Given::Number(number) if (0.0..=MAX_WAIT_MS).contains(number) => Ok(*number as u32),
        _ => Err(not_allowed(key, given, "a number of milliseconds from 0 to 3600000")),
    }
}

/// The address of a picture. It goes into `src`, where nothing runs; this is
/// for mistakes.
pub(super) fn picture(key: &str, given: &Given) -> Result<String, OptionsError> {
    const BEGINNINGS: [&str; 6] = ["https://", "http://", "data:image/", "/", "./", "../"];
    match given {
        Given::Text(text)
            if BEGINNINGS.iter().any(|start| text.starts_with(start)) && !text.contains(char::is_control) =>
        {
            Ok(text.clone())
        }
        _ => Err(not_allowed(key, given, "the address of a picture: https://, data:image/ or a path")),
    }
}

/// A length on the screen.
pub(super) fn pixels(key: &str, given: &Given) -> Result<f64, OptionsError> {
    match given {
        Given::Number(number) if (0.0..=MAX_PIXELS).contains(number) => Ok(*number),
        _ => Err(not_allowed(key, given, "a number of pixels from 0 to 1000")),
    }
}

/// One word of a table.
pub(super) fn choice<T: Copy>(
    key: &str,
    given: &Given,
    table: &[(&'static str, T)],
    allowed: &'static str,
) -> Result<T, OptionsError> {
    let found = match given {
        Given::Text(text) => table.iter().find(|(name, _)| name == text),
        _ => None,
    };
    found.map(|(_, value)| *value).ok_or_else(|| not_allowed(key, given, allowed))
}

/// The word of a table for a value.
pub(super) fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}

/// The members of an object, of which every key is known.
pub(in crate::host) fn object<'a>(
    key: &str,
    given: &'a Given,
    known: &[&str],
    allowed: &'static str,
) -> Result<&'a [(String, Given)], OptionsError> {
    let Given::Members(members) = given else { return Err(not_allowed(key, given, allowed)) };
    let mut path = key.to_owned();
    path.push('.');
    check_keys(&path, members, known)?;
    Ok(members)
}

/// A member that was given.
pub(super) fn member<'a>(members: &'a [(String, Given)], name: &str) -> Option<&'a Given> {
    let given = members.iter().find(|(key, _)| key == name).map(|(_, given)| given);
    given.filter(|given| **given != Given::Nothing)
}

/// The error of a value that is not allowed.
pub(in crate::host) fn not_allowed(key: &str, given: &Given, allowed: &'static str) -> OptionsError {
    refused(key, &given.describe(), allowed)
}

/// The error of a value that is not allowed, told in other words than its own.
pub(in crate::host) fn refused(
    key: &str,
    given: &str,
    allowed: impl Into<Cow<'static, str>>,
) -> OptionsError {
    Wrong::NotAllowed { key: key.to_owned(), given: given.to_owned(), allowed: allowed.into() }.into()
}

/// Whether every key is known; if not, the error names the nearest one that is.
pub(super) fn check_keys(
    path: &str,
    members: &[(String, Given)],
    known: &[&str],
) -> Result<(), OptionsError> {
    let Some((key, _)) = members.iter().find(|(key, _)| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let nearest = known
        .iter()
        .map(|candidate| (distance(&key.to_ascii_lowercase(), &candidate.to_ascii_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len() / 2)
        // Who swaps two letters seldom swaps the first.
        .min_by_key(|(distance, candidate)| {
            (*distance, key.as_bytes().first() != candidate.as_bytes().first())
        })
        .map(|(_, candidate)| joined(path, candidate));
    Err(Wrong::Unknown { key: joined(path, key), nearest, known: known.join(", ") }.into())
}

fn joined(path: &str, key: &str) -> String {
    [path, key].concat()
}

/// Levenshtein's distance, in characters.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, left) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (cell, right) in row.iter_mut().skip(1).zip(to.chars()) {
            let substituted = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = substituted.min(before + 1).min(diagonal + 1);
            before = *cell;
        }
    }
    row.last().copied().unwrap_or_default()
}
