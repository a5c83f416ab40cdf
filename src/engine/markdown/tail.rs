//! The provisional pass: what the text would be if it ended here, drawn as it
//! will probably be. The open containers lend their finished children to the
//! tree and get them back, so that the pass costs what is open and not what
//! is finished.

use super::block::{Container, Kind, Machine};
use super::inline::Live;
use super::leaf::{Fence, Leaf};
use super::node::{Block, Inline, Item};

/// What the machine was before the pass, without what it lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// How many children each open level had: the document, then each
    /// container.
    lengths: Vec<usize>,
    kinds: Vec<Kind>,
    leaf: LentLeaf,
    after_blank: bool,
}

/// An open leaf, and how much of what it holds was there before the pass.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LentLeaf {
    None,
    Paragraph(usize),
    Fence(Fence, usize),
    Indented(usize, String),
    Table(usize),
}

/// A child that is still open.
enum Child {
    Block(Block),
    Item(Item),
}

impl Machine {
    /// Turns what is open, and the line that is still arriving, into blocks.
    pub(super) fn show(&mut self, arriving: &str) -> Mark {
        let of = |container: &Container| container.blocks.len() + container.items.len();
        let mark = Mark {
            lengths: std::iter::once(self.root.len()).chain(self.stack.iter().map(of)).collect(),
            kinds: self.stack.iter().map(|container| container.kind).collect(),
            leaf: match &self.leaf {
                Leaf::None => LentLeaf::None,
                Leaf::Paragraph { text, .. } => LentLeaf::Paragraph(text.len()),
                Leaf::Fence { fence, text, .. } => LentLeaf::Fence(*fence, text.len()),
                Leaf::Indented { text, blanks } => LentLeaf::Indented(text.len(), blanks.clone()),
                Leaf::Table { rows, .. } => LentLeaf::Table(rows.len()),
            },
            after_blank: self.after_blank,
        };
        self.live = true;
        self.references.provisional = true;
        self.arrived = None;
        if !arriving.trim_matches(super::cursor::is_space).is_empty() {
            self.line(arriving);
        }
        self.close(true);
        mark
    }

    /// Takes the pass back.
    pub(super) fn withdraw(&mut self, mark: Mark) {
        self.live = false;
        self.references.provisional = false;
        self.after_blank = mark.after_blank;
        let arrived = self.arrived.take();
        self.carried = match arrived.filter(|arrived| arrived.fresh) {
            Some(arrived) => live(last_paragraph(&mut self.root), arrived.settled, arrived.resume),
            None => Live::default(),
        };
        let mut lengths = mark.lengths.into_iter();
        let mut child = lengths.next().and_then(|length| cut(&mut self.root, length)).map(Child::Block);
        for (kind, length) in mark.kinds.into_iter().zip(lengths) {
            let mut container = Container::new(kind);
            child = match child {
                Some(Child::Block(Block::Quote(blocks)) | Child::Item(Item { blocks, .. })) => {
                    container.blocks = blocks;
                    cut(&mut container.blocks, length).map(Child::Block)
                }
                Some(Child::Block(Block::List { items, .. })) => {
                    container.items = items;
                    cut(&mut container.items, length).map(Child::Item)
                }
                _ => None,
            };
            self.stack.push(container);
        }
        self.leaf = match (mark.leaf, child) {
            (LentLeaf::Paragraph(length), child) => {
                let mut text = std::mem::take(&mut self.lent);
                text.truncate(length);
                let live = match (child, arrived) {
                    (Some(Child::Block(Block::Paragraph(inlines))), Some(arrived)) if !arrived.fresh => {
                        live(inlines, arrived.settled, arrived.resume)
                    }
                    _ => Live::default(),
                };
                Leaf::Paragraph { text, live, fresh: false }
            }
            (LentLeaf::Fence(fence, length), Some(Child::Block(Block::CodeBlock { language, mut text }))) => {
                text.truncate(length);
                Leaf::Fence { fence, language, text }
            }
            (LentLeaf::Indented(length, blanks), Some(Child::Block(Block::CodeBlock { mut text, .. }))) => {
                text.truncate(length);
                Leaf::Indented { text, blanks }
            }
            (LentLeaf::Table(length), Some(Child::Block(Block::Table { alignments, head, mut rows }))) => {
                rows.truncate(length);
                Leaf::Table { alignments, head, rows }
            }
            _ => Leaf::None,
        };
    }

    /// Leads the frontier on to the paragraph that the arriving line began.
    fn extend_to_arrived(&self, frontier: &mut Vec<usize>) -> Option<()> {
        let arrived = self.arrived.filter(|arrived| arrived.fresh && arrived.settled > 0)?;
        let mut open = Vec::new();
        let mut path = frontier.iter().copied();
        let mut next = || path.next().or(Some(0));
        let mut blocks = self.root.as_slice();
        loop {
            let place = next()?;
            open.push(place);
            // Only what stands at the very end has been read on.
            match blocks.get(place).filter(|_| place + 1 == blocks.len())? {
                Block::Quote(inner) => blocks = inner,
                Block::List { items, .. } => {
                    let place = next()?;
                    open.push(place);
                    blocks = &items.get(place).filter(|_| place + 1 == items.len())?.blocks;
                }
                Block::Paragraph(_) => {
                    open.push(arrived.settled);
                    *frontier = open;
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// See [`Document::frontier`](super::Document::frontier).
    pub(super) fn frontier(&self, mark: &Mark) -> Vec<usize> {
        let mut frontier = mark.lengths.clone();
        match mark.leaf {
            LentLeaf::None => {
                self.extend_to_arrived(&mut frontier);
            }
            LentLeaf::Fence(_, length) | LentLeaf::Indented(length, _) | LentLeaf::Table(length) => {
                frontier.push(length);
            }
            LentLeaf::Paragraph(_) => {
                let settled = self.arrived.filter(|arrived| !arrived.fresh).map(|arrived| arrived.settled);
                frontier.extend(settled);
            }
        }
        frontier
    }
}

fn live(mut inlines: Vec<Inline>, settled: usize, resume: usize) -> Live {
    inlines.truncate(settled);
    Live { inlines, settled, resume }
}

/// The child at `length`, cut off with all that follows it.
fn cut<T>(children: &mut Vec<T>, length: usize) -> Option<T> {
    children.truncate(length + 1);
    if children.len() > length { children.pop() } else { None }
}

/// The inlines of the paragraph at the very end.
fn last_paragraph(blocks: &mut [Block]) -> Vec<Inline> {
    match blocks.last_mut() {
        Some(Block::Paragraph(inlines)) => std::mem::take(inlines),
        Some(Block::Quote(blocks)) => last_paragraph(blocks),
        Some(Block::List { items, .. }) => {
            items.last_mut().map_or_else(Vec::new, |item| last_paragraph(&mut item.blocks))
        }
        _ => Vec::new(),
    }
}
