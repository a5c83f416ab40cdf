//! What happens to questions and their replies: the events, calls and failures of
//! the part `Reply`, each to the file that knows it.

use super::{Effects, at_kiosk, chat, kiosk, outbox, page_decided, rating, stream, tabs, tool, watch};
use crate::engine::effect::{Effect, Timer};
use crate::engine::event::{Event, Moment};
use crate::engine::failure::TransportError;
use crate::engine::model::Model;
use crate::engine::session::Call;

/// Takes in an event of a turn, or of an item of the transcript.
pub(super) fn happened(model: &mut Model, event: Event, now: Moment, out: &mut Effects) {
    match event {
        Event::Sent { text, message_id, conversation_id } => {
            page_decided(model, out);
            at_kiosk(model, |model| kiosk::begin(model, now, out));
            outbox::restore(model, out);
            chat::send(model, &text, message_id, &conversation_id, now, out);
        }
        Event::Recalled => {
            outbox::restore(model, out);
            outbox::flush(model, now, out);
        }
        Event::StopPressed => chat::stop(model, now, out),
        Event::RetryPressed { key } => chat::retry(model, key, now, out),
        Event::RegeneratePressed { key } => chat::regenerate(model, key, now, out),
        Event::RemovePressed { key } => outbox::remove(model, key, out),
        Event::Rated { key, opinion } => rating::rate(model, key, opinion, now, out),
        Event::RatingStored { request } => rating::stored(model, request, now, out),
        Event::RatingFailed { request, error } => rating::failed(model, request, &error, now, out),
        Event::ToolAnswered { turn, call, outcome } => {
            tool::answered(model, turn, &call, outcome, now, out);
        }
        Event::ChunkArrived { turn, event_id, chunk } => {
            stream::chunk_arrived(model, turn, event_id, chunk, now, out);
        }
        Event::StreamClaimed { turn } => tabs::take_over(model, turn, now, out),
        Event::StreamOpened { turn } => stream::opened(model, turn, out),
        Event::StreamEnded { turn } => stream::broke(model, turn, out),
        Event::StreamGone { turn } => stream::gone(model, turn, now, out),
        Event::StreamFailed { turn, error } => stream::failed(model, turn, error, now, out),
        Event::TimerFired { timer: Timer::Resume(turn) } => stream::resume(model, turn, now, out),
        Event::TimerFired { timer: Timer::Silence(turn) } => tabs::listen(model, turn, now, out),
        Event::TimerFired { timer: Timer::Tools(turn) } => tool::time_is_up(model, turn, now, out),
        Event::TimerFired { timer: Timer::Watch } => watch::ask(model, now, out),
        _ => {}
    }
}

/// Makes a call of a turn or about a reply, with a token.
pub(super) fn make(model: &mut Model, call: Call, token: String, out: &mut Effects) {
    match call {
        Call::Chat(turn) => {
            if let Some(body) = chat::request(model, turn) {
                out.push(Effect::OpenStream { turn, token, body: Box::new(body) });
            }
        }
        Call::Resume(turn) => {
            let Some(conversation) = model.conversation.clone() else { return };
            let Some(running) = model.running(turn) else { return };
            let after = running.last_event.clone();
            out.push(Effect::ResumeStream { turn, token, conversation, after });
        }
        Call::Stop(conversation) => out.push(Effect::StopReply { token, conversation }),
        Call::Rate(call) => out.push(Effect::PutRating { token, call }),
        _ => {}
    }
}

/// Such a call will not be made: there is no token for it.
pub(super) fn refused(model: &mut Model, call: Call, error: &TransportError, now: Moment, out: &mut Effects) {
    match call {
        Call::Chat(turn) | Call::Resume(turn) => stream::failed(model, turn, error.clone(), now, out),
        Call::Rate(call) => rating::failed(model, call.request, error, now, out),
        _ => {}
    }
}
