//! A relay with its database in a folder of its own, and an upstream whose
//! replies the test feeds chunk by chunk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use chinwag_protocol::{Chunk, Features, FromFields as _, TokenAnswer, UiMessage, sse};
use chinwag_relay::app::App;
use chinwag_relay::config::{Config, Limits, Overrides};
use chinwag_relay::upstream::{ChunkStream, Turn, Upstream};
use chinwag_relay::{api, edge};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

use crate::described;

/// The page of the site in these tests.
pub const PAGE: &str = "https://shop.example";

/// The relay's own origin in these tests.
pub const OWN: &str = "http://127.0.0.1:8787";

/// Longest that a test waits for what should happen at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for something that should happen at once.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} did not happen"))
}

pub struct World {
    pub app: App,
    router: Router,
    replies: tokio::sync::Mutex<mpsc::UnboundedReceiver<Reply>>,
    _folder: Option<tempfile::TempDir>,
}

/// One reply that the relay asked the upstream for.
pub struct Reply {
    pub turn: Turn,
    chunks: mpsc::UnboundedSender<Chunk>,
}

impl Reply {
    pub fn send(&self, chunk: Chunk) {
        self.chunks.send(chunk).expect("the relay still listens");
    }

    pub fn say(&self, text: &str) {
        self.send(Chunk::TextDelta { id: "t".into(), delta: text.into() });
    }

    pub fn finish(&self) {
        self.send(Chunk::Finish { reason: chinwag_protocol::FinishReason::Stop, metadata: None });
    }

    /// Waits until the relay has dropped the stream.
    pub async fn dropped(&self) {
        soon("the end of the upstream's stream", self.chunks.closed()).await;
    }
}

#[derive(Debug)]
struct Scripted {
    replies: mpsc::UnboundedSender<Reply>,
    features: Features,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("turn", &self.turn).finish_non_exhaustive()
    }
}

impl Upstream for Scripted {
    fn features(&self) -> Features {
        self.features
    }

    fn reply(&self, turn: Turn) -> ChunkStream {
        assert_ne!(turn.message.text(), "panic", "as the test asked for");
        let (chunks, mut fed) = mpsc::unbounded_channel();
        let _ = self.replies.send(Reply { turn, chunks });
        Box::pin(futures_util::stream::poll_fn(move |context| fed.poll_recv(context)))
    }
}

/// A key pair of these tests, so that they can sign what no relay would.
pub const SIGNING_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
    -----END PRIVATE KEY-----\n";

/// The secret `k1` of `site_shop`, and `only` of `site_hall`.
pub const IDENTITY_1: &str = "a-secret-of-the-shop-for-identities-1";

/// The secret `k2` of `site_shop`.
pub const IDENTITY_2: &str = "a-secret-of-the-shop-for-identities-2";

/// The secret keys of `site_shop`: the one of today, and the one before.
pub const SITE_KEY: &str = "sk-the-secret-key-of-the-shop-0123456789";
pub const SITE_KEY_OLD: &str = "sk-the-older-key-of-the-shop-0123456789";

/// The secret key of `site_other`.
pub const OTHER_SITE_KEY: &str = "sk-the-secret-key-of-the-other-987654321";

fn environment(name: &str) -> Option<String> {
    let value = match name {
        "SIGNING_KEY" => SIGNING_KEY,
        "IDENTITY_1" => IDENTITY_1,
        "IDENTITY_2" => IDENTITY_2,
        "SITE_KEY" => SITE_KEY,
        "SITE_KEY_OLD" => SITE_KEY_OLD,
        "OTHER_SITE_KEY" => OTHER_SITE_KEY,
        _ => return None,
    };
    Some(value.to_owned())
}

pub fn config(folder: &Path, adjust: impl FnOnce(&mut Limits)) -> Config {
    let text = format!(
        r#"
[server]
addr = "127.0.0.1:8787"
data_dir = {data_dir:?}
trusted_proxies = ["127.0.0.0/8"]
signing_key = {{ env = "SIGNING_KEY" }}

[[site]]
key = "site_shop"
origins = ["{PAGE}", "https://www.shop.example"]
agent = "guide"
identity_secrets = {{ k1 = {{ env = "IDENTITY_1" }}, k2 = {{ env = "IDENTITY_2" }} }}
secret_key = [{{ env = "SITE_KEY" }}, {{ env = "SITE_KEY_OLD" }}]
devices = true

[[site]]
key = "site_other"
origins = ["https://other.example"]
agent = "guide"
secret_key = {{ env = "OTHER_SITE_KEY" }}

[[site]]
key = "site_hall"
origins = ["https://hall.example"]
agent = "guide"
identity_secrets = {{ only = {{ env = "IDENTITY_1" }} }}
identity_once = true
devices = "required"

[agent.guide]
provider = "docs"
path = "."
name = "Guide"
greeting = "Hello"
suggestions = ["One?", "Two?"]
"#,
        data_dir = folder.join("data"),
    );
    let file = folder.join("chinwag.toml");
    let mut config =
        Config::parse(&file, &text, &environment, &Overrides::default()).expect("a good configuration");
    config.server.limits = Limits {
        tokens_per_minute: 1000,
        tokens_burst: 1000,
        messages_per_minute: 1000,
        address_messages_per_minute: 1000,
        streams_per_visitor: 100,
        streams_per_address: 100,
        ..Limits::default()
    };
    adjust(&mut config.server.limits);
    config
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(adjust: impl FnOnce(&mut Limits)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self::of(config(folder.path(), adjust)).await;
        world._folder = Some(folder);
        world
    }

    /// One whose agent can call tools of the page.
    pub async fn with_tools() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self::of_with_tools(config(folder.path(), |_| {})).await;
        world._folder = Some(folder);
        world
    }

    /// One whose agent takes files.
    pub async fn with_files(adjust: impl FnOnce(&mut Limits)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let features = Features { attachments: true, ..Features::default() };
        let mut world = Self::build(config(folder.path(), adjust), features).await;
        world._folder = Some(folder);
        world
    }

    pub async fn of_with_tools(config: Config) -> Self {
        Self::build(config, Features { sources: true, tools: true, ..Features::default() }).await
    }

    /// The same with anything in its configuration changed.
    pub async fn tuned(adjust: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path(), |_| {});
        adjust(&mut config);
        let mut world = Self::of(config).await;
        world._folder = Some(folder);
        world
    }

    /// The folder of the database.
    pub fn data(&self) -> &Path {
        &self.app.config().server.data_dir
    }

    /// The whole relay as a server on a port of its own.
    pub async fn serve(&self) -> std::net::SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (router, shutdown) = (self.router.clone(), self.app.shutdown().clone());
        let options = edge::Options::from(&self.app.config().server.limits);
        tokio::spawn(async move { edge::serve(listener, router, &shutdown, &options).await });
        addr
    }

    pub async fn of(config: Config) -> Self {
        Self::build(config, Features { sources: true, ..Features::default() }).await
    }

    async fn build(config: Config, features: Features) -> Self {
        let (sender, replies) = mpsc::unbounded_channel();
        let upstream: Arc<dyn Upstream> = Arc::new(Scripted { replies: sender, features });
        let agents = BTreeMap::from([("guide".to_owned(), upstream)]);
        let app = App::with_upstreams(config.clone(), agents).await.expect("the relay starts");
        let router = edge::dress(api::router(app.clone()), &config);
        Self { app, router, replies: tokio::sync::Mutex::new(replies), _folder: None }
    }

    /// The next reply that the relay asks the upstream for.
    pub async fn reply(&self) -> Reply {
        soon("a reply", async { self.replies.lock().await.recv().await })
            .await
            .expect("the upstream is there")
    }

    /// Whether the relay has asked for a reply that nobody has taken yet.
    pub async fn has_asked(&self) -> bool {
        !self.replies.lock().await.is_empty()
    }

    pub async fn send(&self, request: Request<Body>) -> http::Response<Body> {
        soon("an answer", self.router.clone().oneshot(request)).await.unwrap()
    }

    /// A call with a body or none, and its answer whole.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(&method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let answer = Answer::read(self.send(request.body(body).unwrap()).await).await;
        let kind = answer.header("content-type");
        described::hold(api::FOR_VISITORS, method.as_str(), path, answer.status.as_u16(), kind, &answer.text);
        answer
    }

    /// An exchange on the site's page.
    pub async fn exchange(&self, visitor: Option<&str>) -> TokenAnswer {
        let mut body = json!({"site": "site_shop"});
        if let Some(visitor) = visitor {
            body["visitor"] = json!(visitor);
        }
        let answer = self.call(Method::POST, "/v1/token", &[("origin", PAGE)], Some(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        TokenAnswer::from_json(&answer.text).unwrap()
    }

    /// An exchange with anything in it, as a page of that origin sends it.
    pub async fn ask_token(&self, origin: &str, body: Value) -> Answer {
        self.call(Method::POST, "/v1/token", &[("origin", origin)], Some(body)).await
    }

    /// Another visitor with a token of their own.
    pub async fn visitor(&self) -> Visitor<'_> {
        self.with_token(&self.exchange(None).await.token)
    }

    /// Whoever has that access token.
    pub fn with_token(&self, token: &str) -> Visitor<'_> {
        Visitor::with(self, token)
    }
}

/// Someone on the site's page.
pub struct Visitor<'w> {
    world: &'w World,
    pub authorization: String,
}

impl<'w> Visitor<'w> {
    /// Someone who holds that token.
    pub fn with(world: &'w World, token: &str) -> Self {
        Self { world, authorization: format!("Bearer {token}") }
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let headers = [("origin", PAGE), ("authorization", self.authorization.as_str())];
        self.world.call(method, path, &headers, body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> http::Response<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("origin", PAGE)
            .header("authorization", &self.authorization)
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.world.send(request.body(body).unwrap()).await
    }

    /// Sends a body to `/v1/chat` and follows the answer.
    pub async fn chat(&self, body: &Value) -> Followed {
        let response = self.raw(Method::POST, "/v1/chat", &[], Body::from(body.to_string())).await;
        Followed::of(response).await
    }

    pub async fn ask(&self, conversation: &str, id: &str, text: &str) -> Followed {
        self.chat(&question(conversation, id, text)).await
    }

    /// Sends a question that is refused.
    pub async fn refused(&self, body: &Value) -> Answer {
        self.call(Method::POST, "/v1/chat", Some(body.clone())).await
    }

    pub async fn resume(&self, conversation: &str, last: Option<&str>) -> http::Response<Body> {
        let headers: Vec<_> = last.map(|last| ("last-event-id", last)).into_iter().collect();
        self.raw(Method::GET, &format!("/v1/chat/{conversation}/stream"), &headers, Body::empty()).await
    }

    pub async fn stop(&self, conversation: &str) -> Answer {
        self.call(Method::POST, &format!("/v1/chat/{conversation}/stop"), None).await
    }

    pub async fn messages(&self, conversation: &str) -> Vec<UiMessage> {
        let answer = self.get(&format!("/v1/conversations/{conversation}/messages")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        serde_json::from_value(answer.json()["data"].clone()).unwrap()
    }

    /// The texts and statuses of a conversation's messages.
    pub async fn transcript(&self, conversation: &str) -> Vec<(String, String)> {
        let messages = self.messages(conversation).await;
        let status = |message: &UiMessage| {
            let status = message.metadata.as_ref().unwrap().status.unwrap();
            serde_json::to_value(status).unwrap().as_str().unwrap().to_owned()
        };
        messages.iter().map(|message| (message.text(), status(message))).collect()
    }
}

pub fn question(conversation: &str, id: &str, text: &str) -> Value {
    json!({
        "id": conversation,
        "messages": [{"id": id, "role": "user", "parts": [{"type": "text", "text": text}]}],
        "trigger": "submit-message",
    })
}

/// An answer that has been read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn read(response: http::Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = soon("the end of an answer", body.collect()).await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Self { status: parts.status, headers: parts.headers, text }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Holds the answer against status, code and the rules of the envelope.
    #[track_caller]
    pub fn is_error(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert!(self.header("content-type").starts_with("application/json"), "{:?}", self.headers);
        let error = self.json()["error"].clone();
        assert_eq!(error["code"], code, "{}", self.text);
        assert_eq!(error["status"], status);
        assert_eq!(error["requestId"], self.header("x-request-id"));
        assert!(!error["requestId"].as_str().unwrap().is_empty());
        assert!(error["type"].is_string() && error["message"].is_string());
        error
    }
}

/// A stream that is being read.
pub struct Followed {
    pub headers: HeaderMap,
    body: Body,
    decoder: sse::Decoder,
    frames: std::collections::VecDeque<sse::Frame>,
    pub bytes: Vec<u8>,
}

impl Followed {
    pub async fn of(response: http::Response<Body>) -> Self {
        if response.status() != StatusCode::OK {
            panic!("{:?}", Answer::read(response).await);
        }
        let (parts, body) = response.into_parts();
        Self {
            headers: parts.headers,
            body,
            decoder: sse::Decoder::default(),
            frames: std::collections::VecDeque::new(),
            bytes: Vec::new(),
        }
    }

    /// Reads some more bytes; false at the end.
    pub async fn read(&mut self) -> bool {
        let Some(frame) = soon("more of a stream", self.body.frame()).await else { return false };
        let bytes = frame.unwrap().into_data().unwrap();
        self.bytes.extend_from_slice(&bytes);
        let frames = &mut self.frames;
        self.decoder.feed(&bytes, |frame| frames.push_back(frame)).unwrap();
        true
    }

    pub async fn frame(&mut self) -> Option<sse::Frame> {
        while self.frames.is_empty() {
            if !self.read().await {
                return None;
            }
        }
        self.frames.pop_front()
    }

    /// The next chunk with its event id.
    pub async fn chunk(&mut self) -> (String, Chunk) {
        let frame = self.frame().await.expect("another chunk");
        (frame.id.unwrap(), Chunk::from_json(&frame.data).unwrap())
    }

    /// Reads until that text has come, and gives the id of the last chunk.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            let (id, chunk) = self.chunk().await;
            if matches!(&chunk, Chunk::TextDelta { delta, .. } if delta == text) {
                return id;
            }
        }
    }

    /// Reads to the end: the chunks with their ids, the last of them terminal,
    /// then `[DONE]`, then nothing.
    pub async fn rest(&mut self) -> Vec<(String, Chunk)> {
        let mut chunks = Vec::new();
        loop {
            let frame = self.frame().await.expect("a stream ends with [DONE]");
            if frame.data == sse::DONE {
                break;
            }
            chunks.push((frame.id.unwrap(), Chunk::from_json(&frame.data).unwrap()));
        }
        assert!(self.frame().await.is_none(), "nothing comes after [DONE]");
        let terminals = chunks.iter().filter(|(_, chunk)| chunk.is_terminal()).count();
        assert_eq!(terminals, 1, "{chunks:?}");
        assert!(chunks.last().unwrap().1.is_terminal(), "{chunks:?}");
        chunks
    }
}

/// The text that the chunks add up to.
pub fn text_of(chunks: &[(String, Chunk)]) -> String {
    let delta = |(_, chunk): &(String, Chunk)| match chunk {
        Chunk::TextDelta { delta, .. } => delta.clone(),
        _ => String::new(),
    };
    chunks.iter().map(delta).collect()
}

/// The numbers of the chunks.
pub fn seqs(chunks: &[(String, Chunk)]) -> Vec<u64> {
    chunks.iter().map(|(id, _)| id.split_once(':').unwrap().1.parse().unwrap()).collect()
}
