//! The files of a message: pictures as they are, all others by their names. A
//! press saves one.

use wasm_bindgen::JsCast as _;
use web_sys::Element;

use super::dom::{El, append, button, effect, el, icon, set};
use super::icon::Icon;
use super::scene::{Scene, after};
use super::strings::Text;
use crate::engine::{Event, Model, Region, SentFile};

/// Draws the files of a message.
pub(super) fn files(scene: Scene, files: &[SentFile]) -> Option<El> {
    let list = || el("div", "cw-files").set("part", "files");
    let drawn = files.iter().map(|file| one(scene, file));
    (!files.is_empty()).then(|| drawn.fold(list(), |list, file| list.add(&file)))
}

fn one(scene: Scene, file: &SentFile) -> El {
    let asked = file.clone();
    let save = move |_| scene.store.dispatch(Event::FileAsked { file: asked.clone(), saves: true });
    let place = button("cw-file", save)
        .set("part", "file")
        .set("dir", "auto")
        .label(&scene.text_with(Text::SaveFile, &file.name))
        .add(&icon(Icon::FILE))
        .add(&el("bdi", "").text(&file.name));
    if file.is_picture() {
        show(scene, file, &place);
    }
    place
}

/// Puts the picture in the place of its name, once the browser has it. Where it
/// cannot be shown, by the page's policy say, the name stays.
fn show(scene: Scene, file: &SentFile, place: &El) {
    let (around, url) = (place.clone(), file.url.clone());
    effect(move || {
        let address = |model: &Model| model.picture(&url).flatten().map(str::to_owned);
        let Some(address) = scene.store.read(Region::Files, address).flatten() else { return };
        if around.get_attribute("data-shown").as_deref() == Some(address.as_str()) {
            return;
        }
        set(&around, "data-shown", &address);
        let (shown, broken) = (around.clone(), around.clone());
        let picture =
            el("img", "cw-picture").set("alt", "").on("load", move |_| set(&shown, "data-state", "shown"));
        let picture = picture.on("error", move |event| {
            set(&broken, "data-state", "name");
            if let Some(picture) = event.target() {
                picture.unchecked_into::<Element>().remove();
            }
        });
        append(&around, &picture.set("src", &address));
    });
    let file = file.clone();
    // After the row is drawn: what is asked for may be there at once.
    after(0, move || scene.store.dispatch(Event::FileAsked { file: file.clone(), saves: false }));
}
