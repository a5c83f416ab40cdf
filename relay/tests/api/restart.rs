//! What a relay knows after it was killed.

use std::time::Duration;

use chinwag_protocol::{Chunk, ErrorCode};
use chinwag_relay::config::Config;
use http::StatusCode;

use crate::world::{Followed, World, config, text_of};

/// Runs a relay in a runtime of its own, and kills it: its tasks end where they
/// are, with no chance to tidy up.
fn killed(config: Config, life: impl AsyncFnOnce(World)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::of(config).await;
        life(world).await;
    });
    runtime.shutdown_background();
}

fn living(config: Config, life: impl AsyncFnOnce(World)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { life(World::of(config).await).await });
}

#[test]
fn a_killed_relay_keeps_what_had_arrived_and_says_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), |_| {});
    let mut visitor_token = String::new();
    let mut last = String::new();
    let mut kept = None;
    killed(config.clone(), async |world| {
        let exchanged = world.exchange(None).await;
        let mut anna = world.visitor().await;
        anna.authorization = format!("Bearer {}", exchanged.token);
        visitor_token = exchanged.visitor;
        let mut whole = anna.ask("c1", "m1", "One?").await;
        let reply = world.reply().await;
        reply.say("whole");
        reply.finish();
        whole.rest().await;
        let mut half = anna.ask("c1", "m2", "Two?").await;
        let reply = world.reply().await;
        reply.say("early ");
        half.until("early ").await;
        // All but the last 250 ms is kept.
        tokio::time::sleep(Duration::from_millis(400)).await;
        reply.say("late");
        last = half.until("late").await;
        // Alive beyond the relay: the agent does not break off, the relay does.
        kept = Some(reply);
    });
    drop(kept);
    living(config, async |world| {
        let exchanged = world.exchange(Some(&visitor_token)).await;
        let mut anna = world.visitor().await;
        anna.authorization = format!("Bearer {}", exchanged.token);
        let transcript = anna.transcript("c1").await;
        assert_eq!(transcript[1], ("whole".to_owned(), "done".to_owned()));
        assert_eq!(transcript[3].1, "interrupted");
        assert!(transcript[3].0.starts_with("early "), "{transcript:?}");

        // Who was following is told so, under another epoch.
        let back = Followed::of(anna.resume("c1", Some(&last)).await).await.rest().await;
        assert_ne!(back[0].0.split_once(':').unwrap().0, last.split_once(':').unwrap().0);
        let Chunk::Error { data: Some(data), .. } = &back.last().unwrap().1 else { panic!("{back:?}") };
        assert_eq!(data.code, ErrorCode::Interrupted);
        assert_eq!(anna.resume("c1", None).await.status(), StatusCode::NO_CONTENT);

        // A finished reply is told again, a broken one is made again.
        let mut again = anna.ask("c1", "m1", "One?").await;
        assert_eq!(text_of(&again.rest().await), "whole");
        assert!(!world.has_asked().await);
        let mut retried = anna.ask("c1", "m2", "Two?").await;
        let reply = world.reply().await;
        reply.say("two");
        reply.finish();
        assert_eq!(text_of(&retried.rest().await), "two");
        let texts: Vec<_> = anna.transcript("c1").await.into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["One?", "whole", "Two?", "two"]);
        anna.refused(&crate::world::question("c1", "m1", "Other?")).await.is_error(409, "conflict");
    });
}

#[test]
fn tokens_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path(), |_| {});
    config.server.signing_key = None;
    let mut authorization = String::new();
    killed(config.clone(), async |world| authorization = world.visitor().await.authorization);
    living(config, async |world| {
        let mut anna = world.visitor().await;
        anna.authorization = authorization;
        assert_eq!(anna.get("/v1/conversations").await.status, StatusCode::OK);
    });
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_enter_the_data_folder() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), |_| {});
    let mut config = config;
    config.server.signing_key = None;
    let data = config.server.data_dir.clone();
    living(config, async |_world| {});
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("signing-key.pem")), 0o600);
    assert!(data.join("chinwag.db").exists());
}
