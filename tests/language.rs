//! The languages: every text in every one of them, in its own words.
#![expect(clippy::panic, reason = "a file that cannot be read has failed the test")]
#![cfg(not(target_arch = "wasm32"))]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chinwag::view::strings::{Form, Text, keys};

/// The languages beside English.
const LANGUAGES: [&str; 7] = ["ar", "de", "es", "fr", "ja", "pt", "zh"];

/// The forms that depend on a number which a language has beside the one that
/// every text has: the cardinal categories of Unicode's plural rules.
const FORMS: [(&str, &[&str]); 7] = [
    ("ar", &["zero", "one", "two", "few", "many"]),
    ("de", &["one"]),
    ("es", &["one", "many"]),
    ("fr", &["one", "many"]),
    ("ja", &[]),
    ("pt", &["one", "many"]),
    ("zh", &[]),
];

fn locales() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("locales")
}

fn language(tag: &str) -> BTreeMap<String, String> {
    let file = locales().join(tag).with_extension("json");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn every_file_is_a_language_that_is_tested() {
    let found: BTreeSet<String> = fs::read_dir(locales())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(found, LANGUAGES.map(str::to_owned).into());
}

#[test]
fn every_text_is_said_in_every_language_and_nothing_else_is() {
    let wanted: BTreeSet<String> = keys().collect();
    for tag in LANGUAGES {
        let language = language(tag);
        let plain: BTreeSet<String> = language.keys().filter(|key| !key.contains('.')).cloned().collect();
        let missing: Vec<&String> = wanted.difference(&plain).collect();
        let foreign: Vec<&String> = plain.difference(&wanted).collect();
        assert!(missing.is_empty(), "locales/{tag}.json lacks {missing:?}");
        assert!(foreign.is_empty(), "locales/{tag}.json has what nobody says: {foreign:?}");
        for (key, words) in &language {
            assert!(!words.trim().is_empty() && words.trim() == words, "locales/{tag}.json: {key}");
        }
    }
}

#[test]
fn a_text_that_counts_has_every_form_of_the_language() {
    let counting: Vec<String> = keys()
        .filter(|key| Text::named(key).is_some_and(|text| text.form_for_one() != text.english()))
        .collect();
    assert!(counting.contains(&"newAnswers".to_owned()));
    for (tag, forms) in FORMS {
        let language = language(tag);
        for key in &counting {
            for form in forms {
                let key = format!("{key}.{form}");
                assert!(language.contains_key(&key), "locales/{tag}.json lacks {key}");
            }
        }
        for (key, form) in language.keys().filter_map(|key| key.split_once('.')) {
            assert!(Form::is_name(form), "locales/{tag}.json: {key}.{form} is no form");
            assert!(counting.contains(&key.to_owned()), "locales/{tag}.json: {key} does not count");
            assert!(forms.contains(&form), "locales/{tag}.json: the language has no form {form}");
        }
    }
}

#[test]
fn a_value_has_its_place_in_every_language() {
    for tag in LANGUAGES {
        for (key, words) in language(tag) {
            let (name, form) = key.split_once('.').unwrap_or((&key, ""));
            let Some(text) = Text::named(name) else { continue };
            let places = words.matches('%').count();
            // "One new answer" needs no figure.
            let may_be_said_in_words = matches!(form, "zero" | "one" | "two");
            let wanted = text.english().matches('%').count();
            assert!(
                places == wanted || (may_be_said_in_words && places == 0),
                "locales/{tag}.json: {key} has {places} places for a value, not {wanted}"
            );
        }
    }
}

/// Words that are the same in both languages are listed with the language, so
/// that none is left in English unseen.
#[test]
fn what_reads_as_in_english_is_on_the_list() {
    let list = fs::read_to_string(locales().join("same-as-english.txt")).unwrap();
    let listed: BTreeSet<&str> =
        list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut same = BTreeSet::new();
    for tag in LANGUAGES {
        for (key, words) in language(tag) {
            let english = Text::named(&key).map(Text::english);
            if english == Some(words.as_str()) {
                same.insert(format!("{tag} {key}"));
            }
        }
    }
    let same: BTreeSet<&str> = same.iter().map(String::as_str).collect();
    assert_eq!(same, listed, "left: found, right: locales/same-as-english.txt");
}
