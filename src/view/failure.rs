//! A failure: one sentence that a person understands, a way out where there is
//! one, and the number to quote.

use super::dom::{El, button, el, icon};
use super::icon::Icon;
use super::scene::Scene;
use super::strings::Text;
use super::time;
use super::value::Value;
use crate::engine::{Event, Failure, Key};

/// Draws why an item failed, and the button that tries it again.
pub(super) fn failure(scene: Scene, key: Key, failure: &Failure) -> El {
    let reference = failure.request_id.as_deref();
    el("div", "cw-failure")
        .add(&icon(Icon::WARNING))
        .add(&el("span", "").text(&scene.text(Text::of(failure.reason))))
        .maybe(failure.retry.then(|| retry(scene, key, failure)))
        .maybe(reference.map(|id| el("small", "cw-reference").text(&scene.text_with(Text::Reference, id))))
}

/// The button that tries an item again; while it has to wait it counts down.
fn retry(scene: Scene, key: Key, failure: &Failure) -> El {
    let left = Value::new(0);
    time::count_down(failure.retry_at, left);
    let press = move |_| {
        if left.peek() == 0 {
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
