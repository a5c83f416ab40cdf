//! The conversation to take along: copied, or as a file. All of it: what is older
//! than the panel has is loaded first.

use std::rc::Rc;

use js_sys::Array;
use leptos::prelude::*;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, Url};

use super::clipboard;
use super::dom::{El, append, effect, el};
use super::header::name_of;
use super::icon::Icon;
use super::menu::{Choice, Opening, menu};
use super::reply::tell_copied;
use super::scene::{Scene, after};
use super::strings::Text;
use super::time;
use super::value::Derived;
use crate::engine::part::{self, Lazy as _};
use crate::engine::transcript::{Format, Words, write, write_empty};
use crate::engine::{ConversationId, Event, Model, Moment, Older, Region};

/// How long a file may take to be fetched from memory, in ms.
const DOWNLOAD_MS: u64 = 10_000;

/// The conversation as a text. Where nothing was said, the code that writes it
/// down may not be here, and is not needed.
pub(super) fn transcript_of(scene: Scene, format: Format) -> String {
    let written = scene.store.peek(|model| {
        if model.items().is_empty() {
            return write_empty(model, format);
        }
        part::Reply::enter_again(|| written(scene, model, format))
    });
    written.unwrap_or_default()
}

fn written(scene: Scene, model: &Model, format: Format) -> String {
    let full = move |at| time::full(scene, at);
    let time: &dyn Fn(Moment) -> String = if format == Format::Json { &time::iso } else { &full };
    let (you, agent) = (scene.text(Text::You), name_of(scene, model));
    let words = Words { you: &you, agent: &agent, sources: &scene.text(Text::Sources), time };
    write(model, format, &words)
}

/// Draws the menu of what can be done with the whole conversation.
pub(super) fn export_menu(scene: Scene, is_empty: Derived<bool>) -> El {
    let wanted = RwSignal::new(None);
    effect(move || {
        if let Some((conversation, file)) = wanted.get() {
            part::Reply::enter_again(|| go_on(scene, wanted, conversation.as_ref(), file));
        }
    });
    // What can be chosen is about messages, and of the part that came with the first.
    let draw = move |opening: Opening| part::Reply::enter_again(|| opening.list(&choices(scene, wanted)));
    menu(&scene.text(Text::More), is_empty, draw)
}

fn choices(scene: Scene, wanted: RwSignal<Wanted>) -> Vec<Choice> {
    let choice = |icon, text, file| Choice {
        icon,
        text: scene.text(text),
        choose: Rc::new(move || {
            // Again, should an older page have failed before.
            scene.store.dispatch(Event::OlderAsked);
            wanted.set(Some((shown(scene), file)));
        }),
    };
    vec![
        choice(Icon::COPY, Text::CopyConversation, None),
        choice(Icon::DOWNLOAD, Text::DownloadText, Some(Format::Text)),
        choice(Icon::DOWNLOAD, Text::DownloadMarkdown, Some(Format::Markdown)),
        choice(Icon::DOWNLOAD, Text::DownloadJson, Some(Format::Json)),
    ]
}

/// What is to be taken along: of which conversation, and as what file, or copied.
type Wanted = Option<(Option<ConversationId>, Option<Format>)>;

fn shown(scene: Scene) -> Option<ConversationId> {
    scene.store.peek(|model| model.conversation.clone()).flatten()
}

/// Loads the next older page, or hands over what is wanted if there is none.
fn go_on(
    scene: Scene,
    wanted: RwSignal<Wanted>,
    conversation: Option<&ConversationId>,
    file: Option<Format>,
) {
    let older = scene.store.read(Region::Older, |model| model.older().clone());
    let is_other = shown(scene).as_ref() != conversation;
    match older {
        Some(Older::Loading { .. }) if !is_other => return,
        Some(Older::More(_)) if !is_other => return scene.store.dispatch(Event::OlderAsked),
        // Half of it would look like the whole. Why there is none stands at the top.
        Some(Older::Failed { .. }) if !is_other => {
            if let Some(places) = scene.places() {
                places.log.set_scroll_top(0);
            }
        }
        Some(Older::Nothing) if !is_other => match file {
            Some(format) => download(scene, format),
            None => copy(scene),
        },
        _ => {}
    }
    wanted.set(None);
}

fn copy(scene: Scene) {
    let Some(places) = scene.places() else { return };
    let text = transcript_of(scene, Format::Text);
    clipboard::copy(text, places.log.html().into(), move |copied| tell_copied(scene, copied));
}

/// Gives the conversation to the browser as a file, out of memory: nothing is
/// fetched, and a page's policy has nothing to allow.
fn download(scene: Scene, format: Format) {
    let Some(places) = scene.places() else { return };
    let text = transcript_of(scene, format);
    let (file, media_type) = match format {
        Format::Text => ("conversation.txt", "text/plain;charset=utf-8"),
        Format::Markdown => ("conversation.md", "text/markdown;charset=utf-8"),
        Format::Json => ("conversation.json", "application/json"),
    };
    let kind = BlobPropertyBag::new();
    kind.set_type(media_type);
    let Ok(blob) = Blob::new_with_str_sequence_and_options(&Array::of1(&JsValue::from_str(&text)), &kind)
    else {
        return;
    };
    let Ok(url) = Url::create_object_url_with_blob(&blob) else { return };
    let link = el("a", "cw-hidden").set("href", &url).set("download", file);
    append(&places.log, &link);
    link.html().click();
    link.remove();
    after(DOWNLOAD_MS, move || {
        let _ = Url::revoke_object_url(&url);
    });
}
