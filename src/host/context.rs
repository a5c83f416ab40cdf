//! The option `context`: what the page wants the agent to know. Any JSON object
//! of a few kilobytes, so it is taken as the text that it is sent as.

use chinwag_protocol::Json;
use chinwag_protocol::limits::MAX_CONTEXT_BYTES;
use js_sys::JSON;
use wasm_bindgen::JsValue;

use super::options::OptionsError;
use super::options::check::refused;
use super::value::{Given, own};
use crate::engine::part::{self, Lazy as _};

/// What options say of the context: `None` if they say nothing of it,
/// `Some(None)` if they take it away.
pub fn read(options: &JsValue) -> Result<Option<Option<Json>>, OptionsError> {
    own(options, "context").map(|given| part::Setting::enter_again(|| read_given(&given))).transpose()
}

fn read_given(given: &JsValue) -> Result<Option<Json>, OptionsError> {
    if given.is_null_or_undefined() {
        return Ok(None);
    }
    let text = JSON::stringify(given).ok().and_then(|text| text.as_string());
    let json = text.and_then(|text| Json::parse(&text).ok()).filter(Json::is_object);
    let Some(json) = json else { return Err(wrong(&Given::read(given).describe())) };
    if json.as_str().len() > MAX_CONTEXT_BYTES {
        let mut size = String::from("one of ");
        size.push_str(&json.as_str().len().to_string());
        size.push_str(" bytes");
        return Err(wrong(&size));
    }
    Ok(Some(json))
}

fn wrong(given: &str) -> OptionsError {
    refused("context", given, "an object of at most 4,096 bytes as JSON")
}
