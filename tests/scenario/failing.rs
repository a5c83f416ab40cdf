use chinwag::engine::turn::TurnId;
use chinwag::engine::*;
use chinwag_protocol::{Chunk, ErrorCode, FinishReason, Json};
use proptest::prelude::*;

use crate::stage::{Stage, refused};
use crate::tool::look;

#[test]
fn every_code_of_the_relay_has_a_reason_a_person_understands() {
    for &code in ErrorCode::ALL {
        let failure = Failure::from_transport(refused(code.status(), code), Moment(0.0));
        assert_eq!(failure.request_id.as_deref(), Some("r1"));
        let expected = match code {
            ErrorCode::RateLimited => Reason::RateLimited,
            ErrorCode::TooLarge => Reason::TooLong,
            ErrorCode::Misconfigured | ErrorCode::Overloaded => Reason::Unavailable,
            ErrorCode::OriginNotAllowed => Reason::NotAllowed,
            _ => continue,
        };
        assert_eq!(failure.reason, expected, "{code:?}");
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let turn = (0_u32..8).prop_map(TurnId);
    let key = (0_u32..8).prop_map(Key);
    let chunk = prop_oneof![
        ".{0,8}".prop_map(|delta| Chunk::TextDelta { id: "t".into(), delta }),
        Just(Chunk::TextStart { id: "t".into() }),
        Just(Chunk::Finish { reason: FinishReason::Stop, metadata: None }),
        Just(Chunk::Finish { reason: FinishReason::ToolCalls, metadata: None }),
        Just(Chunk::ToolInputAvailable {
            tool_call_id: "k".into(),
            tool_name: "look".into(),
            input: Json::parse("{}").unwrap(),
        }),
        Just(Chunk::Abort { reason: None }),
        Just(Chunk::error(ErrorCode::Internal, "no")),
    ];
    let error = prop_oneof![
        Just(TransportError::Network),
        Just(refused(401, ErrorCode::Unauthenticated)),
        Just(refused(404, ErrorCode::NotFound)),
        Just(refused(500, ErrorCode::Internal)),
    ];
    prop_oneof![
        Just(Event::Opened),
        Just(Event::Closed),
        Just(Event::StopPressed),
        Just(Event::WentOffline),
        Just(Event::WentOnline),
        ("[a-z]{0,4}", "[a-z]{1,4}", "[a-z]{1,4}").prop_map(|(text, message_id, conversation_id)| {
            Event::Sent { text, message_id, conversation_id }
        }),
        "[a-z]{1,4}".prop_map(|conversation_id| Event::ConversationStarted { conversation_id }),
        key.clone().prop_map(|key| Event::RetryPressed { key }),
        key.clone().prop_map(|key| Event::Rated {
            key,
            opinion: Opinion { value: Some(Feedback::Negative), reason: None }
        }),
        (turn.clone(), prop::bool::ANY).prop_map(|(turn, succeeds)| Event::ToolAnswered {
            turn,
            call: "k".into(),
            outcome: if succeeds { Ok(Json::parse("1").unwrap()) } else { Err("no".into()) },
        }),
        turn.clone().prop_map(|turn| Event::TimerFired { timer: Timer::Tools(turn) }),
        Just(Event::TimerFired { timer: Timer::Watch }),
        Just(Event::WentOutOfSight),
        Just(Event::CameIntoSight),
        key.prop_map(|key| Event::RegeneratePressed { key }),
        turn.clone().prop_map(|turn| Event::StreamOpened { turn }),
        turn.clone().prop_map(|turn| Event::StreamEnded { turn }),
        turn.clone().prop_map(|turn| Event::StreamGone { turn }),
        turn.clone().prop_map(|turn| Event::TimerFired { timer: Timer::Resume(turn) }),
        (turn.clone(), chunk).prop_map(|(turn, chunk)| Event::ChunkArrived {
            turn,
            event_id: Some("e:1".into()),
            chunk
        }),
        (turn, error).prop_map(|(turn, error)| Event::StreamFailed { turn, error }),
    ]
}

proptest! {
    /// Whatever happens in whatever order: a live reply has a turn that feeds
    /// it, and a turn has a live reply. No spinner turns for ever.
    #[test]
    fn a_reply_is_live_if_and_only_if_a_turn_runs(events in prop::collection::vec(any_event(), 0..40)) {
        let mut stage = Stage::ready();
        stage.tell(Event::ToolsChanged { tools: vec![look()] });
        for event in events {
            stage.tell(event);
            let live: Vec<Key> = stage
                .model
                .items()
                .iter()
                .filter(|(_, item)| matches!(item, Item::Reply(reply) if reply.is_live()))
                .map(|(key, _)| *key)
                .collect();
            let running: Vec<Key> = stage.model.turn.iter().map(|turn| turn.reply).collect();
            prop_assert_eq!(live, running);
        }
    }

    /// A question that was sent is never lost but by a new conversation.
    #[test]
    fn no_question_is_lost(events in prop::collection::vec(any_event(), 0..40)) {
        let mut stage = Stage::ready();
        let questions = |stage: &Stage| {
            stage.model.items().iter().filter(|(_, item)| matches!(item, Item::Question(_))).count()
        };
        for event in events {
            let before = questions(&stage);
            let is_new = matches!(event, Event::ConversationStarted { .. });
            stage.tell(event);
            prop_assert!(is_new || questions(&stage) >= before);
        }
    }
}
