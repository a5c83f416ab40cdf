//! Text of a paragraph, heading or cell to inlines: one pass from left to
//! right for code, links, escapes and breaks, then the delimiter rules.

use super::autolink;
use super::cursor::is_space;
use super::emphasis::{self, MAX_INLINE_NESTING, Piece, Run};
use super::entity;
use super::href::Href;
use super::link::{self, Scan, inline_target};
use super::node::{Inline, plain_text};
use super::reference::{References, Target};
use super::work;

/// How many brackets may be open at once. Stops a text of `[` from being
/// walked through for every link that closes in it.
pub const MAX_OPEN_BRACKETS: usize = 200;

/// The longest run of backticks that makes a code span. Bounds the table that
/// stops runs of ever new lengths from each searching the whole text.
pub const MAX_BACKTICKS: usize = 32;

/// How long, in bytes, a code span or a label that has only begun is drawn as
/// if it were whole. A stray bracket does not stay hidden for a long paragraph.
const MAX_HELD: usize = 240;

/// The same for the address and title of a link, which may be long and are
/// not shown.
const MAX_HELD_TARGET: usize = 1024;

/// How many bytes of a paragraph are read again at least before a part of it
/// is put aside as read.
const CHECKPOINT: usize = 256;

/// Inlines of a text that is whole.
pub(super) fn parse(text: &str, references: &mut References) -> Vec<Inline> {
    let mut scanner = Scanner::new(text.trim_end_matches(is_space), 0, references);
    scanner.run();
    scanner.end().0
}

/// Inlines of a text that is still arriving.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Live {
    /// All of them: the first `settled` will not change by what comes.
    pub(super) inlines: Vec<Inline>,
    pub(super) settled: usize,
    /// Where in the text the others begin, in bytes.
    pub(super) resume: usize,
}

/// Reads on a text that has grown. Of what `before` holds only the settled
/// part may be left.
pub(super) fn parse_live(text: &str, before: Live, references: &mut References) -> Live {
    let mut scanner = Scanner::new(held_back(text), before.resume, references);
    scanner.live = true;
    scanner.settled = before.inlines;
    scanner.run();
    let resume = scanner.resume;
    let (inlines, settled) = scanner.end();
    Live { inlines, settled, resume }
}

/// The text without an end of which nobody can say yet what it is.
fn held_back(text: &str) -> &str {
    let is_open = |character| is_space(character) || matches!(character, '*' | '_' | '~' | '`' | '\\');
    let text = text.trim_end_matches(is_open);
    match text.rfind('&').and_then(|at| text.split_at_checked(at)) {
        Some((before, reference)) if entity::is_begun(reference) => before.trim_end_matches(is_open),
        _ => text,
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    live: bool,
    settled: Vec<Inline>,
    resume: usize,
    /// From where on it is tried to settle what was read.
    checkpoint: usize,
    /// Something that was read as text may still become more: nothing after it
    /// can settle.
    unsure: bool,
    pieces: Vec<Piece>,
    /// Text that has been read and not yet become a piece.
    plain: String,
    brackets: Vec<Bracket>,
    /// For each length of a run of backticks, where the last one begins.
    ticks: Option<[usize; MAX_BACKTICKS + 1]>,
    references: &'a mut References,
}

/// An open `[` or `![`.
struct Bracket {
    /// The piece that holds it as text.
    piece: usize,
    /// Where its label begins.
    label: usize,
    image: bool,
    active: bool,
    /// Whether another bracket came after it: then its text is no label.
    crossed: bool,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str, at: usize, references: &'a mut References) -> Self {
        Self {
            text,
            at,
            live: false,
            settled: Vec::new(),
            resume: at,
            checkpoint: at + CHECKPOINT,
            unsure: false,
            pieces: Vec::new(),
            plain: String::new(),
            brackets: Vec::new(),
            ticks: None,
            references,
        }
    }

    fn run(&mut self) {
        while let Some(byte) = self.byte(self.at) {
            let before = self.at;
            match byte {
                b'\\' => self.escape(),
                b'`' => self.code(),
                b'*' | b'_' | b'~' => self.delimiters(byte),
                b'[' => self.open_bracket(1),
                b'!' if self.byte(self.at + 1) == Some(b'[') => self.open_bracket(2),
                b']' => self.close_bracket(),
                b'<' => self.angle(),
                b'&' => self.entity(),
                b'\n' => self.line_end(),
                b':' | b'@' | b'w' => self.bare_link(),
                _ => self.plain_run(),
            }
            work::count(self.at - before + 1);
        }
    }

    fn end(mut self) -> (Vec<Inline>, usize) {
        if self.live {
            self.hide_open_brackets();
        }
        self.flush();
        let settled = self.settled.len();
        self.settled.append(&mut emphasis::resolve(self.pieces, self.live).0);
        (self.settled, settled)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes so many bytes as they are.
    fn take_plain(&mut self, bytes: usize) {
        let end = self.at + bytes;
        self.plain.push_str(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    fn flush(&mut self) {
        if !self.plain.is_empty() {
            self.pieces.push(Piece::text(std::mem::take(&mut self.plain)));
        }
    }

    fn push(&mut self, node: Inline, depth: usize) {
        self.flush();
        self.pieces.push(Piece::Node(node, depth));
    }

    fn plain_run(&mut self) {
        let is_special = |byte| {
            matches!(
                byte,
                b'\\'
                    | b'`'
                    | b'*'
                    | b'_'
                    | b'~'
                    | b'['
                    | b']'
                    | b'!'
                    | b'<'
                    | b'&'
                    | b'\n'
                    | b':'
                    | b'@'
                    | b'w'
            )
        };
        let length = self.rest().bytes().skip(1).take_while(|&byte| !is_special(byte)).count() + 1;
        // What stands before a space is settled once nothing is open.
        if self.live && self.at + length > self.checkpoint && self.brackets.is_empty() && !self.unsure {
            let run = self.rest().as_bytes().get(..length).unwrap_or_default();
            let gap = run.windows(3).rposition(
                |window| matches!(*window, [before, b' ', after] if before != b' ' && after != b' '),
            );
            if let Some(gap) = gap {
                self.take_plain(gap + 1);
                self.flush();
                self.pieces = emphasis::pair(std::mem::take(&mut self.pieces));
                self.checkpoint = self.at + CHECKPOINT;
                if !self.pieces.iter().any(Piece::may_open) {
                    self.settled.append(&mut emphasis::flatten(std::mem::take(&mut self.pieces)).0);
                    self.resume = self.at;
                }
                return;
            }
        }
        self.take_plain(length);
    }

    fn escape(&mut self) {
        match self.byte(self.at + 1) {
            Some(b'\n') => {
                self.push(Inline::HardBreak, 0);
                self.at += 2;
            }
            Some(byte) if byte.is_ascii_punctuation() => {
                self.at += 1;
                self.take_plain(1);
            }
            _ => self.take_plain(1),
        }
    }

    fn run_length(&self, at: usize, byte: u8) -> usize {
        self.text.bytes().skip(at).take_while(|&next| next == byte).count()
    }

    fn code(&mut self) {
        let length = self.run_length(self.at, b'`');
        let start = self.at + length;
        let last = *self.ticks.get_or_insert_with(|| last_ticks(self.text, self.at));
        if last.get(length).is_none_or(|&last| last < start) {
            let held = self.text.len() - start;
            if self.live && held > 0 && held < MAX_HELD {
                let code = code_text(self.text.get(start..).unwrap_or_default());
                self.push(Inline::Code(code), 0);
                self.at = self.text.len();
            } else {
                self.unsure = true;
                self.take_plain(length);
            }
            return;
        }
        let mut at = start;
        while at < self.text.len() {
            let run = self.run_length(at, b'`');
            work::count(run + 1);
            if run == length {
                let code = code_text(self.text.get(start..at).unwrap_or_default());
                self.push(Inline::Code(code), 0);
                self.at = at + run;
                return;
            }
            at += run.max(1);
        }
        self.take_plain(length);
    }

    fn delimiters(&mut self, byte: u8) {
        let length = self.run_length(self.at, byte);
        let before = self.text.get(..self.at).and_then(|text| text.chars().next_back()).unwrap_or(' ');
        let after = self.text.get(self.at + length..).and_then(|text| text.chars().next()).unwrap_or(' ');
        match Run::new(byte, length, before, after) {
            Some(run) => {
                self.flush();
                self.pieces.push(Piece::Run(run));
                self.at += length;
            }
            None => self.take_plain(length),
        }
    }

    fn entity(&mut self) {
        match entity::decode(self.rest()) {
            Some((character, length)) => {
                self.plain.push(character);
                self.at += length;
            }
            None => self.take_plain(1),
        }
    }

    fn line_end(&mut self) {
        let is_hard = self.plain.ends_with("  ");
        self.plain.truncate(self.plain.trim_end_matches([' ', '\t']).len());
        self.push(if is_hard { Inline::HardBreak } else { Inline::SoftBreak }, 0);
        self.at += 1;
    }

    fn open_bracket(&mut self, length: usize) {
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

    fn close_bracket(&mut self) {
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
    fn hide_open_brackets(&mut self) {
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

    fn angle(&mut self) {
        match autolink::angle(self.rest()) {
            Scan::Found((address, href, length)) => {
                match href {
                    Some(href) => self.push_autolink(address, href),
                    None => self.plain.push_str(address),
                }
                self.at += length;
            }
            Scan::Open if self.live => self.at += 1,
            _ => self.take_plain(1),
        }
    }

    fn bare_link(&mut self) {
        let Some(found) = autolink::bare(&self.plain, self.rest(), !self.brackets.is_empty()) else {
            return self.take_plain(1);
        };
        let end = self.at + found.forward;
        // An address at the end of what has arrived may be half of one.
        if self.live && end == self.text.len() {
            return self.take_plain(found.forward);
        }
        let start = self.plain.len() - found.backward;
        let mut shown = self.plain.split_off(start);
        shown.push_str(self.text.get(self.at..end).unwrap_or_default());
        match Href::parse(&format!("{}{shown}", found.scheme)) {
            Some(href) => self.push_autolink(&shown, href),
            None => self.plain.push_str(&shown),
        }
        self.at = end;
    }

    fn push_autolink(&mut self, shown: &str, href: Href) {
        let children = vec![Inline::Text(shown.to_owned())];
        self.push(Inline::Link { href, title: None, children }, 1);
    }
}

/// Where the last run of each length begins, from `from` on.
fn last_ticks(text: &str, from: usize) -> [usize; MAX_BACKTICKS + 1] {
    work::count(text.len() - from);
    let mut last = [0; MAX_BACKTICKS + 1];
    let mut length = 0;
    for (at, byte) in text.bytes().chain([b' ']).enumerate().skip(from) {
        if byte == b'`' {
            length += 1;
        } else if length > 0 {
            if let Some(last) = last.get_mut(length) {
                *last = at - length;
            }
            length = 0;
        }
    }
    last
}

/// What a code span holds: line ends are spaces, and one space at each end is
/// the room that a backtick inside needs.
fn code_text(raw: &str) -> String {
    let code = raw.replace('\n', " ");
    let inner = code.strip_prefix(' ').and_then(|code| code.strip_suffix(' '));
    match inner {
        Some(inner) if !code.bytes().all(|byte| byte == b' ') => inner.to_owned(),
        _ => code,
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
