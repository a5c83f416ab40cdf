//! The transcript: a keyed list in its own scroll area, which follows the end
//! only while the reader is there.

use js_sys::Array;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement, Node, ResizeObserver};

use super::dom::{El, button, effect, el, icon, keep, text};
use super::icon::Icon;
use super::question::question;
use super::reply::reply;
use super::scene::{Scene, focus};
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

impl Row {
    /// Whether two rows are drawn alike.
    fn is_same(self, other: Self) -> bool {
        self.key == other.key && self.pause.is_some() == other.pause.is_some()
    }
}

/// Draws the transcript and the pill that leads to its end.
pub(super) fn transcript(scene: Scene, place: El, is_empty: Memo<bool>) -> El {
    let following = RwSignal::new(true);
    let list = el("div", "cw-list").part(move || if is_empty.get() { welcome(scene) } else { None });
    keep_rows(scene, &list);
    keep_end(scene, &place, &list, following);
    let mut last_top = 0;
    let on_scroll = move |event: web_sys::Event| {
        let log = event.current_target().and_then(|target| target.dyn_into::<Element>().ok());
        let Some(log) = log.filter(|log| log.client_height() > 0) else { return };
        let top = log.scroll_top();
        let before = std::mem::replace(&mut last_top, top);
        if log.scroll_height() - log.client_height() - top < NEAR_PX {
            if !following.get_untracked() {
                following.set(true);
            }
        } else if top < before && following.get_untracked() {
            // Only going up leaves the end; that text came in below does not.
            following.set(false);
        }
    };
    let log = place
        .set("part", "log")
        .set("role", "log")
        .set("aria-live", "off")
        .set("aria-label", &scene.text(Text::Transcript))
        .set("tabindex", "0")
        .on("scroll", on_scroll)
        .add(&list);
    let unseen = unseen(scene, following);
    el("div", "cw-stage").add(&log).part(move || pill(scene, following, unseen))
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

/// A row on the screen, and the owner of what keeps it up to date.
struct Shown {
    row: Row,
    element: El,
    owner: Owner,
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.owner.cleanup();
        self.element.remove();
    }
}

/// Draws the rows, and keeps those that stay: what is equal at the beginning
/// and at the end is not looked at, and what lies between is short, since a
/// conversation grows at its ends.
fn keep_rows(scene: Scene, list: &El) {
    let end = text("");
    super::dom::append(list, &end);
    // Rows outlive the run of the effect that draws them, so they have an owner
    // beside it, which goes with it.
    let Some(owner) = Owner::current().map(|owner| owner.child()) else { return };
    let mut shown: Vec<Shown> = Vec::new();
    let list = list.clone();
    effect(move || {
        let wanted = scene.store.read(Region::List, rows).unwrap_or_default();
        let is_kept = |(old, new): &(&Shown, &Row)| old.row.is_same(**new);
        let head = shown.iter().zip(&wanted).take_while(is_kept).count();
        let most = shown.len().min(wanted.len()) - head;
        let tail = shown.iter().rev().zip(wanted.iter().rev()).take(most).take_while(is_kept).count();
        let after = shown.split_off(shown.len() - tail);
        let mut between = shown.split_off(head);
        for row in wanted.into_iter().skip(head).rev().skip(tail).rev() {
            let kept = between.iter().position(|old| old.row.is_same(row));
            let item = kept.map_or_else(|| draw(scene, row, owner.child()), |at| between.swap_remove(at));
            let next: &Node = after.first().map_or(&end, |next| &next.element);
            // What it is put before is a child of the list.
            let _ = list.insert_before(&item.element, Some(next));
            shown.push(item);
        }
        shown.extend(after);
    });
}

fn draw(scene: Scene, row: Row, owner: Owner) -> Shown {
    let element = owner.with(|| {
        // What a row reads while it is drawn is no reason to draw the list anew.
        untrack(|| {
            let time =
                row.pause.map(|at| el("p", "cw-time").text(&time::day_and_clock(scene, at, time::now())));
            let class = if row.is_question { "cw-row cw-question" } else { "cw-row cw-reply" };
            let place = el("article", class).set("part", "message").maybe(time);
            if row.is_question { question(scene, row.key, place) } else { reply(scene, row.key, place) }
        })
    });
    Shown { row, element, owner }
}

/// Keeps the end in sight. The observer is called once per frame, after layout
/// and before paint: nothing has to be measured for it, whatever grew.
fn keep_end(scene: Scene, log: &El, list: &El, following: RwSignal<bool>) {
    let watched = log.html();
    let grown = Closure::<dyn FnMut(Array)>::new(move |_| {
        if following.try_get_untracked() == Some(true) {
            to_end(&watched);
        }
    });
    if let Ok(observer) = ResizeObserver::new(grown.as_ref().unchecked_ref()) {
        observer.observe(log);
        observer.observe(list);
        keep(Watch { observer, _grown: grown });
    }
    // Who asks wants to see the answer.
    let mut newest = None;
    effect(move || {
        let now = scene.store.read(Region::List, newest_question).flatten();
        if std::mem::replace(&mut newest, now) < now {
            following.set(true);
        }
    });
}

/// An observer that ends when it is dropped.
struct Watch {
    observer: ResizeObserver,
    _grown: Closure<dyn FnMut(Array)>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

fn newest_question(model: &Model) -> Option<Key> {
    model.items().iter().rev().find_map(|(key, item)| matches!(item, Item::Question(_)).then_some(*key))
}

fn to_end(log: &HtmlElement) {
    // Held to the end by the browser, and no layout is asked for.
    log.set_scroll_top(i32::MAX);
}

/// How many replies came below since the reader left the end.
fn unseen(scene: Scene, following: RwSignal<bool>) -> RwSignal<usize> {
    let mut seen = None;
    let count = RwSignal::new(0);
    effect(move || {
        let is_following = following.get();
        let later = |model: &Model| {
            if is_following {
                seen = model.items().iter().map(|(key, _)| *key).max();
            }
            let later = model.items().iter().rev().take_while(|(key, _)| Some(*key) > seen);
            later.filter(|(_, item)| matches!(item, Item::Reply(_))).count()
        };
        let now = scene.store.read(Region::List, later).unwrap_or_default();
        if count.get_untracked() != now {
            count.set(now);
        }
    });
    count
}

fn pill(scene: Scene, following: RwSignal<bool>, unseen: RwSignal<usize>) -> Option<El> {
    if following.get() {
        return None;
    }
    let label = match unseen.get() {
        0 => scene.text(Text::JumpToLatest),
        many => time::count(scene, Text::NewAnswers, many),
    };
    let press = move |_| {
        following.set(true);
        if let Some(places) = scene.places() {
            to_end(&places.log.html());
            focus(&places.log.html());
        }
    };
    let pill = button("cw-pill", press).set("part", "pill");
    Some(pill.add(&icon(Icon::Down)).add(&el("span", "").text(&label)))
}
