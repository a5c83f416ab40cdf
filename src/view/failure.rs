//! A failure: one sentence that a person understands, a way out where there is
//! one, and the number to quote.

use std::time::Duration;

use leptos::ev;
use leptos::html::{button, div, small, span};
use leptos::prelude::*;

use super::icon::{Icon, icon};
use super::scene::{Scene, word, words};
use super::strings::Text;
use super::time;
use crate::engine::{Event, Failure, Key};

/// Shows why an item failed, and the button that tries it again.
pub(super) fn failure(scene: Scene, key: Key, failure: &Failure) -> AnyView {
    let reference =
        failure.request_id.as_deref().map(|id| small().class("cw-reference").child(Text::Reference.with(id)));
    div()
        .class("cw-failure")
        .child((
            icon(Icon::Warning),
            span().child(Text::of(failure.reason).get()),
            failure.retry.then(|| retry(scene, key, failure)),
            reference,
        ))
        .into_any()
}

/// The button that tries an item again; while it has to wait it counts down.
fn retry(scene: Scene, key: Key, failure: &Failure) -> AnyView {
    let left = RwSignal::new(seconds_left(failure));
    if left.get_untracked() > 0 {
        let failure = failure.clone();
        let handle = set_interval_with_handle(
            move || {
                left.try_set(seconds_left(&failure));
            },
            Duration::from_secs(1),
        );
        if let Ok(handle) = handle {
            on_cleanup(move || handle.clear());
        }
    }
    let press = move |_| {
        if left.try_get_untracked() == Some(0) {
            scene.store.dispatch(Event::RetryPressed { key });
            scene.focus_input_unless_touch();
        }
    };
    button()
        .class("cw-text-button")
        .r#type("button")
        .aria_disabled(word(move || if left.get() > 0 { "true" } else { "false" }))
        .on(ev::click, press)
        .child(words(move || match left.get() {
            0 => Text::TryAgain.get().to_owned(),
            seconds => Text::TryAgainIn.with(&time::countdown(seconds)),
        }))
        .into_any()
}

fn seconds_left(failure: &Failure) -> u32 {
    let wait = failure.retry_at.map_or(0.0, |at| at.0 - time::now().0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` holds it within 0 and u32::MAX"
    )]
    let seconds = (wait / 1_000.0).ceil() as u32;
    seconds
}
