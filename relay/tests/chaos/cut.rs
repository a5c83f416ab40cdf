//! Replies through a network that cuts, stalls and splits at random.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chinwag_protocol::MessageStatus;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::client::{Client, Talk, reply_of};
use crate::proxy::Proxy;
use crate::source::{Script, Source};

/// How many replies are followed at once.
const AT_ONCE: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reply_arrives_whole_through_a_network_that_cuts_stalls_and_splits() {
    let _alone = crate::alone().await;
    let rounds = crate::times("CHINWAG_SOAK", 50);
    let seed = crate::seed("soak");
    let source = Source::start().await;
    let relay = crate::start(&crate::config(&source, 1, ""));
    let proxy = Proxy::start(relay.addr, seed).await;
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut random = fastrand::Rng::with_seed(seed);
    let (began, mut replies) = (Instant::now(), JoinSet::new());
    let direct = Client::new(relay.addr, 0).await;
    for _ in 0..rounds {
        let pause = Duration::from_millis(random.u64(..8));
        let script = Script { seed: random.u64(..1 << 40), words: random.usize(20..200), pause };
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let (direct, through) = (direct.clone(), direct.by(proxy.addr));
        replies.spawn(async move {
            let mut talk = Talk::new(script);
            through.follow(&mut talk).await;
            assert!(talk.is_finished(), "{talk:?}");
            assert_eq!(talk.heard, script.reply(), "what was heard is not what was said");
            let messages = direct.transcript(&talk.conversation).await.unwrap();
            assert_eq!(reply_of(&messages, &talk), Some((script.reply(), MessageStatus::Done)));
            drop(place);
            talk.resumed
        });
    }
    let resumed: usize = replies.join_all().await.into_iter().sum();
    let (cuts, took) = (proxy.cuts(), began.elapsed());
    println!("soak: {rounds} replies in {took:.1?}, {cuts} connections cut, {resumed} times resumed");
    // A network that does nothing would prove nothing.
    assert!(cuts > rounds / 2 && resumed > rounds / 4, "{cuts} cuts, {resumed} resumed");
    assert_eq!(source.running(), 0);
}
