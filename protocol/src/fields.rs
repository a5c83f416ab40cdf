//! JSON objects, read member by member.
//!
//! What the relay answers is decoded in the widget, where every byte of code is
//! fetched by every visitor: a derived decoder costs 2 to 10 kB for each type,
//! and its error messages bring in 25 kB of floating point formatting. Here
//! `serde_json` checks that a text is JSON, once; what is known to be JSON is
//! cut into its members, and each type says which of them it takes. Requests,
//! which only the relay reads, are derived.

use crate::json::{self, Json};

/// Why a text is not the answer it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Not JSON, or not an object.
    #[error("not a JSON object")]
    NoObject,
    /// A member that must be there is not.
    #[error("field {0} is missing")]
    Missing(&'static str),
    /// A member is of another type, or holds what it must not.
    #[error("field {0} is of the wrong type")]
    Wrong(&'static str),
}

/// A type that is read from a JSON object.
pub trait FromFields: Sized {
    /// Takes what it needs. Members that it does not know are ignored.
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError>;

    /// Reads it from JSON text.
    fn from_json(text: &str) -> Result<Self, FieldError> {
        Self::from_fields(&Fields::parse(text)?)
    }
}

/// The members of one JSON object, each as the text it came as.
#[derive(Debug)]
pub struct Fields<'a>(Vec<(String, &'a str)>);

impl<'a> Fields<'a> {
    /// Checks a text and cuts it into its members.
    pub fn parse(text: &'a str) -> Result<Self, FieldError> {
        json::check(text).map_err(|_| FieldError::NoObject)?;
        Self::cut(text).ok_or(FieldError::NoObject)
    }

    /// Cuts a text that is known to be JSON; `None` if it is not an object.
    fn cut(json: &'a str) -> Option<Self> {
        let inside = json.trim_ascii().strip_prefix('{')?.strip_suffix('}')?;
        let mut members = Vec::new();
        for member in (Elements { rest: inside }) {
            let (name, value) = member.split_at(extent(member));
            let value = value.trim_ascii_start().strip_prefix(':')?;
            members.push((unquote(name.trim_ascii())?, value.trim_ascii()));
        }
        Some(Self(members))
    }

    /// A member's JSON text. `null` is as if it were not there.
    fn raw(&self, name: &str) -> Option<&'a str> {
        let member = self.0.iter().rev().find(|(key, _)| key == name);
        member.map(|(_, value)| *value).filter(|text| *text != "null")
    }

    /// A text.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, FieldError> {
        match self.raw(name) {
            None => Ok(None),
            Some(raw) => unquote(raw).map(Some).ok_or(FieldError::Wrong(name)),
        }
    }

    /// Every member that is a text, in order, by its name.
    pub fn named_texts(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().filter_map(|(name, raw)| Some((name.as_str(), unquote(raw)?)))
    }

    /// A text that must be there.
    pub fn need_text(&self, name: &'static str) -> Result<String, FieldError> {
        self.text(name)?.ok_or(FieldError::Missing(name))
    }

    /// A whole number that is not negative.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, FieldError> {
        match self.raw(name) {
            None => Ok(None),
            Some(raw) => raw.parse().map(Some).map_err(|_| FieldError::Wrong(name)),
        }
    }

    /// `true`, or else not.
    pub fn flag(&self, name: &'static str) -> bool {
        self.raw(name) == Some("true")
    }

    /// Any value, as it came.
    pub fn json(&self, name: &str) -> Option<Json> {
        self.raw(name).map(Json::known)
    }

    /// An object of a known type.
    pub fn object<T: FromFields>(&self, name: &'static str) -> Result<Option<T>, FieldError> {
        match self.raw(name) {
            None => Ok(None),
            Some(raw) => T::from_fields(&Self::cut(raw).ok_or(FieldError::Wrong(name))?).map(Some),
        }
    }

    /// A list of texts; empty if it is not there.
    pub fn texts(&self, name: &'static str) -> Result<Vec<String>, FieldError> {
        let mut texts = Vec::new();
        for raw in self.elements(name)? {
            texts.push(unquote(raw).ok_or(FieldError::Wrong(name))?);
        }
        Ok(texts)
    }

    /// A list of objects of a known type.
    pub fn objects<T: FromFields>(&self, name: &'static str) -> Result<Vec<T>, FieldError> {
        let mut objects = Vec::new();
        for raw in self.elements(name)? {
            objects.push(T::from_fields(&Self::cut(raw).ok_or(FieldError::Wrong(name))?)?);
        }
        Ok(objects)
    }

    fn elements(&self, name: &'static str) -> Result<Elements<'a>, FieldError> {
        match self.raw(name) {
            None => Ok(Elements { rest: "" }),
            Some(raw) => {
                let inside = raw.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                Ok(Elements { rest: inside.ok_or(FieldError::Wrong(name))? })
            }
        }
    }
}

/// Reads an object of many shapes, of which each takes other members. It goes
/// on past a member that is missing or wrong, and says so at the end: a branch
/// at every member would be most of the code.
pub(crate) struct Reader<'a> {
    fields: &'a Fields<'a>,
    error: Result<(), FieldError>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(fields: &'a Fields<'a>) -> Self {
        Self { fields, error: Ok(()) }
    }

    /// The first thing that was missing or wrong.
    pub(crate) fn finish(self) -> Result<(), FieldError> {
        self.error
    }

    fn fail(&mut self, error: FieldError) {
        self.error = self.error.and(Err(error));
    }

    /// A text that may be missing.
    #[inline(never)]
    pub(crate) fn maybe(&mut self, name: &'static str) -> Option<String> {
        self.fields.text(name).unwrap_or_else(|error| {
            self.fail(error);
            None
        })
    }

    /// A text that must be there.
    #[inline(never)]
    pub(crate) fn need(&mut self, name: &'static str) -> String {
        let text = self.maybe(name);
        if text.is_none() {
            self.fail(FieldError::Missing(name));
        }
        text.unwrap_or_default()
    }

    /// A text that is empty if it is missing.
    pub(crate) fn text(&mut self, name: &'static str) -> String {
        self.maybe(name).unwrap_or_default()
    }

    /// Any value, as it came.
    pub(crate) fn json(&self, name: &str) -> Option<Json> {
        self.fields.json(name)
    }

    /// Any value that must be there.
    pub(crate) fn need_json(&mut self, name: &'static str) -> Json {
        self.json(name).unwrap_or_else(|| {
            self.fail(FieldError::Missing(name));
            Json::known("null")
        })
    }

    /// An object of a known type.
    pub(crate) fn object<T: FromFields>(&mut self, name: &'static str) -> Option<T> {
        self.fields.object(name).unwrap_or_else(|error| {
            self.fail(error);
            None
        })
    }

    /// The member `data`, if it is of this type. Of another it is no error:
    /// anybody may send data of their own.
    pub(crate) fn data<T: FromFields>(&self) -> Option<T> {
        self.fields.object("data").ok().flatten()
    }
}

/// What stands between the commas of a list or an object.
struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_ascii();
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        // A value, or a name and a value with a colon between them.
        while let Some(tail) = rest.get(end..).filter(|tail| !is_over(tail)) {
            end += extent(tail).max(1);
        }
        let (element, tail) = rest.split_at_checked(end)?;
        self.rest = tail.trim_ascii_start().strip_prefix(',').unwrap_or_default();
        Some(element.trim_ascii())
    }
}

/// Whether an element ends where this begins.
fn is_over(tail: &str) -> bool {
    let tail = tail.trim_ascii_start();
    tail.is_empty() || tail.starts_with(',')
}

/// How far the first value of a JSON text reaches, white space before it
/// included: over a whole string, list or object; over one byte of anything
/// else, which is enough to find the next comma.
fn extent(json: &str) -> usize {
    let mut depth = 0_u32;
    let mut in_string = false;
    let mut is_escaped = false;
    for (at, byte) in json.bytes().enumerate() {
        if in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
        } else {
            match byte {
                b'"' => in_string = true,
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => continue,
                _ => {}
            }
        }
        if depth == 0 && !in_string {
            return at + 1;
        }
    }
    json.len()
}

/// The text of a JSON string. A surrogate without its other half, which no
/// Rust text can hold, becomes the replacement character.
fn unquote(json: &str) -> Option<String> {
    let mut rest = json.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = String::with_capacity(rest.len());
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut characters = escape.chars();
        match characters.next()? {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{C}'),
            'u' => {
                let (character, after) = unicode(characters.as_str())?;
                out.push(character);
                rest = after;
                continue;
            }
            same => out.push(same),
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    Some(out)
}

/// The character of the four digits behind `\u`, and what follows them. Beyond
/// the first plane a character is two such escapes.
fn unicode(digits: &str) -> Option<(char, &str)> {
    let (unit, rest) = utf16_unit(digits)?;
    if (0xD800..0xDC00).contains(&unit)
        && let Some((low, after)) = rest.strip_prefix("\\u").and_then(utf16_unit)
        && (0xDC00..0xE000).contains(&low)
    {
        let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        return Some((char::from_u32(code)?, after));
    }
    Some((char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), rest))
}

fn utf16_unit(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_by_type() {
        let text = r#" {"a" : "x\n" , "b":7,"c":true,"d":{"e":[1,"]}"]},"f":["y", "z,"],"g":null, "h":[{"n":1},{}]} "#;
        let fields = Fields::parse(text).unwrap();
        assert_eq!(fields.need_text("a"), Ok("x\n".into()));
        assert_eq!(fields.number("b"), Ok(Some(7)));
        assert!(fields.flag("c") && !fields.flag("b") && !fields.flag("z"));
        assert_eq!(fields.json("d").unwrap().as_str(), r#"{"e":[1,"]}"]}"#);
        assert_eq!(fields.texts("f"), Ok(vec!["y".into(), "z,".into()]));
        assert_eq!(fields.texts("none"), Ok(vec![]));
        assert_eq!(fields.text("g"), Ok(None));
        assert_eq!(fields.need_text("g"), Err(FieldError::Missing("g")));
        assert_eq!(fields.text("b"), Err(FieldError::Wrong("b")));
        assert_eq!(fields.number("a"), Err(FieldError::Wrong("a")));
        assert_eq!(fields.texts("a"), Err(FieldError::Wrong("a")));
        assert_eq!(fields.elements("h").unwrap().collect::<Vec<_>>(), [r#"{"n":1}"#, "{}"]);
    }

    #[test]
    fn of_two_members_of_one_name_the_last_counts() {
        assert_eq!(Fields::parse(r#"{"a":"x","a":"y"}"#).unwrap().need_text("a"), Ok("y".into()));
    }

    #[test]
    fn what_is_no_object_is_said_to_be_none() {
        for bad in [
            "",
            "null",
            "[]",
            "1",
            "\"{}\"",
            "{",
            "{\"a\":}",
            "{} x",
            "{\"a\" 1}",
            "{\"a\":01}",
            "{\"a\":\"\n\"}",
        ] {
            assert_eq!(Fields::parse(bad).unwrap_err(), FieldError::NoObject, "{bad}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_replaced() {
        let text = |json: &str| Fields::parse(json).unwrap().need_text("a").unwrap();
        assert_eq!(text(r#"{"a":"\ud83d\ude00"}"#), "\u{1F600}");
        assert_eq!(text(r#"{"a":"\ud83d!"}"#), "\u{FFFD}!");
        assert_eq!(text(r#"{"a":"\ude00\u0041"}"#), "\u{FFFD}A");
    }
}
