//! SIGTERM with many running replies.

use std::time::{Duration, Instant};

use chinwag_protocol::MessageStatus;
use tokio::task::JoinSet;

use crate::LONG;
use crate::client::{Client, Talk, Went, reply_of};
use crate::source::{Script, Source};

/// Replies that run when the signal comes: half of them end within the grace.
const RUNNING: usize = 500;

/// An agent asks its provider 256 things at once.
const AGENTS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_signal_each_of_500_replies_finishes_or_can_be_taken_up_again() {
    let _alone = crate::alone().await;
    let source = Source::start().await;
    let mut relay = crate::start(&crate::config(&source, AGENTS, "shutdown_grace = \"8s\""));
    let mut clients = Vec::new();
    for site in 0..AGENTS {
        clients.push(Client::new(relay.addr, site).await);
    }
    let mut asked = JoinSet::new();
    for number in 0..RUNNING {
        let words = if number % 2 == 0 { 6 } else { 400 };
        let script = Script { seed: number as u64, words, pause: Duration::from_millis(600) };
        let client = clients[number % AGENTS].clone();
        asked.spawn(async move {
            let mut talk = Talk::new(script);
            let went = client.follow_once(&mut talk).await;
            (client, talk, went)
        });
    }
    // A question that comes after the signal is refused, and asked again: this is
    // about replies that run. On a slow machine the short ones may be over by now.
    let began = Instant::now();
    while source.begun() < RUNNING {
        assert!(began.elapsed() < LONG, "only {} replies have begun", source.begun());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    relay.signal("TERM");
    let heard = asked.join_all().await;
    let (status, log) = tokio::task::block_in_place(|| relay.wait());
    assert!(status.success(), "{status}\n{log}");
    let mut interrupted = Vec::new();
    for (client, talk, went) in heard {
        assert_eq!(went, Went::Over, "without a terminal chunk: {talk:?}");
        assert!(talk.is_over);
        if talk.is_finished() {
            assert_eq!(talk.heard, talk.script.reply());
        } else {
            assert!(talk.is_interrupted(), "{:?}", talk.end);
            interrupted.push((client, talk));
        }
    }
    println!("signal: {} of {RUNNING} finished, the others were told", RUNNING - interrupted.len());
    assert!((RUNNING / 4..=RUNNING * 3 / 4).contains(&interrupted.len()), "{}", interrupted.len());

    tokio::task::block_in_place(|| relay.restart());
    source.hurry();
    for (place, (client, mut talk)) in interrupted.into_iter().enumerate() {
        let messages = client.transcript(&talk.conversation).await.unwrap();
        let kept = reply_of(&messages, &talk).unwrap();
        assert_eq!(kept, (talk.heard.clone(), MessageStatus::Interrupted), "not all of it was kept");
        // The log went with the process: another epoch says so.
        if place % 25 == 0 {
            assert_eq!(client.follow_once(&mut talk).await, Went::Gone);
            let mut again = talk.again();
            client.follow(&mut again).await;
            assert!(again.is_finished() && again.heard == again.script.reply());
        }
    }
}
