//! What is kept between visits. What was stored once must load forever: the
//! golden files in `tests/golden/saved` hold every form that was ever written.

use chinwag_protocol::{ConversationId, FieldError, Fields, FromFields, ObjectWriter};

/// The schema that is written today.
const VERSION: u32 = 1;

/// Longest text that is read back, in bytes. Storage is the page's, so a
/// hostile or broken script may have put anything there.
const MAX_SAVED_BYTES: usize = 64 * 1024;

/// What is kept between visits, under `cw:<site>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saved {
    version: u32,
    /// The visitor token; the access token is never kept.
    pub visitor: Option<String>,
    /// The conversation that is shown.
    pub conversation: Option<ConversationId>,
    /// Whether the panel is open. The loader reads this too, and fetches the
    /// widget at once if it is.
    pub open: bool,
    /// What stands in the composer.
    pub draft: String,
    /// Whether the words beside the launcher were put away for good.
    pub teaser_dismissed: bool,
}

/// Why stored text is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// Not JSON of this shape, or too large.
    #[error("what was stored cannot be read")]
    Corrupt,
    /// Written by a newer version of the widget.
    #[error("what was stored has schema {0}, which is newer than this widget")]
    Newer(u32),
}

impl Saved {
    /// What the widget has in mind now.
    pub fn new(
        visitor: Option<String>,
        conversation: Option<ConversationId>,
        open: bool,
        draft: String,
    ) -> Self {
        Self { version: VERSION, visitor, conversation, open, draft, ..Self::default() }
    }

    /// Reads what was stored.
    pub fn parse(text: &str) -> Result<Self, SavedError> {
        if text.len() > MAX_SAVED_BYTES {
            return Err(SavedError::Corrupt);
        }
        let saved = Self::from_json(text).map_err(|_| SavedError::Corrupt)?;
        match saved.version {
            VERSION => Ok(saved),
            version if version > VERSION => Err(SavedError::Newer(version)),
            _ => Err(SavedError::Corrupt),
        }
    }

    /// The text to store.
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::default();
        object.json("v", &self.version.to_string());
        object.maybe("visitor", self.visitor.as_deref());
        object.maybe("conversation", self.conversation.as_ref().map(ConversationId::as_str));
        object.json("open", if self.open { "true" } else { "false" });
        object.maybe("draft", Some(self.draft.as_str()).filter(|draft| !draft.is_empty()));
        if self.teaser_dismissed {
            object.json("teaserDismissed", "true");
        }
        object.finish()
    }
}

impl FromFields for Saved {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let version = fields.number("v")?.and_then(|version| u32::try_from(version).ok());
        let conversation = fields.text("conversation")?.map(|id| ConversationId::parse(&id)).transpose();
        Ok(Self {
            version: version.ok_or(FieldError::Missing("v"))?,
            visitor: fields.text("visitor")?,
            conversation: conversation.map_err(|_| FieldError::Wrong("conversation"))?,
            open: fields.flag("open"),
            draft: fields.text("draft")?.unwrap_or_default(),
            teaser_dismissed: fields.flag("teaserDismissed"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ever_stored_still_loads() {
        let saved = Saved::parse(include_str!("../../tests/golden/saved/v1.json")).unwrap();
        assert_eq!(saved.visitor.as_deref(), Some("eyJ0eXAi.e30.c2ln"));
        assert_eq!(saved.conversation.as_ref().unwrap().as_str(), "0199f2c1-7d2e-7000-8000-000000000001");
        assert!(saved.open);
        assert_eq!(saved.draft, "half a quest");
        assert_eq!(Saved::parse(&saved.to_json()), Ok(saved));
    }

    #[test]
    fn a_teaser_that_was_put_away_stays_away() {
        let saved = Saved::parse(include_str!("../../tests/golden/saved/v1-teaser.json")).unwrap();
        assert!(saved.teaser_dismissed);
        assert_eq!(Saved::parse(&saved.to_json()), Ok(saved));
    }

    #[test]
    fn what_is_corrupt_is_said_to_be() {
        let huge = format!("{{\"v\":1,\"draft\":\"{}\"}}", "x".repeat(MAX_SAVED_BYTES));
        for bad in ["", "null", "{}", "{\"v\":0}", "{\"v\":1,\"conversation\":\"a b\"}", &huge] {
            assert_eq!(Saved::parse(bad), Err(SavedError::Corrupt), "{bad:.40}");
        }
        assert_eq!(Saved::parse("{\"v\":2}"), Err(SavedError::Newer(2)));
    }
}
