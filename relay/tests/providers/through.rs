//! Through the whole relay: for every provider, a visitor asks, follows up,
//! tries again, rates and reloads, with the provider's ids kept in the store.

use std::path::Path;

use axum::Router;
use axum::body::Body;
use chinwag_relay::app::App;
use chinwag_relay::config::{Config, Overrides};
use chinwag_relay::{api, edge};
use chinwag_simulator::{KEY, Kind, Simulator, Switches};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::support::needed;

const PAGE: &str = "https://shop.example";

/// A relay with one agent, and a visitor on its page.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) router: Router,
    authorization: String,
    has_tools: bool,
    _folder: TempDir,
}

impl World {
    async fn new(kind: Kind) -> Self {
        Self::with(kind, "").await
    }

    /// With more lines of the agent's section.
    pub(crate) async fn with(kind: Kind, more: &str) -> Self {
        let simulator = Simulator::start(kind, Switches::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[server]\ndata_dir = '{}'\n\n[[site]]\nkey = \"site_a\"\norigins = [\"{PAGE}\"]\nagent = \"a\"\n\n\
             [agent.a]\nprovider = \"{}\"\nbase_url = \"{}\"\napi_key = {{ env = \"KEY\" }}\n{}\n{more}\n",
            folder.path().join("data").display(),
            kind.name(),
            simulator.base_url,
            needed(kind),
        );
        let environment = |_: &str| Some(KEY.to_owned());
        let config =
            Config::parse(Path::new("chinwag.toml"), &text, &environment, &Overrides::default()).unwrap();
        let app = App::build(config.clone()).await.unwrap();
        let router = edge::dress(api::router(app), &config);
        let mut world =
            Self { simulator, router, authorization: String::new(), has_tools: false, _folder: folder };
        let answer = world.call(Method::POST, "/v1/token", Some(json!({ "site": "site_a" }))).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["features"]["feedback"], true, "{answer}");
        world.has_tools = answer["features"]["tools"] == true;
        world.authorization = format!("Bearer {}", answer["token"].as_str().unwrap());
        world
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> String {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("origin", PAGE)
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .body(Body::from(body.map(|body| body.to_string()).unwrap_or_default()))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(status.is_success() || status == StatusCode::NO_CONTENT, "{path}: {status}: {text}");
        text
    }

    /// Sends a chat request; gives the chunks of the reply.
    pub(crate) async fn stream(&self, body: &Value) -> Vec<Value> {
        let stream = self.call(Method::POST, "/v1/chat", Some(body.clone())).await;
        let chunks = stream.lines().filter_map(|line| line.strip_prefix("data: "));
        chunks.filter_map(|data| serde_json::from_str(data).ok()).collect()
    }

    /// Asks; gives the text of the reply.
    pub(crate) async fn chat(&self, trigger: &str, id: &str, text: &str) -> String {
        let message = json!({ "id": id, "role": "user", "parts": [{ "type": "text", "text": text }] });
        let body = json!({ "id": "c1", "messages": [message], "trigger": trigger });
        let chunks = self.stream(&body).await;
        assert_eq!(chunks.last().unwrap()["type"], "finish", "{chunks:?}");
        chunks
            .iter()
            .filter(|chunk| chunk["type"] == "text-delta")
            .filter_map(|chunk| chunk["delta"].as_str())
            .collect()
    }

    pub(crate) async fn messages(&self) -> Vec<Value> {
        let page = self.call(Method::GET, "/v1/conversations/c1/messages", None).await;
        serde_json::from_str::<Value>(&page).unwrap()["data"].as_array().unwrap().clone()
    }
}

async fn converse(kind: Kind) {
    let world = World::new(kind).await;
    let first = world.chat("submit-message", "m1", "Do you ship?").await;
    assert!(first.contains("Question 1") && first.contains("Do you ship?"), "{kind:?}: {first}");
    let second = world.chat("submit-message", "m2", "And when?").await;
    assert!(second.contains("Question 2"), "{kind:?}: {second}");
    let again = world.chat("regenerate-message", "m2", "And when?").await;
    assert!(again.contains("And when?"), "{kind:?}: {again}");
    let third = world.chat("submit-message", "m3", "Thanks").await;
    assert!(third.contains("Thanks"), "{kind:?}: {third}");

    let messages = world.messages().await;
    assert_eq!(messages.len(), 6, "{kind:?}: {messages:?}");
    assert_eq!(messages[3]["parts"][0]["text"], again, "{kind:?}: the retry stands in the first one's place");
    let reply = messages[5]["id"].as_str().unwrap();
    let path = format!("/v1/conversations/c1/messages/{reply}/feedback");
    world.call(Method::PUT, &path, Some(json!({ "value": "negative", "reason": "too short" }))).await;
    assert_eq!(world.messages().await[5]["metadata"]["feedback"], "negative", "{kind:?}");

    // No call that nobody asked for: whatever else a provider needs, it got four
    // questions.
    let asked = |text: &str| {
        let requests = world.simulator.requests();
        requests.iter().filter(|request| request.body.to_string().contains(text)).count()
    };
    assert!(asked("Thanks") <= 1, "{kind:?}: {:?}", world.simulator.requests());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_serves_a_whole_conversation() {
    for kind in Kind::ALL {
        converse(*kind).await;
    }
}

/// A question whose answer needs a tool of the page: the call, its result, and
/// the reply that goes on with it; twice, and then another question.
async fn use_tools(kind: Kind) {
    let world = World::new(kind).await;
    for (question, number) in [("m1", 1), ("m2", 2)] {
        let text = format!("use the tool for {question}");
        let message = json!({ "id": question, "role": "user", "parts": [{ "type": "text", "text": text }] });
        let tools = json!([{ "name": "weather", "description": "Now", "parameters": { "type": "object" } }]);
        let body = json!({
            "id": "c1", "messages": [message], "trigger": "submit-message", "tools": tools,
        });
        let called = world.stream(&body).await;
        assert_eq!(called.last().unwrap()["finishReason"], "tool-calls", "{kind:?}: {called:?}");
        let call = called.iter().find(|chunk| chunk["type"] == "tool-input-available").unwrap();
        assert_eq!(call["input"]["city"], "Malm\u{f6}", "{kind:?}: {call}");
        let reply = called[0]["messageId"].as_str().unwrap();
        let part = json!({
            "type": "tool-weather", "toolCallId": call["toolCallId"], "state": "output-available",
            "input": call["input"], "output": { "sky": "rain" },
        });
        let body = json!({
            "id": "c1",
            "messages": [{ "id": reply, "role": "assistant", "parts": [part] }],
            "trigger": "submit-message",
            "tools": tools,
        });
        let went_on = world.stream(&body).await;
        assert_eq!(went_on.last().unwrap()["type"], "finish", "{kind:?}: {went_on:?}");
        assert_eq!(went_on[0]["messageId"], reply, "{kind:?}: it is the same reply");
        assert!(went_on.iter().any(|chunk| chunk["type"] == "text-delta"), "{kind:?}: {went_on:?}");
        let sent = |text: &str| {
            world
                .simulator
                .requests()
                .iter()
                .filter(|request| request.body.to_string().contains(text))
                .count()
        };
        assert!(sent("rain") >= number, "{kind:?}: the provider never got the result");
        let messages = world.messages().await;
        assert_eq!(messages.len(), 2 * number, "{kind:?}: {messages:?}");
        assert_eq!(messages[2 * number - 1]["metadata"]["status"], "done", "{kind:?}");
    }
    let thanks = world.chat("submit-message", "m3", "Thanks").await;
    assert!(thanks.contains("Thanks"), "{kind:?}: {thanks}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_provider_with_tools_goes_on_with_what_the_page_answered() {
    let mut with_tools = Vec::new();
    for kind in Kind::ALL {
        if World::new(*kind).await.has_tools {
            use_tools(*kind).await;
            with_tools.push(kind.name());
        }
    }
    let expected = ["chatbase-v2", "chatbotkit", "openai-chat", "openai-responses", "ai-sdk"];
    assert_eq!(with_tools, expected);
}

#[tokio::test]
async fn a_rating_is_handed_on_to_a_provider_that_takes_one() {
    let world = World::new(Kind::ChatbaseV2).await;
    world.chat("submit-message", "m1", "Do you ship?").await;
    let reply = world.messages().await[1]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/c1/messages/{reply}/feedback");
    for (value, expected) in [(json!("positive"), json!("positive")), (json!(null), json!(null))] {
        world.call(Method::PUT, &path, Some(json!({ "value": value }))).await;
        let requests = world.simulator.requests();
        let last = requests.last().unwrap();
        assert_eq!((&last.method, &last.body["feedback"]), (&Method::PATCH, &expected), "{last:?}");
    }
}

#[tokio::test]
async fn what_a_person_writes_arrives_once_and_the_state_is_shown_until_the_agent_is_back() {
    let world = World::new(Kind::ChatbaseV2).await;
    let state = async || {
        let list = world.call(Method::GET, "/v1/conversations", None).await;
        serde_json::from_str::<Value>(&list).unwrap()["data"][0]["state"].as_str().unwrap().to_owned()
    };
    let read = async || {
        let page = world.call(Method::GET, "/v1/conversations/c1/messages", None).await;
        let page = serde_json::from_str::<Value>(&page).unwrap();
        let texts = page["data"].as_array().unwrap().iter();
        let texts = texts.map(|message| message["parts"][0]["text"].as_str().unwrap_or_default().to_owned());
        let told = page["data"].as_array().unwrap().last().unwrap()["metadata"]["state"].as_str();
        (texts.collect::<Vec<_>>(), told.unwrap_or("ongoing").to_owned())
    };
    let reads = || {
        let requests = world.simulator.requests();
        requests.iter().filter(|request| request.path.ends_with("/messages")).count()
    };
    world.chat("submit-message", "m1", "Do you ship?").await;
    assert_eq!(read().await.1, "ongoing");
    assert_eq!(reads(), 0, "while the agent answers nobody else is asked");

    let message =
        json!({ "id": "m2", "role": "user", "parts": [{ "type": "text", "text": "a person, please" }] });
    let chunks =
        world.stream(&json!({ "id": "c1", "messages": [message], "trigger": "submit-message" })).await;
    let told = chunks.iter().find(|chunk| chunk["type"] == "message-metadata").unwrap();
    assert_eq!(told["messageMetadata"]["state"], "taken-over");
    assert_eq!(state().await, "taken-over");

    let (texts, now) = read().await;
    assert_eq!(
        (texts.last().unwrap().as_str(), now.as_str()),
        ("Ben here. You wrote: a person, please", "taken-over")
    );
    let count = texts.len();
    for _ in 0..5 {
        assert_eq!(read().await.0.len(), count);
    }
    assert_eq!(reads(), 1, "a page that asks often costs the provider one call in three seconds");

    world.chat("submit-message", "m3", "the agent is fine").await;
    tokio::time::sleep(chinwag_relay::handover::READ_EVERY).await;
    let (texts, now) = read().await;
    assert_eq!(
        (texts.last().unwrap().as_str(), now.as_str()),
        ("Ben here. You wrote: the agent is fine", "ongoing")
    );
    assert_eq!(texts.len(), count + 3, "{texts:?}");
    assert_eq!(state().await, "ongoing");
    assert!(world.chat("submit-message", "m4", "Thanks").await.contains("Thanks"));
}
