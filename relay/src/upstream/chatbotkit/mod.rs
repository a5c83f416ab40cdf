//! ChatBotKit, API v1: a conversation is created once, and each turn completes
//! it.
//!
//! The secret key opens every conversation of the account; which one a visitor
//! may go on with is decided by the relay's store alone.

mod decode;
mod refusal;
mod request;

use std::sync::Arc;
use std::time::Duration;

use chinwag_protocol::{ErrorCode, Features, Feedback, Json, Role};
use serde::Deserialize;
use serde_json::{Value, json};

use super::decode::malformed;
use super::failure::UpstreamFailure;
use super::http::{Answer, Call, Http, HttpError, Opened, drive};
use super::{Capabilities, ChunkStream, Rating, Support, Task, Turn, Upstream};
use crate::config::{Hosted, Limits, Secret};

pub use self::decode::{events, lines, whole};

/// What it can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    follow_up: Support::Provider,
    feedback: Support::Provider,
    retry: Support::Provider,
    identity: Support::Provider,
    reasoning: Support::Provider,
    usage: Support::Provider,
    ..Capabilities::BASE
};

/// Shortest and longest life of a session's token.
const SESSION_LIFE: (Duration, Duration) = (Duration::from_mins(30), Duration::from_hours(24));

/// Most messages of one page.
const MAX_TAKE: usize = 100;

/// A bot at ChatBotKit.
#[derive(Debug)]
pub struct ChatBotKit {
    http: Http,
    settings: Arc<Hosted>,
}

/// A token that opens one conversation, for a client that talks to ChatBotKit
/// itself. It cannot be taken back, and cannot read the conversation's messages.
#[derive(Debug, Clone)]
pub struct Session {
    /// The conversation, as the provider names it.
    pub conversation: String,
    /// Goes out as `Authorization: Bearer`.
    pub token: Secret,
    /// When it ends, in ms since 1970.
    pub expires_at: u64,
}

/// A page of a conversation, as the provider keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its messages, oldest first; only those that a visitor may see.
    pub messages: Vec<Stored>,
    /// Where the next page begins. None if there can be none.
    pub cursor: Option<String>,
}

/// A message that the provider keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The message, as the provider names it.
    pub id: String,
    /// Who wrote it.
    pub role: Role,
    /// Markdown.
    pub text: String,
}

impl ChatBotKit {
    /// Sets it up; nothing is sent yet.
    pub fn new(agent: &str, settings: &Hosted, limits: &Limits) -> Result<Self, HttpError> {
        let http = Http::new(agent, "chatbotkit", settings, limits, refusal::read_refusal)?;
        Ok(Self { http, settings: Arc::new(settings.clone()) })
    }

    /// Opens a session: the provider's own token exchange. `life` is brought
    /// between 30 minutes and 24 hours, which are the provider's limits.
    pub async fn open_session(&self, conversation: &str, life: Duration) -> Result<Session, UpstreamFailure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Body {
            token: String,
            expires_at: u64,
        }
        let life = life.clamp(SESSION_LIFE.0, SESSION_LIFE.1);
        let call = request::create_session(conversation, life.as_secs());
        let body: Body = self.http.send(&call).await.map_err(settle)?.json().await?;
        Ok(Session {
            conversation: conversation.to_owned(),
            token: Secret::new(body.token),
            expires_at: body.expires_at,
        })
    }

    /// Reads a page of a conversation. The provider gives a cursor with its last
    /// page as well; the end is a page that is empty there.
    pub async fn messages(
        &self,
        conversation: &str,
        take: usize,
        cursor: Option<&str>,
    ) -> Result<Page, UpstreamFailure> {
        #[derive(Deserialize)]
        struct Body {
            items: Vec<Value>,
            #[serde(default)]
            cursor: Option<String>,
        }
        let call = request::list_messages(conversation, take.clamp(1, MAX_TAKE), cursor);
        let body: Body = self.http.send(&call).await?.json().await?;
        let cursor = body.cursor.filter(|cursor| !cursor.is_empty() && !body.items.is_empty());
        Ok(Page { messages: body.items.iter().filter_map(stored).collect(), cursor })
    }

    /// Answers a function call of a running stream: the bot waits at `channel`.
    pub async fn publish(&self, channel: &str, output: Result<&Json, &str>) -> Result<(), UpstreamFailure> {
        let message = match output {
            Ok(output) => {
                let data: Value =
                    serde_json::from_str(output.as_str()).map_err(|error| malformed(error.to_string()))?;
                json!({ "data": data })
            }
            Err(error) => json!({ "error": error }),
        };
        self.http.send(&request::publish(channel, &message)).await?;
        Ok(())
    }
}

/// Only what the visitor and the bot said: reasoning, instructions and the like
/// are messages there too.
fn stored(item: &Value) -> Option<Stored> {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    let role = match text("type")? {
        "user" => Role::User,
        "bot" => Role::Assistant,
        _ => return None,
    };
    Some(Stored { id: text("id")?.to_owned(), role, text: text("text")?.to_owned() })
}

impl Upstream for ChatBotKit {
    fn features(&self) -> Features {
        CAPABILITIES.features()
    }

    fn reply(&self, turn: Turn) -> ChunkStream {
        let (http, settings) = (self.http.clone(), Arc::clone(&self.settings));
        drive(async move { open(&http, &settings, &turn).await.map_err(settle) })
    }

    fn memory_scope(&self) -> String {
        let agent = self.settings.agent_id.as_deref().or(self.settings.model.as_deref());
        format!("chatbotkit {} {}", self.http.base(), agent.unwrap_or_default())
    }

    fn rate(&self, rating: Rating) -> Task<'_, ()> {
        Box::pin(async move {
            let way = match rating.value {
                Some(Feedback::Positive) => "upvote",
                Some(Feedback::Negative) => "downvote",
                // A vote cannot be taken back there; the relay has done so.
                None => return Ok(()),
            };
            match self.http.send(&request::vote(&rating, way)).await {
                Ok(_) => Ok(()),
                // A reply that was not stored has an id that nobody knows.
                Err(failure) if failure.code() == ErrorCode::NotFound => Ok(()),
                Err(failure) => Err(settle(failure)),
            }
        })
    }

    fn check(&self) -> Task<'_, Vec<String>> {
        Box::pin(async move {
            let list = Call::get(&["conversation", "list"]).query("take", "1");
            self.http.send(&list).await.map_err(settle)?;
            let mut facts = vec!["key accepted".to_owned()];
            if let Some(bot) = self.settings.agent_id.as_deref() {
                let found = self.http.send(&Call::get(&["bot", bot, "fetch"])).await.map_err(settle)?;
                let found: Value = found.json().await?;
                let name = found.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
                facts.push(format!("bot {} is there", name.unwrap_or(bot)));
            } else if let Some(model) = self.settings.model.as_deref() {
                facts.push(format!("model {model} is not checked"));
            }
            Ok(facts)
        })
    }
}

/// Begins a turn: in the conversation that is known, or in a new one.
async fn open(http: &Http, settings: &Hosted, turn: &Turn) -> Result<Opened, UpstreamFailure> {
    if let Some(conversation) = &turn.memory.before().conversation {
        let outcome = go_on(http, conversation, turn).await;
        // Deleted over there: a new one takes its place, with what was said.
        let is_gone = outcome.as_ref().is_err_and(|failure| failure.code() == ErrorCode::NotFound);
        if !is_gone {
            return outcome.map(|answer| opened(answer, turn));
        }
    }
    let conversation = begin(http, settings, turn).await?;
    let call = request::complete(&conversation, Some(&turn.message.text()), turn);
    Ok(opened(http.send(&call).await?, turn))
}

async fn go_on(http: &Http, conversation: &str, turn: &Turn) -> Result<Answer, UpstreamFailure> {
    let text = turn.message.text();
    let text = if take_back(http, conversation, turn).await? { None } else { Some(text.as_str()) };
    http.send(&request::complete(conversation, text, turn)).await
}

/// Takes the reply that this one replaces out of the conversation, so that the
/// question is the last message again. False if it is not there, or may not be
/// taken out: then the question is asked once more.
///
/// Inferred: there is no call for a retry.
async fn take_back(http: &Http, conversation: &str, turn: &Turn) -> Result<bool, UpstreamFailure> {
    let Some(reply) = &turn.memory.before().replaced else { return Ok(false) };
    match http.send(&request::delete_message(conversation, reply, turn)).await {
        Ok(_) => Ok(true),
        Err(failure) if is_not_offered(&failure) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// A new conversation, of the visitor where the account has contacts.
async fn begin(http: &Http, settings: &Hosted, turn: &Turn) -> Result<String, UpstreamFailure> {
    #[derive(Deserialize)]
    struct Made {
        id: String,
    }
    let contact = match http.send(&request::ensure_contact(turn)).await {
        Ok(answer) => Some(answer.json::<Made>().await?.id),
        // The bot can answer all the same.
        Err(failure) if is_not_offered(&failure) => None,
        Err(failure) => return Err(failure),
    };
    let made: Made = http.send(&request::create(settings, turn, contact.as_deref())).await?.json().await?;
    turn.memory.keep_conversation(&made.id);
    Ok(made.id)
}

fn is_not_offered(failure: &UpstreamFailure) -> bool {
    matches!(failure.code(), ErrorCode::NotFound | ErrorCode::Forbidden | ErrorCode::Unsupported)
}

fn opened(answer: Answer, turn: &Turn) -> Opened {
    let memory = turn.memory.clone();
    match answer.media_type().as_str() {
        "application/json" => Opened::new(answer, whole(memory)),
        "text/event-stream" => Opened::new(answer, events(memory)),
        _ => Opened::new(answer, lines(memory)),
    }
}

/// What is not there, or not allowed, is the operator's to put right: the
/// visitor asked for none of it.
fn settle(failure: UpstreamFailure) -> UpstreamFailure {
    if !is_not_offered(&failure) {
        return failure;
    }
    UpstreamFailure::new(ErrorCode::Misconfigured)
        .because(failure.detail().unwrap_or_default())
        .after(failure.retry_after())
}
