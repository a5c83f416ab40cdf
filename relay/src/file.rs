//! What a file is, told by its bytes. What a browser says of it is a guess from
//! its name, and what an attacker says of it is a lie.

use std::str::FromStr;

/// A kind of file that the relay can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A picture.
    Png,
    /// A picture.
    Jpeg,
    /// A picture, perhaps a moving one.
    Gif,
    /// A picture.
    Webp,
    /// A document.
    Pdf,
    /// Text of no kind of its own.
    Text,
    /// Text with Markdown in it.
    Markdown,
    /// A table as text.
    Csv,
    /// JSON.
    Json,
}

/// Names are cut here: file systems take no longer ones.
const MAX_NAME_CHARS: usize = 120;

impl FileKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Png,
        Self::Jpeg,
        Self::Gif,
        Self::Webp,
        Self::Pdf,
        Self::Text,
        Self::Markdown,
        Self::Csv,
        Self::Json,
    ];

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain",
            Self::Markdown => "text/markdown",
            Self::Csv => "text/csv",
            Self::Json => "application/json",
        }
    }

    /// Whether it is a picture.
    pub fn is_image(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Gif | Self::Webp)
    }

    /// Whether it can be read as text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Markdown | Self::Csv | Self::Json)
    }

    /// What the bytes are. `unverified_type` decides between kinds of text alone,
    /// which no bytes tell apart; a text that says that it is something else, a
    /// page or a drawing with scripts say, is refused.
    pub fn of(bytes: &[u8], unverified_type: &str) -> Option<Self> {
        let begins = |magic: &[u8]| bytes.starts_with(magic);
        if begins(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        if begins(b"\xff\xd8\xff") {
            return Some(Self::Jpeg);
        }
        if begins(b"GIF87a") || begins(b"GIF89a") {
            return Some(Self::Gif);
        }
        if begins(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return Some(Self::Webp);
        }
        if begins(b"%PDF-") {
            return Some(Self::Pdf);
        }
        let essence = unverified_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let claimed = match essence.as_str() {
            "" | "application/octet-stream" | "text/plain" => Self::Text,
            "text/markdown" | "text/x-markdown" => Self::Markdown,
            // What Windows says of a .csv where Excel is installed.
            "text/csv" | "application/csv" | "application/vnd.ms-excel" => Self::Csv,
            "application/json" | "text/json" => Self::Json,
            _ => return None,
        };
        is_text(bytes).then_some(claimed)
    }
}

impl FromStr for FileKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.media_type() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|kind| kind.media_type()).collect();
            format!("a media type that the relay can tell by its bytes is expected: {}", known.join(", "))
        })
    }
}

/// UTF-8 without what no text holds.
fn is_text(bytes: &[u8]) -> bool {
    let is_odd =
        |character: char| character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\x0c');
    std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(is_odd))
}

/// A file's name as it may be stored and shown: its last part, without what
/// would turn its reading direction, end a line or be a path.
pub fn safe_name(unverified_name: &str) -> String {
    let last = unverified_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_kept = |character: &char| {
        !character.is_control()
            && !matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let name: String = last.chars().filter(is_kept).take(MAX_NAME_CHARS).collect();
    let name = name.trim().trim_start_matches('.');
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_say_what_a_file_is_and_not_its_sender() {
        for (bytes, claimed, kind) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], "text/html", Some(FileKind::Png)),
            (b"\xff\xd8\xff\xe0", "", Some(FileKind::Jpeg)),
            (b"GIF89a..", "image/png", Some(FileKind::Gif)),
            (b"RIFF\0\0\0\0WEBPVP8 ", "", Some(FileKind::Webp)),
            (b"RIFF\0\0\0\0WAVEfmt ", "", None),
            (b"%PDF-1.7", "", Some(FileKind::Pdf)),
            (b"# Title\n", "text/markdown", Some(FileKind::Markdown)),
            ("a;ä\n".as_bytes(), "text/csv; charset=utf-8", Some(FileKind::Csv)),
            (b"plain", "application/octet-stream", Some(FileKind::Text)),
            (b"<script>alert(1)</script>", "text/html", None),
            (b"<svg onload=alert(1)>", "image/svg+xml", None),
            (b"MZ\x90\x00\x03", "text/plain", None),
            (b"not a picture", "image/png", None),
            (b"\xff\xfe\x00", "text/plain", None),
        ] {
            assert_eq!(FileKind::of(bytes, claimed), kind, "{claimed} {bytes:?}");
        }
    }

    #[test]
    fn a_name_is_no_path_and_turns_nothing_round() {
        for (given, kept) in [
            ("notes.txt", "notes.txt"),
            ("C:\\Users\\a\\bill.pdf", "bill.pdf"),
            ("../../etc/passwd", "passwd"),
            ("..", "file"),
            ("", "file"),
            ("gpj.\u{202e}exe", "gpj.exe"),
            ("a\r\nX-Evil: 1", "aX-Evil: 1"),
            (".htaccess", "htaccess"),
        ] {
            assert_eq!(safe_name(given), kept, "{given:?}");
        }
        assert_eq!(safe_name(&"ü".repeat(500)).chars().count(), MAX_NAME_CHARS);
    }

    #[test]
    fn every_kind_is_found_by_its_media_type() {
        for kind in FileKind::ALL {
            assert_eq!(kind.media_type().parse::<FileKind>(), Ok(kind));
        }
        assert!("image/svg+xml".parse::<FileKind>().unwrap_err().contains("image/png"));
    }
}
