//! `[agent.NAME]`: who answers, and the keys of the providers that have no file
//! of their own.

use std::collections::BTreeMap;

use chinwag_protocol::ConversationId;

use super::chatbase::CHATBASE_V2;
use super::chatsby::CHATSBY;
use super::document::{Field, Section, did_you_mean};
use super::hosted::{Need, Shape};
use super::read::Reader;
use super::{Agent, DocsConfig, Provider};

/// The keys of `openai-chat` and `openai-responses`.
const OPENAI: Shape = Shape {
    base_url: Some("https://api.openai.com/v1"),
    api_key: Need::AtDefault,
    key_prefixes: &[],
    agent_id: Need::Absent,
    model: Need::Required,
    system_prompt: Need::Optional,
    temperature: Need::Optional,
    max_tokens: Need::Optional,
    attachments: Need::Optional,
};

/// The keys of `ai-sdk`: the endpoint is an application, and decides the rest.
const AI_SDK: Shape = Shape {
    base_url: None,
    api_key: Need::Optional,
    key_prefixes: &[],
    agent_id: Need::Absent,
    model: Need::Absent,
    system_prompt: Need::Absent,
    temperature: Need::Absent,
    max_tokens: Need::Absent,
    attachments: Need::Optional,
};

impl Reader<'_> {
    /// The agents; none in the place of one that is wrong, so that a site that
    /// names it is not blamed as well.
    pub(super) fn agents(&self, field: Field<'_>) -> BTreeMap<String, Option<Agent>> {
        let Some(section) = field.section() else { return BTreeMap::new() };
        section
            .drain()
            .into_iter()
            .map(|(name, field)| {
                if ConversationId::parse(&name).is_err() {
                    let message = "the name of an agent is 1 to 64 characters of A-Z, a-z, 0-9, _ and -";
                    field.complain(message.to_owned());
                }
                let agent = field.section().and_then(|section| self.agent(&name, section));
                (name, agent)
            })
            .collect()
    }

    fn agent(&self, key: &str, mut section: Section<'_>) -> Option<Agent> {
        let name = match section.take("name") {
            Some(field) => field.string()?,
            None => key.to_owned(),
        };
        let avatar_url = section.take("avatar_url").and_then(|field| field.parsed(parse_http_url));
        let greeting = section.take("greeting").and_then(|field| field.string());
        let suggestions = match section.take("suggestions").and_then(Field::items) {
            Some(fields) => {
                for field in fields.iter().skip(4).take(1) {
                    field.complain("at most four suggestions are shown".to_owned());
                }
                fields.iter().filter_map(Field::string).collect()
            }
            None => Vec::new(),
        };
        let provider = self.provider(&mut section);
        // Only of this provider it is known how its webhooks look.
        let webhook = match &provider {
            Some(Provider::Chatsby(_)) => self.incoming(&mut section),
            _ => Some(None),
        };
        if provider.is_some() {
            section.finish();
        }
        Some(Agent { name, avatar_url, greeting, suggestions, provider: provider?, webhook: webhook? })
    }

    fn provider(&self, section: &mut Section<'_>) -> Option<Provider> {
        let known = || Provider::NAMES.join(", ");
        let Some(field) = section.take("provider") else {
            section.complain("provider", format!("this key is missing; known providers: {}", known()));
            return None;
        };
        match field.string()?.as_str() {
            "docs" => self.docs(section).map(Provider::Docs),
            "chatbase-v2" => self.hosted(section, &CHATBASE_V2).map(Provider::ChatbaseV2),
            "chatbase-v1" => self.chatbase_v1(section).map(Provider::ChatbaseV1),
            "chatsby" => self.hosted(section, &CHATSBY).map(Provider::Chatsby),
            "chatbotkit" => self.chatbotkit(section).map(Provider::ChatBotKit),
            "openai-chat" => self.hosted(section, &OPENAI).map(Provider::OpenAiChat),
            "openai-responses" => self.hosted(section, &OPENAI).map(Provider::OpenAiResponses),
            "ai-sdk" => self.hosted(section, &AI_SDK).map(Provider::AiSdk),
            unknown => {
                let hint = did_you_mean(unknown, Provider::NAMES.iter().copied());
                field.complain(format!("unknown provider {unknown:?}{hint}; known providers: {}", known()));
                None
            }
        }
    }

    fn docs(&self, section: &mut Section<'_>) -> Option<DocsConfig> {
        let field = section.take("path");
        if let Some(docs) = &self.overrides.docs {
            return Some(DocsConfig { path: docs.clone() });
        }
        let Some(field) = field else {
            section.complain("path", "this key is missing: the folder of Markdown to answer from".to_owned());
            return None;
        };
        let path = self.path(&field)?;
        if !path.is_dir() {
            field.complain(format!("there is no folder {}", path.display()));
            return None;
        }
        Some(DocsConfig { path })
    }
}

fn parse_http_url(text: &str) -> Result<String, &'static str> {
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url.into()),
        _ => Err("an http or https URL is expected"),
    }
}
