//! Who a visitor is: tokens that rotate, identities, devices, tokens by a site's
//! own server, and the end of all that is kept.

use std::path::Path;

use chinwag_protocol::{FromFields as _, SiteKey, TokenAnswer};
use chinwag_relay::store::Owner;
use chinwag_relay::token::{DeviceKey, IDENTIFIED_LIFE};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::sign::{hs256, identity, now, ours, part_of};
use crate::world::{
    Answer, IDENTITY_1, IDENTITY_2, OTHER_SITE_KEY, PAGE, SITE_KEY, SITE_KEY_OLD, Visitor, World,
};

const HALL: &str = "https://hall.example";

async fn converse(world: &World, visitor: &Visitor<'_>, conversation: &str, text: &str) {
    let mut stream = visitor.ask(conversation, "m1", text).await;
    let reply = world.reply().await;
    reply.say("Answer");
    reply.finish();
    stream.rest().await;
}

fn sub(token: &str) -> String {
    part_of(token, 1)["sub"].as_str().unwrap().to_owned()
}

#[track_caller]
fn granted(answer: &Answer) -> TokenAnswer {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    TokenAnswer::from_json(&answer.text).unwrap()
}

async fn exchange(world: &World, visitor: Option<&str>, identity: Option<&str>) -> Answer {
    let mut body = json!({"site": "site_shop"});
    if let Some(visitor) = visitor {
        body["visitor"] = json!(visitor);
    }
    if let Some(identity) = identity {
        body["identity"] = json!(identity);
    }
    world.ask_token(PAGE, body).await
}

fn ada() -> String {
    identity(IDENTITY_1, "k1", "site_shop", "ada")
}

#[tokio::test]
async fn an_answer_that_was_lost_costs_nobody_their_conversations() {
    let world = World::new().await;
    let first = world.exchange(None).await;
    for _ in 0..3 {
        // Each time the answer is lost, and the old token is brought again.
        assert_eq!(sub(&world.exchange(Some(&first.visitor)).await.token), sub(&first.token));
    }
    let second = world.exchange(Some(&first.visitor)).await;
    let third = world.exchange(Some(&second.visitor)).await;
    assert_eq!(sub(&third.token), sub(&first.token));
}

#[tokio::test]
async fn tabs_that_exchange_the_same_token_go_on_together() {
    let world = World::new().await;
    let mut held = world.exchange(None).await.visitor;
    let visitor = sub(&world.exchange(Some(&held)).await.token);
    for _ in 0..5 {
        let (left, right) = tokio::join!(world.exchange(Some(&held)), world.exchange(Some(&held)));
        assert_eq!((sub(&left.token), sub(&right.token)), (visitor.clone(), visitor.clone()));
        held = right.visitor;
    }
}

#[tokio::test]
async fn a_copied_token_ends_the_chain_and_the_tokens_that_came_of_it() {
    let world = World::new().await;
    let stolen = world.exchange(None).await;
    let mut latest = world.exchange(Some(&stolen.visitor)).await;
    for _ in 0..2 {
        latest = world.exchange(Some(&latest.visitor)).await;
    }
    // The overlap for racing tabs is over.
    let database = beside(world.data()).await;
    sqlx::query("UPDATE token_family SET superseded_at = superseded_at - 31000")
        .execute(&database)
        .await
        .unwrap();
    let thief = world.exchange(Some(&stolen.visitor)).await;
    assert_ne!(sub(&thief.token), sub(&stolen.token), "the thief is nobody");
    let victim = world.exchange(Some(&latest.visitor)).await;
    assert_ne!(sub(&victim.token), sub(&stolen.token), "and so is the victim, who notices");
    world.app.listen().await.unwrap();
    let anna = world.with_token(&latest.token);
    anna.get("/v1/conversations").await.is_error(401, "unauthenticated");
    assert_eq!(world.with_token(&victim.token).get("/v1/conversations").await.status, StatusCode::OK);
}

/// The database beside the relay; it leaves no traces either.
pub async fn beside(data: &Path) -> sqlx::SqlitePool {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.join("chinwag.db"));
    sqlx::SqlitePool::connect_with(options.pragma("secure_delete", "ON")).await.unwrap()
}

#[tokio::test]
async fn a_user_finds_their_conversations_on_every_device() {
    let world = World::new().await;
    let home = granted(&exchange(&world, None, Some(&ada())).await);
    converse(&world, &world.with_token(&home.token), "c1", "From home").await;
    let work = granted(&exchange(&world, None, Some(&identity(IDENTITY_2, "k2", "site_shop", "ada"))).await);
    assert_eq!(world.with_token(&work.token).transcript("c1").await[0].0, "From home");
    assert!(sub(&work.token).starts_with("u_") && !work.token.contains("ada"));
    assert_ne!(part_of(&home.token, 1)["sid"], part_of(&work.token, 1)["sid"], "two browsers");
    let bob = identity(IDENTITY_1, "k1", "site_shop", "bob");
    let bob = granted(&exchange(&world, Some(&home.visitor), Some(&bob)).await);
    assert_eq!(world.with_token(&bob.token).get("/v1/conversations").await.json()["data"], json!([]));
    assert_eq!(world.with_token(&home.token).transcript("c1").await.len(), 2, "nothing moved to bob");
}

#[tokio::test]
async fn logging_in_adopts_what_was_said_before_once() {
    let world = World::new().await;
    let nameless = world.exchange(None).await;
    let before = world.with_token(&nameless.token);
    converse(&world, &before, "c1", "Before the login").await;
    // A reply that runs while the visitor logs in goes on.
    let mut running = before.ask("c2", "m1", "Running").await;
    let reply = world.reply().await;
    reply.say("half ");
    let last = running.until("half ").await;
    let user = granted(&exchange(&world, Some(&nameless.visitor), Some(&ada())).await);
    let after = world.with_token(&user.token);
    assert_eq!(after.transcript("c1").await[0].0, "Before the login");
    reply.say("whole");
    reply.finish();
    let rest = crate::world::Followed::of(after.resume("c2", Some(&last)).await).await.rest().await;
    assert_eq!(crate::world::text_of(&rest), "whole");
    // Who they were is over, and nobody else adopts it.
    before.get("/v1/conversations").await.is_error(401, "unauthenticated");
    let bob = identity(IDENTITY_1, "k1", "site_shop", "bob");
    let bob = granted(&exchange(&world, Some(&nameless.visitor), Some(&bob)).await);
    assert_eq!(world.with_token(&bob.token).get("/v1/conversations").await.json()["data"], json!([]));
    // The answer was lost: the same exchange again gives the same user.
    let again = granted(&exchange(&world, Some(&nameless.visitor), Some(&ada())).await);
    assert_eq!(world.with_token(&again.token).transcript("c1").await[0].0, "Before the login");
}

#[tokio::test]
async fn two_conversations_of_one_id_are_both_kept_when_they_meet() {
    let world = World::new().await;
    let user = granted(&exchange(&world, None, Some(&ada())).await);
    converse(&world, &world.with_token(&user.token), "c1", "As Ada").await;
    let nameless = world.exchange(None).await;
    converse(&world, &world.with_token(&nameless.token), "c1", "As nobody").await;
    let user = granted(&exchange(&world, Some(&nameless.visitor), Some(&ada())).await);
    let ada = world.with_token(&user.token);
    let list = ada.get("/v1/conversations").await.json();
    let titles: Vec<_> = list["data"].as_array().unwrap().iter().map(|one| one["title"].clone()).collect();
    assert_eq!(titles, ["As nobody", "As Ada"]);
    assert_eq!(ada.transcript("c1").await[0].0, "As Ada");
}

#[tokio::test]
async fn who_logs_out_leaves_nothing_to_the_next_one_at_the_browser() {
    let world = World::new().await;
    let user = granted(&exchange(&world, None, Some(&ada())).await);
    converse(&world, &world.with_token(&user.token), "c1", "Secret").await;
    let next = granted(&exchange(&world, Some(&user.visitor), None).await);
    assert!(sub(&next.token).starts_with("v_"));
    assert_eq!(world.with_token(&next.token).get("/v1/conversations").await.json()["data"], json!([]));
}

#[tokio::test]
async fn a_page_that_stays_open_keeps_its_user_beyond_the_identity() {
    let world = World::new().await;
    let user = granted(&exchange(&world, None, Some(&ada())).await);
    let header = json!({"alg": "HS256", "kid": "k1"});
    let old = json!({"sub": "ada", "aud": "site_shop", "iat": now() - 700, "exp": now() - 400});
    let old = hs256(IDENTITY_1.as_bytes(), &header, &old);
    exchange(&world, None, Some(&old)).await.is_error(401, "token_expired");
    let kept = granted(&exchange(&world, Some(&user.visitor), Some(&old)).await);
    assert_eq!(sub(&kept.token), sub(&user.token));
    // Not with somebody else's token, not with a nameless one, and not for ever.
    let bob = identity(IDENTITY_1, "k1", "site_shop", "bob");
    let bob = granted(&exchange(&world, None, Some(&bob)).await);
    exchange(&world, Some(&bob.visitor), Some(&old)).await.is_error(401, "token_expired");
    let nobody = world.exchange(None).await;
    exchange(&world, Some(&nobody.visitor), Some(&old)).await.is_error(401, "token_expired");
    let mut claims = part_of(&kept.visitor, 1);
    claims["auth"] = json!(now() - IDENTIFIED_LIFE.as_secs() - 1);
    let stale = ours(&part_of(&kept.visitor, 0), &claims);
    exchange(&world, Some(&stale), Some(&old)).await.is_error(401, "token_expired");
    assert_eq!(exchange(&world, Some(&stale), Some(&ada())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_was_said_of_a_user_stays_until_something_else_is_said() {
    let world = World::new().await;
    let signed = |more: Value| {
        let mut claims = json!({"sub": "ada", "aud": "site_shop", "iat": now(), "exp": now() + 300});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        hs256(IDENTITY_1.as_bytes(), &json!({"alg": "HS256", "kid": "k1"}), &claims)
    };
    for (said, kept) in [
        (
            json!({"name": "Ada", "email": "ada@example.com"}),
            json!({"name": "Ada", "email": "ada@example.com"}),
        ),
        (json!({}), json!({"name": "Ada", "email": "ada@example.com"})),
        (json!({"email": "al@example.com"}), json!({"email": "al@example.com"})),
    ] {
        let user = granted(&exchange(&world, None, Some(&signed(said.clone()))).await);
        let export = world.with_token(&user.token).get("/v1/visitor/export").await.json();
        assert_eq!(export["profile"], kept, "after {said}");
    }
}

#[tokio::test]
async fn who_proves_again_who_they_are_goes_on_in_the_same_session() {
    let world = World::new().await;
    let session = |exchanged: &TokenAnswer| part_of(&exchanged.token, 1)["sid"].clone();
    let user = granted(&exchange(&world, None, Some(&ada())).await);
    let again = granted(&exchange(&world, Some(&user.visitor), Some(&ada())).await);
    assert_eq!(session(&again), session(&user));
    // Not another, nor the same on another device.
    let bob = identity(IDENTITY_1, "k1", "site_shop", "bob");
    let bob = granted(&exchange(&world, Some(&again.visitor), Some(&bob)).await);
    let elsewhere = granted(&exchange(&world, None, Some(&ada())).await);
    assert!(session(&bob) != session(&user) && session(&elsewhere) != session(&user));
}

async fn device(world: &World, site: &str) -> DeviceKey {
    let key = DeviceKey::generate().unwrap();
    world.app.store().add_device(&SiteKey::parse(site).unwrap(), "Lobby", &key).await.unwrap();
    key
}

#[tokio::test]
async fn an_identity_that_is_good_once_is_good_once() {
    let world = World::new().await;
    let key = device(&world, "site_hall").await;
    let once = identity(IDENTITY_1, "only", "site_hall", "ada");
    let body = |identity: &str, visitor: Option<&str>| {
        let mut body = json!({"site": "site_hall", "identity": identity, "device": key.expose()});
        if let Some(visitor) = visitor {
            body["visitor"] = json!(visitor);
        }
        body
    };
    let user = granted(&world.ask_token(HALL, body(&once, None)).await);
    world.ask_token(HALL, body(&once, None)).await.is_error(401, "unauthenticated");
    // The page that used it goes on with its visitor token.
    let kept = granted(&world.ask_token(HALL, body(&once, Some(&user.visitor))).await);
    assert_eq!(sub(&kept.token), sub(&user.token));
    let nameless = json!({"sub": "ada", "aud": "site_hall", "exp": now() + 60});
    let nameless = hs256(IDENTITY_1.as_bytes(), &json!({"alg": "HS256"}), &nameless);
    let refused = world.ask_token(HALL, body(&nameless, None)).await;
    assert!(refused.is_error(401, "unauthenticated")["message"].as_str().unwrap().contains("jti"));
}

#[tokio::test]
async fn a_kiosk_brings_its_key_besides_its_origin() {
    let world = World::new().await;
    let (key, other) = (device(&world, "site_hall").await, device(&world, "site_shop").await);
    let exchange = async |origin: &str, key: Option<&str>| {
        let mut body = json!({"site": "site_hall"});
        if let Some(key) = key {
            body["device"] = json!(key);
        }
        world.ask_token(origin, body).await
    };
    let first = granted(&exchange(HALL, Some(key.expose())).await);
    assert_eq!(part_of(&first.token, 1)["dev"], key.id());
    let mut changed = key.expose().to_owned();
    let end = if changed.pop() == Some('A') { 'E' } else { 'A' };
    changed.push(end);
    for bad in [None, Some(""), Some("cwd_"), Some(other.expose()), Some(changed.as_str())] {
        let refused = exchange(HALL, bad).await;
        assert_eq!(refused.is_error(401, "unauthenticated")["param"], "device", "{bad:?}");
    }
    exchange("https://evil.example", Some(key.expose())).await.is_error(403, "origin_not_allowed");
    // Where keys are not asked for, one that is brought must still be good.
    let shop = json!({"site": "site_shop", "device": key.expose()});
    world.ask_token(PAGE, shop).await.is_error(401, "unauthenticated");
    let shop = granted(&world.ask_token(PAGE, json!({"site": "site_shop", "device": other.expose()})).await);
    // What was got on a device is worth nothing without it.
    let without =
        granted(&world.ask_token(PAGE, json!({"site": "site_shop", "visitor": shop.visitor})).await);
    assert_ne!(sub(&without.token), sub(&shop.token));
    // The database knows hashes alone.
    let stored = std::fs::read(world.data().join("chinwag.db-wal")).unwrap();
    let secret = key.expose().rsplit_once(key.id()).unwrap().1.trim_start_matches('_').to_owned();
    assert!(!stored.windows(secret.len()).any(|window| window == secret.as_bytes()));

    world.app.store().revoke_device(key.id()).await.unwrap();
    exchange(HALL, Some(key.expose())).await.is_error(401, "unauthenticated");
    world.app.listen().await.unwrap();
    let headers = [("origin", HALL), ("authorization", &*format!("Bearer {}", first.token))];
    world.call(Method::GET, "/v1/conversations", &headers, None).await.is_error(401, "unauthenticated");
    assert!(world.app.store().revoke_device(key.id()).await.is_err(), "it is revoked already");
}

#[tokio::test]
async fn kiosks_of_one_hall_do_not_use_up_each_others_budget() {
    let world = World::with(|limits| (limits.tokens_per_minute, limits.tokens_burst) = (1, 2)).await;
    let keys = [device(&world, "site_hall").await, device(&world, "site_hall").await];
    for _ in 0..2 {
        for key in &keys {
            let body = json!({"site": "site_hall", "device": key.expose()});
            granted(&world.ask_token(HALL, body).await);
        }
    }
    let body = json!({"site": "site_hall", "device": keys[0].expose()});
    world.ask_token(HALL, body).await.is_error(429, "rate_limited");
    // Guessing is counted where it comes from.
    for _ in 0..2 {
        world
            .ask_token(HALL, json!({"site": "site_hall", "device": "cwd_x"}))
            .await
            .is_error(401, "unauthenticated");
    }
    world
        .ask_token(HALL, json!({"site": "site_hall", "device": "cwd_x"}))
        .await
        .is_error(429, "rate_limited");
}

async fn mint(world: &World, key: &str, body: Value) -> Answer {
    let authorization = format!("Bearer {key}");
    world.call(Method::POST, "/v1/tokens", &[("authorization", &authorization)], Some(body)).await
}

#[tokio::test]
async fn a_sites_own_server_gets_tokens_for_its_pages() {
    let world = World::new().await;
    let body = json!({"site": "site_shop", "origin": PAGE, "userId": "ada", "name": "Ada", "ttl": 120});
    let minted = granted(&mint(&world, SITE_KEY, body.clone()).await);
    assert_eq!((minted.expires_in, minted.agent.name.as_str()), (120, "Guide"));
    let claims = part_of(&minted.token, 1);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 120);
    let export = world.with_token(&minted.token).get("/v1/visitor/export").await.json();
    assert_eq!(export["profile"], json!({"name": "Ada"}));
    converse(&world, &world.with_token(&minted.token), "c1", "Hello").await;
    // It is the same user whom an identity names.
    let user = granted(&exchange(&world, None, Some(&ada())).await);
    assert_eq!(world.with_token(&user.token).transcript("c1").await[0].0, "Hello");
    assert_eq!(granted(&mint(&world, SITE_KEY_OLD, body).await).expires_in, 120);
    // Without a name, the visitor token keeps the conversations.
    let body = json!({"site": "site_shop", "origin": PAGE});
    let nameless = granted(&mint(&world, SITE_KEY, body.clone()).await);
    assert!(sub(&nameless.token).starts_with("v_") && nameless.expires_in == 600);
    let mut again = body.clone();
    again["visitor"] = json!(nameless.visitor);
    assert_eq!(sub(&granted(&mint(&world, SITE_KEY, again).await).token), sub(&nameless.token));
    // A site of one origin need not name it.
    let other = granted(&mint(&world, OTHER_SITE_KEY, json!({"site": "site_other"})).await);
    assert_eq!(part_of(&other.token, 1)["org"], "https://other.example");
}

#[tokio::test]
async fn only_the_sites_own_server_gets_them() {
    let world = World::new().await;
    let body = json!({"site": "site_shop", "origin": PAGE});
    let mut refusals = Vec::new();
    for (site, key) in [
        ("site_shop", OTHER_SITE_KEY),
        ("site_shop", ""),
        ("site_shop", &SITE_KEY[1..]),
        ("site_shop", IDENTITY_1),
        ("site_nobody", SITE_KEY),
        ("site_hall", SITE_KEY),
    ] {
        let refused = mint(&world, key, json!({"site": site, "origin": PAGE})).await;
        let mut error = refused.is_error(401, "unauthenticated");
        error["requestId"] = json!("");
        refusals.push(error);
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "sites are told apart: {refusals:?}");
    world.call(Method::POST, "/v1/tokens", &[], Some(body.clone())).await.is_error(401, "unauthenticated");
    let authorization = format!("Bearer {SITE_KEY}");
    for origin in [PAGE, "https://evil.example", "null"] {
        let headers = [("authorization", authorization.as_str()), ("origin", origin)];
        let answer = world.call(Method::POST, "/v1/tokens", &headers, Some(body.clone())).await;
        answer.is_error(403, "origin_not_allowed");
    }
    for (name, value, param) in [
        ("origin", json!("https://evil.example"), "origin"),
        ("origin", json!(null), "origin"),
        ("ttl", json!(59), "ttl"),
        ("ttl", json!(3601), "ttl"),
        ("userId", json!(""), "userId"),
        ("userId", json!("x".repeat(257)), "userId"),
        ("name", json!("x".repeat(257)), "name"),
        ("admin", json!(true), "admin"),
    ] {
        let mut bad = body.clone();
        bad[name] = value.clone();
        let refused = mint(&world, SITE_KEY, bad).await;
        assert_eq!(refused.is_error(400, "invalid_request")["param"], param, "{name} = {value}");
    }
}

/// Whether a text is in any file of a folder, or of one in it.
pub fn is_in(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_in(&path, text);
        }
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn nothing_of_an_erased_visitor_is_left_in_any_file() {
    let world = World::new().await;
    let exchanged = granted(&exchange(&world, None, Some(&ada())).await);
    let other = world.visitor().await;
    converse(&world, &other, "c1", "somebody else's words").await;
    let anna = world.with_token(&exchanged.token);
    let secret = "the-words-that-nobody-may-find";
    for conversation in ["c1", "c2"] {
        // Long enough for pages of their own.
        converse(&world, &anna, conversation, &format!("{secret} {}", "padding ".repeat(800))).await;
    }
    let mut running = anna.ask("c3", "m1", &format!("{secret} runs")).await;
    let reply = world.reply().await;
    reply.say(secret);
    running.until(secret).await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert!(is_in(world.data(), secret) && is_in(world.data(), "Ada Lovelace"));

    let export = anna.get("/v1/visitor/export").await.json();
    assert_eq!(export["visitor"], sub(&exchanged.token));
    assert_eq!(export["profile"]["name"], "Ada Lovelace");
    assert_eq!(export["conversations"].as_array().unwrap().len(), 3);
    let told = &export["conversations"][0]["messages"];
    assert!(told[0]["parts"][0]["text"].as_str().unwrap().contains(secret));
    assert_eq!(told[1]["role"], "assistant");
    assert!(!export.to_string().contains("somebody else"));

    let erased = anna.call(Method::DELETE, "/v1/visitor", None).await;
    assert_eq!(erased.status, StatusCode::NO_CONTENT);
    assert!(!is_in(world.data(), secret), "the words are still there");
    assert!(!is_in(world.data(), "Ada Lovelace"), "the name is still there");
    reply.dropped().await;
    running.rest().await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!is_in(world.data(), secret), "a reply that ran wrote them again");

    // Access token and visitor token are worthless, and what they are brought to
    // answers as to anybody.
    for path in
        ["/v1/conversations", "/v1/conversations/c1/messages", "/v1/chat/c3/stream", "/v1/visitor/export"]
    {
        anna.get(path).await.is_error(401, "unauthenticated");
    }
    let next = granted(&exchange(&world, Some(&exchanged.visitor), None).await);
    assert_ne!(sub(&next.token), sub(&exchanged.token));
    // The user may come back, to nothing, at once.
    let back = granted(&exchange(&world, None, Some(&ada())).await);
    assert_eq!(world.with_token(&back.token).get("/v1/conversations").await.json()["data"], json!([]));
    assert_eq!(other.transcript("c1").await[0].0, "somebody else's words");
}

#[tokio::test]
async fn a_deleted_conversation_leaves_the_files_with_the_next_sweep() {
    let world = World::new().await;
    let anna = world.visitor().await;
    converse(&world, &anna, "c1", "words-of-a-deleted-conversation").await;
    assert!(is_in(world.data(), "words-of-a-deleted"));
    anna.call(Method::DELETE, "/v1/conversations/c1", None).await;
    world.app.store().settle().await.unwrap();
    assert!(!is_in(world.data(), "words-of-a-deleted"));
}

#[tokio::test]
async fn conversations_are_kept_as_long_as_their_site_says() {
    let days = |days: u64| Some(std::time::Duration::from_secs(days * 24 * 3600));
    let world = World::tuned(|config| {
        config.server.retention = days(10);
        config.sites[1].retention = days(100);
    })
    .await;
    let shop = world.exchange(None).await;
    let other = granted(&world.ask_token("https://other.example", json!({"site": "site_other"})).await);
    let visitors = [(PAGE, &shop.token), ("https://other.example", &other.token)];
    let call = async |method: Method, path: &str, (origin, token): (&str, &String), body: Option<Value>| {
        let authorization = format!("Bearer {token}");
        world.call(method, path, &[("origin", origin), ("authorization", &authorization)], body).await
    };
    for visitor in visitors {
        for conversation in ["old", "new"] {
            let body = crate::world::question(conversation, "m1", &format!("{conversation}-words-kept"));
            let asked = call(Method::POST, "/v1/chat", visitor, Some(body));
            let played = async {
                world.reply().await.finish();
            };
            let (answer, ()) = tokio::join!(asked, played);
            assert_eq!(answer.status, StatusCode::OK);
        }
    }
    let database = beside(world.data()).await;
    let age = 11_i64 * 24 * 3600 * 1000;
    sqlx::query("UPDATE conversation SET updated_at = updated_at - ? WHERE id = 'old'")
        .bind(age)
        .execute(&database)
        .await
        .unwrap();
    database.close().await;
    world.app.expire().await.unwrap();
    for (visitor, left) in visitors.into_iter().zip([vec!["new"], vec!["new", "old"]]) {
        let list = call(Method::GET, "/v1/conversations", visitor, None).await.json();
        let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        assert_eq!(ids, left);
    }
    let database = beside(world.data()).await;
    sqlx::query("UPDATE conversation SET updated_at = 0").execute(&database).await.unwrap();
    sqlx::query("UPDATE visitor SET seen_at = 0").execute(&database).await.unwrap();
    database.close().await;
    world.app.expire().await.unwrap();
    assert!(!is_in(world.data(), "words-kept"));
    let owner = |site: &str, token: &str| Owner { site: SiteKey::parse(site).unwrap(), visitor: sub(token) };
    let gone = world.app.store().export_visitor(&owner("site_shop", &shop.token)).await.unwrap();
    assert!(gone.created_at.is_none(), "a visitor without conversations is forgotten");
}
