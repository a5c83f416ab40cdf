//! What kind of message it is: small talk, a question that stands alone, or one
//! that leans on the question before.

use chinwag_protocol::{Role, UiMessage};

/// A message that asks nothing of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SmallTalk {
    /// "Hi".
    Greeting,
    /// "Thank you".
    Thanks,
    /// "Bye".
    Farewell,
    /// "What can you do?"
    Help,
}

/// Whether a message is only small talk.
pub(crate) fn small_talk(message: &str) -> Option<SmallTalk> {
    let words = words(message);
    if words.is_empty() || words.len() > 8 {
        return None;
    }
    let sentence = words.join(" ");
    if HELP.contains(&sentence.as_str()) {
        return Some(SmallTalk::Help);
    }
    let all_in =
        |lists: &[&[&str]]| words.iter().all(|word| lists.iter().any(|list| list.contains(&word.as_str())));
    let any_in = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if any_in(THANKS) && all_in(&[THANKS, POLITE]) {
        Some(SmallTalk::Thanks)
    } else if any_in(FAREWELLS) && all_in(&[FAREWELLS, THANKS, POLITE]) {
        Some(SmallTalk::Farewell)
    } else if any_in(GREETINGS) && all_in(&[GREETINGS, POLITE]) {
        Some(SmallTalk::Greeting)
    } else {
        None
    }
}

/// The question before, if this one cannot be understood without it.
pub(crate) fn context(message: &str, history: &[UiMessage]) -> Option<String> {
    let words = words(message);
    let points_back = words.iter().any(|word| POINTERS.contains(&word.as_str()))
        || OPENERS.iter().any(|opener| words.join(" ").starts_with(opener));
    if words.len() > 12 || !(points_back || words.len() <= 2) {
        return None;
    }
    history
        .iter()
        .rev()
        .filter(|earlier| earlier.role == Role::User)
        .map(UiMessage::text)
        .find(|text| small_talk(text).is_none() && !text.trim().is_empty())
        .map(|text| text.chars().take(400).collect())
}

fn words(message: &str) -> Vec<String> {
    message
        .split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '\u{2019}'))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace('\u{2019}', "'"))
        .take(40)
        .collect()
}

const GREETINGS: &[&str] = &[
    "hi",
    "hello",
    "hey",
    "hiya",
    "howdy",
    "yo",
    "morning",
    "afternoon",
    "evening",
    "greetings",
    "hallo",
    "moin",
    "servus",
    "bonjour",
    "salut",
    "hola",
    "ciao",
    "olá",
    "oi",
    "hej",
    "ahoj",
    "привет",
    "你好",
    "こんにちは",
    "مرحبا",
    "namaste",
    "sup",
];
const THANKS: &[&str] = &[
    "thanks",
    "thank",
    "thx",
    "ty",
    "cheers",
    "danke",
    "merci",
    "gracias",
    "obrigado",
    "obrigada",
    "grazie",
    "tack",
    "спасибо",
    "谢谢",
    "ありがとう",
    "شكرا",
];
const FAREWELLS: &[&str] =
    &["bye", "goodbye", "ciao", "tschüss", "adieu", "adios", "adiós", "later", "goodnight"];
const POLITE: &[&str] = &[
    "you", "very", "much", "so", "a", "lot", "good", "day", "there", "again", "everyone", "all", "great",
    "ok", "okay", "cool", "nice", "perfect", "that", "helps", "helped", "for", "your", "the", "help",
    "works", "now", "how", "are", "doing", "see", "it", "this", "is", "was", "and", "awesome", "many",
    "schön", "dank", "beaucoup", "muchas", "mille", "guten", "tag", "morgen", "abend", "buenos", "días",
    "well", "done", "super", "have",
];
const HELP: &[&str] = &[
    "help",
    "help me",
    "what can you do",
    "what can i ask",
    "what can i ask you",
    "what can i ask here",
    "what do you know",
    "who are you",
    "what are you",
    "how can you help",
    "how can you help me",
    "what can you help with",
    "what can you help me with",
    "can you help me",
    "can you help",
    "what is this",
    "what do you do",
    "are you a bot",
    "are you human",
    "are you a human",
    "are you a robot",
    "are you an ai",
    "are you real",
    "how does this work",
    "i need help",
    "what topics do you know",
    "what topics are there",
];
const POINTERS: &[&str] =
    &["it", "its", "that", "this", "these", "those", "they", "them", "one", "ones", "same"];
const OPENERS: &[&str] = &[
    "and ",
    "what about",
    "how about",
    "but ",
    "also ",
    "or ",
    "why",
    "so ",
    "then ",
    "tell me more",
    "more",
];

#[cfg(test)]
mod tests {
    use chinwag_protocol::Part;

    use super::*;

    fn user(text: &str) -> UiMessage {
        UiMessage {
            id: "m".into(),
            role: Role::User,
            parts: vec![Part::Text { text: text.into() }],
            metadata: None,
        }
    }

    #[test]
    fn small_talk_is_told_from_a_question() {
        for (message, kind) in [
            ("Hi!", Some(SmallTalk::Greeting)),
            ("good morning", Some(SmallTalk::Greeting)),
            ("Thanks, that helped a lot", Some(SmallTalk::Thanks)),
            ("thank you 🙏", Some(SmallTalk::Thanks)),
            ("bye", Some(SmallTalk::Farewell)),
            ("What can you do?", Some(SmallTalk::Help)),
            ("Hi, how do I change the colour?", None),
            ("thanks for the thanks page, where is it documented", None),
            ("", None),
            ("morning delivery", None),
        ] {
            assert_eq!(small_talk(message), kind, "{message}");
        }
    }

    #[test]
    fn only_a_question_that_points_back_takes_up_the_one_before() {
        let history = [user("How do I change the accent colour?"), user("thanks")];
        assert!(context("And in dark mode?", &history).is_some_and(|text| text.contains("accent")));
        assert!(context("Can I make it rounder?", &history).is_some());
        assert!(context("why?", &history).is_some());
        assert_eq!(context("How do I deploy the relay behind nginx?", &history), None);
        assert_eq!(context("And that?", &[]), None);
    }
}
