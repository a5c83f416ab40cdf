//! The transcript: a keyed list in its own scroll area, which follows the end
//! only while the reader is there.

use std::cell::Cell;

use js_sys::Array;
use leptos::ev;
use leptos::html::{button, div, p, span};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{HtmlElement, ResizeObserver};

use super::icon::{Icon, icon};
use super::question::question;
use super::reply::reply;
use super::scene::{Scene, focus, part};
use super::strings::Text;
use super::time;
use super::welcome::welcome;
use crate::engine::{Item, Key, Model, Moment, Region};

/// How far from the end still counts as the end, in px: about a line and a half.
const NEAR_PX: i32 = 36;

/// A row of the list.
#[derive(Debug, Clone, Copy)]
struct Row {
    key: Key,
    is_question: bool,
    /// The time to show above it.
    pause: Option<Moment>,
}

/// The transcript and the pill that leads to its end.
pub(super) fn transcript(scene: Scene) -> AnyView {
    let store = scene.store;
    let content = NodeRef::<leptos::html::Div>::new();
    let following = RwSignal::new(true);
    follow(scene, content, following);
    let last_top = Cell::new(0);
    let on_scroll = move |event: web_sys::Event| {
        let log = event.current_target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
        let Some(log) = log.filter(|log| log.client_height() > 0) else { return };
        let top = log.scroll_top();
        let before = last_top.replace(top);
        if log.scroll_height() - log.client_height() - top < NEAR_PX {
            following.set(true);
        } else if top < before {
            // Only going up leaves the end. That text came in below does not.
            following.set(false);
        }
    };
    let is_empty = move || store.read(Region::List, |model| model.items().is_empty()).unwrap_or(true);
    let is_empty = Memo::new(move |_| is_empty());
    let list = view! {
        <For
            each=move || store.read(Region::List, rows).unwrap_or_default()
            key=|row| (row.key, row.pause.is_some())
            children=move |row| draw(scene, row)
        />
    };
    div()
        .class("cw-stage")
        .child((
            div()
                .node_ref(scene.log)
                .class("cw-log")
                .part("log")
                .role("log")
                .aria_live("off")
                .aria_label(Text::Transcript.get())
                .tabindex("0")
                .on(ev::scroll, on_scroll)
                .child(div().node_ref(content).class("cw-list").child((
                    part(move || if is_empty.get() { welcome(scene) } else { ().into_any() }),
                    list,
                ))),
            pill(scene, following),
        ))
        .into_any()
}

fn rows(model: &Model) -> Vec<Row> {
    let mut before = None;
    let row = |(key, item): &(Key, Item)| {
        let (is_question, at) = match item {
            Item::Question(question) => (true, question.at),
            Item::Reply(reply) => (false, reply.at),
        };
        let pause = at.filter(|at| time::is_pause(before, *at));
        before = at.or(before);
        Row { key: *key, is_question, pause }
    };
    model.items().iter().map(row).collect()
}

fn draw(scene: Scene, row: Row) -> AnyView {
    let item = if row.is_question { question(scene, row.key) } else { reply(scene, row.key) };
    let Some(at) = row.pause else { return item };
    (p().class("cw-time").child(time::day_and_clock(at, time::now())), item).into_any()
}

/// Keeps the end in sight. The observer is called once per frame, after layout
/// and before paint: nothing has to be measured for it, whatever grew.
fn follow(scene: Scene, content: NodeRef<leptos::html::Div>, following: RwSignal<bool>) {
    let store = scene.store;
    Effect::new(move || {
        let (Some(log), Some(content)) = (scene.log.get(), content.get()) else { return };
        let watched = log.clone();
        let grown = Closure::<dyn FnMut(Array)>::new(move |_| {
            if following.try_get_untracked() == Some(true) {
                to_end(&watched);
            }
        });
        let Ok(observer) = ResizeObserver::new(grown.as_ref().unchecked_ref()) else { return };
        observer.observe(&log);
        observer.observe(&content);
        let watch = StoredValue::new_local(Some((observer, grown)));
        on_cleanup(move || {
            if let Some((observer, _closure)) = watch.try_update_value(Option::take).flatten() {
                observer.disconnect();
            }
        });
    });
    // Who asks wants to see the answer.
    Effect::new(move |before: Option<Option<Key>>| {
        let newest = store.read(Region::List, newest_question).flatten();
        if before.is_some_and(|before| newest > before) {
            following.set(true);
        }
        newest
    });
}

fn newest_question(model: &Model) -> Option<Key> {
    model.items().iter().rev().find_map(|(key, item)| matches!(item, Item::Question(_)).then_some(*key))
}

fn to_end(log: &HtmlElement) {
    // Held to the end by the browser, and no layout is asked for.
    log.set_scroll_top(i32::MAX);
}

fn pill(scene: Scene, following: RwSignal<bool>) -> AnyView {
    let store = scene.store;
    let newest = move || store.peek(|model| model.items().last().map(|(key, _)| *key)).flatten();
    // The newest item that the reader has had before their eyes.
    let seen = Memo::new(
        move |before: Option<&Option<Key>>| {
            if following.get() { newest() } else { before.copied().flatten().or_else(newest) }
        },
    );
    let unseen = Memo::new(move |_| {
        if following.get() {
            // What comes now is seen as it comes.
            return 0;
        }
        let seen = seen.get();
        let count = |model: &Model| {
            let later = model.items().iter().rev().take_while(|(key, _)| Some(*key) > seen);
            later.filter(|(_, item)| matches!(item, Item::Reply(_))).count()
        };
        store.read(Region::List, count).unwrap_or_default()
    });
    let press = move |_| {
        following.set(true);
        if let Some(log) = scene.log.get_untracked() {
            to_end(&log);
            focus(&log);
        }
    };
    let draw = move || {
        if following.get() {
            return ().into_any();
        }
        let label = match unseen.get() {
            0 => Text::JumpToLatest.get().to_owned(),
            1 => Text::OneNew.get().to_owned(),
            many => Text::ManyNew.with(&time::number(many)),
        };
        button()
            .class("cw-pill")
            .part("pill")
            .r#type("button")
            .on(ev::click, press)
            .child((icon(Icon::Down), span().child(label)))
            .into_any()
    };
    part(draw).into_any()
}
