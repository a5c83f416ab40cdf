//! Puts an answer together: which sections, in which words, with which
//! citations, and what might be asked next.

use super::corpus::{Corpus, served_path};
use super::index::{Hit, Place, Understood};
use super::markdown::{BlockKind, Document, Section};
use super::passage::{PASSAGE_BYTES, Piece, Scissors};
use super::question::{self, SmallTalk};

/// A second section is cited too if its score is at least this part of the best.
const SECOND_SHARE: f32 = 0.72;
/// How long the passage of a second section is made, in bytes.
const SECOND_BYTES: usize = 500;
/// A first passage longer than this says enough by itself, in bytes.
const ENOUGH_BYTES: usize = 900;
/// How many follow-up questions are offered.
const MAX_SUGGESTIONS: usize = 3;
/// How many documents are named where an answer says what it knows.
const MAX_TOPICS: usize = 4;

/// A whole answer, ready to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Markdown, with a mark such as `[1]` for each source.
    pub(crate) text: String,
    /// What the marks stand for, in order.
    pub(crate) sources: Vec<Source>,
    /// Questions that the documents answer.
    pub(crate) suggestions: Vec<String>,
}

/// A cited section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) title: String,
}

/// What is asked, and of whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) corpus: &'a Corpus,
    pub(crate) agent: &'a str,
    pub(crate) public_origin: &'a str,
    pub(crate) message: &'a str,
    /// The question before, if this one leans on it.
    pub(crate) context: Option<&'a str>,
}

impl Asked<'_> {
    /// Answers; honest where nothing was found.
    pub(crate) fn answer(&self) -> tantivy::Result<Answer> {
        if let Some(kind) = question::small_talk(self.message) {
            return self.talk(kind);
        }
        let (understood, hits) = self.find()?;
        let Some(best) = hits.first() else { return self.nothing() };
        let mut answer = Answer::default();
        let Some(length) = self.tell(&mut answer, best.place, &understood, PASSAGE_BYTES) else {
            return self.nothing();
        };
        if let Some(second) = hits.get(1).filter(|second| {
            length < ENOUGH_BYTES
                && second.score >= best.score * SECOND_SHARE
                && second.coverage >= best.coverage * 0.9
        }) {
            self.tell(&mut answer, second.place, &understood, SECOND_BYTES);
        }
        answer.suggestions = self.follow_ups(&hits, answer.sources.len())?;
        Ok(answer)
    }

    /// The sections that answer: by the question alone if it suffices, else
    /// with the one before.
    fn find(&self) -> tantivy::Result<(Understood, Vec<Hit>)> {
        let index = &self.corpus.index;
        let alone = index.understand(self.message, None);
        let hits = if alone.is_empty() { Vec::new() } else { index.search(&alone, 8)? };
        let Some(context) = self.context else { return Ok((alone, hits)) };
        if alone.specific() >= 2 && hits.first().is_some_and(|hit| hit.coverage >= 0.85) {
            return Ok((alone, hits));
        }
        let together = index.understand(self.message, Some(context));
        let hits_together = index.search(&together, 8)?;
        if hits_together.is_empty() { Ok((alone, hits)) } else { Ok((together, hits_together)) }
    }

    /// Adds the passage of one section, and its source. The passage's length,
    /// or `None` if the section has nothing to show.
    fn tell(&self, answer: &mut Answer, place: Place, question: &Understood, limit: usize) -> Option<usize> {
        let (document, section) = self.corpus.section(place)?;
        let scissors =
            Scissors { corpus: self.corpus, agent: self.agent, public_origin: self.public_origin, question };
        let mut pieces = scissors.passage(document, section, limit);
        if pieces.is_empty() {
            return None;
        }
        let length = pieces.iter().map(|piece| piece.markdown.len()).sum();
        let number = answer.sources.len() + 1;
        let mut lead = lead(document, section, number);
        let mark = format!(" [{number}]");
        match pieces.iter_mut().rev().find(|piece| piece.kind == BlockKind::Paragraph && takes_mark(piece)) {
            Some(paragraph) => paragraph.markdown.push_str(&mark),
            None => lead.push_str(&mark),
        }
        if !answer.text.is_empty() {
            answer.text.push_str("\n\n");
        }
        answer.text.push_str(&lead);
        answer.text.push(':');
        for piece in &pieces {
            answer.text.push_str("\n\n");
            answer.text.push_str(&piece.markdown);
        }
        let path = served_path(self.agent, &document.path, section.anchor.as_deref());
        answer
            .sources
            .push(Source { url: format!("{}{path}", self.public_origin), title: title(document, section) });
        Some(length)
    }

    /// Questions that lead on from here: other sections that fitted, then the
    /// neighbours of the one cited.
    fn follow_ups(&self, hits: &[Hit], cited: usize) -> tantivy::Result<Vec<String>> {
        let Some(best) = hits.first() else { return Ok(Vec::new()) };
        let around = [1, 2, 3].map(|step| best.place.section.checked_add(step));
        let before = best.place.section.checked_sub(1);
        let neighbours = around
            .into_iter()
            .chain([before])
            .flatten()
            .map(|section| Place { document: best.place.document, section });
        let others = hits.iter().skip(cited).map(|hit| hit.place).take(2);
        let told: Vec<Place> = hits.iter().take(cited).map(|hit| hit.place).collect();
        let places: Vec<_> = others.chain(neighbours).filter(|place| !told.contains(place)).collect();
        self.prompts(&places)
    }

    /// A prompt for each place that has one, if asking it leads there.
    fn prompts(&self, places: &[Place]) -> tantivy::Result<Vec<String>> {
        let index = &self.corpus.index;
        let mut prompts: Vec<String> = Vec::new();
        for place in places {
            if prompts.len() == MAX_SUGGESTIONS {
                break;
            }
            let Some((document, section)) = self.corpus.section(*place) else { continue };
            let Some(prompt) = prompt(section.headings.last().unwrap_or(&document.title)) else { continue };
            let leads_there = index
                .search(&index.understand(&prompt, None), 1)?
                .first()
                .is_some_and(|hit| hit.place == *place);
            if leads_there && !prompts.contains(&prompt) {
                prompts.push(prompt);
            }
        }
        Ok(prompts)
    }

    fn talk(&self, kind: SmallTalk) -> tantivy::Result<Answer> {
        let topics = self.topics();
        let text = match kind {
            SmallTalk::Thanks => {
                return Ok(plain("You are welcome. Ask again whenever something is unclear."));
            }
            SmallTalk::Farewell => return Ok(plain("Goodbye, and come back any time.")),
            SmallTalk::Greeting if topics.is_empty() => {
                "Hello! There are no documents here yet that I could answer from.".to_owned()
            }
            SmallTalk::Greeting => {
                format!("Hello! I answer from the documents here: {topics}. What would you like to know?")
            }
            SmallTalk::Help if topics.is_empty() => {
                "I answer from documents, but there are none here yet.".to_owned()
            }
            SmallTalk::Help => format!(
                "I look your question up in the documents here and show you the passage that answers it, with a link to the place. They cover {topics}."
            ),
        };
        Ok(Answer { text, sources: Vec::new(), suggestions: self.openers()? })
    }

    fn nothing(&self) -> tantivy::Result<Answer> {
        let topics = self.topics();
        let text = if topics.is_empty() {
            "There are no documents here yet that I could answer from.".to_owned()
        } else {
            format!(
                "I found nothing about that in the documents here. They cover {topics}. Try other words, or ask about one of these."
            )
        };
        Ok(Answer { text, sources: Vec::new(), suggestions: self.openers()? })
    }

    /// What the documents are about, in a few words.
    fn topics(&self) -> String {
        let titles: Vec<String> =
            self.front().into_iter().map(|(_, document)| format!("*{}*", escape(&document.title))).collect();
        let more = self.corpus.documents().len().saturating_sub(titles.len());
        match (titles.as_slice(), more) {
            ([], _) => String::new(),
            ([only], 0) => only.clone(),
            ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
            (all, more) => format!("{} and {more} more", all.join(", ")),
        }
    }

    fn openers(&self) -> tantivy::Result<Vec<String>> {
        let places: Vec<_> =
            self.front().into_iter().map(|(document, _)| Place { document, section: 0 }).collect();
        self.prompts(&places)
    }

    /// The documents to name first: those that are made to be read first.
    fn front(&self) -> Vec<(usize, &Document)> {
        let mut documents: Vec<_> = self
            .corpus
            .documents()
            .iter()
            .enumerate()
            .filter(|(_, document)| !document.sections.is_empty())
            .collect();
        documents.sort_by_key(|(_, document)| {
            let name = document.path.rsplit('/').next().unwrap_or_default().to_lowercase();
            let stem = name.split('.').next().unwrap_or_default();
            let rank = FIRST_READ.iter().position(|first| *first == stem).unwrap_or(FIRST_READ.len());
            (document.path.matches('/').count(), rank)
        });
        documents.truncate(MAX_TOPICS);
        documents
    }
}

/// Names of files that people begin with.
const FIRST_READ: &[&str] =
    &["quick-start", "quickstart", "getting-started", "introduction", "index", "readme", "overview", "faq"];

pub(crate) fn plain(text: &str) -> Answer {
    Answer { text: text.to_owned(), ..Answer::default() }
}

/// Where the passage is from; the first words of an answer.
fn lead(document: &Document, section: &Section, number: usize) -> String {
    let title = escape(&document.title);
    match (section.headings.last(), number) {
        (Some(heading), 1) => format!("From *{title}*, under \u{201c}{}\u{201d}", escape(heading)),
        (None, 1) => format!("From *{title}*"),
        (Some(heading), _) => format!("See also *{title}*, under \u{201c}{}\u{201d}", escape(heading)),
        (None, _) => format!("See also *{title}*"),
    }
}

/// What a source is called under the answer.
fn title(document: &Document, section: &Section) -> String {
    match section.headings.last() {
        Some(heading) => format!("{}: {heading}", document.title),
        None => document.title.clone(),
    }
}

/// A paragraph that announces something does not end there.
fn takes_mark(piece: &Piece) -> bool {
    !piece.markdown.ends_with(':')
}

/// Text that is no Markdown, as Markdown.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '~' | '|') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A heading as something a person would ask, if it can be.
fn prompt(heading: &str) -> Option<String> {
    let heading = heading.trim();
    let first = heading.split([' ', ',']).next().unwrap_or_default().to_lowercase();
    let is_numbered = heading.starts_with(|c: char| c.is_ascii_digit()) || first == "step";
    if heading.chars().count() > 60 || heading.chars().count() < 3 || is_numbered {
        return None;
    }
    if heading.ends_with('?') {
        return Some(heading.to_owned());
    }
    if EMPTY_HEADINGS.iter().any(|empty| heading.eq_ignore_ascii_case(empty)) {
        return None;
    }
    if let Some(rest) = heading.strip_prefix("How to ") {
        return Some(format!("How do I {rest}?"));
    }
    if QUESTION_WORDS.contains(&first.as_str()) {
        return Some(format!("{heading}?"));
    }
    if IMPERATIVES.contains(&first.as_str()) {
        let rest = heading.get(first.len()..).unwrap_or_default();
        return Some(format!("How do I {first}{rest}?"));
    }
    Some(format!("Tell me about \u{201c}{heading}\u{201d}"))
}

/// Headings that say nothing about what stands under them.
const EMPTY_HEADINGS: &[&str] = &[
    "introduction",
    "overview",
    "summary",
    "contents",
    "table of contents",
    "example",
    "examples",
    "note",
    "notes",
    "see also",
    "next",
    "next steps",
    "what next",
    "more",
    "further reading",
    "links",
    "references",
    "misc",
    "miscellaneous",
    "other",
    "readme",
    "index",
    "changelog",
    "license",
    "licence",
    "usage",
    "about",
    "untitled",
];
const QUESTION_WORDS: &[&str] = &[
    "what", "why", "when", "where", "who", "how", "which", "can", "is", "are", "do", "does", "will", "should",
];
const IMPERATIVES: &[&str] = &[
    "add",
    "allow",
    "build",
    "change",
    "check",
    "choose",
    "clean",
    "configure",
    "connect",
    "create",
    "customise",
    "customize",
    "delete",
    "deploy",
    "disable",
    "edit",
    "embed",
    "enable",
    "find",
    "fix",
    "get",
    "give",
    "hide",
    "install",
    "keep",
    "load",
    "make",
    "move",
    "open",
    "put",
    "read",
    "remove",
    "rotate",
    "run",
    "send",
    "serve",
    "set",
    "show",
    "start",
    "stop",
    "store",
    "switch",
    "test",
    "turn",
    "update",
    "upgrade",
    "use",
    "write",
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::upstream::docs::folder::Found;

    fn corpus() -> Corpus {
        let mut found = Found::default();
        found.documents.insert(
            "theming.md".into(),
            "# Theming\n\nTokens and how to set them.\n\n## Accent colour\n\nSet `theme.accent`:\n\n```js\ninit({ theme: { accent: \"#0b7a75\" } });\n```\n\n## Corner radius\n\nRounder with `theme.radius`.\n\n## Dark *mode*\n\nSet `colorScheme` to `dark`.\n".into(),
        );
        found.documents.insert("deploying.md".into(), "# Deploying\n\nBehind a proxy.\n".into());
        Corpus::build(Path::new("/x"), found).unwrap()
    }

    fn ask(message: &str, context: Option<&str>) -> Answer {
        let corpus = corpus();
        let asked =
            Asked { corpus: &corpus, agent: "docs", public_origin: "https://r.example", message, context };
        asked.answer().unwrap()
    }

    #[test]
    fn an_answer_is_the_passage_with_its_source() {
        let answer = ask("How do I change the accent color?", None);
        assert_eq!(
            answer.text,
            "From *Theming*, under \u{201c}Accent colour\u{201d} [1]:\n\nSet `theme.accent`:\n\n```js\ninit({ theme: { accent: \"#0b7a75\" } });\n```"
        );
        assert_eq!(
            answer.sources,
            [Source {
                url: "https://r.example/docs/docs/theming.md#accent-colour".into(),
                title: "Theming: Accent colour".into()
            }]
        );
        assert!(
            answer.suggestions.contains(&"Tell me about \u{201c}Corner radius\u{201d}".to_owned()),
            "{answer:?}"
        );
    }

    #[test]
    fn a_question_that_leans_on_the_one_before_is_understood() {
        let answer = ask("and how do I make it dark?", Some("How do I change the accent colour?"));
        assert_eq!(answer.sources[0].title, "Theming: Dark mode");
        let answer = ask("tell me more about it", Some("What about the corner radius?"));
        assert_eq!(answer.sources[0].title, "Theming: Corner radius");
    }

    #[test]
    fn small_talk_and_what_is_unknown_cite_nothing() {
        for message in ["Hi", "Thanks!", "what can you do?", "Who won the world cup?", "???", "the"] {
            let answer = ask(message, None);
            assert!(answer.sources.is_empty() && !answer.text.is_empty(), "{message}: {answer:?}");
            assert!(!answer.text.contains("[1]"));
        }
        assert!(ask("zeppelin", None).text.contains("I found nothing about that"));
        assert!(ask("hello", None).text.contains("*Theming*"));
    }

    #[test]
    fn only_headings_that_make_sense_become_prompts() {
        for (heading, expected) in [
            ("Change the colour", Some("How do I change the colour?")),
            ("How to install", Some("How do I install?")),
            ("What is stored", Some("What is stored?")),
            ("Is it free?", Some("Is it free?")),
            ("Corner radius", Some("Tell me about \u{201c}Corner radius\u{201d}")),
            ("Overview", None),
            ("3. Restart", None),
            ("A", None),
        ] {
            assert_eq!(prompt(heading).as_deref(), expected, "{heading}");
        }
    }
}
