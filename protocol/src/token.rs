//! The token exchange, `POST /v1/token`.

use serde::{Deserialize, Serialize};

use crate::fields::{FieldError, Fields, FromFields};
use crate::file::FileLimits;
use crate::id::SiteKey;

/// What a page sends to get an access token. It carries no credentials of the
/// page's own: the `Origin` header is what the relay goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The site's public key.
    pub site: SiteKey,
    /// The visitor token of an earlier exchange: keeps the conversations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<String>,
    /// HS256 JWT signed by the site's own server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// A kiosk's revocable device key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// The answer to a token exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenAnswer {
    /// The access token, a JWT; kept in memory only.
    pub token: String,
    /// Its life from now, in seconds.
    pub expires_in: u64,
    /// The visitor token to bring to the next exchange.
    pub visitor: String,
    /// Who answers.
    pub agent: AgentCard,
    /// What the agent can do.
    pub features: Features,
    /// What may be sent along with a message, where files can be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<FileLimits>,
}

/// How the agent presents itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentCard {
    /// Shown in the panel's header.
    pub name: String,
    /// A picture of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// Shown above the first message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// Questions to start with, at most four are shown.
    pub suggestions: Vec<String>,
}

/// What the agent can do; the widget shows only what works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches of the wire")]
pub struct Features {
    /// Conversations can be listed and read.
    pub history: bool,
    /// A reply can be rated.
    pub feedback: bool,
    /// A reply can be asked for again.
    pub retry: bool,
    /// Tools of the page can be called.
    pub tools: bool,
    /// Files can be sent.
    pub attachments: bool,
    /// Replies cite sources.
    pub sources: bool,
    /// Somebody else may write without being asked: a person who takes over. Only
    /// told where it is so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub updates: bool,
}

impl FromFields for TokenAnswer {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            token: fields.need_text("token")?,
            expires_in: fields.number("expiresIn")?.ok_or(FieldError::Missing("expiresIn"))?,
            // A token that a page's server made may come without either.
            visitor: fields.text("visitor")?.unwrap_or_default(),
            agent: fields.object("agent")?.unwrap_or_default(),
            features: fields.object("features")?.unwrap_or_default(),
            files: fields.object("files")?,
        })
    }
}

impl FromFields for AgentCard {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            name: fields.need_text("name")?,
            avatar_url: fields.text("avatarUrl")?,
            greeting: fields.text("greeting")?,
            suggestions: fields.texts("suggestions")?,
        })
    }
}

impl FromFields for Features {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self {
            history: fields.flag("history"),
            feedback: fields.flag("feedback"),
            retry: fields.flag("retry"),
            tools: fields.flag("tools"),
            attachments: fields.flag("attachments"),
            sources: fields.flag("sources"),
            updates: fields.flag("updates"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reads_what_it_writes() {
        let answer = TokenAnswer {
            token: "t".into(),
            expires_in: 600,
            visitor: "v".into(),
            agent: AgentCard {
                name: "Docs".into(),
                suggestions: vec!["How?".into()],
                ..AgentCard::default()
            },
            features: Features { retry: true, sources: true, ..Features::default() },
            files: Some(FileLimits { max_bytes: 9, max_count: 1, types: vec!["image/png".into()] }),
        };
        let text = serde_json::to_string(&answer).unwrap();
        assert_eq!(TokenAnswer::from_json(&text), Ok(answer));
        assert_eq!(TokenAnswer::from_json("{\"token\":\"t\"}"), Err(FieldError::Missing("expiresIn")));
    }
}
