//! All documents of a folder at one moment: read, split and indexed. Never
//! changed; a change of the folder makes a new one.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tracing::warn;
use url::Url;

use super::folder::Found;
use super::index::{Index, Place};
use super::markdown::{Document, Section};

/// What stays as it is in a path or fragment of a URL.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The documents of a folder at one moment.
#[derive(Debug)]
pub(crate) struct Corpus {
    root: PathBuf,
    documents: Vec<Document>,
    by_path: HashMap<String, usize>,
    images: BTreeMap<String, PathBuf>,
    pub(super) index: Index,
}

/// Where a link of a document leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// Out of the folder, by a scheme that is safe to follow.
    Web(String),
    /// To a document of the folder, perhaps to one of its headings.
    Document(&'a Document, Option<&'a str>),
    /// To an image of the folder.
    Image(&'a str),
}

impl Corpus {
    pub(super) fn build(root: &Path, found: Found) -> tantivy::Result<Self> {
        let mut documents = Vec::with_capacity(found.documents.len());
        for (path, text) in found.documents {
            // One file that trips the Markdown parser must not cost the others.
            match catch_unwind(AssertUnwindSafe(|| Document::parse(&path, &text))) {
                Ok(document) => documents.push(document),
                Err(_) => {
                    warn!(file = %root.join(&path).display(), "left out: its Markdown cannot be parsed");
                }
            }
        }
        let index = Index::build(&documents)?;
        let by_path =
            documents.iter().enumerate().map(|(at, document)| (document.path.clone(), at)).collect();
        Ok(Self { root: root.to_owned(), documents, by_path, images: found.images, index })
    }

    /// Every document, by path.
    pub(crate) fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The document at a path under the folder.
    pub(crate) fn document(&self, path: &str) -> Option<&Document> {
        self.by_path.get(path).and_then(|at| self.documents.get(*at))
    }

    /// The file of an image that was found in the folder.
    pub(crate) fn image(&self, path: &str) -> Option<&Path> {
        self.images.get(path).map(PathBuf::as_path)
    }

    /// The folder, canonical.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn section(&self, place: Place) -> Option<(&Document, &Section)> {
        let document = self.documents.get(place.document)?;
        Some((document, document.sections.get(place.section)?))
    }

    /// Follows a link of the document `from`. `None`: it is unsafe, or leads to
    /// nothing that is served.
    pub(crate) fn follow(&self, from: &Document, destination: &str) -> Option<Target<'_>> {
        let destination = destination.trim();
        if destination.is_empty()
            || destination.chars().any(char::is_control)
            || destination.starts_with("//")
        {
            return None;
        }
        if let Some(scheme) = scheme(destination) {
            let is_safe =
                ["http", "https", "mailto", "tel"].iter().any(|safe| scheme.eq_ignore_ascii_case(safe));
            return is_safe
                .then(|| Url::parse(destination).ok())
                .flatten()
                .map(|url| Target::Web(url.into()));
        }
        let (path, fragment) = destination
            .split_once('#')
            .map_or((destination, None), |(path, fragment)| (path, Some(fragment)));
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        if path.is_empty() {
            let own = self.document(&from.path)?;
            return Some(Target::Document(own, anchor(own, fragment)));
        }
        let path = join(&from.path, &percent_decode_str(path).decode_utf8().ok()?)?;
        if let Some((image, _)) = self.images.get_key_value(&path) {
            return Some(Target::Image(image));
        }
        let document = self.document_for(&path)?;
        Some(Target::Document(document, anchor(document, fragment)))
    }

    /// The document that a path of a link means: itself, without its
    /// extension, or the first page of a folder.
    fn document_for(&self, path: &str) -> Option<&Document> {
        let stem = path.strip_suffix(".html").unwrap_or(path);
        let under = if path.is_empty() { String::new() } else { format!("{path}/") };
        [path.to_owned(), format!("{stem}.md"), format!("{under}index.md"), format!("{under}README.md")]
            .iter()
            .find_map(|candidate| self.document(candidate))
    }
}

/// The path of a served document or image, from the root of the relay.
pub(crate) fn served_path(agent: &str, path: &str, fragment: Option<&str>) -> String {
    let mut url = format!("/docs/{}", utf8_percent_encode(agent, ENCODED));
    for part in path.split('/') {
        url.push('/');
        url.extend(utf8_percent_encode(part, ENCODED));
    }
    if let Some(fragment) = fragment {
        url.push('#');
        url.extend(utf8_percent_encode(fragment, ENCODED));
    }
    url
}

/// The scheme of a link that has one; `a/b:c` has none.
fn scheme(destination: &str) -> Option<&str> {
    let (scheme, _) = destination.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme.then_some(scheme)
}

/// An anchor that the document really has.
fn anchor<'a>(document: &'a Document, fragment: Option<&str>) -> Option<&'a str> {
    let wanted = percent_decode_str(fragment?).decode_utf8().ok()?;
    document.anchors.iter().map(String::as_str).find(|anchor| *anchor == wanted)
}

/// A relative path from a document, as a path under the folder. `None` if it
/// leads out of it.
fn join(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = match path.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.rsplit_once('/').map_or_else(Vec::new, |(folder, _)| folder.split('/').collect()),
    };
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_what_is_served_and_nowhere_else() {
        let mut found = Found::default();
        for (path, text) in
            [("a.md", "# A\n\n## Two words\n\nx"), ("deep/b c.md", "# B"), ("deep/index.md", "# I")]
        {
            found.documents.insert(path.into(), text.into());
        }
        found.images.insert("pic.png".into(), "/x/pic.png".into());
        let corpus = Corpus::build(Path::new("/x"), found).unwrap();
        let from = corpus.document("deep/b c.md").unwrap();
        let followed = |destination: &str| {
            corpus.follow(from, destination).map(|target| match target {
                Target::Web(url) => url,
                Target::Document(document, fragment) => served_path("d", &document.path, fragment),
                Target::Image(path) => format!("image {path}"),
            })
        };
        for (destination, expected) in [
            ("../a.md#two-words", Some("/docs/d/a.md#two-words")),
            ("../a#gone", Some("/docs/d/a.md")),
            ("/a.html", Some("/docs/d/a.md")),
            ("#b", Some("/docs/d/deep/b%20c.md#b")),
            ("b%20c.md?x=1", Some("/docs/d/deep/b%20c.md")),
            (".", Some("/docs/d/deep/index.md")),
            ("../pic.png", Some("image pic.png")),
            ("https://a.example/x", Some("https://a.example/x")),
            ("mailto:a@b.example", Some("mailto:a@b.example")),
            ("../../etc/passwd", None),
            ("..%2f..%2fa.md", None),
            ("../gone.md", None),
            ("javascript:alert(1)", None),
            ("JaVaScRiPt:alert(1)", None),
            ("java\tscript:alert(1)", None),
            ("data:text/html,x", None),
            ("//evil.example", None),
            ("", None),
        ] {
            assert_eq!(followed(destination).as_deref(), expected, "{destination}");
        }
    }
}
