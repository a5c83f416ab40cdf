//! Where files come into the panel: the places of what is of the part `File`, which
//! is fetched as soon as files can be sent.

use leptos::prelude::*;

use super::attachment;
use super::dom::{El, effect};
use super::scene::Scene;
use super::value::Derived;
use crate::engine::part::{self, Lazy as _};
use crate::engine::{Model, Part, Region};
use crate::shell::store::Standing;

/// Whether files can be sent, and what takes them is here.
fn takes_files(scene: Scene) -> bool {
    // Consent and standing are shown with the header, too.
    let takes = scene.store.read(Region::Header, Model::takes_files).unwrap_or_default();
    takes && scene.store.standing(Part::File) == Standing::Here
}

/// Draws the list of attached files above the text field, and the button that
/// attaches some before it.
pub(super) fn attach(scene: Scene, field: El) -> El {
    let takes = Derived::new(move || takes_files(scene));
    field
        .part(move || takes.get().then(|| part::File::enter_again(|| untrack(|| attachment::tray(scene)))))
        .part(move || takes.get().then(|| part::File::enter_again(|| untrack(|| attachment::clip(scene)))))
}

/// Takes files that are dropped on the panel.
pub(super) fn take_drops(scene: Scene, panel: &El) {
    let panel = panel.clone();
    let takes = Derived::new(move || takes_files(scene));
    effect(move || {
        if takes.get() {
            part::File::enter_again(|| untrack(|| attachment::take_drops(scene, &panel)));
        }
    });
}
