//! Budgets, and what answers say about them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{Answer, PAGE, World, question, soon};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[track_caller]
fn check_headers(answer: &Answer) {
    let number =
        |name: &str| answer.header(name).parse::<u64>().unwrap_or_else(|_| panic!("{name}: {answer:?}"));
    assert!(number("x-ratelimit-remaining") < number("x-ratelimit-limit").max(1));
    let reset = number("x-ratelimit-reset");
    assert!((now()..now() + 120).contains(&reset), "{reset}");
}

#[tokio::test]
async fn every_answer_of_the_api_says_where_the_caller_stands() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let token =
        world.call(Method::POST, "/v1/token", &[("origin", PAGE)], Some(json!({"site": "site_shop"}))).await;
    assert_eq!(token.header("x-ratelimit-limit"), "1000");
    let none = world.call(Method::GET, "/v1/conversations", &[], None).await;
    let lost = anna.get("/v1/nothing").await;
    let wrong = anna.get("/v1/chat").await;
    let list = anna.get("/v1/conversations").await;
    for answer in [token, none, lost, wrong, list] {
        check_headers(&answer);
    }
    let stream = anna.ask("c1", "m1", "Hello?").await;
    assert_eq!(stream.headers["x-ratelimit-limit"], "1000");
    assert_eq!(stream.headers["x-ratelimit-remaining"], "999");
}

#[tokio::test]
async fn a_visitor_who_asks_too_much_is_told_when_to_come_again() {
    let world = World::with(|limits| limits.messages_per_minute = 2).await;
    let (anna, bert) = (world.visitor().await, world.visitor().await);
    for id in ["m1", "m2"] {
        let mut stream = anna.ask("c1", id, "Hello?").await;
        world.reply().await.finish();
        stream.rest().await;
    }
    let refused = anna.refused(&question("c1", "m3", "Hello?")).await;
    let error = refused.is_error(429, "rate_limited");
    let wait = error["retryAfterMs"].as_u64().unwrap();
    assert!((1..=30_000).contains(&wait), "{wait}");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert_eq!(seconds, wait.div_ceil(1000));
    assert_eq!((refused.header("x-ratelimit-limit"), refused.header("x-ratelimit-remaining")), ("2", "0"));
    let _stream = bert.ask("c1", "m1", "Hello?").await;
}

#[tokio::test]
async fn addresses_have_budgets_of_their_own() {
    let world = World::with(|limits| (limits.tokens_burst, limits.tokens_per_minute) = (2, 1)).await;
    let exchange = async |address: &str| {
        let headers = [("origin", PAGE), ("x-forwarded-for", address)];
        world.call(Method::POST, "/v1/token", &headers, Some(json!({"site": "site_shop"}))).await
    };
    for _ in 0..2 {
        assert_eq!(exchange("203.0.113.1").await.status, StatusCode::OK);
    }
    exchange("203.0.113.1").await.is_error(429, "rate_limited");
    assert_eq!(exchange("203.0.113.2").await.status, StatusCode::OK);
    assert_eq!(exchange("2001:db8::1").await.status, StatusCode::OK);
    assert_eq!(exchange("2001:db8::2").await.status, StatusCode::OK);
    exchange("2001:db8::3").await.is_error(429, "rate_limited");
}

#[tokio::test]
async fn a_site_has_a_budget_whatever_the_address() {
    let world = World::with(|limits| limits.site_tokens_per_minute = 1).await;
    world.exchange(None).await;
    let headers = [("origin", PAGE), ("x-forwarded-for", "203.0.113.9")];
    let refused = world.call(Method::POST, "/v1/token", &headers, Some(json!({"site": "site_shop"}))).await;
    refused.is_error(429, "rate_limited");
}

#[tokio::test]
async fn streams_are_counted_and_a_dropped_one_is_free_again() {
    let world = World::with(|limits| limits.streams_per_visitor = 1).await;
    let anna = world.visitor().await;
    let stream = anna.ask("c1", "m1", "Hello?").await;
    let _reply = world.reply().await;
    anna.refused(&question("c2", "m1", "Hello?")).await.is_error(429, "rate_limited");
    let refused = Answer::read(anna.resume("c1", None).await).await;
    refused.is_error(429, "rate_limited");
    assert_eq!(world.app.limits().open_streams(), 1);
    drop(stream);
    assert_eq!(world.app.limits().open_streams(), 0);
    let mut stream = anna.ask("c2", "m1", "Hello?").await;
    world.reply().await.finish();
    stream.rest().await;
    drop(stream);
    assert_eq!(world.app.limits().open_streams(), 0);
}

#[tokio::test]
async fn a_full_relay_is_overloaded_and_not_limited() {
    let world = World::with(|limits| limits.streams = 1).await;
    let (anna, bert) = (world.visitor().await, world.visitor().await);
    let _stream = anna.ask("c1", "m1", "Hello?").await;
    let refused = bert.refused(&question("c1", "m1", "Hello?")).await;
    refused.is_error(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
}

#[tokio::test]
async fn permits_are_free_after_ten_thousand_streams_that_were_cut_anywhere() {
    let world = World::with(|limits| limits.calls_per_minute = 1_000_000).await;
    let anna = world.visitor().await;
    let mut stream = anna.ask("c1", "m1", "Hello?").await;
    let reply = world.reply().await;
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..10_000 {
        if round % 500 == 0 {
            reply.say("more ");
        }
        match random.u8(..4) {
            // Before the answer's head: after the first few polls.
            0 => {
                let call = anna.resume("c1", None);
                let mut call = std::pin::pin!(call);
                for _ in 0..random.u8(..4) {
                    if futures_util::poll!(call.as_mut()).is_ready() {
                        break;
                    }
                }
            }
            // After the head.
            1 => drop(anna.resume("c1", None).await),
            // After some of the body, or while more of it is waited for.
            choice => {
                let response = anna.resume("c1", None).await;
                assert_eq!(response.status(), StatusCode::OK, "{round}");
                let mut followed = crate::world::Followed::of(response).await;
                followed.read().await;
                if choice == 3 {
                    let mut next = std::pin::pin!(followed.read());
                    let _ = futures_util::poll!(next.as_mut());
                }
            }
        }
    }
    assert!(world.app.limits().open_streams() <= 2, "{}", world.app.limits().open_streams());
    reply.finish();
    stream.rest().await;
    drop(stream);
    soon("free permits", async {
        while world.app.limits().open_streams() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Asks on a page of some site, and gives the status.
async fn ask_at(world: &World, site: &str, origin: &str, address: &str, id: &str) -> Answer {
    let headers = [("origin", origin), ("x-forwarded-for", address)];
    let token = world.call(Method::POST, "/v1/token", &headers, Some(json!({"site": site}))).await;
    let authorization = format!("Bearer {}", token.json()["token"].as_str().unwrap());
    let headers = [("origin", origin), ("x-forwarded-for", address), ("authorization", &authorization)];
    let answer = world.call(Method::POST, "/v1/chat", &headers, Some(question("c1", id, "Hello?")));
    let played = async {
        // Only an accepted question reaches the agent.
        if let Ok(reply) = tokio::time::timeout(Duration::from_millis(500), world.reply()).await {
            reply.finish();
        }
    };
    tokio::join!(answer, played).0
}

#[tokio::test]
async fn a_site_and_an_agent_have_budgets_whoever_asks() {
    let world = World::with(|limits| limits.site_messages_per_minute = 2).await;
    for (address, status) in [("203.0.113.1", 200), ("203.0.113.2", 200), ("203.0.113.3", 429)] {
        let answer = ask_at(&world, "site_shop", PAGE, address, "m1").await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        assert_eq!(answer.header("retry-after").is_empty(), status == 200);
    }
    let other = ask_at(&world, "site_other", "https://other.example", "203.0.113.4", "m1").await;
    assert_eq!(other.status, StatusCode::OK, "another site has its own");
    let world = World::with(|limits| limits.agent_messages_per_minute = 2).await;
    ask_at(&world, "site_shop", PAGE, "203.0.113.1", "m1").await;
    ask_at(&world, "site_shop", PAGE, "203.0.113.2", "m1").await;
    let other = ask_at(&world, "site_other", "https://other.example", "203.0.113.4", "m1").await;
    other.is_error(429, "rate_limited");
}

#[tokio::test]
async fn a_site_stops_at_its_daily_cap_and_a_restart_does_not_begin_the_day_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::world::config(folder.path(), |_| {});
    config.sites[0].daily.messages = Some(2);
    for (world, statuses) in
        [(World::of(config.clone()).await, [200, 200]), (World::of(config).await, [402, 402])]
    {
        for (round, status) in statuses.into_iter().enumerate() {
            let answer = ask_at(&world, "site_shop", PAGE, "203.0.113.1", &format!("m{round}")).await;
            assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
        }
        if statuses == [402, 402] {
            let refused = ask_at(&world, "site_shop", PAGE, "203.0.113.1", "m9").await;
            refused.is_error(402, "credits_exhausted");
            let wait: u64 = refused.header("retry-after").parse().unwrap();
            assert_eq!((now() + wait) % 86_400 / 60, 0, "until midnight: {wait}");
            let other = ask_at(&world, "site_other", "https://other.example", "203.0.113.4", "m1").await;
            assert_eq!(other.status, StatusCode::OK);
        }
        world.app.drain(Duration::ZERO).await;
    }
}

#[tokio::test]
async fn tokens_that_a_provider_reports_count_towards_the_daily_cap() {
    use chinwag_protocol::{Chunk, FinishReason, MessageMetadata, Usage};

    let world = World::tuned(|config| config.sites[0].daily.tokens = Some(100)).await;
    let anna = world.visitor().await;
    for (id, cost) in [("m1", (60, 39)), ("m2", (1, 0))] {
        let mut stream = anna.ask("c1", id, "Hello?").await;
        let usage = Usage { input_tokens: cost.0, output_tokens: cost.1 };
        let metadata = MessageMetadata { usage: Some(usage), ..MessageMetadata::default() };
        world.reply().await.send(Chunk::Finish { reason: FinishReason::Stop, metadata: Some(metadata) });
        stream.rest().await;
    }
    let refused = anna.refused(&question("c1", "m3", "Hello?")).await;
    assert!(refused.is_error(402, "credits_exhausted")["message"].as_str().unwrap().contains("tokens"));
}
