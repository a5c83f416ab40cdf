//! What an agent's own knowledge costs: how long 200 pages take from the queue to
//! the index, and how long a question waits for its passages among 100,000.
//!
//! `cargo bench -p chinwag-relay --bench knowledge`, or `cargo xtask bench
//! knowledge`. It fails where an aim is missed.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement that cannot go on stops, and prints what it found"
)]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use chinwag_relay::app::open_data;
use chinwag_relay::config::{Config, Overrides};
use chinwag_relay::knowledge::{Knowledge, passage};
use chinwag_relay::manage::agent;
use chinwag_relay::manage::source::Desk;
use chinwag_relay::store::{Mode, SourcePage};
use serde_json::{Value, json};

/// The pages of a website of some size, and how long they may take.
const PAGES: usize = 200;
const INDEX_AIM: Duration = Duration::from_secs(5);

/// The passages of the largest corpus, and how long a question may take.
const PASSAGES: usize = 100_000;
const QUERY_AIM: Duration = Duration::from_millis(10);

/// Questions that are measured, after some that are not.
const QUESTIONS: usize = 400;
const WARM_UP: usize = 20;

/// Passages that a question asks for, as a reply does.
const LIMIT: usize = 10;

/// Of one call to the API, and of one source.
const BATCH: usize = 200;
const SOURCE_PAGES: usize = 2_000;

/// Words of a page.
const PAGE_WORDS: usize = 700;

/// Words of a language as they follow each other, and names that only some pages
/// have: the same for everybody who measures.
struct Corpus {
    random: fastrand::Rng,
    follows: HashMap<String, Vec<String>>,
    begins: Vec<String>,
}

impl Corpus {
    /// Out of the project's own documentation.
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
        files.sort();
        let (mut follows, mut begins): (HashMap<String, Vec<String>>, _) = (HashMap::new(), Vec::new());
        for file in files {
            let text = fs::read_to_string(file).unwrap();
            let words: Vec<String> = text
                .split_whitespace()
                .filter(|word| word.chars().all(|c| c.is_alphabetic() || ".,;".contains(c)))
                .map(str::to_owned)
                .collect();
            begins.extend(words.iter().filter(|word| word.starts_with(char::is_uppercase)).cloned());
            for pair in words.windows(2) {
                follows.entry(pair[0].clone()).or_default().push(pair[1].clone());
            }
        }
        Self { random: fastrand::Rng::with_seed(7), follows, begins }
    }

    fn pick(&mut self, words: &[String]) -> String {
        words[self.random.usize(..words.len())].clone()
    }

    /// A name that few pages have: there are thousands.
    fn name(&mut self) -> String {
        const SYLLABLES: [&str; 16] = [
            "ka", "lo", "mi", "ren", "sta", "vor", "tel", "qui", "bar", "den", "fos", "gul", "hym", "jor",
            "nax", "pel",
        ];
        let syllables: String =
            (0..self.random.usize(2..5)).map(|_| SYLLABLES[self.random.usize(..SYLLABLES.len())]).collect();
        format!("{}{syllables}", ["Neo", "Al", "Tri", ""][self.random.usize(..4)])
    }

    fn sentence(&mut self) -> String {
        let begins = std::mem::take(&mut self.begins);
        let mut word = self.pick(&begins);
        self.begins = begins;
        let mut text = word.clone();
        for _ in 0..self.random.usize(6..18) {
            let Some(next) = self.follows.get(&word).cloned() else { break };
            word = self.pick(&next);
            text.push(' ');
            text.push_str(&word);
            if self.random.u8(..) < 12 {
                text.push(' ');
                text.push_str(&self.name());
            }
        }
        text.truncate(text.trim_end_matches(['.', ',', ';']).len());
        text.push('.');
        text
    }

    fn page(&mut self, number: usize) -> SourcePage {
        let title = format!("{} {number}", self.name());
        let mut text = format!("# {title}\n\n");
        while text.split_whitespace().count() < PAGE_WORDS {
            let heading = self.sentence();
            let heading: Vec<&str> = heading.split(' ').take(5).collect();
            let _ = write!(text, "## {}\n\n", heading.join(" ").trim_end_matches('.'));
            for _ in 0..3 {
                for _ in 0..4 {
                    text.push_str(&self.sentence());
                    text.push(' ');
                }
                text.push_str("\n\n");
            }
        }
        SourcePage { url: format!("https://shop.example/{number}"), title, text }
    }

    /// A question with words of a page that is there.
    fn question(&mut self, pages: &[String]) -> String {
        let text = &pages[self.random.usize(..pages.len())];
        let sentences: Vec<&str> =
            text.split(". ").filter(|sentence| sentence.split(' ').count() > 6).collect();
        let words: Vec<&str> = sentences[self.random.usize(..sentences.len())].split_whitespace().collect();
        let from = self.random.usize(..words.len().saturating_sub(5).max(1));
        let asked: Vec<&str> = words.iter().skip(from).take(5).copied().collect();
        let begin =
            ["How does", "What is", "Where do I find", "Can I", "Why is there"][self.random.usize(..5)];
        format!("{begin} {}?", asked.join(" ").trim_end_matches(['.', ',', ';']))
    }
}

/// An agent with sources in a folder of its own, as the API and the command line
/// make them.
struct Place {
    config: Config,
    knowledge: Knowledge,
    store: chinwag_relay::store::Store,
    agent: String,
}

impl Place {
    async fn new(folder: &Path) -> Self {
        let text = format!(
            "[server]\ndata_dir = '{}'\n[server.limits]\nsource_bytes = 100000000\n\
             [[site]]\nkey = \"site_a\"\norigins = []\nagent = \"model\"\n\
             [agent.model]\nprovider = \"openai-chat\"\nbase_url = \"http://127.0.0.1:1/v1\"\nmodel = \"m\"\n",
            folder.display()
        );
        let config = Config::parse(Path::new("bench.toml"), &text, &|_| None, &Overrides::default()).unwrap();
        let store = open_data(&config).await.unwrap();
        let made = agent::create(&store, &config, Mode::Live, &json!({ "name": "Guide" })).await.unwrap();
        let knowledge = Knowledge::new(store.clone(), &config);
        Self { config, knowledge, store, agent: made["id"].as_str().unwrap().to_owned() }
    }

    /// Queues pages as one source.
    async fn add(&self, name: &str, pages: &[SourcePage]) -> String {
        let desk = Desk { store: &self.store, config: &self.config, mode: Mode::Live };
        let source = desk.add_source(&self.agent, &json!({ "type": "pages", "title": name })).await.unwrap();
        let id = source["id"].as_str().unwrap().to_owned();
        for batch in pages.chunks(BATCH) {
            let batch: Vec<Value> = batch
                .iter()
                .map(|page| json!({ "url": page.url, "title": page.title, "text": page.text }))
                .collect();
            desk.change_pages(&self.agent, &id, &json!({ "pages": batch })).await.unwrap();
        }
        id
    }

    async fn train(&self) {
        assert!(self.knowledge.work_off().await.unwrap(), "another process trains");
        let desk = Desk { store: &self.store, config: &self.config, mode: Mode::Live };
        let sources = desk.sources(&self.agent, &chinwag_relay::manage::PageQuery::default()).await.unwrap();
        for source in sources["data"].as_array().unwrap() {
            assert_eq!(source["status"], "trained", "{source}");
        }
    }
}

fn passages(pages: &[SourcePage]) -> usize {
    pages.iter().map(|page| passage::cut("src", page).len()).sum()
}

async fn index() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path()).await;
    let mut corpus = Corpus::new();
    let pages: Vec<SourcePage> = (0..PAGES).map(|number| corpus.page(number)).collect();
    let bytes: usize = pages.iter().map(|page| page.text.len()).sum();
    let began = Instant::now();
    place.add("site", &pages).await;
    place.train().await;
    let took = began.elapsed();
    println!(
        "{PAGES} pages, {} passages, {} kB: indexed in {:.2} s",
        passages(&pages),
        bytes / 1_000,
        took.as_secs_f64()
    );
    took
}

async fn search() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path()).await;
    let mut corpus = Corpus::new();
    let (mut texts, mut count, mut number) = (Vec::new(), 0, 0);
    let began = Instant::now();
    while count < PASSAGES {
        let mut pages = Vec::new();
        while count < PASSAGES && pages.len() < SOURCE_PAGES {
            let page = corpus.page(number);
            count += passage::cut("src", &page).len();
            texts.push(page.text.clone());
            pages.push(page);
            number += 1;
        }
        place.add(&format!("site {number}"), &pages).await;
    }
    place.train().await;
    println!("{number} pages, {count} passages: indexed in {:.1} s", began.elapsed().as_secs_f64());

    let mut times = Vec::new();
    let mut answered = 0;
    for round in 0..WARM_UP + QUESTIONS {
        let question = corpus.question(&texts);
        let began = Instant::now();
        let found = place.knowledge.search(&place.agent, &question, None, LIMIT).await.unwrap();
        if round >= WARM_UP {
            times.push(began.elapsed());
            answered += usize::from(found.first().is_some_and(|best| best.is_answer));
        }
    }
    times.sort_unstable();
    let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e3;
    println!(
        "{QUESTIONS} questions among them: p50 {:.2} ms, p95 {:.2} ms, longest {:.2} ms; {answered} answered",
        at(50),
        at(95),
        times[times.len() - 1].as_secs_f64() * 1e3
    );
    assert!(answered * 2 > QUESTIONS, "questions with a page's own words are mostly answered");
    times[times.len() / 2]
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (indexed, asked) = runtime.block_on(async { (index().await, search().await) });
    for (name, took, aim) in [("indexing", indexed, INDEX_AIM), ("a question's p50", asked, QUERY_AIM)] {
        assert!(took < aim, "{name} took {took:?}; the aim is {aim:?}");
    }
}
