//! A failure: one sentence that a person understands, a way out where there is
//! one, and the number to quote.

use std::time::Duration;

use leptos::prelude::*;

use super::dom::{El, button, el, icon};
use super::icon::Icon;
use super::scene::Scene;
use super::strings::Text;
use super::time;
use crate::engine::{Event, Failure, Key};

/// Draws why an item failed, and the button that tries it again.
pub(super) fn failure(scene: Scene, key: Key, failure: &Failure) -> El {
    let reference = failure.request_id.as_deref();
    el("div", "cw-failure")
        .add(&icon(Icon::Warning))
        .add(&el("span", "").text(&scene.text(Text::of(failure.reason))))
        .maybe(failure.retry.then(|| retry(scene, key, failure)))
        .maybe(reference.map(|id| el("small", "cw-reference").text(&scene.text_with(Text::Reference, id))))
}

/// The button that tries an item again; while it has to wait it counts down.
fn retry(scene: Scene, key: Key, failure: &Failure) -> El {
    let left = RwSignal::new(seconds_left(failure));
    if left.get_untracked() > 0 {
        let failure = failure.clone();
        let tick = move || {
            left.try_set(seconds_left(&failure));
        };
        if let Ok(handle) = set_interval_with_handle(tick, Duration::from_secs(1)) {
            on_cleanup(move || handle.clear());
        }
    }
    let press = move |_| {
        if left.try_get_untracked() == Some(0) {
            scene.store.dispatch(Event::RetryPressed { key });
            scene.focus_input();
        }
    };
    button("cw-text-button", press)
        .live("aria-disabled", move || if left.get() > 0 { "true" } else { "false" })
        .live_text(move || match left.get() {
            0 => scene.text(Text::TryAgain),
            seconds => scene.text_with(Text::TryAgainIn, &time::countdown(seconds)),
        })
}

fn seconds_left(failure: &Failure) -> usize {
    let wait = failure.retry_at.map_or(0.0, |at| at.0 - time::now().0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` holds it within the bounds"
    )]
    let seconds = (wait / 1_000.0).ceil() as usize;
    seconds
}
