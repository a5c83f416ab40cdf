//! A JSON value that is carried, not read.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// JSON text that is known to be valid and that nobody here looks into: tool
/// inputs and outputs, page context. Kept as text, because a parsed tree costs
/// the widget 7 kB of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json(Box<str>);

/// Whether a text is JSON. There once, for all that is read.
#[inline(never)]
pub(crate) fn check(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<IgnoredAny>(text).map(drop)
}

impl Json {
    /// Checks a text and keeps it.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        check(text).map(|()| Self::known(text.trim_ascii()))
    }

    /// Keeps a text that was found to be JSON.
    pub(crate) fn known(text: &str) -> Self {
        Self(text.into())
    }

    /// The JSON text as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.as_str().starts_with('{')
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Self(raw.into()))
    }
}
