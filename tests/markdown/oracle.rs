//! The tree that pulldown-cmark sees, in our types and under our policy: a
//! link or a picture whose address is refused is its label, and an address in
//! the label of a link is text.

use std::iter::Peekable;

use chinwag::engine::markdown::{Alignment, Block, Cell, Href, Inline, Item, plain_text};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};

/// The oracle's blocks, or nothing if the text holds HTML.
pub(crate) fn parse(text: &str) -> Option<Vec<Block>> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut builder = Builder {
        events: Parser::new_ext(text, options).peekable(),
        html: false,
        in_link: false,
        task: None,
    };
    let (blocks, _) = builder.blocks();
    (!builder.html).then(|| comparable(blocks))
}

/// Blocks without what the oracle's events do not tell, whether a list without
/// paragraphs is tight, and without empty paragraphs, which a task without
/// text and a refused picture without label leave to the oracle.
pub(crate) fn comparable(blocks: Vec<Block>) -> Vec<Block> {
    let blocks = blocks.into_iter().filter(|block| *block != Block::Paragraph(Vec::new()));
    let blocks = blocks.map(|block| match block {
        Block::Quote(blocks) => Block::Quote(comparable(blocks)),
        Block::List { start, tight, items } => {
            let is_paragraph = |block: &Block| matches!(block, Block::Paragraph(_));
            let has_paragraph = items.iter().any(|item| item.blocks.iter().any(is_paragraph));
            let comparable = |item: Item| Item { task: item.task, blocks: comparable(item.blocks) };
            Block::List {
                start,
                tight: tight || !has_paragraph,
                items: items.into_iter().map(comparable).collect(),
            }
        }
        other => other,
    });
    blocks.collect()
}

struct Builder<'a, I: Iterator<Item = Event<'a>>> {
    events: Peekable<I>,
    html: bool,
    in_link: bool,
    task: Option<bool>,
}

impl<'a, I: Iterator<Item = Event<'a>>> Builder<'a, I> {
    /// The blocks up to the end of what holds them, and whether one of them is
    /// a paragraph that stands for itself.
    fn blocks(&mut self) -> (Vec<Block>, bool) {
        let mut blocks = Vec::new();
        let mut has_paragraph = false;
        while let Some(event) = self.events.next_if(|event| !matches!(event, Event::End(_))) {
            match event {
                Event::Start(Tag::Paragraph) => {
                    has_paragraph = true;
                    let inlines = self.inlines();
                    self.events.next();
                    blocks.push(Block::Paragraph(inlines));
                }
                Event::Start(Tag::Heading { level, .. }) => {
                    let children = self.inlines();
                    self.events.next();
                    blocks.push(Block::Heading { level: level as u8, children });
                }
                Event::Start(Tag::BlockQuote(_)) => {
                    let children = self.blocks().0;
                    self.events.next();
                    blocks.push(Block::Quote(children));
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    let mut text = String::new();
                    while let Some(Event::Text(part)) = self.events.next() {
                        text.push_str(&part);
                    }
                    let language = match kind {
                        CodeBlockKind::Fenced(info) => info.split_whitespace().next().map(str::to_owned),
                        CodeBlockKind::Indented => None,
                    };
                    blocks.push(Block::CodeBlock { language, text });
                }
                Event::Start(Tag::List(start)) => blocks.push(self.list(start)),
                Event::Start(Tag::Table(alignments)) => blocks.push(self.table(&alignments)),
                Event::Start(Tag::HtmlBlock) => {
                    self.html = true;
                    self.blocks();
                    self.events.next();
                }
                Event::Html(_) => self.html = true,
                Event::Rule => blocks.push(Block::Rule),
                inline => {
                    // The text of a tight item has no paragraph around it.
                    let mut inlines = Vec::new();
                    self.inline(inline, &mut inlines);
                    inlines.append(&mut self.inlines());
                    blocks.push(Block::Paragraph(merged(inlines)));
                }
            }
        }
        (blocks, has_paragraph)
    }

    fn list(&mut self, start: Option<u64>) -> Block {
        let mut items = Vec::new();
        let mut tight = true;
        while let Some(Event::Start(Tag::Item)) = self.events.next() {
            let outer = self.task.take();
            let (blocks, has_paragraph) = self.blocks();
            self.events.next();
            tight &= !has_paragraph;
            items.push(Item { task: std::mem::replace(&mut self.task, outer), blocks });
        }
        Block::List { start: start.and_then(|start| start.try_into().ok()), tight, items }
    }

    fn table(&mut self, alignments: &[pulldown_cmark::Alignment]) -> Block {
        let alignments = alignments.iter().map(|alignment| match alignment {
            pulldown_cmark::Alignment::None => Alignment::Unset,
            pulldown_cmark::Alignment::Left => Alignment::Left,
            pulldown_cmark::Alignment::Center => Alignment::Center,
            pulldown_cmark::Alignment::Right => Alignment::Right,
        });
        let alignments = alignments.collect();
        let mut rows: Vec<Vec<Cell>> = Vec::new();
        while let Some(Event::Start(_)) = self.events.next() {
            let mut row = Vec::new();
            while let Some(Event::Start(_)) = self.events.next() {
                row.push(self.inlines());
                self.events.next();
            }
            rows.push(row);
        }
        let head = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
        Block::Table { alignments, head, rows }
    }

    fn inlines(&mut self) -> Vec<Inline> {
        let mut inlines = Vec::new();
        let is_inline = |event: &Event<'_>| match event {
            Event::Start(tag) => matches!(
                tag,
                Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. }
            ),
            Event::End(_) | Event::Rule | Event::Html(_) => false,
            _ => true,
        };
        while let Some(event) = self.events.next_if(is_inline) {
            self.inline(event, &mut inlines);
        }
        merged(inlines)
    }

    fn inline(&mut self, event: Event<'_>, inlines: &mut Vec<Inline>) {
        match event {
            Event::Text(text) => inlines.push(Inline::Text(text.into_string())),
            Event::Code(code) => inlines.push(Inline::Code(code.into_string())),
            Event::SoftBreak => inlines.push(Inline::SoftBreak),
            Event::HardBreak => inlines.push(Inline::HardBreak),
            Event::TaskListMarker(done) => self.task = Some(done),
            Event::InlineHtml(_) => self.html = true,
            Event::Start(tag) => {
                let is_link = matches!(tag, Tag::Link { .. });
                let outer = self.in_link;
                self.in_link |= is_link;
                let children = self.inlines();
                self.in_link = outer;
                self.events.next();
                match tag {
                    Tag::Link { .. } if outer => inlines.extend(children),
                    Tag::Emphasis => inlines.push(Inline::Emph(children)),
                    Tag::Strong => inlines.push(Inline::Strong(children)),
                    Tag::Strikethrough => inlines.push(Inline::Strike(children)),
                    Tag::Link { dest_url, title, link_type, .. } => {
                        let address = match link_type {
                            pulldown_cmark::LinkType::Email => format!("mailto:{dest_url}"),
                            _ => dest_url.into_string(),
                        };
                        match Href::parse(&address) {
                            Some(href) => {
                                inlines.push(Inline::Link { href, title: non_empty(&title), children });
                            }
                            None => inlines.extend(children),
                        }
                    }
                    Tag::Image { dest_url, title, .. } => match Href::parse(&dest_url) {
                        Some(src) => {
                            inlines.push(Inline::Image {
                                src,
                                title: non_empty(&title),
                                alt: plain_text(&children),
                            });
                        }
                        None => inlines.extend(children),
                    },
                    other => panic!("the oracle has a tag that we did not ask for: {other:?}"),
                }
            }
            other => panic!("the oracle has an event that we did not ask for: {other:?}"),
        }
    }
}

fn non_empty(title: &str) -> Option<String> {
    (!title.is_empty()).then(|| title.to_owned())
}

pub(crate) fn merged(inlines: Vec<Inline>) -> Vec<Inline> {
    let mut merged: Vec<Inline> = Vec::new();
    for inline in inlines {
        match (merged.last_mut(), inline) {
            (Some(Inline::Text(last)), Inline::Text(text)) => last.push_str(&text),
            (_, Inline::Text(text)) if text.is_empty() => {}
            (_, inline) => merged.push(inline),
        }
    }
    merged
}
