//! Lists, titles, ratings, and whose they are.

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{Visitor, World};

pub async fn converse(world: &World, visitor: &Visitor<'_>, conversation: &str, text: &str) {
    let mut stream = visitor.ask(conversation, "m1", text).await;
    let reply = world.reply().await;
    reply.say("Answer");
    reply.finish();
    stream.rest().await;
}

#[tokio::test]
async fn conversations_are_listed_the_newest_first_and_in_pages() {
    let world = World::new().await;
    let anna = world.visitor().await;
    for name in ["c1", "c2", "c3"] {
        converse(&world, &anna, name, &format!("Question of {name}")).await;
    }
    let first = anna.get("/v1/conversations?limit=2").await.json();
    let ids = |page: &serde_json::Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&first), ["c3", "c2"]);
    assert_eq!(first["data"][0]["title"], "Question of c3");
    assert_eq!(first["data"][0]["state"], "ongoing");
    assert_eq!(first["data"][0]["unread"], 0);
    assert_eq!(first["pagination"]["hasMore"], true);
    let cursor = first["pagination"]["cursor"].as_str().unwrap();
    let second = anna.get(&format!("/v1/conversations?limit=2&cursor={cursor}")).await.json();
    assert_eq!(ids(&second), ["c1"]);
    assert_eq!(second["pagination"], json!({"cursor": null, "hasMore": false}));
    for (query, param) in
        [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor")]
    {
        let refused = anna.get(&format!("/v1/conversations?{query}")).await;
        assert_eq!(refused.is_error(400, "invalid_request")["param"], param, "{query}");
    }
}

#[tokio::test]
async fn conversations_are_found_by_a_part_of_their_title() {
    let world = World::new().await;
    let anna = world.visitor().await;
    for (name, question) in
        [("c1", "Größe ÄNDERN"), ("c2", "100 % sure?"), ("c3", "Farbe ändern"), ("c4", "Bill")]
    {
        converse(&world, &anna, name, question).await;
    }
    let found = async |query: &str| -> Vec<String> {
        let page = anna.get(&format!("/v1/conversations?{query}")).await.json();
        page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found("title=%C3%A4ndern").await, ["c3", "c1"], "in letters of either case");
    assert_eq!(found("title=%25").await, ["c2"], "no letter is a pattern");
    assert_eq!(found("title=nothing").await, Vec::<String>::new());
    assert_eq!(found("title=%20").await.len(), 4);
    let first = anna.get("/v1/conversations?title=%C3%84ndern&limit=1").await.json();
    let cursor = first["pagination"]["cursor"].as_str().unwrap();
    assert_eq!(found(&format!("title=%C3%84ndern&limit=1&cursor={cursor}")).await, ["c1"]);
    let long = anna.get(&format!("/v1/conversations?title={}", "x".repeat(121))).await;
    assert_eq!(long.is_error(413, "too_large")["param"], "title");
}

#[tokio::test]
async fn messages_tell_when_they_were_written_and_how_they_ended() {
    let world = World::new().await;
    let anna = world.visitor().await;
    converse(&world, &anna, "c1", "Hello?").await;
    let page = anna.get("/v1/conversations/c1/messages").await.json();
    assert_eq!(page["data"][0]["id"], "m1");
    assert_eq!(page["data"][0]["parts"], json!([{"type": "text", "text": "Hello?"}]));
    assert_eq!(page["data"][1]["role"], "assistant");
    assert_eq!(page["data"][1]["metadata"]["status"], "done");
    assert!(page["data"][1]["metadata"]["createdAt"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn a_conversation_is_renamed_and_rated() {
    let world = World::new().await;
    let anna = world.visitor().await;
    converse(&world, &anna, "c1", "Hello?").await;
    let path = "/v1/conversations/c1";
    let renamed = anna.call(Method::PATCH, path, Some(json!({"title": "  Mine "}))).await;
    assert_eq!(renamed.json()["title"], "Mine");
    for (title, status, code) in [
        (json!(" "), 400, "invalid_request"),
        (json!("x".repeat(121)), 413, "too_large"),
        (json!(1), 400, "invalid_request"),
    ] {
        let refused = anna.call(Method::PATCH, path, Some(json!({"title": title}))).await;
        assert_eq!(refused.is_error(status, code)["param"], "title");
    }
    let reply = anna.messages("c1").await[1].id.clone();
    let feedback = format!("{path}/messages/{reply}/feedback");
    for value in [json!("positive"), json!("negative"), json!(null)] {
        let rated =
            anna.call(Method::PUT, &feedback, Some(json!({"value": value, "reason": "because"}))).await;
        assert_eq!(rated.status, StatusCode::NO_CONTENT);
        let page = anna.get("/v1/conversations/c1/messages").await.json();
        assert_eq!(page["data"][1]["metadata"]["feedback"], value);
    }
    let body = Some(json!({"value": "so-so"}));
    assert_eq!(
        anna.call(Method::PUT, &feedback, body).await.is_error(400, "invalid_request")["param"],
        "value"
    );
    anna.call(Method::PUT, &feedback, Some(json!({}))).await.is_error(400, "invalid_request");
    let body = Some(json!({"value": "negative", "reason": "x".repeat(1001)}));
    assert_eq!(anna.call(Method::PUT, &feedback, body).await.is_error(413, "too_large")["param"], "reason");
}

#[tokio::test]
async fn deleting_a_conversation_stops_its_reply() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let mut stream = anna.ask("c1", "m1", "Hello?").await;
    let reply = world.reply().await;
    let deleted = anna.call(Method::DELETE, "/v1/conversations/c1", None).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    reply.dropped().await;
    stream.rest().await;
    anna.get("/v1/conversations/c1/messages").await.is_error(404, "not_found");
    anna.call(Method::DELETE, "/v1/conversations/c1", None).await.is_error(404, "not_found");
    assert_eq!(anna.resume("c1", None).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_visitor_finds_their_conversations_again() {
    let world = World::new().await;
    let first = world.exchange(None).await;
    let mut anna = world.visitor().await;
    anna.authorization = format!("Bearer {}", first.token);
    converse(&world, &anna, "c1", "Hello?").await;
    let second = world.exchange(Some(&first.visitor)).await;
    anna.authorization = format!("Bearer {}", second.token);
    assert_eq!(anna.transcript("c1").await[0].0, "Hello?");
}
