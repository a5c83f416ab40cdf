//! The words of one widget: in its language, with what its page put in their
//! place. Which widget speaks is always said (`Scene::text`), since two on one
//! page may speak differently.

mod text;

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;

pub use self::text::{Text, keys};
use crate::shell::store::Kept;

/// A form of a text that depends on a number: the categories of Unicode's plural
/// rules. `Other` is the one that every text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Every number that has no form of its own.
    Other,
    /// Nothing.
    Zero,
    /// One, in most languages.
    One,
    /// Two.
    Two,
    /// A few.
    Few,
    /// Many.
    Many,
}

impl Form {
    /// Whether it is the name of a category.
    pub fn is_name(category: &str) -> bool {
        category == "other" || Self::named(category) != Self::Other
    }

    /// The form of a category's name; an unknown one is `Other`.
    pub fn named(category: &str) -> Self {
        match category {
            "zero" => Self::Zero,
            "one" => Self::One,
            "two" => Self::Two,
            "few" => Self::Few,
            "many" => Self::Many,
            _ => Self::Other,
        }
    }
}

/// Texts under their keys, in any order.
pub type Table = Vec<(Text, Form, String)>;

/// The words of one widget.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// The language for times and numbers, a BCP 47 tag; empty for English in
    /// the form that the visitor's browser likes.
    pub locale: String,
    /// What the page put in the place of the widget's own words.
    pub own: Table,
    /// The language; what it lacks is said in English.
    pub language: Table,
}

impl Words {
    /// The words for a text.
    pub fn text(&self, text: Text) -> &str {
        self.form(text, Form::Other)
    }

    /// The words for a text with a value in the place of the `%`.
    pub fn with(&self, text: Text, value: &str) -> String {
        self.text(text).replacen('%', value, 1)
    }

    /// The words for a text that depends on a number.
    pub fn form(&self, text: Text, form: Form) -> &str {
        let said = [&self.own, &self.language].into_iter().find_map(|table| {
            let find = |form| table.iter().find(|(key, kind, _)| *key == text && *kind == form);
            find(form).or_else(|| find(Form::Other)).map(|(_, _, words)| words.as_str())
        });
        let english = || match form {
            Form::One => text.form_for_one(),
            _ => text.english(),
        };
        said.unwrap_or_else(english)
    }
}

/// Which words one widget speaks, now. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Speech(Kept<Spoken>);

#[derive(Debug)]
struct Spoken {
    words: RefCell<Rc<Words>>,
    changed: ArcTrigger,
}

impl Speech {
    /// Speaks these words. Call within the owner that the widget is mounted under.
    pub fn new(words: Words) -> Self {
        let words = RefCell::new(Rc::new(words));
        Self(Kept::new(Spoken { words, changed: ArcTrigger::new() }))
    }

    /// Speaks other words from now on; everything is drawn anew.
    pub fn set(&self, words: Words) {
        if let Some(spoken) = self.0.get()
            && **spoken.words.borrow() != words
        {
            spoken.words.replace(Rc::new(words));
            spoken.changed.notify();
        }
    }

    /// The words; English once the widget is gone.
    pub fn words(&self) -> Rc<Words> {
        self.0.get().map(|spoken| Rc::clone(&spoken.words.borrow())).unwrap_or_default()
    }

    /// Runs the surrounding effect again when the words change.
    pub(super) fn track(self) {
        if let Some(spoken) = self.0.get() {
            spoken.changed.track();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_takes_the_place_of_the_mark() {
        let words = Words::default();
        assert_eq!(words.with(Text::TryAgainIn, "0:24"), "Try again in 0:24");
        assert_eq!(words.with(Text::Today, "100 %"), "Today, 100 %");
    }

    #[test]
    fn the_page_comes_before_the_language_and_the_language_before_english() {
        let said = |words: &str| words.to_owned();
        let words = Words {
            locale: said("de"),
            own: vec![(Text::Send, Form::Other, said("Ab"))],
            language: vec![
                (Text::Send, Form::Other, said("Senden")),
                (Text::NewAnswers, Form::One, said("1 neue Antwort")),
                (Text::NewAnswers, Form::Other, said("% neue Antworten")),
            ],
        };
        assert_eq!(words.text(Text::Send), "Ab");
        assert_eq!(words.text(Text::Stop), "Stop answering");
        assert_eq!(words.form(Text::NewAnswers, Form::One), "1 neue Antwort");
        assert_eq!(words.form(Text::NewAnswers, Form::Few), "% neue Antworten");
        assert_eq!(Words::default().form(Text::NewAnswers, Form::One), "1 new answer");
    }
}
