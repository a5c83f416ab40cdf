use chinwag::engine::transcript::{Format, Words, write};
use chinwag::engine::*;
use chinwag_protocol::Chunk;
use serde_json::{Value, json};

use crate::stage::Stage;

fn told() -> Stage {
    let (mut stage, turn) = Stage::asking("How fresh?");
    stage.say(turn, 1, Chunk::Start { message_id: Some("a1".into()), metadata: None });
    stage.delta(turn, 2, "**Four** weeks [1].\n");
    stage.say(
        turn,
        3,
        Chunk::SourceUrl {
            source_id: "1".into(),
            url: "https://a.example/beans".into(),
            title: Some("Beans [new]".into()),
        },
    );
    stage.say(
        turn,
        4,
        Chunk::SourceDocument {
            source_id: "2".into(),
            media_type: "text/plain".into(),
            title: "A letter".into(),
        },
    );
    stage.finish(turn, 5);
    let opinion = Opinion { value: Some(Feedback::Positive), reason: None };
    stage.tell(Event::Rated { key: stage.key(1), opinion });
    stage
}

fn export(stage: &Stage, format: Format) -> String {
    let time = |at: Moment| format!("at {}", at.0);
    write(&stage.model, format, &Words { you: "You", agent: "Docs", sources: "Sources", time: &time })
}

#[test]
fn as_text_it_reads_like_a_letter() {
    assert_eq!(
        export(&told(), Format::Text),
        "You (at 4)\nHow fresh?\n\nDocs (at 4)\n**Four** weeks [1].\n\n\
         Sources:\n1. Beans [new]: https://a.example/beans\n2. A letter\n"
    );
}

#[test]
fn as_markdown_it_keeps_marks_and_links() {
    assert_eq!(
        export(&told(), Format::Markdown),
        "**You** (at 4)\n\nHow fresh?\n\n**Docs** (at 4)\n\n**Four** weeks [1].\n\n\
         Sources:\n\n1. [Beans \\[new\\]](<https://a.example/beans>)\n2. A letter\n"
    );
}

#[test]
fn as_json_it_can_be_read_back() {
    let read: Value = serde_json::from_str(&export(&told(), Format::Json)).unwrap();
    assert_eq!(
        read,
        json!({
            "conversation": "c1",
            "messages": [
                { "id": "m1", "role": "user", "createdAt": "at 4", "text": "How fresh?" },
                {
                    "id": "a1", "role": "assistant", "createdAt": "at 4", "text": "**Four** weeks [1].\n",
                    "sources": [
                        { "title": "Beans [new]", "url": "https://a.example/beans" },
                        { "title": "A letter" },
                    ],
                    "status": "done", "feedback": "positive",
                },
            ],
        })
    );
}

#[test]
fn an_empty_conversation_is_an_empty_transcript() {
    let stage = Stage::mounted();
    assert_eq!(export(&stage, Format::Text), "");
    assert_eq!(export(&stage, Format::Json), "{\"messages\":[]}");
}

#[test]
fn a_format_is_one_of_three_words() {
    assert_eq!(Format::from_name("markdown"), Some(Format::Markdown));
    assert_eq!(Format::from_name("Markdown"), None);
    assert_eq!(Format::from_name("html"), None);
}
