//! Closing blocks: what ends where a new one begins, and what the leaf and the
//! containers become when they end.

use super::block::{Arrived, Container, Kind, Machine};
use super::cursor::is_space;
use super::inline::{self, Live};
use super::leaf::{self, Leaf};
use super::list::Marker;
use super::node::{Alignment, Block, Item};
use super::table;

impl Machine {
    /// Closes what a new block in the container at `matched` ends.
    pub(super) fn begin(&mut self, matched: usize) {
        self.close_to(matched);
        if self.stack.last().is_some_and(Container::is_list) {
            self.pop();
        }
        let after_blank = self.after_blank;
        if let [.., Container { kind: Kind::List { loose, .. }, .. }, item] = self.stack.as_mut_slice() {
            *loose |= after_blank && !item.blocks.is_empty();
        }
    }

    pub(super) fn begin_item(&mut self, matched: usize, marker: Marker, content: usize) {
        self.close_to(matched);
        match self.stack.last_mut() {
            Some(Container { kind: Kind::List { marker: first, loose }, .. }) if marker.continues(*first) => {
                *loose |= self.after_blank;
            }
            _ => {
                self.begin(matched);
                self.stack.push(Container::new(Kind::List { marker, loose: false }));
            }
        }
        self.stack.push(Container::new(Kind::Item { content, task: None }));
        self.after_blank = false;
    }

    /// Closes the leaf and all containers but the first so many.
    pub(super) fn close_to(&mut self, count: usize) {
        self.close_leaf(false);
        while self.stack.len() > count {
            self.pop();
        }
    }

    /// Closes everything at the end of the text; `arriving` if it is only the
    /// end of what has arrived.
    pub(super) fn close(&mut self, arriving: bool) {
        self.close_leaf(arriving);
        self.close_to(0);
    }

    fn pop(&mut self) {
        let Some(Container { kind, blocks, items }) = self.stack.pop() else { return };
        match kind {
            Kind::Quote => self.add(Block::Quote(blocks)),
            Kind::List { marker, loose } => {
                self.add(Block::List { start: marker.number, tight: !loose, items });
            }
            Kind::Item { task, .. } => {
                if let Some(list) = self.stack.last_mut() {
                    list.items.push(Item { task, blocks });
                }
            }
        }
    }

    pub(super) fn add(&mut self, block: Block) {
        match self.stack.last_mut() {
            Some(container) => container.blocks.push(block),
            None => self.root.push(block),
        }
    }

    pub(super) fn close_leaf(&mut self, arriving: bool) {
        match std::mem::take(&mut self.leaf) {
            Leaf::None => {}
            Leaf::Paragraph { text, live, fresh } => {
                self.close_paragraph(&text, arriving.then_some((live, fresh)));
                if self.live && !fresh {
                    self.lent = text;
                }
            }
            Leaf::Fence { language, text, .. } => self.add(Block::CodeBlock { language, text }),
            Leaf::Indented { text, .. } => self.add(Block::CodeBlock { language: None, text }),
            Leaf::Table { alignments, head, rows } => self.add(Block::Table { alignments, head, rows }),
        }
    }

    fn close_paragraph(&mut self, text: &str, arriving: Option<(Live, bool)>) {
        let content = self.references.take(text);
        let Some((live, fresh)) = arriving else {
            if !content.trim_matches(is_space).is_empty() {
                let inlines = inline::parse(content, &mut self.references);
                self.add(Block::Paragraph(inlines));
            }
            return;
        };
        // A paragraph of which a part is settled is too long to be searched anew
        // for every slice.
        if live.resume == 0
            && let Some((above, head)) = leaf::head_begun(content)
        {
            if !above.is_empty() {
                self.close_paragraph(above, None);
            }
            let columns = table::width(head).min(table::MAX_COLUMNS);
            let head = table::row(head, columns, &mut self.references, true);
            self.add(Block::Table { alignments: vec![Alignment::Unset; columns], head, rows: Vec::new() });
            return;
        }
        // What was read before counts from the start of the whole text.
        let before = if content.len() == text.len() { live } else { Live::default() };
        let Live { inlines, settled, resume } = inline::parse_live(content, before, &mut self.references);
        if inlines.is_empty() {
            return;
        }
        if content.len() == text.len() {
            self.arrived = Some(Arrived { settled, resume, fresh });
        }
        self.add(Block::Paragraph(inlines));
    }
}
