//! `/frame?site=...`: the page that a site shows in a frame where its own pages
//! refuse WebAssembly. Only pages of the site's origins may frame it.

use axum::Router;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use chinwag_protocol::SiteKey;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;

use super::asset;
use crate::app::App;
use crate::config::Origin;

/// `/frame` and its script.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/frame", get(frame)).route("/frame.js", get(script))
}

/// What such a page is asked for.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    pub(super) site: String,
}

async fn frame(State(app): State<App>, Query(asked): Query<Asked>) -> Response {
    // It names the newest module.
    framed(&app, &asked.site, TEMPLATE, "no-cache").unwrap_or_else(|| {
        (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")], "There is no such site here.\n")
            .into_response()
    })
}

/// A page of a site, made of `template`, that the site's pages and the relay's
/// own may frame; none if there is no such site.
pub(super) fn framed(app: &App, site: &str, template: &str, cache: &'static str) -> Option<Response> {
    let config = app.config();
    let site = config.site(&SiteKey::parse(site).ok()?)?;
    let origins = framing(&site.origins, &config.own_origins());
    let policy = HeaderValue::from_str(&format!("{POLICY} {origins}")).ok()?;
    let page = template
        .replace("{{site}}", site.key.as_str())
        .replace("{{module}}", &asset::module()?)
        .replace("{{origins}}", &origins);
    let mut response = Html(page).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    // A page that is isolated from other origins may frame it as well.
    headers.insert(CORP, HeaderValue::from_static("cross-origin"));
    headers.insert(COEP, HeaderValue::from_static("credentialless"));
    Some(response)
}

async fn script() -> Response {
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (headers, SCRIPT).into_response()
}

/// Who may frame the page of a site, as `frame-ancestors` has it: an origin, as
/// it is parsed, holds nothing that would end the list or an attribute.
fn framing(site: &[Origin], own: &[Origin]) -> String {
    let mut list = String::new();
    for origin in site.iter().chain(own.iter().filter(|own| !site.contains(own))) {
        if !list.is_empty() {
            list.push(' ');
        }
        list.push_str(origin.as_str());
    }
    list
}

const TEMPLATE: &str = include_str!("../../pages/frame.html");
const SCRIPT: &str = include_str!("../../pages/frame.js");

/// Nothing inline and nothing from elsewhere but pictures; wasm may compile.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; \
                      img-src 'self' https: data: blob:; base-uri 'none'; form-action 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'; frame-ancestors";

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const COEP: HeaderName = HeaderName::from_static("cross-origin-embedder-policy");

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(texts: &[&str]) -> Vec<Origin> {
        texts.iter().map(|text| Origin::parse(text).unwrap()).collect()
    }

    #[test]
    fn pages_of_the_site_and_the_relays_own_may_frame_it_each_named_once() {
        let own = origins(&["https://relay.example"]);
        let site = origins(&["https://shop.example", "https://relay.example"]);
        assert_eq!(framing(&site, &own), "https://shop.example https://relay.example");
        assert_eq!(framing(&[], &own), "https://relay.example");
    }

    #[test]
    fn nothing_in_the_page_is_inline() {
        for forbidden in ["<style", " style=", " onclick=", "javascript:", "<script>"] {
            assert!(!TEMPLATE.contains(forbidden), "{forbidden}");
        }
    }
}
