//! Webhooks against endpoints that fail, and exports of what was said.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use chinwag_relay::webhook;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::server::World;
use crate::support::LONG;

/// One call that an endpoint got.
#[derive(Debug, Clone)]
struct Call {
    headers: HeaderMap,
    body: String,
    is_accepted: bool,
}

#[derive(Debug, Clone, Default)]
struct Endpoint {
    calls: Arc<Mutex<Vec<Call>>>,
    /// How often each event is refused before it is accepted.
    refusals: usize,
}

impl Endpoint {
    async fn start(refusals: usize) -> (Self, String) {
        let endpoint = Self { calls: Arc::default(), refusals };
        let hear = async |State(endpoint): State<Self>, headers: HeaderMap, body: String| {
            let mut calls = endpoint.calls.lock().unwrap();
            let before =
                calls.iter().filter(|call| call.headers["webhook-id"] == headers["webhook-id"]).count();
            let is_accepted = before >= endpoint.refusals;
            calls.push(Call { headers, body, is_accepted });
            if is_accepted { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE }
        };
        let router = Router::new().route("/hook", post(hear)).with_state(endpoint.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (endpoint, url)
    }

    /// What was accepted, once there are so many.
    async fn accepted(&self, count: usize) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let calls = self.calls.lock().unwrap().clone();
            let accepted: Vec<Value> = calls
                .iter()
                .filter(|call| call.is_accepted)
                .map(|call| serde_json::from_str(&call.body).unwrap())
                .collect();
            if accepted.len() >= count {
                return accepted;
            }
            assert!(began.elapsed() < LONG, "{accepted:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_fails_nine_times_gets_each_event_once_accepted_in_order_and_signed() {
    let world = World::new().await;
    let (endpoint, url) = Endpoint::start(9).await;
    let made = world.call("POST", "/v1/webhooks", Some(json!({ "url": url }))).await.is(201);
    let secret = made["secret"].as_str().unwrap().to_owned();
    let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
    assert!(world.call("GET", &path, None).await.is(200).get("secret").is_none());

    let agent = world.make("Guide").await;
    let first = world.ask(&agent, "Do you ship?").await;
    let next = json!({ "agent_id": agent, "message": "To Malta?", "conversation_id": first["id"] });
    world.call("POST", "/v1/conversations", Some(next)).await.is(200);
    world.add(&agent, json!({ "type": "text", "title": "Delivery", "content": "Six days." })).await;
    let heard = endpoint.accepted(7).await;
    let talk: Vec<(&str, &str)> = heard
        .iter()
        .filter(|event| event["data"]["conversation"].is_object())
        .map(|event| {
            (
                event["type"].as_str().unwrap(),
                event["data"]["message"]["content"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(talk.len(), 5, "{talk:?}");
    assert_eq!(talk[..2], [("conversation.created", ""), ("message.created", "Do you ship?")]);
    assert!(talk[2].1.contains("Do you ship?") && talk[4].1.contains("To Malta?"), "{talk:?}");
    assert_eq!(talk[3], ("message.created", "To Malta?"));
    for kind in ["ping", "source.trained"] {
        assert_eq!(heard.iter().filter(|event| event["type"] == kind).count(), 1, "{kind}");
    }
    let calls = endpoint.calls.lock().unwrap().clone();
    assert_eq!(calls.len(), 7 * 10, "each is refused nine times and accepted once");
    for call in &calls {
        let header = |name: &str| call.headers[name].to_str().unwrap().to_owned();
        let timestamp = header("webhook-timestamp").parse().unwrap();
        let signature = webhook::sign(&secret, &header("webhook-id"), timestamp, &call.body).unwrap();
        assert_eq!(header("webhook-signature"), signature);
    }

    let listed = world.call("GET", &format!("{path}/deliveries?status=delivered"), None).await.is(200);
    let delivery = listed["data"][0].clone();
    assert_eq!((listed["data"].as_array().unwrap().len(), &delivery["tries"]), (7, &json!(10)));
    let again = format!("{path}/deliveries/{}/resend", delivery["id"].as_str().unwrap());
    world.call("POST", &again, None).await.is(202);
    let heard = endpoint.accepted(8).await;
    assert_eq!(heard.iter().filter(|event| event["id"] == delivery["event_id"]).count(), 2);
}

/// Runs the sample of the documentation on calls; what it said to each.
fn run_sample(secret: &str, calls: &[(&str, u64, &str, &str)], now: u64) -> Vec<String> {
    let page = include_str!("../../../docs/webhooks.md");
    let sample = page.split("```js\n").nth(1).unwrap().split("```").next().unwrap();
    let calls: Vec<Value> = calls
        .iter()
        .map(|(id, at, signature, body)| {
            let headers = json!({ "webhook-id": id, "webhook-timestamp": at.to_string(), "webhook-signature": signature });
            json!({ "headers": headers, "body": body })
        })
        .collect();
    let script = format!(
        "{sample}\nfor (const {{ headers, body }} of {}) {{\n  try {{ console.log(verify({}, headers, body, {now}).type); }}\n  \
         catch (error) {{ console.log(error.message); }}\n}}\n",
        json!(calls),
        json!(secret),
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.mjs");
    std::fs::write(&file, script).unwrap();
    let output = std::process::Command::new("node").arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_sample_of_the_documentation_refuses_what_is_altered_old_or_replayed() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let (body, now) = ("{\"type\":\"ping\"}", 1_790_000_000);
    let sign = |id: &str, at: u64| webhook::sign(secret, id, at, body).unwrap();
    let good = sign("evt_1", now);
    let old = sign("evt_3", now - 301);
    let told = run_sample(
        secret,
        &[
            ("evt_1", now, &good, "{\"type\":\"pong\"}"),
            ("evt_2", now, &good, body),
            ("evt_1", now + 1, &good, body),
            ("evt_3", now - 301, &old, body),
            ("evt_1", now, "v1,", body),
            ("evt_1", now, &good, body),
            ("evt_1", now, &good, body),
        ],
        now,
    );
    let wrong = "the signature is wrong";
    let late = "the call is too old, or from the future";
    assert_eq!(told, [wrong, wrong, wrong, late, wrong, "ping", "the event was here before"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_hears_of_what_it_asked_for_and_of_its_own_kind_of_data() {
    let world = World::new().await;
    let (endpoint, url) = Endpoint::start(0).await;
    let body = json!({ "url": url, "events": ["conversation.created"] });
    let made = world.call("POST", "/v1/webhooks", Some(body.clone())).await.is(201);
    let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
    world.with_key(&world.test, "GET", &path, None).await.is_error(404, "resource_not_found", None);
    let (silent, test_url) = Endpoint::start(0).await;
    world.with_key(&world.test, "POST", "/v1/webhooks", Some(json!({ "url": test_url }))).await.is(201);
    let agent = world.make("Guide").await;
    world.ask(&agent, "Do you ship?").await;
    let heard = endpoint.accepted(2).await;
    assert_eq!(
        heard.iter().map(|event| event["type"].as_str().unwrap()).collect::<Vec<_>>(),
        ["ping", "conversation.created"]
    );
    world.call("PATCH", &path, Some(json!({ "status": "paused" }))).await.is(200);
    world.ask(&agent, "Do you ship?").await;
    world.call("PATCH", &path, Some(json!({ "status": "active" }))).await.is(200);
    world.call("POST", &format!("{path}/ping"), None).await.is(202);
    assert_eq!(endpoint.accepted(3).await[2]["type"], "ping");
    let told: Vec<Value> = silent.accepted(1).await;
    assert_eq!((told.len(), &told[0]["type"]), (1, &json!("ping")), "it is for test data");
    world.call("DELETE", &path, None).await.is(204);
    for (body, status, code, param) in [
        (json!({}), 400, "missing_required_field", "url"),
        (json!({ "url": "ftp://a.example/" }), 422, "validation_error", "url"),
        (json!({ "url": "http://10.0.0.1/" }), 422, "validation_error", "url"),
        (json!({ "url": "http://[::ffff:192.168.1.1]/" }), 422, "validation_error", "url"),
        (json!({ "url": url, "events": [] }), 422, "validation_error", "events"),
        (json!({ "url": url, "events": ["x"] }), 422, "validation_error", "events"),
        (json!({ "url": url, "colour": 1 }), 400, "invalid_parameter", "colour"),
    ] {
        world.call("POST", "/v1/webhooks", Some(body)).await.is_error(status, code, Some(param));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_has_every_message_once_by_page_and_as_a_stream() {
    let world = World::new().await;
    let agent = world.make("Guide").await;
    for number in 0..6 {
        world.ask(&agent, &format!("Question, number \"{number}\"?")).await;
    }
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page =
            world.call("GET", &format!("/v1/export/conversations?page_size=5{cursor}"), None).await.is(200);
        rows.extend(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(rows.len(), 12);
    let streamed = world.call("GET", "/v1/export/conversations?format=ndjson", None).await;
    let lines: Vec<Value> = streamed.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, rows);
    let csv = world.call("GET", "/v1/export/conversations?format=csv", None).await.text;
    assert!(
        csv.starts_with("conversation_id,site,") && csv.contains("\"Question, number \"\"5\"\"?\""),
        "{csv}"
    );
    for (query, count) in
        [("since=2000-01-01", 12), ("until=2000-01-01", 0), ("site=site_a", 0), ("site=site_api_live", 12)]
    {
        let page = world.call("GET", &format!("/v1/export/conversations?{query}"), None).await.is(200);
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
    }
    let test = world.with_key(&world.test, "GET", "/v1/export/conversations", None).await.is(200);
    assert_eq!(test["data"], json!([]), "test keys see test data");
    for (query, param) in [
        ("since=soon", "since"),
        ("format=xml", "format"),
        ("format=csv&page_size=5", "format"),
        ("page_size=0", "page_size"),
        ("cursor=!", "cursor"),
    ] {
        let answer = world.call("GET", &format!("/v1/export/conversations?{query}"), None).await;
        answer.is_error(400, "invalid_parameter", Some(param));
    }
}
