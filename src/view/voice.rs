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
        Announcement::ReplyDone => scene.say(Text::ReplyDone.get()),
        Announcement::ReplyStopped => scene.say(Text::Stopped.get()),
        Announcement::Failed(failure) => scene.say(Text::of(failure.reason).get()),
    });
    place
        .set("role", "status")
        .set("aria-live", "polite")
        .set("aria-relevant", "additions")
        .set("aria-atomic", "false")
}
