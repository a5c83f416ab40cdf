//! Attacks on tokens, against a relay on a real port: every one is refused, and
//! what is not an attack works.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};

use crate::sign::{hs256, message, now, ours, part_of, public_key};
use crate::world::{IDENTITY_1, IDENTITY_2, OWN, PAGE, World, question};

struct Client {
    http: reqwest::Client,
    addr: SocketAddr,
}

impl Client {
    async fn list(&self, token: &str, origin: &str) -> (u16, String) {
        self.read(self.http.get(self.url("/v1/conversations")).bearer_auth(token).header("origin", origin))
            .await
    }

    async fn exchange(&self, origin: &str, body: &Value) -> (u16, String) {
        let call = self.http.post(self.url("/v1/token")).header("origin", origin);
        self.read(call.header("content-type", "application/json").body(body.to_string())).await
    }

    async fn read(&self, call: reqwest::RequestBuilder) -> (u16, String) {
        let answer = call.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

async fn client(world: &World) -> Client {
    Client { http: reqwest::Client::new(), addr: world.serve().await }
}

fn code(text: &str) -> String {
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    answer["error"]["code"].as_str().unwrap_or_default().to_owned()
}

fn with(value: &Value, name: &str, new: Value) -> Value {
    let mut changed = value.clone();
    changed[name] = new;
    changed
}

fn without(value: &Value, name: &str) -> Value {
    let mut changed = value.clone();
    changed.as_object_mut().unwrap().remove(name);
    changed
}

/// Every way to bend a token of the relay's, with what the answer says.
fn forgeries(good: &str, kept: &str) -> Vec<(String, String)> {
    let (header, claims) = (part_of(good, 0), part_of(good, 1));
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let kid = header["kid"].clone();
    let none = with(&header, "alg", json!("none"));
    let hs = with(&header, "alg", json!("HS256"));
    let public = public_key();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&public));
    let stranger = json!({"alg": "EdDSA", "typ": "cw-at+jwt", "kid": "stranger"});
    let mut cases: Vec<(&str, String)> = vec![
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("two parts", format!("{head}.{body}")),
        ("four parts", format!("{good}.{signature}")),
        ("no signature", format!("{head}.{body}.")),
        ("alg none, no signature", format!("{}.", message(&none, &claims))),
        ("alg none, the old signature", format!("{}.{signature}", message(&none, &claims))),
        ("alg None", format!("{}.", message(&with(&header, "alg", json!("None")), &claims))),
        ("the public key as a secret", hs256(&public, &hs, &claims)),
        ("the public key's PEM as a secret", hs256(pem.as_bytes(), &hs, &claims)),
        ("the key id as a secret", hs256(kid.as_str().unwrap().as_bytes(), &hs, &claims)),
        ("an empty secret", hs256(b"", &hs, &claims)),
        ("a site's secret", hs256(IDENTITY_1.as_bytes(), &hs, &claims)),
        ("EdDSA by name, HS256 by nature", hs256(&public, &header, &claims)),
        ("another alg by our key", ours(&with(&header, "alg", json!("ES256")), &claims)),
        ("alg in small letters", ours(&with(&header, "alg", json!("eddsa")), &claims)),
        ("no alg", ours(&without(&header, "alg"), &claims)),
        ("another kid", ours(&stranger, &claims)),
        ("no kid", ours(&without(&header, "kid"), &claims)),
        ("a path as kid", ours(&with(&header, "kid", json!("../../../dev/null")), &claims)),
        ("a statement as kid", ours(&with(&header, "kid", json!("x' OR '1'='1")), &claims)),
        ("a list as kid", ours(&with(&header, "kid", json!([kid])), &claims)),
        ("typ of a visitor token", ours(&with(&header, "typ", json!("cw-vt+jwt")), &claims)),
        ("typ JWT", ours(&with(&header, "typ", json!("JWT")), &claims)),
        ("no typ", ours(&without(&header, "typ"), &claims)),
        ("an encrypted one", format!("{head}.{body}.{body}.{body}.{signature}")),
        ("padded", good.replacen('.', "=.", 1)),
        ("a padded signature", format!("{good}==")),
        ("the other base64", {
            let signature = STANDARD.encode(URL_SAFE.decode(format!("{signature}==")).unwrap());
            format!("{head}.{body}.{signature}")
        }),
        ("white space", format!("{head}.{body}. {signature}")),
        ("another signature", format!("{head}.{body}.{}", "A".repeat(86))),
        ("a truncated signature", format!("{head}.{body}.{}", &signature[..signature.len() - 4])),
        ("too long", ours(&header, &with(&claims, "jti", json!("x".repeat(4096))))),
        ("a visitor token", kept.to_owned()),
        ("a claim twice", {
            let doubled = claims.to_string().replacen('{', "{\"sub\":\"v_0\",", 1);
            let raw = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
            format!("{}.{}.{signature}", raw(&header.to_string()), raw(&doubled))
        }),
        ("an unknown claim", ours(&header, &with(&claims, "admin", json!(true)))),
        ("an iss of somebody", ours(&header, &with(&claims, "iss", json!("somebody")))),
        ("an aud of the exchange", ours(&header, &with(&claims, "aud", json!("chinwag-relay/token")))),
        ("a site that is none", ours(&header, &with(&claims, "site", json!("site_none")))),
        ("a site key that is none", ours(&header, &with(&claims, "site", json!("shop")))),
        ("an older version", ours(&header, &with(&claims, "ver", json!(0)))),
        ("a newer version", ours(&header, &with(&claims, "ver", json!(2)))),
        ("exp as a string", ours(&header, &with(&claims, "exp", json!((now() + 60).to_string())))),
        (
            "exp as a fraction",
            ours(&header, &with(&claims, "exp", json!(f64::from(u32::try_from(now()).unwrap()) + 60.5))),
        ),
        ("exp below zero", ours(&header, &with(&claims, "exp", json!(-1)))),
        ("exp that never comes", ours(&header, &with(&claims, "exp", json!(u64::MAX)))),
        ("exp after two hours", ours(&header, &with(&claims, "exp", json!(now() + 7200)))),
        ("not yet", ours(&header, &with(&claims, "nbf", json!(now() + 120)))),
        ("nbf as a string", ours(&header, &with(&claims, "nbf", json!("0")))),
        ("from the future", {
            let later = with(&with(&claims, "iat", json!(now() + 120)), "exp", json!(now() + 600));
            ours(&header, &later)
        }),
    ];
    for field in ["jku", "jwk", "x5u", "x5c", "x5t", "crit", "b64", "zip", "cty", "enc", "epk"] {
        let value = match field {
            "jwk" => json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE.encode(&public)}),
            "crit" => json!(["exp"]),
            "b64" => json!(false),
            _ => json!("https://evil.example/key"),
        };
        cases.push((field, ours(&with(&header, field, value), &claims)));
    }
    for claim in ["iss", "aud", "sub", "site", "sid", "org", "jti", "iat", "nbf", "exp", "ver"] {
        cases.push((claim, ours(&header, &without(&claims, claim))));
    }
    cases.into_iter().map(|(case, token)| (case.to_owned(), token)).collect()
}

#[tokio::test]
async fn every_forged_access_token_is_refused_with_the_same_words() {
    let world = World::new().await;
    let exchanged = world.exchange(None).await;
    let client = client(&world).await;
    assert_eq!(client.list(&exchanged.token, PAGE).await.0, 200);
    let ours_again = ours(&part_of(&exchanged.token, 0), &part_of(&exchanged.token, 1));
    assert_eq!(client.list(&ours_again, PAGE).await.0, 200, "the forge of these tests works");
    let mut words = Vec::new();
    for (case, token) in forgeries(&exchanged.token, &exchanged.visitor) {
        let (status, text) = client.list(&token, PAGE).await;
        assert_eq!((status, code(&text).as_str()), (401, "unauthenticated"), "{case}: {text}");
        if !token.is_empty() {
            let answer: Value = serde_json::from_str(&text).unwrap();
            words.push(answer["error"]["message"].as_str().unwrap().to_owned());
        }
    }
    words.dedup();
    assert_eq!(words.len(), 1, "which check failed is told: {words:?}");
    assert!(!world.has_asked().await);
}

#[tokio::test]
async fn a_token_past_its_time_says_so_and_only_if_it_was_good() {
    let world = World::new().await;
    let exchanged = world.exchange(None).await;
    let client = client(&world).await;
    let (header, claims) = (part_of(&exchanged.token, 0), part_of(&exchanged.token, 1));
    let mut old = claims.clone();
    for (name, ago) in [("iat", 700), ("nbf", 700), ("exp", 100)] {
        old[name] = json!(now() - ago);
    }
    let (status, text) = client.list(&ours(&header, &old), PAGE).await;
    assert_eq!((status, code(&text).as_str()), (401, "token_expired"));
    let (status, text) = client.list(&hs256(b"x", &header, &old), PAGE).await;
    assert_eq!((status, code(&text).as_str()), (401, "unauthenticated"));
}

#[tokio::test]
async fn a_token_opens_one_site_to_one_visitor_on_one_origin() {
    let world = World::new().await;
    let (anna, bert) = (world.exchange(None).await, world.exchange(None).await);
    let mut told = world.with_token(&anna.token).ask("c1", "m1", "anna's words").await;
    world.reply().await.finish();
    told.rest().await;
    let client = client(&world).await;
    let (status, text) = client.list(&anna.token, PAGE).await;
    assert!(status == 200 && text.contains("anna's words"));
    // Another visitor.
    let (status, text) = client.list(&bert.token, PAGE).await;
    assert!(status == 200 && !text.contains("anna"), "{text}");
    // Another origin: of the site, of another site, of the relay, of nobody.
    for origin in ["https://www.shop.example", "https://other.example", OWN, "https://evil.example", "null"] {
        let (status, text) = client.list(&anna.token, origin).await;
        assert_eq!((status, code(&text).as_str()), (403, "origin_not_allowed"), "{origin}");
    }
    // Another site, by the same visitor id and our own key.
    let (header, claims) = (part_of(&anna.token, 0), part_of(&anna.token, 1));
    let moved = with(&with(&claims, "site", json!("site_other")), "org", json!("https://other.example"));
    let (status, text) = client.list(&ours(&header, &moved), "https://other.example").await;
    assert!(status == 200 && !text.contains("anna"), "{text}");
    let (status, _) = client.list(&ours(&header, &moved), PAGE).await;
    assert_eq!(status, 403);
    // An origin that the site does not have, in a token that our key signed.
    let elsewhere = with(&claims, "org", json!("https://evil.example"));
    let (status, text) = client.list(&ours(&header, &elsewhere), "https://evil.example").await;
    assert_eq!((status, code(&text).as_str()), (403, "origin_not_allowed"));
}

#[tokio::test]
async fn a_forged_visitor_token_brings_nobody_back() {
    let world = World::new().await;
    let exchanged = world.exchange(None).await;
    let client = client(&world).await;
    let visitor = part_of(&exchanged.token, 1)["sub"].clone();
    for (case, token) in forgeries(&exchanged.visitor, &exchanged.token) {
        let (status, text) = client.exchange(PAGE, &json!({"site": "site_shop", "visitor": token})).await;
        // Some of the table are forgeries of access tokens only.
        if matches!(case.as_str(), "org" | "exp after two hours") {
            continue;
        }
        // A visitor token may live half a year; a version or time of ours is ours.
        assert_eq!(status, 200, "{case}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        let given = part_of(answer["token"].as_str().unwrap(), 1)["sub"].clone();
        // What makes an access token look like a visitor token is no change here.
        let is_same_kind = matches!(case.as_str(), "typ of a visitor token" | "an aud of the exchange");
        assert_eq!(given == visitor, is_same_kind, "{case}");
    }
}

#[tokio::test]
async fn a_forged_identity_is_an_error_and_not_a_visitor_without_a_name() {
    let world = World::new().await;
    let client = client(&world).await;
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": "k1"});
    let claims = json!({"sub": "ada", "aud": "site_shop", "iat": now(), "exp": now() + 300});
    let good = hs256(IDENTITY_1.as_bytes(), &header, &claims);
    let body = |identity: &str| json!({"site": "site_shop", "identity": identity});
    assert_eq!(client.exchange(PAGE, &body(&good)).await.0, 200);
    let secret = IDENTITY_1.as_bytes();
    let exchanged = world.exchange(None).await;
    let none = with(&header, "alg", json!("none"));
    let cases = [
        ("nothing", String::new()),
        ("alg none", format!("{}.", message(&none, &claims))),
        ("HS512 by name", hs256(secret, &with(&header, "alg", json!("HS512")), &claims)),
        ("our own key", ours(&with(&header, "alg", json!("EdDSA")), &claims)),
        ("our own key, HS256 by name", ours(&header, &claims)),
        ("our public key as the secret", hs256(&public_key(), &header, &claims)),
        ("the other secret", hs256(IDENTITY_2.as_bytes(), &header, &claims)),
        ("an unknown kid", hs256(secret, &with(&header, "kid", json!("k9")), &claims)),
        ("no kid of two", hs256(secret, &without(&header, "kid"), &claims)),
        ("jku", hs256(secret, &with(&header, "jku", json!("https://evil.example")), &claims)),
        ("jwk", hs256(secret, &with(&header, "jwk", json!({"k": ""})), &claims)),
        ("crit", hs256(secret, &with(&header, "crit", json!([])), &claims)),
        ("zip", hs256(secret, &with(&header, "zip", json!("DEF")), &claims)),
        ("b64", hs256(secret, &with(&header, "b64", json!(false)), &claims)),
        ("another typ", hs256(secret, &with(&header, "typ", json!("cw-vt+jwt")), &claims)),
        ("another site", hs256(secret, &header, &with(&claims, "aud", json!("site_other")))),
        ("no aud", hs256(secret, &header, &without(&claims, "aud"))),
        ("no exp", hs256(secret, &header, &without(&claims, "exp"))),
        ("exp as a string", hs256(secret, &header, &with(&claims, "exp", json!("9999999999")))),
        ("for a year", hs256(secret, &header, &with(&claims, "exp", json!(now() + 31_536_000)))),
        ("from the future", hs256(secret, &header, &with(&claims, "iat", json!(now() + 120)))),
        ("not yet", hs256(secret, &header, &with(&claims, "nbf", json!(now() + 120)))),
        ("nobody", hs256(secret, &header, &with(&claims, "sub", json!("")))),
        ("no sub", hs256(secret, &header, &without(&claims, "sub"))),
        ("padded", format!("{good}=")),
        ("too long", hs256(secret, &header, &with(&claims, "x", json!("y".repeat(4096))))),
        ("an access token", exchanged.token.clone()),
        ("a visitor token", exchanged.visitor.clone()),
    ];
    for (case, identity) in cases {
        let (status, text) = client.exchange(PAGE, &body(&identity)).await;
        assert_eq!((status, code(&text).as_str()), (401, "unauthenticated"), "{case}: {text}");
        assert!(text.contains("\"param\":\"identity\""), "{case}: {text}");
    }
    let expired = hs256(secret, &header, &json!({"sub": "ada", "aud": "site_shop", "exp": now() - 60}));
    let (status, text) = client.exchange(PAGE, &body(&expired)).await;
    assert_eq!((status, code(&text).as_str()), (401, "token_expired"));
    // And it is for its own site alone, wherever the page is.
    let body = json!({"site": "site_other", "identity": good});
    assert_eq!(client.exchange("https://other.example", &body).await.0, 501);
}

#[tokio::test]
async fn a_body_that_is_nested_too_deep_or_too_large_is_refused_before_it_is_read() {
    let world = World::with(|limits| (limits.json_depth, limits.body_bytes) = (8, 10_000)).await;
    let anna = world.visitor().await;
    let mut body = question("c1", "m1", "Hello?");
    body["deep"] = serde_json::from_str(&format!("{}{}", "[".repeat(7), "]".repeat(7))).unwrap();
    let mut stream = anna.ask("c0", "m0", "Hello?").await;
    world.reply().await.finish();
    stream.rest().await;
    let mut fine = anna.chat(&body).await;
    world.reply().await.finish();
    fine.rest().await;
    body["deep"] = serde_json::from_str(&format!("{}{}", "[".repeat(8), "]".repeat(8))).unwrap();
    let refused = anna.refused(&body).await;
    assert_eq!(refused.is_error(400, "invalid_request")["param"], "body");
    body["deep"] = json!("x".repeat(10_000));
    assert_eq!(anna.refused(&body).await.is_error(413, "too_large")["param"], "body");
    let short = Arc::new(World::with(|limits| limits.message_chars = 5).await);
    let bert = short.visitor().await;
    assert!(
        bert.refused(&question("c1", "m1", "123456")).await.is_error(413, "too_large")["message"]
            .as_str()
            .unwrap()
            .contains("at most 5 characters")
    );
}
