//! The documents of a docs agent as pages, so that every citation opens.
//!
//! What is served is what was indexed: a path is looked up, never joined to a
//! folder, so there is nothing to traverse. Only images are read from the
//! folder, and only those that were found in it.

mod render;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::app::App;
use crate::upstream::docs::DocsAgent;
use crate::upstream::docs::corpus::{Corpus, served_path};
use crate::upstream::docs::folder;

/// An image larger than this is not served, in bytes.
const MAX_IMAGE_BYTES: u64 = 16 * 1024 * 1024;

/// `/docs/{agent}`: the list of its documents; below it, the documents.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/docs.css", get(style))
        .route("/docs/{agent}", get(list))
        .route("/docs/{agent}/", get(list))
        .route("/docs/{agent}/{*path}", get(document))
}

async fn style(headers: HeaderMap) -> Response {
    tagged(STYLE.into(), "text/css; charset=utf-8", &headers)
}

async fn list(State(app): State<App>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match corpus_of(app.docs(&name)) {
        Ok(corpus) => page(render::list(&corpus, &name), &headers),
        Err(unserved) => unserved.into_response(),
    }
}

async fn document(
    State(app): State<App>,
    Path((name, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let corpus = match corpus_of(app.docs(&name)) {
        Ok(corpus) => corpus,
        Err(unserved) => return unserved.into_response(),
    };
    if let Some(document) = corpus.document(&path) {
        return page(render::document(&corpus, &name, document), &headers);
    }
    let kind = folder::image_type(&path);
    if let (Some(kind), Some(file)) = (kind, corpus.image(&path)) {
        return image(corpus.root(), file, kind, &headers).await;
    }
    not_found(&served_path(&name, "", None))
}

/// Why there is nothing to serve.
enum Unserved {
    /// No docs agent has that name.
    Unknown,
    /// The first indexing has not ended.
    Indexing,
}

fn corpus_of(agent: Option<&Arc<DocsAgent>>) -> Result<Arc<Corpus>, Unserved> {
    agent.ok_or(Unserved::Unknown)?.corpus().ok_or(Unserved::Indexing)
}

impl IntoResponse for Unserved {
    fn into_response(self) -> Response {
        match self {
            Self::Unknown => not_found("/"),
            Self::Indexing => {
                let text = render::notice(
                    "One moment",
                    "The documents are being read. Load this page again in a second.",
                    None,
                );
                let mut response = secured(text.into(), HTML);
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
        }
    }
}

fn not_found(back: &str) -> Response {
    let text = render::notice(
        "Not found",
        "There is no document here. It may have been renamed since it was cited.",
        Some(back),
    );
    let mut response = secured(text.into(), HTML);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

async fn image(root: &FilePath, file: &FilePath, kind: &'static str, headers: &HeaderMap) -> Response {
    let (root, file) = (root.to_owned(), file.to_owned());
    let read = tokio::task::spawn_blocking(move || {
        // It was inside when it was found; a link may have been put there since.
        let file = folder::inside(&root, &file).ok().flatten()?;
        let metadata = std::fs::metadata(&file).ok()?;
        let is_fit = metadata.is_file() && metadata.len() <= MAX_IMAGE_BYTES;
        is_fit.then(|| std::fs::read(&file).ok()).flatten()
    });
    match read.await {
        Ok(Some(bytes)) => tagged(bytes.into(), kind, headers),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn page(text: String, headers: &HeaderMap) -> Response {
    tagged(text.into(), HTML, headers)
}

/// A body that the browser keeps and asks after: documents change any time.
fn tagged(bytes: bytes::Bytes, kind: &'static str, request: &HeaderMap) -> Response {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let is_same = request.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let mut response = secured(if is_same { Body::empty() } else { Body::from(bytes) }, kind);
    if is_same {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn secured(body: Body, kind: &'static str) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_SECURITY_POLICY, CSP);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = include_str!("docs.css");

/// Documents are others' text: no script, no frame, no form, nothing foreign.
/// `sandbox` also disarms an SVG that is opened by itself; links may still open.
const CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation",
);
