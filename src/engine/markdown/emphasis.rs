//! The delimiter rules: which `*`, `_` and `~` open and close what. It works
//! on a flat row of pieces, once from left to right.

use super::character::{is_punctuation, is_white_space};
use super::node::Inline;
use super::work;

/// How deep inlines may nest. Stops a text of ten thousand `*a **` from making
/// a tree that overflows the stack of whoever walks it, or drops it.
pub const MAX_INLINE_NESTING: usize = 24;

/// A part of a paragraph before emphasis is resolved.
#[derive(Debug)]
pub(super) enum Piece {
    /// A finished inline and how deep it nests.
    Node(Inline, usize),
    /// A run of delimiters.
    Run(Run),
}

/// A run of one delimiter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    byte: u8,
    /// What is left of it.
    count: usize,
    /// How long it was.
    length: usize,
    opens: bool,
    closes: bool,
}

impl Run {
    /// A run of `length` times `byte` between two characters; nothing if it
    /// can neither open nor close.
    pub(super) fn new(byte: u8, length: usize, before: char, after: char) -> Option<Self> {
        let left = !is_white_space(after)
            && (!is_punctuation(after) || is_white_space(before) || is_punctuation(before));
        let right = !is_white_space(before)
            && (!is_punctuation(before) || is_white_space(after) || is_punctuation(after));
        // One `~` inside a word is a sign of chemistry or of approximation.
        let (opens, closes) = if byte == b'_' || (byte == b'~' && length == 1) {
            (left && (!right || is_punctuation(before)), right && (!left || is_punctuation(after)))
        } else {
            (left, right)
        };
        let known = byte != b'~' || length <= 2;
        (known && (opens || closes)).then_some(Self { byte, count: length, length, opens, closes })
    }

    /// Whether `self`, which closes, may end what `opener` began.
    fn closes_what(self, opener: Self) -> bool {
        if self.byte != opener.byte || !opener.opens {
            return false;
        }
        if self.byte == b'~' {
            return self.length == opener.length;
        }
        let ambiguous = self.opens || opener.closes;
        !(ambiguous && !self.length.is_multiple_of(3) && (self.length + opener.length).is_multiple_of(3))
    }

    /// Runs of one class find the same openers.
    fn class(self) -> usize {
        let byte = match self.byte {
            b'*' => 0,
            b'_' => 6,
            _ => 12,
        };
        byte + if self.opens { 3 } else { 0 } + self.length % 3
    }

    fn push_as_text(self, inlines: &mut Vec<Inline>) {
        for _ in 0..self.count {
            push_text(char::from(self.byte), inlines);
        }
    }
}

const CLASSES: usize = 18;

/// Makes inlines of pieces, and tells how deep they nest. What is still open at
/// the end is closed there if `live`, and is text otherwise.
pub(super) fn resolve(pieces: Vec<Piece>, live: bool) -> (Vec<Inline>, usize) {
    let mut row = pair(pieces);
    if live {
        close_all(&mut row);
    }
    flatten(row)
}

/// Puts into emphasis what has both its delimiters. Doing it again after more
/// pieces have come gives the same as doing it once.
pub(super) fn pair(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut row: Vec<Piece> = Vec::with_capacity(pieces.len());
    // Below these indices there is no opener for a class: without them a text
    // of closers that find nothing would be searched over and over.
    let mut floors = [0; CLASSES];
    for piece in pieces {
        match piece {
            Piece::Run(mut run) => {
                if run.closes {
                    close(&mut run, &mut row, &mut floors);
                }
                if run.count > 0 {
                    row.push(Piece::Run(run));
                }
            }
            node @ Piece::Node(..) => row.push(node),
        }
    }
    row
}

fn close(run: &mut Run, row: &mut Vec<Piece>, floors: &mut [usize; CLASSES]) {
    while run.count > 0 {
        let Some(floor) = floors.get_mut(run.class()) else { return };
        let opener = row.iter().enumerate().skip(*floor).rev().find_map(|(index, piece)| {
            work::count(1);
            match piece {
                Piece::Run(opener) if run.closes_what(*opener) => Some((index, *opener)),
                _ => None,
            }
        });
        let Some((index, mut opener)) = opener else {
            *floor = row.len();
            return;
        };
        let used = if run.byte == b'~' { run.count } else { run.count.min(opener.count).min(2) };
        if !wrap(row, index, &mut opener, used) {
            *floor = row.len();
            return;
        }
        run.count -= used;
        for floor in floors.iter_mut() {
            *floor = (*floor).min(row.len().saturating_sub(1));
        }
    }
}

/// Puts what follows the opener at `index` into emphasis; not if that would
/// nest too deep.
fn wrap(row: &mut Vec<Piece>, index: usize, opener: &mut Run, used: usize) -> bool {
    work::count(row.len() - index);
    let depth = row.iter().skip(index + 1).map(Piece::depth).max().unwrap_or(0);
    if depth >= MAX_INLINE_NESTING || index >= row.len() {
        return false;
    }
    let (children, depth) = flatten(row.split_off(index + 1));
    row.pop();
    opener.count -= used;
    if opener.count > 0 {
        row.push(Piece::Run(*opener));
    }
    let node = match (opener.byte, used) {
        (b'~', _) => Inline::Strike(children),
        (_, 1) => Inline::Emph(children),
        _ => Inline::Strong(children),
    };
    row.push(Piece::Node(node, depth + 1));
    true
}

/// Closes at the end what a stream has opened so far.
fn close_all(row: &mut Vec<Piece>) {
    let mut index = row.len();
    while index > 0 {
        index -= 1;
        let Some(&Piece::Run(mut run)) = row.get(index) else { continue };
        // One `~` is more often "about" than the start of a strike.
        let plausible = run.opens && !(run.byte == b'~' && run.length == 1);
        if !plausible || index + 1 == row.len() {
            continue;
        }
        while run.count > 0 {
            let used = run.count.min(2);
            if !wrap(row, index, &mut run, used) {
                break;
            }
        }
    }
}

/// Makes text of the delimiters that are left.
pub(super) fn flatten(row: Vec<Piece>) -> (Vec<Inline>, usize) {
    let mut inlines = Vec::with_capacity(row.len());
    let mut depth = 0;
    for piece in row {
        depth = depth.max(piece.depth());
        match piece {
            Piece::Run(run) => run.push_as_text(&mut inlines),
            Piece::Node(Inline::Text(text), _) => match inlines.last_mut() {
                Some(Inline::Text(last)) => last.push_str(&text),
                _ if text.is_empty() => {}
                _ => inlines.push(Inline::Text(text)),
            },
            Piece::Node(node, _) => inlines.push(node),
        }
    }
    (inlines, depth)
}

fn push_text(character: char, inlines: &mut Vec<Inline>) {
    match inlines.last_mut() {
        Some(Inline::Text(last)) => last.push(character),
        _ => inlines.push(Inline::Text(character.into())),
    }
}

impl Piece {
    pub(super) fn text(text: String) -> Self {
        Self::Node(Inline::Text(text), 0)
    }

    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Node(_, depth) => *depth,
            Self::Run(_) => 0,
        }
    }

    /// Whether what comes later can still change this piece.
    pub(super) fn may_open(&self) -> bool {
        matches!(self, Self::Run(run) if run.opens)
    }
}
