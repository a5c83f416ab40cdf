//! One line between header and transcript for what concerns the whole
//! conversation: no network, the relay refuses, the transcript is loading.

use super::dom::{El, Slot, button, effect, el, icon};
use super::icon::Icon;
use super::scene::Scene;
use super::strings::Text;
use crate::engine::{Connection, Event, History, Model, Region};

/// An icon, what is said, and whether the visitor may try again.
type Notice = (Option<Icon>, Text, bool);

/// Draws the banner's place. It is always there, so that a screen reader
/// notices what comes into it, and changes only when there is something else
/// to say.
pub(super) fn banner(scene: Scene) -> El {
    let place = el("div", "cw-banner-place").set("role", "status");
    let (mut slot, mut shown) = (Slot::of(&place), None);
    effect(move || {
        // The history is shown with the list, the connection with the header.
        let history = scene.store.read(Region::List, notice_of_history).flatten();
        let notice = scene.store.read(Region::Header, notice_of_connection).flatten().or(history);
        if std::mem::replace(&mut shown, notice) != notice {
            slot.draw(&mut || {
                let (drawn, text, can_retry) = notice?;
                let line = el("div", "cw-banner").set("part", "banner").maybe(drawn.map(icon));
                let line = line.add(&el("span", "").text(&scene.text(text)));
                Some(line.maybe(can_retry.then(|| retry(scene))))
            });
        }
    });
    place
}

fn retry(scene: Scene) -> El {
    let press = move |_| scene.store.dispatch(Event::ReconnectPressed);
    button("cw-text-button", press).text(&scene.text(Text::TryAgain))
}

fn notice_of_connection(model: &Model) -> Option<Notice> {
    match model.connection() {
        Connection::Offline => Some((Some(Icon::OFFLINE), Text::Offline, false)),
        // A failure that belongs to a message is told there.
        Connection::Trouble(failure) if model.items().is_empty() || model.is_cut_off() => {
            Some((Some(Icon::WARNING), Text::of(failure.reason), failure.retry))
        }
        _ => None,
    }
}

fn notice_of_history(model: &Model) -> Option<Notice> {
    match &model.history {
        History::Loading { .. } if model.items().is_empty() => Some((None, Text::HistoryLoading, false)),
        History::Failed(failure) => Some((Some(Icon::WARNING), Text::HistoryFailed, failure.retry)),
        _ => None,
    }
}
