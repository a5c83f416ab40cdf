//! What every provider over HTTP shares: one client, one bulkhead, one breaker
//! and one retry budget per agent, time-outs, and what failures mean.
//!
//! An adapter says what to ask and how to read the answer. It sees no
//! connection; the rest of the relay sees no status, header or body of a
//! provider.

mod answer;
mod breaker;
mod call;
mod drive;
mod retry;

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chinwag_protocol::ErrorCode;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

use self::breaker::Breaker;
use self::retry::{Budget, MAX_TRIES};
use super::failure::UpstreamFailure;
use crate::config::{Hosted, Limits, Secret};

pub use self::answer::Answer;
pub use self::call::Call;
pub use self::drive::{Opened, SIGN_OF_LIFE, drive};
pub use self::retry::{Repeat, retry_after};

/// Requests to one agent's provider that may run at once. More wait a moment,
/// then are turned away: one slow provider must not hold all of the relay.
pub const MAX_CONCURRENT: usize = 256;

/// How long a request waits for its place.
const BULKHEAD_PATIENCE: Duration = Duration::from_secs(2);

/// Most that is read of an error's body, in bytes.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// How long the body of an error may take.
const ERROR_BODY_PATIENCE: Duration = Duration::from_secs(5);

/// How long an idle connection is kept for the next request.
const POOL_IDLE: Duration = Duration::from_mins(1);

/// An answer that is not a success, for the adapter to read.
#[derive(Debug)]
pub struct Refusal<'r> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'r HeaderMap,
    /// The body as far as it was read, at most 64 KiB.
    pub body: &'r [u8],
}

impl Refusal<'_> {
    /// The body as JSON, if it is.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(self.body).ok()
    }

    /// What the status alone says; for what the provider's own codes leave open.
    pub fn by_status(&self) -> UpstreamFailure {
        let code = match self.status.as_u16() {
            401 | 403 | 404 | 405 => ErrorCode::Misconfigured,
            402 => ErrorCode::CreditsExhausted,
            408 | 504 => ErrorCode::UpstreamTimeout,
            409 => ErrorCode::Conflict,
            413 => ErrorCode::TooLarge,
            429 => ErrorCode::RateLimited,
            503 => ErrorCode::Overloaded,
            // 400 and 422 are our request or the operator's settings; the visitor
            // can do nothing about either, and another try may be luckier.
            _ => ErrorCode::UpstreamError,
        };
        UpstreamFailure::new(code).after(retry_after(self.headers))
    }
}

/// How an adapter reads a refusal.
pub type ReadRefusal = fn(&Refusal<'_>) -> UpstreamFailure;

/// Why a provider's client cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("agent {agent}: no HTTP client: {reason}")]
pub struct HttpError {
    agent: String,
    reason: String,
}

/// The way to one agent's provider. Clones share it.
#[derive(Clone)]
pub struct Http {
    shared: Arc<Shared>,
}

struct Shared {
    agent: String,
    provider: &'static str,
    base: Url,
    client: reqwest::Client,
    headers: HeaderMap,
    /// Whatever must not be seen in a log.
    secrets: Vec<Secret>,
    bulkhead: Arc<Semaphore>,
    breaker: Breaker,
    budget: Budget,
    first_byte: Duration,
    idle: Duration,
    read_refusal: ReadRefusal,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("agent", &self.shared.agent)
            .field("provider", &self.shared.provider)
            .field("base", &self.shared.base.as_str())
            .finish_non_exhaustive()
    }
}

impl Http {
    /// A client for one agent. No connection is made yet.
    pub fn new(
        agent: &str,
        provider: &'static str,
        settings: &Hosted,
        limits: &Limits,
        read_refusal: ReadRefusal,
    ) -> Result<Self, HttpError> {
        let fault = |reason: String| HttpError { agent: agent.to_owned(), reason };
        let mut headers = settings.headers.clone();
        let mut secrets: Vec<Secret> = Vec::new();
        for value in headers.values() {
            if let Ok(text) = value.to_str() {
                secrets.push(Secret::new(text.to_owned()));
            }
        }
        if let Some(key) = &settings.api_key {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
                .map_err(|_| fault("the key cannot stand in a header".to_owned()))?;
            // Sensitive: shown nowhere, and not kept in HTTP/2's header table.
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
            secrets.push(key.clone());
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("chinwag-relay/", env!("CARGO_PKG_VERSION")))
            // A redirect would carry key and question to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .referer(false)
            .connect_timeout(limits.connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .build()
            .map_err(|error| fault(error.to_string()))?;
        let shared = Shared {
            agent: agent.to_owned(),
            provider,
            base: settings.base_url.clone(),
            client,
            headers,
            secrets,
            bulkhead: Arc::new(Semaphore::new(MAX_CONCURRENT)),
            breaker: Breaker::new(),
            budget: Budget::new(),
            first_byte: limits.first_byte_timeout,
            idle: limits.chunk_timeout,
            read_refusal,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The agent, as the configuration names it.
    pub fn agent(&self) -> &str {
        &self.shared.agent
    }

    /// The provider, as the configuration names it.
    pub fn provider(&self) -> &'static str {
        self.shared.provider
    }

    /// Where paths are appended to.
    pub fn base(&self) -> &Url {
        &self.shared.base
    }

    /// Sends a request, again where that is allowed, until an answer of success
    /// begins.
    ///
    /// # Errors
    /// What kept it from beginning, read by the adapter where the provider said
    /// so. It has been logged.
    ///
    /// # Cancel safety
    /// Dropped, the request is given up and its connection closed.
    pub async fn send(&self, call: &Call) -> Result<Answer, UpstreamFailure> {
        let begun = Instant::now();
        let outcome = self.attempt(call, begun + self.shared.first_byte).await;
        let shared = &self.shared;
        let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Err(failure) = &outcome {
            tracing::warn!(
                agent = shared.agent,
                provider = shared.provider,
                request_id = call.request_id,
                code = failure.code().as_str(),
                detail = failure.detail().unwrap_or_default(),
                elapsed_ms,
                "a provider did not answer"
            );
        }
        outcome
    }

    async fn attempt(&self, call: &Call, deadline: Instant) -> Result<Answer, UpstreamFailure> {
        let shared = &self.shared;
        let permit = self.enter(deadline).await?;
        shared.budget.earn();
        let mut tries = 1;
        loop {
            let failure = match self.once(call, deadline).await {
                Ok(response) => {
                    return Ok(Answer::new(self.clone(), response, deadline, permit, &call.request_id));
                }
                Err(Stop::For(failure)) => return Err(failure),
                Err(Stop::Unless(failure)) => failure,
            };
            let wait = retry::wait(tries, failure.retry_after());
            let is_in_time = Instant::now() + wait < deadline;
            if tries >= MAX_TRIES || !is_in_time || !shared.budget.spend() {
                return Err(failure);
            }
            tries += 1;
            tracing::debug!(
                agent = shared.agent,
                request_id = call.request_id,
                code = failure.code().as_str(),
                wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                "a request is sent again"
            );
            sleep(wait).await;
        }
    }

    async fn enter(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, UpstreamFailure> {
        let patience = deadline.min(Instant::now() + BULKHEAD_PATIENCE);
        match timeout_at(patience, Arc::clone(&self.shared.bulkhead).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            // It is never closed; a place that does not come free is the case.
            _ => Err(UpstreamFailure::new(ErrorCode::Overloaded)
                .because(format!("{MAX_CONCURRENT} requests of this agent are running"))
                .after(Some(BULKHEAD_PATIENCE))),
        }
    }

    /// One try.
    async fn once(&self, call: &Call, deadline: Instant) -> Result<reqwest::Response, Stop> {
        let shared = &self.shared;
        let pass = shared.breaker.enter().map_err(|wait| {
            let failure = UpstreamFailure::new(ErrorCode::UpstreamError)
                .because("it failed too often just now and is left alone")
                .after(Some(wait));
            Stop::For(failure)
        })?;
        let sent = timeout_at(deadline, shared.client.execute(self.request(call)?)).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                pass.fail();
                let is_unsent = error.is_connect();
                let failure = UpstreamFailure::new(ErrorCode::UpstreamError).because(self.describe(error));
                let may_repeat = is_unsent || call.repeat == Repeat::Safe;
                return Err(if may_repeat { Stop::Unless(failure) } else { Stop::For(failure) });
            }
            Err(_) => {
                pass.fail();
                let failure = UpstreamFailure::new(ErrorCode::UpstreamTimeout).because("no answer began");
                return Err(Stop::For(failure));
            }
        };
        let status = response.status();
        if status.is_server_error() {
            pass.fail();
        } else {
            pass.succeed();
        }
        self.log_head(call, &response);
        if status.is_success() {
            return Ok(response);
        }
        let mut failure = self.read_refusal(response).await;
        if let Some(token) = call.bearer.as_ref().map(Secret::expose).filter(|token| !token.is_empty()) {
            failure = failure.map_detail(|detail| detail.replace(token, "***"));
        }
        // A used-up budget comes as 429 too, and no wait of ours fills it.
        let may_pass = !matches!(failure.code(), ErrorCode::CreditsExhausted | ErrorCode::Misconfigured);
        let may_repeat = may_pass && call.repeat.allows_status(status);
        Err(if may_repeat { Stop::Unless(failure) } else { Stop::For(failure) })
    }

    fn request(&self, call: &Call) -> Result<reqwest::Request, Stop> {
        let shared = &self.shared;
        let mut url = shared.base.clone();
        if !call.path.is_empty()
            && let Ok(mut segments) = url.path_segments_mut()
        {
            segments.pop_if_empty().extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut headers = call.headers.clone();
        headers.extend(shared.headers.clone());
        if let Some(token) = &call.bearer {
            headers.remove(AUTHORIZATION);
            if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {}", token.expose())) {
                value.set_sensitive(true);
                headers.insert(AUTHORIZATION, value);
            }
        }
        if let Ok(id) = HeaderValue::from_str(&call.request_id)
            && !id.is_empty()
        {
            // So that the provider's log, or a gateway's between, leads back to ours.
            headers.entry(REQUEST_ID).or_insert(id);
        }
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        let mut builder = shared.client.request(call.method.clone(), url);
        if let Some(body) = &call.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            builder = builder.body(body.clone());
        }
        builder.headers(headers).build().map_err(|error| {
            Stop::For(UpstreamFailure::new(ErrorCode::Internal).because(self.describe(error)))
        })
    }

    fn log_head(&self, call: &Call, response: &reqwest::Response) {
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let provider_request_id = header("x-request-id").or_else(|| header("request-id")).unwrap_or_default();
        tracing::info!(
            agent = self.shared.agent,
            provider = self.shared.provider,
            request_id = call.request_id,
            provider_request_id = self.redact(provider_request_id.to_owned()),
            status = response.status().as_u16(),
            "a provider answered"
        );
    }

    async fn read_refusal(&self, mut response: reqwest::Response) -> UpstreamFailure {
        let mut body = Vec::new();
        let deadline = Instant::now() + ERROR_BODY_PATIENCE;
        // What does not come is not needed: the status says enough.
        while let Ok(Ok(Some(piece))) = timeout_at(deadline, response.chunk()).await {
            let room = MAX_ERROR_BYTES.saturating_sub(body.len());
            body.extend_from_slice(piece.get(..room).unwrap_or(&piece));
            if body.len() >= MAX_ERROR_BYTES {
                break;
            }
        }
        let refusal = Refusal { status: response.status(), headers: response.headers(), body: &body };
        let failure = (self.shared.read_refusal)(&refusal);
        let status = refusal.status.as_u16();
        let failure = match failure.detail() {
            Some(detail) => {
                let detail = format!("{status}: {detail}");
                failure.because(detail)
            }
            None => failure.because(status.to_string()),
        };
        failure.with_status(status).map_detail(|detail| self.redact(detail))
    }

    /// An error of the connection in words, without the URL: ids stand in it.
    pub(crate) fn describe(&self, error: reqwest::Error) -> String {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        self.redact(text)
    }

    /// A text of the provider without our secrets: some repeat the key that
    /// they refuse.
    pub fn redact(&self, text: String) -> String {
        self.shared.secrets.iter().map(Secret::expose).fold(text, hide)
    }
}

/// What of a secret at the end of a text gives it away, in bytes.
const TELLING_BYTES: usize = 4;

/// A text without a secret, and without the beginning of one at its end: details
/// are cut at their limit, wherever that is.
fn hide(mut text: String, secret: &str) -> String {
    const MASK: &str = "***";
    if secret.is_empty() {
        return text;
    }
    if text.contains(secret) {
        text = text.replace(secret, MASK);
    }
    let is_begun = |&end: &usize| secret.get(..end).is_some_and(|begun| text.ends_with(begun));
    if let Some(begun) = (TELLING_BYTES..secret.len()).rev().find(is_begun) {
        text.truncate(text.len() - begun);
        text.push_str(MASK);
    }
    text
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Why one try did not succeed.
enum Stop {
    /// For good.
    For(UpstreamFailure),
    /// Unless another try does.
    Unless(UpstreamFailure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_also_where_the_text_was_cut_within_it() {
        for (text, hidden) in [
            ("no secret here", "no secret here"),
            ("the key sk-live-1 and sk-live-1 again", "the key *** and *** again"),
            ("Incorrect key: sk-live-1", "Incorrect key: ***"),
            ("Incorrect key: sk-live-", "Incorrect key: ***"),
            ("Incorrect key: sk-l", "Incorrect key: ***"),
            ("this is an s", "this is an s"),
            ("sk-live-", "***"),
        ] {
            assert_eq!(hide(text.to_owned(), "sk-live-1"), hidden, "{text}");
        }
        assert_eq!(hide("text".to_owned(), ""), "text");
        assert_eq!(hide("\u{20ac}".to_owned(), "\u{20ac}\u{20ac}\u{20ac}"), "\u{20ac}");
    }
}
