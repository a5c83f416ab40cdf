//! What a provider answers, before troubles and cuts.

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

/// An answer.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// One JSON body.
    Json(StatusCode, Vec<(&'static str, String)>, Value),
    /// A stream.
    Stream(Script),
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::Json(status, Vec::new(), body)
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        match &mut self {
            Self::Json(_, headers, _) => headers.push((name, value.into())),
            Self::Stream(script) => script.headers.push((name, value.into())),
        }
        self
    }
}

/// A streamed answer, in the events that the provider would write.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) media_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) events: Vec<Bytes>,
    /// How many events come before a trouble: some text has been said then.
    pub(crate) begun: usize,
    /// The provider's error in the midst of a stream.
    pub(crate) late_error: Option<Bytes>,
    /// A heartbeat.
    pub(crate) ping: Option<Bytes>,
    /// What is not of the format.
    pub(crate) malformed: Bytes,
    /// The beginning of an event that never ends.
    pub(crate) endless: Bytes,
    /// The same answer as one JSON body.
    pub(crate) whole: Value,
}

impl Script {
    /// Server-sent events.
    pub(crate) fn sse(events: Vec<Bytes>, whole: Value) -> Self {
        Self {
            media_type: "text/event-stream",
            headers: vec![("cache-control", "no-cache".to_owned())],
            begun: events.len().div_ceil(2),
            events,
            late_error: None,
            ping: Some(Bytes::from_static(b": ping\n\n")),
            malformed: Bytes::from_static(b"data: {\"type\": <html>\n\n"),
            endless: Bytes::from_static(b"data: "),
            whole,
        }
    }
}

/// One `data:` event.
pub(crate) fn data(body: &Value) -> Bytes {
    Bytes::from(format!("data: {body}\n\n"))
}

/// One event with a name.
pub(crate) fn named(event: &str, body: &Value) -> Bytes {
    Bytes::from(format!("event: {event}\ndata: {body}\n\n"))
}

/// What simulators say: pieces of Markdown, with characters of 2 to 4 bytes.
pub(crate) fn text(question: &str, number: usize) -> Vec<String> {
    let shown: String = question.chars().take(200).collect();
    vec![
        format!("**Question {number}**"),
        format!(": \u{201c}{shown}\u{201d}."),
        " Gr\u{fc}\u{df}e".to_owned(),
        " from the simulator \u{1f642}".to_owned(),
        ".".to_owned(),
    ]
}

/// What a simulator adds if it was given passages that are numbered: the first
/// line of the first one, and its mark, cut in two.
pub(crate) fn citation(told: &str) -> Vec<String> {
    let Some((_, after)) = told.split_once("\n[1] ") else { return Vec::new() };
    let line = after.lines().skip(1).find(|line| !line.trim().is_empty()).unwrap_or_default();
    vec![format!(" I read: {line} ["), "1].".to_owned()]
}
