//! `chatbase-v2`.

use std::path::Path;
use std::time::Duration;

use chinwag_protocol::{Chunk, ConversationState, ErrorCode, Feedback, FinishReason, Json, Part, Role};
use chinwag_relay::config::{Config, Overrides, Provider};
use chinwag_relay::upstream::chatbase_v2::{self, ChatbaseV2};
use chinwag_relay::upstream::decode::Decoder;
use chinwag_relay::upstream::{Memory, ProviderIds, Rating, Turn, Upstream as _};
use chinwag_simulator::{KEY, Kind, Pieces, Recorded, Simulator, Switches, Trouble};
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::time::Instant;

use crate::contract::{Wire, contract};
use crate::golden;
use crate::support::{Reply, again, agent, ask, follow_up, limits, message, turn};

const KIND: Kind = Kind::ChatbaseV2;
const GENERATIONS: u32 = 4;

contract!(KIND, Wire::FRAMED);

#[test]
fn golden_files_hold_and_no_bytes_break_the_decoder() {
    golden::check("chatbase-v2", &["sse", "lines", "whole"], |wire| match wire {
        "whole" => Decoder::new(chatbase_v2::whole(Memory::default())),
        _ => Decoder::new(chatbase_v2::stream(Memory::default())),
    });
}

async fn simulator() -> Simulator {
    Simulator::start(KIND, Switches::default()).await.unwrap()
}

/// The adapter itself, for what the relay does not ask of every provider.
fn adapter(base_url: &str, agent_id: &str) -> ChatbaseV2 {
    let config = parse(&format!("base_url = \"{base_url}\"\nagent_id = \"{agent_id}\"")).unwrap();
    let Provider::ChatbaseV2(settings) = &config.agents["a"].provider else { panic!("{config:?}") };
    ChatbaseV2::new("a", settings, &limits()).unwrap()
}

fn parse(keys: &str) -> Result<Config, String> {
    let text = format!(
        "[[site]]\nkey = \"site_a\"\norigins = []\nagent = \"a\"\n\n[agent.a]\nprovider = \"chatbase-v2\"\n\
         api_key = {{ env = \"KEY\" }}\n{keys}\n"
    );
    let environment = |name: &str| (name == "KEY").then(|| KEY.to_owned());
    Config::parse(Path::new("chinwag.toml"), &text, &environment, &Overrides::default())
        .map_err(|error| error.to_string())
}

fn chats(simulator: &Simulator) -> Vec<Recorded> {
    simulator.requests().into_iter().filter(|request| request.path.ends_with("/chat")).collect()
}

fn conversation(turn: &Turn) -> String {
    turn.memory.learned().conversation.expect("the conversation's id is learned")
}

fn states(reply: &Reply) -> Vec<ConversationState> {
    let state = |chunk: &Chunk| match chunk {
        Chunk::MessageMetadata { metadata } => metadata.state,
        _ => None,
    };
    reply.0.iter().filter_map(state).collect()
}

#[tokio::test]
async fn every_generation_of_the_stream_says_the_same_and_tells_its_ids() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    let mut texts = Vec::new();
    for generation in 0..GENERATIONS {
        for pieces in [Pieces::Events, Pieces::Bytes(1)] {
            simulator.switch(Switches { generation, pieces, ..Switches::default() });
            let turn = turn("Do you ship to Malm\u{f6}?");
            let reply = ask(&agent, &turn).await;
            assert!(reply.is_finished(), "{generation}: {reply:?}");
            let learned = turn.memory.learned();
            assert!(learned.conversation.is_some(), "{generation}");
            assert_eq!(learned.reply.as_deref(), Some("msg_a2"), "{generation}");
            assert!(states(&reply).is_empty());
            texts.push(reply.text());
        }
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn every_generation_tells_its_errors_and_tool_calls() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    for generation in 0..GENERATIONS {
        let trouble = Some(Trouble::LateError);
        simulator.switch(Switches { generation, trouble, ..Switches::default() });
        let failed = ask(&agent, &turn("Hi")).await;
        assert_eq!(failed.code(), ErrorCode::UpstreamError, "{generation}");
        assert!(!failed.text().is_empty(), "{generation}");
        simulator.switch(Switches { generation, ..Switches::default() });
        let called = ask(&agent, &turn("use the tool")).await;
        let end = called.0.last();
        assert!(matches!(end, Some(Chunk::Finish { reason: FinishReason::ToolCalls, .. })), "{called:?}");
    }
}

#[tokio::test]
async fn only_the_question_is_sent_and_the_visitor_is_named_once() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("Do you ship to Malta?");
    let reply = ask(&agent, &first).await;
    ask(&agent, &follow_up(&first, &reply, "And to Gozo?")).await;
    let chats = chats(&simulator);
    assert_eq!(chats[0].path, "/api/v2/agents/kq1_example/chat");
    assert_eq!(chats[0].header("authorization"), "Bearer simulator-key");
    let expected = json!({ "message": "Do you ship to Malta?", "stream": true, "userId": "visitor-1" });
    assert_eq!(chats[0].body, expected);
    let expected =
        json!({ "message": "And to Gozo?", "stream": true, "conversationId": conversation(&first) });
    assert_eq!(chats[1].body, expected);
}

#[tokio::test]
async fn a_visitor_whose_name_is_not_taken_is_not_named() {
    let simulator = simulator().await;
    let asked = Turn { visitor: "auth0|anna@example.com".to_owned(), ..turn("Hi") };
    let reply = ask(&agent(KIND, &simulator.base_url, ""), &asked).await;
    assert!(reply.is_finished(), "{reply:?}");
    assert_eq!(chats(&simulator)[0].body.get("userId"), None);
}

#[tokio::test]
async fn a_retry_replaces_the_reply_at_the_provider() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("Hi");
    let reply = ask(&agent, &first).await;
    let retried = ask(&agent, &again(&first)).await;
    assert_eq!(retried.text(), reply.text());
    let sent = simulator.requests();
    let path = format!("/api/v2/agents/kq1_example/conversations/{}/retry", conversation(&first));
    assert_eq!(
        (sent[1].path.as_str(), &sent[1].body),
        (path.as_str(), &json!({ "messageId": "msg_a2", "stream": true }))
    );
    let kept = adapter(&simulator.base_url, "kq1_example");
    let messages = kept.messages(&conversation(&first), None, 20, "r").await.unwrap();
    assert_eq!(messages.data.len(), 2, "one question, one reply: {messages:?}");
}

#[tokio::test]
async fn a_retry_of_a_reply_that_is_not_known_asks_again() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("Hi");
    ask(&agent, &first).await;
    let replaced = Some("msg_gone".to_owned());
    let ids = ProviderIds { conversation: Some(conversation(&first)), replaced, ..ProviderIds::default() };
    let retried = ask(&agent, &Turn { memory: Memory::new(ids), ..first.clone() }).await;
    assert!(retried.is_finished() && retried.text().contains("Question 2"), "{retried:?}");
}

#[tokio::test]
async fn a_conversation_that_is_gone_or_of_another_agent_is_begun_anew() {
    let simulator = simulator().await;
    let other = turn("Hi");
    let stream = adapter(&simulator.base_url, "another").reply(other.clone());
    assert!(Reply::read(stream).await.is_finished());
    for known in ["gone".to_owned(), conversation(&other)] {
        let ids = ProviderIds { conversation: Some(known.clone()), ..ProviderIds::default() };
        let asked = Turn { memory: Memory::new(ids), ..turn("Hi again") };
        let reply = ask(&agent(KIND, &simulator.base_url, ""), &asked).await;
        assert!(reply.is_finished() && reply.text().contains("Question 1"), "{reply:?}");
        assert_ne!(conversation(&asked), known);
    }
}

#[tokio::test]
async fn a_silent_conversation_is_a_state_not_an_error() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    for (question, state) in [
        ("Please pause", ConversationState::Paused),
        ("Let me speak to a person", ConversationState::TakenOver),
    ] {
        let first = turn(question);
        let reply = ask(&agent, &first).await;
        assert!(reply.is_finished() && reply.text().is_empty(), "{reply:?}");
        assert_eq!(states(&reply), [state]);
        let second = ask(&agent, &follow_up(&first, &reply, "Hello?")).await;
        assert_eq!((second.is_finished(), states(&second)), (true, vec![state]));
    }
}

#[tokio::test]
async fn an_ended_conversation_says_so_and_takes_nothing_more() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("goodbye");
    let reply = ask(&agent, &first).await;
    assert!(reply.is_finished(), "{reply:?}");
    let second = ask(&agent, &follow_up(&first, &reply, "One more thing")).await;
    assert_eq!(second.code(), ErrorCode::ConversationClosed);
    assert_eq!(states(&second), [ConversationState::Ended]);
}

/// A turn that brings what the page's tool answered.
fn continued(before: &Turn, reply: &Reply, output: Option<Json>, error_text: Option<String>) -> Turn {
    let mut next = follow_up(before, reply, "");
    next.history.pop();
    next.answers = vec!["call_1".to_owned()];
    next.message = message(Role::Assistant, "");
    next.message.parts = vec![Part::Tool {
        tool_call_id: "call_1".into(),
        tool_name: "weather".into(),
        state: "output-available".into(),
        input: None,
        output,
        error_text,
    }];
    next
}

#[tokio::test]
async fn a_tools_result_is_brought_until_its_call_is_known_and_the_agent_goes_on() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("use the tool");
    let called = ask(&agent, &first).await;
    let call = Chunk::ToolInputAvailable {
        tool_call_id: "call_1".into(),
        tool_name: "weather".into(),
        input: Json::parse("{\"city\":\"Malm\u{f6}\"}").unwrap(),
    };
    assert!(called.0.contains(&call), "{called:?}");
    let output = Some(Json::parse("{\"sky\":\"rain\"}").unwrap());
    let reply = ask(&agent, &continued(&first, &called, output, None)).await;
    assert!(reply.is_finished() && reply.text().contains("use the tool"), "{reply:?}");
    let sent = simulator.requests();
    assert_eq!(sent.len(), 4, "the first try came too early");
    assert!(sent[2].path.ends_with("/tool-result"));
    assert_eq!(sent[2].body, json!({ "toolCallId": "call_1", "output": { "sky": "rain" } }));
    assert_eq!(sent[3].body, json!({ "conversationId": conversation(&first), "stream": true }));
}

#[tokio::test]
async fn a_tool_that_failed_is_told_as_the_provider_expects_it() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("use the tool");
    let called = ask(&agent, &first).await;
    let reply = ask(&agent, &continued(&first, &called, None, Some("no network".to_owned()))).await;
    assert!(reply.is_finished(), "{reply:?}");
    let output = &simulator.requests()[1].body["output"];
    assert_eq!(*output, json!({ "status": "error", "error": "no network" }));
}

#[tokio::test]
async fn a_result_that_nobody_waits_for_ends_in_one_error() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("Hi");
    let reply = ask(&agent, &first).await;
    let refused = ask(&agent, &continued(&first, &reply, Json::parse("1").ok(), None)).await;
    assert_eq!(refused.code(), ErrorCode::NotFound);
    assert_eq!(simulator.requests().len(), 5, "four tries and no more");
}

#[tokio::test]
async fn a_result_without_its_conversation_is_not_sent_as_a_question() {
    let simulator = simulator().await;
    let lost = continued(&turn("use the tool"), &Reply(Vec::new()), Json::parse("1").ok(), None);
    let refused = ask(&agent(KIND, &simulator.base_url, ""), &lost).await;
    assert_eq!(refused.code(), ErrorCode::NotFound);
    assert!(chats(&simulator).is_empty());
}

#[tokio::test]
async fn a_rating_is_set_and_cleared_at_the_provider() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("Hi");
    ask(&agent, &first).await;
    let kept = adapter(&simulator.base_url, "kq1_example");
    for value in [Some(Feedback::Positive), Some(Feedback::Negative), None] {
        let rating = Rating {
            conversation: conversation(&first),
            reply: first.memory.learned().reply.unwrap(),
            value,
            reason: Some("a reason has no place over there".to_owned()),
            request_id: "r".to_owned(),
        };
        agent.rate(rating).await.unwrap();
        let messages = kept.messages(&conversation(&first), None, 20, "r").await.unwrap();
        assert_eq!(messages.data[1].metadata.as_ref().unwrap().feedback, value);
    }
}

#[tokio::test]
async fn a_conversation_whose_first_reply_was_stopped_is_found_again() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    ask(&agent, &turn("Something else")).await;
    simulator.switch(Switches { trouble: Some(Trouble::FallsSilent), ..Switches::default() });
    let stopped = turn("Hi");
    let mut stream = agent.reply(stopped.clone());
    while !matches!(stream.next().await, Some(Chunk::TextDelta { .. })) {}
    drop(stream);
    assert_eq!(stopped.memory.learned().conversation, None, "its id comes at the end");
    simulator.switch(Switches::default());
    ask(&agent, &turn("Another one")).await;
    let next = follow_up(&stopped, &Reply(Vec::new()), "Go on");
    let reply = ask(&agent, &next).await;
    assert!(reply.text().contains("Question 2"), "{}", reply.text());
    assert!(next.memory.learned().conversation.is_some());
}

#[tokio::test]
async fn a_limit_is_waited_for_though_only_its_reset_is_told() {
    let simulator = simulator().await;
    simulator.switch(Switches::with(Trouble::RateLimited { retry_after_s: None }).for_requests(1));
    let began = Instant::now();
    let reply = ask(&agent(KIND, &simulator.base_url, ""), &turn("Hi")).await;
    assert!(reply.is_finished(), "{reply:?}");
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_the_operators_to_mend() {
    let simulator = simulator().await;
    let nobody = adapter(&simulator.base_url, "nobody");
    assert_eq!(Reply::read(nobody.reply(turn("Hi"))).await.code(), ErrorCode::Misconfigured);
    let failure = nobody.check().await.unwrap_err();
    assert_eq!(failure.code(), ErrorCode::Misconfigured);
    assert!(failure.detail().unwrap().contains("AGENT_NOT_FOUND"), "{failure:?}");
}

#[tokio::test]
async fn the_check_asks_for_health_and_for_something_that_needs_the_key() {
    let simulator = simulator().await;
    let facts = adapter(&simulator.base_url, "kq1_example").check().await.unwrap();
    assert_eq!(facts, ["service is up", "key and plan accepted", "agent is there"]);
    let paths: Vec<String> = simulator.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/api/v2/health", "/api/v2/agents/kq1_example/conversations"]);
}

#[tokio::test]
async fn conversations_and_messages_are_listed_page_by_page() {
    let simulator = simulator().await;
    let agent = adapter(&simulator.base_url, "kq1_example");
    let mut last = None;
    for visitor in ["anna", "ben", "anna", "anna"] {
        let turn = Turn { visitor: visitor.to_owned(), ..turn("Hi") };
        Reply::read(agent.reply(turn.clone())).await;
        last = Some(turn);
    }
    let first = agent.conversations("anna", None, 2, "r").await.unwrap();
    assert_eq!((first.data.len(), first.data[0].state), (2, ConversationState::Ongoing));
    let rest = agent.conversations("anna", first.cursor.as_deref(), 2, "r").await.unwrap();
    assert_eq!((rest.data.len(), rest.cursor), (1, None), "Ben's is not hers");
    let id = conversation(&last.unwrap());
    assert_eq!(first.data[0].id, id, "the newest is the first");
    let newest = agent.messages(&id, None, 1, "r").await.unwrap();
    assert_eq!(newest.data[0].role, Role::Assistant);
    let older = agent.messages(&id, newest.cursor.as_deref(), 1, "r").await.unwrap();
    assert_eq!((older.data[0].text().as_str(), older.cursor), ("Hi", None));
}

#[test]
fn a_config_that_lacks_the_agent_or_has_keys_that_do_nothing_is_refused() {
    let missing = parse("").unwrap_err();
    assert!(missing.contains("agent_id") && missing.contains("chinwag.toml"), "{missing}");
    for key in ["model = \"m\"", "system_prompt = \"p\"", "temperature = 0", "max_tokens = 5"] {
        let refused = parse(&format!("agent_id = \"a\"\n{key}")).unwrap_err();
        assert!(refused.contains(key.split(' ').next().unwrap()), "{refused}");
    }
    let config = parse("agent_id = \"a\"").unwrap();
    let Provider::ChatbaseV2(settings) = &config.agents["a"].provider else { panic!("{config:?}") };
    assert_eq!(settings.base_url.as_str(), "https://www.chatbase.co/api/v2");
}
