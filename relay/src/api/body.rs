//! Request bodies: JSON up to a size, with the field at fault named.

use axum::extract::{FromRequest, Request};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::app::App;

/// A JSON body, as large and as deep as the operator allows.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let limits = &app.config().server.limits;
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(ApiError::invalid("content-type", "send the body as application/json"));
        }
        let bytes = Bytes::from_request(request, app).await.map_err(|rejection| {
            if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::too_large("body", format!("a body is at most {} bytes", limits.body_bytes))
            } else {
                ApiError::invalid("body", "the body did not arrive whole")
            }
        })?;
        if depth(&bytes) > limits.json_depth {
            let message = format!("the body is nested deeper than {} levels", limits.json_depth);
            return Err(ApiError::invalid("body", message));
        }
        parse(&bytes).map(Self)
    }
}

/// How deep a text is nested, if it is JSON: a reader that follows every level
/// would spend stack and time on what no client sends.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for byte in bytes {
        if in_string {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut decoder = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut decoder).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        if error.is_data() {
            let param = if path == "." { "body".to_owned() } else { path };
            ApiError::invalid(param, error.to_string())
        } else {
            ApiError::invalid("body", format!("the body is not JSON: {error}"))
        }
    })?;
    decoder.end().map_err(|error| ApiError::invalid("body", format!("the body is not JSON: {error}")))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted_outside_of_strings_alone() {
        for (text, levels) in [
            ("", 0),
            ("1", 0),
            ("{}", 1),
            ("[[],[]]", 2),
            (r#"{"a":[{"b":1}]}"#, 3),
            (r#"{"a":"[[[["}"#, 1),
            (r#"{"a":"\"[[","b":[1]}"#, 2),
            (r#"{"a":"\\","b":[[1]]}"#, 3),
            ("]]][", 1),
        ] {
            assert_eq!(depth(text.as_bytes()), levels, "{text}");
        }
    }
}
