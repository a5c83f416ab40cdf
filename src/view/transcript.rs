//! The transcript: rows in the scroll area of [`super::log`], which follows the
//! end only while the reader is there, and loads what is older before the reader
//! comes to its beginning. Of the part `Reply`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Reflect};
use leptos::prelude::*;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{HtmlElement, ResizeObserver, WheelEvent};

use super::dom::{El, button, effect, el, icon, keep, listen};
use super::icon::Icon;
use super::rows::{Rows, rows_of, target_of};
use super::scene::{Scene, focus};
use super::strings::Text;
use super::time;
use super::value::Value;
use crate::engine::{Event, Item, Key, Model, Older, Region};
use crate::shell::store::Kept;

/// How far from the end still counts as the end, in px: about a line and a half.
const NEAR_PX: i32 = 36;

/// Where a scroll area stood, in px.
#[derive(Clone, Copy, Default)]
struct Place {
    top: i32,
    height: i32,
    content: i32,
}

/// The scroll area and its rows. Cheap to copy.
#[derive(Clone, Copy)]
struct Stage {
    scene: Scene,
    following: Value<bool>,
    rows: Kept<RefCell<Rows>>,
}

/// Draws the transcript into its scroll area `log`, of which `list` is the
/// content, and the pill that leads to its end into the place around it.
pub(super) fn transcript(scene: Scene, log: &El, list: &El, around: &El) {
    let rows = el("div", "cw-rows");
    list.clone().part(move || older(scene)).add(&rows);
    // Rows outlive the run of the effect that draws them, so they have an owner
    // beside it, which goes with it.
    let owner = Owner::current().map(|owner| owner.child()).unwrap_or_default();
    let following = Value::new(true);
    let held = Rows::new(scene, log.html(), rows.clone(), following, owner);
    let held = Kept::new(RefCell::new(held));
    let stage = Stage { scene, following, rows: held };
    stage.watch(log, &rows);
    stage.keep_rows();
    let mut place = Place::default();
    let touched = Rc::new(Cell::new(None));
    let touched_first = Rc::clone(&touched);
    listen(log, "scroll", move |event| {
        if let Some(log) = event.current_target() {
            stage.scrolled(log.unchecked_ref(), &mut place);
        }
    });
    // Whoever goes up leaves the end at once: a browser scrolls smoothly over
    // many frames, and each in which text comes would take the reader back.
    listen(log, "wheel", move |event| {
        if event.unchecked_ref::<WheelEvent>().delta_y() < 0.0 {
            stage.leave_end();
        }
    });
    listen(log, "touchstart", move |event| touched_first.set(finger(&event)));
    listen(log, "touchmove", move |event| {
        if finger(&event) > touched.get() {
            stage.leave_end();
        }
    });
    let unseen = unseen(scene, stage.following);
    around.clone().part(move || pill(stage, unseen));
}

/// How far down the first finger is, in px.
fn finger(event: &web_sys::Event) -> Option<f64> {
    let member = |of: &JsValue, name: &str| Reflect::get(of, &JsValue::from_str(name)).ok();
    member(&member(&member(event, "touches")?, "0")?, "clientY")?.as_f64()
}

impl Stage {
    /// Does something to the rows; nothing once the widget is gone, or from
    /// within what is being done to them.
    fn with<R>(self, run: impl FnOnce(&mut Rows) -> R) -> Option<R> {
        let rows = self.rows.get()?;
        let mut rows = rows.try_borrow_mut().ok()?;
        Some(run(&mut rows))
    }

    fn set_following(self, is_following: bool) {
        if self.following.peek() != is_following {
            self.following.set(is_following);
            self.with(Rows::note_anchor);
        }
    }

    fn leave_end(self) {
        let has_room = self.scene.places().is_some_and(|places| places.log.scroll_top() > 0);
        if has_room {
            self.set_following(false);
        }
    }

    fn go_to_end(self) {
        self.set_following(true);
        self.with(|rows| {
            rows.fit();
            rows.hold();
        });
    }

    /// Draws what there is to see, whenever there is something else.
    fn keep_rows(self) {
        let mut newest = None;
        effect(move || {
            let read = |model: &Model| (rows_of(model), newest_question(model));
            let Some((rows, question)) = self.scene.store.read(Region::List, read) else { return };
            // Who asks wants to see the answer; another conversation is seen from
            // its end.
            let is_other = rows.is_empty();
            if std::mem::replace(&mut newest, question) < question || is_other {
                self.set_following(true);
            }
            self.with(|held| held.take(rows));
            self.look_back();
        });
        // The line above them goes with the oldest page, after that was drawn.
        effect(move || {
            if self.scene.store.read(Region::Older, |_| ()).is_some() {
                self.with(Rows::hold);
            }
        });
    }

    fn scrolled(self, log: &HtmlElement, before: &mut Place) {
        let place =
            Place { top: log.scroll_top(), height: log.client_height(), content: log.scroll_height() };
        if place.height == 0 {
            return;
        }
        let top = place.top;
        let before = std::mem::replace(before, place);
        let is_near_end = place.content - place.height - top < NEAR_PX;
        // Where something became shorter the browser moves up by itself, and what
        // grew since, a picture that arrived, may have put the end out of sight.
        let is_reader = (place.height, place.content) == (before.height, before.content);
        if is_near_end && top > before.top {
            self.set_following(true);
        } else if !is_near_end && top < before.top && is_reader {
            // Only going up leaves the end; that text came in below does not.
            self.set_following(false);
        }
        self.with(|rows| rows.scrolled(top));
        self.look_back();
    }

    /// Loads what is older if the reader is near to it.
    fn look_back(self) {
        let has_more = self.scene.store.peek(|model| matches!(model.older(), Older::More(_)));
        if has_more == Some(true) && self.with(|rows| rows.is_near_beginning()) == Some(true) {
            self.scene.store.dispatch(Event::OlderAsked);
        }
    }

    /// Keeps what is in sight in sight. The observer is called once per frame,
    /// after layout and before paint: nothing is laid out for it, whatever grew.
    fn watch(self, log: &El, rows: &El) {
        let is_waiting = Rc::new(Cell::new(false));
        let resized = Closure::<dyn FnMut(Array)>::new(move |entries: Array| {
            let elements = entries.iter().filter_map(|entry| target_of(&entry));
            let has_changed = self.with(|rows| rows.resized(elements));
            // Not now: what an observer's call draws, it is not told of.
            if has_changed == Some(true) && !is_waiting.replace(true) {
                let is_waiting = Rc::clone(&is_waiting);
                request_animation_frame(move || {
                    is_waiting.set(false);
                    self.with(Rows::fit);
                    self.look_back();
                });
            }
        });
        if let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) {
            observer.observe(log);
            observer.observe(rows);
            self.with(|rows| rows.watch_with(observer.clone()));
            keep(Watch { observer, _resized: resized });
        }
    }
}

/// An observer that ends when it is dropped.
struct Watch {
    observer: ResizeObserver,
    _resized: Closure<dyn FnMut(Array)>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

fn newest_question(model: &Model) -> Option<Key> {
    model.items().iter().rev().find_map(|(key, item)| matches!(item, Item::Question(_)).then_some(*key))
}

/// The line above the oldest message that is here. Its room is there as long as
/// there is more, so that its coming and going moves nothing.
fn older(scene: Scene) -> Option<El> {
    let older = scene.store.read(Region::Older, |model| model.older().clone())?;
    let line = el("div", "cw-older").set("role", "status");
    match older {
        Older::Nothing => None,
        Older::More(_) => Some(line),
        Older::Loading { .. } => Some(line.add(&el("span", "").text(&scene.text(Text::OlderLoading)))),
        Older::Failed { .. } => {
            let again = move |_| {
                scene.store.dispatch(Event::OlderAsked);
                if let Some(places) = scene.places() {
                    focus(&places.log.html());
                }
            };
            let again = button("cw-text-button", again).text(&scene.text(Text::TryAgain));
            Some(line.add(&el("span", "").text(&scene.text(Text::OlderFailed))).add(&again))
        }
    }
}

/// How many replies came below since the reader left the end, or were still
/// coming then.
fn unseen(scene: Scene, following: Value<bool>) -> Value<usize> {
    let mut seen = None;
    let count = Value::new(0);
    effect(move || {
        let is_following = following.get();
        let later = |model: &Model| {
            if is_following {
                seen = None;
                return 0;
            }
            let is_whole = |item: &Item| !matches!(item, Item::Reply(reply) if reply.is_live());
            let whole = || model.items().iter().filter(|(_, item)| is_whole(item)).map(|(key, _)| *key);
            let seen = *seen.get_or_insert_with(|| whole().max());
            let later = model.items().iter().rev().take_while(|(key, _)| Some(*key) > seen);
            later.filter(|(_, item)| matches!(item, Item::Reply(_))).count()
        };
        let now = scene.store.read(Region::List, later).unwrap_or_default();
        if count.peek() != now {
            count.set(now);
        }
    });
    count
}

fn pill(stage: Stage, unseen: Value<usize>) -> Option<El> {
    if stage.following.get() {
        return None;
    }
    let scene = stage.scene;
    let label = match unseen.get() {
        0 => scene.text(Text::JumpToLatest),
        many => time::count(scene, Text::NewAnswers, many),
    };
    let press = move |_| {
        stage.go_to_end();
        if let Some(places) = scene.places() {
            focus(&places.log.html());
        }
    };
    let pill = button("cw-pill", press).set("part", "pill");
    Some(pill.add(&icon(Icon::DOWN)).add(&el("span", "").text(&label)))
}
