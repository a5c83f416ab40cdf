//! The round button. The loader drew the same one before; see style/launcher.css.

use leptos::ev;
use leptos::html::button;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use super::scene::{Scene, word};
use super::strings::Text;
use crate::engine::Event;

/// The launcher.
pub(super) fn launcher(scene: Scene, is_open: Memo<bool>) -> AnyView {
    let press = move |_| {
        let event = if is_open.get_untracked() { Event::Closed } else { Event::Opened };
        scene.store.dispatch(event);
    };
    button()
        .node_ref(scene.launcher)
        .class("cw-launcher")
        .part("launcher")
        .r#type("button")
        .aria_haspopup("dialog")
        .aria_expanded(word(move || if is_open.get() { "true" } else { "false" }))
        .aria_label(word(move || if is_open.get() { Text::CloseChat.get() } else { Text::OpenChat.get() }))
        .on(ev::click, press)
        .child((icon(Icon::Chat), icon(Icon::Down)))
        .into_any()
}
