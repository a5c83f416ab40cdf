//! The region that screen readers follow. The transcript itself is silent
//! (`aria-live="off"`): read token by token it would be stutter. Whole sentences
//! come here instead.

use std::cell::RefCell;
use std::rc::Rc;

use super::dom::El;
use super::scene::{Scene, after};
use super::standing::said_of;
use super::strings::Text;
use crate::engine::effect::Announcement;

/// How long a sentence waits for others, in ms.
const TOGETHER_MS: u64 = 400;

/// Draws the hidden region.
pub(super) fn voice(scene: Scene, place: El) -> El {
    let held = Rc::new(RefCell::new(String::new()));
    scene.store.on_announcement(move |announcement| {
        let text = match announcement {
            Announcement::Sentence(sentence) => {
                hold(scene, &held, &sentence);
                return;
            }
            Announcement::ReplyDone => Text::ReplyDone,
            Announcement::ReplyStopped => Text::Stopped,
            Announcement::Failed(failure) => Text::of(failure.reason),
            Announcement::Standing(state) => said_of(state),
            Announcement::Rated(opinion) if opinion.value.is_some() => Text::RatingStored,
            Announcement::Rated(_) => Text::RatingRemoved,
            Announcement::NotSent => Text::NotSent,
            Announcement::NotRated => Text::RatingFailed,
            Announcement::Wiped => Text::Wiped,
        };
        say_held(scene, &held);
        scene.say(&scene.text(text));
    });
    place
        .set("role", "status")
        .set("aria-live", "polite")
        .set("aria-relevant", "additions")
        .set("aria-atomic", "false")
}

/// Says a sentence together with those that come right after it: a fast reply
/// would have the region change many times a second.
fn hold(scene: Scene, held: &Rc<RefCell<String>>, sentence: &str) {
    let is_first = held.borrow().is_empty();
    if !is_first {
        held.borrow_mut().push(' ');
    }
    held.borrow_mut().push_str(sentence);
    if is_first {
        let held = Rc::clone(held);
        after(TOGETHER_MS, move || say_held(scene, &held));
    }
}

fn say_held(scene: Scene, held: &RefCell<String>) {
    let sentences = held.take();
    if !sentences.is_empty() {
        scene.say(&sentences);
    }
}
