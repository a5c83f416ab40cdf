//! What the provider keeps: conversations and their messages. Only those are
//! listed that were made through its API.

use chinwag_protocol::limits::MAX_PAGE_ITEMS;
use chinwag_protocol::{ConversationState, Feedback, Json, MessageMetadata, Part, Role, UiMessage};
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{ChatbaseV2, user_id};
use crate::upstream::Turn;
use crate::upstream::failure::UpstreamFailure;
use crate::upstream::http::Call;

/// How many of a visitor's newest conversations may be the one that is looked
/// for: each costs a request.
const MAX_CANDIDATES: usize = 3;

/// One page of a list. Lists of conversations begin with the newest; pages of
/// messages run backward from the newest, oldest first within a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub data: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub cursor: Option<String>,
}

/// A conversation as the provider keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// The provider's id.
    pub id: String,
    /// Who answers in it.
    #[serde(rename = "status", default, deserialize_with = "read_state")]
    pub state: ConversationState,
}

#[derive(Deserialize)]
struct One<T> {
    data: T,
}

#[derive(Deserialize)]
struct Many<T> {
    data: Vec<T>,
    #[serde(default)]
    pagination: Pagination,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Pagination {
    cursor: Option<String>,
    has_more: bool,
}

impl<T> From<Many<T>> for Page<T> {
    fn from(many: Many<T>) -> Self {
        let Pagination { cursor, has_more } = many.pagination;
        Self { data: many.data, cursor: cursor.filter(|_| has_more) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    id: String,
    role: String,
    #[serde(default)]
    parts: Vec<MessagePart>,
    #[serde(default)]
    created_at: Option<f64>,
    #[serde(default)]
    feedback: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessagePart {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    tool_name: Option<String>,
    #[serde(default)]
    input: Option<Json>,
    #[serde(default)]
    output: Option<Json>,
}

impl ChatbaseV2 {
    /// One conversation, without its messages.
    pub async fn conversation(&self, id: &str, request_id: &str) -> Result<Conversation, UpstreamFailure> {
        let path = ["agents", &self.agent_id, "conversations", id];
        let one: One<Conversation> =
            self.http.send(&Call::get(&path).under(request_id)).await?.json().await?;
        Ok(one.data)
    }

    /// A visitor's conversations, the last active first. `limit` is at most 100.
    pub async fn conversations(
        &self,
        user: &str,
        cursor: Option<&str>,
        limit: usize,
        request_id: &str,
    ) -> Result<Page<Conversation>, UpstreamFailure> {
        let path = ["agents", &self.agent_id, "users", user, "conversations"];
        let many: Many<Conversation> =
            self.http.send(&page(&path, cursor, limit, request_id)).await?.json().await?;
        Ok(many.into())
    }

    /// The messages of a conversation, under the provider's ids. `limit` is at
    /// most 100.
    pub async fn messages(
        &self,
        conversation: &str,
        cursor: Option<&str>,
        limit: usize,
        request_id: &str,
    ) -> Result<Page<UiMessage>, UpstreamFailure> {
        let path = ["agents", &self.agent_id, "conversations", conversation, "messages"];
        let many: Many<Message> =
            self.http.send(&page(&path, cursor, limit, request_id)).await?.json().await?;
        let Page { data, cursor } = many.into();
        Ok(Page { data: data.into_iter().filter_map(read_message).collect(), cursor })
    }

    /// The conversation that holds the question before this one, among the
    /// visitor's newest. A look that fails finds none: a new one is begun.
    pub(super) async fn find_conversation(&self, turn: &Turn) -> Option<String> {
        let user = user_id(&turn.visitor)?;
        let before = turn.history.iter().rfind(|message| message.role == Role::User)?.text();
        let newest = self.conversations(user, None, MAX_CANDIDATES, &turn.request_id).await.ok()?;
        for candidate in newest.data.into_iter().take(MAX_CANDIDATES) {
            let messages = self.messages(&candidate.id, None, MAX_PAGE_ITEMS, &turn.request_id).await.ok()?;
            let last = messages.data.iter().rfind(|message| message.role == Role::User);
            if last.is_some_and(|last| last.text() == before) {
                return Some(candidate.id);
            }
        }
        None
    }
}

fn page(path: &[&str], cursor: Option<&str>, limit: usize, request_id: &str) -> Call {
    let call = Call::get(path).query("limit", limit.clamp(1, MAX_PAGE_ITEMS).to_string()).under(request_id);
    match cursor {
        Some(cursor) => call.query("cursor", cursor),
        None => call,
    }
}

fn read_state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ConversationState, D::Error> {
    let status = Option::<String>::deserialize(deserializer)?;
    Ok(match status.as_deref() {
        Some("paused") => ConversationState::Paused,
        Some("taken_over") => ConversationState::TakenOver,
        Some("ended") => ConversationState::Ended,
        // A status of a newer provider changes nothing that is known here.
        _ => ConversationState::Ongoing,
    })
}

fn read_message(message: Message) -> Option<UiMessage> {
    let role = match message.role.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        _ => return None,
    };
    let mut parts = Vec::new();
    for part in message.parts {
        match part.kind.as_str() {
            "text" => parts.push(Part::Text { text: part.text.unwrap_or_default() }),
            "tool-call" => parts.push(Part::Tool {
                tool_call_id: part.tool_call_id.unwrap_or_default(),
                tool_name: part.tool_name.unwrap_or_default(),
                state: "input-available".to_owned(),
                input: part.input,
                output: None,
                error_text: None,
            }),
            "tool-result" => answer(&mut parts, part),
            _ => {}
        }
    }
    let metadata = MessageMetadata {
        created_at: message.created_at.and_then(read_time),
        feedback: message.feedback.as_deref().and_then(Feedback::from_wire),
        ..MessageMetadata::default()
    };
    Some(UiMessage { id: message.id, role, parts, metadata: Some(metadata) })
}

/// Puts a result into the part of its call.
fn answer(parts: &mut [Part], result: MessagePart) {
    let call = parts.iter_mut().find_map(|part| match part {
        Part::Tool { tool_call_id, state, output, .. }
            if Some(&*tool_call_id) == result.tool_call_id.as_ref() =>
        {
            Some((state, output))
        }
        _ => None,
    });
    if let Some((state, output)) = call {
        "output-available".clone_into(state);
        *output = result.output;
    }
}

/// Seconds since 1970 as ISO 8601.
fn read_time(seconds: f64) -> Option<String> {
    #[expect(clippy::cast_possible_truncation, reason = "saturating, and out of range below then")]
    let time = OffsetDateTime::from_unix_timestamp(seconds as i64).ok()?;
    time.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(status: &str) -> ConversationState {
        serde_json::from_str::<Conversation>(&format!(r#"{{"id":"c","title":null,"status":{status}}}"#))
            .unwrap()
            .state
    }

    #[test]
    fn a_status_is_a_state_and_a_new_one_changes_nothing() {
        assert_eq!(state("\"paused\""), ConversationState::Paused);
        assert_eq!(state("\"taken_over\""), ConversationState::TakenOver);
        assert_eq!(state("\"ended\""), ConversationState::Ended);
        for other in ["\"ongoing\"", "\"snoozed\"", "null"] {
            assert_eq!(state(other), ConversationState::Ongoing, "{other}");
        }
    }

    #[test]
    fn a_stored_message_becomes_one_of_ours() {
        let text = r#"{"id":"m1","role":"assistant","createdAt":1790000000,"feedback":"positive",
            "parts":[{"type":"text","text":"One moment."},
                     {"type":"tool-call","toolCallId":"t","toolName":"look","input":{"b":1,"a":2}},
                     {"type":"tool-result","toolCallId":"t","toolName":"look","output":"rain"},
                     {"type":"tool-result","toolCallId":"nobody's","output":1},
                     {"type":"hologram"}],
            "metadata":{"score":null}}"#;
        let message = read_message(serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!((message.id.as_str(), message.parts.len()), ("m1", 2));
        let Part::Tool { state, input, output, .. } = &message.parts[1] else { panic!("{message:?}") };
        assert_eq!(state, "output-available");
        assert_eq!(input.as_ref().unwrap().as_str(), r#"{"b":1,"a":2}"#);
        assert_eq!(output.as_ref().unwrap().as_str(), "\"rain\"");
        let metadata = message.metadata.unwrap();
        assert_eq!(metadata.created_at.as_deref(), Some("2026-09-21T14:13:20Z"));
        assert_eq!(metadata.feedback, Some(Feedback::Positive));
        let system = r#"{"id":"m1","role":"system","parts":[]}"#;
        assert!(read_message(serde_json::from_str(system).unwrap()).is_none());
    }

    #[test]
    fn times_beyond_all_bounds_are_none() {
        for bad in [f64::MAX, f64::MIN, f64::INFINITY] {
            assert_eq!(read_time(bad), None);
        }
    }
}
