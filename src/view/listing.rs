//! A code block on the screen, whose lines are coloured as they are finished.

use web_sys::{Node, Text as TextNode};

use super::dom::{append, append_data, el, text};
use crate::engine::markdown::highlight::{Highlighter, Token};

/// The lines of a code block: whole ones are coloured and stay, the rest is one
/// text that grows.
#[derive(Debug)]
pub(super) struct Listing {
    /// What the lines stand in.
    pub(super) code: Node,
    highlighter: Option<Highlighter>,
    /// How many bytes stand in coloured lines.
    coloured: usize,
    rest: TextNode,
    rest_bytes: usize,
}

impl Listing {
    /// An empty listing at the end of `code`.
    pub(super) fn new(code: &Node, language: Option<&str>) -> Self {
        let rest = text("");
        append(code, &rest);
        let highlighter = language.and_then(Highlighter::new);
        Self { code: code.clone(), highlighter, coloured: 0, rest, rest_bytes: 0 }
    }

    /// Shows all of a text that begins with what was shown before.
    pub(super) fn show(&mut self, content: &str) {
        if let Some(highlighter) = &mut self.highlighter {
            let before = self.coloured;
            for line in content.get(self.coloured..).unwrap_or_default().split_inclusive('\n') {
                if !line.ends_with('\n') {
                    break;
                }
                colour(&self.code, &self.rest, line, highlighter);
                self.coloured += line.len();
            }
            if self.coloured > before {
                self.rest.set_data("");
                self.rest_bytes = 0;
            }
        }
        let more = content.get(self.coloured + self.rest_bytes..).unwrap_or_default();
        if !more.is_empty() {
            append_data(&self.rest, more);
            self.rest_bytes += more.len();
        }
    }
}

fn colour(code: &Node, before: &Node, line: &str, highlighter: &mut Highlighter) {
    let place = |node: &Node| {
        // `before` is a child of `code` for as long as both are there.
        let _ = code.insert_before(node, Some(before));
    };
    let mut at = 0;
    for (token, range) in highlighter.line(line) {
        if let Some(plain) = line.get(at..range.start).filter(|plain| !plain.is_empty()) {
            place(&text(plain));
        }
        place(&el("span", class_of(token)).text(line.get(range.clone()).unwrap_or_default()));
        at = range.end;
    }
    if let Some(plain) = line.get(at..).filter(|plain| !plain.is_empty()) {
        place(&text(plain));
    }
}

const fn class_of(token: Token) -> &'static str {
    match token {
        Token::Keyword => "cw-keyword",
        Token::String => "cw-string",
        Token::Comment => "cw-comment",
        Token::Number => "cw-number",
    }
}
