//! Power cuts: `kill -9` at random moments, with another start on the same data.

use std::time::{Duration, Instant};

use chinwag_protocol::MessageStatus;
use tokio::task::JoinSet;

use crate::client::{Client, Talk, reply_of};
use crate::source::{Script, Source};

/// Replies that run when the power goes.
const RUNNING: usize = 8;

/// What may be lost of a reply, and how soon the relay is up again: as promised
/// where it is measured, with room for a busy machine elsewhere.
fn promised() -> (Duration, Duration) {
    if crate::is_measured() {
        (Duration::from_millis(250), Duration::from_secs(1))
    } else {
        (Duration::from_secs(1), Duration::from_secs(10))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_no_finished_message_doubles_none_and_keeps_what_had_arrived() {
    let _alone = crate::alone().await;
    let rounds = crate::times("CHINWAG_KILLS", 5);
    let seed = crate::seed("power cuts");
    let mut random = fastrand::Rng::with_seed(seed);
    let source = Source::start().await;
    let mut relay = crate::start(&crate::config(&source, 1, ""));
    let client = Client::new(relay.addr, 0).await;
    let (may_be_lost, up_within) = promised();
    let (mut starts, mut finished, mut kept) = (Vec::new(), 0, 0);
    for _ in 0..rounds {
        let mut asked = JoinSet::new();
        for _ in 0..RUNNING {
            let (words, pause) = (random.usize(5..60), Duration::from_millis(random.u64(5..40)));
            let mut talk = Talk::new(Script { seed: random.u64(..1 << 40), words, pause });
            let client = client.clone();
            asked.spawn(async move {
                client.follow_once(&mut talk).await;
                talk
            });
        }
        tokio::time::sleep(Duration::from_millis(random.u64(50..1500))).await;
        let cut_at = Instant::now();
        // Blocking, but on a thread that nothing else needs.
        let up_after = tokio::task::block_in_place(|| relay.kill_and_restart());
        assert!(up_after < up_within, "up again after {up_after:?}");
        starts.push(up_after);
        for talk in asked.join_all().await {
            let whole = talk.script.reply();
            let messages = client.transcript(&talk.conversation).await;
            // A question that was not accepted is not there, and nobody heard a word.
            let Some(messages) = messages else {
                assert_eq!(talk.heard, "", "a conversation is lost");
                continue;
            };
            let (text, status) = reply_of(&messages, &talk).unwrap();
            if talk.is_finished() || status == MessageStatus::Done {
                assert_eq!((text.as_str(), status), (whole.as_str(), MessageStatus::Done));
                finished += 1;
                continue;
            }
            assert_eq!(status, MessageStatus::Interrupted);
            assert!(whole.starts_with(&text), "{text:?} is not the beginning of {whole:?}");
            let least = talk.heard_by(cut_at.checked_sub(may_be_lost).unwrap());
            assert!(text.len() >= least, "{} of {least} bytes are kept", text.len());
            kept += 1;
            let mut again = talk.again();
            client.follow(&mut again).await;
            assert!(again.is_finished() && again.heard == whole, "{again:?}");
            let messages = client.transcript(&talk.conversation).await.unwrap();
            assert_eq!(reply_of(&messages, &talk), Some((whole, MessageStatus::Done)));
        }
    }
    starts.sort_unstable();
    println!(
        "power cuts: {rounds}, {finished} replies had finished, {kept} were kept in part and made again; \
         up again after {:?} at best, {:?} at worst",
        starts[0],
        starts[starts.len() - 1],
    );
    assert!(kept > 0, "no reply was running when the power went");
}
