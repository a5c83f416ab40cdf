//! The round button. The loader drew the same one before; see style/launcher.css.

use leptos::prelude::*;

use super::dom::{El, icon};
use super::icon::Icon;
use super::scene::Scene;
use super::strings::Text;
use crate::engine::Event;

/// Draws the launcher.
pub(super) fn launcher(scene: Scene, place: El, is_open: Memo<bool>) -> El {
    let press = move |_| {
        let event = if is_open.get_untracked() { Event::Closed } else { Event::Opened };
        scene.store.dispatch(event);
    };
    place
        .set("part", "launcher")
        .set("type", "button")
        .set("aria-haspopup", "dialog")
        .live("aria-expanded", move || if is_open.get() { "true" } else { "false" })
        .live("aria-label", move || scene.text(if is_open.get() { Text::CloseChat } else { Text::OpenChat }))
        .on("click", press)
        .add(&icon(Icon::Chat))
        .add(&icon(Icon::Down))
}
