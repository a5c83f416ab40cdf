//! Finds the sections that answer a question.
//!
//! tantivy proposes (BM25 over boosted fields), and so does nearness in meaning.
//! The proposals are then weighed by what BM25 does not see: how much of the
//! question a section covers, how much of its heading the question covers,
//! whether the words stand together, and how near it is in meaning. Below a
//! threshold nothing is cited: no answer is better than a wrong one.

mod reading;
mod weighing;

use std::collections::{HashMap, HashSet};

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, DisjunctionMaxQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value as _};
use tantivy::tokenizer::{PreTokenizedString, Token as IndexToken};
use tantivy::{IndexReader, ReloadPolicy, TantivyDocument, Term};

pub(crate) use self::weighing::{is_answer, meant};
use super::analysis::{Analyzer, Token};
use super::lexicon;
use super::markdown::{BlockKind, Document, Section};
use super::meaning::Meaning;

/// How many proposals are weighed again.
const PROPOSALS: usize = 64;
/// How many more are proposed for what they mean.
const PROPOSALS_BY_MEANING: usize = 32;
/// A passage longer than this is two, in words.
const PASSAGE_WORDS: usize = 60;
/// Passages of one section beyond these are found by their words alone.
const MAX_PASSAGES: usize = 64;
/// What nearness in meaning adds to the relevance of a passage, beside the
/// weights of the question's words in it.
const PASSAGE_MEANING: f32 = 1.5;
/// tantivy's least memory for a writer, in bytes; a folder needs no more.
const WRITER_BYTES: usize = 15_000_000;

/// A section, by the place of its document and its own place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) document: usize,
    pub(crate) section: usize,
}

/// A section that may answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hit {
    pub(crate) place: Place,
    pub(crate) score: f32,
    /// How much of the question it covers, 0 to 1.
    pub(crate) coverage: f32,
    /// How many telling words of the question stand in it.
    telling: usize,
    /// How much of its heading the question covers, 0 to 1.
    heading: f32,
    /// Whether a telling word of the question stands in its heading.
    is_headed: bool,
    /// Whether a telling word of the question stands in it as it was asked.
    is_literal: bool,
    /// How near its meaning is to that of the question, -1 to 1; none where
    /// either has no meaning that is known.
    meant: Option<f32>,
    /// Whether the question is English, which is what meanings are known of.
    is_english: bool,
}

/// One word of the question, with all that is accepted for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Concept {
    /// How much it narrows down; rare words do most.
    pub(crate) weight: f32,
    /// Whether it narrows down at all.
    is_telling: bool,
    /// Stems that the documents have, each with how well it stands for the word.
    pub(crate) forms: Vec<(u32, f32)>,
}

/// A question, as far as the documents understand it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Understood {
    pub(crate) concepts: Vec<Concept>,
    /// What the answer is likely to speak of; it favours, and never decides.
    hints: Vec<u32>,
    /// Every word as it was asked, known or not, for phrases such as those of
    /// an error message.
    phrase: Vec<Option<u32>>,
    /// What it means as a whole.
    pub(crate) meaning: Option<Meaning>,
    /// Whether it has a word that only English questions have.
    is_english: bool,
}

impl Understood {
    /// Whether the question has no word that means anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.concepts.is_empty()
    }

    /// How many of its words narrow the answer down.
    pub(crate) fn specific(&self) -> usize {
        self.concepts.iter().filter(|concept| concept.is_telling && !concept.forms.is_empty()).count()
    }
}

/// What is kept of a section for weighing: stems by number, in order.
#[derive(Debug)]
pub(crate) struct Weighed {
    pub(crate) place: Place,
    /// Whether it stands under the title of its document.
    pub(crate) is_title: bool,
    /// How much of its text is links, 0 to 1.
    pub(crate) links: f32,
    pub(crate) heading: Vec<u32>,
    pub(crate) parents: Vec<u32>,
    pub(crate) body: Vec<u32>,
    /// What its heading means, with those above.
    pub(crate) heading_meaning: Option<Meaning>,
    /// What each of its passages means.
    pub(crate) meanings: Vec<Meaning>,
}

#[derive(Debug, Clone, Copy)]
struct Fields {
    place: Field,
    title: Field,
    heading: Field,
    parents: Field,
    path: Field,
    body: Field,
    body_plain: Field,
}

/// The sections of all documents, ready to be asked.
pub(super) struct Index {
    reader: IndexReader,
    fields: Fields,
    sections: Vec<Weighed>,
    /// Title and path of each document, as stems.
    titles: Vec<Vec<u32>>,
    paths: Vec<Vec<u32>>,
    vocabulary: Vocabulary,
}

/// What is known of all sections together: which words they have, how many of
/// them have each, and how long they are. Questions are read by it, and single
/// sections weighed, wherever these are kept.
#[derive(Default)]
pub(crate) struct Vocabulary {
    /// How many sections there are.
    count: usize,
    /// Every stem, with its number.
    stems: HashMap<String, u32>,
    /// By number: the stem, and in how many sections it is.
    frequencies: Vec<(String, u32)>,
    /// Every word as it is written, with its stem.
    words: HashMap<String, u32>,
    /// By stem, for every word of the lexicon: the stems that mean nearly the
    /// same and are in the documents.
    synonyms: HashMap<String, Vec<u32>>,
    average_length: f32,
    asking: Asking,
}

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Vocabulary")
            .field("count", &self.count)
            .field("stems", &self.stems.len())
            .finish_non_exhaustive()
    }
}

impl Vocabulary {
    /// Of `count` sections with an average of `average_length` words: their
    /// stems, each with the number of sections that have it, and their words as
    /// they are written, each with the number of its stem.
    pub(crate) fn new(
        count: usize,
        average_length: f32,
        frequencies: Vec<(String, u32)>,
        words: HashMap<String, u32>,
        analyzer: &mut Analyzer,
    ) -> Self {
        let numbered = frequencies.iter().zip(0_u32..);
        let stems: HashMap<String, u32> =
            numbered.map(|((stem, _), number)| (stem.clone(), number)).collect();
        let synonyms = synonyms(analyzer, &stems);
        let mut number_of = |word: &str| stems.get(&analyzer.stem(word)).copied();
        let asking = Asking {
            how: number_of("how"),
            others: ["where", "when", "why", "who", "which"].into_iter().filter_map(&mut number_of).collect(),
        };
        let average_length = average_length.max(1.0);
        Self { count, stems, frequencies, words, synonyms, average_length, asking }
    }

    /// The number of a stem that the sections have.
    pub(crate) fn number(&self, stem: &str) -> Option<u32> {
        self.stems.get(stem).copied()
    }

    /// The stem of a number.
    pub(crate) fn stem(&self, number: u32) -> Option<&str> {
        self.frequencies.get(number as usize).map(|(stem, _)| stem.as_str())
    }

    /// How well a text answers, by the weight of the words of the question in it.
    pub(crate) fn relevance(&self, question: &Understood, analyzer: &mut Analyzer, text: &str) -> f32 {
        let stems: HashSet<u32> =
            analyzer.tokens(text).iter().filter_map(|token| self.stems.get(&token.stem).copied()).collect();
        let asked: f32 = question
            .concepts
            .iter()
            .map(|concept| {
                let best = concept
                    .forms
                    .iter()
                    .filter(|(stem, _)| stems.contains(stem))
                    .map(|(_, factor)| *factor)
                    .fold(0.0, f32::max);
                concept.weight * best
            })
            .sum();
        let hinted = question.hints.iter().filter(|stem| stems.contains(stem)).count();
        let meant = question.meaning.as_ref().zip(Meaning::of(text));
        let meant = meant.map_or(0.0, |(asked, text)| asked.nearness(&text).max(0.0));
        asked + 0.2 * as_f32(hinted.min(2)) + PASSAGE_MEANING * meant
    }
}

/// The words that questions begin with, as far as the documents have them.
#[derive(Debug, Default)]
struct Asking {
    /// It says little without the word after it.
    how: Option<u32>,
    others: Vec<u32>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Index")
            .field("sections", &self.sections.len())
            .field("vocabulary", &self.vocabulary)
            .finish_non_exhaustive()
    }
}

impl Index {
    pub(super) fn build(documents: &[Document]) -> tantivy::Result<Self> {
        let mut schema = Schema::builder();
        let text = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default().set_index_option(IndexRecordOption::WithFreqs),
        );
        let fields = Fields {
            place: schema.add_u64_field("place", STORED),
            title: schema.add_text_field("title", text.clone()),
            heading: schema.add_text_field("heading", text.clone()),
            parents: schema.add_text_field("parents", text.clone()),
            path: schema.add_text_field("path", text.clone()),
            body: schema.add_text_field("body", text.clone()),
            body_plain: schema.add_text_field("body_plain", text),
        };
        let index = tantivy::Index::builder().schema(schema.build()).create_in_ram()?;
        let mut writer = index.writer_with_num_threads::<TantivyDocument>(1, WRITER_BYTES)?;

        let mut analyzer = Analyzer::new();
        let mut words = Words::default();
        let mut sections = Vec::new();
        let (mut titles, mut paths) = (Vec::new(), Vec::new());
        for (document_at, document) in documents.iter().enumerate() {
            let title = analyzer.tokens(&document.title);
            let path = analyzer.tokens(document.path.rsplit_once('.').map_or("", |(path, _)| path));
            for (section_at, section) in document.sections.iter().enumerate() {
                let (own, parents) = headings(document, section);
                let heading = analyzer.tokens(own);
                let parents_text = parents;
                let parents = analyzer.tokens(&parents_text);
                let body = analyzer.tokens(&plain(section));
                let mut entry = TantivyDocument::default();
                entry.add_u64(fields.place, sections.len() as u64);
                entry.add_pre_tokenized_text(fields.title, stemmed(&title));
                entry.add_pre_tokenized_text(fields.heading, stemmed(&heading));
                entry.add_pre_tokenized_text(fields.parents, stemmed(&parents));
                entry.add_pre_tokenized_text(fields.path, stemmed(&path));
                entry.add_pre_tokenized_text(fields.body, stemmed(&body));
                entry.add_pre_tokenized_text(fields.body_plain, as_written(&body));
                writer.add_document(entry)?;
                let weighed = Weighed {
                    place: Place { document: document_at, section: section_at },
                    is_title: section.headings.is_empty(),
                    links: section.link_share(),
                    heading: words.numbers(&heading),
                    parents: words.numbers(&parents),
                    body: words.numbers(&body),
                    heading_meaning: Meaning::of(&format!("{} {parents_text} {own}", document.title)),
                    meanings: meanings(own, section),
                };
                words.count(&weighed);
                sections.push(weighed);
            }
            titles.push(words.numbers(&title));
            paths.push(words.numbers(&path));
        }
        writer.commit()?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;

        let total: usize = sections.iter().map(|section| section.body.len()).sum();
        let average_length = as_f32(total) / as_f32(sections.len().max(1));
        let vocabulary =
            Vocabulary::new(sections.len(), average_length, words.frequencies, words.written, &mut analyzer);
        Ok(Self { reader, fields, sections, titles, paths, vocabulary })
    }

    /// Reads a question; see [`Vocabulary::understand`].
    pub(super) fn understand(&self, question: &str, context: Option<&str>) -> Understood {
        self.vocabulary.understand(question, context)
    }

    /// How well a text answers; see [`Vocabulary::relevance`].
    pub(super) fn relevance(&self, question: &Understood, analyzer: &mut Analyzer, text: &str) -> f32 {
        self.vocabulary.relevance(question, analyzer, text)
    }

    fn weigh_section(&self, question: &Understood, section: &Weighed, proposal: f32) -> Hit {
        let document = section.place.document;
        let [title, path] =
            [&self.titles, &self.paths].map(|all| all.get(document).map_or(&[][..], Vec::as_slice));
        let names = [title, path];
        self.vocabulary.weigh_one(question, section, names, proposal)
    }

    /// How many sections there are.
    pub(super) fn len(&self) -> usize {
        self.sections.len()
    }

    /// The sections that answer, best first; empty if none is good enough.
    pub(super) fn search(&self, question: &Understood, limit: usize) -> tantivy::Result<Vec<Hit>> {
        let mut hits = self.weigh(question)?;
        hits.retain(is_answer);
        hits.truncate(limit);
        Ok(hits)
    }

    /// Every proposal, best first, with no threshold.
    fn weigh(&self, question: &Understood) -> tantivy::Result<Vec<Hit>> {
        let searcher = self.reader.searcher();
        let query = self.query(question);
        let proposals = searcher.search(&query, &TopDocs::with_limit(PROPOSALS).order_by_score())?;
        let best = proposals.first().map_or(1.0, |(score, _)| *score).max(f32::EPSILON);
        let mut hits = Vec::with_capacity(proposals.len() + PROPOSALS_BY_MEANING);
        let mut seen = HashSet::new();
        for (score, address) in proposals {
            let entry = searcher.doc::<TantivyDocument>(address)?;
            let at = entry.get_first(self.fields.place).and_then(|value| value.as_u64());
            let Some(at) = at.and_then(|at| usize::try_from(at).ok()) else { continue };
            if let Some(section) = self.sections.get(at) {
                seen.insert(at);
                hits.push(self.weigh_section(question, section, score / best));
            }
        }
        for at in self.nearest(question, PROPOSALS_BY_MEANING) {
            if let Some(section) = self.sections.get(at).filter(|_| !seen.contains(&at)) {
                hits.push(self.weigh_section(question, section, 0.0));
            }
        }
        hits.sort_by(|one, other| other.score.total_cmp(&one.score));
        Ok(hits)
    }

    /// The sections whose meaning is nearest to the question's.
    fn nearest(&self, question: &Understood, limit: usize) -> Vec<usize> {
        let Some(asked) = &question.meaning else { return Vec::new() };
        let mut near: Vec<(f32, usize)> = self
            .sections
            .iter()
            .enumerate()
            .filter_map(|(at, section)| Some((meant(asked, section)?, at)))
            .collect();
        let by_nearness = |one: &(f32, usize), other: &(f32, usize)| other.0.total_cmp(&one.0);
        if near.len() > limit {
            near.select_nth_unstable_by(limit, by_nearness);
            near.truncate(limit);
        }
        near.into_iter().map(|(_, at)| at).collect()
    }

    fn query(&self, question: &Understood) -> BooleanQuery {
        let fields = &self.fields;
        let boosts = [
            (fields.heading, 3.0),
            (fields.title, 1.6),
            (fields.parents, 1.4),
            (fields.path, 0.8),
            (fields.body, 1.0),
        ];
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for concept in &question.concepts {
            let mut ways: Vec<Box<dyn Query>> = Vec::new();
            for (number, factor) in &concept.forms {
                let Some(stem) = self.vocabulary.stem(*number) else { continue };
                for (field, boost) in boosts {
                    ways.push(term(field, stem, boost * factor));
                }
                // Where a stem is a word too, the word itself counts a little more.
                ways.push(term(fields.body_plain, stem, 1.1 * factor));
            }
            if !ways.is_empty() {
                let any = DisjunctionMaxQuery::with_tie_breaker(ways, 0.25);
                clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(any), concept.weight))));
            }
        }
        BooleanQuery::new(clauses)
    }
}

/// The words of all documents, numbered as they come.
#[derive(Default)]
struct Words {
    stems: HashMap<String, u32>,
    frequencies: Vec<(String, u32)>,
    written: HashMap<String, u32>,
}

impl Words {
    fn numbers(&mut self, tokens: &[Token]) -> Vec<u32> {
        tokens.iter().map(|token| self.number(token)).collect()
    }

    fn number(&mut self, token: &Token) -> u32 {
        let number = if let Some(number) = self.stems.get(&token.stem) {
            *number
        } else {
            // Limits on files keep this far below: 64 MiB hold fewer words.
            let number = u32::try_from(self.frequencies.len()).unwrap_or(u32::MAX);
            self.stems.insert(token.stem.clone(), number);
            self.frequencies.push((token.stem.clone(), 0));
            number
        };
        self.written.entry(token.plain.clone()).or_insert(number);
        number
    }

    fn count(&mut self, section: &Weighed) {
        let distinct: HashSet<u32> =
            section.heading.iter().chain(&section.parents).chain(&section.body).copied().collect();
        for stem in distinct {
            if let Some((_, count)) = self.frequencies.get_mut(stem as usize) {
                *count += 1;
            }
        }
    }
}

/// The own heading of a section (the title, for what stands under it), and those above.
fn headings<'a>(document: &'a Document, section: &'a Section) -> (&'a str, String) {
    match section.headings.split_last() {
        Some((own, above)) => (own, above.join(" ")),
        None => (&document.title, String::new()),
    }
}

/// All words of a section's blocks.
fn plain(section: &Section) -> String {
    section.blocks.iter().map(|block| block.plain.as_str()).collect::<Vec<_>>().join("\n")
}

/// What each passage of a section means: its blocks but for code, the long ones
/// in pieces, each under its heading.
fn meanings(heading: &str, section: &Section) -> Vec<Meaning> {
    let mut passages: Vec<String> = Vec::new();
    for block in section.blocks.iter().filter(|block| block.kind != BlockKind::Code) {
        let words: Vec<&str> = block.plain.split_whitespace().collect();
        for piece in words.chunks(PASSAGE_WORDS) {
            passages.push(format!("{heading}. {}", piece.join(" ")));
        }
    }
    passages.truncate(MAX_PASSAGES);
    passages.iter().filter_map(|passage| Meaning::of(passage)).collect()
}

fn synonyms(analyzer: &mut Analyzer, known: &HashMap<String, u32>) -> HashMap<String, Vec<u32>> {
    let mut synonyms: HashMap<String, Vec<u32>> = HashMap::new();
    for group in lexicon::synonym_groups() {
        let stems: Vec<String> = group.iter().map(|word| analyzer.stem(word)).collect();
        for stem in &stems {
            let near = stems.iter().filter(|other| *other != stem).filter_map(|other| known.get(other));
            let list = synonyms.entry(stem.clone()).or_default();
            for other in near {
                if !list.contains(other) {
                    list.push(*other);
                }
            }
        }
    }
    synonyms
}

fn stemmed(tokens: &[Token]) -> PreTokenizedString {
    pre_tokenized(tokens, |token| &token.stem)
}

fn as_written(tokens: &[Token]) -> PreTokenizedString {
    pre_tokenized(tokens, |token| &token.plain)
}

fn pre_tokenized(tokens: &[Token], text: impl Fn(&Token) -> &String) -> PreTokenizedString {
    let tokens = tokens
        .iter()
        .map(|token| IndexToken {
            position: token.position,
            text: text(token).clone(),
            ..IndexToken::default()
        })
        .collect();
    PreTokenizedString { text: String::new(), tokens }
}

fn term(field: Field, stem: &str, boost: f32) -> Box<dyn Query> {
    let query = TermQuery::new(Term::from_field_text(field, stem), IndexRecordOption::WithFreqs);
    Box::new(BoostQuery::new(Box::new(query), boost))
}

#[expect(clippy::cast_precision_loss, reason = "counts of words, far below the limit of the type")]
fn as_f32(count: usize) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use super::reading::edits;
    use super::*;

    fn index(texts: &[(&str, &str)]) -> (Vec<Document>, Index) {
        let documents: Vec<_> = texts.iter().map(|(path, text)| Document::parse(path, text)).collect();
        let index = Index::build(&documents).unwrap();
        (documents, index)
    }

    fn first(texts: &[(&str, &str)], question: &str) -> Option<String> {
        let (documents, index) = index(texts);
        let hits = index.search(&index.understand(question, None), 3).unwrap();
        let place = hits.first()?.place;
        let document = &documents[place.document];
        document.sections[place.section].headings.last().cloned().or_else(|| Some(document.title.clone()))
    }

    const SHOP: &[(&str, &str)] = &[
        (
            "shipping.md",
            "# Shipping\n\nWe send parcels.\n\n## Delivery times\n\nWithin two working days.\n\n## Lost parcels\n\nWrite to us after ten days and we send another.\n",
        ),
        (
            "theming.md",
            "# Theming\n\nTokens.\n\n## Accent colour\n\nSet `theme.accent`.\n\n## Dark mode\n\nSet `colorScheme`.\n",
        ),
    ];

    #[test]
    fn spelling_variants_slips_and_compounds_are_understood() {
        assert_eq!(first(SHOP, "How do I change the accent color?").as_deref(), Some("Accent colour"));
        assert_eq!(first(SHOP, "chnage the acccent").as_deref(), Some("Accent colour"));
        assert_eq!(first(SHOP, "what does color scheme do").as_deref(), Some("Dark mode"));
        assert_eq!(first(SHOP, "darkmode").as_deref(), Some("Dark mode"));
        assert_eq!(first(SHOP, "my package went missing").as_deref(), Some("Lost parcels"));
    }

    #[test]
    fn what_is_not_in_the_documents_is_not_answered() {
        for question in ["Who won the world cup in 2018?", "the of and", "", "quantum chromodynamics", "🎉"]
        {
            assert_eq!(first(SHOP, question), None, "{question}");
        }
        assert_eq!(first(&[], "Anything?"), None);
    }

    #[test]
    fn an_edit_is_a_change_an_addition_a_loss_or_a_swap() {
        let distance = |one: &str, other: &str| {
            edits(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>(), 2)
        };
        assert_eq!(distance("accent", "acccent"), Some(1));
        assert_eq!(distance("change", "chnage"), Some(1));
        assert_eq!(distance("same", "same"), Some(0));
        assert_eq!(distance("grind", "brand"), Some(2));
        assert_eq!(distance("grinder", "sea"), None);
    }
}
