//! Whole sentences for the screen reader, out of a reply that comes in pieces.
//!
//! Tokens would be read as stutter; a whole reply would be read too late. So
//! text is held back until a sentence or a line is complete, without the marks
//! of Markdown.

/// Longest text that is held back, in bytes: a reply without full stops is
/// still read.
const MAX_HELD_BYTES: usize = 400;

/// Makes sentences out of pieces.
#[derive(Debug, Clone, Default)]
pub struct Announcer {
    held: String,
    in_fence: bool,
}

impl Announcer {
    /// Takes in a piece of the reply's Markdown and gives what became whole.
    pub fn push(&mut self, delta: &str) -> Option<String> {
        self.held.push_str(delta);
        let cut = self.cut()?;
        let rest = self.held.split_off(cut);
        let whole = std::mem::replace(&mut self.held, rest);
        self.plain(&whole)
    }

    /// Gives what is left at the end.
    pub fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.held);
        self.plain(&rest)
    }

    /// Where the last whole sentence or line ends.
    fn cut(&self) -> Option<usize> {
        let mut cut = None;
        let mut previous = ' ';
        for (at, character) in self.held.char_indices() {
            let ends_line = character == '\n';
            let ends_sentence = character == ' ' && matches!(previous, '.' | '!' | '?' | ':' | '…');
            let ends_cjk = matches!(character, '。' | '！' | '？');
            if ends_line || ends_sentence || ends_cjk {
                cut = Some(at + character.len_utf8());
            }
            previous = character;
        }
        cut.or_else(|| {
            let space = self.held.rfind(' ').filter(|_| self.held.len() > MAX_HELD_BYTES);
            space.map(|at| at + 1)
        })
    }

    fn plain(&mut self, markdown: &str) -> Option<String> {
        let mut out = String::new();
        for line in markdown.lines() {
            let trimmed = line.trim();
            if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
                self.in_fence = !self.in_fence;
                continue;
            }
            if self.in_fence {
                // Code is there to be copied; read aloud it is noise.
                continue;
            }
            let text = trimmed.trim_start_matches(['#', '>', '-', '+', '*', ' ']);
            let text: String = text.chars().filter(|c| !matches!(c, '*' | '_' | '`' | '|' | '~')).collect();
            let text = without_link_targets(&text);
            let text = text.trim();
            if !text.is_empty() {
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(text);
            }
        }
        (!out.is_empty()).then_some(out)
    }
}

/// `[label](target)` becomes `label`; a citation mark `[1]` is dropped.
fn without_link_targets(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let Some((label, tail)) = after.split_once(']') else {
            out.push_str(after);
            return out;
        };
        if !label.chars().all(|c| c.is_ascii_digit()) {
            out.push_str(label);
        }
        rest = match tail.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, beyond)) => beyond,
            None => tail,
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announce(pieces: &[&str]) -> Vec<String> {
        let mut announcer = Announcer::default();
        let mut said: Vec<String> = pieces.iter().filter_map(|piece| announcer.push(piece)).collect();
        said.extend(announcer.finish());
        said
    }

    #[test]
    fn sentences_are_said_whole() {
        assert_eq!(
            announce(&["Best with", "in **four", " weeks**. Keep", " the bag closed", "."]),
            ["Best within four weeks.", "Keep the bag closed."]
        );
    }

    #[test]
    fn a_decimal_point_ends_nothing() {
        assert_eq!(announce(&["It costs 3.", "50 euros. ", "Yes"]), ["It costs 3.50 euros.", "Yes"]);
    }

    #[test]
    fn code_and_marks_are_left_out() {
        let said =
            announce(&["## Setup\n", "Run [this](https://a.example/x) [1]:\n```sh\n", "rm -rf\n```\nDone"]);
        assert_eq!(said.join("|"), "Setup|Run this :|Done");
    }

    #[test]
    fn text_without_full_stops_is_said_all_the_same() {
        let said = announce(&["word "; 200]);
        assert!(said.len() > 1);
        assert_eq!(said.join(" ").split_whitespace().count(), 200);
    }
}
