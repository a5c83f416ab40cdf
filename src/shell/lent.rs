//! What the page lends the widget: functions of its own, and headers. What they
//! answer is as untrusted as the network.

use js_sys::{Function, JSON, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

use chinwag_protocol::{AgentCard, Features, FromFields as _, TokenAnswer};

use crate::engine::{Claims, TransportError};

/// How long a token is taken to be good for that does not say so, in s.
const UNKNOWN_LIFE_S: u64 = 300;

/// The page's own functions and headers.
#[derive(Debug, Clone, Default)]
pub struct Lent {
    /// Makes requests in place of the browser's `fetch`.
    pub fetch: Option<Function>,
    /// Brings access tokens.
    pub get_token: Option<Function>,
    /// Says who the visitor is.
    pub identity: Option<Function>,
    /// Carries files: of the JavaScript face, which fetches what it needs for it.
    pub files: Option<Function>,
    /// Goes along with every request.
    pub headers: Vec<(String, String)>,
}

impl Lent {
    /// Asks the page for an access token.
    pub async fn token(&self, current: Option<String>) -> Result<TokenAnswer, TransportError> {
        let ask = self.get_token.as_ref().ok_or(TransportError::SignIn)?;
        let current = current.map_or(JsValue::UNDEFINED, |token| JsValue::from_str(&token));
        let answer = call(ask, &[&current]).await.ok_or(TransportError::SignIn)?;
        let text = match answer.as_string() {
            Some(text) => text,
            // The relay's answer as the page's server passed it on.
            None => JSON::stringify(&answer).map(String::from).map_err(|_| TransportError::SignIn)?,
        };
        if let Ok(answer) = TokenAnswer::from_json(&text) {
            return Ok(answer);
        }
        // Nothing but a token: what the agent is called and can do is not known.
        let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'{');
        if !is_token || text == "null" {
            return Err(TransportError::SignIn);
        }
        Ok(TokenAnswer {
            expires_in: Claims::of(&text).life_s.unwrap_or(UNKNOWN_LIFE_S),
            token: text,
            visitor: String::new(),
            agent: AgentCard::default(),
            features: Features {
                history: true,
                feedback: true,
                retry: true,
                sources: true,
                ..Features::default()
            },
            files: None,
        })
    }

    /// Asks the page who the visitor is; `None` if it is nobody it knows.
    pub async fn identity(&self) -> Result<Option<String>, TransportError> {
        let Some(ask) = &self.identity else { return Ok(None) };
        let answer = call(ask, &[]).await.ok_or(TransportError::SignIn)?;
        if answer.is_null_or_undefined() {
            return Ok(None);
        }
        answer.as_string().map(Some).ok_or(TransportError::SignIn)
    }
}

/// Makes a request by the page's own function.
pub async fn fetch(fetch: &Function, url: &str, init: &Object) -> Result<Response, TransportError> {
    let answer = call(fetch, &[&JsValue::from_str(url), init]).await.ok_or(TransportError::Network)?;
    // Of another window, or made by hand, it is no instance of this class.
    let has_headers =
        Reflect::get(&answer, &JsValue::from_str("headers")).is_ok_and(|headers| headers.is_object());
    if has_headers { Ok(answer.unchecked_into()) } else { Err(TransportError::Protocol) }
}

/// Calls a function of the page, which may answer at once or by a promise;
/// `None` if it throws or refuses.
async fn call(function: &Function, given: &[&JsValue]) -> Option<JsValue> {
    let list = given.iter().copied().collect::<js_sys::Array>();
    let answer = Reflect::apply(function, &JsValue::UNDEFINED, &list).ok()?;
    JsFuture::from(Promise::resolve(&answer)).await.ok()
}
