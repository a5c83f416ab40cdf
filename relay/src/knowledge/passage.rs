//! A page cut into passages: pieces that are small enough to be given to a model
//! and large enough to say something by themselves.

use serde::{Deserialize, Serialize};

use crate::store::SourcePage;
use crate::upstream::docs::markdown::{Block, BlockKind, Document, Section};

/// A passage is made about this long, in words.
const TARGET_WORDS: usize = 90;

/// A block longer than this is more than one passage, in words.
const MAX_WORDS: usize = 130;

/// Longest passage, in bytes: a line of code or data may have no spaces.
const MAX_BYTES: usize = 2_000;

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// The source that it is of.
    pub source: String,
    /// Where people read the page; empty if it is nowhere to be read.
    pub url: String,
    /// What the page is called.
    pub title: String,
    /// The headings that lead to it, without the title.
    pub headings: Vec<String>,
    /// Which one it is of its page.
    pub place: usize,
    /// As it is shown.
    pub markdown: String,
    /// Its words, without marks.
    pub plain: String,
}

/// The passages of a page, in order.
pub fn cut(source: &str, page: &SourcePage) -> Vec<Passage> {
    // Its path is only looked at for a title, and it has one.
    let document = Document::parse("page.md", &page.text);
    let mut passages = Vec::new();
    for section in &document.sections {
        // The first heading of a page is mostly its title again.
        let headings: Vec<String> =
            section.headings.iter().filter(|heading| **heading != page.title).cloned().collect();
        for (markdown, plain) in pieces(&document, section) {
            passages.push(Passage {
                source: source.to_owned(),
                url: page.url.clone(),
                title: page.title.clone(),
                headings: headings.clone(),
                place: passages.len(),
                markdown,
                plain,
            });
        }
    }
    passages
}

/// Markdown and words of each piece of a section.
fn pieces(document: &Document, section: &Section) -> Vec<(String, String)> {
    let mut done: Vec<(String, String)> = Vec::new();
    let (mut markdown, mut plain, mut words) = (String::new(), String::new(), 0);
    let mut flush = |markdown: &mut String, plain: &mut String, words: &mut usize| {
        *words = 0;
        if !plain.trim().is_empty() {
            done.push((std::mem::take(markdown), std::mem::take(plain)));
        }
    };
    for block in &section.blocks {
        for (part, part_plain) in parts(document, block) {
            let count = part_plain.split_whitespace().count();
            let is_full = words > 0 && words + count > TARGET_WORDS;
            if is_full || markdown.len() + part.len() > MAX_BYTES {
                flush(&mut markdown, &mut plain, &mut words);
            }
            if !markdown.is_empty() {
                markdown.push_str("\n\n");
                plain.push('\n');
            }
            markdown.push_str(&part);
            plain.push_str(&part_plain);
            words += count;
        }
    }
    flush(&mut markdown, &mut plain, &mut words);
    done
}

/// A block, or what it is cut into if it is too long: lines where it has them,
/// else sentences.
fn parts(document: &Document, block: &Block) -> Vec<(String, String)> {
    let whole = document.text.get(block.range.clone()).unwrap_or_default().trim_end();
    let count = block.plain.split_whitespace().count();
    if count <= MAX_WORDS && whole.len() <= MAX_BYTES {
        return vec![(whole.to_owned(), block.plain.clone())];
    }
    let is_in_lines = matches!(block.kind, BlockKind::Code | BlockKind::List | BlockKind::Table);
    let units: Vec<&str> = if is_in_lines && block.plain.contains('\n') {
        block.plain.split_inclusive('\n').collect()
    } else {
        sentences(&block.plain)
    };
    let mut parts: Vec<String> = Vec::new();
    for unit in units.into_iter().flat_map(bounded) {
        let unit_words = unit.split_whitespace().count();
        match parts.last_mut() {
            Some(last)
                if last.split_whitespace().count() + unit_words <= TARGET_WORDS
                    && last.len() + unit.len() <= MAX_BYTES =>
            {
                last.push_str(unit);
            }
            _ => parts.push(unit.to_owned()),
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    // Half a list or table is no Markdown any more: its words stand for it.
    parts.into_iter().map(|part| (part.trim().to_owned(), part)).collect()
}

/// Each sentence with the space after it.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let (mut begin, mut was_end) = (0, false);
    for (at, character) in text.char_indices() {
        if was_end && character.is_whitespace() {
            let end = at + character.len_utf8();
            sentences.extend(text.get(begin..end));
            begin = end;
        }
        was_end = matches!(character, '.' | '!' | '?' | '\u{3002}');
    }
    sentences.extend(text.get(begin..).filter(|rest| !rest.is_empty()));
    sentences
}

/// A text in pieces that fit into a passage whatever it is.
fn bounded(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let by_words = rest
            .char_indices()
            .scan((0, true), |(words, was_space), (at, character)| {
                *words += usize::from(*was_space && !character.is_whitespace());
                *was_space = character.is_whitespace();
                Some((at, *words))
            })
            .find(|(_, words)| *words > MAX_WORDS)
            .map_or(rest.len(), |(at, _)| at);
        let end = rest.floor_char_boundary(by_words.min(MAX_BYTES)).max(1);
        let (piece, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> SourcePage {
        SourcePage { url: "https://a.example/x".into(), title: "Delivery".into(), text: text.into() }
    }

    #[test]
    fn a_page_is_cut_at_its_headings_and_blocks_and_loses_nothing() {
        let long = "One two three four five six seven eight nine ten. ".repeat(40);
        let list: Vec<String> = (0..60).map(|number| format!("- item {number} with some words\n")).collect();
        let list = list.concat();
        let text = format!("# Delivery\n\nFour days.\n\n## Malta\n\nSix *days*.\n\n{long}\n\n{list}");
        let passages = cut("src_1", &page(&text));
        assert_eq!((passages[0].plain.as_str(), passages[0].headings.len()), ("Four days.", 0));
        assert_eq!(passages[1].headings, ["Malta"]);
        assert!(passages[1].markdown.starts_with("Six *days*."), "{:?}", passages[1]);
        for passage in &passages {
            assert!(passage.plain.split_whitespace().count() <= MAX_WORDS, "{passage:?}");
        }
        let words = |text: &str| text.split_whitespace().filter(|word| *word != "-").count();
        let all: usize = passages.iter().map(|passage| words(&passage.plain)).sum();
        assert_eq!(all, 4 + 400 + 60 * 5);
    }

    #[test]
    fn a_text_without_spaces_or_sentences_is_cut_too() {
        for text in ["x".repeat(50_000), "\u{65e5}".repeat(20_000), "word ".repeat(10_000)] {
            let passages = cut("src_1", &page(&text));
            assert!(passages.len() > 5);
            assert!(passages.iter().all(|passage| passage.markdown.len() <= MAX_BYTES));
        }
        assert!(cut("src_1", &page("")).is_empty());
    }
}
