//! A place in one line, counted in columns: a tab reaches to the next multiple
//! of four, and a container may take only a part of it.

/// What is left of a line.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    /// What has not been taken yet.
    pub(super) rest: &'a str,
    column: usize,
    /// Columns that are left of a tab of which a part has been taken.
    partial: usize,
}

const TAB: usize = 4;

impl<'a> Cursor<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self { rest: line, column: 0, partial: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    pub(super) fn is_blank(&self) -> bool {
        self.rest.bytes().all(is_blank)
    }

    /// The columns of white space that stand here.
    pub(super) fn indent(&self) -> usize {
        let start = self.column;
        let mut column = start + self.partial;
        for byte in self.rest.bytes() {
            match byte {
                b' ' => column += 1,
                b'\t' => column += TAB - column % TAB,
                _ => break,
            }
        }
        column - start
    }

    /// Takes at most so many columns of white space.
    pub(super) fn skip_columns(&mut self, mut count: usize) {
        while count > 0 {
            if self.partial > 0 {
                let taken = self.partial.min(count);
                self.partial -= taken;
                self.column += taken;
                count -= taken;
            } else if let Some(rest) = self.rest.strip_prefix(' ') {
                self.rest = rest;
                self.column += 1;
                count -= 1;
            } else if let Some(rest) = self.rest.strip_prefix('\t') {
                self.rest = rest;
                self.partial = TAB - self.column % TAB;
            } else {
                break;
            }
        }
    }

    pub(super) fn skip_space(&mut self) {
        self.skip_columns(self.indent());
    }

    /// Takes so many bytes, all of them ASCII and none of them a tab.
    pub(super) fn bump(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
        self.column += bytes;
    }

    /// Appends what is left, with the rest of a tab as spaces.
    pub(super) fn append_to(&self, text: &mut String) {
        for _ in 0..self.partial {
            text.push(' ');
        }
        text.push_str(self.rest);
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Whether a character is white space that does not make a paragraph.
pub(super) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tab_reaches_to_the_next_stop_and_can_be_taken_in_parts() {
        let mut cursor = Cursor::new(" \tx");
        assert_eq!(cursor.indent(), 4);
        cursor.skip_columns(2);
        assert_eq!(cursor.indent(), 2);
        let mut text = String::new();
        cursor.append_to(&mut text);
        assert_eq!(text, "  x");
    }
}
