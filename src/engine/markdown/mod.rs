//! Streamed Markdown: text in any slices to settled blocks and one open tail.
//!
//! `CommonMark` 0.31.2 with GitHub's tables, strikes, task lists and bare
//! addresses, and without HTML: that is shown as the text it is. Pure: no
//! clock, no browser, and no input that makes it fail. It never makes a string
//! of HTML, and a link only from a checked [`Href`].
//!
//! A block is settled as soon as no later line can belong to it; it is not
//! read or touched again. Only what is open is read anew when text arrives.

pub mod highlight;

mod autolink;
mod block;
mod bracket;
mod character;
mod closing;
mod cursor;
mod emphasis;
mod entity;
mod href;
mod inline;
mod leaf;
mod link;
mod list;
mod node;
mod reference;
mod shown;
mod table;
mod tail;
mod work;

pub use block::MAX_NESTING;
pub use bracket::MAX_OPEN_BRACKETS;
pub use emphasis::MAX_INLINE_NESTING;
pub use href::{Href, MAX_HREF_BYTES};
pub use inline::{MAX_BACKTICKS, MAX_LIVE_BYTES};
pub use leaf::MAX_LANGUAGE_BYTES;
pub use link::{MAX_LABEL_CHARS, MAX_LINK_PART_BYTES};
pub use node::{Alignment, Block, Cell, Inline, Item, plain_text};
pub use reference::{MAX_DEFINITIONS, MAX_REFERENCED_BYTES};
pub use shown::{bring_up, still_settled};
pub use table::{MAX_CELLS, MAX_COLUMNS};

use block::Machine;
use character::Sieve;
use tail::Mark;

use super::part::{self, Lazy as _};

/// A text that arrives.
///
/// Feeding it in any slices and finishing it gives the blocks that [`parse`]
/// gives for the whole.
///
/// # Limits
/// The cost of a slice is that of the slice and of what is open, whatever stands
/// above: a code block, a table, a list and a quote keep what they have. Of a
/// long paragraph too only the end is read again, at most [`MAX_LIVE_BYTES`]
/// of it.
///
/// All limits of form, such as [`MAX_NESTING`], make text of what is beyond
/// them; nothing fails.
///
/// # Definitions
/// A link that names a definition which has not come yet is text. If one comes
/// later, [`finish`](Self::finish) reads the whole text once more, and
/// [`revised`](Self::revised) says which settled blocks became others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    machine: Machine,
    /// The text, for the second reading that late definitions ask for.
    source: String,
    /// Where in the text the line begins that is still arriving.
    line: usize,
    after_return: bool,
    sieve: Sieve,
    /// Set while the tail is drawn.
    mark: Option<Mark>,
    settled: usize,
    frontier: Vec<usize>,
    revised: Vec<usize>,
    finished: bool,
}

impl Document {
    /// A document without text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next slice of the text. After [`finish`](Self::finish) it
    /// does nothing.
    ///
    /// Line ends of all kinds become line feeds. Controls, characters that turn
    /// the order of text around, tags, and joiners where no script needs them
    /// are dropped, in code too: what is read is what is copied, run and
    /// followed.
    pub fn push(&mut self, delta: &str) {
        if self.finished || delta.is_empty() {
            return;
        }
        self.read(delta);
        let arriving = self.source.get(self.line..).unwrap_or_default();
        let mark = self.machine.show(arriving);
        self.frontier = self.machine.frontier(&mark);
        self.settled = self.frontier.first().copied().unwrap_or_default();
        self.mark = Some(mark);
    }

    /// Says that no more text comes, and settles everything.
    pub fn finish(&mut self) {
        // What has no text yet is finished without the code that reads text,
        // which may not even be there.
        if !std::mem::replace(&mut self.finished, true) && !self.source.is_empty() {
            part::Reply::enter_again(|| self.settle());
        }
    }

    fn settle(&mut self) {
        self.withdraw();
        let settled = self.settled;
        if let Some(line) = self.source.get(self.line..).filter(|line| !line.is_empty()) {
            self.machine.line(line);
        }
        self.machine.close(false);
        if let Some(references) = self.machine.references.take_if_late() {
            let mut again = Machine { references, ..Machine::default() };
            for line in self.source.split_terminator('\n') {
                again.line(line);
            }
            again.close(false);
            let changed = self.machine.root.iter().zip(&again.root).take(settled).enumerate();
            self.revised =
                changed.filter(|(_, (before, after))| before != after).map(|(index, _)| index).collect();
            self.machine = again;
        }
        self.source = String::new();
        self.settled = self.machine.root.len();
        self.frontier = vec![self.settled];
    }

    /// The blocks that are settled. Between one [`push`](Self::push) and the
    /// next it only grows at its end.
    pub fn settled(&self) -> &[Block] {
        self.machine.root.get(..self.settled).unwrap_or_default()
    }

    /// The blocks that are still open, drawn as if the text ended here in the
    /// way that it will probably go on: an open `**` is strong, half a link is
    /// its label. Nothing after [`finish`](Self::finish).
    pub fn tail(&self) -> &[Block] {
        self.machine.root.get(self.settled..).unwrap_or_default()
    }

    /// How much of the first block of the tail is settled inside: first the
    /// number of settled blocks, then for each open level the number of
    /// children before the one that is still open: blocks of a quote or an
    /// item, items of a list, rows of a table, inlines of a paragraph, and of
    /// a code block its settled bytes.
    ///
    /// A view that keeps what it drew before these indices draws a list of a
    /// thousand items at the cost of one.
    pub fn frontier(&self) -> &[usize] {
        &self.frontier
    }

    /// The indices of blocks that had been settled and that
    /// [`finish`](Self::finish) changed, because a definition came after its
    /// use. Their number and order stay.
    pub fn revised(&self) -> &[usize] {
        &self.revised
    }

    fn withdraw(&mut self) {
        if let Some(mark) = self.mark.take() {
            self.machine.withdraw(mark);
        }
    }

    /// Takes in text and settles its whole lines.
    fn read(&mut self, delta: &str) {
        self.withdraw();
        let mut from = self.source.len();
        for character in delta.chars() {
            let after_return = std::mem::replace(&mut self.after_return, character == '\r');
            match character {
                '\n' if after_return => {}
                '\r' => {
                    self.sieve.passes('\n');
                    self.source.push('\n');
                }
                '\0' => self.source.push(char::REPLACEMENT_CHARACTER),
                character if self.sieve.passes(character) => self.source.push(character),
                _ => {}
            }
        }
        while let Some(length) = self.source.get(from..).and_then(|text| text.find('\n')) {
            let end = from + length;
            self.machine.line(self.source.get(self.line..end).unwrap_or_default());
            self.machine.carried = inline::Live::default();
            self.line = end + 1;
            from = end + 1;
        }
    }
}

/// The blocks of a whole text.
pub fn parse(text: &str) -> Vec<Block> {
    let mut document = Document::new();
    document.read(text);
    document.finish();
    document.machine.root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Inline {
        Inline::Text(text.into())
    }

    /// The tail while `source` is arriving.
    fn tail(source: &str) -> Vec<Block> {
        let mut document = Document::new();
        for character in source.chars() {
            document.push(character.encode_utf8(&mut [0; 4]));
        }
        document.tail().to_vec()
    }

    fn paragraph(source: &str) -> Vec<Inline> {
        match tail(source).as_slice() {
            [] => Vec::new(),
            [Block::Paragraph(inlines)] => inlines.clone(),
            other => panic!("no paragraph: {other:?}"),
        }
    }

    #[test]
    fn a_block_is_settled_when_the_next_begins_and_then_stays() {
        let mut document = Document::new();
        document.push("# A\n\none\ntwo");
        assert_eq!(document.settled().len(), 1);
        document.push("\n\nthree");
        let before = document.settled().to_vec();
        assert_eq!(before.len(), 2);
        document.push("\n- a");
        document.finish();
        assert_eq!(document.settled().get(..2), Some(before.as_slice()));
        assert!(document.tail().is_empty());
    }

    #[test]
    fn open_emphasis_is_drawn_closed() {
        assert_eq!(paragraph("a **b"), [text("a "), Inline::Strong(vec![text("b")])]);
        assert_eq!(paragraph("a **b*"), paragraph("a **b"));
        assert_eq!(paragraph("a **b**"), paragraph("a **b"));
        assert_eq!(paragraph("*a **b"), [Inline::Emph(vec![text("a "), Inline::Strong(vec![text("b")])])]);
        assert_eq!(paragraph("a **"), [text("a")]);
        assert_eq!(paragraph("2 * 3"), [text("2 * 3")]);
        assert_eq!(paragraph("~5 to 6"), [text("~5 to 6")]);
        assert_eq!(paragraph("a `b"), [text("a "), Inline::Code("b".into())]);
    }

    #[test]
    fn half_a_link_is_its_label() {
        for source in ["[a", "[a]", "[a](", "[a](https://b", "[a](https://b 'c", "[a][", "[a][b"] {
            assert_eq!(paragraph(source), [text("a")], "{source}");
        }
        assert!(matches!(paragraph("[a](https://b)").as_slice(), [Inline::Link { .. }]));
        assert_eq!(paragraph("[a] b"), [text("[a] b")]);
        assert_eq!(paragraph("<https://a"), [text("https://a")]);
        assert_eq!(paragraph("see https://a.exam"), [text("see https://a.exam")]);
        assert_eq!(tail("[a]: https://b"), []);
    }

    #[test]
    fn what_a_line_is_shows_only_when_it_is_certain() {
        for source in ["-", "- ", "1", "1. ", "#", "##", "> ", "```", "|", "---"] {
            assert_eq!(tail(source), [], "{source}");
        }
        assert_eq!(paragraph("a\n-"), [text("a")]);
        assert_eq!(paragraph("a\n2."), [text("a")]);
        assert_eq!(tail("- a\n-").len(), 1);
        assert!(matches!(tail("- [ ").as_slice(), [Block::List { items, .. }] if items[0].blocks.is_empty()));
    }

    #[test]
    fn an_open_fence_is_code_and_its_half_end_is_hidden() {
        let code = |language: Option<&str>, text: &str| {
            [Block::CodeBlock { language: language.map(Into::into), text: text.into() }]
        };
        assert_eq!(tail("```ru"), code(None, ""));
        assert_eq!(tail("```rust\nlet"), code(Some("rust"), "let"));
        assert_eq!(tail("```rust\nlet\n``"), code(Some("rust"), "let\n"));
        assert_eq!(tail("```rust\nlet\n```"), code(Some("rust"), "let\n"));
    }

    #[test]
    fn a_table_is_one_from_its_first_cell() {
        let columns = |source: &str| match tail(source).last() {
            Some(Block::Table { head, rows, .. }) => (head.len(), rows.len()),
            other => panic!("no table: {other:?}"),
        };
        assert_eq!(columns("| a"), (1, 0));
        assert_eq!(columns("| a | b |"), (2, 0));
        assert_eq!(columns("| a | b |\n|-"), (2, 0));
        assert_eq!(columns("| a | b |\n|-|-|\n| c"), (2, 1));
        assert_eq!(columns("Here:\n| a | b |\n"), (2, 0));
    }

    #[test]
    fn a_late_definition_revises_what_used_it() {
        let source = "[a] and [b][a]\n\nc\n\n[a]: https://d";
        let mut document = Document::new();
        document.push(source);
        assert_eq!(document.settled().len(), 2);
        document.finish();
        assert_eq!(document.settled(), parse(source));
        assert_eq!(document.revised(), [0]);
        assert!(matches!(&document.settled()[0], Block::Paragraph(inlines) if inlines.len() == 3));
    }

    #[test]
    fn the_frontier_goes_down_the_open_blocks() {
        let frontier = |source: &str| {
            let mut document = Document::new();
            document.push(source);
            document.frontier().to_vec()
        };
        assert_eq!(frontier("a\n\nb\n\nc"), [2]);
        assert_eq!(frontier("a\n\n- b\n- c\n\n  d\n\n  e"), [1, 1, 2]);
        assert_eq!(frontier("```\nab\nc"), [0, 3]);
        assert_eq!(frontier("|a|\n|-|\n|b|\n|c|\n|d"), [0, 2]);
    }

    #[test]
    fn controls_of_direction_are_dropped_and_line_ends_are_one() {
        assert_eq!(parse("a\u{202E}b\u{2066}\u{0}\r\nc\rd"), parse("ab\u{FFFD}\nc\nd"));
        let mut document = Document::new();
        for slice in ["a\r", "\nb"] {
            document.push(slice);
        }
        document.finish();
        assert_eq!(document.settled(), parse("a\nb"));
    }

    #[test]
    fn hostile_addresses_leave_their_label() {
        for target in
            ["javascript:alert(1)", "JaVa\\\nScRiPt:x", "data:text/html,x", "&#106;avascript:x", "/a"]
        {
            assert_eq!(parse(&format!("[a](<{target}>)")).len(), 1);
            let blocks = format!("{:?}", parse(&format!("[a]({target}) ![b]({target}) <{target}>")));
            assert!(!blocks.contains("Href"), "{blocks}");
        }
    }

    #[test]
    fn nesting_stops_at_its_limits() {
        fn depth(blocks: &[Block]) -> usize {
            1 + blocks
                .iter()
                .map(|block| match block {
                    Block::Quote(blocks) => depth(blocks),
                    Block::List { items, .. } => {
                        items.iter().map(|item| depth(&item.blocks)).max().unwrap_or(0) + 1
                    }
                    _ => 0,
                })
                .max()
                .unwrap_or(0)
        }
        for line in [">".repeat(9000), "- ".repeat(9000) + "a", "> 1. ".repeat(9000) + "a"] {
            assert!(depth(&parse(&line)) <= MAX_NESTING + 2);
        }
        // Would overflow the stack when it is dropped or compared.
        let inlines = "*a **b ".repeat(20_000) + &"**a* ".repeat(20_000);
        assert_eq!(parse(&inlines), parse(&inlines));
    }
}
