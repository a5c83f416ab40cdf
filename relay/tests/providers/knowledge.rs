//! Sources of agents, from the call that adds one to the citation in a reply.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{PAGE, SITE_AGENT, World};
use crate::support::LONG;

impl World {
    /// Waits until a source is trained or has failed.
    pub(crate) async fn settled(&self, path: &str) -> Value {
        let began = Instant::now();
        loop {
            let source = self.call("GET", path, None).await.is(200);
            if matches!(source["status"].as_str(), Some("trained" | "failed")) {
                return source;
            }
            // A reader of PDFs may take its time before it is stopped.
            assert!(began.elapsed() < 4 * LONG, "{source}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn add(&self, agent: &str, body: Value) -> Value {
        let sources = format!("/v1/agents/{agent}/sources");
        let made = self.call("POST", &sources, Some(body)).await.is(201);
        assert_eq!((&made["status"], &made["agent_id"]), (&json!("queued"), &json!(agent)));
        self.settled(&format!("{sources}/{}", made["id"].as_str().unwrap())).await
    }

    pub(crate) async fn upload(&self, agent: &str, name: &str, media_type: &str, bytes: &[u8]) -> Value {
        let path = format!("/v1/agents/{agent}/sources?filename={name}");
        let bearer = format!("Bearer {}", self.live);
        let headers = [("authorization", bearer.as_str()), ("content-type", media_type)];
        let made = self.send_bytes("POST", &path, &headers, bytes.to_vec()).await.is(201);
        self.settled(&format!("/v1/agents/{agent}/sources/{}", made["id"].as_str().unwrap())).await
    }

    pub(crate) async fn ask(&self, agent: &str, message: &str) -> Value {
        let body = json!({ "agent_id": agent, "message": message });
        self.call("POST", "/v1/conversations", Some(body)).await.is(200)
    }

    pub(crate) fn told(&self) -> String {
        let body = self.simulator.requests().last().unwrap().body.clone();
        let messages = body["messages"].as_array().unwrap().clone();
        let system = messages.iter().filter(|message| message["role"] == "system");
        system.map(|message| message["content"].as_str().unwrap().to_owned()).collect()
    }
}

const DELIVERY: &str = "# Delivery\n\nParcels to Malta take six working days.\n\n## Returns\n\nReturns are free for thirty days.\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_gets_the_passages_that_answer_and_cites_them() {
    let world = World::new().await;
    let id = world.make("Guide").await;
    assert_eq!(world.ask(&id, "How long do parcels to Malta take?").await["sources_used"], json!([]));
    let source = world.add(&id, json!({ "type": "text", "title": "Delivery", "content": DELIVERY })).await;
    assert_eq!((&source["status"], &source["reason"]), (&json!("trained"), &Value::Null), "{source}");

    let reply = world.ask(&id, "How long do parcels to Malta take?").await;
    assert_eq!(reply["sources_used"], json!([{ "id": source["id"], "title": "Delivery" }]), "{reply}");
    assert!(reply["reply"].as_str().unwrap().ends_with("six working days. [1]."), "{reply}");
    assert!(
        world.told().contains("[1] Delivery\nParcels to Malta take six working days."),
        "{}",
        world.told()
    );

    // What has nothing to do with the sources is asked without them.
    assert_eq!(world.ask(&id, "Hello!").await["sources_used"], json!([]));
    assert_eq!(world.told(), "");

    let path = format!("/v1/agents/{id}/sources/{}", source["id"].as_str().unwrap());
    world.call("DELETE", &path, None).await.is(204);
    assert_eq!(world.ask(&id, "How long do parcels to Malta take?").await["sources_used"], json!([]));
    world.call("GET", &path, None).await.is_error(404, "resource_not_found", None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_every_kind_are_read_and_a_broken_one_fails_alone() {
    let world = World::new().await;
    let id = world.make("Guide").await;
    let html = "<html><body><nav>Menu</nav><main><h1>Brewing</h1><p>Green tea wants water of eighty degrees.</p></main></body></html>";
    let broken = world.upload(&id, "broken.pdf", "application/pdf", b"%PDF-1.7 nothing").await;
    assert_eq!(broken["status"], "failed");
    assert!(broken["reason"].as_str().unwrap().starts_with("the PDF cannot be read"), "{broken}");
    let latin = world.upload(&id, "latin.txt", "text/plain", b"caf\xe9").await;
    assert_eq!(latin["reason"], "the file is not UTF-8 text (byte 3)");
    for (name, media_type, bytes) in [
        ("delivery.md", "text/markdown", DELIVERY.as_bytes().to_vec()),
        ("tea.html", "text/html; charset=utf-8", html.as_bytes().to_vec()),
        ("opening.txt", "", b"The shop in Valletta opens at ten.".to_vec()),
        ("gift.pdf", "application/pdf", pdf("Gift wrapping costs three euro.")),
    ] {
        let source = world.upload(&id, name, media_type, &bytes).await;
        assert_eq!((&source["status"], &source["filename"]), (&json!("trained"), &json!(name)), "{source}");
    }
    for (question, title) in [
        ("How long do parcels to Malta take?", "delivery.md"),
        ("How hot is the water for green tea?", "tea.html"),
        ("When does the shop in Valletta open?", "opening.txt"),
        ("What does gift wrapping cost?", "gift.pdf"),
    ] {
        let reply = world.ask(&id, question).await;
        assert_eq!(reply["sources_used"][0]["title"], title, "{question}: {reply}");
    }
    let failed = world.call("GET", &format!("/v1/agents/{id}/sources?status=failed"), None).await.is(200);
    assert_eq!(failed["data"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_somebody_else_read_are_cited_by_their_address_in_the_widget() {
    let world = World::new().await;
    let fields = chinwag_relay::store::AgentFields {
        name: "Guide".into(),
        base: "docs".into(),
        model: None,
        system_prompt: None,
        temperature: 0.7,
        max_tokens: 100,
        provider_agent_id: None,
        is_paused: false,
    };
    world.app.store().add_agent(chinwag_relay::store::Mode::Live, SITE_AGENT, &fields).await.unwrap();
    let source = world.add(SITE_AGENT, json!({ "type": "pages", "title": "Help centre" })).await;
    let path = format!("/v1/agents/{SITE_AGENT}/sources/{}", source["id"].as_str().unwrap());
    let page = |name: &str, text: &str| json!({ "url": format!("https://shop.example/{name}"), "title": name, "text": text });
    let body = json!({ "pages": [page("Delivery", DELIVERY), page("Tea", "Green tea wants water of eighty degrees.")] });
    world.call("PUT", &format!("{path}/pages"), Some(body)).await.is(202);
    assert_eq!(world.settled(&path).await["progress"], json!({ "done": 2, "total": 2 }));
    let listed = world.call("GET", &format!("{path}/pages?page_size=1"), None).await.is(200);
    assert_eq!((&listed["data"][0]["title"], &listed["has_more"]), (&json!("Delivery"), &json!(true)));

    let token =
        world.send("POST", "/v1/token", &[("origin", PAGE)], Some(json!({ "site": "site_a" }))).await.is(200);
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let headers = [("origin", PAGE), ("authorization", bearer.as_str())];
    let chat = async |id: &str, text: &str| {
        let message = json!({ "id": id, "role": "user", "parts": [{ "type": "text", "text": text }] });
        let body = json!({ "id": "c1", "messages": [message], "trigger": "submit-message" });
        world.send("POST", "/v1/chat", &headers, Some(body)).await.text
    };
    let said = chat("m1", "Are returns free?").await;
    assert!(said.contains("\"source-url\"") && said.contains("https://shop.example/Delivery"), "{said}");
    let said = chat("m2", "When do you open?").await;
    assert!(said.contains("/docs/docs/opening.md"), "the folder answers where the sources do not: {said}");

    let body = json!({ "remove": ["https://shop.example/Delivery"] });
    world.call("PUT", &format!("{path}/pages"), Some(body)).await.is(202);
    world.settled(&path).await;
    let said = chat("m3", "Are returns free?").await;
    assert!(!said.contains("shop.example/Delivery"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sources_go_with_their_agent_and_belong_to_their_kind_of_key() {
    let world = World::new().await;
    let id = world.make("Guide").await;
    let source = world.add(&id, json!({ "type": "text", "title": "Delivery", "content": DELIVERY })).await;
    let sources = format!("/v1/agents/{id}/sources");
    let path = format!("{sources}/{}", source["id"].as_str().unwrap());
    for (method, path) in [("GET", &sources), ("GET", &path), ("DELETE", &path)] {
        world.with_key(&world.test, method, path, None).await.is_error(404, "resource_not_found", None);
    }
    let other = world.make("Other").await;
    let foreign = path.replace(&id, &other);
    world.call("GET", &foreign, None).await.is_error(404, "resource_not_found", None);
    let index = world.folder.path().join("data/knowledge").join(&id);
    assert!(index.exists());
    world.call("DELETE", &format!("/v1/agents/{id}"), None).await.is(204);
    world.call("GET", &path, None).await.is_error(404, "resource_not_found", None);
    let began = Instant::now();
    while index.exists() {
        assert!(began.elapsed() < LONG, "the index goes too");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_source_is_named() {
    let world = World::new().await;
    let id = world.make("Guide").await;
    let body = json!({ "name": "Talk", "base": "talk" });
    let hosted =
        world.call("POST", "/v1/agents", Some(body)).await.is(201)["id"].as_str().unwrap().to_owned();
    let sources = format!("/v1/agents/{id}/sources");
    let text = json!({ "type": "text", "title": "T", "content": "x" });
    let with = |name: &str, value: Value| {
        let mut body = json!({ "type": "website", "url": "https://a.example/" });
        body[name] = value;
        body
    };
    for (body, status, code, param) in [
        (json!([]), 400, "invalid_parameter", "body"),
        (json!({}), 400, "missing_required_field", "type"),
        (json!({ "type": "blog" }), 422, "validation_error", "type"),
        (json!({ "type": "file" }), 422, "validation_error", "type"),
        (json!({ "type": "text", "title": "T" }), 400, "missing_required_field", "content"),
        (json!({ "type": "text", "content": "x" }), 400, "missing_required_field", "title"),
        (json!({ "type": "text", "title": "", "content": "x" }), 422, "validation_error", "title"),
        (json!({ "type": "text", "title": "T", "content": " " }), 422, "validation_error", "content"),
        (
            json!({ "type": "text", "title": "T", "content": "x", "url": "y" }),
            400,
            "invalid_parameter",
            "url",
        ),
        (json!({ "type": "website" }), 400, "missing_required_field", "url"),
        (json!({ "type": "website", "url": "ftp://a.example/" }), 422, "validation_error", "url"),
        (with("url", json!("https://u:p@a.example/")), 422, "validation_error", "url"),
        (with("max_pages", json!(0)), 422, "validation_error", "max_pages"),
        (with("max_pages", json!("9")), 400, "invalid_parameter", "max_pages"),
        (with("max_depth", json!(11)), 422, "validation_error", "max_depth"),
        (with("follow", json!("me")), 422, "validation_error", "follow"),
    ] {
        let answer = world.call("POST", &sources, Some(body.clone())).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        answer.is_error(status, code, Some(param));
    }
    world.call("GET", &format!("{sources}?status=gone"), None).await.is_error(
        400,
        "invalid_parameter",
        Some("status"),
    );
    world.call("GET", &format!("{sources}?cursor=!"), None).await.is_error(
        400,
        "invalid_parameter",
        Some("cursor"),
    );
    world.call("POST", "/v1/agents/agent_zzzzzzzzzz/sources", Some(text.clone())).await.is_error(
        404,
        "resource_not_found",
        None,
    );
    let refused = world.call("POST", &format!("/v1/agents/{hosted}/sources"), Some(text)).await;
    refused.is_error(422, "validation_error", Some("agent_id"));
    let bearer = format!("Bearer {}", world.live);
    for (query, media_type, status, param) in [
        ("?filename=a.zip", "application/zip", 422, "filename"),
        ("?filename=", "text/plain", 400, "filename"),
        ("", "text/plain", 400, "Content-Type"),
        ("?name=x", "text/plain", 400, "name"),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", media_type)];
        let answer = world.send_bytes("POST", &format!("{sources}{query}"), &headers, b"x".to_vec()).await;
        assert_eq!(
            (answer.status, answer.json()["error"]["param"].as_str()),
            (status, Some(param)),
            "{answer:?}"
        );
    }
}

/// A PDF of one page that says `words`.
fn pdf(words: &str) -> Vec<u8> {
    let content = format!("BT /F1 12 Tf 72 700 Td ({words}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let (mut file, mut places) = ("%PDF-1.4\n".to_owned(), Vec::new());
    for (number, object) in objects.iter().enumerate() {
        places.push(file.len());
        writeln!(file, "{} 0 obj\n{object}\nendobj", number + 1).unwrap();
    }
    let table = file.len();
    let entries: Vec<String> = places.iter().map(|place| format!("{place:010} 00000 n \n")).collect();
    let entries = entries.concat();
    let size = objects.len() + 1;
    writeln!(file, "xref\n0 {size}\n0000000000 65535 f \n{entries}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF").unwrap();
    file.into_bytes()
}
