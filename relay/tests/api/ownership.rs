//! Whose things are whose, over every route that names one.

use std::time::{Duration, Instant};

use axum::body::Body;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use crate::conversation::converse;
use crate::file::stored;
use crate::world::{Answer, Visitor, World, question};

/// Every route that names a thing of a visitor: method, path, body.
fn routes(conversation: &str, reply: &str, file: &str) -> Vec<(Method, String, Option<Value>)> {
    let regenerate = json!({
        "id": conversation, "messages": [], "trigger": "regenerate-message", "messageId": reply,
    });
    let mut regenerate_last = regenerate.clone();
    regenerate_last["messages"] = json!([{"id": reply, "role": "assistant", "parts": []}]);
    vec![
        (Method::GET, format!("/v1/conversations/{conversation}/messages"), None),
        (Method::PATCH, format!("/v1/conversations/{conversation}"), Some(json!({"title": "Mine"}))),
        (Method::DELETE, format!("/v1/conversations/{conversation}"), None),
        (
            Method::PUT,
            format!("/v1/conversations/{conversation}/messages/{reply}/feedback"),
            Some(json!({"value": "negative"})),
        ),
        (Method::POST, format!("/v1/chat/{conversation}/stop"), None),
        (Method::GET, format!("/v1/chat/{conversation}/stream"), None),
        (Method::POST, "/v1/chat".to_owned(), Some(regenerate_last)),
        (Method::GET, format!("/v1/files/{file}"), None),
        (Method::DELETE, format!("/v1/files/{file}"), None),
    ]
}

/// The id of a file that a visitor has stored.
async fn a_file(world: &World, visitor: &Visitor<'_>) -> String {
    let file = stored(world, visitor, "notes.md", "text/markdown", b"# Mine").await;
    file.url.rsplit('/').next().unwrap().to_owned()
}

/// What a caller can see of an answer, without what differs by nature: ids of
/// requests, and the place in a budget.
fn visible(answer: &Answer) -> (StatusCode, String, Vec<(String, String)>) {
    let id = answer.header("x-request-id").to_owned();
    let changing = ["x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "date"];
    let text = |headers: &HeaderMap| {
        let mut all: Vec<_> = headers
            .iter()
            .filter(|(name, _)| !changing.contains(&name.as_str()))
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        all.sort();
        all
    };
    (answer.status, answer.text.replace(&id, ""), text(&answer.headers))
}

async fn call(visitor: &Visitor<'_>, (method, path, body): &(Method, String, Option<Value>)) -> Answer {
    let body = body.as_ref().map_or_else(Body::empty, |body| Body::from(body.to_string()));
    Answer::read(visitor.raw(method.clone(), path, &[("last-event-id", "0123456789abcdef:1")], body).await)
        .await
}

#[tokio::test]
async fn what_is_somebody_elses_answers_byte_for_byte_like_what_is_not_there() {
    let world = World::with_files(|_| {}).await;
    let (anna, bert) = (world.visitor().await, world.visitor().await);
    converse(&world, &anna, "c1", "Hello?").await;
    let reply = anna.messages("c1").await[1].id.clone();
    let before = anna.get("/v1/conversations/c1/messages").await.text;
    let file = a_file(&world, &anna).await;
    let nobodys = routes("c9", "01890000-0000-7000-8000-000000000000", "0000");
    for (theirs, nobodys) in routes("c1", &reply, &file).into_iter().zip(nobodys) {
        let (seen, missing) = (call(&bert, &theirs).await, call(&bert, &nobodys).await);
        assert_eq!(visible(&seen), visible(&missing), "{} {}", theirs.0, theirs.1);
        assert!(seen.status == StatusCode::NOT_FOUND || seen.text.is_empty(), "{theirs:?}: {seen:?}");
    }
    assert_eq!(bert.get("/v1/conversations").await.json()["data"], json!([]));
    assert_eq!(anna.get("/v1/conversations/c1/messages").await.text, before, "and nothing was changed");
    // The table can tell: to its owner each of them answers.
    for route in routes("c1", &reply, &file).into_iter().filter(|route| route.0 != Method::DELETE) {
        let status = if route.1 == "/v1/chat" {
            let stream = anna.chat(route.2.as_ref().unwrap()).await;
            drop(stream);
            world.reply().await.finish();
            StatusCode::OK
        } else {
            call(&anna, &route).await.status
        };
        assert!(status.is_success(), "{} {}: {status}", route.0, route.1);
    }
}

#[tokio::test]
async fn every_documented_route_that_names_something_is_in_the_table() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/relay.md");
    let page = std::fs::read_to_string(page).unwrap();
    let tested: Vec<_> = routes("{id}", "{message}", "{id}")
        .into_iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let documented: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(route, _)| route))
        .filter(|route| route.contains("/v1/") && route.contains('{'))
        .collect();
    assert!(documented.len() >= 6, "{documented:?}");
    for route in documented {
        assert!(tested.iter().any(|tested| tested == route), "{route} is not held against a stranger");
    }
}

#[tokio::test]
async fn the_same_id_is_another_conversation_to_another_visitor() {
    let world = World::new().await;
    let (anna, bert) = (world.visitor().await, world.visitor().await);
    converse(&world, &anna, "c1", "Hello?").await;
    let mut fresh = bert.ask("c1", "m1", "Bert's own").await;
    world.reply().await.finish();
    fresh.rest().await;
    assert_eq!(bert.transcript("c1").await[0].0, "Bert's own");
    assert_eq!(anna.transcript("c1").await[0].0, "Hello?");
    let mut again = anna.chat(&question("c1", "m1", "Hello?")).await;
    assert_eq!(crate::world::text_of(&again.rest().await), "Answer");
}

#[tokio::test]
async fn what_is_somebody_elses_takes_as_long_as_what_is_not_there() {
    let world = World::with_files(|limits| limits.calls_per_minute = 1_000_000).await;
    let (anna, bert) = (world.visitor().await, world.visitor().await);
    for number in 0..50 {
        converse(&world, &anna, &format!("c{number}"), "Hello?").await;
    }
    let reply = anna.messages("c1").await[1].id.clone();
    let file = a_file(&world, &anna).await;
    let nobodys = routes("x9", "01890000-0000-7000-8000-000000000000", "0000");
    for (theirs, nobodys) in routes("c1", &reply, &file).into_iter().zip(nobodys) {
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..40 {
            // By turns: whatever else the machine does hits both.
            for (times, route) in times.iter_mut().zip([&theirs, &nobodys]) {
                let began = Instant::now();
                call(&bert, route).await;
                times.push(began.elapsed());
            }
        }
        let [seen, missing] = times.map(|mut times| {
            times.sort();
            times[times.len() / 2]
        });
        let (fast, slow) = (seen.min(missing), seen.max(missing));
        assert!(slow < fast * 2 + Duration::from_millis(2), "{}: {seen:?} and {missing:?}", theirs.1);
    }
}
