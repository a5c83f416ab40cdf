//! Who gets a token, and what a token opens.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chinwag_protocol::SiteKey;
use chinwag_relay::token::{ACCESS_LIFE, Grant, Keyring, SigningKey, VerifiedVisitor};
use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{OWN, PAGE, World};

const LIST: &str = "/v1/conversations";

fn access(keyring: &Keyring, visitor: &VerifiedVisitor, origin: &str, now: SystemTime) -> String {
    keyring.issue_access(Grant { visitor, origin, life: ACCESS_LIFE }, now).unwrap()
}

#[tokio::test]
async fn a_page_of_the_site_gets_a_token_and_the_agents_card() {
    let world = World::new().await;
    let answer = world.exchange(None).await;
    assert_eq!(answer.expires_in, 600);
    assert_eq!(answer.agent.name, "Guide");
    assert_eq!(answer.agent.greeting.as_deref(), Some("Hello"));
    assert_eq!(answer.agent.suggestions, ["One?", "Two?"]);
    let features = answer.features;
    assert!(features.history && features.feedback && features.retry && features.sources);
    assert!(!features.tools && !features.attachments);
    let [header, claims] = [0, 1].map(|part| {
        let part = answer.token.split('.').nth(part).unwrap();
        serde_json::from_slice::<serde_json::Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    });
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("cw-at+jwt")));
    assert_eq!((&claims["site"], &claims["org"]), (&json!("site_shop"), &json!(PAGE)));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 600);
}

#[tokio::test]
async fn the_relays_own_pages_get_a_token_for_any_site() {
    let world = World::new().await;
    let body = json!({"site": "site_shop"});
    let answer = world.call(Method::POST, "/v1/token", &[("origin", OWN)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("access-control-allow-origin"), OWN);
}

#[tokio::test]
async fn an_unknown_site_and_a_foreign_page_are_refused_alike() {
    let world = World::new().await;
    let mut answers = Vec::new();
    for (site, origin) in [
        ("site_nobody", PAGE),
        ("site_shop", "https://other.example"),
        ("site_shop", "https://shop.example.evil.example"),
        ("site_shop", "https://shop.example:444"),
        ("site_shop", "http://shop.example"),
        ("site_shop", "https://SHOP.example"),
        ("site_shop", "null"),
    ] {
        let body = json!({"site": site});
        let answer = world.call(Method::POST, "/v1/token", &[("origin", origin)], Some(body)).await;
        let mut error = answer.is_error(403, "origin_not_allowed");
        error["requestId"] = json!("");
        answers.push(error);
    }
    let without = world.call(Method::POST, "/v1/token", &[], Some(json!({"site": "site_shop"}))).await;
    let mut error = without.is_error(403, "origin_not_allowed");
    error["requestId"] = json!("");
    answers.push(error);
    let twice = [("origin", PAGE), ("origin", "https://evil.example")];
    let twice = world.call(Method::POST, "/v1/token", &twice, Some(json!({"site": "site_shop"}))).await;
    twice.is_error(403, "origin_not_allowed");
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_visitor_token_brings_the_visitor_back_and_a_bad_one_does_no_harm() {
    let world = World::new().await;
    let visitor = |token: &str| {
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        serde_json::from_slice::<serde_json::Value>(&claims).unwrap()["sub"].as_str().unwrap().to_owned()
    };
    let first = world.exchange(None).await;
    let second = world.exchange(Some(&first.visitor)).await;
    assert_eq!(visitor(&first.token), visitor(&second.token));
    for bad in ["", "x", first.token.as_str()] {
        let other = world.exchange(Some(bad)).await;
        assert_ne!(visitor(&first.token), visitor(&other.token));
    }
    let elsewhere = json!({"site": "site_other", "visitor": first.visitor});
    let answer =
        world.call(Method::POST, "/v1/token", &[("origin", "https://other.example")], Some(elsewhere)).await;
    assert_ne!(visitor(&first.token), visitor(answer.json()["token"].as_str().unwrap()));
}

#[tokio::test]
async fn what_a_site_cannot_prove_is_refused_and_not_ignored() {
    let world = World::new().await;
    for param in ["identity", "device"] {
        let mut body = json!({"site": "site_other"});
        body[param] = json!("x");
        let answer = world.ask_token("https://other.example", body).await;
        assert_eq!(answer.is_error(501, "unsupported")["param"], param);
    }
}

#[tokio::test]
async fn only_a_good_token_opens_anything() {
    let world = World::new().await;
    let exchanged = world.exchange(None).await;
    let good = exchanged.token.as_str();
    let (header, rest) = good.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let kid = serde_json::from_slice::<serde_json::Value>(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
        ["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = part(json!({"alg": "none", "typ": "cw-at+jwt", "kid": kid}));
    let mut changed: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    changed["sub"] = json!("v_somebody-else");
    let changed = part(changed);
    let stranger = Keyring::build(SigningKey::generate().unwrap()).unwrap();
    let anyone = VerifiedVisitor::new(SiteKey::parse("site_shop").unwrap());
    let foreign = access(&stranger, &anyone, PAGE, SystemTime::now());
    let cases = [
        ("alg none", format!("{none}.{claims}.")),
        ("alg none with a signature", format!("{none}.{claims}.{signature}")),
        ("other claims", format!("{header}.{changed}.{signature}")),
        ("no signature", format!("{header}.{claims}.")),
        ("two parts", format!("{header}.{claims}")),
        ("another relay's key", foreign),
        ("a visitor token", exchanged.visitor.clone()),
        ("nothing", String::new()),
    ];
    for (case, token) in cases {
        let authorization = format!("Bearer {token}");
        let headers = [("origin", PAGE), ("authorization", authorization.as_str())];
        let answer = world.call(Method::GET, LIST, &headers, None).await;
        let error = answer.is_error(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{case}");
        assert_eq!(error["type"], "authentication_error", "{case}");
    }
    let missing = world.call(Method::GET, LIST, &[("origin", PAGE)], None).await;
    missing.is_error(401, "unauthenticated");
    let basic =
        world.call(Method::GET, LIST, &[("origin", PAGE), ("authorization", "Basic eDp5")], None).await;
    basic.is_error(401, "unauthenticated");
    let authorization = format!("Bearer {good}");
    let fine =
        world.call(Method::GET, LIST, &[("origin", PAGE), ("authorization", &authorization)], None).await;
    assert_eq!(fine.status, StatusCode::OK);
}

#[tokio::test]
async fn an_expired_token_says_so() {
    let world = World::new().await;
    let visitor = VerifiedVisitor::new(SiteKey::parse("site_shop").unwrap());
    let long_ago = SystemTime::now() - Duration::from_secs(700);
    let token = access(world.app.keyring(), &visitor, PAGE, long_ago);
    let authorization = format!("Bearer {token}");
    let headers = [("origin", PAGE), ("authorization", authorization.as_str())];
    world.call(Method::GET, LIST, &headers, None).await.is_error(401, "token_expired");
}

#[tokio::test]
async fn a_token_works_on_its_own_page_alone() {
    let world = World::new().await;
    let token = world.exchange(None).await.token;
    let authorization = format!("Bearer {token}");
    for origin in ["https://www.shop.example", "https://other.example", OWN, "null", ""] {
        let headers = [("origin", origin), ("authorization", authorization.as_str())];
        let answer = world.call(Method::GET, LIST, &headers, None).await;
        answer.is_error(403, "origin_not_allowed");
    }
    let none = world.call(Method::GET, LIST, &[("authorization", &authorization)], None).await;
    none.is_error(403, "origin_not_allowed");
    let same = [("authorization", authorization.as_str()), ("sec-fetch-site", "same-origin")];
    // The page is not the relay's own, so it cannot be of the same origin.
    world.call(Method::GET, LIST, &same, None).await.is_error(403, "origin_not_allowed");
}

#[tokio::test]
async fn a_token_of_a_site_that_no_longer_lists_the_page_is_refused() {
    let world = World::new().await;
    let visitor = VerifiedVisitor::new(SiteKey::parse("site_shop").unwrap());
    for (site, origin, status, code) in [
        ("site_shop", "https://former.example", 403, "origin_not_allowed"),
        ("site_gone", "https://gone.example", 401, "unauthenticated"),
    ] {
        let visitor = VerifiedVisitor::new(SiteKey::parse(site).unwrap());
        let token = access(world.app.keyring(), &visitor, origin, SystemTime::now());
        let authorization = format!("Bearer {token}");
        let headers = [("origin", origin), ("authorization", authorization.as_str())];
        world.call(Method::GET, LIST, &headers, None).await.is_error(status, code);
    }
    let token = access(world.app.keyring(), &visitor, PAGE, SystemTime::now());
    let authorization = format!("Bearer {token}");
    let headers = [("origin", PAGE), ("authorization", authorization.as_str())];
    assert_eq!(world.call(Method::GET, LIST, &headers, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_relays_own_page_reads_without_an_origin_but_writes_with_one() {
    let world = World::new().await;
    let body = json!({"site": "site_shop"});
    let answer = world.call(Method::POST, "/v1/token", &[("origin", OWN)], Some(body)).await;
    let authorization = format!("Bearer {}", answer.json()["token"].as_str().unwrap());
    let same = [("authorization", authorization.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(world.call(Method::GET, LIST, &same, None).await.status, StatusCode::OK);
    let stop = "/v1/chat/c1/stop";
    world.call(Method::POST, stop, &same, None).await.is_error(403, "origin_not_allowed");
    for site in ["cross-site", "same-site", "none"] {
        let other = [("authorization", authorization.as_str()), ("sec-fetch-site", site)];
        world.call(Method::GET, LIST, &other, None).await.is_error(403, "origin_not_allowed");
    }
}
