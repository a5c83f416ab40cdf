//! JSON objects, read member by member.
//!
//! What the relay answers is decoded in the widget, where every byte of code is
//! fetched by every visitor: a derived decoder costs 2 to 10 kB for each type.
//! Here one decoder cuts an object into its members, and each type says which
//! of them it takes. Requests, which only the relay reads, are derived.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::Json;

/// Why a text is not the answer it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
pub struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Cuts an object into its members.
    pub fn parse(text: &'a str) -> Result<Self, FieldError> {
        serde_json::from_str(text).map_err(|_| FieldError::NoObject)
    }

    /// A member's JSON text. `null` is as if it were not there.
    fn raw(&self, name: &str) -> Option<&'a str> {
        let member = self.0.iter().rev().find(|(key, _)| key == name);
        member.map(|(_, value)| value.get()).filter(|text| *text != "null")
    }

    fn read<T: Deserialize<'a>>(&self, name: &'static str) -> Result<Option<T>, FieldError> {
        self.raw(name).map(|text| serde_json::from_str(text).map_err(|_| FieldError::Wrong(name))).transpose()
    }

    /// A text.
    pub fn text(&self, name: &'static str) -> Result<Option<String>, FieldError> {
        self.read(name)
    }

    /// A text that must be there.
    pub fn need_text(&self, name: &'static str) -> Result<String, FieldError> {
        self.text(name)?.ok_or(FieldError::Missing(name))
    }

    /// A whole number that is not negative.
    pub fn number(&self, name: &'static str) -> Result<Option<u64>, FieldError> {
        self.read(name)
    }

    /// `true`, or else not.
    pub fn flag(&self, name: &'static str) -> bool {
        self.raw(name) == Some("true")
    }

    /// Any value, as it came.
    pub fn json(&self, name: &'static str) -> Result<Option<Json>, FieldError> {
        self.read(name)
    }

    /// An object of a known type.
    pub fn object<T: FromFields>(&self, name: &'static str) -> Result<Option<T>, FieldError> {
        self.raw(name).map(T::from_json).transpose()
    }

    /// A list of texts; empty if it is not there.
    pub fn texts(&self, name: &'static str) -> Result<Vec<String>, FieldError> {
        Ok(self.read(name)?.unwrap_or_default())
    }

    /// A list of objects of a known type.
    pub fn objects<T: FromFields>(&self, name: &'static str) -> Result<Vec<T>, FieldError> {
        let list: Vec<&RawValue> = self.read(name)?.unwrap_or_default();
        list.into_iter().map(|member| T::from_json(member.get())).collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Fields(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_by_type() {
        let text = r#" {"a":"x\n","b":7,"c":true,"d":{"e":[1]},"f":["y"],"g":null} "#;
        let fields = Fields::parse(text).unwrap();
        assert_eq!(fields.need_text("a"), Ok("x\n".into()));
        assert_eq!(fields.number("b"), Ok(Some(7)));
        assert!(fields.flag("c") && !fields.flag("b") && !fields.flag("z"));
        assert_eq!(fields.json("d").unwrap().unwrap().as_str(), r#"{"e":[1]}"#);
        assert_eq!(fields.texts("f"), Ok(vec!["y".into()]));
        assert_eq!(fields.text("g"), Ok(None));
        assert_eq!(fields.need_text("g"), Err(FieldError::Missing("g")));
        assert_eq!(fields.text("b"), Err(FieldError::Wrong("b")));
        assert_eq!(fields.number("a"), Err(FieldError::Wrong("a")));
        assert_eq!(fields.texts("a"), Err(FieldError::Wrong("a")));
    }

    #[test]
    fn of_two_members_of_one_name_the_last_counts() {
        assert_eq!(Fields::parse(r#"{"a":"x","a":"y"}"#).unwrap().need_text("a"), Ok("y".into()));
    }

    #[test]
    fn what_is_no_object_is_said_to_be_none() {
        for bad in ["", "null", "[]", "1", "{", "{\"a\":}", "{} x"] {
            assert_eq!(Fields::parse(bad).unwrap_err(), FieldError::NoObject, "{bad}");
        }
    }
}
