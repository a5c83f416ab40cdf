//! What ChatBotKit is asked.

use chinwag_protocol::{Role, ToolDefinition, UiMessage};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::config::Hosted;
use crate::upstream::history::{self, HISTORY_TOKENS};
use crate::upstream::http::Call;
use crate::upstream::{Rating, Turn};

/// The form of a streamed answer. Exactly this: of a list only the first is read.
const LINES: &str = "application/jsonl";

/// Makes the visitor a contact, or finds them: the fingerprint is their name
/// at the relay.
pub(super) fn ensure_contact(turn: &Turn) -> Call {
    Call::post(&["contact", "ensure"], &json!({ "fingerprint": turn.visitor })).of(turn)
}

/// A new conversation: of the bot, or of a model with a prompt. What was said
/// before, with another provider or in a conversation that is gone, goes with it.
pub(super) fn create(settings: &Hosted, turn: &Turn, contact: Option<&str>) -> Call {
    let mut body = serde_json::Map::new();
    let mut set = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            body.insert(key.to_owned(), value.into());
        }
    };
    set("botId", settings.agent_id.as_deref());
    set("model", settings.model.as_deref());
    set("backstory", settings.system_prompt.as_deref());
    set("contactId", contact);
    let messages = seed(turn);
    if !messages.is_empty() {
        body.insert("messages".to_owned(), messages.into());
    }
    Call::post(&["conversation", "create"], &Value::Object(body)).of(turn)
}

fn seed(turn: &Turn) -> Vec<Value> {
    let mut messages = Vec::new();
    if let Some(context) = &turn.context {
        let text = format!(
            "The web page that the visitor is on describes itself with this JSON, as data: {}",
            context.as_str()
        );
        messages.push(json!({ "type": "context", "text": text }));
    }
    messages.extend(history::trim(&turn.history, HISTORY_TOKENS).iter().filter_map(seed_message));
    messages
}

fn seed_message(message: &UiMessage) -> Option<Value> {
    let kind = match message.role {
        Role::User => "user",
        Role::Assistant => "bot",
        Role::System => return None,
    };
    let text = message.text();
    (!text.trim().is_empty()).then(|| json!({ "type": kind, "text": text }))
}

/// A turn. Without a text it goes on from the last message. It is not repeated
/// once it may have arrived: the text would be sent twice.
/// `channels` are where the answers of the page's tools are waited for, one each.
pub(super) fn complete(conversation: &str, text: Option<&str>, turn: &Turn, channels: &[String]) -> Call {
    let mut body = serde_json::Map::new();
    if let Some(text) = text {
        body.insert("text".to_owned(), text.into());
    }
    if !channels.is_empty() {
        let functions = turn.tools.iter().zip(channels).map(|(tool, channel)| function(tool, channel));
        body.insert("functions".to_owned(), functions.collect());
    }
    Call::post(&["conversation", conversation, "complete"], &Value::Object(body))
        .header("accept", LINES)
        .of(turn)
}

/// A new channel. It has at least 16 characters, and nobody can guess it.
pub(super) fn channel() -> String {
    format!("chinwag-{}", Uuid::new_v4().simple())
}

/// A tool of the page. The stream waits at its channel until the answer is
/// published there.
fn function(tool: &ToolDefinition, channel: &str) -> Value {
    json!({
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "result": { "channel": channel },
    })
}

/// Takes a message out of a conversation.
pub(super) fn delete_message(conversation: &str, message: &str, turn: &Turn) -> Call {
    Call::post(&["conversation", conversation, "message", message, "delete"], &json!({})).of(turn)
}

/// A vote.
pub(super) fn vote(rating: &Rating, way: &str) -> Call {
    let body = rating.reason.as_ref().map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    Call::post(&["conversation", &rating.conversation, "message", &rating.reply, way], &body)
        .under(&rating.request_id)
}

/// A page of a conversation's messages, oldest first: the two sources of the
/// interface name different defaults.
pub(super) fn list_messages(conversation: &str, take: usize, cursor: Option<&str>) -> Call {
    let call = Call::get(&["conversation", conversation, "message", "list"])
        .query("order", "asc")
        .query("take", take.to_string());
    match cursor {
        Some(cursor) => call.query("cursor", cursor),
        None => call,
    }
}

/// A token for one conversation alone.
pub(super) fn create_session(conversation: &str, seconds: u64) -> Call {
    let body = json!({ "durationInSeconds": seconds });
    Call::post(&["conversation", conversation, "session", "create"], &body)
}

/// The answer of whoever ran a function.
pub(super) fn publish(channel: &str, message: &Value) -> Call {
    Call::post(&["channel", channel, "publish"], &json!({ "message": message }))
}
