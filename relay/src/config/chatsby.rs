//! The keys of `chatsby`.

use super::hosted::{Need, Shape};

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
