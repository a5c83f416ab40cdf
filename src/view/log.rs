//! The scroll area between header and composer: the welcome while nothing was
//! said, and the transcript, whose code comes with the first question.

use leptos::prelude::*;

use super::dom::{El, button, effect, el};
use super::later::waiting;
use super::scene::Scene;
use super::strings::Text;
use super::transcript::transcript;
use super::value::Derived;
use super::welcome::welcome;
use crate::engine::part::{self, Lazy as _};
use crate::engine::{Part, Region};

/// Draws the scroll area.
pub(super) fn log(scene: Scene, place: El, is_empty: Derived<bool>) -> El {
    let list = el("div", "cw-list")
        .part(move || if is_empty.get() { welcome(scene) } else { None })
        .part(move || unsent(scene));
    let log = place
        .set("part", "log")
        .set("role", "log")
        .set("aria-live", "off")
        .set("aria-label", &scene.text(Text::Transcript))
        .set("tabindex", "0")
        .add(&list);
    let around = el("div", "cw-stage").add(&log);
    // Drawn with the first item, which came by the same part, and from then on
    // there: an empty transcript is one without rows.
    let (owner, mut is_drawn, drawn) = (Owner::current().map(|owner| owner.child()), false, around.clone());
    effect(move || {
        if let (false, false, Some(owner)) = (is_empty.get(), is_drawn, &owner) {
            is_drawn = true;
            let draw = || part::Reply::enter_again(|| transcript(scene, &log, &list, &drawn));
            owner.with(|| untrack(draw));
        }
    });
    around
}

/// What stands there while a message waits for the code that sends it, or if that
/// could not be had. The message is in the composer.
fn unsent(scene: Scene) -> Option<El> {
    let (is_asked, is_unsent) =
        scene.store.read(Region::Composer, |model| (model.page_asked.is_some(), model.is_unsent))?;
    if scene.store.has(Part::Reply) {
        return None;
    }
    if is_asked {
        return Some(waiting(scene, None));
    }
    let again = move |_| {
        let draft = scene.store.peek(|model| model.draft.clone());
        scene.store.send(&draft.unwrap_or_default());
        scene.focus_input();
    };
    let again = || button("cw-text-button", again).text(&scene.text(Text::TryAgain));
    let said = || el("span", "").set("role", "status").text(&scene.text(Text::PartFailed));
    is_unsent.then(|| el("p", "cw-note").add(&said()).text(" ").add(&again()))
}
