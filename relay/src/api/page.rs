//! The page at `/`: the first site's widget, and the line that embeds it; at
//! `/theme` every token can be turned, and `/gallery` shows every state.

use std::fmt::Write;

use axum::Router;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use chinwag_protocol::{AgentCard, SiteKey};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST};
use http::{HeaderMap, HeaderValue, Uri};
use rust_embed::RustEmbed;

use super::asset::{File, respond};
use super::error::ApiError;
use crate::app::App;
use crate::config::Origin;

/// The pages, and the files that they need.
pub(super) fn routes() -> Router<App> {
    let pages =
        Router::new().route("/", get(demo)).route("/theme", get(theme)).route("/gallery", get(gallery));
    PARTS.iter().fold(pages, |pages, path| pages.route(path, get(part)))
}

/// What the pages fetch beside the widget.
const PARTS: [&str; 6] = ["/demo.css", "/demo.js", "/gallery.css", "/gallery.js", "/theme.css", "/theme.js"];

async fn demo(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    shown(&app, &headers, TEMPLATE).await
}

async fn theme(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    shown(&app, &headers, include_str!("../../pages/theme.html")).await
}

async fn gallery(State(app): State<App>, headers: HeaderMap) -> Result<Response, ApiError> {
    shown(&app, &headers, include_str!("../../pages/gallery.html")).await
}

async fn shown(app: &App, headers: &HeaderMap, template: &str) -> Result<Response, ApiError> {
    let config = app.config();
    // A configuration has a site: checked at start.
    let Some(site) = config.sites.first() else { return Ok(Html("").into_response()) };
    // An agent of the API may not be there yet, or not be there any more.
    let card = match app.agent(&site.agent).await? {
        Some(agent) => agent.card,
        None => AgentCard { name: site.agent.clone(), ..AgentCard::default() },
    };
    let own = config.own_origins();
    let Some(origin) = visited_origin(&own, headers) else { return Ok(Html("").into_response()) };
    let mut response = Html(render(template, &site.key, &card, origin)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, PAGE_CSP);
    // It holds the configuration, which changes with a restart.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

async fn part(uri: Uri, headers: HeaderMap) -> Response {
    let name = uri.path().trim_start_matches('/');
    let mut response = respond(&|name| Pages::get(name).map(File::from), name, &headers).unwrap_or_default();
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[derive(RustEmbed)]
#[folder = "pages"]
struct Pages;

/// The one of the relay's origins that the visitor came by, else the first: a
/// `Host` header is what a client liked to send, and is only compared.
fn visited_origin<'o>(own: &'o [Origin], headers: &HeaderMap) -> Option<&'o Origin> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let came_by = |origin: &&Origin| {
        let authority = origin.as_str().split_once("://").map(|(_, authority)| authority);
        authority.is_some() && authority == host
    };
    own.iter().find(came_by).or_else(|| own.first())
}

fn render(template: &str, site: &SiteKey, agent: &AgentCard, origin: &Origin) -> String {
    let snippet = format!("<script src=\"{origin}/chinwag.js\"\n  data-site=\"{site}\" async></script>");
    let mut page = String::with_capacity(template.len() + 1024);
    let mut rest = template;
    // One pass over the template: what is filled in is never searched itself.
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
    {
        page.push_str(before);
        match name {
            "site" => escape_into(&mut page, site.as_str()),
            "agent" => escape_into(&mut page, &agent.name),
            "snippet" => escape_into(&mut page, &snippet),
            "questions" => push_questions(&mut page, &agent.suggestions),
            _ => {}
        }
        rest = after;
    }
    page.push_str(rest);
    page
}

fn push_questions(page: &mut String, questions: &[String]) {
    if questions.is_empty() {
        return;
    }
    page.push_str("<ul class=\"questions\" aria-label=\"Questions to try\">");
    for question in questions {
        let question = escape(question);
        // Writing into a String cannot fail.
        let _ =
            write!(page, "<li><button type=\"button\" data-question=\"{question}\">{question}</button></li>");
    }
    page.push_str("</ul>");
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    escape_into(&mut escaped, text);
    escaped
}

/// Text that stands for itself, in content and in a quoted attribute alike.
fn escape_into(page: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            other => page.push(other),
        }
    }
}

const TEMPLATE: &str = include_str!("../../pages/demo.html");

/// Nothing inline and nothing from elsewhere; wasm may compile.
const PAGE_CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    fn agent() -> AgentCard {
        let agent = Config::demo(&Overrides::default()).agents["docs"].clone();
        AgentCard { name: agent.name, suggestions: agent.suggestions, ..AgentCard::default() }
    }

    fn rendered(agent: &AgentCard) -> String {
        let origin = Origin::parse("https://relay.example").unwrap();
        render(TEMPLATE, &SiteKey::parse("site_shop").unwrap(), agent, &origin)
    }

    #[test]
    fn the_page_embeds_the_first_site_and_shows_how() {
        let page = rendered(&agent());
        assert!(
            page.contains("<script src=\"/chinwag.js\" data-site=\"site_shop\" async></script>"),
            "{page}"
        );
        let snippet = "&lt;script src=&quot;https://relay.example/chinwag.js&quot;\n  \
                       data-site=&quot;site_shop&quot; async&gt;&lt;/script&gt;";
        assert!(page.contains(snippet), "{page}");
        assert!(!page.contains("{{") && !page.contains("}}"), "{page}");
    }

    #[test]
    fn what_the_operator_wrote_is_text_and_no_markup() {
        let mut agent = agent();
        agent.name = "<b>Bob</b> & {{site}}".to_owned();
        agent.suggestions = vec!["\"quoted\" <i>?".to_owned()];
        let page = rendered(&agent);
        assert!(page.contains("&lt;b&gt;Bob&lt;/b&gt; &amp; {{site}}"), "{page}");
        assert!(page.contains("data-question=\"&quot;quoted&quot; &lt;i&gt;?\""), "{page}");
    }

    #[test]
    fn without_suggestions_there_is_no_empty_list() {
        let mut agent = agent();
        agent.suggestions.clear();
        assert!(!rendered(&agent).contains("<ul"));
    }

    #[test]
    fn nothing_in_the_page_is_inline() {
        let page = rendered(&agent());
        for forbidden in ["<style", " style=", " onclick=", "javascript:", "http://", "<script>"] {
            let allowed = page.replace("http://www.w3.org/2000/svg", "");
            assert!(!allowed.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn the_snippet_names_the_origin_that_the_visitor_came_by() {
        let own = Config::demo(&Overrides::default()).own_origins();
        let came_by = |host: &str| {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            visited_origin(&own, &headers).unwrap().to_string()
        };
        assert_eq!(came_by("localhost:8787"), "http://localhost:8787");
        assert_eq!(came_by("127.0.0.1:8787"), "http://127.0.0.1:8787");
        assert_eq!(came_by("evil.example"), "http://127.0.0.1:8787");
    }
}
