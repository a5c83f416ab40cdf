//! Tokens that were good and are not any more: within seconds, on open streams
//! too, and without a restart.

use std::time::{Duration, Instant};

use chinwag_protocol::{Chunk, ErrorCode, SiteKey, sse};
use chinwag_relay::store::Owner;
use chinwag_relay::token::SigningKey;
use http::StatusCode;
use serde_json::json;

use crate::sign::{now, ours, part_of};
use crate::world::{Followed, PAGE, World, config, soon, text_of};

/// Reads a stream to its end, and gives the code of the error there. It must have
/// no event id of its own.
async fn farewell(stream: &mut Followed) -> ErrorCode {
    loop {
        let frame = stream.frame().await.expect("a stream ends with [DONE]");
        assert_ne!(frame.data, sse::DONE, "the stream ended without an error");
        if let Chunk::Error { data: Some(data), .. } = Chunk::from_json(&frame.data).unwrap() {
            assert_eq!(stream.frame().await.unwrap().data, sse::DONE);
            assert!(stream.frame().await.is_none());
            let text = String::from_utf8(stream.bytes.clone()).unwrap();
            let last = text.rsplit("\n\n").find(|event| event.contains("\"error\"")).unwrap();
            assert!(!last.contains("id: "), "it would be the place to go on from: {last}");
            return data.code;
        }
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_token_and_goes_on_with_the_next() {
    let world = World::new().await;
    let exchanged = world.exchange(None).await;
    let mut claims = part_of(&exchanged.token, 1);
    // Good for a second or two, by the leeway.
    for (name, ago) in [("iat", 600), ("nbf", 600), ("exp", 29)] {
        claims[name] = json!(now() - ago);
    }
    let short = ours(&part_of(&exchanged.token, 0), &claims);
    let anna = world.with_token(&short);
    let mut stream = anna.ask("c1", "m1", "Hello?").await;
    let reply = world.reply().await;
    reply.say("one ");
    let last = stream.until("one ").await;
    let code = farewell(&mut stream).await;
    assert_eq!(code, ErrorCode::TokenExpired);
    drop(stream);
    assert_eq!(world.app.limits().open_streams(), 0);
    // The reply was not harmed: another token reads on where the last one ended.
    reply.say("two");
    reply.finish();
    let anna = world.with_token(&exchanged.token);
    let rest = Followed::of(anna.resume("c1", Some(&last)).await).await.rest().await;
    assert_eq!(text_of(&rest), "two");
}

#[tokio::test]
async fn an_open_stream_ends_when_its_token_is_revoked() {
    let world = World::with(|limits| limits.token_check = Duration::from_millis(200)).await;
    let shop = SiteKey::parse("site_shop").unwrap();
    for kind in ["site", "visitor", "session", "token"] {
        let exchanged = world.exchange(None).await;
        let anna = world.with_token(&exchanged.token);
        let mut stream = anna.ask("c1", "m1", "Hello?").await;
        let reply = world.reply().await;
        // A lively stream is looked at like a silent one.
        let lively = tokio::spawn(async move {
            for _ in 0..2_000 {
                reply.say("on ");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let claims = part_of(&exchanged.token, 1);
        let text = |name: &str| claims[name].as_str().unwrap().to_owned();
        let store = world.app.store();
        match kind {
            "site" => _ = store.raise_version(&shop).await.unwrap(),
            "visitor" => {
                let owner = Owner { site: shop.clone(), visitor: text("sub") };
                store.revoke_visitor(&owner).await.unwrap();
            }
            "session" => store.revoke_session(&text("sid")).await.unwrap(),
            _ => store.revoke_token(&text("jti")).await.unwrap(),
        }
        let revoked_at = Instant::now();
        if kind == "visitor" {
            // Of a visitor the replies end as well, and with them the stream.
            while stream.read().await {}
        } else {
            assert_eq!(farewell(&mut stream).await, ErrorCode::Unauthenticated, "{kind}");
        }
        assert!(revoked_at.elapsed() < Duration::from_secs(5), "{kind}: {:?}", revoked_at.elapsed());
        lively.abort();
        anna.get("/v1/conversations").await.is_error(401, "unauthenticated");
        let next = world.exchange(Some(&exchanged.visitor)).await;
        let is_same = part_of(&next.token, 1)["sub"] == claims["sub"];
        assert_eq!(is_same, kind == "token", "{kind}");
        assert_eq!(
            world.with_token(&next.token).get("/v1/conversations").await.status,
            StatusCode::OK,
            "{kind}"
        );
    }
}

#[tokio::test]
async fn a_revocation_is_heard_of_within_five_seconds_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), |_| {});
    let world = World::of(config.clone()).await;
    let exchanged = world.exchange(None).await;
    let anna = world.with_token(&exchanged.token);
    // As a command does it: by another connection to the file.
    let beside = chinwag_relay::app::open_data(&config).await.unwrap();
    let session = part_of(&exchanged.token, 1)["sid"].as_str().unwrap().to_owned();
    beside.revoke_session(&session).await.unwrap();
    beside.close().await;
    let began = Instant::now();
    soon("the revocation", async {
        while anna.get("/v1/conversations").await.status == StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    world.app.drain(Duration::ZERO).await;
    let again = World::of(config).await;
    again.with_token(&exchanged.token).get("/v1/conversations").await.is_error(401, "unauthenticated");
}

#[tokio::test]
async fn a_rotated_key_is_taken_up_and_the_old_one_holds_for_what_it_signed() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), |_| {});
    config.server.signing_key = None;
    let world = World::of(config.clone()).await;
    let old = world.exchange(None).await;
    let data = &config.server.data_dir;
    let current = SigningKey::load_or_generate(data).unwrap();
    let beside = chinwag_relay::app::open_data(&config).await.unwrap();
    beside.retire_key(current.kid(), current.public().bytes()).await.unwrap();
    let new = SigningKey::replace(data).unwrap();
    world.app.listen().await.unwrap();
    let fresh = world.exchange(Some(&old.visitor)).await;
    assert_eq!(part_of(&fresh.token, 0)["kid"], new.kid());
    assert_eq!(part_of(&fresh.token, 1)["sub"], part_of(&old.token, 1)["sub"], "the visitor is known still");
    assert_eq!(world.with_token(&old.token).get("/v1/conversations").await.status, StatusCode::OK);
    beside.forget_retired_keys().await.unwrap();
    world.app.listen().await.unwrap();
    world.with_token(&old.token).get("/v1/conversations").await.is_error(401, "unauthenticated");
    assert_eq!(world.with_token(&fresh.token).get("/v1/conversations").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_replaced_keys_file_that_holds_no_key_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), |_| {});
    config.server.signing_key = None;
    let world = World::of(config.clone()).await;
    let good = world.exchange(None).await;
    std::fs::write(config.server.data_dir.join("signing-key.pem"), "not a key").unwrap();
    world.app.listen().await.unwrap();
    assert_eq!(world.with_token(&good.token).get("/v1/conversations").await.status, StatusCode::OK);
    let headers = [("origin", PAGE)];
    let body = json!({"site": "site_shop"});
    let answer = world.call(http::Method::POST, "/v1/token", &headers, Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK);
}
