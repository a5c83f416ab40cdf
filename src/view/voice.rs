//! The region that screen readers follow. The transcript itself is silent
//! (`aria-live="off"`): read token by token it would be stutter. Whole sentences
//! come here instead.

use super::dom::El;
use super::scene::Scene;
use super::standing::said_of;
use super::strings::Text;
use crate::engine::effect::Announcement;

/// Draws the hidden region.
pub(super) fn voice(scene: Scene, place: El) -> El {
    scene.store.on_announcement(move |announcement| match announcement {
        Announcement::Sentence(sentence) => scene.say(&sentence),
        Announcement::ReplyDone => scene.say(&scene.text(Text::ReplyDone)),
        Announcement::ReplyStopped => scene.say(&scene.text(Text::Stopped)),
        Announcement::Failed(failure) => scene.say(&scene.text(Text::of(failure.reason))),
        Announcement::Standing(state) => scene.say(&scene.text(said_of(state))),
        Announcement::Rated(opinion) => {
            let text = if opinion.value.is_some() { Text::RatingStored } else { Text::RatingRemoved };
            scene.say(&scene.text(text));
        }
        Announcement::NotRated => scene.say(&scene.text(Text::RatingFailed)),
    });
    place
        .set("role", "status")
        .set("aria-live", "polite")
        .set("aria-relevant", "additions")
        .set("aria-atomic", "false")
}
