//! `chatbase-v1`.

use std::path::Path;

use chinwag_protocol::{ErrorCode, Role};
use chinwag_relay::config::{Config, Overrides, Provider};
use chinwag_relay::upstream::chatbase_v1::{self, ChatbaseV1};
use chinwag_relay::upstream::decode::Decoder;
use chinwag_relay::upstream::{Turn, Upstream as _};
use chinwag_simulator::{KEY, Kind, Pieces, Simulator, Switches, Trouble};
use serde_json::json;

use crate::contract::{Wire, contract};
use crate::golden;
use crate::support::{Reply, agent, ask, ask_once, follow_up, limits, message, turn};

const KIND: Kind = Kind::ChatbaseV1;

contract!(
    KIND,
    Wire { has_late_errors: false, has_end: false, has_format: false, tells_budget: false, ..Wire::FRAMED }
);

#[test]
fn golden_files_hold_and_no_bytes_break_the_decoder() {
    golden::check("chatbase-v1", &["text", "sse", "whole"], |wire| match wire {
        "text" => Decoder::new(chatbase_v1::text()),
        "whole" => Decoder::new(chatbase_v1::whole()),
        _ => Decoder::new(chatbase_v1::stream()),
    });
}

fn adapter(base_url: &str, keys: &str) -> ChatbaseV1 {
    let config = parse(&format!("base_url = \"{base_url}\"\n{keys}")).unwrap();
    let Provider::ChatbaseV1(settings) = &config.agents["a"].provider else { panic!("{config:?}") };
    ChatbaseV1::new("a", settings, &limits()).unwrap()
}

fn parse(keys: &str) -> Result<Config, String> {
    let text = format!(
        "[[site]]\nkey = \"site_a\"\norigins = []\nagent = \"a\"\n\n[agent.a]\nprovider = \"chatbase-v1\"\n\
         api_key = {{ env = \"KEY\" }}\n{keys}\n"
    );
    let environment = |name: &str| (name == "KEY").then(|| KEY.to_owned());
    Config::parse(Path::new("chinwag.toml"), &text, &environment, &Overrides::default())
        .map_err(|error| error.to_string())
}

async fn simulator() -> Simulator {
    Simulator::start(KIND, Switches::default()).await.unwrap()
}

fn conversation(turn: &Turn) -> String {
    turn.memory.learned().conversation.expect("an id is minted")
}

#[tokio::test]
async fn the_request_carries_the_transcript_and_what_the_operator_set() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "model = \"gpt-4o\"\ntemperature = 0.5");
    let first = turn("Opening hours?");
    let reply = ask(&agent, &first).await;
    let mut second = follow_up(&first, &reply, "And on Monday?");
    second.history.push(message(Role::Assistant, "  "));
    ask(&agent, &second).await;
    let sent = &simulator.requests()[1];
    assert_eq!((sent.path.as_str(), sent.header("authorization")), ("/api/v1/chat", "Bearer simulator-key"));
    let expected = json!({
        "chatbotId": "kq1_example",
        "messages": [
            { "role": "user", "content": "Opening hours?" },
            { "role": "assistant", "content": reply.text() },
            { "role": "user", "content": "And on Monday?" },
        ],
        "conversationId": conversation(&first),
        "contactId": "visitor-1",
        "model": "gpt-4o",
        "temperature": 0.5,
        "stream": true,
    });
    assert_eq!(sent.body, expected);
}

#[tokio::test]
async fn two_visitors_with_the_same_id_of_a_conversation_do_not_share_it() {
    let simulator = simulator().await;
    let agent = agent(KIND, &simulator.base_url, "");
    let (anna, ben) = (turn("I am Anna"), turn("I am Ben"));
    assert_eq!(anna.conversation, ben.conversation);
    ask(&agent, &anna).await;
    ask(&agent, &ben).await;
    let sent: Vec<String> =
        simulator.requests().iter().map(|request| request.body["conversationId"].to_string()).collect();
    assert_ne!(sent[0], sent[1]);
    assert_eq!(sent[0].len(), 38, "a UUID in quotes: {}", sent[0]);
}

#[tokio::test]
async fn an_id_is_kept_though_the_reply_fails() {
    let simulator = Simulator::start(KIND, Switches::with(Trouble::Cut)).await.unwrap();
    let asked = turn("Hi");
    let reply = ask(&agent(KIND, &simulator.base_url, ""), &asked).await;
    assert_eq!(reply.code(), ErrorCode::Interrupted);
    assert!(!conversation(&asked).is_empty());
}

#[tokio::test]
async fn server_sent_events_are_read_where_the_media_type_says_so() {
    let plain = ask_once(KIND, Switches::default(), "Hi").await;
    for pieces in [Pieces::Events, Pieces::Bytes(1)] {
        let switches = Switches { generation: 1, pieces, ..Switches::default() };
        let framed = ask_once(KIND, switches, "Hi").await;
        assert!(framed.is_finished(), "{framed:?}");
        assert_eq!(framed.text(), plain.text());
    }
    let cut = Switches { generation: 1, ..Switches::with(Trouble::Truncated) };
    assert_eq!(ask_once(KIND, cut, "Hi").await.code(), ErrorCode::Interrupted, "these have an end");
}

#[tokio::test]
async fn a_chatbot_that_knows_no_contacts_is_asked_without_from_then_on() {
    let simulator = simulator().await;
    let agent = adapter(&simulator.base_url, "agent_id = \"no-contacts\"");
    for _ in 0..2 {
        let reply = Reply::read(agent.reply(turn("Hi"))).await;
        assert!(reply.is_finished(), "{reply:?}");
    }
    let named: Vec<bool> =
        simulator.requests().iter().map(|request| request.body["contactId"].is_string()).collect();
    assert_eq!(named, [true, false, false]);
}

#[tokio::test]
async fn the_chatbots_id_goes_under_its_older_name_if_the_config_says_so() {
    let simulator = simulator().await;
    let keys = "agent_id = \"old-name\"\nagent_id_key = \"chatId\"";
    let reply = Reply::read(adapter(&simulator.base_url, keys).reply(turn("Hi"))).await;
    assert!(reply.is_finished(), "{reply:?}");
    assert_eq!(simulator.requests()[0].body["chatId"], "old-name");
    let newer = adapter(&simulator.base_url, "agent_id = \"old-name\"").reply(turn("Hi"));
    assert_eq!(Reply::read(newer).await.code(), ErrorCode::Misconfigured);
}

#[tokio::test]
async fn a_chatbot_that_is_not_there_is_the_operators_to_mend() {
    let simulator = simulator().await;
    let nobody = adapter(&simulator.base_url, "agent_id = \"nobody\"");
    assert_eq!(Reply::read(nobody.reply(turn("Hi"))).await.code(), ErrorCode::Misconfigured);
    let failure = nobody.check().await.unwrap_err();
    assert_eq!(failure.code(), ErrorCode::Misconfigured);
    assert!(failure.detail().unwrap().contains("Chatbot not found"), "{failure:?}");
}

#[tokio::test]
async fn the_operator_can_list_what_was_said() {
    let simulator = simulator().await;
    let agent = adapter(&simulator.base_url, "agent_id = \"kq1_example\"");
    let asked = turn("Hi");
    let reply = Reply::read(agent.reply(asked.clone())).await;
    let listed = agent.conversations(1, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].id.as_str()), (1, conversation(&asked).as_str()));
    assert_eq!(listed[0].messages[1].content, reply.text());
    assert!(agent.conversations(2, 10).await.unwrap().is_empty());
}

#[test]
fn a_config_with_values_out_of_range_names_line_and_key() {
    for (keys, culprit) in [
        ("", "agent_id"),
        ("agent_id = \"a\"\ntemperature = 1.5", "temperature"),
        ("agent_id = \"a\"\nagent_id_key = \"bot\"", "chatId"),
        ("agent_id = \"a\"\nsystem_prompt = \"p\"", "system_prompt"),
    ] {
        let refused = parse(keys).unwrap_err();
        assert!(refused.contains(culprit) && refused.contains("chinwag.toml"), "{refused}");
    }
    let config = parse("agent_id = \"a\"\ntemperature = 1").unwrap();
    let Provider::ChatbaseV1(settings) = &config.agents["a"].provider else { panic!("{config:?}") };
    assert_eq!(settings.hosted.base_url.as_str(), "https://www.chatbase.co/api/v1");
    assert_eq!(settings.hosted.temperature, Some(1.0));
}
