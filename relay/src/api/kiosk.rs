//! `/kiosk?site=...`: the chat as a screen in a hall. A launcher may frame it, if
//! it is a page of the site's origins. The device's key is never in the query: a
//! query stands in logs.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use super::frame::{Asked, framed};
use crate::app::App;

/// `/kiosk` and its script.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/kiosk", get(kiosk)).route("/kiosk.js", get(script))
}

async fn kiosk(State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    // It names the newest module; and a page that is not stored does not come
    // back out of the browser's cache with what the last visitor saw.
    framed(&app, &asked.site, TEMPLATE, "no-store").unwrap_or_else(|| {
        let known =
            "There is no such site here: the address is /kiosk?site=KEY, with the key of a [[site]].\n";
        (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")], known).into_response()
    })
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
