//! The empty conversation: greeting and questions to start with.

use super::dom::{El, append, button, el};
use super::header::avatar;
use super::scene::Scene;
use super::strings::Text;
use crate::engine::{History, Model, Region};

/// Most questions that are shown.
const MAX_SUGGESTIONS: usize = 4;

/// Longest greeting that is set large, in characters.
const MAX_HEADLINE_CHARS: usize = 90;

/// Draws the greeting and the suggestions; nothing while a transcript is on its
/// way, which is no empty conversation.
pub(super) fn welcome(scene: Scene) -> Option<El> {
    let is_loading = |model: &Model| matches!(model.history, History::Loading { .. });
    if scene.store.read(Region::List, is_loading)? {
        return None;
    }
    let (greeting, prompts) = scene.store.read(Region::Header, |model| words_of(scene, model))?;
    let (headline, rest) = split(&greeting);
    let is_long = headline.chars().count() > MAX_HEADLINE_CHARS;
    let class = if is_long { "cw-greeting cw-greeting-long" } else { "cw-greeting" };
    let subline = || el("p", "cw-subline").add(&el("bdi", "").text(rest));
    Some(
        el("div", "cw-welcome")
            .add(&avatar(scene, "cw-avatar cw-avatar-large"))
            .add(&el("h3", class).set("part", "greeting").add(&el("bdi", "").text(headline)))
            .maybe((!rest.is_empty()).then(subline))
            .maybe(chips(scene, Text::Suggestions, prompts)),
    )
}

/// Draws questions to send by a click.
pub(super) fn chips(scene: Scene, label: Text, prompts: Vec<String>) -> Option<El> {
    let list = el("ul", "cw-chips").set("aria-label", &scene.text(label));
    for prompt in prompts.into_iter().take(MAX_SUGGESTIONS) {
        let chip = el("span", "").text(&prompt);
        let send = move |_| {
            scene.store.send(&prompt);
            scene.focus_input();
        };
        let chip = button("cw-chip", send).set("part", "suggestion").set("dir", "auto").add(&chip);
        append(&list, &el("li", "").add(&chip));
    }
    list.has_child_nodes().then_some(list)
}

/// The greeting and the questions to start with.
pub(super) fn words_of(scene: Scene, model: &Model) -> (String, Vec<String>) {
    let agent = model.agent.as_ref();
    let greeting = model.config.greeting.as_deref().or_else(|| agent?.greeting.as_deref());
    let prompts = model.config.suggestions.as_ref().or_else(|| Some(&agent?.suggestions));
    let greeting = greeting.filter(|text| !text.trim().is_empty()).map(str::to_owned);
    (greeting.unwrap_or_else(|| scene.text(Text::Greeting)), prompts.cloned().unwrap_or_default())
}

/// The first paragraph of a greeting.
pub(super) fn headline(greeting: &str) -> &str {
    split(greeting).0
}

/// The first paragraph, set large, and what follows.
fn split(greeting: &str) -> (&str, &str) {
    let blank = greeting.as_bytes().windows(2).position(|pair| pair == b"\n\n");
    let (headline, rest) = blank.map_or((greeting, ""), |blank| greeting.split_at(blank));
    (headline.trim(), rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_line_parts_the_headline_from_the_rest() {
        assert_eq!(split("Hello.\nWhat now?\n\nI know beans."), ("Hello.\nWhat now?", "I know beans."));
        assert_eq!(split(" Hello. "), ("Hello.", ""));
    }
}
