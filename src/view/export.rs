//! The conversation to take along: copied, or as a file.

use std::rc::Rc;

use js_sys::Array;
use leptos::prelude::*;
use wasm_bindgen::JsValue;
use web_sys::{Blob, BlobPropertyBag, Url};

use super::clipboard;
use super::dom::{El, append, el};
use super::header::name_of;
use super::icon::Icon;
use super::menu::{Choice, menu};
use super::reply::tell_copied;
use super::scene::{Scene, after};
use super::strings::Text;
use super::time;
use crate::engine::Moment;
use crate::engine::transcript::{Format, Words, write};

/// How long a file may take to be fetched from memory, in ms.
const DOWNLOAD_MS: u64 = 10_000;

/// The conversation as a text.
pub(super) fn transcript_of(scene: Scene, format: Format) -> String {
    let full = move |at| time::full(scene, at);
    let time: &dyn Fn(Moment) -> String = if format == Format::Json { &time::iso } else { &full };
    let written = scene.store.peek(|model| {
        let (you, agent) = (scene.text(Text::You), name_of(scene, model));
        let words = Words { you: &you, agent: &agent, sources: &scene.text(Text::Sources), time };
        write(model, format, &words)
    });
    written.unwrap_or_default()
}

/// Draws the menu of what can be done with the whole conversation.
pub(super) fn export_menu(scene: Scene, is_empty: Memo<bool>) -> El {
    let save = |text, format| Choice {
        icon: Icon::Download,
        text: scene.text(text),
        choose: Rc::new(move || download(scene, format)),
    };
    let choices = vec![
        Choice {
            icon: Icon::Copy,
            text: scene.text(Text::CopyConversation),
            choose: Rc::new(move || copy(scene)),
        },
        save(Text::DownloadText, Format::Text),
        save(Text::DownloadMarkdown, Format::Markdown),
        save(Text::DownloadJson, Format::Json),
    ];
    menu(&scene.text(Text::More), choices, is_empty)
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
