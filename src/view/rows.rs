//! The rows of the transcript on the screen: those in sight and a good way
//! around are drawn, the others are room of their height. What the reader sees
//! stays where it is, whatever comes or goes above.
//!
//! The browser's own scroll anchoring is switched off: Safari has none, and two
//! that correct the same thing correct it twice.

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, Node, ResizeObserver};

use super::dom::{El, el, set};
use super::later::instead_of;
use super::question::question;
use super::reply::reply;
use super::scene::{Scene, focused, selected};
use super::time;
use super::value::Value;
use super::window::{Slot, Window, guess};
use crate::engine::part::{self, Lazy as _};
use crate::engine::{Item, Key, Model, Moment, Part};

/// What is taken for the height of the scroll area until it is known, in px.
const USUAL_HEIGHT: f64 = 560.0;

/// Most rows that stay out of sight because they are selected: a selection can
/// go through all of a transcript.
const MOST_HELD: usize = 400;

/// By how much heights may turn out otherwise before it is looked again which
/// rows are in sight, in px: a part of what is drawn around the sight.
const UNFIT: f64 = 120.0;

/// Differences that are no more than rounding, in px.
const ROUNDING: f64 = 0.5;

/// A row of the transcript, drawn or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    key: Key,
    is_question: bool,
    at: Option<Moment>,
    bytes: usize,
}

/// The transcript's items as rows.
pub(super) fn rows_of(model: &Model) -> Vec<Row> {
    let row = |(key, item): &(Key, Item)| match item {
        Item::Question(question) => {
            Row { key: *key, is_question: true, at: question.at, bytes: question.text.len() }
        }
        Item::Reply(reply) => Row { key: *key, is_question: false, at: reply.at, bytes: reply.text.len() },
    };
    model.items().iter().map(row).collect()
}

/// A row on the screen, and the owner of what keeps it up to date.
struct Drawn {
    key: Key,
    element: El,
    mark: Option<El>,
    dress: Dress,
    owner: Owner,
    scene: Scene,
}

impl Drop for Drawn {
    fn drop(&mut self) {
        self.owner.cleanup();
        self.element.remove();
        self.scene.store.forget(self.key);
    }
}

/// What a row looks like because of the rows around it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Dress {
    /// The time above it.
    mark: Option<(Moment, bool)>,
    /// Whether the next message is of the same side, and close.
    is_joined: bool,
}

/// The row that is to stay where it is: its lower edge, in px below the upper
/// edge of the scroll area.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    key: Key,
    edge: f64,
}

/// The rows and the part of them that is drawn.
pub(super) struct Rows {
    scene: Scene,
    log: HtmlElement,
    place: El,
    owner: Owner,
    observer: Option<ResizeObserver>,
    all: Vec<Row>,
    heights: Vec<f64>,
    drawn: Vec<Drawn>,
    gaps: Vec<El>,
    /// Where the sight begins and how high it is, as far as is known without
    /// asking for a layout.
    top: f64,
    height: f64,
    anchor: Option<Anchor>,
    /// By how much heights have turned out otherwise since it was last looked
    /// which rows are in sight.
    unfit: f64,
    following: Value<bool>,
}

impl Rows {
    /// Rows in `place`, which lies in the scroll area `log`.
    /// While `following`, their end stays in sight.
    pub(super) fn new(
        scene: Scene,
        log: HtmlElement,
        place: El,
        following: Value<bool>,
        owner: Owner,
    ) -> Self {
        Self {
            scene,
            log,
            place,
            owner,
            observer: None,
            all: Vec::new(),
            heights: Vec::new(),
            drawn: Vec::new(),
            gaps: Vec::new(),
            top: 0.0,
            height: USUAL_HEIGHT,
            anchor: None,
            unfit: 0.0,
            following,
        }
    }

    /// Has every row that is drawn watched from now on.
    pub(super) fn watch_with(&mut self, observer: ResizeObserver) {
        self.observer = Some(observer);
    }

    fn is_following(&self) -> bool {
        self.following.peek()
    }

    /// Takes in which rows there are now. Those that stay keep their height and
    /// their nodes: a conversation grows at its ends.
    pub(super) fn take(&mut self, fresh: Vec<Row>) {
        self.note_anchor();
        let anchored_at = self.anchored_at();
        let is_kept = |(old, new): &(&Row, &Row)| old.key == new.key;
        let head = self.all.iter().zip(&fresh).take_while(is_kept).count();
        let most = self.all.len().min(fresh.len()) - head;
        let tail = self.all.iter().rev().zip(fresh.iter().rev()).take(most).take_while(is_kept).count();
        let after = self.heights.split_off(self.heights.len() - tail);
        self.heights.truncate(head);
        let between = fresh.iter().skip(head).take(fresh.len() - head - tail);
        self.heights.extend(between.map(|row| guess(row.bytes)));
        self.heights.extend(after);
        self.all = fresh;
        self.drawn.retain(|drawn| self.all.iter().rev().any(|row| row.key == drawn.key));
        // The sight goes with what is held in it, wherever that is now.
        self.top += self.anchored_at() - anchored_at;
        let wanted = self.wanted();
        self.draw(&wanted);
    }

    /// How far down the row is that is to stay in its place.
    fn anchored_at(&self) -> f64 {
        let place = self.anchor.and_then(|anchor| self.all.iter().position(|row| row.key == anchor.key));
        self.heights.iter().take(place.unwrap_or_default()).sum()
    }

    /// Draws what has come into sight, and makes room of what has left it.
    pub(super) fn fit(&mut self) {
        self.unfit = 0.0;
        let wanted = self.wanted();
        let keys = wanted.iter().filter_map(|index| Some(self.all.get(*index)?.key));
        if !keys.eq(self.drawn.iter().map(|drawn| drawn.key)) {
            self.draw(&wanted);
        }
    }

    /// The rows to draw; also those that must not go, if any other would.
    fn wanted(&self) -> Vec<usize> {
        let wanted = self.wanted_with(None);
        let stays = |drawn: &Drawn| {
            wanted.iter().any(|index| self.all.get(*index).is_some_and(|row| row.key == drawn.key))
        };
        if self.drawn.iter().all(stays) {
            return wanted;
        }
        match self.held() {
            None => wanted,
            held => self.wanted_with(held),
        }
    }

    fn wanted_with(&self, held: Option<(usize, usize)>) -> Vec<usize> {
        let window = Window { heights: &self.heights, top: self.top(), height: self.height };
        let mut drawn = self.drawn.iter().peekable();
        let was_drawn = |index: usize| {
            let key = self.all.get(index).map(|row| row.key);
            drawn.next_if(|drawn| Some(drawn.key) == key).is_some()
        };
        window.rows(was_drawn, |index| held.is_some_and(|(from, to)| (from..=to).contains(&index)))
    }

    /// Where the sight begins.
    fn top(&self) -> f64 {
        if self.is_following() { self.heights.iter().sum::<f64>() - self.height } else { self.top }
    }

    fn draw(&mut self, wanted: &[usize]) {
        let slots = Window { heights: &self.heights, top: 0.0, height: 0.0 }.slots(wanted);
        for gap in &self.gaps {
            gap.remove();
        }
        let mut kept = std::mem::take(&mut self.drawn).into_iter().peekable();
        // Rows never change places, so what is not at its place has gone.
        for index in wanted {
            let Some(row) = self.all.get(*index).copied() else { continue };
            let is_wanted =
                |key: Key| wanted.iter().any(|at| self.all.get(*at).is_some_and(|row| row.key == key));
            while kept.next_if(|drawn| !is_wanted(drawn.key)).is_some() {}
            let item = kept.next_if(|drawn| drawn.key == row.key);
            self.drawn.push(item.unwrap_or_else(|| draw(self.scene, row, self.owner.child())));
        }
        drop(kept);
        let (mut gaps, mut drawn) = (0, self.drawn.iter());
        let mut next = self.place.first_child();
        for slot in slots {
            let element = match slot {
                Slot::Row(_) => drawn.next().map(|drawn| drawn.element.clone()),
                Slot::Gap(height) => {
                    if self.gaps.len() == gaps {
                        self.gaps.push(el("div", "cw-gap").set("aria-hidden", "true"));
                    }
                    gaps += 1;
                    self.gaps.get(gaps - 1).map(|gap| {
                        // Browsers refuse only names and values that are no CSS.
                        let _ = gap.html().style().set_property("block-size", &px(height));
                        gap.clone()
                    })
                }
            };
            let Some(element) = element else { continue };
            if next.as_ref().is_some_and(|next| next.is_same_node(Some(&element))) {
                next = element.next_sibling();
            } else {
                // What it is put before is a child of the place.
                let _ = self.place.insert_before(&element, next.as_ref());
                if let (Slot::Row(_), Some(observer)) = (slot, &self.observer) {
                    observer.observe(&element);
                }
            }
        }
        self.dress(wanted);
        // The end is gone to after layout, when the observer calls.
        if !self.is_following() {
            self.hold();
        }
    }

    /// Shows times and closeness, which depend on the rows around.
    fn dress(&mut self, wanted: &[usize]) {
        for (drawn, index) in self.drawn.iter_mut().zip(wanted) {
            let around = |index: Option<usize>| index.and_then(|index| self.all.get(index)).copied();
            let Some(row) = around(Some(*index)) else { continue };
            let (before, next) = (around(index.checked_sub(1)), around(Some(index + 1)));
            let mark = |before: Option<Row>, row: Row| {
                let at = row.at?;
                let before = before.and_then(|before| before.at);
                let is_new_day = before.is_none_or(|before| !time::is_same_day(before, at));
                (is_new_day || time::is_pause(before, at)).then_some((at, is_new_day))
            };
            let is_joined = next
                .is_some_and(|next| next.is_question == row.is_question && mark(Some(row), next).is_none());
            drawn.put_on(Dress { mark: mark(before, row), is_joined });
        }
    }

    /// The rows that must not go: from the one with the focus or the beginning
    /// of the selection to the one with its end.
    fn held(&self) -> Option<(usize, usize)> {
        let ends = selected(&self.place).into_iter().flatten();
        let ends = ends.chain(focused(&self.place).map(Node::from));
        let mut held: Option<(usize, usize)> = None;
        for node in ends {
            let Some(drawn) = self.drawn.iter().find(|drawn| drawn.element.contains(Some(&node))) else {
                continue;
            };
            let Some(index) = self.all.iter().rposition(|row| row.key == drawn.key) else { continue };
            held = Some(held.map_or((index, index), |(from, to)| (from.min(index), to.max(index))));
        }
        held.filter(|(from, to)| to - from <= MOST_HELD)
    }

    /// How much larger things are on the screen than laid out: what is around may
    /// be zoomed or transformed, which boxes on the screen show and scroll
    /// positions do not.
    fn scale(&self) -> f64 {
        let scale = self.log.get_bounding_client_rect().width() / f64::from(self.log.offset_width());
        // The one is rounded to whole pixels.
        if scale.is_finite() && (scale - 1.0).abs() > 0.01 && scale > 0.0 { scale } else { 1.0 }
    }

    /// Notes what is at the upper edge of the sight, as what is to stay there.
    pub(super) fn note_anchor(&mut self) {
        if self.is_following() {
            return;
        }
        let scale = self.scale();
        let top = self.log.get_bounding_client_rect().top();
        let mut edges = self.drawn.iter().map(|drawn| (drawn, (drawn.edge() - top) / scale));
        let first = edges.find(|(_, edge)| *edge > 0.0);
        // After a leap into what is not drawn, nothing that is drawn is in sight.
        let first = first.filter(|(drawn, edge)| edge - drawn.height() / scale < self.height);
        self.anchor = first.map(|(drawn, edge)| Anchor { key: drawn.key, edge });
    }

    /// Brings what is to stay in its place back to it.
    pub(super) fn hold(&mut self) {
        if self.is_following() {
            to_end(&self.log);
            return;
        }
        let Some(anchor) = self.anchor else {
            self.note_anchor();
            return;
        };
        let Some(drawn) = self.drawn.iter().find(|drawn| drawn.key == anchor.key) else { return };
        let moved = (drawn.edge() - self.log.get_bounding_client_rect().top()) / self.scale() - anchor.edge;
        if moved.abs() > ROUNDING {
            self.log.scroll_by_with_x_and_y(0.0, moved);
            // Laid out it is by now.
            self.top = f64::from(self.log.scroll_top());
        }
    }

    /// Something that is watched has another size. Called after layout and
    /// before paint: to measure costs nothing here. Says whether other rows may
    /// be in sight now.
    pub(super) fn resized(&mut self, elements: impl Iterator<Item = Element>) -> bool {
        let (mut change, scale) = (0.0, self.scale());
        for element in elements {
            let Some(drawn) = self.drawn.iter().find(|drawn| drawn.element.is_same_node(Some(&element)))
            else {
                continue;
            };
            let height = element.get_bounding_client_rect().height() / scale;
            let place = self.all.iter().rposition(|row| row.key == drawn.key);
            // A panel that is closed has no heights.
            if let Some(known) = place.and_then(|place| self.heights.get_mut(place)).filter(|_| height > 0.0)
            {
                change += (*known - height).abs();
                *known = height;
            }
        }
        let height = f64::from(self.log.client_height());
        if height > 0.0 {
            change += (self.height - height).abs();
            self.height = height;
        }
        self.hold();
        self.unfit += change;
        self.unfit > UNFIT
    }

    /// The reader has scrolled.
    pub(super) fn scrolled(&mut self, top: i32) {
        self.top = f64::from(top);
        self.note_anchor();
        self.fit();
    }

    /// Whether the reader is near the oldest message that is here.
    pub(super) fn is_near_beginning(&self) -> bool {
        self.top() < self.height * 2.0
    }
}

impl Drawn {
    fn edge(&self) -> f64 {
        self.element.get_bounding_client_rect().bottom()
    }

    fn height(&self) -> f64 {
        self.element.get_bounding_client_rect().height()
    }

    fn put_on(&mut self, dress: Dress) {
        if self.dress == dress {
            return;
        }
        if self.dress.mark != dress.mark {
            let mark = dress.mark.map(|(at, is_new_day)| {
                let words = if is_new_day {
                    time::day_and_clock(self.scene, at, time::now())
                } else {
                    time::clock(self.scene, at)
                };
                el("p", if is_new_day { "cw-time cw-day" } else { "cw-time" }).text(&words)
            });
            if let Some(mark) = &mark {
                // What it is put before is a child of the row.
                let _ = self.element.insert_before(mark, self.element.first_child().as_ref());
            }
            if let Some(old) = std::mem::replace(&mut self.mark, mark) {
                old.remove();
            }
        }
        if self.dress.is_joined != dress.is_joined {
            set(&self.element, "data-joined", if dress.is_joined { "true" } else { "false" });
        }
        self.dress = dress;
    }
}

fn draw(scene: Scene, row: Row, owner: Owner) -> Drawn {
    let element = owner.with(|| {
        // What a row reads while it is drawn is no reason to draw the list anew.
        untrack(|| {
            let class = if row.is_question { "cw-row cw-question" } else { "cw-row cw-reply" };
            let place = el("article", class).set("part", "message");
            if row.is_question { question(scene, row.key, place) } else { answer(scene, row.key, place) }
        })
    });
    Drawn { key: row.key, element, mark: None, dress: Dress::default(), owner, scene }
}

/// Draws a reply, as soon as what draws it is there.
fn answer(scene: Scene, key: Key, place: El) -> El {
    set(&place, "data-state", "waiting");
    let row = place.clone();
    place.part(move || {
        let instead = instead_of(scene, Part::Reply);
        if instead.is_none() {
            let row = row.clone();
            part::Reply::enter(|| untrack(|| reply(scene, key, row)));
        }
        instead
    })
}

/// Scrolls to the end.
fn to_end(log: &HtmlElement) {
    log.set_scroll_top(i32::MAX);
}

fn px(length: f64) -> String {
    // A tenth of a pixel is more than a screen shows; a float's own digits are
    // a table of 5 kB.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "room of rows, not negative")]
    let tenths = (length * 10.0).round() as u64;
    let mut text = (tenths / 10).to_string();
    text.push('.');
    text.push_str(&(tenths % 10).to_string());
    text.push_str("px");
    text
}

/// The element that an observer's entry is about.
pub(super) fn target_of(entry: &wasm_bindgen::JsValue) -> Option<Element> {
    js_sys::Reflect::get(entry, &wasm_bindgen::JsValue::from_str("target")).ok()?.dyn_into().ok()
}
