//! The docs agent from outside: what it cites, what it says, what it does when
//! its folder changes, and that every citation opens.

#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod answer;
mod folder;
mod page;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chinwag_protocol::{Chunk, ConversationId, Part, Role, UiMessage};
use chinwag_relay::upstream::docs::DocsAgent;
use chinwag_relay::upstream::{Memory, Turn, Upstream as _};
use futures_util::StreamExt as _;

const ORIGIN: &str = "https://relay.example";

/// A started agent whose index is ready.
async fn agent(name: &str, folder: &Path) -> Arc<DocsAgent> {
    let agent = DocsAgent::start(name, folder.to_owned()).expect("the folder is there");
    assert!(agent.ready().await, "the index is built");
    agent
}

fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}

fn project_docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn user(text: &str) -> UiMessage {
    UiMessage {
        id: "m1".into(),
        role: Role::User,
        parts: vec![Part::Text { text: text.into() }],
        metadata: None,
    }
}

fn turn(question: &str, history: Vec<UiMessage>) -> Turn {
    Turn {
        conversation: ConversationId::parse("c1").expect("a conversation id"),
        visitor: "v1".into(),
        history,
        message: user(question),
        answers: Vec::new(),
        files: Vec::new(),
        tools: Vec::new(),
        context: None,
        knowledge: None,
        public_origin: ORIGIN.into(),
        memory: Memory::default(),
        request_id: String::new(),
    }
}

async fn ask(agent: &DocsAgent, question: &str) -> Reply {
    ask_after(agent, question, Vec::new()).await
}

async fn ask_after(agent: &DocsAgent, question: &str, history: Vec<UiMessage>) -> Reply {
    Reply { chunks: agent.reply(turn(question, history)).collect().await }
}

#[derive(Debug)]
struct Reply {
    chunks: Vec<Chunk>,
}

impl Reply {
    fn text(&self) -> String {
        self.chunks
            .iter()
            .filter_map(|chunk| match chunk {
                Chunk::TextDelta { delta, .. } => Some(delta.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Address and title of each source.
    fn sources(&self) -> Vec<(&str, &str)> {
        self.chunks
            .iter()
            .filter_map(|chunk| match chunk {
                Chunk::SourceUrl { url, title, .. } => {
                    Some((url.as_str(), title.as_deref().unwrap_or_default()))
                }
                _ => None,
            })
            .collect()
    }

    fn suggestions(&self) -> &[String] {
        self.chunks
            .iter()
            .find_map(|chunk| match chunk {
                Chunk::Suggestions { prompts } => Some(prompts.as_slice()),
                _ => None,
            })
            .unwrap_or_default()
    }
}
