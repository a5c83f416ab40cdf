//! One line between header and transcript for what concerns the whole
//! conversation: no network, the relay refuses, the transcript is loading.

use super::dom::{El, append, effect, el, icon};
use super::icon::Icon;
use super::scene::Scene;
use super::strings::Text;
use crate::engine::{Connection, History, Model, Region};

type Notice = (Option<Icon>, Text);

/// Draws the banner's place. It is always there, so that a screen reader
/// notices what comes into it, and changes only when there is something else
/// to say.
pub(super) fn banner(scene: Scene) -> El {
    let place = el("div", "cw-banner-place").set("role", "status");
    let (shown_in, mut shown) = (place.clone(), None);
    effect(move || {
        // The history is shown with the list, the connection with the header.
        let history = scene.store.read(Region::List, notice_of_history).flatten();
        let notice = scene.store.read(Region::Header, notice_of_connection).flatten().or(history);
        if std::mem::replace(&mut shown, notice) != notice {
            shown_in.set_text_content(None);
            if let Some((drawn, text)) = notice {
                let line = el("div", "cw-banner").set("part", "banner").maybe(drawn.map(icon));
                append(&shown_in, &line.add(&el("span", "").text(&scene.text(text))));
            }
        }
    });
    place
}

fn notice_of_connection(model: &Model) -> Option<Notice> {
    match model.connection() {
        Connection::Offline => Some((Some(Icon::Offline), Text::Offline)),
        // A failure that belongs to a message is told there.
        Connection::Trouble(failure) if model.items().is_empty() => {
            Some((Some(Icon::Warning), Text::of(failure.reason)))
        }
        _ => None,
    }
}

fn notice_of_history(model: &Model) -> Option<Notice> {
    match &model.history {
        History::Loading { .. } if model.items().is_empty() => Some((None, Text::HistoryLoading)),
        History::Failed(_) => Some((Some(Icon::Warning), Text::HistoryFailed)),
        _ => None,
    }
}
