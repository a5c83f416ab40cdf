//! The region that screen readers follow. The transcript itself is silent
//! (`aria-live="off"`): read token by token it would be stutter. Whole sentences
//! come here instead.

use leptos::prelude::*;
use leptos::reactive::effect::ImmediateEffect;

use super::dom::El;
use super::scene::Scene;
use super::strings::Text;
use crate::engine::effect::Announcement;

/// Draws the hidden region.
pub(super) fn voice(scene: Scene, place: El) -> El {
    let announcement = scene.store.announcement();
    // Several announcements can come in one tick, the last sentence and "done"
    // for one; an effect that waits for the end of the tick would lose all but one.
    ImmediateEffect::new_scoped(move || match announcement.try_get().flatten() {
        None => {}
        Some(Announcement::Sentence(sentence)) => scene.say(&sentence),
        Some(Announcement::ReplyDone) => scene.say(Text::ReplyDone.get()),
        Some(Announcement::ReplyStopped) => scene.say(Text::Stopped.get()),
        Some(Announcement::Failed(failure)) => scene.say(Text::of(failure.reason).get()),
    });
    place
        .set("role", "status")
        .set("aria-live", "polite")
        .set("aria-relevant", "additions")
        .set("aria-atomic", "false")
}
