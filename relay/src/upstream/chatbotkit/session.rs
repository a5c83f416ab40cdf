//! ChatBotKit's own token exchange: a token that opens one conversation.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::request;
use crate::config::Secret;
use crate::upstream::failure::UpstreamFailure;
use crate::upstream::http::Http;

/// How long a token lasts; the provider takes 30 minutes to 24 hours.
const LIFE: Duration = Duration::from_hours(1);

/// A token that ends sooner than this is not used any more.
const MARGIN: Duration = Duration::from_mins(2);

/// Most tokens that are kept. Beyond it they are asked for again.
const MAX_KEPT: usize = 10_000;

/// The tokens of one agent's conversations, in memory alone.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    kept: Mutex<HashMap<String, Session>>,
}

#[derive(Debug)]
struct Session {
    token: Secret,
    /// In ms since 1970.
    expires_at: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    token: String,
    expires_at: u64,
}

impl Sessions {
    /// The token of a conversation; asked for if there is none that lasts.
    pub(super) async fn token(
        &self,
        http: &Http,
        conversation: &str,
        request_id: &str,
    ) -> Result<Secret, UpstreamFailure> {
        if let Some(session) = self.lock().get(conversation)
            && session.lasts()
        {
            return Ok(session.token.clone());
        }
        let call = request::create_session(conversation, LIFE.as_secs()).under(request_id);
        let made: Made = http.send(&call).await?.json().await?;
        let token = Secret::new(made.token);
        let session = Session { token: token.clone(), expires_at: made.expires_at };
        let mut kept = self.lock();
        if kept.len() >= MAX_KEPT {
            kept.retain(|_, session| session.lasts());
        }
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(conversation.to_owned(), session);
        Ok(token)
    }

    /// The provider refused it.
    pub(super) fn forget(&self, conversation: &str) {
        self.lock().remove(conversation);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        // Every change is one call: a panic elsewhere spoils nothing.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn lasts(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + MARGIN;
        u128::from(self.expires_at) > now.as_millis()
    }
}
