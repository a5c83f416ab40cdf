//! What a view remembers of the tail that it drew last, so that it can tell what
//! is new. Bringing it up to date costs what is open, not what is there.

use std::fmt::Debug;

use super::node::{Block, Item};
use super::work;

/// How far two frontiers of a document agree: what stands before these indices
/// was settled at `before` and is at `now` what it was.
///
/// Where the path turns, what was open has been closed. Of that a part was read
/// again as a whole, so nothing below it counts as the same.
pub fn still_settled(before: &[usize], now: &[usize]) -> Vec<usize> {
    let mut path = Vec::with_capacity(before.len());
    for (&was, &is) in before.iter().zip(now) {
        path.push(was.min(is));
        if was != is {
            break;
        }
    }
    path
}

/// Makes `shown` equal to `block`, of which the parts before the indices in
/// `settled` are the same already.
pub fn bring_up(shown: &mut Block, block: &Block, settled: &[usize]) {
    match (&mut *shown, block, settled.split_first()) {
        (Block::Paragraph(shown), Block::Paragraph(inlines), Some((&from, _))) => {
            replace_from(shown, inlines, from);
        }
        (Block::Quote(shown), Block::Quote(blocks), Some((&from, inner))) => {
            bring_up_blocks(shown, blocks, from, inner);
        }
        (
            Block::List { start: was, tight: was_tight, items: shown },
            Block::List { start, tight, items },
            Some((&from, inner)),
        ) => {
            (*was, *was_tight) = (*start, *tight);
            let Some((place, (shown_item, item))) = open(shown, items, from, inner) else {
                return replace_from(shown, items, from);
            };
            let Item { task, blocks } = item;
            shown_item.task = *task;
            if let Some((&from, inner)) = inner.split_first() {
                bring_up_blocks(&mut shown_item.blocks, blocks, from, inner);
            }
            replace_from(shown, items, place + 1);
        }
        (
            Block::Table { alignments: was, head: old_head, rows: shown },
            Block::Table { alignments, head, rows },
            Some((&from, _)),
        ) if was == alignments && old_head == head => replace_from(shown, rows, from),
        (
            Block::CodeBlock { language: was, text: shown },
            Block::CodeBlock { language, text },
            Some((&from, _)),
        ) if was == language => {
            shown.truncate(from);
            let more = text.get(from..).unwrap_or_default();
            work::count(more.len());
            shown.push_str(more);
        }
        _ => *shown = copied(block),
    }
}

fn bring_up_blocks(shown: &mut Vec<Block>, blocks: &[Block], from: usize, inner: &[usize]) {
    let Some((place, (shown_block, block))) = open(shown, blocks, from, inner) else {
        return replace_from(shown, blocks, from);
    };
    bring_up(shown_block, block, inner);
    replace_from(shown, blocks, place + 1);
}

/// The child that is open, if there is more to be said of its inside.
fn open<'a, T>(
    shown: &'a mut [T],
    now: &'a [T],
    place: usize,
    inner: &[usize],
) -> Option<(usize, (&'a mut T, &'a T))> {
    let both = (shown.get_mut(place)?, now.get(place)?);
    (!inner.is_empty()).then_some((place, both))
}

fn replace_from<T: Clone + Debug>(shown: &mut Vec<T>, now: &[T], from: usize) {
    shown.truncate(from);
    for child in now.iter().skip(from) {
        shown.push(copied(child));
    }
}

fn copied<T: Clone + Debug>(child: &T) -> T {
    work::weigh(child);
    child.clone()
}

#[cfg(test)]
mod tests {
    use super::super::Document;
    use super::super::work::during;
    use super::*;

    /// Streams a text to a view that remembers what it drew; gives the work of
    /// remembering.
    fn remember(text: &str) -> usize {
        let mut document = Document::new();
        let mut shown: Vec<Block> = Vec::new();
        let mut frontier: Vec<usize> = Vec::new();
        let mut work = 0;
        let characters: Vec<char> = text.chars().collect();
        for slice in characters.chunks(10) {
            document.push(&slice.iter().collect::<String>());
            let path = still_settled(&frontier, document.frontier());
            let is_same = frontier.first() == document.frontier().first();
            frontier = document.frontier().to_vec();
            work += during(|| match (shown.as_mut_slice(), document.tail()) {
                ([shown], [block]) if is_same => bring_up(shown, block, path.get(1..).unwrap_or_default()),
                (_, tail) => shown = tail.iter().map(copied).collect(),
            });
        }
        assert_eq!(shown, document.tail(), "{text:?}");
        work
    }

    #[test]
    fn what_a_chunk_costs_a_view_does_not_grow_with_the_block_that_it_belongs_to() {
        for (name, head, unit) in [
            ("list", "", "- an item\n"),
            ("list in a list", "- a\n", "  - an *item*\n"),
            ("quote", "", "> a line\n>\n"),
            ("code", "```rust\n", "let a = 1;\n"),
            ("indented code", "", "    let a = 1;\n"),
            ("table", "| a | b |\n|---|---|\n", "| 1 | **2** |\n"),
            ("paragraph", "", "Some **bold** words, a `span` and [a link](https://a.example) on. "),
            ("paragraph of lines", "", "Some words and *more* of them.\n"),
            ("paragraph in an item", "- ", "Some **bold** words and `code` on. "),
            ("open emphasis", "*", "words without an end "),
        ] {
            let text = |bytes: usize| head.to_owned() + &unit.repeat(bytes / unit.len());
            let (once, twice) = (remember(&text(6_000)), remember(&text(12_000)));
            assert!(twice * 10 <= once * 22, "{name}: {once} bytes copied, then {twice}");
        }
    }

    #[test]
    fn a_path_ends_where_the_open_blocks_part() {
        assert_eq!(still_settled(&[1, 2, 3], &[1, 2, 5]), [1, 2, 3]);
        assert_eq!(still_settled(&[1, 2, 3], &[1, 4, 0]), [1, 2]);
        assert_eq!(still_settled(&[1, 2, 3], &[1]), [1]);
        assert!(still_settled(&[], &[1]).is_empty());
    }
}
