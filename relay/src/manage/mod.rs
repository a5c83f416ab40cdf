//! What is managed through the API and the command line: keys, agents
//! with their sources, and the conversations that servers have with them.
//!
//! It knows the store and the configuration, and nothing of HTTP: the routes
//! and the command line call the same functions. A provider's key never comes
//! this way: an agent names the section of the configuration that has it.

pub mod agent;
pub mod export;
pub mod key;
pub mod live;
mod paused;
mod refusal;
pub mod source;
pub mod webhook;

pub use live::LiveAgents;
pub use refusal::Refusal;

/// Which page of a list is asked for, as a caller wrote it.
#[derive(Debug, Clone, Default)]
pub struct PageQuery {
    /// 1 to 100.
    pub page_size: Option<String>,
    /// Of the page before.
    pub cursor: Option<String>,
    /// Only what is in this state; which states there are, the list says.
    pub status: Option<String>,
}

/// A new id: the prefix, and ten characters that nobody can guess.
pub(crate) fn new_id(prefix: &str) -> String {
    let bytes = uuid::Uuid::new_v4().into_bytes();
    let random = bytes.iter().take(ID_CHARS).map(|byte| {
        let place = usize::from(*byte) % ALPHABET.len();
        char::from(ALPHABET.get(place).copied().unwrap_or(b'0'))
    });
    format!("{prefix}_{}", random.collect::<String>())
}

const ID_CHARS: usize = 10;

/// 32 of them, so that every one is as likely as another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
