//! Which language it speaks, and in which direction that is read.

use super::check::{check_keys, choice, name_of, not_allowed, text};
use super::{Options, OptionsError};
use crate::host::value::Given;
use crate::view::strings::{Form, Table, Text, keys};

pub(super) const KEYS: &[&str] = &["locale"];

pub(super) const RARE_KEYS: &[&str] = &["dir", "strings"];

/// A direction of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    Ltr,
    /// From right to left.
    Rtl,
}

impl Direction {
    const ALL: [(&str, Self); 2] = [("ltr", Self::Ltr), ("rtl", Self::Rtl)];

    /// As it stands in options and in the element's `dir`.
    pub fn as_str(self) -> &'static str {
        name_of(&Self::ALL, &self)
    }
}

/// The direction of a language: that of its script, or of the script in which it
/// is mostly written.
pub fn direction_of(locale: &str) -> Direction {
    const LANGUAGES: [&str; 14] =
        ["ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "ps", "sd", "syr", "ug", "ur", "yi"];
    const SCRIPTS: [&str; 6] = ["arab", "hebr", "syrc", "thaa", "nkoo", "adlm"];
    let lower = locale.to_ascii_lowercase();
    let mut parts = lower.split('-');
    let language = parts.next().unwrap_or_default();
    let script = parts.find(|part| part.len() == 4);
    let is_rtl = script.map_or(LANGUAGES.contains(&language), |script| SCRIPTS.contains(&script));
    if is_rtl { Direction::Rtl } else { Direction::Ltr }
}

/// The language is fetched by the JavaScript face; here it only counts that it can
/// be.
pub(super) fn take(_options: &mut Options, _key: &str, given: &Given) -> Result<(), OptionsError> {
    locale(given)
}

pub(super) fn take_rare(options: &mut Options, key: &str, given: &Given) -> Result<(), OptionsError> {
    match key {
        "dir" => options.direction = Some(choice(key, given, &Direction::ALL, "\"ltr\" or \"rtl\"")?),
        "strings" => options.strings = strings(given)?,
        _ => {}
    }
    Ok(())
}

fn locale(given: &Given) -> Result<(), OptionsError> {
    let is_tag = |text: &str| {
        let mut parts = text.split('-');
        let language = parts.next().unwrap_or_default();
        (2..=3).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_alphabetic())
            && parts.all(|part| {
                (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
    };
    match given {
        Given::Text(text) if is_tag(text) => Ok(()),
        _ => Err(not_allowed("locale", given, "a language tag such as \"de\" or \"pt-BR\"")),
    }
}

/// Reads texts by their keys: `send`, or `newAnswers.one` for a form that
/// depends on a number.
fn strings(given: &Given) -> Result<Table, OptionsError> {
    let Given::Members(members) = given else {
        return Err(not_allowed("strings", given, "an object of texts, such as { send: \"Go\" }"));
    };
    let mut table = Table::new();
    for (key, given) in members {
        let (name, form) = key.split_once('.').unwrap_or((key, ""));
        let Some(text_of) = Text::named(name).filter(|_| form.is_empty() || Form::is_name(form)) else {
            let known: Vec<String> = keys().collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            check_keys("strings.", &[(name.to_owned(), Given::Nothing)], &known)?;
            return Err(not_allowed(
                "strings",
                &Given::Text(key.clone()),
                "keys with no ending, or .zero, .one, .two, .few, .many, .other",
            ));
        };
        if *given != Given::Nothing {
            let mut path = String::from("strings.");
            path.push_str(key);
            table.push((text_of, Form::named(form), text(&path, given)?));
        }
    }
    Ok(table)
}
