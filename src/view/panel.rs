//! The panel: a dialog beside the page on a desk, a sheet over it on a phone.

use leptos::html::section;
use leptos::prelude::*;
use web_sys::HtmlElement;

use super::banner::banner;
use super::composer::composer;
use super::header::{header, title};
use super::scene::{Scene, focus, focused, is_touch_first, listen, matches_media, words};
use super::transcript::transcript;
use crate::engine::Region;

/// When the panel fills the window; the same words as in style/widget.css.
const SHEET: &str = "(max-width: 479.98px), (max-height: 439.98px)";

/// The panel. It stays where it is when it is closed, hidden, so that it opens
/// again at once and where the reader was.
pub(super) fn panel(scene: Scene, is_open: Memo<bool>) -> AnyView {
    let store = scene.store;
    let place = NodeRef::<leptos::html::Section>::new();
    Effect::new(move |was: Option<bool>| {
        let is = is_open.get();
        let Some(panel) = place.get() else { return false };
        if was != Some(is) {
            if is { show(scene, &panel) } else { hide(scene, &panel) }
        }
        is
    });
    Effect::new(move || {
        if let Some(panel) = place.get() {
            follow_viewport(scene, panel);
        }
    });
    let name = move || store.read(Region::Header, |model| title(model).to_owned()).unwrap_or_default();
    section()
        .node_ref(place)
        .class("cw-panel")
        .part("panel")
        .role("dialog")
        .aria_label(words(name))
        .aria_modal(Signal::derive(move || scene.is_sheet.get().then_some("true")))
        .tabindex("-1")
        .child((header(scene), banner(scene), transcript(scene), composer(scene)))
        .into_any()
}

fn show(scene: Scene, panel: &HtmlElement) {
    panel.set_hidden(false);
    // A panel that opens by itself, after a reload say, takes nothing away from
    // the page; one that the visitor opened gets the focus.
    if !is_asked_for(panel) {
        return;
    }
    if is_touch_first() {
        focus(panel);
    } else {
        scene.focus_input();
    }
}

fn hide(scene: Scene, panel: &HtmlElement) {
    let had_focus = focused(panel).is_some_and(|element| panel.contains(Some(&element)));
    panel.set_hidden(true);
    if let Some(launcher) = scene.launcher.get_untracked()
        && had_focus
    {
        focus(&launcher);
    }
}

/// Whether the visitor's hand is behind it: they just did something, or the
/// focus is within the widget already.
fn is_asked_for(panel: &HtmlElement) -> bool {
    let key = wasm_bindgen::JsValue::from_str;
    let activation = js_sys::Reflect::get(&window().navigator(), &key("userActivation")).ok();
    let is_active = activation
        .filter(wasm_bindgen::JsValue::is_object)
        .and_then(|activation| js_sys::Reflect::get(&activation, &key("isActive")).ok());
    is_active.is_some_and(|is_active| is_active.is_truthy()) || focused(panel).is_some()
}

/// Gives the sheet the part of the window that a phone's keyboard leaves free.
fn follow_viewport(scene: Scene, panel: HtmlElement) {
    let fit = move || {
        scene.is_sheet.try_set(matches_media(SHEET));
        if let Some(viewport) = window().visual_viewport() {
            let style = panel.style();
            // Browsers refuse only names and values that are no CSS.
            let _ = style.set_property("--_height", &px(viewport.height()));
            let _ = style.set_property("--_top", &px(viewport.offset_top()));
        }
    };
    fit();
    match window().visual_viewport() {
        Some(viewport) => {
            listen(&viewport, "resize", fit.clone());
            listen(&viewport, "scroll", fit);
        }
        None => listen(&window(), "resize", fit),
    }
}

fn px(length: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a length on a screen")]
    let mut text = (length.round() as i32).to_string();
    text.push_str("px");
    text
}
