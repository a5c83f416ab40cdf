//! Lines to blocks. The machine keeps the containers and the one leaf that are
//! open; every block that is closed is finished and never read again.
//!
//! It follows the strategy of the specification's appendix: match the open
//! containers, look for the start of new blocks, put the rest into the leaf.

use super::cursor::{Cursor, is_space};
use super::inline::{self, Live};
use super::leaf::{self, Leaf};
use super::list::{self, Marker};
use super::node::{Block, Inline, Item};
use super::reference::References;
use super::{table, work};

/// How deep containers may nest: quotes, lists and items each count as one.
/// Stops a line of ten thousand `>` from making a tree that overflows the
/// stack of whoever walks it, and from being matched against every later line.
pub const MAX_NESTING: usize = 32;

/// An open container and what it already holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Container {
    pub(super) kind: Kind,
    /// Children of a quote or an item.
    pub(super) blocks: Vec<Block>,
    /// Children of a list.
    pub(super) items: Vec<Item>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Quote,
    List {
        marker: Marker,
        loose: bool,
    },
    Item {
        /// The column from which on a line belongs to the item.
        content: usize,
        task: Option<bool>,
    },
}

impl Container {
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, blocks: Vec::new(), items: Vec::new() }
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.kind, Kind::List { .. })
    }
}

/// The state between two lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Machine {
    /// The finished blocks of the document.
    pub(super) root: Vec<Block>,
    pub(super) stack: Vec<Container>,
    pub(super) leaf: Leaf,
    /// Whether the last line was blank, in a way that makes a list loose.
    pub(super) after_blank: bool,
    pub(super) references: References,
    /// The line at hand is still arriving: what it says is provisional.
    pub(super) live: bool,
    /// What is already read of the paragraph that the arriving line began.
    pub(super) carried: Live,
    /// How far the paragraph at the end of a provisional pass was read.
    pub(super) arrived: Option<Arrived>,
    /// The text of the paragraph that a provisional pass closed.
    pub(super) lent: String,
}

/// See [`Live`]; the inlines are in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrived {
    pub(super) settled: usize,
    pub(super) resume: usize,
    /// Whether it was the arriving line that began the paragraph.
    pub(super) fresh: bool,
}

impl Machine {
    /// Takes in a line, without its end.
    pub(super) fn line(&mut self, text: &str) {
        // The line that arrives is copied each time, which nobody notices; what
        // counts is how much of it is looked at.
        work::count(if self.live { 1 } else { text.len() } + self.stack.len());
        let mut cursor = Cursor::new(text);
        let mut matched = self.match_containers(&mut cursor);
        if matched == self.stack.len() && self.continue_leaf(&mut cursor) {
            return;
        }
        let mut started = false;
        while !(self.live && leaf::is_undecided(cursor.rest)) {
            let indent = cursor.indent();
            let mut past = cursor.clone();
            past.skip_space();
            if indent >= 4 {
                if !past.rest.is_empty() && !self.leaf.is_paragraph() {
                    self.begin(matched);
                    cursor.skip_columns(4);
                    let mut text = String::new();
                    self.append_code(&cursor, &mut text);
                    self.leaf = Leaf::Indented { text, blanks: String::new() };
                    self.after_blank = false;
                    return;
                }
                return self.text(past.rest, matched, started);
            }
            if past.peek() == Some(b'>') && matched < MAX_NESTING {
                self.begin(matched);
                past.bump(1);
                past.skip_columns(1);
                self.stack.push(Container::new(Kind::Quote));
            } else if self.start_leaf(past.rest, indent, matched) {
                self.after_blank = false;
                return;
            } else if let Some((marker, content)) =
                list::marker(&mut past, indent, self.is_whole(matched) && self.leaf.is_paragraph())
                && matched + 1 < MAX_NESTING
            {
                self.begin_item(matched, marker, content);
            } else {
                return self.text(past.rest, matched, started);
            }
            cursor = past;
            matched = self.stack.len();
            started = true;
        }
    }

    /// Whether the line belongs to every container that is open.
    fn is_whole(&self, matched: usize) -> bool {
        matched == self.stack.len()
    }

    fn append_code(&self, cursor: &Cursor<'_>, text: &mut String) {
        cursor.append_to(text);
        if !self.live {
            text.push('\n');
        }
    }

    /// Goes into the open containers as far as the line belongs to them.
    fn match_containers(&self, cursor: &mut Cursor<'_>) -> usize {
        let mut matched = 0;
        for (index, container) in self.stack.iter().enumerate() {
            let indent = cursor.indent();
            let belongs = match container.kind {
                Kind::Quote => {
                    let mut past = cursor.clone();
                    past.skip_space();
                    let quoted = indent < 4 && past.peek() == Some(b'>');
                    if quoted {
                        past.bump(1);
                        past.skip_columns(1);
                        *cursor = past;
                    }
                    quoted
                }
                Kind::List { .. } => true,
                Kind::Item { content, task } => {
                    // An item that begins with a blank line ends at a second.
                    let is_empty = container.blocks.is_empty()
                        && index + 1 == self.stack.len()
                        && matches!(self.leaf, Leaf::None)
                        && task.is_none();
                    let blank = cursor.is_blank();
                    let belongs = if blank { !is_empty } else { indent >= content };
                    if belongs {
                        cursor.skip_columns(if blank { indent.min(content) } else { content });
                    }
                    belongs
                }
            };
            if !belongs {
                break;
            }
            matched = index + 1;
        }
        matched
    }

    /// Gives the line to an open leaf that takes lines without looking at
    /// them for other blocks.
    fn continue_leaf(&mut self, cursor: &mut Cursor<'_>) -> bool {
        let indent = cursor.indent();
        let blank = cursor.is_blank();
        match &mut self.leaf {
            Leaf::Fence { fence, text, .. } => {
                if indent < 4 && fence.is_closed_by(cursor.rest.trim_start_matches(is_space)) {
                    if !self.live {
                        self.close_leaf(false);
                    }
                } else if !(self.live && fence.may_close(cursor.rest.trim_start_matches(is_space))) {
                    cursor.skip_columns(fence.indent.min(indent));
                    cursor.append_to(text);
                    if !self.live {
                        text.push('\n');
                    }
                }
                self.after_blank = false;
                true
            }
            Leaf::Indented { text, blanks } if blank || indent >= 4 => {
                cursor.skip_columns(4);
                if blank {
                    cursor.append_to(blanks);
                    blanks.push('\n');
                } else {
                    text.push_str(&std::mem::take(blanks));
                    cursor.append_to(text);
                    if !self.live {
                        text.push('\n');
                    }
                }
                self.after_blank = blank;
                true
            }
            Leaf::Indented { .. } => {
                self.close_leaf(false);
                false
            }
            Leaf::None | Leaf::Paragraph { .. } | Leaf::Table { .. } => false,
        }
    }

    /// Starts the block of one leaf that begins with `text`, if one does.
    fn start_leaf(&mut self, text: &str, indent: usize, matched: usize) -> bool {
        if let Some((level, content)) = leaf::heading(text) {
            self.begin(matched);
            let children = self.inlines(content);
            self.add(Block::Heading { level, children });
            return true;
        }
        if let Some((fence, language)) = leaf::fence(text, indent) {
            self.begin(matched);
            // The name of the language may not be whole yet.
            let language = language.filter(|_| !self.live);
            self.leaf = Leaf::Fence { fence, language, text: String::new() };
            return true;
        }
        // Lines that change what stands above them are whole lines: as long as
        // they arrive they are undecided.
        if self.is_whole(matched)
            && !self.live
            && let Leaf::Paragraph { text: above, .. } = &mut self.leaf
        {
            let level = leaf::underline(text);
            let content =
                if level.is_some() { self.references.take(above).to_owned() } else { String::new() };
            match level {
                // All of it was definitions: the line stands under nothing.
                Some(_) if content.is_empty() => above.clear(),
                Some(level) => {
                    self.leaf = Leaf::None;
                    let children = inline::parse(&content, &mut self.references);
                    self.add(Block::Heading { level, children });
                    return true;
                }
                None => {}
            }
            if self.start_table(text) {
                return true;
            }
        }
        if leaf::is_rule(text) {
            self.begin(matched);
            self.add(Block::Rule);
            return true;
        }
        false
    }

    /// Makes the last line of the open paragraph the head of a table, if
    /// `text` is the row that belongs under it.
    fn start_table(&mut self, text: &str) -> bool {
        let Leaf::Paragraph { text: above, .. } = &mut self.leaf else { return false };
        let start = above.rfind('\n').map_or(0, |at| at + 1);
        let head = above.get(start..).unwrap_or_default();
        // In the midst of a paragraph only a line with a pipe in front is
        // taken for a head.
        let is_head = head.starts_with('|') || (start == 0 && head.contains('|'));
        if !is_head || !text.contains(['|', ':']) {
            return false;
        }
        let Some(alignments) = table::alignments(text) else { return false };
        if table::width(head) != alignments.len() {
            return false;
        }
        let head = above.split_off(start);
        self.close_leaf(false);
        let head = table::row(&head, alignments.len(), &mut self.references, false);
        self.leaf = Leaf::Table { alignments, head, rows: Vec::new() };
        true
    }

    /// Puts what is left of a line where text goes; `started` if a container
    /// began in it, which makes it no blank line.
    fn text(&mut self, text: &str, matched: usize, started: bool) {
        if text.is_empty() {
            if !self.is_whole(matched) || self.leaf.takes_lines() {
                self.close_to(matched);
            }
            // A blank line in a quote stands between the blocks of the quote.
            self.after_blank = !started && self.stack.last().is_none_or(|top| top.kind != Kind::Quote);
            return;
        }
        if let Leaf::Paragraph { text: above, .. } = &mut self.leaf {
            // Lazily, if not all containers go on.
            if !self.live {
                self.references.take_early(above, text);
            }
            if !above.is_empty() {
                above.push('\n');
            }
            above.push_str(text);
        } else if !(self.is_whole(matched) && self.add_row(text)) {
            self.begin(matched);
            self.after_blank = false;
            let Some(text) = self.take_task(text, started) else { return };
            let live = std::mem::take(&mut self.carried);
            self.leaf = Leaf::Paragraph { text: text.to_owned(), live, fresh: self.live };
        }
        self.after_blank = false;
    }

    /// Takes the mark of a task off the line that begins an item, and leaves
    /// the text if there is any.
    fn take_task<'a>(&mut self, text: &'a str, started: bool) -> Option<&'a str> {
        let Some(Container { kind: Kind::Item { task, .. }, .. }) = self.stack.last_mut().filter(|_| started)
        else {
            return Some(text);
        };
        if let Some((done, rest)) = list::task(text) {
            *task = Some(done);
            return Some(rest).filter(|rest| !rest.is_empty());
        }
        Some(text).filter(|text| !(self.live && list::is_task_begun(text)))
    }

    fn add_row(&mut self, text: &str) -> bool {
        let Leaf::Table { alignments, rows, .. } = &mut self.leaf else { return false };
        let is_row = table::width(text) > 0 && (rows.len() + 2) * alignments.len() <= table::MAX_CELLS;
        // A row without end is drawn when it has one.
        if is_row && !(self.live && text.len() > inline::MAX_LIVE_BYTES) {
            rows.push(table::row(text, alignments.len(), &mut self.references, self.live));
        }
        is_row
    }

    /// Inlines of a line that is a block of its own.
    fn inlines(&mut self, text: &str) -> Vec<Inline> {
        if self.live {
            inline::parse_anew(text, &mut self.references)
        } else {
            inline::parse(text, &mut self.references)
        }
    }
}
