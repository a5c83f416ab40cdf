//! What is refused, and what the refusal says.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{Answer, PAGE, World, question};

#[tokio::test]
async fn a_message_over_its_limit_is_too_large_and_one_at_it_is_not() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let long = anna.refused(&question("c1", "m1", &"\u{1f44b}".repeat(8001))).await;
    assert_eq!(long.is_error(413, "too_large")["param"], "messages[0].parts");
    let mut stream = anna.ask("c1", "m1", &"\u{1f44b}".repeat(8000)).await;
    world.reply().await.finish();
    stream.rest().await;
}

#[tokio::test]
async fn earlier_messages_are_never_a_reason_to_refuse() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let body = json!({
        "id": "c1",
        "messages": [
            {"id": "a b c", "role": "user", "parts": [{"type": "text", "text": "x".repeat(20_000)}]},
            {"id": "", "role": "assistant", "parts": [{"type": "step-start"}]},
            {"id": "gVxXHaiBbRPxGoVX", "role": "user", "parts": [{"type": "text", "text": "Now?"}]},
        ],
        "trigger": "submit-message",
    });
    let mut stream = anna.chat(&body).await;
    world.reply().await.finish();
    stream.rest().await;
    let ids: Vec<_> = anna.messages("c1").await.into_iter().map(|message| message.id).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], "gVxXHaiBbRPxGoVX");
}

#[tokio::test]
async fn a_body_over_its_limit_is_too_large() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let body = json!({"id": "c1", "messages": [], "filler": "x".repeat(1024 * 1024)}).to_string();
    let response = anna.raw(Method::POST, "/v1/chat", &[], Body::from(body)).await;
    assert_eq!(Answer::read(response).await.is_error(413, "too_large")["param"], "body");
}

#[tokio::test]
async fn a_body_that_is_not_what_it_should_be_is_refused_with_its_field() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    let message = |field: &str, value: serde_json::Value| {
        let mut body = question("c1", "m1", "Hello?");
        body["messages"][0][field] = value;
        body
    };
    let with = |field: &str, value: serde_json::Value| {
        let mut body = question("c1", "m1", "Hello?");
        body[field] = value;
        body
    };
    for (body, param) in [
        ("not json".to_owned(), "body"),
        ("{\"id\":".to_owned(), "body"),
        ("{} trailing".to_owned(), "body"),
        ("[]".to_owned(), "body"),
        ("{}".to_owned(), "body"),
        (with("id", json!("a/b")).to_string(), "id"),
        (with("id", json!(7)).to_string(), "id"),
        (with("messages", json!([])).to_string(), "messages"),
        (with("messages", json!("x")).to_string(), "messages"),
        (with("trigger", json!("dance")).to_string(), "trigger"),
        (with("context", json!([1])).to_string(), "context"),
        (with("messageId", json!("a b")).to_string(), "messageId"),
        (message("role", json!("wizard")).to_string(), "messages[0].role"),
        (message("role", json!("system")).to_string(), "messages[0].role"),
        (message("role", json!("assistant")).to_string(), "messages[0].role"),
        (message("id", json!("a b")).to_string(), "messages[0].id"),
        (message("id", json!("x".repeat(65))).to_string(), "messages[0].id"),
        (message("parts", json!([])).to_string(), "messages[0].parts"),
        (message("parts", text(" \n")).to_string(), "messages[0].parts"),
    ] {
        let response = anna.raw(Method::POST, "/v1/chat", &[], Body::from(body.clone())).await;
        let error = Answer::read(response).await.is_error(400, "invalid_request");
        assert_eq!(error["param"], param, "{body}: {error}");
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
    let large = with("context", json!({"text": "x".repeat(4096)}));
    assert_eq!(anna.refused(&large).await.is_error(413, "too_large")["param"], "context");
    let file = message(
        "parts",
        json!([{"type": "file", "url": "https://x.example/a.png", "mediaType": "image/png"}]),
    );
    assert_eq!(anna.refused(&file).await.is_error(501, "unsupported")["param"], "messages[0].parts");
    assert!(!world.has_asked().await);
    assert_eq!(anna.get("/v1/conversations").await.json()["data"], json!([]), "nothing was kept");
}

#[tokio::test]
async fn results_of_tools_are_refused_by_an_agent_that_calls_none() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let mut body = question("c1", "m1", "");
    body["messages"][0] = json!({"id": "r1", "role": "assistant", "parts": [
        {"type": "tool-weather", "toolCallId": "c", "state": "output-available", "input": {}, "output": 1}]});
    anna.refused(&body).await.is_error(501, "unsupported");
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let request = http::Request::post("/v1/chat")
        .header("origin", PAGE)
        .header("authorization", &anna.authorization)
        .header("content-type", "text/plain")
        .body(Body::from(question("c1", "m1", "Hello?").to_string()));
    let answer = Answer::read(world.send(request.unwrap()).await).await;
    assert_eq!(answer.is_error(400, "invalid_request")["param"], "content-type");
}

#[tokio::test]
async fn an_unknown_field_of_a_token_request_is_named() {
    let world = World::new().await;
    let body = json!({"site": "site_shop", "password": "x"});
    let answer = world.call(Method::POST, "/v1/token", &[("origin", PAGE)], Some(body)).await;
    let error = answer.is_error(400, "invalid_request");
    assert!(error["message"].as_str().unwrap().contains("password"), "{error}");
    let body = json!({"site": "shop"});
    let answer = world.call(Method::POST, "/v1/token", &[("origin", PAGE)], Some(body)).await;
    assert_eq!(answer.is_error(400, "invalid_request")["param"], "site");
}

#[tokio::test]
async fn unknown_paths_and_methods_get_the_envelope() {
    let world = World::new().await;
    let anna = world.visitor().await;
    anna.get("/v1/nothing").await.is_error(404, "not_found");
    anna.get("/v1/").await.is_error(404, "not_found");
    anna.get("/nothing/here").await.is_error(404, "not_found");
    let answer = anna.get("/v1/chat").await;
    answer.is_error(405, "invalid_request");
    assert_eq!(answer.header("allow"), "POST");
}

#[tokio::test]
async fn a_page_may_read_why_it_was_refused() {
    let world = World::new().await;
    let refused = world.call(Method::GET, "/v1/conversations", &[("origin", PAGE)], None).await;
    refused.is_error(401, "unauthenticated");
    assert_eq!(refused.header("access-control-allow-origin"), PAGE);
    assert!(refused.header("access-control-expose-headers").contains("x-ratelimit-remaining"));
    let stranger = [("origin", "https://evil.example")];
    let refused = world.call(Method::GET, "/v1/conversations", &stranger, None).await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
    let preflight = [("origin", PAGE), ("access-control-request-method", "POST")];
    let preflight = world.call(Method::OPTIONS, "/v1/chat", &preflight, None).await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert!(preflight.header("access-control-allow-headers").contains("authorization"));
}
