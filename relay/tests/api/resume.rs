//! Readers that were cut off, and come back.

use chinwag_protocol::Chunk;
use http::StatusCode;

use crate::world::{Answer, Followed, World, seqs, text_of};

#[tokio::test]
async fn who_comes_back_gets_what_is_missing_once_and_then_the_rest() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let mut cut = anna.ask("c1", "m1", "Count").await;
    let reply = world.reply().await;
    reply.say("1 ");
    reply.say("2 ");
    let last = cut.until("2 ").await;
    drop(cut);
    reply.say("3 ");
    let mut back = Followed::of(anna.resume("c1", Some(&last)).await).await;
    let (next, chunk) = back.chunk().await;
    assert!(matches!(chunk, Chunk::TextDelta { ref delta, .. } if delta == "3 "), "{chunk:?}");
    let number = |id: &str| id.split_once(':').unwrap().1.parse::<u64>().unwrap();
    assert_eq!(number(&next), number(&last) + 1);
    reply.say("4 ");
    reply.finish();
    assert_eq!(text_of(&back.rest().await), "4 ");
}

#[tokio::test]
async fn every_place_of_a_finished_reply_resumes_without_gap_or_repeat() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let mut stream = anna.ask("c1", "m1", "Count").await;
    let reply = world.reply().await;
    for number in 0..5 {
        reply.say(&format!("{number} "));
    }
    reply.finish();
    let all = stream.rest().await;
    for (place, (id, _)) in all.iter().enumerate() {
        let response = anna.resume("c1", Some(id)).await;
        if place + 1 == all.len() {
            assert_eq!(response.status(), StatusCode::NO_CONTENT, "nothing follows the end");
        } else {
            let rest = Followed::of(response).await.rest().await;
            assert_eq!(rest, all[place + 1..]);
        }
    }
    let epoch = all[0].0.split_once(':').unwrap().0;
    let start = Followed::of(anna.resume("c1", Some(&format!("{epoch}:0"))).await).await.rest().await;
    assert_eq!(start, all);
}

#[tokio::test]
async fn without_an_id_a_running_reply_comes_whole_and_a_finished_one_not_at_all() {
    let world = World::new().await;
    let anna = world.visitor().await;
    assert_eq!(anna.resume("c1", None).await.status(), StatusCode::NO_CONTENT, "nothing was ever asked");
    let mut stream = anna.ask("c1", "m1", "Hello?").await;
    let reply = world.reply().await;
    reply.say("Hi");
    stream.until("Hi").await;
    let mut back = Followed::of(anna.resume("c1", None).await).await;
    reply.finish();
    let rest = back.rest().await;
    assert_eq!(seqs(&rest)[0], 1);
    assert_eq!(text_of(&rest), "Hi");
    stream.rest().await;
    assert_eq!(anna.resume("c1", None).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_id_of_a_log_that_is_gone_gets_the_newest_reply_under_another_epoch() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let mut stream = anna.ask("c1", "m1", "Hello?").await;
    let reply = world.reply().await;
    reply.say("Hi");
    reply.finish();
    stream.rest().await;
    let rest = Followed::of(anna.resume("c1", Some("0000000000000000:3")).await).await.rest().await;
    assert_eq!(text_of(&rest), "Hi");
    assert!(!rest[0].0.starts_with("0000000000000000:"));
}

#[tokio::test]
async fn nobody_follows_another_visitors_reply() {
    let world = World::new().await;
    let (anna, bert) = (world.visitor().await, world.visitor().await);
    let mut stream = anna.ask("c1", "m1", "Hello?").await;
    let reply = world.reply().await;
    reply.say("secret");
    let last = stream.until("secret").await;
    for last in [None, Some(last.as_str())] {
        assert_eq!(bert.resume("c1", last).await.status(), StatusCode::NO_CONTENT);
    }
    bert.stop("c1").await.is_error(404, "not_found");
    reply.finish();
    assert!(matches!(stream.rest().await.last().unwrap().1, Chunk::Finish { .. }), "it was not stopped");
}

#[tokio::test]
async fn an_id_that_is_none_is_named() {
    let world = World::new().await;
    let anna = world.visitor().await;
    let refused = Answer::read(anna.resume("c1", Some("x")).await).await;
    assert_eq!(refused.is_error(400, "invalid_request")["param"], "last-event-id");
    let refused = Answer::read(anna.resume("c%201", None).await).await;
    assert_eq!(refused.is_error(400, "invalid_request")["param"], "id");
}
