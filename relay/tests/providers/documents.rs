//! The calls of Chatsby's API in the form in which its documents give them to be
//! copied: curl lines and pieces of JavaScript, with host and key replaced, over a
//! socket. They are written after what is known of that API, not taken verbatim.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Answer, World};

const HOST: &str = "https://api.chatsby.co/v1";
const KEY: &str = "YOUR_API_KEY";
const AGENT: &str = "agent_1a2b3c4d5e";

/// A line as the documents have them, the status that they promise, and the fields.
const LINES: &[(&str, u16, &[&str])] = &[
    (
        r#"curl -X POST https://api.chatsby.co/v1/agents \
  -H "Authorization: Bearer YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Customer Support Bot",
    "model": "gpt-4o",
    "system_prompt": "You are a helpful customer support agent.",
    "temperature": 0.5
  }'"#,
        201,
        AGENT_FIELDS,
    ),
    (r#"curl https://api.chatsby.co/v1/agents -H "Authorization: Bearer YOUR_API_KEY""#, 200, LIST_FIELDS),
    (
        r#"curl "https://api.chatsby.co/v1/agents?page_size=10&status=active" \
  -H "Authorization: Bearer YOUR_API_KEY""#,
        200,
        LIST_FIELDS,
    ),
    (
        r#"curl https://api.chatsby.co/v1/agents/agent_1a2b3c4d5e \
  -H "Authorization: Bearer YOUR_API_KEY""#,
        200,
        AGENT_FIELDS,
    ),
    (
        r#"curl -X PATCH https://api.chatsby.co/v1/agents/agent_1a2b3c4d5e \
  -H "Authorization: Bearer YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{ "temperature": 0.3, "system_prompt": "Answer in one sentence." }'"#,
        200,
        AGENT_FIELDS,
    ),
    (
        r#"curl -X POST https://api.chatsby.co/v1/conversations \
  -H "Authorization: Bearer YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: 7f6c2a9e-1b7d-4f0e-9a52-3c1f0a9b7e11" \
  -d '{ "agent_id": "agent_1a2b3c4d5e", "message": "What are your business hours?" }'"#,
        200,
        &["id", "agent_id", "reply", "sources_used", "conversation_id", "created_at"],
    ),
    (
        r#"curl -X PATCH https://api.chatsby.co/v1/agents/agent_1a2b3c4d5e \
  -H "Authorization: Bearer YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{ "status": "paused" }'"#,
        200,
        AGENT_FIELDS,
    ),
    (
        r#"curl -X DELETE https://api.chatsby.co/v1/agents/agent_1a2b3c4d5e \
  -H "Authorization: Bearer YOUR_API_KEY""#,
        204,
        &[],
    ),
    (
        r#"curl https://api.chatsby.co/v1/agents/agent_1a2b3c4d5e \
  -H "Authorization: Bearer YOUR_API_KEY""#,
        404,
        &["error"],
    ),
    (
        r#"curl -X POST https://api.chatsby.co/v1/agents \
  -H "Authorization: Bearer YOUR_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{ "model": "gpt-4o" }'"#,
        400,
        &["error"],
    ),
];

const AGENT_FIELDS: &[&str] = &[
    "id",
    "name",
    "model",
    "system_prompt",
    "temperature",
    "max_tokens",
    "status",
    "created_at",
    "updated_at",
];

const LIST_FIELDS: &[&str] = &["data", "has_more", "next_cursor"];

/// The pieces of JavaScript, in the order of a day's work; each prints one line.
const SCRIPT: &str = r#"
const BASE = "https://api.chatsby.co/v1";
const headers = { Authorization: "Bearer YOUR_API_KEY", "Content-Type": "application/json" };

const created = await fetch(`${BASE}/agents`, {
  method: "POST",
  headers,
  body: JSON.stringify({ name: "Sales Bot", model: "gpt-4o", temperature: 0.7, max_tokens: 1024 }),
});
const agent = await created.json();
console.log(JSON.stringify([created.status, agent.status]));

const read = await fetch(`${BASE}/agents/${agent.id}`, { headers });
console.log(JSON.stringify([read.status, (await read.json()).name]));

const updated = await fetch(`${BASE}/agents/${agent.id}`, {
  method: "PATCH",
  headers,
  body: JSON.stringify({ name: "Sales and Support Bot" }),
});
console.log(JSON.stringify([updated.status, (await updated.json()).name]));

async function listAllActiveAgents() {
  const agents = [];
  let cursor = null;
  do {
    const params = new URLSearchParams({ page_size: "2", status: "active" });
    if (cursor) params.set("cursor", cursor);
    const response = await fetch(`${BASE}/agents?${params}`, { headers });
    const { data, has_more, next_cursor } = await response.json();
    agents.push(...data);
    cursor = has_more ? next_cursor : null;
  } while (cursor);
  return agents;
}
const agents = await listAllActiveAgents();
console.log(JSON.stringify([agents.length, new Set(agents.map(({ id }) => id)).size]));

const sent = await fetch(`${BASE}/conversations`, {
  method: "POST",
  headers,
  body: JSON.stringify({ agent_id: agent.id, message: "Do you ship to Malta?" }),
});
const { reply, conversation_id } = await sent.json();
console.log(JSON.stringify([sent.status, reply.includes("Do you ship to Malta?"), conversation_id.startsWith("conv_")]));

const removed = await fetch(`${BASE}/agents/${agent.id}`, { method: "DELETE", headers });
console.log(JSON.stringify([removed.status, (await fetch(`${BASE}/agents/${agent.id}`, { headers })).status]));
"#;

async fn serve(world: &World) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let router = world.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

/// The words of a line as a shell reads them, without what it would expand.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for character in line.replace("\\\n", " ").chars() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, blank) if blank.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, character) => word.push(character),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Does what a curl line says.
async fn curl(line: &str) -> Answer {
    let mut words = words(line).into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"));
    let (mut method, mut url, mut headers, mut body) = (None, String::new(), Vec::new(), None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-X" => method = words.next(),
            "-H" => headers.extend(words.next()),
            "-d" => body = words.next(),
            _ => url = word,
        }
    }
    let method = method.map_or(Method::GET, |name| name.parse().unwrap());
    let mut request = reqwest::Client::new().request(method, url);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    if let Some(body) = body {
        request = request.body(body);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.unwrap() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_curl_line_of_the_documents_does_what_they_promise() {
    let world = World::new().await;
    let base = serve(&world).await;
    let mut agent = AGENT.to_owned();
    for (line, status, fields) in LINES {
        let line = line.replace(HOST, &base).replace(KEY, &world.live).replace(AGENT, &agent);
        let answer = curl(&line).await;
        let told = answer.is(*status);
        for field in *fields {
            assert!(told.get(*field).is_some(), "{field} is missing: {line}\n{told}");
        }
        for header in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id"] {
            assert!(answer.headers.contains_key(header), "{header} is missing: {line}");
        }
        if *status == 201 {
            told["id"].as_str().unwrap().clone_into(&mut agent);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_piece_of_javascript_of_the_documents_does_what_it_promises() {
    let world = World::new().await;
    let base = serve(&world).await;
    for number in 0..6 {
        world.make(&format!("Agent {number}")).await;
    }
    let paused = world.make("Paused").await;
    world.call("PATCH", &format!("/v1/agents/{paused}"), Some(json!({ "status": "paused" }))).await.is(200);
    let script = SCRIPT.replace(HOST, &base).replace(KEY, &world.live);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("documents.mjs");
    std::fs::write(&file, script).unwrap();
    let output = tokio::task::spawn_blocking(move || Command::new("node").arg(file).output().unwrap());
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines,
        [
            json!([201, "active"]),
            json!([200, "Sales Bot"]),
            json!([200, "Sales and Support Bot"]),
            json!([7, 7]),
            json!([200, true, true]),
            json!([204, 404]),
        ]
    );
}
