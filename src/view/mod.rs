//! Pixels and accessibility: reads the store's regions, sends intents, and
//! neither fetches nor stores. The host room mounts [`Widget`] into a `<div>`
//! within the shadow root.
//!
//! No markup is ever made out of a string. The views are written with leptos'
//! builders, since `view!` turns subtrees without anything dynamic into
//! `innerHTML`, which pages with Trusted Types refuse; Markdown is drawn node by
//! node in [`markdown`].

mod banner;
mod clipboard;
mod composer;
mod dom;
mod failure;
mod header;
mod icon;
mod launcher;
mod markdown;
mod panel;
mod question;
mod reply;
mod scene;
mod strings;
mod time;
mod transcript;
mod voice;
mod welcome;

use leptos::ev::{self, Custom};
use leptos::html::div;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, KeyboardEvent, WheelEvent};

use self::scene::{Scene, focus, focused, part};
use crate::engine::{Event, Region};
use crate::shell::store::Store;

/// The widget: launcher, panel, and the region for screen readers.
#[expect(non_snake_case, reason = "it is a component, with one property")]
pub fn Widget(store: Store) -> impl IntoView {
    let scene = Scene::new(store);
    let is_open = Memo::new(move |_| store.read(Region::Panel, |model| model.open).unwrap_or_default());
    // Drawn with the first opening: a page where nobody chats pays nothing.
    let was_opened = Memo::new(move |before: Option<&bool>| before == Some(&true) || is_open.get());
    let mut wheel = Custom::<WheelEvent>::new("wheel");
    wheel.options_mut().set_passive(true);
    div()
        .class("cw-app")
        .on(ev::keydown, move |event: KeyboardEvent| {
            event.stop_propagation();
            pressed(scene, &event);
        })
        // The page's shortcuts are not meant for what is typed in here.
        .on(ev::keyup, |event: KeyboardEvent| event.stop_propagation())
        .on(ev::keypress, |event: KeyboardEvent| event.stop_propagation())
        .on(ev::paste, |event: web_sys::ClipboardEvent| event.stop_propagation())
        .on(wheel, |event: WheelEvent| event.stop_propagation())
        .child((
            part(move || if was_opened.get() { panel::panel(scene, is_open) } else { ().into_any() }),
            launcher::launcher(scene, is_open),
            voice::voice(scene),
        ))
        .into_any()
}

fn pressed(scene: Scene, event: &KeyboardEvent) {
    let Some(panel) = event.target().and_then(panel_around) else { return };
    match event.key().as_str() {
        // An input method's Escape gives up a word.
        "Escape" if !event.is_composing() => {
            event.prevent_default();
            scene.store.dispatch(Event::Closed);
        }
        "F6" => {
            event.prevent_default();
            swap_focus(scene);
        }
        "Tab" if scene.is_sheet.get_untracked() => keep_focus(&panel, event),
        _ => {}
    }
}

fn panel_around(target: web_sys::EventTarget) -> Option<HtmlElement> {
    let panel = target.dyn_into::<Element>().ok()?.closest(".cw-panel").ok()??;
    panel.dyn_into().ok()
}

/// From the composer to the transcript, from anywhere else to the composer.
fn swap_focus(scene: Scene) {
    let (Some(log), Some(input)) = (scene.log.get_untracked(), scene.input.get_untracked()) else { return };
    let is_in_input = focused(&input).is_some_and(|element| element.is_same_node(Some(&input)));
    if is_in_input { focus(&log) } else { focus(&input) }
}

/// In a sheet there is nothing beside the panel that could be seen, so the
/// focus goes round within it.
fn keep_focus(panel: &HtmlElement, event: &KeyboardEvent) {
    const STOPS: &str = "button, textarea, a[href], summary, [tabindex='0']";
    let Ok(stops) = panel.query_selector_all(STOPS) else { return };
    let stop = |index: u32| stops.item(index).and_then(|node| node.dyn_into::<HtmlElement>().ok());
    let (Some(first), Some(last)) = (stop(0), stop(stops.length().saturating_sub(1))) else { return };
    let (edge, next) = if event.shift_key() { (&first, &last) } else { (&last, &first) };
    let is_at_edge = focused(panel).is_some_and(|element| {
        element.is_same_node(Some(edge)) || (event.shift_key() && element.is_same_node(Some(panel)))
    });
    if is_at_edge {
        event.prevent_default();
        focus(next);
    }
}
