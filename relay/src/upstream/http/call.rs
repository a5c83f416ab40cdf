//! One request to a provider, before it is sent.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;

use super::retry::Repeat;
use crate::config::Secret;
use crate::upstream::Turn;

/// A request: what the adapter decides of it. Address, key and the operator's
/// headers are added when it is sent.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) method: Method,
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    pub(super) repeat: Repeat,
    pub(super) request_id: String,
    /// In place of the agent's key.
    pub(super) bearer: Option<Secret>,
}

impl Call {
    /// A GET of that path below `base_url`. Segments are percent-encoded: an id
    /// cannot leave its place.
    pub fn get(path: &[&str]) -> Self {
        Self {
            method: Method::GET,
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: None,
            repeat: Repeat::Safe,
            request_id: String::new(),
            bearer: None,
        }
    }

    /// A POST of a JSON body to that path. It is repeated only if it was
    /// refused, unless [`Call::safe`] says otherwise.
    pub fn post(path: &[&str], body: &impl Serialize) -> Self {
        Self {
            method: Method::POST,
            // What adapters serialise are strings, numbers and valid JSON.
            body: Some(serde_json::to_vec(body).unwrap_or_default()),
            repeat: Repeat::IfRefused,
            ..Self::get(path)
        }
    }

    /// The same with PATCH.
    pub fn patch(path: &[&str], body: &impl Serialize) -> Self {
        Self { method: Method::PATCH, ..Self::post(path, body) }
    }

    /// Adds to the query.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a header. A value that cannot stand in one is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Goes out under that token in place of the agent's key. One that cannot
    /// stand in a header is left out, and so is the key: nothing is sent that
    /// the caller did not mean.
    #[must_use]
    pub fn bearer(mut self, token: Secret) -> Self {
        self.bearer = Some(token);
        self
    }

    /// It may be sent again even if the provider may have begun to work on it.
    #[must_use]
    pub fn safe(mut self) -> Self {
        self.repeat = Repeat::Safe;
        self
    }

    /// Logs it under the request of a turn.
    #[must_use]
    pub fn of(self, turn: &Turn) -> Self {
        self.under(&turn.request_id)
    }

    /// Logs it under a request of that id.
    #[must_use]
    pub fn under(mut self, request_id: &str) -> Self {
        request_id.clone_into(&mut self.request_id);
        self
    }
}
