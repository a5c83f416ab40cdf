//! The conversation as a text to keep: plain, Markdown or JSON. It holds what is
//! in the panel; what was never loaded is not asked for.

use chinwag_protocol::{ConversationId, Feedback, ObjectWriter};
use serde::Serialize;

use super::event::Moment;
use super::item::{Item, Question, Reply, ReplyPhase};
use super::markdown::Href;
use super::model::Model;

/// The form of an exported transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For people, with the marks that replies were written with.
    Markdown,
    /// For programs.
    Json,
}

impl Format {
    /// Reads a format's name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "markdown" => Some(Self::Markdown),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The words of an exported transcript, which are not the engine's to choose.
pub struct Words<'a> {
    /// The visitor.
    pub you: &'a str,
    /// The agent.
    pub agent: &'a str,
    /// Above the sources of a reply.
    pub sources: &'a str,
    /// A time: for JSON as ISO 8601, else as the visitor reads it.
    pub time: &'a dyn Fn(Moment) -> String,
}

impl std::fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").field("you", &self.you).field("agent", &self.agent).finish_non_exhaustive()
    }
}

/// Writes the conversation down.
pub fn write(model: &Model, format: Format, words: &Words<'_>) -> String {
    match format {
        Format::Json => json(model, words),
        Format::Text | Format::Markdown => prose(model, format == Format::Markdown, words),
    }
}

/// Writes down a conversation in which nothing was said: as [`write`] does, without
/// the code that it takes.
pub fn write_empty(model: &Model, format: Format) -> String {
    if format != Format::Json {
        return String::new();
    }
    let mut object = ObjectWriter::default();
    object.maybe("conversation", model.conversation.as_ref().map(ConversationId::as_str));
    object.json("messages", "[]");
    object.finish()
}

fn prose(model: &Model, is_markdown: bool, words: &Words<'_>) -> String {
    let mark = if is_markdown { "**" } else { "" };
    let mut out = String::new();
    for (_, item) in model.items() {
        let (who, at, text) = match item {
            Item::Question(question) => (words.you, question.at, question.text.as_str()),
            Item::Reply(reply) => (words.agent, reply.at, reply.text.trim()),
        };
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(mark);
        out.push_str(who);
        out.push_str(mark);
        if let Some(at) = at {
            out.push_str(" (");
            out.push_str(&(words.time)(at));
            out.push(')');
        }
        out.push_str(if is_markdown { "\n\n" } else { "\n" });
        out.push_str(text);
        out.push('\n');
        if let Item::Question(question) = item {
            write_files(question, &mut out);
        }
        if let Item::Reply(reply) = item {
            write_sources(reply, is_markdown, words.sources, &mut out);
        }
    }
    out
}

/// The names of what was sent along.
fn write_files(question: &Question, out: &mut String) {
    for file in &question.files {
        out.push('[');
        out.extend(file.name.chars().flat_map(escaped));
        out.push_str("]\n");
    }
}

fn write_sources(reply: &Reply, is_markdown: bool, heading: &str, out: &mut String) {
    if reply.sources.is_empty() {
        return;
    }
    out.push('\n');
    out.push_str(heading);
    out.push_str(if is_markdown { ":\n\n" } else { ":\n" });
    for (number, source) in (1_u32..).zip(&reply.sources) {
        out.push_str(&number.to_string());
        out.push_str(". ");
        let address = source.href.as_ref().map(Href::as_str);
        match address.filter(|address| *address != source.title) {
            Some(address) if is_markdown => {
                out.push('[');
                out.extend(source.title.chars().flat_map(escaped));
                out.push_str("](<");
                out.push_str(address);
                out.push_str(">)");
            }
            Some(address) => {
                out.push_str(&source.title);
                out.push_str(": ");
                out.push_str(address);
            }
            None => out.push_str(&source.title),
        }
        out.push('\n');
    }
}

/// A character of a link's label: brackets would end it.
fn escaped(character: char) -> impl Iterator<Item = char> {
    let escape = matches!(character, '[' | ']' | '\\').then_some('\\');
    escape.into_iter().chain([character])
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Transcript<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<&'a str>,
    messages: Vec<Entry<'a>>,
}

/// A message, as far as an exported transcript tells of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    text: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<Cited<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedback: Option<&'static str>,
}

#[derive(Serialize)]
struct Cited<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

fn json(model: &Model, words: &Words<'_>) -> String {
    let messages = model.items().iter().map(|(_, item)| entry(item, words)).collect();
    let conversation = model.conversation.as_ref().map(ConversationId::as_str);
    // Texts alone: there is nothing in it that could not be written.
    serde_json::to_string(&Transcript { conversation, messages }).unwrap_or_default()
}

fn entry<'a>(item: &'a Item, words: &Words<'_>) -> Entry<'a> {
    match item {
        Item::Question(question) => Entry {
            id: Some(&question.id),
            role: "user",
            created_at: question.at.map(words.time),
            text: &question.text,
            files: question.files.iter().map(|file| file.name.as_str()).collect(),
            sources: Vec::new(),
            status: None,
            feedback: None,
        },
        Item::Reply(reply) => Entry {
            id: reply.id.as_deref(),
            role: "assistant",
            created_at: reply.at.map(words.time),
            text: &reply.text,
            files: Vec::new(),
            sources: reply.sources.iter().map(cited).collect(),
            status: Some(match reply.phase {
                ReplyPhase::Waiting { .. } | ReplyPhase::Streaming => "streaming",
                ReplyPhase::Done => "done",
                ReplyPhase::Stopped => "stopped",
                ReplyPhase::Failed(_) => "failed",
            }),
            feedback: reply.rating.wanted.value.map(Feedback::as_str),
        },
    }
}

fn cited(source: &super::item::Source) -> Cited<'_> {
    Cited { title: &source.title, url: source.href.as_ref().map(Href::as_str) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Config;

    #[test]
    fn nothing_is_written_down_the_same_in_either_way() {
        let words = Words { you: "You", agent: "Agent", sources: "Sources", time: &|_| String::new() };
        let mut model = Model::new(Config::default());
        for conversation in [None, ConversationId::parse("c1").ok()] {
            model.conversation = conversation;
            for format in [Format::Text, Format::Markdown, Format::Json] {
                assert_eq!(write_empty(&model, format), write(&model, format, &words));
            }
        }
    }
}
