//! The keys of `chatbotkit`.

use super::Hosted;
use super::document::Section;
use super::hosted::{Need, Shape};
use super::read::Reader;

const CHATBOTKIT: Shape = Shape {
    base_url: Some("https://api.chatbotkit.com/v1"),
    api_key: Need::Required,
    // `sk-...`, or a JWT.
    key_prefixes: &[],
    agent_id: Need::Optional,
    model: Need::Optional,
    system_prompt: Need::Optional,
    temperature: Need::Absent,
    max_tokens: Need::Absent,
};

impl Reader<'_> {
    /// A bot, or a model with a prompt: with a bot the others would do nothing.
    pub(super) fn chatbotkit(&self, section: &mut Section<'_>) -> Option<Box<Hosted>> {
        let settings = self.hosted(section, &CHATBOTKIT)?;
        match (&settings.agent_id, &settings.model) {
            (Some(_), None) if settings.system_prompt.is_none() => Some(settings),
            (None, Some(_)) => Some(settings),
            (Some(_), _) => {
                let message =
                    "the bot brings its own model and prompt: leave out model and system_prompt, or this";
                section.complain("agent_id", message.to_owned());
                None
            }
            (None, None) => {
                let message = "this key is missing: the id of the bot, or in its place a model";
                section.complain("agent_id", message.to_owned());
                None
            }
        }
    }
}
