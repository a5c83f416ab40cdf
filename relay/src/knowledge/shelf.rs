//! The passages of one agent, indexed on disk by tantivy.
//!
//! A question is answered in two steps. tantivy proposes by words (BM25), and a
//! scan of one small vector for each passage by meaning. The proposals are then
//! weighed by the rules of the docs agent, whose thresholds decide whether a
//! passage answers at all.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{
    BytesOptions, FAST, Field, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions, Value as _,
};
use tantivy::tokenizer::{PreTokenizedString, Token as IndexToken};
use tantivy::{DocAddress, Index, IndexReader, ReloadPolicy, Searcher, TantivyDocument, Term};

use super::passage::Passage;
use crate::upstream::docs::analysis::{Analyzer, Token};
use crate::upstream::docs::index::{Hit, Place, Understood, Vocabulary, Weighed, is_answer};
use crate::upstream::docs::meaning::{DIMENSIONS, Meaning};

/// How many proposals are weighed, by words and by meaning.
const PROPOSALS: usize = 48;
const PROPOSALS_BY_MEANING: usize = 24;

/// How near a passage must be to be proposed for its meaning alone.
const LEAST_NEARNESS: f32 = 0.15;

/// How often the words of title and headings count.
const HEADING_COUNT: usize = 3;
const TITLE_COUNT: usize = 2;

/// Memory of a writer, in bytes: what a source of some thousand passages needs.
const WRITER_BYTES: usize = 30_000_000;

/// The vectors of a passage (its text's and its headings') in numbers of 8 bytes.
const WORDS: usize = DIMENSIONS / 8;

/// Of the form in which passages are kept; an index of another one is made anew.
const FORM: &str = "form-1";

/// Why a shelf does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// The folder.
    #[error("the folder of the index {}: {error}", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The index.
    #[error("the index: {0}")]
    Index(#[from] tantivy::TantivyError),
}

/// A passage that was found for a question.
#[derive(Debug, Clone)]
pub struct Found {
    /// What it says.
    pub passage: Passage,
    /// How good it is; the best is first.
    pub score: f32,
    /// How much of the question it covers, 0 to 1.
    pub coverage: f32,
    /// Whether it answers, by the rules of the docs agent.
    pub is_answer: bool,
}

/// The index of one agent.
pub struct Shelf {
    folder: PathBuf,
    index: Index,
    reader: IndexReader,
    fields: Fields,
    loaded: RwLock<Loaded>,
    /// Held while it is written to: tantivy refuses a second writer.
    writing: Mutex<()>,
    /// What the stems of words are, from one reading to the next.
    stems: Mutex<HashMap<String, String>>,
}

#[derive(Debug, Clone, Copy)]
struct Fields {
    source: Field,
    /// Stems of text, headings and title.
    all: Field,
    /// Words of the text as they are written.
    plain: Field,
    meaning: Field,
    entry: Field,
}

/// What is in memory of the passages of one commit.
#[derive(Clone)]
struct Loaded {
    /// When the list of segments was written.
    stamp: Option<SystemTime>,
    searcher: Searcher,
    vocabulary: Arc<Vocabulary>,
    /// The vectors of all passages, one after the other; zeros where there is none.
    texts: Arc<Vec<i8>>,
    headings: Arc<Vec<i8>>,
    /// Where the passages of each segment begin.
    begins: Arc<Vec<usize>>,
}

/// A passage as the index keeps it, with the stems of its words.
#[derive(Serialize, Deserialize)]
struct Entry {
    passage: Passage,
    title: String,
    heading: String,
    parents: String,
    body: String,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shelf").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Shelf {
    /// Opens the index of a folder, or makes an empty one; says whether it is
    /// new. One that cannot be read is made anew.
    pub fn open(folder: &Path) -> Result<(Self, bool), ShelfError> {
        let fault = |error| ShelfError::Folder { path: folder.to_owned(), error };
        if folder.join(FORM).exists() {
            match Index::open_in_dir(folder).map_err(ShelfError::from).and_then(|index| {
                let shelf = Self::over(folder, index)?;
                Ok(shelf)
            }) {
                Ok(shelf) => return Ok((shelf, false)),
                Err(error) => {
                    tracing::warn!(folder = %folder.display(), %error, "the index cannot be read; it is made anew");
                }
            }
        }
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(fault)?;
        }
        fs::create_dir_all(folder).map_err(fault)?;
        let index = Index::create_in_dir(folder, schema().0)?;
        let shelf = Self::over(folder, index)?;
        fs::write(folder.join(FORM), b"").map_err(fault)?;
        Ok((shelf, true))
    }

    fn over(folder: &Path, index: Index) -> Result<Self, ShelfError> {
        let (known, fields) = schema();
        if index.schema() != known {
            return Err(tantivy::TantivyError::SchemaError("another form".to_owned()).into());
        }
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let stems = Mutex::default();
        let loaded = RwLock::new(load(&reader, fields, stamp(folder), &stems)?);
        Ok(Self {
            folder: folder.to_owned(),
            index,
            reader,
            fields,
            loaded,
            writing: Mutex::default(),
            stems,
        })
    }

    /// Puts these passages in the place of all that the index has of a source.
    /// They are asked for in portions, until there are none.
    ///
    /// # Errors
    /// Those of the index; nothing has changed then.
    pub fn replace<E: From<ShelfError>>(
        &self,
        source: &str,
        mut next: impl FnMut() -> Result<Option<Vec<Passage>>, E>,
    ) -> Result<usize, E> {
        let fault = |error: tantivy::TantivyError| E::from(ShelfError::from(error));
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer =
            self.index.writer_with_num_threads::<TantivyDocument>(1, WRITER_BYTES).map_err(fault)?;
        writer.delete_term(Term::from_field_text(self.fields.source, source));
        let mut analyzer = Analyzer::new();
        let mut count = 0;
        while let Some(passages) = next()? {
            for passage in passages {
                writer.add_document(self.entry(&mut analyzer, passage)).map_err(fault)?;
                count += 1;
            }
        }
        writer.commit().map_err(fault)?;
        // Until the merges are done, the next writer finds the folder locked.
        writer.wait_merging_threads().map_err(fault)?;
        self.refresh()?;
        Ok(count)
    }

    /// How many passages there are.
    pub fn len(&self) -> usize {
        usize::try_from(self.loaded().searcher.num_docs()).unwrap_or(usize::MAX)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The passages that speak of a question, the best first. `context` is the
    /// question before, if this one leans on it.
    pub fn search(
        &self,
        question: &str,
        context: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Found>, ShelfError> {
        if self.loaded().stamp != stamp(&self.folder) {
            self.refresh()?;
        }
        let loaded = self.loaded();
        let alone = loaded.vocabulary.understand(question, None);
        let mut found = if alone.is_empty() { Vec::new() } else { self.find(&loaded, &alone)? };
        let is_enough = alone.specific() >= 2
            && found.first().is_some_and(|best: &Found| best.is_answer && best.coverage >= 0.85);
        if let Some(context) = context.filter(|_| !is_enough) {
            let together = loaded.vocabulary.understand(question, Some(context));
            let more = self.find(&loaded, &together)?;
            if more.iter().any(|found| found.is_answer) {
                found = more;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    fn loaded(&self) -> Loaded {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn refresh(&self) -> Result<(), ShelfError> {
        let stamp = stamp(&self.folder);
        self.reader.reload()?;
        let loaded = load(&self.reader, self.fields, stamp, &self.stems)?;
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    fn find(&self, loaded: &Loaded, question: &Understood) -> Result<Vec<Found>, ShelfError> {
        let query = self.query(&loaded.vocabulary, question);
        let proposals = loaded.searcher.search(&query, &TopDocs::with_limit(PROPOSALS).order_by_score())?;
        let best = proposals.first().map_or(1.0, |(score, _)| *score).max(f32::EPSILON);
        let mut seen: HashSet<DocAddress> = HashSet::new();
        let mut found = Vec::new();
        for (score, address) in proposals {
            seen.insert(address);
            found.extend(self.weigh(loaded, question, address, score / best)?);
        }
        for address in loaded.nearest(question) {
            if seen.insert(address) {
                found.extend(self.weigh(loaded, question, address, 0.0)?);
            }
        }
        found.sort_by(|one: &Found, other| {
            (other.is_answer, other.score)
                .partial_cmp(&(one.is_answer, one.score))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        Ok(found)
    }

    fn query(&self, vocabulary: &Vocabulary, question: &Understood) -> BooleanQuery {
        // One flat list of terms in one field: tantivy then passes over most of
        // the passages that cannot be among the best.
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for concept in &question.concepts {
            for (number, factor) in &concept.forms {
                let Some(stem) = vocabulary.stem(*number) else { continue };
                let term = Term::from_field_text(self.fields.all, stem);
                let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
                let boost = concept.weight.max(0.05) * factor;
                clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(query), boost))));
            }
        }
        BooleanQuery::new(clauses)
    }

    fn weigh(
        &self,
        loaded: &Loaded,
        question: &Understood,
        address: DocAddress,
        proposal: f32,
    ) -> Result<Option<Found>, ShelfError> {
        let kept = loaded.searcher.doc::<TantivyDocument>(address)?;
        let Some(entry) = kept.get_first(self.fields.entry).and_then(|value| value.as_bytes()) else {
            return Ok(None);
        };
        // What another form of this program wrote is no passage.
        let Ok(entry) = serde_json::from_slice::<Entry>(entry) else { return Ok(None) };
        let numbers = |stems: &str| -> Vec<u32> {
            let number = |stem| loaded.vocabulary.number(stem).unwrap_or(u32::MAX);
            stems.split(' ').filter(|stem| !stem.is_empty()).map(number).collect()
        };
        let row = loaded.row(address);
        let vector = |all: &[i8]| -> Option<Meaning> {
            Meaning::of_small(all.get(row? * DIMENSIONS..)?.get(..DIMENSIONS)?)
        };
        let weighed = Weighed {
            place: Place { document: 0, section: 0 },
            is_title: entry.passage.headings.is_empty(),
            links: 0.0,
            heading: numbers(&entry.heading),
            parents: numbers(&entry.parents),
            body: numbers(&entry.body),
            heading_meaning: vector(&loaded.headings),
            meanings: vector(&loaded.texts).into_iter().collect(),
        };
        let title = numbers(&entry.title);
        let hit: Hit = loaded.vocabulary.weigh_one(question, &weighed, [&title, &[]], proposal);
        Ok(Some(Found {
            passage: entry.passage,
            score: hit.score,
            coverage: hit.coverage,
            is_answer: is_answer(&hit),
        }))
    }

    fn entry(&self, analyzer: &mut Analyzer, passage: Passage) -> TantivyDocument {
        let (own, above) = match passage.headings.split_last() {
            Some((own, above)) => (own.as_str(), above.join(" ")),
            None => (passage.title.as_str(), String::new()),
        };
        let title = analyzer.tokens(&passage.title);
        let heading = analyzer.tokens(own);
        let parents = analyzer.tokens(&above);
        let body = analyzer.tokens(&passage.plain);
        let mut all: Vec<&Token> = body.iter().collect();
        for (tokens, count) in [(&heading, HEADING_COUNT), (&parents, 1), (&title, TITLE_COUNT)] {
            for _ in 0..count {
                all.extend(tokens.iter());
            }
        }
        let text_meaning = Meaning::of(&format!("{own}. {}", passage.plain));
        let heading_meaning = Meaning::of(&format!("{} {above} {own}", passage.title));
        let mut document = TantivyDocument::default();
        document.add_text(self.fields.source, &passage.source);
        document.add_pre_tokenized_text(self.fields.all, tokenized(all.iter().map(|token| &token.stem)));
        document.add_pre_tokenized_text(
            self.fields.plain,
            tokenized(body.iter().chain(&heading).map(|token| &token.plain)),
        );
        for meaning in [text_meaning, heading_meaning] {
            let small = meaning.map_or([0; DIMENSIONS], |meaning| meaning.small());
            let (chunks, _) = small.as_chunks::<8>();
            for chunk in chunks {
                document.add_u64(self.fields.meaning, u64::from_le_bytes(chunk.map(i8::cast_unsigned)));
            }
        }
        let stems =
            |tokens: &[Token]| tokens.iter().map(|token| token.stem.as_str()).collect::<Vec<_>>().join(" ");
        let entry = Entry {
            title: stems(&title),
            heading: stems(&heading),
            parents: stems(&parents),
            body: stems(&body),
            passage,
        };
        // Texts and lists of texts: they can always be written.
        document.add_bytes(self.fields.entry, &serde_json::to_vec(&entry).unwrap_or_default());
        document
    }
}

impl Loaded {
    /// Where the vectors of a passage are.
    fn row(&self, address: DocAddress) -> Option<usize> {
        let begin = self.begins.get(usize::try_from(address.segment_ord).ok()?)?;
        Some(begin + usize::try_from(address.doc_id).ok()?)
    }

    /// The passages whose meaning is nearest to the question's.
    fn nearest(&self, question: &Understood) -> Vec<DocAddress> {
        let Some(asked) = &question.meaning else { return Vec::new() };
        let asked = asked.small();
        // The scales of both, and what a unit is worth in each.
        let (rows, _) = self.texts.as_chunks::<DIMENSIONS>();
        let least = LEAST_NEARNESS * 254.0 * 254.0;
        #[expect(clippy::cast_precision_loss, reason = "at most 128 products of 14 bits")]
        let mut near: Vec<(i32, usize)> = rows
            .iter()
            .enumerate()
            .map(|(row, vector)| (dot(vector, &asked), row))
            .filter(|(nearness, _)| *nearness as f32 > least)
            .collect();
        if near.len() > PROPOSALS_BY_MEANING {
            near.select_nth_unstable_by(PROPOSALS_BY_MEANING, |one, other| other.0.cmp(&one.0));
            near.truncate(PROPOSALS_BY_MEANING);
        }
        near.into_iter().filter_map(|(_, row)| self.address(row)).collect()
    }

    fn address(&self, row: usize) -> Option<DocAddress> {
        let segment = self.begins.partition_point(|begin| *begin <= row).checked_sub(1)?;
        let document = row - self.begins.get(segment)?;
        Some(DocAddress::new(u32::try_from(segment).ok()?, u32::try_from(document).ok()?))
    }
}

fn dot(one: &[i8; DIMENSIONS], other: &[i8; DIMENSIONS]) -> i32 {
    one.iter().zip(other).map(|(one, other)| i32::from(i16::from(*one) * i16::from(*other))).sum()
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let text = |option| {
        TextOptions::default().set_indexing_options(TextFieldIndexing::default().set_index_option(option))
    };
    let fields = Fields {
        source: schema.add_text_field("source", STRING),
        all: schema.add_text_field("all", text(IndexRecordOption::WithFreqs)),
        plain: schema.add_text_field("plain", text(IndexRecordOption::Basic)),
        meaning: schema.add_u64_field("meaning", FAST),
        entry: schema.add_bytes_field("entry", BytesOptions::default().set_stored()),
    };
    (schema.build(), fields)
}

/// When the list of segments was written: another one was committed since, by
/// this process or another, if it has changed.
fn stamp(folder: &Path) -> Option<SystemTime> {
    fs::metadata(folder.join("meta.json")).and_then(|metadata| metadata.modified()).ok()
}

fn load(
    reader: &IndexReader,
    fields: Fields,
    stamp: Option<SystemTime>,
    known_stems: &Mutex<HashMap<String, String>>,
) -> Result<Loaded, ShelfError> {
    let searcher = reader.searcher();
    let mut frequencies: HashMap<String, u32> = HashMap::new();
    let mut written: HashSet<String> = HashSet::new();
    let (mut texts, mut headings, mut begins) = (Vec::new(), Vec::new(), Vec::new());
    let (mut tokens, mut rows) = (0_u64, 0_usize);
    for segment in searcher.segment_readers() {
        let all = segment.inverted_index(fields.all)?;
        let mut terms = all.terms().stream().map_err(tantivy::TantivyError::from)?;
        while let Some((term, info)) = terms.next() {
            if let Ok(stem) = std::str::from_utf8(term) {
                *frequencies.entry(stem.to_owned()).or_default() += info.doc_freq;
            }
        }
        let plain = segment.inverted_index(fields.plain)?;
        tokens += plain.total_num_tokens();
        let mut terms = plain.terms().stream().map_err(tantivy::TantivyError::from)?;
        while let Some((term, _)) = terms.next() {
            if let Ok(word) = std::str::from_utf8(term) {
                written.insert(word.to_owned());
            }
        }
        begins.push(rows);
        let count = segment.max_doc();
        rows += usize::try_from(count).unwrap_or_default();
        let column = segment.fast_fields().u64("meaning")?;
        for document in 0..count {
            let is_alive = segment.alive_bitset().is_none_or(|alive| alive.is_alive(document));
            let mut values = column.values_for_doc(document);
            for part in [&mut texts, &mut headings] {
                for _ in 0..WORDS {
                    let value = values.next().filter(|_| is_alive).unwrap_or_default();
                    part.extend(value.to_le_bytes().map(u8::cast_signed));
                }
            }
        }
    }
    let mut analyzer = Analyzer::new();
    let frequencies: Vec<(String, u32)> = frequencies.into_iter().collect();
    let numbered: HashMap<&str, u32> =
        frequencies.iter().zip(0_u32..).map(|((stem, _), number)| (stem.as_str(), number)).collect();
    let mut words = HashMap::new();
    {
        let mut known = known_stems.lock().unwrap_or_else(PoisonError::into_inner);
        for word in written {
            let stem = known.entry(word.clone()).or_insert_with(|| analyzer.stem(&word));
            if let Some(number) = numbered.get(stem.as_str()) {
                words.insert(word, *number);
            }
        }
    }
    let count = usize::try_from(searcher.num_docs()).unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "an average length")]
    let average = tokens as f32 / rows.max(1) as f32;
    let vocabulary = Arc::new(Vocabulary::new(count, average, frequencies, words, &mut analyzer));
    let (texts, headings, begins) = (Arc::new(texts), Arc::new(headings), Arc::new(begins));
    Ok(Loaded { stamp, searcher, vocabulary, texts, headings, begins })
}

fn tokenized<'t>(texts: impl Iterator<Item = &'t String>) -> PreTokenizedString {
    let token = |(position, text): (usize, &String)| IndexToken {
        position,
        text: text.clone(),
        ..IndexToken::default()
    };
    PreTokenizedString { text: String::new(), tokens: texts.enumerate().map(token).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::passage::cut;
    use crate::store::SourcePage;

    fn put(shelf: &Shelf, source: &str, pages: &[(&str, &str)]) {
        let passages = pages
            .iter()
            .flat_map(|(title, text)| {
                let url = format!("https://shop.example/{source}/{}", title.to_lowercase());
                cut(source, &SourcePage { url, title: (*title).into(), text: (*text).into() })
            })
            .collect();
        let mut portions = vec![passages];
        shelf.replace::<ShelfError>(source, || Ok(portions.pop())).unwrap();
    }

    fn ask(shelf: &Shelf, question: &str) -> Option<String> {
        let found = shelf.search(question, None, 3).unwrap();
        found.first().filter(|found| found.is_answer).map(|found| found.passage.plain.clone())
    }

    #[test]
    fn a_passage_is_found_by_words_and_meaning_also_after_the_index_was_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        let (shelf, is_new) = Shelf::open(&path).unwrap();
        assert!(is_new && shelf.is_empty());
        assert_eq!(ask(&shelf, "How long does delivery take?"), None);
        put(
            &shelf,
            "src_a",
            &[
                (
                    "Delivery",
                    "# Delivery\n\nParcels take four days.\n\n## Lost parcels\n\nWe send another after ten days.",
                ),
                (
                    "Leave",
                    "# Leave\n\n## Time off when you lose a loved one\n\nWe grant leave after a death in the family.",
                ),
            ],
        );
        put(
            &shelf,
            "src_b",
            &[("Tea", "# Tea\n\n## Brewing\n\nPour water of ninety degrees over the leaves.")],
        );
        for shelf in [&shelf, &Shelf::open(&path).unwrap().0] {
            assert_eq!(shelf.len(), 4);
            assert_eq!(
                ask(shelf, "How long does delivery take?").as_deref(),
                Some("Parcels take four days.")
            );
            assert_eq!(
                ask(shelf, "my package went missing").as_deref(),
                Some("We send another after ten days.")
            );
            let text = Meaning::of(
                "Time off when you lose a loved one. We grant leave after a death in the family.",
            )
            .unwrap();
            let loaded = shelf.loaded();
            let (rows, _) = loaded.texts.as_chunks::<DIMENSIONS>();
            assert!(rows.contains(&text.small()), "a vector is kept as it was made");
            let found = shelf.search("My grandfather died, may I go to the funeral?", None, 3).unwrap();
            assert!(found.iter().any(|found| found.passage.plain.contains("We grant leave")), "{found:?}");
            assert_eq!(ask(shelf, "Who won the world cup in 2018?"), None);
        }
    }

    #[test]
    fn what_is_replaced_or_removed_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let (shelf, _) = Shelf::open(&folder.path().join("agent")).unwrap();
        put(&shelf, "src_a", &[("Delivery", "Parcels take four days.")]);
        put(&shelf, "src_b", &[("Returns", "Returns are free of charge within thirty days.")]);
        put(&shelf, "src_a", &[("Delivery", "Parcels take six days.")]);
        assert_eq!(
            ask(&shelf, "How many days does delivery take?").as_deref(),
            Some("Parcels take six days.")
        );
        put(&shelf, "src_a", &[]);
        let found = shelf.search("How many days does delivery of parcels take?", None, 5).unwrap();
        assert!(found.iter().all(|found| found.passage.source == "src_b"), "{found:?}");
        assert_eq!(shelf.len(), 1);
    }

    #[test]
    fn an_index_that_cannot_be_read_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent");
        let (shelf, _) = Shelf::open(&path).unwrap();
        put(&shelf, "src_a", &[("Delivery", "Parcels take four days.")]);
        drop(shelf);
        fs::write(path.join("meta.json"), "{").unwrap();
        let (shelf, is_new) = Shelf::open(&path).unwrap();
        assert!(is_new && shelf.is_empty());
    }
}
