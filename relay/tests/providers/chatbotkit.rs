//! `chatbotkit`.

use std::sync::Arc;
use std::time::Duration;

use chinwag_protocol::{Chunk, ErrorCode, Feedback, FinishReason, Json, Part, Role, ToolDefinition};
use chinwag_relay::config::Limits;
use chinwag_relay::upstream::chatbotkit::{self, ChatBotKit};
use chinwag_relay::upstream::decode::Decoder;
use chinwag_relay::upstream::{Memory, ProviderIds, Rating, Turn, Upstream};
use chinwag_simulator::{Kind, Recorded, Simulator, Switches, Trouble};
use futures_util::StreamExt as _;
use serde_json::json;

use crate::contract::{Wire, contract};
use crate::golden;
use crate::support::{again, agent, agent_from, ask, ask_once, follow_up, message, provider_from, turn};

const KIND: Kind = Kind::ChatBotKit;

contract!(KIND, Wire::FRAMED);

#[test]
fn golden_files_hold_and_no_bytes_break_the_decoder() {
    golden::check("chatbotkit", &["jsonl", "sse", "whole"], |wire| match wire {
        "whole" => Decoder::new(chatbotkit::whole(Memory::default())),
        "sse" => Decoder::new(chatbotkit::events(Memory::default())),
        _ => Decoder::new(chatbotkit::lines(Memory::default())),
    });
}

/// An agent's section with these lines in place of the usual ones.
fn config(simulator: &Simulator, more: &str) -> String {
    format!(
        "[[site]]\nkey = \"site_a\"\norigins = []\nagent = \"a\"\n\n[agent.a]\nprovider = \"chatbotkit\"\n\
         base_url = \"{}\"\napi_key = {{ env = \"KEY\" }}\n{more}\n",
        simulator.base_url
    )
}

fn paths(requests: &[Recorded]) -> Vec<&str> {
    requests.iter().map(|request| request.path.as_str()).collect()
}

#[tokio::test]
async fn a_conversation_is_created_once_for_the_visitor_and_then_gone_on_with() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let mut first = turn("Hi");
    first.context = Some(Json::parse("{\"page\":\"/prices\"}").unwrap());
    let reply = ask(&agent, &first).await;
    ask(&agent, &follow_up(&first, &reply, "And?")).await;
    let requests = simulator.requests();
    assert_eq!(
        paths(&requests),
        [
            "/v1/contact/ensure",
            "/v1/conversation/create",
            "/v1/conversation/conversation-1/complete",
            "/v1/conversation/conversation-1/complete",
        ]
    );
    assert_eq!(requests[0].body, json!({ "fingerprint": "visitor-1" }));
    assert_eq!(requests[1].body["botId"], "bot-1");
    assert_eq!(requests[1].body["contactId"], "contact-1");
    let context = &requests[1].body["messages"][0];
    assert_eq!(context["type"], "context");
    assert!(context["text"].as_str().unwrap().contains("{\"page\":\"/prices\"}"));
    assert_eq!(requests[3].body, json!({ "text": "And?" }));
    assert_eq!(requests[3].header("accept"), "application/jsonl");
    assert_eq!(requests[3].header("authorization"), "Bearer simulator-key");
}

#[tokio::test]
async fn a_model_with_a_prompt_takes_the_place_of_a_bot_but_not_both() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent_from(&config(&simulator, "model = \"m\"\nsystem_prompt = \"Be brief.\""));
    assert!(ask(&agent, &turn("Hi")).await.is_finished());
    let created = &simulator.requests()[1].body;
    assert_eq!(*created, json!({ "model": "m", "backstory": "Be brief.", "contactId": "contact-1" }));
    for (more, words) in [
        ("", "the id of the bot"),
        ("agent_id = \"b\"\nmodel = \"m\"", "leave out model"),
        ("agent_id = \"b\"\nsystem_prompt = \"p\"", "leave out model"),
        ("agent_id = \"b\"\ntemperature = 1", "temperature"),
    ] {
        let error = provider_from(&config(&simulator, more)).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("chinwag.toml:"), "{more}: {error}");
    }
}

#[tokio::test]
async fn a_retry_takes_the_old_reply_back_and_asks_nothing_twice() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let asked = turn("Hi");
    ask(&agent, &asked).await;
    let reply = ask(&agent, &again(&asked)).await;
    assert!(reply.text().contains("Question 1"), "{}", reply.text());
    let requests = simulator.requests();
    let [.., delete, complete] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(delete.path, "/v1/conversation/conversation-1/message/msg-3/delete");
    assert_eq!(complete.body, json!({}));
}

#[tokio::test]
async fn a_retry_of_a_reply_that_is_not_there_asks_again() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let asked = turn("Hi");
    ask(&agent, &asked).await;
    let conversation = asked.memory.learned().conversation;
    let ids = ProviderIds { conversation, replaced: Some("msg-random".into()), ..ProviderIds::default() };
    let reply = ask(&agent, &Turn { memory: Memory::new(ids), ..turn("Hi") }).await;
    assert!(reply.is_finished(), "{reply:?}");
    assert_eq!(simulator.requests().last().unwrap().body, json!({ "text": "Hi" }));
}

#[tokio::test]
async fn a_conversation_that_is_gone_is_begun_anew_with_what_was_said() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let first = turn("Hi");
    let reply = ask(&agent, &first).await;
    let ids = ProviderIds { conversation: Some("gone".into()), ..ProviderIds::default() };
    let second = Turn { memory: Memory::new(ids), ..follow_up(&first, &reply, "And?") };
    let reply = ask(&agent, &second).await;
    assert!(reply.text().contains("Question 2"), "{}", reply.text());
    let requests = simulator.requests();
    let created = requests.iter().rfind(|request| request.path.ends_with("/create")).unwrap();
    assert_eq!(created.body["messages"][0], json!({ "type": "user", "text": "Hi" }));
    assert_eq!(created.body["messages"][1]["type"], "bot");
    assert!(second.memory.learned().conversation.is_some_and(|id| id != "gone"));
}

#[tokio::test]
async fn events_and_lines_say_the_same_once() {
    let lines = ask_once(KIND, Switches::default(), "think").await;
    let events = ask_once(KIND, Switches { generation: 1, ..Switches::default() }, "think").await;
    assert_eq!(lines, events);
    assert_eq!(lines.text().matches("Question 1").count(), 1);
    assert!(lines.0.iter().any(|chunk| matches!(chunk, Chunk::ReasoningDelta { .. })), "{lines:?}");
    let Some(Chunk::Finish { metadata: Some(metadata), .. }) = lines.0.last() else { panic!("{lines:?}") };
    assert_eq!(metadata.usage.map(|usage| (usage.input_tokens, usage.output_tokens)), Some((300, 11)));
}

#[tokio::test]
async fn a_bot_that_is_not_there_is_misconfigured_and_the_check_says_so() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent_from(&config(&simulator, "agent_id = \"nobody\""));
    assert_eq!(ask(&agent, &turn("Hi")).await.code(), ErrorCode::Misconfigured);
    assert_eq!(agent.check().await.unwrap_err().code(), ErrorCode::Misconfigured);
}

#[tokio::test]
async fn a_rating_is_a_vote_with_its_reason_and_one_that_cannot_be_taken_back() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let asked = turn("Hi");
    ask(&agent, &asked).await;
    let learned = asked.memory.learned();
    let rating = |value, reason: Option<&str>, reply: &str| Rating {
        conversation: learned.conversation.clone().unwrap(),
        reply: reply.to_owned(),
        value,
        reason: reason.map(str::to_owned),
        request_id: "request-2".to_owned(),
    };
    let reply = learned.reply.clone().unwrap();
    agent.rate(rating(Some(Feedback::Positive), None, &reply)).await.unwrap();
    agent.rate(rating(Some(Feedback::Negative), Some("too long"), &reply)).await.unwrap();
    agent.rate(rating(None, None, &reply)).await.unwrap();
    agent.rate(rating(Some(Feedback::Positive), None, "msg-random")).await.unwrap();
    let requests = simulator.requests();
    let votes: Vec<_> = requests[3..].iter().map(|request| (request.path.as_str(), &request.body)).collect();
    let path = "/v1/conversation/conversation-1/message";
    assert_eq!(
        votes,
        [
            (format!("{path}/msg-3/upvote").as_str(), &json!({})),
            (format!("{path}/msg-3/downvote").as_str(), &json!({ "reason": "too long" })),
            (format!("{path}/msg-random/upvote").as_str(), &json!({})),
        ]
    );
    simulator.switch(Switches::with(Trouble::Status(500)));
    assert!(agent.rate(rating(Some(Feedback::Positive), None, &reply)).await.is_err());
}

fn bot(simulator: &Simulator) -> ChatBotKit {
    let provider = provider_from(&config(simulator, "agent_id = \"bot-1\"")).unwrap();
    let chinwag_relay::config::Provider::ChatBotKit(settings) = provider else { panic!("{provider:?}") };
    ChatBotKit::new("a", &settings, &Limits::default()).unwrap()
}

#[tokio::test]
async fn the_messages_of_a_conversation_come_in_pages_until_one_is_empty() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let bot = Arc::new(bot(&simulator));
    let agent: Arc<dyn Upstream> = bot.clone();
    let mut asked = turn("Hi");
    asked.context = Some(Json::parse("{}").unwrap());
    ask(&agent, &asked).await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = bot.messages("conversation-1", 2, cursor.as_deref()).await.unwrap();
        seen.extend(page.messages.into_iter().map(|message| message.role));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [Role::User, Role::Assistant], "the page's context is not shown");
    let queries: Vec<String> =
        simulator.requests()[3..].iter().map(|request| request.query.clone()).collect();
    assert_eq!(queries[0], "order=asc&take=2");
    assert!(queries[1].starts_with("order=asc&take=2&cursor=msg-"), "{queries:?}");
}

#[tokio::test]
async fn a_direct_agent_asks_under_a_token_of_the_conversation_and_opens_one_per_conversation() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent_from(&config(&simulator, "agent_id = \"bot-1\"\ndirect = true"));
    let first = turn("Hi");
    let reply = ask(&agent, &first).await;
    assert!(reply.is_finished(), "{reply:?}");
    ask(&agent, &follow_up(&first, &reply, "And?")).await;
    let requests = simulator.requests();
    let seen: Vec<(&str, &str)> = requests
        .iter()
        .map(|request| (request.path.rsplit_once('/').unwrap().1, request.header("authorization")))
        .collect();
    let (key, token) = ("Bearer simulator-key", "Bearer session-of-conversation-1");
    assert_eq!(
        seen,
        [("ensure", key), ("create", key), ("create", key), ("complete", token), ("complete", token)]
    );
    assert_eq!(requests[2].path, "/v1/conversation/conversation-1/session/create");
    assert_eq!(requests[2].body, json!({ "durationInSeconds": 3600 }));
}

#[tokio::test]
async fn without_direct_no_token_is_asked_for() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    ask(&agent(KIND, &simulator.base_url, ""), &turn("Hi")).await;
    assert!(simulator.requests().iter().all(|request| !request.path.contains("session")));
    let error = provider_from(&config(&simulator, "agent_id = \"b\"\ndirect = 1")).unwrap_err().to_string();
    assert!(error.contains("direct") && error.contains("true or false"), "{error}");
}

#[tokio::test]
async fn a_call_of_the_page_s_tool_ends_the_reply_and_its_result_takes_the_stream_up_again() {
    for generation in [0, 1] {
        let simulator = Simulator::start(KIND, Switches { generation, ..Switches::default() }).await.unwrap();
        let agent = agent(KIND, &simulator.base_url, "");
        let mut asked = turn("use the tool");
        let parameters = Json::parse("{\"type\":\"object\"}").unwrap();
        asked.tools = vec![ToolDefinition { name: "weather".into(), description: "Now".into(), parameters }];
        let reply = ask(&agent, &asked).await;
        let requests = simulator.requests();
        let function = &requests.last().unwrap().body["functions"][0];
        assert_eq!((&function["name"], &function["description"]), (&json!("weather"), &json!("Now")));
        assert_eq!(function["parameters"], json!({ "type": "object" }));
        let channel = function["result"]["channel"].as_str().unwrap();
        assert!(channel.len() >= 16, "{channel}");
        let input = Json::parse("{\"city\":\"Malm\u{f6}\"}").unwrap();
        let called = Chunk::ToolInputAvailable {
            tool_call_id: channel.to_owned(),
            tool_name: "weather".into(),
            input: input.clone(),
        };
        assert!(reply.0.contains(&called), "{reply:?}");
        let finish = Chunk::Finish { reason: FinishReason::ToolCalls, metadata: None };
        assert_eq!(reply.0.last(), Some(&finish), "{reply:?}");
        assert_eq!(reply.text(), "");

        let continued = with_result(&asked, channel);
        let reply = ask(&agent, &continued).await;
        assert!(reply.is_finished() && reply.text().contains("Question 1"), "{reply:?}");
        assert!(continued.memory.learned().reply.is_some());
        let requests = simulator.requests();
        let published = requests.last().unwrap();
        assert_eq!(published.path, format!("/v1/channel/{channel}/publish"));
        assert_eq!(published.body, json!({ "message": { "data": "rain" } }));

        let again = ask(&agent, &continued).await;
        assert_eq!(again.code(), ErrorCode::Interrupted, "nobody waits any more");
    }
}

/// The turn that brings the result of a call.
fn with_result(asked: &Turn, call: &str) -> Turn {
    let ids = ProviderIds { conversation: asked.memory.learned().conversation, ..ProviderIds::default() };
    let mut continued = Turn { memory: Memory::new(ids), ..asked.clone() };
    continued.history.push(asked.message.clone());
    continued.answers = vec![call.to_owned()];
    continued.message = message(Role::Assistant, "");
    continued.message.parts = vec![Part::Tool {
        tool_call_id: call.to_owned(),
        tool_name: "weather".into(),
        state: "output-available".into(),
        input: None,
        output: Some(Json::parse("\"rain\"").unwrap()),
        error_text: None,
    }];
    continued
}

#[tokio::test]
async fn a_page_with_tools_gets_replies_that_need_none() {
    let simulator = Simulator::start(KIND, Switches::default()).await.unwrap();
    let agent = agent(KIND, &simulator.base_url, "");
    let mut asked = turn("Hi");
    let parameters = Json::parse("{}").unwrap();
    asked.tools = vec![ToolDefinition { name: "weather".into(), description: String::new(), parameters }];
    for (trouble, code) in [
        (None, None),
        (Some(Trouble::NoStream), None),
        (Some(Trouble::Cut), Some(ErrorCode::Interrupted)),
        (Some(Trouble::FallsSilent), Some(ErrorCode::UpstreamTimeout)),
        (Some(Trouble::LateError), Some(ErrorCode::UpstreamError)),
        (Some(Trouble::Status(500)), Some(ErrorCode::UpstreamError)),
    ] {
        simulator.switch(Switches { trouble, ..Switches::default() });
        let reply = ask(&agent, &asked).await;
        match code {
            None => assert!(reply.is_finished(), "{trouble:?}: {reply:?}"),
            Some(code) => assert_eq!(reply.code(), code, "{trouble:?}"),
        }
    }
}

#[tokio::test]
async fn a_stopped_reply_of_a_page_with_tools_leaves_no_connection_open() {
    let simulator = Simulator::start(KIND, Switches::with(Trouble::FallsSilent)).await.unwrap();
    let provider = provider_from(&config(&simulator, "agent_id = \"bot-1\"")).unwrap();
    let agent = chinwag_relay::upstream::build("a", &provider, &Limits::default()).unwrap().upstream;
    let mut asked = turn("Hi");
    let parameters = Json::parse("{}").unwrap();
    asked.tools = vec![ToolDefinition { name: "weather".into(), description: String::new(), parameters }];
    let mut stream = agent.reply(asked);
    let text = |chunk: &Chunk| matches!(chunk, Chunk::TextDelta { .. });
    while !stream.next().await.is_some_and(|chunk| text(&chunk)) {}
    assert!(simulator.open_connections() > 0);
    drop(stream);
    tokio::time::timeout(Duration::from_millis(500), async {
        while simulator.open_connections() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("it is still open");
}
