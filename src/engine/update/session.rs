//! Calls that need a token, and what becomes of them.

use chinwag_protocol::{SiteKey, TokenAnswer};

use super::{Effects, chat, drawer, history, rating, save, stream, watch};
use crate::engine::effect::{Effect, HostEvent, Region};
use crate::engine::event::Moment;
use crate::engine::failure::{Failure, TransportError};
use crate::engine::model::Model;
use crate::engine::session::{Admission, Call, RequestId};

/// Makes a call, now or as soon as there is a token.
pub(super) fn call(model: &mut Model, call: Call, now: Moment, out: &mut Effects) {
    match model.session.admit(call, now) {
        Admission::Go(call, token) => make(model, call, token, out),
        Admission::Wait => {}
        Admission::Ask => connect(model, out),
    }
}

/// Begins a token exchange.
pub(super) fn connect(model: &mut Model, out: &mut Effects) {
    // The options were checked when they were given; a site that is no site
    // key cannot come here.
    let Ok(site) = SiteKey::parse(&model.config.site) else { return };
    let request = model.fresh_request();
    let body = model.session.ask(request, site);
    out.push(Effect::FetchToken { request, body });
}

pub(super) fn granted(
    model: &mut Model,
    request: RequestId,
    answer: &TokenAnswer,
    now: Moment,
    out: &mut Effects,
) {
    if !model.session.awaits(request) {
        return;
    }
    let calls = model.session.grant(answer, now);
    model.agent = Some(answer.agent.clone());
    model.features = answer.features;
    model.trouble = None;
    save(model, out);
    out.push(Effect::Redraw(Region::Header));
    for waiting in calls {
        make(model, waiting, answer.token.clone(), out);
    }
}

pub(super) fn refused(
    model: &mut Model,
    request: RequestId,
    error: &TransportError,
    now: Moment,
    out: &mut Effects,
) {
    if !model.session.awaits(request) {
        return;
    }
    let failure = Failure::from_transport(error.clone(), now);
    let calls = model.session.refuse();
    model.trouble = Some(failure.clone());
    out.push(Effect::Redraw(Region::Header));
    out.push(Effect::Emit(HostEvent::Error(failure)));
    for waiting in calls {
        match waiting {
            Call::Chat(turn) | Call::Resume(turn) => stream::failed(model, turn, error.clone(), now, out),
            Call::Messages { request, .. } if watch::awaits(model, request) => watch::failed(model, out),
            Call::Messages { request, .. } => history::failed(model, request, error.clone(), now, out),
            Call::Conversations { request, .. } => drawer::failed(model, request, error.clone(), now, out),
            Call::Change(request) => drawer::change_failed(model, request, error, now, out),
            Call::Rate(call) => rating::failed(model, call.request, error, now, out),
            Call::Stop(_) => {}
        }
    }
}

fn make(model: &mut Model, call: Call, token: String, out: &mut Effects) {
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
        Call::Conversations { request, cursor } => {
            let query = model.drawer.query.clone();
            out.push(Effect::LoadConversations { request, token, cursor, query });
        }
        Call::Change(request) => out.extend(drawer::order(model, request, token)),
        Call::Stop(conversation) => out.push(Effect::StopReply { token, conversation }),
        Call::Rate(call) => out.push(Effect::PutRating { token, call }),
        Call::Messages { request, cursor } => {
            let Some(conversation) = model.conversation.clone() else { return };
            out.push(Effect::LoadMessages { request, token, conversation, cursor });
        }
    }
}
