//! The line above the composer for a conversation that is not in the agent's
//! hands: a person answers, nobody does, or it is over.

use super::dom::{El, Slot, button, effect, el, icon};
use super::icon::Icon;
use super::scene::{Scene, after, focus, focused};
use super::strings::Text;
use crate::engine::{ConversationState, Region};

/// Draws the line's place. A screen reader hears of it by the voice.
pub(super) fn standing(scene: Scene) -> El {
    let place = el("div", "cw-standing-place");
    let (mut slot, mut shown) = (Slot::of(&place), ConversationState::Ongoing);
    effect(move || {
        let now = state(scene);
        if std::mem::replace(&mut shown, now) != now {
            slot.draw(&mut || line(scene, now));
        }
    });
    place
}

fn line(scene: Scene, state: ConversationState) -> Option<El> {
    let drawn = match state {
        ConversationState::TakenOver => Icon::PERSON,
        ConversationState::Paused => Icon::PAUSE,
        ConversationState::Ended => Icon::DONE,
        ConversationState::Ongoing | ConversationState::Unknown => return None,
    };
    let again = || again(scene);
    Some(
        el("div", "cw-standing")
            .set("part", "standing")
            .add(&icon(drawn))
            .add(&el("p", "").text(&scene.text(said_of(state))))
            .maybe((state == ConversationState::Ended).then(again)),
    )
}

/// The state, for the panel's style.
pub(super) fn standing_of(scene: Scene) -> &'static str {
    match state(scene) {
        ConversationState::TakenOver => "taken-over",
        ConversationState::Paused => "paused",
        ConversationState::Ended => "ended",
        ConversationState::Ongoing | ConversationState::Unknown => "ongoing",
    }
}

/// The sentence for a state.
pub(super) const fn said_of(state: ConversationState) -> Text {
    match state {
        ConversationState::TakenOver => Text::TakenOver,
        ConversationState::Paused => Text::Paused,
        ConversationState::Ended => Text::Ended,
        ConversationState::Ongoing | ConversationState::Unknown => Text::Resumed,
    }
}

fn state(scene: Scene) -> ConversationState {
    scene.store.read(Region::Composer, |model| model.standing).unwrap_or_default()
}

/// What takes the composer's place when the conversation is over.
fn again(scene: Scene) -> El {
    let press = move |_| {
        scene.store.start_conversation();
        scene.say(&scene.text(Text::ConversationStarted));
        scene.focus_input();
    };
    let button = button("cw-button", press).text(&scene.text(Text::NewConversation));
    // The field that had the focus goes away.
    let had_focus = scene.places().is_some_and(|places| {
        focused(&places.input).is_some_and(|element| element.is_same_node(Some(&places.input)))
    });
    if had_focus {
        let next = button.html();
        after(0, move || focus(&next));
    }
    button
}
