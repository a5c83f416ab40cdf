//! Consent: before it nothing is stored and nothing is sent.

use super::tabs::tell;
use super::{Effects, look_for_relay, save};
use crate::engine::config::Consent;
use crate::engine::effect::{Effect, Region};
use crate::engine::event::Moment;
use crate::engine::model::{History, Model};
use crate::engine::session::Session;
use crate::engine::word::Word;

/// The visitor agreed in the panel.
pub(super) fn given(model: &mut Model, now: Moment, out: &mut Effects) {
    if model.config.consent == Consent::Required && !model.agreed {
        model.agreed = true;
        begin(model, now, out);
    }
}

/// The page changed its mind, perhaps.
pub(super) fn changed(model: &mut Model, had_consent: bool, now: Moment, out: &mut Effects) {
    match (had_consent, model.has_consent()) {
        (false, true) => begin(model, now, out),
        (true, false) => withdraw(model, out),
        _ => {}
    }
}

fn begin(model: &mut Model, now: Moment, out: &mut Effects) {
    save(model, out);
    redraw(out);
    if model.open {
        look_for_relay(model, now, out);
    }
}

/// All that was kept goes; what stands in the composer is the visitor's own.
fn withdraw(model: &mut Model, out: &mut Effects) {
    model.agreed = false;
    forget(model, out);
}

/// Drops the visitor, the conversation and what is kept of both, in all tabs.
pub(super) fn forget(model: &mut Model, out: &mut Effects) {
    tell(&Word::Forgotten, out);
    drop_visitor(model, out);
}

/// The same in this tab alone.
pub(super) fn drop_visitor(model: &mut Model, out: &mut Effects) {
    if let Some(turn) = model.turn.take() {
        out.push(Effect::AbortStream { turn: turn.id });
    }
    model.session = Session::default();
    model.conversation = None;
    model.history = History::Untouched;
    model.trouble = None;
    model.unread = 0;
    model.pictures.clear();
    model.forget_items();
    out.push(Effect::Forget);
    redraw(out);
}

fn redraw(out: &mut Effects) {
    for region in [Region::Header, Region::List, Region::Composer] {
        out.push(Effect::Redraw(region));
    }
}
