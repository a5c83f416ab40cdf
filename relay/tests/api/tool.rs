//! Results of the page's tools: the reply that called goes on with them.

use chinwag_protocol::{
    Chunk, ErrorCode, FinishReason, Json, MessageMetadata, MessageStatus, Part, SiteKey, Usage,
};
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Followed, Reply, Visitor, World, config, question, text_of};

/// Calls a tool of the page, and ends the reply there.
fn call(reply: &Reply, id: &str) {
    reply.send(Chunk::ToolInputAvailable {
        tool_call_id: id.into(),
        tool_name: "weather".into(),
        input: Json::parse("{}").unwrap(),
    });
}

fn wait(reply: &Reply) {
    let usage = Usage { input_tokens: 10, output_tokens: 1 };
    let metadata = MessageMetadata { usage: Some(usage), ..MessageMetadata::default() };
    reply.send(Chunk::Finish { reason: FinishReason::ToolCalls, metadata: Some(metadata) });
}

/// The request that brings results; an error where the output is `null`.
fn results(id: &str, answers: &[(&str, Value)]) -> Value {
    let parts: Vec<Value> = answers
        .iter()
        .map(|(call, output)| match output {
            Value::Null => json!({"type": "tool-weather", "toolCallId": call, "state": "output-error",
                "input": {}, "errorText": "no network"}),
            output => json!({"type": "tool-weather", "toolCallId": call, "state": "output-available",
                "input": {}, "output": output}),
        })
        .collect();
    json!({"id": "c1", "trigger": "submit-message", "messages": [
        {"id": "m1", "role": "user", "parts": [{"type": "text", "text": "How is the weather?"}]},
        {"id": id, "role": "assistant", "parts": parts},
    ]})
}

/// A question whose reply calls those tools; gives the reply's id.
async fn asked(world: &World, anna: &Visitor<'_>, calls: &[&str]) -> String {
    let mut stream = anna.ask("c1", "m1", "How is the weather?").await;
    let reply = world.reply().await;
    reply.say("One moment.");
    for id in calls {
        call(&reply, id);
    }
    wait(&reply);
    stream.rest().await;
    anna.messages("c1").await[1].id.clone()
}

async fn finish(world: &World, stream: &mut Followed, text: &str) -> Vec<(String, Chunk)> {
    let reply = world.reply().await;
    reply.say(text);
    wait(&reply);
    stream.rest().await
}

#[tokio::test]
async fn a_reply_goes_on_with_what_the_page_s_tool_answered() {
    let world = World::with_tools().await;
    let anna = world.visitor().await;
    let id = asked(&world, &anna, &["call-1"]).await;
    let mut stream = anna.chat(&results(&id, &[("call-1", json!({"sky": "rain"}))])).await;
    let reply = world.reply().await;
    assert_eq!(reply.turn.answers, ["call-1"]);
    assert_eq!(reply.turn.history.last().unwrap().text(), "How is the weather?");
    assert_eq!(reply.turn.message.text(), "One moment.");
    let Part::Tool { output, state, .. } = &reply.turn.message.parts[1] else { panic!("{:?}", reply.turn) };
    assert_eq!(
        (output.as_ref().unwrap().as_str(), state.as_str()),
        ("{\"sky\":\"rain\"}", "output-available")
    );
    reply.say("It rains.");
    wait(&reply);
    let new = stream.rest().await;
    assert!(matches!(&new[0].1, Chunk::Start { message_id: Some(same), .. } if *same == id), "{new:?}");
    assert_eq!(new[1].1, Chunk::StartStep, "by which clients know that the calls before it are answered");
    assert_eq!(text_of(&new), "It rains.", "and not what was said before");

    let messages = anna.messages("c1").await;
    assert_eq!((messages.len(), messages[1].parts.len()), (2, 3), "{messages:?}");
    assert_eq!(messages[1].text(), "One moment.\n\nIt rains.");
    let metadata = messages[1].metadata.as_ref().unwrap();
    assert_eq!(metadata.status, Some(MessageStatus::Done));
    assert_eq!(metadata.usage.unwrap().input_tokens, 20, "both rounds were paid for");
    let spent = world.app.store().spent_today(&SiteKey::parse("site_shop").unwrap()).await.unwrap();
    assert_eq!((spent.messages, spent.tokens), (2, 22), "and each is counted once");

    let mut next = anna.ask("c1", "m2", "And tomorrow?").await;
    let reply = world.reply().await;
    assert_eq!((reply.turn.history.len(), reply.turn.answers.len()), (2, 0));
    reply.finish();
    next.rest().await;
}

#[tokio::test]
async fn the_same_results_sent_again_follow_the_same_reply_and_others_are_refused() {
    let world = World::with_tools().await;
    let anna = world.visitor().await;
    let id = asked(&world, &anna, &["call-1"]).await;
    let sent = results(&id, &[("call-1", json!(1))]);
    let mut first = anna.chat(&sent).await;
    let reply = world.reply().await;
    let mut second = anna.chat(&sent).await;
    reply.say("It rains.");
    let other = results(&id, &[("call-1", json!(2))]);
    anna.refused(&other).await.is_error(409, "conflict");
    wait(&reply);
    let (first, second) = (first.rest().await, second.rest().await);
    assert_eq!(first, second);

    let third = anna.chat(&sent).await.rest().await;
    assert_eq!(text_of(&third), "It rains.");
    assert_eq!(third[1].1, Chunk::StartStep);
    anna.refused(&other).await.is_error(409, "conflict");
    assert!(!world.has_asked().await, "nobody was asked twice");
}

#[tokio::test]
async fn whoever_comes_without_the_beginning_gets_all_of_a_reply_that_goes_on() {
    let world = World::with_tools().await;
    let anna = world.visitor().await;
    let id = asked(&world, &anna, &["call-1"]).await;
    let mut stream = anna.chat(&results(&id, &[("call-1", json!(1))])).await;
    let reply = world.reply().await;
    reply.say("It rains.");
    stream.until("It rains.").await;
    let mut resumed = Followed::of(anna.resume("c1", None).await).await;
    let mut again = anna.ask("c1", "m1", "How is the weather?").await;
    wait(&reply);
    for chunks in [resumed.rest().await, again.rest().await] {
        assert_eq!(text_of(&chunks), "One moment.It rains.");
        assert!(chunks.iter().any(|(_, chunk)| matches!(chunk, Chunk::ToolOutputAvailable { .. })));
    }
}

#[tokio::test]
async fn a_round_that_failed_is_made_again_from_where_it_began() {
    let world = World::with_tools().await;
    let anna = world.visitor().await;
    let id = asked(&world, &anna, &["call-1"]).await;
    let sent = results(&id, &[("call-1", Value::Null)]);
    let mut stream = anna.chat(&sent).await;
    let reply = world.reply().await;
    assert!(
        matches!(&reply.turn.message.parts[1], Part::Tool { error_text: Some(text), .. } if text == "no network")
    );
    reply.say("It ra");
    reply.send(Chunk::error(ErrorCode::UpstreamError, "gone"));
    stream.rest().await;
    let mut stream = anna.chat(&sent).await;
    let new = finish(&world, &mut stream, "It rains.").await;
    assert_eq!(text_of(&new), "It rains.");
    assert_eq!(anna.messages("c1").await[1].text(), "One moment.\n\nIt rains.");
}

#[tokio::test]
async fn a_reply_may_call_again_and_is_cut_off_after_ten_rounds() {
    let world = World::with_tools().await;
    let anna = world.visitor().await;
    let id = asked(&world, &anna, &["call-0"]).await;
    let mut answers = vec![("call-0".to_owned(), json!(0))];
    for round in 1..=10 {
        let sent: Vec<_> = answers.iter().map(|(call, output)| (call.as_str(), output.clone())).collect();
        let mut stream = anna.chat(&results(&id, &sent)).await;
        let reply = world.reply().await;
        assert_eq!(reply.turn.answers.len(), 1, "earlier rounds are over");
        let next = format!("call-{round}");
        call(&reply, &next);
        wait(&reply);
        stream.rest().await;
        answers.push((next, json!(round)));
    }
    let sent: Vec<_> = answers.iter().map(|(call, output)| (call.as_str(), output.clone())).collect();
    let error = anna.refused(&results(&id, &sent)).await.is_error(409, "conflict");
    assert!(error["message"].as_str().unwrap().contains("10 rounds"), "{error}");
    assert_eq!(error["param"], "messages[1].parts");
    assert!(!world.has_asked().await);
}

#[tokio::test]
async fn results_that_nothing_waits_for_are_refused_by_name() {
    let world = World::with_tools().await;
    let anna = world.visitor().await;
    let lone = results("r", &[("call-1", json!(1))]);
    anna.refused(&lone).await.is_error(404, "not_found");
    let id = asked(&world, &anna, &["call-1", "call-2"]).await;
    anna.refused(&results(&id, &[("call-9", json!(1))])).await.is_error(409, "conflict");
    let error = anna.refused(&results(&id, &[("call-1", json!(1))])).await.is_error(400, "invalid_request");
    assert!(error["message"].as_str().unwrap().contains("call-2"), "{error}");
    let long = json!("x".repeat(64 * 1024));
    let large = results(&id, &[("call-1", json!(1)), ("call-2", long)]);
    assert!(
        anna.refused(&large).await.is_error(413, "too_large")["message"].as_str().unwrap().contains("call-2")
    );
    let mut empty = question("c1", "m1", "");
    empty["messages"][0] = json!({"id": id, "role": "assistant", "parts": [{"type": "text", "text": "Hi"}]});
    assert_eq!(anna.refused(&empty).await.is_error(400, "invalid_request")["param"], "messages[0].role");
    let stranger = world.visitor().await;
    let both = results(&id, &[("call-1", json!(1)), ("call-2", json!(2))]);
    stranger.refused(&both).await.is_error(404, "not_found");
    assert!(!world.has_asked().await);
    let mut stream = anna.chat(&both).await;
    finish(&world, &mut stream, "It rains.").await;
}

#[tokio::test]
async fn a_question_asked_anew_leaves_the_rounds_behind() {
    let world = World::with_tools().await;
    let anna = world.visitor().await;
    let id = asked(&world, &anna, &["call-1"]).await;
    let sent = results(&id, &[("call-1", json!(1))]);
    let mut stream = anna.chat(&sent).await;
    finish(&world, &mut stream, "It rains.").await;
    let mut again = question("c1", "m1", "How is the weather?");
    again["trigger"] = json!("regenerate-message");
    let mut stream = anna.chat(&again).await;
    finish(&world, &mut stream, "No idea.").await;
    assert_eq!(anna.messages("c1").await[1].text(), "No idea.");
    anna.refused(&sent).await.is_error(409, "conflict");
}

#[tokio::test]
async fn results_are_known_again_after_the_relay_has_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let first = World::of_with_tools(config(folder.path(), |_| {})).await;
    let token = first.exchange(None).await;
    let anna = Visitor::with(&first, &token.token);
    let id = asked(&first, &anna, &["call-1"]).await;
    let sent = results(&id, &[("call-1", json!(1))]);
    let mut stream = anna.chat(&sent).await;
    finish(&first, &mut stream, "It rains.").await;
    first.app.store().close().await;

    let second = World::of_with_tools(config(folder.path(), |_| {})).await;
    let anna = Visitor::with(&second, &token.token);
    let again = anna.chat(&sent).await.rest().await;
    assert_eq!(text_of(&again), "It rains.");
    anna.refused(&results(&id, &[("call-1", json!(2))])).await.is_error(409, "conflict");
    assert_eq!(anna.get("/v1/conversations").await.status, StatusCode::OK);
}
