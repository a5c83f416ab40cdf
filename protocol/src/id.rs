//! Ids as they cross the wire. An id from outside becomes one of these types
//! by `parse`, and only then may be used as a key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::MAX_ID_CHARS;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Empty, too long, or with a character outside `[A-Za-z0-9_-]`.
    #[error("an id is 1 to {MAX_ID_CHARS} characters of A-Z, a-z, 0-9, _ and -")]
    Grammar,
    /// A site key lacks its `site_` prefix.
    #[error("a site key starts with \"site_\"")]
    Prefix,
    /// An event id is not `<epoch>:<seq>`.
    #[error("an event id is <epoch>:<sequence number>")]
    Event,
}

fn check(text: &str) -> Result<(), IdError> {
    let fits = !text.is_empty() && text.len() <= MAX_ID_CHARS;
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if fits && plain { Ok(()) } else { Err(IdError::Grammar) }
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads an id that came from outside.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                $check(&text)?;
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

id_type! {
    /// A conversation, named by the client before its first send. Ours are of
    /// version 7 of UUID; any `[A-Za-z0-9_-]{1,64}` is accepted. Unique per visitor.
    ConversationId, check
}
id_type! {
    /// A message, named by whoever wrote it. The visitor's message id is the
    /// key under which a send is accepted once.
    MessageId, check
}
id_type! {
    /// A site's public key, `site_[A-Za-z0-9_-]{1,64}`. Safe to publish.
    SiteKey, check_site
}

fn check_site(text: &str) -> Result<(), IdError> {
    check(text.strip_prefix("site_").ok_or(IdError::Prefix)?)
}

/// The `id:` of a stream frame: which log of a reply, and which place in it.
///
/// The epoch changes when a log is lost; a client that resumes with an id of
/// another epoch reloads the conversation instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventId {
    /// Names one log of one reply; `[A-Za-z0-9_-]{1,64}`.
    pub epoch: String,
    /// The chunk's place in the log, from 1.
    pub seq: u64,
}

impl FromStr for EventId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let (epoch, seq) = text.split_once(':').ok_or(IdError::Event)?;
        check(epoch).map_err(|_| IdError::Event)?;
        let digits = !seq.is_empty() && seq.bytes().all(|b| b.is_ascii_digit());
        let seq = seq.parse().ok().filter(|_| digits).ok_or(IdError::Event)?;
        Ok(Self { epoch: epoch.to_owned(), seq })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_and_bounded() {
        assert!(ConversationId::parse("0199f2c1-7d2e-7000-8000-000000000001").is_ok());
        for bad in ["", "a b", "a/b", "ä", "a\n", &"x".repeat(65)] {
            assert_eq!(ConversationId::parse(bad), Err(IdError::Grammar), "{bad:?}");
        }
    }

    #[test]
    fn a_site_key_has_its_prefix() {
        assert!(SiteKey::parse("site_demo").is_ok());
        assert_eq!(SiteKey::parse("demo"), Err(IdError::Prefix));
        assert_eq!(SiteKey::parse("site_"), Err(IdError::Grammar));
    }

    #[test]
    fn event_ids_read_what_they_write() {
        let id = EventId { epoch: "k3".into(), seq: 42 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "k3", "k3:", ":1", "k3:+1", "k3:-1", "k3:1x", "k 3:1"] {
            assert_eq!(bad.parse::<EventId>(), Err(IdError::Event), "{bad:?}");
        }
    }
}
