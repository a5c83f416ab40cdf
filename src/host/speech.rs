//! The language of a widget: a file of texts that the JavaScript face has fetched,
//! the page's own texts before it, and the direction in which all that is read.

use chinwag_protocol::{FieldError, Fields};
use web_sys::HtmlElement;

use super::options::{Options, direction_of};
use crate::view::strings::{Form, Table, Text, Words};

/// Reads a language file: an object of texts under their keys. Keys that this
/// version does not know are left out.
pub fn parse(file: &str) -> Result<Table, FieldError> {
    let read = |(key, words): (&str, String)| {
        let (name, form) = key.split_once('.').unwrap_or((key, ""));
        Some((Text::named(name)?, Form::named(form), words))
    };
    Ok(Fields::parse(file)?.named_texts().filter_map(read).collect())
}

/// The words of a widget with these options, in this language.
pub fn words(options: &Options, locale: &str, language: Table) -> Words {
    Words { locale: locale.to_owned(), own: options.strings.clone(), language }
}

/// Shows the direction on the element: as the page said, or else as the language
/// is read.
pub fn show_direction(element: &HtmlElement, options: &Options, locale: &str) {
    let direction = options.direction.unwrap_or_else(|| direction_of(locale));
    let _ = element.set_attribute("dir", direction.as_str());
    if !locale.is_empty() {
        let _ = element.set_attribute("lang", locale);
    }
}
