//! `ai-sdk`.

use chinwag_protocol::{Chunk, ErrorCode, FinishReason};
use chinwag_relay::upstream::decode::Decoder;
use chinwag_relay::upstream::{Memory, ai_sdk};
use chinwag_simulator::{Kind, Pieces, Simulator, Switches, Trouble};

use serde_json::json;

use crate::contract::{Wire, contract};
use crate::golden;
use crate::support::{again, agent, ask, ask_once, follow_up, turn, with_files};

const KIND: Kind = Kind::AiSdk;

contract!(KIND, Wire::FRAMED);

#[test]
fn golden_files_hold_and_no_bytes_break_the_decoder() {
    golden::check("ai-sdk", &["sse", "whole", "text"], |wire| match wire {
        "whole" => Decoder::new(ai_sdk::whole(Memory::default())),
        "text" => Decoder::new(ai_sdk::text()),
        _ => Decoder::new(ai_sdk::stream(Memory::default())),
    });
}

#[tokio::test]
async fn the_request_is_that_of_the_default_transport() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("Hi");
    let reply = ask(&agent, &first).await;
    let second = follow_up(&first, &reply, "And?");
    ask(&agent, &second).await;
    ask(&agent, &again(&second)).await;
    let requests = simulator.requests();
    assert_eq!(requests[0].path, "/api/chat");
    let body = &requests[1].body;
    assert_eq!(body["id"], first.conversation.as_str());
    assert_eq!(body["trigger"], "submit-message");
    assert_eq!(body["messages"].as_array().unwrap().len(), 3);
    assert_eq!(body["messages"][0]["parts"][0]["text"], "Hi");
    assert_eq!(requests[2].body["trigger"], "regenerate-message");
    assert_eq!(requests[2].body["messageId"], "msg-3", "the message as the endpoint named it");
}

#[tokio::test]
async fn what_passes_through_is_checked() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let reply = ask(&agent(KIND, &simulator.base_url, ""), &turn("think of a source")).await;
    let urls: Vec<_> = reply.0.iter().filter(|chunk| matches!(chunk, Chunk::SourceUrl { .. })).collect();
    assert_eq!(urls.len(), 1, "{reply:?}");
    assert!(!format!("{reply:?}").contains("javascript"), "{reply:?}");
    assert!(reply.0.iter().any(|chunk| matches!(chunk, Chunk::ReasoningDelta { .. })), "{reply:?}");
    let Some(Chunk::Finish { metadata: Some(metadata), .. }) = reply.0.last() else { panic!("{reply:?}") };
    assert_eq!(metadata.usage.unwrap().input_tokens, 3);
    assert_eq!(metadata.created_at, None, "foreign metadata stays where it is");
}

#[tokio::test]
async fn a_tool_call_passes_through() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let reply = ask(&agent(KIND, &simulator.base_url, ""), &turn("use the tool")).await;
    assert!(reply.0.iter().any(|chunk| matches!(chunk, Chunk::ToolInputAvailable { .. })), "{reply:?}");
    assert!(matches!(reply.0.last(), Some(Chunk::Finish { reason: FinishReason::ToolCalls, .. })));
}

#[tokio::test]
async fn the_text_protocol_is_read_too_wherever_it_is_cut() {
    for pieces in [Pieces::Events, Pieces::Bytes(1)] {
        let reply = ask_once(KIND, Switches { generation: 1, pieces, ..Switches::default() }, "Hi").await;
        assert!(reply.is_finished() && reply.text().ends_with("the simulator \u{1f642}."), "{reply:?}");
    }
    let cut = Switches { generation: 1, ..Switches::with(Trouble::Cut) };
    assert_eq!(ask_once(KIND, cut, "Hi").await.code(), ErrorCode::Interrupted);
}

#[tokio::test]
async fn files_go_along_with_all_that_is_in_them() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "attachments = true");
    let reply = ask(&agent, &with_files("What is in these?")).await;
    assert!(reply.text().contains("[text/markdown, 8 characters]"), "{}", reply.text());
    let parts = &simulator.requests()[0].body["messages"][0]["parts"];
    let picture = json!({ "type": "file", "url": "data:image/png;base64,iVBORw==", "mediaType": "image/png", "filename": "shot.png" });
    assert_eq!(parts[1], picture);
    assert_eq!(parts[4]["type"], "text", "a file that is gone is named");
}
