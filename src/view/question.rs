//! A message of the visitor.

use super::dom::{El, button, el};
use super::failure::failure;
use super::file::files;
use super::scene::Scene;
use super::strings::Text;
use super::time;
use crate::engine::{Delivery, Event, Item, Key, Model, Question, Region};

/// Draws a question. What it says never changes; how far it got does.
pub(super) fn question(scene: Scene, key: Key, row: El) -> El {
    let store = scene.store;
    let said = |question: &Question| (question.text.clone(), question.files.clone(), question.at);
    let said = store.peek(|model| find(model, key).map(said));
    let (said, sent, at) = said.flatten().unwrap_or_default();
    let delivery =
        move || store.read(Region::Item(key), |model| Some(find(model, key)?.delivery.clone())).flatten();
    let state = move || match delivery() {
        Some(Delivery::Sending) => "sending",
        Some(Delivery::Waiting) => "waiting",
        Some(Delivery::Failed(_)) => "failed",
        _ => "sent",
    };
    let below = move || {
        let text = match delivery()? {
            Delivery::Waiting => return Some(waiting(scene, key)),
            Delivery::Failed(why) => return Some(failure(scene, key, &why)),
            Delivery::Sending => Text::Sending,
            Delivery::Sent => Text::Sent,
        };
        let time = at.map(|at| time::clock(scene, at)).unwrap_or_default();
        Some(el("span", "cw-when").text(&scene.text(text)).text(" ").text(&time))
    };
    row.set("aria-label", &scene.text(Text::You))
        .live("data-delivery", state)
        .maybe(files(scene, &sent))
        .maybe((!said.is_empty()).then(|| {
            el("div", "cw-bubble").set("part", "bubble").add(&el("div", "").set("dir", "auto").text(&said))
        }))
        .add(&el("div", "cw-meta").part(below))
}

/// Says that a message waits, and lets it be sent now or taken away.
fn waiting(scene: Scene, key: Key) -> El {
    let again = move |_| {
        scene.store.dispatch(Event::RetryPressed { key });
        scene.focus_input();
    };
    let remove = move |_| {
        scene.store.dispatch(Event::RemovePressed { key });
        scene.focus_input();
    };
    el("div", "cw-waits")
        .add(&el("span", "").text(&scene.text(Text::Waits)))
        .add(&button("cw-text-button", again).text(&scene.text(Text::TryAgain)))
        .add(&button("cw-text-button", remove).text(&scene.text(Text::Remove)))
}

fn find(model: &Model, key: Key) -> Option<&Question> {
    match model.item(key)? {
        Item::Question(question) => Some(question),
        Item::Reply(_) => None,
    }
}
