//! What a reply is made of, and in which order.

use std::time::{Duration, Instant};

use chinwag_protocol::{Chunk, FinishReason};
use chinwag_relay::upstream::Upstream as _;
use futures_util::StreamExt as _;

use crate::{agent, ask, ask_after, corpus, turn, user};

#[tokio::test]
async fn a_reply_cites_first_and_then_speaks_in_pieces() {
    let agent = agent("harbour", &corpus("harbour")).await;
    let reply = ask(&agent, "What does postage cost?").await;
    let kinds: Vec<_> = reply
        .chunks
        .iter()
        .map(|chunk| match chunk {
            Chunk::Status { phase, .. } if phase == "search" => 's',
            Chunk::SourceUrl { .. } => 'u',
            Chunk::TextStart { .. } => '(',
            Chunk::TextDelta { .. } => '.',
            Chunk::TextEnd { .. } => ')',
            Chunk::Suggestions { .. } => 'q',
            Chunk::Finish { reason: FinishReason::Stop, .. } => '!',
            _ => '?',
        })
        .collect();
    let mut order = kinds.clone();
    order.dedup();
    assert_eq!(order.iter().collect::<String>(), "su(.)q!", "{kinds:?}");
    assert!(kinds.iter().filter(|kind| **kind == '.').count() > 5);
    assert!(reply.chunks.iter().all(|chunk| match chunk {
        Chunk::TextDelta { delta, .. } => !delta.is_empty() && delta.split_whitespace().count() <= 6,
        _ => true,
    }));
    let text = reply.text();
    assert!(text.contains("\u{a3}3.20") && text.contains("[1]"), "{text}");
    assert_eq!(
        reply.sources().first(),
        Some(&(
            "https://relay.example/docs/harbour/shipping.md#what-postage-costs",
            "Shipping and delivery: What postage costs"
        ))
    );
    for prompt in reply.suggestions() {
        let next = ask(&agent, prompt).await;
        assert!(!next.sources().is_empty(), "a suggestion leads nowhere: {prompt}");
    }
}

#[tokio::test]
async fn every_mark_has_its_source_and_every_source_its_mark() {
    let agent = agent("harbour", &corpus("harbour")).await;
    for line in include_str!("harbour.tsv").lines() {
        let question = line.split('\t').next().unwrap_or_default();
        let reply = ask(&agent, question).await;
        let text = reply.text();
        let sources = reply.sources().len();
        for number in 1..=3 {
            let is_marked = text.contains(&format!("[{number}]"));
            assert_eq!(is_marked, number <= sources, "[{number}] of {sources} in: {text}");
        }
        assert_eq!(text.matches("```").count() % 2, 0, "an open fence: {text}");
        assert!(text.len() < 3_500, "{} bytes for {question}", text.len());
    }
}

#[tokio::test]
async fn a_question_that_leans_on_the_last_one_is_answered_in_its_light() {
    let agent = agent("harbour", &corpus("harbour")).await;
    let history = vec![user("What does express delivery by courier cost?")];
    let reply = ask_after(&agent, "Does it come on Saturdays too?", history).await;
    assert!(reply.sources().first().is_some_and(|(url, _)| url.ends_with("#express-courier")), "{reply:?}");
}

#[tokio::test]
async fn small_talk_is_answered_without_a_search() {
    let agent = agent("harbour", &corpus("harbour")).await;
    for message in ["Hi", "Good morning!", "thank you so much", "Bye", "What can you do?"] {
        let reply = ask(&agent, message).await;
        assert!(reply.sources().is_empty(), "{message}");
        let text = reply.text();
        assert!(!text.is_empty() && !text.contains("found nothing"), "{message}: {text}");
    }
}

#[tokio::test]
async fn what_was_not_found_is_said_and_what_can_be_asked_is_offered() {
    let agent = agent("harbour", &corpus("harbour")).await;
    let reply = ask(&agent, "Who painted the Mona Lisa?").await;
    assert!(reply.text().contains("I found nothing about that"), "{}", reply.text());
    assert!(reply.sources().is_empty());
    assert!(matches!(reply.chunks.last(), Some(Chunk::Finish { .. })));
}

#[tokio::test]
async fn a_dropped_reply_ends_at_once() {
    let agent = agent("harbour", &corpus("harbour")).await;
    let mut reply = agent.reply(turn("What does postage cost?", Vec::new()));
    while let Some(chunk) = reply.next().await {
        if matches!(chunk, Chunk::TextDelta { .. }) {
            break;
        }
    }
    let began = Instant::now();
    drop(reply);
    assert!(began.elapsed() < Duration::from_millis(50));
}

#[tokio::test]
async fn a_question_of_any_shape_is_survived() {
    let agent = agent("harbour", &corpus("harbour")).await;
    for message in [
        String::new(),
        " \n\t".into(),
        "?".repeat(8_000),
        "postage ".repeat(1_000),
        "\u{0}\u{202e}\u{feff}".into(),
        "\u{1f600}".repeat(2_000),
        "AND OR NOT title:(x) \"unclosed ~9 [a TO b] *".into(),
        "配送料はいくらですか".into(),
    ] {
        let reply = ask(&agent, &message).await;
        assert!(matches!(reply.chunks.last(), Some(Chunk::Finish { .. })));
        assert!(!reply.text().is_empty());
    }
}
