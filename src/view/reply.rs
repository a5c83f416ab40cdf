//! A message of the agent: activities, reasoning, the text, sources, actions
//! and follow-up questions.

use leptos::ev;
use leptos::html::{article, button, details, div, li, ol, p, span, strong, summary, ul};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{CharacterData, Element};

use super::clipboard;
use super::failure::failure;
use super::header::title;
use super::icon::{Icon, icon};
use super::markdown::{Drawing, lead_to};
use super::scene::{Scene, after, part, word, words};
use super::strings::Text;
use super::time;
use super::welcome::chips;
use crate::engine::{Activity, Event, Item, Key, Model, Region, Reply, ReplyPhase, Source};

/// How long "Copied" is shown, in ms.
const COPIED_MS: u64 = 2_000;

/// A reply's row.
pub(super) fn reply(scene: Scene, key: Key) -> AnyView {
    let store = scene.store;
    let phase = Memo::new(move |_| {
        store.read(Region::Live(key), |_| ());
        read(scene, key, |reply| reply.phase.clone()).unwrap_or(ReplyPhase::Done)
    });
    let state = move || match phase.get() {
        ReplyPhase::Waiting { .. } => "waiting",
        ReplyPhase::Streaming => "streaming",
        _ => "ended",
    };
    let name = move || store.read(Region::Header, |model| title(model).to_owned()).unwrap_or_default();
    article()
        .class("cw-row cw-reply")
        .part("message")
        .aria_label(words(name))
        .attr("data-state", word(state))
        .child((
            part(move || activities(read(scene, key, |reply| reply.activities.clone()).unwrap_or_default())),
            reasoning(scene, key, phase),
            prose(scene, key),
            part(move || ending(scene, key, phase.get())),
            part(move || sources(read(scene, key, |reply| reply.sources.clone()).unwrap_or_default())),
            part(move || actions(scene, key, &phase.get())),
            part(move || follow_ups(scene, key, phase)),
        ))
        .into_any()
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

/// The text. Leptos makes the element; what is in it belongs to the [`Drawing`].
fn prose(scene: Scene, key: Key) -> AnyView {
    let place = NodeRef::<leptos::html::Div>::new();
    let mut drawing: Option<Drawing> = None;
    Effect::new(move || {
        let Some(root) = place.get() else { return };
        let drawing = drawing.get_or_insert_with(|| Drawing::new(root.into()));
        scene.store.read(Region::Live(key), |_| ());
        scene.store.read(Region::Item(key), |model| {
            if let Some(reply) = find(model, key) {
                drawing.show(&reply.document);
                drawing.link(&reply.sources);
            }
        });
    });
    div()
        .node_ref(place)
        .class("cw-prose")
        .dir("auto")
        .on(ev::click, move |event: web_sys::MouseEvent| {
            let pressed = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            let button = pressed.and_then(|element| element.closest(".cw-copy").ok().flatten());
            if let Some(button) = button {
                copy_code(scene, button);
            }
        })
        .into_any()
}

fn copy_code(scene: Scene, button: Element) {
    let code = button.parent_element().and_then(|head| head.next_element_sibling());
    let Some(code) = code.and_then(|area| area.text_content()) else { return };
    let beside = button.clone();
    clipboard::copy(code, beside.into(), move |copied| {
        tell_copied(scene, copied);
        let Some(label) = button.last_child() else { return };
        label.set_text_content(Some(outcome(copied).get()));
        after(COPIED_MS, move || label.set_text_content(Some(Text::Copy.get())));
    });
}

const fn outcome(copied: bool) -> Text {
    if copied { Text::Copied } else { Text::CopyFailed }
}

fn tell_copied(scene: Scene, copied: bool) {
    scene.say(outcome(copied).get());
}

/// What the model thought, folded. It grows like the text does.
fn reasoning(scene: Scene, key: Key, phase: Memo<ReplyPhase>) -> AnyView {
    let store = scene.store;
    let is_there = Memo::new(move |_| {
        store.read(Region::Live(key), |_| ());
        read(scene, key, |reply| !reply.reasoning.is_empty()).unwrap_or_default()
    });
    let draw = move || {
        if !is_there.get() {
            return ().into_any();
        }
        let place = NodeRef::<leptos::html::Div>::new();
        let mut shown = 0;
        Effect::new(move || {
            let Some(root) = place.get() else { return };
            store.read(Region::Live(key), |_| ());
            read(scene, key, |reply| shown = grow(&root, &reply.reasoning, shown));
        });
        let label = move || match phase.get() {
            ReplyPhase::Waiting { .. } => Text::Thinking.get(),
            _ => Text::Thought.get(),
        };
        details()
            .class("cw-thoughts")
            .child((
                summary().child((icon(Icon::Down), span().child(word(label)))),
                div().node_ref(place).class("cw-thoughts-text").dir("auto"),
            ))
            .into_any()
    };
    part(draw).into_any()
}

/// Adds to an element what its text grew by, and gives the text's new length.
fn grow(root: &Element, text: &str, shown: usize) -> usize {
    match (root.first_child(), text.get(shown..)) {
        (Some(node), Some(more)) => {
            if let Some(data) = node.dyn_ref::<CharacterData>() {
                let _ = data.append_data(more);
            }
        }
        _ => root.set_text_content(Some(text)),
    }
    text.len()
}

fn activities(activities: Vec<Activity>) -> AnyView {
    if activities.is_empty() {
        return ().into_any();
    }
    let lines = activities.into_iter().map(|activity| {
        let text = match activity.succeeded {
            None => Text::ToolRuns,
            Some(true) => Text::ToolDone,
            Some(false) => Text::ToolFailed,
        };
        li().child((icon(Icon::Tool), span().child((text.get(), " ", strong().child(activity.tool)))))
    });
    ul().class("cw-activities").child(lines.collect::<Vec<_>>()).into_any()
}

/// What stands where the text ends: the waiting, or why there is no more.
fn ending(scene: Scene, key: Key, phase: ReplyPhase) -> AnyView {
    match phase {
        ReplyPhase::Waiting { label } => p()
            .class("cw-waiting")
            .child((
                span().class("cw-dots").aria_hidden("true").child((span(), span(), span())),
                span()
                    .class(if label.is_some() { "" } else { "cw-hidden" })
                    .child(label.unwrap_or_else(|| Text::Waiting.get().to_owned())),
            ))
            .into_any(),
        ReplyPhase::Streaming => ().into_any(),
        ReplyPhase::Failed(why) => failure(scene, key, &why),
        ReplyPhase::Stopped => note(Text::Stopped),
        ReplyPhase::Done => {
            let is_empty = read(scene, key, Reply::is_empty).unwrap_or_default();
            if is_empty { note(Text::EmptyReply) } else { ().into_any() }
        }
    }
}

fn note(text: Text) -> AnyView {
    p().class("cw-note").child(text.get()).into_any()
}

fn sources(sources: Vec<Source>) -> AnyView {
    if sources.is_empty() {
        return ().into_any();
    }
    let lines =
        sources.into_iter().enumerate().map(|(index, source)| li().child(source_link(index + 1, source)));
    ol().class("cw-sources").aria_label(Text::Sources.get()).child(lines.collect::<Vec<_>>()).into_any()
}

fn source_link(number: usize, source: Source) -> AnyView {
    let inner = (
        span().class("cw-cite").aria_hidden("true").child(number.to_string()),
        span().class("cw-source-title").dir("auto").child(source.title.clone()),
    );
    match source.href {
        None => span().class("cw-source").part("source").child(inner).into_any(),
        Some(href) => leptos::html::a()
            .class("cw-source")
            .part("source")
            .title(source.title)
            .child(inner)
            .directive(move |anchor: Element, ()| lead_to(&anchor, &href), ())
            .into_any(),
    }
}

/// The icons under a reply that has ended, and its time.
fn actions(scene: Scene, key: Key, phase: &ReplyPhase) -> AnyView {
    if matches!(phase, ReplyPhase::Waiting { .. } | ReplyPhase::Streaming) {
        return ().into_any();
    }
    let store = scene.store;
    let (has_text, at) =
        read(scene, key, |reply| (!reply.text.trim().is_empty(), reply.at)).unwrap_or((false, None));
    let can_regenerate = store.read(Region::Header, |model| model.features.retry).unwrap_or_default();
    let again = match phase {
        ReplyPhase::Done if can_regenerate => Some(Event::RegeneratePressed { key }),
        ReplyPhase::Stopped => Some(Event::RetryPressed { key }),
        _ => None,
    };
    // Only the last reply can be had anew: an earlier one has been built upon.
    let again = again.filter(|_| is_last(scene, key));
    if !has_text && again.is_none() {
        return ().into_any();
    }
    div()
        .class("cw-actions")
        .child((
            has_text.then(|| copy_button(scene, key)),
            again.map(|event| {
                button()
                    .class("cw-action")
                    .r#type("button")
                    .title(Text::TryAgain.get())
                    .aria_label(Text::TryAgain.get())
                    .on(ev::click, move |_| {
                        store.dispatch(event.clone());
                        scene.focus_input_unless_touch();
                    })
                    .child(icon(Icon::Again))
            }),
            at.map(|at| span().class("cw-when").child(time::clock(at))),
        ))
        .into_any()
}

fn copy_button(scene: Scene, key: Key) -> AnyView {
    let is_copied = RwSignal::new(false);
    let press = move |event: web_sys::MouseEvent| {
        let text = scene.store.peek(|model| find(model, key).map(|reply| reply.text.clone())).flatten();
        let beside = event.current_target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let (Some(text), Some(beside)) = (text, beside) else { return };
        clipboard::copy(text, beside, move |copied| {
            tell_copied(scene, copied);
            is_copied.try_set(copied);
            after(COPIED_MS, move || {
                is_copied.try_set(false);
            });
        });
    };
    button()
        .class("cw-action")
        .r#type("button")
        .title(Text::CopyReply.get())
        .aria_label(Text::CopyReply.get())
        .attr("data-done", word(move || if is_copied.get() { "true" } else { "false" }))
        .on(ev::click, press)
        .child((icon(Icon::Copy), icon(Icon::Done)))
        .into_any()
}

fn follow_ups(scene: Scene, key: Key, phase: Memo<ReplyPhase>) -> AnyView {
    if phase.get() != ReplyPhase::Done || !is_last(scene, key) {
        return ().into_any();
    }
    chips(scene, Text::FollowUps, read(scene, key, |reply| reply.suggestions.clone()).unwrap_or_default())
}

fn is_last(scene: Scene, key: Key) -> bool {
    let last = scene.store.read(Region::List, |model| model.items().last().map(|(last, _)| *last));
    last.flatten() == Some(key)
}
