//! The bar at the top: who answers, how things stand, new conversation, close.

use wasm_bindgen::JsCast as _;
use web_sys::Element;

use super::dom::{El, button, effect, el, icon};
use super::export::export_menu;
use super::icon::Icon;
use super::scene::Scene;
use super::strings::Text;
use super::value::Derived;
use crate::engine::markdown::Href;
use crate::engine::{Connection, ConversationState, Event, Mode, Model, Region};

/// Draws the header.
pub(super) fn header(scene: Scene, is_empty: Derived<bool>, mode: Mode) -> El {
    let store = scene.store;
    let begin = move |_| {
        if !is_empty.peek() {
            store.start_conversation();
            scene.say(&scene.text(Text::ConversationStarted));
        }
        scene.focus_input();
    };
    let close = || {
        button("cw-icon-button", move |_| store.dispatch(Event::Closed))
            .set("part", "close")
            .label(&scene.text(Text::CloseChat))
            .add(&icon(Icon::DOWN))
    };
    el("div", "cw-header")
        .set("part", "header")
        .add(&avatar(scene, "cw-avatar"))
        .add(&who(scene))
        .maybe(history(scene))
        .add(
            &button("cw-icon-button", begin)
                .set("part", "new")
                .label(&scene.text(Text::NewConversation))
                .live("aria-disabled", move || if is_empty.get() { "true" } else { "false" })
                .add(&icon(Icon::PLUS)),
        )
        .add(&export_menu(scene, is_empty))
        .maybe((mode == Mode::Launcher).then(close))
}

/// Draws the name, and how things stand.
pub(super) fn who(scene: Scene) -> El {
    el("div", "cw-who")
        .add(&el("h2", "cw-name").set("part", "title").add(&el("bdi", "").live_text(move || name(scene))))
        .add(
            &el("p", "cw-status")
                .set("part", "status")
                .live("data-state", move || status(scene).0)
                .add(&el("span", "").live_text(move || scene.text(status(scene).1))),
        )
}

/// The button that opens the history, where there is one.
fn history(scene: Scene) -> Option<El> {
    let history = scene.places()?.history.clone();
    let shown = history.clone();
    effect(move || {
        let has_drawer = scene.store.read(Region::Header, Model::has_drawer).unwrap_or_default();
        shown.html().set_hidden(!has_drawer);
    });
    let open = move |_| scene.store.dispatch(Event::DrawerOpened);
    Some(
        history
            .set("type", "button")
            .set("part", "history-button")
            .on("click", open)
            .label(&scene.text(Text::History))
            .add(&icon(Icon::HISTORY)),
    )
}

/// What the panel is called: by the page, else by the agent.
pub(super) fn name(scene: Scene) -> String {
    scene.store.read(Region::Header, |model| name_of(scene, model)).unwrap_or_default()
}

/// The same, out of the model.
pub(super) fn name_of(scene: Scene, model: &Model) -> String {
    let agent = model.agent.as_ref().map(|agent| agent.name.trim()).filter(|name| !name.is_empty());
    let name = model.config.title.as_deref().or(agent).map(str::to_owned);
    name.unwrap_or_else(|| scene.text(Text::Chat))
}

/// Draws the agent's picture over the first letters of the panel's name, which
/// stay where there is none or it cannot be loaded.
pub(super) fn avatar(scene: Scene, class: &'static str) -> El {
    let picture = move || {
        let url = scene.store.read(Region::Header, |model| {
            let agent = || model.agent.as_ref()?.avatar_url.as_deref().and_then(Href::parse);
            model.config.avatar_url.clone().or_else(|| Some(agent()?.as_str().to_owned()))
        });
        let picture = el("img", "").set("alt", "").set("src", &url.flatten()?);
        Some(picture.on("error", |event| {
            if let Some(broken) = event.target() {
                broken.unchecked_into::<Element>().remove();
            }
        }))
    };
    el("span", class)
        .set("part", "avatar")
        .set("aria-hidden", "true")
        .live_text(move || initials(&name(scene)))
        .part(picture)
}

/// The first letters of two words; its style makes them capitals, which takes
/// no table of all the world's letters.
fn initials(name: &str) -> String {
    let letters =
        name.split(' ').filter_map(|word| word.chars().find(|letter| !letter.is_ascii_punctuation()));
    letters.take(2).collect()
}

fn status(scene: Scene) -> (&'static str, Text) {
    let standing = scene.store.read(Region::Header, |model| model.standing).unwrap_or_default();
    match scene.store.read(Region::Header, Model::connection) {
        None | Some(Connection::Connecting) => {
            let is_asked = scene.store.read(Region::Header, Model::has_consent).unwrap_or_default();
            (if is_asked { "connecting" } else { "unasked" }, Text::StatusConnecting)
        }
        Some(Connection::Ready) => match standing {
            ConversationState::TakenOver => ("ready", Text::StatusPerson),
            ConversationState::Paused => ("paused", Text::StatusPaused),
            ConversationState::Ended => ("paused", Text::StatusEnded),
            ConversationState::Ongoing | ConversationState::Unknown => ("ready", Text::StatusReady),
        },
        Some(Connection::Offline) => ("offline", Text::StatusOffline),
        Some(Connection::Trouble(_)) => ("trouble", Text::StatusTrouble),
    }
}
