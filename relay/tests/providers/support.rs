//! What the tests of all providers share: an agent from a configuration, turns,
//! and what came of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chinwag_protocol::{Chunk, ConversationId, ErrorCode, ErrorData, Part, Role, UiMessage};
use chinwag_relay::config::{Config, ConfigError, Limits, Overrides, Provider};
use chinwag_relay::upstream::{self, Attachment, ChunkStream, Memory, ProviderIds, Turn, Upstream};
use chinwag_simulator::{KEY, Kind, Simulator, Switches};
use futures_util::StreamExt as _;

/// Longer than anything here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(20);

/// The keys that a provider cannot do without, beside `base_url` and `api_key`.
pub(crate) fn needed(kind: Kind) -> &'static str {
    match kind {
        Kind::ChatbaseV2 | Kind::ChatbaseV1 => "agent_id = \"kq1_example\"",
        Kind::Chatsby => "agent_id = \"agent_1a2b3c4d5e\"",
        Kind::ChatBotKit => "agent_id = \"bot-1\"",
        Kind::OpenAiChat | Kind::OpenAiResponses => "model = \"simulated\"",
        _ => "",
    }
}

/// An agent of that provider at that address, set up as an operator would.
pub(crate) fn agent(kind: Kind, base_url: &str, more: &str) -> Arc<dyn Upstream> {
    agent_with(kind, base_url, more, KEY, &limits())
}

/// The same with another key and other limits.
pub(crate) fn agent_with(
    kind: Kind,
    base_url: &str,
    more: &str,
    key: &'static str,
    limits: &Limits,
) -> Arc<dyn Upstream> {
    let text = format!(
        "[[site]]\nkey = \"site_a\"\norigins = []\nagent = \"a\"\n\n[agent.a]\nprovider = \"{}\"\n\
         base_url = \"{base_url}\"\napi_key = {{ env = \"KEY\" }}\n{}\n{more}\n",
        kind.name(),
        needed(kind),
    );
    let provider = provider_with(&text, key).unwrap_or_else(|error| panic!("{error}\n{text}"));
    upstream::build("a", &provider, limits).unwrap().upstream
}

/// The agent `a` of a whole configuration.
pub(crate) fn agent_from(text: &str) -> Arc<dyn Upstream> {
    let provider = provider_from(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    upstream::build("a", &provider, &limits()).unwrap().upstream
}

/// What is behind the agent `a` of a whole configuration.
pub(crate) fn provider_from(text: &str) -> Result<Provider, ConfigError> {
    provider_with(text, KEY)
}

fn provider_with(text: &str, key: &'static str) -> Result<Provider, ConfigError> {
    let environment = |name: &str| (name == "KEY").then(|| key.to_owned());
    let config = Config::parse(Path::new("chinwag.toml"), text, &environment, &Overrides::default())?;
    Ok(config.agents["a"].provider.clone())
}

/// Time-outs that a test can wait for.
pub(crate) fn limits() -> Limits {
    Limits {
        connect_timeout: Duration::from_secs(1),
        first_byte_timeout: Duration::from_secs(3),
        chunk_timeout: Duration::from_millis(400),
        ..Limits::default()
    }
}

pub(crate) fn message(role: Role, text: &str) -> UiMessage {
    let parts = vec![Part::Text { text: text.to_owned() }];
    UiMessage { id: "m".to_owned(), role, parts, metadata: None }
}

/// A question at the beginning of a conversation.
pub(crate) fn turn(question: &str) -> Turn {
    Turn {
        conversation: ConversationId::parse("0198c000-0000-7000-8000-000000000001").unwrap(),
        visitor: "visitor-1".to_owned(),
        history: Vec::new(),
        message: message(Role::User, question),
        answers: Vec::new(),
        files: Vec::new(),
        tools: Vec::new(),
        context: None,
        knowledge: None,
        public_origin: "http://127.0.0.1:8787".to_owned(),
        memory: Memory::default(),
        request_id: "request-1".to_owned(),
    }
}

/// The question after `before`, which was answered with `reply`: transcript and
/// memory as the relay would hand them on.
pub(crate) fn follow_up(before: &Turn, reply: &Reply, question: &str) -> Turn {
    let mut history = before.history.clone();
    history.push(before.message.clone());
    history.push(message(Role::Assistant, &reply.text()));
    let learned = before.memory.learned();
    let ids = ProviderIds {
        conversation: learned.conversation.or(before.memory.before().conversation.clone()),
        previous: learned.reply,
        ..ProviderIds::default()
    };
    Turn { history, memory: Memory::new(ids), ..turn(question) }
}

/// The same question again, in place of `reply`.
pub(crate) fn again(before: &Turn) -> Turn {
    let learned = before.memory.learned();
    let ids = ProviderIds {
        conversation: learned.conversation.or(before.memory.before().conversation.clone()),
        previous: before.memory.before().previous.clone(),
        replaced: learned.reply,
        ..ProviderIds::default()
    };
    Turn { memory: Memory::new(ids), ..before.clone() }
}

/// All chunks of a reply.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply(pub(crate) Vec<Chunk>);

impl Reply {
    pub(crate) async fn read(stream: ChunkStream) -> Self {
        let all =
            stream.filter(|chunk| std::future::ready(!matches!(chunk, Chunk::Unknown { .. }))).collect();
        let reply = Self(tokio::time::timeout(LONG, all).await.expect("the reply does not end"));
        let terminals = reply.0.iter().filter(|chunk| chunk.is_terminal()).count();
        assert_eq!(terminals, 1, "exactly one terminal chunk: {reply:?}");
        assert!(reply.0.last().is_some_and(Chunk::is_terminal), "nothing after it: {reply:?}");
        reply
    }

    pub(crate) fn text(&self) -> String {
        let delta = |chunk: &Chunk| match chunk {
            Chunk::TextDelta { delta, .. } => Some(delta.clone()),
            _ => None,
        };
        self.0.iter().filter_map(delta).collect()
    }

    /// The code and data of the error that it ended with.
    pub(crate) fn error(&self) -> &ErrorData {
        match self.0.last() {
            Some(Chunk::Error { data: Some(data), .. }) => data,
            other => panic!("it ended with {other:?}"),
        }
    }

    pub(crate) fn code(&self) -> ErrorCode {
        self.error().code
    }

    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.0.last(), Some(Chunk::Finish { .. }))
    }
}

pub(crate) async fn ask(agent: &Arc<dyn Upstream>, turn: &Turn) -> Reply {
    Reply::read(agent.reply(turn.clone())).await
}

/// What one question gets from a simulator with these switches.
pub(crate) async fn ask_once(kind: Kind, switches: Switches, question: &str) -> Reply {
    let simulator = Simulator::start(kind, switches).await.unwrap();
    ask(&agent(kind, &simulator.base_url, ""), &turn(question)).await
}

/// A question with a picture, a document, a text, and a file that is gone.
pub(crate) fn with_files(question: &str) -> Turn {
    let mut asked = turn(question);
    for (id, name, media_type, body) in [
        ("1", "shot.png", "image/png", Some(&b"\x89PNG"[..])),
        ("2", "bill.pdf", "application/pdf", Some(b"%PDF-")),
        ("3", "notes.md", "text/markdown", Some(b"# Hi")),
        ("4", "gone.png", "image/png", None),
    ] {
        let (url, name, media_type) = (format!("/v1/files/{id}"), name.to_owned(), media_type.to_owned());
        let part =
            Part::File { url: url.clone(), media_type: media_type.clone(), filename: Some(name.clone()) };
        asked.message.parts.push(part);
        asked.files.extend(body.map(|body| Attachment { url, name, media_type, body: body.into() }));
    }
    asked
}
