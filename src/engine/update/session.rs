//! Calls that need a token, and what becomes of them.

use chinwag_protocol::{SiteKey, TokenAnswer};

use super::{Effects, drawer, file, history, outbox, save, turn, watch, with_items};
use crate::engine::config::{Access, Identity};
use crate::engine::effect::{Effect, HostEvent, Region, Timer};
use crate::engine::event::Moment;
use crate::engine::failure::{Failure, TransportError};
use crate::engine::model::Model;
use crate::engine::part::{self, Lazy as _};
use crate::engine::session::{Admission, Call, RequestId};

/// After how much of a token's life it is replaced while the panel is open, in
/// ms for each second of it. The shell adds up to a fifth: 70 to 84 %.
const REFRESH_EARLY_MS: u64 = 700;

/// Longest life that is counted with, in s: a week.
const MAX_LIFE_S: u64 = 7 * 24 * 3_600;

/// Makes a call, now or as soon as there is a token.
pub(super) fn call(model: &mut Model, call: Call, now: Moment, out: &mut Effects) {
    if model.config.is_direct && model.config.access == Access::Exchange {
        // Nobody there would ask for a token.
        make(model, call, String::new(), out);
        return;
    }
    match model.session.admit(call, now) {
        Admission::Go(call, token) => make(model, call, token, out),
        Admission::Wait => {}
        Admission::Ask => connect(model, out),
    }
}

/// Begins a token exchange.
pub(super) fn connect(model: &mut Model, out: &mut Effects) {
    if !model.has_consent() || model.session.is_asking() {
        return;
    }
    let request = model.fresh_request();
    if model.config.access == Access::Page {
        let current = model.session.ask_page(request);
        out.push(Effect::AskToken { request, current });
        return;
    }
    // The options were checked when they were given; a site that is no site
    // key cannot come here.
    let Ok(site) = SiteKey::parse(&model.config.site) else { return };
    let mut body = model.session.ask(request, site);
    body.device.clone_from(&model.config.kiosk.device);
    let asks_identity = model.config.identity == Identity::Asked;
    if let Identity::Signed(jwt) = &model.config.identity {
        body.identity = Some(jwt.clone());
    }
    out.push(Effect::FetchToken { request, body, asks_identity });
}

/// Replaces the token before it is old, if the panel is open: a message that is
/// sent then need not wait.
pub(super) fn refresh(model: &mut Model, out: &mut Effects) {
    if model.open && !model.is_cut_off() {
        connect(model, out);
    }
}

/// The page says that the visitor is another, or brings a fresh proof: the
/// token was made out to the one before.
pub(super) fn identify(model: &mut Model, out: &mut Effects) {
    model.session.forget_token();
    if model.open {
        connect(model, out);
    }
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
    if !answer.visitor.is_empty() {
        out.push(Effect::KeepVisitor(answer.visitor.clone()));
    }
    take(model, answer, now, out);
    save(model, out);
}

/// A token came, by this tab's exchange or another's.
pub(super) fn take(model: &mut Model, answer: &TokenAnswer, now: Moment, out: &mut Effects) {
    if model.session.has_had_token() {
        out.push(Effect::Emit(HostEvent::TokenRefreshed));
    }
    let calls = model.session.grant(answer, now);
    #[expect(clippy::cast_possible_truncation, reason = "held within the bounds of u32 by `min`")]
    let early_ms = (answer.expires_in.min(MAX_LIFE_S) * REFRESH_EARLY_MS) as u32;
    out.push(Effect::StartTimer { timer: Timer::Refresh, after_ms: early_ms });
    model.agent = Some(answer.agent.clone());
    model.features = answer.features;
    model.file_limits.clone_from(&answer.files);
    model.trouble = None;
    model.attempts = 0;
    out.push(Effect::Redraw(Region::Header));
    for waiting in calls {
        make(model, waiting, answer.token.clone(), out);
    }
    outbox::flush(model, now, out);
    if model.features.updates {
        watch::look(model, out);
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
    let is_identified = model.config.identity != Identity::Anonymous || model.config.access == Access::Page;
    // Another exchange with the same proof would go the same way.
    let error = if is_identified && error.is_unauthenticated() { &TransportError::SignIn } else { error };
    let failure = Failure::from_transport(error.clone(), now);
    let calls = model.session.refuse();
    model.trouble = Some(failure.clone());
    out.push(Effect::Redraw(Region::Header));
    out.push(Effect::Emit(HostEvent::Error(failure)));
    outbox::try_later(model, out);
    for waiting in calls {
        match waiting {
            Call::Messages { request, .. } if watch::awaits(model, request) => watch::failed(model, out),
            Call::Messages { request, .. } => history::failed(model, request, error.clone(), now, out),
            Call::Conversations { request, .. } => drawer::failed(model, request, error.clone(), now, out),
            Call::Change(request) => {
                part::Drawer::enter_again(|| drawer::change_failed(model, request, error, now, out));
            }
            Call::Upload(id) => part::File::enter_again(|| file::failed(model, id, error, now, out)),
            Call::Fetch { .. } => {}
            Call::Chat(_) | Call::Resume(_) | Call::Stop(_) | Call::Rate(_) => {
                with_items(model, |model| turn::refused(model, waiting, error, now, out));
            }
        }
    }
}

fn make(model: &mut Model, call: Call, token: String, out: &mut Effects) {
    match call {
        Call::Conversations { request, cursor } => {
            let query = model.drawer.query.clone();
            out.push(Effect::LoadConversations { request, token, cursor, query });
        }
        Call::Change(request) => {
            part::Drawer::enter_again(|| out.extend(drawer::order(model, request, token)));
        }
        Call::Upload(_) | Call::Fetch { .. } => {
            part::File::enter_again(|| out.extend(file::order(call, token)));
        }
        Call::Chat(_) | Call::Resume(_) | Call::Stop(_) | Call::Rate(_) => {
            with_items(model, |model| turn::make(model, call, token, out));
        }
        Call::Messages { request, cursor } => {
            let Some(conversation) = model.conversation.clone() else { return };
            out.push(Effect::LoadMessages { request, token, conversation, cursor });
        }
    }
}
