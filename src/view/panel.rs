//! The panel: a dialog beside the page on a desk, a sheet over it on a phone; or
//! a region of the page, where the page gave it a place.

use js_sys::Reflect;
use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{EventTarget, HtmlElement, ShadowRoot};

use super::attach::take_drops;
use super::banner::banner;
use super::composer::composer;
use super::consent::consent;
use super::dom::{El, append, effect, el, listen, set};
use super::drawer::keep_drawer;
use super::header::{header, name};
use super::log::log;
use super::scene::{Places, Scene, focus, focused, is_touch_first, matches_media};
use super::standing::{standing, standing_of};
use super::value::Derived;
use crate::engine::{Mode, Region};

/// When the panel fills the window; the same words as in style/widget/mode.css.
const SHEET: &str = "(max-width: 479.98px), (max-height: 439.98px)";

/// Draws the panel. It stays where it is when it is closed, hidden, so that it
/// opens again at once and where the reader was.
pub(super) fn panel(scene: Scene, places: &Places, mode: Mode) -> El {
    let store = scene.store;
    let is_empty = move || store.read(Region::List, |model| model.items().is_empty()).unwrap_or(true);
    let is_empty = Derived::new(is_empty);
    let panel = el("section", "cw-panel")
        .set("part", "panel")
        .set("role", if mode == Mode::Inline { "region" } else { "dialog" })
        .set("tabindex", "-1")
        .live("data-standing", move || standing_of(scene));
    let panel = if mode == Mode::Inline {
        panel
    } else {
        panel.live("aria-modal", move || if scene.is_sheet.get() { "true" } else { "false" })
    };
    let below = vec![
        header(scene, is_empty, mode),
        banner(scene),
        log(scene, places.log.clone(), is_empty),
        standing(scene),
        consent(scene),
        composer(scene, places.input.clone()),
    ];
    for part in &below {
        append(&panel, part);
    }
    take_drops(scene, &panel);
    keep_drawer(scene, &panel, below);
    let named = panel.clone();
    effect(move || set(&named, "aria-label", &name(scene)));
    if mode != Mode::Inline {
        follow_viewport(scene, panel.html(), mode);
    }
    panel
}

/// Opens or closes the panel as the model says, once it is in the page.
///
/// One that stands open from the start, as within an element of the page or drawn
/// anew in another language, takes no focus: nobody has opened it.
pub(super) fn keep_open(scene: Scene, panel: &El, is_open: Derived<bool>, is_standing: bool) {
    let panel = panel.html();
    let (mut was, mut returns_to) = (is_standing.then_some(true), None);
    let mut asked = scene.store.peek(|model| model.focus_asked).filter(|_| is_standing).unwrap_or_default();
    let shown = panel.clone();
    effect(move || {
        let is = is_open.get();
        if was.replace(is) != Some(is) {
            if is {
                returns_to = document().active_element().and_then(|element| element.dyn_into().ok());
                show(scene, &panel);
            } else {
                hide(scene, &panel, returns_to.take());
            }
        }
    });
    effect(move || {
        let now = scene.store.read(Region::Focus, |model| model.focus_asked).unwrap_or_default();
        if std::mem::replace(&mut asked, now) < now
            && !shown.hidden()
            && let Some(places) = scene.places()
        {
            focus(&places.input.html());
        }
    });
}

fn show(scene: Scene, panel: &HtmlElement) {
    panel.set_hidden(false);
    // A panel that opens by itself, after a reload say, takes nothing away from
    // the page; one that the visitor opened gets the focus.
    if is_asked_for(panel) {
        if is_touch_first() { focus(panel) } else { scene.focus_input() }
    }
}

/// Puts the panel away, and the focus back to where it was taken from: an element
/// of the page, or else the launcher.
fn hide(scene: Scene, panel: &HtmlElement, returns_to: Option<HtmlElement>) {
    let had_focus = focused(panel).is_some_and(|element| panel.contains(Some(&element)));
    panel.set_hidden(true);
    let Some(places) = scene.places().filter(|_| had_focus) else { return };
    let own = panel.get_root_node().dyn_ref::<ShadowRoot>().map(ShadowRoot::host);
    let is_elsewhere = |element: &HtmlElement| {
        let is_own = own.as_ref().is_some_and(|own| own.is_same_node(Some(element)));
        !is_own && element.is_connected() && element.tag_name() != "BODY"
    };
    let launcher = places.launcher.html();
    focus(&returns_to.filter(is_elsewhere).unwrap_or(launcher));
}

/// Whether the visitor's hand is behind it: they just did something, or the
/// focus is within the widget already.
fn is_asked_for(panel: &HtmlElement) -> bool {
    let member = |of: &JsValue, name: &str| Reflect::get(of, &JsValue::from_str(name)).ok();
    let activation = member(&window().navigator(), "userActivation").filter(JsValue::is_object);
    let is_active = activation.and_then(|activation| member(&activation, "isActive"));
    is_active.is_some_and(|is_active| is_active.is_truthy()) || focused(panel).is_some()
}

/// Gives the sheet the part of the window that a phone's keyboard leaves free.
fn follow_viewport(scene: Scene, panel: HtmlElement, mode: Mode) {
    let fit = move || {
        scene.is_sheet.set(mode == Mode::Fullscreen || matches_media(SHEET));
        if let Some(viewport) = window().visual_viewport() {
            let style = panel.style();
            // Browsers refuse only names and values that are no CSS.
            let _ = style.set_property("--_height", &px(viewport.height()));
            let _ = style.set_property("--_top", &px(viewport.offset_top()));
        }
    };
    fit();
    let target = window().visual_viewport().map_or_else(|| window().into(), EventTarget::from);
    let again = fit.clone();
    listen(&target, "resize", move |_| fit());
    listen(&target, "scroll", move |_| again());
}

fn px(length: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a length on a screen")]
    let mut text = (length.round() as i32).to_string();
    text.push_str("px");
    text
}
