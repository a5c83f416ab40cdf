//! Pixels and accessibility: reads the store's regions, sends intents, and
//! neither fetches nor stores. The host room makes a `<div>` within the
//! shadow root, into which [`Widget`] draws.
//!
//! No markup is ever made out of a string: `view!` would turn subtrees without
//! anything dynamic into `innerHTML`, which pages with Trusted Types refuse. All
//! is drawn node by node with the pen of [`dom`], under leptos' owners, signals
//! and effects.

mod attach;
mod attachment;
mod banner;
mod clipboard;
mod composer;
mod consent;
mod dom;
mod drawer;
mod export;
mod failure;
mod file;
mod header;
mod icon;
mod kiosk;
mod later;
mod launcher;
mod listing;
mod log;
mod markdown;
mod menu;
mod panel;
mod question;
mod rating;
mod reply;
mod rows;
mod scene;
mod standing;
pub mod strings;
mod time;
mod transcript;
mod value;
mod voice;
mod welcome;
mod window;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use self::dom::{El, effect};
use self::scene::{Places, Scene, focus, focused};
use self::strings::Speech;
use self::value::Derived;
use crate::engine::part::{self, Lazy as _};
use crate::engine::{Event, Mode, Region};
use crate::shell::store::Store;

/// The widget: launcher, panel, and the region for screen readers, drawn into `root`.
#[expect(non_snake_case, reason = "it is a component, with three properties")]
pub fn Widget(root: Element, store: Store, speech: Speech) -> impl IntoView {
    fill(&El::of(root), store, speech);
}

/// Draws everything, and draws it anew in another language: what stands on the
/// screen is words from top to bottom, and nothing that has to stay is kept there.
fn fill(root: &El, store: Store, speech: Speech) {
    let Some(owner) = Owner::current().map(|owner| owner.child()) else { return };
    let (root, mut is_again) = (root.clone(), false);
    effect(move || {
        speech.track();
        store.read(Region::Visit, |_| ());
        let had_focus = focused(&root).is_some();
        owner.cleanup();
        root.set_text_content(None);
        let scene = owner.with(|| untrack(|| draw(&root, Scene::new(store, speech), is_again)));
        if had_focus {
            scene.focus_input();
        }
        is_again = true;
    });
}

fn draw(root: &El, scene: Scene, is_again: bool) -> Scene {
    let store = scene.store;
    let Some(places) = scene.places() else { return scene };
    store.on_transcript(move |format| export::transcript_of(scene, format));
    let is_open = Derived::new(move || store.read(Region::Panel, |model| model.open).unwrap_or_default());
    let launcher = launcher::launcher(scene, places.launcher.clone(), is_open);
    let mode = store.peek(|model| model.config.mode).unwrap_or_default();
    let voice = voice::voice(scene, places.voice.clone());
    keep_to_ourselves(root, scene);
    if mode == Mode::Kiosk {
        part::Kiosk::enter_again(|| kiosk::kiosk(root, scene, &places));
        dom::append(root, &voice);
        return scene;
    }
    if mode == Mode::Launcher {
        dom::append(root, &launcher);
    }
    dom::append(root, &voice);
    // Drawn with the first opening: a page where nobody chats pays nothing.
    let Some(owner) = Owner::current().map(|owner| owner.child()) else { return scene };
    let (root, mut drawn) = (root.clone(), Some(places));
    effect(move || {
        if is_open.get()
            && let Some(places) = drawn.take()
        {
            owner.with(|| {
                untrack(|| {
                    let panel = panel::panel(scene, &places, mode);
                    // Before the launcher, which closes it: so they follow in the order of Tab.
                    let _ = root.insert_before(&panel, root.first_child().as_ref());
                    panel::keep_open(scene, &panel, is_open, is_again || mode == Mode::Inline);
                });
            });
        }
    });
    scene
}

/// The page's shortcuts are not meant for what is typed in here.
fn keep_to_ourselves(root: &El, scene: Scene) {
    dom::listen(root, "keydown", move |event| {
        event.stop_propagation();
        pressed(scene, event.unchecked_ref());
    });
    for name in ["keyup", "keypress", "paste", "wheel"] {
        dom::listen(root, name, |event| event.stop_propagation());
    }
}

fn pressed(scene: Scene, event: &KeyboardEvent) {
    let Some(panel) = event.target().and_then(panel_around) else { return };
    match event.key().as_str() {
        // An input method's Escape gives up a word.
        "Escape" if !event.is_composing() && closes(scene) => {
            event.prevent_default();
            scene.store.dispatch(Event::Closed);
        }
        "F6" => {
            event.prevent_default();
            swap_focus(scene);
        }
        "Tab" if scene.is_sheet.peek() => keep_focus(&panel, event),
        _ => {}
    }
}

/// Whether there is a button that would open it again.
fn closes(scene: Scene) -> bool {
    scene.store.peek(|model| model.config.mode == Mode::Launcher).unwrap_or_default()
}

fn panel_around(target: web_sys::EventTarget) -> Option<HtmlElement> {
    // What lies over the panel keeps the focus for itself.
    let panel = target.dyn_into::<Element>().ok()?.closest(".cw-drawer, .cw-panel").ok()??;
    panel.dyn_into().ok()
}

/// From the composer to the transcript, from anywhere else to the composer.
fn swap_focus(scene: Scene) {
    let Some(places) = scene.places() else { return };
    let Places { log, input, .. } = &*places;
    let is_in_input = focused(input).is_some_and(|element| element.is_same_node(Some(input)));
    focus(&if is_in_input { log } else { input }.html());
}

/// In a sheet there is nothing beside the panel that could be seen, so the
/// focus goes round within it.
fn keep_focus(panel: &HtmlElement, event: &KeyboardEvent) {
    const STOPS: &str = "button, input, textarea, a[href], summary, [tabindex='0']";
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
