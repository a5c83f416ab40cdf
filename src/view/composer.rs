//! The composer: grows from one to six lines, keeps the draft, sends on Enter
//! but not on an input method's Enter, and says that a message is too long
//! before it is sent.

use std::time::Duration;

use crate::engine::MAX_MESSAGE_CHARS;
use leptos::ev;
use leptos::html::{button, div, form, p, span, textarea};
use leptos::prelude::*;
use web_sys::{HtmlTextAreaElement, KeyboardEvent};

use super::icon::{Icon, icon};
use super::scene::{Scene, part, word, words};
use super::strings::Text;
use super::time;
use crate::engine::{Event, Region};

/// Silence after which what was typed is kept, in ms.
const DRAFT_PAUSE_MS: u64 = 300;

/// From how many characters on the counter is shown: nine tenths of the most.
const COUNT_FROM: usize = MAX_MESSAGE_CHARS / 10 * 9;

/// What stands in the field, as far as the view needs it.
#[derive(Debug, Clone, Copy)]
struct Field {
    scene: Scene,
    /// The length in characters; nothing for a field with only white space.
    chars: RwSignal<Option<usize>>,
    /// What the engine holds as draft, as far as this field knows.
    known: StoredValue<String>,
    /// The wait until the draft is kept.
    pause: StoredValue<Option<TimeoutHandle>>,
}

/// The composer.
pub(super) fn composer(scene: Scene) -> AnyView {
    let store = scene.store;
    let field = Field {
        scene,
        chars: RwSignal::new(None),
        known: StoredValue::new(String::new()),
        pause: StoredValue::new(None),
    };
    on_cleanup(move || field.cancel_pause());
    // The engine puts a draft in, after a reload, and takes it out, after a send.
    Effect::new(move || {
        let draft = store.read(Region::Composer, |model| model.draft.clone()).unwrap_or_default();
        if let Some(input) = scene.input.get()
            && field.known.with_value(|known| *known != draft)
        {
            input.set_value(&draft);
            field.measure(&input);
            field.known.set_value(draft);
        }
    });
    let is_replying = Memo::new(move |_| {
        store.read(Region::Composer, crate::engine::Model::is_replying).unwrap_or_default()
    });
    let placeholder = move || {
        let own = store.read(Region::Header, |model| model.config.placeholder.clone()).flatten();
        own.unwrap_or_else(|| Text::Placeholder.get().to_owned())
    };
    let is_too_long = move || field.chars.get().is_some_and(|chars| chars > MAX_MESSAGE_CHARS);
    let input = textarea()
        .node_ref(scene.input)
        .class("cw-input")
        .part("input")
        .rows("1")
        .dir("auto")
        .aria_label(Text::Message.get())
        .aria_invalid(word(move || if is_too_long() { "true" } else { "false" }))
        .placeholder(words(placeholder))
        .enterkeyhint("send")
        .autocomplete("off")
        .on(ev::input, move |_| field.typed())
        .on(ev::blur, move |_| field.keep())
        .on(ev::keydown, move |event: KeyboardEvent| {
            if sends(&event) {
                event.prevent_default();
                field.send();
            }
        });
    form()
        .class("cw-composer")
        .part("composer")
        .on(ev::submit, move |event: web_sys::SubmitEvent| {
            event.prevent_default();
            field.send();
        })
        .child((
            div().class("cw-field").child((
                // The hidden copy of the text gives the field its height.
                div().class("cw-grow").child(input),
                send_button(field, is_replying),
            )),
            part(move || count(field.chars.get().unwrap_or_default())),
            part(move || {
                let line = store.read(Region::Header, |model| model.config.disclaimer.clone()).flatten();
                match line.filter(|line| !line.trim().is_empty()) {
                    None => ().into_any(),
                    Some(line) => p().class("cw-disclaimer").dir("auto").child(line).into_any(),
                }
            }),
        ))
        .into_any()
}

/// One button with two meanings: it stays where it is and keeps the focus when
/// a reply begins or ends.
fn send_button(field: Field, is_replying: Memo<bool>) -> AnyView {
    let can_send =
        move || is_replying.get() || field.chars.get().is_some_and(|chars| chars <= MAX_MESSAGE_CHARS);
    let press = move |_| {
        if is_replying.get_untracked() {
            field.scene.store.dispatch(Event::StopPressed);
        } else {
            field.send();
        }
    };
    let label = move || if is_replying.get() { Text::Stop.get() } else { Text::Send.get() };
    button()
        .class("cw-send")
        .part(word(move || if is_replying.get() { "stop" } else { "send" }))
        .r#type("button")
        .title(word(label))
        .aria_label(word(label))
        .aria_disabled(word(move || if can_send() { "false" } else { "true" }))
        .on(ev::click, press)
        .child((icon(Icon::Send), icon(Icon::Stop)))
        .into_any()
}

fn count(chars: usize) -> AnyView {
    if chars < COUNT_FROM {
        return ().into_any();
    }
    let mut text = time::number(chars);
    text.push_str(" / ");
    text.push_str(&time::number(MAX_MESSAGE_CHARS));
    let is_too_long = chars > MAX_MESSAGE_CHARS;
    let line = p().class(if is_too_long { "cw-count cw-count-over" } else { "cw-count" });
    line.child((is_too_long.then(|| span().child((Text::TooLong.get(), " "))), span().child(text))).into_any()
}

/// Whether a key press sends. An input method's Enter chooses a word: it comes
/// while composing, or, in Safari, right after, with the code 229.
fn sends(event: &KeyboardEvent) -> bool {
    event.key() == "Enter" && !event.shift_key() && !event.is_composing() && event.key_code() != 229
}

impl Field {
    fn input(self) -> Option<HtmlTextAreaElement> {
        self.scene.input.try_get_untracked().flatten()
    }

    fn typed(self) {
        let Some(input) = self.input() else { return };
        self.measure(&input);
        self.cancel_pause();
        let wait = Duration::from_millis(DRAFT_PAUSE_MS);
        if let Ok(handle) = set_timeout_with_handle(move || self.keep(), wait) {
            self.pause.try_update_value(|pause| *pause = Some(handle));
        }
    }

    /// Sees how long the text is, and lets the field grow with it.
    fn measure(self, input: &HtmlTextAreaElement) {
        let text = input.value();
        if let Some(around) = input.parent_element() {
            super::dom::set(&around, "data-text", &text);
        }
        let chars = (!text.trim().is_empty()).then(|| text.chars().count());
        let was = self.chars.try_get_untracked().flatten().unwrap_or_default();
        if was <= MAX_MESSAGE_CHARS && chars.is_some_and(|chars| chars > MAX_MESSAGE_CHARS) {
            self.scene.say(Text::TooLong.get());
        }
        self.chars.try_set(chars);
    }

    /// Hands the draft to the engine, which keeps it.
    fn keep(self) {
        self.cancel_pause();
        let Some(text) = self.input().map(|input| input.value()) else { return };
        let is_new = self.known.try_update_value(|known| {
            let is_new = *known != text;
            if is_new {
                known.clone_from(&text);
            }
            is_new
        });
        if is_new == Some(true) {
            self.scene.store.dispatch(Event::DraftChanged { text });
        }
    }

    fn cancel_pause(self) {
        if let Some(handle) = self.pause.try_update_value(Option::take).flatten() {
            handle.clear();
        }
    }

    fn send(self) {
        let can_send = self.chars.get_untracked().is_some_and(|chars| chars <= MAX_MESSAGE_CHARS);
        let is_replying = self.scene.store.peek(crate::engine::Model::is_replying).unwrap_or(true);
        let Some(input) = self.input().filter(|_| can_send && !is_replying) else { return };
        // With the draft kept first, the engine's empty one is seen as new, and
        // a page that cancels the message leaves it standing.
        self.keep();
        self.scene.store.send(&input.value());
    }
}
