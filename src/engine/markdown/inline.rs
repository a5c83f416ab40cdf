//! Text of a paragraph, heading or cell to inlines: one pass from left to
//! right for code, links, escapes and breaks, then the delimiter rules.

use super::autolink;
use super::bracket::Bracket;
use super::cursor::is_space;
use super::emphasis::{self, Piece, Run};
use super::entity;
use super::href::Href;
use super::link::Scan;
use super::node::Inline;
use super::reference::References;
use super::work;

/// The longest run of backticks that makes a code span. Bounds the table that
/// stops runs of ever new lengths from each searching the whole text.
pub const MAX_BACKTICKS: usize = 32;

/// How long, in bytes, a code span or a label that has only begun is drawn as
/// if it were whole. A stray bracket does not stay hidden for a long paragraph.
pub(super) const MAX_HELD: usize = 240;

/// How many bytes of a text that is arriving are read again at most. What is
/// open longer than that is drawn as it stands, until its paragraph is whole
/// and read once more. Stops a stray `*` or `[` at the start of a long
/// paragraph, heading or row from having all of it read for every slice.
pub const MAX_LIVE_BYTES: usize = 4096;

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

/// Inlines of a text that is still arriving, and of which nothing is kept from
/// one slice to the next.
pub(super) fn parse_anew(text: &str, references: &mut References) -> Vec<Inline> {
    if text.len() > MAX_LIVE_BYTES {
        return vec![Inline::Text(text.to_owned())];
    }
    parse_live(text, Live::default(), references).inlines
}

/// The text without an end of which nobody can say yet what it is.
fn held_back(text: &str) -> &str {
    let text = without_marks(text);
    let reference = text.bytes().rev().take(entity::MAX_NAME + 1).position(|byte| byte == b'&');
    match reference.and_then(|length| text.split_at_checked(text.len() - length - 1)) {
        Some((before, reference)) if entity::is_begun(reference) => without_marks(before),
        _ => text,
    }
}

/// The text without the marks that it ends in, unless they are so many that
/// they are not the start of anything.
fn without_marks(text: &str) -> &str {
    let is_mark = |byte: &u8| b" \t\n*_~`\\".contains(byte);
    let marks = text.bytes().rev().take(MAX_HELD + 1).take_while(is_mark).count();
    work::count(marks);
    text.get(..text.len() - marks).filter(|_| marks <= MAX_HELD).unwrap_or(text)
}

pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) live: bool,
    pub(super) settled: Vec<Inline>,
    pub(super) resume: usize,
    /// From where on it is tried to settle what was read.
    pub(super) checkpoint: usize,
    /// Something that was read as text may still become more: nothing after it
    /// can settle.
    pub(super) unsure: bool,
    pub(super) pieces: Vec<Piece>,
    /// Text that has been read and not yet become a piece.
    pub(super) plain: String,
    pub(super) brackets: Vec<Bracket>,
    /// For each length of a run of backticks, where the last one begins.
    pub(super) ticks: Option<[usize; MAX_BACKTICKS + 1]>,
    pub(super) references: &'a mut References,
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
            if self.live && self.at >= self.resume + MAX_LIVE_BYTES {
                self.settle_unread();
            }
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

    /// Gives up on what has been open for so long, and reads on from here.
    fn settle_unread(&mut self) {
        self.flush();
        self.brackets.clear();
        self.settled.append(&mut emphasis::resolve(std::mem::take(&mut self.pieces), true).0);
        self.resume = self.at;
        self.checkpoint = self.at + CHECKPOINT;
        self.unsure = false;
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes so many bytes as they are.
    pub(super) fn take_plain(&mut self, bytes: usize) {
        let end = self.at + bytes;
        self.plain.push_str(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
    }

    pub(super) fn flush(&mut self) {
        if !self.plain.is_empty() {
            self.pieces.push(Piece::text(std::mem::take(&mut self.plain)));
        }
    }

    pub(super) fn push(&mut self, node: Inline, depth: usize) {
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
