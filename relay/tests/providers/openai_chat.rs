//! `openai-chat`.

use chinwag_protocol::{Chunk, ErrorCode, FinishReason, Json, Part, Role, ToolDefinition};
use chinwag_relay::upstream::decode::Decoder;
use chinwag_relay::upstream::openai_chat;
use chinwag_simulator::{Kind, Simulator, Switches, Trouble};
use serde_json::json;

use crate::contract::{Wire, contract};
use crate::golden;
use crate::support::{agent, ask, follow_up, message, turn, with_files};

const KIND: Kind = Kind::OpenAiChat;

contract!(KIND, Wire { is_repeat_safe: true, ..Wire::FRAMED });

#[test]
fn golden_files_hold_and_no_bytes_break_the_decoder() {
    golden::check("openai-chat", &["sse", "whole"], |wire| match wire {
        "whole" => Decoder::new(openai_chat::whole()),
        _ => Decoder::new(openai_chat::stream()),
    });
}

#[tokio::test]
async fn the_request_carries_what_the_operator_set_and_the_transcript() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let more = "system_prompt = \"Be brief.\"\ntemperature = 0.5\nmax_tokens = 100";
    let agent = agent(KIND, &simulator.base_url, more);
    let first = turn("Hi");
    let reply = ask(&agent, &first).await;
    let mut second = follow_up(&first, &reply, "And?");
    second.context = Some(Json::parse("{\"page\":\"/prices\"}").unwrap());
    ask(&agent, &second).await;
    let requests = simulator.requests();
    assert_eq!(requests[1].path, "/v1/chat/completions");
    let body = &requests[1].body;
    let roles: Vec<&str> =
        body["messages"].as_array().unwrap().iter().map(|one| one["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "system", "user", "assistant", "user"]);
    assert_eq!(body["messages"][0]["content"], "Be brief.");
    assert!(body["messages"][1]["content"].as_str().unwrap().contains("{\"page\":\"/prices\"}"));
    assert_eq!(body["messages"][3]["content"], reply.text());
    assert_eq!(
        (&body["temperature"], &body["max_tokens"], &body["stream"], &body["user"]),
        (&json!(0.5), &json!(100), &json!(true), &json!("visitor-1"))
    );
    assert_eq!(requests[1].header("authorization"), "Bearer simulator-key");
}

#[tokio::test]
async fn a_tool_call_is_gathered_and_its_result_sent_back() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let mut asked = turn("use the tool");
    let parameters = Json::parse("{\"type\":\"object\"}").unwrap();
    asked.tools = vec![ToolDefinition { name: "weather".into(), description: String::new(), parameters }];
    let reply = ask(&agent, &asked).await;
    let input = Json::parse("{\"city\":\"Malm\u{f6}\"}").unwrap();
    let call = Chunk::ToolInputAvailable {
        tool_call_id: "call_1".into(),
        tool_name: "weather".into(),
        input: input.clone(),
    };
    assert!(reply.0.contains(&call), "{reply:?}");
    assert!(matches!(reply.0.last(), Some(Chunk::Finish { reason: FinishReason::ToolCalls, .. })));

    let mut continued = asked.clone();
    continued.history.push(asked.message.clone());
    continued.answers = vec!["call_1".to_owned()];
    continued.message = message(Role::Assistant, "");
    continued.message.parts = vec![Part::Tool {
        tool_call_id: "call_1".into(),
        tool_name: "weather".into(),
        state: "output-available".into(),
        input: Some(input),
        output: Some(Json::parse("\"rain\"").unwrap()),
        error_text: None,
    }];
    let reply = ask(&agent, &continued).await;
    assert!(reply.is_finished(), "{reply:?}");
    let sent = &simulator.requests()[1].body["messages"];
    assert_eq!(sent[1]["tool_calls"][0]["id"], "call_1");
    assert_eq!(sent[2], json!({ "role": "tool", "tool_call_id": "call_1", "content": "\"rain\"" }));
}

#[tokio::test]
async fn thoughts_sources_and_usage_come_with_the_reply() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let reply = ask(&agent(KIND, &simulator.base_url, ""), &turn("think of a source")).await;
    assert!(reply.0.iter().any(|chunk| matches!(chunk, Chunk::ReasoningDelta { .. })), "{reply:?}");
    assert!(reply.0.iter().any(|chunk| matches!(chunk, Chunk::SourceUrl { .. })), "{reply:?}");
    let Some(Chunk::Finish { metadata: Some(metadata), .. }) = reply.0.last() else { panic!("{reply:?}") };
    assert_eq!(metadata.usage.unwrap().input_tokens, 3);
}

#[tokio::test]
async fn a_provider_that_keeps_failing_is_left_alone() {
    let simulator = Simulator::start(KIND, Switches::with(Trouble::Status(500))).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    for _ in 0..8 {
        assert_eq!(ask(&agent, &turn("Hi")).await.code(), ErrorCode::UpstreamError);
    }
    assert_eq!(simulator.requests().len(), 5, "after five failures nobody waits for a sixth");
    let refused = ask(&agent, &turn("Hi")).await;
    assert!(refused.error().retry_after_ms.is_some_and(|wait| wait <= 10_000), "{refused:?}");
}

#[tokio::test]
async fn the_check_names_a_model_that_is_not_there() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let text = simulator.base_url.clone();
    let facts = agent(KIND, &text, "").check().await.unwrap();
    assert!(facts.iter().any(|fact| fact.contains("simulated")), "{facts:?}");
}

#[tokio::test]
async fn files_go_along_as_the_interface_takes_each_kind() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "attachments = true");
    assert!(agent.features().attachments);
    let first = with_files("What is in these?");
    let reply = ask(&agent, &first).await;
    assert!(reply.text().contains("[image/png, 8 characters]"), "{}", reply.text());
    let content = &simulator.requests()[0].body["messages"][0]["content"];
    assert_eq!(content[0], json!({ "type": "text", "text": "What is in these?" }));
    assert_eq!(
        content[1],
        json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,iVBORw==" } })
    );
    let document = json!({ "filename": "bill.pdf", "file_data": "data:application/pdf;base64,JVBERi0=" });
    assert_eq!(content[2], json!({ "type": "file", "file": document }));
    assert_eq!(content[3], json!({ "type": "text", "text": "The file notes.md:\n\n# Hi" }));
    assert!(content[4]["text"].as_str().unwrap().contains("gone.png"), "a file that is gone is named");

    let mut second = follow_up(&first, &reply, "And now?");
    second.files = first.files.clone();
    ask(&agent, &second).await;
    let messages = &simulator.requests()[1].body["messages"];
    assert_eq!(messages[0]["content"][1]["type"], "image_url", "the picture of before is there still");
    assert_eq!(messages[2]["content"], "And now?");
}

#[tokio::test]
async fn an_agent_takes_files_only_where_the_operator_says_so() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    assert!(!agent(KIND, &simulator.base_url, "").features().attachments);
}
