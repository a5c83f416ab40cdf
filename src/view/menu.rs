//! A menu behind a button, by the pattern of the ARIA Authoring Practices: the
//! arrows go round, a letter jumps, Escape goes back to the button, Tab leaves.

use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, KeyboardEvent};

use super::dom::{El, append, button, el, icon};
use super::icon::Icon;
use super::scene::{after, focus, focused};
use super::value::{Derived, Value};

/// One thing that can be chosen.
#[derive(Clone)]
pub(super) struct Choice {
    /// What it looks like.
    pub(super) icon: Icon,
    /// What it says.
    pub(super) text: String,
    /// What it does.
    pub(super) choose: Rc<dyn Fn()>,
}

/// A menu that opens.
pub(super) struct Opening {
    label: String,
    /// Whether the last choice gets the focus, and not the first.
    at_end: bool,
    is_open: Value<bool>,
    back: El,
}

/// Draws a menu's button, and under it, while it is open, the menu that `draw` draws
/// by [`Opening::list`]. Where nothing can be chosen, the button is off.
pub(super) fn menu(label: &str, is_off: Derived<bool>, draw: impl Fn(Opening) -> El + 'static) -> El {
    let is_open = Value::new(false);
    // Which of the choices has the focus when the menu opens: its first or last.
    let opens_at_end = Value::new(false);
    let opener = el("button", "cw-icon-button")
        .set("type", "button")
        .label(label)
        .set("aria-haspopup", "menu")
        .live("aria-expanded", move || if is_open.get() { "true" } else { "false" })
        .live("aria-disabled", move || if is_off.get() { "true" } else { "false" })
        .add(&icon(Icon::MORE));
    let open = move |at_end: bool| {
        if !is_off.peek() {
            opens_at_end.set(at_end);
            is_open.set(true);
        }
    };
    let opener = opener
        .on("click", move |_| if is_open.peek() { is_open.set(false) } else { open(false) })
        .on("keydown", move |event| {
            let at_end = match event.unchecked_ref::<KeyboardEvent>().key().as_str() {
                "ArrowDown" => false,
                "ArrowUp" => true,
                _ => return,
            };
            event.prevent_default();
            open(at_end);
        });
    let label = label.to_owned();
    let place = el("div", "cw-menu-place");
    let (around, back) = (place.clone(), opener.clone());
    // Whatever takes the focus elsewhere closes the menu.
    let left = move |_| {
        let around = around.clone();
        after(0, move || {
            let is_within = focused(&around).is_some_and(|element| around.contains(Some(&element)));
            if !is_within {
                is_open.set(false);
            }
        });
    };
    place.on("focusout", left).add(&opener).part(move || {
        let at_end = opens_at_end.peek();
        let opening = || Opening { label: label.clone(), at_end, is_open, back: back.clone() };
        is_open.get().then(|| untrack(|| draw(opening())))
    })
}

impl Opening {
    /// Draws the choices.
    pub(super) fn list(self, choices: &[Choice]) -> El {
        let Self { label, at_end, is_open, back } = self;
        list(&label, choices, at_end, is_open, &back)
    }
}

fn list(label: &str, choices: &[Choice], at_end: bool, is_open: Value<bool>, back: &El) -> El {
    let list = el("div", "cw-menu").set("part", "menu").set("role", "menu").set("aria-label", label);
    let mut items = Vec::new();
    for choice in choices.iter().cloned() {
        let back = back.html();
        let choose = move |_| {
            is_open.set(false);
            focus(&back);
            (choice.choose)();
        };
        let item = button("cw-menu-item", choose)
            .set("role", "menuitem")
            .set("tabindex", "-1")
            .add(&icon(choice.icon))
            .add(&el("span", "").text(&choice.text));
        append(&list, &item);
        items.push((choice.text, item.html()));
    }
    let first = if at_end { items.last() } else { items.first() };
    if let Some((_, item)) = first {
        let item = item.clone();
        // Once it is in the page.
        after(0, move || focus(&item));
    }
    let back = back.html();
    list.on("mousedown", |event| event.prevent_default()).on("keydown", move |event| {
        let key = event.unchecked_ref::<KeyboardEvent>().key();
        match step(&key, at(&items), &items.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>()) {
            Step::To(next) => {
                event.prevent_default();
                if let Some((_, item)) = items.get(next) {
                    focus(item);
                }
            }
            Step::Back => {
                // The menu is put away by it, and not the panel.
                event.stop_propagation();
                is_open.set(false);
                focus(&back);
            }
            Step::Away => is_open.set(false),
            Step::None => {}
        }
    })
}

/// Which item has the focus.
fn at(items: &[(String, HtmlElement)]) -> usize {
    let has_focus = |item: &HtmlElement| focused(item).is_some_and(|found| found.is_same_node(Some(item)));
    items.iter().position(|(_, item)| has_focus(item)).unwrap_or_default()
}

/// What a key does in a menu.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// To another item.
    To(usize),
    /// Back to the button.
    Back,
    /// Out of the menu, to where the focus goes next.
    Away,
    /// Nothing of the menu's.
    None,
}

fn step(key: &str, at: usize, texts: &[&str]) -> Step {
    let many = texts.len().max(1);
    match key {
        "ArrowDown" => Step::To((at + 1) % many),
        "ArrowUp" => Step::To((at + many - 1) % many),
        "Home" => Step::To(0),
        "End" => Step::To(many - 1),
        "Escape" => Step::Back,
        "Tab" => Step::Away,
        _ => jump(key, at, texts),
    }
}

/// To the next item that begins with a letter.
fn jump(key: &str, at: usize, texts: &[&str]) -> Step {
    let begins = |text: &str| key.chars().count() == 1 && lower(text).starts_with(&lower(key));
    let mut around = (1..=texts.len()).map(|step| (at + step) % texts.len());
    around.find(|&place| texts.get(place).is_some_and(|text| begins(text))).map_or(Step::None, Step::To)
}

/// A text in small letters. The browser knows how: Rust's tables for it weigh
/// more than all of the menu.
#[cfg(target_arch = "wasm32")]
fn lower(text: &str) -> String {
    js_sys::JsString::from(text).to_lower_case().into()
}

#[cfg(not(target_arch = "wasm32"))]
fn lower(text: &str) -> String {
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 3] = ["Copy", "Download as text", "Download as JSON"];

    #[test]
    fn the_arrows_go_round() {
        assert_eq!(step("ArrowDown", 2, &TEXTS), Step::To(0));
        assert_eq!(step("ArrowUp", 0, &TEXTS), Step::To(2));
        assert_eq!(step("End", 0, &TEXTS), Step::To(2));
        assert_eq!(step("Home", 2, &TEXTS), Step::To(0));
    }

    #[test]
    fn a_letter_jumps_to_the_next_that_begins_with_it() {
        assert_eq!(step("d", 0, &TEXTS), Step::To(1));
        assert_eq!(step("D", 1, &TEXTS), Step::To(2));
        assert_eq!(step("d", 2, &TEXTS), Step::To(1));
        assert_eq!(step("x", 0, &TEXTS), Step::None);
        assert_eq!(step("Shift", 0, &TEXTS), Step::None);
    }

    #[test]
    fn escape_goes_back_and_tab_goes_on() {
        assert_eq!(step("Escape", 1, &TEXTS), Step::Back);
        assert_eq!(step("Tab", 1, &TEXTS), Step::Away);
    }
}
