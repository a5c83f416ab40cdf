//! What is drawn by a part of the widget that is fetched when it is first
//! needed: meanwhile it is said that something comes, or that it cannot be had
//! and may be tried again.

use leptos::prelude::untrack;

use super::dom::{El, button, el};
use super::scene::Scene;
use super::strings::Text;
use crate::engine::Part;
use crate::engine::part::Lazy;
use crate::shell::store::Standing;

/// Draws what a part draws, or what stands in its place until it is there. To be
/// called within what is drawn anew when what it reads changes.
pub(super) fn later<P: Lazy>(scene: Scene, _part: P, draw: impl FnOnce() -> El) -> El {
    instead_of(scene, P::PART).unwrap_or_else(|| P::enter(|| untrack(draw)))
}

/// What stands in the place of what a part draws; nothing if it can be drawn.
#[inline(never)]
pub(super) fn instead_of(scene: Scene, part: Part) -> Option<El> {
    match scene.store.standing(part) {
        Standing::Here => None,
        Standing::Coming => Some(waiting(scene, None)),
        Standing::Failed => {
            let again = move |_| scene.store.fetch(part);
            let again = button("cw-text-button", again).text(&scene.text(Text::TryAgain));
            let text = el("span", "").set("role", "status").text(&scene.text(Text::PartFailed));
            Some(el("p", "cw-note").add(&text).text(" ").add(&again))
        }
    }
}

/// Draws that something is awaited, and what.
pub(super) fn waiting(scene: Scene, label: Option<&str>) -> El {
    let dot = || el("span", "");
    let dots = el("span", "cw-dots").set("aria-hidden", "true").add(&dot()).add(&dot()).add(&dot());
    let class = if label.is_some() { "" } else { "cw-hidden" };
    let words = label.map_or_else(|| scene.text(Text::Waiting), str::to_owned);
    el("p", "cw-waiting").add(&dots).add(&el("span", class).text(&words))
}
