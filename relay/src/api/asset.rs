//! The widget's files, as `cargo xtask dist` made them: embedded in the binary,
//! compressed beforehand, readable by every origin.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::fmt::Write;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
    HeaderName, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::ApiError;
use crate::app::App;

/// `/<file>`: every file of the build by its name.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/{file}", get(serve))
}

/// A debug build reads the folder from the disk each time, so that a new widget
/// needs no new relay.
#[derive(RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
// The npm package lies in a folder of its own there, and is not for the web.
#[exclude = "npm/*"]
struct Dist;

async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let find = |name: &str| Dist::get(name).map(File::from);
    match respond(&find, &name, &headers) {
        Some(mut response) => {
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            headers.insert(CORP, HeaderValue::from_static("cross-origin"));
            response
        }
        None => not_found(&name),
    }
}

/// The name of the module that the loader imports, as the build's manifest has it.
/// None in a relay without the widget.
pub(super) fn module() -> Option<String> {
    let manifest: serde_json::Value = serde_json::from_slice(&Dist::get("manifest.json")?.data).ok()?;
    let paths = manifest.get("files")?.as_array()?.iter().filter_map(|file| file.get("path")?.as_str());
    let stem = |path: &str| Some(path.strip_prefix("chinwag-")?.strip_suffix(".js")?.to_owned());
    // Other scripts of the build have a second word before the hash.
    let is_module = |path: &&str| is_hashed(path) && stem(path).is_some_and(|hash| !hash.contains('-'));
    paths.into_iter().find(is_module).map(str::to_owned)
}

fn not_found(name: &str) -> Response {
    if name != LOADER {
        return ApiError::not_found().into_response();
    }
    let text = "This relay was built without the widget: run `cargo xtask dist`, then build it again.\n";
    (StatusCode::NOT_FOUND, [(CACHE_CONTROL, "no-store")], text).into_response()
}

/// A file's bytes with the SHA-256 of them.
pub(super) struct File {
    pub(super) bytes: Cow<'static, [u8]>,
    pub(super) hash: [u8; 32],
}

impl From<EmbeddedFile> for File {
    fn from(file: EmbeddedFile) -> Self {
        Self { hash: file.metadata.sha256_hash(), bytes: file.data }
    }
}

/// The answer to a request for a file: in the best encoding that there is and
/// that the client takes, or 304 where it has the very same. None where there is
/// no such file.
pub(super) fn respond(
    find: &dyn Fn(&str) -> Option<File>,
    name: &str,
    request: &HeaderMap,
) -> Option<Response> {
    let content_type = content_type(name)?;
    let plain = find(name)?;
    let accepted = Accepted::read(request);
    let (file, encoding) = accepted
        .compressed()
        .find_map(|encoding| Some((find(&format!("{name}.{}", encoding.extension))?, Some(encoding))))
        .unwrap_or((plain, None));

    let tag = entity_tag(&file.hash, encoding);
    let is_same = request.get_all(IF_NONE_MATCH).iter().any(|value| names_tag(value, &tag));
    let mut response = Response::new(if is_same { Body::empty() } else { Body::from(file.bytes) });
    if is_same {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(if is_hashed(name) { FOR_EVER } else { SHORTLY }));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name));
    }
    Some(response)
}

/// A content coding that files are kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Encoding {
    name: &'static str,
    extension: &'static str,
}

/// The better first.
const ENCODINGS: [Encoding; 2] =
    [Encoding { name: "br", extension: "br" }, Encoding { name: "gzip", extension: "gz" }];

/// What `Accept-Encoding` asks for (RFC 9110, 12.5.3): a weight in thousandths for
/// each of [`ENCODINGS`], and for no encoding at all.
struct Accepted {
    weights: [u16; 2],
    identity: u16,
}

impl Accepted {
    fn read(request: &HeaderMap) -> Self {
        let lines = request.get_all(ACCEPT_ENCODING);
        let mut others = None;
        let mut named = [None; 2];
        let mut identity = None;
        for item in lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')) {
            let (coding, weight) = match item.split_once(';') {
                Some((coding, parameter)) => (coding.trim(), read_weight(parameter)),
                None => (item.trim(), 1000),
            };
            if coding == "*" {
                others = Some(weight);
            } else if coding.eq_ignore_ascii_case("identity") {
                identity = Some(weight);
            } else {
                let known = ENCODINGS.iter().zip(&mut named);
                for (_, slot) in known.filter(|(encoding, _)| coding.eq_ignore_ascii_case(encoding.name)) {
                    *slot = Some(weight);
                }
            }
        }
        // Without a word, no encoding is always fine; but it loses to any encoding
        // that the client asks for at all.
        Self { weights: named.map(|weight| weight.or(others).unwrap_or(0)), identity: identity.unwrap_or(0) }
    }

    /// The encodings to use rather than none, the best first.
    fn compressed(&self) -> impl Iterator<Item = Encoding> {
        let identity = self.identity;
        let mut wanted: Vec<(u16, Encoding)> = self
            .weights
            .into_iter()
            .zip(ENCODINGS)
            .filter(|&(weight, _)| weight > 0 && weight >= identity)
            .collect();
        // Stable: of two that weigh the same, the better stays first.
        wanted.sort_by_key(|&(weight, _)| Reverse(weight));
        wanted.into_iter().map(|(_, encoding)| encoding)
    }
}

/// `q=0.5` in thousandths; what is not a weight counts as 0, "not acceptable".
fn read_weight(parameter: &str) -> u16 {
    let value =
        parameter.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.trim_start().strip_prefix('='));
    let Some((whole, fraction)) =
        value.map(|value| value.trim().split_once('.').unwrap_or((value.trim(), "")))
    else {
        return 0;
    };
    let is_short = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" if is_short => 1000,
        "0" if is_short => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// Each encoding is a representation of its own, with a tag of its own.
fn entity_tag(hash: &[u8; 32], encoding: Option<Encoding>) -> String {
    let mut tag = String::from('"');
    for byte in hash.iter().take(16) {
        // Writing into a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    if let Some(encoding) = encoding {
        tag.extend(["-", encoding.name]);
    }
    tag.push('"');
    tag
}

/// Whether an `If-None-Match` names the tag. Weak ones count: a proxy that
/// compressed anew makes ours weak.
fn names_tag(value: &HeaderValue, tag: &str) -> bool {
    let Ok(text) = value.to_str() else { return false };
    text.split(',').map(str::trim).any(|item| item == "*" || item.strip_prefix("W/").unwrap_or(item) == tag)
}

/// The types of the files of a build. Another extension is not served: `.br` and
/// `.gz` are forms of a file, not files.
fn content_type(name: &str) -> Option<&'static str> {
    // A decoded path may hold what the route's one segment could not.
    let (stem, extension) = name.rsplit_once('.')?;
    if stem.is_empty() || stem.contains(['/', '\\']) {
        return None;
    }
    match extension {
        "js" | "mjs" => Some("text/javascript; charset=utf-8"),
        // Any other type, and the browser does not compile while it loads.
        "wasm" => Some("application/wasm"),
        "css" => Some("text/css; charset=utf-8"),
        "json" | "map" => Some("application/json"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// Whether the name holds a hash of the bytes: `chinwag-0123456789ab.wasm`.
fn is_hashed(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name);
    let hash = stem.rsplit_once('-').map(|(_, hash)| hash);
    hash.is_some_and(|hash| hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The one file whose name never changes.
const LOADER: &str = "chinwag.js";

const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Five minutes old at most, and a day longer while a new one is fetched: it is
/// in the pages of others, who cannot change its name.
const SHORTLY: &str = "public, max-age=300, stale-while-revalidate=86400";

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Option<File> {
        let bytes: &'static [u8] = match name {
            "chinwag.js" => b"plain js",
            "chinwag.js.br" => b"brotli js",
            "chinwag.js.gz" => b"gzip js",
            "chinwag-0123456789ab.wasm" => b"plain wasm",
            "chinwag-0123456789ab.wasm.gz" => b"gzip wasm",
            "notes.txt" => b"private",
            _ => return None,
        };
        let mut hash = [0; 32];
        hash[0] = u8::try_from(bytes.len()).unwrap();
        Some(File { bytes: Cow::Borrowed(bytes), hash })
    }

    fn get(name: &str, headers: &[(HeaderName, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        respond(&find, name, &headers).unwrap()
    }

    fn header(response: &Response, name: &HeaderName) -> String {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    #[test]
    fn the_encoding_is_the_best_that_the_client_takes() {
        for (accept, encoding) in [
            ("", ""),
            ("gzip, deflate, br, zstd", "br"),
            ("gzip", "gzip"),
            ("GZIP", "gzip"),
            ("br;q=0.5, gzip;q=0.8", "gzip"),
            ("br;q=0.8, gzip;q=0.80", "br"),
            ("br;q=0, gzip", "gzip"),
            ("br;q=0, *", "gzip"),
            ("*", "br"),
            ("*;q=0", ""),
            ("br ; q = 0.001", "br"),
            ("br;q=2, gzip;q=x", ""),
            ("br;q=0.5, identity", ""),
            ("identity;q=0", ""),
            ("deflate", ""),
        ] {
            let response = get("chinwag.js", &[(ACCEPT_ENCODING, accept)]);
            assert_eq!(header(&response, &CONTENT_ENCODING), encoding, "{accept:?}");
            assert_eq!(header(&response, &VARY), "accept-encoding", "{accept:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_in_an_encoding_is_sent_in_the_next() {
        let response = get("chinwag-0123456789ab.wasm", &[(ACCEPT_ENCODING, "br, gzip")]);
        assert_eq!(header(&response, &CONTENT_ENCODING), "gzip");
        assert_eq!(header(&response, &CONTENT_TYPE), "application/wasm");
    }

    #[test]
    fn only_a_hashed_name_is_cached_for_ever() {
        assert!(header(&get("chinwag-0123456789ab.wasm", &[]), &CACHE_CONTROL).contains("immutable"));
        assert!(!header(&get("chinwag.js", &[]), &CACHE_CONTROL).contains("immutable"));
        assert!(is_hashed("chinwag-0123456789ab.js.map"));
        for name in ["chinwag.js", "chinwag-core.js", "chinwag-highlight.js", "chinwag-abc.js", "-.js"] {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn a_client_that_has_the_file_is_told_so() {
        let tag = header(&get("chinwag.js", &[(ACCEPT_ENCODING, "br")]), &ETAG);
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let response = get("chinwag.js", &[(ACCEPT_ENCODING, "br"), (IF_NONE_MATCH, &known)]);
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(header(&response, &ETAG), tag);
        }
        // The same file in another encoding is another representation.
        let other = get("chinwag.js", &[(ACCEPT_ENCODING, "gzip"), (IF_NONE_MATCH, &tag)]);
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn what_is_no_file_of_the_build_is_not_served() {
        for name in [
            "nothing.js",
            "chinwag.js.br",
            "chinwag.js.gz",
            "notes.txt",
            "chinwag",
            "..",
            ".js",
            "a/chinwag.js",
            "..\\x.js",
        ] {
            assert!(respond(&find, name, &HeaderMap::new()).is_none(), "{name}");
        }
    }
}
