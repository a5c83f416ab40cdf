//! One line between header and transcript for what concerns the whole
//! conversation: no network, the relay refuses, the transcript is loading.

use leptos::html::{div, span};
use leptos::prelude::*;

use super::icon::{Icon, icon};
use super::scene::{Scene, part};
use super::strings::Text;
use crate::engine::{Connection, History, Model, Region};

/// The banner; nothing while all is well.
pub(super) fn banner(scene: Scene) -> AnyView {
    let notice = Memo::new(move |_| {
        // The history is shown by the list, the connection by the header.
        let history = scene.store.read(Region::List, notice_of_history).flatten();
        scene.store.read(Region::Header, notice_of_connection).flatten().or(history)
    });
    let draw = move || match notice.get() {
        None => ().into_any(),
        Some((drawn, text)) => {
            div().class("cw-banner").child((drawn.map(icon), span().child(text.get()))).into_any()
        }
    };
    // Always there, so that a screen reader notices what comes into it.
    div().role("status").class("cw-banner-place").child(part(draw)).into_any()
}

type Notice = (Option<Icon>, Text);

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
