//! The keys of `chatbase-v2` and `chatbase-v1`.

use super::document::Section;
use super::hosted::{Hosted, Need, Shape};
use super::read::Reader;

/// The keys of `chatbase-v2`. Model, prompt and temperature are set in its
/// dashboard: the chat request has no place for them.
pub(super) const CHATBASE_V2: Shape = Shape {
    base_url: Some("https://www.chatbase.co/api/v2"),
    api_key: Need::Required,
    key_prefixes: &[],
    agent_id: Need::Required,
    model: Need::Absent,
    system_prompt: Need::Absent,
    temperature: Need::Absent,
    max_tokens: Need::Absent,
    attachments: Need::Absent,
};

/// The keys of `chatbase-v1`, but for `temperature`, whose range is narrower.
const CHATBASE_V1: Shape =
    Shape { base_url: Some("https://www.chatbase.co/api/v1"), model: Need::Optional, ..CHATBASE_V2 };

/// The fields of `provider = "chatbase-v1"`.
#[derive(Debug, Clone)]
pub struct ChatbaseV1Config {
    /// What it shares with others. `temperature` is 0 to 1.
    pub hosted: Hosted,
    /// `agent_id_key`: under which name the chatbot's id is sent.
    pub id_key: ChatbotIdKey,
}

/// The name of the chatbot's id in a request: the documentation has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChatbotIdKey {
    /// `chatbotId`.
    #[default]
    ChatbotId,
    /// `chatId`, of older pages.
    ChatId,
}

impl ChatbotIdKey {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChatbotId => "chatbotId",
            Self::ChatId => "chatId",
        }
    }
}

impl Reader<'_> {
    pub(super) fn chatbase_v1(&self, section: &mut Section<'_>) -> Option<Box<ChatbaseV1Config>> {
        let temperature =
            section.take("temperature").map_or(Some(None), |field| field.number(0.0..=1.0).map(Some));
        let id_key = section.take("agent_id_key").map_or(Some(ChatbotIdKey::default()), |field| {
            field.parsed(|text| match text {
                "chatbotId" => Ok(ChatbotIdKey::ChatbotId),
                "chatId" => Ok(ChatbotIdKey::ChatId),
                _ => Err("\"chatbotId\" or \"chatId\" is expected"),
            })
        });
        let hosted = self.hosted(section, &CHATBASE_V1)?;
        let hosted = Hosted { temperature: temperature?, ..*hosted };
        Some(Box::new(ChatbaseV1Config { hosted, id_key: id_key? }))
    }
}
