//! The OpenAPI documents against the router: what one has, the other has.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use chinwag_relay::api;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::world::World;

/// Pages and their files, which are for browsers and not for programs; and what
/// the nested router adds for what it does not have.
const PAGES: &[&str] = &[
    "/v1",
    "/v1/",
    "/",
    "/theme",
    "/gallery",
    "/demo.css",
    "/demo.js",
    "/gallery.css",
    "/gallery.js",
    "/theme.css",
    "/theme.js",
    "/frame",
    "/kiosk",
    "/kiosk.js",
    "/frame.js",
    "/docs.css",
    "/docs/{agent}",
    "/docs/{agent}/",
    "/docs/{agent}/{*path}",
    "/{file}",
];

/// The paths of a router, as its own description of itself has them.
fn paths_of(router: &Router) -> BTreeSet<String> {
    let text = format!("{router:?}");
    let paths: BTreeSet<String> = text
        .split("RouteId(")
        .filter_map(|piece| piece.split_once("): \"")?.1.split_once('"'))
        .map(|(path, _)| path.to_owned())
        .filter(|path| path.starts_with('/') && !path.contains("__private"))
        .collect();
    assert!(paths.len() > 3, "the router no longer tells its paths: {text}");
    paths
}

/// The methods that a router has for a path.
async fn methods_of(router: &Router, path: &str) -> BTreeSet<String> {
    let filled: Vec<&str> =
        path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
    let mut methods = BTreeSet::new();
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let request = Request::builder().method(&method).uri(filled.join("/")).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        if answer.status() != 405 {
            methods.insert(method.as_str().to_lowercase());
        }
    }
    methods
}

/// Every operation of a document, as `get /path`.
fn described(document: &str) -> BTreeSet<String> {
    let document: Value = serde_json::from_str(document).unwrap();
    let mut operations = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            operations.insert(format!("{method} {path}"));
        }
    }
    operations
}

async fn routed(router: &Router, paths: impl IntoIterator<Item = String>, prefix: &str) -> BTreeSet<String> {
    let mut operations = BTreeSet::new();
    for path in paths {
        for method in methods_of(router, &path).await {
            operations.insert(format!("{method} {prefix}{path}"));
        }
    }
    operations
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_a_route() {
    let world = World::with(|limits| limits.calls_per_minute = 10_000).await;
    let router = api::router(world.app.clone());
    let paths = paths_of(&router).into_iter().filter(|path| !PAGES.contains(&path.as_str()));
    // Calls that only servers have are theirs whatever comes with them.
    let (visitors, servers) = (described(api::FOR_VISITORS), described(api::FOR_SERVERS));
    let mut found = routed(&router, paths, "").await;
    found.retain(|operation| visitors.contains(operation) || !servers.contains(operation));
    assert_eq!(found, visitors);

    let servers = api::for_servers(world.app.clone());
    let paths = paths_of(&servers).into_iter().filter(|path| path != "/");
    assert_eq!(routed(&servers, paths, "/v1").await, described(api::FOR_SERVERS));
}

#[tokio::test]
async fn the_relay_serves_its_descriptions() {
    let world = World::new().await;
    for (path, text) in [("/openapi.json", api::FOR_VISITORS), ("/openapi-servers.json", api::FOR_SERVERS)] {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), text.as_bytes());
    }
}

#[test]
fn every_reference_of_a_description_leads_somewhere() {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| walk(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    for text in [api::FOR_VISITORS, api::FOR_SERVERS] {
        let document: Value = serde_json::from_str(text).unwrap();
        let mut references = Vec::new();
        walk(&document, &mut references);
        assert!(references.len() > 20);
        for reference in references {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference} leads nowhere");
        }
    }
}
