//! The keys of `chatsby`, and of the webhooks that come from there.

use http::HeaderName;

use super::Secret;
use super::document::Section;
use super::hosted::{Need, Shape};
use super::read::Reader;

/// The model and its prompt are set at Chatsby, with the agent. The key's first
/// letters say whether it is for tests; a key of another provider is refused.
pub(super) const CHATSBY: Shape = Shape {
    base_url: Some("https://api.chatsby.co/v1"),
    api_key: Need::Required,
    key_prefixes: &["chtb_live_", "chtb_test_"],
    agent_id: Need::Required,
    model: Need::Absent,
    system_prompt: Need::Absent,
    temperature: Need::Absent,
    max_tokens: Need::Absent,
    attachments: Need::Absent,
};

/// The header of a signature, where the file names none.
const DEFAULT_HEADER: HeaderName = HeaderName::from_static("x-chatsby-signature");

/// `[agent.NAME.webhook]`: how webhooks of the provider are signed.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// `secret`: what signs them, as the provider shows it.
    pub secret: Secret,
    /// `header`: where the signature is. Default: `X-Chatsby-Signature`.
    pub header: HeaderName,
    /// `encoding`: how the signature is written.
    pub encoding: SignatureEncoding,
    /// `timestamp_header`: where the time of sending is, which is then signed
    /// before the body, with a dot between them.
    pub timestamp_header: Option<HeaderName>,
}

/// How the bytes of a signature are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignatureEncoding {
    /// `"hex"`.
    #[default]
    Hex,
    /// `"base64"`, with or without padding, in either alphabet.
    Base64,
}

impl Reader<'_> {
    /// The section, if it is there. The outer `None` is a fault that was told.
    #[expect(clippy::option_option, reason = "a fault and an absence are two things")]
    pub(super) fn incoming(&self, section: &mut Section<'_>) -> Option<Option<Incoming>> {
        let Some(field) = section.take("webhook") else { return Some(None) };
        let mut section = field.section()?;
        let secret = section.require("secret").and_then(|field| self.secret(field));
        let header = header_name(&mut section, "header").map(|header| header.unwrap_or(DEFAULT_HEADER));
        let timestamp_header = header_name(&mut section, "timestamp_header");
        let encoding = section.take("encoding").map_or(Some(SignatureEncoding::default()), |field| {
            field.parsed(|text| match text {
                "hex" => Ok(SignatureEncoding::Hex),
                "base64" => Ok(SignatureEncoding::Base64),
                _ => Err("\"hex\" or \"base64\" is expected"),
            })
        });
        section.finish();
        Some(Some(Incoming {
            secret: secret?,
            header: header?,
            encoding: encoding?,
            timestamp_header: timestamp_header?,
        }))
    }
}

#[expect(clippy::option_option, reason = "a fault and an absence are two things")]
fn header_name(section: &mut Section<'_>, key: &'static str) -> Option<Option<HeaderName>> {
    let Some(field) = section.take(key) else { return Some(None) };
    let read = |text: &str| HeaderName::from_bytes(text.as_bytes()).map_err(|_| "not the name of a header");
    field.parsed(read).map(Some)
}
