//! What the tabs of one widget say to each other, so that a conversation is the
//! same in all of them. What comes in was written by a page of the same origin,
//! and perhaps by another version of the widget: a word that is not understood
//! is dropped.

use chinwag_protocol::object::list;
use chinwag_protocol::{
    Chunk, ConversationId, Feedback, FieldError, Fields, FromFields, ObjectWriter, UiMessage,
};

use super::attachment::SentFile;

/// Longest word that is read, in bytes: a reply's snapshot with all it cites.
pub const MAX_WORD_BYTES: usize = 1024 * 1024;

/// Something that one tab says to the others.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// A tab has come.
    Hello,
    /// Another is there already.
    Here,
    /// A question was accepted, and whoever says this follows its reply.
    Asked {
        /// In which conversation.
        conversation: ConversationId,
        /// Its id.
        question: String,
        /// What it says.
        text: String,
        /// What was sent along.
        files: Vec<SentFile>,
    },
    /// The next frames of the reply that is being followed.
    Frames {
        /// In which conversation.
        conversation: ConversationId,
        /// The id of the question.
        question: String,
        /// In order; none is a sign of life.
        frames: Vec<Frame>,
    },
    /// A tab has loaded a transcript whose last reply runs.
    Joining {
        /// In which conversation.
        conversation: ConversationId,
    },
    /// All of that reply so far.
    Snapshot {
        /// In which conversation.
        conversation: ConversationId,
        /// The id of the question.
        question: String,
        /// The reply as a message.
        reply: UiMessage,
        /// The frame after which the next ones come.
        last_event: Option<String>,
    },
    /// The reply was stopped; whoever follows it lets go.
    Stopped {
        /// In which conversation.
        conversation: ConversationId,
    },
    /// Another conversation is shown.
    Switched {
        /// Which.
        conversation: ConversationId,
        /// Whether it was begun just now, and nothing is in it.
        is_new: bool,
    },
    /// A rating was stored.
    Rated {
        /// In which conversation.
        conversation: ConversationId,
        /// The reply's id.
        message: String,
        /// Good or bad; `None` is a rating that was taken back.
        value: Option<Feedback>,
    },
    /// A conversation was given another title.
    Renamed {
        /// Which.
        conversation: ConversationId,
        /// The title.
        title: String,
    },
    /// A conversation was deleted.
    Deleted {
        /// Which.
        conversation: ConversationId,
    },
    /// The replies that nobody had seen were seen.
    Seen,
    /// The visitor is to be forgotten here too.
    Forgotten,
}

/// A frame of a stream, as one tab hands it on to the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its id, to resume after.
    pub id: Option<String>,
    /// What it says.
    pub chunk: Chunk,
}

impl Word {
    /// The word as JSON. A snapshot is written by [`snapshot`].
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::default();
        object.text("t", self.kind());
        match self {
            Self::Asked { conversation, question, text, files } => {
                object.text("c", conversation.as_str());
                object.text("q", question);
                object.text("text", text);
                if !files.is_empty() {
                    object.json("files", &list(files.iter().map(SentFile::to_json)));
                }
            }
            Self::Joining { conversation }
            | Self::Stopped { conversation }
            | Self::Deleted { conversation } => object.text("c", conversation.as_str()),
            Self::Rated { conversation, message, value } => {
                object.text("c", conversation.as_str());
                object.text("m", message);
                object.maybe("v", value.map(Feedback::as_str));
            }
            Self::Renamed { conversation, title } => {
                object.text("c", conversation.as_str());
                object.text("title", title);
            }
            Self::Switched { conversation, is_new } => {
                object.text("c", conversation.as_str());
                object.json("new", if *is_new { "true" } else { "false" });
            }
            _ => {}
        }
        object.finish()
    }

    /// Reads a word that says nothing but itself; those are understood at once,
    /// while all others wait for what takes them in.
    pub fn plain(json: &str) -> Option<Self> {
        let kind = Fields::parse(json).ok()?.text("t").ok()??;
        [Self::Hello, Self::Here, Self::Seen, Self::Forgotten].into_iter().find(|word| word.kind() == kind)
    }

    /// Whether it says nothing but itself.
    pub const fn is_plain(&self) -> bool {
        matches!(self, Self::Hello | Self::Here | Self::Seen | Self::Forgotten)
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Here => "here",
            Self::Asked { .. } => "asked",
            Self::Frames { .. } => "frames",
            Self::Joining { .. } => "joining",
            Self::Snapshot { .. } => "snapshot",
            Self::Stopped { .. } => "stopped",
            Self::Switched { .. } => "switched",
            Self::Rated { .. } => "rated",
            Self::Renamed { .. } => "renamed",
            Self::Deleted { .. } => "deleted",
            Self::Seen => "seen",
            Self::Forgotten => "forgotten",
        }
    }
}

/// Frames as a word: ids, and chunks as they came from the network.
pub fn frames<'a>(
    conversation: &ConversationId,
    question: &str,
    frames: impl Iterator<Item = (Option<&'a str>, &'a str)>,
) -> String {
    let frame = |(id, chunk): (Option<&str>, &str)| {
        let mut object = ObjectWriter::default();
        object.maybe("i", id);
        object.json("d", chunk);
        object.finish()
    };
    let mut object = ObjectWriter::default();
    object.text("t", "frames");
    object.text("c", conversation.as_str());
    object.text("q", question);
    object.json("f", &list(frames.map(frame)));
    object.finish()
}

/// A reply so far as a word; `reply` is the JSON of a message.
pub fn snapshot(
    conversation: &ConversationId,
    question: &str,
    reply: &str,
    last_event: Option<&str>,
) -> String {
    let mut object = ObjectWriter::default();
    object.text("t", "snapshot");
    object.text("c", conversation.as_str());
    object.text("q", question);
    object.json("reply", reply);
    object.maybe("last", last_event);
    object.finish()
}

impl FromFields for Word {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let conversation =
            || ConversationId::parse(&fields.need_text("c")?).map_err(|_| FieldError::Wrong("c"));
        Ok(match fields.need_text("t")?.as_str() {
            "hello" => Self::Hello,
            "here" => Self::Here,
            "seen" => Self::Seen,
            "forgotten" => Self::Forgotten,
            "asked" => Self::Asked {
                conversation: conversation()?,
                question: fields.need_text("q")?,
                text: fields.need_text("text")?,
                files: fields.objects("files")?,
            },
            "frames" => Self::Frames {
                conversation: conversation()?,
                question: fields.need_text("q")?,
                frames: fields.objects("f")?,
            },
            "joining" => Self::Joining { conversation: conversation()? },
            "stopped" => Self::Stopped { conversation: conversation()? },
            "snapshot" => Self::Snapshot {
                conversation: conversation()?,
                question: fields.need_text("q")?,
                reply: fields.object("reply")?.ok_or(FieldError::Missing("reply"))?,
                last_event: fields.text("last")?,
            },
            "switched" => Self::Switched { conversation: conversation()?, is_new: fields.flag("new") },
            "rated" => Self::Rated {
                conversation: conversation()?,
                message: fields.need_text("m")?,
                value: fields.text("v")?.as_deref().and_then(Feedback::from_wire),
            },
            "renamed" => Self::Renamed { conversation: conversation()?, title: fields.need_text("title")? },
            "deleted" => Self::Deleted { conversation: conversation()? },
            _ => return Err(FieldError::Wrong("t")),
        })
    }
}

impl FromFields for Frame {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let raw = fields.json("d").ok_or(FieldError::Missing("d"))?;
        let chunk = Chunk::from_json(raw.as_str()).map_err(|_| FieldError::Wrong("d"))?;
        Ok(Self { id: fields.text("i")?, chunk })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation() -> ConversationId {
        ConversationId::parse("c1").unwrap()
    }

    #[test]
    fn words_are_understood_as_they_were_meant() {
        for word in [
            Word::Hello,
            Word::Here,
            Word::Seen,
            Word::Forgotten,
            Word::Asked {
                conversation: conversation(),
                question: "m1".into(),
                text: "\"Why\"\n?".into(),
                files: vec![SentFile {
                    url: "/v1/files/a1".into(),
                    name: "a.png".into(),
                    media_type: "image/png".into(),
                }],
            },
            Word::Joining { conversation: conversation() },
            Word::Stopped { conversation: conversation() },
            Word::Switched { conversation: conversation(), is_new: true },
            Word::Rated {
                conversation: conversation(),
                message: "a1".into(),
                value: Some(Feedback::Negative),
            },
            Word::Rated { conversation: conversation(), message: "a1".into(), value: None },
            Word::Renamed { conversation: conversation(), title: "\"Which\"?".into() },
            Word::Deleted { conversation: conversation() },
        ] {
            assert_eq!(Word::from_json(&word.to_json()), Ok(word));
        }
    }

    #[test]
    fn what_says_nothing_but_itself_is_known_at_once() {
        for word in [Word::Hello, Word::Here, Word::Seen, Word::Forgotten] {
            assert_eq!(Word::plain(&word.to_json()).as_ref(), Some(&word));
            assert!(word.is_plain());
        }
        let word = Word::Stopped { conversation: conversation() };
        assert_eq!(Word::plain(&word.to_json()), None);
        assert!(!word.is_plain());
        assert_eq!(Word::plain("{"), None);
    }

    #[test]
    fn frames_and_snapshots_carry_what_came_from_the_network() {
        let raw = "{\"type\":\"text-delta\",\"id\":\"t\",\"delta\":\"ä\"}";
        let word = frames(&conversation(), "m1", [(Some("e:1"), raw), (None, raw)].into_iter());
        let Ok(Word::Frames { frames, .. }) = Word::from_json(&word) else { panic!("{word}") };
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[0].id.as_deref(), Some("e:1"));
        assert_eq!(frames[1].chunk, Chunk::TextDelta { id: "t".into(), delta: "ä".into() });

        let word = snapshot(
            &conversation(),
            "m1",
            "{\"id\":\"a\",\"role\":\"assistant\",\"parts\":[]}",
            Some("e:2"),
        );
        assert!(
            matches!(Word::from_json(&word), Ok(Word::Snapshot { last_event: Some(last), .. }) if last == "e:2")
        );
    }

    #[test]
    fn what_is_not_understood_is_no_word() {
        for bad in [
            "",
            "{}",
            "{\"t\":\"sing\"}",
            "{\"t\":\"asked\",\"c\":\"a b\"}",
            "{\"t\":\"frames\",\"c\":\"c\",\"q\":\"m\",\"f\":[{}]}",
        ] {
            assert!(Word::from_json(bad).is_err(), "{bad}");
        }
    }
}
