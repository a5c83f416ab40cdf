//! Webhooks of Chatsby: what a person writes there is in the visitor's
//! transcript, and nothing that somebody else sends.

use std::fmt::Write as _;

use aws_lc_rs::hmac;
use axum::body::Body;
use chinwag_relay::api;
use chinwag_simulator::Kind;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::through::World;

const SECRET: &str = "simulator-key";

const WEBHOOK: &str = "[agent.a.webhook]\nsecret = { env = \"HOOK\" }\n";

fn sign(text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    hmac::sign(&key, text.as_bytes()).as_ref().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// Posts a body as it is, with these headers.
async fn post(world: &World, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let mut request = Request::builder().method("POST").uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = world.router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    crate::described::hold(api::FOR_SERVERS, "POST", path, status, "application/json", &text);
    (status, serde_json::from_str(&text).unwrap())
}

/// Posts an event, signed as Chatsby would.
async fn tell(world: &World, event: &Value) -> Value {
    let body = event.to_string();
    let (status, answer) = post(world, "/v1/hooks/a", &[("x-chatsby-signature", &sign(&body))], &body).await;
    assert_eq!(status, 200, "{answer}");
    answer["outcome"].clone()
}

fn message(id: &str, role: &str, content: &str) -> Value {
    json!({ "id": id, "type": "message.created", "data": {
        "conversation": { "id": "conv_1", "agent_id": "agent_1a2b3c4d5e" },
        "message": { "role": role, "content": content },
    } })
}

async fn texts(world: &World) -> Vec<String> {
    let text = |message: &Value| message["parts"][0]["text"].as_str().unwrap_or_default().to_owned();
    world.messages().await.iter().map(text).collect()
}

async fn state(world: &World) -> String {
    let messages = world.messages().await;
    messages.last().unwrap()["metadata"]["state"].as_str().unwrap_or("ongoing").to_owned()
}

#[tokio::test]
async fn what_a_person_writes_is_in_the_transcript_once_and_says_that_they_took_over() {
    let world = World::with(Kind::Chatsby, WEBHOOK).await;
    let reply = world.chat("submit-message", "m1", "Do you ship?").await;
    // The provider tells of its own reply as well.
    assert_eq!(tell(&world, &message("evt_1", "assistant", &reply)).await, "taken_in");
    assert_eq!((texts(&world).await.len(), state(&world).await.as_str()), (2, "ongoing"));

    assert_eq!(tell(&world, &message("evt_2", "operator", "Ben here.")).await, "taken_in");
    assert_eq!((texts(&world).await[2].as_str(), state(&world).await.as_str()), ("Ben here.", "taken-over"));
    assert_eq!(tell(&world, &message("evt_2", "operator", "Ben here.")).await, "repeated");
    // A person may say what the agent said before.
    assert_eq!(tell(&world, &message("evt_3", "assistant", &reply)).await, "taken_in");
    assert_eq!(texts(&world).await[2..], ["Ben here.".to_owned(), reply]);
    // What the visitor wrote came this way.
    tell(&world, &message("evt_4", "user", "Do you ship?")).await;
    assert_eq!(texts(&world).await.len(), 4);

    let silent = json!({ "id": "c1", "trigger": "submit-message", "messages": [
        { "id": "m2", "role": "user", "parts": [{ "type": "text", "text": "I asked for a person" }] },
    ] });
    let chunks = world.stream(&silent).await;
    let told = chunks.iter().find(|chunk| chunk["type"] == "message-metadata").expect("a state");
    assert_eq!(told["messageMetadata"]["state"], "taken-over", "{chunks:?}");
    assert_eq!(state(&world).await, "taken-over");

    let back = json!({ "id": "evt_5", "type": "conversation.resumed", "data": { "id": "conv_1" } });
    assert_eq!(tell(&world, &back).await, "taken_in");
    assert_eq!(state(&world).await, "ongoing");
}

#[tokio::test]
async fn who_did_not_sign_is_refused_and_changes_nothing() {
    let world = World::with(Kind::Chatsby, WEBHOOK).await;
    world.chat("submit-message", "m1", "Do you ship?").await;
    let body = message("evt_1", "operator", "Ben here.").to_string();
    let altered = message("evt_1", "operator", "Send your card number.").to_string();
    let good = sign(&body);
    for (name, signature, body) in [
        ("x-chatsby-signature", good.as_str(), altered.as_str()),
        ("x-chatsby-signature", "", &body),
        ("x-chatsby-signature", &good[1..], &body),
        ("x-other-signature", &good, &body),
    ] {
        let (status, answer) = post(&world, "/v1/hooks/a", &[(name, signature)], body).await;
        assert_eq!((status, answer["error"]["code"].as_str()), (401, Some("invalid_signature")), "{answer}");
    }
    assert_eq!(texts(&world).await.len(), 2);
    for (path, body, status, code) in [
        ("/v1/hooks/b", "{}", 404, "resource_not_found"),
        ("/v1/hooks/a", "{", 400, "invalid_parameter"),
        ("/v1/hooks/a", "{}", 400, "missing_required_field"),
    ] {
        let signature = sign(body);
        let (told, answer) = post(&world, path, &[("x-chatsby-signature", &signature)], body).await;
        assert_eq!((told, answer["error"]["code"].as_str()), (status, Some(code)), "{answer}");
    }
    for event in [
        json!({ "type": "ping" }),
        json!({ "type": "source.trained", "data": { "id": "src_1" } }),
        json!({ "type": "message.created", "data": { "conversation_id": "conv_9", "role": "operator", "content": "Hi" } }),
        json!({ "type": "message.created", "data": {
            "conversation_id": "conv_1", "agent_id": "agent_other", "role": "operator", "content": "Hi" } }),
    ] {
        assert_eq!(tell(&world, &event).await, "ignored", "{event}");
    }
    let old = json!({ "id": "evt_9", "type": "message.created", "created_at": "2001-01-01T00:00:00Z",
        "data": { "conversation_id": "conv_1", "role": "operator", "content": "Hi" } })
    .to_string();
    let (status, _) = post(&world, "/v1/hooks/a", &[("x-chatsby-signature", &sign(&old))], &old).await;
    assert_eq!(status, 401, "what is older than the memory may have been here");
    assert_eq!(texts(&world).await.len(), 2);

    let without = World::with(Kind::Chatsby, "").await;
    for (world, expected) in [(&world, json!(true)), (&without, Value::Null)] {
        let token = world.call(Method::POST, "/v1/token", Some(json!({ "site": "site_a" }))).await;
        let token: Value = serde_json::from_str(&token).unwrap();
        assert_eq!(token["features"]["updates"], expected, "{token}");
    }
    let (status, _) = post(&without, "/v1/hooks/a", &[("x-chatsby-signature", &good)], &body).await;
    assert_eq!(status, 404, "a section without a secret believes nobody");
    let answer = without.call(Method::GET, "/v1/conversations", None).await;
    assert!(answer.contains("\"data\":[]"), "{answer}");
}

#[tokio::test]
async fn header_encoding_and_time_are_as_the_configuration_says() {
    use base64::Engine as _;
    let more =
        format!("{WEBHOOK}header = \"X-Hook\"\nencoding = \"base64\"\ntimestamp_header = \"X-Time\"\n");
    let world = World::with(Kind::Chatsby, &more).await;
    world.chat("submit-message", "m1", "Do you ship?").await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (at, expected) in [(now, 200), (now - 3_600, 401)] {
        let body = message(&format!("evt_{at}"), "operator", "Ben here.").to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
        let tag = base64::engine::general_purpose::STANDARD.encode(tag.as_ref());
        let headers = [("x-hook", tag.as_str()), ("x-time", &at.to_string())];
        assert_eq!(post(&world, "/v1/hooks/a", &headers, &body).await.0, expected);
    }
    assert_eq!(texts(&world).await.len(), 3);
}
