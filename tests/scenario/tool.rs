use chinwag::engine::effect::Timer;
use chinwag::engine::tool::MAX_TOOL_ROUNDS;
use chinwag::engine::turn::TurnId;
use chinwag::engine::*;
use chinwag_protocol::{ChatRequest, Chunk, FinishReason, Json, Part, Role, ToolDefinition, Trigger};

use crate::stage::Stage;

pub(crate) fn look() -> ClientTool {
    let definition = ToolDefinition {
        name: "look".into(),
        description: "Looks.".into(),
        parameters: Json::parse("{\"type\":\"object\"}").unwrap(),
    };
    ClientTool { definition, title: Some("Looking around".into()) }
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

fn call(stage: &mut Stage, turn: TurnId, seq: u32, id: &str, tool: &str) {
    stage.say(turn, seq, Chunk::ToolInputStart { tool_call_id: id.into(), tool_name: tool.into() });
    let input = json("{\"where\":\"left\"}");
    let whole = Chunk::ToolInputAvailable { tool_call_id: id.into(), tool_name: tool.into(), input };
    stage.say(turn, seq + 1, whole);
}

fn wait_for_tools(stage: &mut Stage, turn: TurnId, seq: u32) {
    stage.say(turn, seq, Chunk::Finish { reason: FinishReason::ToolCalls, metadata: None });
}

/// A turn whose reply has called `look` and waits for it.
fn calling() -> (Stage, TurnId) {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.tell(Event::ToolsChanged { tools: vec![look()] });
    stage.say(turn, 1, Chunk::Start { message_id: Some("a1".into()), metadata: None });
    stage.delta(turn, 2, "Let me see.");
    call(&mut stage, turn, 3, "k1", "look");
    wait_for_tools(&mut stage, turn, 5);
    (stage, turn)
}

fn answer(stage: &mut Stage, turn: TurnId, call: &str, outcome: ToolOutcome) {
    stage.tell(Event::ToolAnswered { turn, call: call.into(), outcome });
}

fn run(stage: &Stage) -> Vec<(String, String)> {
    let pick = |effect: &Effect| match effect {
        Effect::RunTool { call, input, .. } => Some((call.clone(), input.as_str().to_owned())),
        _ => None,
    };
    stage.asked.iter().filter_map(pick).collect()
}

fn last_body(stage: &Stage) -> ChatRequest {
    stage.last(|effect| match effect {
        Effect::OpenStream { body, .. } => Some((**body).clone()),
        _ => None,
    })
}

#[test]
fn what_the_page_can_run_is_told_with_each_message_where_the_agent_calls_tools() {
    let mut stage = Stage::ready();
    stage.tell(Event::ToolsChanged { tools: vec![look()] });
    stage.send("One");
    assert_eq!(last_body(&stage).tools, [look().definition]);
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.finish(turn, 1);
    stage.model.features.tools = false;
    stage.send("Two");
    assert!(last_body(&stage).tools.is_empty());
}

#[test]
fn the_context_of_the_page_goes_along() {
    let mut stage = Stage::ready();
    let context = Some(json("{\"page\":\"/cart\"}"));
    stage.tell(Event::Configured {
        config: Config { site: "site_demo".into(), context: context.clone(), ..Config::default() },
    });
    stage.send("One");
    assert_eq!(last_body(&stage).context, context);
}

#[test]
fn a_tool_runs_when_the_reply_waits_for_it_and_not_before() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.tell(Event::ToolsChanged { tools: vec![look()] });
    call(&mut stage, turn, 1, "k1", "look");
    assert!(run(&stage).is_empty(), "the reply may still fail");
    wait_for_tools(&mut stage, turn, 3);
    assert_eq!(run(&stage), [("k1".into(), "{\"where\":\"left\"}".into())]);
    assert!(stage.model.is_replying());
    let told =
        stage.told(|event| matches!(event, HostEvent::ToolCall { id, .. } if id == "k1").then_some(()));
    assert_eq!(told.len(), 1);
}

#[test]
fn what_it_answered_continues_the_same_reply() {
    let (mut stage, turn) = calling();
    stage.tell(Event::StreamEnded { turn });
    assert_eq!(stage.transcript()[1], "Let me see. (waiting)", "the end of that stream is no break");
    answer(&mut stage, turn, "k1", Ok(json("[7]")));
    assert_eq!(stage.sends(), 2);
    let body = last_body(&stage);
    assert_eq!(body.trigger, Trigger::SubmitMessage);
    assert_eq!(body.tools.len(), 1);
    let last = body.messages.last().unwrap();
    assert_eq!((last.id.as_str(), last.role), ("a1", Role::Assistant));
    let expected = Part::Tool {
        tool_call_id: "k1".into(),
        tool_name: "look".into(),
        state: "output-available".into(),
        input: Some(json("{\"where\":\"left\"}")),
        output: Some(json("[7]")),
        error_text: None,
    };
    assert_eq!(last.parts, [expected]);

    stage.tell(Event::StreamOpened { turn });
    let chunk = Chunk::Start { message_id: Some("a1".into()), metadata: None };
    stage.tell(Event::ChunkArrived { turn, event_id: Some("e2:1".into()), chunk });
    for (seq, chunk) in [
        (2, Chunk::TextStart { id: "t".into() }),
        (3, Chunk::TextDelta { id: "t".into(), delta: "Seven.".into() }),
        (4, Chunk::Finish { reason: FinishReason::Stop, metadata: None }),
    ] {
        stage.tell(Event::ChunkArrived { turn, event_id: Some(format!("e2:{seq}")), chunk });
    }
    assert_eq!(stage.transcript(), ["> Hello", "Let me see.\n\nSeven."]);
    assert_eq!(stage.told(|event| matches!(event, HostEvent::ResponseStart).then_some(())).len(), 1);
    assert_eq!(stage.told(|event| matches!(event, HostEvent::ResponseEnd).then_some(())).len(), 1);
}

#[test]
fn a_tool_that_fails_says_why() {
    let (mut stage, turn) = calling();
    answer(&mut stage, turn, "k1", Err("no light".into()));
    let parts = last_body(&stage).messages.pop().unwrap().parts;
    assert!(matches!(&parts[0], Part::Tool { state, error_text: Some(why), output: None, .. }
        if state == "output-error" && why == "no light"));
    assert_eq!(stage.reply(1).activities[0].succeeded, Some(false));
}

#[test]
fn all_of_several_tools_have_to_answer_before_it_goes_on() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.tell(Event::ToolsChanged { tools: vec![look()] });
    call(&mut stage, turn, 1, "k1", "look");
    call(&mut stage, turn, 3, "k2", "look");
    call(&mut stage, turn, 5, "k3", "unheard_of");
    wait_for_tools(&mut stage, turn, 7);
    assert_eq!(run(&stage).len(), 2);
    answer(&mut stage, turn, "k2", Ok(json("2")));
    answer(&mut stage, turn, "k2", Ok(json("22")));
    assert_eq!(stage.sends(), 1);
    answer(&mut stage, turn, "k1", Ok(json("1")));
    let parts = last_body(&stage).messages.pop().unwrap().parts;
    let said: Vec<_> = parts
        .iter()
        .map(|part| match part {
            Part::Tool { tool_call_id, output, error_text, .. } => {
                (tool_call_id.as_str(), output.as_ref().map(Json::as_str), error_text.is_some())
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(said, [("k1", Some("1"), false), ("k2", Some("2"), false), ("k3", None, true)]);
}

#[test]
fn a_tool_that_takes_too_long_has_failed() {
    let (mut stage, turn) = calling();
    stage.tell(Event::TimerFired { timer: Timer::Tools(turn) });
    assert_eq!(stage.sends(), 2, "the agent is told and goes on");
    assert!(stage.asked.contains(&Effect::AbortTools { turn }));
    answer(&mut stage, turn, "k1", Ok(json("\"late\"")));
    assert_eq!(stage.sends(), 2);
}

#[test]
fn a_turn_that_only_calls_tools_comes_to_an_end() {
    let (mut stage, turn) = calling();
    for round in 1..=MAX_TOOL_ROUNDS {
        assert_eq!(run(&stage).len(), round);
        answer(&mut stage, turn, &format!("k{round}"), Ok(json("1")));
        stage.tell(Event::StreamOpened { turn });
        let id = format!("k{}", round + 1);
        let input = json("{}");
        let chunk = Chunk::ToolInputAvailable { tool_call_id: id, tool_name: "look".into(), input };
        stage.tell(Event::ChunkArrived { turn, event_id: None, chunk });
        let chunk = Chunk::Finish { reason: FinishReason::ToolCalls, metadata: None };
        stage.tell(Event::ChunkArrived { turn, event_id: None, chunk });
    }
    assert_eq!(run(&stage).len(), MAX_TOOL_ROUNDS);
    assert_eq!(stage.transcript()[1], "Let me see. (failed: Other)");
}

#[test]
fn stop_ends_a_turn_whose_tools_are_at_work() {
    let (mut stage, turn) = calling();
    stage.tell(Event::StopPressed);
    assert_eq!(stage.transcript()[1], "Let me see. (stopped)");
    assert!(stage.asked.contains(&Effect::AbortStream { turn }), "which lets go of the tools, too");
    answer(&mut stage, turn, "k1", Ok(json("1")));
    assert_eq!(stage.sends(), 1);
}

#[test]
fn an_answer_that_did_not_get_through_is_sent_again_and_the_tool_is_not_run_again() {
    let (mut stage, turn) = calling();
    answer(&mut stage, turn, "k1", Ok(json("[7]")));
    stage.tell(Event::StreamFailed { turn, error: TransportError::Network });
    assert_eq!(stage.transcript()[1], "Let me see. (failed: Unreachable)");
    stage.tell(Event::RetryPressed { key: stage.key(1) });
    assert_eq!(run(&stage).len(), 1);
    assert_eq!(last_body(&stage).messages[0].role, Role::Assistant);
    let turn = stage.opened_turn();
    stage.tell(Event::StreamOpened { turn });
    stage.tell(Event::ChunkArrived {
        turn,
        event_id: None,
        chunk: Chunk::Finish { reason: FinishReason::Stop, metadata: None },
    });
    assert_eq!(stage.transcript()[1], "Let me see.");
}

#[test]
fn an_answer_that_got_through_is_not_sent_again() {
    let (mut stage, turn) = calling();
    answer(&mut stage, turn, "k1", Ok(json("[7]")));
    stage.tell(Event::StreamOpened { turn });
    stage.tell(Event::StreamEnded { turn });
    stage.tell(Event::TimerFired { timer: Timer::Resume(turn) });
    assert_eq!(stage.sends(), 2, "the reply to it is followed instead");
    assert_eq!(stage.count(|effect| matches!(effect, Effect::ResumeStream { after: None, .. })), 1);
}

#[test]
fn a_reply_that_breaks_off_before_anything_new_came_is_told_from_the_beginning() {
    let (mut stage, turn) = calling();
    answer(&mut stage, turn, "k1", Ok(json("[7]")));
    stage.tell(Event::StreamOpened { turn });
    stage.tell(Event::StreamEnded { turn });
    stage.tell(Event::TimerFired { timer: Timer::Resume(turn) });
    stage.tell(Event::StreamOpened { turn });
    for (seq, text) in [(1, "Let me see."), (2, " Seven.")] {
        let chunk = Chunk::TextDelta { id: "t".into(), delta: text.into() };
        stage.tell(Event::ChunkArrived { turn, event_id: Some(format!("e2:{seq}")), chunk });
    }
    assert_eq!(stage.transcript()[1], "Let me see. Seven. ...", "and nothing shows twice");
}

#[test]
fn tools_that_are_not_the_page_s_are_none_of_its_business() {
    let (mut stage, turn) = Stage::asking("Hello");
    stage.delta(turn, 1, "Let me see.");
    call(&mut stage, turn, 2, "k1", "theirs");
    wait_for_tools(&mut stage, turn, 4);
    assert!(run(&stage).is_empty());
    assert_eq!(stage.transcript()[1], "Let me see.");
}
