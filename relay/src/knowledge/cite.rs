//! The marks of a reply: a model is given numbered passages and writes `[2]`
//! after what it took from the second. Readers get the pages that were cited,
//! numbered from 1 in the order in which they are, each before its first mark.

use std::collections::VecDeque;

use chinwag_protocol::Chunk;
use futures_util::{Stream, StreamExt as _, stream};

use super::shelf::Found;
use crate::upstream::ChunkStream;

/// Longest mark: two digits in brackets.
const MAX_MARK_BYTES: usize = 4;

/// Pages that are shown where a reply was made from passages and cites none.
const UNCITED_PAGES: usize = 3;

/// A page that a reply may cite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    source: String,
    url: String,
    title: String,
}

impl Page {
    pub(super) fn of(found: &Found) -> Self {
        let passage = &found.passage;
        Self { source: passage.source.clone(), url: passage.url.clone(), title: passage.title.clone() }
    }

    /// The chunk that tells of it. One without an address is a document.
    pub(super) fn chunk(&self) -> Chunk {
        if self.url.starts_with("https://") || self.url.starts_with("http://") {
            Chunk::SourceUrl {
                source_id: self.source.clone(),
                url: self.url.clone(),
                title: Some(self.title.clone()),
            }
        } else {
            Chunk::SourceDocument {
                source_id: self.source.clone(),
                media_type: "text/plain".to_owned(),
                title: self.title.clone(),
            }
        }
    }
}

/// Reads a reply, and makes its marks those of the pages that it cites.
#[derive(Debug)]
struct Citing {
    /// As the model knows them, from 1.
    pages: Vec<Page>,
    /// Whether these are shown where none is cited.
    is_answered: bool,
    /// Those that were told, in order, by their place in `pages`.
    told: Vec<usize>,
    /// The beginning of what may become a mark, of the block of that id.
    held: String,
    held_of: String,
    /// Whether the text stands in code, by the back-ticks so far.
    ticks: usize,
    fence: usize,
}

/// The reply with its sources.
pub(super) fn cite(
    reply: ChunkStream,
    pages: Vec<Page>,
    is_answered: bool,
) -> impl Stream<Item = Chunk> + Send {
    let citing = Citing {
        pages,
        is_answered,
        told: Vec::new(),
        held: String::new(),
        held_of: String::new(),
        ticks: 0,
        fence: 0,
    };
    stream::unfold((reply, citing, VecDeque::new()), |(mut reply, mut citing, mut ready)| async move {
        loop {
            if let Some(chunk) = ready.pop_front() {
                return Some((chunk, (reply, citing, ready)));
            }
            let chunk = reply.next().await?;
            citing.take(chunk, &mut ready);
        }
    })
}

impl Citing {
    fn take(&mut self, chunk: Chunk, out: &mut VecDeque<Chunk>) {
        match chunk {
            Chunk::TextDelta { id, delta } => {
                if self.held_of != id {
                    self.flush(out);
                    self.held_of.clone_from(&id);
                    (self.ticks, self.fence) = (0, 0);
                }
                let text = self.text(&delta, out);
                if !text.is_empty() {
                    out.push_back(Chunk::TextDelta { id, delta: text });
                }
            }
            Chunk::TextEnd { .. } => {
                self.flush(out);
                out.push_back(chunk);
            }
            Chunk::Finish { .. } => {
                self.flush(out);
                if self.told.is_empty() && self.is_answered {
                    out.extend(self.pages.iter().take(UNCITED_PAGES).map(Page::chunk));
                }
                out.push_back(chunk);
            }
            chunk => out.push_back(chunk),
        }
    }

    /// What was held back was no mark.
    fn flush(&mut self, out: &mut VecDeque<Chunk>) {
        if !self.held.is_empty() {
            let delta = std::mem::take(&mut self.held);
            out.push_back(Chunk::TextDelta { id: self.held_of.clone(), delta });
        }
    }

    /// A text with marks of ours; what may be half a mark waits for the rest.
    fn text(&mut self, delta: &str, out: &mut VecDeque<Chunk>) -> String {
        let mut text = String::with_capacity(delta.len() + MAX_MARK_BYTES);
        for character in delta.chars() {
            self.count_ticks(character);
            if self.held.is_empty() {
                if character == '[' && self.fence == 0 {
                    self.held.push(character);
                } else {
                    text.push(character);
                }
                continue;
            }
            self.held.push(character);
            let inner = self.held.get(1..).unwrap_or_default();
            if let Some(number) = inner.strip_suffix(']') {
                let number: Option<usize> = number.parse().ok();
                match number {
                    Some(number) => text.push_str(&self.mark(number, out)),
                    None => text.push_str(&self.held),
                }
                self.held.clear();
            } else if self.held.len() >= MAX_MARK_BYTES || !character.is_ascii_digit() {
                // It may be the beginning of another one: "[[1]".
                let is_next = character == '[' && self.held.pop().is_some();
                text.push_str(&self.held);
                self.held.clear();
                if is_next {
                    self.held.push('[');
                }
            }
        }
        text
    }

    /// The mark of a page; nothing for one that the model made up.
    fn mark(&mut self, number: usize, out: &mut VecDeque<Chunk>) -> String {
        let Some(place) = number.checked_sub(1).filter(|place| *place < self.pages.len()) else {
            return String::new();
        };
        let shown = self.told.iter().position(|told| *told == place).unwrap_or_else(|| {
            out.extend(self.pages.get(place).map(Page::chunk));
            self.told.push(place);
            self.told.len() - 1
        });
        format!("[{}]", shown + 1)
    }

    /// Code is not read for marks: `list[1]` is none. A run of back-ticks opens
    /// it, and a run as long as that closes it.
    fn count_ticks(&mut self, character: char) {
        if character == '`' {
            self.ticks += 1;
            return;
        }
        let ticks = std::mem::take(&mut self.ticks);
        if ticks > 0 {
            if self.fence == 0 {
                self.fence = ticks;
            } else if self.fence == ticks {
                self.fence = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chinwag_protocol::FinishReason;

    use super::*;

    fn page(name: &str) -> Page {
        Page { source: format!("src_{name}"), url: format!("https://a.example/{name}"), title: name.into() }
    }

    async fn read(pieces: &[&str]) -> (String, Vec<String>) {
        let id = || "t".to_owned();
        let mut chunks = vec![Chunk::TextStart { id: id() }];
        chunks.extend(pieces.iter().map(|piece| Chunk::TextDelta { id: id(), delta: (*piece).to_owned() }));
        chunks.push(Chunk::TextEnd { id: id() });
        chunks.push(Chunk::Finish { reason: FinishReason::Stop, metadata: None });
        let reply: ChunkStream = Box::pin(stream::iter(chunks));
        let pages = ["a", "b", "c", "d"].map(page).to_vec();
        let (mut text, mut sources) = (String::new(), Vec::new());
        for chunk in cite(reply, pages, true).collect::<Vec<_>>().await {
            match chunk {
                Chunk::TextDelta { delta, .. } => text.push_str(&delta),
                Chunk::SourceUrl { title, .. } => sources.extend(title),
                _ => {}
            }
        }
        (text, sources)
    }

    #[tokio::test]
    async fn marks_are_numbered_in_the_order_of_the_text_however_it_is_cut() {
        let whole = "Six days [3], free [1]. Again [3][9] and [x] [12345] a[b.";
        let expected = "Six days [1], free [2]. Again [1] and [x] [12345] a[b.";
        for size in [1, 2, 3, 100] {
            let letters: Vec<char> = whole.chars().collect();
            let pieces: Vec<String> = letters.chunks(size).map(|piece| piece.iter().collect()).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (text, sources) = read(&pieces).await;
            assert_eq!((text.as_str(), sources), (expected, vec!["c".to_owned(), "a".to_owned()]), "{size}");
        }
    }

    #[tokio::test]
    async fn code_has_no_marks() {
        let (text, sources) = read(&["`list[2]` and\n```\nx[2]\n```\n [2]"]).await;
        assert_eq!((text.as_str(), sources), ("`list[2]` and\n```\nx[2]\n```\n [1]", vec!["b".to_owned()]));
    }

    #[tokio::test]
    async fn a_reply_that_cites_nothing_names_the_best_of_what_it_was_given() {
        let (text, sources) = read(&["Six days."]).await;
        assert_eq!((text.as_str(), sources), ("Six days.", vec!["a".into(), "b".into(), "c".into()]));
    }
}
