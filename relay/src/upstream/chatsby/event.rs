//! What Chatsby tells by webhook. The documentation names the events and shows
//! no body of one, so every form that is likely is read here, and nowhere else.

use chinwag_protocol::ConversationState;
use serde_json::Value;

/// Longest text of a message that is taken, in bytes: that of a reply.
const MAX_MESSAGE_BYTES: usize = chinwag_protocol::limits::MAX_REPLY_BYTES;

/// One event, as far as a conversation is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its id; one that is sent again has the same.
    pub id: Option<String>,
    /// Its name, such as `message.created`.
    pub kind: String,
    /// When it happened, as the provider writes it.
    pub at: Option<String>,
    /// The conversation, as the provider names it.
    pub conversation: Option<String>,
    /// The agent, as the provider names it.
    pub agent: Option<String>,
    /// What was written to the visitor.
    pub message: Option<Written>,
    /// Who answers from now on, if it says so.
    pub state: Option<ConversationState>,
}

/// A message to the visitor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What it says.
    pub text: String,
    /// Whether it says that a person wrote it. One that does not may be the
    /// agent's.
    pub is_by_person: bool,
}

/// Reads the body of a webhook; `None` if it is no event.
pub fn read(body: &Value) -> Option<Event> {
    let kind = text(body, &["type", "event", "event_type"])?;
    let data = ["data", "payload"].iter().find_map(|key| body.get(key)).unwrap_or(body);
    let data = data.get("object").filter(|inner| inner.is_object()).unwrap_or(data);
    let conversation = data.get("conversation");
    let is_about_conversation = kind.starts_with("conversation");
    let conversation_id = conversation
        .and_then(|inner| inner.as_str().map(str::to_owned).or_else(|| text(inner, &["id"])))
        .or_else(|| text(data, &["conversation_id"]))
        .or_else(|| text(data, &["id"]).filter(|_| is_about_conversation));
    let agent = text(data, &["agent_id"]).or_else(|| text(conversation?, &["agent_id"]));
    let status =
        [conversation, Some(data)].into_iter().flatten().find_map(|place| text(place, &["status", "state"]));
    let state = kind.rsplit('.').next().and_then(state).or_else(|| status.as_deref().and_then(state));
    Some(Event {
        id: text(body, &["id", "event_id"]),
        at: text(body, &["created_at", "timestamp"]),
        conversation: conversation_id,
        agent,
        message: message(&kind, data),
        state: state.filter(|_| is_about_conversation || conversation.is_some()),
        kind,
    })
}

fn message(kind: &str, data: &Value) -> Option<Written> {
    let message = match data.get("message") {
        Some(message) => message,
        None if kind.starts_with("message") => data,
        None => return None,
    };
    let text_of = |place: &Value| text(place, &["content", "text", "reply"]);
    let said = message.as_str().map(str::to_owned).or_else(|| text_of(message))?;
    if said.trim().is_empty() || said.len() > MAX_MESSAGE_BYTES {
        return None;
    }
    let role =
        [message, data].iter().find_map(|place| text(place, &["role", "sender", "author", "sender_type"]));
    match role.as_deref().unwrap_or_default() {
        "assistant" | "agent" | "bot" | "ai" => Some(Written { text: said, is_by_person: false }),
        "human" | "human_agent" | "operator" | "admin" | "staff" | "team" | "teammate" => {
            Some(Written { text: said, is_by_person: true })
        }
        // The visitor's came through this relay; whose another word means is
        // not known, and nobody is to be quoted wrongly.
        _ => None,
    }
}

/// What a word says of a conversation, if anything.
fn state(word: &str) -> Option<ConversationState> {
    Some(match word {
        "ongoing" | "active" | "open" | "resumed" | "reopened" | "released" => ConversationState::Ongoing,
        "paused" => ConversationState::Paused,
        "taken_over" | "takeover" | "handoff" | "handed_off" | "escalated" | "human" => {
            ConversationState::TakenOver
        }
        "ended" | "closed" | "resolved" | "archived" => ConversationState::Ended,
        _ => return None,
    })
}

fn text(place: &Value, keys: &[&str]) -> Option<String> {
    let found = keys.iter().find_map(|key| match place.get(key) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    });
    found.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_found_in_each_form_that_is_likely() {
        for body in [
            json!({ "type": "message.created", "data": {
                "conversation_id": "conv_1", "role": "operator", "content": "Ben here." } }),
            json!({ "event": "message.created", "data": {
                "conversation": { "id": "conv_1" }, "message": { "role": "human", "content": "Ben here." } } }),
            json!({ "type": "message.sent", "payload": {
                "conversation": "conv_1", "message": { "sender": "staff", "text": "Ben here." } } }),
            json!({ "type": "conversation.message", "conversation_id": "conv_1", "message": "Ben here.", "role": "admin" }),
            json!({ "type": "message.created", "data": { "object": {
                "conversation_id": "conv_1", "role": "team", "content": "Ben here." } } }),
        ] {
            let event = read(&body).unwrap();
            assert_eq!(event.conversation.as_deref(), Some("conv_1"), "{body}");
            let written = Written { text: "Ben here.".to_owned(), is_by_person: true };
            assert_eq!(event.message, Some(written), "{body}");
            assert_eq!(event.state, None, "{body}");
        }
    }

    #[test]
    fn whose_a_message_is_decides() {
        for (role, expected) in [
            ("assistant", Some(false)),
            ("operator", Some(true)),
            ("user", None),
            ("", None),
            ("robot", None),
        ] {
            let body = json!({ "type": "message.created", "data": { "conversation_id": "c", "role": role, "content": "Hi" } });
            let message = read(&body).unwrap().message;
            assert_eq!(message.map(|written| written.is_by_person), expected, "{role}");
        }
        for content in ["", "  ", &"x".repeat(MAX_MESSAGE_BYTES + 1)] {
            let body =
                json!({ "type": "message.created", "data": { "role": "operator", "content": content } });
            assert_eq!(read(&body).unwrap().message, None);
        }
    }

    #[test]
    fn a_state_is_in_the_name_or_in_a_status() {
        let conversation = |kind: &str, status: Option<&str>| {
            read(
                &json!({ "type": kind, "data": { "id": "conv_1", "agent_id": "agent_1", "status": status } }),
            )
            .unwrap()
        };
        for (kind, status, expected) in [
            ("conversation.taken_over", None, Some(ConversationState::TakenOver)),
            ("conversation.updated", Some("paused"), Some(ConversationState::Paused)),
            ("conversation.closed", Some("open"), Some(ConversationState::Ended)),
            ("conversation.resumed", None, Some(ConversationState::Ongoing)),
            ("conversation.created", None, None),
        ] {
            let event = conversation(kind, status);
            assert_eq!(
                (event.conversation.as_deref(), event.agent.as_deref()),
                (Some("conv_1"), Some("agent_1"))
            );
            assert_eq!(event.state, expected, "{kind}");
        }
        let source =
            read(&json!({ "type": "source.trained", "data": { "id": "src_1", "status": "active" } }))
                .unwrap();
        assert_eq!((source.state, source.conversation), (None, None));
    }

    #[test]
    fn what_is_no_event_is_none() {
        for body in [json!(null), json!([]), json!({}), json!({ "type": "" }), json!("ping")] {
            assert_eq!(read(&body), None, "{body}");
        }
        assert_eq!(read(&json!({ "type": "ping" })).unwrap().kind, "ping");
    }
}
