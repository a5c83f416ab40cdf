//! Blocks that hold text and no blocks, and the lines that start them.

use super::cursor::is_space;
use super::inline::{Live, MAX_LIVE_BYTES};
use super::link::unescape;
use super::node::{Alignment, Cell};
use super::work;

/// The longest name of a language, in bytes; a longer one is none. Stops a
/// label as long as the reply.
pub const MAX_LANGUAGE_BYTES: usize = 64;

/// How long, in bytes, a line of marks is not drawn because nobody can say what
/// it becomes. Stops a line of nothing else from hiding the reply.
const MAX_UNDECIDED_BYTES: usize = 512;

/// The block at the end of the deepest open container that still takes lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Leaf {
    #[default]
    None,
    Paragraph {
        text: String,
        /// What a provisional pass has already read of it.
        live: Live,
        /// Whether the line that is still arriving began it.
        fresh: bool,
    },
    Fence {
        fence: Fence,
        language: Option<String>,
        text: String,
    },
    Indented {
        text: String,
        /// Blank lines that belong to it if more code follows.
        blanks: String,
    },
    Table {
        alignments: Vec<Alignment>,
        head: Vec<Cell>,
        rows: Vec<Vec<Cell>>,
    },
}

impl Leaf {
    pub(super) fn is_paragraph(&self) -> bool {
        matches!(self, Self::Paragraph { .. })
    }

    /// Whether a line of text goes on with this block unless it starts another.
    pub(super) fn takes_lines(&self) -> bool {
        matches!(self, Self::Paragraph { .. } | Self::Table { .. })
    }
}

/// The opening line of fenced code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fence {
    byte: u8,
    length: usize,
    /// In columns; taken off the lines of the code too.
    pub(super) indent: usize,
}

impl Fence {
    pub(super) fn is_closed_by(self, text: &str) -> bool {
        let run = run_length(text, self.byte);
        run >= self.length && text.get(run..).is_some_and(|rest| rest.trim_matches(is_space).is_empty())
    }

    /// Whether the line that is still arriving may become the closing one.
    pub(super) fn may_close(self, text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|byte| byte == self.byte)
    }
}

/// A fence, and the first word after it.
pub(super) fn fence(text: &str, indent: usize) -> Option<(Fence, Option<String>)> {
    let byte = *text.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = run_length(text, byte);
    let info = text.get(length..)?;
    if length < 3 || (byte == b'`' && info.contains('`')) {
        return None;
    }
    let language = info.split([' ', '\t']).find(|word| !word.is_empty());
    let language = language.filter(|word| word.len() <= MAX_LANGUAGE_BYTES).map(unescape);
    Some((Fence { byte, length, indent }, language))
}

/// A heading of one line: its level and content.
pub(super) fn heading(text: &str) -> Option<(u8, &str)> {
    let level = run_length(text, b'#');
    let rest = text.get(level..)?;
    if !(1..=6).contains(&level) || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
        return None;
    }
    let content = rest.trim_matches(is_space);
    let unclosed = content.trim_end_matches('#');
    let content = if unclosed.is_empty() || unclosed.ends_with([' ', '\t']) { unclosed } else { content };
    Some((u8::try_from(level).ok()?, content.trim_matches(is_space)))
}

/// The level of the heading that the line makes of the paragraph above it.
pub(super) fn underline(text: &str) -> Option<u8> {
    let text = text.trim_end_matches(is_space);
    let is_all = |byte| !text.is_empty() && text.bytes().all(|other| other == byte);
    match () {
        () if is_all(b'=') => Some(1),
        () if is_all(b'-') => Some(2),
        () => None,
    }
}

/// Whether the line is a thematic break.
pub(super) fn is_rule(text: &str) -> bool {
    let Some(&mark) = text.as_bytes().first().filter(|byte| matches!(byte, b'*' | b'-' | b'_')) else {
        return false;
    };
    let mut count = 0;
    text.bytes().all(|byte| {
        count += usize::from(byte == mark);
        byte == mark || byte == b' ' || byte == b'\t'
    }) && count >= 3
}

/// Whether nobody can say yet what a line is of which only this has arrived:
/// an underline or a list item, a rule or strong text. It is not drawn until
/// more of it comes, or the text would jump between the two.
pub(super) fn is_undecided(text: &str) -> bool {
    let text = text.trim_matches(is_space);
    if text.is_empty() || text.len() > MAX_UNDECIDED_BYTES {
        return false;
    }
    work::count(text.len());
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text.get(digits..) {
        Some("") => digits <= 3,
        Some("." | ")") if digits > 0 => digits <= 9,
        _ => text.bytes().all(|byte| b"-=*_+#>`~|: ".contains(&byte)),
    }
}

/// Whether a paragraph that is still arriving may end in the head of a table:
/// what stands above it, and the head.
pub(super) fn head_begun(text: &str) -> Option<(&str, &str)> {
    let (above, head) = text.rsplit_once('\n').unwrap_or(("", text));
    let before = above.rsplit('\n').next().unwrap_or_default();
    let is_short = head.len() <= MAX_LIVE_BYTES;
    (is_short && head.starts_with('|') && !before.starts_with('|')).then_some((above, head))
}

fn run_length(text: &str, byte: u8) -> usize {
    text.bytes().take_while(|&other| other == byte).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_loses_its_closing_marks_only_after_a_space() {
        assert_eq!(heading("## a ##"), Some((2, "a")));
        assert_eq!(heading("# a#"), Some((1, "a#")));
        assert_eq!(heading("### ###"), Some((3, "")));
        assert_eq!(heading("#"), Some((1, "")));
        assert_eq!(heading("#a"), None);
        assert_eq!(heading("####### a"), None);
    }

    #[test]
    fn a_fence_names_its_language_by_the_first_word() {
        let language = |text| fence(text, 0).map(|(_, language)| language);
        assert_eq!(language("```rust no_run"), Some(Some("rust".into())));
        assert_eq!(language("~~~"), Some(None));
        assert_eq!(language("``` a`b"), None);
        assert_eq!(language("``"), None);
        assert_eq!(language(&format!("```{}", "a".repeat(MAX_LANGUAGE_BYTES + 1))), Some(None));
    }

    #[test]
    fn rules_are_three_marks_of_one_kind() {
        assert!(is_rule("***") && is_rule("- - -") && is_rule("_____ "));
        assert!(!is_rule("--") && !is_rule("**-") && !is_rule("---a") && !is_rule("+++"));
    }

    #[test]
    fn a_line_that_may_become_two_things_is_undecided() {
        for text in ["-", "- ", "--", "==", "1", "1.", "12)", "#", "> -", "``", "|--|:", "**"] {
            assert!(is_undecided(text), "{text}");
        }
        for text in ["", "- a", "1. a", "2024", "a", "# a", "`a"] {
            assert!(!is_undecided(text), "{text}");
        }
    }
}
