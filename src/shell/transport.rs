//! Requests to the relay: one answer each. Streams are in [`super::stream`].

use chinwag_protocol::{ErrorCode, ErrorEnvelope, FromFields};
use gloo_timers::callback::Timeout;
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal, Request, Response};

use super::lent::Lent;
use crate::engine::TransportError;

/// How long one answer may take, in ms. A relay that has to start first answers
/// a token exchange within this.
const ANSWER_TIMEOUT_MS: u32 = 20_000;

/// Longest error answer that is read, in bytes.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// A request to the relay.
#[derive(Debug, Clone)]
pub struct Call {
    /// The address.
    pub url: String,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// The access token, if one is needed.
    pub token: Option<String>,
    /// The JSON body, if there is one.
    pub body: Option<String>,
    /// The last frame seen, when a stream is followed again.
    pub last_event_id: Option<String>,
    /// Whether it is to arrive even if the page is left meanwhile.
    pub outlives_page: bool,
}

impl Call {
    /// A request without a body.
    pub fn get(url: String, token: String) -> Self {
        Self::new("GET", url, Some(token), None)
    }

    /// A request with a JSON body.
    pub fn post(url: String, token: Option<String>, body: String) -> Self {
        Self::new("POST", url, token, Some(body))
    }

    /// Any request.
    pub fn new(method: &'static str, url: String, token: Option<String>, body: Option<String>) -> Self {
        Self { url, method, token, body, last_event_id: None, outlives_page: false }
    }

    /// Sends it by the page's `fetch` or the browser's; an answer that is an
    /// error becomes one here.
    ///
    /// # Cancel safety
    /// Dropping the future does not end the request: abort the signal.
    pub async fn send(self, signal: &AbortSignal, lent: &Lent) -> Result<Response, TransportError> {
        let init = self.init(signal, lent);
        let response = if let Some(fetch) = &lent.fetch {
            super::lent::fetch(fetch, &self.url, &init).await?
        } else {
            let request = Request::new_with_str_and_init(&self.url, init.unchecked_ref());
            let request = request.map_err(|_| TransportError::Protocol)?;
            // What `fetch` rejects with does not say why: offline, DNS, CORS and a
            // refused connection look alike to a page.
            let sent = gloo_net::http::Request::from(request).send().await;
            sent.map(Response::from).map_err(|_| TransportError::Network)?
        };
        if response.ok() { Ok(response) } else { Err(read_error(&response).await) }
    }

    /// The page's headers and the request's own.
    pub(super) fn headers(&self, lent: &Lent) -> Vec<(String, String)> {
        let mut headers = lent.headers.clone();
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        if let Some(token) = self.token.as_deref().filter(|token| !token.is_empty()) {
            let mut value = String::from("Bearer ");
            value.push_str(token);
            add("authorization", value);
        }
        if let Some(id) = &self.last_event_id {
            add("last-event-id", id.clone());
        }
        if self.body.is_some() {
            add("content-type", "application/json".to_owned());
        }
        headers
    }

    /// The request as the second argument of a `fetch`, be it the browser's or the
    /// page's.
    fn init(&self, signal: &AbortSignal, lent: &Lent) -> Object {
        let headers = Object::new();
        for (name, value) in self.headers(lent) {
            set(&headers, &name, &JsValue::from_str(&value));
        }
        let init = Object::new();
        if let Some(body) = &self.body {
            set(&init, "body", &JsValue::from_str(body));
        }
        set(&init, "method", &JsValue::from_str(self.method));
        set(&init, "headers", &headers);
        set(&init, "credentials", &JsValue::from_str("omit"));
        set(&init, "keepalive", &JsValue::from_bool(self.outlives_page));
        set(&init, "signal", signal);
        init
    }

    /// Sends it and hands over the text of the answer. Boxed, so that the state
    /// of a request under way is compiled once for all of them.
    pub fn then(self, lent: Lent, take: impl FnOnce(Result<String, TransportError>) + 'static) {
        self.then_boxed(lent, Box::new(take));
    }

    fn then_boxed(self, lent: Lent, take: Box<dyn FnOnce(Result<String, TransportError>)>) {
        spawn_local(async move { take(self.fetch(&lent).await) });
    }

    /// Sends it and gives the text of the answer.
    pub async fn fetch(self, lent: &Lent) -> Result<String, TransportError> {
        let controller = AbortController::new().map_err(|_| TransportError::Protocol)?;
        let signal = controller.signal();
        let timeout = Timeout::new(ANSWER_TIMEOUT_MS, move || controller.abort());
        let answer = async {
            let response = self.send(&signal, lent).await?;
            text_of(&response).await.ok_or(TransportError::Network)
        }
        .await;
        drop(timeout);
        if signal.aborted() { Err(TransportError::Timeout) } else { answer }
    }
}

pub(super) async fn text_of(response: &Response) -> Option<String> {
    JsFuture::from(response.text().ok()?).await.ok()?.as_string()
}

pub(super) fn set(object: &Object, name: &str, value: &JsValue) {
    // Defining a property of a plain object that was just made cannot fail.
    let _ = Reflect::set(object, &JsValue::from_str(name), value);
}

pub(super) async fn read_error(response: &Response) -> TransportError {
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let add = |seconds: u64, digit: char| {
        let digit = digit.to_digit(10)?;
        Some(seconds.saturating_mul(10).saturating_add(u64::from(digit)))
    };
    // A date, which it may be as well, is nothing to count down.
    let retry_after = header("retry-after").filter(|seconds| !seconds.is_empty());
    let retry_after = retry_after.and_then(|seconds| seconds.chars().try_fold(0, add));
    let mut error = (
        ErrorCode::Unknown,
        retry_after.map(|seconds| seconds.saturating_mul(1_000)),
        header("x-request-id"),
    );
    // A proxy in between answers HTML; the status is all there is to know then.
    let body = text_of(response).await.unwrap_or_default();
    if body.len() <= MAX_ERROR_BYTES
        && let Ok(envelope) = ErrorEnvelope::from_json(&body)
    {
        error = (
            envelope.error.code,
            envelope.error.retry_after_ms.or(error.1),
            Some(envelope.error.request_id).filter(|id| !id.is_empty()).or(error.2),
        );
    }
    let (code, retry_after_ms, request_id) = error;
    TransportError::Http { status: response.status(), code, retry_after_ms, request_id }
}
