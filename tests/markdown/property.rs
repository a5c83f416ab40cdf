//! What holds for every text.

use chinwag::engine::markdown::{Block, Document, Inline, parse, plain_text};
use proptest::prelude::*;

use crate::oracle;

/// Pieces that Markdown is made of, so that random texts are rich in it.
const PIECES: [&str; 72] = [
    "a",
    "b ",
    "word ",
    "é",
    "日本",
    " ",
    "  ",
    "    ",
    "\t",
    "\n",
    "\n",
    "\n\n",
    "\n\n",
    "\n    ",
    "\n  ",
    "*",
    "*",
    "**",
    "***",
    "_",
    "__",
    "~~",
    "~",
    "`",
    "``",
    "```",
    "\n```\n",
    "~~~",
    "[",
    "]",
    "](",
    ")",
    "(",
    "](tel:a)",
    "[a]",
    "\n[a]: tel:b\n",
    "][a]",
    "![",
    "!",
    "<tel:c>",
    "<",
    ">",
    "\n> ",
    "> ",
    "- ",
    "\n- ",
    "\n* ",
    "\n+ ",
    "\n1. ",
    "\n2) ",
    "\n10. ",
    "1.",
    "[ ] ",
    "[x] ",
    "# ",
    "\n## ",
    "#",
    "\n---\n",
    "\n===\n",
    "\n***\n",
    "|",
    " | ",
    "\n|-|-|\n",
    "\n|a|b|\n|:-|-:|\n|c|d|",
    "\\",
    "\\*",
    "&amp;",
    "&#42;",
    "\"",
    "'t'",
    "&",
    ":",
];

fn text(longest: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..longest)
        .prop_map(|pieces| pieces.concat())
}

fn plain(blocks: &[Block], into: &mut String) {
    for block in blocks {
        match block {
            Block::Paragraph(inlines) | Block::Heading { children: inlines, .. } => {
                into.push_str(&plain_text(inlines))
            }
            Block::CodeBlock { text, .. } => into.push_str(text),
            Block::Quote(blocks) => plain(blocks, into),
            Block::List { items, .. } => items.iter().for_each(|item| plain(&item.blocks, into)),
            Block::Table { head, rows, .. } => {
                head.iter().chain(rows.iter().flatten()).for_each(|cell| into.push_str(&plain_text(cell)));
            }
            Block::Rule => {}
        }
    }
}

/// Whether texts stand side by side, or a link in a link.
fn is_sound(inlines: &[Inline], in_link: bool) -> bool {
    let touching = inlines.windows(2).any(|pair| matches!(pair, [Inline::Text(_), Inline::Text(_)]));
    !touching
        && inlines.iter().all(|inline| match inline {
            Inline::Emph(children) | Inline::Strong(children) | Inline::Strike(children) => {
                is_sound(children, in_link)
            }
            Inline::Link { children, .. } => !in_link && is_sound(children, true),
            Inline::Text(text) => !text.is_empty(),
            _ => true,
        })
}

fn are_sound(blocks: &[Block]) -> bool {
    blocks.iter().all(|block| match block {
        Block::Paragraph(inlines) | Block::Heading { children: inlines, .. } => is_sound(inlines, false),
        Block::Quote(blocks) => are_sound(blocks),
        Block::List { items, .. } => !items.is_empty() && items.iter().all(|item| are_sound(&item.blocks)),
        Block::Table { alignments, head, rows } => rows
            .iter()
            .chain([head])
            .all(|row| row.len() == alignments.len() && row.iter().all(|cell| is_sound(cell, false))),
        Block::CodeBlock { .. } | Block::Rule => true,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_text_of_markdown_gives_the_tree_of_the_oracle(text in text(12)) {
        if let Some(expected) = oracle::parse(&text) {
            prop_assert_eq!(oracle::comparable(parse(&text)), expected);
        }
    }

    #[test]
    fn any_slices_settle_to_the_whole(text in text(40), cuts in proptest::collection::vec(0..400usize, 0..8)) {
        let mut document = Document::new();
        let mut settled: Vec<Block> = Vec::new();
        let mut from = 0;
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|&cut| text.is_char_boundary(cut)).collect();
        cuts.sort_unstable();
        for cut in cuts.into_iter().chain([text.len()]) {
            document.push(&text[from..cut]);
            from = cut;
            prop_assert!(document.settled().starts_with(&settled));
            settled = document.settled().to_vec();
        }
        document.finish();
        prop_assert_eq!(document.settled(), parse(&text));
    }

    #[test]
    fn a_text_that_comes_character_by_character_settles_to_the_whole(text in text(30)) {
        let mut document = Document::new();
        let mut frontier = 0;
        for character in text.chars() {
            document.push(character.encode_utf8(&mut [0; 4]));
            prop_assert!(document.settled().len() >= frontier);
            frontier = document.settled().len();
        }
        document.finish();
        prop_assert_eq!(document.settled(), parse(&text));
    }

    #[test]
    fn what_is_drawn_depends_on_the_text_and_not_on_its_slices(text in text(30), cut in 0..200usize) {
        let mut whole = Document::new();
        whole.push(&text);
        let mut sliced = Document::new();
        let cut = (0..=cut.min(text.len())).rev().find(|&cut| text.is_char_boundary(cut)).unwrap_or(0);
        sliced.push(&text[..cut]);
        sliced.push(&text[cut..]);
        prop_assert_eq!(whole.settled(), sliced.settled());
        prop_assert_eq!(whole.tail(), sliced.tail());
    }

    #[test]
    fn any_characters_at_all_make_sound_blocks(text in "(\\PC|[\\x00-\\x7F\u{202A}-\u{202E}]){0,60}") {
        let blocks = parse(&text);
        prop_assert!(are_sound(&blocks));
        let mut shown = String::new();
        plain(&blocks, &mut shown);
        let has_controls = shown.contains(['\0', '\u{202E}']);
        prop_assert!(!has_controls);
    }

    #[test]
    fn blocks_of_markdown_are_sound(text in text(60)) {
        prop_assert!(are_sound(&parse(&text)));
    }
}
