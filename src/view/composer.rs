//! The composer: grows from one to six lines, keeps the draft, sends on Enter
//! but not on an input method's Enter, and says that a message is too long
//! before it is sent.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlTextAreaElement, KeyboardEvent};

use super::attach::attach;
use super::dom::{El, button, effect, el, icon, set};
use super::icon::Icon;
use super::scene::{Scene, after};
use super::strings::Text;
use super::time;
use super::value::{Derived, Value};
use crate::engine::{Event, MAX_MESSAGE_CHARS, Model, Part, Region};
use crate::shell::store::Kept;

/// Silence after which what was typed is kept, in ms.
const DRAFT_PAUSE_MS: u64 = 300;

/// From how many characters on the counter is shown: nine tenths of the most.
const COUNT_FROM: usize = MAX_MESSAGE_CHARS / 10 * 9;

/// The text field.
#[derive(Debug, Clone, Copy)]
struct Field {
    scene: Scene,
    /// The length in characters; 0 also for nothing but white space.
    chars: Value<usize>,
    /// Seconds until the relay takes a message again.
    rest: Value<usize>,
    /// Whether the page is thinking about a message.
    is_asked: Derived<bool>,
    /// Whether there are files.
    has_files: Derived<bool>,
    /// Whether all of them have arrived.
    is_ready: Derived<bool>,
    held: Kept<Held>,
}

/// What the text field remembers.
#[derive(Debug, Default)]
struct Held {
    /// What the engine holds as draft, as far as the field knows.
    known: RefCell<String>,
    /// The wait until the draft is kept.
    pause: Cell<Option<TimeoutHandle>>,
}

/// Draws the composer.
pub(super) fn composer(scene: Scene, input: El) -> El {
    let store = scene.store;
    let field = Field {
        scene,
        chars: Value::new(0),
        rest: Value::new(0),
        is_asked: Derived::new(move || {
            store.read(Region::Composer, |model| model.page_asked.is_some()).unwrap_or_default()
        }),
        has_files: Derived::new(move || {
            store.read(Region::Files, |model| !model.tray.attachments.is_empty()).unwrap_or_default()
        }),
        is_ready: Derived::new(move || {
            store.read(Region::Files, |model| model.tray.is_ready()).unwrap_or(true)
        }),
        held: Kept::new(Held::default()),
    };
    effect(move || {
        let until = store.read(Region::Composer, |model| model.rests_until).flatten();
        time::count_down(until, field.rest);
    });
    on_cleanup(move || field.cancel_pause());
    let is_replying = Derived::new(move || {
        let is_replying = store.read(Region::Composer, Model::is_replying).unwrap_or_default();
        // Without a network one more message can be written meanwhile.
        let takes = store.read(Region::Composer, Model::takes_message).unwrap_or(true);
        is_replying && !(takes && field.has_something())
    });
    let input = input
        .set("part", "input")
        .set("rows", "1")
        .set("dir", "auto")
        .set("aria-label", &scene.text(Text::Message))
        .set("enterkeyhint", "send")
        .set("autocomplete", "off")
        .live("aria-invalid", move || if field.is_too_long() { "true" } else { "false" })
        .on("input", move |_| field.typed())
        .on("blur", move |_| field.keep())
        .on("keydown", move |event| {
            if sends(event.unchecked_ref()) {
                event.prevent_default();
                field.send();
            }
        });
    let held = input.clone();
    effect(move || {
        let own = store.read(Region::Header, |model| model.config.placeholder.clone()).flatten();
        set(&held, "placeholder", &own.unwrap_or_else(|| scene.text(Text::Placeholder)));
    });
    let asked = input.clone();
    effect(move || {
        let input: HtmlTextAreaElement = asked.html().unchecked_into();
        input.set_read_only(field.is_asked.get());
    });
    // The hidden copy of the text gives the field its height: see its style.
    let grow = el("div", "cw-grow").add(&input);
    // The engine puts a draft in, after a reload, and takes it out, after a send.
    effect(move || {
        let draft = store.read(Region::Composer, |model| model.draft.clone()).unwrap_or_default();
        let Some(held) = field.held.get() else { return };
        if *held.known.borrow() != draft {
            let input: HtmlTextAreaElement = input.html().unchecked_into();
            input.set_value(&draft);
            field.measure(&input);
            held.known.replace(draft);
        }
    });
    let disclaimer = move || {
        let line = store.read(Region::Header, |model| model.config.disclaimer.clone()).flatten()?;
        Some(el("p", "cw-disclaimer").set("part", "disclaimer").set("dir", "auto").text(&line))
    };
    el("form", "cw-composer")
        .set("part", "composer")
        .on("submit", move |event| {
            event.prevent_default();
            field.send();
        })
        .add(&attach(scene, el("div", "cw-field")).add(&grow).add(&send_button(field, is_replying)))
        .part(move || count(scene, field.chars.get()))
        .part(move || rest(field))
        .part(move || unsent(scene))
        .part(disclaimer)
}

/// One button with two meanings: it stays where it is and keeps the focus when
/// a reply begins or ends.
fn send_button(field: Field, is_replying: Derived<bool>) -> El {
    let press = move |_| {
        if is_replying.peek() {
            field.scene.store.dispatch(Event::StopPressed);
        } else {
            field.send();
        }
    };
    let label = move || field.scene.text(if is_replying.get() { Text::Stop } else { Text::Send });
    let is_idle = move || !is_replying.get() && !field.can_send();
    button("cw-send", press)
        .live("part", move || if is_replying.get() { "stop" } else { "send" })
        .live("title", label)
        .live("aria-label", label)
        .live("aria-disabled", move || if is_idle() { "true" } else { "false" })
        .add(&icon(Icon::SEND))
        .add(&icon(Icon::STOP))
}

/// Says how long no message is taken.
fn rest(field: Field) -> Option<El> {
    if Derived::new(move || field.rest.get() > 0).get() {
        let line = move || field.scene.text_with(Text::RestsFor, &time::countdown(field.rest.get()));
        return Some(el("p", "cw-count").set("role", "timer").live_text(line));
    }
    None
}

/// Says that a message was not sent because the page took too long over it. That
/// its code could not be had is said in the transcript's place.
fn unsent(scene: Scene) -> Option<El> {
    let is_unsent = scene.store.read(Region::Composer, |model| model.is_unsent)?;
    (is_unsent && scene.store.has(Part::Reply))
        .then(|| el("p", "cw-count cw-count-over").text(&scene.text(Text::NotSent)))
}

fn count(scene: Scene, chars: usize) -> Option<El> {
    if chars < COUNT_FROM {
        return None;
    }
    let line = if chars > MAX_MESSAGE_CHARS {
        el("p", "cw-count cw-count-over").text(&scene.text(Text::TooLong)).text(" ")
    } else {
        el("p", "cw-count")
    };
    Some(line.text(&time::number(scene, chars)).text(" / ").text(&time::number(scene, MAX_MESSAGE_CHARS)))
}

/// Whether a key press sends. An input method's Enter chooses a word: it comes
/// while composing, or, in Safari, right after, with the code 229.
pub(super) fn sends(event: &KeyboardEvent) -> bool {
    event.key() == "Enter" && !event.shift_key() && !event.is_composing() && event.key_code() != 229
}

impl Field {
    fn input(self) -> Option<HtmlTextAreaElement> {
        Some(self.scene.places()?.input.html().unchecked_into())
    }

    /// Whether there is anything to send: words, or files.
    fn has_something(self) -> bool {
        self.chars.get() > 0 || self.has_files.get()
    }

    fn is_too_long(self) -> bool {
        self.chars.get() > MAX_MESSAGE_CHARS
    }

    /// Whether what stands in the field can be sent now, as far as the field
    /// knows.
    fn can_send(self) -> bool {
        let is_held = self.rest.get() > 0 || self.is_asked.get() || !self.is_ready.get();
        self.has_something() && !self.is_too_long() && !is_held
    }

    fn typed(self) {
        let Some(input) = self.input() else { return };
        self.measure(&input);
        self.cancel_pause();
        let wait = Duration::from_millis(DRAFT_PAUSE_MS);
        if let (Some(held), Ok(handle)) =
            (self.held.get(), set_timeout_with_handle(move || self.keep(), wait))
        {
            held.pause.set(Some(handle));
        }
    }

    /// Sees how long the text is, and lets the field grow with it.
    fn measure(self, input: &HtmlTextAreaElement) {
        let text = input.value();
        if let Some(around) = input.parent_element() {
            set(&around, "data-text", &text);
        }
        let chars = if text.trim().is_empty() { 0 } else { text.chars().count() };
        let was = self.chars.peek();
        if was <= MAX_MESSAGE_CHARS && chars > MAX_MESSAGE_CHARS {
            self.scene.say(&self.scene.text(Text::TooLong));
        }
        if was != chars {
            // What shows the reply is fetched while the question is written.
            self.scene.store.fetch(Part::Reply);
            self.chars.set(chars);
        }
    }

    /// Hands the draft to the engine, which keeps it.
    fn keep(self) {
        self.cancel_pause();
        let Some(text) = self.input().map(|input| input.value()) else { return };
        let Some(held) = self.held.get() else { return };
        if held.known.replace(text.clone()) != text {
            self.scene.store.dispatch(Event::DraftChanged { text });
        }
    }

    fn cancel_pause(self) {
        if let Some(handle) = self.held.get().and_then(|held| held.pause.take()) {
            handle.clear();
        }
    }

    /// Says that a message waits for its files.
    fn say_unfinished(self) {
        let scene = self.scene;
        // Once more, should it be said twice.
        after(0, move || scene.say(&scene.text(Text::FilesUnfinished)));
    }

    fn send(self) {
        if !self.is_ready.peek() {
            self.say_unfinished();
        }
        let is_taken = |model: &Model| model.has_consent() && model.takes_message();
        let is_taken = self.scene.store.peek(is_taken).unwrap_or_default();
        if !is_taken || !untrack(|| self.can_send()) {
            return;
        }
        // With the draft kept first, the engine's empty one is seen as new, and
        // a page that cancels the message leaves it standing.
        self.keep();
        if let Some(input) = self.input() {
            self.scene.store.send(&input.value());
        }
    }
}
