//! How the widget draws attention before anybody has written: it opens by
//! itself, or has a few words stand beside its button. Each at most once, and
//! never to somebody who has shown what they want.

use super::{Effects, open, save};
use crate::engine::config::Mode;
use crate::engine::effect::{Effect, Region, Timer};
use crate::engine::event::Moment;
use crate::engine::model::{Model, TeaserState};

/// Begins the waits. Who was here before has had their chance to open it.
pub(super) fn mounted(model: &mut Model, is_new: bool, is_dismissed: bool, out: &mut Effects) {
    if is_dismissed {
        model.teaser = TeaserState::Dismissed;
    }
    if let (true, Some(after_ms)) = (is_new && model.config.mode == Mode::Launcher, model.config.auto_open_ms)
    {
        out.push(Effect::StartTimer { timer: Timer::AutoOpen, after_ms });
    }
    await_teaser(model, out);
}

/// As it was before the first visit.
pub(super) fn reset(model: &mut Model, out: &mut Effects) {
    model.teaser = TeaserState::Waiting;
    model.is_touched = false;
    mounted(model, true, false, out);
    out.push(Effect::Redraw(Region::Panel));
}

/// The page may have changed the teaser, or given one.
pub(super) fn configured(model: &mut Model, out: &mut Effects) {
    out.push(Effect::Redraw(Region::Panel));
    await_teaser(model, out);
}

fn await_teaser(model: &Model, out: &mut Effects) {
    let is_wanted =
        model.config.mode == Mode::Launcher && model.teaser == TeaserState::Waiting && !model.open;
    if let Some(teaser) = model.config.teaser.as_ref().filter(|_| is_wanted) {
        out.push(Effect::StartTimer { timer: Timer::Teaser, after_ms: teaser.delay_ms });
    }
}

pub(super) fn auto_open(model: &mut Model, now: Moment, out: &mut Effects) {
    if !model.is_touched {
        open(model, now, out);
    }
}

pub(super) fn show_teaser(model: &mut Model, out: &mut Effects) {
    if model.teaser == TeaserState::Waiting && !model.open {
        model.teaser = TeaserState::Shown;
        out.push(Effect::Redraw(Region::Panel));
    }
}

pub(super) fn dismiss_teaser(model: &mut Model, out: &mut Effects) {
    model.teaser = TeaserState::Dismissed;
    save(model, out);
    out.push(Effect::Redraw(Region::Panel));
}

/// The panel was opened or closed: the visitor knows that it is there.
pub(super) fn touched(model: &mut Model) {
    model.is_touched = true;
    if model.config.teaser.is_some() {
        model.teaser = TeaserState::Dismissed;
    }
}
