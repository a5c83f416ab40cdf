//! A message of the visitor.

use super::dom::{El, el};
use super::failure::failure;
use super::scene::Scene;
use super::strings::Text;
use super::time;
use crate::engine::{Delivery, Item, Key, Model, Question, Region};

/// Draws a question. What it says never changes; how far it got does.
pub(super) fn question(scene: Scene, key: Key, row: El) -> El {
    let store = scene.store;
    let said = store.peek(|model| find(model, key).map(|question| (question.text.clone(), question.at)));
    let (said, at) = said.flatten().unwrap_or_default();
    let delivery =
        move || store.read(Region::Item(key), |model| Some(find(model, key)?.delivery.clone())).flatten();
    let state = move || match delivery() {
        Some(Delivery::Sending) => "sending",
        Some(Delivery::Failed(_)) => "failed",
        _ => "sent",
    };
    let below = move || {
        let text = match delivery()? {
            Delivery::Failed(why) => return Some(failure(scene, key, &why)),
            Delivery::Sending => Text::Sending,
            Delivery::Sent => Text::Sent,
        };
        let time = at.map(|at| time::clock(scene, at)).unwrap_or_default();
        Some(el("span", "cw-when").text(&scene.text(text)).text(" ").text(&time))
    };
    row.set("aria-label", &scene.text(Text::You))
        .live("data-delivery", state)
        .add(&el("div", "cw-bubble").set("part", "bubble").add(&el("div", "").set("dir", "auto").text(&said)))
        .add(&el("div", "cw-meta").part(below))
}

fn find(model: &Model, key: Key) -> Option<&Question> {
    match model.item(key)? {
        Item::Question(question) => Some(question),
        Item::Reply(_) => None,
    }
}
