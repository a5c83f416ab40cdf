//! What holds for every text.

use chinwag::engine::markdown::{Block, Document, Inline, bring_up, parse, plain_text, still_settled};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::{golden, oracle};

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
    "[ ] a",
    "[x] a",
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

/// Where the oracle goes its own way, and ours is that of the specification or
/// of cmark, the parser of GitHub.
pub(crate) fn is_disputed(text: &str) -> bool {
    // Tabs at the end of a heading are kept.
    let tab = text.contains('\t');
    // An indented line after a table is code or a row by its first character.
    let after_table = text.contains("-|") && text.contains("    ");
    // A backslash in a table's head hides what follows, even when it is escaped
    // itself; and a definition may stand right above a head.
    let head = text.contains("-|") && (text.contains('\\') || text.contains("]: "));
    // A link without an address is a link around an address in angle brackets.
    let empty_link = text.contains("]()");
    // An escaped bracket after a label is taken for another label.
    let after_label = text.contains("]\\");
    // The indentation of a line in a code span counts.
    let code_over_lines = text.contains('`') && (text.contains("\n ") || text.contains("> "));
    // The line that goes on with a definition is not taken lazily.
    let lazy_definition = text.contains("]:\n");
    // Runs of one and of two tildes shut each other out, and strikes in words open and close without a look at punctuation.
    let strike = text.match_indices("~~").any(|(at, _)| {
        let before = text[..at].chars().next_back().unwrap_or(' ');
        let after = text[at + 2..].chars().next().unwrap_or(' ');
        let sides = [before, after];
        sides.iter().any(char::is_ascii_punctuation) && !sides.iter().any(|side| side.is_whitespace())
    });
    let lone = text.replace("~~", "").contains('~');
    let mixed_strike = lone && text.contains("~~");
    tab || mixed_strike
        || after_table
        || head
        || empty_link
        || after_label
        || code_over_lines
        || lazy_definition
        || strike
}

/// A start that leaves something open: a long line, so that a part of it
/// settles, or containers.
fn head() -> impl Strategy<Value = String> {
    let heads = ["", "- ", "> ", "> - ", "1. a\n\n   ", "```\na\n", "|a|b|\n|-|-|\n", "- a\n  - b\n"];
    (proptest::sample::select(heads.to_vec()), 0..60usize)
        .prop_map(|(head, words)| head.to_owned() + &"some words ".repeat(words))
}

fn plain(blocks: &[Block], into: &mut String) {
    for block in blocks {
        match block {
            Block::Paragraph(inlines) | Block::Heading { children: inlines, .. } => {
                into.push_str(&plain_text(inlines));
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

/// Paragraphs whose texts are not in parts, as they are at the bounds of what
/// is read again.
fn joined(blocks: &[Block]) -> Vec<Block> {
    let joined = |block: &Block| match block {
        Block::Paragraph(inlines) => Block::Paragraph(oracle::merged(inlines.clone())),
        other => other.clone(),
    };
    blocks.iter().map(joined).collect()
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

/// The text that is on the screen.
fn drawn(document: &Document) -> String {
    let mut drawn = String::new();
    plain(document.settled(), &mut drawn);
    plain(document.tail(), &mut drawn);
    drawn
}

#[test]
fn a_reply_is_drawn_character_by_character_without_taking_anything_back() {
    let reply = golden::read(&golden::folder("markdown").join("reply.md"));
    let mut document = Document::new();
    let mut before = String::new();
    for character in reply.chars() {
        document.push(character.encode_utf8(&mut [0; 4]));
        let now = drawn(&document);
        assert!(now.starts_with(before.trim_end()), "{before}\n--- became ---\n{now}");
        before = now;
    }
    assert!(before.len() > reply.len() / 2);
}

proptest! {
    // Always the same texts: whether two parsers agree on a new one is a matter
    // for whoever changes this, not for whoever runs it.
    #![proptest_config(ProptestConfig { cases: 10_000, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn a_text_of_markdown_gives_the_tree_of_the_oracle(text in text(12)) {
        // The oracle wants a line feed at the end of indented code.
        let text = text + "\n";
        if let Some(expected) = oracle::parse(&text).filter(|_| !is_disputed(&text)) {
            prop_assert_eq!(oracle::comparable(parse(&text)), expected);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

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

    /// A view that looks only at what the frontier leaves open misses nothing.
    #[test]
    fn what_a_view_remembers_of_the_tail_is_the_tail(text in text(40), head in head(), size in 1..9usize) {
        let text = head + &text;
        let mut document = Document::new();
        let mut shown: Vec<Block> = Vec::new();
        let mut frontier: Vec<usize> = Vec::new();
        let characters: Vec<char> = text.chars().collect();
        for slice in characters.chunks(size) {
            document.push(&slice.iter().collect::<String>());
            let settled = document.settled().len() - frontier.first().copied().unwrap_or_default();
            let same = still_settled(&frontier, document.frontier());
            frontier = document.frontier().to_vec();
            shown.drain(..settled.min(shown.len()));
            shown.truncate(document.tail().len());
            for (index, block) in document.tail().iter().enumerate() {
                let inner = if index + settled == 0 { same.get(1..).unwrap_or_default() } else { &[] };
                match shown.get_mut(index) {
                    Some(shown) => bring_up(shown, block, inner),
                    None => shown.push(block.clone()),
                }
            }
            prop_assert_eq!(&shown, document.tail());
        }
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
    fn any_characters_at_all_make_sound_blocks(text in "(\\PC|[\\x00-\\x7F\u{200B}-\u{200F}\u{202A}-\u{202E}\u{2060}-\u{206F}\u{E0000}-\u{E007F}]){0,60}") {
        let blocks = parse(&text);
        prop_assert!(are_sound(&blocks));
        let mut shown = String::new();
        plain(&blocks, &mut shown);
        let deceives = |character: char| {
            (character.is_control() && !matches!(character, '\t' | '\n'))
                || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{E0000}'..='\u{E001F}')
        };
        prop_assert!(!shown.contains(deceives), "{shown:?}");
    }

    #[test]
    fn blocks_of_markdown_are_sound(text in text(60)) {
        prop_assert!(are_sound(&parse(&text)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Of a long paragraph only the end is read again.
    #[test]
    fn a_long_line_is_drawn_the_same_however_it_comes(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES.to_vec()), 200..400),
        length in 1..40usize,
    ) {
        let text = format!("a {}", pieces.concat().replace('\n', " "));
        let mut whole = Document::new();
        whole.push(&text);
        let mut sliced = Document::new();
        let characters: Vec<char> = text.chars().collect();
        for slice in characters.chunks(length) {
            sliced.push(&slice.iter().collect::<String>());
        }
        prop_assert_eq!(joined(whole.tail()), joined(sliced.tail()));
        let closed = parse(&(text.clone() + " end"));
        whole.push(" end");
        whole.finish();
        prop_assert_eq!(whole.settled(), closed);
    }
}
