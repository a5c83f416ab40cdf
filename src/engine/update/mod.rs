//! The one place where a model changes: each event to the file that knows it.

mod chat;
mod consent;
mod direct;
mod drawer;
mod file;
mod history;
mod kiosk;
mod outbox;
mod presence;
mod rating;
mod session;
mod stream;
mod tabs;
mod tool;
mod turn;
mod watch;

use chinwag_protocol::{AgentCard, ConversationId, Features};

use super::config::{Identity, Mode};
use super::drawer::Drawer;
use super::effect::{Announcement, Effect, HostEvent, Region, Timer};
use super::event::{Event, Moment};
use super::failure::{Failure, Reason};
use super::kiosk::KioskEvent;
use super::model::{History, Model, Older, PAGE_TIMEOUT_MS, PageAsked};
use super::part::{self, Lazy as _};
use super::saved::Saved;
use super::session::{RequestId, Session};
use super::turn::TurnId;
use super::word::Word;

/// The orders that one event leads to, in the order in which they are to be
/// carried out.
#[derive(Debug, Default)]
struct Effects(Vec<Effect>);

impl Effects {
    /// Adds an order. There once: in its fifty places it would be 5 kB.
    #[inline(never)]
    fn push(&mut self, effect: Effect) {
        self.0.push(effect);
    }

    fn extend(&mut self, effects: impl IntoIterator<Item = Effect>) {
        effects.into_iter().for_each(|effect| self.push(effect));
    }
}

/// Takes in what happened and gives what is to be done.
pub fn update(model: &mut Model, event: Event, now: Moment) -> Vec<Effect> {
    let mut effects = Effects::default();
    let out = &mut effects;
    let _granted = part::grant(&event);
    let before = model.connection().as_str();
    let turn_before = model.turn.as_ref().map(|turn| turn.id);
    match event {
        Event::Mounted { saved } => mounted(model, saved, now, out),
        Event::Configured { config } => {
            let had_consent = model.has_consent();
            let is_known = model.config.identity == config.identity;
            model.config = config;
            presence::configured(model, out);
            if !model.has_drawer() {
                drawer::close(model, now, out);
            }
            out.push(Effect::Redraw(Region::Header));
            consent::changed(model, had_consent, now, out);
            if !is_known {
                session::identify(model, out);
            }
        }
        Event::Opened => enter(model, now, out),
        Event::Closed | Event::Cleared | Event::Reset | Event::LoggedOut if is_kiosk(model) => {
            at_kiosk(model, |model| kiosk::end(model, "page", out));
        }
        Event::Closed => close(model, now, out),
        Event::Cleared => clear(model, out),
        Event::Reset => reset(model, out),
        Event::TeaserDismissed => presence::dismiss_teaser(model, out),
        Event::FocusAsked => {
            enter(model, now, out);
            model.focus_asked += 1;
            out.push(Effect::Redraw(Region::Focus));
        }
        Event::DraftChanged { text } => {
            model.draft = text;
            model.is_unsent = false;
            save(model, out);
            // The page may have written it.
            out.push(Effect::Redraw(Region::Composer));
        }
        Event::PageAsked { text } => ask_page(model, text, out),
        Event::PageRefused => page_decided(model, out),
        Event::ToolsChanged { tools } => model.tools = tools,
        Event::ReconnectPressed => outbox::retry(model, now, out),
        Event::ConsentGiven => consent::given(model, now, out),
        Event::LoggedOut => log_out(model, now, out),
        Event::Woke => wake(model, now, out),
        Event::TabSaid { subject, word } => tabs::said(model, subject.as_deref(), *word, now, out),
        Event::TokenShared { answer } => tabs::granted(model, &answer, now, out),
        Event::ConversationStarted { .. } if is_kiosk(model) => {
            at_kiosk(model, |model| kiosk::happened(model, KioskEvent::StartedOver, now, out));
        }
        Event::ConversationStarted { conversation_id } => start_conversation(model, &conversation_id, out),
        Event::TokenArrived { request, answer } if model.kiosk.orphan == Some(request) => {
            at_kiosk(model, |model| kiosk::bury(model, answer.token, answer.visitor, out));
        }
        Event::TokenArrived { request, answer } => session::granted(model, request, &answer, now, out),
        Event::TokenFailed { request, error } => session::refused(model, request, &error, now, out),
        Event::MessagesArrived { request, page } => {
            part::Past::enter(|| history::happened(model, request, page, now, out));
        }
        // What loads it came with the first page, which told that there is more.
        Event::OlderAsked if matches!(model.older(), Older::Nothing) => {}
        Event::OlderAsked => part::Past::enter_again(|| history::older(model, now, out)),
        Event::MessagesFailed { request, error } if watch::awaits(model, request) => {
            if error.is_unauthenticated() {
                // The next look brings another.
                model.session.drop_token();
            }
            watch::failed(model, out);
        }
        Event::MessagesFailed { request, error } => history::failed(model, request, error, now, out),
        Event::DrawerOpened => drawer::open(model, now, out),
        Event::DrawerClosed => drawer::close(model, now, out),
        Event::ConversationChosen { id } => drawer::choose(model, id, now, out),
        Event::ConversationsFailed { request, error } => drawer::failed(model, request, error, now, out),
        Event::SearchChanged { .. }
        | Event::TitleChanged { .. }
        | Event::DeletePressed { .. }
        | Event::DeleteUndone
        | Event::ConversationsArrived { .. } => {
            part::Drawer::enter(|| drawer::happened(model, event, now, out));
        }
        // It is about a list that the drawer has drawn, or a change made in it.
        Event::MoreConversationsAsked
        | Event::ConversationChanged { .. }
        | Event::ConversationNotChanged { .. }
        | Event::TimerFired { timer: Timer::Search(_) | Timer::Undo(_) } => {
            part::Drawer::enter_again(|| drawer::happened(model, event, now, out));
        }
        Event::FilesChosen { .. } | Event::FileAsked { .. } => {
            part::File::enter(|| file::happened(model, event, now, out));
        }
        // It is about a file that was taken in before.
        Event::FileProgressed { .. }
        | Event::FileStored { .. }
        | Event::FileFailed { .. }
        | Event::FileRemoved { .. }
        | Event::FileRetried { .. }
        | Event::LeftOutDismissed
        | Event::PictureFetched { .. } => {
            part::File::enter_again(|| file::happened(model, event, now, out));
        }
        Event::Sent { .. } | Event::Recalled | Event::ChunkArrived { .. } => {
            part::Reply::enter(|| turn::happened(model, event, now, out));
        }
        Event::NotSent { text } => {
            page_decided(model, out);
            model.draft = text;
            model.is_unsent = true;
            out.push(Effect::Redraw(Region::Composer));
        }
        // It is about an item of the transcript, or the turn that runs.
        Event::StopPressed
        | Event::RetryPressed { .. }
        | Event::RegeneratePressed { .. }
        | Event::RemovePressed { .. }
        | Event::Rated { .. }
        | Event::RatingStored { .. }
        | Event::RatingFailed { .. }
        | Event::ToolAnswered { .. }
        | Event::StreamClaimed { .. }
        | Event::StreamOpened { .. }
        | Event::StreamEnded { .. }
        | Event::StreamGone { .. }
        | Event::StreamFailed { .. }
        | Event::TimerFired {
            timer: Timer::Resume(_) | Timer::Tools(_) | Timer::Silence(_) | Timer::Watch,
        } => with_items(model, |model| turn::happened(model, event, now, out)),
        Event::PageHidden => {
            at_kiosk(model, |model| kiosk::end(model, "page", out));
            commit(model, now, out);
            archive(model, now, out);
        }
        Event::TimerFired { timer: Timer::Page(request) } => page_is_late(model, request, out),
        Event::WentOutOfSight => model.is_out_of_sight = true,
        Event::CameIntoSight => {
            model.is_out_of_sight = false;
            watch::look(model, out);
        }
        Event::TimerFired { timer: Timer::AutoOpen } => presence::auto_open(model, now, out),
        Event::TimerFired { timer: Timer::Teaser } => presence::show_teaser(model, out),
        Event::TimerFired { timer: Timer::Reconnect } => outbox::reconnect(model, now, out),
        Event::TimerFired { timer: Timer::Refresh } => session::refresh(model, out),
        Event::TimerFired { timer: Timer::Tick } => at_kiosk(model, |model| kiosk::tick(model, now, out)),
        Event::Kiosk(event) => at_kiosk(model, |model| kiosk::happened(model, event, now, out)),
        Event::WentOffline => set_online(model, false, now, out),
        Event::WentOnline => set_online(model, true, now, out),
    }
    let after = model.connection().as_str();
    if after != before {
        out.push(Effect::Emit(HostEvent::ConnectionChange(after)));
    }
    share_turn(model, turn_before, now, out);
    effects.0
}

/// A turn that began is claimed, so that one tab follows its reply; one that
/// ended is let go of.
fn share_turn(model: &Model, before: Option<TurnId>, now: Moment, out: &mut Effects) {
    let after = model.turn.as_ref().map(|turn| turn.id);
    if before == after {
        return;
    }
    archive(model, now, out);
    out.extend(before.map(|turn| Effect::Release { turn }));
    if let Some((turn, conversation)) = after.zip(model.conversation.clone()) {
        out.push(Effect::Claim { turn, conversation });
    }
}

/// Keeps the conversation where there is no relay that would.
fn archive(model: &Model, now: Moment, out: &mut Effects) {
    if model.config.is_direct {
        // A widget in direct mode is begun with the part.
        part::Past::enter_again(|| direct::archive(model, now, out));
    }
}

fn mounted(model: &mut Model, saved: Option<Saved>, now: Moment, out: &mut Effects) {
    let is_new = saved.is_none();
    if model.config.is_direct {
        // There is nobody who would say who answers and what they can do.
        model.agent = Some(AgentCard::default());
        model.features = Features { history: true, retry: true, sources: true, ..Features::default() };
    }
    let saved = saved.unwrap_or_else(|| Saved::new(None, None, model.config.open_by_default, String::new()));
    #[expect(clippy::cast_precision_loss, reason = "ms since 1970 are far below 2^53")]
    let active_at = saved.active_at.map(|at| Moment(at as f64));
    model.active_at = active_at;
    model.agreed = saved.agreed;
    model.session = Session::resume(saved.visitor);
    model.draft = saved.draft;
    model.conversation = saved.conversation;
    model.unread = saved.unread;
    model.unsent = saved.waiting;
    if model.has_consent() {
        tabs::tell(&Word::Hello, out);
    }
    expire(model, now, out);
    if model.conversation.is_some() {
        model.history = History::Remembered;
    }
    out.push(Effect::Redraw(Region::Composer));
    out.push(Effect::Redraw(Region::Panel));
    at_kiosk(model, |model| kiosk::mounted(model, out));
    presence::mounted(model, is_new, saved.teaser_dismissed, out);
    if !is_kiosk(model) && (saved.open || model.config.mode != Mode::Launcher) {
        open(model, now, out);
    }
    outbox::flush(model, now, out);
}

fn is_kiosk(model: &Model) -> bool {
    model.config.mode == Mode::Kiosk
}

/// Opens it, at a kiosk for somebody new.
fn enter(model: &mut Model, now: Moment, out: &mut Effects) {
    if is_kiosk(model) {
        at_kiosk(model, |model| kiosk::begin(model, now, out));
    } else {
        open(model, now, out);
    }
}

/// Runs what only a kiosk does. Its part is there before one is mounted.
fn at_kiosk(model: &mut Model, run: impl FnOnce(&mut Model)) {
    if is_kiosk(model) {
        part::Kiosk::enter_again(|| run(model));
    }
}

/// Runs what only happens to a conversation in which something was said: its part
/// came with the first item.
fn with_items(model: &mut Model, run: impl FnOnce(&mut Model)) {
    if !model.items().is_empty() {
        part::Reply::enter_again(|| run(model));
    }
}

/// Cuts the wait short after which a broken reply is followed again.
fn hurry(model: &mut Model, now: Moment, out: &mut Effects) {
    if model.turn.is_some() {
        with_items(model, |model| stream::hurry(model, now, out));
    }
}

/// Deletes the conversation that was taken off the list, if one was.
fn commit(model: &mut Model, now: Moment, out: &mut Effects) {
    if model.drawer.removed.is_some() {
        part::Drawer::enter_again(|| drawer::commit(model, now, out));
    }
}

/// Empties the composer of files.
fn clear_files(model: &mut Model, out: &mut Effects) {
    if !model.tray.is_empty() {
        part::File::enter_again(|| file::clear(model, out));
    }
}

fn open(model: &mut Model, now: Moment, out: &mut Effects) {
    if model.open {
        return;
    }
    expire(model, now, out);
    model.open = true;
    presence::touched(model);
    if model.unread > 0 {
        set_unread(model, 0, out);
        tabs::tell(&Word::Seen, out);
    }
    save(model, out);
    out.push(Effect::Redraw(Region::Panel));
    out.push(Effect::Emit(HostEvent::Open));
    watch::look(model, out);
    look_for_relay(model, now, out);
}

/// Loads the transcript if there is one that is not here, or else asks who
/// answers, so that the header can say it.
fn look_for_relay(model: &mut Model, now: Moment, out: &mut Effects) {
    if !model.has_consent() {
        return;
    }
    match model.history {
        History::Remembered | History::Failed(_) => history::load(model, now, out),
        _ if model.agent.is_none() || model.trouble.is_some() => session::connect(model, out),
        _ => {}
    }
}

/// Forgets the conversation when nothing was said for longer than the page
/// wants it remembered.
fn expire(model: &mut Model, now: Moment, out: &mut Effects) {
    let Some((minutes, at)) = model.config.expire_minutes.zip(model.active_at) else { return };
    if model.turn.is_none() && now.0 - at.0 > f64::from(minutes) * 60_000.0 {
        model.draft.clear();
        model.active_at = None;
        consent::forget(model, out);
    }
}

fn set_unread(model: &mut Model, unread: u32, out: &mut Effects) {
    model.unread = unread;
    out.push(Effect::Redraw(Region::Panel));
    out.push(Effect::Emit(HostEvent::Unread(unread)));
}

/// The next who sits here is another: nothing of this visitor stays.
fn log_out(model: &mut Model, now: Moment, out: &mut Effects) {
    model.config.identity = Identity::Anonymous;
    model.draft.clear();
    clear_files(model, out);
    model.active_at = None;
    consent::forget(model, out);
    save(model, out);
    if model.open {
        look_for_relay(model, now, out);
        session::connect(model, out);
    }
}

/// The page is seen again: what broke meanwhile is taken up at once.
fn wake(model: &mut Model, now: Moment, out: &mut Effects) {
    hurry(model, now, out);
    if model.open && model.has_peers {
        tabs::tell(&Word::Seen, out);
    }
    if model.is_cut_off() {
        model.attempts = 0;
        outbox::reconnect(model, now, out);
    }
}

fn close(model: &mut Model, now: Moment, out: &mut Effects) {
    // Where there is no button, nothing could open it again.
    if !model.open || model.config.mode != Mode::Launcher {
        return;
    }
    drawer::close(model, now, out);
    model.open = false;
    presence::touched(model);
    save(model, out);
    out.push(Effect::Redraw(Region::Panel));
    out.push(Effect::Emit(HostEvent::Close));
}

fn start_conversation(model: &mut Model, conversation_id: &str, out: &mut Effects) {
    let Ok(id) = ConversationId::parse(conversation_id) else { return };
    // The old reply goes on at the relay: it belongs to its conversation.
    if let Some(turn) = model.turn.take() {
        out.push(Effect::AbortStream { turn: turn.id });
    }
    out.push(Effect::Emit(HostEvent::ConversationChange { id: id.as_str().to_owned() }));
    tabs::tell(&Word::Switched { conversation: id.clone(), is_new: true }, out);
    model.conversation = Some(id);
    model.history = History::Untouched;
    watch::forget(model, out);
    model.forget_items();
    model.draft.clear();
    clear_files(model, out);
    save(model, out);
    out.push(Effect::Redraw(Region::List));
    out.push(Effect::Redraw(Region::Composer));
}

/// Leaves the conversation without beginning another: the next message does.
fn clear(model: &mut Model, out: &mut Effects) {
    // The reply goes on at the relay: it belongs to its conversation.
    if let Some(turn) = model.turn.take() {
        out.push(Effect::AbortStream { turn: turn.id });
    }
    model.conversation = None;
    model.history = History::Untouched;
    model.forget_items();
    model.draft.clear();
    clear_files(model, out);
    save(model, out);
    out.push(Effect::Redraw(Region::List));
    out.push(Effect::Redraw(Region::Composer));
}

/// Begins again as with somebody who was never here.
fn reset(model: &mut Model, out: &mut Effects) {
    model.session = Session::resume(None);
    model.drawer = Drawer::default();
    presence::reset(model, out);
    clear(model, out);
    // Also the visitor token, which a record that is saved leaves as it is.
    out.push(Effect::Forget);
    out.push(Effect::Redraw(Region::Drawer));
}

fn set_online(model: &mut Model, online: bool, now: Moment, out: &mut Effects) {
    if model.online == online {
        return;
    }
    model.online = online;
    out.push(Effect::Redraw(Region::Header));
    out.push(Effect::Redraw(Region::Composer));
    if online {
        model.attempts = 0;
        if model.is_cut_off() {
            model.trouble = None;
        }
        hurry(model, now, out);
        outbox::flush(model, now, out);
        if model.open {
            look_for_relay(model, now, out);
        }
    }
}

fn ask_page(model: &mut Model, text: String, out: &mut Effects) {
    let request = model.fresh_request();
    model.page_asked = Some(PageAsked { request, text });
    out.push(Effect::StartTimer { timer: Timer::Page(request), after_ms: PAGE_TIMEOUT_MS });
    out.push(Effect::Redraw(Region::Composer));
}

fn page_decided(model: &mut Model, out: &mut Effects) {
    if model.page_asked.take().is_some() || std::mem::take(&mut model.is_unsent) {
        out.push(Effect::Redraw(Region::Composer));
    }
}

/// The page has not decided in time. A check that never ends has not passed: the
/// message is not sent, and not lost either.
fn page_is_late(model: &mut Model, request: RequestId, out: &mut Effects) {
    let Some(asked) = model.page_asked.take_if(|asked| asked.request == request) else { return };
    // One that the page sent by itself stands nowhere yet.
    if model.draft.is_empty() {
        model.draft = asked.text;
        save(model, out);
    }
    model.is_unsent = true;
    out.push(Effect::Redraw(Region::Composer));
    out.push(Effect::Announce(Announcement::NotSent));
    out.push(Effect::Emit(HostEvent::Error(Failure::retryable(Reason::Timeout))));
}

fn save(model: &Model, out: &mut Effects) {
    if model.has_consent() {
        out.push(Effect::Save(model.to_save()));
    }
}
