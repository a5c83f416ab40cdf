//! A client that obeys the wire: it stores what it needs before it sends, resumes
//! after the last event that it heard, and reloads when the log is gone.

use std::time::{Duration, Instant};

use chinwag_protocol::{Chunk, ErrorCode, EventId, FinishReason, MessageStatus, UiMessage, sse};
use serde_json::{Value, json};

use crate::LONG;
use crate::source::Script;

pub(crate) const PAGE: &str = "https://shop.example";

/// A visitor on a page.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
}

/// One question, and what was heard of its reply.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    pub(crate) script: Script,
    pub(crate) conversation: String,
    message: String,
    /// The text so far.
    pub(crate) heard: String,
    /// When it had which length.
    pub(crate) times: Vec<(Instant, usize)>,
    last: Option<EventId>,
    pub(crate) end: Option<Chunk>,
    /// Whether `[DONE]` came.
    pub(crate) is_over: bool,
    /// How often it was taken up again.
    pub(crate) resumed: usize,
}

/// How one connection went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Went {
    /// To the end of the reply.
    Over,
    /// It broke off, or was refused for a while.
    Broke,
    /// Nothing follows what was heard, or the log is another one.
    Gone,
}

impl Client {
    /// A visitor who reaches the relay at `base` and comes from the page of the
    /// site of that number.
    pub(crate) async fn new(addr: impl std::fmt::Display, site: usize) -> Self {
        let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build().unwrap();
        let mut client = Self { http, base: format!("http://{addr}"), token: String::new() };
        let body = json!({ "site": format!("site_{site}") });
        let began = Instant::now();
        loop {
            let sent =
                client.http.post(client.url("/v1/token")).header("origin", PAGE).json(&body).send().await;
            if let Ok(answer) = sent
                && let Ok(answer) = answer.json::<Value>().await
            {
                let token = answer["token"].as_str().unwrap_or_else(|| panic!("{answer}"));
                token.clone_into(&mut client.token);
                return client;
            }
            assert!(began.elapsed() < LONG, "no token");
        }
    }

    /// The same visitor by another way.
    pub(crate) fn by(&self, addr: impl std::fmt::Display) -> Self {
        Self { base: format!("http://{addr}"), ..self.clone() }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path)).header("origin", PAGE).bearer_auth(&self.token)
    }

    /// Asks, or takes up what was begun, once.
    pub(crate) async fn follow_once(&self, talk: &mut Talk) -> Went {
        let request = match &talk.last {
            None => {
                let part = json!({ "type": "text", "text": talk.script.question() });
                let message = json!({ "id": talk.message, "role": "user", "parts": [part] });
                self.request(reqwest::Method::POST, "/v1/chat").json(&json!({
                    "id": talk.conversation, "messages": [message], "trigger": "submit-message",
                }))
            }
            Some(last) => {
                talk.resumed += 1;
                self.request(reqwest::Method::GET, &format!("/v1/chat/{}/stream", talk.conversation))
                    .header("last-event-id", last.to_string())
            }
        };
        let Ok(mut answer) = request.send().await else { return Went::Broke };
        match answer.status().as_u16() {
            200 => {}
            204 => return Went::Gone,
            429 | 503 => return Went::Broke,
            status => panic!("{status}: {}", answer.text().await.unwrap_or_default()),
        }
        // What is left of a frame that was cut is worth nothing.
        let mut decoder = sse::Decoder::default();
        let mut went = Went::Broke;
        while let Ok(Some(bytes)) = answer.chunk().await {
            decoder
                .feed(&bytes, |frame| {
                    if went == Went::Broke {
                        went = talk.hear(&frame);
                    }
                })
                .unwrap();
            if went != Went::Broke {
                break;
            }
        }
        went
    }

    /// A request, head and all, that follows a finished reply from that event on.
    pub(crate) fn head_of_resume(&self, talk: &Talk, after: u64) -> String {
        let epoch = &talk.last.as_ref().unwrap().epoch;
        format!(
            "GET /v1/chat/{}/stream HTTP/1.1\r\nhost: x\r\norigin: {PAGE}\r\nauthorization: Bearer {}\r\n\
             last-event-id: {epoch}:{after}\r\n\r\n",
            talk.conversation, self.token,
        )
    }

    /// Follows to the end, through whatever happens on the way.
    pub(crate) async fn follow(&self, talk: &mut Talk) {
        let began = Instant::now();
        while self.follow_once(talk).await == Went::Broke {
            assert!(began.elapsed() < LONG, "the reply does not end: {talk:?}");
            tokio::time::sleep(Duration::from_millis(fastrand::u64(5..50))).await;
        }
    }

    /// The messages of a conversation, read until they come whole; none if there
    /// is no such conversation.
    pub(crate) async fn transcript(&self, conversation: &str) -> Option<Vec<UiMessage>> {
        let began = Instant::now();
        loop {
            let path = format!("/v1/conversations/{conversation}/messages");
            if let Ok(answer) = self.request(reqwest::Method::GET, &path).send().await {
                if answer.status() == 404 {
                    return None;
                }
                if let Ok(page) = answer.json::<Value>().await {
                    return Some(serde_json::from_value(page["data"].clone()).unwrap());
                }
            }
            assert!(began.elapsed() < LONG, "no transcript");
        }
    }
}

impl Talk {
    pub(crate) fn new(script: Script) -> Self {
        Self {
            script,
            conversation: uuid::Uuid::now_v7().to_string(),
            message: uuid::Uuid::now_v7().to_string(),
            heard: String::new(),
            times: Vec::new(),
            last: None,
            end: None,
            is_over: false,
            resumed: 0,
        }
    }

    /// The same question once more: what Retry sends.
    pub(crate) fn again(&self) -> Self {
        let (conversation, message) = (self.conversation.clone(), self.message.clone());
        Self { conversation, message, ..Self::new(self.script) }
    }

    fn hear(&mut self, frame: &sse::Frame) -> Went {
        if frame.data == sse::DONE {
            self.is_over = true;
            return if self.end.is_some() { Went::Over } else { Went::Gone };
        }
        let id: EventId = frame.id.as_deref().unwrap().parse().unwrap();
        let seq = match &self.last {
            Some(last) if last.epoch != id.epoch => return Went::Gone,
            Some(last) => last.seq,
            None => 0,
        };
        assert_eq!(id.seq, seq + 1, "a gap or a repeat in {}", self.conversation);
        assert!(self.end.is_none(), "something comes after the end in {}", self.conversation);
        self.last = Some(id);
        let chunk = Chunk::from_json(&frame.data).unwrap();
        if let Chunk::TextDelta { delta, .. } = &chunk {
            self.heard.push_str(delta);
            self.times.push((Instant::now(), self.heard.len()));
        }
        if chunk.is_terminal() {
            self.end = Some(chunk);
        }
        Went::Broke
    }

    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.end, Some(Chunk::Finish { reason: FinishReason::Stop, .. }))
    }

    pub(crate) fn is_interrupted(&self) -> bool {
        matches!(&self.end, Some(Chunk::Error { data: Some(data), .. }) if data.code == ErrorCode::Interrupted)
    }

    /// What had been heard at that time, in bytes.
    pub(crate) fn heard_by(&self, time: Instant) -> usize {
        self.times.iter().rev().find(|(at, _)| *at <= time).map_or(0, |(_, length)| *length)
    }
}

/// Text and status of the reply in a transcript that holds one question and at
/// most one reply; anything else is a message lost or doubled.
#[track_caller]
pub(crate) fn reply_of(messages: &[UiMessage], talk: &Talk) -> Option<(String, MessageStatus)> {
    let (question, reply) = match messages {
        [question] => (question, None),
        [question, reply] => (question, Some(reply)),
        others => panic!("{} messages where there are two: {others:?}", others.len()),
    };
    assert_eq!(question.text(), talk.script.question());
    let reply = reply?;
    Some((reply.text(), reply.metadata.as_ref().unwrap().status.unwrap()))
}
