//! Cuts the passage that answers out of a section, as Markdown that stands on
//! its own: links absolute, images as their text, no HTML, no open fence.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::analysis::Analyzer;
use super::corpus::{Corpus, Target, served_path};
use super::index::Understood;
use super::markdown::{Block, BlockKind, Document, Section, options};

/// How long a passage is made, in bytes of Markdown.
pub(super) const PASSAGE_BYTES: usize = 1_200;
/// How long one may become so as not to lose what its last line announces.
const STRETCHED_BYTES: usize = 2_000;

/// What is known while a passage is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scissors<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) agent: &'a str,
    pub(super) public_origin: &'a str,
    pub(super) question: &'a Understood,
}

/// One block of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: BlockKind,
    pub(super) markdown: String,
}

impl Scissors<'_> {
    /// The blocks of a section that answer, in their order, of about `limit`
    /// bytes together.
    pub(super) fn passage(&self, document: &Document, section: &Section, limit: usize) -> Vec<Piece> {
        let mut analyzer = Analyzer::new();
        let worth =
            |text: &str, analyzer: &mut Analyzer| self.corpus.index.relevance(self.question, analyzer, text);
        let (Some(first), Some(last)) = (section.blocks.first(), section.blocks.last()) else {
            return Vec::new();
        };
        // From the top, since a link may be defined anywhere.
        let events: Vec<_> = Parser::new_ext(&document.text, options())
            .into_offset_iter()
            .take_while(|(_, range)| range.start < last.range.end)
            .filter(|(_, range)| range.start >= first.range.start)
            .collect();
        let mut pieces = Vec::new();
        for block in &section.blocks {
            let inner: Vec<_> =
                events.iter().filter(|(_, range)| is_within(range, &block.range)).cloned().collect();
            let markdown = self.block(document, block, &inner, limit, &mut analyzer);
            if !markdown.trim().is_empty() {
                let worth = worth(&block.plain, &mut analyzer);
                pieces.push((Piece { kind: block.kind, markdown }, worth));
            }
        }
        let chosen = choose(&pieces, limit);
        pieces
            .into_iter()
            .enumerate()
            .filter(|(at, _)| chosen.contains(at))
            .map(|(_, (piece, _))| piece)
            .collect()
    }

    fn block(
        &self,
        document: &Document,
        block: &Block,
        events: &[(Event<'_>, Range<usize>)],
        limit: usize,
        analyzer: &mut Analyzer,
    ) -> String {
        if block.kind == BlockKind::Code {
            return fenced(events, limit.max(STRETCHED_BYTES));
        }
        let edits = self.edits(document, events);
        let whole = apply(&document.text, block.range.clone(), &edits);
        if whole.len() <= limit {
            return if block.kind == BlockKind::Quote { named_alert(&whole) } else { whole };
        }
        let worth =
            |text: &str, analyzer: &mut Analyzer| self.corpus.index.relevance(self.question, analyzer, text);
        let part = |range: &Range<usize>| apply(&document.text, range.clone(), &edits);
        match block.kind {
            BlockKind::List => {
                let items: Vec<_> =
                    ranges(events, |tag| matches!(tag, Tag::Item), 1).iter().map(part).collect();
                let weighed =
                    items.iter().map(|item| (item.clone(), worth(item, analyzer))).collect::<Vec<_>>();
                window(&weighed, limit).join("\n")
            }
            BlockKind::Table => {
                let rows: Vec<_> =
                    ranges(events, |tag| matches!(tag, Tag::TableRow), 1).iter().map(part).collect();
                let head: String = whole.lines().take(2).flat_map(|line| [line.trim(), "\n"]).collect();
                let weighed =
                    rows.iter().map(|row| (row.trim().to_owned(), worth(row, analyzer))).collect::<Vec<_>>();
                head + &window(&weighed, limit).join("\n")
            }
            _ => {
                let sentences = sentences(&whole);
                let weighed = sentences
                    .iter()
                    .map(|text| ((*text).to_owned(), worth(text, analyzer)))
                    .collect::<Vec<_>>();
                window(&weighed, limit).join(" ")
            }
        }
    }

    /// What must change in the source of a block for it to stand elsewhere.
    fn edits(
        &self,
        document: &Document,
        events: &[(Event<'_>, Range<usize>)],
    ) -> Vec<(Range<usize>, String)> {
        let mut edits = Vec::new();
        let mut links: Vec<(Range<usize>, usize, Option<String>)> = Vec::new();
        let mut image: Option<(Range<usize>, String, usize)> = None;
        for (event, range) in events {
            if let Some((_, alt, depth)) = &mut image {
                match event {
                    Event::Text(text) | Event::Code(text) => alt.push_str(text),
                    Event::Start(Tag::Image { .. }) => *depth += 1,
                    Event::End(TagEnd::Image) => *depth -= 1,
                    _ => {}
                }
                if *depth == 0 {
                    edits.extend(image.take().map(|(range, alt, _)| (range, alt)));
                }
                for link in &mut links {
                    link.1 = link.1.max(range.end);
                }
                continue;
            }
            if !matches!(event, Event::End(TagEnd::Link)) {
                for link in &mut links {
                    link.1 = link.1.max(range.end);
                }
            }
            match event {
                Event::Start(Tag::Link { dest_url, .. }) => {
                    let url = self.address(document, dest_url);
                    links.push((range.clone(), range.start + 1, url));
                }
                Event::End(TagEnd::Link) => {
                    if let Some((whole, inner_end, url)) = links.pop() {
                        let (open, close) = url.map_or((String::new(), String::new()), |url| {
                            ("[".to_owned(), format!("]({url})"))
                        });
                        edits.push((whole.start..whole.start + 1, open));
                        edits.push((inner_end.min(whole.end)..whole.end, close));
                    }
                }
                Event::Start(Tag::Image { .. }) => image = Some((range.clone(), String::new(), 1)),
                Event::InlineHtml(html) | Event::Html(html) => {
                    let is_break = html.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("<br"));
                    edits.push((range.clone(), if is_break { " ".to_owned() } else { String::new() }));
                }
                Event::FootnoteReference(_) => edits.push((range.clone(), String::new())),
                _ => {}
            }
        }
        edits.sort_by_key(|(range, _)| (range.start, range.end));
        edits
    }

    fn address(&self, document: &Document, destination: &str) -> Option<String> {
        let path = match self.corpus.follow(document, destination)? {
            // A parenthesis would end the link.
            Target::Web(url) => return Some(url.replace('(', "%28").replace(')', "%29")),
            Target::Document(document, fragment) => served_path(self.agent, &document.path, fragment),
            Target::Image(path) => served_path(self.agent, path, None),
        };
        Some(format!("{}{path}", self.public_origin))
    }
}

fn is_within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    inner.start >= outer.start && inner.end <= outer.end
}

/// The source in `range` with the edits in it.
fn apply(text: &str, range: Range<usize>, edits: &[(Range<usize>, String)]) -> String {
    let mut out = String::new();
    let mut at = range.start;
    for (edit, new) in edits {
        if edit.start < at || edit.end > range.end {
            continue;
        }
        out.push_str(text.get(at..edit.start).unwrap_or_default());
        out.push_str(new);
        at = edit.end;
    }
    out.push_str(text.get(at..range.end).unwrap_or_default());
    out.truncate(out.trim_end().len());
    out
}

/// A block of code with a fence of its own, cut at a line if it is too long.
fn fenced(events: &[(Event<'_>, Range<usize>)], limit: usize) -> String {
    let mut language = String::new();
    let mut code = String::new();
    for (event, _) in events {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let word = info.split([' ', ',', '{']).next().unwrap_or_default();
                if word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '+' | '#')) {
                    word.clone_into(&mut language);
                }
            }
            Event::Text(text) => code.push_str(text),
            _ => {}
        }
    }
    let mut kept = String::new();
    for line in code.lines() {
        if !kept.is_empty() && kept.len() + line.len() > limit {
            kept.push_str("...\n");
            break;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    let longest = kept.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{kept}{fence}")
}

/// An alert begins with its kind in words: `[!NOTE]` means nothing to readers.
fn named_alert(quote: &str) -> String {
    for (mark, name) in [
        ("NOTE", "Note"),
        ("TIP", "Tip"),
        ("IMPORTANT", "Important"),
        ("WARNING", "Warning"),
        ("CAUTION", "Caution"),
    ] {
        if let Some(rest) = quote.strip_prefix(&format!("> [!{mark}]")) {
            return format!(
                "> **{name}**{}",
                rest.strip_prefix('\n').map_or(rest.to_owned(), |rest| { format!("  \n{rest}") })
            );
        }
    }
    quote.to_owned()
}

/// The ranges of the outermost elements that `is` names.
fn ranges(
    events: &[(Event<'_>, Range<usize>)],
    is: impl Fn(&Tag<'_>) -> bool,
    at: usize,
) -> Vec<Range<usize>> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for (event, range) in events {
        match event {
            Event::Start(tag) => {
                if depth == at && is(tag) {
                    found.push(range.clone());
                }
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}

/// A paragraph at its full stops, but never inside a link, a mark or code.
fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices(['.', '!', '?', '。']) {
        let end = at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        let ends_word = text.get(end..).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n']));
        let Some(sentence) = text.get(from..end) else { continue };
        let count = |mark: char| sentence.matches(mark).count();
        let is_whole = count('`') % 2 == 0
            && count('*') % 2 == 0
            && count('[') == count(']')
            && count('(') == count(')');
        if ends_word && is_whole {
            found.push(sentence.trim());
            from = end;
        }
    }
    found.extend(text.get(from..).map(str::trim).filter(|rest| !rest.is_empty()));
    found
}

/// The neighbours around the most worthy part that fit into `limit`.
fn window(parts: &[(String, f32)], limit: usize) -> Vec<String> {
    let chosen = spread(&parts.iter().map(|(text, worth)| (text.len(), *worth)).collect::<Vec<_>>(), limit);
    parts.get(chosen).unwrap_or_default().iter().map(|(text, _)| text.clone()).collect()
}

/// From the most worthy part to both sides, as far as `limit` goes.
fn spread(parts: &[(usize, f32)], limit: usize) -> Range<usize> {
    let mut best = 0;
    for (at, (_, worth)) in parts.iter().enumerate() {
        if parts.get(best).is_some_and(|(_, most)| worth > most) {
            best = at;
        }
    }
    let length = |at: usize| parts.get(at).map_or(usize::MAX / 2, |(length, _)| length + 2);
    let (mut from, mut to) = (best, (best + 1).min(parts.len()));
    let mut sum = if parts.is_empty() { 0 } else { length(best) };
    loop {
        // What follows explains more often than what went before.
        if to < parts.len() && sum + length(to) <= limit {
            sum += length(to);
            to += 1;
        } else if from > 0 && sum + length(from - 1) <= limit {
            from -= 1;
            sum += length(from);
        } else {
            return from..to;
        }
    }
}

/// Which pieces make the passage.
fn choose(pieces: &[(Piece, f32)], limit: usize) -> Range<usize> {
    let lengths: Vec<_> = pieces.iter().map(|(piece, worth)| (piece.markdown.len(), *worth)).collect();
    let mut chosen = spread(&lengths, limit);
    let sum = |range: &Range<usize>| -> usize {
        lengths.get(range.clone()).unwrap_or_default().iter().map(|(length, _)| length + 2).sum()
    };
    let announces = |at: usize| {
        pieces
            .get(at)
            .is_some_and(|(piece, _)| piece.kind == BlockKind::Paragraph && piece.markdown.ends_with(':'))
    };
    // What a paragraph announces belongs to it, in both directions.
    while chosen.start > 0
        && announces(chosen.start - 1)
        && sum(&(chosen.start - 1..chosen.end)) <= STRETCHED_BYTES
    {
        chosen.start -= 1;
    }
    while chosen.end > chosen.start && chosen.end < pieces.len() && announces(chosen.end - 1) {
        if sum(&(chosen.start..chosen.end + 1)) <= STRETCHED_BYTES || chosen.len() == 1 {
            chosen.end += 1;
        } else {
            chosen.end -= 1;
            break;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::upstream::docs::folder::Found;

    fn passage(text: &str, question: &str, limit: usize) -> String {
        let mut found = Found::default();
        found.documents.insert("guides/a.md".into(), text.into());
        found.documents.insert("b.md".into(), "# B\n\n## Here\n\nx".into());
        let corpus = Corpus::build(Path::new("/x"), found).unwrap();
        let understood = corpus.index.understand(question, None);
        let document = corpus.document("guides/a.md").unwrap();
        let scissors = Scissors {
            corpus: &corpus,
            agent: "docs",
            public_origin: "https://r.example",
            question: &understood,
        };
        let pieces = scissors.passage(document, &document.sections[0], limit);
        pieces.into_iter().map(|piece| piece.markdown).collect::<Vec<_>>().join("\n\n")
    }

    #[test]
    fn links_become_absolute_and_everything_foreign_goes() {
        let text = "See [the *b*](../b.md#here), [out][ref] and <https://a.example/>, ![a cat](cat.png) <b>bold</b>[^1] [bad](javascript:x) `[code](../b.md)`.\n\n[ref]: https://o.example/(x)\n[^1]: Note.\n";
        assert_eq!(
            passage(text, "b", 1000),
            "See [the *b*](https://r.example/docs/docs/b.md#here), [out](https://o.example/%28x%29) and [https://a.example/](https://a.example/), a cat bold bad `[code](../b.md)`."
        );
    }

    #[test]
    fn code_keeps_its_fence_whatever_is_in_it() {
        assert_eq!(
            passage("Run:\n\n~~~md title\n```\nx\n```\n~~~\n", "run", 10),
            "Run:\n\n````md\n```\nx\n```\n````"
        );
        assert_eq!(passage("    indented\n    more\n", "more", 100), "```\nindented\nmore\n```");
        let long = format!("```\n{}```\n", "line of code\n".repeat(500));
        let cut = passage(&long, "code", 1200);
        assert!(cut.len() < 2_100 && cut.ends_with("...\n```"), "{}", cut.len());
    }

    #[test]
    fn a_long_section_is_cut_around_what_was_asked() {
        let filler = "Nothing of interest stands in this sentence. ".repeat(20);
        let text = format!("{filler}\n\nThe zebra sleeps at noon.\n\n{filler}\n\n{filler}\n");
        let cut = passage(&text, "When does the zebra sleep?", 1200);
        assert!(cut.contains("zebra") && cut.len() <= 1200, "{}", cut.len());
        let paragraph = format!("{filler}The zebra sleeps at noon. {filler}");
        let cut = passage(&paragraph, "zebra", 300);
        assert!(cut.contains("zebra") && cut.len() <= 300 && cut.ends_with('.'), "{cut}");
        let animal = |at: i32| if at == 150 { "zebra" } else { "horse" };
        let rows = (0..200).map(|row| format!("| row {row} | {} |", animal(row))).collect::<Vec<_>>().join(
            "
",
        );
        let cut = passage(&format!("| a | b |\n|---|---|\n{rows}"), "zebra", 300);
        assert!(
            cut.starts_with("| a | b |\n|---|---|\n| ") && cut.contains("zebra") && cut.len() <= 400,
            "{cut}"
        );
        let items = (0..200).map(|item| format!("- item {item} {}", animal(item))).collect::<Vec<_>>().join(
            "
",
        );
        let cut = passage(&items, "zebra", 300);
        assert!(cut.starts_with("- item") && cut.contains("zebra") && cut.len() <= 300, "{cut}");
    }

    #[test]
    fn an_alert_says_its_kind_in_words() {
        assert_eq!(passage("> [!WARNING]\n> Hot.\n", "hot", 100), "> **Warning**  \n> Hot.");
    }
}
