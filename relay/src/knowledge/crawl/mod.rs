//! A walk through one website: the pages that its sitemap names, or those that
//! its links lead to, within bounds of depth, number, size and time.
//!
//! It stays on one host, keeps to `robots.txt`, and never enters a private
//! network: see [`crate::outward`]. A page that cannot be read is left out, and
//! told; only where nothing can be read the source fails.

mod clean;
mod fetch;
mod robots;
mod sitemap;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::pin::Pin;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

pub use self::clean::strip_repeated;

use self::fetch::{Fetch, Fetched, Miss};
use self::robots::Robots;
use super::read::html::{self, Html};
use super::read::unmarked;
use crate::manage::key;
use crate::outward::Outward;
use crate::store::SourcePage;

/// Pages that are asked for at once: no more than a browser would.
const AT_ONCE: usize = 4;

/// Longest walk. What was read until then is used.
const PATIENCE: Duration = Duration::from_mins(15);

/// Pages of one path that differ in their query: a calendar has one for each
/// day of all time.
const MAX_QUERIES: usize = 30;

/// Longest path that is followed, in parts, and longest URL in bytes: relative
/// links that are wrong grow for ever.
const MAX_PARTS: usize = 20;
const MAX_URL_BYTES: usize = 1_000;

/// Parameters that change nothing of a page but who is counted.
const TRACKING: &[&str] =
    &["utm_", "fbclid", "gclid", "mc_cid", "mc_eid", "ref", "sessionid", "phpsessid", "sid"];

/// How a website is walked.
#[derive(Debug, Clone, Deserialize)]
pub struct Walk {
    /// Most pages.
    pub max_pages: usize,
    /// Most links from the first page.
    pub max_depth: usize,
    /// `sitemap`, `links`, or `auto`: the sitemap if there is one.
    pub follow: String,
}

/// What came of a walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// The pages, without what all of them repeat.
    pub pages: Vec<SourcePage>,
    /// What was left out and why, if anything.
    pub note: Option<String>,
}

/// Who wants to know how far a walk is.
pub trait Progress: Send + Sync {
    /// So many pages are read, of so many that are known of. False ends the walk.
    fn told(&self, done: usize, total: usize) -> Pin<Box<dyn Future<Output = bool> + Send + '_>>;
}

/// Why a page is not among those that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LeftOut {
    Robots,
    Failed,
    TooLarge,
    OtherKind,
    Elsewhere,
    Unlisted,
    Empty,
    TooMany,
}

impl LeftOut {
    fn words(self) -> &'static str {
        match self {
            Self::Robots => "forbidden by robots.txt",
            Self::Failed => "that could not be fetched",
            Self::TooLarge => "too large",
            Self::OtherKind => "neither HTML nor text",
            Self::Elsewhere => "that lead to another host",
            Self::Unlisted => "that ask not to be indexed",
            Self::Empty => "without text",
            Self::TooMany => "beyond the limits of this source",
        }
    }
}

/// One walk.
struct Walker<'w> {
    fetch: Fetch<'w>,
    walk: &'w Walk,
    most_bytes: usize,
    /// The host on which everything stays; the first page may move it.
    host: Url,
    robots: Robots,
    waiting: VecDeque<(Url, usize)>,
    seen: HashSet<Url>,
    /// Pages with a query, by path.
    queries: HashMap<String, usize>,
    texts: HashSet<String>,
    pages: Vec<SourcePage>,
    bytes: usize,
    left_out: BTreeMap<LeftOut, usize>,
    first_miss: Option<String>,
}

/// Walks a website. `progress` hears how many pages are read and known of, and
/// says whether to go on.
///
/// # Errors
/// Why nothing of it could be read, in words.
pub async fn walk(
    outward: &Outward,
    start: &Url,
    walk: &Walk,
    most_bytes: usize,
    progress: &dyn Progress,
) -> Result<Walked, String> {
    let deadline = Instant::now() + PATIENCE;
    let mut walker = Walker {
        fetch: Fetch { outward, deadline },
        walk,
        most_bytes,
        host: start.clone(),
        robots: Robots::default(),
        waiting: VecDeque::new(),
        seen: HashSet::new(),
        queries: HashMap::new(),
        texts: HashSet::new(),
        pages: Vec::new(),
        bytes: 0,
        left_out: BTreeMap::new(),
        first_miss: None,
    };
    walker.begin(start).await?;
    while walker.pages.len() < walk.max_pages && walker.bytes < most_bytes && Instant::now() < deadline {
        let room = (walk.max_pages - walker.pages.len()).min(AT_ONCE);
        let batch: Vec<(Url, usize)> = walker.waiting.drain(..walker.waiting.len().min(room)).collect();
        if batch.is_empty() {
            break;
        }
        let fetch = walker.fetch;
        let fetched: Vec<_> = stream::iter(batch)
            .map(|(url, depth)| async move { (fetch.page(&url).await, url, depth) })
            .buffered(AT_ONCE)
            .collect()
            .await;
        for (fetched, url, depth) in fetched {
            walker.take(fetched, &url, depth).await;
        }
        if !progress.told(walker.pages.len(), walker.pages.len() + walker.waiting.len()).await {
            return Err("it was changed meanwhile".to_owned());
        }
    }
    walker.end(deadline)
}

impl Walker<'_> {
    /// Reads `robots.txt`, finds the first pages, and follows the first one if
    /// it moves: `example.com` is often `www.example.com`.
    async fn begin(&mut self, start: &Url) -> Result<(), String> {
        self.host = self.fetch.settle(start).await.map_err(|miss| miss.told(start))?;
        self.robots = self
            .fetch
            .robots(&self.host)
            .await
            .map_err(|miss| format!("robots.txt of {}: {miss}", host(&self.host)))?;
        let first = self.host.clone();
        if self.walk.follow != "links" {
            let mut maps = self.robots.sitemaps.clone();
            if maps.is_empty() {
                maps.extend(self.host.join("/sitemap.xml"));
            }
            let listed = sitemap::read(self.fetch, &maps, &self.host, self.walk.max_pages).await;
            for url in listed {
                // What a sitemap lists is where the walk ends.
                self.offer(url, self.walk.max_depth);
            }
            if self.waiting.is_empty() && self.walk.follow == "sitemap" {
                return Err(format!("there is no sitemap of {} that lists pages", host(&self.host)));
            }
        }
        if self.waiting.is_empty() {
            self.offer(first, 0);
        }
        Ok(())
    }

    /// Puts a page on the list, once, if it may be read at all.
    fn offer(&mut self, url: Url, depth: usize) {
        let url = plain(url);
        if url.as_str().len() > MAX_URL_BYTES || url.path().split('/').count() > MAX_PARTS {
            return;
        }
        if !is_same_host(&url, &self.host) || !self.seen.insert(url.clone()) {
            return;
        }
        if url.query().is_some() {
            let count = self.queries.entry(url.path().to_owned()).or_default();
            *count += 1;
            if *count > MAX_QUERIES {
                self.leave_out(LeftOut::TooMany);
                return;
            }
        }
        if !self.robots.allows(&url) {
            self.leave_out(LeftOut::Robots);
            self.first_miss.get_or_insert_with(|| format!("robots.txt of {} forbids it", host(&url)));
            return;
        }
        self.waiting.push_back((url, depth));
    }

    async fn take(&mut self, fetched: Result<Fetched, Miss>, asked: &Url, depth: usize) {
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(miss) => {
                self.first_miss.get_or_insert_with(|| miss.told(asked));
                self.leave_out(match miss {
                    Miss::TooLarge(_) => LeftOut::TooLarge,
                    Miss::Kind(_) => LeftOut::OtherKind,
                    Miss::Elsewhere(_) => LeftOut::Elsewhere,
                    _ => LeftOut::Failed,
                });
                return;
            }
        };
        let url = plain(fetched.url);
        if url != *asked && (!self.seen.insert(url.clone()) || !self.robots.allows(&url)) {
            return;
        }
        let read = if fetched.is_html {
            let (body, base) = (fetched.text, fetched.base);
            let reading = tokio::task::spawn_blocking(move || html::read(&body, Some(&base)));
            match reading.await {
                Ok(Ok(read)) => read,
                Ok(Err(error)) => {
                    self.first_miss.get_or_insert_with(|| format!("{asked}: {error}"));
                    return self.leave_out(LeftOut::Failed);
                }
                Err(_) => return self.leave_out(LeftOut::Failed),
            }
        } else {
            Html {
                markdown: if fetched.is_markdown { fetched.text } else { unmarked(&fetched.text) },
                ..Html::default()
            }
        };
        if depth < self.walk.max_depth && !read.is_dead_end {
            for link in read.links {
                self.offer(link, depth + 1);
            }
        }
        if read.is_unlisted {
            return self.leave_out(LeftOut::Unlisted);
        }
        // The page says which of its addresses is the one to cite.
        let shown = read.canonical.map(plain).filter(|canonical| is_same_host(canonical, &self.host));
        let shown = shown.unwrap_or(url);
        if read.markdown.trim().is_empty() {
            return self.leave_out(LeftOut::Empty);
        }
        let title = read.title.unwrap_or_else(|| shown.path().trim_matches('/').to_owned());
        let title = if title.is_empty() { host(&shown) } else { title };
        let title: String = title.chars().take(MAX_TITLE_CHARS).collect();
        let page = SourcePage { url: shown.into(), title, text: read.markdown };
        // The same text under another address: a loop, or a session in the path.
        if self.pages.iter().any(|known| known.url == page.url) || !self.texts.insert(spoken(&page.text)) {
            return;
        }
        self.bytes += page.text.len();
        if self.bytes > self.most_bytes {
            return self.leave_out(LeftOut::TooMany);
        }
        self.pages.push(page);
    }

    fn leave_out(&mut self, why: LeftOut) {
        *self.left_out.entry(why).or_default() += 1;
    }

    fn end(mut self, deadline: Instant) -> Result<Walked, String> {
        if self.pages.is_empty() {
            let why = self.first_miss.unwrap_or_else(|| "there is no page with text".to_owned());
            return Err(why);
        }
        if !self.waiting.is_empty() {
            *self.left_out.entry(LeftOut::TooMany).or_default() += self.waiting.len();
        }
        strip_repeated(&mut self.pages);
        let mut notes: Vec<String> =
            self.left_out.iter().map(|(why, count)| format!("{count} {}", why.words())).collect();
        if Instant::now() >= deadline {
            notes.push(format!("the walk ended after {} minutes", PATIENCE.as_secs() / 60));
        }
        let note = (!notes.is_empty()).then(|| format!("left out: {}", notes.join(", ")));
        Ok(Walked { pages: self.pages, note })
    }
}

/// Longest title of a page, in characters.
const MAX_TITLE_CHARS: usize = 200;

/// What a page says, without where its links lead: by it a page that loops is
/// known again.
fn spoken(markdown: &str) -> String {
    let mut said = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once("](") {
        said.push_str(before);
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    said.push_str(rest);
    key::digest(said.as_bytes())
}

/// A URL without what changes nothing of the page.
fn plain(mut url: Url) -> Url {
    url.set_fragment(None);
    if url.query().is_some() {
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| {
                let name = name.to_ascii_lowercase();
                !TRACKING
                    .iter()
                    .any(|known| if known.ends_with('_') { name.starts_with(known) } else { name == *known })
            })
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        if kept.is_empty() {
            url.set_query(None);
        } else {
            url.query_pairs_mut().clear().extend_pairs(kept);
        }
    }
    url
}

fn is_same_host(one: &Url, other: &Url) -> bool {
    one.host_str() == other.host_str() && one.port_or_known_default() == other.port_or_known_default()
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}
