//! `chatsby`.

use std::time::Duration;

use chinwag_protocol::{Chunk, ErrorCode};
use chinwag_relay::upstream::decode::Decoder;
use chinwag_relay::upstream::{Memory, ProviderIds, Turn, chatsby};
use chinwag_simulator::{Kind, Simulator, Switches, Trouble};
use serde_json::json;
use tokio::time::Instant;

use crate::contract::{Wire, contract};
use crate::golden;
use crate::support::{agent, agent_with, ask, ask_once, follow_up, limits, turn};

const KIND: Kind = Kind::Chatsby;

// The end is not documented: an answer that was closed in good order is whole.
contract!(KIND, Wire { has_end: false, is_repeat_safe: true, ..Wire::FRAMED });

#[test]
fn golden_files_hold_and_no_bytes_break_the_decoder() {
    golden::check("chatsby", &["sse", "whole"], |wire| match wire {
        "whole" => Decoder::new(chatsby::whole(Memory::default())),
        _ => Decoder::new(chatsby::stream(Memory::default())),
    });
}

#[tokio::test]
async fn the_first_question_names_the_visitor_and_the_next_one_the_conversation() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("Hi");
    let reply = ask(&agent, &first).await;
    ask(&agent, &follow_up(&first, &reply, "And?")).await;
    let requests = simulator.requests();
    assert!(requests.iter().all(|request| request.path == "/v1/conversations"));
    let agent = "agent_1a2b3c4d5e";
    let metadata = json!({ "visitor": "visitor-1" });
    assert_eq!(
        requests[0].body,
        json!({ "agent_id": agent, "message": "Hi", "stream": true, "metadata": metadata })
    );
    assert_eq!(
        requests[1].body,
        json!({ "agent_id": agent, "message": "And?", "stream": true, "conversation_id": "conv_1" })
    );
    assert_eq!(requests[0].header("authorization"), "Bearer simulator-key");
    assert_eq!(requests[0].header("accept"), "text/event-stream");
}

#[tokio::test]
async fn one_question_keeps_its_idempotency_key_and_the_next_one_has_another() {
    let switches = Switches::with(Trouble::Hangup).for_requests(1);
    let simulator = Simulator::start(KIND, switches).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    for _ in 0..2 {
        assert!(ask(&agent, &turn("Hi")).await.is_finished());
    }
    let requests = simulator.requests();
    let keys: Vec<&str> = requests.iter().map(|request| request.header("idempotency-key")).collect();
    assert_eq!(keys.len(), 3);
    assert!(!keys[0].is_empty());
    assert_eq!(keys[0], keys[1], "the second try");
    assert_ne!(keys[1], keys[2], "the second question");
}

#[tokio::test]
async fn sources_come_with_the_reply_by_their_titles() {
    for trouble in [None, Some(Trouble::NoStream)] {
        let reply = ask_once(KIND, Switches { trouble, ..Switches::default() }, "a source?").await;
        let source = Chunk::SourceDocument {
            source_id: "1".into(),
            media_type: "text/plain".into(),
            title: "Contact".into(),
        };
        assert!(reply.0.contains(&source), "{reply:?}");
    }
}

#[tokio::test]
async fn every_end_that_a_stream_may_have_is_one() {
    for generation in 0..3 {
        let reply = ask_once(KIND, Switches { generation, ..Switches::default() }, "Hi").await;
        assert!(reply.is_finished(), "{generation}: {reply:?}");
    }
}

#[tokio::test]
async fn a_conversation_that_the_provider_has_forgotten_is_begun_anew() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let ids = ProviderIds { conversation: Some("conv_gone".into()), ..ProviderIds::default() };
    let asked = Turn { memory: Memory::new(ids), ..turn("And?") };
    let reply = ask(&agent(KIND, &simulator.base_url, ""), &asked).await;
    assert!(reply.is_finished(), "{reply:?}");
    assert_eq!(asked.memory.learned().conversation.as_deref(), Some("conv_1"));
    let requests = simulator.requests();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_misconfigured_and_the_check_says_so() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let text = format!(
        "[[site]]\nkey = \"site_a\"\norigins = []\nagent = \"a\"\n\n[agent.a]\nprovider = \"chatsby\"\n\
         base_url = \"{}\"\napi_key = {{ env = \"KEY\" }}\nagent_id = \"nobody\"\n",
        simulator.base_url
    );
    let agent = crate::support::agent_from(&text);
    assert_eq!(ask(&agent, &turn("Hi")).await.code(), ErrorCode::Misconfigured);
    assert_eq!(agent.check().await.unwrap_err().code(), ErrorCode::Misconfigured);
}

#[tokio::test]
async fn the_check_tells_a_test_key_and_the_agent_and_asks_for_no_answer() {
    let key = "chtb_test_0123456789";
    let switches = Switches { key: Some(key.to_owned()), ..Switches::default() };
    let simulator = Simulator::start(KIND, switches).await.unwrap();
    let agent = agent_with(KIND, &simulator.base_url, "", key, &limits());
    let facts = agent.check().await.unwrap();
    assert_eq!(facts, ["test key accepted", "agent Simulated is there", "it is active"]);
    let requests = simulator.requests();
    assert_eq!((requests.len(), requests[0].path.as_str()), (1, "/v1/agents/agent_1a2b3c4d5e"));
}

#[tokio::test]
async fn who_comes_while_the_key_rests_is_told_at_once_and_the_provider_is_left_alone() {
    let trouble = Trouble::RateLimited { retry_after_s: Some(50) };
    let simulator = Simulator::start(KIND, Switches::with(trouble).for_requests(1)).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    ask(&agent, &turn("Hi")).await;
    let begun = Instant::now();
    let reply = ask(&agent, &turn("Hi")).await;
    assert_eq!(reply.code(), ErrorCode::RateLimited);
    assert!(reply.error().retry_after_ms.is_some_and(|wait| (45_000..=50_000).contains(&wait)));
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(simulator.requests().len(), 1);
}

#[tokio::test]
async fn who_waits_for_their_turn_sees_it_and_gets_their_reply() {
    let trouble = Trouble::RateLimited { retry_after_s: Some(4) };
    let simulator = Simulator::start(KIND, Switches::with(trouble).for_requests(1)).await.unwrap();
    // The wait is longer than a first byte may take: the first one is told so.
    let agent = agent(KIND, &simulator.base_url, "");
    assert_eq!(ask(&agent, &turn("Hi")).await.code(), ErrorCode::RateLimited);
    let reply = ask(&agent, &turn("Hi")).await;
    assert!(matches!(&reply.0[0], Chunk::Status { phase, .. } if phase == "queued"), "{reply:?}");
    assert!(reply.is_finished(), "{reply:?}");
}
