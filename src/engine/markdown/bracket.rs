//! Links and pictures: what stands between brackets, and what follows them.

use super::cursor::is_space;
use super::emphasis::{self, MAX_INLINE_NESTING, Piece};
use super::href::Href;
use super::inline::{MAX_HELD, Scanner};
use super::link::{self, Scan, inline_target};
use super::node::{Inline, plain_text};
use super::reference::Target;
use super::work;

/// How many brackets may be open at once. Stops a text of `[` from being
/// walked through for every link that closes in it.
pub const MAX_OPEN_BRACKETS: usize = 200;

/// The same for the address and title of a link, which may be long and are
/// not shown.
const MAX_HELD_TARGET: usize = 1024;

/// An open `[` or `![`.
pub(super) struct Bracket {
    /// The piece that holds it as text.
    piece: usize,
    /// Where its label begins.
    label: usize,
    image: bool,
    active: bool,
    /// Whether another bracket came after it: then its text is no label.
    crossed: bool,
}

impl Scanner<'_> {
    pub(super) fn open_bracket(&mut self, length: usize) {
        if self.brackets.len() >= MAX_OPEN_BRACKETS {
            return self.take_plain(length);
        }
        if let Some(before) = self.brackets.last_mut() {
            before.crossed = true;
        }
        self.flush();
        let piece = self.pieces.len();
        self.take_plain(length);
        self.flush();
        self.brackets.push(Bracket {
            piece,
            label: self.at,
            image: length == 2,
            active: true,
            crossed: false,
        });
    }

    pub(super) fn close_bracket(&mut self) {
        let Some(bracket) = self.brackets.pop().filter(|bracket| bracket.active) else {
            return self.take_plain(1);
        };
        let label = self.text.get(bracket.label..self.at).unwrap_or_default();
        let after = self.text.get(self.at + 1..).unwrap_or_default();
        let target = match inline_target(after) {
            Scan::Found((destination, title, rest)) => Some((Target { destination, title }, rest)),
            Scan::Open if self.live && after.len() < MAX_HELD_TARGET => return self.show_label(&bracket),
            _ => match link::label(after) {
                Scan::Found((named, rest)) if !named.trim_matches(is_space).is_empty() => {
                    self.references.find(named).map(|target| (target, rest))
                }
                Scan::Open if self.live && after.len() < MAX_HELD => return self.show_label(&bracket),
                // The label of a link is no longer than that, or has brackets.
                _ if bracket.crossed || label.len() > 4 * link::MAX_LABEL_CHARS => None,
                _ => {
                    let rest = after.strip_prefix("[]").unwrap_or(after);
                    self.references.find(label).map(|target| (target, rest))
                }
            },
        };
        match target {
            Some((target, rest)) => {
                self.flush();
                self.at = self.text.len() - rest.len();
                self.link(&bracket, target);
            }
            None if self.live && after.is_empty() && label.len() < MAX_HELD => self.show_label(&bracket),
            None => {
                self.unsure |= after.len() < link::MAX_LINK_PART_BYTES && after.starts_with(['(', '[']);
                self.take_plain(1);
            }
        }
    }

    /// A link of which the address is still arriving: its label, and nothing
    /// of what follows.
    fn show_label(&mut self, bracket: &Bracket) {
        if let Some(piece) = self.pieces.get_mut(bracket.piece) {
            *piece = Piece::text(String::new());
        }
        self.at = self.text.len();
    }

    /// A `[` near the end may be the start of a link: its text is shown
    /// without it.
    pub(super) fn hide_open_brackets(&mut self) {
        for bracket in std::mem::take(&mut self.brackets) {
            if bracket.active && self.text.len() - bracket.label < MAX_HELD {
                self.show_label(&bracket);
            }
        }
    }

    fn link(&mut self, bracket: &Bracket, target: Target) {
        let pieces = self.pieces.split_off(bracket.piece + 1);
        self.pieces.pop();
        let (children, depth) = emphasis::resolve(pieces, false);
        if !bracket.image {
            // A link holds no link: the brackets around this one are text.
            for outer in self.brackets.iter_mut().rev().filter(|outer| !outer.image) {
                work::count(1);
                if !std::mem::replace(&mut outer.active, false) {
                    break;
                }
            }
        }
        let Target { destination, title } = target;
        let title = title.filter(|title| !title.is_empty());
        match Href::parse(&destination).filter(|_| depth < MAX_INLINE_NESTING) {
            Some(src) if bracket.image => {
                self.push(Inline::Image { src, title, alt: plain_text(&children) }, 0);
            }
            Some(href) => {
                self.push(Inline::Link { href, title, children: without_links(children) }, depth + 1);
            }
            // An address that may not be followed leaves its label.
            None => self.pieces.extend(children.into_iter().map(|child| Piece::Node(child, depth))),
        }
    }
}

/// The label of a link, with the autolinks in it as text.
fn without_links(children: Vec<Inline>) -> Vec<Inline> {
    let mut plain: Vec<Inline> = Vec::with_capacity(children.len());
    for child in children {
        let parts = match child {
            Inline::Link { children, .. } => children,
            Inline::Emph(children) => vec![Inline::Emph(without_links(children))],
            Inline::Strong(children) => vec![Inline::Strong(without_links(children))],
            Inline::Strike(children) => vec![Inline::Strike(without_links(children))],
            other => vec![other],
        };
        for part in parts {
            match (plain.last_mut(), part) {
                (Some(Inline::Text(last)), Inline::Text(text)) => last.push_str(&text),
                (_, part) => plain.push(part),
            }
        }
    }
    plain
}
