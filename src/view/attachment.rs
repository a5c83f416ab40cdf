//! Files in the composer: chosen by a button, dropped or pasted; each with how
//! far it got, and those that cannot go with what is wrong with them. Of the part
//! `File`: it is drawn while files can be sent.

use js_sys::Reflect;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Event as DomEvent, HtmlInputElement};

use super::dom::{El, Slot, button, effect, el, icon, listen, set};
use super::icon::Icon;
use super::scene::Scene;
use super::strings::Text;
use super::time;
use super::value::Value;
use crate::engine::{Attachment, Event, FileId, Model, Objection, Progress, Region};

/// Draws the button that attaches files, and takes those that are pasted.
pub(super) fn clip(scene: Scene) -> El {
    let store = scene.store;
    let input = el("input", "cw-hidden").set("type", "file").set("multiple", "").set("tabindex", "-1");
    let input = input.set("aria-hidden", "true");
    let types = move || {
        let types = |model: &Model| model.file_limits.as_ref().map(|limits| limits.types.join(","));
        store.read(Region::Header, types).flatten().unwrap_or_default()
    };
    let opened = input.clone();
    let chosen = input.clone();
    let input = input.live("accept", types).on("change", move |_| {
        let field: HtmlInputElement = chosen.html().unchecked_into();
        if let Some(files) = member(&field, "files") {
            store.take_files(&files);
        }
        // The same file chosen again is another choice.
        field.set_value("");
        scene.focus_input();
    });
    let press = button("cw-attach", move |_| opened.html().click())
        .set("part", "attach")
        .label(&scene.text(Text::Attach))
        .add(&icon(Icon::CLIP));
    if let Some(places) = scene.places() {
        listen(&places.input, "paste", move |event| take_pasted(scene, &event));
    }
    el("div", "cw-attach-place").add(&press).add(&input)
}

/// Draws the list of attached files, and of what was left out.
pub(super) fn tray(scene: Scene) -> El {
    el("div", "cw-tray").add(&attachments(scene)).add(&left_out(scene))
}

/// The attached files. Drawn anew only when there are others: what has the focus
/// keeps it while they are on their way.
fn attachments(scene: Scene) -> El {
    let place = el("div", "");
    let (mut slot, mut shown) = (Slot::of(&place), Vec::new());
    effect(move || {
        let ids = |model: &Model| model.tray.attachments.iter().map(|one| one.file.id).collect();
        let ids: Vec<FileId> = scene.store.read(Region::Files, ids).unwrap_or_default();
        if ids != shown {
            slot.draw(&mut || {
                let list = el("ul", "cw-attachments").set("aria-label", &scene.text(Text::Attachments));
                let list = ids.iter().fold(list, |list, id| list.add(&attachment(scene, *id)));
                (!ids.is_empty()).then_some(list)
            });
            shown = ids;
        }
    });
    place
}

/// The files that were left out, and why.
fn left_out(scene: Scene) -> El {
    let place = el("div", "").set("role", "status");
    let (mut slot, mut shown) = (Slot::of(&place), Vec::new());
    effect(move || {
        let read = |model: &Model| model.tray.left_out.clone();
        let fresh = scene.store.read(Region::Files, read).unwrap_or_default();
        if shown != fresh {
            slot.draw(&mut || (!fresh.is_empty()).then(|| left_out_list(scene, &fresh)));
            shown = fresh;
        }
    });
    place
}

fn left_out_list(scene: Scene, left_out: &[(String, Objection)]) -> El {
    let line = |list: El, (name, why): &(String, Objection)| {
        let name = el("bdi", "").text(name);
        list.add(&el("li", "").add(&name).text(": ").text(&objection(scene, *why)))
    };
    let close = button("cw-text-button", move |_| {
        scene.store.dispatch(Event::LeftOutDismissed);
        scene.focus_input();
    });
    let close = el("li", "").add(&close.text(&scene.text(Text::Close)));
    left_out.iter().fold(el("ul", "cw-left-out").set("part", "left-out"), line).add(&close)
}

/// What is wrong with a file.
fn objection(scene: Scene, why: Objection) -> String {
    match why {
        Objection::TooLarge(bytes) => scene.text_with(Text::FileTooLarge, &time::megabytes(scene, bytes)),
        Objection::Kind => scene.text(Text::FileKind),
        Objection::Empty => scene.text(Text::FileEmpty),
        Objection::TooMany(most) => {
            time::count(scene, Text::FileTooMany, usize::try_from(most).unwrap_or(usize::MAX))
        }
    }
}

fn attachment(scene: Scene, id: FileId) -> El {
    let store = scene.store;
    let find = move |model: &Model| model.tray.attachments.iter().find(|one| one.file.id == id).cloned();
    let Some(Attachment { file, .. }) = store.peek(find).flatten() else { return el("li", "") };
    let picture = match &file.preview {
        Some(address) => el("img", "cw-thumb").set("alt", "").set("src", address),
        None => icon(Icon::FILE),
    };
    let remove = move |_| {
        store.dispatch(Event::FileRemoved { id });
        scene.focus_input();
    };
    let below = el("div", "");
    let item = el("li", "cw-attachment")
        .set("part", "attachment")
        .add(&picture)
        .add(
            &el("div", "cw-attachment-text")
                .add(&el("bdi", "cw-attachment-name").set("title", &file.name).text(&file.name))
                .add(&below),
        )
        .add(
            &button("cw-attachment-remove", remove)
                .label(&scene.text_with(Text::RemoveFile, &file.name))
                .add(&icon(Icon::CLOSE)),
        );
    let (shown_on, mut slot, mut shown) = (item.clone(), Slot::of(&below), None);
    effect(move || {
        let progress = store.read(Region::Files, |model| find(model).map(|one| one.progress)).flatten();
        if progress.is_none() || shown == progress {
            return;
        }
        shown = progress;
        let state = match &shown {
            Some(Progress::Sending(_)) => "sending",
            Some(Progress::Failed(_)) => "failed",
            _ => "stored",
        };
        set(&shown_on, "data-state", state);
        slot.draw(&mut || line(scene, id, shown.as_ref()?));
        if matches!(shown, Some(Progress::Stored(_))) {
            scene.say(&scene.text_with(Text::FileStored, &file.name));
        }
    });
    item
}

/// How far a file got, or why it did not get there.
fn line(scene: Scene, id: FileId, progress: &Progress) -> Option<El> {
    match progress {
        Progress::Sending(percent) => {
            let percent = percent.to_string();
            let bar = el("progress", "cw-progress")
                .set("max", "100")
                .set("value", &percent)
                .set("aria-label", &scene.text_with(Text::FileSending, &percent));
            Some(bar)
        }
        Progress::Stored(_) => None,
        Progress::Failed(failure) => {
            let press = move |_| {
                scene.store.dispatch(Event::FileRetried { id });
                scene.focus_input();
            };
            let again = || button("cw-text-button", press).text(&scene.text(Text::TryAgain));
            let why = el("span", "").set("role", "alert").text(&scene.text(Text::of(failure.reason)));
            Some(el("div", "cw-attachment-failed").add(&why).maybe(failure.retry.then(again)))
        }
    }
}

/// Takes files that are dropped on the panel, and shows meanwhile that it would.
pub(super) fn take_drops(scene: Scene, panel: &El) {
    let over = Value::new(0_usize);
    let has_files = |event: &DomEvent| {
        let types = member(event, "dataTransfer").and_then(|data| member(&data, "types"));
        types.is_some_and(|types| js_sys::Array::from(&types).includes(&JsValue::from_str("Files"), 0))
    };
    // They come for every element within; those that are left behind are counted.
    listen(panel, "dragenter", move |event| {
        if has_files(&event) {
            event.prevent_default();
            over.set(over.peek() + 1);
        }
    });
    listen(panel, "dragleave", move |event| {
        if has_files(&event) {
            over.set(over.peek().saturating_sub(1));
        }
    });
    listen(panel, "dragover", move |event| {
        if has_files(&event) {
            event.prevent_default();
        }
    });
    listen(panel, "drop", move |event| {
        over.set(0);
        if has_files(&event) {
            event.prevent_default();
            take_from(scene, &event, "dataTransfer");
            scene.focus_input();
        }
    });
    let (marked, words) = (panel.clone(), scene.text(Text::DropFiles));
    effect(move || set(&marked, "data-drop", if over.get() > 0 { &words } else { "" }));
}

/// Takes files that are pasted; text beside them is pasted as ever.
fn take_pasted(scene: Scene, event: &DomEvent) {
    if take_from(scene, event, "clipboardData") {
        event.prevent_default();
    }
}

fn take_from(scene: Scene, event: &DomEvent, place: &str) -> bool {
    let files = member(event, place).and_then(|data| member(&data, "files"));
    files.is_some_and(|files| scene.store.take_files(&files))
}

fn member(of: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(of, &JsValue::from_str(name)).ok().filter(JsValue::is_object)
}
