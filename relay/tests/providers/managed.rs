//! The API for servers, over a relay whose provider is a simulator: the calls
//! of its documents, with the status and the shape that these promise.

use chinwag_relay::store::Mode;
use serde_json::{Value, json};

use crate::server::{PAGE, SITE_AGENT, World};

#[tokio::test]
async fn every_call_of_the_documents_gives_the_documented_status_and_shape() {
    let world = World::new().await;
    let sent = json!({
        "name": "Support Bot", "model": "gpt-4o", "system_prompt": "You are a helpful support agent.",
        "temperature": 0.7, "max_tokens": 1024,
    });
    let made = world.call("POST", "/v1/agents", Some(sent)).await;
    assert!(made.headers.contains_key("x-ratelimit-limit") && made.headers.contains_key("x-ratelimit-reset"));
    assert!(made.headers.contains_key("x-request-id"));
    let made = made.is(201);
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(id.strip_prefix("agent_").is_some_and(|rest| rest.len() == 10), "{id}");
    for (field, value) in [
        ("name", json!("Support Bot")),
        ("model", json!("gpt-4o")),
        ("system_prompt", json!("You are a helpful support agent.")),
        ("temperature", json!(0.7)),
        ("max_tokens", json!(1024)),
        ("status", json!("active")),
        ("provider", json!("openai-chat")),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert!(made["created_at"].as_str().unwrap().ends_with('Z') && made["updated_at"].is_string());

    let list = world.call("GET", "/v1/agents?page_size=20&status=active", None).await.is(200);
    assert_eq!(
        (&list["data"][0], &list["has_more"], &list["next_cursor"]),
        (&made, &json!(false), &Value::Null)
    );
    let path = format!("/v1/agents/{id}");
    assert_eq!(world.call("GET", &path, None).await.is(200), made);

    let changed = world.call("PATCH", &path, Some(json!({ "name": "Sales Bot" }))).await.is(200);
    assert_eq!(
        (&changed["name"], &changed["model"]),
        (&json!("Sales Bot"), &json!("gpt-4o")),
        "only what is sent"
    );
    let paused = world.call("PATCH", &path, Some(json!({ "status": "paused" }))).await.is(200);
    assert_eq!(paused["status"], "paused");
    let question = json!({ "agent_id": id, "message": "Do you ship?" });
    world.call("POST", "/v1/conversations", Some(question.clone())).await.is_error(
        409,
        "agent_paused",
        Some("agent_id"),
    );
    world.call("PATCH", &path, Some(json!({ "status": "active" }))).await.is(200);

    let reply = world.call("POST", "/v1/conversations", Some(question)).await.is(200);
    let conversation = reply["conversation_id"].as_str().unwrap().to_owned();
    assert!(conversation.starts_with("conv_"), "{reply}");
    assert_eq!((&reply["id"], &reply["agent_id"]), (&reply["conversation_id"], &json!(id)));
    assert!(reply["reply"].as_str().unwrap().contains("Do you ship?"), "{reply}");
    assert!(reply["sources_used"].is_array() && reply["created_at"].is_string());
    let body = world.simulator.requests().last().unwrap().body.clone();
    assert_eq!(
        (&body["model"], &body["temperature"], &body["max_tokens"]),
        (&json!("gpt-4o"), &json!(0.7), &json!(1024))
    );
    assert_eq!(body["messages"][0]["content"], "You are a helpful support agent.");

    world.call("DELETE", &path, None).await.is(204);
    world.call("GET", &path, None).await.is_error(404, "resource_not_found", None);
    world.call("GET", &format!("/v1/conversations/{conversation}"), None).await.is_error(
        404,
        "resource_not_found",
        None,
    );
}

#[tokio::test]
async fn a_conversation_goes_on_streams_is_listed_noted_and_removed() {
    let world = World::new().await;
    let id = world.make("Guide").await;
    let first = json!({ "agent_id": id, "message": "Do you ship?", "metadata": { "order": "7" } });
    let first = world.call("POST", "/v1/conversations", Some(first)).await.is(200);
    let conversation = first["conversation_id"].as_str().unwrap();
    let next = json!({ "agent_id": id, "message": "a source, please", "conversation_id": conversation, "stream": true });
    let stream = world.call("POST", "/v1/conversations", Some(next)).await;
    assert_eq!((stream.status, stream.headers["content-type"].to_str().unwrap()), (200, "text/event-stream"));
    let events: Vec<(&str, Value)> = stream
        .text
        .split("\n\n")
        .filter_map(|frame| frame.strip_prefix("event: ")?.split_once("\ndata: "))
        .map(|(event, data)| (event, serde_json::from_str(data).unwrap()))
        .collect();
    let said: String = events
        .iter()
        .filter(|(event, _)| *event == "token")
        .map(|(_, data)| data["content"].as_str().unwrap())
        .collect();
    let (last, done) = events.last().unwrap();
    assert_eq!(
        (*last, &done["reply"], &done["conversation_id"]),
        ("done", &json!(said), &json!(conversation))
    );
    assert!(said.contains("Question 2"), "the provider knows what was said before: {said}");
    assert!(done["sources_used"][0]["title"].is_string(), "{done}");

    let path = format!("/v1/conversations/{conversation}");
    let whole = world.call("GET", &path, None).await.is(200);
    assert_eq!(whole["metadata"], json!({ "order": "7" }));
    let roles: Vec<&str> = whole["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    assert_eq!(whole["messages"][3]["content"], said);
    assert!(
        whole["messages"][3]["sources_used"][0]["id"].is_string()
            && whole["messages"][0]["timestamp"].is_string()
    );
    let noted = world.call("PATCH", &path, Some(json!({ "metadata": { "done": true } }))).await.is(200);
    assert_eq!(noted["metadata"], json!({ "done": true }));

    let listed =
        world.call("GET", &format!("/v1/conversations?agent_id={id}&page_size=1"), None).await.is(200);
    assert_eq!((&listed["data"][0]["id"], &listed["has_more"]), (&json!(conversation), &json!(false)));
    world.with_key(&world.test, "GET", &path, None).await.is_error(404, "resource_not_found", None);
    world.call("DELETE", &path, None).await.is(204);
    world.call("GET", &path, None).await.is_error(404, "resource_not_found", None);
}

#[tokio::test]
async fn what_is_wrong_is_named_with_status_code_and_param() {
    let world = World::new().await;
    let id = world.make("Guide").await;
    let long = "x".repeat(4_001);
    for (method, path, body, status, code, param) in [
        ("POST", "/v1/agents", json!({}), 400, "missing_required_field", Some("name")),
        ("POST", "/v1/agents", json!([]), 400, "invalid_parameter", Some("body")),
        ("POST", "/v1/agents", json!({ "name": 7 }), 400, "invalid_parameter", Some("name")),
        ("POST", "/v1/agents", json!({ "name": " " }), 422, "validation_error", Some("name")),
        ("POST", "/v1/agents", json!({ "name": "x".repeat(101) }), 422, "validation_error", Some("name")),
        ("POST", "/v1/agents", json!({ "name": "a", "colour": 1 }), 400, "invalid_parameter", Some("colour")),
        (
            "POST",
            "/v1/agents",
            json!({ "name": "a", "temperature": 2.1 }),
            422,
            "validation_error",
            Some("temperature"),
        ),
        (
            "POST",
            "/v1/agents",
            json!({ "name": "a", "temperature": "1" }),
            400,
            "invalid_parameter",
            Some("temperature"),
        ),
        (
            "POST",
            "/v1/agents",
            json!({ "name": "a", "max_tokens": 0 }),
            422,
            "validation_error",
            Some("max_tokens"),
        ),
        (
            "POST",
            "/v1/agents",
            json!({ "name": "a", "max_tokens": 4097 }),
            422,
            "validation_error",
            Some("max_tokens"),
        ),
        (
            "POST",
            "/v1/agents",
            json!({ "name": "a", "max_tokens": 1.5 }),
            400,
            "invalid_parameter",
            Some("max_tokens"),
        ),
        (
            "POST",
            "/v1/agents",
            json!({ "name": "a", "system_prompt": long }),
            422,
            "validation_error",
            Some("system_prompt"),
        ),
        (
            "POST",
            "/v1/agents",
            json!({ "name": "a", "status": "deleted" }),
            422,
            "validation_error",
            Some("status"),
        ),
        (
            "POST",
            "/v1/agents",
            json!({ "name": "a", "provider": "chatbotkit" }),
            422,
            "validation_error",
            Some("provider"),
        ),
        (
            "POST",
            "/v1/agents",
            json!({ "name": "a", "base": "nobody" }),
            422,
            "validation_error",
            Some("base"),
        ),
        (
            "POST",
            "/v1/agents",
            json!({ "name": "a", "base": "endpoint", "model": "m" }),
            422,
            "validation_error",
            Some("model"),
        ),
        ("GET", "/v1/agents?page_size=0", Value::Null, 400, "invalid_parameter", Some("page_size")),
        ("GET", "/v1/agents?page_size=101", Value::Null, 400, "invalid_parameter", Some("page_size")),
        ("GET", "/v1/agents?status=gone", Value::Null, 400, "invalid_parameter", Some("status")),
        ("GET", "/v1/agents?cursor=!", Value::Null, 400, "invalid_parameter", Some("cursor")),
        ("GET", "/v1/agents?limit=5", Value::Null, 400, "invalid_parameter", Some("limit")),
        ("GET", "/v1/agents/agent_zzzzzzzzzz", Value::Null, 404, "resource_not_found", None),
        ("DELETE", "/v1/agents/agent_zzzzzzzzzz", Value::Null, 404, "resource_not_found", None),
        ("PATCH", "/v1/agents/agent_zzzzzzzzzz", json!({}), 404, "resource_not_found", None),
        ("GET", "/v1/agents/a/b", Value::Null, 404, "resource_not_found", None),
        (
            "POST",
            "/v1/conversations",
            json!({ "agent_id": id }),
            400,
            "missing_required_field",
            Some("message"),
        ),
        (
            "POST",
            "/v1/conversations",
            json!({ "message": "Hi" }),
            400,
            "missing_required_field",
            Some("agent_id"),
        ),
        (
            "POST",
            "/v1/conversations",
            json!({ "agent_id": "agent_zzzzzzzzzz", "message": "Hi" }),
            404,
            "resource_not_found",
            Some("agent_id"),
        ),
        (
            "POST",
            "/v1/conversations",
            json!({ "agent_id": id, "message": " " }),
            422,
            "validation_error",
            Some("message"),
        ),
        (
            "POST",
            "/v1/conversations",
            json!({ "agent_id": id, "message": "Hi", "stream": 1 }),
            400,
            "invalid_parameter",
            Some("stream"),
        ),
        (
            "POST",
            "/v1/conversations",
            json!({ "agent_id": id, "message": "Hi", "conversation_id": "conv_x" }),
            404,
            "resource_not_found",
            Some("conversation_id"),
        ),
        (
            "POST",
            "/v1/conversations",
            json!({ "agent_id": id, "message": "Hi", "metadata": 1 }),
            400,
            "invalid_parameter",
            Some("metadata"),
        ),
    ] {
        let answer = world.call(method, path, (!body.is_null()).then_some(body.clone())).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        answer.is_error(status, code, param);
    }
    assert!(world.simulator.requests().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn a_key_opens_its_own_kind_from_a_server_alone_and_until_it_is_revoked() {
    let world = World::new().await;
    let id = world.make("Guide").await;
    let path = format!("/v1/agents/{id}");
    world.send("GET", "/v1/agents", &[], None).await.is_error(401, "invalid_api_key", None);
    for bad in ["cw_live_0000", "cw_test_", "sk-1"] {
        world.with_key(bad, "GET", "/v1/agents", None).await.is_error(401, "invalid_api_key", None);
    }
    world.with_key(&world.test, "GET", &path, None).await.is_error(404, "resource_not_found", None);
    let question = json!({ "agent_id": id, "message": "Hi" });
    world.with_key(&world.test, "POST", "/v1/conversations", Some(question)).await.is_error(
        404,
        "resource_not_found",
        Some("agent_id"),
    );
    assert_eq!(world.with_key(&world.test, "GET", "/v1/agents", None).await.is(200)["data"], json!([]));
    let bearer = format!("Bearer {}", world.live);
    for origin in [PAGE, "https://evil.example"] {
        let headers = [("authorization", bearer.as_str()), ("origin", origin)];
        world.send("GET", "/v1/agents", &headers, None).await.is_error(403, "origin_not_allowed", None);
    }
    let keys = world.app.store().keys().await.unwrap();
    let own = keys.iter().find(|key| key.mode == Mode::Live).unwrap();
    assert!(world.app.store().revoke_key(&own.id).await.unwrap());
    world.call("GET", "/v1/agents", None).await.is_error(401, "invalid_api_key", None);
}

#[tokio::test]
async fn a_write_with_an_idempotency_key_is_done_once() {
    let world = World::new().await;
    let body = json!({ "name": "Once" });
    let first = world.once("k1", "POST", "/v1/agents", body.clone()).await;
    let again = world.once("k1", "POST", "/v1/agents", body.clone()).await;
    assert_eq!(
        (first.is(201), again.headers["idempotent-replayed"].to_str().unwrap()),
        (again.is(201), "true")
    );
    world.once("k1", "POST", "/v1/agents", json!({ "name": "Twice" })).await.is_error(
        409,
        "idempotency_key_reused",
        Some("Idempotency-Key"),
    );
    let refused = world.once("k2", "POST", "/v1/agents", json!({})).await;
    assert_eq!(refused.is(400), world.once("k2", "POST", "/v1/agents", json!({})).await.is(400));
    assert_eq!(world.call("GET", "/v1/agents", None).await.is(200)["data"].as_array().unwrap().len(), 1);
    world.once(&"x".repeat(256), "POST", "/v1/agents", body).await.is_error(
        400,
        "invalid_parameter",
        Some("Idempotency-Key"),
    );

    let id = world.make("Guide").await;
    let question = json!({ "agent_id": id, "message": "Hi" });
    let first = world.once("k3", "POST", "/v1/conversations", question.clone()).await.is(200);
    let again = world.once("k3", "POST", "/v1/conversations", question).await.is(200);
    assert_eq!(first, again);
    assert_eq!(world.simulator.requests().len(), 1, "the question was asked once");
    let other = json!({ "agent_id": id, "message": "Bye" });
    world.once("k3", "POST", "/v1/conversations", other).await.is_error(
        409,
        "idempotency_key_reused",
        Some("Idempotency-Key"),
    );
}

#[tokio::test]
async fn a_site_s_agent_of_the_api_changes_at_the_next_message_and_shows_that_it_is_paused() {
    let world = World::new().await;
    let origin = [("origin", PAGE)];
    let exchange = || world.send("POST", "/v1/token", &origin, Some(json!({ "site": "site_a" })));
    assert_eq!(exchange().await.status, 500, "there is no such agent yet");
    let page = async || world.send("GET", "/", &origin, None).await.text;
    assert!(page().await.contains("data-site=\"site_a\""), "its page is there all the same");
    let fields = chinwag_relay::store::AgentFields {
        name: "Guide".into(),
        base: "model".into(),
        model: None,
        system_prompt: Some("Be brief.".into()),
        temperature: 0.7,
        max_tokens: 100,
        provider_agent_id: None,
        is_paused: false,
    };
    world.app.store().add_agent(Mode::Live, SITE_AGENT, &fields).await.unwrap();
    let token = exchange().await.is(200);
    assert_eq!((&token["agent"]["name"], &token["features"]["tools"]), (&json!("Guide"), &json!(true)));
    assert!(page().await.contains("Guide"));
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let headers = [("origin", PAGE), ("authorization", bearer.as_str())];
    let ask = async |id: &str| {
        let message = json!({ "id": id, "role": "user", "parts": [{ "type": "text", "text": "Hi" }] });
        let body = json!({ "id": "c1", "messages": [message], "trigger": "submit-message" });
        world.send("POST", "/v1/chat", &headers, Some(body)).await.text
    };
    let prompt = || world.simulator.requests().last().unwrap().body["messages"][0]["content"].clone();
    assert!(ask("m1").await.contains("\"finish\""));
    assert_eq!(prompt(), "Be brief.");
    let path = format!("/v1/agents/{SITE_AGENT}");
    world.call("PATCH", &path, Some(json!({ "system_prompt": "Be long." }))).await.is(200);
    ask("m2").await;
    assert_eq!(prompt(), "Be long.");

    world.call("PATCH", &path, Some(json!({ "status": "paused" }))).await.is(200);
    let asked = world.simulator.requests().len();
    assert!(ask("m3").await.contains("\"state\":\"paused\""));
    let state = async || {
        world.send("GET", "/v1/conversations", &headers, None).await.is(200)["data"][0]["state"].clone()
    };
    assert_eq!(state().await, "paused");
    world.call("PATCH", &path, Some(json!({ "status": "active" }))).await.is(200);
    ask("m4").await;
    assert_eq!(state().await, "ongoing");
    assert_eq!(world.simulator.requests().len(), asked + 1);
    let ours = world.call("GET", "/v1/conversations", None).await.is(200);
    assert_eq!(ours["data"], json!([]), "what visitors say is not what servers say");
}
