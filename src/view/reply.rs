//! A message of the agent: activities, reasoning, the text, sources, actions
//! and follow-up questions.

use leptos::prelude::{Get as _, Memo};
use wasm_bindgen::JsCast as _;
use web_sys::Element;

use super::clipboard;
use super::dom::{El, append, button, effect, el, icon, set, text};
use super::failure::failure;
use super::header::name;
use super::icon::Icon;
use super::later::waiting;
use super::markdown::{Drawing, lead_to};
use super::rating::Buttons;
use super::scene::{Scene, after};
use super::strings::Text;
use super::time;
use super::welcome::chips;
use crate::engine::{Activity, Event, Features, Item, Key, Model, Region, Reply, ReplyPhase, Source};

/// How long "Copied" is shown, in ms.
const COPIED_MS: u64 = 2_000;

/// Draws a reply. The text of one that has ended is drawn once and not watched;
/// only what stands below it may change after that.
pub(super) fn reply(scene: Scene, key: Key, row: El) -> El {
    let prose = el("div", "cw-prose").set("dir", "auto").on("click", move |event| {
        let pressed = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if let Some(button) = pressed.and_then(|element| element.closest(".cw-copy").ok().flatten()) {
            copy_code(scene, &button);
        }
    });
    let thoughts = Thoughts::new(scene);
    let features =
        Memo::new(move |_| scene.store.read(Region::Header, |model| model.features).unwrap_or_default());
    let drawn = row
        .clone()
        .set("aria-label", &name(scene))
        .part(move || activities(scene, key))
        .add(&thoughts.place)
        .add(&prose)
        .part(move || foot(scene, key, features));
    let mut body = Body { row, state: "", thoughts, drawing: Drawing::new(scene, prose.html().into()) };
    if scene.store.peek(|model| find(model, key).is_some_and(Reply::is_live)) == Some(true) {
        effect(move || {
            scene.store.read(Region::Live(key), |_| ());
            read(scene, key, |reply| body.show(reply));
        });
    } else {
        scene.store.peek(|model| find(model, key).map(|reply| body.show(reply)));
    }
    drawn
}

/// Reads the reply, and follows all of it but its growing text.
fn read<R>(scene: Scene, key: Key, read: impl FnOnce(&Reply) -> R) -> Option<R> {
    scene.store.read(Region::Item(key), |model| find(model, key).map(read)).flatten()
}

fn find(model: &Model, key: Key) -> Option<&Reply> {
    match model.item(key)? {
        Item::Reply(reply) => Some(reply),
        Item::Question(_) => None,
    }
}

/// The part of a reply that grows, once per frame.
struct Body {
    row: El,
    state: &'static str,
    thoughts: Thoughts,
    drawing: Drawing,
}

impl Body {
    fn show(&mut self, reply: &Reply) {
        let state = match reply.phase {
            ReplyPhase::Waiting { .. } => "waiting",
            ReplyPhase::Streaming => "streaming",
            _ => "ended",
        };
        if std::mem::replace(&mut self.state, state) != state {
            set(&self.row, "data-state", state);
        }
        self.thoughts.show(reply);
        self.drawing.show(&reply.document());
        self.drawing.link(&reply.sources);
    }
}

/// What the model thought, folded: while it thinks, and after.
struct Thoughts {
    scene: Scene,
    place: El,
    label: web_sys::Text,
    content: web_sys::Text,
    shown: usize,
}

impl Thoughts {
    fn new(scene: Scene) -> Self {
        let (label, content) = (text(""), text(""));
        let summary = el("summary", "").add(&icon(Icon::DOWN)).add(&el("span", "").add(&label));
        let place = el("details", "cw-thoughts")
            .set("hidden", "")
            .add(&summary)
            .add(&el("div", "cw-thoughts-text").set("dir", "auto").add(&content));
        Self { scene, place, label, content, shown: 0 }
    }

    fn show(&mut self, reply: &Reply) {
        let reasoning = reply.reasoning.as_str();
        if reasoning.is_empty() {
            return;
        }
        if self.shown == 0 {
            let _ = self.place.remove_attribute("hidden");
        }
        let is_thinking = reply.thinks_since.is_some();
        set(&self.place, "data-state", if is_thinking { "thinking" } else { "thought" });
        let label = thoughts_label(self.scene, is_thinking, reply.thought_ms);
        if self.label.data() != label {
            self.label.set_data(&label);
        }
        if let Some(more) = reasoning.get(self.shown..).filter(|more| !more.is_empty()) {
            let _ = self.content.append_data(more);
        }
        self.shown = reasoning.len();
    }
}

fn thoughts_label(scene: Scene, is_thinking: bool, thought_ms: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` holds it within the bounds"
    )]
    let seconds = (thought_ms / 1_000.0).round() as usize;
    match (is_thinking, seconds) {
        (true, _) => scene.text(Text::Thinking),
        (false, 0) => scene.text(Text::Thought),
        (false, seconds) => scene.text_with(Text::ThoughtFor, &time::number(scene, seconds)),
    }
}

/// What the agent did on the way, one line a tool.
fn activities(scene: Scene, key: Key) -> Option<El> {
    let line = |model: &Model, activity: &Activity| {
        let text = match activity.succeeded {
            None => Text::ToolRuns,
            Some(true) => Text::ToolDone,
            Some(false) => Text::ToolFailed,
        };
        let tool = el("strong", "").text(model.tool_title(&activity.tool));
        let words = el("span", "").text(&scene.text(text)).text(" ").add(&tool);
        let state = if activity.succeeded.is_none() { "running" } else { "over" };
        el("li", "").set("data-state", state).add(&icon(Icon::TOOL)).add(&words)
    };
    let list = el("ul", "cw-activities").set("part", "activities");
    scene.store.read(Region::Item(key), |model| {
        for activity in find(model, key).into_iter().flat_map(|reply| &reply.activities) {
            append(&list, &line(model, activity));
        }
    })?;
    list.has_child_nodes().then_some(list)
}

/// Draws what stands below the text.
fn foot(scene: Scene, key: Key, features: Memo<Features>) -> Option<El> {
    let features = features.get();
    read(scene, key, |reply| {
        let follow_ups = || chips(scene, Text::FollowUps, reply.suggestions.clone());
        let is_done = reply.phase == ReplyPhase::Done;
        // What is stored under no name cannot be rated.
        let can_rate = features.feedback && !reply.is_live() && reply.id.is_some() && !reply.text.is_empty();
        let rating = can_rate.then(|| Buttons::new(scene, key));
        el("div", "cw-foot")
            .maybe(ending(scene, key, reply))
            .maybe(sources(scene, &reply.sources))
            .maybe(actions(scene, key, reply, features.retry, rating.as_ref()))
            .maybe(rating.map(Buttons::form))
            .maybe(is_done.then(follow_ups).flatten())
    })
}

/// What stands where the text ends: the waiting, or why there is no more.
fn ending(scene: Scene, key: Key, reply: &Reply) -> Option<El> {
    match &reply.phase {
        // Hidden by its style as soon as text comes.
        ReplyPhase::Waiting { label } => Some(waiting(scene, label.as_deref())),
        ReplyPhase::Failed(why) => Some(failure(scene, key, why)),
        ReplyPhase::Stopped => Some(note(scene, Text::Stopped)),
        ReplyPhase::Done if reply.is_empty() => Some(note(scene, Text::EmptyReply)),
        ReplyPhase::Streaming | ReplyPhase::Done => None,
    }
}

fn note(scene: Scene, text: Text) -> El {
    el("p", "cw-note").text(&scene.text(text))
}

fn sources(scene: Scene, sources: &[Source]) -> Option<El> {
    let list = el("ol", "cw-sources").set("aria-label", &scene.text(Text::Sources));
    for (index, source) in sources.iter().enumerate() {
        let chip = el(if source.href.is_some() { "a" } else { "span" }, "cw-source")
            .set("part", "source")
            .set("title", &source.title)
            .add(&el("span", "cw-cite").set("aria-hidden", "true").text(&(index + 1).to_string()))
            .add(&el("span", "cw-source-title").set("dir", "auto").text(&source.title));
        if let Some(href) = &source.href {
            lead_to(scene, &chip, href);
        }
        append(&list, &el("li", "").add(&chip));
    }
    list.has_child_nodes().then_some(list)
}

/// Draws the icons under a reply that has ended, and its time. "Try again" is
/// hidden by its style on all but the last: earlier ones have been built upon.
fn actions(
    scene: Scene,
    key: Key,
    reply: &Reply,
    can_regenerate: bool,
    rating: Option<&Buttons>,
) -> Option<El> {
    if reply.is_live() {
        return None;
    }
    let again = match reply.phase {
        ReplyPhase::Done if can_regenerate => Some(Event::RegeneratePressed { key }),
        ReplyPhase::Stopped => Some(Event::RetryPressed { key }),
        _ => None,
    };
    // At a kiosk there is nowhere to paste it but before the next visitor's eyes.
    let can_copy = !scene.is_kiosk();
    let has_text = !reply.text.trim().is_empty();
    if !has_text && again.is_none() {
        return None;
    }
    let again = again.map(|event| {
        let press = move |_| {
            scene.store.dispatch(event.clone());
            scene.focus_input();
        };
        button("cw-action cw-again", press).label(&scene.text(Text::TryAgain)).add(&icon(Icon::AGAIN))
    });
    let time = reply.at.map(|at| el("span", "cw-when").text(&time::clock(scene, at)));
    let line = el("div", "cw-actions")
        .set("part", "actions")
        .maybe((has_text && can_copy).then(|| copy_button(scene, key)));
    let line = match rating {
        Some(rating) => line.add(&rating.good).add(&rating.bad),
        None => line,
    };
    let line = line.maybe(again);
    let line = match rating {
        Some(rating) => rating.add_why(line),
        None => line,
    };
    Some(line.maybe(time))
}

fn copy_button(scene: Scene, key: Key) -> El {
    let press = move |event: web_sys::Event| {
        let text = scene.store.peek(|model| Some(find(model, key)?.text.clone())).flatten();
        let pressed = event.current_target().and_then(|target| target.dyn_into::<Element>().ok());
        let (Some(text), Some(button)) = (text, pressed) else { return };
        let beside = button.clone().into();
        clipboard::copy(text, beside, move |copied| {
            tell_copied(scene, copied);
            if copied {
                set(&button, "data-done", "");
                after(COPIED_MS, move || {
                    let _ = button.remove_attribute("data-done");
                });
            }
        });
    };
    button("cw-action", press)
        .label(&scene.text(Text::CopyReply))
        .add(&icon(Icon::COPY))
        .add(&icon(Icon::DONE))
}

fn copy_code(scene: Scene, button: &Element) {
    let code = button.parent_element().and_then(|head| head.next_element_sibling());
    let Some(code) = code.and_then(|area| area.text_content()) else { return };
    let label = button.last_child();
    clipboard::copy(code, button.clone().into(), move |copied| {
        tell_copied(scene, copied);
        let Some(label) = label else { return };
        label.set_text_content(Some(&scene.text(outcome(copied))));
        after(COPIED_MS, move || label.set_text_content(Some(&scene.text(Text::Copy))));
    });
}

const fn outcome(copied: bool) -> Text {
    if copied { Text::Copied } else { Text::CopyFailed }
}

pub(super) fn tell_copied(scene: Scene, copied: bool) {
    scene.say(&scene.text(outcome(copied)));
}
