//! What is kept between visits. What was stored once must load forever: the
//! golden files in `tests/golden/saved` hold every form that was ever written.

use chinwag_protocol::object::list;
use chinwag_protocol::{ConversationId, FieldError, Fields, FromFields, ObjectWriter};

use super::attachment::SentFile;

/// The schema that is written today.
const VERSION: u32 = 1;

/// Longest text that is read back, in bytes. Storage is the page's, so a
/// hostile or broken script may have put anything there.
const MAX_SAVED_BYTES: usize = 256 * 1024;

/// What is kept between visits, under `cw:<site>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saved {
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
    /// What was written without a network and waits to be sent.
    pub waiting: Vec<Waiting>,
    /// How many replies came that nobody has seen.
    pub unread: u32,
    /// Whether the visitor agreed in the panel that things are kept and sent.
    pub agreed: bool,
    /// When a message was last sent or received, in ms since 1970.
    pub active_at: Option<u64>,
}

/// A message that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its id, under which it is accepted once.
    pub id: String,
    /// What it says.
    pub text: String,
    /// What goes along.
    pub files: Vec<SentFile>,
}

impl FromFields for Waiting {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            id: fields.need_text("id")?,
            text: fields.need_text("text")?,
            files: fields.objects("files")?,
        })
    }
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
        Self { visitor, conversation, open, draft, ..Self::default() }
    }

    /// Reads what was stored.
    pub fn parse(text: &str) -> Result<Self, SavedError> {
        if text.len() > MAX_SAVED_BYTES {
            return Err(SavedError::Corrupt);
        }
        let fields = Fields::parse(text).map_err(|_| SavedError::Corrupt)?;
        let version = fields.number("v").ok().flatten().and_then(|version| u32::try_from(version).ok());
        match version {
            Some(VERSION) => Self::from_fields(&fields).map_err(|_| SavedError::Corrupt),
            Some(version) if version > VERSION => Err(SavedError::Newer(version)),
            _ => Err(SavedError::Corrupt),
        }
    }

    /// The text to store.
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::default();
        object.json("v", &VERSION.to_string());
        object.maybe("visitor", self.visitor.as_deref());
        object.maybe("conversation", self.conversation.as_ref().map(ConversationId::as_str));
        object.json("open", if self.open { "true" } else { "false" });
        object.maybe("draft", Some(self.draft.as_str()).filter(|draft| !draft.is_empty()));
        if self.teaser_dismissed {
            object.json("teaserDismissed", "true");
        }
        if !self.waiting.is_empty() {
            object.json("waiting", &list(self.waiting.iter().map(Waiting::to_json)));
        }
        if self.unread > 0 {
            object.json("unread", &self.unread.to_string());
        }
        if self.agreed {
            object.json("agreed", "true");
        }
        if let Some(at) = self.active_at {
            object.json("at", &at.to_string());
        }
        object.finish()
    }
}

impl Waiting {
    fn to_json(&self) -> String {
        let mut object = ObjectWriter::default();
        object.text("id", &self.id);
        object.text("text", &self.text);
        if !self.files.is_empty() {
            object.json("files", &list(self.files.iter().map(SentFile::to_json)));
        }
        object.finish()
    }
}

impl FromFields for Saved {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let conversation = fields.text("conversation")?.map(|id| ConversationId::parse(&id)).transpose();
        Ok(Self {
            visitor: fields.text("visitor")?,
            conversation: conversation.map_err(|_| FieldError::Wrong("conversation"))?,
            open: fields.flag("open"),
            draft: fields.text("draft")?.unwrap_or_default(),
            teaser_dismissed: fields.flag("teaserDismissed"),
            waiting: fields.objects("waiting")?,
            unread: fields
                .number("unread")?
                .and_then(|unread| u32::try_from(unread).ok())
                .unwrap_or_default(),
            agreed: fields.flag("agreed"),
            active_at: fields.number("at")?,
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

        let saved = Saved::parse(include_str!("../../tests/golden/saved/v1-waiting.json")).unwrap();
        assert_eq!(saved.waiting.len(), 2);
        assert_eq!(saved.waiting[1].text, "And \"when\"?");
        assert_eq!((saved.unread, saved.agreed, saved.active_at), (3, true, Some(1_795_343_040_250)));
        assert_eq!(Saved::parse(&saved.to_json()), Ok(saved));
    }

    #[test]
    fn what_waits_keeps_its_files() {
        let saved = Saved::parse(include_str!("../../tests/golden/saved/v1-files.json")).unwrap();
        assert_eq!(saved.waiting[0].files[0].name, "beans.png");
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
