//! `openai-responses`.

use chinwag_protocol::{Chunk, FinishReason, Json, Part, Role, ToolDefinition};
use chinwag_relay::upstream::decode::Decoder;
use chinwag_relay::upstream::{Memory, ProviderIds, openai_responses};
use chinwag_simulator::{Kind, Simulator, Switches};

use serde_json::json;

use crate::contract::{Wire, contract};
use crate::golden;
use crate::support::{agent, ask, follow_up, message, turn, with_files};

const KIND: Kind = Kind::OpenAiResponses;

contract!(KIND, Wire::FRAMED);

#[test]
fn golden_files_hold_and_no_bytes_break_the_decoder() {
    golden::check("openai-responses", &["sse", "whole"], |wire| match wire {
        "whole" => Decoder::new(openai_responses::whole(Memory::default())),
        _ => Decoder::new(openai_responses::stream(Memory::default())),
    });
}

#[tokio::test]
async fn a_follow_up_names_the_response_before_it_and_sends_no_transcript() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "system_prompt = \"Be brief.\"\nmax_tokens = 50");
    let first = turn("Hi");
    let reply = ask(&agent, &first).await;
    ask(&agent, &follow_up(&first, &reply, "And?")).await;
    let requests = simulator.requests();
    let body = &requests[1].body;
    assert_eq!(body["previous_response_id"], "resp_1");
    assert_eq!(body["input"].as_array().unwrap().len(), 1);
    assert_eq!(body["instructions"], "Be brief.", "the provider does not keep it");
    assert_eq!(body["max_output_tokens"], 50);
    assert!(agent.memory_scope().starts_with("openai-responses:http://127.0.0.1"));
}

#[tokio::test]
async fn a_server_that_keeps_nothing_gets_the_transcript_each_turn() {
    let switches = Switches { generation: 1, ..Switches::default() };
    let simulator = Simulator::start(KIND, switches).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("Hi");
    let reply = ask(&agent, &first).await;
    assert_eq!(first.memory.learned().reply, None);
    let second = ask(&agent, &follow_up(&first, &reply, "And?")).await;
    assert!(second.text().contains("Question 2"), "{}", second.text());
    assert_eq!(simulator.requests()[1].body["input"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_thread_that_the_provider_has_forgotten_is_begun_anew_with_the_transcript() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("Hi");
    let reply = ask(&agent, &first).await;
    let mut second = follow_up(&first, &reply, "And?");
    let previous = Some("resp_of_last_year".to_owned());
    second.memory = Memory::new(ProviderIds { previous, ..ProviderIds::default() });
    let reply = ask(&agent, &second).await;
    assert!(reply.is_finished() && reply.text().contains("Question 2"), "{reply:?}");
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
    let is_call = |chunk: &&Chunk| matches!(chunk, Chunk::ToolInputAvailable { .. });
    let calls: Vec<_> = reply.0.iter().filter(is_call).collect();
    let call = Chunk::ToolInputAvailable {
        tool_call_id: "call_1".into(),
        tool_name: "weather".into(),
        input: input.clone(),
    };
    assert_eq!(calls, [&call], "told once, though the wire says it three times");
    assert!(matches!(reply.0.last(), Some(Chunk::Finish { reason: FinishReason::ToolCalls, .. })));

    let mut continued = follow_up(&asked, &reply, "");
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
    assert!(ask(&agent, &continued).await.is_finished());
    let sent = simulator.requests()[1].body.clone();
    let result = json!({ "type": "function_call_output", "call_id": "call_1", "output": "\"rain\"" });
    assert_eq!(sent["input"], json!([result]), "the provider has the call itself");
    assert!(sent["previous_response_id"].is_string());
}

#[tokio::test]
async fn thoughts_searches_sources_and_usage_come_with_the_reply() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let reply = ask(&agent(KIND, &simulator.base_url, ""), &turn("think of a source")).await;
    assert!(reply.0.iter().any(|chunk| matches!(chunk, Chunk::ReasoningDelta { .. })), "{reply:?}");
    assert!(reply.0.iter().any(|chunk| matches!(chunk, Chunk::Status { .. })), "{reply:?}");
    assert!(reply.0.iter().any(|chunk| matches!(chunk, Chunk::SourceUrl { .. })), "{reply:?}");
    assert!(reply.0.iter().any(|chunk| matches!(chunk, Chunk::SourceDocument { .. })), "{reply:?}");
    let Some(Chunk::Finish { metadata: Some(metadata), .. }) = reply.0.last() else { panic!("{reply:?}") };
    assert_eq!(metadata.usage.unwrap().output_tokens, 2);
}

#[tokio::test]
async fn files_go_along_as_the_interface_takes_each_kind() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "attachments = true");
    let reply = ask(&agent, &with_files("What is in these?")).await;
    assert!(reply.text().contains("[application/pdf, 8 characters]"), "{}", reply.text());
    let content = &simulator.requests()[0].body["input"][0]["content"];
    assert_eq!(content[0], json!({ "type": "input_text", "text": "What is in these?" }));
    assert_eq!(content[1], json!({ "type": "input_image", "image_url": "data:image/png;base64,iVBORw==" }));
    let document = json!({ "type": "input_file", "filename": "bill.pdf", "file_data": "data:application/pdf;base64,JVBERi0=" });
    assert_eq!(content[2], document);
    assert_eq!(content[3]["text"], "The file notes.md:\n\n# Hi");
}
