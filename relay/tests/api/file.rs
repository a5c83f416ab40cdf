//! Files that visitors send: what is taken and what is not, who may read them,
//! and when they are gone.

use std::time::Duration;

use axum::body::Body;
use chinwag_protocol::{FromFields as _, Part, StoredFile, TokenAnswer};
use chinwag_relay::config::Limits;
use http::{Method, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::described;
use crate::visitor::is_in;
use crate::world::{Answer, PAGE, Visitor, World, soon};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and what makes a picture of it";

/// The body of a form with one file in it.
fn form(name: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "--cut\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: {kind}\r\n\r\n"
    );
    [head.as_bytes(), body, b"\r\n--cut--\r\n"].concat()
}

async fn post(world: &World, visitor: &Visitor<'_>, body: Body) -> Answer {
    let request = http::Request::post("/v1/files")
        .header("origin", PAGE)
        .header("authorization", &visitor.authorization)
        .header("content-type", "multipart/form-data; boundary=cut");
    let answer = Answer::read(world.send(request.body(body).unwrap()).await).await;
    let (status, kind) = (answer.status.as_u16(), answer.header("content-type"));
    described::hold(chinwag_relay::api::FOR_VISITORS, "POST", "/v1/files", status, kind, &answer.text);
    answer
}

async fn send(world: &World, visitor: &Visitor<'_>, name: &str, kind: &str, body: &[u8]) -> Answer {
    post(world, visitor, Body::from(form(name, kind, body))).await
}

pub async fn stored(world: &World, visitor: &Visitor<'_>, name: &str, kind: &str, body: &[u8]) -> StoredFile {
    let answer = send(world, visitor, name, kind, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    StoredFile::from_json(&answer.text).unwrap()
}

/// A question with files, each as the page says that it is.
fn asking(conversation: &str, id: &str, text: &str, files: &[&str]) -> Value {
    let files = files
        .iter()
        .map(|url| json!({"type": "file", "url": url, "mediaType": "text/html", "filename": "lies.html"}));
    let parts: Vec<Value> = std::iter::once(json!({"type": "text", "text": text})).chain(files).collect();
    json!({"id": conversation, "messages": [{"id": id, "role": "user", "parts": parts}]})
}

async fn answered(world: &World, visitor: &Visitor<'_>, body: &Value) -> chinwag_relay::upstream::Turn {
    let mut stream = visitor.chat(body).await;
    let reply = world.reply().await;
    reply.say("Seen");
    reply.finish();
    stream.rest().await;
    reply.turn.clone()
}

#[tokio::test]
async fn the_page_is_told_what_may_be_sent() {
    let world = World::with_files(|limits| limits.file_bytes = 1_000).await;
    let TokenAnswer { features, files, .. } = world.exchange(None).await;
    let files = files.unwrap();
    assert!(features.attachments);
    assert_eq!((files.max_bytes, files.max_count), (1_000, Limits::default().message_files as u64));
    assert!(
        files.types.iter().any(|kind| kind == "image/png")
            && !files.types.iter().any(|kind| kind.contains("svg"))
    );
    assert_eq!(World::new().await.exchange(None).await.files, None, "where no file can be sent");
}

#[tokio::test]
async fn a_file_goes_with_its_message_to_the_agent_and_stays_in_the_transcript() {
    let world = World::with_files(|_| {}).await;
    let anna = world.visitor().await;
    let file = stored(&world, &anna, "..\\my \u{202e}shot.png", "text/html", PNG).await;
    assert_eq!((file.media_type.as_str(), file.filename.as_str()), ("image/png", "my shot.png"));
    assert_eq!(file.size, PNG.len() as u64);

    let body = asking("c1", "m1", "What is this?", &[&file.url]);
    let turn = answered(&world, &anna, &body).await;
    let part = Part::File {
        url: file.url.clone(),
        media_type: "image/png".into(),
        filename: Some("my shot.png".into()),
    };
    assert_eq!(turn.message.parts[1], part, "what the store knows, and not what the page says");
    assert_eq!(turn.file(&file.url).unwrap().body, PNG);
    assert_eq!(anna.messages("c1").await[0].parts[1], part);

    // The same message once more is the same message.
    let again = anna.chat(&body).await.rest().await;
    assert!(format!("{again:?}").contains("Seen"));
    let next = answered(&world, &anna, &asking("c1", "m2", "And its colour?", &[])).await;
    assert_eq!(next.file(&file.url).unwrap().body, PNG, "a follow-up has it still");
    let alone = answered(&world, &anna, &json!({"id": "c2", "messages": [{"id": "m1", "role": "user", "parts": [
        {"type": "file", "url": stored(&world, &anna, "notes.md", "text/markdown", b"# Hi").await.url, "mediaType": "", "filename": ""},
    ]}]})).await;
    assert_eq!(alone.files[0].media_type, "text/markdown");
    assert_eq!(anna.get("/v1/conversations").await.json()["data"][0]["title"], "notes.md");
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_the_reason() {
    let world = World::with_files(|limits| {
        limits.file_bytes = 1_000;
        limits.visitor_file_bytes = 1_500;
        limits.message_files = 2;
    })
    .await;
    let anna = world.visitor().await;
    send(&world, &anna, "a.txt", "text/plain", b"").await.is_error(400, "invalid_request");
    let large = send(&world, &anna, "a.txt", "text/plain", &[b'x'; 1_001]).await;
    large.is_error(413, "too_large");
    assert!(large.text.contains("1000 bytes"), "{}", large.text);
    // Far above, before all of it has come.
    send(&world, &anna, "a.txt", "text/plain", "x".repeat(100_000).as_bytes())
        .await
        .is_error(413, "too_large");
    for (name, kind, body) in [
        ("a.html", "text/html", &b"<script>alert(1)</script>"[..]),
        ("a.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("a.exe", "application/octet-stream", b"MZ\x90\0\x03"),
        ("a.png", "image/png", b"GIF? no"),
    ] {
        let refused = send(&world, &anna, name, kind, body).await;
        refused.is_error(400, "invalid_request");
        assert!(refused.text.contains("image/png"), "it says what is taken: {}", refused.text);
    }
    let cut = form("a.txt", "text/plain", b"half");
    post(&world, &anna, Body::from(cut[..cut.len() - 12].to_vec())).await.is_error(400, "invalid_request");
    post(&world, &anna, Body::from("--cut--\r\n")).await.is_error(400, "invalid_request");

    let first = stored(&world, &anna, "a.txt", "text/plain", &[b'x'; 900]).await;
    send(&world, &anna, "b.txt", "text/plain", &[b'x'; 900]).await.is_error(413, "too_large");
    anna.call(Method::DELETE, &first.url, None).await;
    let mut urls = Vec::new();
    for _ in 0..3 {
        urls.push(stored(&world, &anna, "b.txt", "text/plain", b"x").await.url);
    }
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let many = anna.refused(&asking("c1", "m1", "Look", &urls)).await;
    many.is_error(413, "too_large");
    assert!(many.text.contains("at most 2 files"), "{}", many.text);
}

#[tokio::test]
async fn an_agent_that_takes_no_files_gets_none() {
    let world = World::new().await;
    let anna = world.visitor().await;
    send(&world, &anna, "a.png", "image/png", PNG).await.is_error(501, "unsupported");
}

#[tokio::test]
async fn files_are_counted_per_minute() {
    let world = World::with_files(|limits| limits.files_per_minute = 2).await;
    let anna = world.visitor().await;
    for _ in 0..2 {
        stored(&world, &anna, "a.png", "image/png", PNG).await;
    }
    send(&world, &anna, "a.png", "image/png", PNG).await.is_error(429, "rate_limited");
    stored(&world, &world.visitor().await, "a.png", "image/png", PNG).await;
}

#[tokio::test]
async fn a_file_is_its_visitors_alone_and_is_never_a_page() {
    let world = World::with_files(|_| {}).await;
    let anna = world.visitor().await;
    let file = stored(&world, &anna, "a b \u{fc};.png", "image/png", PNG).await;
    let response = anna.raw(Method::GET, &file.url, &[], Body::empty()).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-disposition"), "attachment; filename*=UTF-8''a%20b%20%C3%BC%3B.png");
    assert!(header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(header("cache-control"), "no-store");
    let bytes = soon("the file", response.into_body().collect()).await.unwrap().to_bytes();
    assert_eq!(bytes, PNG);

    let eve = world.visitor().await;
    let missing = eve.get("/v1/files/0000").await;
    let hers = eve.get(&file.url).await;
    assert_eq!((hers.status, missing.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    eve.call(Method::DELETE, &file.url, None).await.is_error(404, "not_found");
    world.call(Method::GET, &file.url, &[("origin", PAGE)], None).await.is_error(401, "unauthenticated");
    // Nor can she have it read to her by the agent, or have it fetch anything.
    for url in
        [file.url.as_str(), "https://internal.example/", "data:image/png;base64,AAAA", "/v1/files/../token"]
    {
        let refused = eve.refused(&asking("c1", "m1", "Read it", &[url])).await;
        refused.is_error(400, "invalid_request");
        assert!(!world.has_asked().await, "{url}");
    }
    // A file goes with one conversation.
    answered(&world, &anna, &asking("c1", "m1", "Mine", &[&file.url])).await;
    anna.refused(&asking("c2", "m1", "Again", &[&file.url])).await.is_error(400, "invalid_request");
    anna.call(Method::DELETE, &file.url, None).await.is_error(404, "not_found");
}

#[tokio::test]
async fn what_is_deleted_takes_its_files_along_out_of_every_file_of_the_database() {
    let world = World::with_files(|_| {}).await;
    let (anna, secret) = (world.visitor().await, "words-within-a-file");
    let body = format!("{secret} {}", "padding ".repeat(4_000));
    let mut urls = Vec::new();
    for name in ["sent.txt", "later.txt", "dropped.txt", "unsent.txt"] {
        urls.push(stored(&world, &anna, name, "text/plain", body.as_bytes()).await.url);
    }
    answered(&world, &anna, &asking("c1", "m1", "Look", &[&urls[0]])).await;
    answered(&world, &anna, &asking("c2", "m1", "Look", &[&urls[1]])).await;
    let export = anna.get("/v1/visitor/export").await.json();
    assert_eq!(export["files"].as_array().unwrap().len(), 4);
    assert_eq!(export["files"][0]["filename"], "sent.txt");

    assert_eq!(anna.call(Method::DELETE, &urls[2], None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(anna.call(Method::DELETE, "/v1/conversations/c1", None).await.status, StatusCode::NO_CONTENT);
    for (url, status) in urls.iter().zip([404, 200, 404, 200]) {
        assert_eq!(anna.raw(Method::GET, url, &[], Body::empty()).await.status(), status, "{url}");
    }
    assert!(is_in(world.data(), secret));
    assert_eq!(anna.call(Method::DELETE, "/v1/visitor", None).await.status, StatusCode::NO_CONTENT);
    assert!(!is_in(world.data(), secret), "what stood in the files is still there");
}

#[tokio::test]
async fn a_file_that_is_never_sent_is_gone_after_a_day() {
    let world = World::with_files(|_| {}).await;
    let anna = world.visitor().await;
    let sent = stored(&world, &anna, "sent.png", "image/png", PNG).await;
    answered(&world, &anna, &asking("c1", "m1", "Look", &[&sent.url])).await;
    let unsent = stored(&world, &anna, "unsent.png", "image/png", PNG).await;
    let database = crate::visitor::beside(world.data()).await;
    let day = i64::try_from(Duration::from_hours(25).as_millis()).unwrap();
    sqlx::query("UPDATE file SET created_at = created_at - ?").bind(day).execute(&database).await.unwrap();
    world.app.store().expire(&chinwag_relay::store::Retention::default()).await.unwrap();
    let status = async |url: &str| anna.raw(Method::GET, url, &[], Body::empty()).await.status();
    assert_eq!((status(&sent.url).await, status(&unsent.url).await), (StatusCode::OK, StatusCode::NOT_FOUND));
}
