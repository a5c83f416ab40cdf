//! A JSON value that is carried, not read.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// JSON text that is known to be valid and that nobody here looks into: tool
/// inputs and outputs, page context. Kept as text, because a parsed tree costs
/// the widget 7 kB of code.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Checks a text and keeps it.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text.to_owned()).map(Self)
    }

    /// The JSON text as it came.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.as_str().trim_start().starts_with('{')
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}
