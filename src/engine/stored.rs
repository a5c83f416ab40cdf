//! Items as messages of the wire: what a tab hands to another that joins in the
//! middle of a reply, what an endpoint without a memory is sent, and what is
//! kept of a conversation that no relay keeps. [`super::item::from_stored`]
//! reads it back.

use chinwag_protocol::ObjectWriter;
use chinwag_protocol::object::list;

use super::attachment::SentFile;
use super::event::Moment;
use super::item::{Activity, Item, Question, Reply, ReplyPhase, Source};

/// An item as the JSON of a message; `None` for a reply that says nothing yet.
pub fn message(item: &Item) -> Option<String> {
    match item {
        Item::Question(asked) => Some(question(asked)),
        Item::Reply(said) => (!said.is_empty()).then(|| reply(said)),
    }
}

/// A question as the JSON of a message.
pub fn question(question: &Question) -> String {
    let text = part("text", &[("text", &question.text)]);
    let parts = [text].into_iter().chain(question.files.iter().map(SentFile::to_json));
    written(&question.id, "user", parts, question.at, None)
}

/// A reply as the JSON of a message, whole or as far as it got.
pub fn reply(reply: &Reply) -> String {
    let mut parts = Vec::new();
    if !reply.reasoning.is_empty() {
        parts.push(part("reasoning", &[("text", &reply.reasoning)]));
    }
    parts.extend(reply.activities.iter().map(activity));
    if !reply.text.is_empty() {
        parts.push(part("text", &[("text", &reply.text)]));
    }
    parts.extend(reply.sources.iter().map(source));
    if !reply.suggestions.is_empty() {
        let quoted = |prompt: &String| {
            let mut object = ObjectWriter::default();
            object.text("p", prompt);
            // Only the text within `{"p":...}`.
            let whole = object.finish();
            whole.get(5..whole.len() - 1).unwrap_or("\"\"").to_owned()
        };
        let mut data = ObjectWriter::default();
        data.json("prompts", &list(reply.suggestions.iter().map(quoted)));
        let mut object = ObjectWriter::default();
        object.text("type", "data-suggestions");
        object.json("data", &data.finish());
        parts.push(object.finish());
    }
    let status = match reply.phase {
        ReplyPhase::Stopped => "stopped",
        ReplyPhase::Failed(_) => "interrupted",
        _ => "done",
    };
    written(reply.id.as_deref().unwrap_or_default(), "assistant", parts, reply.at, Some(status))
}

fn written(
    id: &str,
    role: &str,
    parts: impl IntoIterator<Item = String>,
    at: Option<Moment>,
    status: Option<&str>,
) -> String {
    let mut metadata = ObjectWriter::default();
    metadata.maybe("createdAt", at.map(write_time).as_deref());
    metadata.maybe("status", status);
    let mut object = ObjectWriter::default();
    object.text("id", id);
    object.text("role", role);
    object.json("parts", &list(parts));
    object.json("metadata", &metadata.finish());
    object.finish()
}

fn part(kind: &str, members: &[(&str, &str)]) -> String {
    let mut object = ObjectWriter::default();
    object.text("type", kind);
    for (name, value) in members {
        object.text(name, value);
    }
    object.finish()
}

fn activity(activity: &Activity) -> String {
    let state = if activity.succeeded == Some(false) { "output-error" } else { "output-available" };
    part("dynamic-tool", &[("toolCallId", &activity.id), ("toolName", &activity.tool), ("state", state)])
}

fn source(source: &Source) -> String {
    match &source.href {
        Some(href) => part(
            "source-url",
            &[("sourceId", href.as_str()), ("url", href.as_str()), ("title", &source.title)],
        ),
        None => part(
            "source-document",
            &[("sourceId", &source.title), ("mediaType", "text/plain"), ("title", &source.title)],
        ),
    }
}

/// Writes a time as the wire has it, `2026-01-31T12:34:56.789Z`.
pub fn write_time(at: Moment) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "`as` holds it within the bounds of i64")]
    let milliseconds = at.0 as i64;
    let (days, rest) = (milliseconds.div_euclid(86_400_000), milliseconds.rem_euclid(86_400_000));
    // Howard Hinnant, "chrono-compatible low-level date algorithms": the way back.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let mut out = String::with_capacity(24);
    let mut digits = |number: i64, width: u32, after: char| {
        for place in (0..width).rev() {
            let digit = number.div_euclid(10_i64.pow(place)).rem_euclid(10);
            out.extend(u32::try_from(digit).ok().and_then(|digit| char::from_digit(digit, 10)));
        }
        out.push(after);
    };
    digits(year, 4, '-');
    digits(month, 2, '-');
    digits(day, 2, 'T');
    digits(rest / 3_600_000, 2, ':');
    digits(rest / 60_000 % 60, 2, ':');
    digits(rest / 1_000 % 60, 2, '.');
    digits(rest % 1_000, 3, 'Z');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::item::{Delivery, from_stored};
    use chinwag_protocol::{FromFields as _, UiMessage};

    fn again(json: &str) -> Item {
        from_stored(UiMessage::from_json(json).unwrap()).unwrap()
    }

    #[test]
    fn a_reply_reads_back_as_it_was() {
        let mut said = Reply::waiting(None, Moment(1_795_343_040_250.0));
        said.id = Some("a1".into());
        said.push_text("Good \"morning\"\n\n* ä");
        said.reasoning = "hm".into();
        said.cite("https://a.example/x", Some("X".into()));
        said.cite("", Some("A paper".into()));
        said.activities.push(Activity {
            id: "c".into(),
            tool: "look".into(),
            input: None,
            succeeded: Some(false),
            owed: None,
        });
        said.suggestions = vec!["And \"then\"?".into()];
        said.end(ReplyPhase::Stopped);
        let Item::Reply(read) = again(&reply(&said)) else { panic!("a reply") };
        assert_eq!((&read.id, &read.text, &read.reasoning), (&said.id, &said.text, &said.reasoning));
        assert_eq!((&read.sources, &read.activities), (&said.sources, &said.activities));
        assert_eq!((&read.suggestions, &read.phase, read.at), (&said.suggestions, &said.phase, said.at));
    }

    #[test]
    fn a_question_reads_back_as_it_was() {
        let asked = Question {
            id: "m1".into(),
            text: "Why?".into(),
            files: vec![SentFile {
                url: "/v1/files/a1".into(),
                name: "a.png".into(),
                media_type: "image/png".into(),
            }],
            at: Some(Moment(0.0)),
            delivery: Delivery::Sent,
        };
        let Item::Question(read) = again(&question(&asked)) else { panic!("a question") };
        assert_eq!(read, asked);
    }

    #[test]
    fn times_are_written_as_the_wire_has_them() {
        for (at, text) in [
            (0.0, "1970-01-01T00:00:00.000Z"),
            (1_795_343_040_250.0, "2026-11-22T10:24:00.250Z"),
            (951_868_799_000.0, "2000-02-29T23:59:59.000Z"),
            (-1.0, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(write_time(Moment(at)), text);
        }
    }
}
