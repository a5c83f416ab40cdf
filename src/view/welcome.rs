//! The empty conversation: greeting and questions to start with.

use leptos::ev;
use leptos::html::{button, div, h3, p, ul};
use leptos::prelude::*;

use super::header::avatar;
use super::scene::{Scene, part};
use super::strings::Text;
use crate::engine::{History, Model, Region};

/// Most questions that are shown.
const MAX_SUGGESTIONS: usize = 4;

/// Longest greeting that is set large, in characters.
const MAX_HEADLINE_CHARS: usize = 90;

/// The greeting and the suggestions.
pub(super) fn welcome(scene: Scene) -> AnyView {
    let store = scene.store;
    let draw = move || {
        // A transcript that is on its way is not an empty conversation.
        let is_loading = store.read(Region::List, |model| matches!(model.history, History::Loading { .. }));
        if is_loading.unwrap_or(true) {
            return ().into_any();
        }
        let Some((greeting, prompts)) = store.read(Region::Header, words_of) else { return ().into_any() };
        let (headline, rest) = split(&greeting);
        div()
            .class("cw-welcome")
            .child((
                avatar(scene, "cw-avatar cw-avatar-large"),
                h3().class(if is_long(&headline) { "cw-greeting cw-greeting-long" } else { "cw-greeting" })
                    .dir("auto")
                    .child(headline),
                (!rest.is_empty()).then(|| p().class("cw-subline").dir("auto").child(rest)),
                chips(scene, Text::Suggestions, prompts),
            ))
            .into_any()
    };
    part(draw).into_any()
}

/// Questions to send by a click.
pub(super) fn chips(scene: Scene, label: Text, prompts: Vec<String>) -> AnyView {
    if prompts.is_empty() {
        return ().into_any();
    }
    let chips = prompts.into_iter().take(MAX_SUGGESTIONS).map(|prompt| {
        let shown = prompt.clone();
        let send = move |_| {
            scene.store.send(&prompt);
            scene.focus_input_unless_touch();
        };
        leptos::html::li().child(
            button()
                .class("cw-chip")
                .part("suggestion")
                .r#type("button")
                .dir("auto")
                .on(ev::click, send)
                .child(shown),
        )
    });
    ul().class("cw-chips").aria_label(label.get()).child(chips.collect::<Vec<_>>()).into_any()
}

fn words_of(model: &Model) -> (String, Vec<String>) {
    let agent = model.agent.as_ref();
    let greeting = model.config.greeting.clone().or_else(|| agent.and_then(|agent| agent.greeting.clone()));
    let prompts = model.config.suggestions.clone().or_else(|| agent.map(|agent| agent.suggestions.clone()));
    (
        greeting.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| Text::Greeting.get().to_owned()),
        prompts.unwrap_or_default(),
    )
}

/// The first paragraph, set large, and what follows.
fn split(greeting: &str) -> (String, String) {
    let (headline, rest) = greeting.split_once("\n\n").unwrap_or((greeting, ""));
    (headline.trim().to_owned(), rest.trim().to_owned())
}

fn is_long(headline: &str) -> bool {
    headline.chars().nth(MAX_HEADLINE_CHARS).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_line_parts_the_headline_from_the_rest() {
        assert_eq!(
            split("Hello.\nWhat now?\n\nI know beans."),
            ("Hello.\nWhat now?".into(), "I know beans.".into())
        );
        assert_eq!(split(" Hello. "), ("Hello.".into(), String::new()));
    }
}
