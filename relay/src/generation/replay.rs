//! Replies at rest, told again as chunks.

use chinwag_protocol::{Chunk, Part};

/// The chunks of a reply that is at rest: `start`, and its parts but for the
/// first `base` ones. The caller adds the end.
///
/// A step begins after the calls of tools. Clients of the AI SDK send a message
/// back when all calls of its last step have an answer: without the step they
/// would do so forever.
pub(super) fn replay(parts: &[Part], base: usize, start: Chunk) -> Vec<Chunk> {
    let mut chunks = vec![start];
    let mut follows_call = base > 0;
    for (place, part) in parts.iter().enumerate().skip(base) {
        let is_call = matches!(part, Part::Tool { .. });
        if follows_call && (!is_call || place == base) {
            chunks.push(Chunk::StartStep);
        }
        follows_call = is_call;
        let id = place.to_string();
        match part.clone() {
            Part::Text { text } => chunks.extend([
                Chunk::TextStart { id: id.clone() },
                Chunk::TextDelta { id: id.clone(), delta: text },
                Chunk::TextEnd { id },
            ]),
            Part::Reasoning { text } => chunks.extend([
                Chunk::ReasoningStart { id: id.clone() },
                Chunk::ReasoningDelta { id: id.clone(), delta: text },
                Chunk::ReasoningEnd { id },
            ]),
            Part::SourceUrl { source_id, url, title } => {
                chunks.push(Chunk::SourceUrl { source_id, url, title });
            }
            Part::SourceDocument { source_id, media_type, title } => {
                chunks.push(Chunk::SourceDocument { source_id, media_type, title });
            }
            Part::File { url, media_type, .. } => chunks.push(Chunk::File { url, media_type }),
            Part::Suggestions { prompts } => chunks.push(Chunk::Suggestions { prompts }),
            Part::Tool { tool_call_id, tool_name, input, output, error_text, .. } => {
                chunks.push(Chunk::ToolInputStart {
                    tool_call_id: tool_call_id.clone(),
                    tool_name: tool_name.clone(),
                });
                if let Some(input) = input {
                    chunks.push(Chunk::ToolInputAvailable {
                        tool_call_id: tool_call_id.clone(),
                        tool_name,
                        input,
                    });
                }
                match (output, error_text) {
                    (Some(output), _) => chunks.push(Chunk::ToolOutputAvailable { tool_call_id, output }),
                    (None, Some(error_text)) => {
                        chunks.push(Chunk::ToolOutputError { tool_call_id, error_text });
                    }
                    (None, None) => {}
                }
            }
            Part::Unknown { .. } => {}
        }
    }
    chunks
}

#[cfg(test)]
mod tests {
    use chinwag_protocol::Json;

    use super::*;

    #[test]
    fn a_reply_at_rest_is_told_with_a_step_after_its_calls() {
        let tool = Part::Tool {
            tool_call_id: "c".into(),
            tool_name: "look".into(),
            state: "output-available".into(),
            input: Json::parse("{}").ok(),
            output: Json::parse("1").ok(),
            error_text: None,
        };
        let parts = [Part::Text { text: "Hm.".into() }, tool, Part::Text { text: "Rain.".into() }];
        let start = || Chunk::Start { message_id: None, metadata: None };
        let kinds = |base: usize| -> Vec<String> {
            let kind = |chunk: &Chunk| {
                let value: serde_json::Value = serde_json::from_str(&chunk.to_json()).unwrap();
                value["type"].as_str().unwrap().to_owned()
            };
            replay(&parts, base, start()).iter().map(kind).collect()
        };
        let after = ["start", "start-step", "text-start", "text-delta", "text-end"];
        assert_eq!(kinds(2), after);
        let all = kinds(0);
        assert_eq!(all.iter().filter(|kind| *kind == "start-step").count(), 1);
        assert_eq!(all[all.len() - 4..], after[1..]);
    }
}
