//! Good and bad under a reply, and the small form that asks why. A press shows
//! at once; pressed again it is taken back.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlTextAreaElement, KeyboardEvent};

use super::composer::sends;
use super::dom::{El, append, button, el, icon, set};
use super::icon::Icon;
use super::later::later;
use super::scene::{Scene, focus};
use super::strings::Text;
use super::value::Value;
use crate::engine::{Event, Feedback, Item, Key, Opinion, Region, part};

/// Longest reason that can be written, in UTF-16 units; with the chosen ones it
/// stays below what the relay takes.
const MAX_REASON: &str = "900";

/// What can be wrong with a reply, to be chosen.
const REASONS: [Text; 3] = [Text::ReasonWrong, Text::ReasonLong, Text::ReasonBeside];

/// The two buttons, and the form that they open.
#[derive(Debug, Clone)]
pub(super) struct Buttons {
    scene: Scene,
    key: Key,
    /// What the form asks about, while it is open.
    asks: RwSignal<Option<Feedback>>,
    /// Calls the reply good.
    pub(super) good: El,
    /// Calls it bad.
    pub(super) bad: El,
}

impl Buttons {
    /// Draws the buttons of a reply.
    pub(super) fn new(scene: Scene, key: Key) -> Self {
        let asks = RwSignal::new(None);
        let thumb = |value, label: Text, drawn| {
            let is_pressed = move || rated(scene, key) == Some(value);
            let press = move |_| rate(scene, key, value, asks);
            button("cw-action", press)
                .label(&scene.text(label))
                .live("aria-pressed", move || if is_pressed() { "true" } else { "false" })
                .add(&icon(drawn))
        };
        let good = thumb(Feedback::Positive, Text::RateGood, Icon::GOOD);
        let bad = thumb(Feedback::Negative, Text::RateBad, Icon::BAD);
        Self { scene, key, asks, good, bad }
    }

    /// Adds the button that opens the form for a rating that is there.
    pub(super) fn add_why(&self, line: El) -> El {
        let (scene, key, asks) = (self.scene, self.key, self.asks);
        line.part(move || {
            let value = rated(scene, key).filter(|_| asks.get().is_none())?;
            let open = move |_| asks.set(Some(value));
            Some(button("cw-text-button cw-why", open).text(&scene.text(Text::RateWhy)))
        })
    }

    /// The place of the form.
    pub(super) fn form(self) -> El {
        el("div", "cw-ask-place").part(move || {
            let value = self.asks.get()?;
            Some(later(self.scene, part::Rating, || form(&self, value)))
        })
    }

    fn close(&self, value: Feedback) {
        self.asks.set(None);
        focus(&if value == Feedback::Positive { &self.good } else { &self.bad }.html());
    }
}

/// How the reply is rated, as far as the visitor is concerned.
fn rated(scene: Scene, key: Key) -> Option<Feedback> {
    let wanted = scene.store.read(Region::Rating(key), |model| match model.item(key)? {
        Item::Reply(reply) => reply.rating.wanted.value,
        Item::Question(_) => None,
    });
    wanted.flatten()
}

fn rate(scene: Scene, key: Key, value: Feedback, asks: RwSignal<Option<Feedback>>) {
    let is_taken_back = untrack(|| rated(scene, key)) == Some(value);
    let opinion = Opinion { value: (!is_taken_back).then_some(value), reason: None };
    asks.set(opinion.value.filter(|value| *value == Feedback::Negative));
    scene.store.dispatch(Event::Rated { key, opinion });
}

fn form(buttons: &Buttons, value: Feedback) -> El {
    let scene = buttons.scene;
    let heading = scene.text(if value == Feedback::Positive { Text::RatedGood } else { Text::RatedBad });
    let chips = el("ul", "cw-chips");
    let mut chosen = Vec::new();
    if value == Feedback::Negative {
        for reason in REASONS {
            let is_chosen = Value::new(false);
            let chip = button("cw-chip", move |_| is_chosen.set(!is_chosen.peek()))
                .live("aria-pressed", move || if is_chosen.get() { "true" } else { "false" })
                .text(&scene.text(reason));
            append(&chips, &el("li", "").add(&chip));
            chosen.push((reason, is_chosen));
        }
    }
    let more = scene.text(Text::ReasonMore);
    let field = el("textarea", "cw-input")
        .set("rows", "1")
        .set("dir", "auto")
        .set("maxlength", MAX_REASON)
        .set("aria-label", &more)
        .set("placeholder", &more);
    let grow = el("div", "cw-grow").add(&field);
    let around = grow.clone();
    let area: HtmlTextAreaElement = field.html().unchecked_into();
    let (typed, written) = (area.clone(), area);
    let (own, asking) = (buttons.clone(), buttons.clone());
    let send = move || {
        let reasons = chosen.iter().filter(|(_, is_chosen)| is_chosen.peek());
        let reason = join(reasons.map(|(reason, _)| scene.text(*reason)), written.value().trim());
        asking.close(value);
        if !reason.is_empty() {
            let opinion = Opinion { value: Some(value), reason: Some(reason) };
            asking.scene.store.dispatch(Event::Rated { key: asking.key, opinion });
        }
    };
    let (pressed, entered) = (std::rc::Rc::new(send), buttons.clone());
    let submitted = std::rc::Rc::clone(&pressed);
    let field_row = el("div", "cw-field").add(&grow).add(
        &button("cw-send", move |_| pressed())
            .label(&scene.text(Text::SendRating))
            .set("aria-disabled", "false")
            .add(&icon(Icon::SEND)),
    );
    el("div", "cw-ask")
        .set("part", "feedback")
        .set("role", "group")
        .set("aria-label", &heading)
        .on("input", move |_| set(&around, "data-text", &typed.value()))
        .on("keydown", move |event| {
            let key: &KeyboardEvent = event.unchecked_ref();
            if key.key() == "Escape" && !key.is_composing() {
                // The form is put away by it, and not the panel.
                event.stop_propagation();
                entered.close(value);
            } else if sends(key)
                && key.target().is_some_and(|target| target.has_type::<HtmlTextAreaElement>())
            {
                event.prevent_default();
                submitted();
            }
        })
        .add(
            &el("div", "cw-ask-head").add(&el("strong", "").text(&heading)).add(
                &button("cw-action", move |_| own.close(value))
                    .label(&scene.text(Text::Close))
                    .add(&icon(Icon::CLOSE)),
            ),
        )
        .maybe(chips.has_child_nodes().then_some(chips))
        .add(&field_row)
}

/// The chosen reasons, and what was written.
fn join(reasons: impl Iterator<Item = String>, written: &str) -> String {
    let mut out = String::new();
    for reason in reasons {
        if !out.is_empty() {
            out.push_str(", ");
        }
        out.push_str(&reason);
    }
    if !out.is_empty() && !written.is_empty() {
        out.push_str(": ");
    }
    out.push_str(written);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_what_was_chosen_and_what_was_written() {
        let join = |chosen: &[&str], written| join(chosen.iter().map(|reason| (*reason).to_owned()), written);
        assert_eq!(join(&["Too long", "Not correct"], "It is 4."), "Too long, Not correct: It is 4.");
        assert_eq!(join(&["Too long"], ""), "Too long");
        assert_eq!(join(&[], "It is 4."), "It is 4.");
        assert_eq!(join(&[], ""), "");
    }
}
