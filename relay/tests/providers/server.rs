//! A relay with keys of the API, whose provider is a simulator.

use std::path::Path;

use axum::Router;
use axum::body::Body;
use chinwag_relay::app::App;
use chinwag_relay::config::{Config, Overrides};
use chinwag_relay::knowledge::read::apart;
use chinwag_relay::manage::key;
use chinwag_relay::store::Mode;
use chinwag_relay::{api, edge};
use chinwag_simulator::{KEY, Kind, Simulator, Switches};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub(crate) const PAGE: &str = "https://shop.example";

/// The id of an agent of the API that a site names before there is one.
pub(crate) const SITE_AGENT: &str = "agent_aaaaaaaaaa";

pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) app: App,
    pub(crate) router: Router,
    pub(crate) live: String,
    pub(crate) test: String,
    pub(crate) folder: TempDir,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str, param: Option<&str>) {
        let error = self.is(status)["error"].clone();
        assert_eq!((error["code"].as_str(), error["param"].as_str()), (Some(code), param), "{self:?}");
        assert_eq!(error["status"], status);
        assert!(error["type"].is_string() && error["message"].is_string(), "{error}");
        assert!(!error["request_id"].as_str().unwrap().is_empty());
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_limits("").await
    }

    /// With more lines of `[server.limits]`.
    pub(crate) async fn with_limits(more: &str) -> Self {
        let simulator = Simulator::start(Kind::OpenAiChat, Switches::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("docs")).unwrap();
        std::fs::write(folder.path().join("docs/opening.md"), "# Opening hours\n\nWe open at nine.\n")
            .unwrap();
        let configuration = format!(
            "[server]\ndata_dir = '{}'\nprivate_targets = [\"127.0.0.1\"]\n[server.limits]\nwebhook_retry = \"1ms\"\nmessages_per_minute = 1000\n\
             address_messages_per_minute = 1000\n{more}\n\n\
             [[site]]\nkey = \"site_a\"\norigins = [\"{PAGE}\"]\nagent = \"{SITE_AGENT}\"\n\n\
             [agent.model]\nprovider = \"openai-chat\"\nbase_url = \"{}\"\napi_key = {{ env = \"KEY\" }}\n\
             model = \"simulated\"\n\n[agent.endpoint]\nprovider = \"ai-sdk\"\nbase_url = \"http://127.0.0.1:1/chat\"\n\n\
             [agent.talk]\nprovider = \"chatsby\"\nbase_url = \"http://127.0.0.1:1/v1\"\nagent_id = \"agent_1a2b3c4d5e\"\n\
             api_key = {{ env = \"KEY\" }}\n\n[agent.docs]\nprovider = \"docs\"\npath = '{}'\n",
            folder.path().join("data").display(),
            simulator.base_url,
            folder.path().join("docs").display(),
        );
        let environment = |_: &str| Some(KEY.to_owned());
        let config =
            Config::parse(Path::new("chinwag.toml"), &configuration, &environment, &Overrides::default())
                .unwrap();
        apart::use_program(env!("CARGO_BIN_EXE_chinwag-relay").into());
        let app = App::build(config.clone()).await.unwrap();
        let router = edge::dress(api::router(app.clone()), &config);
        let live = key::make(app.store(), Mode::Live, "server").await.unwrap().text;
        let test = key::make(app.store(), Mode::Test, "trial").await.unwrap().text;
        Self { simulator, app, router, live, test, folder }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        self.send_bytes(method, path, &all, body).await
    }

    pub(crate) async fn send_bytes(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let status = parts.status.as_u16();
        // Calls of the widget's API are held against its own description elsewhere.
        if !headers.iter().any(|(name, _)| *name == "origin") {
            let kind = parts.headers.get("content-type").map_or("", |kind| kind.to_str().unwrap());
            crate::described::hold(api::FOR_SERVERS, method, path, status, kind, &text);
        }
        Answer { status, headers: parts.headers, text }
    }

    /// A call with the live key.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {}", self.live);
        self.send(method, path, &[("authorization", &bearer)], body).await
    }

    pub(crate) async fn with_key(&self, key: &str, method: &str, path: &str, body: Option<Value>) -> Answer {
        let bearer = format!("Bearer {key}");
        self.send(method, path, &[("authorization", &bearer)], body).await
    }

    /// A write with an `Idempotency-Key`.
    pub(crate) async fn once(&self, key: &str, method: &str, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {}", self.live);
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
        self.send(method, path, &headers, Some(body)).await
    }

    pub(crate) async fn make(&self, name: &str) -> String {
        let made = self.call("POST", "/v1/agents", Some(json!({ "name": name }))).await.is(201);
        made["id"].as_str().unwrap().to_owned()
    }
}
