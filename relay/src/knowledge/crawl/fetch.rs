//! Fetches one thing of a website, within bounds, and follows its redirects
//! step by step: each is checked as the first address was.

use std::path::Path;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use http::{Method, StatusCode};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::is_same_host;
use super::robots::Robots;
use crate::outward::{Outward, OutwardError, describe};

/// Largest page, in bytes: one of a thousand times the text of a book's page.
const MAX_PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Largest `robots.txt`, in bytes, as RFC 9309 asks for; and sitemap.
const MAX_ROBOTS_BYTES: usize = 500 * 1024;
const MAX_SITEMAP_BYTES: usize = 10 * 1024 * 1024;

/// Redirects from one page to where it is.
const MAX_REDIRECTS: usize = 5;

/// Longest wait for one page, from the first byte asked to the last one read.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    /// Where it was found in the end.
    pub(super) url: Url,
    /// The same with its query as it was, for relative links.
    pub(super) base: Url,
    pub(super) text: String,
    pub(super) is_html: bool,
    pub(super) is_markdown: bool,
}

/// Why nothing was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Miss {
    #[error("{0}")]
    Refused(#[from] OutwardError),
    #[error("it answered {0}")]
    Status(u16),
    #[error("{0}")]
    Connection(String),
    #[error("no answer in time")]
    Late,
    #[error("it is larger than {0} bytes")]
    TooLarge(usize),
    #[error("{0} is neither HTML nor text")]
    Kind(String),
    #[error("it leads to {0}, which is another host")]
    Elsewhere(String),
    #[error("it redirects without end")]
    Loop,
}

impl Miss {
    /// With the address that it is about.
    pub(super) fn told(&self, url: &Url) -> String {
        format!("{url}: {self}")
    }
}

/// How everything of one walk is fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fetch<'f> {
    pub(super) outward: &'f Outward,
    /// When the walk ends.
    pub(super) deadline: Instant,
}

impl Fetch<'_> {
    /// Where an address leads in the end; it may be another host.
    pub(super) async fn settle(self, url: &Url) -> Result<Url, Miss> {
        let deadline = self.until();
        let (url, answer) = self.open(url, None, deadline).await?;
        // What it says is read when its turn comes.
        drop(answer);
        Ok(url)
    }

    /// One page of the host of `url`.
    pub(super) async fn page(self, url: &Url) -> Result<Fetched, Miss> {
        let deadline = self.until();
        let (found, answer) = self.open(url, Some(url), deadline).await?;
        if !answer.status().is_success() {
            return Err(Miss::Status(answer.status().as_u16()));
        }
        let media_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or("text/html").to_ascii_lowercase();
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_owned();
        let (is_html, is_markdown) = match essence.as_str() {
            "text/html" | "application/xhtml+xml" => (true, false),
            "text/markdown" | "text/x-markdown" => (false, true),
            "text/plain" => (
                false,
                Path::new(found.path()).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("md")),
            ),
            _ => return Err(Miss::Kind(essence)),
        };
        let bytes = read(answer, MAX_PAGE_BYTES, deadline).await?;
        // Pages in other encodings are few now; their ASCII stays readable.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Fetched { base: found.clone(), url: found, text, is_html, is_markdown })
    }

    /// The rules of a host. Without an answer nothing is allowed (RFC 9309,
    /// 2.3.1.4); where there are none, everything is.
    pub(super) async fn robots(self, host: &Url) -> Result<Robots, Miss> {
        let Ok(url) = host.join("/robots.txt") else { return Ok(Robots::default()) };
        let deadline = self.until();
        let (_, answer) = match self.open(&url, None, deadline).await {
            Ok(opened) => opened,
            Err(Miss::Loop) => return Ok(Robots::default()),
            Err(miss) => return Err(miss),
        };
        match answer.status() {
            status if status.is_success() => {}
            status if status.is_server_error() => return Err(Miss::Status(status.as_u16())),
            _ => return Ok(Robots::default()),
        }
        let bytes = match read(answer, MAX_ROBOTS_BYTES, deadline).await {
            Ok(bytes) => bytes,
            // What is longer than anybody reads is no rule.
            Err(Miss::TooLarge(_)) => return Ok(Robots::default()),
            Err(miss) => return Err(miss),
        };
        Ok(Robots::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// A sitemap of the host of `host`, as text.
    pub(super) async fn sitemap(self, url: &Url) -> Result<String, Miss> {
        let deadline = self.until();
        let (_, answer) = self.open(url, Some(url), deadline).await?;
        if !answer.status().is_success() {
            return Err(Miss::Status(answer.status().as_u16()));
        }
        let bytes = read(answer, MAX_SITEMAP_BYTES, deadline).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn until(self) -> Instant {
        self.deadline.min(Instant::now() + PATIENCE)
    }

    /// The head of an answer that is no redirect, and where it was found; on one
    /// host if `within` says which.
    async fn open(
        self,
        url: &Url,
        within: Option<&Url>,
        deadline: Instant,
    ) -> Result<(Url, reqwest::Response), Miss> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let request = self.outward.request(Method::GET, &url)?;
            let request =
                request.header(ACCEPT, "text/html, text/markdown;q=0.9, text/plain;q=0.8, */*;q=0.1");
            let answer = match timeout_at(deadline, request.send()).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) => return Err(Miss::Connection(describe(&error))),
                Err(_) => return Err(Miss::Late),
            };
            let is_redirect = answer.status().is_redirection() && answer.status() != StatusCode::NOT_MODIFIED;
            let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let Some(next) = location.filter(|_| is_redirect).and_then(|next| url.join(next).ok()) else {
                return Ok((url, answer));
            };
            if within.is_some_and(|within| !is_same_host(&next, within)) {
                return Err(Miss::Elsewhere(next.host_str().unwrap_or_default().to_owned()));
            }
            url = next;
        }
        Err(Miss::Loop)
    }
}

/// A body, as it arrives: one that is too large is not read to its end.
async fn read(mut answer: reqwest::Response, most: usize, deadline: Instant) -> Result<Vec<u8>, Miss> {
    let told = answer.content_length().and_then(|length| usize::try_from(length).ok());
    if told.is_some_and(|length| length > most) {
        return Err(Miss::TooLarge(most));
    }
    let mut bytes = Vec::new();
    loop {
        match timeout_at(deadline, answer.chunk()).await {
            Ok(Ok(Some(piece))) => bytes.extend_from_slice(&piece),
            Ok(Ok(None)) => return Ok(bytes),
            Ok(Err(error)) => return Err(Miss::Connection(describe(&error))),
            Err(_) => return Err(Miss::Late),
        }
        if bytes.len() > most {
            return Err(Miss::TooLarge(most));
        }
    }
}
