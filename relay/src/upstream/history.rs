//! The transcript for providers that keep none: the newest exchanges that fit
//! into a budget of tokens, whole ones only.

use chinwag_protocol::{Part, Role, UiMessage};

/// Tokens of earlier messages that a turn sends, as estimated here. The cost of
/// a turn must not grow with the conversation, and every model of today reads
/// more than this.
pub const HISTORY_TOKENS: usize = 12_000;

/// Characters per token, for languages in Latin script. Others have fewer per
/// token, so that the estimate is low for them; the budget leaves room for it.
const CHARS_PER_TOKEN: usize = 4;

/// What a file costs, about: a picture of the usual size.
const FILE_TOKENS: usize = 1_000;

/// What a message costs beside its text: its role and separators.
const MESSAGE_OVERHEAD: usize = 4;

/// About how many tokens a text has.
pub fn estimate_tokens(text: &str) -> usize {
    text.chars().count().div_ceil(CHARS_PER_TOKEN)
}

/// The newest messages of `history` that fit into `budget` tokens, oldest
/// first. They begin with a question: half an exchange is worse than none.
pub fn trim(history: &[UiMessage], budget: usize) -> &[UiMessage] {
    let mut left = budget;
    let mut begin = history.len();
    for (place, message) in history.iter().enumerate().rev() {
        let Some(rest) = left.checked_sub(cost(message)) else { break };
        left = rest;
        if message.role == Role::User {
            begin = place;
        }
    }
    history.get(begin..).unwrap_or_default()
}

fn cost(message: &UiMessage) -> usize {
    let parts: usize = message
        .parts
        .iter()
        .map(|part| match part {
            Part::Text { text } => estimate_tokens(text),
            Part::Tool { tool_name, input, output, error_text, .. } => {
                let texts = [
                    Some(tool_name.as_str()),
                    input.as_ref().map(chinwag_protocol::Json::as_str),
                    output.as_ref().map(chinwag_protocol::Json::as_str),
                    error_text.as_deref(),
                ];
                texts.into_iter().flatten().map(estimate_tokens).sum()
            }
            Part::File { .. } => FILE_TOKENS,
            _ => 0,
        })
        .sum();
    parts + MESSAGE_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(role: Role, text: &str) -> UiMessage {
        let parts = vec![Part::Text { text: text.to_owned() }];
        UiMessage { id: String::new(), role, parts, metadata: None }
    }

    fn talk(exchanges: usize) -> Vec<UiMessage> {
        (0..exchanges)
            .flat_map(|_| [message(Role::User, &"q".repeat(40)), message(Role::Assistant, &"a".repeat(40))])
            .collect()
    }

    #[test]
    fn a_short_history_is_sent_whole() {
        let history = talk(5);
        assert_eq!(trim(&history, HISTORY_TOKENS), &history[..]);
        assert!(trim(&[], HISTORY_TOKENS).is_empty());
    }

    #[test]
    fn a_long_one_keeps_its_newest_whole_exchanges() {
        // An exchange is 2 x (10 + 4) tokens; 3.5 of them fit.
        let history = talk(10);
        assert_eq!(trim(&history, 98), &history[14..]);
    }

    #[test]
    fn a_message_that_does_not_fit_is_not_skipped_over() {
        let mut history = talk(3);
        history.insert(3, message(Role::User, &"x".repeat(100_000)));
        assert_eq!(trim(&history, 1_000), &history[5..], "the answer alone is no exchange");
    }

    #[test]
    fn tokens_are_counted_in_characters_not_bytes() {
        assert_eq!(estimate_tokens("\u{fc}\u{fc}\u{fc}\u{fc}\u{fc}"), 2);
    }
}
