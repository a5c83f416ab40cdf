//! The lines of tables, as GitHub's extension has them.

use super::inline;
use super::node::{Alignment, Cell};
use super::reference::References;

/// The most columns; a head with more is text.
pub const MAX_COLUMNS: usize = 64;

/// The most cells of one table; the rows after them are text. Together with
/// [`MAX_COLUMNS`] it stops rows of one byte, each of which is filled up with
/// empty cells to the width of the head.
pub const MAX_CELLS: usize = 16_384;

/// The alignments that a delimiter row gives.
pub(super) fn alignments(line: &str) -> Option<Vec<Alignment>> {
    let mut alignments = Vec::new();
    for cell in cells(line) {
        let (left, right) = (cell.starts_with(':'), cell.len() > 1 && cell.ends_with(':'));
        let dashes = cell.strip_prefix(':').unwrap_or(cell);
        let dashes = dashes.strip_suffix(':').unwrap_or(dashes);
        if dashes.is_empty() || !dashes.bytes().all(|byte| byte == b'-') || alignments.len() == MAX_COLUMNS {
            return None;
        }
        alignments.push(match (left, right) {
            (true, true) => Alignment::Center,
            (true, false) => Alignment::Left,
            (false, true) => Alignment::Right,
            (false, false) => Alignment::Unset,
        });
    }
    Some(alignments).filter(|alignments| !alignments.is_empty())
}

/// How many cells a line has.
pub(super) fn width(line: &str) -> usize {
    cells(line).count()
}

/// The cells of a row, as many as there are columns.
pub(super) fn row(line: &str, columns: usize, references: &mut References, arriving: bool) -> Vec<Cell> {
    let mut row: Vec<Cell> = Vec::with_capacity(columns);
    let is_closed = line.trim_end().ends_with('|') && !line.trim_end().ends_with("\\|");
    let mut left = cells(line).take(columns).peekable();
    while let Some(cell) = left.next() {
        // A pipe is escaped for the table, before anything else is read.
        let text = cell.replace("\\|", "|");
        let is_last = arriving && !is_closed && left.peek().is_none();
        row.push(if is_last {
            inline::parse_anew(&text, references)
        } else {
            inline::parse(&text, references)
        });
    }
    row.resize_with(columns, Vec::new);
    row
}

/// The cells between the pipes that are not escaped, without the ones at the
/// ends of the line.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    let line = line.trim_matches([' ', '\t']);
    // A line that is one pipe has no cells at all.
    let mut rest = Some(line.strip_prefix('|').unwrap_or(line)).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let mut escaped = false;
        let pipe = text.bytes().position(|byte| {
            let was_escaped = escaped;
            escaped = byte == b'\\' && !was_escaped;
            byte == b'|' && !was_escaped
        });
        let cell = match pipe {
            Some(at) => {
                rest = text.get(at + 1..).filter(|after| !after.is_empty());
                text.get(..at)
            }
            None => rest.take(),
        };
        cell.map(|cell| cell.trim_matches([' ', '\t']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_at_the_ends_of_a_row_make_no_cells() {
        for line in ["a|b", "|a|b|", " | a | b |", "a | b |"] {
            assert_eq!(cells(line).collect::<Vec<_>>(), ["a", "b"], "{line}");
        }
        assert_eq!(cells("|a||").collect::<Vec<_>>(), ["a", ""]);
        assert_eq!(cells("a\\|b|c").collect::<Vec<_>>(), ["a\\|b", "c"]);
    }

    #[test]
    fn a_delimiter_row_gives_the_alignments() {
        use Alignment::{Center, Left, Right, Unset};
        assert_eq!(alignments("|-|:-|:-:|--:|"), Some(vec![Unset, Left, Center, Right]));
        assert_eq!(alignments("|-|"), Some(vec![Unset]));
        for line in ["", "|", "|:|", "|a|", "|- -|", "|::|", "|-||"] {
            assert_eq!(alignments(line), None, "{line}");
        }
        assert_eq!(alignments(&"-|".repeat(MAX_COLUMNS + 1)), None);
    }
}
