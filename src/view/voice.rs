//! The region that screen readers follow. The transcript itself is silent
//! (`aria-live="off"`): read token by token it would be stutter. Whole sentences
//! come here instead.

use super::dom::El;
use super::scene::Scene;
use super::strings::Text;
use crate::engine::effect::Announcement;

/// Draws the hidden region.
pub(super) fn voice(scene: Scene, place: El) -> El {
    scene.store.on_announcement(move |announcement| match announcement {
        Announcement::Sentence(sentence) => scene.say(&sentence),
        Announcement::ReplyDone => scene.say(&scene.text(Text::ReplyDone)),
        Announcement::ReplyStopped => scene.say(&scene.text(Text::Stopped)),
        Announcement::Failed(failure) => scene.say(&scene.text(Text::of(failure.reason))),
    });
    place
        .set("role", "status")
        .set("aria-live", "polite")
        .set("aria-relevant", "additions")
        .set("aria-atomic", "false")
}
