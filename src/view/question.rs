//! A message of the visitor.

use leptos::html::{article, div, span};
use leptos::prelude::*;

use super::failure::failure;
use super::scene::{Scene, part, word};
use super::strings::Text;
use super::time;
use crate::engine::{Delivery, Item, Key, Model, Question, Region};

/// A question's row.
pub(super) fn question(scene: Scene, key: Key) -> AnyView {
    let store = scene.store;
    // What a question says never changes; how far it got does.
    let (said, at) = store
        .peek(|model| find(model, key).map(|question| (question.text.clone(), question.at)))
        .flatten()
        .unwrap_or_default();
    let delivery = Memo::new(move |_| {
        store
            .read(Region::Item(key), |model| find(model, key).map(|question| question.delivery.clone()))
            .flatten()
    });
    let state = move || match delivery.get() {
        Some(Delivery::Sending) => "sending",
        Some(Delivery::Failed(_)) => "failed",
        _ => "sent",
    };
    let meta = move || match delivery.get() {
        Some(Delivery::Failed(why)) => failure(scene, key, &why),
        state => {
            let text = if state == Some(Delivery::Sending) { Text::Sending } else { Text::Sent };
            let mut words = text.get().to_owned();
            if let Some(at) = at {
                words.push(' ');
                words.push_str(&time::clock(at));
            }
            span().class("cw-when").child(words).into_any()
        }
    };
    article()
        .class("cw-row cw-question")
        .part("message")
        .aria_label(Text::You.get())
        .attr("data-delivery", word(state))
        .child((div().class("cw-bubble").dir("auto").child(said), div().class("cw-meta").child(part(meta))))
        .into_any()
}

fn find(model: &Model, key: Key) -> Option<&Question> {
    match model.item(key)? {
        Item::Question(question) => Some(question),
        Item::Reply(_) => None,
    }
}
