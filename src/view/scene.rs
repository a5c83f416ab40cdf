//! What every part of the view is given: the store, the places that get the
//! focus, and the voice for screen readers.

use std::time::Duration;

use leptos::html::{Button, Div, Textarea};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, EventTarget, HtmlElement, ShadowRoot};

use super::dom;
use crate::shell::store::Store;

/// The store and the shared nodes of one mounted widget. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    /// The widget's state.
    pub(super) store: Store,
    /// The launcher.
    pub(super) launcher: NodeRef<Button>,
    /// The transcript's scroll area.
    pub(super) log: NodeRef<Div>,
    /// The text field.
    pub(super) input: NodeRef<Textarea>,
    /// The hidden region that screen readers follow.
    pub(super) voice: NodeRef<Div>,
    /// Whether the panel fills the window, as on a phone.
    pub(super) is_sheet: RwSignal<bool>,
}

/// Most sentences that stay in the hidden region. They are read when they
/// come; a few stay for those who look it up.
const MAX_SENTENCES: u32 = 6;

impl Scene {
    /// A scene around a store.
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            launcher: NodeRef::new(),
            log: NodeRef::new(),
            input: NodeRef::new(),
            voice: NodeRef::new(),
            is_sheet: RwSignal::new(false),
        }
    }

    /// Says something to a screen reader, after what is being said.
    pub(super) fn say(&self, sentence: &str) {
        let Some(region) = self.voice.try_get_untracked().flatten() else { return };
        let line = dom::element("p", "");
        dom::append(&line, &dom::text(sentence));
        dom::append(&region, &line);
        if region.child_element_count() > MAX_SENTENCES
            && let Some(oldest) = region.first_element_child()
        {
            oldest.remove();
        }
    }

    /// Moves the focus to the text field.
    pub(super) fn focus_input(&self) {
        if let Some(input) = self.input.try_get_untracked().flatten() {
            focus(&input);
        }
    }

    /// The same after a button in the transcript was pressed that is about to
    /// go away, so that the focus is not lost with it.
    pub(super) fn focus_input_unless_touch(&self) {
        if is_touch_first() {
            if let Some(log) = self.log.try_get_untracked().flatten() {
                focus(&log);
            }
        } else {
            self.focus_input();
        }
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
pub(super) fn focused(within: &HtmlElement) -> Option<Element> {
    within.get_root_node().dyn_ref::<ShadowRoot>()?.active_element()
}

/// Whether the page was opened on a device whose first pointer is a finger: to
/// focus a text field there brings up a keyboard that nobody asked for.
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

/// Listens to something outside the widget for as long as the surrounding owner
/// lives.
pub(super) fn listen(target: &EventTarget, name: &'static str, run: impl FnMut() + 'static) {
    let closure = Closure::<dyn FnMut()>::new(run);
    let _ = target.add_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
    let kept = StoredValue::new_local(Some((target.clone(), closure)));
    on_cleanup(move || {
        if let Some((target, closure)) = kept.try_update_value(Option::take).flatten() {
            let _ = target.remove_event_listener_with_callback(name, closure.as_ref().unchecked_ref());
        }
    });
}

/// A part of the view that is drawn anew when what it reads changes. Boxed, so
/// that all such parts are one type: the machine code for it is there once.
pub(super) fn part(draw: impl FnMut() -> AnyView + Send + 'static) -> Box<dyn FnMut() -> AnyView + Send> {
    Box::new(draw)
}

/// A word of an attribute that changes. Boxed for the same reason.
pub(super) fn word(
    read: impl FnMut() -> &'static str + Send + 'static,
) -> Box<dyn FnMut() -> &'static str + Send> {
    Box::new(read)
}

/// A text that changes. Boxed for the same reason.
pub(super) fn words(read: impl FnMut() -> String + Send + 'static) -> Box<dyn FnMut() -> String + Send> {
    Box::new(read)
}
