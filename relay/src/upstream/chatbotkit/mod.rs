//! ChatBotKit, API v1: a conversation is created once, and each turn completes
//! it.
//!
//! The secret key opens every conversation of the account; which one a visitor
//! may go on with is decided by the relay's store alone.

mod decode;
mod parked;
mod refusal;
mod request;
mod session;

use std::sync::Arc;

use chinwag_protocol::{ErrorCode, Features, Feedback, Role};
use futures_util::{StreamExt as _, stream as streams};
use serde::Deserialize;
use serde_json::{Value, json};

use self::decode::Waiting;
use self::parked::{Parked, Pieces};
use self::session::Sessions;
use super::failure::UpstreamFailure;
use super::http::{Answer, Call, Http, HttpError, Opened, drive};
use super::{Capabilities, ChunkStream, Rating, Support, Task, ToolAnswer, Turn, Upstream};
use crate::config::{ChatBotKitConfig, Hosted, Limits};

pub use self::decode::{events, lines, whole};

/// What it can do.
pub const CAPABILITIES: Capabilities = Capabilities {
    follow_up: Support::Provider,
    feedback: Support::Provider,
    retry: Support::Provider,
    tools: Support::Provider,
    identity: Support::Provider,
    reasoning: Support::Provider,
    usage: Support::Provider,
    ..Capabilities::BASE
};

/// The media type of a stream of events.
const EVENTS: &str = "text/event-stream";

/// Most messages of one page.
const MAX_TAKE: usize = 100;

/// A bot at ChatBotKit. Clones share it.
#[derive(Debug, Clone)]
pub struct ChatBotKit {
    http: Http,
    settings: Arc<Hosted>,
    /// There are some if turns go out under tokens in place of the key.
    sessions: Option<Arc<Sessions>>,
    parked: Arc<Parked>,
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
    pub fn new(agent: &str, config: &ChatBotKitConfig, limits: &Limits) -> Result<Self, HttpError> {
        let http = Http::new(agent, "chatbotkit", &config.hosted, limits, refusal::read_refusal)?;
        let sessions = config.direct.then(Arc::default);
        Ok(Self { http, settings: Arc::new(config.hosted.clone()), sessions, parked: Arc::default() })
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

    /// Answers a function call of a running stream: the bot waits for it.
    async fn answer_call(
        &self,
        conversation: &str,
        tool_call_id: &str,
        output: ToolAnswer<'_>,
    ) -> Result<(), UpstreamFailure> {
        let message = match output {
            Ok(output) => json!({ "data": output }),
            Err(error) => json!({ "error": error }),
        };
        let call = request::publish(decode::channel_of(tool_call_id), &message);
        self.send_within(conversation, "", call).await?;
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
        let this = self.clone();
        if turn.tools.is_empty() && turn.message.role == Role::User {
            return drive(async move {
                let answer = this.open(&turn, &[]).await.map_err(settle)?;
                Ok(opened(answer, &turn))
            });
        }
        Box::pin(streams::once(async move { this.reply_with_tools(turn).await }).flatten())
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
            let call = request::vote(&rating, way);
            match self.send_within(&rating.conversation, &rating.request_id, call).await {
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

impl ChatBotKit {
    /// A reply that may call tools of the page, or goes on after such a call.
    async fn reply_with_tools(&self, turn: Turn) -> ChunkStream {
        let begun = match turn.message.role {
            Role::Assistant => self.go_on_with_results(&turn).await,
            Role::User | Role::System => {
                let channels: Vec<String> = turn.tools.iter().map(|_| request::channel()).collect();
                match self.open(&turn, &channels).await {
                    Ok(answer) if answer.is_json() => return drive(async move { Ok(opened(answer, &turn)) }),
                    Ok(answer) => {
                        let is_events = answer.media_type() == EVENTS;
                        Ok((Pieces::of(answer), Waiting::new(is_events, turn.memory.clone(), channels)))
                    }
                    Err(failure) => Err(failure),
                }
            }
        };
        match begun {
            Ok((pieces, waiting)) => Arc::clone(&self.parked).read(pieces, waiting),
            Err(failure) => Box::pin(streams::iter([settle(failure).chunk()])),
        }
    }

    /// Brings the answer that a bot waits for, and takes its stream up again.
    async fn go_on_with_results(&self, turn: &Turn) -> Result<(Pieces, Waiting), UpstreamFailure> {
        for (tool_call_id, output) in turn.results() {
            let Some((pieces, waiting)) = self.parked.take(decode::channel_of(tool_call_id)) else {
                continue;
            };
            let conversation = turn.memory.before().conversation.as_deref().unwrap_or_default();
            self.answer_call(conversation, tool_call_id, output).await?;
            waiting.go_on(turn.memory.clone());
            return Ok((pieces, waiting));
        }
        let failure = UpstreamFailure::new(ErrorCode::Interrupted);
        Err(failure.because("results of tools, and no bot that waits for them"))
    }

    /// Begins a turn: in the conversation that is known, or in a new one.
    async fn open(&self, turn: &Turn, channels: &[String]) -> Result<Answer, UpstreamFailure> {
        if let Some(conversation) = &turn.memory.before().conversation {
            let outcome = self.go_on(conversation, turn, channels).await;
            // Deleted over there: a new one takes its place, with what was said.
            let is_gone = outcome.as_ref().is_err_and(|failure| failure.code() == ErrorCode::NotFound);
            if !is_gone {
                return outcome;
            }
        }
        let conversation = self.begin(turn).await?;
        self.complete(&conversation, Some(&turn.message.text()), turn, channels).await
    }

    async fn go_on(
        &self,
        conversation: &str,
        turn: &Turn,
        channels: &[String],
    ) -> Result<Answer, UpstreamFailure> {
        let text = turn.message.text();
        let text = if self.take_back(conversation, turn).await? { None } else { Some(text.as_str()) };
        self.complete(conversation, text, turn, channels).await
    }

    async fn complete(
        &self,
        conversation: &str,
        text: Option<&str>,
        turn: &Turn,
        channels: &[String],
    ) -> Result<Answer, UpstreamFailure> {
        let call = request::complete(conversation, text, turn, channels);
        self.send_within(conversation, &turn.request_id, call).await
    }

    /// Sends what belongs to one conversation: under its token if there are
    /// tokens, else under the key.
    async fn send_within(
        &self,
        conversation: &str,
        request_id: &str,
        call: Call,
    ) -> Result<Answer, UpstreamFailure> {
        let Some(sessions) = &self.sessions else { return self.http.send(&call).await };
        let token = sessions.token(&self.http, conversation, request_id).await?;
        let sent = self.http.send(&call.bearer(token)).await;
        if sent.as_ref().is_err_and(|failure| failure.code() == ErrorCode::Misconfigured) {
            sessions.forget(conversation);
        }
        sent
    }

    /// Takes the reply that this one replaces out of the conversation, so that
    /// the question is the last message again. False if it is not there, or may
    /// not be taken out: then the question is asked once more.
    ///
    /// Inferred: there is no call for a retry. A token does not allow it.
    async fn take_back(&self, conversation: &str, turn: &Turn) -> Result<bool, UpstreamFailure> {
        let Some(reply) = &turn.memory.before().replaced else { return Ok(false) };
        match self.http.send(&request::delete_message(conversation, reply, turn)).await {
            Ok(_) => Ok(true),
            Err(failure) if is_not_offered(&failure) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// A new conversation, of the visitor where the account has contacts.
    async fn begin(&self, turn: &Turn) -> Result<String, UpstreamFailure> {
        #[derive(Deserialize)]
        struct Made {
            id: String,
        }
        let contact = match self.http.send(&request::ensure_contact(turn)).await {
            Ok(answer) => Some(answer.json::<Made>().await?.id),
            // The bot can answer all the same.
            Err(failure) if is_not_offered(&failure) => None,
            Err(failure) => return Err(failure),
        };
        let create = request::create(&self.settings, turn, contact.as_deref());
        let made: Made = self.http.send(&create).await?.json().await?;
        turn.memory.keep_conversation(&made.id);
        Ok(made.id)
    }
}

fn is_not_offered(failure: &UpstreamFailure) -> bool {
    matches!(failure.code(), ErrorCode::NotFound | ErrorCode::Forbidden | ErrorCode::Unsupported)
}

fn opened(answer: Answer, turn: &Turn) -> Opened {
    let memory = turn.memory.clone();
    match answer.media_type().as_str() {
        "application/json" => Opened::new(answer, whole(memory)),
        EVENTS => Opened::new(answer, events(memory)),
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
