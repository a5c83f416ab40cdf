//! Answers held against the OpenAPI documents: what is not described, or other
//! than described, fails the test that got it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

/// Schemas by document, method, path and status, made when first needed.
static MADE: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Holds an answer against a document. A path that the document does not have is
/// nobody's, and has to be answered with 404.
#[track_caller]
pub(crate) fn hold(document: &str, method: &str, path: &str, status: u16, kind: &str, text: &str) {
    // Preflights are the browser's, and are answered before any route.
    if method == "OPTIONS" {
        return;
    }
    let path = path.split('?').next().unwrap_or_default();
    let described: Value = serde_json::from_str(document).unwrap();
    let paths = described["paths"].as_object().unwrap();
    let Some((template, item)) = paths.iter().find(|(template, _)| is_of(template, path)) else {
        return assert_eq!(status, 404, "{method} {path} is not described: {text}");
    };
    let place = format!("{method} {template} {status}");
    let Some(operation) = item.get(method.to_lowercase()) else {
        return assert_eq!(status, 405, "{place} is not described: {text}");
    };
    let mut answer = &operation["responses"][status.to_string()];
    assert!(answer.is_object(), "{place} is not described: {text}");
    if let Some(name) = answer["$ref"].as_str() {
        answer = described.pointer(&name[1..]).unwrap();
    }
    let Some(content) = answer.get("content") else {
        return assert!(text.is_empty(), "{place} has no body in its description: {text}");
    };
    let kind = kind.split(';').next().unwrap_or_default();
    let Some(media) = content.get(kind).or_else(|| content.get("*/*")) else {
        panic!("{place} is not described as {kind:?}: {text}")
    };
    if kind != "application/json" {
        return;
    }
    let title = &described["info"]["title"];
    let made = || {
        let schema = json!({ "allOf": [media["schema"]], "components": described["components"] });
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        Arc::new(options.build(&schema).unwrap())
    };
    let schema = Arc::clone(MADE.lock().unwrap().entry(format!("{title} {place}")).or_insert_with(made));
    let body: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{place}: {error}: {text}"));
    let faults: Vec<String> =
        schema.iter_errors(&body).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{place} is other than described: {}\n{text}", faults.join("; "));
}

/// Whether a path is one of a template's.
fn is_of(template: &str, path: &str) -> bool {
    let (mut pattern, mut segments) = (template.split('/'), path.split('/'));
    loop {
        match (pattern.next(), segments.next()) {
            (None, None) => return true,
            (Some(part), Some(segment)) if part.starts_with('{') && !segment.is_empty() => {}
            (Some(part), Some(segment)) if part == segment => {}
            _ => return false,
        }
    }
}
