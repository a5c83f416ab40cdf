//! `/kiosk?site=...`: the chat as a screen in a hall. A launcher may frame it, if
//! it is a page of the site's origins. The device's key is never in the query: a
//! query stands in logs.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use chinwag_protocol::SiteKey;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::asset;
use super::frame::{COEP, CORP, POLICY, framing};
use crate::app::App;

/// `/kiosk` and its script.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/kiosk", get(kiosk)).route("/kiosk.js", get(script))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    site: String,
}

async fn kiosk(State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    let config = app.config();
    let site = SiteKey::parse(&asked.site).ok().and_then(|key| config.site(&key));
    let (Some(site), Some(module)) = (site, asset::module()) else {
        let known =
            "There is no such site here: the address is /kiosk?site=KEY, with the key of a [[site]].\n";
        return (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")], known).into_response();
    };
    let origins = framing(&site.origins, &config.own_origins());
    let Ok(policy) = HeaderValue::from_str(&format!("{POLICY} {origins}")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let page = TEMPLATE
        .replace("{{site}}", site.key.as_str())
        .replace("{{module}}", &module)
        .replace("{{origins}}", &origins);
    let mut response = Html(page).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    // It names the newest module; and a page that is not stored does not come
    // back out of the browser's cache with what the last visitor saw.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A launcher that is isolated from other origins may frame it as well.
    headers.insert(CORP, HeaderValue::from_static("cross-origin"));
    headers.insert(COEP, HeaderValue::from_static("credentialless"));
    response
}

async fn script() -> Response {
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (headers, SCRIPT).into_response()
}

const TEMPLATE: &str = include_str!("../../pages/kiosk.html");
const SCRIPT: &str = include_str!("../../pages/kiosk.js");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_page_is_inline() {
        for forbidden in ["<style", " style=", " onclick=", "javascript:", "<script>"] {
            assert!(!TEMPLATE.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn the_device_key_is_read_from_no_query() {
        let reads_device = |line: &&str| line.contains("query") && line.contains("device");
        assert_eq!(SCRIPT.lines().find(reads_device), None);
    }
}
