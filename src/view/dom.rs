//! The pen that everything is drawn with: elements, text and attributes node by
//! node, never markup out of a string, under leptos' owners and effects.
//!
//! leptos' own builders give every element a type of its own and compile its
//! life once for each; in a view of this size that is two thirds of the module.
//! Here there is one type, and the machine code for a listener, a changing
//! attribute or a changing part is there once.

use std::any::Any;
use std::borrow::Cow;

use leptos::prelude::*;
use leptos::reactive::effect::RenderEffect;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, UnwrapThrowExt as _};
use web_sys::{AddEventListenerOptions, CharacterData, Element, Event, EventTarget, HtmlElement, Node, Text};

use crate::shell::store::Kept;

/// Why the one call here that could fail does not.
const VALID: &str = "the names of elements in this room are constants, and valid";

/// An element that is being drawn.
#[derive(Debug, Clone)]
pub(super) struct El(Element);

/// Draws an element with a class; an empty class is left out.
pub(super) fn el(tag: &'static str, class: &'static str) -> El {
    let made = document().create_element(tag).expect_throw(VALID);
    if !class.is_empty() {
        made.set_class_name(class);
    }
    El(made)
}

/// Draws an icon. It says nothing to a screen reader: what is around it does.
pub(super) fn icon(icon: super::icon::Icon) -> El {
    let made = |tag| {
        let made = document().create_element_ns(Some("http://www.w3.org/2000/svg"), tag);
        El(made.expect_throw(VALID))
    };
    made("svg")
        .set("class", "cw-icon")
        .set("viewBox", "0 0 24 24")
        .set("aria-hidden", "true")
        .add(&made("path").set("d", icon.path()))
}

/// Draws a button: an icon button if the label is to be heard only.
pub(super) fn button(class: &'static str, press: impl FnMut(Event) + 'static) -> El {
    el("button", class).set("type", "button").on("click", press)
}

/// A text node.
pub(super) fn text(content: &str) -> Text {
    document().create_text_node(content)
}

impl El {
    /// An element that is there already.
    pub(super) fn of(element: Element) -> Self {
        Self(element)
    }

    /// The element, to be kept.
    pub(super) fn html(&self) -> HtmlElement {
        self.0.clone().unchecked_into()
    }

    /// Sets an attribute. The names are constants and valid, which is all that
    /// could fail.
    pub(super) fn set(self, name: &'static str, value: &str) -> Self {
        set(&self.0, name, value);
        self
    }

    /// Names it to a screen reader, and to a pointer that rests on it.
    pub(super) fn label(self, text: &str) -> Self {
        self.set("aria-label", text).set("title", text)
    }

    /// Adds a text.
    pub(super) fn text(self, content: &str) -> Self {
        append(&self.0, &text(content));
        self
    }

    /// Adds a child.
    pub(super) fn add(self, child: &Node) -> Self {
        append(&self.0, child);
        self
    }

    /// Adds a child if there is one.
    pub(super) fn maybe(self, child: Option<El>) -> Self {
        match child {
            Some(child) => self.add(&child),
            None => self,
        }
    }

    /// Listens to an event.
    pub(super) fn on(self, name: &'static str, run: impl FnMut(Event) + 'static) -> Self {
        listen(&self.0, name, run);
        self
    }

    /// Sets an attribute, and sets it anew when what it reads changes.
    pub(super) fn live<T: Into<Cow<'static, str>>>(
        self,
        name: &'static str,
        mut read: impl FnMut() -> T + 'static,
    ) -> Self {
        keep_attribute(self.0.clone(), name, Box::new(move || read().into()));
        self
    }

    /// Adds a text that is written anew when what it reads changes.
    pub(super) fn live_text(self, read: impl FnMut() -> String + 'static) -> Self {
        keep_text(&self.0, Box::new(read));
        self
    }

    /// Adds a part that is drawn anew when what it reads changes.
    pub(super) fn part(self, draw: impl FnMut() -> Option<El> + 'static) -> Self {
        keep_part(&self.0, Box::new(draw));
        self
    }
}

fn keep_attribute(element: Element, name: &'static str, mut read: Box<dyn FnMut() -> Cow<'static, str>>) {
    let mut shown = None;
    effect(move || {
        let value = read();
        if shown.as_ref() != Some(&value) {
            set(&element, name, &value);
            shown = Some(value);
        }
    });
}

fn keep_text(element: &Element, mut read: Box<dyn FnMut() -> String>) {
    let node = text("");
    append(element, &node);
    effect(move || {
        let content = read();
        if node.data() != content {
            node.set_data(&content);
        }
    });
}

fn keep_part(element: &Element, mut draw: Box<dyn FnMut() -> Option<El>>) {
    let end = text("");
    append(element, &end);
    let mut shown: Option<El> = None;
    effect(move || {
        let fresh = draw();
        if let (Some(fresh), Some(parent)) = (&fresh, end.parent_node()) {
            // `end` is a child of its own parent.
            let _ = parent.insert_before(fresh, Some(&end));
        }
        if let Some(old) = std::mem::replace(&mut shown, fresh) {
            old.0.remove();
        }
    });
}

/// A place whose content is drawn now and then. An effect that draws into it
/// only when there is something else to show must not draw by itself: its next
/// run would end the listeners of what stays.
pub(super) struct Slot {
    place: El,
    owner: Owner,
    drawn: Option<Owner>,
}

impl Slot {
    /// The content of a place, for as long as the surrounding owner lives.
    pub(super) fn of(place: &El) -> Self {
        Self { place: place.clone(), owner: Owner::current().unwrap_or_default(), drawn: None }
    }

    /// Draws something in the place of what is there.
    pub(super) fn draw(&mut self, draw: &mut dyn FnMut() -> Option<El>) {
        let owner = self.owner.child();
        if let Some(old) = self.drawn.replace(owner.clone()) {
            old.cleanup();
        }
        self.place.0.set_text_content(None);
        if let Some(fresh) = owner.with(|| untrack(draw)) {
            append(&self.place.0, &fresh);
        }
    }
}

impl std::ops::Deref for El {
    type Target = Element;

    fn deref(&self) -> &Element {
        &self.0
    }
}

impl From<El> for Node {
    fn from(drawn: El) -> Self {
        drawn.0.into()
    }
}

/// Runs something now, and again when what it reads changes, for as long as the
/// surrounding owner lives.
pub(super) fn effect(run: impl FnMut() + 'static) {
    keep_running(Box::new(run));
}

fn keep_running(mut run: Box<dyn FnMut()>) {
    let effect = RenderEffect::new(move |_: Option<()>| run());
    keep(effect);
}

/// Keeps something until the surrounding owner ends, which drops it.
pub(super) fn keep(held: impl Any) {
    Kept::new(held);
}

/// Listens for as long as the surrounding owner lives.
pub(super) fn listen(target: &EventTarget, name: &'static str, run: impl FnMut(Event) + 'static) {
    keep_listening(target, name, Closure::new(run));
}

fn keep_listening(target: &EventTarget, name: &'static str, closure: Closure<dyn FnMut(Event)>) {
    let listener = closure.as_ref().unchecked_ref();
    let options = AddEventListenerOptions::new();
    // Browsers wait with scrolling for a listener that might prevent it.
    options.set_passive(name == "wheel");
    let _ = target.add_event_listener_with_callback_and_add_event_listener_options(name, listener, &options);
    keep(Listening { target: target.clone(), name, closure });
}

/// A listener that ends when it is dropped: an element may still be in the page
/// then, and lose the focus when it is taken out.
struct Listening {
    target: EventTarget,
    name: &'static str,
    closure: Closure<dyn FnMut(Event)>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let listener = self.closure.as_ref().unchecked_ref();
        let _ = self.target.remove_event_listener_with_callback(self.name, listener);
    }
}

/// Sets an attribute.
pub(super) fn set(element: &Element, name: &'static str, value: &str) {
    let _ = element.set_attribute(name, value);
}

/// Adds a child at the end. A node that was just made, or that belongs to the
/// same parent, always fits.
pub(super) fn append(parent: &Node, child: &Node) {
    let _ = parent.append_child(child);
}

/// Puts a node in the place of another.
pub(super) fn replace(parent: &Node, old: &Node, new: &Node) {
    let _ = parent.replace_child(new, old);
}

/// Takes a node and all that follow it away.
pub(super) fn remove_from(parent: &Node, first: Option<Node>) {
    let mut next = first;
    while let Some(node) = next {
        next = node.next_sibling();
        let _ = parent.remove_child(&node);
    }
}

/// How many children a node has.
pub(super) fn count_children(parent: &Node) -> usize {
    usize::try_from(parent.child_nodes().length()).unwrap_or_default()
}

/// The child at a place.
pub(super) fn child(parent: &Node, index: usize) -> Option<Node> {
    parent.child_nodes().item(u32::try_from(index).ok()?)
}

/// Adds to the end of a text; whether it is one.
pub(super) fn append_data(node: &Node, more: &str) -> bool {
    let data = node.dyn_ref::<CharacterData>();
    data.is_some_and(|data| data.append_data(more).is_ok())
}
