//! Markdown into sections: where each heading's own text begins and ends, what
//! its blocks say, and under which anchor it is found.
//!
//! The served pages and the citations take their anchors from here, so that
//! every citation opens where it says.

use std::collections::HashSet;
use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// The dialect: what GitHub shows, with explicit heading ids.
pub(crate) fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM
}

/// One file of the folder, read and split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// Where it is under the folder, with `/` between the parts.
    pub path: String,
    /// Its first heading, else the title of its front matter, else its name.
    pub title: String,
    /// Its Markdown without front matter; lines end in `\n`.
    pub text: String,
    /// An anchor for every heading, in the order of the text, unique.
    pub anchors: Vec<String>,
    /// Its sections that say something, in the order of the text.
    pub sections: Vec<Section>,
}

/// The text under one heading, up to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    /// The headings that lead to it, its own last, without the title of the
    /// document; empty for what stands under the title itself.
    pub headings: Vec<String>,
    /// The anchor of its heading; none for text before the first one.
    pub anchor: Option<String>,
    /// What it is made of.
    pub blocks: Vec<Block>,
    /// How many bytes of its text are the text of links.
    pub link_bytes: usize,
}

impl Section {
    /// How much of its text is links, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "bytes of a file of at most 1 MiB")]
    pub(super) fn link_share(&self) -> f32 {
        let all: usize = self.blocks.iter().map(|block| block.plain.len()).sum();
        (self.link_bytes as f32 / all.max(1) as f32).min(1.0)
    }
}

/// One block at the top of a section: a paragraph, a list, a table, ...
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Its bytes in the document's text.
    pub range: Range<usize>,
    /// Its words, without marks.
    pub plain: String,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// A paragraph.
    Paragraph,
    /// Ordered, unordered or of tasks.
    List,
    /// A block of code.
    Code,
    /// A table.
    Table,
    /// A quotation or an alert.
    Quote,
}

impl Document {
    /// Reads a document; Markdown cannot be wrong, so neither can this.
    pub(crate) fn parse(path: &str, raw: &str) -> Self {
        let unmarked = raw.strip_prefix('\u{feff}').unwrap_or(raw);
        let unix = unmarked.replace("\r\n", "\n").replace('\r', "\n");
        let (front_title, text) = front_matter(&unix);
        let text = text.to_owned();
        let mut reader = Reader::default();
        for (event, range) in Parser::new_ext(&text, options()).into_offset_iter() {
            reader.read(event, range);
        }
        reader.close();
        let title = reader.title.or(front_title).unwrap_or_else(|| title_of_name(path));
        let mut sections = reader.sections;
        sections.retain(|section| !section.blocks.is_empty());
        Self { path: path.to_owned(), title, text, anchors: reader.anchors.done, sections }
    }
}

/// Walks the events of a document and gathers its sections.
#[derive(Default)]
struct Reader {
    title: Option<String>,
    anchors: Anchors,
    sections: Vec<Section>,
    /// The headings above the present place, by level.
    trail: Vec<(HeadingLevel, String)>,
    current: Option<Section>,
    /// How many containers are open.
    depth: usize,
    block: Option<Block>,
    heading: Option<Heading>,
    seen_heading: bool,
    in_link: bool,
}

struct Heading {
    level: HeadingLevel,
    id: Option<String>,
    text: String,
    /// A heading inside a quotation has an anchor, but begins no section.
    is_top: bool,
}

impl Reader {
    fn read(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.open(&tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) => self.say(&text),
            Event::SoftBreak | Event::HardBreak => self.say(" "),
            _ => {}
        }
    }

    fn open(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        self.in_link |= matches!(tag, Tag::Link { .. });
        if let Tag::Heading { level, id, .. } = tag {
            self.heading = Some(Heading {
                level: *level,
                id: id.as_ref().map(ToString::to_string),
                text: String::new(),
                is_top: self.depth == 0,
            });
        } else if self.depth == 0 {
            let kind = match tag {
                Tag::Paragraph => Some(BlockKind::Paragraph),
                Tag::List(_) => Some(BlockKind::List),
                Tag::CodeBlock(_) => Some(BlockKind::Code),
                Tag::Table(_) => Some(BlockKind::Table),
                Tag::BlockQuote(_) => Some(BlockKind::Quote),
                _ => None,
            };
            self.block = kind.map(|kind| Block { kind, range, plain: String::new() });
        }
        self.depth += 1;
    }

    fn end(&mut self, tag: TagEnd) {
        self.in_link &= tag != TagEnd::Link;
        self.depth = self.depth.saturating_sub(1);
        if let TagEnd::Heading(_) = tag {
            if let Some(heading) = self.heading.take() {
                self.begin(&heading);
            }
        } else if self.depth == 0 {
            if let Some(mut block) = self.block.take() {
                block.plain.truncate(block.plain.trim_end().len());
                // A block of only images or HTML answers nothing.
                if !block.plain.trim().is_empty() {
                    self.current.get_or_insert_with(Section::untitled).blocks.push(block);
                }
            }
        } else if matches!(
            tag,
            TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell | TagEnd::TableRow | TagEnd::TableHead
        ) {
            self.say("\n");
        }
    }

    fn say(&mut self, text: &str) {
        if let Some(heading) = &mut self.heading {
            heading.text.push_str(text);
        } else if let Some(block) = &mut self.block {
            block.plain.push_str(text);
            if self.in_link {
                self.current.get_or_insert_with(Section::untitled).link_bytes += text.len();
            }
        }
    }

    /// A heading has ended: its section begins.
    fn begin(&mut self, heading: &Heading) {
        let text = heading.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let anchor = self.anchors.add(heading.id.as_deref().unwrap_or(&text));
        if !heading.is_top {
            return;
        }
        self.close();
        let is_title = !self.seen_heading && heading.level == HeadingLevel::H1 && !text.is_empty();
        self.seen_heading = true;
        self.trail.retain(|(level, _)| *level < heading.level);
        if is_title {
            self.title = Some(text);
        } else {
            self.trail.push((heading.level, text));
        }
        self.current = Some(Section {
            headings: self.trail.iter().map(|(_, text)| text.clone()).collect(),
            anchor: Some(anchor),
            blocks: Vec::new(),
            link_bytes: 0,
        });
    }

    fn close(&mut self) {
        self.sections.extend(self.current.take());
    }
}

impl Section {
    fn untitled() -> Self {
        Self { headings: Vec::new(), anchor: None, blocks: Vec::new(), link_bytes: 0 }
    }
}

/// Makes anchors as GitHub does, each only once.
#[derive(Default)]
struct Anchors {
    done: Vec<String>,
    used: HashSet<String>,
}

impl Anchors {
    fn add(&mut self, text: &str) -> String {
        let base = slug(text);
        let mut anchor = base.clone();
        let mut number = 0_usize;
        while !self.used.insert(anchor.clone()) {
            number += 1;
            anchor = format!("{base}-{number}");
        }
        self.done.push(anchor.clone());
        anchor
    }
}

/// A heading as an anchor: lower case, spaces as hyphens, punctuation dropped.
fn slug(text: &str) -> String {
    let slug: String = text
        .trim()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .flat_map(char::to_lowercase)
        .collect();
    if slug.chars().any(char::is_alphanumeric) { slug } else { "section".to_owned() }
}

/// Splits off front matter (`---` or `+++`), and finds its title.
fn front_matter(text: &str) -> (Option<String>, &str) {
    let Some((fence, rest)) = ["---\n", "+++\n"]
        .iter()
        .find_map(|fence| text.strip_prefix(fence).map(|rest| (fence.trim_end(), rest)))
    else {
        return (None, text);
    };
    let mut length = 0;
    let mut title = None;
    for line in rest.split_inclusive('\n') {
        length += line.len();
        if line.trim_end() == fence {
            return (title, rest.get(length..).unwrap_or_default());
        }
        // A rule at the top of a page that has none: what follows is prose.
        if line.trim().is_empty() && title.is_none() && length == line.len() {
            break;
        }
        if let Some((key, value)) = line.split_once([':', '=']) {
            let value = value.trim().trim_matches(['"', '\'']).trim();
            if title.is_none() && key.trim() == "title" && !value.is_empty() {
                title = Some(value.to_owned());
            }
        }
    }
    (None, text)
}

/// `guides/quick-start.md` is called "Quick start".
fn title_of_name(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let words = stem.split(['-', '_', ' ']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let mut characters = words.chars();
    characters
        .next()
        .map_or_else(|| name.to_owned(), |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(document: &Document) -> Vec<(String, Option<&str>)> {
        document
            .sections
            .iter()
            .map(|section| (section.headings.join(" > "), section.anchor.as_deref()))
            .collect()
    }

    #[test]
    fn sections_know_the_headings_above_them() {
        let document = Document::parse(
            "theming.md",
            "# Theming\n\nIntro.\n\n## Colours\n\n### Accent colour\n\nText `code`.\n\n```sh\n# not a heading\n```\n\n## Radius\n\nRound.\n",
        );
        assert_eq!(document.title, "Theming");
        assert_eq!(
            headings(&document),
            [
                (String::new(), Some("theming")),
                ("Colours > Accent colour".into(), Some("accent-colour")),
                ("Radius".into(), Some("radius")),
            ]
        );
        let kinds: Vec<_> = document.sections[1].blocks.iter().map(|block| block.kind).collect();
        assert_eq!(kinds, [BlockKind::Paragraph, BlockKind::Code]);
        assert_eq!(document.sections[1].blocks[0].plain, "Text code.");
    }

    #[test]
    fn anchors_are_unique_and_like_those_of_github() {
        let document = Document::parse(
            "a.md",
            "# A\n\n## Same\n\nx\n\n## Same\n\nx\n\n## Same-1\n\nx\n\n## What's `new`, Élan?\n\nx\n\n## 🎉\n\nx\n\n> ## Quoted\n\n## Given {#mine}\n\nx\n",
        );
        assert_eq!(
            document.anchors,
            ["a", "same", "same-1", "same-1-1", "whats-new-élan", "section", "quoted", "mine"]
        );
        assert_eq!(document.sections.last().unwrap().anchor.as_deref(), Some("mine"));
    }

    #[test]
    fn windows_line_ends_marks_and_front_matter_are_no_text() {
        let document = Document::parse(
            "x.md",
            "\u{feff}---\r\ntitle: \"A title\"\r\ntags: [a]\r\n---\r\nHello\r\nyou\r\n\r\n## Next\r\n\r\n- a\r\n- b\r\n",
        );
        assert_eq!(document.title, "A title");
        assert_eq!(document.sections[0].blocks[0].plain, "Hello you");
        assert_eq!(document.sections[1].blocks[0].plain, "a\nb");
        assert!(!document.text.contains("tags"));
    }

    #[test]
    fn a_rule_at_the_top_is_no_front_matter() {
        let document = Document::parse("x.md", "---\n\nText: one\n\n---\n\nMore\n");
        assert!(document.text.starts_with("---"), "{}", document.text);
        assert_eq!(document.sections[0].blocks.len(), 2);
    }

    #[test]
    fn a_document_without_headings_is_called_by_its_name() {
        let document = Document::parse("guides/quick-start_guide.md", "Text.");
        assert_eq!(document.title, "Quick start guide");
        assert_eq!(headings(&document), [(String::new(), None)]);
        assert!(Document::parse("empty.md", "").sections.is_empty());
        assert!(Document::parse("images.md", "# T\n\n<div>x</div>\n").sections.is_empty());
    }
}
