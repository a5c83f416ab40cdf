//! The region that screen readers follow. The transcript itself is silent
//! (`aria-live="off"`): read token by token it would be stutter. Whole sentences
//! come here instead.

use leptos::html::div;
use leptos::prelude::*;
use leptos::reactive::effect::ImmediateEffect;

use super::scene::Scene;
use super::strings::Text;
use crate::engine::effect::Announcement;

/// The hidden region.
pub(super) fn voice(scene: Scene) -> AnyView {
    let announcement = scene.store.announcement();
    // Several announcements can come in one tick, the last sentence and "done"
    // for one; an effect that waits for the end of the tick would lose all but one.
    let effect = ImmediateEffect::new(move || match announcement.try_get().flatten() {
        None => {}
        Some(Announcement::Sentence(sentence)) => scene.say(&sentence),
        Some(Announcement::ReplyDone) => scene.say(Text::ReplyDone.get()),
        Some(Announcement::ReplyStopped) => scene.say(Text::Stopped.get()),
        Some(Announcement::Failed(failure)) => scene.say(Text::of(failure.reason).get()),
    });
    // It ends when it is dropped: with the surrounding owner.
    StoredValue::new_local(effect);
    div()
        .node_ref(scene.voice)
        .class("cw-hidden")
        .role("status")
        .aria_live("polite")
        .aria_relevant("additions")
        .aria_atomic("false")
        .into_any()
}
