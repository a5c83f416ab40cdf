//! The token exchange, `POST /v1/token`.

use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(default)]
    pub features: Features,
}

/// How the agent presents itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentCard {
    /// Shown in the panel's header.
    pub name: String,
    /// A picture of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// Shown above the first message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<String>,
    /// Questions to start with, at most four are shown.
    #[serde(default)]
    pub suggestions: Vec<String>,
}

/// What the agent can do; the widget shows only what works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "six independent switches of the wire")]
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
}
