//! The bar at the top: who answers, how things stand, new conversation, close.

use leptos::ev;
use leptos::html::{button, div, h2, header as bar, img, p, span};
use leptos::prelude::*;

use super::icon::{Icon, icon};
use super::scene::{Scene, part, word, words};
use super::strings::Text;
use crate::engine::markdown::Href;
use crate::engine::{Connection, Event, Model, Region};

/// The header.
pub(super) fn header(scene: Scene) -> AnyView {
    let store = scene.store;
    let begin = move || {
        let is_empty = store.peek(|model| model.items().is_empty()).unwrap_or(true);
        if !is_empty {
            store.start_conversation();
            scene.say(Text::ConversationStarted.get());
        }
        scene.focus_input();
    };
    let is_empty = move || store.read(Region::List, |model| model.items().is_empty()).unwrap_or(true);
    bar()
        .class("cw-header")
        .part("header")
        .child((
            avatar(scene, "cw-avatar"),
            div().class("cw-who").child((
                h2().class("cw-name").dir("auto").child(words(move || {
                    store.read(Region::Header, |model| title(model).to_owned()).unwrap_or_default()
                })),
                p().class("cw-status")
                    .attr("data-state", word(move || status(scene).0))
                    .child(span().child(word(move || status(scene).1.get()))),
            )),
            button()
                .class("cw-icon-button")
                .r#type("button")
                .title(Text::NewConversation.get())
                .aria_label(Text::NewConversation.get())
                .aria_disabled(word(move || if is_empty() { "true" } else { "false" }))
                .on(ev::click, move |_| begin())
                .child(icon(Icon::Plus)),
            button()
                .class("cw-icon-button")
                .r#type("button")
                .title(Text::CloseChat.get())
                .aria_label(Text::CloseChat.get())
                .on(ev::click, move |_| store.dispatch(Event::Closed))
                .child(icon(Icon::Down)),
        ))
        .into_any()
}

/// What the panel is called: by the page, else by the agent.
pub(super) fn title(model: &Model) -> &str {
    let agent = model.agent.as_ref().map(|agent| agent.name.trim()).filter(|name| !name.is_empty());
    model.config.title.as_deref().or(agent).unwrap_or(Text::Chat.get())
}

/// The agent's picture, over the first letters of the panel's name, which stay
/// where there is none or it cannot be loaded.
pub(super) fn avatar(scene: Scene, class: &'static str) -> AnyView {
    let store = scene.store;
    let picture = move || {
        let url = store.read(Region::Header, |model| {
            model.agent.as_ref().and_then(|agent| agent.avatar_url.as_deref().and_then(Href::parse))
        });
        match url.flatten() {
            None => ().into_any(),
            Some(url) => img()
                .src(url.as_str().to_owned())
                .alt("")
                .on(ev::error, |event: web_sys::ErrorEvent| {
                    let broken = event.target().map(wasm_bindgen::JsCast::unchecked_into::<web_sys::Element>);
                    if let Some(broken) = broken {
                        broken.remove();
                    }
                })
                .into_any(),
        }
    };
    span()
        .class(class)
        .aria_hidden("true")
        .child((
            words(move || store.read(Region::Header, |model| initials(title(model))).unwrap_or_default()),
            part(picture),
        ))
        .into_any()
}

fn initials(name: &str) -> String {
    let letters =
        name.split_whitespace().filter_map(|word| word.chars().find(|letter| letter.is_alphanumeric()));
    letters.take(2).flat_map(char::to_uppercase).collect()
}

fn status(scene: Scene) -> (&'static str, Text) {
    match scene.store.read(Region::Header, Model::connection) {
        None | Some(Connection::Connecting) => ("connecting", Text::StatusConnecting),
        Some(Connection::Ready) => ("ready", Text::StatusReady),
        Some(Connection::Offline) => ("offline", Text::StatusOffline),
        Some(Connection::Trouble(_)) => ("trouble", Text::StatusTrouble),
    }
}
