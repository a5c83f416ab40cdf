//! Files that a visitor sends along: chosen, checked, on their way to the relay,
//! and as parts of messages. The bytes stay in the shell; here are only names.

use chinwag_protocol::{FieldError, Fields, FileLimits, FromFields, ObjectWriter, Part, StoredFile};

use super::failure::Failure;

/// Names a file for as long as the widget lives. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId(pub u32);

/// A file that the visitor has chosen, dropped or pasted.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Names it from now on.
    pub id: FileId,
    /// What it is called.
    pub name: String,
    /// What the browser takes it for; often nothing.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where the browser has it, if it is a picture.
    pub preview: Option<String>,
}

/// A file in the composer.
#[derive(Debug, Clone, PartialEq)]
pub struct Attachment {
    /// The file as it was chosen.
    pub file: Chosen,
    /// How far it got.
    pub progress: Progress,
    /// Whether the token was replaced once because of it.
    pub(super) token_replaced: bool,
}

/// How far a file in the composer got.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// On its way, so much of it in percent.
    Sending(u8),
    /// The relay has it.
    Stored(StoredFile),
    /// It did not get there. The browser still has it.
    Failed(Failure),
}

/// Why a file that was chosen is not in the composer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// Larger than so many bytes.
    TooLarge(u64),
    /// Of a kind that is not taken.
    Kind,
    /// Nothing is in it.
    Empty,
    /// There are so many already, and no more may be.
    TooMany(u64),
}

/// The files in the composer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tray {
    /// Those that go with the next message.
    pub attachments: Vec<Attachment>,
    /// Those that do not, by their names.
    pub left_out: Vec<(String, Objection)>,
}

impl Tray {
    /// Whether a message may go with what is in it: all of it has arrived.
    pub fn is_ready(&self) -> bool {
        self.attachments.iter().all(|attachment| matches!(attachment.progress, Progress::Stored(_)))
    }

    /// Whether nothing is in it, and nothing was left out of it.
    pub fn is_empty(&self) -> bool {
        self.attachments.is_empty() && self.left_out.is_empty()
    }

    pub(super) fn find(&mut self, id: FileId) -> Option<&mut Attachment> {
        self.attachments.iter_mut().find(|attachment| attachment.file.id == id)
    }
}

/// A file of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentFile {
    /// Where the relay has it.
    pub url: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub media_type: String,
}

impl SentFile {
    /// Whether it can be shown as a picture.
    pub fn is_picture(&self) -> bool {
        self.media_type.starts_with("image/")
    }

    /// The part of a message that stands for it.
    pub fn to_part(&self) -> Part {
        Part::File {
            url: self.url.clone(),
            media_type: self.media_type.clone(),
            filename: Some(self.name.clone()),
        }
    }

    /// The same as JSON.
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::default();
        object.text("type", "file");
        object.text("url", &self.url);
        object.text("mediaType", &self.media_type);
        object.text("filename", &self.name);
        object.finish()
    }

    /// The files among the parts of a message. One whose address is no path of
    /// the relay's is none: it could lead anywhere.
    pub fn among(parts: &[Part]) -> Vec<Self> {
        let file = |part: &Part| match part {
            Part::File { url, media_type, filename } if is_of_relay(url) => Some(Self {
                url: url.clone(),
                name: filename.clone().unwrap_or_default(),
                media_type: media_type.clone(),
            }),
            _ => None,
        };
        parts.iter().filter_map(file).collect()
    }
}

impl FromFields for SentFile {
    fn from_fields(fields: &Fields<'_>) -> Result<Self, FieldError> {
        let url = fields.need_text("url")?;
        if !is_of_relay(&url) {
            return Err(FieldError::Wrong("url"));
        }
        Ok(Self {
            url,
            name: fields.text("filename")?.unwrap_or_default(),
            media_type: fields.text("mediaType")?.unwrap_or_default(),
        })
    }
}

/// The access token is sent there, so it must not lead elsewhere.
fn is_of_relay(url: &str) -> bool {
    let id = url.strip_prefix("/v1/files/").unwrap_or_default();
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What speaks against a file, if anything does. `held` is how many there are.
pub fn objection(file: &Chosen, held: usize, limits: &FileLimits) -> Option<Objection> {
    if held as u64 >= limits.max_count {
        return Some(Objection::TooMany(limits.max_count));
    }
    if file.bytes == 0 {
        return Some(Objection::Empty);
    }
    if !limits.types.iter().any(|kind| kind == media_type_of(file)) {
        return Some(Objection::Kind);
    }
    (file.bytes > limits.max_bytes).then_some(Objection::TooLarge(limits.max_bytes))
}

/// The kind of a file: what the browser takes it for, or what its name ends
/// with, since browsers know few kinds of text.
fn media_type_of(file: &Chosen) -> &str {
    const KINDS: [(&str, &str); 5] = [
        ("txt", "text/plain"),
        ("log", "text/plain"),
        ("md", "text/markdown"),
        ("csv", "text/csv"),
        ("json", "application/json"),
    ];
    let end = file.name.rsplit('.').next().unwrap_or_default();
    let named = KINDS.iter().find(|(known, _)| end.eq_ignore_ascii_case(known));
    named.map_or(file.media_type.as_str(), |(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(name: &str, media_type: &str, bytes: u64) -> Chosen {
        Chosen { id: FileId(1), name: name.into(), media_type: media_type.into(), bytes, preview: None }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_known_before_it_is_sent() {
        let types = ["image/png", "text/markdown"].map(str::to_owned).into();
        let limits = FileLimits { max_bytes: 10, max_count: 2, types };
        let wrong = |file: Chosen, held| objection(&file, held, &limits);
        assert_eq!(wrong(chosen("a.png", "image/png", 10), 1), None);
        assert_eq!(wrong(chosen("A.MD", "", 1), 0), None, "by its name");
        assert_eq!(wrong(chosen("a.png", "image/png", 11), 0), Some(Objection::TooLarge(10)));
        assert_eq!(wrong(chosen("a.png", "image/png", 0), 0), Some(Objection::Empty));
        assert_eq!(wrong(chosen("a.bmp", "image/bmp", 1), 0), Some(Objection::Kind));
        assert_eq!(wrong(chosen("a", "", 1), 0), Some(Objection::Kind));
        assert_eq!(wrong(chosen("a.png", "image/png", 1), 2), Some(Objection::TooMany(2)));
    }

    #[test]
    fn a_file_of_a_message_leads_to_the_relay_or_is_none() {
        let file =
            SentFile { url: "/v1/files/a1".into(), name: "a \"b\"".into(), media_type: "image/png".into() };
        assert_eq!(SentFile::from_json(&file.to_json()), Ok(file.clone()));
        assert_eq!(SentFile::among(&[file.to_part()]), [file]);
        for bad in [
            "https://evil.example/x",
            "//evil.example/v1/files/a",
            "/v1/files/../token",
            "/v1/files/",
            "data:,",
        ] {
            let part = Part::File { url: bad.into(), media_type: String::new(), filename: None };
            assert!(SentFile::among(&[part]).is_empty(), "{bad}");
        }
    }
}
