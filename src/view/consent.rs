//! The gate that stands before the composer until it is agreed that things are
//! kept and sent. What is typed meanwhile stays.

use super::dom::{El, button, el};
use super::scene::Scene;
use super::strings::Text;
use crate::engine::{Consent, Event, Region};

/// Draws the gate's place; empty once there is consent.
pub(super) fn consent(scene: Scene) -> El {
    let store = scene.store;
    el("div", "cw-gate-place").set("role", "status").part(move || {
        let wanted = store
            .read(Region::Header, |model| (!model.has_consent()).then_some(model.config.consent))
            .flatten()?;
        let agree = move |_| {
            store.dispatch(Event::ConsentGiven);
            scene.focus_input();
        };
        let text = if wanted == Consent::Required { Text::ConsentAsked } else { Text::ConsentAwaited };
        let gate = el("div", "cw-gate").set("part", "consent").add(&el("p", "").text(&scene.text(text)));
        let pressed = (wanted == Consent::Required)
            .then(|| button("cw-gate-button", agree).text(&scene.text(Text::Agree)));
        Some(gate.maybe(pressed))
    })
}
