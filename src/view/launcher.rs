//! The round button, and what stands at it: a badge, and a few words of the page.
//! The loader drew the same button before; see style/launcher.css.

use super::dom::{El, button, el, icon};
use super::icon::Icon;
use super::scene::Scene;
use super::strings::Text;
use super::time;
use super::value::Derived;
use crate::engine::{Event, Model, Region, TeaserState};

/// Draws the launcher, unless the page has one of its own.
pub(super) fn launcher(scene: Scene, place: El, is_open: Derived<bool>) -> El {
    let press = move |_| {
        let event = if is_open.peek() { Event::Closed } else { Event::Opened };
        scene.store.dispatch(event);
    };
    let own_label = move || scene.store.read(Region::Header, |model| model.config.launcher.label.clone());
    let unread = Derived::new(move || {
        let count = |model: &Model| if model.open { 0 } else { model.unread };
        scene.store.read(Region::Panel, count).unwrap_or_default() as usize
    });
    let label = move || {
        if is_open.get() {
            return scene.text(Text::CloseChat);
        }
        let mut label = own_label().flatten().unwrap_or_else(|| scene.text(Text::OpenChat));
        let unread = unread.get();
        if unread > 0 {
            label.push_str(": ");
            label.push_str(&time::count(scene, Text::NewAnswers, unread));
        }
        label
    };
    let is_hidden = move |model: &Model| model.config.launcher.is_hidden;
    let is_hidden = move || scene.store.read(Region::Header, is_hidden).unwrap_or_default();
    let button = place
        .set("part", "launcher")
        .set("type", "button")
        .set("aria-haspopup", "dialog")
        .live("aria-expanded", move || if is_open.get() { "true" } else { "false" })
        .live("aria-label", label)
        .on("click", press)
        .part(move || Some(picture(scene).unwrap_or_else(|| icon(Icon::CHAT))))
        .add(&icon(Icon::DOWN))
        .part(move || badge(scene, unread.get()));
    el("div", "cw-corner")
        .live("data-hidden", move || if is_hidden() { "true" } else { "false" })
        .part(move || teaser(scene))
        .add(&button)
}

/// How many replies nobody has seen. The button's name says it in words.
fn badge(scene: Scene, unread: usize) -> Option<El> {
    let badge = el("span", "cw-badge").set("part", "badge").set("aria-hidden", "true");
    (unread > 0).then(|| badge.text(&time::number(scene, unread)))
}

/// The page's own picture in the launcher.
fn picture(scene: Scene) -> Option<El> {
    let icon = scene.store.read(Region::Header, |model| model.config.launcher.icon.clone())??;
    Some(el("img", "cw-icon").set("alt", "").set("src", &icon))
}

/// A few words beside the launcher: pressed they open the panel, put away they
/// never come again.
fn teaser(scene: Scene) -> Option<El> {
    let words = scene.store.read(Region::Panel, |model| {
        let is_shown = model.teaser == TeaserState::Shown;
        model.config.teaser.as_ref().filter(|_| is_shown).map(|teaser| teaser.text.clone())
    })??;
    let open = button("cw-teaser-text", move |_| scene.store.dispatch(Event::Opened))
        .set("dir", "auto")
        .text(&words);
    let dismiss = move |_| {
        scene.store.dispatch(Event::TeaserDismissed);
        if let Some(places) = scene.places() {
            super::scene::focus(&places.launcher.html());
        }
    };
    let dismiss =
        button("cw-teaser-dismiss", dismiss).label(&scene.text(Text::DismissTeaser)).add(&icon(Icon::CLOSE));
    Some(el("div", "cw-teaser").set("part", "teaser").set("role", "status").add(&open).add(&dismiss))
}
