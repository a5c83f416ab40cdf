//! The keys of `chatbotkit`.

use super::document::Section;
use super::hosted::{Hosted, Need, Shape};
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
    attachments: Need::Absent,
};

/// The fields of `provider = "chatbotkit"`.
#[derive(Debug, Clone)]
pub struct ChatBotKitConfig {
    /// What it shares with others: `agent_id`, or in its place `model` and
    /// `system_prompt`.
    pub hosted: Hosted,
    /// `direct`: turns go out under a token of ChatBotKit's own exchange, which
    /// opens one conversation only, in place of the key. Default: no.
    pub direct: bool,
}

impl Reader<'_> {
    /// A bot, or a model with a prompt: with a bot the others would do nothing.
    pub(super) fn chatbotkit(&self, section: &mut Section<'_>) -> Option<Box<ChatBotKitConfig>> {
        let direct = section.take("direct").map_or(Some(false), |field| field.flag());
        let hosted = *self.hosted(section, &CHATBOTKIT)?;
        let message = match (&hosted.agent_id, &hosted.model) {
            (None, Some(_)) => None,
            (Some(_), None) if hosted.system_prompt.is_none() => None,
            (Some(_), _) => {
                Some("the bot brings its own model and prompt: leave out model and system_prompt, or this")
            }
            (None, None) => Some("this key is missing: the id of the bot, or in its place a model"),
        };
        if let Some(message) = message {
            section.complain("agent_id", message.to_owned());
            return None;
        }
        Some(Box::new(ChatBotKitConfig { hosted, direct: direct? }))
    }
}
