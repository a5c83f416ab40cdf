//! Requests to the relay: one answer each. Streams are in [`super::stream`].

use chinwag_protocol::{ErrorCode, ErrorEnvelope, FromFields};
use gloo_net::http::{Method, Request, RequestBuilder, Response};
use gloo_timers::callback::Timeout;
use js_sys::Reflect;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal, RequestCredentials, RequestInit};

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
    /// `GET`, `POST`, ...
    pub method: Method,
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
        Self::new(Method::GET, url, Some(token), None)
    }

    /// A request with a JSON body.
    pub fn post(url: String, token: Option<String>, body: String) -> Self {
        Self::new(Method::POST, url, token, Some(body))
    }

    /// A request of any method.
    pub fn new(method: Method, url: String, token: Option<String>, body: Option<String>) -> Self {
        Self { url, method, token, body, last_event_id: None, outlives_page: false }
    }

    /// Sends it; an answer that is an error becomes one here.
    ///
    /// # Cancel safety
    /// Dropping the future does not end the request: abort the signal.
    pub async fn send(self, signal: &AbortSignal) -> Result<Response, TransportError> {
        let mut builder = RequestBuilder::new(&self.url)
            .method(self.method)
            .credentials(RequestCredentials::Omit)
            .abort_signal(Some(signal));
        if let Some(token) = &self.token {
            let mut value = String::from("Bearer ");
            value.push_str(token);
            builder = builder.header("authorization", &value);
        }
        if let Some(id) = &self.last_event_id {
            builder = builder.header("last-event-id", id);
        }
        let request = match self.body {
            Some(body) => builder.header("content-type", "application/json").body(JsValue::from_str(&body)),
            None => builder.build(),
        };
        // What `fetch` rejects with does not say why: offline, DNS, CORS and a
        // refused connection look alike to a page.
        let request = request.map_err(|_| TransportError::Protocol)?;
        let answer =
            if self.outlives_page { send_beyond_page(request).await } else { request.send().await.ok() };
        let response = answer.ok_or(TransportError::Network)?;
        if response.ok() { Ok(response) } else { Err(read_error(&response).await) }
    }

    /// Sends it and hands over the text of the answer. Boxed, so that the state
    /// of a request under way is compiled once for all of them.
    pub fn then(self, take: impl FnOnce(Result<String, TransportError>) + 'static) {
        self.then_boxed(Box::new(take));
    }

    fn then_boxed(self, take: Box<dyn FnOnce(Result<String, TransportError>)>) {
        spawn_local(async move { take(self.fetch().await) });
    }

    async fn fetch(self) -> Result<String, TransportError> {
        let controller = AbortController::new().map_err(|_| TransportError::Protocol)?;
        let signal = controller.signal();
        let timeout = Timeout::new(ANSWER_TIMEOUT_MS, move || controller.abort());
        let answer = async {
            let response = self.send(&signal).await?;
            response.text().await.map_err(|_| TransportError::Network)
        }
        .await;
        drop(timeout);
        if signal.aborted() { Err(TransportError::Timeout) } else { answer }
    }
}

/// Sends what the browser is to deliver though the page is gone. The builder
/// does not know the option.
async fn send_beyond_page(request: Request) -> Option<Response> {
    let options = RequestInit::new();
    Reflect::set(&options, &JsValue::from_str("keepalive"), &JsValue::TRUE).ok()?;
    let promise = web_sys::window()?.fetch_with_request_and_init(&request.into(), &options);
    let answer = JsFuture::from(promise).await.ok()?;
    Some(Response::from(answer.dyn_into::<web_sys::Response>().ok()?))
}

async fn read_error(response: &Response) -> TransportError {
    let header = |name: &str| response.headers().get(name);
    let retry_after = header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
    let mut error = (ErrorCode::Unknown, retry_after.map(|seconds| seconds * 1_000), header("x-request-id"));
    // A proxy in between answers HTML; the status is all there is to know then.
    let body = response.text().await.unwrap_or_default();
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
