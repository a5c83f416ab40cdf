//! Conversations that a person took over from the agent: what they write is
//! read from the provider when the visitor's page asks for the transcript.
//!
//! A page asks every few seconds, and a visitor may have many. So one
//! conversation is read once in [`READ_EVERY`], and nobody waits long for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chinwag_protocol::ConversationId;

use crate::store::{Owner, Store, StoreError};
use crate::upstream::Upstream;

/// How often a conversation is read from its provider, at most.
pub const READ_EVERY: Duration = Duration::from_secs(3);

/// How long a visitor waits for it; the messages are there at the next look.
const PATIENCE: Duration = Duration::from_secs(2);

/// Most conversations whose last reading is remembered.
const MAX_KEPT: usize = 10_000;

/// Whose turn it is: who was read, and when.
#[derive(Debug, Default)]
pub struct Handovers {
    read: Mutex<HashMap<(Owner, ConversationId), Instant>>,
}

impl Handovers {
    /// Brings what a person has written into the store, if one answers in that
    /// conversation and it was not read just now. A provider that does not
    /// answer is the operator's to see; the visitor gets what is there.
    pub async fn catch_up(
        &self,
        store: &Store,
        upstream: &Arc<dyn Upstream>,
        owner: &Owner,
        conversation: &ConversationId,
        request_id: &str,
    ) {
        let scope = upstream.memory_scope();
        if scope.is_empty() {
            return;
        }
        let theirs = match store.handed_over(owner, conversation, &scope).await {
            Ok(Some(theirs)) => theirs,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(request_id, %error, "whether a person answers could not be read");
                return;
            }
        };
        if !self.is_due(owner, conversation) {
            return;
        }
        let work = {
            let (store, upstream) = (store.clone(), Arc::clone(upstream));
            let (owner, conversation) = (owner.clone(), conversation.clone());
            let request_id = request_id.to_owned();
            // A task of its own: what the visitor does not wait for is kept all
            // the same.
            tokio::spawn(async move {
                let read = upstream.read(&theirs, &request_id).await;
                let outcome: Result<usize, StoreError> = match read {
                    Ok(Some(transcript)) => store.catch_up(&owner, &conversation, &scope, &transcript).await,
                    Ok(None) => Ok(0),
                    Err(failure) => {
                        let (code, detail) = (failure.code().as_str(), failure.detail().unwrap_or_default());
                        tracing::warn!(request_id, code, detail, "a provider's transcript could not be read");
                        Ok(0)
                    }
                };
                if let Err(error) = outcome {
                    tracing::warn!(request_id, %error, "a person's messages could not be stored");
                }
            })
        };
        let _ = tokio::time::timeout(PATIENCE, work).await;
    }

    /// Whether the conversation may be read now; then it counts as read.
    fn is_due(&self, owner: &Owner, conversation: &ConversationId) -> bool {
        let place = (owner.clone(), conversation.clone());
        let now = Instant::now();
        let mut read = self.lock();
        if read.get(&place).is_some_and(|at| now.duration_since(*at) < READ_EVERY) {
            return false;
        }
        if read.len() >= MAX_KEPT {
            read.retain(|_, at| now.duration_since(*at) < READ_EVERY);
        }
        if read.len() >= MAX_KEPT {
            return false;
        }
        read.insert(place, now);
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Owner, ConversationId), Instant>> {
        // Every change is one call: a panic elsewhere spoils nothing.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
