//! What an adapter keeps of a conversation from one turn to the next: the
//! provider's own ids. They live in the store, and never reach a browser.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chinwag_protocol::ConversationState;

/// Longest id of a provider that is kept, in bytes: an id, not a document.
pub const MAX_PROVIDER_ID_BYTES: usize = 512;

/// The provider's ids as they were before a turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderIds {
    /// The conversation, as the provider names it.
    pub conversation: Option<String>,
    /// The reply right before the question, as the provider names it. None if
    /// that reply failed: then the provider's thread does not hold it.
    pub previous: Option<String>,
    /// The reply that this one takes the place of, as the provider names it.
    pub replaced: Option<String>,
    /// Who answered in the conversation before the question.
    pub state: ConversationState,
}

/// What a turn found out, for the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// The conversation, as the provider names it.
    pub conversation: Option<String>,
    /// The reply, as the provider names it.
    pub reply: Option<String>,
}

/// Both sides of it for one turn. Clones share what is learned, so that the
/// adapter's decoder and the task that stores the reply hold the same.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    before: ProviderIds,
    learned: Arc<Mutex<Learned>>,
}

impl Memory {
    /// A memory that begins with these ids.
    pub fn new(before: ProviderIds) -> Self {
        Self { before, learned: Arc::default() }
    }

    /// What was known before the turn.
    pub fn before(&self) -> &ProviderIds {
        &self.before
    }

    /// Keeps the provider's id of the conversation. An id over
    /// [`MAX_PROVIDER_ID_BYTES`] is not kept: the next turn starts a new one.
    pub fn keep_conversation(&self, id: &str) {
        if is_kept(id) {
            self.lock().conversation = Some(id.to_owned());
        }
    }

    /// Keeps the provider's id of the reply.
    pub fn keep_reply(&self, id: &str) {
        if is_kept(id) {
            self.lock().reply = Some(id.to_owned());
        }
    }

    /// Forgets the id of the reply: the provider does not hold it after all.
    pub fn forget_reply(&self) {
        self.lock().reply = None;
    }

    /// What the turn has found out so far.
    pub fn learned(&self) -> Learned {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Learned> {
        // Every change is one assignment: a panic elsewhere spoils nothing.
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_kept(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_PROVIDER_ID_BYTES && !id.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_clone_keeps_the_other_finds() {
        let memory = Memory::default();
        memory.clone().keep_conversation("conv_1");
        memory.keep_reply("msg_1");
        let learned = memory.learned();
        assert_eq!(
            (learned.conversation.as_deref(), learned.reply.as_deref()),
            (Some("conv_1"), Some("msg_1"))
        );
        memory.forget_reply();
        assert_eq!(memory.learned().reply, None);
    }

    #[test]
    fn what_is_no_id_is_not_kept() {
        let memory = Memory::default();
        for bad in ["", "a\nb", &"x".repeat(MAX_PROVIDER_ID_BYTES + 1)] {
            memory.keep_conversation(bad);
            memory.keep_reply(bad);
        }
        assert_eq!(memory.learned(), Learned::default());
    }
}
