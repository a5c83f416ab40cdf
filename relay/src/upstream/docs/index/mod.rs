//! Finds the sections that answer a question.
//!
//! tantivy proposes (BM25 over boosted fields), then the proposals are weighed
//! again by what BM25 does not see: how much of the question a section covers,
//! how much of its heading the question covers, and whether the words stand
//! together. Below a threshold nothing is cited: no answer is better than a
//! wrong one.

mod reading;

use std::collections::{HashMap, HashSet};

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, DisjunctionMaxQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions, Value as _};
use tantivy::tokenizer::{PreTokenizedString, Token as IndexToken};
use tantivy::{IndexReader, ReloadPolicy, TantivyDocument, Term};

use self::reading::SYNONYM;
use super::analysis::{Analyzer, Token};
use super::lexicon;
use super::markdown::{Document, Section};

/// How many proposals are weighed again.
const PROPOSALS: usize = 64;
/// tantivy's least memory for a writer, in bytes; a folder needs no more.
const WRITER_BYTES: usize = 15_000_000;
/// How much of the question, by weight, a section must cover to be cited, by
/// how many of its telling words stand there: one word in common may be chance,
/// three in one section hardly ever are.
const LEAST_COVERAGE: [f32; 3] = [0.55, 0.42, 0.33];
/// The same where none of its words tells anything.
const LEAST_COVERAGE_OF_NOTHING: f32 = 0.75;
/// How much less it needs to cover if such a word stands in its heading.
const HEADED: f32 = 0.1;

/// A section, by the place of its document and its own place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) document: usize,
    pub(super) section: usize,
}

/// A section that may answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hit {
    pub(super) place: Place,
    pub(super) score: f32,
    /// How much of the question it covers, 0 to 1.
    pub(super) coverage: f32,
    /// How many telling words of the question stand in it.
    telling: usize,
    /// How much of its heading the question covers, 0 to 1.
    heading: f32,
    /// Whether a telling word of the question stands in its heading.
    is_headed: bool,
    /// Whether a telling word of the question stands in it as it was asked.
    is_literal: bool,
}

/// One word of the question, with all that is accepted for it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Concept {
    /// How much it narrows down; rare words do most.
    weight: f32,
    /// Whether it narrows down at all.
    is_telling: bool,
    /// Stems that the documents have, each with how well it stands for the word.
    forms: Vec<(u32, f32)>,
}

/// A question, as far as the documents understand it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Understood {
    concepts: Vec<Concept>,
    /// What the answer is likely to speak of; it favours, and never decides.
    hints: Vec<u32>,
    /// Every word as it was asked, known or not, for phrases such as those of
    /// an error message.
    phrase: Vec<Option<u32>>,
}

impl Understood {
    /// Whether the question has no word that means anything.
    pub(super) fn is_empty(&self) -> bool {
        self.concepts.is_empty()
    }

    /// How many of its words narrow the answer down.
    pub(super) fn specific(&self) -> usize {
        self.concepts.iter().filter(|concept| concept.is_telling && !concept.forms.is_empty()).count()
    }
}

/// What is kept of a section for weighing: stems by number, in order.
#[derive(Debug)]
struct Weighed {
    place: Place,
    /// Whether it stands under the title of its document.
    is_title: bool,
    /// How much of its text is links, 0 to 1.
    links: f32,
    heading: Vec<u32>,
    parents: Vec<u32>,
    body: Vec<u32>,
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
            .field("stems", &self.stems.len())
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
                let parents = analyzer.tokens(&parents);
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
        let synonyms = synonyms(&mut analyzer, &words.stems);
        let mut number_of = |word: &str| words.stems.get(&analyzer.stem(word)).copied();
        let asking = Asking {
            how: number_of("how"),
            others: ["where", "when", "why", "who", "which"].into_iter().filter_map(&mut number_of).collect(),
        };
        Ok(Self {
            reader,
            fields,
            sections,
            titles,
            paths,
            stems: words.stems,
            frequencies: words.frequencies,
            words: words.written,
            synonyms,
            average_length: average_length.max(1.0),
            asking,
        })
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
        if question.concepts.iter().all(|concept| concept.forms.is_empty()) {
            return Ok(Vec::new());
        }
        let searcher = self.reader.searcher();
        let query = self.query(question);
        let proposals = searcher.search(&query, &TopDocs::with_limit(PROPOSALS).order_by_score())?;
        let best = proposals.first().map_or(1.0, |(score, _)| *score).max(f32::EPSILON);
        let mut hits = Vec::with_capacity(proposals.len());
        for (score, address) in proposals {
            let entry = searcher.doc::<TantivyDocument>(address)?;
            let at = entry.get_first(self.fields.place).and_then(|value| value.as_u64());
            let section = at.and_then(|at| usize::try_from(at).ok()).and_then(|at| self.sections.get(at));
            if let Some(section) = section {
                hits.push(self.weigh_one(question, section, score / best));
            }
        }
        hits.sort_by(|one, other| other.score.total_cmp(&one.score));
        Ok(hits)
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
                let Some((stem, _)) = self.frequencies.get(*number as usize) else { continue };
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

    fn weigh_one(&self, question: &Understood, section: &Weighed, proposal: f32) -> Hit {
        let empty = Vec::new();
        let title = self.titles.get(section.place.document).unwrap_or(&empty);
        let path = self.paths.get(section.place.document).unwrap_or(&empty);
        let length = 0.4 + 0.6 * as_f32(section.body.len()) / self.average_length;
        let names_document = section.is_title;
        let (mut total, mut covered, mut strength, mut telling) = (0.0_f32, 0.0_f32, 0.0_f32, 0_usize);
        let mut asked_in_heading: HashMap<u32, f32> = HashMap::new();
        let mut in_heading_weight = 0.0_f32;
        let (mut is_headed, mut is_literal) = (false, false);
        for concept in &question.concepts {
            total += concept.weight;
            let (mut best, mut best_factor, mut heading_factor) = (0.0_f32, 0.0_f32, 0.0_f32);
            for (stem, factor) in &concept.forms {
                let in_heading = section.heading.contains(stem);
                if in_heading {
                    let asked = asked_in_heading.entry(*stem).or_default();
                    *asked = asked.max(*factor);
                    heading_factor = heading_factor.max(*factor);
                }
                // Under the title, heading and title are the same words.
                let in_title = !names_document && title.contains(stem);
                let amount = if in_heading { 3.0 } else { 0.0 }
                    + if section.parents.contains(stem) { 1.2 } else { 0.0 }
                    + if in_title { 1.2 } else { 0.0 }
                    + if path.contains(stem) { 0.5 } else { 0.0 }
                    + as_f32(count(&section.body, *stem)) / length;
                if amount > 0.0 {
                    best = best.max(factor * amount / (1.0 + amount));
                    best_factor = best_factor.max(*factor);
                }
            }
            strength += concept.weight * best;
            covered += concept.weight * best_factor;
            in_heading_weight += concept.weight * heading_factor;
            is_literal |= concept.is_telling && best_factor >= 1.0;
            is_headed |= !names_document && concept.is_telling && heading_factor >= 1.0;
            telling += usize::from(best_factor > 0.0 && concept.is_telling);
        }
        let total = total.max(f32::EPSILON);
        let coverage = covered / total;
        // A heading that the question repeats whole is what was asked for; a
        // title names a whole document, and is repeated by every question on it.
        let heading_words: HashSet<u32> = section
            .heading
            .iter()
            .copied()
            .filter(|stem| {
                self.frequencies.get(*stem as usize).is_some_and(|(stem, _)| !lexicon::is_stop_word(stem))
            })
            .collect();
        let asked: f32 = asked_in_heading.values().sum();
        let heading = (asked / as_f32(heading_words.len().max(1))).min(1.0);
        let heading_bonus = if names_document { 0.2 } else { 0.45 } * heading * in_heading_weight;
        let whole_heading = if heading >= 1.0 && !names_document { 0.08 * total } else { 0.0 };
        let alike = if asks_alike(question, &section.heading, &self.asking) { 0.1 * total } else { 0.0 };
        let nearness = 0.3 * nearness(question, section);
        let run =
            longest_run(&question.phrase, &section.heading).max(longest_run(&question.phrase, &section.body));
        let phrase = 0.12 * total * as_f32(run.saturating_sub(2).min(3));
        let hinted = question
            .hints
            .iter()
            .filter(|stem| section.body.contains(stem) || section.heading.contains(stem))
            .count();
        let hint_bonus = 0.08 * total * as_f32(hinted.min(2));
        let sum = strength
            + heading_bonus
            + whole_heading
            + alike
            + nearness
            + phrase
            + hint_bonus
            + 0.15 * proposal * total;
        // A list of links speaks of everything and answers nothing.
        let score = sum * coverage.powf(0.7) / total * (1.0 - 0.6 * section.links);
        Hit { place: section.place, score, coverage, telling, heading, is_headed, is_literal }
    }

    /// How well a text answers, by the weight of the words of the question in it.
    pub(super) fn relevance(&self, question: &Understood, analyzer: &mut Analyzer, text: &str) -> f32 {
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
        asked + 0.2 * as_f32(hinted.min(2))
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

fn count(stems: &[u32], stem: u32) -> usize {
    stems.iter().filter(|other| **other == stem).count()
}

/// Whether a proposal is good enough to be cited.
fn is_answer(hit: &Hit) -> bool {
    if hit.telling == 0 {
        // "How does it work?" is a question where "How it works" is a heading.
        return hit.heading >= 1.0 && hit.coverage >= LEAST_COVERAGE_OF_NOTHING;
    }
    // A synonym stands for a word, but is no evidence by itself that the
    // documents speak of what the other words name.
    if !hit.is_literal && hit.coverage < SYNONYM * 0.98 {
        return false;
    }
    let least = LEAST_COVERAGE.get(hit.telling - 1).or(LEAST_COVERAGE.last()).copied().unwrap_or(1.0);
    hit.coverage >= least - if hit.is_headed { HEADED } else { 0.0 }
}

/// Whether the heading asks with the word that the question asks with: "Where
/// ..." is answered under "Where ...", and "How long ..." under "How long ...".
fn asks_alike(question: &Understood, heading: &[u32], asking: &Asking) -> bool {
    let is_asked = |stem: Option<u32>| stem.is_some() && question.phrase.contains(&stem);
    let first = heading.first().copied();
    if asking.how.is_some() && first == asking.how {
        let second = heading.get(1).copied();
        return question.phrase.windows(2).any(|pair| pair == [first, second]);
    }
    is_asked(first.filter(|first| asking.others.contains(first)))
}

/// How close neighbours in the question stand in the section; by weight.
fn nearness(question: &Understood, section: &Weighed) -> f32 {
    let mut sum = 0.0;
    for (one, other) in question.concepts.iter().zip(question.concepts.iter().skip(1)) {
        let gap = [&section.heading, &section.body]
            .into_iter()
            .filter_map(|stems| least_gap(stems, one, other))
            .min();
        if let Some(gap) = gap.filter(|gap| *gap <= 8) {
            sum += one.weight.min(other.weight) / as_f32(gap.max(1)).sqrt();
        }
    }
    sum
}

/// How many words of the question stand in the text in one piece.
fn longest_run(question: &[Option<u32>], text: &[u32]) -> usize {
    let mut longest = 0;
    let mut before = vec![0_usize; question.len() + 1];
    for stem in text {
        let mut row = Vec::with_capacity(before.len());
        row.push(0);
        for (asked, run) in question.iter().zip(&before) {
            let run = if *asked == Some(*stem) { run + 1 } else { 0 };
            longest = longest.max(run);
            row.push(run);
        }
        before = row;
    }
    longest
}

/// The least distance between any form of one concept and any of another.
fn least_gap(stems: &[u32], one: &Concept, other: &Concept) -> Option<usize> {
    let is_form = |concept: &Concept, stem: u32| concept.forms.iter().any(|(form, _)| *form == stem);
    let (mut last_one, mut last_other, mut least) = (None::<usize>, None::<usize>, None::<usize>);
    for (at, stem) in stems.iter().enumerate() {
        let (is_one, is_other) = (is_form(one, *stem), is_form(other, *stem));
        if is_one && is_other {
            continue;
        }
        let before = if is_one {
            last_one = Some(at);
            last_other
        } else if is_other {
            last_other = Some(at);
            last_one
        } else {
            continue;
        };
        if let Some(before) = before {
            least = Some(least.map_or(at - before, |gap| gap.min(at - before)));
        }
    }
    least
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
