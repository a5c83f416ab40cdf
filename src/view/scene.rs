//! What every part of the view is given: the store, the elements that get the
//! focus, and the voice for screen readers.

use std::rc::Rc;
use std::time::Duration;

use js_sys::{Function, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Element, HtmlElement, Node, ShadowRoot};

use super::dom::{El, append, el};
use super::strings::{Speech, Text, Words};
use super::value::Value;
use crate::engine::{Mode, Model};
use crate::shell::store::{Kept, Store};

/// The store and the shared elements of one mounted widget. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    /// The widget's state.
    pub(super) store: Store,
    /// Whether the panel fills the window, as on a phone.
    pub(super) is_sheet: Value<bool>,
    places: Kept<Places>,
    speech: Speech,
}

/// The elements that more than one part of the view has to do with.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The round button.
    pub(super) launcher: El,
    /// The header's button that opens the history.
    pub(super) history: El,
    /// The transcript's scroll area.
    pub(super) log: El,
    /// The text field.
    pub(super) input: El,
    /// The hidden region that screen readers follow.
    pub(super) voice: El,
}

/// Most sentences that stay in the hidden region. They are read when they
/// come; a few stay for those who look them up.
const MAX_SENTENCES: u32 = 6;

impl Scene {
    /// A scene around a store.
    pub(super) fn new(store: Store, speech: Speech) -> Self {
        let places = Places {
            launcher: el("button", "cw-launcher"),
            history: el("button", "cw-icon-button"),
            log: el("div", "cw-log"),
            input: el("textarea", "cw-input"),
            voice: el("div", "cw-hidden"),
        };
        Self { store, is_sheet: Value::new(false), places: Kept::new(places), speech }
    }

    /// What the widget says; English once it is gone.
    pub(super) fn words(self) -> Rc<Words> {
        self.speech.words()
    }

    /// The words for a text.
    pub(super) fn text(self, text: Text) -> String {
        self.words().text(text).to_owned()
    }

    /// The words for a text with a value in the place of the `%`.
    pub(super) fn text_with(self, text: Text, value: &str) -> String {
        self.words().with(text, value)
    }

    /// The shared elements; nothing once the widget is gone.
    pub(super) fn places(self) -> Option<Rc<Places>> {
        self.places.get()
    }

    /// Says something to a screen reader, after what is being said.
    pub(super) fn say(self, sentence: &str) {
        let Some(places) = self.places() else { return };
        let voice = &places.voice;
        append(voice, &el("p", "").text(sentence));
        if voice.child_element_count() > MAX_SENTENCES
            && let Some(oldest) = voice.first_element_child()
        {
            oldest.remove();
        }
    }

    /// Whether it is a screen in a hall.
    pub(super) fn is_kiosk(self) -> bool {
        self.store.peek(|model| model.config.mode == Mode::Kiosk).unwrap_or_default()
    }

    /// Moves the focus to where the next message is written. On a device with a
    /// keyboard on the screen, which would come up unasked, and where no message
    /// is taken any more, to the transcript.
    pub(super) fn focus_input(self) {
        let Some(places) = self.places() else { return };
        let is_closed = self.store.peek(Model::is_closed).unwrap_or_default();
        focus(
            &if is_closed || (is_touch_first() && !self.is_kiosk()) { &places.log } else { &places.input }
                .html(),
        );
    }
}

/// Moves the focus without scrolling the page to it.
pub(super) fn focus(element: &HtmlElement) {
    let options = web_sys::FocusOptions::new();
    options.set_prevent_scroll(true);
    // Browsers fail here only for elements of a page that is gone.
    let _ = element.focus_with_options(&options);
}

/// The element within the widget that has the focus.
pub(super) fn focused(within: &Element) -> Option<Element> {
    within.get_root_node().dyn_ref::<ShadowRoot>()?.active_element()
}

/// The nodes at which what is selected within the widget begins and ends. Of
/// an element in a shadow tree only its root knows in Chromium, and only the
/// document elsewhere.
pub(super) fn selected(within: &Element) -> [Option<Node>; 2] {
    let member = |of: &JsValue, name: &str| Reflect::get(of, &JsValue::from_str(name)).ok();
    let selection = |of: &JsValue| {
        let method = member(of, "getSelection")?.dyn_into::<Function>().ok()?;
        method.call0(of).ok().filter(JsValue::is_object)
    };
    let selection = selection(&within.get_root_node()).or_else(|| selection(&document()));
    let selection = selection.filter(|of| member(of, "isCollapsed") == Some(JsValue::FALSE));
    ["anchorNode", "focusNode"].map(|name| member(selection.as_ref()?, name)?.dyn_into().ok())
}

/// Whether the page was opened on a device whose first pointer is a finger.
pub(super) fn is_touch_first() -> bool {
    matches_media("(pointer: coarse)")
}

/// Whether a media query holds.
pub(super) fn matches_media(query: &str) -> bool {
    window().match_media(query).ok().flatten().is_some_and(|answer| answer.matches())
}

/// Runs something once, after a wait. The widget may be gone by then.
pub(super) fn after(milliseconds: u64, run: impl FnOnce() + 'static) {
    set_timeout(run, Duration::from_millis(milliseconds));
}
