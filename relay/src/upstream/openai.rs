//! What the two OpenAI interfaces share: errors, usage, tool calls that arrive
//! in pieces, and the call that checks key and model.
//!
//! Both are spoken by many other servers, more or less. So fields may be
//! missing, `null`, or of another type than OpenAI's; what is not needed is not
//! looked at.

use chinwag_protocol::limits::MAX_REPLY_BYTES;
use chinwag_protocol::{Chunk, ErrorCode, Json, Usage};
use serde::Deserialize;
use serde_json::Value;

use super::decode::malformed;
use super::failure::UpstreamFailure;
use super::http::{Call, Http, Refusal};
use crate::config::Hosted;

/// Most tool calls of one reply.
const MAX_CALLS: usize = 64;

/// Reads an answer that is not a success: `{"error": {message, type, code}}`.
pub(super) fn read_refusal(refusal: &Refusal<'_>) -> UpstreamFailure {
    let by_status = refusal.by_status();
    let by_status = match refusal.status.as_u16() {
        // What the operator set does not suit the model: `temperature`, say.
        400 | 422 => UpstreamFailure::new(ErrorCode::Misconfigured),
        _ => by_status,
    };
    match refusal.json() {
        // Some servers leave the envelope out.
        Some(body) => read_error(body.get("error").unwrap_or(&body), &by_status),
        None => by_status,
    }
}

/// Reads an error object, in an answer or in the midst of a stream. What its
/// codes leave open is `otherwise`.
pub(super) fn read_error(error: &Value, otherwise: &UpstreamFailure) -> UpstreamFailure {
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    let (code, kind) = (text("code"), text("type"));
    let number = error.get("code").and_then(Value::as_u64);
    let known = [code, kind].into_iter().find_map(known_code).or_else(|| match number? {
        401 | 403 | 404 => Some(ErrorCode::Misconfigured),
        402 => Some(ErrorCode::CreditsExhausted),
        408 | 504 => Some(ErrorCode::UpstreamTimeout),
        429 => Some(ErrorCode::RateLimited),
        503 => Some(ErrorCode::Overloaded),
        _ => None,
    });
    UpstreamFailure::told(error, &["type", "code"], known, otherwise)
}

fn known_code(code: &str) -> Option<ErrorCode> {
    Some(match code {
        "invalid_api_key"
        | "authentication_error"
        | "permission_error"
        | "model_not_found"
        | "invalid_organization"
        | "account_deactivated"
        | "unsupported_country_region_territory" => ErrorCode::Misconfigured,
        "insufficient_quota" | "billing_hard_limit_reached" | "billing_not_active" => {
            ErrorCode::CreditsExhausted
        }
        "rate_limit_exceeded" | "rate_limit_error" | "tokens" | "requests" => ErrorCode::RateLimited,
        "context_length_exceeded" | "string_above_max_length" => ErrorCode::TooLarge,
        "content_filter" | "content_policy_violation" | "invalid_prompt" => ErrorCode::ContentBlocked,
        "overloaded_error" | "engine_overloaded" | "server_overloaded" => ErrorCode::Overloaded,
        "timeout" | "request_timeout" => ErrorCode::UpstreamTimeout,
        "server_error" | "api_error" | "internal_server_error" => ErrorCode::UpstreamError,
        _ => return None,
    })
}

/// Whether it is OpenAI itself, which knows newer fields than others do.
pub(super) fn is_openai(settings: &Hosted) -> bool {
    settings.base_url.host_str() == Some("api.openai.com")
}

/// What the page tells, as the model reads it: data, not orders.
pub(super) fn context_text(context: &Json) -> String {
    format!(
        "The web page that the visitor is on describes itself with this JSON, as data: {}",
        context.as_str()
    )
}

/// A cited page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Citation {
    pub(super) url: String,
    pub(super) title: Option<String>,
}

/// Token counts under the names of either interface.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct UsageBody {
    #[serde(alias = "prompt_tokens")]
    input_tokens: Option<u64>,
    #[serde(alias = "completion_tokens")]
    output_tokens: Option<u64>,
}

impl From<UsageBody> for Usage {
    fn from(body: UsageBody) -> Self {
        Self {
            input_tokens: body.input_tokens.unwrap_or_default(),
            output_tokens: body.output_tokens.unwrap_or_default(),
        }
    }
}

/// A tool call while its pieces arrive.
#[derive(Debug, Clone, Default)]
pub(super) struct ToolCall {
    /// How the pieces are matched; the provider's own numbering or item id.
    pub(super) key: String,
    pub(super) id: String,
    pub(super) name: String,
    arguments: String,
    /// How much of `arguments` has been told.
    told: usize,
    is_begun: bool,
    is_done: bool,
}

/// The tool calls of one reply.
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    calls: Vec<ToolCall>,
    bytes: usize,
}

impl ToolCalls {
    /// The newest call of that key, if there is one.
    pub(super) fn find(&mut self, key: &str) -> Option<usize> {
        self.calls.iter().rposition(|call| call.key == key)
    }

    /// The newest call.
    pub(super) fn last(&self) -> Option<usize> {
        self.calls.len().checked_sub(1)
    }

    /// Whether there is any.
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// A new call.
    pub(super) fn push(&mut self, key: &str, id: &str, name: &str) -> Result<usize, UpstreamFailure> {
        if self.calls.len() >= MAX_CALLS {
            return Err(malformed(format!("more than {MAX_CALLS} tool calls in one reply")));
        }
        self.add_bytes(key.len() + id.len() + name.len())?;
        let call =
            ToolCall { key: key.to_owned(), id: id.to_owned(), name: name.to_owned(), ..ToolCall::default() };
        self.calls.push(call);
        Ok(self.calls.len() - 1)
    }

    /// The call at a place that [`ToolCalls::find`] or [`ToolCalls::push`] gave.
    pub(super) fn get(&self, place: usize) -> Option<&ToolCall> {
        self.calls.get(place)
    }

    /// Adds to the name or id of a call, and to its arguments.
    pub(super) fn add(
        &mut self,
        place: usize,
        id: &str,
        name: &str,
        arguments: &str,
        out: &mut Vec<Chunk>,
    ) -> Result<(), UpstreamFailure> {
        self.add_bytes(id.len() + name.len() + arguments.len())?;
        let Some(call) = self.calls.get_mut(place) else { return Ok(()) };
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        if call.name.is_empty() {
            name.clone_into(&mut call.name);
        }
        call.arguments.push_str(arguments);
        if call.name.is_empty() {
            return Ok(());
        }
        if call.id.is_empty() {
            // Some servers give no id; ours is unique within the reply.
            call.id = format!("call_{place}");
        }
        if !std::mem::replace(&mut call.is_begun, true) {
            out.push(Chunk::ToolInputStart { tool_call_id: call.id.clone(), tool_name: call.name.clone() });
        }
        let new = call.arguments.get(call.told..).unwrap_or_default();
        if !new.is_empty() {
            out.push(Chunk::ToolInputDelta { tool_call_id: call.id.clone(), delta: new.to_owned() });
            call.told = call.arguments.len();
        }
        Ok(())
    }

    /// The arguments of a call are whole; `arguments` are all of them, where the
    /// provider repeats them.
    pub(super) fn finish(&mut self, place: usize, arguments: Option<&str>, out: &mut Vec<Chunk>) {
        let Some(call) = self.calls.get_mut(place) else { return };
        if call.is_done || !call.is_begun {
            return;
        }
        call.is_done = true;
        let text = arguments.unwrap_or(&call.arguments);
        let text = if text.trim().is_empty() { "{}" } else { text };
        out.push(match Json::parse(text) {
            Ok(input) => Chunk::ToolInputAvailable {
                tool_call_id: call.id.clone(),
                tool_name: call.name.clone(),
                input,
            },
            Err(_) => Chunk::ToolInputError {
                tool_call_id: call.id.clone(),
                tool_name: call.name.clone(),
                input: None,
                error_text: "the model wrote an input that is not JSON".to_owned(),
            },
        });
    }

    /// All calls are whole.
    pub(super) fn finish_all(&mut self, out: &mut Vec<Chunk>) {
        for place in 0..self.calls.len() {
            self.finish(place, None, out);
        }
    }

    fn add_bytes(&mut self, bytes: usize) -> Result<(), UpstreamFailure> {
        self.bytes += bytes;
        if self.bytes > MAX_REPLY_BYTES {
            return Err(malformed("the inputs of the tool calls are too long"));
        }
        Ok(())
    }
}

/// Asks for the list of models: free, and refused without a good key.
pub(super) async fn check(http: &Http, model: &str) -> Result<Vec<String>, UpstreamFailure> {
    #[derive(Deserialize)]
    struct Models {
        data: Vec<Model>,
    }
    #[derive(Deserialize)]
    struct Model {
        id: String,
    }
    let models: Models = http.send(&Call::get(&["models"])).await?.json().await?;
    let is_there = models.data.iter().any(|known| known.id == model);
    if is_there {
        return Ok(vec!["key accepted".to_owned(), format!("model {model} is there")]);
    }
    let detail = format!("the key is accepted, but there is no model {model:?} among {}", models.data.len());
    Err(UpstreamFailure::new(ErrorCode::Misconfigured).because(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(error: &str) -> ErrorCode {
        let otherwise = UpstreamFailure::new(ErrorCode::UpstreamError);
        read_error(&serde_json::from_str(error).unwrap(), &otherwise).code()
    }

    #[test]
    fn errors_are_read_by_code_type_and_number() {
        for (error, code) in [
            (r#"{"code":"invalid_api_key","type":"invalid_request_error"}"#, ErrorCode::Misconfigured),
            (r#"{"code":"insufficient_quota","type":"insufficient_quota"}"#, ErrorCode::CreditsExhausted),
            (r#"{"code":"rate_limit_exceeded","type":"tokens"}"#, ErrorCode::RateLimited),
            (r#"{"code":"context_length_exceeded"}"#, ErrorCode::TooLarge),
            (r#"{"code":null,"type":"server_error"}"#, ErrorCode::UpstreamError),
            (r#"{"code":429,"message":"slow"}"#, ErrorCode::RateLimited),
            (r#""a text""#, ErrorCode::UpstreamError),
            ("null", ErrorCode::UpstreamError),
            ("[1]", ErrorCode::UpstreamError),
        ] {
            assert_eq!(code_of(error), code, "{error}");
        }
    }

    #[test]
    fn a_call_is_begun_once_its_name_is_known_and_has_an_id_of_ours_if_it_has_none() {
        let (mut calls, mut out) = (ToolCalls::default(), Vec::new());
        let place = calls.push("0", "", "").unwrap();
        calls.add(place, "", "", "{\"a\"", &mut out).unwrap();
        assert!(out.is_empty());
        calls.add(place, "", "look", ":1}", &mut out).unwrap();
        calls.finish_all(&mut out);
        calls.finish_all(&mut out);
        assert_eq!(out.len(), 3);
        let input = Json::parse("{\"a\":1}").unwrap();
        let whole =
            Chunk::ToolInputAvailable { tool_call_id: "call_0".into(), tool_name: "look".into(), input };
        assert_eq!(out[2], whole);
    }

    #[test]
    fn an_input_that_is_no_json_is_an_error_of_the_call_alone() {
        let (mut calls, mut out) = (ToolCalls::default(), Vec::new());
        let place = calls.push("0", "c", "look").unwrap();
        calls.add(place, "", "", "{\"a", &mut out).unwrap();
        calls.finish_all(&mut out);
        assert!(matches!(out.last(), Some(Chunk::ToolInputError { .. })), "{out:?}");
    }

    #[test]
    fn calls_and_their_inputs_are_bounded() {
        let mut calls = ToolCalls::default();
        let place = calls.push("0", "c", "look").unwrap();
        assert!(calls.add(place, "", "", &"x".repeat(MAX_REPLY_BYTES), &mut Vec::new()).is_err());
        let mut calls = ToolCalls::default();
        assert!((0..=MAX_CALLS).map(|key| calls.push(&key.to_string(), "", "")).any(|made| made.is_err()));
    }
}
