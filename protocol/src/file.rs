//! Files that a visitor sends along: `POST /v1/files`, and what a page is told
//! about them before it sends any.

use serde::{Deserialize, Serialize};

use crate::fields::{FieldError, Fields, FromFields};

/// The answer to an upload. As a `file` part of the next message it is sent on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredFile {
    /// Where it is: a path of the relay's, which only its visitor may read.
    pub url: String,
    /// What it was found to be.
    pub media_type: String,
    /// What it is called.
    pub filename: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What may be sent along with a message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileLimits {
    /// Largest file, in bytes.
    pub max_bytes: u64,
    /// Most files of one message.
    pub max_count: u64,
    /// The media types that are taken.
    pub types: Vec<String>,
}

impl FromFields for StoredFile {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            url: fields.need_text("url")?,
            media_type: fields.need_text("mediaType")?,
            filename: fields.text("filename")?.unwrap_or_default(),
            size: fields.number("size")?.unwrap_or_default(),
        })
    }
}

impl FromFields for FileLimits {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            max_bytes: fields.number("maxBytes")?.ok_or(FieldError::Missing("maxBytes"))?,
            max_count: fields.number("maxCount")?.ok_or(FieldError::Missing("maxCount"))?,
            types: fields.texts("types")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widget_reads_what_the_relay_writes() {
        let stored = StoredFile {
            url: "/v1/files/f1".into(),
            media_type: "image/png".into(),
            filename: "a \"b\".png".into(),
            size: 5,
        };
        assert_eq!(StoredFile::from_json(&serde_json::to_string(&stored).unwrap()), Ok(stored));
        let limits = FileLimits { max_bytes: 10, max_count: 2, types: vec!["text/plain".into()] };
        assert_eq!(FileLimits::from_json(&serde_json::to_string(&limits).unwrap()), Ok(limits));
    }
}
