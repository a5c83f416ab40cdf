//! A screen in a hall: a visitor comes, is asked whether they are still there,
//! goes, and nothing of them is left for the next.
//!
//! Time is counted by ticks and not read off the clock, which can leap: a leap,
//! or a device that slept, brings the warning at once and never the wipe without
//! it.

use super::{Effects, chat, open, session, watch};
use crate::engine::drawer::Drawer;
use crate::engine::effect::{Announcement, Effect, HostEvent, Region, Timer};
use crate::engine::event::Moment;
use crate::engine::kiosk::{KioskEvent, KioskOrder, LEAST_WARNING_MS, Leftover, Stage};
use crate::engine::model::{History, Model};
use crate::engine::session::{RequestId, Session};

/// The time between two ticks, in ms.
const TICK_MS: u32 = 1_000;

/// Most time that one tick counts for where a leap must not count, in ms.
const LONGEST_TICK_MS: f64 = 2_000.0;

/// How long a reply or a finger keeps the time from running, in ms: one that
/// never ends must not keep a visitor's words on the screen for ever.
const LONGEST_HOLD_MS: f64 = 600_000.0;

/// Ticks between two beats, two questions on the attract screen, and two looks
/// for the relay.
const BEAT_TICKS: u32 = 5;
const TURN_TICKS: u32 = 7;
const PROBE_TICKS: u32 = 15;

/// Ticks between two attempts to have a visitor forgotten; doubled each time up
/// to five times.
const FORGET_TICKS: u32 = 10;

/// Most visitors who wait to be forgotten: a day without a network at a busy
/// screen. The oldest are dropped, and go with the site's retention.
const MAX_LEFTOVERS: usize = 500;

/// How long nobody has to be there before the page is loaded anew, in ms.
const REST_MS: f64 = 60_000.0;

const DAY_MS: f64 = 86_400_000.0;

/// How long the page runs at least, and how long it waits after a reload that
/// did not come about, in ms.
const RELOAD_PAUSE_MS: f64 = 600_000.0;

/// Memory past which the page is loaded anew, in bytes.
const MEMORY_BOUND_BYTES: f64 = 256_000_000.0;

/// The widget was put into a page.
pub(super) fn mounted(model: &mut Model, out: &mut Effects) {
    if let Some(visitor) = model.session.visitor.take() {
        // What ran here before has crashed in the middle of a visit.
        forget(model, None, Some(visitor), out);
    }
    wipe_model(model, out);
    // Who answers, for the attract screen.
    session::connect(model, out);
    start_tick(out);
    out.push(Effect::Redraw(Region::Kiosk));
}

/// Begins a visit, should nobody be there.
pub(super) fn begin(model: &mut Model, now: Moment, out: &mut Effects) {
    if model.kiosk.stage == Stage::Attract {
        model.kiosk.visit = model.kiosk.visit.wrapping_add(1);
        model.kiosk.is_used = true;
        set_stage(model, Stage::FRESH, out);
        out.push(Effect::Redraw(Region::Visit));
        open(model, now, out);
    }
}

pub(super) fn happened(model: &mut Model, event: KioskEvent, now: Moment, out: &mut Effects) {
    match event {
        KioskEvent::Began => begin(model, now, out),
        KioskEvent::Touched => touched(model),
        KioskEvent::Held(is_held) => {
            model.kiosk.is_held = is_held;
            touched(model);
        }
        KioskEvent::Continued => {
            if matches!(model.kiosk.stage, Stage::Warning { .. }) {
                set_stage(model, Stage::FRESH, out);
            }
        }
        KioskEvent::StartedOver => {
            if model.kiosk.stage != Stage::Attract {
                end(model, "visitor", out);
                begin(model, now, out);
                out.push(Effect::Announce(Announcement::Wiped));
            }
        }
        KioskEvent::SizePressed => {
            model.kiosk.size = (model.kiosk.size + 1) % 3;
            out.push(Effect::Redraw(Region::Kiosk));
        }
        KioskEvent::ContrastPressed => {
            model.kiosk.has_contrast = !model.kiosk.has_contrast;
            out.push(Effect::Redraw(Region::Kiosk));
        }
        KioskEvent::LinkPressed(address) => {
            model.kiosk.code = Some(address);
            out.push(Effect::Redraw(Region::Kiosk));
        }
        KioskEvent::CodeClosed => {
            model.kiosk.code = None;
            out.push(Effect::Redraw(Region::Kiosk));
        }
        KioskEvent::Probed { is_there } => probed(model, is_there, out),
        KioskEvent::Measured(bytes) => model.kiosk.memory_bytes = bytes,
        KioskEvent::Ran(uptime_ms) => model.kiosk.uptime_ms = uptime_ms,
        KioskEvent::Forgotten { request, is_done } => {
            let leftovers = &mut model.kiosk.leftovers;
            if is_done {
                leftovers.retain(|leftover| leftover.request != request);
                renew(model, out);
            } else if let Some(left) = leftovers.iter_mut().find(|left| left.request == request) {
                left.is_asked = false;
                left.attempts += 1;
            }
        }
    }
}

/// A second has gone by, or more.
pub(super) fn tick(model: &mut Model, now: Moment, out: &mut Effects) {
    start_tick(out);
    let elapsed_ms = match model.kiosk.ticked_at.replace(now) {
        // A clock that was set back says nothing of how long it was.
        Some(before) if now.0 >= before.0 => now.0 - before.0,
        _ => f64::from(TICK_MS),
    };
    let counted_ms = elapsed_ms.min(LONGEST_TICK_MS);
    let kiosk = &mut model.kiosk;
    kiosk.ticks = kiosk.ticks.wrapping_add(1);
    kiosk.uptime_ms += counted_ms;
    let ticks = kiosk.ticks;
    match kiosk.stage {
        Stage::Attract => {
            kiosk.rested_ms += counted_ms;
            rest(model, ticks, out);
        }
        Stage::Visit { idle_ms, held_ms } => {
            let is_held = model.kiosk.is_held || model.is_replying();
            let stage = if is_held && held_ms < LONGEST_HOLD_MS {
                Stage::Visit { idle_ms: 0.0, held_ms: held_ms + counted_ms }
            } else {
                Stage::Visit { idle_ms: idle_ms + elapsed_ms, held_ms }
            };
            model.kiosk.stage = stage;
            if matches!(stage, Stage::Visit { idle_ms, .. } if idle_ms >= f64::from(model.config.kiosk.idle_ms))
            {
                warn(model, out);
            }
        }
        Stage::Warning { left_ms } => {
            // Nobody could have answered while the device slept.
            let left_ms = left_ms - counted_ms;
            if left_ms > 0.0 {
                set_stage(model, Stage::Warning { left_ms }, out);
            } else {
                end(model, "idle", out);
            }
        }
    }
    ask_again(model, ticks, out);
    if ticks.is_multiple_of(BEAT_TICKS) {
        beat(model, out);
    }
}

/// Ends a visit: nothing of it is left, here or at the relay.
pub(super) fn end(model: &mut Model, reason: &'static str, out: &mut Effects) {
    if model.kiosk.stage == Stage::Attract {
        return;
    }
    if model.turn.is_some() {
        // At once, and not only with all the rest: what runs costs money.
        chat::abandon(model, out);
    }
    model.kiosk.orphan = model.session.asked();
    let (token, visitor) = (model.session.last_token().map(str::to_owned), model.session.visitor.take());
    if token.is_some() || visitor.is_some() {
        forget(model, token, visitor, out);
    }
    wipe_model(model, out);
    model.kiosk.rested_ms = 0.0;
    set_stage(model, Stage::Attract, out);
    out.push(Effect::Redraw(Region::Visit));
    out.push(Effect::Kiosk(KioskOrder::Wipe));
    out.push(Effect::Emit(HostEvent::IdleReset(reason)));
}

/// An exchange has been answered that nobody waits for any more: its visitor
/// went, and goes here too.
pub(super) fn bury(model: &mut Model, token: String, visitor: String, out: &mut Effects) {
    model.kiosk.orphan = None;
    forget(model, Some(token), Some(visitor), out);
}

/// All that a visitor has left in the model.
fn wipe_model(model: &mut Model, out: &mut Effects) {
    model.session = Session::default();
    model.drawer = Drawer::default();
    model.conversation = None;
    model.standing = chinwag_protocol::ConversationState::default();
    model.history = History::Untouched;
    watch::forget(model, out);
    model.forget_items();
    model.draft = String::new();
    model.agreed = false;
    model.unread = 0;
    model.active_at = None;
    model.rests_until = None;
    model.trouble = None;
    model.attempts = 0;
    model.page_asked = None;
    model.is_unsent = false;
    model.open = false;
    model.kiosk.code = None;
    model.kiosk.size = 0;
    model.kiosk.has_contrast = false;
    model.kiosk.is_held = false;
    out.push(Effect::Forget);
    for region in [Region::Panel, Region::Header, Region::List, Region::Composer, Region::Drawer] {
        out.push(Effect::Redraw(region));
    }
}

/// What stands on the screen when nobody is there.
fn rest(model: &mut Model, ticks: u32, out: &mut Effects) {
    if ticks.is_multiple_of(TURN_TICKS) {
        model.kiosk.turned = model.kiosk.turned.wrapping_add(1);
        out.push(Effect::Redraw(Region::Kiosk));
    }
    renew(model, out);
    if ticks.is_multiple_of(PROBE_TICKS) {
        out.push(Effect::Kiosk(KioskOrder::Probe));
    }
    let kiosk = &mut model.kiosk;
    let is_due = (model.config.kiosk.reloads_daily && kiosk.uptime_ms >= DAY_MS)
        || kiosk.memory_bytes > MEMORY_BOUND_BYTES;
    let may = kiosk.rested_ms >= REST_MS && kiosk.uptime_ms >= kiosk.no_reload_before_ms.max(RELOAD_PAUSE_MS);
    // A page that cannot be fetched is an error page; and who has still to be
    // forgotten is known only here.
    if is_due && may && !kiosk.is_away && kiosk.leftovers.is_empty() {
        kiosk.no_reload_before_ms = kiosk.uptime_ms + RELOAD_PAUSE_MS;
        out.push(Effect::Kiosk(KioskOrder::Reload));
    }
}

/// Puts a fresh module in the place of the one that a visitor used. Who has still
/// to be forgotten is known only here, and so keeps it.
fn renew(model: &mut Model, out: &mut Effects) {
    let kiosk = &mut model.kiosk;
    let is_clean = kiosk.leftovers.is_empty() && kiosk.orphan.is_none();
    if kiosk.stage == Stage::Attract && is_clean && kiosk.is_used {
        kiosk.is_used = false;
        out.push(Effect::Kiosk(KioskOrder::Renew));
    }
}

fn probed(model: &mut Model, is_there: bool, out: &mut Effects) {
    if model.kiosk.is_away == is_there {
        model.kiosk.is_away = !is_there;
        out.push(Effect::Redraw(Region::Kiosk));
        beat(model, out);
    }
    if is_there && model.agent.is_none() && model.kiosk.stage == Stage::Attract {
        session::connect(model, out);
    }
}

fn touched(model: &mut Model) {
    // A warning is answered by its button: who steps up next must not take over
    // what stands there by a touch.
    if let Stage::Visit { .. } = model.kiosk.stage {
        model.kiosk.stage = Stage::FRESH;
    }
}

fn warn(model: &mut Model, out: &mut Effects) {
    let is_empty = model.items().is_empty() && model.draft.trim().is_empty();
    if is_empty {
        // Nothing would be lost, so nobody is asked.
        end(model, "idle", out);
        return;
    }
    let warn_ms = model.config.kiosk.warn_ms.max(LEAST_WARNING_MS);
    let stage = Stage::Warning { left_ms: f64::from(warn_ms) };
    set_stage(model, stage, out);
    let seconds = warn_ms / 1_000;
    out.push(Effect::Emit(HostEvent::IdleWarning(seconds)));
}

/// Puts the kiosk into another stage. The watchdog hears of it at once.
fn set_stage(model: &mut Model, stage: Stage, out: &mut Effects) {
    let is_other = model.kiosk.stage.as_str() != stage.as_str();
    model.kiosk.stage = stage;
    out.push(Effect::Redraw(Region::Kiosk));
    if is_other {
        beat(model, out);
    }
}

fn beat(model: &Model, out: &mut Effects) {
    let kiosk = &model.kiosk;
    let state = match kiosk.stage {
        Stage::Attract if kiosk.is_away => "away",
        stage => stage.as_str(),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "136 years in seconds")]
    let uptime_s = (kiosk.uptime_ms / 1_000.0) as u32;
    out.push(Effect::Kiosk(KioskOrder::Beat { state, uptime_s }));
}

/// Has the relay forget a visitor, now and until it has.
fn forget(model: &mut Model, token: Option<String>, visitor: Option<String>, out: &mut Effects) {
    if model.config.is_direct {
        // Nobody there knows of visitors.
        return;
    }
    let request = model.fresh_request();
    let leftovers = &mut model.kiosk.leftovers;
    if leftovers.len() >= MAX_LEFTOVERS {
        leftovers.remove(0);
    }
    leftovers.push(Leftover { request, token, visitor, attempts: 0, is_asked: false });
    ask(model, request, out);
}

fn ask(model: &mut Model, request: RequestId, out: &mut Effects) {
    let Some(left) = model.kiosk.leftovers.iter_mut().find(|left| left.request == request) else { return };
    left.is_asked = true;
    out.push(Effect::Kiosk(KioskOrder::Forget {
        leftover: left.clone(),
        device: model.config.kiosk.device.clone(),
        site: model.config.site.clone(),
    }));
}

/// One at a time, so that a relay that comes back is not stormed.
fn ask_again(model: &mut Model, ticks: u32, out: &mut Effects) {
    let is_due = |left: &Leftover| ticks.is_multiple_of(FORGET_TICKS << left.attempts.min(5));
    let waiting = model.kiosk.leftovers.iter().find(|left| !left.is_asked && is_due(left));
    if let Some(request) = waiting.map(|left| left.request) {
        ask(model, request, out);
    }
}

fn start_tick(out: &mut Effects) {
    out.push(Effect::StartTimer { timer: Timer::Tick, after_ms: TICK_MS });
}
