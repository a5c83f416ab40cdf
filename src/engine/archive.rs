//! What is kept of conversations that no relay keeps: a list of them, and each
//! one's messages. It lives in the visitor's browser, so it is bounded, and what
//! is read of it may have been written by anybody.

use chinwag_protocol::object::list;
use chinwag_protocol::{
    Conversation, ConversationId, ConversationState, FieldError, Fields, FromFields, ObjectWriter, UiMessage,
};

/// Most conversations that are kept; the one longest not written to goes first.
pub const MAX_CONVERSATIONS: usize = 50;

/// Most that is kept of one conversation, in bytes; its oldest messages go first.
pub const MAX_CONVERSATION_BYTES: usize = 200 * 1024;

/// The schema that is written today.
const VERSION: &str = "1";

/// The list of conversations, the one last written to first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Index(Vec<Conversation>);

impl Index {
    /// Reads what was stored; what cannot be read is an empty list.
    pub fn parse(text: &str) -> Self {
        let fields = Fields::parse(text).ok();
        let is_known = |fields: &Fields<'_>| fields.number("v") == Ok(Some(1));
        let read = fields.filter(is_known).and_then(|fields| fields.objects::<Conversation>("list").ok());
        Self(read.unwrap_or_default().into_iter().take(MAX_CONVERSATIONS).collect())
    }

    /// The text to store.
    pub fn to_json(&self) -> String {
        let entry = |conversation: &Conversation| {
            let mut object = ObjectWriter::default();
            object.text("id", conversation.id.as_str());
            object.text("title", &conversation.title);
            object.text("createdAt", &conversation.created_at);
            object.text("updatedAt", &conversation.updated_at);
            object.finish()
        };
        let mut object = ObjectWriter::default();
        object.json("v", VERSION);
        object.json("list", &list(self.0.iter().map(entry)));
        object.finish()
    }

    /// The conversations whose titles hold a text, in small letters or large.
    pub fn matching(&self, query: &str) -> Vec<Conversation> {
        let query = query.to_lowercase();
        let matches = |conversation: &&Conversation| conversation.title.to_lowercase().contains(&query);
        self.0.iter().filter(matches).cloned().collect()
    }

    /// A conversation was written to at a time. Its title is the one that it
    /// had, or else this one. Gives those for which there is no more room.
    pub fn touch(&mut self, id: &ConversationId, title: &str, at: &str) -> Vec<ConversationId> {
        let known = self.0.iter().position(|conversation| conversation.id == *id).map(|at| self.0.remove(at));
        let mut touched = known.unwrap_or_else(|| Conversation {
            id: id.clone(),
            title: title.to_owned(),
            created_at: at.to_owned(),
            updated_at: String::new(),
            state: ConversationState::Ongoing,
            unread: 0,
        });
        at.clone_into(&mut touched.updated_at);
        self.0.insert(0, touched);
        let most = MAX_CONVERSATIONS.min(self.0.len());
        self.0.split_off(most).into_iter().map(|conversation| conversation.id).collect()
    }

    /// Gives a conversation another title; whether there is such a one.
    pub fn rename(&mut self, id: &ConversationId, title: &str) -> bool {
        let found = self.0.iter_mut().find(|conversation| conversation.id == *id);
        found.map(|conversation| title.clone_into(&mut conversation.title)).is_some()
    }

    /// Takes a conversation off the list.
    pub fn remove(&mut self, id: &ConversationId) {
        self.0.retain(|conversation| conversation.id != *id);
    }

    /// Takes the one off that was longest not written to, to make room.
    pub fn drop_oldest(&mut self) -> Option<ConversationId> {
        self.0.pop().map(|conversation| conversation.id)
    }

    /// Whether it holds one conversation or none.
    pub fn is_short(&self) -> bool {
        self.0.len() < 2
    }
}

/// The messages of one conversation as they are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept(pub Vec<UiMessage>);

impl FromFields for Kept {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        if fields.number("v")? != Some(1) {
            return Err(FieldError::Wrong("v"));
        }
        fields.objects("messages").map(Self)
    }
}

/// The text to store for messages, each as JSON: as many of the newest as there
/// is room for.
pub fn kept(messages: &[String]) -> String {
    let mut room = MAX_CONVERSATION_BYTES;
    let fits = |message: &&String| {
        let left = room.checked_sub(message.len() + 1);
        room = left.unwrap_or_default();
        left.is_some()
    };
    let mut newest: Vec<String> = messages.iter().rev().take_while(fits).cloned().collect();
    newest.reverse();
    let mut object = ObjectWriter::default();
    object.json("v", VERSION);
    object.json("messages", &list(newest));
    object.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> ConversationId {
        ConversationId::parse(&format!("c{number}")).unwrap()
    }

    #[test]
    fn the_list_reads_what_it_writes_and_what_is_written_to_comes_first() {
        let mut index = Index::default();
        index.touch(&id(1), "One", "2026-01-01T00:00:00.000Z");
        index.touch(&id(2), "Two", "2026-01-02T00:00:00.000Z");
        index.touch(&id(1), "Another", "2026-01-03T00:00:00.000Z");
        let titles: Vec<String> = index.matching("").into_iter().map(|found| found.title).collect();
        assert_eq!(titles, ["One", "Two"], "a title stays as it was");
        assert_eq!(Index::parse(&index.to_json()), index);
        assert!(index.rename(&id(2), "Zwei") && !index.rename(&id(9), "x"));
        assert_eq!(index.matching("ZW").len(), 1);
        index.remove(&id(1));
        assert_eq!(index.matching("").len(), 1);
    }

    #[test]
    fn there_is_an_end_to_how_many_are_kept() {
        let mut index = Index::default();
        let mut dropped = Vec::new();
        for number in 0..MAX_CONVERSATIONS + 2 {
            dropped.extend(index.touch(&id(number), "t", "2026-01-01T00:00:00.000Z"));
        }
        assert_eq!(dropped, [id(0), id(1)]);
        assert_eq!(index.matching("").len(), MAX_CONVERSATIONS);
    }

    #[test]
    fn the_newest_messages_are_kept_and_the_oldest_go() {
        let message = |number: usize| {
            let text = "x".repeat(50_000);
            format!(
                "{{\"id\":\"m{number}\",\"role\":\"user\",\"parts\":[{{\"type\":\"text\",\"text\":\"{text}\"}}]}}"
            )
        };
        let text = kept(&(0..9).map(message).collect::<Vec<_>>());
        assert!(text.len() < MAX_CONVERSATION_BYTES + 100);
        let read = Kept::from_json(&text).unwrap();
        let ids: Vec<&str> = read.0.iter().map(|message| message.id.as_str()).collect();
        assert_eq!(ids.last(), Some(&"m8"));
        assert!((3..=4).contains(&ids.len()), "{ids:?}");
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        for bad in ["", "{}", "{\"v\":2,\"list\":[]}", "{\"v\":1,\"list\":[{\"id\":\"a b\"}]}"] {
            assert_eq!(Index::parse(bad), Index::default(), "{bad}");
        }
        assert!(Kept::from_json("{\"v\":2,\"messages\":[]}").is_err());
    }
}
