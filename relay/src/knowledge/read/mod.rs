//! From what was sent to pages of Markdown: a file by its kind.

pub mod apart;
pub mod html;
mod pdf;

use std::path::Path;

use crate::store::SourcePage;

/// Why a file cannot be used, in words for whoever sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not one of the kinds that are read.
    #[error("files of the type {0} are not read; there are Markdown, HTML, plain text and PDF")]
    Kind(String),
    /// Bytes that are no text.
    #[error("the file is not UTF-8 text (byte {0})")]
    NotText(usize),
    /// A PDF that cannot be taken apart.
    #[error("the PDF cannot be read: {0}")]
    Pdf(String),
    /// HTML that no browser would show.
    #[error("the HTML is nested deeper than {0} elements")]
    Deep(usize),
    /// There is nothing in it.
    #[error("there is no text in it")]
    Empty,
    /// The reader broke over it.
    #[error("the file broke its reader")]
    Broken,
    /// It kept its reader busy.
    #[error("reading the file took longer than {0} s")]
    Slow(u64),
}

/// A kind of file that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `CommonMark` with tables.
    Markdown,
    /// A web page.
    Html,
    /// Text without marks.
    Plain,
    /// A PDF with text in it; pictures of text are not read.
    Pdf,
}

impl FileKind {
    /// The kind of a file, by its media type, or by its name where that says
    /// nothing.
    pub fn of(media_type: &str, name: &str) -> Result<Self, Unreadable> {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
        let extension = extension.unwrap_or_default().to_ascii_lowercase();
        Ok(match (essence.as_str(), extension.as_str()) {
            ("text/markdown" | "text/x-markdown", _)
            | ("text/plain" | "application/octet-stream" | "", "md" | "markdown") => Self::Markdown,
            ("text/html" | "application/xhtml+xml", _)
            | ("application/octet-stream" | "", "html" | "htm") => Self::Html,
            ("application/pdf", _) | ("application/octet-stream" | "", "pdf") => Self::Pdf,
            ("text/plain", _) | ("application/octet-stream" | "", "txt") => Self::Plain,
            ("application/octet-stream" | "", _) => {
                return Err(Unreadable::Kind(format!("of {name:?}")));
            }
            (other, _) => return Err(Unreadable::Kind(other.to_owned())),
        })
    }

    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
            Self::Plain => "text/plain",
            Self::Pdf => "application/pdf",
        }
    }
}

/// The page that a file is, and what was left out of it.
pub async fn file(
    kind: FileKind,
    title: &str,
    bytes: Vec<u8>,
    bounds: &apart::Bounds,
) -> Result<(SourcePage, Option<String>), Unreadable> {
    if kind == FileKind::Pdf {
        let read = apart::pdf(bytes, bounds).await?;
        return Ok((page(title, read.text), read.note));
    }
    let title = title.to_owned();
    let reading = tokio::task::spawn_blocking(move || plain_file(kind, &title, &bytes));
    match tokio::time::timeout(bounds.time, reading).await {
        Ok(Ok(page)) => Ok((page?, None)),
        Ok(Err(_)) => Err(Unreadable::Broken),
        Err(_) => Err(Unreadable::Slow(bounds.time.as_secs())),
    }
}

/// The page that a file of text is.
fn plain_file(kind: FileKind, title: &str, bytes: &[u8]) -> Result<SourcePage, Unreadable> {
    let text = text(bytes)?;
    let page = match kind {
        FileKind::Html => page(title, html::read(&text, None)?.markdown),
        FileKind::Markdown => page(title, text),
        FileKind::Plain | FileKind::Pdf => page(title, unmarked(&text)),
    };
    if page.text.trim().is_empty() { Err(Unreadable::Empty) } else { Ok(page) }
}

fn page(title: &str, text: String) -> SourcePage {
    SourcePage { url: String::new(), title: title.to_owned(), text }
}

/// UTF-8 without the mark that some editors put before it.
fn text(bytes: &[u8]) -> Result<String, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| Unreadable::NotText(error.valid_up_to()))?;
    match text.find('\0') {
        Some(at) => Err(Unreadable::NotText(at)),
        None => Ok(text.to_owned()),
    }
}

/// Plain text as Markdown that says the same: what would begin a heading, a
/// list or code does not.
pub(super) fn unmarked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', '>', '`', '~', '=', '|', '<', '[']) {
            out.push('\\');
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_file_is_told_by_type_or_else_by_name() {
        for (media_type, name, expected) in [
            ("text/markdown; charset=utf-8", "x", Some(FileKind::Markdown)),
            ("application/octet-stream", "a.MD", Some(FileKind::Markdown)),
            ("text/plain", "notes.md", Some(FileKind::Markdown)),
            ("text/plain", "notes", Some(FileKind::Plain)),
            ("", "a.html", Some(FileKind::Html)),
            ("application/pdf", "a.html", Some(FileKind::Pdf)),
            ("application/zip", "a.md", None),
            ("", "a.exe", None),
        ] {
            assert_eq!(FileKind::of(media_type, name).ok(), expected, "{media_type} {name}");
        }
    }

    #[test]
    fn a_file_becomes_a_page_or_says_what_is_wrong_with_it() {
        let read = |kind, bytes: &[u8]| plain_file(kind, "T", bytes);
        assert_eq!(read(FileKind::Markdown, b"\xef\xbb\xbf# A\n\nb").unwrap().text, "# A\n\nb");
        assert_eq!(read(FileKind::Plain, b"# no heading\n  x").unwrap().text, "\\# no heading\nx\n");
        assert_eq!(read(FileKind::Plain, b"caf\xe9"), Err(Unreadable::NotText(3)));
        assert_eq!(read(FileKind::Plain, b" \n "), Err(Unreadable::Empty));
        assert_eq!(read(FileKind::Html, b"<script>x</script>"), Err(Unreadable::Empty));
    }
}
