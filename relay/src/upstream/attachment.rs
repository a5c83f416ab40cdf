//! Files of the visitor's, as providers are given them: in the request itself.
//! A provider could not fetch them, since they are their visitor's alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chinwag_protocol::{Part, UiMessage};

use super::Turn;
use crate::file::FileKind;

/// Most bytes of files that a turn brings along: the newest ones. What base64
/// makes of them still fits into what providers take.
pub const MAX_TURN_BYTES: usize = 36 * 1024 * 1024;

/// A file of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Where the message's part says that it is.
    pub url: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// What is in it.
    pub body: Bytes,
}

/// A part of a question that is more than text.
#[derive(Debug)]
pub(super) enum Piece<'t> {
    /// What the visitor wrote, or what stands in a file of text.
    Text(String),
    /// A picture.
    Image(&'t Attachment),
    /// A document.
    Document(&'t Attachment),
}

impl Attachment {
    /// All of it as an address.
    pub fn data_url(&self) -> String {
        let mut url = format!("data:{};base64,", self.media_type);
        STANDARD.encode_string(&self.body, &mut url);
        url
    }
}

/// The addresses of all files of a transcript, those of the newest message
/// first.
pub fn addresses<'m>(messages: impl DoubleEndedIterator<Item = &'m UiMessage>) -> Vec<&'m str> {
    let file = |part: &'m Part| match part {
        Part::File { url, .. } => Some(url.as_str()),
        _ => None,
    };
    messages.rev().flat_map(|message| message.parts.iter().filter_map(file)).collect()
}

/// A question in pieces, for interfaces that take a text or a list; `None` if it
/// is text alone. A file that is no longer there is named.
pub(super) fn pieces<'t>(message: &UiMessage, turn: &'t Turn) -> Option<Vec<Piece<'t>>> {
    if !message.parts.iter().any(|part| matches!(part, Part::File { .. })) {
        return None;
    }
    let mut pieces = Vec::new();
    let text = message.text();
    if !text.trim().is_empty() {
        pieces.push(Piece::Text(text));
    }
    for part in &message.parts {
        let Part::File { url, filename, .. } = part else { continue };
        let name = filename.as_deref().unwrap_or("file");
        pieces.push(match turn.file(url) {
            None => Piece::Text(format!("[The file {name} is no longer at hand.]")),
            Some(file) => match file.media_type.parse::<FileKind>() {
                Ok(kind) if kind.is_image() => Piece::Image(file),
                Ok(kind) if kind.is_text() => {
                    Piece::Text(format!("The file {name}:\n\n{}", String::from_utf8_lossy(&file.body)))
                }
                _ => Piece::Document(file),
            },
        });
    }
    Some(pieces)
}
