//! The typed tree that Markdown becomes. It holds no HTML and no unchecked
//! address: what a view can draw is what these types can say.

use super::href::Href;

/// A block, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Running text.
    Paragraph(Vec<Inline>),
    /// A heading of either form.
    Heading {
        /// From 1 to 6.
        level: u8,
        /// What it says.
        children: Vec<Inline>,
    },
    /// Fenced or indented code.
    CodeBlock {
        /// The first word after the fence, as it was written; see
        /// [`highlight::display_name`](super::highlight::display_name).
        language: Option<String>,
        /// The lines, each ended by a line feed.
        text: String,
    },
    /// A list of any kind.
    List {
        /// The first number of an ordered list, nothing for a bullet list.
        start: Option<u32>,
        /// Whether the items stand without blank lines between them: their
        /// paragraphs are then drawn without margins.
        tight: bool,
        /// At least one.
        items: Vec<Item>,
    },
    /// A quotation.
    Quote(Vec<Block>),
    /// A table; every row has as many cells as `alignments` has entries.
    Table {
        /// One for each column.
        alignments: Vec<Alignment>,
        /// The cells of the head.
        head: Vec<Cell>,
        /// The cells of each row of the body.
        rows: Vec<Vec<Cell>>,
    },
    /// A thematic break.
    Rule,
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    /// For a task, whether it is done; nothing for a common item.
    pub task: Option<bool>,
    /// What the item holds.
    pub blocks: Vec<Block>,
}

/// The content of one cell of a table.
pub type Cell = Vec<Inline>;

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Alignment {
    /// As the direction of the text has it.
    #[default]
    Unset,
    /// Left.
    Left,
    /// Middle.
    Center,
    /// Right.
    Right,
}

/// A piece of running text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    /// Text to be shown as it is. Two of them never stand side by side in a
    /// settled block.
    Text(String),
    /// A code span.
    Code(String),
    /// Emphasis.
    Emph(Vec<Inline>),
    /// Strong emphasis.
    Strong(Vec<Inline>),
    /// Text that is struck out.
    Strike(Vec<Inline>),
    /// A link; there is no link in its children.
    Link {
        /// Where it leads.
        href: Href,
        /// What a pointer that rests on it is told.
        title: Option<String>,
        /// What it says.
        children: Vec<Inline>,
    },
    /// A picture. Whether it may be fetched is the view's decision.
    Image {
        /// Where it is.
        src: Href,
        /// What a pointer that rests on it is told.
        title: Option<String>,
        /// What is shown in its place.
        alt: String,
    },
    /// The end of a line inside a paragraph: a space.
    SoftBreak,
    /// The end of a line that the writer wants.
    HardBreak,
}

/// The text of some inlines without their form, as an alternative text, a
/// title or an announcement needs it.
pub fn plain_text(inlines: &[Inline]) -> String {
    let mut text = String::new();
    append_plain(inlines, &mut text);
    text
}

fn append_plain(inlines: &[Inline], text: &mut String) {
    for inline in inlines {
        match inline {
            Inline::Text(part) | Inline::Code(part) | Inline::Image { alt: part, .. } => text.push_str(part),
            Inline::Emph(children)
            | Inline::Strong(children)
            | Inline::Strike(children)
            | Inline::Link { children, .. } => append_plain(children, text),
            Inline::SoftBreak | Inline::HardBreak => text.push(' '),
        }
    }
}
