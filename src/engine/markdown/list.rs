//! The markers of list items and of tasks.

use super::cursor::Cursor;

/// What makes two items belong to one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marker {
    /// `-`, `+`, `*`, or what ends a number: `.` or `)`.
    kind: u8,
    /// The number of an ordered item.
    pub(super) number: Option<u32>,
}

impl Marker {
    pub(super) fn continues(self, list: Self) -> bool {
        self.kind == list.kind
    }
}

/// The marker at the cursor: with it, the column in the container from which
/// on the item's content counts as its own. The cursor is past it then.
///
/// `interrupts` says that a paragraph is open here: it is interrupted only by
/// an item that has text and, if ordered, begins at one.
pub(super) fn marker(cursor: &mut Cursor<'_>, indent: usize, interrupts: bool) -> Option<(Marker, usize)> {
    let (marker, width) = read(cursor.rest)?;
    let after = cursor.rest.get(width..).unwrap_or_default();
    if !after.is_empty() && !after.starts_with([' ', '\t']) {
        return None;
    }
    let mut past = cursor.clone();
    past.bump(width);
    let blank = past.is_blank();
    if interrupts && (blank || marker.number.is_some_and(|number| number != 1)) {
        return None;
    }
    let space = match past.indent() {
        _ if blank => {
            past.skip_space();
            1
        }
        space @ 1..=4 => space,
        // More is the indentation of code, after the one space of the marker.
        _ => 1,
    };
    past.skip_columns(space);
    *cursor = past;
    Some((marker, indent + width + space))
}

/// The longest number of an ordered item, in digits: browsers lose count of
/// longer ones.
const MAX_DIGITS: usize = 9;

fn read(text: &str) -> Option<(Marker, usize)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let kind = *text.as_bytes().get(digits)?;
    match kind {
        b'-' | b'+' | b'*' if digits == 0 => Some((Marker { kind, number: None }, 1)),
        b'.' | b')' if (1..=MAX_DIGITS).contains(&digits) => {
            let number = text.get(..digits)?.parse().ok()?;
            Some((Marker { kind, number: Some(number) }, digits + 1))
        }
        _ => None,
    }
}

/// The mark of a task at the start of an item's first line: whether it is done,
/// and the text after it.
pub(super) fn task(text: &str) -> Option<(bool, &str)> {
    let (done, rest) = if let Some(rest) = text.strip_prefix("[ ]") {
        (false, rest)
    } else {
        (true, text.strip_prefix("[x]").or_else(|| text.strip_prefix("[X]"))?)
    };
    let content = rest.trim_start_matches([' ', '\t']);
    (content.len() < rest.len() || rest.is_empty()).then_some((done, content))
}

/// Whether an item's text that is still arriving may be the mark of a task.
pub(super) fn is_task_begun(text: &str) -> bool {
    ["[ ]", "[x]", "[X]"].iter().any(|mark| mark.starts_with(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(text: &str, interrupts: bool) -> Option<(Option<u32>, usize)> {
        marker(&mut Cursor::new(text), 0, interrupts).map(|(marker, column)| (marker.number, column))
    }

    #[test]
    fn the_content_of_an_item_begins_after_at_most_four_spaces() {
        assert_eq!(content("- a", false), Some((None, 2)));
        assert_eq!(content("-    a", false), Some((None, 5)));
        assert_eq!(content("-     a", false), Some((None, 2)));
        assert_eq!(content("10) a", false), Some((Some(10), 4)));
        assert_eq!(content("-", false), Some((None, 2)));
        assert_eq!(content("-a", false), None);
        assert_eq!(content("1234567890. a", false), None);
    }

    #[test]
    fn a_paragraph_is_interrupted_only_by_a_list_that_begins() {
        assert_eq!(content("1. a", true), Some((Some(1), 3)));
        assert_eq!(content("2. a", true), None);
        assert_eq!(content("-", true), None);
    }

    #[test]
    fn a_task_needs_room_after_its_mark() {
        assert_eq!(task("[ ] a"), Some((false, "a")));
        assert_eq!(task("[X]\ta"), Some((true, "a")));
        assert_eq!(task("[x]a"), None);
        assert_eq!(task("[ ]"), Some((false, "")));
    }
}
